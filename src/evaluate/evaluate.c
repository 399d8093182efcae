/*
 * evaluate.c
 *	  How good a gallery is: retrieval metrics, classification metrics at its
 *	  cut points, confusion.  Nothing is stored.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "eval/retrieval.h"
#include "evaluate/doubt.h"
#include "evaluate/evaluate_pass.h"
#include "evaluate/label_counts.h"
#include "evaluate/retrieval_arguments.h"
#include "gallery/embedded_query.h"
#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/call.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/labels.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_evaluate_retrieval);
PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_evaluate_classification);
PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_confusion_matrix);

/* ---- evaluate_retrieval ---- */

typedef struct RetrievalPass
{
	Arena	   *arena;			/* of the sums */
	EvalRetrieval *sums;
	LabelCounts counts;
} RetrievalPass;

static void
add_retrieval_row(void *state, int label, const int *labels,
				  const double *distances, int n)
{
	RetrievalPass *pass = state;
	int64		r = label_counts_of(&pass->counts, label);
	Status		status;

	if (!eval_retrieval_add(pass->sums, label, r, labels, distances, n,
							&status))
		retrieval_raise(pass->arena, &status);
}

typedef struct RetrievalMetrics
{
	EvalRetrievalMetric *metric;
	char	  **names;
	int			n;
	EvalRetrievalOptions options;
	bool		exact;
	bool		per_class;
} RetrievalMetrics;

/* A metric of all queries (label NULL), or of those of a label */
static void
put_retrieval(FunctionCallInfo fcinfo, const char *metric, double value,
			  const char *label, int64 queries, const double *index_recall)
{
	Datum		values[5];
	bool		nulls[5] = {false};

	values[0] = CStringGetTextDatum(metric);
	values[1] = Float8GetDatum(value);
	nulls[2] = label == NULL;
	values[2] = label ? CStringGetTextDatum(label) : 0;
	values[3] = Int64GetDatum(queries);
	nulls[4] = index_recall == NULL;
	values[4] = index_recall ? Float8GetDatum(*index_recall) : 0;
	put_result_row(fcinfo, values, nulls);
}

static void
put_metric(FunctionCallInfo fcinfo, const RetrievalMetrics *metrics, int i,
		   const RetrievalPass *pass, const Labels *labels, const Pass *search)
{
	int			n = labels_count(labels);
	int64		queries = 0;
	double		recall;

	if (!metrics->exact)
		recall = pass_index_recall(search,
								   (int) eval_retrieval_depth(&metrics->metric[i], 1,
															  metrics->options.drop_closest,
															  pass->counts.largest));
	for (int label = 0; label < n; label++)
		queries += eval_retrieval_class_queries(pass->sums, label);
	put_retrieval(fcinfo, metrics->names[i],
				  eval_retrieval_value(pass->sums, i), NULL, queries,
				  metrics->exact ? NULL : &recall);
	for (int label = 0; metrics->per_class && label < n; label++)
	{
		queries = eval_retrieval_class_queries(pass->sums, label);
		if (queries > 0)
			put_retrieval(fcinfo, metrics->names[i],
						  eval_retrieval_class_value(pass->sums, i, label),
						  labels_text(labels, label), queries, NULL);
	}
}

static void
evaluate_retrieval(FunctionCallInfo fcinfo, const Gallery *gallery,
				   const char *query, const RetrievalMetrics *metrics)
{
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	RetrievalPass pass = {NULL};
	Pass	   *search;
	int64		k;
	Status		status;

	pass.arena = memory_arena(CurrentMemoryContext,
							  budget_bytes(BUDGET_MAINTENANCE));
	pass.sums = eval_retrieval_create(pass.arena, metrics->metric, metrics->n,
									  metrics->options, &status);
	if (pass.sums == NULL)
		raise_status(&status);
	if (retrieval_any_needs_r(metrics->metric, metrics->n))
		label_counts_read(&pass.counts, gallery, labels);
	k = eval_retrieval_depth(metrics->metric, metrics->n,
							 metrics->options.drop_closest,
							 pass.counts.largest);
	check_k(k);
	search = gallery_pass(gallery, query, QUERY_LABELS, metrics->exact, (int) k,
						  labels, add_retrieval_row, &pass);
	doubt_items(gallery, search, labels, metrics->options.drop_closest);
	for (int i = 0; i < metrics->n; i++)
		put_metric(fcinfo, metrics, i, &pass, labels, search);
}

/*
 * evaluate_retrieval(gallery, query, metrics, average, drop_closest,
 * distance_threshold, exact, per_class).
 *
 * Arguments are checked before the gallery is opened, which asks for SELECT on
 * its columns (42501).  The query runs as the caller and must be one read-only
 * SELECT of (input, label) without nulls (22023, 42804, 22004); 22023 if it
 * has no rows, 55000 if the gallery has none.  Needs no calibration and writes
 * nothing.
 */
