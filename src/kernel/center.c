/*
 * center.c
 *	  A center that many vectors have in common.
 */
#include "kernel/center.h"

#include <stdlib.h>

#include "kernel/vector.h"

/* A mean of fewer vectors is mostly chance. */
#define LEAST 16

/* Left out at either end of a coordinate: one in so many */
#define TRIM 10

/* Of so many vectors all but one must come nearer to the origin. */
#define SHARE 4

static int
compare_floats(const void *a, const void *b)
{
	float		x = *(const float *) a;
	float		y = *(const float *) b;

	return x < y ? -1 : x > y;
}

static float
trimmed_mean(float *x, size_t n)
{
	size_t		trim = n / TRIM;
	double		sum = 0;

	qsort(x, n, sizeof(float), compare_floats);
	for (size_t i = trim; i < n - trim; i++)
		sum += x[i];
	return (float) (sum / (double) (n - 2 * trim));
}

bool
space_find_center(SpaceMetric metric, float *sample, size_t n, size_t dims,
				  float *column, float *center)
{
	size_t		nearer = 0;

	if (n < LEAST || metric == SPACE_INNER_PRODUCT)
		return false;
	for (size_t i = 0; i < n && metric == SPACE_COSINE; i++)
		kernel_normalize(sample + i * dims, dims, sample + i * dims);
	for (size_t j = 0; j < dims; j++)
	{
		for (size_t i = 0; i < n; i++)
			column[i] = sample[i * dims + j];
		center[j] = trimmed_mean(column, n);
	}
	for (size_t i = 0; i < n; i++)
	{
		double		norm = kernel_norm(sample + i * dims, dims);

		kernel_subtract(sample + i * dims, center, dims, sample + i * dims);
		nearer += kernel_norm(sample + i * dims, dims) < norm;
	}
	return nearer * SHARE >= n * (SHARE - 1);
}
