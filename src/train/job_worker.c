/*
 * job_worker.c
 *	  The process of a job: it runs CALL similarity.train(...) as the role that
 *	  asked for it, keeps what is said meanwhile, and records how it ended.
 *
 * The process connects as that role and is no other at any time: neither RESET
 * ROLE nor RESET SESSION AUTHORIZATION leads anywhere, also when a superuser
 * called after SET ROLE.  Hence the role must be permitted to log in.  It begins
 * with the settings of that role and database, as a session does, and takes
 * what the launching session has set, or its client (PGC_S_SESSION,
 * PGC_S_CLIENT), since the query means what it means by them: search_path,
 * time zone, whatever row security asks current_setting()
 * for.  statement_timeout holds.
 *
 * INFO, NOTICE and WARNING, which a worker would send to nobody, are caught by
 * emit_log_hook, at most 100 between two writes, and written with what train()
 * commits next, and at the end.  An error is recorded with its SQLSTATE, detail
 * and hint, and is in the server's log.
 *
 * Whoever ends it without a word (SIGTERM, SIGKILL, a crash) leaves the job
 * "running" in the table, and its lock to nobody: similarity.jobs calls it dead.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "model/model.h"
#include "server/catalog.h"
#include "server/compat.h"
#include "train/job.h"

extern PGDLLEXPORT void similarity_job_main(Datum argument);

/* Messages that are kept between two writes; beyond them the oldest are lost. */
#define MESSAGES 100
#define MESSAGE_SIZE 1024

typedef struct JobMessage
{
	int			level;
	TimestampTz logged;
	char		content[MESSAGE_SIZE];
} JobMessage;

/* Of this process; job is 0 where it is none */
static JobStart start;
static JobMessage *messages;
static int64 said,				/* so many messages, */
			written;			/* and so many of them are in the table */
static int	server_level;		/* log_min_messages as the server has it */

/* ---- what is said ---- */

/* As is_log_level_output() of elog.c decides it */
static bool
is_for_server(int level)
{
	if (level == LOG || level == LOG_SERVER_ONLY)
		return server_level == LOG || server_level <= ERROR;
	if (server_level == LOG)
		return level >= FATAL;
	return level >= server_level;
}

/*
 * A worker has no client.  So that it makes messages for a client at all, its
 * log_min_messages is that of INFO; what is not for the server's log ends here.
 */
static void
keep_message(ErrorData *error)
{
	if ((error->elevel == INFO || error->elevel == NOTICE ||
		 error->elevel == WARNING) &&
		(error->elevel == INFO || error->elevel >= client_min_messages))
	{
		JobMessage *message = &messages[said++ % MESSAGES];

		message->level = error->elevel;
		message->logged = GetCurrentTimestamp();
		strlcpy(message->content, error->message ? error->message : "",
				MESSAGE_SIZE);
		message->content[pg_mbcliplen(message->content, strlen(message->content),
									  MESSAGE_SIZE - 1)] = '\0';
		written = Max(written, said - MESSAGES);
	}
	if (!is_for_server(error->elevel))
		error->output_to_server = false;
}

static void
keep_messages(void)
{
	messages = MemoryContextAlloc(TopMemoryContext,
								  sizeof(JobMessage) * MESSAGES);
	server_level = log_min_messages;
	emit_log_hook = keep_message;
	if (server_level > INFO || server_level == LOG)
		SetConfigOption("log_min_messages", "info", PGC_SUSET, PGC_S_OVERRIDE);
}

static void
write_message(const JobMessage *message, int64 number)
{
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, start.job);
	catalog_arg_bigint(&args, number);
	catalog_arg_text(&args, message->level == INFO ? "INFO" :
					 message->level == NOTICE ? "NOTICE" : "WARNING");
	catalog_arg_text(&args, message->content);
	catalog_arg(&args, TIMESTAMPTZOID, TimestampTzGetDatum(message->logged),
				false);
	(void) catalog_run("INSERT INTO similarity.job_message (job, number, severity, message, logged)"
					   " SELECT id, $2, $3, $4, $5 FROM similarity.job"
					   " WHERE id OPERATOR(pg_catalog.=) $1", &args);
}

static void
write_messages(void)
{
	while (written < said)
	{
		write_message(&messages[written % MESSAGES], written + 1);
		written++;
	}
}

void
job_report(int64 run)
{
	CatalogArgs args = {0};

	if (start.job == 0)
		return;
	write_messages();
	catalog_arg_bigint(&args, start.job);
	catalog_arg_bigint(&args, run);
	(void) catalog_run("UPDATE similarity.job SET run = $2"
					   " WHERE id OPERATOR(pg_catalog.=) $1 AND run IS DISTINCT FROM $2",
					   &args);
}

/* ---- the job's row ---- */

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
end_transaction(void)
{
	PopActiveSnapshot();
	SPI_finish();
	CommitTransactionCommand();
}

static void
lock_job(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_JOB(tag, start.job);
	StartTransactionCommand();
	(void) LockAcquire(&tag, ExclusiveLock, true, false);
	CommitTransactionCommand();
}

