/*
 * loss_proxy.c
 *	  Losses of rows against proxies, one trainable vector for each class.
 *
 * Rows and proxies have length 1 here, so that D holds cosines c,
 * [n][classes].  With y the anchor's class, all but the last are cross
 * entropies of a softmax,
 *   L = -ln(e^t / (e^t + sum over other classes of e^(s c)))
 * whose logit t of the own class, and scale s, are
 *   normalized_softmax  s = 1 / T, t = s c_y      Zhai and Wu, 2019
 *   proxy_nca           s = 2 scale, t = s c_y    Movshovitz-Attias, 2017
 *   cosface             t = s (c_y - margin)      Wang et al., 2018
 *   arcface             t = s cos(angle + margin) Deng et al., 2019
 *   sub_center_arcface  the same               Deng et al., 2020
 * sub_center_arcface has K proxies for each class, whose cosine is the largest
 * of theirs: rows of a wrong label find a center of their own.
 * -scale |x - p|^2 of unit vectors is 2 scale c and a constant.  Proxy-Anchor
 * (Kim et al., 2020) makes the proxies the anchors; see anchor_matrix().
 * TensorFlow Similarity has none of these; defaults are the papers' or those
 * of PyTorch Metric Learning.
 */
#include <math.h>

#include "base/interrupt.h"
#include "nn/loss.h"

#define DEGREES (3.14159265358979323846 / 180)

/* Least square of a sine: where the angle is 0 its cosine has no slope */
#define MIN_SQUARED_SINE 1e-18

/*
 * The term of an anchor: scale is s, target t, and slope dt/dc_y.
 *   G_j = s p_j for other classes, slope (p_y - 1) for the own one
 * with p the softmax.
 */
static void
cross_entropy(const NnAnchor *anchor, double scale, double target, double slope,
			  NnTally *tally)
{
	int			own = anchor->batch->labels[anchor->index];
	double	   *x = anchor->batch->row;
	double		sum;

	for (int j = 0; j < anchor->n; j++)
		x[j] = scale * anchor->distance[j];
	x[own] = target;
	sum = nn_log_sum_exp(x, NULL, anchor->n, 0);
	for (int j = 0; j < anchor->n; j++)
		anchor->gradient[j] += j == own ? slope * (x[j] - 1) : scale * x[j];
	nn_tally(tally, sum - target);
}

/* Cosine of the anchor and the proxy of its class */
static double
own_cosine(const NnAnchor *anchor)
{
	return anchor->distance[anchor->batch->labels[anchor->index]];
}

/* ---- normalized softmax ---- */

static const ParamSpec softmax_params[] = {
	NN_PROXY_PARAMS,
	{.name = "temperature",.type = PARAM_REAL,.initial = 0.05,.minimum = 1e-6,.maximum = 1e6,
	.comment = "divides cosines"},
	{NULL}
};

static void
softmax_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		scale = 1 / params_number(params, NN_PROXY_OWN);

	cross_entropy(anchor, scale, scale * own_cosine(anchor), scale, tally);
}

const NnLossType nn_loss_normalized_softmax = {
	.description = {"normalized_softmax", softmax_params,
	"softmax over cosines to proxies (Zhai and Wu, 2019)"},
	.kind = NN_LOSS_PROXY,
	.unit_rows = true,
	.anchor = softmax_anchor
};

/* ---- proxy nca ---- */

static const ParamSpec nca_params[] = {
	NN_PROXY_PARAMS,
	{.name = "scale",.type = PARAM_REAL,.initial = 1,.minimum = 1e-6,.maximum = 1e6,
	.comment = "multiplies squared distances"},
	{NULL}
};

/* The squared distance of unit vectors is 2 - 2 cosine. */
static void
nca_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		scale = 2 * params_number(params, NN_PROXY_OWN);

	cross_entropy(anchor, scale, scale * own_cosine(anchor), scale, tally);
}

const NnLossType nn_loss_proxy_nca = {
	.description = {"proxy_nca", nca_params,
	"softmax over minus squared distances to proxies (Movshovitz-Attias et al., 2017)"},
	.kind = NN_LOSS_PROXY,
	.unit_rows = true,
	.anchor = nca_anchor
};

/* ---- margins ---- */

enum
{
	MARGIN = NN_PROXY_OWN, SCALE
};

