/*
 * fuzzy_graph.h
 *	  How strongly points hold together: UMAP's fuzzy graph.
 */
#ifndef PROJECTION_FUZZY_GRAPH_H
#define PROJECTION_FUZZY_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/threads.h"
#include "projection/neighbor_lists.h"

/* Undirected: each edge stands in the rows of both its ends. */
typedef struct FuzzyGraph
{
	size_t		n;
	uint32_t   *begin;			/* n + 1: where the edges of a point begin */
	uint32_t   *ends;
	float	   *weights;		/* 0 < w <= 1 */
} FuzzyGraph;

/*
 * The graph of the first k neighbors of lists, k <= lists->k, 1 <= k, n k <=
 * 2^31.  The same bits for any number of threads.  False and status when memory
 * ends.
 */
extern bool fuzzy_graph_create(Arena *arena, ThreadPool *pool,
							   const NeighborLists *lists, size_t k,
							   FuzzyGraph *graph, Status *status);

/* What it takes of its arena at most */
extern size_t fuzzy_graph_bytes(size_t n, size_t k);

/*
 * For tests: how strongly a point at each of n ascending distances is held, the
 * nearest by 1, all together by log2(n); a distance beyond all others by 0.
 */
extern void fuzzy_memberships(const float *distances, size_t n,
							  float *memberships);

#endif							/* PROJECTION_FUZZY_GRAPH_H */
