/*
 * layer_conv.c
 *	  conv2d.
 *
 * Images are convolved as products of patches: each output pixel's window is
 * copied into a row (im2col), for a tile of pixels that fits the L2 cache, and
 * multiplied by the kernel, which is [taps][filters] as Keras stores it.  Few
 * taps, as in a first layer, go to a direct loop instead, since packing for a
 * product would cost more than the product.  Images are independent, so
 * workers take images; each sums the kernel's gradient for itself, and the
 * sums are added in the workers' order.
 */
#include <string.h>

#include "kernel/gemm.h"
#include "nn/kernels.h"
#include "nn/layer.h"

enum
{
	FILTERS, KERNEL_SIZE, STRIDES, PADDING, ACTIVATION, USE_BIAS, INITIALIZER
};

enum
{
	KERNEL, BIAS
};

/* Numbers of a tile of patches */
#define TILE_SIZE (64 * 1024)

/* Taps up to which the direct loop is faster */
#define MAX_DIRECT_TAPS 32

static const ParamSpec conv2d_params[] = {
	{.name = "filters",.type = PARAM_INTEGER,.required = true,.minimum = 1,.maximum = 65536,
	.comment = "channels of the output"},
	{.name = "kernel_size",.type = PARAM_SIZE2,.required = true,.minimum = 1,.maximum = 64,
	.comment = "height and width of the window"},
	{.name = "strides",.type = PARAM_SIZE2,.initial = 1,.minimum = 1,.maximum = 64,
	.comment = "steps of the window"},
	{.name = "padding",.type = PARAM_CHOICE,.choices = nn_padding_names,
	.comment = "\"same\" pads with zeros, one more at the bottom and right if odd"},
	{.name = "activation",.type = PARAM_CHOICE,.choices = nn_activation_names,
	.comment = "function of each output"},
	{.name = "use_bias",.type = PARAM_BOOLEAN,.initial = true,.maximum = 1,
	.comment = "add a trained number to each filter's output"},
	NN_INITIALIZER_PARAM,
	{NULL}
};

static int
tap_count(const NnLayer *layer)
{
	return layer->window.kernel_height * layer->window.kernel_width * layer->window.channels;
}

static int
pixel_count(const NnLayer *layer)
{
	return layer->window.out_height * layer->window.out_width;
}

static int
filter_count(const NnLayer *layer)
{
	return layer->output.dim[2];
}

static bool
is_direct(const NnLayer *layer)
{
	return tap_count(layer) <= MAX_DIRECT_TAPS &&
		filter_count(layer) % NN_DIRECT_FILTERS == 0;
}

/* Output pixels whose patches are made at once */
static int
tile_pixels(const NnLayer *layer)
{
	int			pixels = TILE_SIZE / tap_count(layer);

	if (pixels < 1)
		pixels = 1;
	return pixels < pixel_count(layer) ? pixels : pixel_count(layer);
}

static bool
conv2d_shape(NnLayer *layer, Status *status)
{
	int			filters = (int) params_number(&layer->params, FILTERS);
	bool		same = params_number(&layer->params, PADDING) != 0;
	NnShape		kernel = {4, {0}};
	NnShape		bias = {1, {filters}};

	if (!nn_window_shape(layer, layer->params.values[KERNEL_SIZE],
						 layer->params.values[STRIDES], same, status))
		return false;
	layer->output.dim[2] = filters;
	nn_set_activation(layer, (NnActivation) params_number(&layer->params, ACTIVATION));
	kernel.dim[0] = layer->window.kernel_height;
	kernel.dim[1] = layer->window.kernel_width;
	kernel.dim[2] = layer->window.channels;
	kernel.dim[3] = filters;
	return nn_add_tensor(layer, "kernel", kernel, status) &&
		(params_number(&layer->params, USE_BIAS) == 0 ||
		 nn_add_tensor(layer, "bias", bias, status));
}

static void
conv2d_init(const NnLayer *layer, Random *random, real *weights)
{
	const NnTensor *kernel = &layer->tensors[KERNEL];
	size_t		field = (size_t) layer->window.kernel_height * layer->window.kernel_width;

	nn_initialize((NnInitializer) params_number(&layer->params, INITIALIZER), random,
				  field * layer->window.channels, field * filter_count(layer), kernel->count,
				  weights + kernel->offset);
	if (layer->ntensors > BIAS)
		memset(weights + layer->tensors[BIAS].offset, 0,
			   layer->tensors[BIAS].count * sizeof(real));
}

/* A tile of patches, one of their gradients, gradients of kernel and bias */
static size_t
conv2d_scratch(const NnLayer *layer, int n)
{
	return 2 * (size_t) tile_pixels(layer) * tap_count(layer) +
		((size_t) tap_count(layer) + 1) * filter_count(layer);
}

