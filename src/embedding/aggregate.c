/*
 * aggregate.c
 *	  avg and sum of embeddings, also in parallel.
 *
 * The state adds in double, so that the order of rows hardly matters.
 */
#include "postgres.h"

#include <math.h>

#include "embedding/embedding.h"
#include "server/compat.h"

typedef struct SumState
{
	int32		vl_len_;		/* varlena header: serialized as it is */
	int32		dims;
	int32		model;			/* tag that the rows agree on, or 0 */
	int32		unused;
	int64		count;
	double		sum[FLEXIBLE_ARRAY_MEMBER];
} SumState;

#define SUM_STATE_SIZE(dims) (offsetof(SumState, sum) + sizeof(double) * (Size) (dims))

PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_accumulate);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_combine);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_sum_serialize);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_sum_deserialize);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_avg_final);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_sum_final);

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate support function called outside of an aggregate");
	return context;
}

static SumState *
new_state(MemoryContext context, int dims, int model)
{
	SumState   *state = MemoryContextAllocZero(context, SUM_STATE_SIZE(dims));

	SET_VARSIZE(state, SUM_STATE_SIZE(dims));
	state->dims = dims;
	state->model = model;
	return state;
}

/* Dimensions and tag of a further row or partial sum must agree. */
static void
check_state(SumState *state, int dims, int model)
{
	if (state->dims != dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different numbers of dimensions: %d and %d",
						state->dims, dims)));
	if (state->model == 0)
		state->model = model;
	else if (model != 0 && model != state->model)
		embedding_raise_model_mismatch(state->model, model);
}

/*
 * avg(embedding), sum(embedding): one more row.  NULL is left out; another
 * number of dimensions or another model's tag than that of the rows before is
 * an ERROR.  These functions refuse to run outside of an aggregate, since a
 * state is a pointer.
 */
Datum
embedding_accumulate(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	SumState   *state = PG_ARGISNULL(0) ? NULL :
	(SumState *) PG_GETARG_POINTER(0);
	Embedding  *e;
	const float *x;

	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	e = PG_GETARG_EMBEDDING_P(1);
	if (state == NULL)
		state = new_state(context, e->dims, e->model);
	check_state(state, e->dims, e->model);
	state->count++;
	x = embedding_floats(e, NULL);
	for (int i = 0; i < e->dims; i++)
		state->sum[i] += x[i];
	PG_RETURN_POINTER(state);
}

/* Two partial sums, whose dimensions and tags must agree as those of rows */
Datum
embedding_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	SumState   *a = PG_ARGISNULL(0) ? NULL : (SumState *) PG_GETARG_POINTER(0);
	SumState   *b = PG_ARGISNULL(1) ? NULL : (SumState *) PG_GETARG_POINTER(1);

	if (b == NULL)
	{
		if (a == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(a);
	}
	if (a == NULL)
		a = new_state(context, b->dims, b->model);
	check_state(a, b->dims, b->model);
	a->count += b->count;
	for (int i = 0; i < b->dims; i++)
		a->sum[i] += b->sum[i];
	PG_RETURN_POINTER(a);
}

/*
 * A state on its way to the leader, and back: of the size that its dimensions
 * say
 */
Datum
embedding_sum_serialize(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	PG_RETURN_BYTEA_P(PG_GETARG_POINTER(0));
}

Datum
embedding_sum_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes;
	SumState   *state;

	(void) aggregate_context(fcinfo);
	bytes = PG_GETARG_BYTEA_P_COPY(0);
	state = (SumState *) bytes;
	if (VARSIZE(bytes) < SUM_STATE_SIZE(1) ||
		VARSIZE(bytes) != SUM_STATE_SIZE(state->dims))
		elog(ERROR, "serialized aggregate state has a wrong size");
	PG_RETURN_POINTER(state);
}

static Embedding *
final_value(const SumState *state, double divisor)
{
	Embedding  *result = embedding_new(state->dims);

	result->model = state->model;
	for (int i = 0; i < state->dims; i++)
		result->x[i] = (float4) (state->sum[i] / divisor);
	embedding_check_finite(result);
	return result;
}

/*
 * The results: NULL of no row, an ERROR if an element leaves the range of float
 */
Datum
embedding_avg_final(PG_FUNCTION_ARGS)
{
	SumState   *state;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = (SumState *) PG_GETARG_POINTER(0);
	PG_RETURN_EMBEDDING_P(final_value(state, (double) state->count));
}

Datum
embedding_sum_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_EMBEDDING_P(final_value((SumState *) PG_GETARG_POINTER(0), 1));
}
