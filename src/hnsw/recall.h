/*
 * recall.h
 *	  How many of the true neighbors an index finds, by its effort.
 */
#ifndef HNSW_RECALL_H
#define HNSW_RECALL_H

#include "postgres.h"

typedef struct HnswRecallPoint
{
	int			ef;				/* given; 0: the index's own, which is put in */
	double		recall;			/* 0 .. 1; 1 if there is no row */
	double		expansions;		/* nodes read, a search */
} HnswRecallPoint;

/*
 * What similarity.index_recall() gives for each of n ef, for one sample of the
 * rows of an index (hnsw_index_parts()); nothing is kept.  True neighbors are
 * found once.  Returns how many rows were searched for.  ERROR unless the role
 * sees all rows of the table, as hnsw_sees_all_rows() says.
 */
extern int	hnsw_measure_recall(Oid part, int sample, int k, int64 seed,
								HnswRecallPoint *points, int n);

#endif							/* HNSW_RECALL_H */
