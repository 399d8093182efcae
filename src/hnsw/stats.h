/*
 * stats.h
 *	  What is measured of an index and kept in its metapage (stats.c, recall.c).
 */
#ifndef HNSW_STATS_H
#define HNSW_STATS_H

#include "hnsw/index.h"

/*
 * Put a value among the k least, in order, NaN last; n is how many there are,
 * returns how many then.
 */
extern int	hnsw_keep_least(double *least, int n, int k, double value);

/* The stats, without any error: zeros if the metapage is not sound. */
extern HnswStats hnsw_read_stats(Relation relation);
extern void hnsw_write_stats(HnswIndex *index, const HnswStats *stats);

/* Measure what the planner wants to know, on pages, and write it down. */
extern void hnsw_measure_search(HnswIndex *index);

/* After a build: the effort that reaches the index's target_recall. */
extern void hnsw_find_target_ef(Relation heap, HnswIndex *index);

#endif							/* HNSW_STATS_H */
