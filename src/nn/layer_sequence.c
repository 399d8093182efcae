/*
 * layer_sequence.c
 *	  What transformers need beside attention: class_token, position_embedding,
 *	  select.  Sequences are [n][T][D].
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/kernels.h"
#include "nn/layer.h"

/* Deviation of first weights, cut at two of them, as in ViT's own code */
#define FIRST_DEVIATION 0.02

static const ParamSpec no_params[] = {
	{NULL}
};

/* A fan of 1 / deviation^2: lecun_normal's variance is 1 / fan. */
static void
init_normal(const NnLayer *layer, Random *random, real *weights)
{
	size_t		fan = (size_t) (1 / (FIRST_DEVIATION * FIRST_DEVIATION));

	nn_initialize(NN_LECUN_NORMAL, random, fan, fan, layer->tensors[0].count,
				  weights + layer->tensors[0].offset);
}

/* ---- class_token ---- */

/* [T][D] to [T + 1][D]; the token is [D]. */
static bool
class_token_shape(NnLayer *layer, Status *status)
{
	NnShape		token = {1, {nn_channels(&layer->input)}};

	if (!nn_need_sequence(layer, status))
		return false;
	layer->reads_in = layer->reads_out = false;
	layer->output = layer->input;
	layer->output.dim[0]++;
	return nn_add_tensor(layer, "token", token, status);
}

/* y[0] = token, y[t + 1] = x[t] */
static void
class_token_forward(const NnLayer *layer, const NnPass *pass,
					const real *in, real *out, real *saved)
{
	size_t		channels = (size_t) nn_channels(&layer->input);

	for (int i = 0; i < pass->n && !interrupt_pending(); i++)
	{
		real	   *row = out + (size_t) i * layer->outputs;

		memcpy(row, nn_tensor(layer, pass, 0), channels * sizeof(real));
		interrupt_copy(row + channels, in + (size_t) i * layer->inputs,
					   layer->inputs * sizeof(real));
	}
}

/* [D] */
static size_t
channels_scratch(const NnLayer *layer, int n)
{
	return (size_t) nn_channels(&layer->input);
}

/* dtoken = sum over the batch of dy[0], dx[t] = dy[t + 1] */
static void
class_token_backward(const NnLayer *layer, const NnPass *pass,
					 const real *in, const real *out, const real *saved,
					 real *dout, real *din)
{
	size_t		channels = (size_t) nn_channels(&layer->input);
	real	   *sum = nn_scratch(pass, 0);

	memset(sum, 0, channels * sizeof(real));
	for (int i = 0; i < pass->n && !interrupt_pending(); i++)
	{
		const real *row = dout + (size_t) i * layer->outputs;

		nn_add_to(channels, row, sum);
		if (din != NULL)
			interrupt_copy(din + (size_t) i * layer->inputs, row + channels,
						   layer->inputs * sizeof(real));
	}
	pass->sink(pass->sink_context, layer->tensors[0].offset, channels, sum);
}

const NnLayerType nn_layer_class_token = {
	.description = {"class_token", no_params,
	"a trained token before those of a sequence, as BERT's and ViT's"},
	.shape = class_token_shape,
	.init = init_normal,
	.scratch = channels_scratch,
	.forward = class_token_forward,
	.backward = class_token_backward
};

/* ---- position_embedding ---- */

/* [T][D], and as many weights */
static bool
position_embedding_shape(NnLayer *layer, Status *status)
{
	if (!nn_need_sequence(layer, status))
		return false;
	layer->reads_in = layer->reads_out = false;
	layer->output = layer->input;
	return nn_add_tensor(layer, "embeddings", layer->input, status);
}

/* y = x + p */
static void
position_embedding_forward(const NnLayer *layer, const NnPass *pass,
						   const real *in, real *out, real *saved)
{
	const real *position = nn_tensor(layer, pass, 0);

	for (int i = 0; i < pass->n; i++, in += layer->inputs, out += layer->inputs)
		for (size_t j = 0, end; j < layer->inputs && !interrupt_pending();)
			for (end = interrupt_piece(j, layer->inputs); j < end; j++)
				out[j] = in[j] + position[j];
}

