/*
 * nulls.h
 *	  Rows without an embedding (nulls.c).
 */
#ifndef HNSW_NULLS_H
#define HNSW_NULLS_H

#include "access/genam.h"

#include "hnsw/index.h"

#define HNSW_NULLS_PER_PAGE \
	((int) ((HNSW_PAGE_SPACE - 2 * sizeof(uint32)) / sizeof(ItemPointerData)))

/* On the way along their pages */
typedef struct HnswNullWalk
{
	BlockNumber next;			/* 0: the end */
	BlockNumber left;			/* pages that there can be at most */
} HnswNullWalk;

extern HnswNullWalk hnsw_walk_nulls(HnswIndex *index);

/*
 * Copy the rows of the next page, at most HNSW_NULLS_PER_PAGE; false at the
 * end.  ERROR if it is damaged, or the walk has met more pages than there are.
 */
extern bool hnsw_read_nulls(HnswIndex *index, HnswNullWalk *walk,
							ItemPointerData *rows, int *n);

/* The same of any page, without an ERROR: what is wrong with it, or NULL */
extern const char *hnsw_copy_nulls(HnswIndex *index, BlockNumber block,
								   ItemPointerData *rows, int *n,
								   BlockNumber *next);

/* Several backends may at once.  meta was read before. */
extern void hnsw_insert_null(HnswIndex *index, const HnswMeta *meta,
							 ItemPointer tid);

/* Remove the rows that the callback names. */
extern void hnsw_vacuum_nulls(HnswIndex *index, IndexBulkDeleteResult *stats,
							  IndexBulkDeleteCallback callback, void *state);

#endif							/* HNSW_NULLS_H */
