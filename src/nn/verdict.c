/*
 * verdict.c
 *	  What is wrong with a training, in words.
 *
 * Two things go wrong without an error.  The model collapses: it gives every
 * row the same embedding, which minimizes what pulls positives together.  Or
 * positives and negatives stay equally far apart, and a loss with a margin
 * stands at it.  Both show in the distances of the hardest positive and the
 * nearest negative of each anchor, taken as the mean of some steps.  The number
 * at which a loss stands, if the two are equally far away, only triplet and pn
 * have.
 */
#include <math.h>

#include "nn/loss.h"

/* A mean distance that is none: untrained and trained models have 1e-2 to 1 */
#define COLLAPSED 1e-3

/* Means of an epoch that count as equal */
#define EQUAL_SHARE 0.02

static bool
is_near(double x, double y)
{
	return fabs(x - y) <= EQUAL_SHARE * fabs(y);
}

const char *
nn_verdict(const NnLossType *type, const Params *params,
		   const NnStepStats *mean)
{
	bool		collapsed = mean->avg_positive < COLLAPSED &&
	mean->avg_negative < COLLAPSED;
	bool		at_margin = type->equal != NULL &&
	params_number(params, NN_PAIR_REDUCTION) != NN_SUM &&
	is_near(mean->loss, type->equal(params));

	if (collapsed)
		return at_margin ?
			"loss stands at the margin: all embeddings are nearly the same, the model has collapsed" :
			"all embeddings are nearly the same: the model has collapsed";
	if (at_margin && is_near(mean->avg_positive, mean->avg_negative))
		return "loss stands at the margin: positives are as far away as negatives, nothing has been learnt";
	return NULL;
}
