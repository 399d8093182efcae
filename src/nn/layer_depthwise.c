/*
 * layer_depthwise.c
 *	  depthwise_conv2d: each channel has filters of its own.
 *
 * in is [n][H][W][C], the kernel [kh][kw][C][m], m being the depth multiplier,
 * the bias [C m], out [n][Ho][Wo][C m], as Keras has them.  A tap is a
 * position of the window; at(p, tap) is the pixel that it sees from output
 * pixel p.
 *   Z[p][c m + j] = b[c m + j] + sum over taps of
 *                   X[at(p, tap)][c] K[tap][c][j]
 *   dK[tap][c][j] = sum over images and p of X[at(p, tap)][c] dZ[p][c m + j]
 *   db[c m + j] = sum over images and p of dZ[p][c m + j]
 *   dX[at(p, tap)][c] += sum over j of K[tap][c][j] dZ[p][c m + j]
 * Taps outside of the image take no part.
 *
 * Memory decides, not arithmetic: plain loops over taps, along the channels.
 * Workers take images; each sums the kernel's gradient for itself, and the
 * sums are added in the workers' order.
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/kernels.h"
#include "nn/layer.h"

enum
{
	KERNEL_SIZE, STRIDES, PADDING, DEPTH_MULTIPLIER, ACTIVATION, USE_BIAS,
	INITIALIZER
};

enum
{
	KERNEL, BIAS
};

static const ParamSpec depthwise_conv2d_params[] = {
	{.name = "kernel_size",.type = PARAM_SIZE2,.required = true,.minimum = 1,.maximum = 64,
	.comment = "height and width of the window"},
	{.name = "strides",.type = PARAM_SIZE2,.initial = 1,.minimum = 1,.maximum = 64,
	.comment = "steps of the window"},
	NN_PADDING_PARAM,
	{.name = "depth_multiplier",.type = PARAM_INTEGER,.initial = 1,.minimum = 1,.maximum = 64,
	.comment = "filters of each channel"},
	{.name = "activation",.type = PARAM_CHOICE,.choices = nn_activation_names,
	.comment = "function of each output"},
	{.name = "use_bias",.type = PARAM_BOOLEAN,.initial = true,.maximum = 1,
	.comment = "add a trained number to each filter's output"},
	{.name = "depthwise_initializer",.type = PARAM_CHOICE,.choices = nn_initializer_names,
	.comment = "how the first weights are drawn"},
	{NULL}
};

static int
multiplier(const NnLayer *layer)
{
	return (int) params_number(&layer->params, DEPTH_MULTIPLIER);
}

/*
 * [H][W][C] to [Ho][Wo][C m].  The limit of channels keeps C m within an int.
 */
static bool
depthwise_shape(NnLayer *layer, Status *status)
{
	const NnWindow *w = &layer->window;
	NnShape		kernel = {4, {0}};
	NnShape		bias = {1, {0}};

	if (!nn_window_shape(layer, layer->params.values[KERNEL_SIZE],
						 layer->params.values[STRIDES],
						 (NnPadding) params_number(&layer->params, PADDING),
						 status))
		return false;
	if (w->channels > 65536)
		return status_fail(status, STATUS_TOO_LARGE,
						   "layer \"%s\" has more than 65536 channels",
						   layer->name);
	nn_set_activation(layer, (NnActivation) params_number(&layer->params,
														  ACTIVATION));
	layer->output.dim[2] = bias.dim[0] = w->channels * multiplier(layer);
	kernel.dim[0] = w->kernel_height;
	kernel.dim[1] = w->kernel_width;
	kernel.dim[2] = w->channels;
	kernel.dim[3] = multiplier(layer);
	return nn_add_tensor(layer, "depthwise_kernel", kernel, status) &&
		(params_number(&layer->params, USE_BIAS) == 0 ||
		 nn_add_tensor(layer, "bias", bias, status));
}

