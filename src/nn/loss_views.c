/*
 * loss_views.c
 *	  Losses of pairs of rows: two views of the same thing, or a query and
 *	  its answer.
 *
 * work->x is [2 n][dims]: row i of the first n, A or a_i, belongs to row i of
 * the second n, B or b_i.  Each loss writes the gradients of both to work->dx.
 * Labels take no part, and reductions are TensorFlow Similarity's own: a mean
 * over pairs, or one number of the whole batch.
 */
#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "kernel/gemm.h"
#include "nn/loss.h"
#include "nn/pairwise.h"

/* ---- multiple negatives ranking ---- */

static const ParamSpec ranking_params[] = {
	{.name = "scale",.type = PARAM_REAL,.initial = 20,.minimum = 1e-6,.maximum = 1e6,
	.comment = "multiplies inner products"},
	{NULL}
};

/*
 * TensorFlow Similarity's MultiNegativesRankLoss, with logits s_ij = scale
 * a_i.b_j:
 *   L = mean over i of ln(1 + sum over j of e^s_ij) - s_ii
 *   dL/ds_ij = (share_ij - [i = j]) / n
 * The 1 in the sum is not in the paper.
 */
static double
ranking_views(const Params *params, int n, int dims, NnLossWork *work)
{
	double		scale = params_number(params, 0);
	const double *answers = work->x + (size_t) n * dims;
	double		loss = 0;

	nn_distances(NN_INNER_PRODUCT, work->x, n, answers, n, dims, work->matrix);
	for (int i = 0; i < n && !interrupt_pending(); i++)
	{
		double	   *share = work->dmatrix + (size_t) i * n;
		double		right = scale * work->matrix[(size_t) i * n + i];

		for (int j = 0; j < n; j++)
			share[j] = scale * work->matrix[(size_t) i * n + j];
		loss += nn_log_sum_exp(share, NULL, n, 1) - right;
		share[i] -= 1;
		for (int j = 0; j < n; j++)
			share[j] *= scale / n;
	}
	nn_distances_backward(NN_INNER_PRODUCT, work->x, n, answers, n, dims,
						  work->matrix, work->dmatrix, work->dx,
						  work->dx + (size_t) n * dims, n);
	return loss / n;
}

const NnLossType nn_loss_multiple_negatives_ranking = {
	.description = {"multiple_negatives_ranking", ranking_params,
	"each query against all answers of the batch (Henderson et al., 2017), with TensorFlow Similarity's 1 in the sum"},
	.kind = NN_LOSS_VIEWS,
	.views = ranking_views
};

/* ---- simclr ---- */

static const ParamSpec simclr_params[] = {
	{.name = "temperature",.type = PARAM_REAL,.initial = 0.05,.minimum = 1e-6,.maximum = 1e6,
	.comment = "divides cosines"},
	{NULL}
};

/*
 * TensorFlow Similarity's SimCLRLoss: NT-Xent over all 2 n rows with logits
 * s_ij = x_i.x_j / T for j other than i, partner(i) being i's other view:
 *   L = 1/n sum over 2 n rows of ln(sum over j of e^s_ij) - s_i,partner(i)
 *   dL/ds_ij = (share_ij - [j = partner(i)]) / n
 * Both directions are added, not averaged as in the paper.
 */
static double
simclr_views(const Params *params, int n, int dims, NnLossWork *work)
{
	double		scale = 1 / params_number(params, 0);
	int			rows = 2 * n;
	double		loss = 0;

	nn_distances(NN_INNER_PRODUCT, work->x, rows, work->x, rows, dims,
				 work->matrix);
	for (int i = 0; i < rows && !interrupt_pending(); i++)
	{
		double	   *share = work->dmatrix + (size_t) i * rows;
		int			partner = (i + n) % rows;

		for (int j = 0; j < rows; j++)
			share[j] = j == i ? -INFINITY :
				scale * work->matrix[(size_t) i * rows + j];
		loss -= share[partner];
		loss += nn_log_sum_exp(share, NULL, rows, 0);
		share[partner] -= 1;
		for (int j = 0; j < rows; j++)
			share[j] *= scale / n;
	}
	nn_distances_backward(NN_INNER_PRODUCT, work->x, rows, work->x, rows, dims,
						  work->matrix, work->dmatrix, work->dx, work->dx,
						  rows);
	return loss / n;
}

