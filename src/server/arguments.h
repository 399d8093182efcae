/*
 * arguments.h
 *	  Arguments of SQL functions, checked, by their names in error messages.
 *
 * NULL is ERRCODE_NULL_VALUE_NOT_ALLOWED, a number out of its bounds
 * ERRCODE_INVALID_PARAMETER_VALUE.
 */
#ifndef SERVER_ARGUMENTS_H
#define SERVER_ARGUMENTS_H

#include "postgres.h"

#include "fmgr.h"

extern void argument_require(FunctionCallInfo fcinfo, int n, const char *name);
extern char *argument_text(FunctionCallInfo fcinfo, int n, const char *name);
extern bool argument_boolean(FunctionCallInfo fcinfo, int n, const char *name);

/* Of type integer; of type bigint */
extern int	argument_integer(FunctionCallInfo fcinfo, int n, const char *name,
							 int minimum, int maximum);
extern int	argument_bigint(FunctionCallInfo fcinfo, int n, const char *name,
							int minimum, int maximum);

/* NULL stands for NULL; for initial. */
extern char *argument_text_or_null(FunctionCallInfo fcinfo, int n);
extern bool argument_boolean_or(FunctionCallInfo fcinfo, int n, bool initial);

#endif							/* SERVER_ARGUMENTS_H */
