/*
 * drift.h
 *	  Do two samples come from the same distribution?
 */
#ifndef EVAL_DRIFT_H
#define EVAL_DRIFT_H

#include <stddef.h>

/* Sort in place, ascending; NaN becomes infinity. */
extern void eval_sort(double *values, size_t n);

/*
 * Keep at most so many of n ascending values, 1 or more, evenly chosen, the
 * first and the last among them; in place, returns how many are left.
 */
extern size_t eval_choose(double *values, size_t n, size_t most);

/*
 * The p-quantile, 0 <= p <= 1, of n >= 1 ascending values, interpolated between
 * the two nearest (as PostgreSQL's percentile_cont).
 */
extern double eval_quantile(const double *values, size_t n, double p);

/* The share of n ascending values that a threshold does not accept */
extern double eval_share_beyond(const double *values, size_t n,
								double threshold);

/*
 * The Kolmogorov-Smirnov distance of two ascending samples: the greatest
 * difference of their distribution functions, 0 .. 1.
 */
extern double eval_ks_distance(const double *a, size_t na, const double *b,
							   size_t nb);

/*
 * The probability of a distance at least this great between samples of na and
 * nb values of one distribution: the limit of Kolmogorov with Stephens'
 * correction (1970), good from about na nb / (na + nb) >= 4 on.
 */
extern double eval_ks_probability(double distance, double na, double nb);

#endif							/* EVAL_DRIFT_H */
