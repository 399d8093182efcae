/*
 * access.c
 *	  The graph's accessor over pages.
 *
 * Each function locks one node's page, reads or writes, and lets go: no pin
 * and no lock outlives a call.  A long record's further pages are locked while
 * the first one is.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "hnsw/heap_rows.h"
#include "hnsw/node.h"
#include "hnsw/xlog.h"

/* The distance alone, for who knows the node from a list */
static bool
pages_score(void *context, uint32_t node, GraphQuery *query, float *distance)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE,
										 &buffer);

	if (record == NULL)
		return false;
	*distance = graph_query_distance(query, hnsw_record_own(index, record, buffer, index->scratch.own));
	UnlockReleaseBuffer(buffer);
	return true;
}

/*
 * Without codes: score the neighbors noted in out, leave out those that are
 * free.
 */
static void
pages_score_neighbors(HnswIndex *index, GraphQuery *query, GraphExpansion *out)
{
	int			n = 0;

	for (int i = 0; i < out->n; i++)
	{
		if (pages_score(index, out->ids[i], query, &out->estimates[n]))
			out->ids[n++] = out->ids[i];
	}
	out->n = n;
}

/*
 * One lock for all that is learned of a node with codes.  Without codes the
 * neighbors are read after it is let go: nobody holds two nodes.
 */
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
	graph_query_expand(query, record,
					   hnsw_record_own(index, record, buffer,
									   index->scratch.own), seen, out);
	UnlockReleaseBuffer(buffer);
	if (!index->space->metric->coded)
		pages_score_neighbors(index, query, out);
	return true;
}

/*
 * Only scans have bounds that the table can better; it is a read of the heap,
 * so search.c asks when a row would be left out.
 */
static bool
pages_refine(void *context, GraphExpansion *expansion)
{
	HnswIndex  *index = context;

	return index->refine != NULL &&
		hnsw_refine(index->refine, index->relation, expansion);
}

static int
pages_prefetch(void *context, uint32_t node)
{
	HnswIndex  *index = context;

	hnsw_prefetch_node(index, node);
	return index->ahead.nodes;
}

/*
 * Always a copy: the page may be another's when the caller looks at it.  That
 * of a dead node is as good, since own vectors never change.
 */
static const void *
pages_own(void *context, uint32_t node, void *scratch)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE,
										 &buffer);
	const void *own;

	if (record == NULL)
		return NULL;
	own = hnsw_record_own(index, record, buffer, scratch);
	if (own != scratch)
		memcpy(scratch, own, index->layout.shape.own_size);
	UnlockReleaseBuffer(buffer);
	return scratch;
}

/* Dead nodes lead to their neighbors until repair has passed them by. */
static bool
pages_read_list(void *context, uint32_t node, GraphList *list, bool *live)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE,
										 &buffer);

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
	GraphRecord *record = hnsw_lock_node(index, owner, BUFFER_LOCK_EXCLUSIVE,
										 &buffer);
	GraphLinkResult result = GRAPH_REFUSED;

	if (record == NULL)
		return GRAPH_REFUSED;
	if (record->state == GRAPH_LIVE)
	{
		memcpy(index->scratch.record, record, head);
		result = graph_record_link(index->scratch.record,
								   hnsw_record_own(index, record, buffer,
												   index->scratch.own),
								   newcomer);
		if (result == GRAPH_LINKED &&
			memcmp(index->scratch.record, record, head) != 0)
		{
			hnsw_xlog_begin(index, &xlog);
			memcpy(xlog_record(index, &xlog, buffer, owner),
				   index->scratch.record, head);
			hnsw_xlog_finish(&xlog);
		}
	}
	UnlockReleaseBuffer(buffer);
	return result;
}

/*
 * For repair: what it selected is worth nothing if the list is another by now,
 * so that is compared under the lock that writes.
 */
static bool
pages_rewrite(void *context, uint32_t node, const GraphList *expected,
			  const GraphList *list, const void *const *owns,
			  GraphScratch *scratch)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	HnswXlog	xlog;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_EXCLUSIVE,
										 &buffer);
	const void *own;
	bool		same;

	if (record == NULL)
		return false;
	same = record->state == GRAPH_LIVE &&
		graph_record_has_list(&index->layout.shape, record, expected);
	if (same)
	{
		own = hnsw_record_own(index, record, buffer, index->scratch.own);
		hnsw_xlog_begin(index, &xlog);
		graph_record_set_list(&index->layout.shape,
							  xlog_record(index, &xlog, buffer, node), own,
							  list, owns, scratch);
		hnsw_xlog_finish(&xlog);
	}
	UnlockReleaseBuffer(buffer);
	return same;
}

/*
 * Equal bytes mean equal bounds, so that one node can stand for the row as
 * well.  What is stored is compared under the lock: the node may have been
 * freed, and used again, since the search met it.
 */
static bool
pages_merge(void *context, uint32_t node, const GraphQuery *query, uint64_t row)
{
	HnswIndex  *index = context;
	Buffer		buffer;
	HnswXlog	xlog;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_EXCLUSIVE,
										 &buffer);
	bool		room;

	if (record == NULL)
		return false;
	room = record->state == GRAPH_LIVE && record->nrows < GRAPH_ROWS &&
		memcmp(hnsw_record_own(index, record, buffer, index->scratch.own),
			   query->own, index->layout.shape.own_size) == 0;
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

/* See allocate.c: the node is nobody's neighbor yet. */
static uint32_t
pages_create(void *context, const GraphQuery *query, uint64_t row,
			 const GraphList *list, const void *const *owns,
			 GraphScratch *scratch)
{
	return hnsw_create_node(context, query, row, list, owns, scratch);
}

GraphAccess
hnsw_access(HnswIndex *index)
{
	return (GraphAccess)
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
