/*
 * optimizer.c
 *	  The table of optimizers; SGD and RMSprop, as Keras defines them.
 *
 * With learning rate r, gradient g and state of the same shape as the weights:
 *   sgd      v = momentum v - r g
 *            w += v, or w += momentum v - r g with nesterov
 *   rmsprop  s = rho s + (1 - rho) g^2
 *            u = rho u + (1 - rho) g, if centered; else 0
 *            v = momentum v + r g / sqrt(s - u^2 + epsilon)
 *            w -= v
 * RMSprop is Keras' since 2.11: epsilon is inside of the root.
 */
#include "nn/optimizer.h"

#include <string.h>

#include "nn/kernels.h"

/* ---- sgd ---- */

enum
{
	SGD_MOMENTUM = NN_OPT_OWN, SGD_NESTEROV
};

static const ParamSpec sgd_params[] = {
	NN_OPTIMIZER_PARAMS(0.01),
	{.name = "momentum",.type = PARAM_REAL,.initial = 0,.minimum = 0,.maximum = 0.999999,
	.comment = "share of the last step that goes on"},
	{.name = "nesterov",.type = PARAM_BOOLEAN,.maximum = 1,
	.comment = "look ahead by the momentum"},
	{NULL}
};

static int
sgd_moments(const Params *params)
{
	return params_number(params, SGD_MOMENTUM) > 0 ? 1 : 0;
}

static void
sgd_update(const NnOptimizer *optimizer, size_t offset, size_t count,
		   const real *gradient)
{
	NnSgdStep	step = {
		.rate = (real) optimizer->rate,
		.momentum = (real) params_number(&optimizer->params, SGD_MOMENTUM),
		.nesterov = params_number(&optimizer->params, SGD_NESTEROV) != 0
	};

	nn_sgd_update(&step, count, gradient, optimizer->weights + offset,
				  nn_moments(optimizer, 0, offset));
}

const NnOptimizerType nn_optimizer_sgd = {
	.description = {"sgd", sgd_params, "gradient descent with momentum"},
	.moments = sgd_moments,
	.update = sgd_update
};

/* ---- rmsprop ---- */

enum
{
	RMSPROP_RHO = NN_OPT_OWN, RMSPROP_MOMENTUM, RMSPROP_EPSILON,
	RMSPROP_CENTERED
};

static const ParamSpec rmsprop_params[] = {
	NN_OPTIMIZER_PARAMS(0.001),
	{.name = "rho",.type = PARAM_REAL,.initial = 0.9,.minimum = 0,.maximum = 0.9999999,
	.comment = "decay of the mean of squared gradients"},
	{.name = "momentum",.type = PARAM_REAL,.initial = 0,.minimum = 0,.maximum = 0.999999,
	.comment = "share of the last step that goes on"},
	{.name = "epsilon",.type = PARAM_REAL,.initial = 1e-7,.minimum = 1e-30,.maximum = 1,
	.comment = "added to the squared gradients' mean"},
	{.name = "centered",.type = PARAM_BOOLEAN,.maximum = 1,
	.comment = "divide by the deviation instead of the root of the squares' mean"},
	{NULL}
};

/*
 * s, then v and u as they are wanted.  rmsprop_update() finds them by that
 * order, and a checkpoint holds them in it.
 */
static int
rmsprop_moments(const Params *params)
{
	return 1 + (params_number(params, RMSPROP_MOMENTUM) > 0) +
		(params_number(params, RMSPROP_CENTERED) != 0);
}

static void
rmsprop_update(const NnOptimizer *optimizer, size_t offset, size_t count,
			   const real *gradient)
{
	const Params *params = &optimizer->params;
	NnRmspropStep step = {
		.rate = (real) optimizer->rate,
		.share = (real) (1 - params_number(params, RMSPROP_RHO)),
		.momentum = (real) params_number(params, RMSPROP_MOMENTUM),
		.epsilon = (real) params_number(params, RMSPROP_EPSILON)
	};
	real	   *velocity = step.momentum > 0 ?
	nn_moments(optimizer, 1, offset) : NULL;
	real	   *mean = NULL;

	if (params_number(params, RMSPROP_CENTERED) != 0)
		mean = nn_moments(optimizer, velocity != NULL ? 2 : 1, offset);
	nn_rmsprop_update(&step, count, gradient, optimizer->weights + offset,
					  nn_moments(optimizer, 0, offset), velocity, mean);
}

const NnOptimizerType nn_optimizer_rmsprop = {
	.description = {"rmsprop", rmsprop_params, "gradients over the root of their squares' mean (Hinton, 2012)"},
	.moments = rmsprop_moments,
	.update = rmsprop_update
};

/* ---- the table ---- */

static const NnOptimizerType *const optimizer_types[] = {
	&nn_optimizer_adam, &nn_optimizer_adamw, &nn_optimizer_lamb,
	&nn_optimizer_rmsprop, &nn_optimizer_sgd, NULL
};

const NnOptimizerType *
nn_optimizer_type_at(int i)
{
	return optimizer_types[i];
}

const NnDescription *
nn_optimizer_description(const NnOptimizerType *type)
{
	return &type->description;
}

static const NnDescription *
optimizer_at(int i)
{
	return optimizer_types[i] == NULL ? NULL : &optimizer_types[i]->description;
}

const NnOptimizerType *
nn_optimizer_type(const char *name, Status *status)
{
	int			i = nn_type_index("optimizer", name, optimizer_at, status);

	return i < 0 ? NULL : optimizer_types[i];
}

/* As in Keras, one kind of clipping at a time */
bool
nn_optimizer_check(const Params *params, Status *status)
{
	int			given = params->values[NN_OPT_CLIPNORM].isset +
	params->values[NN_OPT_CLIPVALUE].isset + params->values[NN_OPT_GLOBAL_CLIPNORM].isset;

	if (given <= 1)
		return true;
	return status_fail(status, STATUS_INVALID_VALUE,
					   "%s takes only one of clipnorm, clipvalue and global_clipnorm", params->owner);
}
