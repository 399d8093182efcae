/*
 * evaluate_pass.c
 *	  One pass over a query and the neighbors of its rows: what calibration
 *	  and every evaluation are made of.
 *
 * Neighbors are the true ones, found by exact_neighbors.c, or those that a
 * look-up finds, row by row.  An index may miss some of them; for a sample of
 * the rows the true ones are found as well, to measure how many.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/random.h"
#include "evaluate/evaluate_pass.h"
#include "evaluate/exact_neighbors.h"
#include "gallery/embedded_query.h"
#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "gallery/lookup.h"
#include "kernel/neighbors.h"
#include "server/budget.h"
#include "server/labels.h"

/* Rows whose neighbors are compared with the true ones */
#define SAMPLE_ROWS 200

typedef struct SampleRow
{
	Embedding  *query;
	int			nfound;
	double	   *found;			/* distances of a look-up */
	int			ntrue;
	double	   *true_distances;
} SampleRow;

typedef struct Sample
{
	MemoryContext context;
	Random		random;
	int			n;
	SampleRow	row[SAMPLE_ROWS];
	int			finished;		/* rows whose true neighbors are there */
} Sample;

struct Pass
{
	const Gallery *gallery;
	Labels	   *labels;
	PassFunction function;
	void	   *state;
	int			k;
	int64		rows;			/* of the query, read so far */
	PassItems	items;			/* found so far */
	CallProgress *progress;

	Exact	   *exact;			/* or, if NULL: */
	SPIPlanPtr	plan;
	int		   *codes;			/* of k neighbors */
	double	   *distances;
	MemoryContext scratch;		/* of one row */
	Sample	   *sample;
};

/* ---- a sample of look-ups ---- */

/* From a fixed seed: the same call measures the same rows. */
static Sample *
sample_create(void)
{
	Sample	   *sample = palloc0(sizeof(Sample));

	sample->context = CurrentMemoryContext;
	random_init(&sample->random, 0, 0);
	return sample;
}

static double *
copy_distances(const double *distances, int n)
{
	double	   *copy = palloc(sizeof(double) * Max(n, 1));

	memcpy(copy, distances, sizeof(double) * n);
	return copy;
}

/* Every row has the same chance; rows is how many came before. */
static void
sample_add(Sample *sample, int64 rows, const Embedding *query,
		   const double *distances, int n)
{
	uint64		place = random_reservoir(&sample->random, rows, SAMPLE_ROWS);
	MemoryContext caller;
	SampleRow  *row;

	if (place == SAMPLE_ROWS)
		return;
	budget_require(BUDGET_MAINTENANCE,
				   budget_product(2 * SAMPLE_ROWS * sizeof(double), n),
				   "the neighbors of the sample", "use a smaller k");
	caller = MemoryContextSwitchTo(sample->context);
	row = &sample->row[place];
	if (row->query != NULL)
	{
		pfree(row->query);
		pfree(row->found);
	}
	else
		sample->n++;
	row->query = palloc(VARSIZE(query));
	memcpy(row->query, query, VARSIZE(query));
	row->nfound = n;
	row->found = copy_distances(distances, n);
	MemoryContextSwitchTo(caller);
}

/* Rows come back in the order in which exact_add() took them. */
static void
take_true_neighbors(void *state, const Embedding *query, int label,
					const int *labels, const double *distances, int n)
{
	Sample	   *sample = state;
	SampleRow  *row = &sample->row[sample->finished++];

	row->ntrue = n;
	row->true_distances = copy_distances(distances, n);
}

/* The true neighbors of the whole sample, in one scan of the table */
static void
sample_compare(Pass *pass)
{
	Sample	   *sample = pass->sample;
	Exact	   *exact = exact_create(pass->gallery, pass->k, pass->labels,
									 take_true_neighbors, sample,
									 pass->progress);

	for (int i = 0; i < sample->n; i++)
		exact_add(exact, 0, sample->row[i].query);
	exact_run(exact);
}

double
pass_index_recall(const Pass *pass, int k)
{
	int64		found = 0;
	int64		wanted = 0;

	for (int i = 0; i < pass->sample->finished; i++)
	{
		const SampleRow *row = &pass->sample->row[i];
		int			n = Min(k, row->ntrue);

		wanted += n;
		found += neighbors_within(row->found, Min(n, row->nfound),
								  row->true_distances[n - 1]);
	}
	return wanted == 0 ? 1 : (double) found / (double) wanted;
}

/* ---- the pass ---- */

/* A row of the query and its neighbors */
static void
take_neighbors(void *state, const Embedding *query, int label,
			   const int *labels, const double *distances, int n)
{
	Pass	   *pass = state;

	pass->items.n++;
	if (isnan(distances[0]))
		pass->items.nowhere++;
	else if (embedding_is_own_distance(pass->gallery->distance, query,
									   distances[0]))
		pass->items.own++;
	pass->function(pass->state, label, labels, distances, n);
}

const PassItems *
pass_items(const Pass *pass)
{
	return &pass->items;
}

static void
take_neighbor(void *state, const NeighborRow *row)
{
	Pass	   *pass = state;

	pass->codes[row->rank] = labels_code(pass->labels, neighbor_label(row));
	pass->distances[row->rank] = neighbor_distance(row);
}

