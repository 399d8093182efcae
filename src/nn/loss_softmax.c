/*
 * loss_softmax.c
 *	  Losses that ask a softmax over similarities for the positives: soft
 *	  nearest neighbor (Frosst et al., 2019), supervised contrastive (Khosla et
 *	  al., 2020), NT-Xent (Sohn, 2016).
 *
 * With logits s_j = -d_j / T of temperature T, or q.k / T for inner products,
 * and p = softmax of s over all keys but the anchor,
 *   soft_nearest_neighbor: L = -ln(1e-9 + sum over P of p)
 *   sup_con:               L = mean over P of -ln p
 *   nt_xent:               L_j = -ln(e^s_j / (e^s_j + sum over N of e^s))
 * with a term for each j in P. The first is TensorFlow Similarity's
 * SoftNearestNeighborLoss; the others it does not have.  Minus the cosine
 * distance differs from q.k by a constant, which a softmax does not see.
 * Anchors without a positive give 0, or no term in nt_xent.
 */
#include <math.h>

#include "nn/loss.h"
#include "nn/pairwise.h"

enum
{
	TEMPERATURE = NN_PAIR_OWN
};

/* Keeps the logarithm of soft nearest neighbor finite */
#define SOFT_EPSILON 1e-9

#define TEMPERATURE_PARAM(default_temperature) \
	{.name = "temperature",.type = PARAM_REAL,.initial = (default_temperature),.minimum = 1e-6,.maximum = 1e6, \
	.comment = "divides similarities"}

/* What a distance is multiplied with to be a logit */
static double
logit_factor(const Params *params)
{
	bool		similarity = params_number(params,
										   NN_PAIR_DISTANCE) == NN_INNER_PRODUCT;

	return (similarity ? 1 : -1) / params_number(params, TEMPERATURE);
}

/* Logits of all keys into the batch's row */
static double *
logits(const NnAnchor *anchor, double factor)
{
	for (int j = 0; j < anchor->n; j++)
		anchor->batch->row[j] = factor * anchor->distance[j];
	return anchor->batch->row;
}

/* All keys but the anchor: the two masks together */
static bool
is_other(const NnAnchor *anchor, int j)
{
	return anchor->positive[j] || anchor->negative[j];
}

/* The softmax over all other keys, in the batch's row; returns its logarithm's sum */
static double
anchor_softmax(const NnAnchor *anchor, double factor)
{
	double	   *x = logits(anchor, factor);

	x[anchor->index] = -INFINITY;
	return nn_log_sum_exp(x, NULL, anchor->n, 0);
}

static int
positives(const NnAnchor *anchor)
{
	int			count = 0;

	for (int j = 0; j < anchor->n; j++)
		count += anchor->positive[j];
	return count;
}

/* ---- soft nearest neighbor ---- */

static const ParamSpec soft_params[] = {
	NN_PAIR_PARAMS(NN_SQUARED_EUCLIDEAN, NN_MEAN),
	TEMPERATURE_PARAM(1),
	{NULL}
};

/* With S = sum over P of p, dL/ds_j = -p_j ([j in P] - S) / (1e-9 + S). */
static void
soft_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		factor = logit_factor(params);
	double	   *share = anchor->batch->row;
	double		sum = 0;

	if (positives(anchor) == 0)
	{
		nn_tally(tally, 0);
		return;
	}
	anchor_softmax(anchor, factor);
	for (int j = 0; j < anchor->n; j++)
		sum += anchor->positive[j] ? share[j] : 0;
	for (int j = 0; j < anchor->n; j++)
	{
		if (is_other(anchor, j))
			anchor->gradient[j] -=
				factor * share[j] * (anchor->positive[j] -
									 sum) / (SOFT_EPSILON + sum);
	}
	nn_tally(tally, -log(SOFT_EPSILON + sum));
}

const NnLossType nn_loss_soft_nearest_neighbor = {
	.description = {"soft_nearest_neighbor", soft_params,
	"soft nearest neighbor loss (Frosst et al., 2019)"},
	.kind = NN_LOSS_PAIRWISE,
	.anchor = soft_anchor
};

/* ---- supervised contrastive ---- */

static const ParamSpec sup_con_params[] = {
	NN_PAIR_PARAMS(NN_COSINE, NN_NONZERO),
	TEMPERATURE_PARAM(0.1),
	{NULL}
};

/* L = ln(sum of e^s) - mean over P of s: dL/ds_j = p_j - [j in P] / |P|. */
static void
sup_con_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		factor = logit_factor(params);
	int			count = positives(anchor);
	double		loss;

	if (count == 0)
	{
		nn_tally(tally, 0);
		return;
	}
	loss = anchor_softmax(anchor, factor);
	for (int j = 0; j < anchor->n; j++)
	{
		if (anchor->positive[j])
			loss -= factor * anchor->distance[j] / count;
		if (is_other(anchor, j))
			anchor->gradient[j] +=
				factor * (anchor->batch->row[j] -
						  (double) anchor->positive[j] / count);
	}
	nn_tally(tally, loss);
}

const NnLossType nn_loss_sup_con = {
	.description = {"sup_con", sup_con_params,
	"supervised contrastive loss (Khosla et al., 2020)"},
	.kind = NN_LOSS_PAIRWISE,
	.anchor = sup_con_anchor
};

/* ---- NT-Xent ---- */

static const ParamSpec nt_xent_params[] = {
	NN_PAIR_PARAMS(NN_COSINE, NN_MEAN),
	TEMPERATURE_PARAM(0.07),
	{NULL}
};

/*
 * A term for each positive: with M = ln(sum over N of e^s) it is ln(1 + e^(M -
 * s_j)).  Its slope, the softplus', falls on s_j as minus, and on each
 * negative as its share of the sum.
 */
static void
nt_xent_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		factor = logit_factor(params);
	double	   *share = logits(anchor, factor);
	double		negatives = nn_log_sum_exp(share, anchor->negative, anchor->n,
										   0);
	double		slopes = 0;

	for (int j = 0; j < anchor->n; j++)
	{
		double		slope = 0;

		if (!anchor->positive[j])
			continue;
		nn_tally(tally, nn_softplus(negatives - factor * anchor->distance[j],
									&slope));
		anchor->gradient[j] -= factor * slope;
		slopes += slope;
	}
	for (int j = 0; j < anchor->n; j++)
		anchor->gradient[j] += factor * slopes * share[j];
}

const NnLossType nn_loss_nt_xent = {
	.description = {"nt_xent", nt_xent_params,
	"normalized temperature-scaled cross entropy (Sohn, 2016; Chen et al., 2020), over pairs of a class"},
	.kind = NN_LOSS_PAIRWISE,
	.anchor = nt_xent_anchor
};
