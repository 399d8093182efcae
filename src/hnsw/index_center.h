/*
 * index_center.h
 *	  What vectors have in common, found before a build (index_center.c).
 */
#ifndef HNSW_INDEX_CENTER_H
#define HNSW_INDEX_CENTER_H

#include "hnsw/index.h"

struct IndexInfo;

/*
 * Find a center in a sample of the table and write it, if the index's metric
 * takes one and the data have one; and have nodes of halves where int8 would
 * hide who is near whom, unless the index says what it wants.  Nothing but the
 * metapage is there yet; true if the index is to be opened again.
 */
extern bool hnsw_build_center(HnswIndex *index, Relation heap,
							  struct IndexInfo *info);

#endif							/* HNSW_INDEX_CENTER_H */
