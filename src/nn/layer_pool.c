/*
 * layer_pool.c
 *	  max_pooling2d and average_pooling2d.
 *
 * in is [n][H][W][C], out [n][Ho][Wo][C].  The maximum saves for each output
 * which tap of its window was the largest, [n][Ho][Wo][C]: the first of equal
 * ones, as Keras.  Padding never wins, NaN always does.  The whole gradient
 * goes to the winner.  An average is over the part of the window that is
 * inside, as Keras', and each of these pixels gets an equal share of the
 * gradient.  Windows may overlap: gradients are added.
 *
 * Where the maximum alone reads a convolution with relu, it takes relu's
 * derivative: an output above 0 says that its winner is, and no other pixel has
 * a gradient.  So the convolution's output is not read again, which is four
 * times as large, and whose place is free after forward.
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/layer.h"
#include "nn/pool_kernels.h"

enum
{
	POOL_SIZE, STRIDES, PADDING
};

static const ParamSpec pooling2d_params[] = {
	{.name = "pool_size",.type = PARAM_SIZE2,.initial = 2,.minimum = 1,.maximum = 64,
	.comment = "height and width of the window"},
	{.name = "strides",.type = PARAM_SIZE2,.nullable = true,.minimum = 1,.maximum = 64,
	.comment = "steps of the window; null takes pool_size"},
	NN_PADDING_PARAM,
	{NULL}
};

/*
 * Backward reads neither in nor, unless the graph says so, out: what it
 * needs is saved.
 */
static bool
pooling2d_shape(NnLayer *layer, Status *status)
{
	ParamValue	size = layer->params.values[POOL_SIZE];
	ParamValue	strides = layer->params.values[STRIDES];

	layer->reads_in = layer->reads_out = false;
	return nn_window_shape(layer, size, strides.isset ? strides : size,
						   (NnPadding) params_number(&layer->params, PADDING),
						   status);
}

/*
 * The winning tap of each output, as a number of the engine: saved memory is
 * real
 */
static size_t
max_pooling2d_saved(const NnLayer *layer, int n)
{
	return (size_t) n * layer->outputs;
}

typedef struct PoolingTask
{
	const NnLayer *layer;
	const real *in;
	real	   *out;
	real	   *saved;
	const real *winners;
	const real *output;			/* NULL unless relu's derivative is taken */
	const real *dout;
	real	   *din;
} PoolingTask;

static void
maximum_image(void *arg, int slice, int worker)
{
	const PoolingTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		outputs = (size_t) slice * layer->outputs;

	nn_pool_maximum(&layer->window,
					task->in + (size_t) slice * layer->inputs,
					task->out + outputs,
					task->saved == NULL ? NULL : task->saved + outputs);
}

static void
max_pooling2d_forward(const NnLayer *layer, const NnPass *pass,
					  const real *in, real *out, real *saved)
{
	PoolingTask task = {.layer = layer,.in = in,.out = out,.saved = saved};

	pool_run(pass->pool, pass->n, maximum_image, &task);
}

/* Is each pixel of the input in one window, not less, not more? */
static bool
covers_once(const NnWindow *w)
{
	return w->stride_y == w->kernel_height && w->stride_x == w->kernel_width &&
		w->out_height * w->stride_y == w->height &&
		w->out_width * w->stride_x == w->width;
}

static void
maximum_backward_image(void *arg, int slice, int worker)
{
	const PoolingTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		outputs = (size_t) slice * layer->outputs;
	real	   *din = task->din + (size_t) slice * layer->inputs;

	bool		add = !covers_once(&layer->window);

	if (add)
		interrupt_zero(din, layer->inputs * sizeof(real));
	nn_pool_maximum_backward(&layer->window, task->winners + outputs,
							 task->output == NULL ? NULL :
							 task->output + outputs,
							 task->dout + outputs, add, din);
}

