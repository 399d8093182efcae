/*
 * insert.c
 *	  Inserting one row.
 */
#include "postgres.h"

#include "nodes/execnodes.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"

#include "hnsw/hnsw.h"
#include "hnsw/insert.h"
#include "hnsw/node.h"
#include "hnsw/nulls.h"
#include "hnsw/options.h"
#include "hnsw/xlog.h"
#include "server/context.h"
#include "server/errors.h"

/*
 * Make a node that nothing leads to the entry, if the entry is still the one
 * from which no live node was found.
 */
static bool
insert_as_entry(HnswIndex *index, const GraphQuery *query, uint64 row, uint32 entry)
{
	Buffer		meta = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	bool		same = hnsw_page_meta(BufferGetPage(meta))->entry == entry;
	GraphList	none = {0};

	if (same)
		hnsw_set_entry(index, meta, hnsw_create_node(index, query, row, &none, NULL, NULL));
	UnlockReleaseBuffer(meta);
	return same;
}

void
hnsw_insert_vector(HnswIndex *index, GraphLinker *linker, const float *vector, uint64 row)
{
	GraphQuery *query = graph_linker_query(linker);

	graph_query_set(query, vector);
	graph_query_encode(query);
	for (;;)
	{
		GraphStart	start = hnsw_start(index);
		uint32		node;
		Status		status;

		status_clear(&status);
		switch (graph_insert(linker, row, &start, &node, &status))
		{
			case GRAPH_INSERTED:
			case GRAPH_MERGED:
				return;
			case GRAPH_ISOLATED:
				if (insert_as_entry(index, query, row, start.entry))
					return;
				break;
			case GRAPH_FAILED:
				raise_status(&status);
		}
	}
}

static void
insert_datum(HnswIndex *index, Datum value, ItemPointer tid, MemoryContext context)
{
	Relation	relation = index->relation;
	Status		status;
	GraphLinker *linker;

	status_clear(&status);
	linker = graph_linker_create(memory_arena(context, ARENA_NO_BUDGET), &index->access,
								 hnsw_ef_construction(relation), &status);
	if (linker == NULL)
		raise_status(&status);
	hnsw_insert_vector(index, linker, hnsw_prepare(index, value), hnsw_row(tid));
}

bool
hnsw_insert(Relation relation, Datum *values, bool *isnull, ItemPointer tid,
			Relation heap, IndexUniqueCheck unique, bool unchanged,
			struct IndexInfo *info)
{
	MemoryContext context;
	MemoryContext caller;
	HnswIndex  *index;

	context = AllocSetContextCreate(CurrentMemoryContext, "similarity_hnsw insert",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	LockPage(relation, HNSW_INSERT_LOCK, ShareLock);
	index = hnsw_open(relation);
	if (isnull[0])
		hnsw_insert_null(index, tid);
	else
		insert_datum(index, values[0], tid, context);
	UnlockPage(relation, HNSW_INSERT_LOCK, ShareLock);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return false;
}
