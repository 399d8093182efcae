/*
 * conv_winograd.c
 *	  conv2d of 3 x 3 windows by Winograd's F(4 x 4, 3 x 3).
 *
 * Workers take groups of images, and of them blocks of tiles of 4 x 4 outputs,
 * whose transforms fit the cache.  In the transformed domain each of 36 points
 * is a product over channels, which the loops of conv_kernels.c compute:
 *   M[point][tile][F] = V[point][tile][C] U[point][C][F]
 *   dU[point][C][F] += V[point][tile][C]' D[point][tile][F]
 *   N[point][tile][C] = D[point][tile][F] U'[point][F][C]
 * V and U being transforms of the input and the filters, D of dZ; windows of
 * dX are sums of N, and overlap: they are added where they lie.  (dX by the
 * first product, from dZ and filters turned around, takes tiles over dX, of
 * which there are more without padding, and one more transform.)  Each worker
 * sums dU over its groups; the sums are added in the workers' order.
 *
 * A tile takes 36 products instead of 144.  This way is taken for strides of 1,
 * 32 or more channels and filters, both in whole blocks, and at most 512 x 512
 * of them, if the pass has 64 tiles or more, whose edges waste no more than half
 * of their outputs.  The transformed kernel is four times its size, and so is each
 * worker's sum of its gradient: above 256 x 256 they leave the cache, 38 MB each
 * of 512 x 512, and still take 0.58 of the time of the loops in memory.
 *
 * The points are 0, +-5/8, +-3/2 and infinity.  An output's error is twice that
 * in memory, 7.8e-7 of the outputs' size against 4.2e-7 with 64 channels, 2.3e-6
 * against 1.0e-6 with 512 (test_layers), and is relative to the largest numbers of a tile of 6 x 6: one
 * huge or infinite number, or NaN, reaches all of its outputs and not only those
 * whose window has it.
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/conv.h"
#include "nn/conv_kernels.h"
#include "nn/kernels.h"
#include "nn/winograd_kernels.h"

/* Numbers of transformed tiles that the cache shall hold */
#define BLOCK_NUMBERS (96 * 1024)

/* The fewest tiles of a block: each block reads all of U */
#define MIN_TILES 24
#define MAX_TILES 48

/* Weights of a slice that hands over the gradient, about */
#define SLICE_NUMBERS 1024

/* From here on products outweigh the transforms of tiles, and of filters */
#define MIN_CHANNELS 32
#define MAX_KERNEL (512 * 512)
#define MIN_BATCH_TILES 64

/* A convolution with padding and steps of 1 */
typedef struct Plane
{
	int			height;
	int			width;
	int			channels;
	int			top;			/* padding */
	int			left;
	int			out_height;
	int			out_width;
	int			filters;
	const real *points;			/* U */
} Plane;

static Plane
forward_plane(const NnLayer *layer)
{
	const NnWindow *w = &layer->window;
	Plane		plane = {
		w->height, w->width, w->channels, w->pad_top, w->pad_left,
		w->out_height, w->out_width, nn_conv_filters(layer), NULL
	};

	return plane;
}

static int
tiles_wide(const Plane *plane)
{
	return (plane->out_width + WINOGRAD_TILE - 1) / WINOGRAD_TILE;
}

static int
plane_tiles(const Plane *plane)
{
	return (plane->out_height + WINOGRAD_TILE - 1) / WINOGRAD_TILE *
		tiles_wide(plane);
}

/* Half of the multiplications must be saved, edges of tiles counted. */
bool
nn_conv_is_winograd(const NnLayer *layer, int n)
{
	const NnWindow *w = &layer->window;
	Plane		plane = forward_plane(layer);
	size_t		tiles = (size_t) plane_tiles(&plane);

	return w->kernel_height == 3 && w->kernel_width == 3 &&
		w->stride_y == 1 && w->stride_x == 1 &&
		w->pad_top <= 2 && w->pad_left <= 2 &&
		plane.channels % nn_conv_block == 0 &&
		plane.filters % nn_conv_block == 0 &&
		plane.channels >= MIN_CHANNELS && plane.filters >= MIN_CHANNELS &&
		(size_t) plane.channels * (size_t) plane.filters <= MAX_KERNEL &&
		(size_t) nn_conv_pixels(layer) >= 8 * tiles &&
		(size_t) n * tiles >= MIN_BATCH_TILES;
}

