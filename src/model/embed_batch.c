/*
 * embed_batch.c
 *	  embed_batch(model, input) OVER (): embed() that looks ahead.
 *
 * A window function sees its partition, so it can fetch the inputs of the next
 * hundreds of rows, run the network once on all of them and answer row by row.
 * Its mark follows, so that PostgreSQL lets go of rows already read.  The first
 * batch is small, for queries with a LIMIT, and each next one is larger.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "model/input.h"
#include "model/model.h"
#include "model/network.h"
#include "model/resolve.h"
#include "server/call_progress.h"
#include "server/guc.h"

#define FIRST_ROWS 16
#define ROWS_PER_THREAD 240
#define MAX_BATCH_BYTES (32 * 1024 * 1024)

/* What lives as long as a partition; zeroed at its start. */
typedef struct BatchState
{
	MemoryContext context;		/* of the runner */
	MemoryContext batch;		/* inputs and results of the current batch */
	MemoryContext row;			/* of a row that is read */
	CatalogVersion version;		/* that the runner runs */
	NetworkRunner *runner;
	int			runner_rows;	/* it was made for */
	int			target;			/* rows of the next batch */
	int64		begin;			/* position of the batch's first row */
	int			count;
	Embedding **results;		/* NULL: the result is NULL */
	CallProgress progress;
	MemoryContextCallback ended;
} BatchState;

typedef struct BatchCall
{
	WindowObject window;
	InputKind	kind;
	bool		by_name;
	BatchState *state;
	int			current;		/* row of the batch that is read, or -1; */
	const int  *places;			/* while many are decoded: its index in here */
} BatchCall;

/* ---- how far it is ---- */

static void
end_progress(void *progress)
{
	call_progress_end(progress);
}

static bool
calls_function(Node *node, void *function)
{
	if (node == NULL)
		return false;
	if (IsA(node, WindowFunc))
		return castNode(WindowFunc, node)->winfnoid == *(Oid *) function;
	return expression_tree_walker(node, calls_function, function);
}

/* How many rows the planner expects of the window that has the function; or 0 */
static double
rows_of_window(const Plan *plan, Oid function)
{
	double		rows;

	if (plan == NULL)
		return 0;
	check_stack_depth();
	if (IsA(plan, WindowAgg) &&
		calls_function((Node *) plan->targetlist, &function))
		return plan->plan_rows;
	rows = rows_of_window(plan->lefttree, function);
	if (rows == 0)
		rows = rows_of_window(plan->righttree, function);
	if (rows == 0 && IsA(plan, SubqueryScan))
		rows = rows_of_window(((const SubqueryScan *) plan)->subplan, function);
	return rows;
}

/* The same of the statement that a client is waiting for */
static double
rows_of_statement(Oid function)
{
	const PlannedStmt *statement;
	ListCell   *cell;
	double		rows;

	if (ActivePortal == NULL || ActivePortal->stmts == NIL)
		return 0;
	statement = linitial_node(PlannedStmt, ActivePortal->stmts);
	rows = rows_of_window(statement->planTree, function);
	foreach(cell, statement->subplans)
	{
		if (rows == 0)
			rows = rows_of_window(lfirst(cell), function);
	}
	return rows;
}

static void
begin_progress(BatchState *state, MemoryContext partition, Oid function)
{
	call_progress_begin(&state->progress, CALL_EMBED_BATCH, InvalidOid, 0);
	call_progress_phase(&state->progress, PHASE_EMBEDDING,
						rows_of_statement(function));
	state->ended.func = end_progress;
	state->ended.arg = &state->progress;
	MemoryContextRegisterResetCallback(partition, &state->ended);
}

/* ---- batches ---- */

static BatchState *
get_state(WindowObject window, Oid function)
{
	BatchState *state = WinGetPartitionLocalMemory(window, sizeof(BatchState));

	if (state->context == NULL)
	{
		MemoryContext partition = GetMemoryChunkContext(state);

		state->batch = AllocSetContextCreate(partition, "embed_batch",
											 ALLOCSET_DEFAULT_SIZES);
		state->row = AllocSetContextCreate(partition, "embed_batch row",
										   ALLOCSET_DEFAULT_SIZES);
		state->context = AllocSetContextCreate(partition, "embed_batch network",
											   ALLOCSET_DEFAULT_SIZES);
		state->target = FIRST_ROWS;
		begin_progress(state, partition, function);
	}
	return state;
}

