/*
 * neighbor_lists.h
 *	  The exact k nearest of each point among the others.
 */
#ifndef PROJECTION_NEIGHBOR_LISTS_H
#define PROJECTION_NEIGHBOR_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/threads.h"
#include "projection/points.h"

/* No neighbor: there are fewer points, or no distance to more of them */
#define NO_NEIGHBOR UINT32_MAX

typedef struct NeighborLists
{
	size_t		n;
	size_t		k;
	uint32_t   *ids;			/* n x k, nearest first, then NO_NEIGHBOR */
	float	   *distances;		/* n x k */
	size_t		done;			/* points whose neighbors are known */
} NeighborLists;

/* Lists to be filled, in memory of arena; k < NEIGHBOR_MAX_K */
extern bool neighbor_lists_create(Arena *arena, size_t n, size_t k,
								  NeighborLists *lists, Status *status);

/*
 * Find the neighbors of some hundred points more: called until done is n.
 * scratch is reset.  Stopped by an interrupt as base/interrupt.h has it.
 */
extern bool neighbor_lists_step(NeighborLists *lists, const Points *points,
								Arena *scratch, ThreadPool *pool,
								Status *status);

/* What the lists take, and what a step does of its arena */
extern size_t neighbor_lists_bytes(size_t n, size_t k);
extern size_t neighbor_lists_scratch_bytes(size_t k, int nthreads);

#endif							/* PROJECTION_NEIGHBOR_LISTS_H */
