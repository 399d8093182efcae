/*
 * conv_direct.c
 *	  conv2d in memory: no patches are made.
 *
 * An image is copied into a padded one, if there is padding, and convolved by
 * the loops of conv_kernels.c; the gradient of the input is a convolution of
 * the output's with the kernel turned around: one for each rest of positions by
 * the strides, or of the output's gradient spread by the strides.  Workers take
 * groups of images, large enough that a block of weights serves many pixels.
 *
 * The kernel's gradient is summed by each worker over its images, and the sums
 * are added in the workers' order; unless it is wide: then workers take slices
 * of it, each a product over the whole batch, which goes to the sink at once.
 */
#include <string.h>

#include "base/interrupt.h"
#include "kernel/gemm.h"
#include "nn/conv.h"
#include "nn/conv_kernels.h"
#include "nn/kernels.h"

/* Output pixels for which a block of weights is fetched, at least */
#define GROUP_PIXELS 128

/* Output pixels that a piece of the kernel's gradient is summed over at once */
#define GRADIENT_PIXELS 48

/* Weights above which a sum for each worker does not stay in the cache */
#define WIDE_KERNEL (160 * 1024)

/*
 * Padding as large as the window would put a frame of the output's gradient
 * (output_frame) at a negative position.
 */
bool
nn_conv_is_direct(const NnLayer *layer)
{
	const NnWindow *w = &layer->window;

	return nn_conv_filters(layer) % nn_conv_block == 0 &&
		w->pad_top < w->kernel_height && w->pad_left < w->kernel_width;
}

/* The gradient of the input goes in blocks as well, or by a plain loop. */
static bool
input_in_blocks(const NnLayer *layer)
{
	return layer->window.channels % nn_conv_block == 0;
}

static bool
is_wide(const NnLayer *layer)
{
	return layer->tensors[NN_CONV_KERNEL].count > WIDE_KERNEL;
}

/* ---- padded images ---- */

/* An image with room around it and between its pixels */
typedef struct Frame
{
	int			height;			/* of the image inside */
	int			width;
	int			channels;
	int			top;
	int			left;
	int			step_y;
	int			step_x;
	int			full_height;
	int			full_width;
} Frame;

static size_t
frame_size(const Frame *frame)
{
	return (size_t) frame->full_height * frame->full_width * frame->channels;
}

/*
 * The input as windows run over it: pt rows of zeros above and pl columns to
 * the left, and as many below and to the right as the last window reaches.
 */
static Frame
input_frame(const NnLayer *layer)
{
	const NnWindow *w = &layer->window;
	Frame		frame = {w->height, w->width, w->channels, w->pad_top, w->pad_left, 1, 1, 0, 0};
	int			height = (w->out_height - 1) * w->stride_y + w->kernel_height;
	int			width = (w->out_width - 1) * w->stride_x + w->kernel_width;

	frame.full_height = height > w->pad_top + w->height ? height :
		w->pad_top + w->height;
	frame.full_width = width > w->pad_left + w->width ? width :
		w->pad_left + w->width;
	return frame;
}

/*
 * dZ as turned windows run over it, one for each input pixel.  dZ[y][x] stands
 * at row kh - 1 - pt + y sy, column kw - 1 - pl + x sx, zeros elsewhere, so
 * that the window at (i, j) with its taps turned around sees just the outputs
 * that input (i, j) took part in.
 */
static Frame
output_frame(const NnLayer *layer)
{
	const NnWindow *w = &layer->window;
	Frame		frame = {
		w->out_height, w->out_width, nn_conv_filters(layer),
		w->kernel_height - 1 - w->pad_top, w->kernel_width - 1 - w->pad_left,
		w->stride_y, w->stride_x,
		w->height + w->kernel_height - 1, w->width + w->kernel_width - 1
	};

	return frame;
}

static bool
is_bare(const Frame *frame)
{
	return frame->full_height == frame->height &&
		frame->full_width == frame->width;
}

