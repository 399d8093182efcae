/*
 * search.h
 *	  Best-first search that streams: nodes come out near to far, for as long
 *	  as the caller asks.
 *
 *	  search = graph_search_create(arena, access, status);
 *	  graph_search_begin(search, query, &start, &limits, status);
 *	  while (graph_search_next(search, &found, status)) ...
 *
 * Nodes come in the order of their bounds, always.  The search settles the
 * nearest of those it has found in batches: when no node that waits looks as if
 * it, or what lies behind it, could be nearer, or when ef others were found
 * beyond the batch.  A node found later than it belongs is left out, or with
 * limits.relaxed comes at once, out of order.  A search that goes far becomes a
 * sweep over all nodes, from where on nothing is late.
 */
#ifndef GRAPH_SEARCH_H
#define GRAPH_SEARCH_H

#include "base/status.h"
#include "graph/graph.h"
#include "graph/root.h"

typedef struct GraphFound
{
	uint32_t	node;
	float		distance;		/* that ranks; infinity for NaN */
	float		reach;			/* distance and what storing may hide of it */
	double		bound;			/* of the operator's distance */
	int			nrows;
	uint64_t	rows[GRAPH_ROWS];
} GraphFound;

/* Where searches start */
typedef struct GraphStart
{
	uint32_t	entry;			/* or GRAPH_NO_NODE */
	uint32_t	nodes;			/* numbers in use: higher ones are not looked
								 * at */
	const GraphRoot *root;		/* or NULL */
} GraphStart;

/* How far a search may go */
typedef struct GraphLimits
{
	int			ef;				/* effort, at least 1 */
	size_t		waiting;		/* nodes that may wait in memory; when more
								 * would, the farther half is left to the
								 * sweep */
	bool		relaxed;		/* hand out nodes found late, out of order */
} GraphLimits;

typedef struct GraphSearch GraphSearch;

/*
 * All memory comes from the arena and is reused from search to search.  access
 * must outlive it.  NULL and status when out of memory.
 */
extern GraphSearch *graph_search_create(Arena *arena, const GraphAccess *access,
										Status *status);

/*
 * Start a search for a query that has been set, and must stay so until the
 * search ends.
 */
extern bool graph_search_begin(GraphSearch *search, GraphQuery *query,
							   const GraphStart *start,
							   const GraphLimits *limits, Status *status);

/*
 * The next live node, each at most once, none with a lesser bound than the one
 * before unless relaxed.  False at the end, or when memory ran out: then status
 * has a code.
 */
extern bool graph_search_next(GraphSearch *search, GraphFound *found,
							  Status *status);

/*
 * Expand up to ef nodes and give all live ones, in no order.  They belong to
 * the search and are valid until the next begin.  For linking: the far ones on
 * the path are the long links.  It ends early, but not before 0.3 ef, when what
 * waits is farther than the m-th nearest by more than the rule of lists admits.
 */
extern bool graph_search_pool(GraphSearch *search, const GraphFound **found,
							  int *nfound, Status *status);

/* Nodes expanded since begin, without those of a sweep */
extern size_t graph_search_expansions(const GraphSearch *search);

/* Nodes found later than they belonged, as far as the search has noticed */
extern size_t graph_search_late(const GraphSearch *search);

#endif							/* GRAPH_SEARCH_H */
