/*
 * list.h
 *	  Which neighbours a node keeps.
 */
#ifndef GRAPH_LIST_H
#define GRAPH_LIST_H

#include "graph/graph.h"

/* A node that might become a neighbour. */
typedef struct GraphCandidate
{
	uint32_t	node;
	float		distance;		/* from the owner of the list, not NaN */
	const float *vector;		/* NULL until somebody needs it */
} GraphCandidate;

/* Is a, nearer to the owner than b, so near b that b need not be linked? */
static inline bool
graph_occludes(float alpha, float a_to_b, float owner_to_b)
{
	return alpha * a_to_b <= owner_to_b;
}

/* Append a neighbour; the list must have room. */
extern void graph_list_append(GraphList *list, uint32_t node, float distance);

/* Do both hold the same neighbours in the same order? */
extern bool graph_list_equal(const GraphList *a, const GraphList *b);

extern bool graph_list_contains(const GraphList *list, uint32_t node);

/*
 * Put a node into a list of at most degree neighbours.  to_selected[i] is its
 * distance to the i-th selected neighbour.  A list that is full loses its
 * farthest fill, or else its farthest selected neighbour.  False if the node
 * is the one that would be lost, and the list stays as it was, unless force
 * is set: then another goes.
 */
extern bool graph_list_add(GraphList *list, int degree, float alpha,
						   uint32_t node, float distance,
						   const float *to_selected, bool force);

#endif							/* GRAPH_LIST_H */
