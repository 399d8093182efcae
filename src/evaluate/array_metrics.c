/*
 * array_metrics.c
 *	  The metrics as plain functions over arrays: no gallery, no table.
 *
 * What evaluate_retrieval, match and calibrate compute from a gallery these
 * compute from arrays, by the same functions of eval/, so that they can be
 * checked by hand and used on neighbors found in any way.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "eval/retrieval.h"
#include "evaluate/retrieval_arguments.h"
#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "gallery/lookup.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/call.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/labels.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(metrics_retrieval);
PGDLLEXPORT PG_FUNCTION_INFO_V1(metrics_match);
PGDLLEXPORT PG_FUNCTION_INFO_V1(metrics_count);
PGDLLEXPORT PG_FUNCTION_INFO_V1(metrics_classification);

/* ---- arrays ---- */

static void
raise_shape(const char *name, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
			 errmsg("array \"%s\" must have %s", name, wanted)));
}

static void
raise_null_element(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("array \"%s\" must not contain nulls", name)));
}

/* A vector of n elements, or of any number if *n is negative. */
static ArrayType *
vector_argument(FunctionCallInfo fcinfo, int arg, const char *name, int *n)
{
	ArrayType  *array;
	int			items;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
	array = PG_GETARG_ARRAYTYPE_P(arg);
	items = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_NDIM(array) > 1)
		raise_shape(name, "one dimension");
	if (*n >= 0 && items != *n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array \"%s\" has a different number of elements than the other arrays", name),
				 errdetail("It has %d, not %d.", items, *n)));
	*n = items;
	return array;
}

static double *
float_vector(FunctionCallInfo fcinfo, int arg, const char *name, int *n)
{
	ArrayType  *array = vector_argument(fcinfo, arg, name, n);

	if (ARR_HASNULL(array))
		raise_null_element(name);
	return (double *) ARR_DATA_PTR(array);
}

static int64 *
count_vector(FunctionCallInfo fcinfo, int arg, const char *name, int *n)
{
	ArrayType  *array = vector_argument(fcinfo, arg, name, n);
	int64	   *counts = (int64 *) ARR_DATA_PTR(array);

	if (ARR_HASNULL(array))
		raise_null_element(name);
	for (int i = 0; i < *n; i++)
		if (counts[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("array \"%s\" must not contain negative counts",
							name)));
	return counts;
}

/* So many bytes for each of n elements */
static void
require_elements(int n, Size bytes)
{
	budget_require(BUDGET_MAINTENANCE, (Size) n * bytes,
				   "the elements of the arrays", "use shorter arrays");
}

/* Codes of an array of labels, row by row; NULL is EVAL_NO_LABEL. */
static int *
label_codes(ArrayType *array, Labels *labels)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	ArrayIterator iterator = array_create_iterator(array, 0, NULL);
	int		   *codes;
	Datum		element;
	bool		isnull;

	require_elements(n, sizeof(int));
	codes = palloc_extended(sizeof(int) * Max(n, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n && array_iterate(iterator, &element, &isnull); i++)
	{
		char	   *label = isnull ? NULL : TextDatumGetCString(element);

		codes[i] = labels_code(labels, label);
		if (label != NULL)
			pfree(label);
	}
	array_free_iterator(iterator);
	return codes;
}

static int *
label_vector(FunctionCallInfo fcinfo, int arg, const char *name, Labels *labels,
			 int *n)
{
	return label_codes(vector_argument(fcinfo, arg, name, n), labels);
}

/* ---- neighbors: a row a query, nearest first ---- */

typedef struct Neighbors
{
	int			rows;
	int			columns;
	int		   *labels;			/* rows x columns */
	double	   *distances;		/* zeros if not given */
	int		   *length;			/* of a row: up to the last that is not null */
} Neighbors;

static void
matrix_shape(ArrayType *array, const char *name, int *rows, int *columns)
{
	if (ARR_NDIM(array) != 2)
		raise_shape(name, "two dimensions: queries, neighbors");
	*rows = ARR_DIMS(array)[0];
	*columns = ARR_DIMS(array)[1];
}

/* The next of n elements; returns how many come before the first null. */
static int
read_row_distances(ArrayIterator iterator, double *distances, int n, int row)
{
	int			length = 0;
	bool		ended = false;
	Datum		element;
	bool		isnull;

	for (int i = 0; i < n && array_iterate(iterator, &element, &isnull); i++)
	{
		ended |= isnull;
		if (ended)
			continue;
		distances[length] = DatumGetFloat8(element);
		if (length > 0 && distances[length] < distances[length - 1])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("neighbors must be in ascending order of distance"),
					 errdetail("They are not in row %d.", row + 1)));
		length++;
	}
	return length;
}

