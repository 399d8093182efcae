/*
 * validation.c
 *	  How well a model in training finds neighbors of the same class, on rows
 *	  that it does not train on.
 *
 * TensorFlow Similarity's EvalCallback: each query is given the label of its
 * nearest row at any distance.  Queries and rows to be found are the same here,
 * less the query itself.  Cosine distance, as the callback's default.
 *
 * Nothing of it changes the training, and no table is touched: rows stay where
 * a training's rows are, embeddings in memory of the training.
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include "base/size.h"
#include "embedding/exact_search.h"
#include "eval/classification.h"
#include "eval/retrieval.h"
#include "server/errors.h"
#include "server/json_object.h"
#include "server/stop.h"
#include "train/validation.h"

/* Rows embedded between interrupts: a few for each thread, more if that is fast */
#define FIRST_ROWS 8
#define MOST_ROWS 240
#define FAST_SECONDS 0.02

/* Queries that are looked up together */
#define SEARCH_QUERIES ((uint32) 8192)

/* The nearest one and the query itself */
#define NEIGHBORS 2

struct Validation
{
	MemoryContext context;
	MemoryContext run_context;	/* reset by each run */
	const NnGraph *graph;
	ThreadPool *pool;
	SourceRows *rows;
	int			dims;
	float	   *embeddings;
	int		   *nearest;		/* label of the nearest other row */
	double	   *distance;
	bool	   *known;			/* of each class */
};

/* What is reported of a group of rows */
typedef struct RowGroup
{
	int64		count;
	double		recall;
	double		accuracy;
} RowGroup;

static int
most_rows(const ThreadPool *pool)
{
	return MOST_ROWS * pool_threads(pool);
}

Validation *
validation_read(MemoryContext context, const char *query,
				const InputTarget *target, ThreadPool *pool,
				TrainingMemory *memory, CallProgress *progress)
{
	Validation *validation = MemoryContextAllocZero(context,
													sizeof(Validation));
	SourceRequest request = {
		.what = "validation",.query = query,.target = *target,
		.max_fetch = most_rows(pool),.pool = pool,.memory = memory,
		.progress = progress,.phase = PHASE_VALIDATION
	};
	Size		numbers;
	uint32		n;

	validation->context = context;
	validation->graph = target->graph;
	validation->pool = pool;
	validation->dims = nn_graph_outputs(target->graph);
	validation->rows = source_read(context, &request);
	n = validation->rows->nrows;
	if (n < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("validation query must return at least 2 rows")));
	/* an embedding, and what is known of its row, twice for looking up */
	if (!size_mul(n, (Size) validation->dims * sizeof(float) +
				  2 * (sizeof(int) + sizeof(double)), &numbers))
		numbers = SIZE_MAX / 2;
	else
		numbers += Min(n, SEARCH_QUERIES) * (EMBEDDING_SIZE(validation->dims) +
											 sizeof(float) * validation->dims);
	memory->validation = numbers + nn_infer_memory(target->graph, most_rows(pool),
												   pool_threads(pool));
	memory_check(memory);
	validation->embeddings = MemoryContextAllocHuge(context,
													(Size) n * validation->dims * sizeof(float));
	validation->nearest = MemoryContextAllocHuge(context,
												 (Size) n * sizeof(int));
	validation->distance = MemoryContextAllocHuge(context,
												  (Size) n * sizeof(double));
	validation->run_context = AllocSetContextCreate(context,
													"similarity validation",
													ALLOCSET_DEFAULT_SIZES);
	return validation;
}

void
validation_known_classes(Validation *validation, const SourceRows *training)
{
	const SourceRows *rows = validation->rows;

	validation->known = MemoryContextAllocZero(validation->context,
											   sizeof(bool) * (Size) rows->nclasses);
	for (int i = 0; training->classes != NULL && i < rows->nclasses; i++)
		validation->known[i] = labels_find(training->classes,
										   labels_text(rows->classes,
													   i)) != NO_LABEL;
}

/* ---- embeddings ---- */

static double
run_rows(Validation *validation, NnInfer *infer, uint32 begin, int n)
{
	const void **inputs = palloc(sizeof(void *) * (Size) n);
	uint32	   *numbers = palloc(sizeof(uint32) * (Size) n);
	instr_time	start;
	instr_time	end;

	for (int i = 0; i < n; i++)
		numbers[i] = begin + (uint32) i;
	rows_fetch(validation->rows->store, numbers, n, inputs);
	INSTR_TIME_SET_CURRENT(start);
	nn_infer_run(infer, validation->rows->element, inputs, n,
				 validation->embeddings + (Size) begin * validation->dims);
	check_interrupts();
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	pfree(numbers);
	pfree(inputs);
	return INSTR_TIME_GET_DOUBLE(end);
}

