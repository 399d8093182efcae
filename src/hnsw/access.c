/*
 * access.c
 *	  The graph's accessor over pages, and opening an index.
 *
 * Each function locks one node's page, reads or writes, and lets go: no pin
 * and no lock outlives a call.  A long record's further pages are locked while
 * the first one is.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "embedding/embedding.h"
#include "hnsw/hnsw.h"
#include "server/compat.h"
#include "server/context.h"

/* ---- rows ---- */

uint64
hnsw_row(ItemPointer tid)
{
	return (uint64) ItemPointerGetBlockNumber(tid) << 16 | ItemPointerGetOffsetNumber(tid);
}

void
hnsw_row_tid(uint64 row, ItemPointer tid)
{
	ItemPointerSet(tid, (BlockNumber) (row >> 16), (OffsetNumber) (row & 0xFFFF));
}

/* ---- opening ---- */

const GraphMetric *
hnsw_metric(Relation relation)
{
	FmgrInfo   *support = index_getprocinfo(relation, 1, 1);

	return (const GraphMetric *) DatumGetPointer(FunctionCall1(support, PointerGetDatum(relation)));
}

HnswIndex *
hnsw_open(Relation relation)
{
	HnswMeta	meta = hnsw_read_meta(relation);
	HnswIndex  *index = palloc(sizeof(HnswIndex));

	hnsw_init_index(index, relation, hnsw_cache(relation, &meta));
	index->ef = hnsw_ef_search(relation, &meta.stats);
	index->record = palloc(index->layout.shape.size);
	return index;
}

void
hnsw_decode(HnswIndex *index, Datum value, float *vector)
{
	Embedding  *e = embedding_check(DatumGetEmbedding(value));
	int			dims = index->layout.shape.dims;

	if (e->dims != dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different numbers of dimensions: %d and %d", e->dims, dims),
				 errdetail("Index \"%s\" is for %d dimensions.",
						   RelationGetRelationName(index->relation), dims)));
	embedding_decode(e, vector);
	if ((Pointer) e != DatumGetPointer(value))
		pfree(e);
}

float *
hnsw_prepare(HnswIndex *index, Datum value)
{
	float	   *vector = palloc(sizeof(float) * index->layout.shape.dims);

	hnsw_decode(index, value, vector);
	return vector;
}

GraphQuery *
hnsw_create_query(HnswIndex *index)
{
	GraphQuery *query = graph_query_create(memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET),
										   index->space);

	if (query == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return query;
}

GraphScratch *
hnsw_create_scratch(HnswIndex *index)
{
	GraphScratch *scratch = graph_scratch_create(memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET),
												 &index->layout.shape);

	if (scratch == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return scratch;
}

GraphStart
hnsw_start_at(HnswIndex *index, const HnswMeta *meta)
{
	GraphStart	start = {
		.entry = meta->entry,
		.nodes = hnsw_count_nodes(index),
		.root = &index->cache->root
	};

	return start;
}

GraphStart
hnsw_start(HnswIndex *index)
{
	HnswMeta	meta = hnsw_read_meta(index->relation);

	return hnsw_start_at(index, &meta);
}

/* ---- the accessor ---- */

static bool
pages_score(void *context, uint32_t node, GraphQuery *query, float *distance)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE, &buffer);

	if (record == NULL)
		return false;
	*distance = graph_query_distance(query, hnsw_record_own(index, record, buffer, index->own));
	UnlockReleaseBuffer(buffer);
	return true;
}

/* Without codes: score the neighbors noted in out, leave out those that are free. */
static void
score_neighbors(HnswIndex *index, GraphQuery *query, GraphExpansion *out)
{
	int			n = 0;

	for (int i = 0; i < out->n; i++)
	{
		if (pages_score(index, out->ids[i], query, &out->estimates[n]))
			out->ids[n++] = out->ids[i];
	}
	out->n = n;
}

static bool
pages_expand(void *context, uint32_t node, GraphQuery *query,
			 const GraphBits *seen, GraphExpansion *out)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record;

	CHECK_FOR_INTERRUPTS();
	record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE, &buffer);
	if (record == NULL)
		return false;
	graph_query_expand(query, record, hnsw_record_own(index, record, buffer, index->own),
					   seen, out);
	UnlockReleaseBuffer(buffer);
	if (!index->space->metric->coded)
		score_neighbors(index, query, out);
	return true;
}

/*
 * The operator's least distance to the rows, from the table.  NaN sorts last,
 * as infinity.
 */
static bool
pages_refine(void *context, GraphExpansion *expansion)
{
	HnswIndex  *index = context;
	double		least = INFINITY;
	bool		any = false;

	if (index->key == NULL)
		return false;
	if (index->rows == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(index->scan_context);

		index->rows = hnsw_open_rows(index->heap, index->relation, index->snapshot);
		MemoryContextSwitchTo(caller);
	}
	for (int i = 0; i < expansion->nrows; i++)
	{
		double		distance;

		if (!hnsw_row_distance(index->rows, expansion->rows[i], index->key, &distance))
			continue;
		any = true;
		if (distance < least)
			least = distance;
	}
	expansion->bound = least;
	return any;
}

