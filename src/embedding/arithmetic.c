/*
 * arithmetic.c
 *	  Functions and operators whose result is an embedding.
 *
 * The result carries the tag that its operands agree on.
 */
#include "postgres.h"

#include "compat.h"
#include "embedding/embedding.h"
#include "kernel/vector.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_add);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_subtract);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_multiply);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_concat);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_dims);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_model);
PGDLLEXPORT PG_FUNCTION_INFO_V1(l2_normalize);
PGDLLEXPORT PG_FUNCTION_INFO_V1(subvector);

typedef void (*ElementFunction) (const float *a, const float *b, size_t n, float *out);

static Embedding *
elementwise(FunctionCallInfo fcinfo, ElementFunction function)
{
	Embedding  *a = PG_GETARG_EMBEDDING_P(0);
	Embedding  *b = PG_GETARG_EMBEDDING_P(1);
	Embedding  *result;

	embedding_check_pair(a, b);
	result = embedding_new(a->dims);
	result->model = a->model != 0 ? a->model : b->model;
	function(a->x, b->x, a->dims, result->x);
	embedding_check_finite(result);
	return result;
}

Datum
embedding_add(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(elementwise(fcinfo, kernel_add));
}

Datum
embedding_subtract(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(elementwise(fcinfo, kernel_subtract));
}

Datum
embedding_multiply(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(elementwise(fcinfo, kernel_multiply));
}

/* The parts may come from different models: the result is no model's. */
Datum
embedding_concat(PG_FUNCTION_ARGS)
{
	Embedding  *a = PG_GETARG_EMBEDDING_P(0);
	Embedding  *b = PG_GETARG_EMBEDDING_P(1);
	Embedding  *result = embedding_new((int) a->dims + b->dims);

	memcpy(result->x, a->x, a->dims * sizeof(float4));
	memcpy(result->x + a->dims, b->x, b->dims * sizeof(float4));
	PG_RETURN_EMBEDDING_P(result);
}

Datum
embedding_dims(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_EMBEDDING_P(0)->dims);
}

Datum
embedding_model(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(PG_GETARG_EMBEDDING_P(0)->model);
}

Datum
l2_normalize(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);
	Embedding  *result = embedding_new(e->dims);

	kernel_normalize(e->x, e->dims, result->x);
	result->model = e->model;
	PG_RETURN_EMBEDDING_P(result);
}

/* subvector(e, start, count): as substr, what lies outside is left out. */
Datum
subvector(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);
	int64		start = PG_GETARG_INT32(1);
	int64		end = start + PG_GETARG_INT32(2);
	Embedding  *result;

	start = Max(start, 1);
	end = Min(end, (int64) e->dims + 1);
	if (end <= start)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("subvector must have at least 1 dimension")));
	result = embedding_new((int) (end - start));
	memcpy(result->x, e->x + start - 1, result->dims * sizeof(float4));
	PG_RETURN_EMBEDDING_P(result);
}
