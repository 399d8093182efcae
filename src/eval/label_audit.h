/*
 * label_audit.h
 *	  Which labels do the neighbors contradict?
 *
 * Each row has a given label y and labeled neighbors.  The neighbors vote,
 * each with a weight w, from 1 for the nearest to 1/2 for the farthest, and the
 * trust t in its own label:
 *
 *		p(c) = (sum of w t over neighbors labeled c + q(c)) /
 *			   (sum of w t over all of them + 1)
 *
 * where q(c), one vote spread over the labels, is how often other rows with the
 * same suggestion, the label with most votes, are labeled c.  With a share e of
 * labels that are wrong, any other of C labels being as likely, a row's label
 * is right with the odds
 *
 *		(1 - e) p(y)  :  e / (C - 1) (1 - p(y))
 *
 * which is the trust that the next round votes with, as e becomes the mean
 * mistrust.  (In the first rounds it is p(y) / max p(c), which is less.)
 */
#ifndef EVAL_LABEL_AUDIT_H
#define EVAL_LABEL_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "eval/neighborhoods.h"

typedef struct EvalVerdict
{
	int			suggested;		/* label with most votes; EVAL_NO_LABEL
								 * without a neighbor */
	float		sure;			/* that the row's label is wrong, 0 .. 1 */
} EvalVerdict;

/* Bytes that eval_audit() and its voters take for a row, verdict included */
#define EVAL_AUDIT_BYTES (sizeof(EvalVerdict) + 5 * sizeof(float) + \
						  sizeof(uint32_t) + sizeof(int))

/*
 * Judge n rows by neighbors that have labels, of 0 .. nlabels-1.  A row of
 * EVAL_NO_LABEL, or without neighbors, is no suspect.  *rate is the share of
 * labels that are taken to be wrong.  Answers interrupts.
 */
extern bool eval_audit(const int *labels, int nlabels,
					   const EvalNeighbors *neighbors, Arena *arena,
					   EvalVerdict **verdicts, double *rate, Status *status);

/*
 * The neighbors to judge by: the nearest k, k / 2, k / 4, ... of each row, at
 * least 5, whose votes say best what labels the rows have, as the likelihood of
 * all labels tells if a tenth of them may be wrong.  Where classes have few rows,
 * or embeddings tell little, only those near by have a row's label.  They share
 * all but the counts with the neighbors.  Answers interrupts.
 */
extern bool eval_audit_voters(const int *labels, int nlabels,
							  const EvalNeighbors *neighbors, Arena *arena,
							  EvalNeighbors *voters, Status *status);

/*
 * What the labeled neighbors of a row without label say: the label with most
 * votes and its share of them, less that of the second.
 */
typedef struct EvalOpinion
{
	int			suggested;		/* EVAL_NO_LABEL without a neighbor */
	float		share;			/* 0 .. 1 */
	float		margin;			/* 0 .. 1; 0 without a neighbor */
} EvalOpinion;

extern bool eval_opinions(const int *labels, int nlabels,
						  const EvalNeighbors *neighbors, Arena *arena,
						  EvalOpinion **opinions, Status *status);

#endif							/* EVAL_LABEL_AUDIT_H */
