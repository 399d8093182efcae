/*
 * layer_simple.c
 *	  Layers without weights that handle each number by itself: rescaling,
 *	  flatten, dropout.
 */
#include <string.h>

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

static bool
same_shape(NnLayer *layer, Status *status)
{
	layer->output = layer->input;
	return true;
}

static void
rescaling_forward(const NnLayer *layer, const NnPass *pass,
				  const real *in, real *out, real *saved)
{
	real		scale = (real) params_number(&layer->params, SCALE);
	real		offset = (real) params_number(&layer->params, OFFSET);

	for (size_t i = 0; i < (size_t) pass->n * layer->outputs; i++)
		out[i] = in[i] * scale + offset;
}

static void
rescaling_backward(const NnLayer *layer, const NnPass *pass,
				   const real *in, const real *out, const real *saved,
				   real *dout, real *din)
{
	real		scale = (real) params_number(&layer->params, SCALE);

	if (din == NULL)
		return;
	for (size_t i = 0; i < (size_t) pass->n * layer->outputs; i++)
		din[i] = dout[i] * scale;
}

const NnLayerType nn_layer_rescaling = {
	.description = {"rescaling", rescaling_params, "x * scale + offset"},
	.shape = same_shape,
	.forward = rescaling_forward,
	.backward = rescaling_backward
};

/* ---- flatten ---- */

static const ParamSpec no_params[] = {
	{NULL}
};

static bool
flatten_shape(NnLayer *layer, Status *status)
{
	layer->output.rank = 1;
	layer->output.dim[0] = (int) layer->inputs;
	return true;
}

static void
flatten_forward(const NnLayer *layer, const NnPass *pass,
				const real *in, real *out, real *saved)
{
	if (in != out)
		memcpy(out, in, (size_t) pass->n * layer->outputs * sizeof(real));
}

static void
flatten_backward(const NnLayer *layer, const NnPass *pass,
				 const real *in, const real *out, const real *saved,
				 real *dout, real *din)
{
	if (din != NULL && din != dout)
		memcpy(din, dout, (size_t) pass->n * layer->outputs * sizeof(real));
}

const NnLayerType nn_layer_flatten = {
	.description = {"flatten", no_params, "an image as one row of numbers"},
	.shape = flatten_shape,
	.in_place = true,
	.forward = flatten_forward,
	.backward = flatten_backward
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
 * The mask is a function of (seed, layer, step, position), so backward makes
 * it again instead of keeping it.
 */
static void
drop(const NnLayer *layer, const NnPass *pass, const real *from, real *to)
{
	double		rate = params_number(&layer->params, RATE);
	real		scale = (real) (1 / (1 - rate));
	uint64_t	threshold = (uint64_t) (rate * 0x1000000);
	uint64_t	stream = (pass->step << 16) + (uint64_t) layer->number;

	for (size_t i = 0; i < (size_t) pass->n * layer->outputs; i++)
		to[i] = (random_at(pass->seed, stream, i) >> 40) < threshold ? 0 : from[i] * scale;
}

static void
dropout_forward(const NnLayer *layer, const NnPass *pass,
				const real *in, real *out, real *saved)
{
	if (pass->training)
		drop(layer, pass, in, out);
	else
		memcpy(out, in, (size_t) pass->n * layer->outputs * sizeof(real));
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
	.shape = same_shape,
	.forward = dropout_forward,
	.backward = dropout_backward
};
