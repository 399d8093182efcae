/*
 * recall.c
 *	  How many of the true neighbors an index finds: for people, by
 *	  similarity.index_recall(), and for builds that are to reach a recall.
 *
 * A sample of the table's rows is searched for by the index and exactly, in
 * passes over the table (embedding/exact_search.h), one for as many of them as
 * maintenance_work_mem holds.  A row that is searched for is taken out of both
 * answers, and its node is not looked at: its own list would make the search
 * easier than that of a new vector.  Ties
 * count as found: what is compared are distances, which both sides compute by
 * the operator's own code.
 *
 * Expressions and predicates of the index are evaluated as its table's owner,
 * as REINDEX does it.
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/random.h"
#include "embedding/exact_search.h"
#include "hnsw/heap_rows.h"
#include "hnsw/history.h"
#include "hnsw/inspect.h"
#include "hnsw/node.h"
#include "hnsw/options.h"
#include "hnsw/recall.h"
#include "hnsw/searcher.h"
#include "hnsw/stats.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/call_progress.h"
#include "server/compat.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/guc.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_index_recall);

#define MAX_SAMPLE 100000
#define MAX_K 1000

/* A build's sample, and the recall of how many rows it asks for */
#define TARGET_SAMPLE 400
#define TARGET_K 10

/* A row that is searched for */
typedef struct Sampled
{
	uint64		row;
	Embedding  *value;
	double		kth;			/* true distance of the k-th neighbor */
	int			n;				/* true neighbors: k, or all there are */
} Sampled;

typedef struct Recall
{
	Relation	heap;
	HnswIndex  *index;
	Snapshot	snapshot;
	const EmbeddingMetric *metric;
	int			k;

	/* the sample */
	Sampled    *sampled;
	int			nsampled;
	int			max_sampled;
	Random		random;
	MemoryContext context;		/* where all this is */
	Size		bytes;			/* of their values */
	double		rows;			/* indexed ones that the snapshot sees */

	ExactSearch *exact;			/* of a pass */

	CallProgress progress;		/* of a call; a build tells of itself */
	int64		done;			/* in its phase */

	/* searching the index */
	uint64		excluded;		/* row of sought */
	GraphAccess access;
	GraphSearch *search;
	GraphQuery *query;
	HnswRows   *table;
	const Sampled *sought;		/* what is searched for */
	double	   *nearest;		/* k of them, near to far */
	double		expansions;
} Recall;

/* ---- passes over the table ---- */

/*
 * Call for each row that the snapshot sees and the index should hold, with the
 * row pointer that the index has of it.
 */
static void
scan_table(Recall *recall, IndexBuildCallback callback)
{
	TableScanDesc scan = table_beginscan_strat(recall->heap, recall->snapshot,
											   0, NULL, true, false);
	IndexInfo  *info = BuildIndexInfo(recall->index->relation);

	info->ii_Concurrent = true; /* by a snapshot */
	table_index_build_scan(recall->heap, recall->index->relation, info, true,
						   false, callback, recall, scan);
}

/*
 * The value, checked, in plain memory of the current context.  Tags are the
 * operators' matter: an index may hold values of several models.
 */
static Embedding *
copy_embedding(const Recall *recall, Datum value)
{
	Embedding  *e = hnsw_value(recall->index->relation, value);

	if (e->dims != recall->index->layout.shape.dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different numbers of dimensions: %d and %d",
						e->dims, (int) recall->index->layout.shape.dims)));
	if ((Pointer) e == DatumGetPointer(value))
		e = memcpy(palloc(VARSIZE(e)), e, VARSIZE(e));
	e->model = 0;
	if (recall->index->space->metric->bits != NULL)
		return embedding_convert(e, ELEMENT_BIT);
	return e;
}

