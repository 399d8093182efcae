/*
 * retrieval_arguments.c
 *	  Arguments that choose metrics of retrieval.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "evaluate/retrieval_arguments.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/errors.h"

#define MAX_METRICS 1000

static EvalRetrievalMetric
retrieval_metric(const char *name)
{
	EvalRetrievalMetric metric;
	Status		status;

	if (!eval_retrieval_by_name(name, &metric, &status))
		raise_status(&status);
	return metric;
}

EvalRetrievalMetric *
retrieval_metrics(FunctionCallInfo fcinfo, int n, char ***names, int *count)
{
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	EvalRetrievalMetric *metrics;

	argument_require(fcinfo, n, "metrics");
	array = PG_GETARG_ARRAYTYPE_P(n);
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (*count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("metrics must name at least one metric")));
	if (*count > MAX_METRICS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are %d metrics, at most %d are allowed", *count,
						MAX_METRICS)));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, count);
	metrics = palloc(sizeof(EvalRetrievalMetric) * *count);
	*names = palloc(sizeof(char *) * *count);
	for (int i = 0; i < *count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("metrics must not contain nulls")));
		(*names)[i] = TextDatumGetCString(elements[i]);
		metrics[i] = retrieval_metric((*names)[i]);
	}
	return metrics;
}

EvalRetrievalOptions
retrieval_options(FunctionCallInfo fcinfo, int n)
{
	char	   *average = argument_text(fcinfo, n, "average");
	EvalRetrievalOptions options;

	if (strcmp(average, "micro") != 0 && strcmp(average, "macro") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized average \"%s\"", average),
				 errhint("Valid values are micro and macro.")));
	options.macro = strcmp(average, "macro") == 0;
	options.drop_closest = argument_boolean_or(fcinfo, n + 1, false);
	options.threshold = PG_ARGISNULL(n + 2) ? INFINITY :
		PG_GETARG_FLOAT8(n + 2);
	if (isnan(options.threshold))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("distance_threshold must not be NaN")));
	return options;
}

bool
retrieval_any_needs_r(const EvalRetrievalMetric *metrics, int n)
{
	for (int i = 0; i < n; i++)
		if (eval_retrieval_needs_r(&metrics[i]))
			return true;
	return false;
}

void
retrieval_raise(const Arena *arena, const Status *status)
{
	budget_raise_status(BUDGET_MAINTENANCE, arena, status,
						"the sums of metrics for each label",
						"use fewer labels or metrics");
}
