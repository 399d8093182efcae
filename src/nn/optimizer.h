/*
 * optimizer.h
 *	  Optimizers inside the engine.
 */
#ifndef NN_OPTIMIZER_H
#define NN_OPTIMIZER_H

#include "nn/layer.h"

#define NN_MOMENTS 3

typedef struct NnOptimizer
{
	const NnOptimizerType *type;
	Params		params;
	int64_t		step;			/* of the current update, from 1 */
	double		rate;			/* learning rate of the current update */
	real	   *weights;
	real	   *moments[NN_MOMENTS];	/* those of the weight at offset lie
										 * at offset - skipped; NULL if unused */
	size_t		skipped;		/* weights before it that have none */
} NnOptimizer;

/* Moments of the weights from offset on; NULL if unused */
static inline real *
nn_moments(const NnOptimizer *optimizer, int i, size_t offset)
{
	return optimizer->moments[i] == NULL ? NULL :
		optimizer->moments[i] + (offset - optimizer->skipped);
}

struct NnOptimizerType
{
	NnDescription description;
	int			(*moments) (const Params *params);	/* 0 .. NN_MOMENTS */

	/*
	 * update is called with all of a tensor at once; otherwise with any
	 * pieces of the weights, each once in a step.
	 */
	bool		whole_tensors;

	/* Change count weights from offset on, given their gradient. */
	void		(*update) (const NnOptimizer *optimizer, size_t offset,
						   size_t count, const real *gradient);
};

/* Common parameters, before each optimizer's own; clipping is in update.c */
enum
{
	NN_OPT_LEARNING_RATE, NN_OPT_CLIPNORM, NN_OPT_CLIPVALUE,
	NN_OPT_GLOBAL_CLIPNORM, NN_OPT_OWN
};

#define NN_OPTIMIZER_PARAMS(rate) \
	{.name = "learning_rate",.type = PARAM_REAL,.initial = (rate),.minimum = 0,.maximum = 1000, \
	.comment = "step size"}, \
	{.name = "clipnorm",.type = PARAM_REAL,.nullable = true,.minimum = 1e-30,.maximum = 1e30, \
	.comment = "largest norm of each tensor's gradient; null: any"}, \
	{.name = "clipvalue",.type = PARAM_REAL,.nullable = true,.minimum = 1e-30,.maximum = 1e30, \
	.comment = "largest size of each number of the gradient; null: any"}, \
	{.name = "global_clipnorm",.type = PARAM_REAL,.nullable = true,.minimum = 1e-30,.maximum = 1e30, \
	.comment = "largest norm of the gradient of all weights; null: any"}

extern const NnOptimizerType nn_optimizer_adam;
extern const NnOptimizerType nn_optimizer_adamw;
extern const NnOptimizerType nn_optimizer_lamb;
extern const NnOptimizerType nn_optimizer_rmsprop;
extern const NnOptimizerType nn_optimizer_sgd;

#endif							/* NN_OPTIMIZER_H */