/* Each row has the same chance to be among them. */
static void
sample_callback(Relation relation, ItemPointer tid, Datum *values,
				bool *isnull, bool alive, void *state)
{
	Recall	   *recall = state;
	MemoryContext caller;
	Sampled    *place;
	uint64		i;

	CHECK_FOR_INTERRUPTS();
	call_progress(&recall->progress, ++recall->done);
	if (isnull[0])
		return;
	i = random_reservoir(&recall->random, (uint64) recall->rows++,
						 recall->max_sampled);
	if (i == recall->max_sampled)
		return;
	place = &recall->sampled[i];
	if (i == recall->nsampled)
		recall->nsampled++;
	else
	{
		recall->bytes -= VARSIZE(place->value);
		pfree(place->value);
	}
	caller = MemoryContextSwitchTo(recall->context);
	place->row = hnsw_row(tid);
	place->value = copy_embedding(recall, values[0]);
	MemoryContextSwitchTo(caller);
	recall->bytes += VARSIZE(place->value);
	if (recall->max_sampled > TARGET_SAMPLE)
		budget_require(BUDGET_MAINTENANCE, recall->bytes,
					   "the rows of the sample", "use a smaller sample");
}

static void
exact_callback(Relation relation, ItemPointer tid, Datum *values,
			   bool *isnull, bool alive, void *state)
{
	Recall	   *recall = state;
	Embedding  *e;

	CHECK_FOR_INTERRUPTS();
	call_progress(&recall->progress, ++recall->done);
	if (isnull[0])
		return;
	e = hnsw_value(relation, values[0]);
	exact_search_add(recall->exact, PointerGetDatum(e), hnsw_row(tid), false);
	if ((Pointer) e != DatumGetPointer(values[0]))
		pfree(e);
}

/* The k-th true neighbor of a row, itself left out */
static void
set_truth(const Recall *recall, Sampled *sampled, const Neighbor *found, int n)
{
	sampled->n = 0;
	for (int i = 0; i < n && sampled->n < recall->k; i++)
	{
		if (found[i].id == sampled->row)
			continue;
		sampled->kth = found[i].distance;
		sampled->n++;
	}
}

/* The true neighbors of n of the sample, in one pass over the table */
static void
find_truth_of(Recall *recall, Sampled *sampled, int n, ThreadPool *pool)
{
	Embedding **queries = palloc(sizeof(Embedding *) * n);

	for (int i = 0; i < n; i++)
		queries[i] = sampled[i].value;
	recall->exact = exact_search_begin(recall->metric, pool, queries, n,
									   recall->k + 1);
	scan_table(recall, exact_callback);
	exact_search_finish(recall->exact);
	for (int i = 0; i < n; i++)
	{
		int			nfound;
		const Neighbor *found = exact_search_found(recall->exact, i, &nfound);

		set_truth(recall, &sampled[i], found, nfound);
	}
}

static void
begin_phase(Recall *recall, CallPhase phase, double total)
{
	recall->done = 0;
	call_progress_phase(&recall->progress, phase, total);
}

