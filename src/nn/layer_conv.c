/*
 * layer_conv.c
 *	  conv2d.
 *
 * in is [n][H][W][C], out [n][Ho][Wo][F], the kernel [kh][kw][C][F], the bias
 * [F], as Keras has them.  With strides (sy, sx) and leading padding (pt, pl)
 *   Z[y][x][f] = b[f] + sum over ky, kx, c of
 *                X[y sy + ky - pt][x sx + kx - pl][c] K[ky][kx][c][f]
 *   dK[ky][kx][c][f] = sum over images, y, x of
 *                X[y sy + ky - pt][x sx + kx - pl][c] dZ[y][x][f]
 *   db[f] = sum over images, y, x of dZ[y][x][f]
 *   dX[i][j][c] = sum over ky, kx, f of dZ[y][x][f] K[ky][kx][c][f]
 *                where y sy = i + pt - ky and x sx = j + pl - kx
 * X being 0 in the padding.
 *
 * Three ways lead there: in memory (conv_direct.c), by patches
 * (conv_patches.c) where filters do not go in blocks, and with fewer
 * multiplications (conv_winograd.c) where a batch has enough 3 x 3 windows.
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/conv.h"
#include "nn/kernels.h"

enum
{
	FILTERS, KERNEL_SIZE, STRIDES, PADDING, ACTIVATION, USE_BIAS, INITIALIZER
};

static const ParamSpec conv2d_params[] = {
	{.name = "filters",.type = PARAM_INTEGER,.required = true,.minimum = 1,.maximum = 65536,
	.comment = "channels of the output"},
	{.name = "kernel_size",.type = PARAM_SIZE2,.required = true,.minimum = 1,.maximum = 64,
	.comment = "height and width of the window"},
	{.name = "strides",.type = PARAM_SIZE2,.initial = 1,.minimum = 1,.maximum = 64,
	.comment = "steps of the window"},
	NN_PADDING_PARAM,
	{.name = "activation",.type = PARAM_CHOICE,.choices = nn_activation_names,
	.comment = "function of each output"},
	{.name = "use_bias",.type = PARAM_BOOLEAN,.initial = true,.maximum = 1,
	.comment = "add a trained number to each filter's output"},
	NN_INITIALIZER_PARAM,
	{NULL}
};

/* A kernel position of one channel is a tap: there are kh kw C of them. */
static bool
conv2d_shape(NnLayer *layer, Status *status)
{
	int			filters = (int) params_number(&layer->params, FILTERS);
	NnShape		kernel = {4, {0}};
	NnShape		bias = {1, {filters}};

	if (!nn_window_shape(layer, layer->params.values[KERNEL_SIZE],
						 layer->params.values[STRIDES],
						 (NnPadding) params_number(&layer->params, PADDING),
						 status))
		return false;
	layer->output.dim[2] = filters;
	nn_set_activation(layer, (NnActivation) params_number(&layer->params,
														  ACTIVATION));
	kernel.dim[0] = layer->window.kernel_height;
	kernel.dim[1] = layer->window.kernel_width;
	kernel.dim[2] = layer->window.channels;
	kernel.dim[3] = filters;
	return nn_add_tensor(layer, "kernel", kernel, status) &&
		(params_number(&layer->params, USE_BIAS) == 0 ||
		 nn_add_tensor(layer, "bias", bias, status));
}

/* Fans include the window, as Keras': kh kw C and kh kw F. */
static void
conv2d_init(const NnLayer *layer, Random *random, real *weights)
{
	const NnTensor *kernel = &layer->tensors[NN_CONV_KERNEL];
	size_t		field = (size_t) layer->window.kernel_height * layer->window.kernel_width;

	nn_initialize((NnInitializer) params_number(&layer->params, INITIALIZER),
				  random,
				  field * layer->window.channels,
				  field * nn_conv_filters(layer), kernel->count,
				  weights + kernel->offset);
	if (layer->ntensors > NN_CONV_BIAS)
		memset(weights + layer->tensors[NN_CONV_BIAS].offset, 0,
			   layer->tensors[NN_CONV_BIAS].count * sizeof(real));
}

/* A pass of fewer rows than n may go another way than one of n. */
size_t
nn_conv2d_scratch(const NnLayer *layer, int n)
{
	size_t		size = nn_conv_is_direct(layer) ?
	nn_conv_direct_scratch(layer, n) : nn_conv_patches_scratch(layer, n);
	size_t		winograd = nn_conv_is_winograd(layer, n) ?
	nn_conv_winograd_scratch(layer) : 0;

	return winograd > size ? winograd : size;
}

static size_t
conv2d_prepared(const NnLayer *layer, int n)
{
	return nn_conv_is_winograd(layer, n) ? nn_conv_winograd_points(layer) : 0;
}

