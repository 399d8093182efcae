/*
 * layer_simple.c
 *	  Elementwise layers without weights: rescaling, activation, dropout.
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/layer.h"

/* ---- rescaling ---- */

enum
{
	SCALE, OFFSET
};

static const ParamSpec rescaling_params[] = {
	{.name = "scale",.type = PARAM_REAL,.required = true,.minimum = -1e30,.maximum = 1e30,
	.comment = "factor"},
	{.name = "offset",.type = PARAM_REAL,.minimum = -1e30,.maximum = 1e30,
	.comment = "added after scaling"},
	{NULL}
};

/* The output is shaped as the input, and backward reads neither. */
static bool
keep_shape(NnLayer *layer, Status *status)
{
	layer->reads_in = layer->reads_out = false;
	return nn_same_shape(layer, status);
}

/* y = scale x + offset */
static void
rescaling_forward(const NnLayer *layer, const NnPass *pass,
				  const real *in, real *out, real *saved)
{
	real		scale = (real) params_number(&layer->params, SCALE);
	real		offset = (real) params_number(&layer->params, OFFSET);

	for (size_t i = 0, end, n = (size_t) pass->n * layer->outputs;
		 i < n && !interrupt_pending();)
		for (end = interrupt_piece(i, n); i < end; i++)
			out[i] = in[i] * scale + offset;
}

/* dx = scale dy */
static void
rescaling_backward(const NnLayer *layer, const NnPass *pass,
				   const real *in, const real *out, const real *saved,
				   real *dout, real *din)
{
	real		scale = (real) params_number(&layer->params, SCALE);

	if (din == NULL)
		return;
	for (size_t i = 0, end, n = (size_t) pass->n * layer->outputs;
		 i < n && !interrupt_pending();)
		for (end = interrupt_piece(i, n); i < end; i++)
			din[i] = dout[i] * scale;
}

const NnLayerType nn_layer_rescaling = {
	.description = {"rescaling", rescaling_params, "x * scale + offset"},
	.place = NN_IN_PLACE,
	.shape = keep_shape,
	.forward = rescaling_forward,
	.backward = rescaling_backward
};

/* ---- activation ---- */

enum
{
	ACTIVATION
};

static const ParamSpec activation_params[] = {
	{.name = "activation",.type = PARAM_CHOICE,.required = true,.choices = nn_activation_names,
	.comment = "function of each number; softmax goes along the last dimension"},
	{NULL}
};

static bool
activation_shape(NnLayer *layer, Status *status)
{
	nn_set_activation(layer, (NnActivation) params_number(&layer->params,
														  ACTIVATION));
	layer->reads_in = nn_activation_reads_input(layer->activation);
	return nn_same_shape(layer, status);
}

typedef struct ActivationTask
{
	const NnLayer *layer;
	const real *in;
	const real *out;
	real	   *target;			/* out, or the gradient */
} ActivationTask;

static void
activation_row(void *arg, int slice, int worker)
{
	const ActivationTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		width = (size_t) nn_channels(&layer->output);
	size_t		row = (size_t) slice * layer->outputs;

	if (task->in != task->target)
		interrupt_copy(task->target + row, task->in + row,
					   layer->outputs * sizeof(real));
	nn_activate(layer->activation, layer->outputs / width, width,
				task->target + row);
}

/*
 * in and out are [n][outputs]; rows of width numbers, the last dimension, are
 * what softmax goes along.
 */
static void
activation_forward(const NnLayer *layer, const NnPass *pass,
				   const real *in, real *out, real *saved)
{
	ActivationTask task = {layer, in, out, out};

	pool_run(pass->pool, pass->n, activation_row, &task);
}

static void
activation_backward_row(void *arg, int slice, int worker)
{
	const ActivationTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		width = (size_t) nn_channels(&layer->output);
	size_t		row = (size_t) slice * layer->outputs;

	nn_activate_backward(layer->activation, layer->outputs / width, width,
						 layer->reads_in ? task->in + row : NULL,
						 layer->reads_out ? task->out + row : NULL,
						 task->target + row);
}

/* dX = dY f'(X), in place if din is dout */
static void
activation_backward(const NnLayer *layer, const NnPass *pass,
					const real *in, const real *out, const real *saved,
					real *dout, real *din)
{
	ActivationTask task = {layer, in, out, din};

	if (din == NULL)
		return;
	if (din != dout)
		interrupt_copy(din, dout,
					   (size_t) pass->n * layer->outputs * sizeof(real));
	pool_run(pass->pool, pass->n, activation_backward_row, &task);
}

const NnLayerType nn_layer_activation = {
	.description = {"activation", activation_params, "a function of each number"},
	.place = NN_IN_PLACE,
	.shape = activation_shape,
	.forward = activation_forward,
	.backward = activation_backward
};

/* ---- dropout ---- */

enum
{
	RATE
};

static const ParamSpec dropout_params[] = {
	{.name = "rate",.type = PARAM_REAL,.required = true,.maximum = 0.999,
	.comment = "share of numbers set to 0 in training; the others are scaled up"},
	{NULL}
};

/*
 * y = x / (1 - rate) with probability 1 - rate, else 0, so that the mean
 * stays; backward is the same of dy.  The mask is a function of (seed, layer,
 * step, position): backward makes it again instead of keeping it, and the
 * number of workers does not matter.  24 random bits decide, and rate is
 * rounded to them.
 */
static void
drop(const NnLayer *layer, const NnPass *pass, const real *from, real *to)
{
	double		rate = params_number(&layer->params, RATE);
	real		scale = (real) (1 / (1 - rate));
	uint64_t	threshold = (uint64_t) (rate * 0x1000000);
	uint64_t	stream = (pass->step << 16) + (uint64_t) layer->stream;

	for (size_t i = 0; i < (size_t) pass->n * layer->outputs &&
		 !interrupt_pending_at(i); i++)
		to[i] = (random_at(pass->seed, stream, i) >> 40) < threshold ? 0 :
			from[i] * scale;
}

static bool
dropout_shape(NnLayer *layer, Status *status)
{
	layer->random = params_number(&layer->params, RATE) > 0;
	return keep_shape(layer, status);
}

static void
dropout_forward(const NnLayer *layer, const NnPass *pass,
				const real *in, real *out, real *saved)
{
	if (pass->training)
		drop(layer, pass, in, out);
	else if (in != out)
		interrupt_copy(out, in,
					   (size_t) pass->n * layer->outputs * sizeof(real));
}

static void
dropout_backward(const NnLayer *layer, const NnPass *pass,
				 const real *in, const real *out, const real *saved,
				 real *dout, real *din)
{
	if (din != NULL)
		drop(layer, pass, dout, din);
}

const NnLayerType nn_layer_dropout = {
	.description = {"dropout", dropout_params, "sets random numbers to 0 in training (Srivastava et al., 2014)"},
	.place = NN_IN_PLACE,
	.shape = dropout_shape,
	.forward = dropout_forward,
	.backward = dropout_backward
};