const NnLossType nn_loss_simclr = {
	.description = {"simclr", simclr_params,
	"NT-Xent of two views, both directions added (Chen et al., 2020)"},
	.kind = NN_LOSS_VIEWS,
	.unit_rows = true,
	.views = simclr_views
};

/* ---- simsiam ---- */

enum
{
	PROJECTION, SIMSIAM_MARGIN
};

enum
{
	NEGATIVE_COSINE, COSINE_DISTANCE, ANGULAR_DISTANCE
};

static const char *const projections[] = {
	"negative_cosine_sim", "cosine_distance", "angular_distance", NULL
};

static const ParamSpec simsiam_params[] = {
	{.name = "projection_type",.type = PARAM_CHOICE,.choices = projections,
	.comment = "-c, 1 - c or acos(c) / pi of the cosine c"},
	{.name = "margin",.type = PARAM_REAL,.initial = 0.001,.minimum = -1000,.maximum = 1000,
	.comment = "added to the loss"},
	{NULL}
};

#define PI 3.14159265358979323846

/* Keeps the slope of acos finite */
#define MIN_SQUARED_SINE 1e-18

/*
 * The projection of a cosine, and its slope: -1, or -1 / (pi sqrt(1 - c^2)).
 */
static double
project(int projection, double cosine, double *slope)
{
	*slope = -1;
	if (projection == NEGATIVE_COSINE)
		return -cosine;
	if (projection == COSINE_DISTANCE)
		return 1 - cosine;
	*slope = -1 / (PI * sqrt(fmax(1 - cosine * cosine, MIN_SQUARED_SINE)));
	return acos(fmax(-1, fmin(cosine, 1))) / PI;
}

/*
 * Mean of weight projection(a.b).  The first rows are targets, held constant;
 * the second are predictions:
 *   db = weight slope / n a
 */
static double
predictions(double weight, int projection, int n, int dims, NnLossWork *work)
{
	const double *prediction = work->x + (size_t) n * dims;
	double	   *gradient = work->dx + (size_t) n * dims;
	double		sum = 0;

	for (int i = 0; i < n && !interrupt_pending(); i++)
	{
		size_t		at = (size_t) i * dims;
		double		cosine = 0;
		double		slope;

		for (int d = 0; d < dims; d++)
			cosine += work->x[at + d] * prediction[at + d];
		sum += weight * project(projection, cosine, &slope);
		for (int d = 0; d < dims; d++)
			gradient[at + d] = weight * slope / n * work->x[at + d];
	}
	return sum / n;
}

/* TensorFlow Similarity's SimSiamLoss: mean of 0.5 projection(a.b) + margin */
static double
simsiam_views(const Params *params, int n, int dims, NnLossWork *work)
{
	return predictions(0.5, (int) params_number(params, PROJECTION), n, dims,
					   work) + params_number(params, SIMSIAM_MARGIN);
}

const NnLossType nn_loss_simsiam = {
	.description = {"simsiam", simsiam_params,
	"predictions against constant targets (Chen and He, 2021)"},
	.kind = NN_LOSS_VIEWS,
	.unit_rows = true,
	.predicts = true,
	.views = simsiam_views
};

/* ---- byol ---- */

static const ParamSpec byol_params[] = {
	{NULL}
};

/* Mean of |a - b|^2 = 2 - 2 a.b */
static double
byol_views(const Params *params, int n, int dims, NnLossWork *work)
{
	return predictions(2, COSINE_DISTANCE, n, dims, work);
}

const NnLossType nn_loss_byol = {
	.description = {"byol", byol_params,
	"predictions against constant targets (Grill et al., 2020)"},
	.kind = NN_LOSS_VIEWS,
	.unit_rows = true,
	.predicts = true,
	.views = byol_views
};

/* ---- columns of a view ---- */

/* Subtract each column's mean */
static void
center_columns(double *x, int n, int dims)
{
	for (int d = 0; d < dims && !interrupt_pending(); d++)
	{
		double		mean = 0;

		for (int i = 0; i < n; i++)
			mean += x[(size_t) i * dims + d];
		mean /= n;
		for (int i = 0; i < n; i++)
			x[(size_t) i * dims + d] -= mean;
	}
}

/* Variance of the population of a centered column */
static double
column_variance(const double *x, int n, int dims, int d)
{
	double		sum = 0;

	for (int i = 0; i < n && !interrupt_pending(); i++)
		sum += x[(size_t) i * dims + d] * x[(size_t) i * dims + d];
	return sum / n;
}

/* ---- barlow twins ---- */

enum
{
	BARLOW_LAMBDA, BARLOW_MARGIN
};

