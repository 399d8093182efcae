/*
 * graph.c
 *	  From a specification to a checked graph: names, shapes, places of the
 *	  weights; and what all layers share.
 */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/size.h"
#include "nn/layer.h"

const char *const nn_activation_names[] = {"linear", "relu", "sigmoid", "tanh", NULL};
const char *const nn_padding_names[] = {"valid", "same", NULL};

/* Alphabetical: the order in which they are listed to users */
static const NnLayerType *const layer_types[] = {
	&nn_layer_conv2d, &nn_layer_dense, &nn_layer_dropout, &nn_layer_flatten,
	&nn_layer_max_pooling2d, &nn_layer_metric_embedding, &nn_layer_rescaling,
	NULL
};

/* Streams of random numbers, one for each use */
#define STREAM_INIT 1

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

bool
nn_fail_unknown(Status *status, const char *kind, const char *name,
				const NnDescription *(*at) (int i))
{
	char		list[STATUS_TEXT_SIZE] = "";
	size_t		used = 0;

	for (int i = 0; at(i) != NULL && used < sizeof(list); i++)
		used += (size_t) snprintf(list + used, sizeof(list) - used, "%s\"%s\"",
								  i == 0 ? "" : ", ", at(i)->name);
	status_fail(status, STATUS_UNKNOWN_NAME, "there is no %s \"%s\"", kind, name);
	return status_hint(status, "There are: %s.", list);
}

static const NnDescription *
description_at(int i)
{
	return layer_types[i] == NULL ? NULL : &layer_types[i]->description;
}

const NnLayerType *
nn_layer_type(const char *name, Status *status)
{
	for (int i = 0; layer_types[i] != NULL; i++)
	{
		if (strcmp(layer_types[i]->description.name, name) == 0)
			return layer_types[i];
	}
	nn_fail_unknown(status, "layer type", name, description_at);
	return NULL;
}

bool
nn_shape_count(const NnShape *shape, size_t *count)
{
	*count = 1;
	for (int i = 0; i < shape->rank; i++)
	{
		if (!size_mul(*count, (size_t) shape->dim[i], count) || *count > NN_MAX_WEIGHTS)
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

bool
nn_add_tensor(NnLayer *layer, const char *name, NnShape shape, Status *status)
{
	NnTensor   *tensor = &layer->tensors[layer->ntensors];
	char		text[64];

	tensor->name = name;
	tensor->shape = shape;
	if (!nn_shape_count(&shape, &tensor->count))
	{
		status_fail(status, STATUS_TOO_LARGE, "%s of layer \"%s\" is too large",
					name, layer->name);
		return status_detail(status, "It would be %s; the limit is %zu numbers.",
							 nn_shape_text(&shape, text, sizeof(text)), NN_MAX_WEIGHTS);
	}
	layer->ntensors++;
	return true;
}

/* One direction of a window: output size and leading padding */
static bool
window_direction(int input, int kernel, int stride, bool same, int *output, int *pad)
{
	int			padding;

	if (!same)
	{
		*pad = 0;
		*output = (input - kernel) / stride + 1;
		return input >= kernel;
	}
	*output = (input + stride - 1) / stride;
	padding = (*output - 1) * stride + kernel - input;
	*pad = padding > 0 ? padding / 2 : 0;
	return true;
}

bool
nn_window_shape(NnLayer *layer, ParamValue kernel, ParamValue strides, bool same,
				Status *status)
{
	NnWindow   *w = &layer->window;
	char		text[64];

	if (layer->input.rank != 3)
	{
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"layer \"%s\" needs images of height x width x channels, not %s",
					layer->name, nn_shape_text(&layer->input, text, sizeof(text)));
		return status_hint(status, "A grey image of 28 by 28 has the shape 28x28x1.");
	}
	w->height = layer->input.dim[0];
	w->width = layer->input.dim[1];
	w->channels = layer->input.dim[2];
	w->kernel_height = (int) kernel.number;
	w->kernel_width = (int) kernel.second;
	w->stride_y = (int) strides.number;
	w->stride_x = (int) strides.second;
	if (!window_direction(w->height, w->kernel_height, w->stride_y, same, &w->out_height, &w->pad_top) ||
		!window_direction(w->width, w->kernel_width, w->stride_x, same, &w->out_width, &w->pad_left))
	{
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"window %dx%d of layer \"%s\" is larger than its input %s",
					w->kernel_height, w->kernel_width, layer->name,
					nn_shape_text(&layer->input, text, sizeof(text)));
		return status_hint(status, "Use a smaller window or \"padding\": \"same\".");
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

/* "conv2d" for the first layer of its type, "conv2d_1" for the next. */
static void
name_layer(NnGraph *graph, int i)
{
	NnLayer    *layer = &graph->layers[i];
	int			earlier = 0;

	if (layer->name[0] != '\0')
		return;
	for (int j = 0; j < i; j++)
		earlier += graph->layers[j].type == layer->type;
	if (earlier == 0)
		snprintf(layer->name, NN_NAME_SIZE, "%s", layer->type->description.name);
	else
		snprintf(layer->name, NN_NAME_SIZE, "%s_%d", layer->type->description.name, earlier);
}

static bool
check_name(const NnGraph *graph, int i, Status *status)
{
	for (int j = 0; j < i; j++)
	{
		if (strcmp(graph->layers[j].name, graph->layers[i].name) == 0)
			return status_fail(status, STATUS_INVALID_VALUE,
							   "layer name \"%s\" is used twice", graph->layers[i].name);
	}
	return true;
}

/* Give the layer's tensors their places. */
static bool
place_tensors(NnGraph *graph, NnLayer *layer, Status *status)
{
	for (int t = 0; t < layer->ntensors; t++)
	{
		layer->tensors[t].offset = graph->weights;
		graph->weights += layer->tensors[t].count;
		if (graph->weights > NN_MAX_WEIGHTS)
			return status_fail(status, STATUS_TOO_LARGE,
							   "model has more than %zu weights at layer \"%s\"",
							   NN_MAX_WEIGHTS, layer->name);
	}
	return true;
}

static bool
add_layer(NnGraph *graph, int i, const NnLayerSpec *spec, const NnShape *input,
		  Status *status)
{
	NnLayer    *layer = &graph->layers[i];

	layer->type = spec->type;
	layer->number = i;
	layer->params = spec->params;
	memcpy(layer->name, spec->name, NN_NAME_SIZE);
	name_layer(graph, i);
	layer->input = *input;
	nn_shape_count(input, &layer->inputs);
	if (!check_name(graph, i, status) || !params_check(&layer->params, status) ||
		!layer->type->shape(layer, status))
		return false;
	if (!nn_shape_count(&layer->output, &layer->outputs) || layer->outputs > NN_MAX_ROW)
		return status_fail(status, STATUS_TOO_LARGE,
						   "output of layer \"%s\" has more than %zu numbers a row",
						   layer->name, NN_MAX_ROW);
	return place_tensors(graph, layer, status);
}

static bool
check_spec(const NnSpec *spec, NnGraph *graph, Status *status)
{
	if (spec->input.rank < 1 || spec->input.rank > NN_MAX_RANK)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "input shape must have 1 to %d dimensions", NN_MAX_RANK);
	for (int i = 0; i < spec->input.rank; i++)
	{
		if (spec->input.dim[i] < 1)
			return status_fail(status, STATUS_INVALID_VALUE,
							   "input shape must be positive");
	}
	if (!nn_shape_count(&spec->input, &graph->inputs) || graph->inputs > NN_MAX_ROW)
		return status_fail(status, STATUS_TOO_LARGE,
						   "input has more than %zu numbers a row", NN_MAX_ROW);
	if (spec->nlayers < 1 || spec->nlayers > NN_MAX_LAYERS)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "a model must have 1 to %d layers", NN_MAX_LAYERS);
	return true;
}

