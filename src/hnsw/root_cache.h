/*
 * root_cache.h
 *	  The center and the root on pages (root_cache.c).
 */
#ifndef HNSW_ROOT_CACHE_H
#define HNSW_ROOT_CACHE_H

#include "hnsw/index.h"

/* Pages that a root takes, and a center */
extern uint32 hnsw_root_pages(const GraphShape *shape, int root_nodes);
extern uint32 hnsw_center_pages(uint32 dims);

/* Pages to keep for it, so that it can grow with the index */
extern uint32 hnsw_root_reserve(const GraphShape *shape, int root_nodes);

/*
 * Write them to new pages at the end of the file: first the center, if any,
 * right behind the metapage, then the root.  They are not logged.  Return the
 * checksum.
 */
extern uint32 hnsw_write_center(HnswIndex *index, float *center);
extern uint32 hnsw_write_root(HnswIndex *index, const GraphRoot *root);

/* Make the root anew if the index has changed much; for vacuum. */
extern void hnsw_refresh_root(HnswIndex *index);

#endif							/* HNSW_ROOT_CACHE_H */
