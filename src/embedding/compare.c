/*
 * compare.c
 *	  Total order, equality and hashing: blind to the model tag, never raising.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "embedding/embedding.h"
#include "kernel/vector.h"
#include "server/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_lt);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_le);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_eq);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_ne);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_ge);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_gt);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_cmp);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_hash);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_hash_extended);

static int
compare_values(const Embedding *a, const Embedding *b)
{
	const float *x = embedding_floats(a, NULL);
	const float *y = embedding_floats(b, NULL);
	int			result = kernel_compare(x, a->dims, y, b->dims);

	if (x != a->x)
		pfree(unconstify(float *, x));
	if (y != b->x)
		pfree(unconstify(float *, y));
	return result;
}

static int
compare_arguments(FunctionCallInfo fcinfo)
{
	Embedding  *a = PG_GETARG_EMBEDDING_P(0);
	Embedding  *b = PG_GETARG_EMBEDDING_P(1);
	int			result = compare_values(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

/*
 * The operators and support functions of the btree class.  Total: any two
 * values compare, whatever their dimensions, precisions and tags.
 */
Datum
embedding_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

Datum
embedding_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

Datum
embedding_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == 0);
}

Datum
embedding_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) != 0);
}

Datum
embedding_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

Datum
embedding_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

Datum
embedding_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo));
}

/* Adding 0 turns -0, which equals 0, into 0. */
static uint64
hash_embedding(const Embedding *e, uint64 seed)
{
	uint64		hash = hash_bytes_uint32_extended(e->dims, seed);
	const float *elements = embedding_floats(e, NULL);

	for (int i = 0; i < e->dims; i++)
	{
		float4		x = elements[i] + 0.0f;

		hash = hash_bytes_extended((unsigned char *) &x, sizeof(x), hash);
	}
	return hash;
}

/* The hash class: what embedding_eq() takes for equal has one hash. */
Datum
embedding_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT32((uint32) hash_embedding(PG_GETARG_EMBEDDING_P(0), 0));
}

Datum
embedding_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT64(hash_embedding(PG_GETARG_EMBEDDING_P(0),
									PG_GETARG_INT64(1)));
}
