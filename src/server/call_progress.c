/*
 * call_progress.c
 *	  How far a long call is, for who waits for it and for who looks on.
 *
 * What others see stands in PostgreSQL's own place for it, the progress slot of
 * each process in shared memory, under a command that PostgreSQL does not have:
 * its views pass it over, and ours over theirs (README, "Progress").
 */
#include "postgres.h"

#include "access/parallel.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "server/call.h"
#include "server/call_progress.h"
#include "server/compat.h"
#include "server/guc.h"
#include "server/role.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(list_calls);

#define OUR_COMMAND ((ProgressCommandType) 21321)

/* How often a slot is written, and no more often is a clock worth reading */
#define SHOW_US (100 * 1000)

static const char *const call_names[] = {
	"train", "embed_batch", "reembed", "evaluation", "lookup_all", "knn",
	"report", "verify_index", "projection", "index_recall", "audit",
	"calibration", "sample_batch", "batch_class_ratio", "index_info",
	"index_degrees"
};

static const char *const phase_names[] = {
	"reading validation", "reading rows", "training", "embedding", "comparing",
	"looking up", "copying", "checking", "projecting", "drawing",
	"following lists"
};

/* What stands where in a slot */
enum
{
	SLOT_KIND, SLOT_PHASE, SLOT_MODEL, SLOT_DONE, SLOT_TOTAL, SLOT_BASE,
	SLOT_STARTED, SLOT_PHASE_STARTED, SLOT_EPOCH, SLOT_EPOCHS, SLOT_STEP,
	SLOT_STEPS, SLOT_LOSS, SLOTS
};

StaticAssertDecl(SLOTS <= PGSTAT_NUM_PROGRESS_PARAM, "a slot has no more");

static uint64 calls;			/* of this process */
static uint64 shown_call;		/* whose our slot is, while it is ours */

/* ---- telling ---- */

/*
 * Is the slot ours to write?  Not while PostgreSQL has a command in it (COPY of
 * a query that embeds), nor another call of ours.  The abort of a transaction,
 * or a command in between, empties it, and a call that goes on takes it again.
 */
static bool
take_slot(const CallProgress *progress)
{
	if (progress->id == 0 || IsParallelWorker() || MyBEEntry == NULL)
		return false;
	if (MyBEEntry->st_progress_command == OUR_COMMAND)
		return shown_call == progress->id;
	if (MyBEEntry->st_progress_command != PROGRESS_COMMAND_INVALID)
		return false;
	pgstat_progress_start_command(OUR_COMMAND, progress->relation);
	shown_call = progress->id;
	return true;
}

