/*
 * distance.c
 *	  Distance operators and functions.
 *
 * They check dimensions and model tags, and leave the arithmetic to
 * kernel/.  All return float8.
 */
#include "postgres.h"

#include <math.h>

#include "compat.h"
#include "embedding/embedding.h"
#include "kernel/distance.h"
#include "kernel/vector.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(l2_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(l2_squared_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(cosine_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(inner_product);
PGDLLEXPORT PG_FUNCTION_INFO_V1(negative_inner_product);
PGDLLEXPORT PG_FUNCTION_INFO_V1(l1_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(snr_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(l2_norm);

typedef double (*DistanceFunction) (const Embedding *a, const Embedding *b);

/* Detoast, check, compute and free: the shell of every distance. */
static inline double
distance_of_arguments(FunctionCallInfo fcinfo, DistanceFunction distance)
{
	Embedding  *a = PG_GETARG_EMBEDDING_P(0);
	Embedding  *b = PG_GETARG_EMBEDDING_P(1);
	double		result;

	embedding_check_pair(a, b);
	result = distance(a, b);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

Datum
l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, embedding_l2_distance));
}

static double
l2_squared(const Embedding *a, const Embedding *b)
{
	return kernel_l2_squared_distance(a->x, b->x, a->dims);
}

Datum
l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, l2_squared));
}

Datum
cosine_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, embedding_cosine_distance));
}

Datum
inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-distance_of_arguments(fcinfo, embedding_negative_inner_product));
}

Datum
negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, embedding_negative_inner_product));
}

Datum
l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, embedding_l1_distance));
}

static double
snr(const Embedding *a, const Embedding *b)
{
	return kernel_snr_distance(a->x, b->x, a->dims);
}

Datum
snr_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, snr));
}

Datum
l2_norm(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);

	PG_RETURN_FLOAT8(kernel_norm(e->x, e->dims));
}
