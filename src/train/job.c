/*
 * job.c
 *	  similarity.train_background() and cancel_job(): trainings in a background
 *	  worker, as their callers see them.
 *
 * A job is a row with the statement that the worker runs, CALL
 * similarity.train(...) with the arguments of train_background(): it is
 * declared with those of train (sql/install/66-background.sql), and they are
 * taken from the catalog by name here.
 *
 * The worker is started at once, so that the call fails if there is none left,
 * and waits for the transaction that made the row.  If that is rolled back it
 * finds no row and ends.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/wait_event.h"

#include "model/model.h"
#include "model/model_catalog.h"
#include "server/arguments.h"
#include "server/compat.h"
#include "server/guc.h"
#include "server/json_object.h"
#include "server/role.h"
#include "train/job.h"
#include "train/train_options.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(train_background);
PGDLLEXPORT PG_FUNCTION_INFO_V1(job_state);
PGDLLEXPORT PG_FUNCTION_INFO_V1(cancel_job);

/* ---- what the worker is to do ---- */

/* Of an argument, since the job's row keeps it */
#define ARGUMENT_BYTES (1024 * 1024)

static void
append_argument(StringInfo statement, const char *name, Oid type,
				const NullableDatum *argument)
{
	Oid			output;
	bool		is_varlena;

	appendStringInfo(statement, "%s => ", quote_identifier(name));
	getTypeOutputInfo(type, &output, &is_varlena);
	if (is_varlena && !argument->isnull &&
		toast_raw_datum_size(argument->value) > ARGUMENT_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("argument \"%s\" is too large for a background job",
						name),
				 errdetail("It may have %d bytes.", ARGUMENT_BYTES),
				 errhint("Put what it holds into a table or a view.")));
	appendStringInfo(statement, "%s::%s", argument->isnull ? "NULL" :
					 quote_literal_cstr(OidOutputFunctionCall(output,
															  argument->value)),
					 format_type_be_qualified(type));
}

/* The same arguments by name, so that train may have them in any order */
static char *
train_statement(FunctionCallInfo fcinfo)
{
	int			level = NewGUCNestLevel();
	StringInfoData statement;
	HeapTuple	tuple;
	Oid		   *types;
	char	  **names;
	char	   *modes;
	int			n;

	tuple = SearchSysCache1(PROCOID,
							ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u",
			 fcinfo->flinfo->fn_oid);
	n = get_func_arg_info(tuple, &types, &names, &modes);
	ReleaseSysCache(tuple);
	portable_text();
	initStringInfo(&statement);
	appendStringInfoString(&statement, "CALL similarity.train(");
	for (int i = 0; i < Min(n, PG_NARGS()); i++)
	{
		if (i > 0)
			appendStringInfoString(&statement, ", ");
		append_argument(&statement, names[i], types[i], &fcinfo->args[i]);
	}
	appendStringInfoChar(&statement, ')');
	AtEOXact_GUC(false, level);
	return statement.data;
}

/* Settings that a session has for itself, and no other session may take over */
static bool
is_of_session(const char *name)
{
	static const char *const names[] = {
		"application_name", "client_encoding", "role", "seed",
		"session_authorization", "transaction_deferrable",
		"transaction_isolation", "transaction_read_only"
	};

	for (int i = 0; i < (int) lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/*
 * What this session has set, or its client when it connected: the query means
 * in the worker what it means here, by search_path above all, and by whatever
 * policies ask current_setting() for.
 */
static Jsonb *
session_settings(void)
{
	JsonObject	json;
	int			n;
	struct config_generic **settings = all_settings(&n);

	json_begin(&json);
	for (int i = 0; i < n; i++)
	{
		const struct config_generic *setting = settings[i];

		if ((setting->source == PGC_S_SESSION ||
			 setting->source == PGC_S_CLIENT) &&
			(setting->context == PGC_USERSET ||
			 setting->context == PGC_SUSET) &&
			!is_of_session(setting->name))
			json_text(&json, setting->name,
					  GetConfigOption(setting->name, true, false));
	}
	return json_end(&json);
}

static int64
record_job(FunctionCallInfo fcinfo, const CatalogModel *model)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model->id);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(GetUserId()), false);
	catalog_arg_text(&args, train_statement(fcinfo));
	catalog_arg(&args, JSONBOID, JsonbPGetDatum(session_settings()), false);
	if (catalog_run("INSERT INTO similarity.job (model, role, statement, settings)"
					" SELECT id, $2, $3, $4 FROM _similarity.model"
					" WHERE id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE RETURNING id",
					&args) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" was dropped", NameStr(model->name))));
	return catalog_column_bigint(0, 1, "a job");
}

/* ---- starting the worker ---- */

/* PostgreSQL asks this of a worker's role, too; here it can be explained. */
static void
require_login(void)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	bool		may = HeapTupleIsValid(tuple) &&
	((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	if (!may)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				 errmsg("role \"%s\" is not permitted to log in",
						GetUserNameFromId(GetUserId(), true)),
				 errdetail("A background worker logs in as the role that calls similarity.train_background()."),
				 errhint("Call it as a member of the role, without SET ROLE, or call similarity.train().")));
}

/* Workers that hold a job's lock and logged in as that role, in any database */
static int
count_jobs(Oid role)
{
	LockData   *all = GetLockStatusData();
	int			jobs = 0;

	for (int i = 0; i < all->nelements; i++)
	{
		const LockInstanceData *lock = &all->locks[i];
		PGPROC	   *holder;

		if (lock->locktag.locktag_type != LOCKTAG_ADVISORY ||
			lock->locktag.locktag_field4 != JOB_LOCK_CLASS ||
			(lock->holdMask & LOCKBIT_ON(ExclusiveLock)) == 0)
			continue;
		holder = BackendPidGetProc(lock->pid);
		jobs += holder != NULL && holder->roleId == role;
	}
	return jobs;
}

