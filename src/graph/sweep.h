/*
 * sweep.h
 *	  Every node that a search has not expanded, near to far, in memory that
 *	  is bounded whatever the size of the graph.
 *
 * A sweep passes over all node numbers and keeps the nearest for which there
 * is room.  When those are used up, a further pass brings the next nearest.
 */
#ifndef GRAPH_SWEEP_H
#define GRAPH_SWEEP_H

#include "base/status.h"
#include "graph/graph.h"
#include "graph/heap.h"

typedef struct GraphSweep
{
	const GraphAccess *access;
	GraphQuery *query;
	const GraphBits *expanded;	/* nodes to leave out */
	uint32_t	nodes;			/* numbers below this are looked at */
	size_t		room;			/* nodes that one pass keeps, at least 1 */

	double		least;			/* nodes are wanted from this bound on */

	/* the last node that came */
	double		last_bound;
	int64_t		last_node;

	GraphHeap	kept;			/* of a pass, greatest first; then least last */
	size_t		left;			/* of kept.items, still to come */
	bool		complete;		/* nothing is left beyond them */
	GraphExpansion *expansion;	/* of the node that was looked at last */
} GraphSweep;

/*
 * Prepare for the nodes whose bound is least or more, by the accessor's
 * refine() if need be; access to expansion are set before.
 */
extern void graph_sweep_begin(GraphSweep *sweep, double least);

/*
 * The next node and its bound, without taking it; *node is GRAPH_NO_NODE at the
 * end.  False when memory ran out.
 */
extern bool graph_sweep_peek(GraphSweep *sweep, uint32_t *node, double *bound);

/*
 * Take the node that peek told: expand it into sweep->expansion, without
 * neighbors.  False if it is no longer what it was.
 */
extern bool graph_sweep_take(GraphSweep *sweep);

#endif							/* GRAPH_SWEEP_H */