static const ParamSpec barlow_params[] = {
	{.name = "lambda",.type = PARAM_REAL,.initial = 5e-3,.minimum = 0,.maximum = 1e6,
	.comment = "weight of correlations between different numbers"},
	{.name = "margin",.type = PARAM_REAL,.initial = 1e-12,.minimum = -1000,.maximum = 1000,
	.comment = "added to the loss"},
	{NULL}
};

/*
 * xhat = (x - mean) / deviation of each column, [n][dims] in place; a constant
 * one becomes 0, as divide_no_nan in TensorFlow Similarity.
 */
static void
standardize(double *x, int n, int dims, double *deviations)
{
	center_columns(x, n, dims);
	for (int d = 0; d < dims && !interrupt_pending(); d++)
	{
		deviations[d] = sqrt(column_variance(x, n, dims, d));
		for (int i = 0; i < n; i++)
			x[(size_t) i * dims + d] = deviations[d] > 0 ?
				x[(size_t) i * dims + d] / deviations[d] : 0;
	}
}

/*
 * dx = (g - mean(g) - xhat mean(g xhat)) / deviation, as in layer_norm.c, with
 * g = dx as it comes in
 */
static void
standardize_backward(const double *x, int n, int dims, const double *deviations,
					 double *dx)
{
	for (int d = 0; d < dims && !interrupt_pending(); d++)
	{
		double		mean = 0;
		double		along = 0;

		for (int i = 0; i < n; i++)
		{
			mean += dx[(size_t) i * dims + d] / n;
			along += dx[(size_t) i * dims + d] * x[(size_t) i * dims + d] / n;
		}
		for (int i = 0; i < n; i++)
		{
			size_t		at = (size_t) i * dims + d;

			dx[at] = deviations[d] > 0 ?
				(dx[at] - mean - x[at] * along) / deviations[d] : 0;
		}
	}
}

/*
 * L of C [dims][dims], and dC = 2 (C_ii - 1) on the diagonal, 2 lambda C_ij
 * beside it
 */
static double
barlow_correlations(const double *c, int dims, double lambda, double *dc)
{
	double		loss = 0;

	for (int i = 0; i < dims && !interrupt_pending(); i++)
	{
		for (int j = 0; j < dims; j++)
		{
			size_t		at = (size_t) i * dims + j;
			double		error = i == j ? c[at] - 1 : c[at];
			double		weight = i == j ? 1 : lambda;

			loss += weight * error * error;
			dc[at] = 2 * weight * error;
		}
	}
	return loss;
}

/*
 * TensorFlow Similarity's Barlow: with standardized columns
 *   C = A' B / n
 *   L = sum of (1 - C_ii)^2 + lambda sum over i != j of C_ij^2 + margin
 *   dA = B dC' / n, dB = A dC / n
 */
static double
barlow_views(const Params *params, int n, int dims, NnLossWork *work)
{
	double	   *a = work->x;
	double	   *b = a + (size_t) n * dims;
	double	   *da = work->dx;
	double	   *db = da + (size_t) n * dims;
	double	   *deviations = work->row;
	double		loss;

	standardize(a, n, dims, deviations);
	standardize(b, n, dims, deviations + dims);
	gemm_f64(true, false, dims, dims, n, 1.0 / n, a, dims, b, dims, 0,
			 work->matrix, dims);
	loss = barlow_correlations(work->matrix, dims,
							   params_number(params, BARLOW_LAMBDA),
							   work->dmatrix);
	gemm_f64(false, true, n, dims, dims, 1.0 / n, b, dims, work->dmatrix, dims,
			 0, da, dims);
	gemm_f64(false, false, n, dims, dims, 1.0 / n, a, dims, work->dmatrix, dims,
			 0, db, dims);
	standardize_backward(a, n, dims, deviations, da);
	standardize_backward(b, n, dims, deviations + dims, db);
	return loss + params_number(params, BARLOW_MARGIN);
}

const NnLossType nn_loss_barlow = {
	.description = {"barlow", barlow_params,
	"cross-correlation of two views towards the identity (Zbontar et al., 2021)"},
	.kind = NN_LOSS_VIEWS,
	.reads_lengths = true,
	.views = barlow_views
};

/* ---- vicreg ---- */

enum
{
	INVARIANCE, VARIANCE, COVARIANCE, STD_CONST
};

