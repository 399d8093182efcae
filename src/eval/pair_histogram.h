/*
 * pair_histogram.h
 *	  Distances of pairs, counted in bins of one round width.
 */
#ifndef EVAL_PAIR_HISTOGRAM_H
#define EVAL_PAIR_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* Do the two of a pair have the same label? */
typedef enum EvalPair
{
	EVAL_PAIR_SAME,
	EVAL_PAIR_DIFFERENT
} EvalPair;

#define EVAL_PAIRS 2

/*
 * Bin i, 0 <= i < n, holds edge(i) <= distance < edge(i + 1), where edge(i) is
 * (first + i) mantissa 10^exponent: the double nearest to what a reader would
 * write.
 */
typedef struct EvalHistogram
{
	int			n;
	int64_t		first;
	int			mantissa;		/* 1, 2 or 5 */
	int			exponent;
	int64_t    *counts[EVAL_PAIRS]; /* of n bins */
	int64_t		total[EVAL_PAIRS];	/* in any bin */
	int64_t		beyond[EVAL_PAIRS]; /* in none: not finite */
} EvalHistogram;

/*
 * An empty histogram of at most so many bins, 2 or more, of the least round
 * width at which they hold least <= distance <= greatest, which are finite.
 */
extern bool eval_histogram_create(EvalHistogram *histogram, double least,
								  double greatest, int most, Arena *arena,
								  Status *status);

/* Bounds as well as bins: what is less, or more, counts in the outermost. */
extern void eval_histogram_add(EvalHistogram *histogram, EvalPair pair,
							   double distance);

/* Where bin i begins, 0 <= i <= n */
extern double eval_histogram_edge(const EvalHistogram *histogram, int i);

#endif							/* EVAL_PAIR_HISTOGRAM_H */