static void
max_pooling2d_backward(const NnLayer *layer, const NnPass *pass,
					   const real *in, const real *out, const real *saved,
					   real *dout, real *din)
{
	PoolingTask task = {
		.layer = layer,.winners = saved,.output = layer->reads_out ? out : NULL,
		.dout = dout,.din = din
	};

	if (din != NULL)
		pool_run(pass->pool, pass->n, maximum_backward_image, &task);
}

const NnLayerType nn_layer_max_pooling2d = {
	.description = {"max_pooling2d", pooling2d_params, "largest number of each window and channel"},
	.shape = pooling2d_shape,
	.saved = max_pooling2d_saved,
	.forward = max_pooling2d_forward,
	.backward = max_pooling2d_backward
};

/* ---- average_pooling2d ---- */

/* Taps of the window at output pixel p that lie in the image */
static int
taps_inside(const NnWindow *w, int p)
{
	int			inside = 0;

	for (int tap = 0; tap < w->kernel_height * w->kernel_width; tap++)
		inside += nn_window_position(w, p, tap) >= 0;
	return inside;
}

/* Y[p][c] = mean over the taps inside of X[at(p, tap)][c] */
static void
average_image(void *arg, int slice, int worker)
{
	const PoolingTask *task = arg;
	const NnLayer *layer = task->layer;
	const NnWindow *w = &layer->window;
	const real *image = task->in + (size_t) slice * layer->inputs;
	real	   *out = task->out + (size_t) slice * layer->outputs;

	for (int p = 0; p < w->out_height * w->out_width &&
		 !interrupt_pending_at((size_t) p); p++)
	{
		real	   *sum = out + (size_t) p * w->channels;
		real		share = 1 / (real) taps_inside(w, p);

		memset(sum, 0, (size_t) w->channels * sizeof(real));
		for (int tap = 0; tap < w->kernel_height * w->kernel_width; tap++)
		{
			long		at = nn_window_position(w, p, tap);

			for (int c = 0; c < w->channels && at >= 0; c++)
				sum[c] += image[at + c];
		}
		for (int c = 0; c < w->channels; c++)
			sum[c] *= share;
	}
}

static void
average_pooling2d_forward(const NnLayer *layer, const NnPass *pass,
						  const real *in, real *out, real *saved)
{
	PoolingTask task = {.layer = layer,.in = in,.out = out};

	pool_run(pass->pool, pass->n, average_image, &task);
}

/* dX[at(p, tap)][c] += dY[p][c] / taps inside */
static void
average_backward_image(void *arg, int slice, int worker)
{
	const PoolingTask *task = arg;
	const NnLayer *layer = task->layer;
	const NnWindow *w = &layer->window;
	const real *dout = task->dout + (size_t) slice * layer->outputs;
	real	   *din = task->din + (size_t) slice * layer->inputs;

	interrupt_zero(din, layer->inputs * sizeof(real));
	for (int p = 0; p < w->out_height * w->out_width &&
		 !interrupt_pending_at((size_t) p); p++)
	{
		const real *d = dout + (size_t) p * w->channels;
		real		share = 1 / (real) taps_inside(w, p);

		for (int tap = 0; tap < w->kernel_height * w->kernel_width; tap++)
		{
			long		at = nn_window_position(w, p, tap);

			for (int c = 0; c < w->channels && at >= 0; c++)
				din[at + c] += d[c] * share;
		}
	}
}

static void
average_pooling2d_backward(const NnLayer *layer, const NnPass *pass,
						   const real *in, const real *out, const real *saved,
						   real *dout, real *din)
{
	PoolingTask task = {.layer = layer,.dout = dout,.din = din};

	if (din != NULL)
		pool_run(pass->pool, pass->n, average_backward_image, &task);
}

const NnLayerType nn_layer_average_pooling2d = {
	.description = {"average_pooling2d", pooling2d_params, "mean of each window and channel"},
	.shape = pooling2d_shape,
	.forward = average_pooling2d_forward,
	.backward = average_pooling2d_backward
};
