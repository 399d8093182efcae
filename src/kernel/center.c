/*
 * center.c
 *	  A center that many vectors have in common.
 */
#include "kernel/center.h"

#include <stdlib.h>

#include "kernel/distance.h"
#include "kernel/vector.h"

/* A mean of fewer vectors is mostly chance. */
#define LEAST 16

/* Left out at either end of a coordinate: one in so many */
#define TRIM 10

/* Of so many vectors all but one must come nearer to the origin. */
#define SHARE 4

/* Of a length, what int8 hides and as much again */
#define HIDDEN 0.02

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

	for (size_t i = 0; i < n && metric == SPACE_COSINE; i++)
		kernel_normalize(sample + i * dims, dims, sample + i * dims);
	if (n < LEAST || metric == SPACE_INNER_PRODUCT)
		return false;
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
	if (nearer * SHARE >= n * (SHARE - 1))
		return true;
	for (size_t i = 0; i < n * dims; i++)
		sample[i] += center[i % dims];
	return false;
}

/* Is another vector, and not an equal one, nearer to x than int8 tells? */
static bool
hides_neighbor(const float *sample, size_t n, size_t dims, const float *x)
{
	double		hidden = HIDDEN * kernel_norm(x, dims);

	for (size_t i = 0; i < n; i++)
	{
		double		d = kernel_l2_squared_distance(x, sample + i * dims, dims);

		if (d > 0 && d < hidden * hidden)
			return true;
	}
	return false;
}

bool
space_is_too_fine(const float *sample, size_t n, size_t dims)
{
	size_t		hidden = 0;

	for (size_t i = 0; i < n; i++)
		hidden += hides_neighbor(sample, n, dims, sample + i * dims);
	return hidden > 0 && hidden * SHARE >= n;
}