/*
 * The window's row ky at output pixel (y, x) of an image: where its first
 * column lies in the image, and the part [*first, *last) of its columns that
 * is inside.  NULL if the row is in the padding.
 */
static inline size_t
window_row(const NnWindow *w, int y, int x, int ky, int *first, int *last)
{
	int			row = y * w->stride_y + ky - w->pad_top;
	int			column = x * w->stride_x - w->pad_left;

	*first = column < 0 ? -column : 0;
	*last = column + w->kernel_width > w->width ? w->width - column : w->kernel_width;
	if (row < 0 || row >= w->height || *first >= *last)
	{
		*first = *last = 0;
		return 0;
	}
	return ((size_t) row * w->width + column + *first) * w->channels;
}

/* Copy the windows of count output pixels from begin on into rows. */
static void
make_patches(const NnWindow *w, const real *image, int begin, int count, real *patches)
{
	for (int p = begin; p < begin + count; p++)
	{
		for (int ky = 0; ky < w->kernel_height; ky++)
		{
			int			first;
			int			last;
			size_t		at = window_row(w, p / w->out_width, p % w->out_width, ky, &first, &last);
			size_t		lead = (size_t) first * w->channels;
			size_t		body = (size_t) (last - first) * w->channels;
			size_t		width = (size_t) w->kernel_width * w->channels;

			for (size_t i = 0; i < lead; i++)
				patches[i] = 0;
			for (size_t i = 0; i < body; i++)
				patches[lead + i] = image[at + i];
			for (size_t i = lead + body; i < width; i++)
				patches[i] = 0;
			patches += width;
		}
	}
}

/* Add the gradients of patches back to the image's. */
static void
add_patches(const NnWindow *w, const real *patches, int begin, int count, real *image)
{
	for (int p = begin; p < begin + count; p++)
	{
		for (int ky = 0; ky < w->kernel_height; ky++)
		{
			int			first;
			int			last;
			size_t		at = window_row(w, p / w->out_width, p % w->out_width, ky, &first, &last);
			size_t		lead = (size_t) first * w->channels;
			size_t		body = (size_t) (last - first) * w->channels;

			for (size_t i = 0; i < body; i++)
				image[at + i] += patches[lead + i];
			patches += (size_t) w->kernel_width * w->channels;
		}
	}
}

typedef struct ConvTask
{
	const NnLayer *layer;
	const NnPass *pass;
	const real *in;
	const real *out;
	real	   *writable_out;
	const real *before;			/* of the activation; NULL: not kept */
	real	   *writable_before;
	real	   *dout;
	real	   *din;
} ConvTask;

/* out of a tile of pixels from its patches */
static void
forward_tile(const NnLayer *layer, const NnPass *pass, const real *patches, int pixels,
			 real *out, real *before)
{
	const real *kernel = nn_tensor(layer, pass, KERNEL);
	const real *bias = layer->ntensors > BIAS ? nn_tensor(layer, pass, BIAS) : NULL;
	int			filters = filter_count(layer);
	int			taps = tap_count(layer);
	bool		relu = layer->activation == NN_RELU;

	if (is_direct(layer))
		nn_direct_forward(patches, kernel, bias, pixels, taps, filters, relu, out);
	else
	{
		for (int p = 0; p < pixels; p++)
			for (int f = 0; f < filters; f++)
				out[(size_t) p * filters + f] = bias != NULL ? bias[f] : 0;
		nn_gemm(false, false, pixels, filters, taps, 1, patches, taps, kernel, filters,
				1, out, filters);
	}
	if (before != NULL)
		memcpy(before, out, (size_t) pixels * filters * sizeof(real));
	if (!relu || !is_direct(layer))
		nn_activate(layer->activation, (size_t) pixels, (size_t) filters, out);
}

static void
forward_image(void *arg, int slice, int worker)
{
	const ConvTask *task = arg;
	const NnLayer *layer = task->layer;
	const real *image = task->in + (size_t) slice * layer->inputs;
	real	   *out = task->writable_out + (size_t) slice * layer->outputs;
	real	   *before = task->writable_before;
	real	   *patches = nn_scratch(task->pass, worker);
	int			tile = tile_pixels(layer);

	if (before != NULL)
		before += (size_t) slice * layer->outputs;
	for (int p = 0; p < pixel_count(layer); p += tile)
	{
		int			pixels = pixel_count(layer) - p < tile ? pixel_count(layer) - p : tile;

		make_patches(&layer->window, image, p, pixels, patches);
		forward_tile(layer, task->pass, patches, pixels, out + (size_t) p * filter_count(layer),
					 before == NULL ? NULL : before + (size_t) p * filter_count(layer));
	}
}