static void
embed_validation_rows(Validation *validation, Arena *arena, const real *weights)
{
	int			threads = pool_threads(validation->pool);
	int			batch = FIRST_ROWS * threads;
	NnInfer    *infer;
	Status		status;

	infer = nn_infer_create(arena, validation->graph, weights,
							most_rows(validation->pool), validation->pool,
							&status);
	if (infer == NULL)
		raise_status(&status);
	for (uint32 begin = 0; begin < validation->rows->nrows;)
	{
		int			n = (int) Min((uint32) batch,
								  validation->rows->nrows - begin);

		CHECK_FOR_INTERRUPTS();
		if (run_rows(validation, infer, begin, n) < FAST_SECONDS &&
			batch < most_rows(validation->pool))
			batch *= 2;
		begin += (uint32) n;
	}
	for (Size i = 0; i < (Size) validation->rows->nrows * validation->dims; i++)
	{
		if (!isfinite(validation->embeddings[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("training diverged: a validation row's embedding is not finite"),
					 errhint("Lower the learning rate.")));
	}
}

/* ---- neighbors ---- */

/* A row's embedding as the search takes it, in memory of the caller */
static Embedding *
set_embedding(const Validation *validation, uint32 row, Embedding *e)
{
	memcpy(e->x, validation->embeddings + (Size) row * validation->dims,
		   sizeof(float) * validation->dims);
	return e;
}

/* The nearest row that is another one */
static void
keep_nearest(Validation *validation, uint32 row, const Neighbor *found, int n)
{
	int			i = n > 0 && found[0].id == row ? 1 : 0;

	validation->nearest[row] = validation->rows->labels[found[i].id];
	validation->distance[row] = found[i].distance;
}

/* Of n rows from begin on */
static void
search_rows(Validation *validation, uint32 begin, uint32 n)
{
	Embedding **queries = palloc(sizeof(Embedding *) * n);
	Embedding  *row = embedding_new(validation->dims);
	ExactSearch *search;

	for (uint32 i = 0; i < n; i++)
		queries[i] = set_embedding(validation, begin + i,
								   embedding_new(validation->dims));
	search = exact_search_begin(embedding_metric("cosine", false),
								validation->pool, queries, (int) n, NEIGHBORS);
	for (uint32 i = 0; i < validation->rows->nrows; i++)
		exact_search_add(search,
						 PointerGetDatum(set_embedding(validation, i, row)), i,
						 false);
	exact_search_finish(search);
	for (uint32 i = 0; i < n; i++)
	{
		int			count;
		const Neighbor *found = exact_search_found(search, (int) i, &count);

		keep_nearest(validation, begin + i, found, count);
	}
}

static void
find_nearest(Validation *validation)
{
	uint32		n = validation->rows->nrows;
	MemoryContext pass = AllocSetContextCreate(CurrentMemoryContext,
											   "similarity validation pass",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(pass);

	for (uint32 begin = 0; begin < n; begin += SEARCH_QUERIES)
	{
		search_rows(validation, begin, Min(SEARCH_QUERIES, n - begin));
		MemoryContextReset(pass);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(pass);
}

/* ---- metrics ---- */

/* Of the rows of known (1), unknown (0) or all (-1) classes */
static RowGroup
evaluate_group(const Validation *validation, Arena *arena, int which)
{
	static const EvalRetrievalMetric recall_at_1 = {EVAL_RECALL_AT, 1};
	static const EvalRetrievalOptions options = {.threshold = INFINITY};
	const SourceRows *rows = validation->rows;
	double		threshold = INFINITY;
	double	   *distances = MemoryContextAllocHuge(CurrentMemoryContext,
												   sizeof(double) * (Size) rows->nrows);
	bool	   *hits = MemoryContextAllocHuge(CurrentMemoryContext,
											  (Size) rows->nrows);
	EvalRetrieval *recall;
	EvalCounts	counts;
	RowGroup	group = {0};
	Status		status;

	arena_reset(arena);
	recall = eval_retrieval_create(arena, &recall_at_1, 1, options, &status);
	if (recall == NULL)
		raise_status(&status);
	for (uint32 i = 0; i < rows->nrows; i++)
	{
		int			label = rows->labels[i];

		if (which >= 0 && validation->known[label] != (which == 1))
			continue;
		if (!eval_retrieval_add(recall, label, 0, &validation->nearest[i],
								&validation->distance[i], 1, &status))
			raise_status(&status);
		distances[group.count] = validation->distance[i];
		hits[group.count++] = validation->nearest[i] == label;
	}
	if (!eval_count(distances, hits, (size_t) group.count, &threshold, 1, arena,
					&counts, &status))
		raise_status(&status);
	group.recall = eval_retrieval_value(recall, 0);
	eval_metric_values(EVAL_BINARY_ACCURACY, &counts, &group.accuracy);
	return group;
}

/* What a group without rows has no value for is null. */
static void
put_group(JsonObject *json, const char *suffix, const RowGroup *group)
{
	bool		empty = group->count == 0;

	json_integer(json, psprintf("rows%s", suffix), group->count);
	json_number(json, psprintf("recall@1%s", suffix), "%.9g",
				empty ? NAN : group->recall);
	json_number(json, psprintf("binary_accuracy%s", suffix), "%.9g",
				empty ? NAN : group->accuracy);
}

static void
describe(EpochStats *stats, const RowGroup *all, const RowGroup *known,
		 const RowGroup *unknown)
{
	JsonObject	json;
	StringInfoData text;

	json_begin(&json);
	put_group(&json, "", all);
	put_group(&json, "_known_classes", known);
	put_group(&json, "_unknown_classes", unknown);
	initStringInfo(&text);
	appendStringInfo(&text, "recall@1 %.4f, binary accuracy %.4f", all->recall,
					 all->accuracy);
	if (known->count > 0 && unknown->count > 0)
		appendStringInfo(&text,
						 " (known classes %.4f and %.4f, unknown ones %.4f and %.4f)",
						 known->recall, known->accuracy, unknown->recall,
						 unknown->accuracy);
	stats->validation = json_end(&json);
	stats->validation_text = text.data;
}

void
validation_run(Validation *validation, const real *weights, EpochStats *stats)
{
	MemoryContext old = MemoryContextSwitchTo(validation->run_context);
	Arena	   *arena;
	RowGroup	groups[3];

	MemoryContextReset(validation->run_context);
	arena = memory_arena(validation->run_context, ARENA_NO_BUDGET);
	embed_validation_rows(validation, arena, weights);
	find_nearest(validation);
	for (int i = 0; i < 3; i++)
		groups[i] = evaluate_group(validation, arena, i - 1);
	describe(stats, &groups[0], &groups[2], &groups[1]);
	MemoryContextSwitchTo(old);
}
