/*
 * layer_shape.c
 *	  Layers that only lay numbers out in another way: flatten, reshape,
 *	  zero_padding2d.
 */
#include <string.h>

#include "base/size.h"
#include "nn/layer.h"

/* ---- flatten ---- */

static const ParamSpec no_params[] = {
	{NULL}
};

/* [n][H][W][C] to [n][H W C]: nothing moves, as both are densely packed. */
static bool
flatten_shape(NnLayer *layer, Status *status)
{
	layer->reads_in = layer->reads_out = false;
	layer->output.rank = 1;
	layer->output.dim[0] = (int) layer->inputs;
	return true;
}

/*
 * Shapes aside, Y is X.  plan.c puts the output of a view where its input is,
 * and then there is nothing to do.
 */
static void
view_forward(const NnLayer *layer, const NnPass *pass,
			 const real *in, real *out, real *saved)
{
	if (in != out)
		memcpy(out, in, (size_t) pass->n * layer->outputs * sizeof(real));
}

/* dX is dY, in the same place where the input has one reader only. */
static void
view_backward(const NnLayer *layer, const NnPass *pass,
			  const real *in, const real *out, const real *saved,
			  real *dout, real *din)
{
	if (din != NULL && din != dout)
		memcpy(din, dout, (size_t) pass->n * layer->outputs * sizeof(real));
}

const NnLayerType nn_layer_flatten = {
	.description = {"flatten", no_params, "an image as one row of numbers"},
	.shape = flatten_shape,
	.place = NN_VIEW,
	.forward = view_forward,
	.backward = view_backward
};

/* ---- reshape ---- */

enum
{
	TARGET_SHAPE
};

static const ParamSpec reshape_params[] = {
	{.name = "target_shape",.type = PARAM_LIST,.required = true,.minimum = -1,.maximum = 1 << 27,
	.comment = "dimensions of the output; one may be -1, which takes what remains"},
	{NULL}
};

/*
 * The product of target_shape is that of the input; an unknown dimension is
 * their quotient.
 */
static bool
reshape_shape(NnLayer *layer, Status *status)
{
	ParamValue	target = layer->params.values[TARGET_SHAPE];
	size_t		known = 1;
	int			unknown = -1;
	char		text[64];

	layer->reads_in = layer->reads_out = false;
	layer->output.rank = target.count;
	for (int i = 0; i < target.count; i++)
	{
		layer->output.dim[i] = (int) target.list[i];
		if (target.list[i] == 0 || (target.list[i] < 0 && unknown >= 0))
			return status_fail(status, STATUS_INVALID_VALUE,
							   "target_shape of layer \"%s\" must have positive dimensions and at most one -1",
							   layer->name);
		if (target.list[i] < 0)
			unknown = i;
		else if (!size_mul(known, (size_t) target.list[i], &known))
			known = NN_MAX_ROW;
	}
	if (unknown >= 0 && layer->inputs % known == 0)
	{
		layer->output.dim[unknown] = (int) (layer->inputs / known);
		known = layer->inputs;
	}
	if (known == layer->inputs)
		return true;
	status_fail(status, STATUS_SHAPE_MISMATCH,
				"layer \"%s\" cannot give its input of %s the shape %s",
				layer->name, nn_shape_text(&layer->input, text, sizeof(text)),
				nn_shape_text(&layer->output, text + 32, 32));
	return status_hint(status, "Both must have %zu numbers.", layer->inputs);
}

const NnLayerType nn_layer_reshape = {
	.description = {"reshape", reshape_params, "the same numbers under another shape"},
	.place = NN_VIEW,
	.shape = reshape_shape,
	.forward = view_forward,
	.backward = view_backward
};

/* ---- zero_padding2d ---- */

enum
{
	PADDING
};

static const ParamSpec zero_padding2d_params[] = {
	{.name = "padding",.type = PARAM_LIST,.initial = 1,.minimum = 0,.maximum = 1024,
	.comment = "rows and columns to add: n, [height, width] or [[top, bottom], [left, right]]"},
	{NULL}
};

/* top, bottom, left, right */
static bool
read_padding(const NnLayer *layer, int *sides, Status *status)
{
	ParamValue	value = layer->params.values[PADDING];

	if (value.count != 1 && value.count != 2 && value.count != 4)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "padding of layer \"%s\" must be n, [height, width] or [[top, bottom], [left, right]]",
						   layer->name);
	for (int i = 0; i < 4; i++)
		sides[i] = (int) value.list[i * value.count / 4];
	return true;
}

/* [H][W][C] to [top + H + bottom][left + W + right][C] */
static bool
zero_padding2d_shape(NnLayer *layer, Status *status)
{
	NnWindow   *w = &layer->window;
	int			sides[4];

	layer->reads_in = layer->reads_out = false;
	if (!nn_need_image(layer, status) || !read_padding(layer, sides, status))
		return false;
	w->height = layer->input.dim[0];
	w->width = layer->input.dim[1];
	w->channels = layer->input.dim[2];
	w->pad_top = sides[0];
	w->pad_left = sides[2];
	w->out_height = w->height + sides[0] + sides[1];
	w->out_width = w->width + sides[2] + sides[3];
	layer->output = (NnShape)
	{
		3,
		{
			w->out_height, w->out_width, w->channels
		}
	};
	return true;
}

/* Where the first number of row y of the image lies in the padded one */
static size_t
padded_row(const NnWindow *w, int y)
{
	return ((size_t) (y + w->pad_top) * w->out_width +
			w->pad_left) * w->channels;
}

/*
 * in is [n][H][W][C], out [n][Ho][Wo][C] with the image at row top, column
 * left.
 */
static void
zero_padding2d_forward(const NnLayer *layer, const NnPass *pass,
					   const real *in, real *out, real *saved)
{
	const NnWindow *w = &layer->window;
	size_t		row = (size_t) w->width * w->channels;

	memset(out, 0, (size_t) pass->n * layer->outputs * sizeof(real));
	for (int i = 0; i < pass->n; i++)
		for (int y = 0; y < w->height; y++)
			memcpy(out + (size_t) i * layer->outputs + padded_row(w, y),
				   in + (size_t) i * layer->inputs + (size_t) y * row,
				   row * sizeof(real));
}

/* dX is the part of dY where the image was. */
static void
zero_padding2d_backward(const NnLayer *layer, const NnPass *pass,
						const real *in, const real *out, const real *saved,
						real *dout, real *din)
{
	const NnWindow *w = &layer->window;
	size_t		row = (size_t) w->width * w->channels;

	for (int i = 0; i < pass->n && din != NULL; i++)
		for (int y = 0; y < w->height; y++)
			memcpy(din + (size_t) i * layer->inputs + (size_t) y * row,
				   dout + (size_t) i * layer->outputs + padded_row(w, y),
				   row * sizeof(real));
}

const NnLayerType nn_layer_zero_padding2d = {
	.description = {"zero_padding2d", zero_padding2d_params, "rows and columns of zeros around an image"},
	.shape = zero_padding2d_shape,
	.forward = zero_padding2d_forward,
	.backward = zero_padding2d_backward
};
