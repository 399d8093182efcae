/*
 * heap_rows.c
 *	  What the table holds in a row of which the index keeps an approximation.
 *
 * The key is evaluated as by the executor, in memory that the next row reuses.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "fmgr.h"

#include "hnsw/hnsw.h"

struct HnswRows
{
	Snapshot	snapshot;
	IndexFetchTableData *fetch;
	TupleTableSlot *slot;
	IndexInfo  *info;
	EState	   *estate;
};

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
		!table_index_fetch_tuple(rows->fetch, &tid, rows->snapshot, rows->slot, &again, NULL))
		return false;
	ResetExprContext(econtext);
	econtext->ecxt_scantuple = rows->slot;
	caller = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);
	FormIndexDatum(rows->info, rows->slot, rows->estate, value, &isnull);
	MemoryContextSwitchTo(caller);
	return !isnull;
}

bool
hnsw_row_distance(HnswRows *rows, uint64 row, const ScanKeyData *key, double *distance)
{
	Datum		value;
	MemoryContext caller;

	if (!hnsw_row_value(rows, row, &value))
		return false;
	caller = MemoryContextSwitchTo(GetPerTupleMemoryContext(rows->estate));
	*distance = DatumGetFloat8(FunctionCall2Coll(unconstify(FmgrInfo *, &key->sk_func),
												 key->sk_collation, value, key->sk_argument));
	MemoryContextSwitchTo(caller);
	return true;
}
