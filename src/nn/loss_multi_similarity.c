/*
 * loss_multi_similarity.c
 *	  Multi-similarity loss (Wang et al., 2019) as TensorFlow Similarity's
 *	  MultiSimilarityLoss computes it.
 *
 *   P' = {j in P: d_j > min over N of d - epsilon}
 *   N' = {j in N: d_j < max over P of d + epsilon}
 *   L = 1/alpha ln(1 + sum over P' of e^(alpha (d + lmda - center)))
 *     + 1/beta ln(1 + sum over N' of e^(-beta (d + lmda - center)))
 * and 0 if P' or N' is empty.  The paper has similarities s; for d = 1 - s and
 * center 1 these are its sums, with the 1 in them.  Its beta is 50, here it is
 * 40.
 */
#include <math.h>

#include "nn/loss.h"
#include "nn/pairwise.h"

enum
{
	ALPHA = NN_PAIR_OWN, BETA, EPSILON, LMDA, CENTER
};

static const ParamSpec multi_similarity_params[] = {
	NN_PAIR_PARAMS(NN_COSINE, NN_MEAN),
	{.name = "alpha",.type = PARAM_REAL,.initial = 2,.minimum = 1e-6,.maximum = 1e6,
	.comment = "weight of positive pairs"},
	{.name = "beta",.type = PARAM_REAL,.initial = 40,.minimum = 1e-6,.maximum = 1e6,
	.comment = "weight of negative pairs"},
	{.name = "epsilon",.type = PARAM_REAL,.initial = 0.1,.minimum = -1000,.maximum = 1000,
	.comment = "slack of the mining"},
	{.name = "lmda",.type = PARAM_REAL,.initial = 0.5,.minimum = -1000,.maximum = 1000,
	.comment = "added to distances"},
	{.name = "center",.type = PARAM_REAL,.initial = 1,.minimum = -1000,.maximum = 1000,
	.comment = "subtracted from distances"},
	{NULL}
};

/* Pairs that mining keeps: positives beyond, or negatives within, a limit */
typedef struct Kept
{
	const uint8_t *mask;
	double		limit;
	bool		above;			/* keep distances above the limit, else below */
} Kept;

static bool
is_mined(const Kept *kept, const NnAnchor *anchor, int j)
{
	double		d = anchor->distance[j];

	return kept->mask[j] && (kept->above ? d > kept->limit : d < kept->limit);
}

static bool
keeps_any(const Kept *kept, const NnAnchor *anchor)
{
	for (int j = 0; j < anchor->n; j++)
	{
		if (is_mined(kept, anchor, j))
			return true;
	}
	return false;
}

/*
 * ln(1 + S) / |factor| with S = sum over kept pairs of e^(factor (d + shift));
 * the largest exponent is taken out.  Its gradient, of
 * pairs that are positive or negative and not both,
 *   G_j = sign(factor) e^(factor (d_j + shift)) / (1 + S)
 * The limits of mining are constants for it.
 */
static double
log_sum(const Kept *kept, const NnAnchor *anchor, double factor, double shift)
{
	double		largest = 0;
	double		sum;

	for (int j = 0; j < anchor->n; j++)
	{
		if (is_mined(kept, anchor, j))
			largest = fmax(largest, factor * (anchor->distance[j] + shift));
	}
	sum = exp(-largest);
	for (int j = 0; j < anchor->n; j++)
	{
		if (is_mined(kept, anchor, j))
			sum += anchor->gradient[j] =
				exp(factor * (anchor->distance[j] + shift) - largest);
	}
	for (int j = 0; j < anchor->n; j++)
	{
		if (is_mined(kept, anchor, j))
			anchor->gradient[j] = copysign(anchor->gradient[j], factor) / sum;
	}
	return (log(sum) + largest) / fabs(factor);
}

/*
 * The limits of P' and N' come first, from all negatives and all positives;
 * one term an anchor.
 */
static void
multi_similarity_anchor(const Params *params, const NnAnchor *anchor,
						NnTally *tally)
{
	double		epsilon = params_number(params, EPSILON);
	double		shift = params_number(params, LMDA) - params_number(params,
																	CENTER);
	Kept		positives = {
		anchor->positive, nn_nearest(anchor, anchor->negative).value - epsilon,
		true
	};
	Kept		negatives = {
		anchor->negative, nn_farthest(anchor, anchor->positive).value + epsilon,
		false
	};

	if (!keeps_any(&positives, anchor) || !keeps_any(&negatives, anchor))
	{
		nn_tally(tally, 0);
		return;
	}
	nn_tally(tally, log_sum(&positives, anchor, params_number(params, ALPHA),
							shift) +
			 log_sum(&negatives, anchor, -params_number(params, BETA), shift));
}

const NnLossType nn_loss_multi_similarity = {
	.description = {"multi_similarity", multi_similarity_params,
	"multi-similarity loss (Wang et al., 2019) in TensorFlow Similarity's form"},
	.kind = NN_LOSS_PAIRWISE,
	.anchor = multi_similarity_anchor
};
