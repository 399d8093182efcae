/*
 * neighbors.h
 *	  The exact k nearest of many queries at once.
 *
 * Rows arrive in blocks.  A block is scored against all queries by matrix
 * products; only the pairs whose score, less a bound on its rounding error,
 * can still be among the k nearest are computed again with the caller's own
 * distance.  So the answer is exactly that of sorting all rows by that
 * distance, ties in the order of arrival, at the speed of the product.
 */
#ifndef KERNEL_NEIGHBORS_H
#define KERNEL_NEIGHBORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/threads.h"

typedef enum NeighborMetric
{
	NEIGHBOR_L2,				/* distance is the root of sum (q - x)^2 */
	NEIGHBOR_L2_SQUARED,		/* sum (q - x)^2 */
	NEIGHBOR_COSINE,			/* 1 - cosine */
	NEIGHBOR_INNER_PRODUCT,		/* - sum q * x */
	NEIGHBOR_OTHER				/* anything: every pair is computed */
} NeighborMetric;

/*
 * Distance of two items, computed with a relative error that float32 sums
 * have.  NaN comes last.  Called by several threads at once.
 */
typedef double (*NeighborDistance) (const void *query, const void *row);

typedef struct Neighbor
{
	double		distance;
	uint64_t	order;			/* of arrival, from 0 */
	uint64_t	id;				/* the caller's */
} Neighbor;

typedef struct NeighborSearch NeighborSearch;

/* Most queries of a search, and neighbors of a query */
#define NEIGHBOR_MAX_QUERIES 1000000
#define NEIGHBOR_MAX_K 10000

/*
 * A search for the k nearest of n queries: vectors holds n x dims floats,
 * items what distance() takes; both stay with the caller for as long as the
 * search.  pool may be NULL.  Loads OpenBLAS unless metric is NEIGHBOR_OTHER.
 * NULL and status on failure.
 */
extern NeighborSearch *neighbors_create(Arena *arena, ThreadPool *pool,
										NeighborMetric metric,
										NeighborDistance distance,
										size_t dims, const float *vectors,
										const void *const *items, size_t n,
										size_t k, Status *status);

/*
 * Candidates that are kept for a query.  When there are so many, all but the k
 * nearest are dropped.
 */
extern size_t neighbors_capacity(size_t k);

/*
 * Queries that fit into so many bytes, with their vectors, their candidates and
 * item_size bytes that the caller keeps of each: 1 .. NEIGHBOR_MAX_QUERIES.  A
 * search takes beside it a block of rows (8 MB), and for each thread 1 MB and 30 k
 * bytes.
 */
extern size_t neighbors_affordable(size_t bytes, size_t dims, size_t k,
								   size_t item_size);

/* Rows that neighbors_add() takes at a time: 64 .. 512 */
extern size_t neighbors_block(const NeighborSearch *search);

/*
 * Take n <= neighbors_block() rows: n x dims finite floats, what distance()
 * takes, and the caller's numbers.  Nothing of them is kept but the numbers.
 */
extern void neighbors_add(NeighborSearch *search, const float *vectors,
						  const void *const *items, const uint64_t *ids,
						  size_t n);

/* Sort the neighbors of all queries on the pool; ends the search. */
extern void neighbors_finish(NeighborSearch *search);

/*
 * The neighbors of a query, nearest first; *n is how many: k, or all rows if
 * there are fewer.  Ends the search for this query.
 */
extern const Neighbor *neighbors_of(NeighborSearch *search, size_t query,
									size_t *n);

/*
 * How many of n distances that another search found are as near as the k-th
 * true one: equal distances count, NaN is beyond all numbers.
 */
extern size_t neighbors_within(const double *distances, size_t n, double kth);

#endif							/* KERNEL_NEIGHBORS_H */