/* The image itself if nothing is around it, else a copy in room */
static const real *
frame_image(const Frame *frame, const real *image, real *room)
{
	if (is_bare(frame))
		return image;
	interrupt_zero(room, frame_size(frame) * sizeof(real));
	for (int y = 0; y < frame->height && !interrupt_pending(); y++)
	{
		real	   *row = room + ((size_t) (frame->top +
											y * frame->step_y) * frame->full_width + frame->left) *
		frame->channels;
		const real *from = image + (size_t) y * frame->width * frame->channels;

		if (frame->step_x == 1)
		{
			memcpy(row, from, (size_t) frame->width * frame->channels * sizeof(real));
			continue;
		}
		for (int x = 0; x < frame->width; x++)
			memcpy(row + (size_t) x * frame->step_x * frame->channels,
				   from + (size_t) x * frame->channels,
				   (size_t) frame->channels * sizeof(real));
	}
	return room;
}

/*
 * Windows over the input's frame: images [full_height][full_width][C], of
 * which a window's row is one run of kw C numbers.
 */
static NnConvView
forward_view(const NnLayer *layer)
{
	const NnWindow *w = &layer->window;
	Frame		frame = input_frame(layer);
	NnConvView	view = {.pixels = nn_conv_pixels(layer),.out_width = w->out_width,.kernel_height = w->kernel_height};

	view.run = (size_t) w->kernel_width * w->channels;
	view.row_stride = (size_t) frame.full_width * w->channels;
	view.line_stride = view.row_stride * w->stride_y;
	view.pixel_stride = (size_t) w->stride_x * w->channels;
	view.filters = (size_t) nn_conv_filters(layer);
	view.out_stride = view.filters * w->out_width;
	view.weight_stride = (size_t) nn_conv_block;
	return view;
}

/*
 * Turned windows over dZ's frame, with steps of 1: a run is kw F numbers, and
 * the "filters" are the C channels of dX.
 */
static NnConvView
input_view(const NnLayer *layer)
{
	const NnWindow *w = &layer->window;
	Frame		frame = output_frame(layer);
	NnConvView	view = {.pixels = w->height * w->width,.out_width = w->width,.kernel_height = w->kernel_height};

	view.run = (size_t) w->kernel_width * frame.channels;
	view.row_stride = view.line_stride =
		(size_t) frame.full_width * frame.channels;
	view.pixel_stride = (size_t) frame.channels;
	view.filters = (size_t) w->channels;
	view.out_stride = view.filters * w->width;
	view.weight_stride = (size_t) nn_conv_block;
	return view;
}

/* ---- dX of strides: a convolution for each rest of an input's position ---- */

/*
 * Input (i, j) takes part in output (y, x) by tap (i + pt - y sy, j + pl - x
 * sx).  So all inputs of one rest of i + pt by sy see taps of that rest alone,
 * and of dZ as many rows in turn: no zeros between dZ's pixels are multiplied.
 */
static bool
has_rests(const NnLayer *layer)
{
	return layer->window.stride_y * layer->window.stride_x > 1 &&
		input_in_blocks(layer);
}

/* How many taps of one axis have this rest */
static int
rest_taps(int kernel, int stride, int rest)
{
	return rest < kernel ? (kernel - rest + stride - 1) / stride : 0;
}

/* The first position of this rest, padding counted */
static int
rest_start(int rest, int padding, int stride)
{
	return (rest + padding * (stride - 1)) % stride;
}

/* dZ with zeros around it, as far as windows of any rest reach */
static Frame
rest_frame(const NnLayer *layer)
{
	const NnWindow *w = &layer->window;
	Frame		frame = {
		w->out_height, w->out_width, nn_conv_filters(layer),
		rest_taps(w->kernel_height, w->stride_y, 0) - 1,
		rest_taps(w->kernel_width, w->stride_x, 0) - 1, 1, 1, 0, 0
	};
	int			height = (w->height - 1 + w->pad_top) / w->stride_y + 1;
	int			width = (w->width - 1 + w->pad_left) / w->stride_x + 1;

	frame.full_height = frame.top +
		(height > w->out_height ? height : w->out_height);
	frame.full_width = frame.left +
		(width > w->out_width ? width : w->out_width);
	return frame;
}

/*
 * dX of one image and block of channels, from weights as pack_rests() leaves
 * them.  A rest without taps gets zeros: the loop has nothing to add.
 */