static const ParamSpec cosface_params[] = {
	NN_PROXY_PARAMS,
	{.name = "margin",.type = PARAM_REAL,.initial = 0.35,.minimum = 0,.maximum = 2,
	.comment = "subtracted from the cosine to the own proxy"},
	{.name = "scale",.type = PARAM_REAL,.initial = 64,.minimum = 1e-6,.maximum = 1e6,
	.comment = "multiplies cosines"},
	{NULL}
};

static void
cosface_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		scale = params_number(params, SCALE);
	double		target = scale * (own_cosine(anchor) - params_number(params,
																	 MARGIN));

	cross_entropy(anchor, scale, target, scale, tally);
}

const NnLossType nn_loss_cosface = {
	.description = {"cosface", cosface_params, "softmax with a margin on the cosine (Wang et al., 2018)"},
	.kind = NN_LOSS_PROXY,
	.unit_rows = true,
	.anchor = cosface_anchor
};

static const ParamSpec arcface_params[] = {
	NN_PROXY_PARAMS,
	{.name = "margin",.type = PARAM_REAL,.initial = 28.6,.minimum = 0,.maximum = 90,
	.comment = "added to the angle to the own proxy, in degrees"},
	{.name = "scale",.type = PARAM_REAL,.initial = 64,.minimum = 1e-6,.maximum = 1e6,
	.comment = "multiplies cosines"},
	{NULL}
};

/*
 * What arcface makes of the cosine to the own proxy, and its slope, before
 * both are scaled.  With c = cos(angle), cos(angle + m) = c cos(m) - sin(angle) sin(m), and its
 * slope by c is cos(m) + c / sin(angle) sin(m).  It falls as the angle grows
 * up to angle + m = pi; from there on c - m sin(m) goes on falling.
 */
static double
arcface_target(const Params *params, double cosine, double *slope)
{
	double		margin = params_number(params, MARGIN) * DEGREES;
	double		sine = sqrt(fmax(1 - cosine * cosine, MIN_SQUARED_SINE));

	*slope = 1;
	if (cosine <= -cos(margin))
		return cosine - margin * sin(margin);
	*slope = cos(margin) + cosine / sine * sin(margin);
	return cosine * cos(margin) - sine * sin(margin);
}

static void
arcface_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		scale = params_number(params, SCALE);
	double		slope;
	double		target = arcface_target(params, own_cosine(anchor), &slope);

	cross_entropy(anchor, scale, scale * target, scale * slope, tally);
}

const NnLossType nn_loss_arcface = {
	.description = {"arcface", arcface_params, "softmax with a margin on the angle (Deng et al., 2019)"},
	.kind = NN_LOSS_PROXY,
	.unit_rows = true,
	.anchor = arcface_anchor
};

/* ---- sub-centers ---- */

enum
{
	SUB_CENTERS = SCALE + 1
};

static const ParamSpec sub_center_params[] = {
	NN_PROXY_PARAMS,
	{.name = "margin",.type = PARAM_REAL,.initial = 28.6,.minimum = 0,.maximum = 90,
	.comment = "added to the angle to the nearest own proxy, in degrees"},
	{.name = "scale",.type = PARAM_REAL,.initial = 64,.minimum = 1e-6,.maximum = 1e6,
	.comment = "multiplies cosines"},
	{.name = "sub_centers",.type = PARAM_INTEGER,.initial = 3,.minimum = 1,.maximum = 100,
	.comment = "proxies of each class"},
	{NULL}
};

static int
sub_centers(const Params *params)
{
	return (int) params_number(params, SUB_CENTERS);
}

/* The number of a class' nearest proxy, the first of equal ones */
static int
nearest_center(const NnAnchor *anchor, int class, int centers)
{
	int			nearest = class * centers;

	for (int j = nearest + 1; j < (class + 1) * centers; j++)
	{
		if (anchor->distance[j] > anchor->distance[nearest])
			nearest = j;
	}
	return nearest;
}

/* The softmax of arcface over classes; others than nearest proxies get 0. */
static void
sub_center_anchor(const Params *params, const NnAnchor *anchor, NnTally *tally)
{
	double		scale = params_number(params, SCALE);
	int			centers = sub_centers(params);
	int			classes = anchor->n / centers;
	int			own = anchor->batch->labels[anchor->index];
	double	   *x = anchor->batch->row;
	double		slope;
	double		target;
	double		sum;

	for (int c = 0; c < classes; c++)
		x[c] = scale * anchor->distance[nearest_center(anchor, c, centers)];
	target = scale * arcface_target(params, x[own] / scale, &slope);
	x[own] = target;
	sum = nn_log_sum_exp(x, NULL, classes, 0);
	for (int c = 0; c < classes; c++)
		anchor->gradient[nearest_center(anchor, c, centers)] +=
			scale * (c == own ? slope * (x[c] - 1) : x[c]);
	nn_tally(tally, sum - target);
}

