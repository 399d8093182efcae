/*
 * retrieval_arguments.h
 *	  Arguments that choose metrics of retrieval.
 */
#ifndef EVALUATE_RETRIEVAL_ARGUMENTS_H
#define EVALUATE_RETRIEVAL_ARGUMENTS_H

#include "postgres.h"

#include "fmgr.h"

#include "eval/retrieval.h"
#include "server/compat.h"

/* Argument n, an array of names of retrieval metrics; ERROR if it is empty. */
extern EvalRetrievalMetric *retrieval_metrics(FunctionCallInfo fcinfo, int n,
											  char ***names, int *count);

/* Arguments n to n + 2: average, drop_closest, distance_threshold. */
extern EvalRetrievalOptions retrieval_options(FunctionCallInfo fcinfo, int n);

/* Does any of them need the number of rows of each label? */
extern bool retrieval_any_needs_r(const EvalRetrievalMetric *metrics, int n);

/* What failed in an arena of maintenance_work_mem, where the sums over queries are */
pg_noreturn extern void retrieval_raise(const Arena *arena,
										const Status *status);

#endif							/* EVALUATE_RETRIEVAL_ARGUMENTS_H */
