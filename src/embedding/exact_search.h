/*
 * exact_search.h
 *	  The exact k nearest rows of many queries: embeddings for
 *	  kernel/neighbors.h.
 *
 *		search = exact_search_begin(metric, pool, queries, n, k);
 *		exact_search_add(search, value, id, stays);		for each row
 *		exact_search_finish(search);
 *		found = exact_search_found(search, query, &count);
 *
 * Distances are the operators' own to the last bit.  Everything is in the
 * memory context that was current at the beginning, and ends with it.
 */
#ifndef EMBEDDING_EXACT_SEARCH_H
#define EMBEDDING_EXACT_SEARCH_H

#include "postgres.h"

#include "base/threads.h"
#include "embedding/embedding.h"

typedef struct ExactSearch ExactSearch;

/*
 * Queries that fit into maintenance_work_mem, with what the search keeps of
 * each and item_size bytes that the caller keeps: 1 at least.
 */
extern int	exact_search_affordable(const EmbeddingMetric *metric, int dims,
									int k, Size item_size);

/*
 * ERROR unless the n >= 1 queries have the same dimensions and tag.  They stay
 * with the caller for as long as the search.
 */
extern ExactSearch *exact_search_begin(const EmbeddingMetric *metric,
									   ThreadPool *pool,
									   Embedding *const *queries, int n, int k);

/* Rows that are compared at once */
extern int	exact_search_block(const ExactSearch *search);

/*
 * Take a row, with the caller's number of it.  ERROR unless its dimensions and
 * tag are the queries'.  If it stays where it is until exact_search_flush(), it
 * is copied only where it must be.
 */
extern void exact_search_add(ExactSearch *search, Datum value, uint64 id,
							 bool stays);

/* Compare the rows that wait, fewer than a block; answers interrupts. */
extern void exact_search_flush(ExactSearch *search);

/* All rows are there. */
extern void exact_search_finish(ExactSearch *search);

/* The nearest rows of a query, nearest first: k, or all if there are fewer */
extern const Neighbor *exact_search_found(ExactSearch *search, int query,
										  int *n);

#endif							/* EMBEDDING_EXACT_SEARCH_H */
