/*
 * update.c
 *	  From gradients to changed weights: clipping, and the optimizer's turn.
 *
 * Clipping is Keras'; g is a gradient, c the parameter's value:
 *   clipvalue        each number to [-c, c]
 *   clipnorm         g c / max(|g|, c) of each tensor
 *   global_clipnorm  the same of all weights at once
 */
#include "nn/update.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/interrupt.h"
#include "nn/kernels.h"

/* Weights that one slice of the pool updates: a few hundred kB with moments */
#define SLICE 32768

/* Elements of a piece that are handled at once */
#define PART 4096

static bool
is_set(const Params *params, int position)
{
	return params->values[position].isset;
}

/*
 * LAMB and every kind of clipping need a tensor at least; clipvalue would not,
 * and is kept with the others for one way instead of two.
 */
size_t
nn_update_size(const NnGraph *graph, const NnOptimizerType *type,
			   const Params *params)
{
	bool		whole = type->whole_tensors ||
	is_set(params, NN_OPT_CLIPNORM) ||
	is_set(params, NN_OPT_CLIPVALUE) || is_set(params, NN_OPT_GLOBAL_CLIPNORM);

	return whole ? graph->unfrozen : 0;
}

/*
 * Pieces are whole blocks of nn_sum_squares(), so that looking for interrupts
 * does not change the sum.
 */
static double
sum_squares(const real *x, size_t count)
{
	double		sum = 0;

	for (size_t i = 0; i < count && !interrupt_pending();
		 i = interrupt_piece(i, count))
		nn_sum_squares(interrupt_piece(i, count) - i, x + i, &sum);
	return sum;
}

/* ---- pieces ---- */

void
nn_update_begin(NnUpdate *update)
{
	update->squares = 0;
	/* layers that backward does not reach hand over nothing */
	if (update->gradient != NULL)
		interrupt_zero(update->gradient, update->graph->unfrozen * sizeof(real));
}

/* The optimizer as it is for a layer: at its rate, with its moments */
static NnOptimizer
layer_optimizer(const NnUpdate *update, const NnLayer *layer)
{
	NnOptimizer optimizer = *update->optimizer;

	optimizer.rate *= layer->rate;
	optimizer.skipped = layer->skipped;
	return optimizer;
}

/* Tensors lie in the order of layers. */
static const NnLayer *
layer_of_weight(const NnGraph *graph, size_t offset)
{
	const NnLayer *layer = &graph->layers[graph->nlayers - 1];

	while (layer->ntensors == 0 || layer->tensors[0].offset > offset)
		layer--;
	return layer;
}

/*
 * What a frozen layer hands over, whose backward others need, is dropped.
 * Squares are summed and weights updated in parts that stay in the first
 * level of the cache.  The order of workers decides the last bits of the
 * norm's sum, which is a metric here; a norm that limits weights is summed in
 * one order, below.
 */
void
nn_update_sink(void *context, size_t offset, size_t count, const real *gradient)
{
	NnUpdate   *update = context;
	const NnLayer *layer = layer_of_weight(update->graph, offset);
	NnOptimizer optimizer;
	double		squares = 0;
	double		sum;

	if (layer->rate == 0)
		return;
	if (update->gradient != NULL)
	{
		memcpy(update->gradient + (offset - layer->skipped), gradient,
			   count * sizeof(real));
		return;
	}
	optimizer = layer_optimizer(update, layer);
	for (size_t begin = 0; begin < count; begin += PART)
	{
		size_t		part = count - begin < PART ? count - begin : PART;

		squares += sum_squares(gradient + begin, part);
		optimizer.type->update(&optimizer, offset + begin, part,
							   gradient + begin);
	}
	sum = update->squares;
	while (!atomic_compare_exchange_weak(&update->squares, &sum, sum + squares))
		;
}

/* ---- the whole gradient ---- */

static void
scale_gradient(real *gradient, size_t count, double factor)
{
	for (size_t i = 0, end; i < count && !interrupt_pending();)
		for (end = interrupt_piece(i, count); i < end; i++)
			gradient[i] = (real) (gradient[i] * factor);
}

static void
clip_values(real *gradient, size_t count, double limit)
{
	for (size_t i = 0, end; i < count && !interrupt_pending();)
		for (end = interrupt_piece(i, count); i < end; i++)
			gradient[i] = (real) fmax(-limit, fmin(gradient[i], limit));
}

