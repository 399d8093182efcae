/*
 * arithmetic.c
 *	  Functions and operators whose result is an embedding.
 *
 * Operands may be of any kind; the result is one of floats (of bits after
 * binary_quantize) and carries the tag that its operands agree on.
 */
#include "postgres.h"

#include "base/random.h"
#include "embedding/embedding.h"
#include "kernel/vector.h"
#include "server/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_add);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_subtract);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_multiply);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_scale);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_scale_left);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_divide);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_negate);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_concat);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_dims);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_model);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_l2_normalize);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_binary_quantize);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_subvector);
PGDLLEXPORT PG_FUNCTION_INFO_V1(random_embedding);

typedef void (*ElementFunction) (const float *a, const float *b, size_t n,
								 float *out);

static Embedding *
elementwise(FunctionCallInfo fcinfo, ElementFunction function)
{
	Embedding  *a = PG_GETARG_EMBEDDING_P(0);
	Embedding  *b = PG_GETARG_EMBEDDING_P(1);
	Embedding  *result;

	embedding_check_pair(a, b);
	result = embedding_new(a->dims);
	result->model = a->model != 0 ? a->model : b->model;
	function(embedding_floats(a, NULL), embedding_floats(b, NULL), a->dims,
			 result->x);
	embedding_check_finite(result);
	return result;
}

/*
 * e + e, e - e, e * e: of equal dimensions and tags that do not differ; an
 * ERROR if an element leaves the range of float
 */
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

static Embedding *
scaled(const Embedding *e, double number,
	   void (*function) (const float *x, double number, size_t n, float *out))
{
	Embedding  *result = embedding_new(e->dims);

	result->model = e->model;
	function(embedding_floats(e, NULL), number, e->dims, result->x);
	embedding_check_finite(result);
	return result;
}

/*
 * e * number, number * e, e / number, - e: the tag stays.  An ERROR if an
 * element is not finite afterwards, as with NaN or infinity; division by zero
 * has its own.
 */
Datum
embedding_scale(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(scaled(PG_GETARG_EMBEDDING_P(0), PG_GETARG_FLOAT8(1),
								 kernel_scale));
}

Datum
embedding_scale_left(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(scaled(PG_GETARG_EMBEDDING_P(1), PG_GETARG_FLOAT8(0),
								 kernel_scale));
}

Datum
embedding_divide(PG_FUNCTION_ARGS)
{
	double		divisor = PG_GETARG_FLOAT8(1);

	if (divisor == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DIVISION_BY_ZERO),
				 errmsg("division by zero")));
	PG_RETURN_EMBEDDING_P(scaled(PG_GETARG_EMBEDDING_P(0), divisor,
								 kernel_divide));
}

Datum
embedding_negate(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(scaled(PG_GETARG_EMBEDDING_P(0), -1, kernel_scale));
}

/*
 * e || e, of 16,384 dimensions at most.  The parts may come from different
 * models:  the result is no model's.
 */
Datum
embedding_concat(PG_FUNCTION_ARGS)
{
	Embedding  *a = PG_GETARG_EMBEDDING_P(0);
	Embedding  *b = PG_GETARG_EMBEDDING_P(1);
	Embedding  *result = embedding_new((int) a->dims + b->dims);

	embedding_decode(a, result->x);
	embedding_decode(b, result->x + a->dims);
	PG_RETURN_EMBEDDING_P(result);
}

/* dims(e), embedding_model(e): 0 if no model made it */
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

/* l2_normalize(e): zeros stay zeros */
Datum
similarity_l2_normalize(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);
	Embedding  *result = embedding_new(e->dims);

	kernel_normalize(embedding_floats(e, NULL), e->dims, result->x);
	result->model = e->model;
	PG_RETURN_EMBEDDING_P(result);
}

/* The tag stays: bits of one model's embeddings may be compared. */
Datum
similarity_binary_quantize(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(embedding_convert(PG_GETARG_EMBEDDING_P(0),
											ELEMENT_BIT));
}

/* subvector(e, start, count): as substr, what lies outside is left out. */
Datum
similarity_subvector(PG_FUNCTION_ARGS)
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
	memcpy(result->x, embedding_floats(e, NULL) + start - 1,
		   result->dims * sizeof(float4));
	PG_RETURN_EMBEDDING_P(result);
}

/*
 * random_embedding(dims, seed): stream 0 of the seed; dims within the type's
 * range
 */
Datum
random_embedding(PG_FUNCTION_ARGS)
{
	Embedding  *result = embedding_new(PG_GETARG_INT32(0));
	Random		random;

	random_init(&random, (uint64) PG_GETARG_INT64(1), 0);
	for (int i = 0; i < result->dims; i++)
		result->x[i] = (float4) random_normal(&random);
	PG_RETURN_EMBEDDING_P(result);
}
