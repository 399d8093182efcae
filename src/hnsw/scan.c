/*
 * scan.c
 *	  ORDER BY column <operator> query.
 *
 * The search of graph/ streams nodes by their bounds; this hands out their rows
 * one by one, and at last those without an embedding.  Between two calls
 * nothing of the index is pinned or locked.  Where bounds are not distances the
 * executor sorts the rows by these; or it is done here (heap_rows.h says why), and
 * a row waits until no bound to come is less than its distance.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/relscan.h"
#include "catalog/pg_type_d.h"
#include "lib/pairingheap.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "embedding/embedding.h"
#include "hnsw/heap_rows.h"
#include "hnsw/hnsw.h"
#include "hnsw/nulls.h"
#include "hnsw/options.h"
#include "hnsw/searcher.h"
#include "server/compat.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/guc.h"

typedef enum HnswScanStage
{
	SCAN_NEW,					/* nothing was read yet */
	SCAN_NODES,
	SCAN_NULLS,					/* rows without an embedding */
	SCAN_ENDED
} HnswScanStage;

/* A row that waits for its turn */
typedef struct WaitingRow
{
	pairingheap_node node;
	uint64		row;
	double		distance;		/* the operator's own */
} WaitingRow;

typedef struct HnswScan
{
	MemoryContext context;		/* the searcher is ours until it goes */
	HnswSearcher *searcher;		/* NULL before the first row */
	HnswRefine	refine;
	HnswScanStage stage;
	bool		is_null;		/* the query is NULL: so is every distance */
	bool		is_zero;		/* it has no length: every distance is NaN */
	GraphFound	found;
	int			next_row;		/* of found.rows, or of nulls */
	int64		rows_left;		/* that the search may still give */

	/* rows by their distances; NULL if the executor is to sort them */
	MemoryContext waiting_context;
	pairingheap *waiting;
	bool		found_all;		/* the search has ended */
	double		distance;		/* of the row that left */

	/* a page of rows without an embedding; NULL before the first */
	ItemPointerData *nulls;
	int			nnulls;
	HnswNullWalk walk;			/* along those behind */

	Oid		   *types;			/* of the ORDER BY expressions */
	IndexOrderByDistance *distances;
} HnswScan;

