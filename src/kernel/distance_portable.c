/*
 * distance_portable.c
 *	  Distance kernels in plain C: the floor of every platform and the
 *	  reference of the others' tests.
 *
 * LANES independent sums let a compiler vectorise without reordering a sum
 * that the source wrote in order.
 */
#include <math.h>

#include "kernel/distance_tables.h"

#define LANES 8

static float
sum_lanes(const float *lane)
{
	return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
		((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static float
l2_squared(const float *a, const float *b, size_t n)
{
	float		lane[LANES] = {0};
	size_t		i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int j = 0; j < LANES; j++)
			lane[j] += (a[i + j] - b[i + j]) * (a[i + j] - b[i + j]);
	for (int j = 0; i < n; i++, j++)
		lane[j] += (a[i] - b[i]) * (a[i] - b[i]);
	return sum_lanes(lane);
}

static float
inner_product(const float *a, const float *b, size_t n)
{
	float		lane[LANES] = {0};
	size_t		i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int j = 0; j < LANES; j++)
			lane[j] += a[i + j] * b[i + j];
	for (int j = 0; i < n; i++, j++)
		lane[j] += a[i] * b[i];
	return sum_lanes(lane);
}

static float
l1(const float *a, const float *b, size_t n)
{
	float		lane[LANES] = {0};
	size_t		i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int j = 0; j < LANES; j++)
			lane[j] += fabsf(a[i + j] - b[i + j]);
	for (int j = 0; i < n; i++, j++)
		lane[j] += fabsf(a[i] - b[i]);
	return sum_lanes(lane);
}

static void
cosine(const float *a, const float *b, size_t n,
	   float *ab, float *aa, float *bb)
{
	*ab = inner_product(a, b, n);
	*aa = inner_product(a, a, n);
	*bb = inner_product(b, b, n);
}

const KernelTable kernel_portable = {
	.name = "portable",
	.l2_squared = l2_squared,
	.inner_product = inner_product,
	.l1 = l1,
	.cosine = cosine
};
