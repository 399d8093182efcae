/*
 * points.h
 *	  What is projected: vectors, and how far they are from each other.
 */
#ifndef PROJECTION_POINTS_H
#define PROJECTION_POINTS_H

#include <stddef.h>

#include "kernel/neighbors.h"

typedef struct Points
{
	size_t		n;
	size_t		dims;
	const float *vectors;		/* n x dims, finite */
	const void *const *items;	/* what distance takes */
	NeighborMetric metric;
	NeighborDistance distance;
} Points;

#endif							/* PROJECTION_POINTS_H */