static CatalogVersion
resolve(const BatchCall *call, Datum model)
{
	if (call->by_name)
		return resolve_model(text_to_cstring(DatumGetTextPP(model)));
	return resolve_version(model_version_argument(DatumGetInt64(model)));
}

/* A runner for the version, large enough for the next batch */
static void
prepare_runner(BatchState *state, const CatalogVersion *version)
{
	if (state->runner != NULL && state->version.id == version->id &&
		state->runner_rows >= state->target)
		return;
	MemoryContextReset(state->context);
	state->runner = NULL;
	state->runner = network_runner(version, state->target, state->context);
	state->runner_rows = state->target;
	state->version = *version;
}

/* Argument of the row that is ahead rows after the current; false at the end. */
static bool
fetch(const BatchCall *call, int argument, int ahead, Datum *value,
	  bool *isnull)
{
	bool		isout;

	*value = WinGetFuncArgInPartition(call->window, argument, ahead, WINDOW_SEEK_CURRENT,
									  false, isnull, &isout);
	return !isout;
}

typedef enum RowState
{
	ROW_END,					/* end of the partition, or another model */
	ROW_NULL,					/* model or input is NULL, and so is the
								 * result */
	ROW_INPUT
} RowState;

/* Which row of the partition an input is of that is wrong */
static void
embed_batch_error_context(void *arg)
{
	const BatchCall *call = arg;
	int			row = call->current;

	if (row < 0)
		return;
	if (call->places != NULL)
		row = call->places[row];
	errcontext("row " INT64_FORMAT " of those that embed_batch() is called for",
			   call->state->begin + row + 1);
}

static void
open_input(BatchCall *call, int ahead, InputRow *row, Datum value)
{
	ErrorContextCallback callback = {error_context_stack, embed_batch_error_context, call};

	error_context_stack = &callback;
	call->current = ahead;
	input_open(row, network_runner_target(call->state->runner), call->kind,
			   value);
	error_context_stack = callback.previous;
}

/*
 * The runner was made for the current row's model, which is not asked again: a
 * volatile argument might name another one, and the batch would have no row.
 */
static RowState
fetch_row(BatchCall *call, int ahead, InputRow *row)
{
	const BatchState *state = call->state;
	Datum		value;
	bool		isnull;

	if (ahead > 0)
	{
		if (!fetch(call, 0, ahead, &value, &isnull))
			return ROW_END;
		if (isnull)
			return ROW_NULL;
		if (resolve(call, value).id != state->version.id)
			return ROW_END;
	}
	fetch(call, 1, ahead, &value, &isnull);
	if (isnull)
		return ROW_NULL;
	open_input(call, ahead, row, value);
	return ROW_INPUT;
}

/*
 * Collect the inputs from the current row on, with the room for their
 * embeddings; they must be copied, since the next fetch may overwrite them.
 * rows has those that are not NULL, places[i] is where rows[i] stands in the
 * batch.
 */
static int
collect(BatchCall *call, InputRow *rows, int *places)
{
	BatchState *state = call->state;
	Size		embedding = EMBEDDING_SIZE(nn_graph_outputs(network_runner_target(state->runner)->graph));
	Size		bytes = 0;
	int			n = 0;

	for (state->count = 0; state->count < state->target &&
		 bytes < MAX_BATCH_BYTES; state->count++)
	{
		InputRow	row;
		MemoryContext batch = MemoryContextSwitchTo(state->row);
		RowState	kind = fetch_row(call, state->count, &row);

		MemoryContextSwitchTo(batch);
		if (kind == ROW_END)
			break;
		if (kind == ROW_NULL)
			continue;
		rows[n] = row;
		bytes += input_keep(&rows[n]) + embedding;
		if (row.data == NULL)
			bytes += row.size;	/* of what it is decoded to */
		places[n++] = state->count;
		MemoryContextReset(state->row);
	}
	return n;
}

