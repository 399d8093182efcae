/*
 * memory_graph.h
 *	  The graph in plain memory, built by several threads.
 *
 *	  memory = graph_memory_create(arena, space, max, status);
 *	  builder = graph_builder_create(memory, pool, ef_construction, status);
 *	  graph_builder_add(builder, vector, row, status)	... for each row
 *	  graph_builder_flush(builder, status);
 *	  graph_builder_pass(builder, first, n, status)		... a second time
 *	  graph_builder_destroy(builder);
 *
 * With one thread, equal input gives an equal graph.
 */
#ifndef GRAPH_MEMORY_GRAPH_H
#define GRAPH_MEMORY_GRAPH_H

#include "base/threads.h"
#include "graph/link.h"
#include "graph/record.h"

typedef struct GraphMemory
{
	Arena	   *arena;
	const GraphSpace *space;
	uint32_t	max_nodes;
	uint32_t	nodes;			/* numbers in use; some may be free */
	uint32_t	entry;			/* the first node, or GRAPH_NO_NODE */
	size_t		chunk_records;	/* a power of two */
	char	  **chunks;
} GraphMemory;

/*
 * An empty graph.  The arena should have room for max_nodes records of
 * space->shape.size, but they are taken piece by piece.  space must outlive
 * it.  NULL and status when out of memory.
 */
extern GraphMemory *graph_memory_create(Arena *arena, const GraphSpace *space,
										uint32_t max_nodes, Status *status);

/* The record of a node below memory->nodes. */
extern GraphRecord *graph_memory_record(const GraphMemory *memory,
										uint32_t node);

/*
 * An accessor for searches and repairs; its create and merge do nothing.  It
 * takes little of the arena.
 */
extern bool graph_memory_access(GraphMemory *memory, Arena *arena,
								GraphAccess *access, Status *status);

typedef struct GraphBuilder GraphBuilder;

/*
 * Working memory of the threads comes from malloc and is freed by
 * graph_builder_destroy(), which must be called even after an error.  pool may
 * be NULL.
 */
extern GraphBuilder *graph_builder_create(GraphMemory *memory, ThreadPool *pool,
										  int ef_construction, Status *status);
extern void graph_builder_destroy(GraphBuilder *builder);

typedef enum GraphAddResult
{
	GRAPH_ADDED,				/* taken; linked at the latest by the flush */
	GRAPH_FULL,					/* no room for it; flush and go on elsewhere */
	GRAPH_ADD_FAILED			/* status says why */
} GraphAddResult;

/* Copy a vector in; now and then links what has gathered, with all threads. */
extern GraphAddResult graph_builder_add(GraphBuilder *builder,
										const float *vector, uint64_t row,
										Status *status);

/* Link what has gathered. */
extern bool graph_builder_flush(GraphBuilder *builder, Status *status);

/*
 * Choose the neighbors of n nodes from first on anew, with all threads.
 * Nothing may have gathered.
 */
extern bool graph_builder_pass(GraphBuilder *builder, uint32_t first,
							   uint32_t n, Status *status);

#endif							/* GRAPH_MEMORY_GRAPH_H */