/* ---- scratch of a worker ---- */

size_t
nn_conv_winograd_points(const NnLayer *layer)
{
	return (size_t) WINOGRAD_POINTS * layer->window.channels *
		nn_conv_filters(layer);
}

static size_t
both_channels(const NnLayer *layer)
{
	return (size_t) layer->window.channels + (size_t) nn_conv_filters(layer);
}

static int
block_tiles(const NnLayer *layer)
{
	int			tiles = (int) (BLOCK_NUMBERS /
							   (WINOGRAD_POINTS * both_channels(layer)));

	return tiles < MIN_TILES ? MIN_TILES : tiles > MAX_TILES ? MAX_TILES : tiles;
}

/*
 * Numbers from one point of a block's tiles to the next: the points of a tile,
 * which its transform writes together, shall lie in different sets of the
 * cache.
 */
static size_t
point_stride(int count, size_t channels)
{
	return (size_t) count * channels + (size_t) nn_conv_block;
}

/*
 * In this order: U, of worker 0 only, which all workers read; dU; db; a pixel
 * of zeros; one that is written and not read; tiles of a block.  Tiles are
 * those of V and D, N taking V's place, or of V and one block of M, or a block
 * of turned filters.
 */
typedef struct Room
{
	real	   *du;
	real	   *db;
	real	   *zeros;
	real	   *dump;
	real	   *tiles;
} Room;

static Room
worker_room(const NnConvTask *task, int worker)
{
	const NnLayer *layer = task->layer;
	Room		room;

	room.du = nn_scratch(task->pass, worker) + nn_conv_winograd_points(layer);
	room.db = room.du + nn_conv_winograd_points(layer);
	room.zeros = room.db + nn_conv_filters(layer);
	room.dump = room.zeros + both_channels(layer);
	room.tiles = room.dump + both_channels(layer);
	return room;
}

size_t
nn_conv_winograd_scratch(const NnLayer *layer)
{
	return 2 * nn_conv_winograd_points(layer) + (size_t) nn_conv_filters(layer) +
		2 * both_channels(layer) +
		WINOGRAD_POINTS *
		(point_stride(block_tiles(layer), (size_t) layer->window.channels) +
		 point_stride(block_tiles(layer), (size_t) nn_conv_filters(layer)));
}

/* ---- filters ---- */

typedef struct FilterTask
{
	const NnLayer *layer;
	const real *kernel;
	real	   *points;
} FilterTask;

/* U[point][F / block][C][block], a block of filters */
static void
transform_filters(void *arg, int slice, int worker)
{
	const FilterTask *task = arg;
	size_t		channels = (size_t) task->layer->window.channels;
	size_t		filters = (size_t) nn_conv_filters(task->layer);
	size_t		block = (size_t) nn_conv_block;

	nn_winograd_filters(task->kernel + (size_t) slice * block,
						channels * filters, filters, channels,
						task->points + (size_t) slice * channels * block,
						channels * filters);
}

void
nn_conv_winograd_prepare(const NnLayer *layer, const NnPass *pass, real *points)
{
	FilterTask	task = {
		layer, nn_tensor(layer, pass, NN_CONV_KERNEL), points
	};

	pool_run(pass->pool, nn_conv_filters(layer) / nn_conv_block,
			 transform_filters, &task);
}

/*
 * U'[point][C / block][F][block], a block of channels, whose taps go to
 * [9][F][block] first
 */
static void
transform_turned(void *arg, int slice, int worker)
{
	const NnConvTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		channels = (size_t) layer->window.channels;
	size_t		filters = (size_t) nn_conv_filters(layer);
	size_t		block = (size_t) nn_conv_block;
	const real *kernel = nn_tensor(layer, task->pass, NN_CONV_KERNEL);
	real	   *turned = worker_room(task, worker).tiles;

	for (size_t tap = 0; tap < 9; tap++)
		nn_conv_turn(kernel + (tap * channels + (size_t) slice * block) *
					 filters, filters, turned + tap * filters * block);
	nn_winograd_filters(turned, filters * block, block, filters,
						nn_scratch(task->pass, 0) +
						(size_t) slice * filters * block, channels * filters);
}