static int64
bits_of(double value)
{
	int64		bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static double
of_bits(int64 bits)
{
	double		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void
show(const CallProgress *progress)
{
	int			places[SLOTS];
	const int64 values[SLOTS] = {
		[SLOT_KIND] = progress->kind,
		[SLOT_PHASE] = progress->phase,
		[SLOT_MODEL] = progress->model,
		[SLOT_DONE] = progress->done,
		[SLOT_TOTAL] = progress->total,
		[SLOT_BASE] = progress->base,
		[SLOT_STARTED] = progress->started,
		[SLOT_PHASE_STARTED] = progress->phase_started,
		[SLOT_EPOCH] = progress->training.epoch,
		[SLOT_EPOCHS] = progress->training.epochs,
		[SLOT_STEP] = progress->training.step,
		[SLOT_STEPS] = progress->training.steps,
		[SLOT_LOSS] = bits_of(progress->training.loss)
	};

	for (int i = 0; i < SLOTS; i++)
		places[i] = i;
	pgstat_progress_update_multi_param(SLOTS, places, values);
}

/* Seconds to the end of the phase at the speed so far; -1: not known */
static double
seconds_left(TimestampTz now, TimestampTz phase_started, int64 base,
			 int64 done, int64 total)
{
	if (done <= base || total < done || now <= phase_started)
		return -1;
	return (double) (now - phase_started) / USECS_PER_SEC *
		(double) (total - done) / (double) (done - base);
}

static void
append_duration(StringInfo line, double seconds)
{
	if (seconds < 120)
		appendStringInfo(line, "%.0f s", seconds);
	else if (seconds < 120 * 60)
		appendStringInfo(line, "%.0f min", seconds / 60);
	else
		appendStringInfo(line, "%.1f h", seconds / 3600);
}

static void
append_state(StringInfo line, const CallProgress *progress)
{
	const CallTraining *training = &progress->training;

	if (training->epoch > 0)
		appendStringInfo(line, "epoch %d of %d, step %d of %d, loss %.4f",
						 training->epoch, training->epochs, training->step,
						 training->steps, training->loss);
	else if (progress->total >= progress->done)
		appendStringInfo(line, INT64_FORMAT " of about " INT64_FORMAT " rows",
						 progress->done, progress->total);
	else
		appendStringInfo(line, INT64_FORMAT " rows", progress->done);
}

static void
say(const CallProgress *progress, TimestampTz now)
{
	double		left = seconds_left(now, progress->phase_started,
									progress->base, progress->done,
									progress->total);
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "%s: %s, ", call_names[progress->kind],
					 phase_names[progress->phase]);
	append_state(&line, progress);
	appendStringInfoString(&line, ", ");
	append_duration(&line, (double) (now - progress->started) / USECS_PER_SEC);
	if (left >= 0)
	{
		appendStringInfoString(&line, ", about ");
		append_duration(&line, left);
		appendStringInfoString(&line, " left");
	}
	ereport(INFO, (errmsg_internal("%s", line.data)));
	pfree(line.data);
}

/*
 * A line now and then: at first every interval, later when a tenth of the time
 * so far has passed.
 */
static bool
is_time_to_say(const CallProgress *progress, TimestampTz now)
{
	int64		interval = (int64) guc_progress_interval * 1000;

	return interval > 0 && !progress->quiet &&
		now - progress->said >= Max(interval, (now - progress->started) / 10);
}

/* ---- for callers ---- */

void
call_progress_begin(CallProgress *progress, CallKind kind, Oid relation,
					int32 model)
{
	memset(progress, 0, sizeof(*progress));
	progress->id = ++calls;
	progress->kind = kind;
	progress->relation = relation;
	progress->model = model;
	progress->started = progress->said = GetCurrentTimestamp();
	progress->phase_started = progress->started;
}

void
call_progress_phase(CallProgress *progress, CallPhase phase, double total)
{
	progress->phase = phase;
	progress->done = progress->base = 0;
	progress->total = total >= 1 && total < 1e18 ? (int64) total : 0;
	progress->phase_started = GetCurrentTimestamp();
	if (take_slot(progress))
		show(progress);
}

void
call_progress(CallProgress *progress, int64 done)
{
	TimestampTz now;

	progress->done = done;
	now = GetCurrentTimestamp();
	if (now - progress->shown < SHOW_US || !take_slot(progress))
		return;
	progress->shown = now;
	show(progress);
	if (is_time_to_say(progress, now))
	{
		say(progress, now);
		progress->said = now;
	}
}

void
call_progress_said(CallProgress *progress)
{
	progress->said = GetCurrentTimestamp();
}

void
call_progress_end(CallProgress *progress)
{
	if (progress->id != 0 && MyBEEntry != NULL &&
		MyBEEntry->st_progress_command == OUR_COMMAND &&
		shown_call == progress->id)
		pgstat_progress_end_command();
	progress->id = 0;
}

/* ---- for those who look ---- */

static bool
is_ours(const PgBackendStatus *session)
{
	const int64 *slot = session->st_progress_param;

	return session->st_procpid > 0 &&
		session->st_progress_command == OUR_COMMAND &&
		session->st_databaseid == MyDatabaseId &&
		slot[SLOT_KIND] >= 0 && slot[SLOT_KIND] < lengthof(call_names) &&
		slot[SLOT_PHASE] >= 0 && slot[SLOT_PHASE] < lengthof(phase_names);
}

enum
{
	CALL_PID, CALL_ROLE, CALL_NAME, CALL_PHASE, CALL_MODEL, CALL_RELATION,
	CALL_DONE, CALL_TOTAL, CALL_STARTED, CALL_LEFT, CALL_EPOCH, CALL_EPOCHS,
	CALL_STEP, CALL_STEPS, CALL_LOSS, CALL_COLUMNS
};

/* Columns as in sql/install/64-progress.sql; what is not known is NULL. */
static void
put_call(FunctionCallInfo fcinfo, const PgBackendStatus *session)
{
	const int64 *slot = session->st_progress_param;
	double		left = seconds_left(GetCurrentTimestamp(),
									slot[SLOT_PHASE_STARTED], slot[SLOT_BASE],
									slot[SLOT_DONE], slot[SLOT_TOTAL]);
	bool		trains = slot[SLOT_EPOCH] > 0;
	Datum		values[CALL_COLUMNS] = {
		[CALL_PID] = Int32GetDatum(session->st_procpid),
		[CALL_ROLE] = ObjectIdGetDatum(session->st_userid),
		[CALL_NAME] = CStringGetTextDatum(call_names[slot[SLOT_KIND]]),
		[CALL_PHASE] = CStringGetTextDatum(phase_names[slot[SLOT_PHASE]]),
		[CALL_MODEL] = Int32GetDatum((int32) slot[SLOT_MODEL]),
		[CALL_RELATION] = ObjectIdGetDatum(session->st_progress_command_target),
		[CALL_DONE] = Int64GetDatum(slot[SLOT_DONE]),
		[CALL_TOTAL] = Int64GetDatum(slot[SLOT_TOTAL]),
		[CALL_STARTED] = TimestampTzGetDatum(slot[SLOT_STARTED]),
		[CALL_LEFT] = Float8GetDatum(left),
		[CALL_EPOCH] = Int32GetDatum((int32) slot[SLOT_EPOCH]),
		[CALL_EPOCHS] = Int32GetDatum((int32) slot[SLOT_EPOCHS]),
		[CALL_STEP] = Int32GetDatum((int32) slot[SLOT_STEP]),
		[CALL_STEPS] = Int32GetDatum((int32) slot[SLOT_STEPS]),
		[CALL_LOSS] = Float8GetDatum(of_bits(slot[SLOT_LOSS]))
	};
	bool		nulls[CALL_COLUMNS] = {
		[CALL_MODEL] = slot[SLOT_MODEL] == 0,
		[CALL_RELATION] = !OidIsValid(session->st_progress_command_target),
		[CALL_TOTAL] = slot[SLOT_TOTAL] < Max(slot[SLOT_DONE], 1),
		[CALL_LEFT] = left < 0,
		[CALL_EPOCH] = !trains,
		[CALL_EPOCHS] = !trains,
		[CALL_STEP] = !trains,
		[CALL_STEPS] = !trains,
		[CALL_LOSS] = !trains
	};

	put_result_row(fcinfo, values, nulls);
}

/* Long calls in this database, of roles that the current one is a member of */
Datum
list_calls(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 1; i <= pgstat_fetch_stat_numbackends(); i++)
	{
		const PgBackendStatus *session = &backend_status(i)->backendStatus;

		if (is_ours(session) && role_may_watch(session->st_userid))
			put_call(fcinfo, session);
	}
	return (Datum) 0;
}
