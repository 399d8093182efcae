/*
 * heap_rows.h
 *	  What the table holds in rows of which the index keeps an approximation
 *	  (heap_rows.c).
 */
#ifndef HNSW_HEAP_ROWS_H
#define HNSW_HEAP_ROWS_H

#include "postgres.h"

#include "access/skey.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "graph/graph.h"

typedef struct HnswRows HnswRows;

/* Rows of the index's table as a snapshot sees them */
extern HnswRows *hnsw_open_rows(Relation heap, Relation index,
								Snapshot snapshot);
extern void hnsw_close_rows(HnswRows *rows);

/*
 * The index's key in a row, valid until the next call; false if the snapshot
 * does not see the row, or it is NULL.
 */
extern bool hnsw_row_value(HnswRows *rows, uint64 row, Datum *value);

/*
 * Replace the bound of a node's rows by their least distance; false if none is
 * seen.  distance says of one row whether it is.  NaN sorts last, as infinity.
 */
typedef bool (*HnswRowDistance) (void *context, uint64 row, double *distance);

extern bool hnsw_refine_bound(GraphExpansion *expansion,
							  HnswRowDistance distance, void *context);

/* What a scan needs to ask the table. */
typedef struct HnswRefine
{
	MemoryContext context;		/* where the rows are opened */
	Relation	heap;
	Snapshot	snapshot;
	const ScanKeyData *key;		/* the distance */
	HnswRows   *rows;			/* NULL until first needed */
} HnswRefine;

/* The same by the operator; rows that the snapshot does not see are none. */
extern bool hnsw_refine(HnswRefine *refine, Relation index,
						GraphExpansion *expansion);

/* What the operator returns for one row; false if the snapshot sees none. */
extern bool hnsw_operator_distance(HnswRefine *refine, Relation index,
								   uint64 row, double *distance);
extern void hnsw_end_refine(HnswRefine *refine);

/*
 * Do rows keep their ctid that the executor puts off, because the distance that it
 * computes is more than the one that an index gave?  In minor versions of
 * PostgreSQL that are not of late they do not: a query that shows it gets
 * (4294967295,0), and FOR UPDATE ends with "attempted to lock invisible tuple".
 * There an index sorts its rows itself.
 */
extern bool hnsw_put_off_rows_keep_ctid(void);

#endif							/* HNSW_HEAP_ROWS_H */
