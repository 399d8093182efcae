/*
 * trustworthiness.c
 *	  Are those who are neighbors in a picture neighbors in the data as well?
 */
#include "eval/trustworthiness.h"

#include <stdint.h>

#include "base/interrupt.h"
#include "kernel/distance.h"

typedef struct Scratch
{
	float	   *distances;		/* of all points from one, in the data */
	float	   *nearest;		/* k distances in the picture, ascending */
	size_t	   *found;			/* and whose they are */
	uint64_t	penalty;		/* sum of max(0, r - k) so far */
} Scratch;

typedef struct Trust
{
	const float *x;
	const float *y;
	size_t		dims;
	size_t		picture_dims;
	size_t		n;
	size_t		k;
	size_t		step;
	Scratch    *scratch;		/* one per thread */
} Trust;

/* The k nearest of i in the picture, the earlier of equal ones first */
static void
find_nearest_points(const Trust *trust, size_t i, Scratch *scratch)
{
	const float *from = trust->y + i * trust->picture_dims;
	size_t		n = 0;

	for (size_t j = 0; j < trust->n; j++)
	{
		float		d;
		size_t		place;

		if (j == i)
			continue;
		d = kernel->l2_squared(from, trust->y + j * trust->picture_dims,
							   trust->picture_dims);
		if (n == trust->k && d >= scratch->nearest[n - 1])
			continue;
		for (place = n < trust->k ? n++ : n - 1;
			 place > 0 && scratch->nearest[place - 1] > d; place--)
		{
			scratch->nearest[place] = scratch->nearest[place - 1];
			scratch->found[place] = scratch->found[place - 1];
		}
		scratch->nearest[place] = d;
		scratch->found[place] = j;
	}
}

/* How many points are nearer to i than j is, j included */
static size_t
rank_of(const Trust *trust, size_t i, size_t j, const float *distances)
{
	float		d = distances[j];
	size_t		rank = 1;

	for (size_t l = 0; l < trust->n; l++)
		rank += distances[l] < d || (distances[l] == d && l < j);
	/* i is no neighbor of its own, and stands at the distance 0 */
	return rank - (distances[i] < d || (distances[i] == d && i < j));
}

static void
add_point(void *arg, int slice, int worker)
{
	const Trust *trust = arg;
	Scratch    *scratch = &trust->scratch[worker];
	size_t		i = (size_t) slice * trust->step;

	for (size_t j = 0; j < trust->n; j++)
		scratch->distances[j] = kernel->l2_squared(trust->x + i * trust->dims,
												   trust->x + j * trust->dims,
												   trust->dims);
	find_nearest_points(trust, i, scratch);
	for (size_t j = 0; j < trust->k; j++)
	{
		size_t		rank = rank_of(trust, i, scratch->found[j],
								   scratch->distances);

		scratch->penalty += rank > trust->k ? rank - trust->k : 0;
	}
}

static bool
allocate_scratch(Arena *arena, Trust *trust, int nthreads)
{
	trust->scratch = arena_alloc_zero(arena, sizeof(Scratch) * nthreads);
	if (trust->scratch == NULL)
		return false;
	for (int i = 0; i < nthreads; i++)
	{
		Scratch    *scratch = &trust->scratch[i];

		scratch->distances = arena_new_array(arena, trust->n, float);
		scratch->nearest = arena_new_array(arena, trust->k, float);
		scratch->found = arena_new_array(arena, trust->k, size_t);
		if (scratch->distances == NULL || scratch->nearest == NULL ||
			scratch->found == NULL)
			return false;
	}
	return true;
}

bool
eval_trustworthiness(Arena *arena, ThreadPool *pool,
					 const float *x, size_t dims,
					 const float *y, size_t picture_dims,
					 size_t n, size_t k, size_t step,
					 double *value, Status *status)
{
	Trust		trust = {x, y, dims, picture_dims, n, k, step};
	int			nthreads = pool_threads(pool);
	uint64_t	penalty = 0;
	size_t		m;

	if (k < 1 || k >= (n + 1) / 2 || step < 1 || n > INT32_MAX)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "trustworthiness of %zu points needs a k below half of that, not %zu",
						   n, k);
	if (!allocate_scratch(arena, &trust, nthreads))
		return status_out_of_memory(status, "while judging a picture");
	m = (n + step - 1) / step;
	pool_run(pool, (int) m, add_point, &trust);
	for (int i = 0; i < nthreads; i++)
		penalty += trust.scratch[i].penalty;
	*value = 1 - 2 * (double) penalty /
		((double) m * (double) k * (2 * (double) n - 3 * (double) k - 1));
	return true;
}