/* The last layer's rows become embeddings. */
static bool
check_output(const NnGraph *graph, Status *status)
{
	const NnLayer *last = &graph->layers[graph->nlayers - 1];
	char		text[64];

	if (last->output.rank != 1 || last->outputs > 16384)
	{
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"the last layer must give embeddings of at most 16384 dimensions, not %s",
					nn_shape_text(&last->output, text, sizeof(text)));
		return status_hint(status, "End the model with {\"metric_embedding\": {\"units\": 64}}.");
	}
	if (graph->weights == 0)
		return status_fail(status, STATUS_INVALID_VALUE, "the model has nothing to train");
	return true;
}

NnGraph *
nn_graph_create(Arena *arena, const NnSpec *spec, Status *status)
{
	NnGraph    *graph = arena_new(arena, NnGraph);

	if (graph == NULL)
		goto out_of_memory;
	if (!check_spec(spec, graph, status))
		return NULL;
	graph->layers = arena_alloc_zero(arena, (size_t) spec->nlayers * sizeof(NnLayer));
	if (graph->layers == NULL)
		goto out_of_memory;
	graph->input = spec->input;
	graph->nlayers = spec->nlayers;
	for (int i = 0; i < spec->nlayers; i++)
	{
		const NnShape *input = i == 0 ? &spec->input : &graph->layers[i - 1].output;

		if (!add_layer(graph, i, &spec->layers[i], input, status))
			return NULL;
	}
	return check_output(graph, status) ? graph : NULL;

out_of_memory:
	status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory");
	return NULL;
}

int
nn_graph_layers(const NnGraph *graph)
{
	return graph->nlayers;
}

void
nn_graph_layer(const NnGraph *graph, int i, NnLayerInfo *info)
{
	const NnLayer *layer = &graph->layers[i];

	info->name = layer->name;
	info->type = layer->type->description.name;
	info->output = layer->output;
	info->parameters = 0;
	for (int t = 0; t < layer->ntensors; t++)
		info->parameters += layer->tensors[t].count;
}

