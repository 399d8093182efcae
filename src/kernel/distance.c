/*
 * distance.c
 *	  Choosing the distance kernels for this processor, and the distances
 *	  on top of them that hold for any finite vectors.
 */
#include "kernel/distance.h"

#include <math.h>
#include <stdbool.h>

#include "kernel/distance_tables.h"

static const KernelTable *tables[4] = {&kernel_portable, NULL};

const KernelTable *kernel = &kernel_portable;

const KernelTable *const *
kernel_tables(void)
{
	return tables;
}

void
distance_kernels_init(void)
{
	int			n = 0;

#if defined(__x86_64__)
	if (kernel_level() >= KERNEL_AVX512)
		tables[n++] = &kernel_avx512;
	if (kernel_level() >= KERNEL_AVX2)
		tables[n++] = &kernel_avx2;
#elif defined(__aarch64__)
	tables[n++] = &kernel_neon;
#endif
	tables[n++] = &kernel_portable;
	tables[n] = NULL;
	kernel = tables[0];
}

double
kernel_l2_squared_distance(const float *a, const float *b, size_t n)
{
	float		sum = kernel->l2_squared(a, b, n);
	double		exact = 0;

	if (kernel_is_sound(sum))
		return sum;
	for (size_t i = 0; i < n; i++)
		exact += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
	return exact;
}

double
kernel_inner_product(const float *a, const float *b, size_t n)
{
	float		sum = kernel->inner_product(a, b, n);
	double		exact = 0;

	if (isfinite(sum))
		return sum;
	for (size_t i = 0; i < n; i++)
		exact += (double) a[i] * b[i];
	return exact;
}

double
kernel_l1_distance(const float *a, const float *b, size_t n)
{
	float		sum = kernel->l1(a, b, n);
	double		exact = 0;

	if (isfinite(sum))
		return sum;
	for (size_t i = 0; i < n; i++)
		exact += fabs((double) a[i] - b[i]);
	return exact;
}

/* With fmax, gcc 12 for ARM fails with an internal error. */
float
kernel_largest(const float *x, size_t n)
{
	float		most = 0;

	for (size_t i = 0; i < n; i++)
		most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
	return most;
}

/* In double and scaled by the largest element: never hot. */
static double
cosine_similarity_scaled(const float *a, const float *b, size_t n)
{
	double		a_max = kernel_largest(a, n);
	double		b_max = kernel_largest(b, n);
	double		ab = 0;
	double		aa = 0;
	double		bb = 0;

	for (size_t i = 0; i < n; i++)
	{
		double		x = a[i] / a_max;
		double		y = b[i] / b_max;

		ab += x * y;
		aa += x * x;
		bb += y * y;
	}
	return ab / sqrt(aa * bb);
}

double
kernel_cosine_distance(const float *a, const float *b, size_t n)
{
	float		ab;
	float		aa;
	float		bb;
	double		similarity;

	kernel->cosine(a, b, n, &ab, &aa, &bb);
	if (kernel_is_sound(aa) && kernel_is_sound(bb))
		similarity = (double) ab / sqrt((double) aa * (double) bb);
	else
		similarity = cosine_similarity_scaled(a, b, n);
	if (isnan(similarity))
		return NAN;
	return 1.0 - fmax(-1.0, fmin(1.0, similarity));
}
