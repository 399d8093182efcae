/*
 * connect.h
 *	  After a build: lists that lead to every node.
 */
#ifndef GRAPH_CONNECT_H
#define GRAPH_CONNECT_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/memory_graph.h"

typedef struct GraphConnector GraphConnector;

/* For a graph in which nothing is inserted meanwhile.  NULL: out of memory. */
extern GraphConnector *graph_connector_create(Arena *arena, GraphMemory *memory,
											  Status *status);

/* Searches start at this node; at most GRAPH_ROOT_MAX + 1 of them count. */
extern void graph_connector_start_at(GraphConnector *connector, uint32_t node);

/*
 * Go on over about so many nodes, so that the caller can answer interrupts.
 * True when done.
 */
extern bool graph_connector_step(GraphConnector *connector, uint32_t nodes);

/* How many nodes have been given a link */
extern uint32_t graph_connector_linked(const GraphConnector *connector);

#endif							/* GRAPH_CONNECT_H */