/*
 * Fans are Keras', which takes the kernel for [kh][kw][in][out]: kh kw C and
 * kh kw m, though a filter reads one channel.
 */
static void
depthwise_init(const NnLayer *layer, Random *random, real *weights)
{
	const NnTensor *kernel = &layer->tensors[KERNEL];
	size_t		field = (size_t) layer->window.kernel_height * layer->window.kernel_width;

	nn_initialize((NnInitializer) params_number(&layer->params, INITIALIZER),
				  random,
				  field * layer->window.channels, field * multiplier(layer),
				  kernel->count, weights + kernel->offset);
	if (layer->ntensors > BIAS)
		memset(weights + layer->tensors[BIAS].offset, 0,
			   layer->tensors[BIAS].count * sizeof(real));
}

/* A worker's sums: dK [kh][kw][C][m], then db [C m] */
static size_t
depthwise_scratch(const NnLayer *layer, int n)
{
	return layer->tensors[KERNEL].count + (size_t) layer->output.dim[2];
}

typedef struct DepthwiseTask
{
	const NnLayer *layer;
	const NnPass *pass;
	const real *in;
	const real *out;
	real	   *target;			/* out of forward */
	real	   *before;			/* of the activation; NULL: not kept */
	real	   *dout;
	real	   *din;
} DepthwiseTask;

/* out[c m + j] += x[c] w[c m + j] */
static void
add_tap(const real *x, const real *w, int channels, int m, real *out)
{
	if (m == 1)
	{
		nn_multiply_add((size_t) channels, x, w, out);
		return;
	}
	for (int c = 0; c < channels; c++)
		for (int j = 0; j < m; j++)
			out[c * m + j] += x[c] * w[c * m + j];
}

/*
 * Z starts as the bias; each tap then adds C products to it, contiguous in
 * image, kernel and output alike.
 */
static void
depthwise_forward_image(void *arg, int slice, int worker)
{
	const DepthwiseTask *task = arg;
	const NnLayer *layer = task->layer;
	const NnWindow *w = &layer->window;
	const real *image = task->in + (size_t) slice * layer->inputs;
	const real *kernel = nn_tensor(layer, task->pass, KERNEL);
	const real *bias = layer->ntensors > BIAS ?
	nn_tensor(layer, task->pass, BIAS) : NULL;
	real	   *out = task->target + (size_t) slice * layer->outputs;
	size_t		filters = (size_t) layer->output.dim[2];
	int			pixels = w->out_height * w->out_width;

	for (int p = 0; p < pixels && !interrupt_pending_at((size_t) p); p++)
	{
		for (size_t f = 0; f < filters; f++)
			out[(size_t) p * filters + f] = bias != NULL ? bias[f] : 0;
		for (int tap = 0; tap < w->kernel_height * w->kernel_width; tap++)
		{
			long		at = nn_window_position(w, p, tap);

			if (at >= 0)
				add_tap(image + at, kernel + (size_t) tap * filters,
						w->channels, multiplier(layer),
						out + (size_t) p * filters);
		}
	}
	if (task->before != NULL)
		interrupt_copy(task->before + (size_t) slice * layer->outputs, out,
					   layer->outputs * sizeof(real));
	nn_activate(layer->activation, (size_t) pixels, filters, out);
}

/* saved is Z [n][Ho][Wo][C m] if f is not monotonic, else NULL. */
static void
depthwise_forward(const NnLayer *layer, const NnPass *pass, const real *in,
				  real *out, real *saved)
{
	DepthwiseTask task = {.layer = layer,.pass = pass,.in = in,.target = out,.before = saved};

	pool_run(pass->pool, pass->n, depthwise_forward_image, &task);
}

/*
 * One pixel and tap: dw[c][j] += x[c] d[c m + j], dx[c] += sum over j of d w
 */
