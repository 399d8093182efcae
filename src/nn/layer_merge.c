/*
 * layer_merge.c
 *	  Layers of several inputs: add, multiply, concatenate.
 *
 * add, multiply: k inputs and the output are [n][...] of one shape.
 *   add:       Y = X1 + ... + Xk, dXi = dY
 *   multiply:  Y = X1 ... Xk, dXi = dY times the product of all others
 * Factors of multiply but the first may also be [n][1]..[1][C], one number for
 * all pixels of a channel, as in squeeze and excitation (Hu et al., 2018);
 * their dXi is summed over the pixels.
 * concatenate: inputs [n][...][Ci], output [n][...][C1 + ... + Ck]; dXi is the
 * part of dY in its channels.
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/kernels.h"
#include "nn/layer.h"

static const ParamSpec no_params[] = {
	{NULL}
};

/* ---- add and multiply ---- */

/* [1]..[1][C] beside the first input's [..][C] */
static bool
is_per_channel(const NnLayer *layer, int k)
{
	const NnShape *shape = &layer->shapes[k];

	if (shape->rank != layer->input.rank ||
		nn_channels(shape) != nn_channels(&layer->input))
		return false;
	for (int i = 0; i < shape->rank - 1; i++)
	{
		if (shape->dim[i] != 1)
			return false;
	}
	return true;
}

/*
 * [n][..] of one shape, or per channel.  Keras' layers broadcast more than
 * that.
 */
static bool
equal_shapes(NnLayer *layer, bool per_channel, Status *status)
{
	char		first[64];
	char		other[64];

	layer->output = layer->input;
	for (int k = 1; k < layer->nsources; k++)
	{
		const NnShape *shape = &layer->shapes[k];

		if (shape->rank == layer->input.rank &&
			memcmp(shape->dim, layer->input.dim,
				   (size_t) shape->rank * sizeof(int)) == 0)
			continue;
		if (per_channel && is_per_channel(layer, k))
			continue;
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"inputs of layer \"%s\" differ in shape: %s and %s",
					layer->name,
					nn_shape_text(&layer->input, first, sizeof(first)),
					nn_shape_text(shape, other, sizeof(other)));
		return status_hint(status,
						   "Give a branch as many channels by a conv2d with kernel_size 1, and the same strides.");
	}
	return true;
}

static bool
add_shape(NnLayer *layer, Status *status)
{
	layer->reads_in = layer->reads_out = false;
	return equal_shapes(layer, false, status);
}

static bool
multiply_shape(NnLayer *layer, Status *status)
{
	layer->reads_out = false;
	return equal_shapes(layer, true, status);
}

typedef struct MergeTask
{
	const NnLayer *layer;
	const NnPass *pass;			/* of unmerge */
	const real *const *in;
	const real *dout;
	int			skip;			/* input that takes no part, -1: none */
	real	   *out;
} MergeTask;

static void
merge_add_row(void *arg, int slice, int worker)
{
	const MergeTask *task = arg;
	size_t		n = task->layer->outputs;
	size_t		row = (size_t) slice * n;
	const real *a = task->in[0] + row;
	const real *b = task->in[1] + row;
	real	   *out = task->out + row;

	for (size_t i = 0; i < n; i++)
		out[i] = a[i] + b[i];
	for (int k = 2; k < task->layer->nsources; k++)
	{
		const real *more = task->in[k] + row;

		for (size_t i = 0; i < n; i++)
			out[i] += more[i];
	}
}

static void
add_merge(const NnLayer *layer, const NnPass *pass, const real *const *in,
		  real *out)
{
	MergeTask	task = {.layer = layer,.in = in,.out = out};

	pool_run(pass->pool, pass->n, merge_add_row, &task);
}

/*
 * A copy: each source has a gradient of its own, to which those of other
 * readers are added.
 */
static void
add_unmerge(const NnLayer *layer, const NnPass *pass, const real *const *in,
			const real *dout, int i, real *din)
{
	interrupt_copy(din, dout, (size_t) pass->n * layer->outputs * sizeof(real));
}

const NnLayerType nn_layer_add = {
	.description = {"add", no_params, "sum of its inputs, number by number"},
	.shape = add_shape,
	.merge = add_merge,
	.unmerge = add_unmerge
};

/* Pixel p of input k of a row; per channel there is one for all. */
static const real *
factor_of(const MergeTask *task, int k, int slice, size_t p)
{
	size_t		channels = (size_t) nn_channels(&task->layer->input);

	if (is_per_channel(task->layer, k))
		return task->in[k] + (size_t) slice * channels;
	return task->in[k] + (size_t) slice * task->layer->outputs + p * channels;
}

/* Product of dout, if there is one, and all inputs but the skipped one */
static void
multiply_pixel(const MergeTask *task, int slice, size_t p, real *out)
{
	size_t		channels = (size_t) nn_channels(&task->layer->input);
	size_t		at = (size_t) slice * task->layer->outputs + p * channels;

	for (size_t c = 0; c < channels; c++)
		out[c] = task->dout != NULL ? task->dout[at + c] : 1;
	for (int k = 0; k < task->layer->nsources; k++)
	{
		const real *factor = factor_of(task, k, slice, p);

		for (size_t c = 0; c < channels && k != task->skip; c++)
			out[c] *= factor[c];
	}
}

