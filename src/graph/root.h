/*
 * root.h
 *	  The root of a graph: a sample of nodes whose codes are scanned whole to
 *	  find where a search starts.
 *
 * The codes are relative to the origin of the mapped space.  Ids are hints: a
 * node that is gone or has become another one only makes a poorer start.
 */
#ifndef GRAPH_ROOT_H
#define GRAPH_ROOT_H

#include "graph/graph_query.h"

/* Nodes that a search starts from */
#define GRAPH_SEEDS 4

#define GRAPH_ROOT_MAX 1024

/* One node of the root for so many in the graph */
#define GRAPH_ROOT_SHARE 64

typedef struct GraphRoot
{
	int			n;				/* nodes; 0: no root */
	CodesLayout layout;			/* of a block of 32 */
	uint32_t   *ids;
	char	   *codes;			/* a block for each 32 nodes, one after the
								 * other */
} GraphRoot;

typedef struct GraphSeed
{
	uint32_t	node;
	float		estimate;		/* distance from the query */
} GraphSeed;

/* How many nodes the root of a graph of so many nodes has */
extern int	graph_root_nodes(const GraphShape *shape, uint32_t nodes);

/* The i-th node of a root of n in a graph of so many nodes */
static inline uint32_t
graph_root_node(int i, int n, uint32_t nodes)
{
	return (uint32_t) ((uint64_t) i * nodes / (uint32_t) n);
}

/* Bytes of the codes of n nodes */
extern size_t graph_root_codes_size(const GraphShape *shape, int n);

/* Room for n nodes, all empty.  False when out of memory. */
extern bool graph_root_init(GraphRoot *root, Arena *arena,
							const GraphShape *shape, int n);

/* Set the i-th, a node that has stored own. */
extern void graph_root_put(GraphRoot *root, const GraphShape *shape, int i,
						   uint32_t node, const void *own,
						   GraphScratch *scratch);

/* The nearest, near to far; at most GRAPH_SEEDS.  Returns how many. */
extern int	graph_root_seeds(const GraphRoot *root, GraphQuery *query,
							 GraphSeed *seeds);

#endif							/* GRAPH_ROOT_H */
