/*
 * gallery_arguments.h
 *	  Arguments of functions that look neighbors up.
 */
#ifndef GALLERY_GALLERY_ARGUMENTS_H
#define GALLERY_GALLERY_ARGUMENTS_H

#include "postgres.h"

#include "fmgr.h"

#include "eval/calibration.h"

extern int	k_argument(FunctionCallInfo fcinfo, int n, int initial);

extern EvalMatcher matcher_argument(FunctionCallInfo fcinfo, int n,
									EvalMatcher initial);

/*
 * The n-th argument, an input, with its type as the call declares it; text is
 * read as what it is the text of.  ERROR if the type is not one of inputs.
 */
extern Datum input_argument(FunctionCallInfo fcinfo, int n, Oid *type);

/* ERROR unless 1 <= k <= EVAL_MAX_K. */
extern void check_k(int64 k);

#endif							/* GALLERY_GALLERY_ARGUMENTS_H */