static void
multiply_row(void *arg, int slice, int worker)
{
	const MergeTask *task = arg;
	size_t		channels = (size_t) nn_channels(&task->layer->input);
	size_t		pixels = task->layer->outputs / channels;
	real	   *out = task->out + (size_t) slice * task->layer->outputs;

	for (size_t p = 0; p < pixels && !interrupt_pending_at(p); p++)
		multiply_pixel(task, slice, p, out + p * channels);
}

/* The gradient of an input per channel: a sum over pixels */
static void
multiply_sum_row(void *arg, int slice, int worker)
{
	const MergeTask *task = arg;
	size_t		channels = (size_t) nn_channels(&task->layer->input);
	size_t		pixels = task->layer->outputs / channels;
	real	   *out = task->out + (size_t) slice * channels;
	real	   *product = nn_scratch(task->pass, worker);

	memset(out, 0, channels * sizeof(real));
	for (size_t p = 0; p < pixels && !interrupt_pending_at(p); p++)
	{
		multiply_pixel(task, slice, p, product);
		nn_add_to(channels, product, out);
	}
}

/* [C], the product of a pixel */
static size_t
multiply_scratch(const NnLayer *layer, int n)
{
	return (size_t) nn_channels(&layer->input);
}

static void
multiply_merge(const NnLayer *layer, const NnPass *pass, const real *const *in,
			   real *out)
{
	MergeTask	task = {.layer = layer,.in = in,.skip = -1,.out = out};

	pool_run(pass->pool, pass->n, multiply_row, &task);
}

/*
 * The product of the others is made again rather than by division: an input
 * may be 0.
 */
static void
multiply_unmerge(const NnLayer *layer, const NnPass *pass,
				 const real *const *in, const real *dout, int i, real *din)
{
	MergeTask	task = {.layer = layer,.pass = pass,.in = in,.dout = dout,.skip = i,.out = din};

	/* the first has the output's shape, though that may be one pixel */
	pool_run(pass->pool, pass->n,
			 i > 0 && is_per_channel(layer, i) ? multiply_sum_row :
			 multiply_row, &task);
}

const NnLayerType nn_layer_multiply = {
	.description = {"multiply", no_params, "product of its inputs, number by number; those after the first may have one for each channel"},
	.shape = multiply_shape,
	.scratch = multiply_scratch,
	.merge = multiply_merge,
	.unmerge = multiply_unmerge
};

/* ---- concatenate, along the last dimension ---- */

/* [..][C1], [..][C2], ... to [..][C1 + C2 + ...] */
static bool
concatenate_shape(NnLayer *layer, Status *status)
{
	int			last = layer->input.rank - 1;
	char		first[64];
	char		other[64];

	layer->reads_in = layer->reads_out = false;
	layer->output = layer->input;
	for (int k = 1; k < layer->nsources; k++)
	{
		const NnShape *shape = &layer->shapes[k];

		if (shape->rank != last + 1 ||
			memcmp(shape->dim, layer->input.dim,
				   (size_t) last * sizeof(int)) != 0)
		{
			status_fail(status, STATUS_SHAPE_MISMATCH,
						"inputs of layer \"%s\" differ in more than channels: %s and %s", layer->name,
						nn_shape_text(&layer->input, first, sizeof(first)),
						nn_shape_text(shape, other, sizeof(other)));
			return status_hint(status,
							   "All dimensions but the last must be equal.");
		}
		layer->output.dim[last] += shape->dim[last];
		if (layer->output.dim[last] > (1 << 28))
			return status_fail(status, STATUS_TOO_LARGE,
							   "output of layer \"%s\" is too large",
							   layer->name);
	}
	return true;
}

/* Copy input k's channels into those of the output, or back. */
static void
copy_channels(const NnLayer *layer, const NnPass *pass, int k, const real *from,
			  real *to, bool back)
{
	size_t		all = (size_t) nn_channels(&layer->output);
	size_t		channels = (size_t) nn_channels(&layer->shapes[k]);
	size_t		pixels = (size_t) pass->n * layer->outputs / all;
	size_t		before = 0;

	for (int j = 0; j < k; j++)
		before += (size_t) nn_channels(&layer->shapes[j]);
	for (size_t p = 0; p < pixels && !interrupt_pending_at(p); p++)
	{
		if (back)
			memcpy(to + p * channels, from + p * all + before,
				   channels * sizeof(real));
		else
			memcpy(to + p * all + before, from + p * channels,
				   channels * sizeof(real));
	}
}

static void
concatenate_merge(const NnLayer *layer, const NnPass *pass,
				  const real *const *in, real *out)
{
	for (int k = 0; k < layer->nsources; k++)
		copy_channels(layer, pass, k, in[k], out, false);
}

static void
concatenate_unmerge(const NnLayer *layer, const NnPass *pass,
					const real *const *in, const real *dout, int i, real *din)
{
	copy_channels(layer, pass, i, dout, din, true);
}

const NnLayerType nn_layer_concatenate = {
	.description = {"concatenate", no_params, "its inputs side by side along the last dimension"},
	.shape = concatenate_shape,
	.merge = concatenate_merge,
	.unmerge = concatenate_unmerge
};
