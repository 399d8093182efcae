/*
 * doubt.h
 *	  What makes the numbers of a calibration or an evaluation doubtful.
 */
#ifndef EVALUATE_DOUBT_H
#define EVALUATE_DOUBT_H

#include "postgres.h"

#include "eval/calibration.h"
#include "evaluate/evaluate_pass.h"

/*
 * Tell of items that say nothing, or something else than is thought.  True if
 * there was a warning.
 */
extern bool doubt_items(const Gallery *gallery, const Pass *pass,
						const Labels *labels, bool drop_closest);

/* Tell of matches with rows that have no label. */
extern void doubt_matches(const Gallery *gallery, const Matches *matches);

/*
 * Are the items so few, or their labels so many that the gallery lacks, or all
 * of them one, that a cut point on them needs more right matches than wrong
 * ones to be believed?
 */
extern bool doubt_is_grave(const Labels *labels, const Matches *matches);

/*
 * Tell of a calibration that is no ground for cut points.  place: where
 * "optimal" stands on the curve, NULL if no item is matched rightly; accepted:
 * it is believed; told: doubt_items() has warned.
 */
extern void doubt_calibration(const Labels *labels, const Matches *matches,
							  const EvalCurve *curve, const size_t *place,
							  bool accepted, bool told);

/* What is wrong, in words, with a calibration of so many items and its cut point "optimal"; or NULL */
extern const char *doubt_of_calibration(int64 items, double distance,
										double precision);

#endif							/* EVALUATE_DOUBT_H */
