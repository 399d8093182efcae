/*
 * classification.h
 *	  From neighbors to an answer, and how good answers are at a threshold.
 *
 * Labels are codes 0, 1, ...; EVAL_NO_LABEL stands for a row without label
 * and equals nothing.  A query is answered by the label of its match if the
 * match's distance is within the threshold, and by "unknown" otherwise.
 */
#ifndef EVAL_CLASSIFICATION_H
#define EVAL_CLASSIFICATION_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

#define EVAL_NO_LABEL (-1)

/* ---- matchers: one label and distance from k neighbors ---- */

typedef enum EvalMatcher
{
	EVAL_MATCH_NEAREST,			/* the first neighbor's label and distance */
	EVAL_MATCH_MAJORITY_VOTE	/* the most frequent label, ties to the one
								 * seen first; mean distance of all k */
} EvalMatcher;

typedef struct EvalMatch
{
	int			label;
	double		distance;
} EvalMatch;

/* By name ("match_nearest"); STATUS_UNKNOWN_NAME lists the names. */
extern bool eval_matcher_by_name(const char *name, EvalMatcher *matcher,
								 Status *status);
extern const char *eval_matcher_name(EvalMatcher matcher);

/*
 * The match of n neighbors in ascending order of distance.  Without any,
 * EVAL_NO_LABEL at infinity.
 */
extern EvalMatch eval_match(EvalMatcher matcher, const int *labels,
							const double *distances, int n);

/* Is this match the right answer for a query of that label, if accepted? */
extern bool eval_match_hits(EvalMatch match, int label);

/* The threshold of a cut point that accepts nothing, whatever its distance */
#define EVAL_ACCEPT_NOTHING (-INFINITY)

/* Is a match at that distance within the threshold?  NaN is within none. */
extern bool eval_accepts(double distance, double threshold);

/* ---- metrics over ascending thresholds ---- */

/*
 * At each threshold t, with hit = right label and in = eval_accepts(distance, t):
 * tp = hit and in, fp = miss and in, fn = hit and out, tn = miss and out.
 */
typedef struct EvalCounts
{
	size_t		n;				/* thresholds */
	int64_t		count;			/* queries: tp + fp + tn + fn everywhere */
	int64_t    *tp;
	int64_t    *fp;
	int64_t    *tn;
	int64_t    *fn;
} EvalCounts;

/*
 * Count nqueries matches at n ascending thresholds, in O(q log q + n).  NaN
 * distances are beyond every threshold.
 */
extern bool eval_count(const double *distances, const bool *hits,
					   size_t nqueries, const double *thresholds, size_t n,
					   Arena *arena, EvalCounts *counts, Status *status);

/* TensorFlow Similarity's classification metrics; 0/0 = 0. */
typedef enum EvalMetric
{
	EVAL_PRECISION,				/* tp / (tp + fp); 1 at the first of several
								 * thresholds if nothing is within it */
	EVAL_RECALL,				/* tp / (tp + fn): of the queries whose match
								 * has the right label */
	EVAL_F1,					/* 2 precision recall / (precision + recall) */
	EVAL_BINARY_ACCURACY,		/* tp / count */
	EVAL_NPV,					/* tn / (tn + fn) */
	EVAL_FPR					/* fp / (fp + tn), the smaller the better */
} EvalMetric;

#define EVAL_METRICS 6

/* By name or alias; STATUS_UNKNOWN_NAME lists the names. */
extern bool eval_metric_by_name(const char *name, EvalMetric *metric,
								Status *status);
extern const char *eval_metric_name(EvalMetric metric);

/* Is a greater value better?  Does it grow with the threshold? */
extern bool eval_metric_maximize(EvalMetric metric);
extern bool eval_metric_increasing(EvalMetric metric);

/* The metric at each of counts->n thresholds into values. */
extern void eval_metric_values(EvalMetric metric, const EvalCounts *counts,
							   double *values);

/* ---- confusion ---- */

typedef struct EvalCell
{
	int			label;			/* of the query */
	int			predicted;		/* EVAL_NO_LABEL: unknown */
	int64_t		count;			/* at least 1 */
} EvalCell;

/*
 * Count pairs of n queries' labels and answers, where an answer farther than
 * the threshold is unknown.  Cells are in ascending order of both codes.
 */
extern bool eval_confusion(const int *labels, const int *predicted,
						   const double *distances, size_t n, double threshold,
						   Arena *arena, EvalCell **cells, size_t *ncells,
						   Status *status);

/*
 * Positions 0 .. n-1 grouped by label, in their order within a label: those of
 * label c stand in order[starts[c]] to order[starts[c + 1] - 1].  Labels are 0
 * .. nlabels-1; starts has nlabels + 1 entries.
 */
extern bool eval_group(const int *labels, size_t n, int nlabels, Arena *arena,
					   size_t **order, size_t **starts, Status *status);

#endif							/* EVAL_CLASSIFICATION_H */
