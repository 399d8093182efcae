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
 * to the next.  ef_construction is the beam of the searches, alpha the factor
 * of graph_occludes().  NULL and status when out of memory.
 */
extern GraphLinker *graph_linker_create(Arena *arena, const GraphAccess *access,
										int ef_construction, float alpha,
										Status *status);

typedef enum GraphInsertResult
{
	GRAPH_INSERTED,				/* a new node, linked */
	GRAPH_MERGED,				/* the row went to a node with the same vector */
	GRAPH_ISOLATED,				/* no live node was found: nothing was done */
	GRAPH_FAILED				/* status says why */
} GraphInsertResult;

/*
 * Find neighbours for a vector, starting at entry among the given number of
 * nodes, make the node through access->create, and link its neighbours back
 * to it.  *node is the new node, or the one merged with.
 */
extern GraphInsertResult graph_insert(GraphLinker *linker, const float *vector,
									  uint32_t entry, uint32_t nodes,
									  uint32_t *node, Status *status);

/*
 * Take the dead out of a live node's list and fill their places with live
 * nodes found behind them; if few are left, search from entry and link the
 * node as if it were new.  Does nothing to a node without dead neighbours.
 * changed says whether the list had any.
 */
extern bool graph_repair(GraphLinker *linker, uint32_t node, uint32_t entry,
						 uint32_t nodes, bool *changed, Status *status);

#endif							/* GRAPH_LINK_H */
