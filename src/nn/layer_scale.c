/*
 * layer_scale.c
 *	  layer_scale (Touvron et al., 2021): a trained factor for each channel.
 *
 * in and out are [rows][C], rows being n times all but the last dimension.
 *   y = gamma x, dx = gamma dy, dgamma = sum over rows of x dy
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/kernels.h"
#include "nn/layer.h"

enum
{
	INIT_VALUES
};

static const ParamSpec layer_scale_params[] = {
	{.name = "init_values",.type = PARAM_REAL,.initial = 1e-6,.minimum = -1e30,.maximum = 1e30,
	.comment = "what factors start as"},
	{NULL}
};

static bool
layer_scale_shape(NnLayer *layer, Status *status)
{
	NnShape		gamma = {1, {nn_channels(&layer->input)}};

	layer->reads_out = false;
	layer->output = layer->input;
	return nn_add_tensor(layer, "gamma", gamma, status);
}

static void
layer_scale_init(const NnLayer *layer, Random *random, real *weights)
{
	for (size_t c = 0; c < layer->tensors[0].count; c++)
		weights[layer->tensors[0].offset + c] =
			(real) params_number(&layer->params, INIT_VALUES);
}

/* [C]: dgamma of a worker */
static size_t
layer_scale_scratch(const NnLayer *layer, int n)
{
	return (size_t) nn_channels(&layer->input);
}

typedef struct ScaleTask
{
	const NnLayer *layer;
	const NnPass *pass;
	const real *in;
	const real *dout;
	real	   *out;			/* or din */
} ScaleTask;

/* out [rows][C] = gamma from, of one row of the batch */
static void
scale_row(const ScaleTask *task, int i, const real *from)
{
	const NnLayer *layer = task->layer;
	const real *gamma = nn_tensor(layer, task->pass, 0);
	size_t		channels = layer->tensors[0].count;
	size_t		end = (size_t) (i + 1) * layer->inputs;

	for (size_t r = (size_t) i * layer->inputs; r < end &&
		 !interrupt_pending_at(r / channels); r += channels)
		for (size_t c = 0; c < channels; c++)
			task->out[r + c] = from[r + c] * gamma[c];
}

static void
scale_forward_row(void *arg, int slice, int worker)
{
	const ScaleTask *task = arg;

	scale_row(task, slice, task->in);
}

static void
layer_scale_forward(const NnLayer *layer, const NnPass *pass,
					const real *in, real *out, real *saved)
{
	ScaleTask	task = {.layer = layer,.pass = pass,.in = in,.out = out};

	pool_run(pass->pool, pass->n, scale_forward_row, &task);
}

/* dgamma first: dx may lie where dy is. */
static void
scale_backward_row(void *arg, int slice, int worker)
{
	const ScaleTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		channels = layer->tensors[0].count;
	size_t		end = (size_t) (slice + 1) * layer->inputs;

	for (size_t r = (size_t) slice * layer->inputs; r < end &&
		 !interrupt_pending_at(r / channels); r += channels)
		nn_multiply_add(channels, task->in + r, task->dout + r,
						nn_scratch(task->pass, worker));
	if (task->out != NULL)
		scale_row(task, slice, task->dout);
}

static void
layer_scale_backward(const NnLayer *layer, const NnPass *pass,
					 const real *in, const real *out, const real *saved,
					 real *dout, real *din)
{
	ScaleTask	task = {layer, pass, in, dout, din};
	size_t		channels = layer->tensors[0].count;

	for (int w = 0; w < pool_threads(pass->pool); w++)
		memset(nn_scratch(pass, w), 0, channels * sizeof(real));
	pool_run(pass->pool, pass->n, scale_backward_row, &task);
	for (int w = 1; w < pool_threads(pass->pool); w++)
		nn_add_to(channels, nn_scratch(pass, w), nn_scratch(pass, 0));
	pass->sink(pass->sink_context, layer->tensors[0].offset, channels,
			   nn_scratch(pass, 0));
}

const NnLayerType nn_layer_layer_scale = {
	.description = {"layer_scale", layer_scale_params,
	"x * factor of each channel, trained (Touvron et al., 2021)"},
	.place = NN_GRADIENT_IN_PLACE,
	.shape = layer_scale_shape,
	.init = layer_scale_init,
	.scratch = layer_scale_scratch,
	.forward = layer_scale_forward,
	.backward = layer_scale_backward
};