/* ---- tiles ---- */

/*
 * Pixels of a square of size x size from (y, x) on of an image; outside:
 * beside
 */
static void
square_pixels(const real *image, int height, int width, int channels,
			  int y, int x, int size, const real *beside, const real **pixels)
{
	bool		inside = x >= 0 && x + size <= width;

	for (int row = y; row < y + size; row++)
	{
		const real *line = image + ((long) row * width + x) * channels;

		if (row < 0 || row >= height)
			for (int i = 0; i < size; i++)
				*pixels++ = beside;
		else if (inside)
			for (int i = 0; i < size; i++)
				*pixels++ = line + i * channels;
		else
			for (int i = 0; i < size; i++)
				*pixels++ = x + i < 0 || x + i >= width ? beside :
					line + i * channels;
	}
}

/* Numbers that are fetched together */
#define LINE_NUMBERS ((size_t) (64 / sizeof(real)))

/* Tile number t of images, that of the first image being 0 */
typedef struct Tile
{
	size_t		image;
	int			y;				/* its first output */
	int			x;
} Tile;

static Tile
find_tile(const Plane *plane, int t)
{
	int			tiles = plane_tiles(plane);
	int			wide = tiles_wide(plane);
	Tile		tile = {
		(size_t) (t / tiles),
		t % tiles / wide * WINOGRAD_TILE, t % tiles % wide * WINOGRAD_TILE
	};

	return tile;
}

/*
 * Pixels of the inputs of tile number t, and of its outputs, outside: beside.
 * They are fetched: a tile before they are read or written.
 */
static void
input_pixels(const Plane *plane, const real *images, int t, const real *beside,
			 const real **pixels)
{
	Tile		tile = find_tile(plane, t);
	size_t		channels = (size_t) plane->channels;

	square_pixels(images + tile.image * (size_t) plane->height * plane->width *
				  channels, plane->height, plane->width, plane->channels,
				  tile.y - plane->top, tile.x - plane->left, WINOGRAD_WINDOW,
				  beside, pixels);
	for (int i = 0; i < WINOGRAD_POINTS; i++)
		for (size_t c = 0; c < channels; c += LINE_NUMBERS)
			__builtin_prefetch(pixels[i] + c);
}

/* V[point][count][C] of tiles [first, first + count) */
static void
transform_input(const Plane *plane, const real *images, int first, int count,
				const Room *room, real *v)
{
	size_t		channels = (size_t) plane->channels;
	const real *pixels[2][WINOGRAD_POINTS];

	input_pixels(plane, images, first, room->zeros, pixels[0]);
	for (int t = 0; t < count; t++)
	{
		if (t + 1 < count)
			input_pixels(plane, images, first + t + 1, room->zeros,
						 pixels[(t + 1) % 2]);
		nn_winograd_input(pixels[t % 2], channels, v + (size_t) t * channels,
						  point_stride(count, channels));
	}
}

/* D[point][count][F] of dZ's tiles */
static void
transform_output_gradient(const Plane *plane, const real *images, int first,
						  int count, const Room *room, real *d)
{
	size_t		filters = (size_t) plane->filters;
	size_t		size = (size_t) plane->out_height * plane->out_width * filters;
	const real *pixels[WINOGRAD_TILE * WINOGRAD_TILE];

	for (int t = 0; t < count; t++)
	{
		Tile		tile = find_tile(plane, first + t);

		square_pixels(images + tile.image * size, plane->out_height,
					  plane->out_width, plane->filters, tile.y, tile.x,
					  WINOGRAD_TILE, room->zeros, pixels);
		nn_winograd_output_gradient(pixels, filters, d + (size_t) t * filters,
									point_stride(count, filters));
	}
}

/* The same of tile number t's outputs, to be written */
static void
output_pixels(const Plane *plane, const real *images, int t, const real *beside,
			  const real **pixels)
{
	Tile		tile = find_tile(plane, t);

	square_pixels(images + tile.image * (size_t) plane->out_height *
				  plane->out_width * plane->filters, plane->out_height,
				  plane->out_width, plane->filters, tile.y, tile.x,
				  WINOGRAD_TILE, beside, pixels);
	for (int i = 0; i < WINOGRAD_TILE * WINOGRAD_TILE; i++)
		__builtin_prefetch(pixels[i], 1);
}

