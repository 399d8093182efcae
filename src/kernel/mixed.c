/*
 * mixed.c
 *	  Distances of vectors whose elements are stored in any way.
 */
#include "kernel/mixed.h"

#include <math.h>

#include "kernel/distance_tables.h"

/* Elements decoded at a time: a multiple of 8, where bits begin a byte */
#define PIECE 256

static bool
are_floats(MixedVector a, MixedVector b)
{
	return a.kind == ELEMENT_FLOAT && b.kind == ELEMENT_FLOAT;
}

/* Floats first, for distances are symmetric; the pair's kernels or NULL. */
static const StoredKernels *
kernels_of(MixedVector *a, MixedVector *b)
{
	if (a->kind != ELEMENT_FLOAT)
	{
		MixedVector c = *a;

		*a = *b;
		*b = c;
	}
	if (a->kind != ELEMENT_FLOAT)
		return NULL;
	return b->kind == ELEMENT_HALF ? &kernel->half :
		b->kind == ELEMENT_INT8 ? &kernel->int8 : NULL;
}

/* Elements from the i-th, a multiple of PIECE, as floats; sets *count. */
static const float *
piece_of(MixedVector v, size_t i, size_t n, float *buffer, size_t *count)
{
	const char *p = (const char *) v.x + element_size(v.kind, i);

	*count = n - i < PIECE ? n - i : PIECE;
	if (v.kind == ELEMENT_FLOAT)
		return (const float *) (const void *) p;
	element_decode(v.kind, p, v.scale, *count, buffer);
	return buffer;
}

typedef double (*PieceDistance) (const float *a, const float *b, size_t n);

/* A sum over pieces, of a distance that holds for any floats */
static double
sum_of_pieces(MixedVector a, MixedVector b, size_t n, PieceDistance distance)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i += PIECE)
	{
		float		buffer_a[PIECE];
		float		buffer_b[PIECE];
		size_t		count;
		const float *x = piece_of(a, i, n, buffer_a, &count);
		const float *y = piece_of(b, i, n, buffer_b, &count);

		sum += distance(x, y, count);
	}
	return sum;
}

double
mixed_l2_squared_distance(MixedVector a, MixedVector b, size_t n)
{
	const StoredKernels *kernels;
	float		sum;

	if (are_floats(a, b))
		return kernel_l2_squared_distance(a.x, b.x, n);
	kernels = kernels_of(&a, &b);
	sum = kernels != NULL ? kernels->l2_squared(a.x, b.x, b.scale, n) : NAN;
	return kernel_is_sound(sum) ? sum :
		sum_of_pieces(a, b, n, kernel_l2_squared_distance);
}

double
mixed_inner_product(MixedVector a, MixedVector b, size_t n)
{
	const StoredKernels *kernels;
	float		sum;

	if (are_floats(a, b))
		return kernel_inner_product(a.x, b.x, n);
	kernels = kernels_of(&a, &b);
	sum = kernels != NULL ? kernels->inner_product(a.x, b.x, b.scale, n) : NAN;
	return isfinite(sum) ? sum : sum_of_pieces(a, b, n, kernel_inner_product);
}

double
mixed_l1_distance(MixedVector a, MixedVector b, size_t n)
{
	const StoredKernels *kernels;
	float		sum;

	if (are_floats(a, b))
		return kernel_l1_distance(a.x, b.x, n);
	kernels = kernels_of(&a, &b);
	sum = kernels != NULL ? kernels->l1(a.x, b.x, b.scale, n) : NAN;
	return isfinite(sum) ? sum : sum_of_pieces(a, b, n, kernel_l1_distance);
}

/* ---- cosine ---- */

static double
mixed_largest(MixedVector v, size_t n)
{
	double		most = 0;

	for (size_t i = 0; i < n; i += PIECE)
	{
		float		buffer[PIECE];
		size_t		count;
		const float *x = piece_of(v, i, n, buffer, &count);

		for (size_t j = 0; j < count; j++)
			most = fabsf(x[j]) > most ? fabsf(x[j]) : most;
	}
	return most;
}

/* In double and scaled by the largest elements */
static double
similarity_of_pieces(MixedVector a, MixedVector b, size_t n)
{
	double		a_most = mixed_largest(a, n);
	double		b_most = mixed_largest(b, n);
	double		ab = 0;
	double		aa = 0;
	double		bb = 0;

	for (size_t i = 0; i < n; i += PIECE)
	{
		float		buffer_a[PIECE];
		float		buffer_b[PIECE];
		size_t		count;
		const float *x = piece_of(a, i, n, buffer_a, &count);
		const float *y = piece_of(b, i, n, buffer_b, &count);

		for (size_t j = 0; j < count; j++)
		{
			ab += x[j] / a_most * (y[j] / b_most);
			aa += x[j] / a_most * (x[j] / a_most);
			bb += y[j] / b_most * (y[j] / b_most);
		}
	}
	return ab / sqrt(aa * bb);
}

double
mixed_cosine_distance(MixedVector a, MixedVector b, size_t n)
{
	const StoredKernels *kernels;
	double		similarity;
	float		ab;
	float		aa = 0;
	float		bb = 0;

	if (are_floats(a, b))
		return kernel_cosine_distance(a.x, b.x, n);
	kernels = kernels_of(&a, &b);
	if (kernels != NULL)
		kernels->cosine(a.x, b.x, b.scale, n, &ab, &aa, &bb);
	if (kernel_is_sound(aa) && kernel_is_sound(bb))
		similarity = (double) ab / sqrt((double) aa * (double) bb);
	else
		similarity = similarity_of_pieces(a, b, n);
	if (isnan(similarity))
		return NAN;
	return 1.0 - fmax(-1.0, fmin(1.0, similarity));
}
