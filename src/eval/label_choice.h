/*
 * label_choice.h
 *	  Which rows to label next: those that say most about the others.
 *
 * A row that is chosen covers its neighbors, each as near as it is (nearness
 * s of eval_nearness(), by the neighbor's own measure).  Chosen one after the
 * other is the row that adds most to
 *
 *		sum over rows i of weight(i) * max over chosen j of s(i, j)
 *
 * where the weight is how little is known of a row: the facility location
 * function of Wei, Iyer and Bilmes, "Submodularity in data subset selection and
 * active learning" (ICML 2015), which is submodular, so that this is within 1 -
 * 1/e of the best choice.
 */
#ifndef EVAL_LABEL_CHOICE_H
#define EVAL_LABEL_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "eval/neighborhoods.h"

/*
 * How little is known of a row whose labeled neighbors, the nearest of them at
 * some distance, agree by that margin (EvalOpinion): as much less than 1 as they
 * agree and are near, by the distances of its own neighbors.  Far from all that
 * is labeled nothing is known, whoever is nearest.
 */
extern double eval_unknown(const EvalNeighbors *neighbors, size_t row,
						   double margin, double distance);

/* Bytes that eval_choose_rows() takes for a row */
#define EVAL_CHOICE_BYTES (sizeof(float) + 2 * sizeof(double))

/*
 * Choose at most want rows of a weight above 0 into chosen, best first; *n is
 * how many.  Answers interrupts.
 */
extern bool eval_choose_rows(const EvalNeighbors *neighbors,
							 const float *weight, size_t want, Arena *arena,
							 uint32_t *chosen, size_t *n, Status *status);

#endif							/* EVAL_LABEL_CHOICE_H */