IndexScanDesc
hnsw_begin_scan(Relation relation, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(relation, nkeys, norderbys);
	HnswScan   *state = palloc0(sizeof(HnswScan));

	state->context = AllocSetContextCreate(CurrentMemoryContext,
										   "similarity_hnsw scan",
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

/*
 * The keys are copied; the search begins with the next row, on the searcher
 * that the scan has.
 */
void
hnsw_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
			ScanKey orderbys, int norderbys)
{
	HnswScan   *state = scan->opaque;

	if (orderbys != NULL && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys,
				scan->numberOfOrderBys * sizeof(ScanKeyData));
	state->stage = SCAN_NEW;
}

/* ---- beginning ---- */

/* Is a value of float32?  Those of a column are what its type says. */
static bool
is_float(Relation relation, const Embedding *query)
{
	return query->kind == ELEMENT_FLOAT &&
		EMBEDDING_TYPMOD_KIND(hnsw_typmod(relation)) == ELEMENT_FLOAT;
}

/*
 * Set the query to search for; zeros stand for NULL.  Distances of float32, and
 * those of bits, can be the operator's own; sums of other elements are added up
 * in another order.
 */
static void
set_query(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;
	HnswSearcher *searcher = state->searcher;
	HnswIndex  *index = &searcher->index;
	ScanKey		key = &scan->orderByData[0];
	bool		exact = true;

	state->is_null = (key->sk_flags & SK_ISNULL) != 0;
	if (state->is_null)
		memset(searcher->vector, 0, sizeof(float) * index->layout.shape.dims);
	else
	{
		Embedding  *query = hnsw_value(scan->indexRelation,
									   key->sk_argument);

		hnsw_decode(index, query, searcher->vector);
		exact = index->space->metric->bits != NULL ||
			is_float(scan->indexRelation, query);
		if ((Pointer) query != DatumGetPointer(key->sk_argument))
			pfree(query);
	}
	graph_query_set(searcher->query, searcher->vector);
	searcher->query->exact &= exact;
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

/*
 * Let the accessor ask the table about a row whose bound is less than those of
 * rows returned before: what is hidden by storing may be all there is to it.
 */
static void
allow_refining(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;
	HnswIndex  *index = &state->searcher->index;
	bool		wanted = !state->searcher->query->exact && !state->is_null &&
	!state->is_zero;

	index->snapshot = scan->xs_snapshot;
	state->refine.context = state->context;
	state->refine.heap = scan->heapRelation;
	state->refine.snapshot = scan->xs_snapshot;
	state->refine.key = &scan->orderByData[0];
	index->refine = wanted && scan->heapRelation != NULL ? &state->refine :
		NULL;
}

/* Nearest first; NaN last, as in SQL */
static int
compare_waiting(const pairingheap_node *a, const pairingheap_node *b,
				void *context)
{
	const WaitingRow *one = pairingheap_const_container(WaitingRow, node, a);
	const WaitingRow *other = pairingheap_const_container(WaitingRow, node, b);

	return float8_cmp_internal(other->distance, one->distance);
}

/*
 * Sort the rows here, if that is what is to be done about their ctids.  Of two
 * ORDER BY expressions the executor still sorts; see hnsw_cost_estimate().
 */
static void
begin_waiting(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;

	if (state->waiting_context != NULL)
		MemoryContextReset(state->waiting_context);
	state->waiting = NULL;
	state->found_all = false;
	if (scan->numberOfOrderBys > 1 || state->searcher->index.refine == NULL ||
		hnsw_put_off_rows_keep_ctid())
		return;
	if (state->waiting_context == NULL)
		state->waiting_context = AllocSetContextCreate(state->context,
													   "similarity_hnsw waiting rows",
													   ALLOCSET_DEFAULT_SIZES);
	state->waiting = MemoryContextAlloc(state->waiting_context,
										sizeof(pairingheap));
	state->waiting->ph_compare = compare_waiting;
	state->waiting->ph_arg = NULL;
	pairingheap_reset(state->waiting);
}

/*
 * At the first amgettuple, not at amrescan: a scan that is never asked costs
 * nothing, and the metapage is read when the search starts.
 */
static void
begin_search(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;
	Relation	relation = scan->indexRelation;
	HnswSearcher *searcher;
	HnswMeta	meta;
	GraphStart	start;
	GraphLimits limits;
	Status		status;

	if (scan->numberOfOrderBys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot scan index \"%s\" without an ordering by distance",
						RelationGetRelationName(relation))));
	pgstat_count_index_scan(relation);
	meta = hnsw_read_meta(relation);
	searcher = scan_searcher(scan, &meta);
	set_query(scan);
	allow_refining(scan);
	begin_waiting(scan);
	start = hnsw_start_at(&searcher->index, &meta);
	limits.ef = hnsw_ef_search(relation, &meta.stats);
	limits.waiting = hnsw_max_waiting();
	/* Where all distances are alike no row is out of order. */
	limits.relaxed = hnsw_search_order(relation) == ORDER_RELAXED ||
		state->is_null || state->is_zero;
	state->rows_left = hnsw_max_rows(relation);
	if (!graph_search_begin(searcher->search, searcher->query, &start, &limits,
							&status))
		raise_status(&status);
	state->found.nrows = 0;
	state->next_row = 0;
	state->stage = SCAN_NODES;
}

/* ---- rows of nodes ---- */

/* Move on to the next node; false at the end. */
static bool
next_node(HnswScan *state)
{
	Status		status;

	status_clear(&status);
	state->next_row = 0;
	if (graph_search_next(state->searcher->search, &state->found, &status))
		return true;
	if (status.code != STATUS_SUCCESS)
		raise_status(&status);
	return false;
}

/* The next row that the search finds, with its tid; false at the end. */
static bool
next_found(IndexScanDesc scan, uint64 *row)
{
	HnswScan   *state = scan->opaque;

	if (state->rows_left-- <= 0)
		return false;
	if (state->next_row >= state->found.nrows && !next_node(state))
		return false;
	*row = state->found.rows[state->next_row++];
	hnsw_row_tid(*row, &scan->xs_heaptid);
	if (!ItemPointerIsValid(&scan->xs_heaptid))
		hnsw_raise_corrupted(scan->indexRelation,
							 hnsw_node_block(&state->searcher->index.layout,
											 state->found.node),
							 "A row pointer is invalid.");
	return true;
}