/* As lookup() does it, index and all; memory of a row ends with it. */
static void
look_up_row(Pass *pass, int label, const Embedding *query)
{
	MemoryContext previous = MemoryContextSwitchTo(pass->scratch);
	int			n = neighbors_find(pass->plan, query, take_neighbor, pass);

	if (n == 0)
		gallery_raise_empty(pass->gallery);
	MemoryContextSwitchTo(previous);
	sample_add(pass->sample, pass->rows, query, pass->distances, n);
	take_neighbors(pass, query, label, pass->codes, pass->distances, n);
	MemoryContextReset(pass->scratch);
}

/* Exact, rows are gathered for scans of the table; else each is looked up. */
static Pass *
pass_create(const Gallery *gallery, bool exact, int k, Labels *labels,
			PassFunction function, void *state, CallProgress *progress)
{
	Pass	   *pass = palloc0(sizeof(Pass));

	pass->gallery = gallery;
	pass->k = k;
	pass->labels = labels;
	pass->function = function;
	pass->state = state;
	pass->progress = progress;
	if (exact)
	{
		pass->exact = exact_create(gallery, k, labels, take_neighbors, pass,
								   progress);
		return pass;
	}
	pass->plan = neighbors_prepare(gallery, NEIGHBOR_LABELS, k);
	pass->codes = palloc(sizeof(int) * k);
	pass->distances = palloc(sizeof(double) * k);
	pass->scratch = AllocSetContextCreate(CurrentMemoryContext, "neighbors",
										  ALLOCSET_DEFAULT_SIZES);
	pass->sample = sample_create();
	return pass;
}

/* Labels that the gallery does not have get codes too: no row matches them. */
static void
pass_row(Pass *pass, const char *label, const Embedding *query)
{
	int			code = labels_code_of_item(pass->labels, label);

	if (pass->exact != NULL)
		exact_add(pass->exact, code, query);
	else
		look_up_row(pass, code, query);
	pass->rows++;
}

/* The query is read once, in batches that are embedded together. */
Pass *
gallery_pass(const Gallery *gallery, const char *query, QueryKind kind,
			 bool exact, int k, Labels *labels, PassFunction function,
			 void *state)
{
	LabeledRows *source = query_open(gallery, query, kind, CALL_EVALUATION);
	Pass	   *pass = pass_create(gallery, exact, k, labels, function, state,
								   &source->progress);
	const LabeledBatch *batch;

	while ((batch = query_next(source))->n > 0)
	{
		for (int i = 0; i < batch->n; i++)
			pass_row(pass, batch->labels[i], batch->embeddings[i]);
	}
	if (pass->rows == 0)
		user_query_raise_empty(source->query, "");
	if (exact)
		exact_run(pass->exact);
	else
		sample_compare(pass);
	query_close(source);
	return pass;
}

Pass *
gallery_pass_items(const Gallery *gallery, const LabeledItems *items, int k,
				   Labels *labels, PassFunction function, void *state)
{
	CallProgress progress;
	Pass	   *pass;

	call_progress_begin(&progress, CALL_REPORT, gallery->relid, 0);
	pass = pass_create(gallery, true, k, labels, function, state, &progress);
	for (int i = 0; i < items->n; i++)
		if (items->labels[i] != NULL)
			pass_row(pass, items->labels[i], items->embeddings[i]);
	exact_run(pass->exact);
	call_progress_end(&progress);
	return pass;
}

/* ---- matches ---- */

/* In the arrays of matches */
#define MATCH_BYTES (2 * sizeof(int) + sizeof(double) + sizeof(bool))

Matches *
matches_create(EvalMatcher matcher, bool drop_closest)
{
	Matches    *matches = palloc0(sizeof(Matches));

	matches->matcher = matcher;
	matches->drop_closest = drop_closest;
	matches->size = 1024;
	matches->labels = palloc(sizeof(int) * matches->size);
	matches->predicted = palloc(sizeof(int) * matches->size);
	matches->distances = palloc(sizeof(double) * matches->size);
	matches->hits = palloc(sizeof(bool) * matches->size);
	return matches;
}

int
matches_depth(const Matches *matches, int k)
{
	int			depth = k + (matches->drop_closest ? 1 : 0);

	check_k(depth);
	return depth;
}

static void
grow_matches(Matches *matches)
{
	matches->size *= 2;
	budget_require(BUDGET_MAINTENANCE, matches->size * MATCH_BYTES,
				   "the matches of the items", "use fewer items");
	matches->labels = repalloc_huge(matches->labels,
									sizeof(int) * matches->size);
	matches->predicted = repalloc_huge(matches->predicted,
									   sizeof(int) * matches->size);
	matches->distances = repalloc_huge(matches->distances,
									   sizeof(double) * matches->size);
	matches->hits = repalloc_huge(matches->hits, sizeof(bool) * matches->size);
}

void
matches_add(Matches *matches, int label, const int *labels,
			const double *distances, int n)
{
	int			drop = matches->drop_closest ? 1 : 0;
	EvalMatch	match = eval_match(matches->matcher, labels + drop,
								   distances + drop, n - drop);

	if (matches->n == matches->size)
		grow_matches(matches);
	matches->labels[matches->n] = label;
	matches->predicted[matches->n] = match.label;
	matches->distances[matches->n] = match.distance;
	matches->hits[matches->n] = eval_match_hits(match, label);
	matches->n++;
}
