/*
 * arguments.c
 *	  Arguments of SQL functions, checked, by their names in error messages.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "server/arguments.h"

void
argument_require(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null", name)));
}

char *
argument_text_or_null(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
argument_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	argument_require(fcinfo, n, name);
	return argument_text_or_null(fcinfo, n);
}

bool
argument_boolean(FunctionCallInfo fcinfo, int n, const char *name)
{
	argument_require(fcinfo, n, name);
	return PG_GETARG_BOOL(n);
}

bool
argument_boolean_or(FunctionCallInfo fcinfo, int n, bool initial)
{
	return PG_ARGISNULL(n) ? initial : PG_GETARG_BOOL(n);
}

static int
bounded(int64 value, const char *name, int minimum, int maximum)
{
	if (value < minimum || value > maximum)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between %d and %d, not %lld", name, minimum,
						maximum, (long long) value)));
	return (int) value;
}

int
argument_integer(FunctionCallInfo fcinfo, int n, const char *name, int minimum,
				 int maximum)
{
	argument_require(fcinfo, n, name);
	return bounded(PG_GETARG_INT32(n), name, minimum, maximum);
}

int
argument_bigint(FunctionCallInfo fcinfo, int n, const char *name, int minimum,
				int maximum)
{
	argument_require(fcinfo, n, name);
	return bounded(PG_GETARG_INT64(n), name, minimum, maximum);
}
