/*
 * node.h
 *	  Nodes on pages: reading them (node.c), and making new ones (allocate.c).
 */
#ifndef HNSW_NODE_H
#define HNSW_NODE_H

#include "hnsw/index.h"

/*
 * The free space map knows two kinds of pages: with a free place for a node,
 * told by this, and without, told by 0.
 */
#define HNSW_ROOM (BLCKSZ / 2)

/* The number of nodes there may be: all numbers below it are on pages. */
extern uint32 hnsw_count_nodes(HnswIndex *index);

/* An empty table of hints for an index of so many blocks, or NULL */
extern HnswRecent *hnsw_create_recent(Relation relation);

/*
 * Pin and lock the page where a node's record is (or begins).  False if there
 * are no nodes, and then nothing is locked: the page has not been written yet,
 * a trace of a crash, or holds rows without an embedding.
 */
extern bool hnsw_lock_page(HnswIndex *index, BlockNumber block, int mode,
						   Buffer *buffer);

/* Bring a node nearer to the processor, or its page into memory. */
extern void hnsw_prefetch_node(HnswIndex *index, uint32 node);

/* A record on a locked page, or on a copy of it, validated. */
extern GraphRecord *hnsw_page_record(HnswIndex *index, Page page,
									 BlockNumber block, int slot);

/*
 * Lock the page of a node and give its record.  NULL if the node is free:
 * nothing is locked then.
 */
extern GraphRecord *hnsw_lock_node(HnswIndex *index, uint32 node, int mode,
								   Buffer *buffer);

/*
 * The own vector of a record on a locked page: a pointer into the page if the
 * record is whole there, else a copy in scratch.
 */
extern const void *hnsw_record_own(HnswIndex *index, const GraphRecord *record,
								   Buffer buffer, void *scratch);

/*
 * A scan's snapshot may be older than the removal of rows from a page that it
 * reads.
 */
extern void hnsw_check_old_snapshot(HnswIndex *index, Page page);

/* New pages of one node, or of several that share a page: the first, locked */
extern Buffer hnsw_extend(HnswIndex *index);

/* Write a new node of one row into a free place; its number. */
extern uint32 hnsw_create_node(HnswIndex *index, const GraphQuery *query,
							   uint64 row, const GraphList *list,
							   const void *const *owns, GraphScratch *scratch);

#endif							/* HNSW_NODE_H */
