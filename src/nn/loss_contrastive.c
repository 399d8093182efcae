/*
 * loss_contrastive.c
 *	  Contrastive loss (Hadsell et al., 2006) in its linear form, and
 *	  threshold-consistent margins (Zhang et al., 2024).
 *
 *   positive pairs: [d - p]+, G = 1 where that is above 0
 *   negative pairs: [q - d]+, G = -1 where that is above 0
 * Positive and negative pairs are reduced apart and their losses added, so that
 * the many negatives do not outweigh the few positives.  Hadsell has squares.
 *
 * Threshold-consistent margins are those of cosines c = 1 - d,
 *   p = 1 - positive_margin, q = 1 - negative_margin
 * and each kind of pairs has a weight.  With the reduction "nonzero", the
 * paper's, only pairs beyond the margin count: one threshold then comes to fit
 * all classes.  The paper adds it to another loss.  TensorFlow Similarity has
 * neither.
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

/* Distances where costs begin and end, and the weights of both kinds */
typedef struct Margins
{
	double		positive;
	double		negative;
	double		positive_weight;
	double		negative_weight;
} Margins;

/* What a pair costs */
static double
pair_loss(const Margins *margins, const NnAnchor *anchor, int j)
{
	if (anchor->positive[j])
		return fmax(anchor->distance[j] - margins->positive, 0);
	return fmax(margins->negative - anchor->distance[j], 0);
}

/* Each pair counts twice, as each of its rows is an anchor. */
static void
tally_pairs(const Margins *margins, const NnBatch *batch, NnTally *positives,
			NnTally *negatives)
{
	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
	{
		NnAnchor	anchor = nn_anchor(batch, i);

		for (int j = 0; j < anchor.n; j++)
		{
			if (anchor.positive[j] || anchor.negative[j])
				nn_tally(anchor.positive[j] ? positives : negatives,
						 pair_loss(margins, &anchor, j));
		}
	}
}

/* Scales first: a pair's gradient is that of its kind's reduction. */
static double
pairs_matrix(const Params *params, const NnBatch *batch,
			 const Margins *margins)
{
	NnReduction reduction = (NnReduction) params_number(params,
														NN_PAIR_REDUCTION);
	NnTally		positives = {0};
	NnTally		negatives = {0};
	double		positive_scale;
	double		negative_scale;

	tally_pairs(margins, batch, &positives, &negatives);
	positive_scale = margins->positive_weight *
		nn_reduction_scale(reduction, &positives);
	negative_scale = margins->negative_weight *
		nn_reduction_scale(reduction, &negatives);
	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
	{
		NnAnchor	anchor = nn_anchor(batch, i);

		for (int j = 0; j < anchor.n; j++)
		{
			if ((anchor.positive[j] || anchor.negative[j]) &&
				pair_loss(margins, &anchor, j) > 0)
				anchor.gradient[j] += anchor.positive[j] ? positive_scale :
					-negative_scale;
		}
	}
	return positives.sum * positive_scale + negatives.sum * negative_scale;
}

static double
contrastive_matrix(const Params *params, const NnBatch *batch)
{
	const Margins margins = {
		params_number(params, POSITIVE_MARGIN),
		params_number(params, NEGATIVE_MARGIN), 1, 1
	};

	return pairs_matrix(params, batch, &margins);
}

const NnLossType nn_loss_contrastive = {
	.description = {"contrastive", contrastive_params,
	"contrastive loss (Hadsell et al., 2006), linear, positive and negative pairs reduced apart"},
	.kind = NN_LOSS_PAIRWISE,
	.matrix = contrastive_matrix
};

/* ---- threshold-consistent margins ---- */

enum
{
	POSITIVE_WEIGHT = NEGATIVE_MARGIN + 1, NEGATIVE_WEIGHT
};

static const ParamSpec threshold_params[] = {
	NN_PAIR_PARAMS(NN_COSINE, NN_NONZERO),
	{.name = "positive_margin",.type = PARAM_REAL,.initial = 0.9,.minimum = -1,.maximum = 1,
	.comment = "cosine from which positive pairs cost nothing"},
	{.name = "negative_margin",.type = PARAM_REAL,.initial = 0.5,.minimum = -1,.maximum = 1,
	.comment = "cosine up to which negative pairs cost nothing"},
	{.name = "positive_weight",.type = PARAM_REAL,.initial = 1,.minimum = 0,.maximum = 1000,
	.comment = "of positive pairs"},
	{.name = "negative_weight",.type = PARAM_REAL,.initial = 1,.minimum = 0,.maximum = 1000,
	.comment = "of negative pairs"},
	{NULL}
};

static double
threshold_matrix(const Params *params, const NnBatch *batch)
{
	const Margins margins = {
		1 - params_number(params, POSITIVE_MARGIN),
		1 - params_number(params, NEGATIVE_MARGIN),
		params_number(params, POSITIVE_WEIGHT),
		params_number(params, NEGATIVE_WEIGHT)
	};

	return pairs_matrix(params, batch, &margins);
}

const NnLossType nn_loss_threshold_consistent_margin = {
	.description = {"threshold_consistent_margin", threshold_params,
	"pairs beyond margins that one threshold lies between (Zhang et al., 2024)"},
	.kind = NN_LOSS_PAIRWISE,
	.matrix = threshold_matrix
};
