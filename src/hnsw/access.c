/*
 * access.c
 *	  The graph's accessor over pages, and opening an index.
 *
 * Each function locks one node's page, reads or writes, and lets go: no pin
 * and no lock outlives a call.  A long record's further pages are locked while
 * the first one is.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "embedding/embedding.h"
#include "hnsw/hnsw.h"
#include "kernel/vector.h"

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
	HnswIndex  *index = palloc0(sizeof(HnswIndex));

	index->relation = relation;
	index->metric = hnsw_metric(relation);
	index->layout = hnsw_layout(meta.dims, meta.degree);
	if (index->layout.pages_per_node > 1)
		index->vector = palloc(sizeof(float) * meta.dims);
	hnsw_init_access(index);
	return index;
}

float *
hnsw_prepare(HnswIndex *index, Datum value, bool *is_zero)
{
	Embedding  *e = embedding_check(DatumGetEmbedding(value));
	int			dims = index->layout.shape.dims;
	float	   *vector;
	bool		has_length = true;

	if (e->dims != dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different numbers of dimensions: %d and %d", e->dims, dims),
				 errdetail("Index \"%s\" is for %d dimensions.",
						   RelationGetRelationName(index->relation), dims)));
	vector = palloc(sizeof(float) * dims);
	element_decode(e->kind, embedding_elements(e), e->scale, dims, vector);
	if (index->metric->normalize)
		has_length = kernel_normalize(vector, dims, vector);
	if (is_zero != NULL)
		*is_zero = !has_length;
	if ((Pointer) e != DatumGetPointer(value))
		pfree(e);
	return vector;
}

/* ---- the accessor ---- */

static float
record_distance(HnswIndex *index, GraphRecord *record, Buffer buffer, const float *query)
{
	const float *vector = hnsw_record_vector(index, record, buffer, index->vector);

	return index->metric->distance(query, vector, index->layout.shape.dims);
}

static bool
pages_score(void *context, uint32_t node, const float *query, float *distance)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE, &buffer);

	if (record == NULL)
		return false;
	*distance = record_distance(index, record, buffer, query);
	UnlockReleaseBuffer(buffer);
	return true;
}

/* Score the neighbours noted in out, and leave out those that are free. */
static void
score_neighbors(HnswIndex *index, const float *query, GraphExpansion *out)
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
pages_expand(void *context, uint32_t node, const float *query,
			 const GraphBits *seen, GraphExpansion *out)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record;
	const uint32_t *ids;

	CHECK_FOR_INTERRUPTS();
	record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE, &buffer);
	if (record == NULL)
		return false;
	out->live = record->state == GRAPH_LIVE;
	out->nrows = record->nrows;
	memcpy(out->rows, record->rows, sizeof(out->rows));
	if (out->live)
		out->distance = record_distance(index, record, buffer, query);
	ids = graph_record_ids(record);
	out->n = 0;
	for (int i = 0; seen != NULL && i < record->nneighbors; i++)
		if (!graph_bits_test(seen, ids[i]))
			out->ids[out->n++] = ids[i];
	UnlockReleaseBuffer(buffer);
	score_neighbors(index, query, out);
	return true;
}

static const float *
pages_vector(void *context, uint32_t node, float *scratch)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE, &buffer);
	const float *vector;

	if (record == NULL)
		return NULL;
	vector = hnsw_record_vector(index, record, buffer, scratch);
	if (vector != scratch)
		memcpy(scratch, vector, index->layout.shape.dims * sizeof(float));
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
	graph_record_get_list(record, index->layout.shape.degree, list);
	UnlockReleaseBuffer(buffer);
	return true;
}

/* The record in the working copy of a page that is being changed */
static GraphRecord *
change_record(HnswIndex *index, HnswChange *change, Buffer buffer, uint32_t node)
{
	return hnsw_page_record(index, hnsw_change_page(change, buffer, false),
							BufferGetBlockNumber(buffer),
							hnsw_node_slot(&index->layout, node));
}

static bool
pages_write_list(void *context, uint32_t node, const GraphList *expected, const GraphList *list)
{
	HnswIndex  *index = context;
	int			degree = index->layout.shape.degree;
	Buffer		buffer;
	HnswChange	change;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_EXCLUSIVE, &buffer);
	bool		same;

	if (record == NULL)
		return false;
	same = record->state == GRAPH_LIVE && graph_record_has_list(record, degree, expected);
	if (same)
	{
		hnsw_change_begin(index, &change);
		graph_record_set_list(change_record(index, &change, buffer, node), degree, list);
		hnsw_change_finish(&change);
	}
	UnlockReleaseBuffer(buffer);
	return same;
}

static bool
pages_merge(void *context, uint32_t node, const float *vector)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	HnswChange	change;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_EXCLUSIVE, &buffer);
	bool		room;

	if (record == NULL)
		return false;
	room = record->state == GRAPH_LIVE && record->nrows < GRAPH_ROWS &&
		memcmp(hnsw_record_vector(index, record, buffer, index->vector), vector,
			   index->layout.shape.dims * sizeof(float)) == 0;
	if (room)
	{
		hnsw_change_begin(index, &change);
		record = change_record(index, &change, buffer, node);
		record->rows[record->nrows++] = index->row;
		hnsw_change_finish(&change);
	}
	UnlockReleaseBuffer(buffer);
	return room;
}

static uint32_t
pages_create(void *context, const float *vector, const GraphList *list)
{
	return hnsw_create_node(context, vector, list);
}

void
hnsw_init_access(HnswIndex *index)
{
	index->access = (GraphAccess)
	{
		.context = index,
			.distance = index->metric->distance,
			.dims = index->layout.shape.dims,
			.degree = index->layout.shape.degree,
			.expand = pages_expand,
			.score = pages_score,
			.vector = pages_vector,
			.read_list = pages_read_list,
			.write_list = pages_write_list,
			.merge = pages_merge,
			.create = pages_create,
	};
}