const NnLossType nn_loss_sub_center_arcface = {
	.description = {"sub_center_arcface", sub_center_params,
	"arcface with several proxies for each class, for labels with errors (Deng et al., 2020)"},
	.kind = NN_LOSS_PROXY,
	.unit_rows = true,
	.centers = sub_centers,
	.anchor = sub_center_anchor
};

/* ---- proxy anchor ---- */

enum
{
	ANCHOR_MARGIN = NN_PROXY_OWN, ALPHA
};

static const ParamSpec anchor_params[] = {
	NN_PROXY_PARAMS,
	{.name = "margin",.type = PARAM_REAL,.initial = 0.1,.minimum = -2,.maximum = 2,
	.comment = "kept by cosines around 0"},
	{.name = "alpha",.type = PARAM_REAL,.initial = 32,.minimum = 1e-6,.maximum = 1e6,
	.comment = "scale of exponents"},
	{NULL}
};

/* The rows of a class, or all others, as a proxy sees them */
typedef struct Side
{
	double		factor;			/* exponents are factor * cosine + shift */
	double		shift;
	bool		own;			/* rows of the proxy's class */
} Side;

/* The rows of a proxy's class, or all others; returns how many. */
static int
column_mask(const NnBatch *batch, int proxy, bool own, uint8_t *mask)
{
	int			count = 0;

	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
	{
		mask[i] = (batch->labels[i] == proxy) == own;
		count += mask[i];
	}
	return count;
}

/*
 * Terms of one side, ln(1 + sum of exponentials) for each proxy; those of own
 * rows exist only for proxies that have any.  With scale 0 they are tallied,
 * else their gradient is added, G = scale factor share.
 */
static void
add_columns(const NnBatch *batch, const Side *side, double scale, double *x,
			uint8_t *mask, NnTally *tally)
{
	for (int c = 0; c < batch->nkeys && !interrupt_pending(); c++)
	{
		double		term;

		if (column_mask(batch, c, side->own, mask) == 0 && side->own)
			continue;
		for (int i = 0; i < batch->n && !interrupt_pending(); i++)
			x[i] = side->factor * batch->matrix[(size_t) i * batch->nkeys +
												c] + side->shift;
		term = nn_log_sum_exp(x, mask, batch->n, 1);
		if (scale == 0)
			nn_tally(tally, term);
		for (int i = 0; i < batch->n && scale != 0; i++)
			batch->dmatrix[(size_t) i * batch->nkeys + c] +=
				scale * side->factor * x[i];
	}
}

static double
anchor_side(const NnBatch *batch, const Side *side, NnReduction reduction)
{
	NnTally		tally = {0};
	double		scale;

	add_columns(batch, side, 0, batch->row, batch->masks, &tally);
	scale = nn_reduction_scale(reduction, &tally);
	add_columns(batch, side, scale, batch->row, batch->masks, &tally);
	return tally.sum * scale;
}

/*
 * With alpha a, margin m, C all proxies and C+ those that have rows in the
 * batch,
 *   L = 1/|C+| sum over C+ of ln(1 + sum over own rows of e^(-a (c - m)))
 *     + 1/|C| sum over C of ln(1 + sum over other rows of e^(a (c + m)))
 * for the reduction "mean".
 */
static double
anchor_matrix(const Params *params, const NnBatch *batch)
{
	NnReduction reduction = (NnReduction) params_number(params,
														NN_PROXY_REDUCTION);
	double		alpha = params_number(params, ALPHA);
	double		shift = alpha * params_number(params, ANCHOR_MARGIN);
	Side		own = {-alpha, shift, true};
	Side		others = {alpha, shift, false};

	return anchor_side(batch, &own, reduction) + anchor_side(batch, &others,
															 reduction);
}

const NnLossType nn_loss_proxy_anchor = {
	.description = {"proxy_anchor", anchor_params, "Proxy-Anchor loss (Kim et al., 2020)"},
	.kind = NN_LOSS_PROXY,
	.unit_rows = true,
	.matrix = anchor_matrix
};
