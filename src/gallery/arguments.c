/*
 * arguments.c
 *	  Arguments that several functions of this room take.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "gallery/gallery.h"
#include "model/model.h"
#include "server/errors.h"

char *
text_argument_or_null(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
text_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
	return text_argument_or_null(fcinfo, n);
}

bool
bool_argument(FunctionCallInfo fcinfo, int n, bool initial)
{
	return PG_ARGISNULL(n) ? initial : PG_GETARG_BOOL(n);
}

int
k_argument(FunctionCallInfo fcinfo, int n, int initial)
{
	int64		k = PG_ARGISNULL(n) ? initial : PG_GETARG_INT64(n);

	neighbors_check_k(k);
	return (int) k;
}

EvalMatcher
matcher_argument(FunctionCallInfo fcinfo, int n, EvalMatcher initial)
{
	EvalMatcher matcher = initial;
	Status		status;

	status_clear(&status);
	if (!PG_ARGISNULL(n) &&
		!eval_matcher_by_name(text_argument_or_null(fcinfo, n), &matcher, &status))
		raise_status(&status);
	return matcher;
}

Datum
input_argument(FunctionCallInfo fcinfo, int n, Oid *type)
{
	*type = get_fn_expr_argtype(fcinfo->flinfo, n);
	if (*type == TEXTOID)
		return model_input_from_text(text_to_cstring(PG_GETARG_TEXT_PP(n)), type);
	if (!model_takes_input(*type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("input must be of type bytea, an array of numbers or embedding")));
	return PG_GETARG_DATUM(n);
}

/* ---- retrieval metrics ---- */

static EvalRetrievalMetric
retrieval_metric(const char *name)
{
	EvalRetrievalMetric metric;
	Status		status;

	status_clear(&status);
	if (!eval_retrieval_by_name(name, &metric, &status))
		raise_status(&status);
	return metric;
}

EvalRetrievalMetric *
retrieval_metrics(FunctionCallInfo fcinfo, int n, char ***names, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	EvalRetrievalMetric *metrics;

	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"metrics\" must not be null")));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	if (*count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("metrics must name at least one metric")));
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
	char	   *average = text_argument(fcinfo, n, "average");
	EvalRetrievalOptions options;

	if (strcmp(average, "micro") != 0 && strcmp(average, "macro") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown average \"%s\"", average),
				 errhint("Averages are micro and macro.")));
	options.macro = strcmp(average, "macro") == 0;
	options.drop_closest = bool_argument(fcinfo, n + 1, false);
	options.threshold = PG_ARGISNULL(n + 2) ? INFINITY : PG_GETARG_FLOAT8(n + 2);
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