static void
require_room(void)
{
	if (count_jobs(GetUserId()) >= guc_max_jobs_per_role)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many background jobs of role \"%s\"",
						GetUserNameFromId(GetUserId(), true)),
				 errdetail("It may have %d at a time.", guc_max_jobs_per_role),
				 errhint("Wait for one to end. A superuser can raise similarity.max_jobs_per_role.")));
}

static BackgroundWorkerHandle *
start_worker(int64 job)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;
	JobStart	start = {
		.database = MyDatabaseId,.role = GetUserId(),
		.launcher = GetTopTransactionId(),.job = job
	};

	snprintf(worker.bgw_name, BGW_MAXLEN, "similarity job " INT64_FORMAT, job);
	strlcpy(worker.bgw_type, "similarity job", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "$libdir/similarity",
			sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, JOB_MAIN, BGW_MAXLEN);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	memcpy(worker.bgw_extra, &start, sizeof(start));
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker is left for the training"),
				 errhint("Wait for a job to end, or increase max_worker_processes.")));
	return handle;
}

static bool
has_worker(int64 job)
{
	LOCKTAG		tag;

	SET_LOCKTAG_JOB(tag, job);
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, false);
	return false;
}

/* How often a launcher looks; it takes some milliseconds to start a process. */
#define LOOK_MS 5

/* Return when the worker holds the job's lock. */
static void
await_worker(BackgroundWorkerHandle *handle, int64 job)
{
	pid_t		pid;

	while (!has_worker(job))
	{
		if (GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					 errmsg("the background worker ended before it began"),
					 errhint("The server's log says why.")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT |
						 WL_EXIT_ON_PM_DEATH, LOOK_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
start_job(int64 job)
{
	LOCKTAG		tag;

	SET_LOCKTAG_JOB_ROLE(tag, GetUserId());
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	require_room();
	await_worker(start_worker(job), job);
	LockRelease(&tag, ExclusiveLock, false);
}

/*
 * SELECT similarity.train_background(model, source, ...): the job's id.
 *
 * What train_model() checks without reading data is checked here, with the same
 * errors; then 28000 for a role that may not log in, 54000 for an argument
 * that is too large, 53400 if the role has as many jobs as it may or
 * max_worker_processes are in use, 53000 if the worker could not start.
 */
Datum
train_background(PG_FUNCTION_ARGS)
{
	TrainOptions options;
	CatalogModel model;
	int64		job;

	model_require_writable("similarity.train_background()");
	train_options_read(fcinfo, &options);
	catalog_get_model(options.model, &model);
	catalog_require_owner(&model);
	require_login();
	SPI_connect();
	job = record_job(fcinfo, &model);
	start_job(job);
	SPI_finish();
	PG_RETURN_INT64(job);
}

/* ---- what became of it ---- */

/*
 * The state of a job of which a snapshot says that it waits or runs, and whose
 * lock nobody holds: "dead", or what its worker has recorded since that
 * snapshot.  The lock is looked at before the row.  NULL if there is none, or
 * none that the current role may see.
 */
Datum
job_state(PG_FUNCTION_ARGS)
{
	CatalogArgs args = {0};
	bool		lives = has_worker(PG_GETARG_INT64(0));
	MemoryContext caller = CurrentMemoryContext;
	bool		ended;
	char	   *state = NULL;

	SPI_connect();
	catalog_arg_bigint(&args, PG_GETARG_INT64(0));
	if (catalog_run("SELECT state, ended IS NOT NULL, role FROM similarity.job"
					" WHERE id OPERATOR(pg_catalog.=) $1", &args) == 1 &&
		role_may_watch(catalog_column_oid(0, 3, "a job")))
	{
		ended = DatumGetBool(catalog_column_datum(0, 2, BOOLOID, "a job"));
		state = MemoryContextStrdup(caller, lives || ended ?
									catalog_column_text(0, 1, "a job") : "dead");
	}
	SPI_finish();
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(state));
}

/* ---- stopping it ---- */

/* The rule of pg_cancel_backend(), also for a job that has ended */
static void
require_signal_right(int64 job, Oid role)
{
	if (has_privs_of_role(GetUserId(), role) ||
		(has_privs_of_role(GetUserId(), ROLE_PG_SIGNAL_BACKEND) &&
		 !superuser_arg(role)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for job " INT64_FORMAT, job),
			 errdetail("Members of the job's role and of pg_signal_backend may cancel it.")));
}

/*
 * Stop a job as pg_cancel_backend() stops a statement; false if it has no
 * worker any more.  42704 if there is none, 42501 without the right.
 */
Datum
cancel_job(PG_FUNCTION_ARGS)
{
	int64		job = PG_GETARG_INT64(0);
	bool		sent = false;
	int			pid;

	SPI_connect();
	if (catalog_select("SELECT j.role, w.pid FROM similarity.job j"
					   " LEFT JOIN similarity.jobs w ON w.job OPERATOR(pg_catalog.=) j.id"
					   " WHERE j.id OPERATOR(pg_catalog.=) $1",
					   INT8OID, Int64GetDatum(job)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("job " INT64_FORMAT " does not exist", job)));
	require_signal_right(job, catalog_column_oid(0, 1, "a job"));
	pid = catalog_column_int_or_zero(0, 2, "a job");
	if (pid != 0)
		sent = DatumGetBool(DirectFunctionCall1(pg_cancel_backend,
												Int32GetDatum(pid)));
	SPI_finish();
	PG_RETURN_BOOL(sent);
}
