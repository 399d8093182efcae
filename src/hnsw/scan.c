/*
 * scan.c
 *	  ORDER BY column <operator> query.
 *
 * The search of graph/ streams nodes; this hands out their rows one by one.
 * Between two calls nothing is pinned or locked.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/relscan.h"
#include "catalog/pg_type_d.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "compat.h"
#include "context.h"
#include "errors.h"
#include "guc.h"
#include "hnsw/hnsw.h"

typedef struct HnswScan
{
	MemoryContext context;		/* the searcher is ours until it goes */
	HnswSearcher *searcher;		/* NULL before the first row */
	bool		started;
	bool		is_null;		/* the query is NULL: so is every distance */
	bool		is_zero;		/* it has no length: every distance is NaN */
	GraphFound	found;
	int			next_row;		/* of found.rows */
	double		value;			/* distance or bound of found */
	double		greatest;		/* of those returned so far */
	Oid		   *types;			/* of the ORDER BY expressions */
	IndexOrderByDistance *distances;
} HnswScan;

IndexScanDesc
hnsw_begin_scan(Relation relation, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(relation, nkeys, norderbys);
	HnswScan   *state = palloc0(sizeof(HnswScan));

	state->context = AllocSetContextCreate(CurrentMemoryContext, "similarity_hnsw scan",
										   ALLOCSET_DEFAULT_SIZES);
	if (norderbys > 0)
	{
		state->types = palloc(sizeof(Oid) * norderbys);
		state->distances = palloc0(sizeof(IndexOrderByDistance) * norderbys);
		for (int i = 0; i < norderbys; i++)
			state->types[i] = FLOAT8OID;
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc0(sizeof(bool) * norderbys);
	}
	scan->opaque = state;
	return scan;
}

void
hnsw_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
			ScanKey orderbys, int norderbys)
{
	HnswScan   *state = scan->opaque;

	if (orderbys != NULL && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys, scan->numberOfOrderBys * sizeof(ScanKeyData));
	state->started = false;
}

/* Set the query to search for; zeros stand for NULL. */
static void
set_query(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;
	HnswSearcher *searcher = state->searcher;
	ScanKey		key = &scan->orderByData[0];

	state->is_null = (key->sk_flags & SK_ISNULL) != 0;
	if (state->is_null)
		memset(searcher->vector, 0, sizeof(float) * searcher->index.layout.shape.dims);
	else
		hnsw_decode(&searcher->index, key->sk_argument, searcher->vector);
	graph_query_set(searcher->query, searcher->vector);
	state->is_zero = graph_query_is_zero(searcher->query);
}

/* The searcher, taken when first needed */
static HnswSearcher *
scan_searcher(IndexScanDesc scan, const HnswMeta *meta)
{
	HnswScan   *state = scan->opaque;
	MemoryContext caller;

	if (state->searcher != NULL)
		return state->searcher;
	caller = MemoryContextSwitchTo(state->context);
	state->searcher = hnsw_take_searcher(scan->indexRelation, meta);
	MemoryContextSwitchTo(caller);
	return state->searcher;
}

/* Nodes that may wait in memory: work_mem, a heap entry and its growth each */
static size_t
max_waiting(void)
{
	return (size_t) work_mem * 1024 / (3 * (sizeof(float) + sizeof(uint32)));
}

static void
begin_search(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;
	Relation	relation = scan->indexRelation;
	HnswSearcher *searcher;
	HnswMeta	meta;
	int			ef;
	GraphStart	start;
	Status		status;

	if (scan->numberOfOrderBys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot scan index \"%s\" without an ordering by distance",
						RelationGetRelationName(relation))));
	pgstat_count_index_scan(relation);
	status_clear(&status);
	meta = hnsw_read_meta(relation);
	ef = hnsw_ef_search(relation, &meta.figures);
	searcher = scan_searcher(scan, &meta);
	set_query(scan);
	start = hnsw_start_at(&searcher->index, &meta);
	if (!graph_search_begin(searcher->search, searcher->query, ef, &start, max_waiting(), &status))
		raise_status(&status);
	state->found.nrows = 0;
	state->next_row = 0;
	state->greatest = -get_float8_infinity();
	state->started = true;
}

/*
 * Are distances as exact as the operator's?  Then an expression is not
 * evaluated again.  What cannot be compared is left to the operator.
 */
static bool
is_exact(const HnswScan *state)
{
	const HnswIndex *index = &state->searcher->index;
	bool		exact = index->layout.shape.kind == STORED_FLOAT ||
	index->space->metric == &graph_metric_hamming;

	return exact && isfinite(state->found.distance);
}

/* Move on to the next node; false at the end. */
static bool
next_node(HnswScan *state)
{
	Status		status;

	status_clear(&status);
	do
	{
		if (!graph_search_next(state->searcher->search, &state->found, &status))
		{
			if (status.code != STATUS_SUCCESS)
				raise_status(&status);
			state->found.nrows = 0;
			return false;
		}
		state->value = state->found.bound;
		if (is_exact(state))
			state->value = graph_query_exact(state->searcher->query, state->found.distance);
	} while (guc_search_order == ORDER_STRICT && state->value < state->greatest);
	state->next_row = 0;
	state->greatest = Max(state->greatest, state->value);
	return true;
}

/*
 * Tell the executor the distance.  A bound is to be replaced by what the
 * operator gives, and so is everything when there are more ORDER BY
 * expressions: of the second only the least possible value is known.
 */
static void
store_distances(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;
	IndexOrderByDistance *distances = state->distances;
	bool		exact = state->is_null || state->is_zero || is_exact(state);

	distances[0].isnull = state->is_null;
	distances[0].value = state->is_zero ? get_float8_nan() : state->value;
	for (int i = 1; i < scan->numberOfOrderBys; i++)
		distances[i].value = -get_float8_infinity();
	index_store_float8_orderby_distances(scan, state->types, distances,
										 !exact || scan->numberOfOrderBys > 1);
}

bool
hnsw_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	HnswScan   *state = scan->opaque;

	Assert(ScanDirectionIsForward(direction));
	if (!state->started)
		begin_search(scan);
	if (state->next_row >= state->found.nrows && !next_node(state))
		return false;
	hnsw_row_tid(state->found.rows[state->next_row++], &scan->xs_heaptid);
	if (!ItemPointerIsValid(&scan->xs_heaptid))
		hnsw_raise_corrupted(scan->indexRelation,
							 hnsw_node_block(&state->searcher->index.layout, state->found.node),
							 "A row pointer is invalid.");
	scan->xs_recheck = false;
	store_distances(scan);
	return true;
}

void
hnsw_end_scan(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;

	MemoryContextDelete(state->context);
	pfree(state);
}