static void
conv2d_forward(const NnLayer *layer, const NnPass *pass,
			   const real *in, real *out, real *saved)
{
	ConvTask	task = {.layer = layer,.pass = pass,.in = in,.writable_out = out,.writable_before = saved};

	pool_run(pass->pool, pass->n, forward_image, &task);
}

/* Where a worker sums the gradients of kernel and bias */
static real *
gradient_sums(const NnLayer *layer, const NnPass *pass, int worker)
{
	return nn_scratch(pass, worker) + 2 * (size_t) tile_pixels(layer) * tap_count(layer);
}

/* Gradients of kernel and bias from a tile's patches and dout, added */
static void
backward_tile(const NnLayer *layer, const real *patches, const real *dout, int pixels,
			  real *sums)
{
	int			filters = filter_count(layer);
	int			taps = tap_count(layer);
	real	   *bias = sums + (size_t) taps * filters;

	if (is_direct(layer))
	{
		nn_direct_backward(patches, dout, pixels, taps, filters, sums, bias);
		return;
	}
	nn_gemm(true, false, taps, filters, pixels, 1, patches, taps, dout, filters,
			1, sums, filters);
	for (int p = 0; p < pixels; p++)
		for (int f = 0; f < filters; f++)
			bias[f] += dout[(size_t) p * filters + f];
}

static void
backward_image(void *arg, int slice, int worker)
{
	const ConvTask *task = arg;
	const NnLayer *layer = task->layer;
	const real *image = task->in + (size_t) slice * layer->inputs;
	const real *out = layer->reads_out ? task->out + (size_t) slice * layer->outputs : NULL;
	real	   *dout = task->dout + (size_t) slice * layer->outputs;
	real	   *din = task->din == NULL ? NULL : task->din + (size_t) slice * layer->inputs;
	int			tile = tile_pixels(layer);
	int			filters = filter_count(layer);
	int			taps = tap_count(layer);
	real	   *patches = nn_scratch(task->pass, worker);
	real	   *dpatches = patches + (size_t) tile * taps;

	nn_activate_backward(layer->activation, (size_t) pixel_count(layer), (size_t) filters,
						 task->before == NULL ? NULL : task->before + (size_t) slice * layer->outputs,
						 out, dout);
	if (din != NULL)
		memset(din, 0, layer->inputs * sizeof(real));
	for (int p = 0; p < pixel_count(layer); p += tile)
	{
		int			pixels = pixel_count(layer) - p < tile ? pixel_count(layer) - p : tile;
		const real *dtile = dout + (size_t) p * filters;

		make_patches(&layer->window, image, p, pixels, patches);
		backward_tile(layer, patches, dtile, pixels, gradient_sums(layer, task->pass, worker));
		if (din == NULL)
			continue;
		nn_gemm(false, true, pixels, taps, filters, 1, dtile, filters,
				nn_tensor(layer, task->pass, KERNEL), filters, 0, dpatches, taps);
		add_patches(&layer->window, dpatches, p, pixels, din);
	}
}

static void
conv2d_backward(const NnLayer *layer, const NnPass *pass,
				const real *in, const real *out, const real *saved,
				real *dout, real *din)
{
	ConvTask	task = {.layer = layer,.pass = pass,.in = in,.out = out,.before = saved,
	.dout = dout,.din = din};
	int			workers = pool_threads(pass->pool);
	size_t		kernel = layer->tensors[KERNEL].count;
	size_t		count = kernel + (size_t) filter_count(layer);
	real	   *total = gradient_sums(layer, pass, 0);

	for (int w = 0; w < workers; w++)
		memset(gradient_sums(layer, pass, w), 0, count * sizeof(real));
	pool_run(pass->pool, pass->n, backward_image, &task);
	for (int w = 1; w < workers; w++)
	{
		const real *part = gradient_sums(layer, pass, w);

		for (size_t i = 0; i < count; i++)
			total[i] += part[i];
	}
	pass->sink(pass->sink_context, layer->tensors[KERNEL].offset, kernel, total);
	if (layer->ntensors > BIAS)
		pass->sink(pass->sink_context, layer->tensors[BIAS].offset,
				   layer->tensors[BIAS].count, total + kernel);
}

const NnLayerType nn_layer_conv2d = {
	.description = {"conv2d", conv2d_params, "convolution of an image of height x width x channels"},
	.shape = conv2d_shape,
	.init = conv2d_init,
	.scratch = conv2d_scratch,
	.saved = nn_saved_before,
	.forward = conv2d_forward,
	.backward = conv2d_backward
};
