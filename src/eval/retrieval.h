/*
 * retrieval.h
 *	  How good ranked neighbors are: recall@k and its kin, in one pass.
 *
 * Queries are added one by one, nothing of them is kept but sums.  rel_j is 1
 * if the j-th neighbor (from 1) has the query's label and is within the
 * distance threshold, else 0; R is the number of rows of the query's label in
 * the gallery, less 1 when the closest is dropped.
 *
 *	recall@k		1 if any rel_j, j <= k, else 0
 *	precision@k		sum rel_j / k
 *	r_precision		sum rel_j / R, j <= R
 *	map@k			sum rel_j precision@j / R, j <= k
 *	map@r			the same with j <= R (Musgrave et al. 2020)
 *	ndcg@k			DCG = sum rel_j / log2(j + 1), divided by the DCG of the
 *					same neighbors with the relevant ones first
 *	mrr@k			1 / (the first j <= k with rel_j), else 0
 *
 * 0/0 = 0.  Neighbors that the gallery does not have count as not relevant.
 */
#ifndef EVAL_RETRIEVAL_H
#define EVAL_RETRIEVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

typedef enum EvalRetrievalKind
{
	EVAL_RECALL_AT,
	EVAL_PRECISION_AT,
	EVAL_MAP_AT,
	EVAL_NDCG_AT,
	EVAL_MRR_AT
} EvalRetrievalKind;

#define EVAL_MAX_K 100000
#define EVAL_AT_R 0

typedef struct EvalRetrievalMetric
{
	EvalRetrievalKind kind;
	int			k;				/* 1 .. EVAL_MAX_K, or EVAL_AT_R */
} EvalRetrievalMetric;

typedef struct EvalRetrievalOptions
{
	bool		macro;			/* mean of the classes' means, not of the
								 * queries */
	bool		drop_closest;	/* the first neighbor is the query itself */
	double		threshold;		/* farther neighbors are not relevant;
								 * INFINITY: any may be */
} EvalRetrievalOptions;

/* Read "recall@5", "map@r", "r_precision"; failures list what is accepted. */
extern bool eval_retrieval_by_name(const char *name,
								   EvalRetrievalMetric *metric, Status *status);

/* Must the caller count the rows of each label (R)? */
extern bool eval_retrieval_needs_r(const EvalRetrievalMetric *metric);

/* Neighbors to ask for, given the largest R of any query's label. */
extern int64_t eval_retrieval_depth(const EvalRetrievalMetric *metrics, int n,
									bool drop_closest, int64_t max_r);

typedef struct EvalRetrieval EvalRetrieval;

/* An empty sum for n metrics; metrics and arena must outlive it. */
extern EvalRetrieval *eval_retrieval_create(Arena *arena,
											const EvalRetrievalMetric *metrics,
											int n, EvalRetrievalOptions options,
											Status *status);

/*
 * Add a query of a label (a code, 0 or more) with its neighbors in ascending
 * order of distance; r is the number of rows of its label (0 if no metric
 * needs it).
 */
extern bool eval_retrieval_add(EvalRetrieval *sums, int label, int64_t r,
							   const int *labels, const double *distances,
							   int n, Status *status);

/* The metrics-th mean over the queries added; 0 without any. */
extern double eval_retrieval_value(const EvalRetrieval *sums, int metric);

/* The same over the queries of one label, and how many they are. */
extern double eval_retrieval_class_value(const EvalRetrieval *sums, int metric,
										 int label);
extern int64_t eval_retrieval_class_queries(const EvalRetrieval *sums,
											int label);

/* Neighbors that a metric looks at, given R; without one that is dropped. */
extern int64_t eval_retrieval_metric_depth(const EvalRetrievalMetric *metric,
										   bool drop_closest, int64_t r);

#endif							/* EVAL_RETRIEVAL_H */