/* The role may start another from now on, not only when the process is gone. */
static void
unlock_job(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_JOB(tag, start.job);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

static void
await_launcher(void)
{
	StartTransactionCommand();
	XactLockTableWait(start.launcher, NULL, NULL, XLTW_None);
	CommitTransactionCommand();
}

/* The statement, in TopMemoryContext; NULL if the launcher was rolled back */
static char *
begin_job(void)
{
	CatalogArgs args = {0};
	char	   *statement = NULL;

	begin_transaction();
	catalog_arg_bigint(&args, start.job);
	if (catalog_run("UPDATE similarity.job SET state = 'running', started = pg_catalog.clock_timestamp()"
					" WHERE id OPERATOR(pg_catalog.=) $1 RETURNING statement", &args) == 1)
		statement = MemoryContextStrdup(TopMemoryContext,
										catalog_column_text(0, 1, "a job"));
	end_transaction();
	return statement;
}

/* Whoever launched the job had the right to each of these values. */
static void
take_settings(void)
{
	CatalogArgs args = {0};
	uint64		n;

	begin_transaction();
	catalog_arg_bigint(&args, start.job);
	n = catalog_read("SELECT s.key, s.value FROM similarity.job j, pg_catalog.jsonb_each_text(j.settings) s"
					 " WHERE j.id OPERATOR(pg_catalog.=) $1", &args);
	for (uint64 i = 0; i < n; i++)
		(void) set_config_option(catalog_column_text((int) i, 1, "a job"),
								 catalog_column_text((int) i, 2, "a job"),
								 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SET,
								 true, 0, false);
	end_transaction();
}

static const char *
end_state(const ErrorData *error)
{
	if (error == NULL)
		return "finished";
	return error->sqlerrcode == ERRCODE_QUERY_CANCELED ? "cancelled" : "failed";
}

static void
end_job(const ErrorData *error)
{
	CatalogArgs args = {0};

	await_launcher();
	begin_transaction();
	write_messages();
	catalog_arg_bigint(&args, start.job);
	catalog_arg_text(&args, end_state(error));
	catalog_arg_text(&args, error == NULL ? NULL : error->message);
	catalog_arg_text(&args, error == NULL ? NULL :
					 unpack_sql_state(error->sqlerrcode));
	catalog_arg_text(&args, error == NULL ? NULL : error->detail);
	catalog_arg_text(&args, error == NULL ? NULL : error->hint);
	(void) catalog_run("UPDATE similarity.job SET state = $2, error = $3, sqlstate = $4,"
					   " detail = $5, hint = $6, ended = pg_catalog.clock_timestamp()"
					   " WHERE id OPERATOR(pg_catalog.=) $1", &args);
	end_transaction();
}

/* ---- the statement ---- */

/*
 * As a client's statement is run, in a portal, within which a procedure may
 * commit.  What is planned must outlive these commits.
 */
static void
run_statement(const char *statement)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext,
												  "similarity job",
												  ALLOCSET_DEFAULT_SIZES);
	DestReceiver *receiver = CreateDestReceiver(DestNone);
	RawStmt    *raw;
	List	   *plans;
	Portal		portal;

	debug_query_string = statement;
	pgstat_report_activity(STATE_RUNNING, statement);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (StatementTimeout > 0)
		enable_timeout_after(STATEMENT_TIMEOUT, StatementTimeout);
	MemoryContextSwitchTo(context);
	raw = linitial_node(RawStmt, pg_parse_query(statement));
	PushActiveSnapshot(GetTransactionSnapshot());
	plans = pg_plan_queries(pg_analyze_and_rewrite_fixedparams(raw, statement,
															   NULL, 0, NULL),
							statement, 0, NULL);
	PopActiveSnapshot();
	portal = CreateNewPortal();
	portal->visible = false;
	PortalDefineQuery(portal, NULL, statement, CMDTAG_CALL, plans, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	run_portal(portal, receiver);
	PortalDrop(portal, false);
	disable_timeout(STATEMENT_TIMEOUT, false);
	CommitTransactionCommand();
}

/* As a session does after an error, which is returned for the record */
static ErrorData *
recover(void)
{
	ErrorData  *error;

	HOLD_INTERRUPTS();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	EmitErrorReport();
	MemoryContextSwitchTo(TopMemoryContext);
	error = CopyErrorData();
	FlushErrorState();
	AbortCurrentTransaction();
	PortalErrorCleanup();
	RESUME_INTERRUPTS();
	return error;
}

/* True unless the launcher was rolled back */
static bool
run_job(void)
{
	char	   *statement;

	await_launcher();
	statement = begin_job();
	if (statement == NULL)
		return false;
	take_settings();
	run_statement(statement);
	return true;
}

/*
 * A second cancel request must not keep the end of the first from being
 * recorded; the process can still be terminated.
 */
void
similarity_job_main(Datum argument)
{
	ErrorData  *volatile error = NULL;

	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof(start));
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(start.database, start.role, 0);
	keep_messages();
	lock_job();
	PG_TRY();
	{
		if (!run_job())
			proc_exit(0);
	}
	PG_CATCH();
	{
		error = recover();
	}
	PG_END_TRY();
	HOLD_CANCEL_INTERRUPTS();
	end_job(error);
	unlock_job();
	proc_exit(0);
}
