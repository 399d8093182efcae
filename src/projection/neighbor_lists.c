/*
 * neighbor_lists.c
 *	  The exact k nearest of each point among the others.
 *
 * Each point is a query and a row of kernel/neighbors.h.  Queries are taken in
 * passes, so that memory for candidates does not grow with the points.
 */
#include "projection/neighbor_lists.h"

#include <math.h>

#include "base/interrupt.h"

/* Queries of a pass */
#define PASS 2048

/* Most rows that a search takes at a time */
#define MAX_ROWS 512

bool
neighbor_lists_create(Arena *arena, size_t n, size_t k, NeighborLists *lists,
					  Status *status)
{
	lists->n = n;
	lists->k = k;
	lists->done = 0;
	lists->ids = arena_new_array(arena, n * k, uint32_t);
	lists->distances = arena_new_array(arena, n * k, float);
	if (lists->ids == NULL || lists->distances == NULL)
		return status_out_of_memory(status, "for lists of neighbors");
	return true;
}

/* All but the point itself, and those that have no distance */
static void
take_list(NeighborLists *lists, size_t point, const Neighbor *found, size_t n)
{
	uint32_t   *ids = lists->ids + point * lists->k;
	float	   *distances = lists->distances + point * lists->k;
	size_t		count = 0;

	for (size_t i = 0; i < n && count < lists->k; i++)
	{
		if (found[i].id == point || isnan(found[i].distance))
			continue;
		ids[count] = (uint32_t) found[i].id;
		distances[count++] = (float) found[i].distance;
	}
	for (; count < lists->k; count++)
	{
		ids[count] = NO_NEIGHBOR;
		distances[count] = INFINITY;
	}
}

static void
compare_all(NeighborSearch *search, const Points *points)
{
	uint64_t	ids[MAX_ROWS];
	size_t		block = neighbors_block(search);

	for (size_t i = 0; i < points->n && !interrupt_pending(); i += block)
	{
		size_t		n = points->n - i < block ? points->n - i : block;

		for (size_t j = 0; j < n; j++)
			ids[j] = i + j;
		neighbors_add(search, points->vectors + i * points->dims,
					  points->items + i, ids, n);
	}
}

bool
neighbor_lists_step(NeighborLists *lists, const Points *points,
					Arena *scratch, ThreadPool *pool, Status *status)
{
	size_t		first = lists->done;
	size_t		n = lists->n - first < PASS ? lists->n - first : PASS;
	NeighborSearch *search;

	arena_reset(scratch);
	search = neighbors_create(scratch, pool, points->metric, points->distance,
							  points->dims,
							  points->vectors + first * points->dims,
							  points->items + first, n, lists->k + 1, status);
	if (search == NULL)
		return false;
	compare_all(search, points);
	neighbors_finish(search);
	for (size_t i = 0; i < n && !interrupt_pending(); i++)
	{
		size_t		count;
		const Neighbor *found = neighbors_of(search, i, &count);

		take_list(lists, first + i, found, count);
	}
	lists->done += n;
	return true;
}

/* n is at most 2^32, k 10,000: nothing overflows. */
size_t
neighbor_lists_bytes(size_t n, size_t k)
{
	return n * k * (sizeof(uint32_t) + sizeof(float));
}

size_t
neighbor_lists_scratch_bytes(size_t k, int nthreads)
{
	size_t		capacity = neighbors_capacity(k + 1);
	size_t		query = capacity * sizeof(Neighbor) + 64;
	size_t		thread = ((size_t) 1 << 20) + 8192 +
	capacity * sizeof(float) + (k + 1) * sizeof(Neighbor);

	return arena_bound(PASS * query + (size_t) nthreads * thread + 8192,
					   (size_t) nthreads * 3 + 5);
}