static void
convolve_rests(const NnLayer *layer, const real *image, const real *weights,
			   real *din)
{
	const NnWindow *w = &layer->window;
	Frame		frame = rest_frame(layer);
	size_t		filters = (size_t) frame.channels;
	NnConvView	view = {
		.row_stride = (size_t) frame.full_width * filters,
		.line_stride = (size_t) frame.full_width * filters,
		.pixel_stride = filters,
		.filters = (size_t) w->stride_x * w->channels,
		.out_stride = (size_t) w->stride_y * w->width * w->channels,
		.weight_stride = (size_t) nn_conv_block
	};

	for (int rest = 0; rest < w->stride_y * w->stride_x &&
		 !interrupt_pending(); rest++)
	{
		int			rest_y = rest / w->stride_x;
		int			rest_x = rest % w->stride_x;
		int			taps_y = rest_taps(w->kernel_height, w->stride_y, rest_y);
		int			taps_x = rest_taps(w->kernel_width, w->stride_x, rest_x);
		int			i = rest_start(rest_y, w->pad_top, w->stride_y);
		int			j = rest_start(rest_x, w->pad_left, w->stride_x);
		size_t		y = (size_t) ((i + w->pad_top) / w->stride_y + frame.top +
								  (taps_y == 0 ? 0 : 1 - taps_y));
		size_t		x = (size_t) ((j + w->pad_left) / w->stride_x + frame.left +
								  (taps_x == 0 ? 0 : 1 - taps_x));

		view.kernel_height = taps_y;
		view.run = (size_t) taps_x * filters;
		view.out_width = (w->width - j + w->stride_x - 1) / w->stride_x;
		view.pixels = view.out_width *
			((w->height - i + w->stride_y - 1) / w->stride_y);
		if (i < w->height && j < w->width)
			nn_conv_forward(&view,
							image + (y * frame.full_width + x) * filters,
							weights, NULL, false,
							din + ((size_t) i * w->width + j) * w->channels);
		weights += (size_t) taps_y * view.run * view.weight_stride;
	}
}

/* ---- scratch of a worker: packed weights (of worker 0), images, sums ---- */

static int
group_images(const NnLayer *layer, int n)
{
	int			pixels = nn_conv_pixels(layer);
	int			images = (GROUP_PIXELS + pixels - 1) / pixels;

	return images < n ? images : n;
}

static size_t
image_room(const NnLayer *layer)
{
	Frame		input = input_frame(layer);
	Frame		output = output_frame(layer);

	if (has_rests(layer))
		output = rest_frame(layer);
	return frame_size(&input) > frame_size(&output) ? frame_size(&input) :
		frame_size(&output);
}

static size_t
packed_size(const NnLayer *layer)
{
	return (layer->tensors[NN_CONV_KERNEL].count + 15) / 16 * 16;
}

static size_t
sums_size(const NnLayer *layer)
{
	return (is_wide(layer) ? 0 :
			layer->tensors[NN_CONV_KERNEL].count) + (size_t) nn_conv_filters(layer);
}

/* Channels of a slice of a wide kernel's gradient */
static int
slice_channels(const NnLayer *layer)
{
	const NnWindow *w = &layer->window;
	int			parts = w->kernel_height * w->kernel_width >= 4 ? 1 : 4;

	return w->channels % parts == 0 ? w->channels / parts : w->channels;
}

/*
 * What wide_slice() needs: columns [n Ho Wo][channels] and dK's slice
 * [channels][F].
 */
static size_t
slice_size(const NnLayer *layer, int n)
{
	size_t		channels = (size_t) slice_channels(layer);

	return is_wide(layer) ?
		channels * ((size_t) n * nn_conv_pixels(layer) +
					(size_t) nn_conv_filters(layer)) : 0;
}

/*
 * A worker's scratch, in this order:
 *   packed weights, of worker 0 only, which all workers read
 *   sums: dK [taps][F] unless it is wide, and db [F]
 *   frames of a group of images
 * Slices of a wide kernel come when sums and frames are done with, and lie
 * over both.
 */
size_t
nn_conv_direct_scratch(const NnLayer *layer, int n)
{
	size_t		images = image_room(layer) * (size_t) group_images(layer,
																   n) + sums_size(layer);
	size_t		slice = slice_size(layer, n);

	return packed_size(layer) + (images > slice ? images : slice);
}

static real *
worker_sums(const NnConvTask *task, int worker)
{
	return nn_scratch(task->pass, worker) + packed_size(task->layer);
}

static real *
worker_images(const NnConvTask *task, int worker)
{
	return worker_sums(task, worker) + sums_size(task->layer);
}

/* ---- forward ---- */