static void
clip_norm(real *gradient, size_t count, double limit)
{
	double		norm = sqrt(sum_squares(gradient, count));

	if (norm > limit)
		scale_gradient(gradient, count, limit / norm);
}

void
nn_clip_tensor(const Params *params, real *gradient, size_t count)
{
	if (is_set(params, NN_OPT_CLIPVALUE))
		clip_values(gradient, count, params_number(params, NN_OPT_CLIPVALUE));
	if (is_set(params, NN_OPT_CLIPNORM))
		clip_norm(gradient, count, params_number(params, NN_OPT_CLIPNORM));
	if (is_set(params, NN_OPT_GLOBAL_CLIPNORM))
		clip_norm(gradient, count,
				  params_number(params, NN_OPT_GLOBAL_CLIPNORM));
}

/* Of a tensor that is trained */
static real *
tensor_gradient(const NnUpdate *update, const NnTensorInfo *tensor)
{
	return update->gradient +
		(tensor->offset - update->graph->layers[tensor->layer].skipped);
}

/* State tensors have gradient 0 and change no norm. */
static void
clip(NnUpdate *update)
{
	const Params *params = &update->optimizer->params;
	const NnGraph *graph = update->graph;

	if (is_set(params, NN_OPT_CLIPVALUE))
		clip_values(update->gradient, graph->unfrozen,
					params_number(params, NN_OPT_CLIPVALUE));
	for (int i = 0; i < nn_graph_tensors(graph) &&
		 is_set(params, NN_OPT_CLIPNORM); i++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(graph, i, &tensor);
		if (tensor.trainable)
			clip_norm(tensor_gradient(update, &tensor), tensor.count,
					  params_number(params, NN_OPT_CLIPNORM));
	}
	if (is_set(params, NN_OPT_GLOBAL_CLIPNORM))
		clip_norm(update->gradient, graph->unfrozen,
				  params_number(params, NN_OPT_GLOBAL_CLIPNORM));
}

static void
update_part(const NnUpdate *update, const NnTensorInfo *tensor, size_t offset,
			size_t count)
{
	const NnOptimizer optimizer =
	layer_optimizer(update, &update->graph->layers[tensor->layer]);

	optimizer.type->update(&optimizer, offset, count,
						   tensor_gradient(update, tensor) +
						   (offset - tensor->offset));
}

/* The part of a tensor that lies in a slice of the weights; false: none. */
static bool
tensor_part(const NnTensorInfo *tensor, size_t begin, size_t end,
			size_t *offset, size_t *count)
{
	size_t		last = tensor->offset + tensor->count;

	*offset = tensor->offset > begin ? tensor->offset : begin;
	if (last > end)
		last = end;
	if (!tensor->trainable || *offset >= last)
		return false;
	*count = last - *offset;
	return true;
}

/* State tensors and frozen ones lie among the weights and are passed over. */
static void
update_slice(void *arg, int slice, int worker)
{
	const NnUpdate *update = arg;
	size_t		begin = (size_t) slice * SLICE;

	for (int i = 0; i < nn_graph_tensors(update->graph); i++)
	{
		NnTensorInfo tensor;
		size_t		offset;
		size_t		count;

		nn_graph_tensor(update->graph, i, &tensor);
		if (tensor_part(&tensor, begin, begin + SLICE, &offset, &count))
			update_part(update, &tensor, offset, count);
	}
}

/* LAMB needs a tensor at once: workers take one each. */
static void
update_tensor(void *arg, int slice, int worker)
{
	const NnUpdate *update = arg;
	NnTensorInfo tensor;

	nn_graph_tensor(update->graph, slice, &tensor);
	if (tensor.trainable)
		update_part(update, &tensor, tensor.offset, tensor.count);
}

/*
 * The norm is of the gradient as backward made it: that is what tells whether
 * clipping is at work.
 */
double
nn_update_end(NnUpdate *update)
{
	double		norm;

	if (update->gradient == NULL)
		return sqrt(update->squares);
	norm = sqrt(sum_squares(update->gradient, update->graph->unfrozen));
	clip(update);
	if (update->optimizer->type->whole_tensors)
		pool_run(update->pool, nn_graph_tensors(update->graph), update_tensor,
				 update);
	else
		pool_run(update->pool,
				 (int) ((update->graph->weights + SLICE - 1) / SLICE),
				 update_slice, update);
	return norm;
}