int
nn_graph_tensors(const NnGraph *graph)
{
	int			n = 0;

	for (int i = 0; i < graph->nlayers; i++)
		n += graph->layers[i].ntensors;
	return n;
}

void
nn_graph_tensor(const NnGraph *graph, int i, NnTensorInfo *info)
{
	const NnLayer *layer = graph->layers;
	const NnTensor *tensor;

	while (i >= layer->ntensors)
		i -= layer++->ntensors;
	tensor = &layer->tensors[i];
	snprintf(info->name, sizeof(info->name), "%s/%s", layer->name, tensor->name);
	info->shape = tensor->shape;
	info->offset = tensor->offset;
	info->count = tensor->count;
	info->trainable = true;
}

size_t
nn_graph_weights(const NnGraph *graph)
{
	return graph->weights;
}

NnShape
nn_graph_input(const NnGraph *graph)
{
	return graph->input;
}

size_t
nn_graph_inputs(const NnGraph *graph)
{
	return graph->inputs;
}

int
nn_graph_outputs(const NnGraph *graph)
{
	return (int) graph->layers[graph->nlayers - 1].outputs;
}

void
nn_glorot_uniform(Random *random, size_t fan_in, size_t fan_out, size_t count, real *out)
{
	double		limit = sqrt(6.0 / ((double) fan_in + (double) fan_out));

	for (size_t i = 0; i < count; i++)
		out[i] = (real) ((2 * random_uniform(random) - 1) * limit);
}

void
nn_init_weights(const NnGraph *graph, uint64_t seed, real *weights)
{
	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];
		Random		random;

		/* a stream for each layer: adding one leaves the others as they were */
		random_init(&random, seed, ((uint64_t) i << 8) + STREAM_INIT);
		if (layer->type->init != NULL)
			layer->type->init(layer, &random, weights);
	}
}

void
nn_activate(NnActivation activation, size_t n, real *out)
{
	switch (activation)
	{
		case NN_LINEAR:
			break;
		case NN_RELU:
			/* NaN must stay NaN, or a model that diverged would look sound */
			for (size_t i = 0; i < n; i++)
				out[i] = out[i] < 0 ? 0 : out[i];
			break;
		case NN_SIGMOID:
			for (size_t i = 0; i < n; i++)
				out[i] = (real) (1 / (1 + exp(-(double) out[i])));
			break;
		case NN_TANH:
			for (size_t i = 0; i < n; i++)
				out[i] = (real) tanh(out[i]);
			break;
	}
}

void
nn_activate_backward(NnActivation activation, size_t n, const real *out, real *dout)
{
	switch (activation)
	{
		case NN_LINEAR:
			break;
		case NN_RELU:
			for (size_t i = 0; i < n; i++)
				dout[i] = out[i] > 0 ? dout[i] : 0;
			break;
		case NN_SIGMOID:
			for (size_t i = 0; i < n; i++)
				dout[i] *= out[i] * (1 - out[i]);
			break;
		case NN_TANH:
			for (size_t i = 0; i < n; i++)
				dout[i] *= 1 - out[i] * out[i];
			break;
	}
}

size_t
nn_graph_scratch(const NnGraph *graph, int n)
{
	size_t		most = 0;

	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];
		size_t		size = layer->type->scratch == NULL ? 0 : layer->type->scratch(layer, n);

		most = size > most ? size : most;
	}
	/* whole cache lines, so that workers do not share one */
	return (most + 63) & ~(size_t) 63;
}

size_t
nn_graph_widest(const NnGraph *graph)
{
	size_t		most = graph->inputs;

	for (int i = 0; i < graph->nlayers; i++)
		most = graph->layers[i].outputs > most ? graph->layers[i].outputs : most;
	return most;
}

size_t
nn_row_size(const NnGraph *graph, NnElement element)
{
	return graph->inputs * (element == NN_UINT8 ? 1 : sizeof(float));
}

void
nn_gather(const NnGraph *graph, NnElement element, const void *const *rows, int n, real *out)
{
	for (int i = 0; i < n; i++)
	{
		const uint8_t *bytes = rows[i];
		const float *floats = rows[i];

		for (size_t j = 0; j < graph->inputs; j++)
			out[j] = element == NN_UINT8 ? (real) bytes[j] : (real) floats[j];
		out += graph->inputs;
	}
}

#define FLUSH_DENORMALS 0x8040	/* FTZ and DAZ of MXCSR */

unsigned
nn_flush_denormals(void)
{
#if defined(__x86_64__)
	unsigned	saved = _mm_getcsr();

	_mm_setcsr(saved | FLUSH_DENORMALS);
	return saved;
#else
	return 0;
#endif
}

void
nn_restore_denormals(unsigned saved)
{
#if defined(__x86_64__)
	_mm_setcsr(saved);
#endif
}
