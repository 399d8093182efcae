/*
 * heap_rows.c
 *	  What the table holds in a row of which the index keeps an approximation.
 *
 * The key is evaluated as by the executor, in memory that the next row reuses.
 */
#include "postgres.h"

#include <math.h>

#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "fmgr.h"

#include "hnsw/heap_rows.h"
#include "hnsw/page.h"

struct HnswRows
{
	Snapshot	snapshot;
	IndexFetchTableData *fetch;
	TupleTableSlot *slot;
	IndexInfo  *info;
	EState	   *estate;
};

/* An executor state of its own: expressions of the index need one. */
HnswRows *
hnsw_open_rows(Relation heap, Relation index, Snapshot snapshot)
{
	HnswRows   *rows = palloc(sizeof(HnswRows));

	rows->snapshot = snapshot;
	rows->fetch = table_index_fetch_begin(heap);
	rows->slot = table_slot_create(heap, NULL);
	rows->info = BuildIndexInfo(index);
	rows->estate = CreateExecutorState();
	return rows;
}

void
hnsw_close_rows(HnswRows *rows)
{
	FreeExecutorState(rows->estate);
	ExecDropSingleTupleTableSlot(rows->slot);
	table_index_fetch_end(rows->fetch);
	pfree(rows);
}

/*
 * A row pointer may be old: the line pointer is gone, or another row's that the
 * snapshot does not see.  HOT chains are followed by table_index_fetch_tuple().
 */
bool
hnsw_row_value(HnswRows *rows, uint64 row, Datum *value)
{
	ExprContext *econtext = GetPerTupleExprContext(rows->estate);
	bool		again = false;
	ItemPointerData tid;
	bool		isnull;
	MemoryContext caller;

	hnsw_row_tid(row, &tid);
	if (!ItemPointerIsValid(&tid) ||
		!table_index_fetch_tuple(rows->fetch, &tid, rows->snapshot, rows->slot,
								 &again, NULL))
		return false;
	ResetExprContext(econtext);
	econtext->ecxt_scantuple = rows->slot;
	caller = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	FormIndexDatum(rows->info, rows->slot, rows->estate, value, &isnull);
	MemoryContextSwitchTo(caller);
	return !isnull;
}

bool
hnsw_row_distance(HnswRows *rows, uint64 row, const ScanKeyData *key,
				  double *distance)
{
	Datum		value;
	MemoryContext caller;

	if (!hnsw_row_value(rows, row, &value))
		return false;
	caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(rows->estate));
	*distance = DatumGetFloat8(FunctionCall2Coll(unconstify(FmgrInfo *, &key->sk_func),
												 key->sk_collation, value,
												 key->sk_argument));
	MemoryContextSwitchTo(caller);
	return true;
}

/* NaN sorts last, as infinity. */
bool
hnsw_refine(HnswRefine *refine, Relation index, GraphExpansion *expansion)
{
	double		least = INFINITY;
	bool		any = false;

	if (refine->rows == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(refine->context);

		refine->rows = hnsw_open_rows(refine->heap, index, refine->snapshot);
		MemoryContextSwitchTo(caller);
	}
	for (int i = 0; i < expansion->nrows; i++)
	{
		double		distance;

		if (!hnsw_row_distance(refine->rows, expansion->rows[i], refine->key,
							   &distance))
			continue;
		any = true;
		if (distance < least)
			least = distance;
	}
	expansion->bound = least;
	return any;
}

void
hnsw_end_refine(HnswRefine *refine)
{
	if (refine->rows != NULL)
		hnsw_close_rows(refine->rows);
	refine->rows = NULL;
}