/* [taps][F] to F / block pieces of [taps][block], once a forward pass */
static void
pack_kernel(const NnLayer *layer, const real *kernel, real *packed)
{
	int			filters = nn_conv_filters(layer);
	int			taps = nn_conv_taps(layer);

	for (int f = 0; f < filters; f += nn_conv_block)
		for (int t = 0; t < taps; t++, packed += nn_conv_block)
			memcpy(packed, kernel + (size_t) t * filters + f,
				   (size_t) nn_conv_block * sizeof(real));
}

/* Groups of equal size, as many for each worker */
static int
group_count(const NnConvTask *task)
{
	int			n = task->pass->n;
	int			size = group_images(task->layer, n);

	return pool_even_slices(task->pass->pool, (n + size - 1) / size, n);
}

/*
 * A group's images for one block of filters after the other: the block's
 * weights stay in the cache while they serve GROUP_PIXELS pixels.  relu is
 * part of the loop, other activations follow.
 */
static void
forward_group(void *arg, int slice, int worker)
{
	const NnConvTask *task = arg;
	const NnLayer *layer = task->layer;
	const real *packed = nn_scratch(task->pass, 0);
	const real *bias = layer->ntensors > NN_CONV_BIAS ?
	nn_tensor(layer, task->pass, NN_CONV_BIAS) : NULL;
	NnConvView	view = forward_view(layer);
	Frame		frame = input_frame(layer);
	real	   *room = worker_images(task, worker);
	bool		relu = layer->activation == NN_RELU;
	size_t		block = (size_t) nn_conv_taps(layer) * nn_conv_block;
	int			begin;
	int			end;

	nn_conv_group_range(task, group_count(task), slice, &begin, &end);
	for (int i = begin; i < end && !interrupt_pending(); i++)
		(void) frame_image(&frame, task->in + (size_t) i * layer->inputs,
						   room + (size_t) (i - begin) * frame_size(&frame));
	for (size_t f = 0; f < view.filters && !interrupt_pending();
		 f += (size_t) nn_conv_block)
	{
		for (int i = begin; i < end && !interrupt_pending(); i++)
			nn_conv_forward(&view,
							is_bare(&frame) ?
							task->in + (size_t) i * layer->inputs :
							room + (size_t) (i - begin) * frame_size(&frame),
							packed + f / (size_t) nn_conv_block * block,
							bias == NULL ? NULL : bias + f, relu,
							task->writable_out + (size_t) i * layer->outputs + f);
	}
	for (int i = begin; i < end && !interrupt_pending(); i++)
		nn_conv_finish_image(task, i, relu);
}

void
nn_conv_direct_forward(const NnConvTask *task)
{
	pack_kernel(task->layer, nn_tensor(task->layer, task->pass, NN_CONV_KERNEL),
				nn_scratch(task->pass, 0));
	pool_run(task->pass->pool, group_count(task), forward_group, (void *) task);
}

/* ---- backward ---- */

/*
 * [kh][kw][C][F] to C / block pieces of [kh][kw][F][block], the window's taps
 * in reverse order: the weights of dX as a convolution of dZ.
 */
static void
pack_turned(const NnLayer *layer, const real *kernel, real *packed)
{
	const NnWindow *w = &layer->window;
	size_t		filters = (size_t) nn_conv_filters(layer);
	int			taps = w->kernel_height * w->kernel_width;

	for (int c = 0; c < w->channels; c += nn_conv_block)
		for (int t = taps - 1; t >= 0;
			 t--, packed += filters * (size_t) nn_conv_block)
			nn_conv_turn(kernel + ((size_t) t * w->channels + c) * filters,
						 filters, packed);
}

/* The same for each rest, rests in their order */
static void
pack_rests(const NnLayer *layer, const real *kernel, real *packed)
{
	const NnWindow *w = &layer->window;
	size_t		filters = (size_t) nn_conv_filters(layer);
	int			rests = w->stride_y * w->stride_x;
	int			taps = w->kernel_height * w->kernel_width;

	for (int i = 0; i < w->channels / nn_conv_block * rests; i++)
		for (int t = taps - 1; t >= 0; t--)
		{
			int			rest = t / w->kernel_width % w->stride_y * w->stride_x +
			t % w->kernel_width % w->stride_x;

			if (rest != i % rests)
				continue;
			nn_conv_turn(kernel + ((size_t) t * w->channels +
								   (size_t) (i / rests) * nn_conv_block) *
						 filters, filters, packed);
			packed += filters * (size_t) nn_conv_block;
		}
}