Datum
gallery_evaluate_retrieval(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	char	   *query = argument_text(fcinfo, 1, "query");
	Gallery    *gallery;
	RetrievalMetrics metrics = {.options = retrieval_options(fcinfo, 3)};

	metrics.metric = retrieval_metrics(fcinfo, 2, &metrics.names, &metrics.n);
	metrics.exact = argument_boolean_or(fcinfo, 6, true);
	metrics.per_class = argument_boolean_or(fcinfo, 7, false);
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	gallery = gallery_open(name);
	evaluate_retrieval(fcinfo, gallery, query, &metrics);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}

/* ---- evaluate_classification ---- */

static void
add_match_row(void *state, int label, const int *labels,
			  const double *distances, int n)
{
	matches_add(state, label, labels, distances, n);
}

static Pass *
match_pass(const Gallery *gallery, const char *query, bool exact, int k,
		   Labels *labels, Matches *matches)
{
	Pass	   *pass = gallery_pass(gallery, query, QUERY_LABELS, exact,
									matches_depth(matches, k), labels,
									add_match_row, matches);

	doubt_items(gallery, pass, labels, matches->drop_closest);
	doubt_matches(gallery, matches);
	return pass;
}

typedef void (*Evaluation) (FunctionCallInfo fcinfo, const Gallery *gallery,
							const char *query);

/* A function of (gallery, query, ...) that returns a set */
static Datum
evaluate(FunctionCallInfo fcinfo, Evaluation evaluation)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	char	   *query = argument_text(fcinfo, 1, "query");
	Gallery    *gallery;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	gallery = gallery_open(name);
	evaluation(fcinfo, gallery, query);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}

/* Columns before and after the metrics */
#define CLASSIFICATION_LABEL (6 + EVAL_METRICS)
#define CLASSIFICATION_VALUES (CLASSIFICATION_LABEL + 3)

/* The curve of all queries (label NULL), or of those of a label, at a cut point */
static void
put_classification(FunctionCallInfo fcinfo, const Cutpoint *cutpoint,
				   const EvalCurve *curve, int i,
				   const char *label, const double *index_recall)
{
	Datum		values[CLASSIFICATION_VALUES];
	bool		nulls[CLASSIFICATION_VALUES] = {false};

	values[0] = CStringGetTextDatum(cutpoint->name);
	values[1] = Float8GetDatum(cutpoint->distance);
	values[2] = Int64GetDatum(curve->counts.tp[i]);
	values[3] = Int64GetDatum(curve->counts.fp[i]);
	values[4] = Int64GetDatum(curve->counts.tn[i]);
	values[5] = Int64GetDatum(curve->counts.fn[i]);
	for (int m = 0; m < EVAL_METRICS; m++)
		values[6 + m] = Float8GetDatum(curve->metric[m][i]);
	nulls[CLASSIFICATION_LABEL] = label == NULL;
	values[CLASSIFICATION_LABEL] = label ? CStringGetTextDatum(label) : 0;
	values[CLASSIFICATION_LABEL + 1] = Int64GetDatum(curve->counts.count);
	nulls[CLASSIFICATION_LABEL + 2] = index_recall == NULL;
	values[CLASSIFICATION_LABEL + 2] = index_recall ?
		Float8GetDatum(*index_recall) : 0;
	put_result_row(fcinfo, values, nulls);
}

/* What counting takes for each match */
#define ANSWER_BYTES (2 * sizeof(double))

/* Metrics of n matches at the cut points */
static void
classify(FunctionCallInfo fcinfo, const Calibration *calibration,
		 const double *distances, const bool *hits,
		 size_t n, const char *label, const double *index_recall)
{
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	double	   *thresholds = palloc(sizeof(double) * calibration->ncutpoints);
	EvalCurve	curve;
	Status		status;

	budget_require(BUDGET_MAINTENANCE, n * ANSWER_BYTES,
				   "the matches of the items", "use fewer items");
	for (int i = 0; i < calibration->ncutpoints; i++)
		thresholds[i] = calibration->cutpoints[i].distance;
	if (!eval_curve(distances, hits, n, thresholds, calibration->ncutpoints,
					arena, &curve, &status))
		raise_status(&status);
	for (int i = 0; i < calibration->ncutpoints; i++)
		put_classification(fcinfo, &calibration->cutpoints[i], &curve, i, label,
						   index_recall);
	arena_destroy(arena);
}

