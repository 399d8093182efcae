/*
 * search.h
 *	  Beam search that streams: nodes come out near to far, for as long as
 *	  the caller asks.
 *
 *	  search = graph_search_create(arena, access, status);
 *	  graph_search_begin(search, query, ef, entry, nodes, max_waiting, status);
 *	  while (graph_search_next(search, &found, status)) ...
 *
 * Order is exact among the nodes that one beam of ef found; the first ef
 * results come from the first beam.  A node found later is returned in a later
 * batch although it may be nearer than what was returned before.
 */
#ifndef GRAPH_SEARCH_H
#define GRAPH_SEARCH_H

#include "base/status.h"
#include "graph/graph.h"

typedef struct GraphFound
{
	uint32_t	node;
	float		distance;		/* true distance; infinity for NaN */
	int			nrows;
	uint64_t	rows[GRAPH_ROWS];
} GraphFound;

typedef struct GraphSearch GraphSearch;

/*
 * All memory comes from the arena and is reused from search to search.  access
 * must outlive it.  NULL and status when out of memory.
 */
extern GraphSearch *graph_search_create(Arena *arena, const GraphAccess *access,
										Status *status);

/*
 * Start a search.  query must stay as it is until the search ends.  ef >= 1;
 * entry may be GRAPH_NO_NODE.  nodes is the number of node numbers in use:
 * higher ones are not looked at.  At most max_waiting nodes wait in memory;
 * when more would, or when the graph is exhausted, all nodes not yet returned
 * come in the order of their numbers, sorted in batches of ef.
 */
extern bool graph_search_begin(GraphSearch *search, const float *query, int ef,
							   uint32_t entry, uint32_t nodes,
							   size_t max_waiting, Status *status);

/*
 * The next live node, each exactly once.  False at the end, or when memory
 * ran out: then status has a code.
 */
extern bool graph_search_next(GraphSearch *search, GraphFound *found, Status *status);

/*
 * Run one beam to its end and give all live nodes it expanded, not only the
 * ef nearest, in no order.  They belong to the search and are valid until the
 * next begin.  For linking: the far ones on the path are the long links.
 */
extern bool graph_search_pool(GraphSearch *search, const GraphFound **found,
							  int *nfound, Status *status);

/* Nodes expanded since begin. */
extern size_t graph_search_expansions(const GraphSearch *search);

#endif							/* GRAPH_SEARCH_H */