/* One block of filters of the tiles' outputs, from M[point][count][block] */
static void
transform_output(const Plane *plane, const real *m, int first, int count,
				 const Room *room, const real *bias, bool relu, real *images)
{
	size_t		block = (size_t) nn_conv_block;
	const real *pixels[2][WINOGRAD_TILE * WINOGRAD_TILE];

	output_pixels(plane, images, first, room->dump, pixels[0]);
	for (int t = 0; t < count; t++)
	{
		if (t + 1 < count)
			output_pixels(plane, images, first + t + 1, room->dump,
						  pixels[(t + 1) % 2]);
		nn_winograd_output(m + (size_t) t * block, point_stride(count, block),
						   bias, relu, (real *const *) pixels[t % 2]);
	}
}

/* A point's products, of rows of channels numbers with a block of filters */
static NnConvView
point_view(int rows, size_t channels, size_t filters)
{
	NnConvView	view = {
		.pixels = rows,.out_width = rows,.kernel_height = 1,.run = channels,
		.pixel_stride = channels,.filters = filters,
		.weight_stride = (size_t) nn_conv_block
	};

	return view;
}

/* Tiles of the next block of some, so that blocks are as good as equal */
static int
next_tiles(const NnLayer *layer, int left)
{
	int			most = block_tiles(layer);
	int			blocks = (left + most - 1) / most;

	return (left + blocks - 1) / blocks;
}

/* out = bias + the convolution of so many images, relu or not */
static void
convolve(const NnConvTask *task, const Plane *plane, int images,
		 const real *in, const real *bias, bool relu, real *out, int worker)
{
	Room		room = worker_room(task, worker);
	size_t		channels = (size_t) plane->channels;
	size_t		filters = (size_t) plane->filters;
	size_t		block = (size_t) nn_conv_block;
	int			tiles = images * plane_tiles(plane);

	for (int t = 0, count; t < tiles && !interrupt_pending(); t += count)
	{
		size_t		v_stride;
		real	   *m;
		NnConvView	view;

		count = next_tiles(task->layer, tiles - t);
		v_stride = point_stride(count, channels);
		m = room.tiles + WINOGRAD_POINTS * v_stride;
		view = point_view(count, channels, block);
		transform_input(plane, in, t, count, &room, room.tiles);
		for (size_t f = 0; f < filters && !interrupt_pending(); f += block)
		{
			for (size_t p = 0; p < WINOGRAD_POINTS; p++)
				nn_conv_forward(&view,
								room.tiles + p * v_stride,
								plane->points + (p * filters + f) * channels,
								NULL, false,
								m + p * point_stride(count, block));
			transform_output(plane, m, t, count, &room,
							 bias == NULL ? NULL : bias + f, relu, out + f);
		}
	}
}

/* dU of this worker += V' D of a block's tiles */
static void
sum_gradients(const NnConvTask *task, int count, const real *v, const real *d,
			  real *du)
{
	size_t		channels = (size_t) task->layer->window.channels;
	size_t		filters = (size_t) nn_conv_filters(task->layer);
	NnConvView	view = point_view(count, channels, filters);

	for (size_t p = 0; p < WINOGRAD_POINTS && !interrupt_pending(); p++)
		nn_conv_gradient(&view, v + p * point_stride(count, channels),
						 d + p * point_stride(count, filters), 0, 1,
						 du + p * channels * filters);
}

/*
 * Zeros in those rows of dX that windows of tiles [first, first + count) are
 * the first to reach: a row of tiles goes two rows further than the next begins.
 */
static void
clear_rows(const Plane *plane, int first, int count, real *din)
{
	size_t		line = (size_t) plane->width * plane->channels;

	for (int t = first; t < first + count; t++)
	{
		Tile		tile = find_tile(plane, t);
		int			end = tile.y - plane->top + WINOGRAD_WINDOW;
		int			begin = tile.y == 0 ? 0 : end - WINOGRAD_TILE;

		if (tile.x > 0)
			continue;
		if (end > plane->height)
			end = plane->height;
		if (begin < end)
			memset(din + (tile.image * plane->height + (size_t) begin) * line, 0,
				   (size_t) (end - begin) * line * sizeof(real));
	}
}

