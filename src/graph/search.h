/*
 * search.h
 *	  Best-first search that streams: nodes come out near to far, for as long
 *	  as the caller asks.
 *
 *	  search = graph_search_create(arena, access, status);
 *	  graph_search_begin(search, query, ef, &start, max_waiting, status);
 *	  while (graph_search_next(search, &found, status)) ...
 *
 * A node is returned when no node that waits looks as if it, or what lies
 * behind it, could be nearer; or when ef nodes were expanded, and one more for
 * each returned before.  A node found later may be nearer than what was
 * returned before.
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
	float		bound;			/* of the operator's distance */
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

typedef struct GraphSearch GraphSearch;

/*
 * All memory comes from the arena and is reused from search to search.  access
 * must outlive it.  NULL and status when out of memory.
 */
extern GraphSearch *graph_search_create(Arena *arena, const GraphAccess *access,
										Status *status);

/*
 * Start a search for a query that has been set, and must stay so until the
 * search ends.  ef >= 1.  At most max_waiting nodes wait in memory; when more
 * would, or when the graph is exhausted, all nodes not yet returned come in
 * the order of their numbers, sorted in a window of ef.
 */
extern bool graph_search_begin(GraphSearch *search, GraphQuery *query, int ef,
							   const GraphStart *start, size_t max_waiting,
							   Status *status);

/*
 * The next live node, each exactly once, by bound among those that are ready.
 * False at the end, or when memory ran out: then status has a code.
 */
extern bool graph_search_next(GraphSearch *search, GraphFound *found, Status *status);

/*
 * Expand up to ef nodes and give all live ones, in no order.  They belong to
 * the search and are valid until the next begin.  For linking: the far ones on
 * the path are the long links.  It ends early, but not before 0.3 ef, when what
 * waits is farther than the m-th nearest by more than the rule of lists admits.
 */
extern bool graph_search_pool(GraphSearch *search, const GraphFound **found,
							  int *nfound, Status *status);

/* Nodes expanded since begin. */
extern size_t graph_search_expansions(const GraphSearch *search);

#endif							/* GRAPH_SEARCH_H */
