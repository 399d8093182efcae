/*
 * loss_triplet.c
 *	  Triplet loss (Schroff et al., 2015) with mining, as TensorFlow
 *	  Similarity computes it.
 *
 * Two things differ from papers.  The threshold of semi-hard mining is the
 * hardest positive whatever the positive mining, and without a semi-hard
 * negative the farthest one is taken.  An anchor without a positive is not
 * skipped: its positive distance is the row's minimum minus 1e-6.
 */
#include <math.h>

#include "nn/distance.h"
#include "nn/loss.h"

enum
{
	DISTANCE, POSITIVE_MINING, NEGATIVE_MINING, MARGIN
};

enum
{
	POSITIVE_HARD, POSITIVE_EASY
};

enum
{
	NEGATIVE_SEMI_HARD, NEGATIVE_HARD, NEGATIVE_EASY
};

static const char *const positive_minings[] = {"hard", "easy", NULL};
static const char *const negative_minings[] = {"semi-hard", "hard", "easy", NULL};

static const ParamSpec triplet_params[] = {
	NN_LOSS_DISTANCE,
	{.name = "positive_mining",.type = PARAM_CHOICE,.choices = positive_minings,
	.comment = "farthest (hard) or nearest (easy) positive of an anchor"},
	{.name = "negative_mining",.type = PARAM_CHOICE,.choices = negative_minings,
	.comment = "nearest negative beyond the farthest positive, nearest, or farthest"},
	{.name = "margin",.type = PARAM_REAL,.nullable = true,.minimum = 0,.maximum = 1000,
	.comment = "max(dp - dn + margin, 0); null: ln(1 + exp(dp - dn))"},
	{NULL}
};

/* The nearest negative farther than the farthest positive, if there is one */
static NnPick
semi_hard(const NnAnchor *anchor)
{
	double		threshold = nn_farthest(anchor, anchor->positive).value;
	NnPick		best = {.found = false};

	for (int j = 0; j < anchor->n; j++)
	{
		double		d = anchor->distance[j];

		if (!anchor->negative[j] || d <= threshold || (best.found && d >= best.value))
			continue;
		best.value = d;
		best.index = j;
		best.found = true;
	}
	return best.found ? best : nn_farthest(anchor, anchor->negative);
}

static NnPick
pick_negative(const Params *params, const NnAnchor *anchor)
{
	switch ((int) params_number(params, NEGATIVE_MINING))
	{
		case NEGATIVE_HARD:
			return nn_nearest(anchor, anchor->negative);
		case NEGATIVE_EASY:
			return nn_farthest(anchor, anchor->negative);
		default:
			return semi_hard(anchor);
	}
}

static double
softplus(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double
triplet_anchor(const Params *params, const NnAnchor *anchor, double scale)
{
	bool		hard = params_number(params, POSITIVE_MINING) == POSITIVE_HARD;
	NnPick		positive = hard ? nn_farthest(anchor, anchor->positive)
	: nn_nearest(anchor, anchor->positive);
	NnPick		negative = pick_negative(params, anchor);
	double		x = positive.value - negative.value;
	double		loss;
	double		slope;

	if (params->values[MARGIN].isset)
	{
		loss = fmax(x + params_number(params, MARGIN), 0);
		slope = loss > 0 ? 1 : 0;
	}
	else
	{
		loss = softplus(x);
		slope = 1 / (1 + exp(-x));
	}
	anchor->gradient[positive.index] += scale * slope;
	anchor->gradient[negative.index] -= scale * slope;
	return loss;
}

const NnLossType nn_loss_triplet = {
	.description = {"triplet", triplet_params, "triplet loss with mining (Schroff et al., 2015)"},
	.anchor = triplet_anchor
};
