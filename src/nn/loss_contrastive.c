/*
 * loss_contrastive.c
 *	  Contrastive loss (Hadsell et al., 2006) in its linear form.
 *
 *   positive pairs: [d - positive_margin]+, G = 1 where that is above 0
 *   negative pairs: [negative_margin - d]+, G = -1 where that is above 0
 * The paper has squares.  Positive and negative pairs are reduced apart and
 * their losses added, so that the many negatives do not outweigh the few
 * positives.  TensorFlow Similarity has no such loss.
 */
#include <math.h>

#include "base/interrupt.h"
#include "nn/loss.h"
#include "nn/pairwise.h"

enum
{
	POSITIVE_MARGIN = NN_PAIR_OWN, NEGATIVE_MARGIN
};

static const ParamSpec contrastive_params[] = {
	NN_PAIR_PARAMS(NN_EUCLIDEAN, NN_NONZERO),
	{.name = "positive_margin",.type = PARAM_REAL,.initial = 0,.minimum = -1000,.maximum = 1000,
	.comment = "distance up to which positive pairs cost nothing"},
	{.name = "negative_margin",.type = PARAM_REAL,.initial = 1,.minimum = -1000,.maximum = 1000,
	.comment = "distance from which negative pairs cost nothing"},
	{NULL}
};

/* What a pair costs */
static double
contrastive_pair_loss(const Params *params, const NnAnchor *anchor, int j)
{
	if (anchor->positive[j])
		return fmax(anchor->distance[j] - params_number(params,
														POSITIVE_MARGIN), 0);
	return fmax(params_number(params, NEGATIVE_MARGIN) - anchor->distance[j],
				0);
}

/* Each pair counts twice, as each of its rows is an anchor. */
static void
tally_pairs(const Params *params, const NnBatch *batch, NnTally *positives,
			NnTally *negatives)
{
	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
	{
		NnAnchor	anchor = nn_anchor(batch, i);

		for (int j = 0; j < anchor.n; j++)
		{
			if (anchor.positive[j] || anchor.negative[j])
				nn_tally(anchor.positive[j] ? positives : negatives,
						 contrastive_pair_loss(params, &anchor, j));
		}
	}
}

/* Scales first: a pair's gradient is that of its kind's reduction. */
static double
contrastive_matrix(const Params *params, const NnBatch *batch)
{
	NnReduction reduction = (NnReduction) params_number(params,
														NN_PAIR_REDUCTION);
	NnTally		positives = {0};
	NnTally		negatives = {0};
	double		positive_scale;
	double		negative_scale;

	tally_pairs(params, batch, &positives, &negatives);
	positive_scale = nn_reduction_scale(reduction, &positives);
	negative_scale = nn_reduction_scale(reduction, &negatives);
	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
	{
		NnAnchor	anchor = nn_anchor(batch, i);

		for (int j = 0; j < anchor.n; j++)
		{
			if ((anchor.positive[j] || anchor.negative[j]) &&
				contrastive_pair_loss(params, &anchor, j) > 0)
				anchor.gradient[j] += anchor.positive[j] ? positive_scale :
					-negative_scale;
		}
	}
	return positives.sum * positive_scale + negatives.sum * negative_scale;
}

const NnLossType nn_loss_contrastive = {
	.description = {"contrastive", contrastive_params,
	"contrastive loss (Hadsell et al., 2006), linear, positive and negative pairs reduced apart"},
	.kind = NN_LOSS_PAIRWISE,
	.matrix = contrastive_matrix
};
