/*
 * insert.h
 *	  Inserting rows (insert.c), and who waits for it.
 */
#ifndef HNSW_INSERT_H
#define HNSW_INSERT_H

#include "graph/link.h"
#include "hnsw/index.h"

/*
 * Insert the vector of one row; several backends may at once.  The metapage was
 * read after HNSW_INSERT_LOCK was taken; it is read again only if no live node
 * was found from its entry point.
 */
extern void hnsw_insert_vector(HnswIndex *index, GraphLinker *linker,
							   const HnswMeta *meta, const float *vector,
							   uint64 row);

/*
 * Inserts hold this lock shared; vacuum takes it exclusively for an instant to
 * wait for the inserts that began before.
 */
#define HNSW_INSERT_LOCK HNSW_META_BLOCK

#endif							/* HNSW_INSERT_H */