/*
 * dX of an input whose channels go in no blocks: few, as a picture's.  The sum
 * of the file head's dX, one input pixel and channel after the other.
 */
static void
conv_input_gradient(const NnConvTask *task, const NnConvView *view,
					const real *frame, real *din)
{
	const NnWindow *w = &task->layer->window;
	const real *kernel = nn_tensor(task->layer, task->pass, NN_CONV_KERNEL);
	int			filters = nn_conv_filters(task->layer);
	int			last = w->kernel_height * w->kernel_width - 1;

	for (int p = 0; p < view->pixels && !interrupt_pending_at((size_t) p); p++)
	{
		const real *window = frame + (size_t) (p / w->width) * view->line_stride +
		(size_t) (p % w->width) * view->pixel_stride;

		for (int c = 0; c < w->channels; c++)
		{
			real		sum = 0;

			for (int t = 0; t <= last; t++)
			{
				const real *d =
				window + (size_t) (t / w->kernel_width) * view->row_stride +
				(size_t) (t % w->kernel_width) * filters;
				const real *k =
				kernel + ((size_t) (last - t) * w->channels + c) * filters;

				for (int f = 0; f < filters; f++)
					sum += d[f] * k[f];
			}
			din[(size_t) p * w->channels + c] = sum;
		}
	}
}

/*
 * dK [taps][F] of this worker += those of image i, a few output rows at a
 * time:  each tap reads their part of dZ again, which then is in the cache.
 */
static void
sum_gradients(const NnConvTask *task, int i, int worker)
{
	const NnLayer *layer = task->layer;
	NnConvView	view = forward_view(layer);
	Frame		frame = input_frame(layer);
	const real *image = frame_image(&frame,
									task->in + (size_t) i * layer->inputs,
									worker_images(task, worker));
	const real *dout = task->dout + (size_t) i * layer->outputs;
	int			rows = (GRADIENT_PIXELS + view.out_width - 1) / view.out_width;
	int			height = layer->window.out_height;

	for (int y = 0; y < height && !interrupt_pending(); y += rows)
		nn_conv_gradient(&view, image, dout, y, y + rows < height ? y + rows :
						 height, worker_sums(task, worker));
}

/*
 * dZ, db and dK of a group's images, then dX.  dout is changed in place and
 * read again for dX: both loops go over all images of the group.  A worker's
 * first group has its own number: there it clears its sums.
 */
static void
backward_group(void *arg, int slice, int worker)
{
	const NnConvTask *task = arg;
	const NnLayer *layer = task->layer;
	const real *packed = nn_scratch(task->pass, 0);
	real	   *dbias = worker_sums(task,
									worker) + sums_size(layer) - (size_t) nn_conv_filters(layer);
	real	   *room = worker_images(task, worker);
	NnConvView	view = input_view(layer);
	Frame		frame = has_rests(layer) ? rest_frame(layer) :
	output_frame(layer);
	size_t		block = (size_t) (nn_conv_taps(layer) / layer->window.channels) *
	(size_t) (nn_conv_filters(layer) * nn_conv_block);
	int			begin;
	int			end;

	if (slice == worker)
		interrupt_zero(worker_sums(task, worker),
					   sums_size(layer) * sizeof(real));
	nn_conv_group_range(task, group_count(task), slice, &begin, &end);
	for (int i = begin; i < end && !interrupt_pending(); i++)
	{
		nn_conv_activation_backward(task, i, dbias);
		if (!is_wide(layer))
			sum_gradients(task, i, worker);
	}
	if (task->din == NULL)
		return;
	for (int i = begin; i < end && !interrupt_pending(); i++)
	{
		const real *image = frame_image(&frame,
										task->dout + (size_t) i * layer->outputs,
										room + (size_t) (i -
														 begin) * frame_size(&frame));

		if (!input_in_blocks(layer))
			conv_input_gradient(task, &view, image,
								task->din + (size_t) i * layer->inputs);
	}
	for (size_t c = 0; c < view.filters && input_in_blocks(layer) &&
		 !interrupt_pending(); c += (size_t) nn_conv_block)
	{
		const real *weights = packed + c / (size_t) nn_conv_block * block;

		for (int i = begin; i < end && !interrupt_pending(); i++)
		{
			const real *image = is_bare(&frame) ?
			task->dout + (size_t) i * layer->outputs :
			room + (size_t) (i - begin) * frame_size(&frame);
			real	   *din = task->din + (size_t) i * layer->inputs + c;

			if (has_rests(layer))
				convolve_rests(layer, image, weights, din);
			else
				nn_conv_forward(&view, image, weights, NULL, false, din);
		}
	}
}