static void
classify_each_label(FunctionCallInfo fcinfo, const Calibration *calibration,
					const Matches *matches, const Labels *labels)
{
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	double	   *distances;
	bool	   *hits;
	size_t	   *order;
	size_t	   *starts;
	Status		status;

	budget_require(BUDGET_MAINTENANCE,
				   matches->n * (ANSWER_BYTES + sizeof(double) + sizeof(bool) +
								 sizeof(size_t)),
				   "the matches of the items", "use fewer items");
	distances = palloc_extended(sizeof(double) * matches->n, MCXT_ALLOC_HUGE);
	hits = palloc_extended(sizeof(bool) * matches->n, MCXT_ALLOC_HUGE);
	if (!eval_group(matches->labels, matches->n, labels_count(labels), arena,
					&order, &starts, &status))
		raise_status(&status);
	for (int label = 0; label < labels_count(labels); label++)
	{
		size_t		n = starts[label + 1] - starts[label];

		CHECK_FOR_INTERRUPTS();
		for (size_t i = 0; i < n; i++)
		{
			distances[i] = matches->distances[order[starts[label] + i]];
			hits[i] = matches->hits[order[starts[label] + i]];
		}
		if (n > 0)
			classify(fcinfo, calibration, distances, hits, n,
					 labels_text(labels, label), NULL);
	}
}

static void
evaluate_classification(FunctionCallInfo fcinfo, const Gallery *gallery,
						const char *query)
{
	Calibration *calibration = gallery_calibration(gallery);
	int			k = k_argument(fcinfo, 2, calibration->k);
	Matches    *matches = matches_create(matcher_argument(fcinfo, 3,
														  calibration->matcher),
										 argument_boolean_or(fcinfo, 6, false));
	bool		exact = argument_boolean_or(fcinfo, 4, true);
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	Pass	   *pass = match_pass(gallery, query, exact, k, labels, matches);
	double		recall;

	for (int i = 0; i < calibration->ncutpoints; i++)
		cutpoint_check(gallery, &calibration->cutpoints[i]);
	if (!exact)
		recall = pass_index_recall(pass, k);
	classify(fcinfo, calibration, matches->distances, matches->hits, matches->n,
			 NULL, exact ? NULL : &recall);
	if (argument_boolean_or(fcinfo, 5, false))
		classify_each_label(fcinfo, calibration, matches, labels);
}

/*
 * evaluate_classification(gallery, query, k, matcher, exact, per_class,
 * drop_closest): rights and query as evaluate_retrieval(), and a calibration
 * (55000), whose k and matcher are the defaults.
 */
Datum
gallery_evaluate_classification(PG_FUNCTION_ARGS)
{
	return evaluate(fcinfo, evaluate_classification);
}

/* ---- confusion_matrix ---- */

static void
put_cell(FunctionCallInfo fcinfo, const Labels *labels, const EvalCell *cell)
{
	const char *predicted = labels_text(labels, cell->predicted);
	Datum		values[3];
	bool		nulls[3] = {false};

	values[0] = CStringGetTextDatum(labels_text(labels, cell->label));
	nulls[1] = predicted == NULL;
	values[1] = predicted ? CStringGetTextDatum(predicted) : 0;
	values[2] = Int64GetDatum(cell->count);
	put_result_row(fcinfo, values, nulls);
}

/* As a notice: a fourth column would ask more of psql's \crosstabview. */
static void
tell_index_recall(double recall)
{
	ereport(NOTICE,
			(errmsg("look-ups found %.4g of the true neighbors", recall),
			 errdetail("This is the index_recall of evaluate_classification, for a sample of the items.")));
}

/* Without a cut point every answer counts, and k and matcher are the defaults. */
static void
confusion_matrix(FunctionCallInfo fcinfo, const Gallery *gallery,
				 const char *query)
{
	char	   *name = argument_text_or_null(fcinfo, 2);
	Calibration every = {EVAL_MATCH_NEAREST, 1};
	Cutpoint	none = {NULL, INFINITY};
	Calibration *calibration = name ? gallery_calibration(gallery) : &every;
	const Cutpoint *cutpoint = name ? calibration_cutpoint(calibration, gallery,
														   name) : &none;
	int			k = k_argument(fcinfo, 3, calibration->k);
	Matches    *matches = matches_create(matcher_argument(fcinfo, 4,
														  calibration->matcher),
										 argument_boolean_or(fcinfo, 6, false));
	bool		exact = argument_boolean_or(fcinfo, 5, true);
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	Pass	   *pass = match_pass(gallery, query, exact, k, labels, matches);
	EvalCell   *cells;
	size_t		ncells;
	Status		status;

	cutpoint_check(gallery, cutpoint);
	if (!exact)
		tell_index_recall(pass_index_recall(pass, k));
	budget_require(BUDGET_MAINTENANCE, matches->n * sizeof(EvalCell),
				   "the matches of the items", "use fewer items");
	if (!eval_confusion(matches->labels, matches->predicted, matches->distances,
						matches->n, cutpoint->distance,
						memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET),
						&cells, &ncells, &status))
		raise_status(&status);
	for (size_t i = 0; i < ncells; i++)
		put_cell(fcinfo, labels, &cells[i]);
}

/*
 * confusion_matrix(gallery, query, cutpoint, k, matcher, exact, drop_closest):
 * the same, but without a calibration if cutpoint is null.
 */
Datum
gallery_confusion_matrix(PG_FUNCTION_ARGS)
{
	return evaluate(fcinfo, confusion_matrix);
}
