/*
 * loss_triplet.c
 *	  Triplet loss (Schroff et al., 2015) and its PN form with mining, as
 *	  TensorFlow Similarity's TripletLoss and PNLoss compute them.
 *
 * With the mined positive at dp and the mined negative at dn,
 *   L = [dp - dn + margin]+, or ln(1 + e^(dp - dn)) without a margin
 *   G_p = slope, G_n = -slope; slope = [L > 0], or 1 / (1 + e^(dn - dp))
 * pn takes min(dn, d between positive and negative) for dn.
 *
 *   positive hard: farthest in P       easy: nearest in P
 *   negative hard: nearest in N        easy: farthest in N
 *   negative semi-hard: nearest in N beyond the farthest positive
 *
 * Two things differ from papers.  The threshold of semi-hard mining is the
 * hardest positive whatever the positive mining, and without a semi-hard
 * negative the farthest one is taken.  An anchor without a positive is not
 * skipped: its positive distance is the row's minimum minus 1e-6.  Neither
 * holds for "all", which takes every pair that exists, each a term.
 */
#include <math.h>

#include "base/interrupt.h"
#include "nn/loss.h"
#include "nn/pairwise.h"

enum
{
	POSITIVE_MINING = NN_PAIR_OWN, NEGATIVE_MINING, MARGIN
};

enum
{
	POSITIVE_HARD, POSITIVE_EASY, POSITIVE_ALL
};

enum
{
	NEGATIVE_SEMI_HARD, NEGATIVE_HARD, NEGATIVE_EASY, NEGATIVE_ALL
};

static const char *const positive_minings[] = {"hard", "easy", "all", NULL};
static const char *const negative_minings[] = {"semi-hard", "hard", "easy", "all", NULL};

static const ParamSpec triplet_params[] = {
	NN_PAIR_PARAMS(NN_COSINE, NN_MEAN),
	{.name = "positive_mining",.type = PARAM_CHOICE,.choices = positive_minings,
	.comment = "farthest (hard) or nearest (easy) positive of an anchor, or all"},
	{.name = "negative_mining",.type = PARAM_CHOICE,.choices = negative_minings,
	.comment = "nearest negative beyond the farthest positive, nearest, farthest, or all"},
	{.name = "margin",.type = PARAM_REAL,.nullable = true,.minimum = 0,.maximum = 1000,
	.comment = "max(dp - dn + margin, 0); null: ln(1 + exp(dp - dn))"},
	{NULL}
};

static NnPick
pick_of(const NnAnchor *anchor, int j)
{
	return (NnPick)
	{
		anchor->distance[j], j, true
	};
}

/* The nearest negative farther than the farthest positive, if there is one */
static NnPick
semi_hard(const NnAnchor *anchor)
{
	double		threshold = nn_farthest(anchor, anchor->positive).value;
	NnPick		best = {.found = false};

	for (int j = 0; j < anchor->n; j++)
	{
		double		d = anchor->distance[j];

		if (anchor->negative[j] && d > threshold &&
			(!best.found || d < best.value))
			best = pick_of(anchor, j);
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

/* Loss of a pair of distances, and its slope by their difference */
static double
triplet_pair_loss(const Params *params, double x, double *slope)
{
	double		loss;

	if (!params->values[MARGIN].isset)
		return nn_softplus(x, slope);
	loss = fmax(x + params_number(params, MARGIN), 0);
	*slope = loss > 0;
	return loss;
}

static void
add_triplet(const Params *params, const NnAnchor *anchor, NnPick positive,
			NnPick negative, NnTally *tally)
{
	double		slope;

	nn_tally(tally, triplet_pair_loss(params, positive.value - negative.value,
									  &slope));
	anchor->gradient[positive.index] += slope;
	anchor->gradient[negative.index] -= slope;
}

/* One positive, and the mined negative or each of them */
static void
add_negatives(const Params *params, const NnAnchor *anchor, NnPick positive,
			  NnTally *tally)
{
	if (params_number(params, NEGATIVE_MINING) != NEGATIVE_ALL)
	{
		add_triplet(params, anchor, positive, pick_negative(params, anchor),
					tally);
		return;
	}
	for (int j = 0; j < anchor->n; j++)
	{
		if (anchor->negative[j])
			add_triplet(params, anchor, positive, pick_of(anchor, j), tally);
	}
}

static NnPick
pick_positive(const Params *params, const NnAnchor *anchor)
{
	return params_number(params, POSITIVE_MINING) == POSITIVE_EASY ?
		nn_nearest(anchor, anchor->positive) :
		nn_farthest(anchor, anchor->positive);
}

static void
triplet_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	if (params_number(params, POSITIVE_MINING) != POSITIVE_ALL)
	{
		add_negatives(params, anchor, pick_positive(params, anchor), tally);
		return;
	}
	for (int j = 0; j < anchor->n && !interrupt_pending(); j++)
	{
		if (anchor->positive[j])
			add_negatives(params, anchor, pick_of(anchor, j), tally);
	}
}

/* The margin, or ln(2) */
static double
triplet_equal(const Params *params)
{
	double		slope;

	return triplet_pair_loss(params, 0, &slope);
}

const NnLossType nn_loss_triplet = {
	.description = {"triplet", triplet_params, "triplet loss with mining (Schroff et al., 2015)"},
	.kind = NN_LOSS_PAIRWISE,
	.anchor = triplet_anchor,
	.equal = triplet_equal
};

/* ---- pn ---- */

static const char *const pn_positive_minings[] = {"hard", "easy", NULL};
static const char *const pn_negative_minings[] = {"semi-hard", "hard", "easy", NULL};

static const ParamSpec pn_params[] = {
	NN_PAIR_PARAMS(NN_COSINE, NN_MEAN),
	{.name = "positive_mining",.type = PARAM_CHOICE,.choices = pn_positive_minings,
	.comment = "farthest (hard) or nearest (easy) positive of an anchor"},
	{.name = "negative_mining",.type = PARAM_CHOICE,.choices = pn_negative_minings,
	.comment = "nearest negative beyond the farthest positive, nearest, or farthest"},
	{.name = "margin",.type = PARAM_REAL,.nullable = true,.minimum = 0,.maximum = 1000,
	.comment = "max(dp - dn + margin, 0); null: ln(1 + exp(dp - dn))"},
	{NULL}
};

/*
 * The matrix has a row for anchors of the batch only: a positive out of the
 * memory is compared by the anchor's distance alone.  G goes to the positive's
 * row where that was the nearer one.
 */
static void
pn_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	const NnBatch *batch = anchor->batch;
	NnPick		positive = pick_positive(params, anchor);
	NnPick		negative = pick_negative(params, anchor);

	/* what TensorFlow's argmax of an empty mask is */
	int			other = positive.found ? positive.index : 0;
	size_t		between = (size_t) other * batch->nkeys + (negative.found ?
														   negative.index : 0);
	double		slope;

	if (other >= batch->n || !(batch->matrix[between] < negative.value))
	{
		add_triplet(params, anchor, positive, negative, tally);
		return;
	}
	nn_tally(tally, triplet_pair_loss(params,
									  positive.value - batch->matrix[between],
									  &slope));
	anchor->gradient[positive.index] += slope;
	batch->dmatrix[between] -= slope;
}

const NnLossType nn_loss_pn = {
	.description = {"pn", pn_params,
	"triplet loss whose negative is compared with anchor and positive (TensorFlow Similarity's PNLoss)"},
	.kind = NN_LOSS_PAIRWISE,
	.anchor = pn_anchor,
	.equal = triplet_equal
};
