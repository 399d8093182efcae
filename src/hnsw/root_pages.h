/*
 * root_pages.h
 *	  The center and the root on pages (root_pages.c).
 */
#ifndef HNSW_ROOT_PAGES_H
#define HNSW_ROOT_PAGES_H

#include "hnsw/index.h"

/* Pages that a center takes */
extern uint32 hnsw_center_pages(uint32 dims);

/*
 * Write the center of an index that is being built, of which there is only the
 * metapage.  It has to be opened again.
 */
extern void hnsw_write_center(HnswIndex *index, const float *center);

/* palloc'd; NULL if vectors are not centered */
extern float *hnsw_read_center(Relation relation, const HnswMeta *meta);

/*
 * Make the pages of the root of an index that is being built, for n nodes and
 * more.  It has to be opened again.
 */
extern void hnsw_reserve_root(HnswIndex *index, int n);

/*
 * Write a root to the pages that there are for it, and say so in the metapage.
 * Who has opened the index keeps the root that he has.
 */
extern void hnsw_write_root(HnswIndex *index, const GraphRoot *root);

/*
 * Read what the metapage says is there.  No nodes if there is none, or if it is
 * being replaced at this moment.
 */
extern void hnsw_read_root(Relation relation, const HnswMeta *meta,
						   const HnswLayout *layout, Arena *arena,
						   GraphRoot *root);

/* Make the root anew if the index has changed much; for vacuum.  Was it? */
extern bool hnsw_refresh_root(HnswIndex *index);

#endif							/* HNSW_ROOT_PAGES_H */
