/*
 * layer_normalization.c
 *	  normalization: the input's channels with mean 0 and variance 1.
 *
 * Mean and variance are given, or taken from the training's rows before its
 * first step, as by Keras' adapt().
 */
#include <string.h>
#include <tgmath.h>

#include "base/interrupt.h"
#include "nn/layer.h"

enum
{
	MEAN, VARIANCE
};

/* Keras' backend epsilon, below which a deviation is not divided by */
#define LEAST_DEVIATION ((real) 1e-7)

static const ParamSpec normalization_params[] = {
	{.name = "mean",.type = PARAM_REAL_LIST,.nullable = true,.minimum = -1e30,.maximum = 1e30,
	.comment = "of all channels, or of each; null: of each channel, from the rows that train the model"},
	{.name = "variance",.type = PARAM_REAL_LIST,.nullable = true,.minimum = 0,.maximum = 1e30,
	.comment = "as mean; both or none"},
	{NULL}
};

static bool
is_given(const NnLayer *layer)
{
	return layer->params.values[MEAN].isset;
}

/* What is given of channel c: a number for all or one for each */
static real
given_value(const NnLayer *layer, int which, size_t c)
{
	const ParamValue *value = &layer->params.values[which];

	return (real) value->list[value->count > 1 ? c : 0];
}

static bool
check_given_count(const NnLayer *layer, int which, Status *status)
{
	const ParamValue *value = &layer->params.values[which];
	int			channels = nn_channels(&layer->input);

	if (!value->isset || value->count == 1 || value->count == channels)
		return true;
	status_fail(status, STATUS_SHAPE_MISMATCH,
				"\"%s\" of layer \"%s\" has %d numbers, but its input %d channels",
				layer->params.specs[which].name, layer->name, value->count,
				channels);
	return status_hint(status,
					   "Give a number for each channel, or one for all.");
}

/*
 * Mean and variance are state, [C] each: stored with the weights, left alone
 * by optimizers.
 */
static bool
normalization_shape(NnLayer *layer, Status *status)
{
	NnShape		channels = {1, {nn_channels(&layer->input)}};

	layer->reads_in = layer->reads_out = false;
	layer->output = layer->input;
	if (is_given(layer) != layer->params.values[VARIANCE].isset)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "layer \"%s\" takes both mean and variance or neither", layer->name);
	if (!is_given(layer) && layer->sources[0] != NN_INPUT)
	{
		status_fail(status, STATUS_INVALID_VALUE,
					"layer \"%s\" without mean and variance must read the model's input", layer->name);
		return status_hint(status, "Put it first, or use batch_normalization.");
	}
	if (!check_given_count(layer, MEAN, status) ||
		!check_given_count(layer, VARIANCE, status) ||
		!nn_add_state(layer, "mean", channels, status) ||
		!nn_add_state(layer, "variance", channels, status))
		return false;
	layer->tensors[MEAN].given = layer->tensors[VARIANCE].given =
		is_given(layer);
	return true;
}

static void
normalization_init(const NnLayer *layer, Random *random, real *weights)
{
	for (size_t c = 0; c < layer->tensors[MEAN].count; c++)
	{
		weights[layer->tensors[MEAN].offset + c] =
			is_given(layer) ? given_value(layer, MEAN, c) : 0;
		weights[layer->tensors[VARIANCE].offset + c] =
			is_given(layer) ? given_value(layer, VARIANCE, c) : 1;
	}
}

/* [C]: 1 / deviation */
static size_t
normalization_scratch(const NnLayer *layer, int n)
{
	return (size_t) nn_channels(&layer->output);
}

/*
 * 1 / max(sqrt(variance), epsilon), as Keras: a constant channel is not
 * divided by 0.
 */
static real *
factors(const NnLayer *layer, const NnPass *pass)
{
	const real *variance = nn_tensor(layer, pass, VARIANCE);
	real	   *factor = nn_scratch(pass, 0);

	for (int c = 0; c < nn_channels(&layer->output); c++)
	{
		real		deviation = sqrt(variance[c]);

		factor[c] = 1 / (deviation > LEAST_DEVIATION ? deviation :
						 LEAST_DEVIATION);
	}
	return factor;
}

