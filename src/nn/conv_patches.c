/*
 * conv_patches.c
 *	  conv2d by patches, for any filters and strides.
 *
 * Each output pixel's window is copied into a row (im2col), for a tile of
 * pixels that fits the L2 cache, and multiplied by the kernel, which is
 * [taps][filters] as Keras stores it.  Workers take images; each sums the
 * kernel's gradient for itself, and the sums are added in the workers' order.
 */
#include <string.h>

#include "base/interrupt.h"
#include "kernel/gemm.h"
#include "nn/conv.h"

/* Elements of a tile of patches */
#define TILE_SIZE (64 * 1024)

/*
 * Output pixels whose patches are made at once: a tile [pixels][taps] and its
 * gradient are to stay in the L2 cache from copying to the product.
 */
static int
tile_pixels(const NnLayer *layer)
{
	int			pixels = TILE_SIZE / nn_conv_taps(layer);

	if (pixels < 1)
		pixels = 1;
	return pixels < nn_conv_pixels(layer) ? pixels : nn_conv_pixels(layer);
}

/* A tile of patches, one of their gradients, gradients of kernel and bias */
size_t
nn_conv_patches_scratch(const NnLayer *layer, int n)
{
	return 2 * (size_t) tile_pixels(layer) * nn_conv_taps(layer) +
		((size_t) nn_conv_taps(layer) + 1) * nn_conv_filters(layer);
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
make_patches(const NnWindow *w, const real *image, int begin, int count,
			 real *patches)
{
	for (int p = begin; p < begin + count; p++)
	{
		for (int ky = 0; ky < w->kernel_height; ky++)
		{
			int			first;
			int			last;
			size_t		at = window_row(w, p / w->out_width, p % w->out_width,
										ky, &first, &last);
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
add_patches(const NnWindow *w, const real *patches, int begin, int count,
			real *image)
{
	for (int p = begin; p < begin + count; p++)
	{
		for (int ky = 0; ky < w->kernel_height; ky++)
		{
			int			first;
			int			last;
			size_t		at = window_row(w, p / w->out_width, p % w->out_width,
										ky, &first, &last);
			size_t		lead = (size_t) first * w->channels;
			size_t		body = (size_t) (last - first) * w->channels;

			for (size_t i = 0; i < body; i++)
				image[at + i] += patches[lead + i];
			patches += (size_t) w->kernel_width * w->channels;
		}
	}
}

/* Z [pixels][F] = b + patches [pixels][taps] K [taps][F], Y = f(Z) */
static void
patches_forward_tile(const NnLayer *layer, const NnPass *pass,
					 const real *patches, int pixels, real *out, real *before)
{
	const real *kernel = nn_tensor(layer, pass, NN_CONV_KERNEL);
	const real *bias = layer->ntensors > NN_CONV_BIAS ?
	nn_tensor(layer, pass, NN_CONV_BIAS) : NULL;
	int			filters = nn_conv_filters(layer);
	int			taps = nn_conv_taps(layer);

	for (int p = 0; p < pixels; p++)
		for (int f = 0; f < filters; f++)
			out[(size_t) p * filters + f] = bias != NULL ? bias[f] : 0;
	nn_gemm(false, false, pixels, filters, taps, 1, patches, taps, kernel,
			filters, 1, out, filters);
	if (before != NULL)
		memcpy(before, out, (size_t) pixels * filters * sizeof(real));
	nn_activate(layer->activation, (size_t) pixels, (size_t) filters, out);
}

/*
 * One image, tile by tile: patches are made, multiplied and thrown away while
 * they are in the cache.
 */
static void
forward_image(void *arg, int slice, int worker)
{
	const NnConvTask *task = arg;
	const NnLayer *layer = task->layer;
	const real *image = task->in + (size_t) slice * layer->inputs;
	real	   *out = task->writable_out + (size_t) slice * layer->outputs;
	real	   *before = task->writable_before;
	real	   *patches = nn_scratch(task->pass, worker);
	int			tile = tile_pixels(layer);

	if (before != NULL)
		before += (size_t) slice * layer->outputs;
	for (int p = 0; p < nn_conv_pixels(layer) && !interrupt_pending();
		 p += tile)
	{
		int			pixels = nn_conv_pixels(layer) - p < tile ?
		nn_conv_pixels(layer) - p : tile;

		make_patches(&layer->window, image, p, pixels, patches);
		patches_forward_tile(layer, task->pass, patches, pixels,
							 out + (size_t) p * nn_conv_filters(layer),
							 before == NULL ? NULL :
							 before + (size_t) p * nn_conv_filters(layer));
	}
}

void
nn_conv_patches_forward(const NnConvTask *task)
{
	pool_run(task->pass->pool, task->pass->n, forward_image, (void *) task);
}

/* Where a worker sums the gradients of kernel and bias */
static real *
gradient_sums(const NnLayer *layer, const NnPass *pass, int worker)
{
	return nn_scratch(pass, worker) + 2 * (size_t) tile_pixels(layer) * nn_conv_taps(layer);
}

/* dK [taps][F] += patches' dZ, for a tile of pixels */
static void
backward_tile(const NnLayer *layer, const real *patches, const real *dout,
			  int pixels, real *sums)
{
	int			filters = nn_conv_filters(layer);
	int			taps = nn_conv_taps(layer);

	nn_gemm(true, false, taps, filters, pixels, 1, patches, taps, dout, filters,
			1, sums, filters);
}

/*
 * dX of a tile: the gradients of its patches, dZ K' [pixels][taps], are added
 * to the pixels that the patches were copied from (col2im).  A worker's first
 * image has its own number: there it clears its sums.
 */
static void
backward_image(void *arg, int slice, int worker)
{
	const NnConvTask *task = arg;
	const NnLayer *layer = task->layer;
	const real *image = task->in + (size_t) slice * layer->inputs;
	real	   *sums = gradient_sums(layer, task->pass, worker);
	real	   *dout = task->dout + (size_t) slice * layer->outputs;
	real	   *din = task->din == NULL ? NULL :
	task->din + (size_t) slice * layer->inputs;
	int			tile = tile_pixels(layer);
	int			filters = nn_conv_filters(layer);
	int			taps = nn_conv_taps(layer);
	real	   *patches = nn_scratch(task->pass, worker);
	real	   *dpatches = patches + (size_t) tile * taps;

	if (slice == worker)
		interrupt_zero(sums, (size_t) (taps + 1) * filters * sizeof(real));
	nn_conv_activation_backward(task, slice, sums + (size_t) taps * filters);
	if (din != NULL)
		interrupt_zero(din, layer->inputs * sizeof(real));
	for (int p = 0; p < nn_conv_pixels(layer) && !interrupt_pending();
		 p += tile)
	{
		int			pixels = nn_conv_pixels(layer) - p < tile ?
		nn_conv_pixels(layer) - p : tile;
		const real *dtile = dout + (size_t) p * filters;

		make_patches(&layer->window, image, p, pixels, patches);
		backward_tile(layer, patches, dtile, pixels, sums);
		if (din == NULL)
			continue;
		nn_gemm(false, true, pixels, taps, filters, 1, dtile, filters,
				nn_tensor(layer, task->pass, NN_CONV_KERNEL), filters, 0,
				dpatches, taps);
		add_patches(&layer->window, dpatches, p, pixels, din);
	}
}

/*
 * Workers sum dK and db over their images, and the sums are added in the
 * workers' order.
 */
void
nn_conv_patches_backward(const NnConvTask *task)
{
	const NnPass *pass = task->pass;

	pool_run(pass->pool, pass->n, backward_image, (void *) task);
	nn_conv_sink_sums(task, gradient_sums(task->layer, pass, 0),
					  pass->scratch_size, pass->n);
}