/*
 * [n Ho Wo][channels]: what one position of the window sees of some channels,
 * for all output pixels of the batch
 */
static void
gather_tap(const NnConvTask *task, int tap, int first, int channels,
		   real *patches)
{
	const NnWindow *w = &task->layer->window;

	for (int i = 0; i < task->pass->n && !interrupt_pending(); i++)
	{
		const real *image = task->in + (size_t) i * task->layer->inputs;

		for (int p = 0; p < nn_conv_pixels(task->layer) &&
			 !interrupt_pending_at((size_t) p); p++, patches += channels)
		{
			int			y = p / w->out_width * w->stride_y + tap / w->kernel_width - w->pad_top;
			int			x = p % w->out_width * w->stride_x + tap % w->kernel_width - w->pad_left;

			if (y < 0 || y >= w->height || x < 0 || x >= w->width)
				memset(patches, 0, (size_t) channels * sizeof(real));
			else
				memcpy(patches,
					   image + ((size_t) y * w->width +
								x) * w->channels + first,
					   (size_t) channels * sizeof(real));
		}
	}
}

/*
 * A slice of a wide kernel's gradient over the whole batch: for one position
 * of the window, dK[channels][F] = columns' dZ.
 */
static void
wide_slice(void *arg, int slice, int worker)
{
	const NnConvTask *task = arg;
	const NnLayer *layer = task->layer;
	int			channels = slice_channels(layer);
	int			parts = layer->window.channels / channels;
	int			first = slice % parts * channels;
	int			filters = nn_conv_filters(layer);
	int			pixels = task->pass->n * nn_conv_pixels(layer);
	real	   *patches = nn_scratch(task->pass, worker) + packed_size(layer);
	real	   *gradient = patches + (size_t) pixels * channels;

	gather_tap(task, slice / parts, first, channels, patches);
	nn_gemm(true, false, channels, filters, pixels, 1, patches, channels,
			task->dout, filters, 0, gradient, filters);
	task->pass->sink(task->pass->sink_context,
					 layer->tensors[NN_CONV_KERNEL].offset +
					 ((size_t) (slice / parts) * layer->window.channels +
					  first) * filters,
					 (size_t) channels * filters, gradient);
}

/*
 * db goes to the sink before the slices begin, whose scratch lies over the
 * sums.
 */
static void
wide_gradients(const NnConvTask *task)
{
	const NnLayer *layer = task->layer;
	const NnPass *pass = task->pass;
	const NnWindow *w = &layer->window;
	real	   *bias = worker_sums(task, 0);
	int			workers = nn_conv_summing_workers(task, group_count(task));

	for (int worker = 1; worker < workers; worker++)
		nn_add_to((size_t) nn_conv_filters(layer), worker_sums(task, worker),
				  bias);
	if (layer->ntensors > NN_CONV_BIAS)
		pass->sink(pass->sink_context, layer->tensors[NN_CONV_BIAS].offset,
				   layer->tensors[NN_CONV_BIAS].count, bias);
	pool_run(pass->pool, w->kernel_height * w->kernel_width * (w->channels / slice_channels(layer)),
			 wide_slice, (void *) task);
}

/*
 * The turned weights are packed only if dX is needed and goes in blocks;
 * worker 0's scratch holds them while groups run.
 */
void
nn_conv_direct_backward(const NnConvTask *task)
{
	const NnLayer *layer = task->layer;
	const NnPass *pass = task->pass;

	if (task->din != NULL && has_rests(layer))
		pack_rests(layer, nn_tensor(layer, pass, NN_CONV_KERNEL),
				   nn_scratch(pass, 0));
	else if (task->din != NULL && input_in_blocks(layer))
		pack_turned(layer, nn_tensor(layer, pass, NN_CONV_KERNEL),
					nn_scratch(pass, 0));
	pool_run(pass->pool, group_count(task), backward_group, (void *) task);
	if (is_wide(layer))
		wide_gradients(task);
	else
		nn_conv_sink_sums(task, worker_sums(task, 0), pass->scratch_size,
						  group_count(task));
}
