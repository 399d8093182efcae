/*
 * threshold_curve.h
 *	  What each cut point would give, without choosing one.
 */
#ifndef EVALUATE_THRESHOLD_CURVE_H
#define EVALUATE_THRESHOLD_CURVE_H

#include "postgres.h"

#include "eval/calibration.h"
#include "eval/pair_histogram.h"
#include "evaluate/gallery_sample.h"

typedef struct ThresholdCurve
{
	EvalCurve	curve;			/* as calibrate() makes it, at */
	size_t		thresholds;		/* some of so many different distances */
	EvalHistogram matches;		/* the same label: a right match */
	int64		items;			/* with a label */
	int64		right;			/* whose match has it */
	EvalMatcher matcher;
	int			k;
} ThresholdCurve;

/* What a page can draw */
#define THRESHOLD_POINTS 1000

typedef struct ThresholdRequest
{
	const Gallery *gallery;
	const LabeledItems *items;	/* the nearest row of own ones is left out */

	/* Its k, matcher and cut points; NULL: the nearest row, and none */
	const Calibration *calibration;
	int			points;			/* of the curve, beside those of cut points */
	int			bins;			/* at most, of matches */
} ThresholdRequest;

/*
 * The curve at thresholds evenly chosen by rank, and at the cut points.  NULL
 * if no match has a distance.  55000 if the gallery is empty.
 */
extern ThresholdCurve *threshold_curve(const ThresholdRequest *request);

#endif							/* EVALUATE_THRESHOLD_CURVE_H */