/* Of the rows that are files; an error names the place of one in the partition. */
static void
decode_inputs(BatchCall *call, InputRow *rows, int n, const int *places)
{
	ErrorContextCallback callback = {error_context_stack, embed_batch_error_context, call};

	call->places = places;
	error_context_stack = &callback;
	network_runner_decode(call->state->runner, rows, n, &call->current);
	error_context_stack = callback.previous;
	call->places = NULL;
}

/* Embed the rows from the current one, at position, on. */
static void
run_batch(BatchCall *call, int64 position)
{
	BatchState *state = call->state;
	MemoryContext caller;
	Embedding **out;
	InputRow   *rows;
	const void **data;
	int		   *places;
	int			n;

	MemoryContextReset(state->batch);
	caller = MemoryContextSwitchTo(state->batch);
	rows = palloc(state->target * sizeof(InputRow));
	data = palloc(state->target * sizeof(void *));
	places = palloc(state->target * sizeof(int));
	out = palloc(state->target * sizeof(Embedding *));
	state->results = palloc0(state->target * sizeof(Embedding *));
	state->begin = position;
	n = collect(call, rows, places);
	decode_inputs(call, rows, n, places);
	for (int i = 0; i < n; i++)
		data[i] = rows[i].data;
	state->progress.model = state->version.model;
	call_progress(&state->progress, position);
	network_run_many(state->runner, input_element(call->kind), data, n, out);
	for (int i = 0; i < n; i++)
		state->results[places[i]] = out[i];
	state->target = Min(state->target * 4,
						ROWS_PER_THREAD * guc_pool_threads());
	WinSetMarkPosition(call->window, position + state->count - 1);
	MemoryContextSwitchTo(caller);
}

static Datum
embed_batch(FunctionCallInfo fcinfo, InputKind kind, bool by_name)
{
	BatchCall	call = {PG_WINDOW_OBJECT(), kind, by_name, NULL};
	BatchState *state;
	CatalogVersion version;
	int64		position;
	Datum		model;
	bool		isnull;
	Embedding  *result;

	if (!WindowObjectIsValid(call.window))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("embed_batch must be called as a window function")));
	call.state = state = get_state(call.window,
								   fcinfo->flinfo->fn_oid);
	position = WinGetCurrentPosition(call.window);
	if (state->results == NULL || position >= state->begin + state->count)
	{
		state->results = NULL;
		model = WinGetFuncArgCurrent(call.window, 0, &isnull);
		if (isnull)
			PG_RETURN_NULL();
		version = resolve(&call, model);
		prepare_runner(state, &version);
		run_batch(&call, position);
	}
	result = state->results[position - state->begin];
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_EMBEDDING_P(result);
}

/*
 * embed_batch(model or version, input) OVER (): rights and inputs as embed()
 * checks them; NULL gives NULL; an ERROR unless called as a window function.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_batch_model_bytea);
Datum
embed_batch_model_bytea(PG_FUNCTION_ARGS)
{
	return embed_batch(fcinfo, INPUT_BYTES, true);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_batch_model_array);
Datum
embed_batch_model_array(PG_FUNCTION_ARGS)
{
	return embed_batch(fcinfo, INPUT_ARRAY, true);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_batch_model_embedding);
Datum
embed_batch_model_embedding(PG_FUNCTION_ARGS)
{
	return embed_batch(fcinfo, INPUT_EMBEDDING, true);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_batch_version_bytea);
Datum
embed_batch_version_bytea(PG_FUNCTION_ARGS)
{
	return embed_batch(fcinfo, INPUT_BYTES, false);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_batch_version_array);
Datum
embed_batch_version_array(PG_FUNCTION_ARGS)
{
	return embed_batch(fcinfo, INPUT_ARRAY, false);
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(embed_batch_version_embedding);
Datum
embed_batch_version_embedding(PG_FUNCTION_ARGS)
{
	return embed_batch(fcinfo, INPUT_EMBEDDING, false);
}