static void
backward_tap(const NnLayer *layer, const real *x, const real *w, const real *d,
			 real *dw, real *dx)
{
	int			m = multiplier(layer);
	int			channels = layer->window.channels;

	add_tap(x, d, channels, m, dw);
	if (dx == NULL)
		return;
	if (m == 1)
	{
		nn_multiply_add((size_t) channels, w, d, dx);
		return;
	}
	for (int c = 0; c < channels; c++)
		for (int j = 0; j < m; j++)
			dx[c] += d[c * m + j] * w[c * m + j];
}

/*
 * dout becomes dZ in place.  Windows overlap, so that dX is added to and
 * begins as 0.
 */
static void
depthwise_backward_image(void *arg, int slice, int worker)
{
	const DepthwiseTask *task = arg;
	const NnLayer *layer = task->layer;
	const NnWindow *w = &layer->window;
	const real *image = task->in + (size_t) slice * layer->inputs;
	const real *kernel = nn_tensor(layer, task->pass, KERNEL);
	real	   *dout = task->dout + (size_t) slice * layer->outputs;
	real	   *din = task->din == NULL ? NULL :
	task->din + (size_t) slice * layer->inputs;
	real	   *dkernel = nn_scratch(task->pass, worker);
	real	   *dbias = dkernel + layer->tensors[KERNEL].count;
	size_t		filters = (size_t) layer->output.dim[2];
	size_t		row = (size_t) slice * layer->outputs;

	nn_activate_backward(layer->activation, layer->outputs / filters, filters,
						 task->before == NULL ? NULL : task->before + row,
						 layer->reads_out ? task->out + row : NULL, dout);
	if (din != NULL)
		interrupt_zero(din, layer->inputs * sizeof(real));
	for (int p = 0; p < w->out_height * w->out_width &&
		 !interrupt_pending_at((size_t) p); p++)
	{
		const real *d = dout + (size_t) p * filters;

		nn_add_to(filters, d, dbias);
		for (int tap = 0; tap < w->kernel_height * w->kernel_width; tap++)
		{
			long		at = nn_window_position(w, p, tap);

			if (at >= 0)
				backward_tap(layer, image + at, kernel + (size_t) tap * filters,
							 d,
							 dkernel + (size_t) tap * filters,
							 din == NULL ? NULL : din + at);
		}
	}
}

/* dout is dY [n][Ho][Wo][C m]; din is dX [n][H][W][C] or NULL. */
static void
depthwise_backward(const NnLayer *layer, const NnPass *pass, const real *in,
				   const real *out, const real *saved, real *dout, real *din)
{
	DepthwiseTask task = {
		.layer = layer,.pass = pass,.in = in,.out = out,.before =
		(real *) saved,
		.dout = dout,.din = din
	};
	size_t		count = depthwise_scratch(layer, pass->n);
	real	   *total = nn_scratch(pass, 0);

	for (int w = 0; w < pool_threads(pass->pool); w++)
		memset(nn_scratch(pass, w), 0, count * sizeof(real));
	pool_run(pass->pool, pass->n, depthwise_backward_image, &task);
	for (int w = 1; w < pool_threads(pass->pool); w++)
		nn_add_to(count, nn_scratch(pass, w), total);
	pass->sink(pass->sink_context, layer->tensors[KERNEL].offset,
			   layer->tensors[KERNEL].count, total);
	if (layer->ntensors > BIAS)
		pass->sink(pass->sink_context, layer->tensors[BIAS].offset,
				   layer->tensors[BIAS].count,
				   total + layer->tensors[KERNEL].count);
}

const NnLayerType nn_layer_depthwise_conv2d = {
	.description = {"depthwise_conv2d", depthwise_conv2d_params, "convolution of each channel by itself"},
	.shape = depthwise_shape,
	.init = depthwise_init,
	.scratch = depthwise_scratch,
	.saved = nn_saved_before,
	.forward = depthwise_forward,
	.backward = depthwise_backward
};
