/*
 * forward_backward.c
 *	  Forward and backward over a graph.
 *
 * Backward goes from the last layer to the first.  dY of a layer is complete
 * when its turn comes, as all that read it come later in the graph.  Where
 * several read a layer, the first gradient is written to its place, the others
 * to the spare place and added; where the loss gives one, it is the first.
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/plan.h"

static const real *
source_output(const NnPlan *plan, int source, const real *memory)
{
	return memory + (source == NN_INPUT ? plan->input : plan->outputs[source]);
}

static void
layer_inputs(const NnPlan *plan, const NnLayer *layer, const real *memory,
			 const real **in)
{
	for (int k = 0; k < layer->nsources; k++)
		in[k] = source_output(plan, layer->sources[k], memory);
}

/* NULL outside of training, and where nothing is saved */
static real *
layer_saved(const NnPlan *plan, const NnPass *pass, const NnLayer *layer,
			real *memory)
{
	if (!pass->training || nn_layer_saved(layer, pass->n) == 0)
		return NULL;
	return memory + plan->saved[layer->number];
}

/*
 * Layers in their order; nothing is freed or moved between them, as plan.c has
 * given each output its place for the time that it is needed.
 */
void
nn_forward(const NnGraph *graph, const NnPlan *plan, const NnPass *pass,
		   real *memory)
{
	for (int i = 0; i < graph->nlayers && !interrupt_pending(); i++)
	{
		const NnLayer *layer = &graph->layers[i];
		const real *in[NN_MAX_SOURCES];
		real	   *out = memory + plan->outputs[i];

		layer_inputs(plan, layer, memory, in);
		if (layer->type->merge != NULL)
			layer->type->merge(layer, pass, in, out);
		else
			layer->type->forward(layer, pass, in[0], out,
								 layer_saved(plan, pass, layer, memory));
	}
}

typedef struct AddTask
{
	size_t		count;
	int			slices;
	const real *from;
	real	   *to;
} AddTask;

static void
add_slice(void *arg, int slice, int worker)
{
	const AddTask *task = arg;
	long		begin;
	long		end;

	pool_slice((long) task->count, slice, task->slices, &begin, &end);
	for (long i = begin; i < end && !interrupt_pending();)
	{
		long		stop = (long) interrupt_piece((size_t) i, (size_t) end);

		for (; i < stop; i++)
			task->to[i] += task->from[i];
	}
}

static void
add_gradient(const NnPass *pass, const real *from, size_t count, real *to)
{
	AddTask		task = {count, pool_threads(pass->pool), from, to};

	pool_run(pass->pool, task.slices, add_slice, &task);
}

/* The gradient of one input of a layer, into its place or the spare one */
static void
input_gradient(const NnPlan *plan, const NnPass *pass, const NnLayer *layer,
			   int k, real *memory, real *target)
{
	const real *in[NN_MAX_SOURCES];
	real	   *dout = memory + plan->gradients[layer->number];

	layer_inputs(plan, layer, memory, in);
	if (layer->type->unmerge != NULL)
		layer->type->unmerge(layer, pass, in, dout, k, target);
	else
		layer->type->backward(layer, pass, in[0],
							  memory + plan->outputs[layer->number],
							  layer_saved(plan, pass, layer, memory), dout,
							  target);
}

/*
 * A layer with nothing to train in it or before it is skipped, and so is the
 * gradient of an input that leads to no weights.  Layers of one input run even
 * then, with din NULL: their weights' gradients are still needed.
 */
void
nn_backward(const NnGraph *graph, const NnPlan *plan, const NnPass *pass,
			real *memory)
{
	bool		written[NN_MAX_LAYERS] = {false};

	written[graph->embedding] = nn_is_graded(graph, graph->embedding);
	for (int i = graph->nlayers - 1; i >= 0 && !interrupt_pending(); i--)
	{
		const NnLayer *layer = &graph->layers[i];

		for (int k = 0; k < layer->nsources && layer->trained; k++)
		{
			int			s = layer->sources[k];
			bool		wanted = s != NN_INPUT && graph->layers[s].trained;
			real	   *target = !wanted ? NULL :
			memory + (written[s] ? plan->spare : plan->gradients[s]);

			if (target == NULL && layer->type->unmerge != NULL)
				continue;
			input_gradient(plan, pass, layer, k, memory, target);
			if (wanted && written[s])
				add_gradient(pass, target,
							 (size_t) pass->n * graph->layers[s].outputs,
							 memory + plan->gradients[s]);
			if (wanted)
				written[s] = true;
		}
	}
}

void
nn_update_states(const NnGraph *graph, const NnPlan *plan, const NnPass *pass,
				 const real *memory, real *weights)
{
	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];

		if (nn_state_moves(layer))
			layer->type->update_state(layer, pass, memory + plan->saved[i],
									  weights);
	}
}