/* Distances, padded by nulls at the end of a row, which end the row. */
static void
read_distances(ArrayType *array, Neighbors *neighbors)
{
	ArrayIterator iterator;
	int			rows;
	int			columns;

	matrix_shape(array, "neighbor_distances", &rows, &columns);
	if (rows != neighbors->rows || columns != neighbors->columns)
		raise_shape("neighbor_distances",
					"the dimensions of \"neighbor_labels\"");
	iterator = array_create_iterator(array, 0, NULL);
	for (int i = 0; i < rows; i++)
		neighbors->length[i] = read_row_distances(iterator,
												  neighbors->distances + (size_t) i * columns, columns, i);
	array_free_iterator(iterator);
}

/* Labels and distances in arguments arg and arg + 1; labels must be there. */
static Neighbors
neighbors_argument(FunctionCallInfo fcinfo, int arg, Labels *labels)
{
	Neighbors	neighbors;
	ArrayType  *array;

	argument_require(fcinfo, arg, "neighbor_labels");
	array = PG_GETARG_ARRAYTYPE_P(arg);
	matrix_shape(array, "neighbor_labels", &neighbors.rows, &neighbors.columns);
	require_elements(neighbors.rows * neighbors.columns,
					 sizeof(int) + sizeof(double));
	neighbors.labels = label_codes(array, labels);
	neighbors.distances = palloc_extended(sizeof(double) * neighbors.rows * neighbors.columns, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	neighbors.length = palloc_extended(sizeof(int) * neighbors.rows,
									   MCXT_ALLOC_HUGE);
	for (int i = 0; i < neighbors.rows; i++)
		neighbors.length[i] = neighbors.columns;
	if (!PG_ARGISNULL(arg + 1))
		read_distances(PG_GETARG_ARRAYTYPE_P(arg + 1), &neighbors);
	return neighbors;
}

/* ---- retrieval_metrics ---- */

static void
require_relevant(const EvalRetrievalMetric *metrics, int n,
				 const int64 *relevant)
{
	if (relevant == NULL && retrieval_any_needs_r(metrics, n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"relevant\" must not be null for these metrics"),
				 errdetail("map, map@r and r_precision need the number of rows of each query's label.")));
}

static void
add_queries(Arena *arena, EvalRetrieval *sums, const int *queries,
			const Neighbors *neighbors, const int64 *relevant)
{
	Status		status;

	for (int i = 0; i < neighbors->rows; i++)
	{
		size_t		start = (size_t) i * neighbors->columns;

		if (queries[i] == EVAL_NO_LABEL)
			raise_null_element("query_labels");
		if (!eval_retrieval_add(sums, queries[i], relevant ? relevant[i] : 0,
								neighbors->labels + start,
								neighbors->distances + start,
								neighbors->length[i], &status))
			retrieval_raise(arena, &status);
	}
}

/*
 * retrieval_metrics(query_labels, neighbor_labels, neighbor_distances,
 * relevant, metrics, average, drop_closest, distance_threshold).
 *
 * Like all functions of this file it reads no table and needs no right.
 * Arrays must have fitting dimensions (2202E), no null labels of queries
 * (22004), distances in ascending order (22023) and known metrics (42704), and
 * fit into maintenance_work_mem (54000).
 */
