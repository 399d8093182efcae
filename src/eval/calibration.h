/*
 * calibration.h
 *	  Where to cut: the distance beyond which a neighbor is no match.
 *
 * Follows TensorFlow Similarity's MemoryEvaluator.calibrate: every distance
 * seen is tried as a threshold, a classification metric is computed at each,
 * and cut points are chosen on that curve.
 */
#ifndef EVAL_CALIBRATION_H
#define EVAL_CALIBRATION_H

#include "eval/classification.h"

/* Metrics at n ascending thresholds. */
typedef struct EvalCurve
{
	size_t		n;
	const double *distance;
	EvalCounts	counts;
	double	   *metric[EVAL_METRICS];
} EvalCurve;

/*
 * Thresholds from distances: sorted, each once, without what is not finite.  Of
 * more than most (at least 2) so many stay, evenly chosen by rank, the first and
 * the last among them.  Works in place and returns how many are left.
 */
extern size_t eval_thresholds(double *distances, size_t n, size_t most);

/*
 * The curve of nqueries matches over n thresholds, which must outlive it.
 * At least one threshold.
 */
extern bool eval_curve(const double *distances, const bool *hits,
					   size_t nqueries, const double *thresholds, size_t n,
					   Arena *arena, EvalCurve *curve, Status *status);

/*
 * Cut points are chosen among the thresholds that accept a right match: where
 * there is none yet, a metric says nothing of how good the answers are.
 *
 * The cut point "optimal": the last of them where metric is best.  False if
 * there is none at all.
 */
extern bool eval_optimal(const EvalCurve *curve, EvalMetric metric,
						 size_t *index);

/*
 * The cut point of a target: among those of them where metric reaches it (at
 * least the target, at most for fpr), the first if metric grows with the
 * distance and the last if it falls; for fpr the last, which accepts most.
 * False if none does.
 */
extern bool eval_target(const EvalCurve *curve, EvalMetric metric,
						double target, size_t *index);

#endif							/* EVAL_CALIBRATION_H */
