/*
 * layer.c
 *	  The table of layers, and what layers share: shapes, tensors, windows,
 *	  first weights.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/size.h"
#include "nn/layer.h"

const char *const nn_padding_names[] = {
	"valid", "same", "symmetric", NULL
};
const char *const nn_initializer_names[] = {
	"glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
	"lecun_uniform", "lecun_normal", NULL
};

/* Alphabetical: the order in which they are listed to users */
static const NnLayerType *const layer_types[] = {
	&nn_layer_activation, &nn_layer_add, &nn_layer_average_pooling2d,
	&nn_layer_batch_normalization, &nn_layer_class_token,
	&nn_layer_concatenate, &nn_layer_conv2d, &nn_layer_dense,
	&nn_layer_depthwise_conv2d, &nn_layer_dropout, &nn_layer_embedding,
	&nn_layer_embedding_bag, &nn_layer_flatten,
	&nn_layer_generalized_mean_pooling1d,
	&nn_layer_generalized_mean_pooling2d, &nn_layer_global_average_pooling2d,
	&nn_layer_global_max_pooling2d, &nn_layer_layer_normalization,
	&nn_layer_layer_scale, &nn_layer_max_pooling2d,
	&nn_layer_metric_embedding, &nn_layer_multi_head_attention,
	&nn_layer_multiply, &nn_layer_normalization,
	&nn_layer_position_embedding, &nn_layer_rescaling, &nn_layer_reshape,
	&nn_layer_select, &nn_layer_zero_padding2d,
	NULL
};

const NnLayerType *
nn_layer_type_at(int i)
{
	return layer_types[i];
}

const NnDescription *
nn_layer_description(const NnLayerType *type)
{
	return &type->description;
}

/*
 * A linear search: tables have some thirty entries and are asked once for each
 * layer of a model.
 */
int
nn_type_index(const char *kind, const char *name,
			  const NnDescription *(*at) (int i), Status *status)
{
	char		list[STATUS_TEXT_SIZE] = "";
	size_t		used = 0;

	for (int i = 0; at(i) != NULL; i++)
	{
		if (strcmp(at(i)->name, name) == 0)
			return i;
	}

	for (int i = 0; at(i) != NULL && used < sizeof(list); i++)
		used += (size_t) snprintf(list + used, sizeof(list) - used, "%s\"%s\"",
								  i == 0 ? "" : ", ", at(i)->name);
	status_fail(status, STATUS_UNKNOWN_NAME, "unrecognized %s \"%s\"", kind,
				name);
	status_hint(status, "Valid values are %s.", list);
	return -1;
}

static const NnDescription *
layer_at(int i)
{
	return layer_types[i] == NULL ? NULL : &layer_types[i]->description;
}

const NnLayerType *
nn_layer_type(const char *name, Status *status)
{
	int			i = nn_type_index("layer type", name, layer_at, status);

	return i < 0 ? NULL : layer_types[i];
}

bool
nn_shape_count(const NnShape *shape, size_t *count)
{
	*count = 1;
	for (int i = 0; i < shape->rank; i++)
	{
		if (!size_mul(*count, (size_t) shape->dim[i], count) ||
			*count > NN_MAX_WEIGHTS)
			return false;
	}
	return true;
}

const char *
nn_shape_text(const NnShape *shape, char *text, size_t size)
{
	size_t		used = 0;

	text[0] = '\0';

	for (int i = 0; i < shape->rank && used < size; i++)
		used += (size_t) snprintf(text + used, size - used, "%s%d",
								  i == 0 ? "" : "x", shape->dim[i]);
	return text;
}

/* A layer has NN_LAYER_TENSORS at most; its own shape function counts them. */
static bool
add_tensor(NnLayer *layer, const char *name, NnShape shape, bool state,
		   Status *status)
{
	NnTensor   *tensor = &layer->tensors[layer->ntensors];
	char		text[64];

	tensor->name = name;
	tensor->shape = shape;
	tensor->state = state;
	if (!nn_shape_count(&shape, &tensor->count))
	{
		status_fail(status, STATUS_TOO_LARGE, "%s of layer \"%s\" is too large",
					name, layer->name);
		return status_detail(status,
							 "It would be %s; the limit is %zu numbers.",
							 nn_shape_text(&shape, text, sizeof(text)),
							 NN_MAX_WEIGHTS);
	}
	layer->ntensors++;
	return true;
}

bool
nn_add_tensor(NnLayer *layer, const char *name, NnShape shape, Status *status)
{
	return add_tensor(layer, name, shape, false, status);
}

bool
nn_add_state(NnLayer *layer, const char *name, NnShape shape, Status *status)
{
	return add_tensor(layer, name, shape, true, status);
}

bool
nn_need_image(const NnLayer *layer, Status *status)
{
	char		text[64];

	if (layer->input.rank == 3)
		return true;
	status_fail(status, STATUS_SHAPE_MISMATCH,
				"layer \"%s\" needs images of height x width x channels, not %s",
				layer->name, nn_shape_text(&layer->input, text, sizeof(text)));
	return status_hint(status,
					   "A gray image of 28 by 28 has the shape 28x28x1.");
}