/* Pixels of one block of channels that a tile's window has in dX */
static void
window_pixels(const Plane *plane, real *din, int t, real *beside,
			  const real **pixels)
{
	Tile		tile = find_tile(plane, t);

	square_pixels(din + tile.image * (size_t) plane->height * plane->width *
				  plane->channels, plane->height, plane->width, plane->channels,
				  tile.y - plane->top, tile.x - plane->left, WINOGRAD_WINDOW,
				  beside, pixels);
	for (int i = 0; i < WINOGRAD_POINTS; i++)
		__builtin_prefetch(pixels[i], 1);
}

/* dX of tiles [first, first + count) from their D; room for a block of N */
static void
add_input_gradient(const NnConvTask *task, const Plane *plane, int first,
				   int count, const real *d, const Room *room, real *n,
				   real *din)
{
	size_t		filters = (size_t) plane->filters;
	size_t		block = (size_t) nn_conv_block;
	size_t		stride = point_stride(count, block);
	NnConvView	view = point_view(count, filters, block);
	const real *turned = nn_scratch(task->pass, 0);
	const real *pixels[2][WINOGRAD_POINTS];

	clear_rows(plane, first, count, din);
	for (size_t c = 0; c < plane->channels && !interrupt_pending(); c += block)
	{
		for (size_t p = 0; p < WINOGRAD_POINTS; p++)
			nn_conv_forward(&view, d + p * point_stride(count, filters),
							turned + (p * plane->channels + c) * filters, NULL,
							false, n + p * stride);
		window_pixels(plane, din + c, first, room->dump, pixels[0]);
		for (int t = 0; t < count; t++)
		{
			if (t + 1 < count)
				window_pixels(plane, din + c, first + t + 1, room->dump,
							  pixels[(t + 1) % 2]);
			nn_winograd_input_gradient(n + (size_t) t * block, stride,
									   (real *const *) pixels[t % 2]);
		}
	}
}

/* dU and, unless din is NULL, dX of so many images */
static void
gradients(const NnConvTask *task, int images, const real *in, const real *dout,
		  real *din, int worker)
{
	const NnLayer *layer = task->layer;
	Plane		plane = forward_plane(layer);
	Room		room = worker_room(task, worker);
	int			tiles = images * plane_tiles(&plane);

	for (int t = 0, count; t < tiles && !interrupt_pending(); t += count)
	{
		real	   *v = room.tiles;
		real	   *d;

		count = next_tiles(layer, tiles - t);
		d = v + WINOGRAD_POINTS * point_stride(count, (size_t) plane.channels);
		transform_input(&plane, in, t, count, &room, v);
		transform_output_gradient(&plane, dout, t, count, &room, d);
		sum_gradients(task, count, v, d, room.du);
		if (din != NULL)
			add_input_gradient(task, &plane, t, count, d, &room, v, din);
	}
}

/* ---- the layer ---- */

/*
 * Groups of images that together have the tiles of a block at most, as many for
 * each worker
 */
static int
group_count(const NnConvTask *task)
{
	Plane		plane = forward_plane(task->layer);
	int			tiles = plane_tiles(&plane);
	int			images = (block_tiles(task->layer) + tiles - 1) / tiles;
	int			n = task->pass->n;

	return pool_even_slices(task->pass->pool, (n + images - 1) / images, n);
}

static void
forward_group(void *arg, int slice, int worker)
{
	const NnConvTask *task = arg;
	const NnLayer *layer = task->layer;
	Plane		plane = forward_plane(layer);
	bool		relu = layer->activation == NN_RELU;
	int			begin;
	int			end;

	plane.points = nn_prepared(layer, task->pass) != NULL ?
		nn_prepared(layer, task->pass) : nn_scratch(task->pass, 0);
	nn_conv_group_range(task, group_count(task), slice, &begin, &end);
	convolve(task, &plane, end - begin,
			 task->in + (size_t) begin * layer->inputs,
			 layer->ntensors > NN_CONV_BIAS ?
			 nn_tensor(layer, task->pass, NN_CONV_BIAS) : NULL, relu,
			 task->writable_out + (size_t) begin * layer->outputs, worker);
	for (int i = begin; i < end && !interrupt_pending(); i++)
		nn_conv_finish_image(task, i, relu);
}

