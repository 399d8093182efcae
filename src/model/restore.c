/*
 * restore.c
 *	  Models while a dump is being loaded: waiting for them, and refusing
 *	  definitions that would need them too early.
 *
 * PostgreSQL loads the rows of tables in an order that knows nothing of
 * embed().  Our tables come first when one session loads them (their schema's
 * name sees to that), but the sessions of pg_restore -j take the largest tables
 * first, and build the index of one while others are still being filled.  An
 * index on embed(version, ...) then waits here.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/backend_status.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "model/model_catalog.h"
#include "model/restore.h"
#include "server/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(check_definition);

/* ---- waiting ---- */

/* How often a session looks, and how long it waits while all others are idle */
#define LOOK_MS 50
#define PATIENCE_MS 2000

/*
 * Is it loading rows or building an index?  Not if it waits as we do, or for a
 * lock, which may be ours.
 */
static bool
is_at_work(const PgBackendStatus *session)
{
	PGPROC	   *process = BackendPidGetProc(session->st_procpid);
	uint32		wait = process == NULL ? 0 : process->wait_event_info;

	return process != NULL && session->st_state == STATE_RUNNING &&
		wait != PG_WAIT_EXTENSION && (wait & 0xFF000000) != PG_WAIT_LOCK;
}

/* Count other sessions of this application, and those of them that are at work. */
static int
count_sessions(int *at_work)
{
	int			sessions = 0;

	*at_work = 0;
	pgstat_clear_backend_activity_snapshot();
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		const PgBackendStatus *session = &backend_status(i)->backendStatus;

		if (session->st_backendType != B_BACKEND ||
			session->st_databaseid != MyDatabaseId ||
			session->st_procpid == MyProcPid ||
			strcmp(session->st_appname, application_name) != 0)
			continue;
		sessions++;
		if (is_at_work(session))
			(*at_work)++;
	}
	return sessions;
}

static void
look_again(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 LOOK_MS, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

void
restore_await_version(int id)
{
	TimestampTz busy = GetCurrentTimestamp();

	if (IsInParallelMode())
		return;
	while (!catalog_version_is_usable(id))
	{
		int			at_work;
		int			sessions = count_sessions(&at_work);

		if (at_work > 0)
			busy = GetCurrentTimestamp();
		if (sessions == 0 ||
			TimestampDifferenceExceeds(busy, GetCurrentTimestamp(),
									   PATIENCE_MS))
			break;
		look_again();
	}
	/* if only the right to use it is missing, the caller says so */
	if (!catalog_version_is_there(id))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model version %d does not exist yet", id),
				 errdetail("A dump is being loaded, and the tables of models come later."),
				 errhint("Load it in three steps: pg_restore --section=pre-data, --section=data, --section=post-data.")));
}

/* ---- definitions ---- */

/*
 * pg_dump loads rows before it can know that it needs a model: what is computed
 * from embed() while a row is stored would fail then, and the rows be lost.
 * (Indexes come after the rows, defaults are not computed for rows of a dump.)
 */
static void
refuse(const char *what, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s \"%s\" cannot be computed with embed()", what, name),
			 errdetail("When a dump is loaded, the rows may come before the model and would be lost."),
			 errhint("Make it a plain column that similarity.attach() keeps current, or build an index on the expression.")));
}

static void
check_default(Oid id)
{
	ObjectAddress column = GetAttrDefaultColumnAddress(id);
	HeapTuple	tuple = SearchSysCache2(ATTNUM,
										ObjectIdGetDatum(column.objectId),
										Int16GetDatum(column.objectSubId));

	if (!HeapTupleIsValid(tuple))
		return;
	if (((Form_pg_attribute) GETSTRUCT(tuple))->attgenerated != '\0')
		refuse("generated column",
			   NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
	ReleaseSysCache(tuple);
}

static void
check_constraint(Oid id)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(id));

	if (!HeapTupleIsValid(tuple))
		return;
	if (((Form_pg_constraint) GETSTRUCT(tuple))->contype == CONSTRAINT_CHECK)
		refuse("check constraint",
			   NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname));
	ReleaseSysCache(tuple);
}

static void check_dependents(Oid function);

/* What this command made and what depends on the function */
static void
check_dependent(Form_pg_depend dependent, bool is_new)
{
	if (dependent->classid == ProcedureRelationId)
		check_dependents(dependent->objid);
	else if (!is_new)
		return;
	else if (dependent->classid == AttrDefaultRelationId)
		check_default(dependent->objid);
	else if (dependent->classid == ConstraintRelationId)
		check_constraint(dependent->objid);
	else if (dependent->classid == RelationRelationId &&
			 get_rel_relkind(dependent->objid) == RELKIND_PARTITIONED_TABLE)
		refuse("partition key of", get_rel_name(dependent->objid));
}

static void
check_dependents(Oid function)
{
	Relation	relation = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	check_stack_depth();
	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(function));
	scan = systable_beginscan(relation, DependReferenceIndexId, true, NULL, 2,
							  keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		check_dependent((Form_pg_depend) GETSTRUCT(tuple),
						TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

/* The spellings of embed() in a schema */
static void
check_spelling(const char *name, Oid schema)
{
	CatCList   *functions = SearchSysCacheList1(PROCNAMEARGSNSP,
												CStringGetDatum(name));

	for (int i = 0; i < functions->n_members; i++)
	{
		Form_pg_proc function =
		(Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);

		if (function->pronamespace == schema)
			check_dependents(function->oid);
	}
	ReleaseSysCacheList(functions);
}

/*
 * check_definition(): event trigger at the end of commands that define tables
 * and domains; an ERROR if a dump could not load what was made
 */
Datum
check_definition(PG_FUNCTION_ARGS)
{
	Oid			schema = get_namespace_oid(embedding_schema_name(), false);

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("similarity.check_definition must be called as an event trigger")));
	check_spelling("embed", schema);
	check_spelling("embed_image", schema);
	PG_RETURN_NULL();
}