/* May the first that waits go, for no row to come can be nearer? */
static bool
first_may_go(HnswScan *state)
{
	const WaitingRow *first;

	if (pairingheap_is_empty(state->waiting))
		return false;
	first = pairingheap_container(WaitingRow, node,
								  pairingheap_first(state->waiting));
	return state->found_all ||
		(state->found.nrows > 0 && first->distance <= state->found.bound);
}

/* Let a row wait, if the snapshot sees it. */
static void
let_wait(IndexScanDesc scan, uint64 row)
{
	HnswScan   *state = scan->opaque;
	double		distance;
	WaitingRow *waiting;

	if (!hnsw_operator_distance(&state->refine, scan->indexRelation, row,
								&distance))
		return;
	waiting = MemoryContextAlloc(state->waiting_context, sizeof(WaitingRow));
	waiting->row = row;
	waiting->distance = distance;
	pairingheap_add(state->waiting, &waiting->node);
}

/* The next row in the order of distances; false at the end. */
static bool
next_waiting(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;
	WaitingRow *first;
	uint64		row;

	while (!first_may_go(state))
	{
		CHECK_FOR_INTERRUPTS();
		if (state->found_all)
			return false;
		if (next_found(scan, &row))
			let_wait(scan, row);
		else
			state->found_all = true;
	}
	first = pairingheap_container(WaitingRow, node,
								  pairingheap_remove_first(state->waiting));
	hnsw_row_tid(first->row, &scan->xs_heaptid);
	state->distance = first->distance;
	pfree(first);
	return true;
}

/* The next row with an embedding; false at the end. */
static bool
next_row(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;
	uint64		row;

	return state->waiting != NULL ? next_waiting(scan) : next_found(scan, &row);
}

/* ---- rows without an embedding ---- */

/* NULLS LAST, the only order of nulls that this index offers */
static void
begin_nulls(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;

	state->stage = SCAN_NULLS;
	state->nnulls = 0;
	state->next_row = 0;
	state->walk = hnsw_walk_nulls(&state->searcher->index);
	if (state->walk.next != 0 && state->nulls == NULL)
		state->nulls = MemoryContextAlloc(state->context,
										  HNSW_NULLS_PER_PAGE * sizeof(ItemPointerData));
}

/* The next row without one; false at the end. */
static bool
next_null(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;

	while (state->next_row >= state->nnulls)
	{
		CHECK_FOR_INTERRUPTS();
		state->next_row = 0;
		if (!hnsw_read_nulls(&state->searcher->index, &state->walk,
							 state->nulls, &state->nnulls))
			return false;
	}
	scan->xs_heaptid = state->nulls[state->next_row++];
	return true;
}

/* ---- what the executor is told ---- */

/*
 * The distance is the operator's own, or a bound that the executor is to
 * replace by that.  So it is, too, when there are more ORDER BY expressions: of
 * the second only the least possible value is known.
 */
static void
store_distances(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;
	IndexOrderByDistance *distances = state->distances;
	bool		exact = true;

	distances[0].isnull = state->is_null || state->stage == SCAN_NULLS;
	if (!distances[0].isnull)
	{
		exact = state->is_zero || state->searcher->query->exact ||
			state->waiting != NULL;
		distances[0].value = state->waiting != NULL ? state->distance :
			state->found.bound;
		/* An exact search ranks NaN as infinity. */
		if (exact && isinf(distances[0].value))
			distances[0].value = get_float8_nan();
	}
	for (int i = 1; i < scan->numberOfOrderBys; i++)
		distances[i].value = -get_float8_infinity();
	index_store_float8_orderby_distances(scan, state->types, distances,
										 !exact || scan->numberOfOrderBys > 1);
}

/* amgettuple: stages in their order, each until it has no more rows */
bool
hnsw_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	HnswScan   *state = scan->opaque;

	Assert(ScanDirectionIsForward(direction));
	if (state->stage == SCAN_NEW)
		begin_search(scan);
	if (state->stage == SCAN_NODES && !next_row(scan))
		begin_nulls(scan);
	if (state->stage == SCAN_NULLS && !next_null(scan))
		state->stage = SCAN_ENDED;
	if (state->stage == SCAN_ENDED)
		return false;
	scan->xs_recheck = false;
	store_distances(scan);
	return true;
}

void
hnsw_end_scan(IndexScanDesc scan)
{
	HnswScan   *state = scan->opaque;

	hnsw_end_refine(&state->refine);
	MemoryContextDelete(state->context);
	pfree(state);
}
