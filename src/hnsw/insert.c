/*
 * insert.c
 *	  Inserting one row.
 *
 * An insertion needs some hundred kilobytes, as a search does (searcher.c).
 * They are kept for the next one by the connection, in the index's cache, and
 * not by the statement (IndexInfo's ii_AmCache): so statements of one row have
 * them, too, and a statement that fills many partitions does not keep them of
 * each.
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

/* What an insertion takes is not kept if it has grown beyond this. */
#define MOST_KEPT (4 * 1024 * 1024)

/* All that one insertion takes */
typedef struct HnswInserter
{
	HnswIndex	index;
	GraphLinker *linker;
	int			ef_construction;	/* of the linker */
	float	   *vector;			/* to decode a value into */
	MemoryContext context;
} HnswInserter;

/* ---- one vector ---- */

/*
 * Make a node that nothing leads to the entry point, if that is still the one
 * from which no live node was found.
 */
static bool
insert_as_entry(HnswIndex *index, const GraphQuery *query, uint64 row,
				uint32 entry)
{
	Buffer		meta = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	bool		same = hnsw_page_meta(BufferGetPage(meta))->entry == entry;
	GraphList	none = {0};

	if (same)
		hnsw_set_entry(index, meta,
					   hnsw_create_node(index, query, row, &none, NULL, NULL));
	UnlockReleaseBuffer(meta);
	return same;
}

void
hnsw_insert_vector(HnswIndex *index, GraphLinker *linker, const HnswMeta *meta,
				   const float *vector, uint64 row)
{
	GraphQuery *query = graph_linker_query(linker);
	GraphStart	start = hnsw_start_at(index, meta);

	graph_query_set(query, vector);
	graph_query_encode(query);
	for (;; start = hnsw_start(index))
	{
		uint32		node;
		Status		status;

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

/* ---- what is kept ---- */

/* In the current memory context, where an error frees it */
static HnswInserter *
make_inserter(Relation relation, HnswCache *cache)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "similarity_hnsw linker",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	HnswInserter *inserter = palloc0(sizeof(HnswInserter));
	Status		status;

	inserter->context = context;
	inserter->ef_construction = hnsw_ef_construction(relation);
	hnsw_init_index(&inserter->index, relation, cache);
	inserter->vector = palloc(sizeof(float) * cache->layout.shape.dims);
	inserter->linker = graph_linker_create(memory_arena(context,
														ARENA_NO_BUDGET),
										   &inserter->index.access,
										   inserter->ef_construction, &status);
	if (inserter->linker == NULL)
		raise_status(&status);
	MemoryContextSwitchTo(caller);
	return inserter;
}

/*
 * Until it is put back it belongs to the current memory context: what an error
 * leaves half done goes with that.
 */
static HnswInserter *
take_inserter(Relation relation, HnswCache *cache)
{
	HnswInserter *inserter = cache->inserter;

	if (inserter == NULL)
		return make_inserter(relation, cache);
	cache->inserter = NULL;
	MemoryContextSetParent(inserter->context, CurrentMemoryContext);
	/* ALTER INDEX may have changed it. */
	if (inserter->ef_construction != hnsw_ef_construction(relation))
		return make_inserter(relation, cache);
	inserter->index.relation = relation;
	return inserter;
}

/* After success only: nothing half done is ever used again. */
static void
put_back(HnswInserter *inserter)
{
	HnswCache  *cache = inserter->index.cache;

	if (cache->context == NULL ||
		MemoryContextMemAllocated(inserter->context, true) > MOST_KEPT)
		return;
	inserter->index.relation = NULL;
	MemoryContextSetParent(inserter->context, cache->context);
	cache->inserter = inserter;
}

/* ---- one row ---- */

/* A row with an embedding */
static void
insert_value(Relation relation, const HnswMeta *meta, Datum value,
			 ItemPointer tid)
{
	HnswInserter *inserter = take_inserter(relation,
										   hnsw_cache(relation, meta));

	hnsw_decode_datum(&inserter->index, value, inserter->vector);
	hnsw_insert_vector(&inserter->index, inserter->linker, meta,
					   inserter->vector, hnsw_row(tid));
	put_back(inserter);
}

/*
 * aminsert.  HNSW_INSERT_LOCK is taken before the metapage is read: vacuum,
 * when it has the lock, knows that nobody works from what he read before.
 * Uniqueness is not checked (amcanunique is false), so that false is the
 * result.
 */
bool
hnsw_insert(Relation relation, Datum *values, bool *isnull, ItemPointer tid,
			Relation heap, IndexUniqueCheck unique, bool unchanged,
			struct IndexInfo *info)
{
	MemoryContext context;
	MemoryContext caller;
	HnswMeta	meta;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"similarity_hnsw insert",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	LockPage(relation, HNSW_INSERT_LOCK, ShareLock);
	meta = hnsw_read_meta(relation);
	if (isnull[0])
		hnsw_insert_null(hnsw_open_at(relation, &meta), &meta, tid);
	else
		insert_value(relation, &meta, values[0], tid);
	UnlockPage(relation, HNSW_INSERT_LOCK, ShareLock);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return false;
}