void
nn_conv_finish_image(const NnConvTask *task, int i, bool activated)
{
	const NnLayer *layer = task->layer;
	size_t		row = (size_t) i * layer->outputs;

	if (task->writable_before != NULL)
		interrupt_copy(task->writable_before + row, task->writable_out + row,
					   layer->outputs * sizeof(real));
	if (!activated)
		nn_activate(layer->activation, (size_t) nn_conv_pixels(layer),
					(size_t) nn_conv_filters(layer), task->writable_out + row);
}

/* Pixels that are summed between looks for an interrupt */
#define SUM_PIXELS ((size_t) 1024)

void
nn_conv_activation_backward(const NnConvTask *task, int i, real *dbias)
{
	const NnLayer *layer = task->layer;
	size_t		row = (size_t) i * layer->outputs;
	size_t		filters = (size_t) nn_conv_filters(layer);
	size_t		pixels = (size_t) nn_conv_pixels(layer);

	if (!layer->masked)
		nn_activate_backward(layer->activation, pixels, filters,
							 task->before == NULL ? NULL : task->before + row,
							 layer->reads_out ? task->out + row : NULL,
							 task->dout + row);
	for (size_t p = 0; p < pixels && !interrupt_pending(); p += SUM_PIXELS)
		nn_add_rows(pixels - p < SUM_PIXELS ? pixels - p : SUM_PIXELS, filters,
					task->dout + row + p * filters, dbias);
}

void
nn_conv_group_range(const NnConvTask *task, int groups, int slice, int *begin,
					int *end)
{
	long		first;
	long		last;

	pool_slice(task->pass->n, slice, groups, &first, &last);
	*begin = (int) first;
	*end = (int) last;
}

int
nn_conv_summing_workers(const NnConvTask *task, int slices)
{
	int			threads = pool_threads(task->pass->pool);

	return slices < threads ? slices : threads;
}

/* What workers summed, and how many have */
typedef struct SumsTask
{
	const NnConvTask *task;
	real	   *sums;
	size_t		stride;
	size_t		count;
	int			workers;
} SumsTask;

/* Numbers that are added up and handed over at once */
#define SUMS_PIECE ((size_t) 4096)

static void
sink_piece(void *arg, int slice, int worker)
{
	const SumsTask *task = arg;
	const NnPass *pass = task->task->pass;
	size_t		begin = (size_t) slice * SUMS_PIECE;
	size_t		count = task->count - begin < SUMS_PIECE ?
	task->count - begin : SUMS_PIECE;

	for (int w = 1; w < task->workers; w++)
		nn_add_to(count, task->sums + (size_t) w * task->stride + begin,
				  task->sums + begin);
	pass->sink(pass->sink_context,
			   task->task->layer->tensors[NN_CONV_KERNEL].offset + begin, count,
			   task->sums + begin);
}

/* The bias lies behind the kernel, among the weights as in the sums. */
void
nn_conv_sink_sums(const NnConvTask *task, real *sums, size_t stride,
				  int slices)
{
	const NnLayer *layer = task->layer;
	SumsTask	arg = {
		task, sums, stride, 0, nn_conv_summing_workers(task, slices)
	};

	for (int i = 0; i < layer->ntensors; i++)
		arg.count += layer->tensors[i].count;
	pool_run(task->pass->pool,
			 (int) ((arg.count + SUMS_PIECE - 1) / SUMS_PIECE), sink_piece, &arg);
}

/* saved is Z [n][Ho][Wo][F] if f is not monotonic, else NULL. */
void
nn_conv2d_forward(const NnLayer *layer, const NnPass *pass,
				  const real *in, real *out, real *saved)
{
	NnConvTask	task = {.layer = layer,.pass = pass,.in = in,.writable_out = out,.writable_before = saved};

	if (nn_conv_is_winograd(layer, pass->n))
		nn_conv_winograd_forward(&task);
	else if (nn_conv_is_direct(layer))
		nn_conv_direct_forward(&task);
	else
		nn_conv_patches_forward(&task);
}

/* dout [n][Ho][Wo][F] becomes dZ in place; din is dX [n][H][W][C] or NULL. */
void
nn_conv2d_backward(const NnLayer *layer, const NnPass *pass,
				   const real *in, const real *out, const real *saved,
				   real *dout, real *din)
{
	NnConvTask	task = {.layer = layer,.pass = pass,.in = in,.out = out,.before = saved,.dout = dout,.din = din};

	if (nn_conv_is_winograd(layer, pass->n))
		nn_conv_winograd_backward(&task);
	else if (nn_conv_is_direct(layer))
		nn_conv_direct_backward(&task);
	else
		nn_conv_patches_backward(&task);
}

const NnLayerType nn_layer_conv2d = {
	.description = {"conv2d", conv2d_params, "convolution of an image of height x width x channels"},
	.shape = conv2d_shape,
	.init = conv2d_init,
	.scratch = nn_conv2d_scratch,
	.prepared = conv2d_prepared,
	.prepare = nn_conv_winograd_prepare,
	.saved = nn_saved_before,
	.forward = nn_conv2d_forward,
	.backward = nn_conv2d_backward
};