static int
pages_prefetch(void *context, uint32_t node)
{
	HnswIndex  *index = context;

	hnsw_prefetch_node(index, node);
	return index->ahead;
}

static const void *
pages_own(void *context, uint32_t node, void *scratch)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE, &buffer);
	const void *own;

	if (record == NULL)
		return NULL;
	own = hnsw_record_own(index, record, buffer, scratch);
	if (own != scratch)
		memcpy(scratch, own, index->layout.shape.own_size);
	UnlockReleaseBuffer(buffer);
	return scratch;
}

static bool
pages_read_list(void *context, uint32_t node, GraphList *list, bool *live)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE, &buffer);

	if (record == NULL)
		return false;
	*live = record->state == GRAPH_LIVE;
	graph_record_get_list(&index->layout.shape, record, list);
	UnlockReleaseBuffer(buffer);
	return true;
}

/* The record in the working copy of a page that is being changed */
static GraphRecord *
xlog_record(HnswIndex *index, HnswXlog *xlog, Buffer buffer, uint32_t node)
{
	return hnsw_page_record(index, hnsw_xlog_page(xlog, buffer, false),
							BufferGetBlockNumber(buffer),
							hnsw_node_slot(&index->layout, node));
}

/*
 * Whether the newcomer gets a place is decided on a copy of the part that
 * changes: most are refused, and a WAL record costs two copies of the page.
 */
static GraphLinkResult
pages_link(void *context, uint32_t owner, const GraphNewcomer *newcomer)
{
	HnswIndex  *index = context;
	Size		head = index->layout.shape.head;
	Buffer		buffer;
	HnswXlog	xlog;
	GraphRecord *record = hnsw_lock_node(index, owner, BUFFER_LOCK_EXCLUSIVE, &buffer);
	GraphLinkResult result = GRAPH_REFUSED;

	if (record == NULL)
		return GRAPH_REFUSED;
	if (record->state == GRAPH_LIVE)
	{
		memcpy(index->record, record, head);
		result = graph_record_link(index->record,
								   hnsw_record_own(index, record, buffer, index->own), newcomer);
		if (result == GRAPH_LINKED && memcmp(index->record, record, head) != 0)
		{
			hnsw_xlog_begin(index, &xlog);
			memcpy(xlog_record(index, &xlog, buffer, owner), index->record, head);
			hnsw_xlog_finish(&xlog);
		}
	}
	UnlockReleaseBuffer(buffer);
	return result;
}

static bool
pages_rewrite(void *context, uint32_t node, const GraphList *expected,
			  const GraphList *list, const void *const *owns, GraphScratch *scratch)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	HnswXlog	xlog;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_EXCLUSIVE, &buffer);
	const void *own;
	bool		same;

	if (record == NULL)
		return false;
	same = record->state == GRAPH_LIVE &&
		graph_record_has_list(&index->layout.shape, record, expected);
	if (same)
	{
		own = hnsw_record_own(index, record, buffer, index->own);
		hnsw_xlog_begin(index, &xlog);
		graph_record_set_list(&index->layout.shape, xlog_record(index, &xlog, buffer, node),
							  own, list, owns, scratch);
		hnsw_xlog_finish(&xlog);
	}
	UnlockReleaseBuffer(buffer);
	return same;
}

static bool
pages_merge(void *context, uint32_t node, const GraphQuery *query, uint64_t row)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	HnswXlog	xlog;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_EXCLUSIVE, &buffer);
	bool		room;

	if (record == NULL)
		return false;
	room = record->state == GRAPH_LIVE && record->nrows < GRAPH_ROWS &&
		memcmp(hnsw_record_own(index, record, buffer, index->own), query->own,
			   index->layout.shape.own_size) == 0;
	if (room)
	{
		hnsw_xlog_begin(index, &xlog);
		record = xlog_record(index, &xlog, buffer, node);
		record->rows[record->nrows++] = row;
		hnsw_xlog_finish(&xlog);
	}
	UnlockReleaseBuffer(buffer);
	return room;
}

static uint32_t
pages_create(void *context, const GraphQuery *query, uint64_t row, const GraphList *list,
			 const void *const *owns, GraphScratch *scratch)
{
	return hnsw_create_node(context, query, row, list, owns, scratch);
}

void
hnsw_init_index(HnswIndex *index, Relation relation, HnswCache *cache)
{
	memset(index, 0, sizeof(*index));
	index->relation = relation;
	index->cache = cache;
	index->space = &cache->space;
	index->layout = cache->layout;
	index->ahead = 1;
	if (index->layout.pages_per_node > 1)
		index->own = palloc(index->layout.shape.own_size);
	index->access = (GraphAccess)
	{
		.context = index,
			.space = index->space,
			.expand = pages_expand,
			.refine = pages_refine,
			.prefetch = pages_prefetch,
			.score = pages_score,
			.own = pages_own,
			.read_list = pages_read_list,
			.link = pages_link,
			.rewrite = pages_rewrite,
			.merge = pages_merge,
			.create = pages_create,
	};
}
