/*
 * neighborhoods.c
 *	  Each row's nearest among the other rows of a set.
 */
#include "eval/neighborhoods.h"

#include <math.h>

#include "eval/drift.h"

size_t
eval_neighbors_bytes(int k)
{
	return sizeof(int) + sizeof(double) +
		(size_t) k * (sizeof(uint32_t) + sizeof(float));
}

bool
eval_neighbors_create(EvalNeighbors *neighbors, size_t n, int k, Arena *arena,
					  Status *status)
{
	if (n > UINT32_MAX)
		return status_fail(status, STATUS_TOO_LARGE,
						   "too many rows: %zu, at most %u", n, UINT32_MAX);
	neighbors->n = n;
	neighbors->k = k;
	neighbors->count = arena_alloc_zero(arena, n * sizeof(int));
	neighbors->row = arena_alloc_array(arena, n * k, sizeof(uint32_t));
	neighbors->distance = arena_alloc_array(arena, n * k, sizeof(float));
	neighbors->nearest = arena_alloc_array(arena, n, sizeof(double));
	if (neighbors->count == NULL || neighbors->row == NULL ||
		neighbors->distance == NULL || neighbors->nearest == NULL)
		return status_out_of_memory(status, "for the neighbors of rows");
	return true;
}

void
eval_neighbors_add(EvalNeighbors *neighbors, size_t row, size_t other,
				   double distance)
{
	int			i = neighbors->count[row];
	size_t		place = row * (size_t) neighbors->k + (size_t) i;

	if (i == neighbors->k || other == row || isnan(distance))
		return;
	if (i == 0)
		neighbors->nearest[row] = distance;
	neighbors->row[place] = (uint32_t) other;
	neighbors->distance[place] = (float) distance;
	neighbors->count[row]++;
}

void
eval_neighbors_first(const EvalNeighbors *neighbors, int k,
					 EvalNeighbors *first)
{
	for (size_t i = 0; i < neighbors->n; i++)
		first->count[i] = neighbors->count[i] < k ? neighbors->count[i] : k;
}

double
eval_nearness(const EvalNeighbors *neighbors, size_t row, double distance)
{
	const float *own = neighbors->distance + row * (size_t) neighbors->k;
	int			n = neighbors->count[row];

	if (n == 0)
		return 0;
	if (distance <= own[0])
		return 1;
	if (distance >= own[n - 1])
		return 0;
	return (own[n - 1] - distance) / (own[n - 1] - own[0]);
}

bool
eval_duplicate_distance(const EvalNeighbors *neighbors, bool squares,
						Arena *arena, double *distance, Status *status)
{
	double	   *nearest = arena_alloc_array(arena, neighbors->n, sizeof(double));
	size_t		n = 0;
	double		median;

	*distance = 0;
	if (nearest == NULL)
		return status_out_of_memory(status, "for distances of duplicates");
	for (size_t i = 0; i < neighbors->n; i++)
		if (neighbors->count[i] > 0)
			nearest[n++] = neighbors->nearest[i];
	if (n == 0)
		return true;
	eval_sort(nearest, n);
	median = eval_quantile(nearest, n, 0.5);
	*distance = median > 0 ? median / (squares ? 100 : 10) : 0;
	return true;
}
