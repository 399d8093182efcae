/*
 * loss_circle.c
 *	  Circle loss (Sun et al., 2020) as TensorFlow Similarity's CircleLoss
 *	  computes it.
 *
 * For an anchor with both positives and negatives, else 0, margin m and scale
 * g:
 *   L = ln(1 + sum over P of e^(g [m + d]+ (d - m)))
 *     + ln(1 + sum over N of e^(g [1 + m - d]+ (1 - m - d)))
 * The paper's is ln(1 + Sp Sn) of these sums, and holds the weights [...]+
 * constant; here the gradient goes through them.
 */
#include <math.h>

#include "nn/loss.h"
#include "nn/pairwise.h"

enum
{
	GAMMA = NN_PAIR_OWN, MARGIN
};

static const ParamSpec circle_params[] = {
	NN_PAIR_PARAMS(NN_COSINE, NN_MEAN),
	{.name = "gamma",.type = PARAM_REAL,.initial = 80,.minimum = 1e-6,.maximum = 1e6,
	.comment = "scale of exponents"},
	{.name = "margin",.type = PARAM_REAL,.initial = 0.4,.minimum = -1000,.maximum = 1000,
	.comment = "relaxation of the circle"},
	{NULL}
};

/*
 * ln(1 + S) with S = sum under the mask of e^(gamma [a]+ b), a = offset + sign
 * d, b = sign d + shift; adds its gradient, which where a > 0 is
 *   G_j += share_j gamma sign (a + b), share_j = e^(...) / (1 + S)
 */
static double
weighted_log_sum(const NnAnchor *anchor, const uint8_t *mask, double gamma,
				 double sign, double offset, double shift)
{
	double	   *x = anchor->batch->row;
	double		loss;

	for (int j = 0; j < anchor->n; j++)
		x[j] = gamma * fmax(offset + sign * anchor->distance[j], 0) *
			(sign * anchor->distance[j] + shift);
	loss = nn_log_sum_exp(x, mask, anchor->n, 1);
	for (int j = 0; j < anchor->n; j++)
	{
		double		weight = offset + sign * anchor->distance[j];

		if (mask[j] && weight > 0)
			anchor->gradient[j] += x[j] * gamma * sign *
				(weight + sign * anchor->distance[j] + shift);
	}
	return loss;
}

/* One term an anchor, 0 without a positive or a negative. */
static void
circle_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		gamma = params_number(params, GAMMA);
	double		margin = params_number(params, MARGIN);

	if (!nn_farthest(anchor, anchor->positive).found ||
		!nn_nearest(anchor, anchor->negative).found)
	{
		nn_tally(tally, 0);
		return;
	}
	nn_tally(tally,
			 weighted_log_sum(anchor, anchor->positive, gamma, 1, margin,
							  -margin) +
			 weighted_log_sum(anchor, anchor->negative, gamma, -1, 1 + margin,
							  1 - margin));
}

const NnLossType nn_loss_circle = {
	.description = {"circle", circle_params,
	"circle loss (Sun et al., 2020) in TensorFlow Similarity's form"},
	.kind = NN_LOSS_PAIRWISE,
	.anchor = circle_anchor
};