static void
clear_rooms(const NnConvTask *task)
{
	for (int worker = 0; worker < pool_threads(task->pass->pool); worker++)
		memset(worker_room(task, worker).zeros, 0,
			   both_channels(task->layer) * sizeof(real));
}

void
nn_conv_winograd_forward(const NnConvTask *task)
{
	clear_rooms(task);
	if (nn_prepared(task->layer, task->pass) == NULL)
		nn_conv_winograd_prepare(task->layer, task->pass,
								 nn_scratch(task->pass, 0));
	pool_run(task->pass->pool, group_count(task), forward_group, (void *) task);
}

/*
 * dZ, db, dU and dX of a group's images.  A worker's first group has its
 * own number: there it clears its sums, for itself.
 */
static void
backward_group(void *arg, int slice, int worker)
{
	const NnConvTask *task = arg;
	const NnLayer *layer = task->layer;
	Room		room = worker_room(task, worker);
	int			begin;
	int			end;

	if (slice == worker)
		interrupt_zero(room.du, (nn_conv_winograd_points(layer) +
								 (size_t) nn_conv_filters(layer)) * sizeof(real));
	nn_conv_group_range(task, group_count(task), slice, &begin, &end);
	for (int i = begin; i < end && !interrupt_pending(); i++)
		nn_conv_activation_backward(task, i, room.db);
	gradients(task, end - begin, task->in + (size_t) begin * layer->inputs,
			  task->dout + (size_t) begin * layer->outputs,
			  task->din == NULL ? NULL :
			  task->din + (size_t) begin * layer->inputs, worker);
}

static int
gradient_slices(const NnConvTask *task)
{
	int			channels = task->layer->window.channels;
	size_t		numbers = (size_t) channels * nn_conv_filters(task->layer);

	return pool_even_slices(task->pass->pool, (int) ((numbers + SLICE_NUMBERS - 1) / SLICE_NUMBERS),
							channels);
}

/*
 * dK[9][c][F] of some channels c, the workers' dU added, to the sink; dK lies
 * over U.
 */
static void
kernel_gradient(void *arg, int slice, int worker)
{
	const NnConvTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		filters = (size_t) nn_conv_filters(layer);
	size_t		stride = filters * layer->window.channels;
	int			workers = nn_conv_summing_workers(task, group_count(task));
	long		first;
	long		last;
	size_t		begin;
	size_t		count;
	real	   *du;
	real	   *dk;

	pool_slice(layer->window.channels, slice, gradient_slices(task), &first,
			   &last);
	begin = (size_t) first * filters;
	count = (size_t) (last - first) * filters;
	du = worker_room(task, 0).du + begin;
	dk = nn_scratch(task->pass, 0) + begin;
	for (int w = 1; w < workers; w++)
		for (size_t p = 0; p < WINOGRAD_POINTS; p++)
			nn_add_to(count, worker_room(task, w).du + begin + p * stride,
					  du + p * stride);
	nn_winograd_kernel_gradient(du, stride, count, dk, stride);
	for (size_t tap = 0; tap < 9; tap++)
		task->pass->sink(task->pass->sink_context,
						 layer->tensors[NN_CONV_KERNEL].offset + begin +
						 tap * stride, count, dk + tap * stride);
}

void
nn_conv_winograd_backward(const NnConvTask *task)
{
	const NnLayer *layer = task->layer;
	const NnPass *pass = task->pass;
	real	   *db = worker_room(task, 0).db;
	int			workers = nn_conv_summing_workers(task, group_count(task));

	clear_rooms(task);
	if (task->din != NULL)
		pool_run(pass->pool, layer->window.channels / nn_conv_block,
				 transform_turned, (void *) task);
	pool_run(pass->pool, group_count(task), backward_group, (void *) task);
	pool_run(pass->pool, gradient_slices(task), kernel_gradient, (void *) task);
	for (int worker = 1; worker < workers; worker++)
		nn_add_to((size_t) nn_conv_filters(layer), worker_room(task, worker).db,
				  db);
	if (layer->ntensors > NN_CONV_BIAS)
		pass->sink(pass->sink_context, layer->tensors[NN_CONV_BIAS].offset,
				   layer->tensors[NN_CONV_BIAS].count, db);
}
