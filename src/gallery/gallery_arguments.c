/*
 * gallery_arguments.c
 *	  Arguments of functions that look neighbors up.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "eval/retrieval.h"
#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "model/model.h"
#include "server/arguments.h"
#include "server/errors.h"

void
check_k(int64 k)
{
	if (k < 1 || k > EVAL_MAX_K)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be between 1 and %d, not %lld", EVAL_MAX_K,
						(long long) k)));
}

int
k_argument(FunctionCallInfo fcinfo, int n, int initial)
{
	int64		k = PG_ARGISNULL(n) ? initial : PG_GETARG_INT64(n);

	check_k(k);
	return (int) k;
}

EvalMatcher
matcher_argument(FunctionCallInfo fcinfo, int n, EvalMatcher initial)
{
	EvalMatcher matcher = initial;
	Status		status;

	if (!PG_ARGISNULL(n) &&
		!eval_matcher_by_name(argument_text_or_null(fcinfo, n), &matcher,
							  &status))
		raise_status(&status);
	return matcher;
}

Datum
input_argument(FunctionCallInfo fcinfo, int n, Oid *type)
{
	*type = get_fn_expr_argtype(fcinfo->flinfo, n);
	if (*type == TEXTOID)
		return model_input_from_text(text_to_cstring(PG_GETARG_TEXT_PP(n)),
									 type);
	if (!model_takes_input(*type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("input must be of type bytea, an array of numbers or embedding")));
	return PG_GETARG_DATUM(n);
}
