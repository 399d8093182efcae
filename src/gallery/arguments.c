/*
 * arguments.c
 *	  Arguments that several functions of this room take.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "errors.h"
#include "gallery/gallery.h"

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

int
k_argument(FunctionCallInfo fcinfo, int n, int initial)
{
	int			k = PG_ARGISNULL(n) ? initial : PG_GETARG_INT32(n);

	neighbors_check_k(k);
	return k;
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

Oid
input_argument_type(FunctionCallInfo fcinfo, int n)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);

	if (!gallery_accepts(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("input must be of type bytea, real[] or embedding")));
	return type;
}
