/*
 * distance_operators.c
 *	  Distance operators and functions.
 *
 * They check dimensions and model tags, and leave the arithmetic to
 * kernel/.  All return float8.
 */
#include "postgres.h"

#include <math.h>

#include "utils/varbit.h"

#include "embedding/embedding.h"
#include "embedding/fetch.h"
#include "kernel/bits.h"
#include "kernel/mixed.h"
#include "kernel/vector.h"
#include "server/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_l2_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_l2_squared_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_cosine_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_inner_product);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_negative_inner_product);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_l1_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_snr_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_hamming_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_jaccard_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(bit_hamming_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(bit_jaccard_distance);
PGDLLEXPORT PG_FUNCTION_INFO_V1(within);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_l2_norm);

typedef double (*DistanceFunction) (const Embedding *a, const Embedding *b);

static inline MixedVector
vector_of(const Embedding *e)
{
	return (MixedVector)
	{
		e->kind, e->scale, embedding_elements(e)
	};
}

double
embedding_l2_squared_distance(const Embedding *a, const Embedding *b)
{
	return mixed_l2_squared_distance(vector_of(a), vector_of(b), a->dims);
}

double
embedding_l2_distance(const Embedding *a, const Embedding *b)
{
	return sqrt(embedding_l2_squared_distance(a, b));
}

double
embedding_cosine_distance(const Embedding *a, const Embedding *b)
{
	return mixed_cosine_distance(vector_of(a), vector_of(b), a->dims);
}

double
embedding_negative_inner_product(const Embedding *a, const Embedding *b)
{
	return -mixed_inner_product(vector_of(a), vector_of(b), a->dims);
}

double
embedding_l1_distance(const Embedding *a, const Embedding *b)
{
	return mixed_l1_distance(vector_of(a), vector_of(b), a->dims);
}

/* Fetch, check, compute and release: the shell of every distance. */
static pg_attribute_always_inline double
distance_of_arguments(FunctionCallInfo fcinfo, DistanceFunction distance)
{
	EmbeddingBuffer buffers[2];
	Embedding  *a = embedding_fetch(fcinfo, 0, &buffers[0]);
	Embedding  *b = embedding_fetch(fcinfo, 1, &buffers[1]);
	double		result;

	embedding_check_pair(a, b);
	result = distance(a, b);
	embedding_release(fcinfo, 0, a);
	embedding_release(fcinfo, 1, b);
	return result;
}

/*
 * The distances and their operators.  An ERROR if the dimensions differ, or the
 * tags of two models; NaN, which sorts last, where a distance is not defined.
 */
Datum
similarity_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, embedding_l2_distance));
}

Datum
similarity_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo,
										   embedding_l2_squared_distance));
}

Datum
similarity_cosine_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, embedding_cosine_distance));
}

Datum
similarity_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-distance_of_arguments(fcinfo,
											embedding_negative_inner_product));
}

Datum
similarity_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo,
										   embedding_negative_inner_product));
}

Datum
similarity_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, embedding_l1_distance));
}

/* Never hot: operands that are not floats are decoded. */
static double
snr(const Embedding *a, const Embedding *b)
{
	const float *x = embedding_floats(a, NULL);
	const float *y = embedding_floats(b, NULL);
	double		result = kernel_snr_distance(x, y, a->dims);

	if (x != a->x)
		pfree(unconstify(float *, x));
	if (y != b->x)
		pfree(unconstify(float *, y));
	return result;
}

/* snr_distance(anchor, e): the same checks; not symmetric */
Datum
similarity_snr_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_arguments(fcinfo, snr));
}

/* ---- bits: operands of other kinds become bits first ---- */

typedef double (*BitsFunction) (const uint8_t *a, const uint8_t *b,
								size_t bytes);

static double
distance_of_bits(const Embedding *a, const Embedding *b, BitsFunction distance)
{
	Embedding  *x = embedding_convert(unconstify(Embedding *, a), ELEMENT_BIT);
	Embedding  *y = embedding_convert(unconstify(Embedding *, b), ELEMENT_BIT);
	double		result = distance(embedding_elements(x), embedding_elements(y),
								  element_size(ELEMENT_BIT, a->dims));

	if (x != a)
		pfree(x);
	if (y != b)
		pfree(y);
	return result;
}

static double
hamming_of_bytes(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	return (double) kernel_hamming_distance(a, b, bytes);
}

double
embedding_hamming_distance(const Embedding *a, const Embedding *b)
{
	return distance_of_bits(a, b, hamming_of_bytes);
}

double
embedding_jaccard_distance(const Embedding *a, const Embedding *b)
{
	return distance_of_bits(a, b, kernel_jaccard_distance);
}

/* distance_of_arguments() of bits; constants are converted once. */
static double
distance_of_bit_arguments(FunctionCallInfo fcinfo, BitsFunction distance)
{
	EmbeddingBuffer buffers[2];
	Embedding  *a = embedding_fetch(fcinfo, 0, &buffers[0]);
	Embedding  *b = embedding_fetch(fcinfo, 1, &buffers[1]);
	Embedding  *x;
	Embedding  *y;
	double		result;

	embedding_check_pair(a, b);
	x = embedding_fetch_bits(fcinfo, 0, a);
	y = embedding_fetch_bits(fcinfo, 1, b);
	result = distance(embedding_elements(x), embedding_elements(y),
					  element_size(ELEMENT_BIT, a->dims));
	embedding_release_bits(fcinfo, 0, a, x);
	embedding_release_bits(fcinfo, 1, b, y);
	embedding_release(fcinfo, 0, a);
	embedding_release(fcinfo, 1, b);
	return result;
}

/* Distances of bits: the same checks, then elements above 0 count as 1. */
Datum
similarity_hamming_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_bit_arguments(fcinfo, hamming_of_bytes));
}

Datum
similarity_jaccard_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_bit_arguments(fcinfo,
											   kernel_jaccard_distance));
}

/* The same distances of strings of bits, which must be of one length */
static double
distance_of_strings(FunctionCallInfo fcinfo, BitsFunction distance)
{
	VarBit	   *a = PG_GETARG_VARBIT_P(0);
	VarBit	   *b = PG_GETARG_VARBIT_P(1);
	double		result;

	if (VARBITLEN(a) != VARBITLEN(b))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different bit lengths %d and %d", VARBITLEN(a),
						VARBITLEN(b))));
	result = distance(VARBITS(a), VARBITS(b), VARBITBYTES(a));
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

Datum
bit_hamming_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_strings(fcinfo, hamming_of_bytes));
}

Datum
bit_jaccard_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(distance_of_strings(fcinfo, kernel_jaccard_distance));
}

/* ---- the rest ---- */

/*
 * within(e, q, r): is e inside the sphere, border included?  Checks e and q as
 * l2_distance() does, and that r is a number from 0 on.
 */
Datum
within(PG_FUNCTION_ARGS)
{
	float8		radius = PG_GETARG_FLOAT8(2);

	if (isnan(radius) || radius < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("radius must not be negative or NaN")));
	PG_RETURN_BOOL(distance_of_arguments(fcinfo,
										 embedding_l2_distance) <= radius);
}

/* l2_norm(e): in double, so that no finite embedding leaves its range */
Datum
similarity_l2_norm(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);

	PG_RETURN_FLOAT8(kernel_norm(embedding_floats(e, NULL), e->dims));
}
