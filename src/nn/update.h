/*
 * update.h
 *	  From gradients to changed weights.
 *
 * Backward hands over pieces of the gradient as they come.  Unless something
 * needs the whole gradient first, a limit of its norm or an optimizer of whole
 * tensors, each piece goes to the optimizer at once, while it is in the cache;
 * otherwise pieces are kept, and nn_update_end() does the rest.
 */
#ifndef NN_UPDATE_H
#define NN_UPDATE_H

#include "nn/optimizer.h"

typedef struct NnUpdate
{
	const NnGraph *graph;
	NnOptimizer *optimizer;
	ThreadPool *pool;
	real	   *gradient;		/* of all weights that are not frozen, as
								 * their moments lie; NULL: pieces go on at
								 * once */
	_Atomic double squares;		/* of what went on at once */
} NnUpdate;

/* Elements of the gradient to be kept for these parameters; 0: none */
extern size_t nn_update_size(const NnGraph *graph, const NnOptimizerType *type,
							 const Params *params);

/* Begin a step; nn_update_sink() then takes pieces, from all workers. */
extern void nn_update_begin(NnUpdate *update);
extern void nn_update_sink(void *context, size_t offset, size_t count,
						   const real *gradient);

/* All pieces are there.  Returns the gradient's norm before clipping. */
extern double nn_update_end(NnUpdate *update);

/* Limit a lone tensor's gradient as the parameters say, its norm being global. */
extern void nn_clip_tensor(const Params *params, real *gradient, size_t count);

#endif							/* NN_UPDATE_H */