/*
 * in and out are [rows][C], rows being n times the pixels.
 *   y = (x - mean) / max(sqrt(variance), 1e-7)
 */
static void
normalization_forward(const NnLayer *layer, const NnPass *pass,
					  const real *in, real *out, real *saved)
{
	size_t		channels = (size_t) nn_channels(&layer->output);
	const real *mean = nn_tensor(layer, pass, MEAN);
	const real *factor = factors(layer, pass);

	for (size_t r = 0; r < (size_t) pass->n * layer->outputs &&
		 !interrupt_pending_at(r / channels); r += channels)
		for (size_t c = 0; c < channels; c++)
			out[r + c] = (in[r + c] - mean[c]) * factor[c];
}

/*   dx = dy / max(sqrt(variance), 1e-7) */
static void
normalization_backward(const NnLayer *layer, const NnPass *pass,
					   const real *in, const real *out, const real *saved,
					   real *dout, real *din)
{
	size_t		channels = (size_t) nn_channels(&layer->output);
	const real *factor = factors(layer, pass);

	for (size_t r = 0; r < (size_t) pass->n * layer->outputs && din != NULL &&
		 !interrupt_pending_at(r / channels); r += channels)
		for (size_t c = 0; c < channels; c++)
			din[r + c] = dout[r + c] * factor[c];
}

const NnLayerType nn_layer_normalization = {
	.description = {"normalization", normalization_params,
	"(x - mean) / deviation of each channel of the input, known before training"},
	.place = NN_IN_PLACE,
	.shape = normalization_shape,
	.init = normalization_init,
	.scratch = normalization_scratch,
	.forward = normalization_forward,
	.backward = normalization_backward
};

/* ---- from the training's rows ---- */

/*
 * Sums of x and x^2 in double in one pass over the rows, which are read from
 * where they are stored.  Rounding can make the variance of a constant channel
 * negative, and then it is 0.
 */
static void
adapt_layer(const NnGraph *graph, const NnLayer *layer, NnElement element,
			NnRowSource source,
			void *context, size_t n, double *sums, real *row, real *weights)
{
	size_t		channels = (size_t) nn_channels(&layer->output);
	double		count = (double) n * (double) (graph->inputs / channels);

	memset(sums, 0, 2 * channels * sizeof(double));
	for (size_t i = 0; i < n && !interrupt_pending(); i++)
	{
		const void *stored = source(context, i);

		nn_gather(graph, element, &stored, 1, row);
		for (size_t j = 0; j < graph->inputs && !interrupt_pending_at(j); j++)
		{
			sums[j % channels] += row[j];
			sums[channels + j % channels] += (double) row[j] * row[j];
		}
	}
	for (size_t c = 0; c < channels; c++)
	{
		double		mean = sums[c] / count;
		double		variance = sums[channels + c] / count - mean * mean;

		weights[layer->tensors[MEAN].offset + c] = (real) mean;
		weights[layer->tensors[VARIANCE].offset + c] = (real) (variance > 0 ?
															   variance : 0);
	}
}

/*
 * Only layers that read the model's input can adapt: what others read depends
 * on weights that change.
 */
bool
nn_adapt(Arena *arena, const NnGraph *graph, NnElement element,
		 NnRowSource source, void *context, size_t n, real *weights,
		 Status *status)
{
	for (int i = 0; i < graph->nlayers && n > 0; i++)
	{
		const NnLayer *layer = &graph->layers[i];
		double	   *sums;
		real	   *row;

		if (layer->type != &nn_layer_normalization || is_given(layer))
			continue;
		sums = arena_alloc_array(arena,
								 2 * (size_t) nn_channels(&layer->output),
								 sizeof(double));
		row = arena_alloc_array(arena, graph->inputs, sizeof(real));
		if (sums == NULL || row == NULL)
			return status_out_of_memory(status, NULL);
		adapt_layer(graph, layer, element, source, context, n, sums, row,
					weights);
	}
	return true;
}