static const ParamSpec vicreg_params[] = {
	{.name = "lambda",.type = PARAM_REAL,.initial = 25,.minimum = 0,.maximum = 1e6,
	.comment = "weight of the views' squared distance"},
	{.name = "mu",.type = PARAM_REAL,.initial = 25,.minimum = 0,.maximum = 1e6,
	.comment = "weight of deviations below 1"},
	{.name = "nu",.type = PARAM_REAL,.initial = 1,.minimum = 0,.maximum = 1e6,
	.comment = "weight of covariances"},
	{.name = "std_const",.type = PARAM_REAL,.initial = 1e-4,.minimum = 1e-30,.maximum = 1000,
	.comment = "added to variances before the root"},
	{NULL}
};

/* Mean of squared differences: dA = 2 (A - B) / (n dims), dB = -dA */
static double
vicreg_invariance(double weight, int n, int dims, NnLossWork *work)
{
	size_t		count = (size_t) n * dims;
	double		sum = 0;

	for (size_t i = 0; i < count && !interrupt_pending_at(i); i++)
	{
		double		delta = work->x[i] - work->x[count + i];

		sum += delta * delta;
		work->dx[i] += 2 * weight * delta / count;
		work->dx[count + i] -= 2 * weight * delta / count;
	}
	return weight * sum / count;
}

/*
 * Half of the mean over columns of [1 - deviation]+, deviation = sqrt(var +
 * std_const): dx = -x / (2 dims n deviation) where it is below 1.  x is
 * centered.
 */
static double
vicreg_variance(double weight, double std_const, const double *x, int n,
				int dims, double *dx)
{
	double		sum = 0;

	for (int d = 0; d < dims && !interrupt_pending(); d++)
	{
		double		deviation = sqrt(column_variance(x, n, dims,
													 d) + std_const);

		if (deviation >= 1)
			continue;
		sum += 1 - deviation;
		for (int i = 0; i < n; i++)
			dx[(size_t) i * dims + d] -=
				weight / 2 / dims * x[(size_t) i * dims + d] /
				(n * deviation);
	}
	return weight / 2 * sum / dims;
}

/*
 * Sum of squared covariances of different columns over dims, Cov = X' X / (n -
 * 1) of centered X: dX = 4 X Cov / (dims (n - 1)) with Cov's diagonal left
 * out.  The gradient is centered, being a product with X.
 */
static double
vicreg_covariance(double weight, const double *x, int n, int dims, double *dx,
				  NnLossWork *work)
{
	double	   *c = work->matrix;
	double		sum = 0;

	if (n < 2)
		return 0;
	gemm_f64(true, false, dims, dims, n, 1.0 / (n - 1), x, dims, x, dims, 0, c,
			 dims);
	for (int d = 0; d < dims && !interrupt_pending(); d++)
		c[(size_t) d * dims + d] = 0;
	for (size_t i = 0, end, count = (size_t) dims * dims;
		 i < count && !interrupt_pending();)
		for (end = interrupt_piece(i, count); i < end; i++)
			sum += c[i] * c[i];
	gemm_f64(false, false, n, dims, dims, 4 * weight / dims / (n - 1), x, dims,
			 c, dims, 1, dx, dims);
	return weight * sum / dims;
}

/*
 * TensorFlow Similarity's VicReg, with the variances of the population but
 * covariances over n - 1:
 *   L = lambda mean (A - B)^2
 *     + mu (mean over columns of [1 - deviation]+, averaged over A and B)
 *     + nu (sum over i != j of Cov_ij^2 / dims, added over A and B)
 * It gives a loss for each pair there, reduced by nobody; here the mean of
 * them.
 */
static double
vicreg_views(const Params *params, int n, int dims, NnLossWork *work)
{
	double		loss = vicreg_invariance(params_number(params, INVARIANCE), n,
										 dims, work);

	for (int view = 0; view < 2; view++)
	{
		double	   *x = work->x + (size_t) view * n * dims;
		double	   *dx = work->dx + (size_t) view * n * dims;

		center_columns(x, n, dims);
		loss += vicreg_variance(params_number(params, VARIANCE),
								params_number(params, STD_CONST), x, n, dims,
								dx);
		loss += vicreg_covariance(params_number(params, COVARIANCE), x, n, dims,
								  dx, work);
	}
	return loss;
}

const NnLossType nn_loss_vicreg = {
	.description = {"vicreg", vicreg_params,
	"variance, invariance and covariance of two views (Bardes et al., 2022)"},
	.kind = NN_LOSS_VIEWS,
	.reads_lengths = true,
	.views = vicreg_views
};