typedef struct PositionTask
{
	const NnLayer *layer;
	const NnPass *pass;
	const real *dout;
} PositionTask;

/* dp[t] = sum over the batch of dy[t], in the batch's order */
static void
sum_position(void *arg, int slice, int worker)
{
	const PositionTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		channels = (size_t) nn_channels(&layer->input);
	size_t		at = (size_t) slice * channels;
	real	   *sum = nn_scratch(task->pass, worker);

	memset(sum, 0, channels * sizeof(real));
	for (int i = 0; i < task->pass->n && !interrupt_pending(); i++)
		nn_add_to(channels, task->dout + (size_t) i * layer->outputs + at, sum);
	task->pass->sink(task->pass->sink_context, layer->tensors[0].offset + at,
					 channels, sum);
}

/* dx = dy */
static void
position_embedding_backward(const NnLayer *layer, const NnPass *pass,
							const real *in, const real *out, const real *saved,
							real *dout, real *din)
{
	PositionTask task = {layer, pass, dout};

	pool_run(pass->pool, layer->input.dim[0], sum_position, &task);
	if (din != NULL && din != dout)
		interrupt_copy(din, dout,
					   (size_t) pass->n * layer->inputs * sizeof(real));
}

const NnLayerType nn_layer_position_embedding = {
	.description = {"position_embedding", no_params,
	"adds to each token of a sequence what is trained for its position"},
	.place = NN_IN_PLACE,
	.shape = position_embedding_shape,
	.init = init_normal,
	.scratch = channels_scratch,
	.forward = position_embedding_forward,
	.backward = position_embedding_backward
};

/* ---- select ---- */

enum
{
	INDEX
};

static const ParamSpec select_params[] = {
	{.name = "index",.type = PARAM_INTEGER,.minimum = 0,.maximum = (1 << 27) - 1,
	.comment = "which one of the first dimension, from 0 on"},
	{NULL}
};

/* [T][..] to [..] */
static bool
select_shape(NnLayer *layer, Status *status)
{
	char		text[64];
	int			index = (int) params_number(&layer->params, INDEX);

	layer->reads_in = layer->reads_out = false;
	if (layer->input.rank < 2 || index >= layer->input.dim[0])
	{
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"layer \"%s\" cannot select index %d of %s", layer->name,
					index,
					nn_shape_text(&layer->input, text, sizeof(text)));
		return status_hint(status,
						   "Its input has two dimensions or more, the first of which is above the index.");
	}
	layer->output.rank = layer->input.rank - 1;
	memcpy(layer->output.dim, layer->input.dim + 1,
		   (size_t) layer->output.rank * sizeof(int));
	return true;
}

size_t
nn_selected_at(const NnLayer *layer)
{
	return (size_t) params_number(&layer->params, INDEX) * layer->outputs;
}

/* The same in row i */
static size_t
selected_at(const NnLayer *layer, int i)
{
	return (size_t) i * layer->inputs + nn_selected_at(layer);
}

/* y = x[index] */
static void
select_forward(const NnLayer *layer, const NnPass *pass,
			   const real *in, real *out, real *saved)
{
	for (int i = 0; i < pass->n && !interrupt_pending(); i++)
		interrupt_copy(out + (size_t) i * layer->outputs,
					   in + selected_at(layer, i),
					   layer->outputs * sizeof(real));
}

/* dx is dy at index, and 0 elsewhere. */
static void
select_backward(const NnLayer *layer, const NnPass *pass,
				const real *in, const real *out, const real *saved,
				real *dout, real *din)
{
	if (din == NULL)
		return;
	interrupt_zero(din, (size_t) pass->n * layer->inputs * sizeof(real));
	for (int i = 0; i < pass->n && !interrupt_pending(); i++)
		interrupt_copy(din + selected_at(layer, i),
					   dout + (size_t) i * layer->outputs,
					   layer->outputs * sizeof(real));
}

const NnLayerType nn_layer_select = {
	.description = {"select", select_params,
	"one of the first dimension, such as a sequence's class token"},
	.shape = select_shape,
	.forward = select_forward,
	.backward = select_backward
};
