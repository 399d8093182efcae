/*
 * optimizer_adam.c
 *	  Adam, AdamW and LAMB.
 *
 * With learning rate r, gradient g, and the step t counted from 1,
 *   m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2
 * Adam (Kingma and Ba, 2015) is Keras', with the paper's "epsilon hat":
 *   w -= r sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)
 * AdamW (Loshchilov and Hutter, 2019) is Keras': first
 *   w -= r weight_decay w
 * of biases as well.  LAMB (You et al., 2020) is TensorFlow Addons', for each
 * tensor:
 *   u = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon) + weight_decay w
 *   w -= r |w| / |u| u, or r u where either length is 0
 */
#include <math.h>

#include "base/interrupt.h"
#include "nn/kernels.h"
#include "nn/optimizer.h"

enum
{
	BETA_1 = NN_OPT_OWN, BETA_2, EPSILON, WEIGHT_DECAY
};

#define ADAM_PARAMS(initial_epsilon) \
	NN_OPTIMIZER_PARAMS(0.001), \
	{.name = "beta_1",.type = PARAM_REAL,.initial = 0.9,.minimum = 0,.maximum = 0.999999, \
	.comment = "decay of the mean of gradients"}, \
	{.name = "beta_2",.type = PARAM_REAL,.initial = 0.999,.minimum = 0,.maximum = 0.9999999, \
	.comment = "decay of the mean of squared gradients"}, \
	{.name = "epsilon",.type = PARAM_REAL,.initial = (initial_epsilon),.minimum = 1e-30,.maximum = 1, \
	.comment = "added to the root of the squared gradients' mean"}

#define DECAY_PARAM(initial_decay) \
	{.name = "weight_decay",.type = PARAM_REAL,.initial = (initial_decay),.minimum = 0,.maximum = 1000, \
	.comment = "share of the weights that a step of rate 1 would take away"}

static const ParamSpec adam_params[] = {ADAM_PARAMS(1e-7), {NULL}};

static const ParamSpec adamw_params[] = {ADAM_PARAMS(1e-7), DECAY_PARAM(0.004), {NULL}};

static const ParamSpec lamb_params[] = {ADAM_PARAMS(1e-6), DECAY_PARAM(0), {NULL}};

static int
two_moments(const Params *params)
{
	return 2;
}

/* ---- adam and adamw ---- */

/*
 * The bias correction is the same for all weights and goes into the rate, in
 * double: 1 - b2^t is small at first.
 */
static void
update(const NnOptimizer *optimizer, double decay, size_t offset, size_t count,
	   const real *gradient)
{
	const Params *params = &optimizer->params;
	double		beta_1 = params_number(params, BETA_1);
	double		beta_2 = params_number(params, BETA_2);
	double		t = (double) optimizer->step;
	double		correction = sqrt(1 - pow(beta_2, t)) / (1 - pow(beta_1, t));
	NnAdamStep	step = {
		.rate = (real) (optimizer->rate * correction),
		.share_1 = (real) (1 - beta_1),
		.share_2 = (real) (1 - beta_2),
		.epsilon = (real) params_number(params, EPSILON),
		.decay = (real) (optimizer->rate * decay)
	};

	nn_adam_update(&step, count, gradient, optimizer->weights + offset,
				   nn_moments(optimizer, 0, offset),
				   nn_moments(optimizer, 1, offset));
}

static void
adam_update(const NnOptimizer *optimizer, size_t offset, size_t count,
			const real *gradient)
{
	update(optimizer, 0, offset, count, gradient);
}

const NnOptimizerType nn_optimizer_adam = {
	.description = {"adam", adam_params, "Adam (Kingma and Ba, 2015), with Keras' epsilon"},
	.moments = two_moments,
	.update = adam_update
};

static void
adamw_update(const NnOptimizer *optimizer, size_t offset, size_t count,
			 const real *gradient)
{
	update(optimizer, params_number(&optimizer->params, WEIGHT_DECAY), offset,
		   count, gradient);
}

const NnOptimizerType nn_optimizer_adamw = {
	.description = {"adamw", adamw_params, "Adam with decoupled weight decay (Loshchilov and Hutter, 2019)"},
	.moments = two_moments,
	.update = adamw_update
};

/* ---- lamb ---- */

/* What a step of rate 1 would take from a weight */
static inline double
lamb_step(double m, double v, double w, double epsilon, double decay)
{
	return m / (sqrt(v) + epsilon) + decay * w;
}

/*
 * Two passes over the tensor, since the step's length is needed before the
 * first weight changes; u is made twice rather than kept.
 */
static void
lamb_update(const NnOptimizer *optimizer, size_t offset, size_t count,
			const real *gradient)
{
	const Params *params = &optimizer->params;
	double		beta_1 = params_number(params, BETA_1);
	double		beta_2 = params_number(params, BETA_2);
	double		epsilon = params_number(params, EPSILON);
	double		decay = params_number(params, WEIGHT_DECAY);
	double		correction_1 = 1 - pow(beta_1, (double) optimizer->step);
	double		correction_2 = 1 - pow(beta_2, (double) optimizer->step);
	real	   *w = optimizer->weights + offset;
	real	   *m = nn_moments(optimizer, 0, offset);
	real	   *v = nn_moments(optimizer, 1, offset);
	double		weight_squares = 0;
	double		step_squares = 0;
	double		rate = optimizer->rate;

	for (size_t i = 0; i < count && !interrupt_pending_at(i); i++)
	{
		double		step;

		m[i] += (real) ((gradient[i] - m[i]) * (1 - beta_1));
		v[i] += (real) (((double) gradient[i] * gradient[i] - v[i]) * (1 -
																	   beta_2));
		step = lamb_step(m[i] / correction_1, v[i] / correction_2, w[i],
						 epsilon, decay);
		weight_squares += (double) w[i] * w[i];
		step_squares += step * step;
	}
	if (weight_squares > 0 && step_squares > 0)
		rate *= sqrt(weight_squares / step_squares);
	for (size_t i = 0; i < count && !interrupt_pending_at(i); i++)
		w[i] -= (real) (rate * lamb_step(m[i] / correction_1,
										 v[i] / correction_2, w[i], epsilon,
										 decay));
}

const NnOptimizerType nn_optimizer_lamb = {
	.description = {"lamb", lamb_params, "Adam's steps at the length of each tensor (You et al., 2020)"},
	.moments = two_moments,
	.whole_tensors = true,
	.update = lamb_update
};
