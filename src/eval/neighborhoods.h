/*
 * neighborhoods.h
 *	  Each row's nearest among the other rows of a set.
 */
#ifndef EVAL_NEIGHBORHOODS_H
#define EVAL_NEIGHBORHOODS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* Rows are numbered 0 .. n-1; a row's own neighbors stand at row * k. */
typedef struct EvalNeighbors
{
	size_t		n;
	int			k;				/* most neighbors of a row, at least 1 */
	int		   *count;			/* n: neighbors of each row */
	uint32_t   *row;			/* n x k, nearest first */
	float	   *distance;		/* n x k */
	double	   *nearest;		/* n: distance of the first, as it was given */
} EvalNeighbors;

/* Bytes that a row takes */
extern size_t eval_neighbors_bytes(int k);

/* No row has neighbors yet.  ERROR of more than 2^32 - 1 rows. */
extern bool eval_neighbors_create(EvalNeighbors *neighbors, size_t n, int k,
								  Arena *arena, Status *status);

/*
 * One more neighbor of a row, in ascending order of distance.  The row itself,
 * what has no distance (NaN), and what comes after the first k are passed over.
 */
extern void eval_neighbors_add(EvalNeighbors *neighbors, size_t row,
							   size_t other, double distance);

/* Only the first k of each row: first has counts of its own, all else is shared. */
extern void eval_neighbors_first(const EvalNeighbors *neighbors, int k,
								 EvalNeighbors *first);

/*
 * How near a distance is to a row: 1 at its nearest neighbor or nearer, falling
 * in a straight line to 0 at its last; 0 for a row without neighbors.
 */
extern double eval_nearness(const EvalNeighbors *neighbors, size_t row,
							double distance);

/*
 * The greatest distance of near-duplicates: of a tenth of the median distance
 * of nearest neighbors, where distances are squares a hundredth; 0 without any
 * neighbors, and where the median is negative.
 */
extern bool eval_duplicate_distance(const EvalNeighbors *neighbors,
									bool squares, Arena *arena,
									double *distance, Status *status);

#endif							/* EVAL_NEIGHBORHOODS_H */
