/*
 * optimizer.c
 *	  Adam and SGD, as Keras defines them.
 *
 * Adam (Kingma and Ba, 2015) with the "epsilon hat" form that Keras uses:
 * w -= lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon).
 */
#include "nn/optimizer.h"

#include <math.h>
#include <string.h>

#include "nn/kernels.h"

/* ---- adam ---- */

enum
{
	ADAM_LEARNING_RATE, ADAM_BETA_1, ADAM_BETA_2, ADAM_EPSILON
};

static const ParamSpec adam_params[] = {
	{.name = "learning_rate",.type = PARAM_REAL,.initial = 0.001,.minimum = 0,.maximum = 1000,
	.comment = "step size"},
	{.name = "beta_1",.type = PARAM_REAL,.initial = 0.9,.minimum = 0,.maximum = 0.999999,
	.comment = "decay of the mean of gradients"},
	{.name = "beta_2",.type = PARAM_REAL,.initial = 0.999,.minimum = 0,.maximum = 0.9999999,
	.comment = "decay of the mean of squared gradients"},
	{.name = "epsilon",.type = PARAM_REAL,.initial = 1e-7,.minimum = 1e-30,.maximum = 1,
	.comment = "added to the root of the squared gradients' mean"},
	{NULL}
};

static int
adam_moments(const Params *params)
{
	return 2;
}

static double
adam_learning_rate(const Params *params)
{
	return params_number(params, ADAM_LEARNING_RATE);
}

static void
adam_update(const NnOptimizer *optimizer, size_t offset, size_t count, const real *gradient)
{
	const Params *params = &optimizer->params;
	double		beta_1 = params_number(params, ADAM_BETA_1);
	double		beta_2 = params_number(params, ADAM_BETA_2);
	double		t = (double) optimizer->step;
	double		correction = sqrt(1 - pow(beta_2, t)) / (1 - pow(beta_1, t));
	NnAdamStep	step = {
		.rate = (real) (params_number(params, ADAM_LEARNING_RATE) * correction),
		.share_1 = (real) (1 - beta_1),
		.share_2 = (real) (1 - beta_2),
		.epsilon = (real) params_number(params, ADAM_EPSILON)
	};

	nn_adam_update(&step, count, gradient, optimizer->weights + offset,
				   optimizer->moments[0] + offset, optimizer->moments[1] + offset);
}

static const NnOptimizerType adam = {
	.description = {"adam", adam_params, "Adam (Kingma and Ba, 2015), with Keras' epsilon"},
	.moments = adam_moments,
	.learning_rate = adam_learning_rate,
	.update = adam_update
};

/* ---- sgd ---- */

enum
{
	SGD_LEARNING_RATE, SGD_MOMENTUM, SGD_NESTEROV
};

static const ParamSpec sgd_params[] = {
	{.name = "learning_rate",.type = PARAM_REAL,.initial = 0.01,.minimum = 0,.maximum = 1000,
	.comment = "step size"},
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

static double
sgd_learning_rate(const Params *params)
{
	return params_number(params, SGD_LEARNING_RATE);
}

static void
sgd_update(const NnOptimizer *optimizer, size_t offset, size_t count, const real *gradient)
{
	NnSgdStep	step = {
		.rate = (real) params_number(&optimizer->params, SGD_LEARNING_RATE),
		.momentum = (real) params_number(&optimizer->params, SGD_MOMENTUM),
		.nesterov = params_number(&optimizer->params, SGD_NESTEROV) != 0
	};
	real	   *velocity = optimizer->moments[0];

	nn_sgd_update(&step, count, gradient, optimizer->weights + offset,
				  velocity != NULL ? velocity + offset : NULL);
}

static const NnOptimizerType sgd = {
	.description = {"sgd", sgd_params, "gradient descent with momentum"},
	.moments = sgd_moments,
	.learning_rate = sgd_learning_rate,
	.update = sgd_update
};

/* ---- the table ---- */

static const NnOptimizerType *const optimizer_types[] = {&adam, &sgd, NULL};

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
description_at(int i)
{
	return optimizer_types[i] == NULL ? NULL : &optimizer_types[i]->description;
}

const NnOptimizerType *
nn_optimizer_type(const char *name, Status *status)
{
	for (int i = 0; optimizer_types[i] != NULL; i++)
	{
		if (strcmp(optimizer_types[i]->description.name, name) == 0)
			return optimizer_types[i];
	}
	nn_fail_unknown(status, "optimizer", name, description_at);
	return NULL;
}
