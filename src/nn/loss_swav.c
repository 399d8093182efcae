/*
 * loss_swav.c
 *	  Swapped assignments between views (Caron et al., 2020).
 *
 * Prototypes C [K][dims] are trained with the model; rows X [2 n][dims] and
 * they have length 1, and S = X C'.  The code Q of a view, [n][K], spreads its
 * rows evenly over the prototypes: exp(S / epsilon), by turns scaled so that
 * all prototypes get the same (Sinkhorn and Knopp) and each row sums to 1.
 * Codes are constant.  With the other view's code q of each row,
 *   P = softmax(S / T)
 *   L = 1 / (2 n) sum over 2 n rows of - sum over K of q ln P
 *   dS = (P - q) / (2 n T)
 */
#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "nn/loss.h"
#include "nn/pairwise.h"

enum
{
	PROTOTYPES,
	RATE = NN_PROXY_RATE,		/* which trainer.c reads */
	TEMPERATURE, EPSILON, ITERATIONS
};

static const ParamSpec swav_params[] = {
	{.name = "prototypes",.type = PARAM_INTEGER,.initial = 100,.minimum = 2,.maximum = 16384,
	.comment = "clusters"},
	{.name = "prototype_learning_rate_multiplier",.type = PARAM_REAL,.initial = 1,.minimum = 0,.maximum = 1e6,
	.comment = "times the learning rate is the prototypes' learning rate"},
	{.name = "temperature",.type = PARAM_REAL,.initial = 0.1,.minimum = 1e-6,.maximum = 1e6,
	.comment = "divides cosines"},
	{.name = "epsilon",.type = PARAM_REAL,.initial = 0.05,.minimum = 0.005,.maximum = 1e12,
	.comment = "divides cosines where codes are made: how soft these are"},
	{.name = "iterations",.type = PARAM_INTEGER,.initial = 3,.minimum = 1,.maximum = 100,
	.comment = "turns of Sinkhorn and Knopp"},
	{NULL}
};

static int
swav_prototypes(const Params *params)
{
	return (int) params_number(params, PROTOTYPES);
}

/* Each row of q [n][k] to sum 1 */
static void
scale_rows(double *q, int n, int k)
{
	for (int i = 0; i < n && !interrupt_pending(); i++)
	{
		double	   *row = q + (size_t) i * k;
		double		sum = 0;

		for (int j = 0; j < k; j++)
			sum += row[j];
		for (int j = 0; j < k; j++)
			row[j] /= sum;
	}
}

/* Each column to sum 1, sums being room for as many numbers */
static void
scale_columns(double *q, int n, int k, double *sums)
{
	memset(sums, 0, (size_t) k * sizeof(double));
	for (int i = 0; i < n && !interrupt_pending(); i++)
		for (int j = 0; j < k; j++)
			sums[j] += q[(size_t) i * k + j];
	for (int i = 0; i < n && !interrupt_pending(); i++)
		for (int j = 0; j < k; j++)
			q[(size_t) i * k + j] /= sums[j];
}

/*
 * The codes of one view.  Cosines are within -1 and 1: the exponent, taken
 * from above, is at least -2 / epsilon, -400, and no sum is 0.
 */
static void
make_codes(const Params *params, const double *s, int n, int k, double *q,
		   double *sums)
{
	double		epsilon = params_number(params, EPSILON);
	int			iterations = (int) params_number(params, ITERATIONS);

	for (int i = 0; i < n && !interrupt_pending(); i++)
		for (int j = 0; j < k; j++)
			q[(size_t) i * k + j] = exp((s[(size_t) i * k + j] - 1) / epsilon);
	for (int t = 0; t < iterations; t++)
	{
		scale_columns(q, n, k, sums);
		scale_rows(q, n, k);
	}
}

/* Cross-entropy of a row with a code; dS of it, unscaled, in the code's place */
static double
row_loss(const double *s, int k, double temperature, double *code,
		 double *share)
{
	double		loss = 0;

	for (int j = 0; j < k; j++)
	{
		share[j] = s[j] / temperature;
		loss -= code[j] * share[j];
	}
	loss += nn_log_sum_exp(share, NULL, k, 0);
	for (int j = 0; j < k; j++)
		code[j] = share[j] - code[j];
	return loss;
}

static double
swav_views(const Params *params, int n, int dims, NnLossWork *work)
{
	int			k = work->nproxies;
	double		temperature = params_number(params, TEMPERATURE);
	double		scale = 1 / (2 * n * temperature);
	double	   *first = work->dmatrix;
	double	   *second = first + (size_t) n * k;
	double		loss = 0;

	nn_normalize_rows(work->proxies, k, dims, work->lengths + 2 * n);
	nn_distances(NN_INNER_PRODUCT, work->x, 2 * n, work->proxies, k, dims,
				 work->matrix);
	make_codes(params, work->matrix, n, k, second, work->row);
	make_codes(params, work->matrix + (size_t) n * k, n, k, first, work->row);
	for (int i = 0; i < 2 * n && !interrupt_pending(); i++)
	{
		double	   *ds = work->dmatrix + (size_t) i * k;

		loss += row_loss(work->matrix + (size_t) i * k, k, temperature, ds,
						 work->row);
		for (int j = 0; j < k; j++)
			ds[j] *= scale;
	}
	interrupt_zero(work->dproxies, (size_t) k * dims * sizeof(double));
	nn_distances_backward(NN_INNER_PRODUCT, work->x, 2 * n, work->proxies, k,
						  dims, work->matrix, work->dmatrix, work->dx,
						  work->dproxies, k);
	nn_normalize_rows_backward(work->proxies, k, dims, work->lengths + 2 * n,
							   work->dproxies);
	return loss / (2 * n);
}

const NnLossType nn_loss_swav = {
	.description = {"swav", swav_params,
	"swapped assignments to prototypes (Caron et al., 2020)"},
	.kind = NN_LOSS_VIEWS,
	.unit_rows = true,
	.prototypes = swav_prototypes,
	.views = swav_views
};
