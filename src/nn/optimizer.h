/*
 * optimizer.h
 *	  Optimisers inside the engine.
 */
#ifndef NN_OPTIMIZER_H
#define NN_OPTIMIZER_H

#include "nn/layer.h"

typedef struct NnOptimizer
{
	const NnOptimizerType *type;
	Params		params;
	int64_t		step;			/* of the current update, from 1 */
	real	   *weights;
	real	   *moments[2];		/* as many numbers as weights; NULL if unused */
} NnOptimizer;

struct NnOptimizerType
{
	NnDescription description;
	int			(*moments) (const Params *params);	/* 0, 1 or 2 */
	double		(*learning_rate) (const Params *params);

	/* Change count weights from offset on, given their gradient. */
	void		(*update) (const NnOptimizer *optimizer, size_t offset,
						   size_t count, const real *gradient);
};

#endif							/* NN_OPTIMIZER_H */