bool
nn_need_sequence(const NnLayer *layer, Status *status)
{
	char		text[64];

	if (layer->input.rank == 2)
		return true;
	status_fail(status, STATUS_SHAPE_MISMATCH,
				"layer \"%s\" needs sequences of tokens x channels, not %s",
				layer->name, nn_shape_text(&layer->input, text, sizeof(text)));
	return status_hint(status,
					   "Of an image, {\"reshape\": {\"target_shape\": [-1, channels]}} makes one of its pixels.");
}

bool
nn_same_shape(NnLayer *layer, Status *status)
{
	layer->output = layer->input;
	return true;
}

/*
 * One direction of a window, as Keras: "valid" has outputs where the window is
 * inside, "same" ceil(input / stride) of them.  The padding that this takes is
 * halved, and the odd row is the trailing one.  "symmetric" has
 * (kernel - 1) / 2 rows on both sides whatever the stride, as networks from
 * PyTorch do.
 */
static bool
window_direction(int input, int kernel, int stride, NnPadding mode,
				 int *output, int *pad)
{
	int			padding;

	if (mode != NN_SAME)
	{
		*pad = mode == NN_SYMMETRIC ? (kernel - 1) / 2 : 0;
		*output = (input + 2 * *pad - kernel) / stride + 1;
		return input + 2 * *pad >= kernel;
	}
	*output = (input + stride - 1) / stride;
	padding = (*output - 1) * stride + kernel - input;
	*pad = padding > 0 ? padding / 2 : 0;
	return true;
}

/*
 * Output [Ho][Wo][C] of a window of kh x kw; a layer with filters changes the
 * last dimension itself.
 */
bool
nn_window_shape(NnLayer *layer, ParamValue kernel, ParamValue strides,
				NnPadding padding, Status *status)
{
	NnWindow   *w = &layer->window;
	char		text[64];

	if (!nn_need_image(layer, status))
		return false;
	w->height = layer->input.dim[0];
	w->width = layer->input.dim[1];
	w->channels = layer->input.dim[2];
	w->kernel_height = (int) kernel.number;
	w->kernel_width = (int) kernel.second;
	w->stride_y = (int) strides.number;
	w->stride_x = (int) strides.second;
	if (!window_direction(w->height, w->kernel_height, w->stride_y, padding,
						  &w->out_height, &w->pad_top) ||
		!window_direction(w->width, w->kernel_width, w->stride_x, padding,
						  &w->out_width, &w->pad_left))
	{
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"window %dx%d of layer \"%s\" is larger than its input %s",
					w->kernel_height, w->kernel_width, layer->name,
					nn_shape_text(&layer->input, text, sizeof(text)));
		return status_hint(status,
						   "Use a smaller window or \"padding\": \"same\".");
	}
	layer->output = (NnShape)
	{
		3,
		{
			w->out_height, w->out_width, w->channels
		}
	};
	return true;
}

/* Elements drawn between checks for an interrupt */
#define INITIALIZED_AT_ONCE 65536

/*
 * A normal number within two deviations, as Keras draws them: others are
 * rejected
 */
static double
truncated_normal(Random *random)
{
	double		x;

	do
		x = random_normal(random);
	while (fabs(x) > 2);
	return x;
}

/*
 * With fans in and out, of variance
 *   glorot  2 / (in + out)     Glorot and Bengio, 2010
 *   he      2 / in             He et al., 2015
 *   lecun   1 / in             LeCun et al., 1998
 * uniform in +-sqrt(3 variance), or normal, cut at two deviations and
 * stretched for what the cut takes from the variance.
 */
void
nn_initialize(NnInitializer initializer, Random *random, size_t fan_in,
			  size_t fan_out, size_t count, real *out)
{
	/* of a normal distribution cut at two deviations */
	const double cut_deviation = 0.87962566103423978;
	double		in = (double) fan_in;
	double		variance;
	bool		normal = false;

	switch (initializer)
	{
		case NN_GLOROT_NORMAL:
			normal = true;
			/* FALLTHROUGH */
		case NN_GLOROT_UNIFORM:
			variance = 2 / (in + (double) fan_out);
			break;
		case NN_HE_NORMAL:
			normal = true;
			/* FALLTHROUGH */
		case NN_HE_UNIFORM:
			variance = 2 / in;
			break;
		case NN_LECUN_NORMAL:
			normal = true;
			/* FALLTHROUGH */
		default:
			variance = 1 / in;
	}
	for (size_t i = 0; i < count &&
		 !(i % INITIALIZED_AT_ONCE == 0 && interrupt_pending()); i++)
	{
		if (normal)
			out[i] = (real) (truncated_normal(random) * sqrt(variance) / cut_deviation);
		else
			out[i] = (real) ((2 * random_uniform(random) -
							  1) * sqrt(3 * variance));
	}
}
