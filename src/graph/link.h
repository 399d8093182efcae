/*
 * link.h
 *	  Linking nodes: insertion, and repair after deletion.
 */
#ifndef GRAPH_LINK_H
#define GRAPH_LINK_H

#include "base/status.h"
#include "graph/list.h"
#include "graph/search.h"

typedef struct GraphLinker GraphLinker;

/*
 * For any number of insertions one after the other; memory is kept from one
 * to the next.  ef_construction is the number of nodes that a search expands.
 * NULL and status when out of memory.
 */
extern GraphLinker *graph_linker_create(Arena *arena, const GraphAccess *access,
										int ef_construction, Status *status);

/* The vector to insert: to be set and encoded before graph_insert(). */
extern GraphQuery *graph_linker_query(GraphLinker *linker);

typedef enum GraphInsertResult
{
	GRAPH_INSERTED,				/* a new node, linked */
	GRAPH_MERGED,				/* the row went to a node with the same vector */
	GRAPH_ISOLATED,				/* no live node was found: nothing was done */
	GRAPH_FAILED				/* status says why */
} GraphInsertResult;

/*
 * Find neighbors for the linker's query, the vector of a row, make the node
 * through access->create, and link its neighbors back to it.  *node is the new
 * node, or the one merged with.
 */
extern GraphInsertResult graph_insert(GraphLinker *linker, uint64_t row,
									  const GraphStart *start, uint32_t *node,
									  Status *status);

/*
 * Take the dead out of a live node's list and fill their places with live
 * nodes found behind them; if few are left, search and link the node as if it
 * were new.  Does nothing to a node without dead neighbors.  changed says
 * whether the list had any.
 */
extern bool graph_repair(GraphLinker *linker, uint32_t node,
						 const GraphStart *start, bool *changed,
						 Status *status);

/*
 * Choose the neighbors of a live node anew, from a search and those it has,
 * and link them back: a further pass of a build.
 */
extern bool graph_relink(GraphLinker *linker, uint32_t node,
						 const GraphStart *start, Status *status);

#endif							/* GRAPH_LINK_H */