Datum
metrics_retrieval(PG_FUNCTION_ARGS)
{
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	Neighbors	neighbors = neighbors_argument(fcinfo, 1, labels);
	int			rows = neighbors.rows;
	int		   *queries = label_vector(fcinfo, 0, "query_labels", labels,
									   &rows);
	int64	   *relevant = PG_ARGISNULL(3) ? NULL :
	count_vector(fcinfo, 3, "relevant", &rows);
	EvalRetrievalOptions options = retrieval_options(fcinfo, 5);
	EvalRetrievalMetric *metrics;
	char	  **names;
	Arena	   *arena;
	EvalRetrieval *sums;
	int			n;
	Status		status;

	metrics = retrieval_metrics(fcinfo, 4, &names, &n);
	require_relevant(metrics, n, relevant);
	InitMaterializedSRF(fcinfo, 0);
	arena = memory_arena(CurrentMemoryContext,
						 budget_bytes(BUDGET_MAINTENANCE));
	sums = eval_retrieval_create(arena, metrics, n, options, &status);
	if (sums == NULL)
		raise_status(&status);
	add_queries(arena, sums, queries, &neighbors, relevant);
	for (int i = 0; i < n; i++)
	{
		Datum		values[2] = {CStringGetTextDatum(names[i]), Float8GetDatum(eval_retrieval_value(sums, i))};
		bool		nulls[2] = {false, false};

		put_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* ---- match_neighbors ---- */

/*
 * match_neighbors(neighbor_labels, neighbor_distances, matcher): one row a
 * query; a null distance ends a row of neighbors.
 */
Datum
metrics_match(PG_FUNCTION_ARGS)
{
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	Neighbors	neighbors = neighbors_argument(fcinfo, 0, labels);
	EvalMatcher matcher = matcher_argument(fcinfo, 2, EVAL_MATCH_NEAREST);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < neighbors.rows; i++)
	{
		size_t		start = (size_t) i * neighbors.columns;
		EvalMatch	match = eval_match(matcher, neighbors.labels + start,
									   neighbors.distances + start,
									   neighbors.length[i]);
		const char *label = labels_text(labels, match.label);
		Datum		values[3] = {Int32GetDatum(i + 1), 0, Float8GetDatum(match.distance)};
		bool		nulls[3] = {false, label == NULL, false};

		values[1] = label ? CStringGetTextDatum(label) : 0;
		put_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* ---- classification_counts ---- */

static void
require_ascending(const double *thresholds, int n)
{
	for (int i = 0; i < n; i++)
		if (isnan(thresholds[i]) ||
			(i > 0 && thresholds[i] < thresholds[i - 1]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("thresholds must be in ascending order")));
}

/*
 * classification_counts(labels, predicted, distances, thresholds).
 *
 * The first three have equal length; thresholds ascend without NaN (22023),
 * since counting goes through both in order.
 */
Datum
metrics_count(PG_FUNCTION_ARGS)
{
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	int			n = -1;
	int			nthresholds = -1;
	int		   *truth = label_vector(fcinfo, 0, "labels", labels, &n);
	int		   *predicted = label_vector(fcinfo, 1, "predicted", labels, &n);
	double	   *distances = float_vector(fcinfo, 2, "distances", &n);
	double	   *thresholds = float_vector(fcinfo, 3, "thresholds",
										  &nthresholds);
	bool	   *hits;
	EvalCounts	counts;
	Status		status;

	require_elements(n, 2 * sizeof(double) + sizeof(bool));
	require_elements(nthresholds, 4 * sizeof(int64));
	hits = palloc_extended(sizeof(bool) * Max(n, 1), MCXT_ALLOC_HUGE);
	require_ascending(thresholds, nthresholds);
	InitMaterializedSRF(fcinfo, 0);
	if (nthresholds == 0)
		return (Datum) 0;
	for (int i = 0; i < n; i++)
	{
		EvalMatch	match = {predicted[i], distances[i]};

		hits[i] = eval_match_hits(match, truth[i]);
	}
	if (!eval_count(distances, hits, n, thresholds, nthresholds,
					memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET),
					&counts, &status))
		raise_status(&status);
	for (int i = 0; i < nthresholds; i++)
	{
		Datum		values[5] = {Float8GetDatum(thresholds[i]), Int64GetDatum(counts.tp[i]),
			Int64GetDatum(counts.fp[i]), Int64GetDatum(counts.tn[i]),
		Int64GetDatum(counts.fn[i])};
		bool		nulls[5] = {false};

		put_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* ---- classification_metrics ---- */

static int64
total_queries(FunctionCallInfo fcinfo, const EvalCounts *counts)
{
	if (!PG_ARGISNULL(4))
		return PG_GETARG_INT64(4);
	return counts->n == 0 ? 0 :
		counts->tp[0] + counts->fp[0] + counts->tn[0] + counts->fn[0];
}

/*
 * classification_metrics(tp, fp, tn, fn, queries): counts of equal length,
 * none negative (22023); queries defaults to their sum at the first threshold.
 */
Datum
metrics_classification(PG_FUNCTION_ARGS)
{
	int			n = -1;
	EvalCounts	counts;
	double	   *metric[EVAL_METRICS];

	counts.tp = count_vector(fcinfo, 0, "tp", &n);
	counts.fp = count_vector(fcinfo, 1, "fp", &n);
	counts.tn = count_vector(fcinfo, 2, "tn", &n);
	counts.fn = count_vector(fcinfo, 3, "fn", &n);
	counts.n = n;
	counts.count = total_queries(fcinfo, &counts);
	require_elements(n, EVAL_METRICS * sizeof(double));
	InitMaterializedSRF(fcinfo, 0);
	for (int m = 0; m < EVAL_METRICS; m++)
	{
		metric[m] = palloc_extended(sizeof(double) * Max(n, 1),
									MCXT_ALLOC_HUGE);
		eval_metric_values(m, &counts, metric[m]);
	}
	for (int i = 0; i < n; i++)
	{
		Datum		values[1 + EVAL_METRICS];
		bool		nulls[1 + EVAL_METRICS] = {false};

		values[0] = Int32GetDatum(i + 1);
		for (int m = 0; m < EVAL_METRICS; m++)
			values[1 + m] = Float8GetDatum(metric[m][i]);
		put_result_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}
