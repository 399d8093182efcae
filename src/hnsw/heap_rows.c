/*
 * heap_rows.c
 *	  What the table holds in a row of which the index keeps an approximation.
 *
 * The key is evaluated as by the executor, in memory that the next row reuses.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_type_d.h"
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
hnsw_refine_bound(GraphExpansion *expansion, HnswRowDistance distance,
				  void *context)
{
	bool		any = false;

	expansion->bound = INFINITY;
	for (int i = 0; i < expansion->nrows; i++)
	{
		double		found;

		if (!distance(context, expansion->rows[i], &found))
			continue;
		any = true;
		if (found < expansion->bound)
			expansion->bound = found;
	}
	return any;
}

/* What the operator of the scan's key returns for a row */
static bool
scan_distance(void *context, uint64 row, double *distance)
{
	HnswRefine *refine = context;
	HnswRows   *rows = refine->rows;
	const ScanKeyData *key = refine->key;
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

/* Open the rows when they are first needed. */
static void
open_refine(HnswRefine *refine, Relation index)
{
	MemoryContext caller;

	if (refine->rows != NULL)
		return;
	caller = MemoryContextSwitchTo(refine->context);
	refine->rows = hnsw_open_rows(refine->heap, index, refine->snapshot);
	MemoryContextSwitchTo(caller);
}

bool
hnsw_refine(HnswRefine *refine, Relation index, GraphExpansion *expansion)
{
	open_refine(refine, index);
	return hnsw_refine_bound(expansion, scan_distance, refine);
}

bool
hnsw_operator_distance(HnswRefine *refine, Relation index, uint64 row,
					   double *distance)
{
	open_refine(refine, index);
	return scan_distance(refine, row, distance);
}

void
hnsw_end_refine(HnswRefine *refine)
{
	if (refine->rows != NULL)
		hnsw_close_rows(refine->rows);
	refine->rows = NULL;
}

/* Ask the server: a row is stored as the executor does it. */
bool
hnsw_put_off_rows_keep_ctid(void)
{
	static bool asked = false;
	static bool keeps;
	TupleDesc	columns;
	TupleTableSlot *slot;
	HeapTuple	row;
	Datum		value = Int32GetDatum(0);
	bool		isnull = false;
	ItemPointer tid;

	if (asked)
		return keeps;
	columns = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(columns, 1, "value", INT4OID, -1, 0);
	slot = MakeSingleTupleTableSlot(columns, &TTSOpsBufferHeapTuple);
	row = heap_form_tuple(columns, &value, &isnull);
	ItemPointerSet(&row->t_self, 1, 1);
	ExecForceStoreHeapTuple(row, slot, true);
	tid = (ItemPointer) DatumGetPointer(slot_getsysattr(slot,
														SelfItemPointerAttributeNumber,
														&isnull));
	keeps = ItemPointerIsValid(tid);
	asked = true;
	ExecDropSingleTupleTableSlot(slot);
	FreeTupleDesc(columns);
	return keeps;
}
