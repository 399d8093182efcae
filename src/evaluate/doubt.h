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
 * Report items that prove nothing, or something other than intended.  True if
 * there was a warning.
 */
extern bool doubt_items(const Gallery *gallery, const Pass *pass,
						const Labels *labels, bool drop_closest);

/* Report matches with rows that have no label. */
extern void doubt_matches(const Gallery *gallery, const Matches *matches);

/*
 * Serious doubt: too few items, only one label, or half of the items or more
 * with labels that the gallery lacks.  A cut point is then believed only if it
 * accepts at least as many right matches as wrong ones.
 */
extern bool doubt_is_grave(const Labels *labels, const Matches *matches);

/*
 * Report a calibration that does not justify its cut points.  place: position
 * of "optimal" on the curve, NULL if no match is right; accepted: it is
 * believed; told: doubt_items() has warned.
 */
extern void doubt_calibration(const Labels *labels, const Matches *matches,
							  const EvalCurve *curve, const size_t *place,
							  bool accepted, bool told);

/* The problem of a calibration of so many items, in words; NULL: none */
extern const char *doubt_of_calibration(int64 items, double distance,
										double precision);

#endif							/* EVALUATE_DOUBT_H */