/* In passes of what maintenance_work_mem holds */
static void
find_truth(Recall *recall)
{
	int			most = exact_search_affordable(recall->metric,
											   recall->index->layout.shape.dims,
											   recall->k + 1, 0);
	ThreadPool *pool = memory_pool(recall->context);
	MemoryContext pass = AllocSetContextCreate(recall->context,
											   "similarity_hnsw exact pass",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(pass);

	begin_phase(recall, PHASE_COMPARING,
				recall->rows * ceil((double) recall->nsampled / most));
	for (int i = 0; i < recall->nsampled; i += most)
	{
		find_truth_of(recall, recall->sampled + i,
					  Min(most, recall->nsampled - i), pool);
		MemoryContextReset(pass);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(pass);
}

/* ---- searching the index ---- */

/* The index's expansion, but for the row that is searched for */
static bool
expand_others(void *context, uint32_t node, GraphQuery *query,
			  const GraphBits *seen, GraphExpansion *out)
{
	Recall	   *recall = context;
	int			n = 0;

	if (!recall->index->access.expand(recall->index, node, query, seen, out))
		return false;
	for (int i = 0; i < out->nrows; i++)
		if (out->rows[i] != recall->excluded)
			out->rows[n++] = out->rows[i];
	if (out->live && n == 0)
		return false;
	out->nrows = n;
	return true;
}

/* The distance of a row that the index gave; false if the snapshot does not see it. */
static bool
row_distance(void *context, uint64 row, double *distance)
{
	Recall	   *recall = context;
	Datum		value;

	if (!hnsw_row_value(recall->table, row, &value))
		return false;
	*distance = recall->metric->distance(recall->sought->value, copy_embedding(recall, value));
	return true;
}

/* As a scan does it, by the distances of the table's rows */
static bool
refine_others(void *context, GraphExpansion *expansion)
{
	return hnsw_refine_bound(expansion, row_distance, context);
}

static void
open_search(Recall *recall)
{
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	Status		status;

	recall->access = recall->index->access;
	recall->access.context = recall;
	recall->access.expand = expand_others;
	recall->access.refine = refine_others;
	recall->access.prefetch = NULL;
	recall->query = hnsw_create_query(recall->index);
	recall->search = graph_search_create(arena, &recall->access, &status);
	if (recall->search == NULL)
		raise_status(&status);
	recall->nearest = palloc(sizeof(double) * recall->k);
	recall->table = hnsw_open_rows(recall->heap, recall->index->relation,
								   recall->snapshot);
}

static void
close_search(Recall *recall)
{
	hnsw_close_rows(recall->table);
}

/* How many true neighbors of one row the index finds */
static int
count_found(Recall *recall, const Sampled *sampled, int ef,
			const GraphStart *start)
{
	int			n = 0;
	GraphLimits limits = {.ef = ef,.waiting = hnsw_max_waiting(),.relaxed = guc_search_order == ORDER_RELAXED};
	GraphFound	found;
	Status		status;

	status_clear(&status);
	recall->sought = sampled;
	recall->excluded = sampled->row;
	graph_query_set(recall->query,
					hnsw_prepare(recall->index, sampled->value));
	if (graph_query_is_zero(recall->query))
		return sampled->n;		/* every distance is NaN */
	if (!graph_search_begin(recall->search, recall->query, start, &limits,
							&status))
		raise_status(&status);
	while (graph_search_next(recall->search, &found, &status))
	{
		double		distance = 0;

		/* As the executor does it: nothing nearer can come. */
		if (n == recall->k && recall->nearest[n - 1] <= found.bound)
			break;
		for (int i = 0; i < found.nrows; i++)
			if (row_distance(recall, found.rows[i], &distance))
				n = hnsw_keep_least(recall->nearest, n, recall->k, distance);
	}
	if (status.code != STATUS_SUCCESS)
		raise_status(&status);
	recall->expansions += graph_search_expansions(recall->search);
	return neighbors_within(recall->nearest, Min(n, sampled->n), sampled->kth);
}

/* The share of the sample's true neighbors that are found with an ef */
static double
measure_recall(Recall *recall, int ef)
{
	GraphStart	start = hnsw_start(recall->index);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "similarity_hnsw query",
												  ALLOCSET_DEFAULT_SIZES);
	double		hits = 0;
	double		all = 0;

	recall->expansions = 0;
	begin_phase(recall, PHASE_LOOKING_UP, recall->nsampled);
	for (int i = 0; i < recall->nsampled; i++)
	{
		MemoryContext caller = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		call_progress(&recall->progress, i);
		hits += count_found(recall, &recall->sampled[i], ef, &start);
		all += recall->sampled[i].n;
		MemoryContextSwitchTo(caller);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	return all == 0 ? 1 : hits / all;
}

/*
 * Everything up to the first measure_recall(), in the current context.  tells: it
 * is a call of its own, which is told of.
 */
static Recall *
begin_recall(Relation heap, HnswIndex *index, Snapshot snapshot, int sample,
			 int k, uint64 seed, bool tells)
{
	Recall	   *recall = palloc0(sizeof(Recall));

	recall->heap = heap;
	recall->index = index;
	recall->snapshot = snapshot;
	recall->k = k;
	recall->max_sampled = sample;
	recall->sampled = palloc_extended(sizeof(Sampled) * sample,
									  MCXT_ALLOC_HUGE);
	recall->context = CurrentMemoryContext;
	recall->metric = embedding_metric(index->space->metric->name, true);
	random_init(&recall->random, seed, 0);
	if (tells)
		call_progress_begin(&recall->progress, CALL_INDEX_RECALL,
							RelationGetRelid(index->relation), 0);
	begin_phase(recall, PHASE_READING, heap->rd_rel->reltuples);
	scan_table(recall, sample_callback);
	if (recall->nsampled > 0)
		find_truth(recall);
	open_search(recall);
	return recall;
}

/* ---- target_recall ---- */

/* The least ef that reaches the target, between one that does not and one that does */
static int
narrow(Recall *recall, double target, int below, int above)
{
	while (above - below > Max(1, below / 16))
	{
		int			middle = below + (above - below) / 2;

		if (measure_recall(recall, middle) >= target)
			above = middle;
		else
			below = middle;
	}
	return above;
}

/*
 * No more than the graph has nodes helps.  A table smaller than the sample
 * does not tell what it will need: then it is the default at least.
 */
static int
find_ef(Recall *recall, double target)
{
	int			most = Min(Max(hnsw_count_nodes(recall->index),
							   HNSW_MIN_EF_SEARCH), HNSW_MAX_EF_SEARCH);
	int			below = 0;
	int			ef = Min(8, most);
	double		reached;

	while ((reached = measure_recall(recall, ef)) < target && ef < most)
	{
		below = ef;
		ef = Min(2 * ef, most);
	}
	if (reached < target)
	{
		ereport(WARNING,
				(errmsg("index \"%s\" does not reach a recall of %g",
						RelationGetRelationName(recall->index->relation),
						target),
				 errdetail("With ef_search %d it is %.4f.", ef, reached),
				 errhint("Larger values of m, ef_construction and passes build a better graph.")));
		return ef;
	}
	ef = narrow(recall, target, below, ef);
	return recall->nsampled < TARGET_SAMPLE ? Max(ef, HNSW_DEFAULT_EF_SEARCH) :
		ef;
}

void
hnsw_find_target_ef(Relation heap, HnswIndex *index)
{
	double		target = hnsw_target_recall(index->relation);
	MemoryContext context;
	MemoryContext caller;
	HnswStats	stats;
	Snapshot	snapshot;
	Recall	   *recall;

	if (target == 0)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext,
									"similarity_hnsw recall",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	recall = begin_recall(heap, index, snapshot, TARGET_SAMPLE, TARGET_K, 1,
						  false);
	stats = hnsw_read_meta(index->relation).stats;
	stats.target_recall = target;
	stats.target_ef = recall->nsampled == 0 ? HNSW_DEFAULT_EF_SEARCH :
		find_ef(recall, target);
	hnsw_write_stats(index, &stats);
	close_search(recall);
	UnregisterSnapshot(snapshot);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* ---- similarity.index_recall() ---- */

static void
note_recall(const Recall *recall, const HnswStats *stats)
{
	HnswEvent	event = {.kind = HNSW_EVENT_RECALL,.count = 1};

	event.rows = recall->rows;
	event.expansions = recall->expansions / recall->nsampled;
	event.recall = stats->recall;
	event.recall_k = stats->recall_k;
	event.recall_ef = stats->recall_ef;
	event.recall_sample = stats->recall_sample;
	event.seconds = (stats->recall_time - recall->progress.started) /
		(double) USECS_PER_SEC;
	hnsw_note_event(recall->index, event);
}

/* The owner's measurements are kept, unless nothing may be written. */
static void
keep_stats(Recall *recall, int ef, double found)
{
	HnswStats	stats = hnsw_read_meta(recall->index->relation).stats;

	stats.recall = found;
	stats.recall_k = recall->k;
	stats.recall_ef = ef;
	stats.recall_sample = recall->nsampled;
	stats.recall_time = GetCurrentTimestamp();
	stats.recall_rows = recall->rows;
	hnsw_write_stats(recall->index, &stats);
	note_recall(recall, &stats);
}

/* What is measured of an index: what hnsw_measure_recall() wants and more */
typedef struct Measurement
{
	int			sample;
	int			k;
	int64		seed;
	int			n;				/* points, */
	HnswRecallPoint *points;	/* whose ef is given; 0: the index's own */
	bool		keep;			/* the last, in the index */

	/* found */
	int			sampled;
	double		rows;
} Measurement;

static void
measure(Oid part, Measurement *m)
{
	HnswOpened	opened = hnsw_open_with_table(part);
	Recall	   *recall;
	Snapshot	snapshot;

	hnsw_require_all_rows(RelationGetRelid(opened.heap));
	hnsw_act_as_owner(&opened);
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	hnsw_require_usable(&opened, snapshot);
	recall = begin_recall(opened.heap, hnsw_open(opened.index), snapshot,
						  m->sample, m->k, m->seed, true);
	m->sampled = recall->nsampled;
	m->rows = recall->rows;
	for (int i = 0; i < m->n; i++)
	{
		HnswRecallPoint *point = &m->points[i];

		if (point->ef == 0)
		{
			HnswStats	stats = hnsw_read_stats(opened.index);

			point->ef = hnsw_ef_search(opened.index, &stats);
		}
		point->recall = measure_recall(recall, point->ef);
		point->expansions = m->sampled == 0 ? 0 :
			recall->expansions / m->sampled;
		if (m->keep && opened.is_owner && !RecoveryInProgress() &&
			!XactReadOnly && m->sampled > 0)
			keep_stats(recall, point->ef, point->recall);
	}
	close_search(recall);
	call_progress_end(&recall->progress);
	UnregisterSnapshot(snapshot);
	hnsw_close_with_table(&opened);
}

int
hnsw_measure_recall(Oid part, int sample, int k, int64 seed,
					HnswRecallPoint *points, int n)
{
	Measurement m = {.sample = sample,.k = k,.seed = seed,.n = n,.points = points};

	measure(part, &m);
	return m.sampled;
}

/* ef 0: the index's own */
static void
put_recall(ReturnSetInfo *result, Oid part, int sample, int k, int ef,
		   int64 seed)
{
	HnswRecallPoint point = {.ef = ef};
	Measurement m = {.sample = sample,.k = k,.seed = seed,.n = 1,.points = &point,.keep = true};
	Datum		values[7];
	bool		nulls[7] = {false};

	measure(part, &m);
	values[0] = Int64GetDatum(m.sampled);
	values[1] = Int64GetDatum(k);
	values[2] = Int64GetDatum(point.ef);
	values[3] = Float8GetDatum(point.recall);
	nulls[3] = m.sampled == 0;
	values[4] = Int64GetDatum((int64) m.rows);
	values[5] = Float8GetDatum(point.expansions);
	values[6] = ObjectIdGetDatum(part);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
hnsw_index_recall(PG_FUNCTION_ARGS)
{
	int			sample = argument_bigint(fcinfo, 1, "sample", 1, MAX_SAMPLE);
	int			k = argument_bigint(fcinfo, 2, "k", 1, MAX_K);
	int			ef = 0;
	ListCell   *cell;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", PG_ARGISNULL(0) ? "index" :
						"seed")));
	if (!PG_ARGISNULL(3))
		ef = argument_bigint(fcinfo, 3, "ef_search", HNSW_MIN_EF_SEARCH,
							 HNSW_MAX_EF_SEARCH);
	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, hnsw_index_parts(PG_GETARG_OID(0)))
		put_recall((ReturnSetInfo *) fcinfo->resultinfo, lfirst_oid(cell),
				   sample, k, ef, PG_GETARG_INT64(4));
	return (Datum) 0;
}
