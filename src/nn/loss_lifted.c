/*
 * loss_lifted.c
 *	  Lifted structure loss (Oh Song et al., 2016) as TensorFlow Similarity's
 *	  LiftedStructLoss computes it.
 *
 * With the mined positive pi(i) of each anchor i and margin m,
 *   L = (ln(1 + S) + d_pi(i)) / 2
 *   S = sum over j in N of e^(m - d_j)
 *     + sum over anchors k with pi(k) in N of e^(m - d_pi(k))
 * It is not the paper's: that takes the negatives of pi(i) from pi(i)'s own
 * row, here they are looked up in the anchor's, and it squares a hinge.
 */
#include <math.h>

#include "base/interrupt.h"
#include "nn/loss.h"
#include "nn/pairwise.h"

enum
{
	POSITIVE_MINING = NN_PAIR_OWN, MARGIN
};

static const char *const positive_minings[] = {"hard", "easy", NULL};

static const ParamSpec lifted_params[] = {
	NN_PAIR_PARAMS(NN_COSINE, NN_MEAN),
	{.name = "positive_mining",.type = PARAM_CHOICE,.choices = positive_minings,
	.comment = "farthest (hard) or nearest (easy) positive of an anchor"},
	{.name = "margin",.type = PARAM_REAL,.initial = 1,.minimum = 0,.maximum = 1000,
	.comment = "distance beyond which negatives hardly count"},
	{NULL}
};

static NnPick
mined_positive(const Params *params, const NnAnchor *anchor)
{
	return params_number(params, POSITIVE_MINING) == 0 ?
		nn_farthest(anchor, anchor->positive) :
		nn_nearest(anchor, anchor->positive);
}

/* The mined positive of each anchor: every other anchor asks for it. */
static void
lifted_begin(const Params *params, const NnBatch *batch)
{
	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
	{
		NnAnchor	anchor = nn_anchor(batch, i);
		NnPick		positive = mined_positive(params, &anchor);

		/* without a positive TensorFlow's argmax of zeros is the first key */
		batch->picks[i] = positive.found ? positive.index : 0;
	}
}

/*
 * How often each key counts in the sum: once if it is a negative, and once
 * more for each anchor whose mined positive it is.
 */
static void
count_negatives(const NnAnchor *anchor, double *times)
{
	const NnBatch *batch = anchor->batch;

	for (int j = 0; j < anchor->n; j++)
		times[j] = anchor->negative[j];
	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
		times[batch->picks[i]] += anchor->negative[batch->picks[i]];
}

/*
 * G_j = -share_j / 2 for negatives, share_j being their part of the sum and 1;
 * 1/2 for the positive.
 */
static void
lifted_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		margin = params_number(params, MARGIN);
	double	   *x = anchor->batch->row;
	NnPick		positive = mined_positive(params, anchor);
	double		loss;

	/* a key that counts t times weighs as one with ln t added */
	count_negatives(anchor, x);
	for (int j = 0; j < anchor->n; j++)
		x[j] = anchor->negative[j] ? margin - anchor->distance[j] + log(x[j]) :
			0;
	loss = nn_log_sum_exp(x, anchor->negative, anchor->n, 1) + positive.value;
	for (int j = 0; j < anchor->n; j++)
		anchor->gradient[j] -= x[j] / 2;
	anchor->gradient[positive.index] += 0.5;
	nn_tally(tally, loss / 2);
}

const NnLossType nn_loss_lifted_structure = {
	.description = {"lifted_structure", lifted_params,
	"lifted structure loss (Oh Song et al., 2016) in TensorFlow Similarity's form"},
	.kind = NN_LOSS_PAIRWISE,
	.begin = lifted_begin,
	.anchor = lifted_anchor
};
