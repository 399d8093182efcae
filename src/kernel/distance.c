/*
 * distance.c
 *	  Choosing the distance kernels for this processor, and the distances
 *	  on top of them that hold for any finite vectors.
 */
#include "kernel/distance.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "kernel/bits.h"
#include "kernel/code_kernels.h"
#include "kernel/distance_tables.h"
#include "kernel/mixed.h"

static const KernelTable *tables[4] = {&kernel_portable, NULL};

const KernelTable *kernel = &kernel_portable;

static KernelLevel level = KERNEL_PORTABLE;

KernelLevel
kernel_level(void)
{
	return level;
}

const KernelTable *const *
kernel_tables(void)
{
	return tables;
}

void
kernel_init(void)
{
	int			n = 0;

#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
		tables[n++] = &kernel_avx512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		tables[n++] = &kernel_avx2;
	level = tables[0] == &kernel_avx512 ? KERNEL_AVX512 :
		tables[0] == &kernel_avx2 ? KERNEL_AVX2 : KERNEL_PORTABLE;
#elif defined(__aarch64__)
	tables[n++] = &kernel_neon;
#endif
	tables[n++] = &kernel_portable;
	tables[n] = NULL;
	kernel = tables[0];
	code_kernels_init();
	mixed_init();
	bits_init();
}

/* Can a sum of squares be trusted: neither overflowed nor near underflow? */
static bool
is_sound(float sum)
{
	return sum > 1e-30f && sum <= FLT_MAX;
}

double
kernel_l2_squared_distance(const float *a, const float *b, size_t n)
{
	float		sum = kernel->l2_squared(a, b, n);
	double		exact = 0;

	if (is_sound(sum))
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

/* Largest magnitude.  With fmax, gcc 12 for ARM fails with an internal error. */
static double
largest(const float *x, size_t n)
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
	double		a_max = largest(a, n);
	double		b_max = largest(b, n);
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
	if (is_sound(aa) && is_sound(bb))
		similarity = (double) ab / sqrt((double) aa * (double) bb);
	else
		similarity = cosine_similarity_scaled(a, b, n);
	if (isnan(similarity))
		return NAN;
	return 1.0 - fmax(-1.0, fmin(1.0, similarity));
}
