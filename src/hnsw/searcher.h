/*
 * searcher.h
 *	  All that one search takes, kept for the next (searcher.c).
 */
#ifndef HNSW_SEARCHER_H
#define HNSW_SEARCHER_H

#include "hnsw/index.h"

typedef struct HnswSearcher
{
	HnswIndex	index;
	GraphQuery *query;
	GraphSearch *search;
	float	   *vector;			/* to decode a value into */
	MemoryContext context;
} HnswSearcher;

/*
 * A searcher that nobody else uses, until the current memory context is reset.
 */
extern HnswSearcher *hnsw_take_searcher(Relation relation,
										const HnswMeta *meta);

/* Nodes that may wait in the memory of one search: work_mem */
extern size_t hnsw_max_waiting(void);

#endif							/* HNSW_SEARCHER_H */
