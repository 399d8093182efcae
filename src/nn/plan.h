/*
 * plan.h
 *	  Where activations and gradients lie, and passes over a graph.
 *
 * A pass needs the output of each layer for a while: forward until the last
 * layer that reads it has run, in training until the backward of those that
 * read it again; and a gradient of it from the first backward that gives one
 * until its own.  The plan gives all of them places in one piece of memory,
 * where two share a place whose times do not meet.
 */
#ifndef NN_PLAN_H
#define NN_PLAN_H

#include "nn/layer.h"

/* All in numbers from the start of the memory; undefined where there is none */
typedef struct NnPlan
{
	size_t		input;
	size_t		outputs[NN_MAX_LAYERS];
	size_t		saved[NN_MAX_LAYERS];	/* from forward to backward */
	size_t		gradients[NN_MAX_LAYERS];
	size_t		spare;			/* a further gradient of what is read twice */
	size_t		size;			/* of the memory */
} NnPlan;

/* The plan of passes over up to n rows, with backward if training. */
extern void nn_plan(const NnGraph *graph, int n, bool training, NnPlan *plan);

/* From the input, which stands in its place, to the last output. */
extern void nn_forward(const NnGraph *graph, const NnPlan *plan,
					   const NnPass *pass, real *memory);

/* From the gradient of the last output, in its place, to all weights. */
extern void nn_backward(const NnGraph *graph, const NnPlan *plan,
						const NnPass *pass, real *memory);

/* What the forward pass saw goes into the state of layers. */
extern void nn_update_states(const NnGraph *graph, const NnPlan *plan,
							 const NnPass *pass, const real *memory,
							 real *weights);

/* The last layer's output */
static inline size_t
nn_plan_last(const NnGraph *graph, const NnPlan *plan)
{
	return plan->outputs[graph->nlayers - 1];
}

#endif							/* NN_PLAN_H */
