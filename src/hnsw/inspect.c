/*
 * inspect.c
 *	  similarity.index_info(): what an index is and holds.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_am.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"
#include "hnsw/inspect.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_index_info);

Relation
hnsw_open_relation(Oid oid)
{
	Relation	relation = relation_open(oid, AccessShareLock);
	bool		ours = relation->rd_rel->relkind == RELKIND_INDEX &&
	relation->rd_rel->relam == get_index_am_oid("similarity_hnsw", false);

	if (!ours)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index of access method similarity_hnsw",
						RelationGetRelationName(relation))));
	if (RELATION_IS_OTHER_TEMP(relation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary indexes of other sessions")));
	return relation;
}

typedef struct Counts
{
	int64		rows;
	int64		nodes[GRAPH_DEAD + 1];	/* by state */
	int64		neighbors;
} Counts;

static void
count_page(HnswIndex *index, BlockNumber block, Counts *counts)
{
	Buffer		buffer;

	if (!hnsw_lock_page(index, block, BUFFER_LOCK_SHARE, &buffer))
	{
		counts->nodes[GRAPH_FREE] += index->layout.nodes_per_page;
		return;
	}
	for (int slot = 0; slot < index->layout.nodes_per_page; slot++)
	{
		GraphRecord *record = hnsw_page_record(index, BufferGetPage(buffer), block, slot);

		counts->rows += record->nrows;
		counts->nodes[record->state]++;
		if (record->state == GRAPH_LIVE)
			counts->neighbors += graph_record_neighbors(&index->layout.shape, record);
	}
	UnlockReleaseBuffer(buffer);
}

static Counts
count_index(HnswIndex *index)
{
	uint32		nodes = hnsw_count_nodes(index);
	Counts		counts = {0};

	for (uint32 node = 0; node < nodes; node += index->layout.nodes_per_page)
	{
		CHECK_FOR_INTERRUPTS();
		count_page(index, hnsw_node_block(&index->layout, node), &counts);
	}
	return counts;
}

Datum
hnsw_index_info(PG_FUNCTION_ARGS)
{
	Relation	relation = hnsw_open_relation(PG_GETARG_OID(0));
	HnswIndex  *index = hnsw_open(relation);
	HnswMeta	meta = hnsw_read_meta(relation);
	Counts		counts;
	TupleDesc	descriptor;
	Datum		values[13];
	bool		nulls[13] = {false};
	int64		live;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	index->strategy = GetAccessStrategy(BAS_BULKREAD);
	counts = count_index(index);
	live = counts.nodes[GRAPH_LIVE];
	values[0] = CStringGetTextDatum(index->space->metric->name);
	values[1] = Int32GetDatum(meta.dims);
	values[2] = Int32GetDatum(meta.degree / 2);
	values[3] = Int32GetDatum(hnsw_ef_construction(relation));
	values[4] = Int32GetDatum(hnsw_ef_search(relation));
	values[5] = Int64GetDatum(counts.rows);
	values[6] = Int64GetDatum(live);
	values[7] = Int64GetDatum(counts.nodes[GRAPH_DEAD]);
	values[8] = Int64GetDatum(counts.nodes[GRAPH_FREE]);
	values[9] = Float8GetDatum(live > 0 ? (double) counts.neighbors / live : 0);
	values[10] = Int64GetDatum(RelationGetNumberOfBlocks(relation));
	values[11] = Int32GetDatum(index->layout.shape.size);
	values[12] = Int32GetDatum(meta.version);
	relation_close(relation, AccessShareLock);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
