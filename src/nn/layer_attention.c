/*
 * layer_attention.c
 *	  multi_head_attention (Vaswani et al., 2017), as Keras' of one sequence
 *	  that attends to itself.
 *
 * X is [n][T][D]: sequences of T tokens.  With H heads, keys of K numbers and
 * values of V (value_dim, or K)
 *   Q = X Wq + bq, K = X Wk + bk     [n][T][H][K]
 *   V = X Wv + bv                    [n][T][H][V]
 * and of each sequence and head
 *   P = softmax(Q K' / sqrt(K))      [T][T], each row a query's weights
 *   O = drop(P) V                    [T][V]
 *   Y = O Wo + bo                    [n][T][D], O being [n][T][H V]
 * drop is dropout's, of the weights: in training a number is 0 with probability
 * dropout, else divided by 1 - dropout.
 *
 * Backward, from dY:
 *   dO = dY Wo', dWo = O' dY, dbo = sum of dY
 *   dV = drop(P)' dO, dP = drop(dO V')
 *   dS = P (dP - r) / sqrt(K), r = sum of P dP over a row = dO . O
 *   dQ = dS K, dK = dS' Q
 *   dX = dQ Wq' + dK Wk' + dV Wv', dWq = X' dQ, dbq = sum of dQ, ...
 *
 * Q, K, V and O of a token lie side by side in one row of 2 H K + 2 H V numbers,
 * which training keeps.  P is never there as a whole: it is made, forward and
 * again backward, for as many queries of a head as TILE_SIZE holds, from all
 * keys.  So memory grows with T, not with its square (Rabe and Staats, 2021).
 * Workers take groups of sequences, large enough for the products with W.
 */
#include <string.h>
#include <tgmath.h>

#include "base/interrupt.h"
#include "kernel/gemm.h"
#include "nn/kernels.h"
#include "nn/layer.h"

enum
{
	NUM_HEADS, KEY_DIM, VALUE_DIM, DROPOUT, USE_BIAS, INITIALIZER
};

/* What W is of; a token's row has them in this order, O as the last. */
enum
{
	QUERY, KEY, VALUE, OUTPUT, PARTS
};

/* Elements of a tile of P, a quarter of a small L2 cache */
#define TILE_SIZE (32 * 1024)

/* Tokens of a group, at least */
#define GROUP_TOKENS 128

static const ParamSpec multi_head_attention_params[] = {
	{.name = "num_heads",.type = PARAM_INTEGER,.required = true,.minimum = 1,.maximum = 1024,
	.comment = "attentions side by side, each of queries, keys and values of its own"},
	{.name = "key_dim",.type = PARAM_INTEGER,.required = true,.minimum = 1,.maximum = 4096,
	.comment = "numbers of a query and of a key of each head"},
	{.name = "value_dim",.type = PARAM_INTEGER,.nullable = true,.minimum = 1,.maximum = 4096,
	.comment = "numbers of a value of each head; null: key_dim"},
	{.name = "dropout",.type = PARAM_REAL,.maximum = 0.999,
	.comment = "share of weights set to 0 in training; the others are scaled up"},
	{.name = "use_bias",.type = PARAM_BOOLEAN,.initial = true,.maximum = 1,
	.comment = "add a trained number to each number of queries, keys, values and outputs"},
	NN_INITIALIZER_PARAM,
	{NULL}
};

/* ---- sizes ---- */

static size_t
tokens_of(const NnLayer *layer)
{
	return (size_t) layer->input.dim[0];
}

/* D, of inputs and outputs alike */
static size_t
token_channels(const NnLayer *layer)
{
	return (size_t) layer->input.dim[1];
}

static int
head_count(const NnLayer *layer)
{
	return (int) params_number(&layer->params, NUM_HEADS);
}

/* Numbers of a head in Q and K, or in V and O */
static int
head_dim(const NnLayer *layer, int part)
{
	bool		own = part >= VALUE && layer->params.values[VALUE_DIM].isset;

	return (int) params_number(&layer->params, own ? VALUE_DIM : KEY_DIM);
}

static size_t
part_width(const NnLayer *layer, int part)
{
	return (size_t) head_count(layer) * (size_t) head_dim(layer, part);
}

/* Where a part begins in a token's row; PARTS: the row's length */
static size_t
part_at(const NnLayer *layer, int part)
{
	size_t		at = 0;

	for (int i = 0; i < part; i++)
		at += part_width(layer, i);
	return at;
}

static bool
has_bias(const NnLayer *layer)
{
	return params_number(&layer->params, USE_BIAS) != 0;
}

static int
projection_kernel(const NnLayer *layer, int part)
{
	return has_bias(layer) ? 2 * part : part;
}

/* The tensors lie one behind the other. */
static size_t
attention_weights(const NnLayer *layer)
{
	const NnTensor *last = &layer->tensors[layer->ntensors - 1];

	return last->offset + last->count - layer->tensors[0].offset;
}

/* Queries whose weights are made at once */
static size_t
tile_queries(const NnLayer *layer)
{
	size_t		queries = TILE_SIZE / tokens_of(layer);

	queries = queries < 1 ? 1 : queries;
	return queries < tokens_of(layer) ? queries : tokens_of(layer);
}

static size_t
tile_size(const NnLayer *layer)
{
	return tile_queries(layer) * tokens_of(layer);
}

static int
group_sequences(const NnLayer *layer, int n)
{
	int			tokens = layer->input.dim[0];
	int			sequences = (GROUP_TOKENS + tokens - 1) / tokens;

	return sequences < n ? sequences : n;
}

static size_t
group_size(const NnLayer *layer, int n)
{
	return (size_t) group_sequences(layer, n) * tokens_of(layer) *
		part_at(layer, PARTS);
}

/* ---- the layer ---- */

/* W of Q, K and V is [D][H K] or [D][H V], that of the outputs [H V][D]. */
static bool
add_weights_part(NnLayer *layer, int part, Status *status)
{
	static const char *const names[PARTS][2] = {
		{"query_kernel", "query_bias"}, {"key_kernel", "key_bias"},
		{"value_kernel", "value_bias"}, {"output_kernel", "output_bias"}
	};
	int			channels = layer->input.dim[1];
	int			width = (int) part_width(layer, part);
	NnShape		kernel = {2, {channels, width}};
	NnShape		bias = {1, {width}};

	if (part == OUTPUT)
	{
		kernel = (NnShape)
		{
			2,
			{
				width, channels
			}
		};
		bias.dim[0] = channels;
	}
	return nn_add_tensor(layer, names[part][0], kernel, status) &&
		(!has_bias(layer) ||
		 nn_add_tensor(layer, names[part][1], bias, status));
}

static bool
attention_shape(NnLayer *layer, Status *status)
{
	if (!nn_need_sequence(layer, status))
		return false;
	layer->reads_out = false;
	layer->random = params_number(&layer->params, DROPOUT) > 0;
	layer->output = layer->input;
	if (part_at(layer, PARTS) > NN_MAX_ROW / tokens_of(layer))
		return status_fail(status, STATUS_TOO_LARGE,
						   "heads of layer \"%s\" have more than %zu numbers a row",
						   layer->name, NN_MAX_ROW);
	for (int part = 0; part < PARTS; part++)
		if (!add_weights_part(layer, part, status))
			return false;
	return true;
}

/* Fans are the two sides of each kernel, all heads together; biases are 0. */
static void
attention_init(const NnLayer *layer, Random *random, real *weights)
{
	for (int t = 0; t < layer->ntensors; t++)
	{
		const NnTensor *tensor = &layer->tensors[t];

		if (tensor->shape.rank == 2)
			nn_initialize((NnInitializer) params_number(&layer->params,
														INITIALIZER),
						  random, (size_t) tensor->shape.dim[0],
						  (size_t) tensor->shape.dim[1], tensor->count,
						  weights + tensor->offset);
		else
			memset(weights + tensor->offset, 0, tensor->count * sizeof(real));
	}
}

/*
 * A worker's scratch: sums of all weights' gradients; a group's rows, or their
 * gradients; two tiles.
 */
static size_t
attention_scratch(const NnLayer *layer, int n)
{
	return attention_weights(layer) + group_size(layer, n) +
		2 * tile_size(layer);
}

/* [n][T][2 H K + 2 H V]: Q, K, V and O */
static size_t
attention_saved(const NnLayer *layer, int n)
{
	return (size_t) n * tokens_of(layer) * part_at(layer, PARTS);
}

typedef struct AttentionTask
{
	const NnLayer *layer;
	const NnPass *pass;
	const real *in;
	real	   *out;
	real	   *saved;			/* NULL: Q, K, V and O are not kept */
	const real *dout;
	real	   *din;
} AttentionTask;

/* One group of sequences on one worker */
typedef struct Group
{
	int			first;			/* its first sequence */
	int			sequences;
	int			tokens;			/* of all of them */
	const real *in;
	real	   *rows;			/* Q, K, V and O */
	real	   *gradients;		/* of them, backward */
	real	   *sums;			/* of the weights' gradients, backward */
	real	   *weights;		/* a tile of P, or drop(P) */
	real	   *slopes;			/* a tile of dP, then dS */
} Group;

static Group
group_of(const AttentionTask *task, int slice, int worker)
{
	const NnLayer *layer = task->layer;
	int			size = group_sequences(layer, task->pass->n);
	real	   *scratch = nn_scratch(task->pass, worker);
	real	   *room = scratch + attention_weights(layer);
	Group		group = {.first = slice * size,.sums = scratch};

	group.sequences = task->pass->n - group.first < size ?
		task->pass->n - group.first : size;
	group.tokens = group.sequences * layer->input.dim[0];
	group.in = task->in + (size_t) group.first * layer->inputs;
	group.rows = room;
	group.gradients = room;
	if (task->saved != NULL)
		group.rows = task->saved + (size_t) group.first * tokens_of(layer) *
			part_at(layer, PARTS);
	group.weights = room + group_size(layer, task->pass->n);
	group.slopes = group.weights + tile_size(layer);
	return group;
}

static int
sequence_groups(const AttentionTask *task)
{
	int			size = group_sequences(task->layer, task->pass->n);

	return (task->pass->n + size - 1) / size;
}

/* to[rows][width] = from[rows][k] W + b, of W and b of a part */
static void
project_tokens(const AttentionTask *task, int part, int rows, const real *from,
			   size_t from_stride, real *to, size_t to_stride)
{
	const NnLayer *layer = task->layer;
	const NnTensor *kernel = &layer->tensors[projection_kernel(layer, part)];
	int			width = kernel->shape.dim[1];

	for (int r = 0; r < rows && has_bias(layer) &&
		 !interrupt_pending_at((size_t) r); r++)
		memcpy(to + (size_t) r * to_stride,
			   nn_tensor(layer, task->pass, projection_kernel(layer, part) + 1),
			   (size_t) width * sizeof(real));
	nn_gemm(false, false, rows, width, kernel->shape.dim[0], 1, from,
			(int) from_stride, task->pass->weights + kernel->offset, width,
			has_bias(layer) ? 1 : 0, to, (int) to_stride);
}

/* ---- P of some queries ---- */

/* Queries [first, first + count) of one head of one sequence */
typedef struct Tile
{
	int			sequence;		/* in the batch */
	int			head;
	int			first;
	int			count;
} Tile;

/* Where a part of the tile's head begins, of token 0 of its sequence */
static size_t
head_at(const NnLayer *layer, const Group *group, const Tile *tile, int part)
{
	return (size_t) (tile->sequence - group->first) * tokens_of(layer) *
		part_at(layer, PARTS) + part_at(layer, part) +
		(size_t) tile->head * (size_t) head_dim(layer, part);
}

/* weights [count][T] = softmax(Q K' / sqrt(K)) */
static void
make_weights(const NnLayer *layer, const Group *group, const Tile *tile)
{
	int			tokens = layer->input.dim[0];
	int			stride = (int) part_at(layer, PARTS);
	int			dim = head_dim(layer, KEY);
	const real *queries = group->rows + head_at(layer, group, tile, QUERY) +
	(size_t) tile->first * (size_t) stride;

	nn_gemm(false, true, tile->count, tokens, dim, 1 / sqrt((real) dim),
			queries, stride, group->rows + head_at(layer, group, tile, KEY),
			stride, 0, group->weights, tokens);
	for (int q = 0; q < tile->count && !interrupt_pending(); q++)
		nn_softmax((size_t) tokens, group->weights + (size_t) q * tokens);
}

/*
 * The mask is a function of (seed, layer, step, position), as dropout's:
 * backward makes it again.
 */
static void
drop_weights(const NnLayer *layer, const NnPass *pass, const Tile *tile,
			 real *weights)
{
	double		rate = params_number(&layer->params, DROPOUT);
	real		scale = (real) (1 / (1 - rate));
	uint64_t	threshold = (uint64_t) (rate * 0x1000000);
	uint64_t	stream = (pass->step << 16) + (uint64_t) layer->stream;
	size_t		tokens = tokens_of(layer);
	size_t		first = (((size_t) tile->sequence * (size_t) head_count(layer) +
						  (size_t) tile->head) * tokens +
						 (size_t) tile->first) * tokens;

	for (size_t i = 0; i < (size_t) tile->count * tokens &&
		 !interrupt_pending_at(i); i++)
		weights[i] = (random_at(pass->seed, stream, first + i) >> 40) <
			threshold ? 0 : weights[i] * scale;
}

static bool
drops(const AttentionTask *task)
{
	return task->pass->training && task->layer->random;
}

/* ---- forward ---- */

/* O of the tile's queries */
static void
attend(const AttentionTask *task, const Group *group, const Tile *tile)
{
	const NnLayer *layer = task->layer;
	int			tokens = layer->input.dim[0];
	int			stride = (int) part_at(layer, PARTS);

	make_weights(layer, group, tile);
	if (drops(task))
		drop_weights(layer, task->pass, tile, group->weights);
	nn_gemm(false, false, tile->count, head_dim(layer, VALUE), tokens, 1,
			group->weights, tokens,
			group->rows + head_at(layer, group, tile, VALUE), stride, 0,
			group->rows + head_at(layer, group, tile, OUTPUT) +
			(size_t) tile->first * (size_t) stride, stride);
}

typedef void (*TileFunction) (const AttentionTask *task, const Group *group,
							  const Tile *tile);

/* All tiles of a group, one after the other */
static void
each_tile(const AttentionTask *task, const Group *group, TileFunction function)
{
	const NnLayer *layer = task->layer;
	int			tokens = layer->input.dim[0];
	int			queries = (int) tile_queries(layer);

	for (int s = 0; s < group->sequences; s++)
		for (int h = 0; h < head_count(layer); h++)
			for (int q = 0; q < tokens && !interrupt_pending(); q += queries)
			{
				Tile		tile = {group->first + s, h, q, queries};

				if (tile.count > tokens - q)
					tile.count = tokens - q;
				function(task, group, &tile);
			}
}

static void
forward_sequences(void *arg, int slice, int worker)
{
	const AttentionTask *task = arg;
	const NnLayer *layer = task->layer;
	Group		group = group_of(task, slice, worker);
	size_t		stride = part_at(layer, PARTS);

	for (int part = QUERY; part <= VALUE && !interrupt_pending(); part++)
		project_tokens(task, part, group.tokens, group.in, token_channels(layer),
					   group.rows + part_at(layer, part), stride);
	each_tile(task, &group, attend);
	project_tokens(task, OUTPUT, group.tokens, group.rows + part_at(layer, OUTPUT),
				   stride, task->out + (size_t) group.first * layer->outputs,
				   token_channels(layer));
}

static void
attention_forward(const NnLayer *layer, const NnPass *pass,
				  const real *in, real *out, real *saved)
{
	AttentionTask task = {.layer = layer,.pass = pass,.in = in,.out = out,.saved = saved};

	pool_run(pass->pool, sequence_groups(&task), forward_sequences, &task);
}

/* ---- backward ---- */

/* sums of W and b of a part += from' slopes, sum of slopes */
static void
sum_part(const NnLayer *layer, const Group *group, int part, const real *from,
		 size_t from_stride, const real *slopes, size_t stride)
{
	const NnTensor *kernel = &layer->tensors[projection_kernel(layer, part)];
	real	   *sum = group->sums + (kernel->offset - layer->tensors[0].offset);
	int			width = kernel->shape.dim[1];

	nn_gemm(true, false, kernel->shape.dim[0], width, group->tokens, 1, from,
			(int) from_stride, slopes, (int) stride, 1, sum, width);
	for (int r = 0; r < group->tokens && has_bias(layer) &&
		 !interrupt_pending_at((size_t) r); r++)
		nn_add_to((size_t) width, slopes + (size_t) r * stride,
				  sum + kernel->count);
}

/* to[rows][k] = slopes[rows][width] W' of a part, or is added to it */
static void
project_back(const AttentionTask *task, int part, int rows, const real *slopes,
			 size_t stride, bool add, real *to, size_t to_stride)
{
	const NnLayer *layer = task->layer;
	const NnTensor *kernel = &layer->tensors[projection_kernel(layer, part)];
	int			width = kernel->shape.dim[1];

	nn_gemm(false, true, rows, kernel->shape.dim[0], width, 1, slopes,
			(int) stride, task->pass->weights + kernel->offset, width,
			add ? 1 : 0, to, (int) to_stride);
}

/* slopes [count][T]: dS from dP, of which r is taken; both unscaled */
static void
softmax_slopes(const NnLayer *layer, const Group *group, const Tile *tile)
{
	size_t		tokens = tokens_of(layer);
	size_t		stride = part_at(layer, PARTS);
	size_t		dim = (size_t) head_dim(layer, OUTPUT);
	size_t		at = head_at(layer, group, tile, OUTPUT) +
	(size_t) tile->first * stride;

	for (int q = 0; q < tile->count && !interrupt_pending(); q++)
	{
		const real *out = group->rows + at + (size_t) q * stride;
		const real *dout = group->gradients + at + (size_t) q * stride;
		real		sum = 0;

		for (size_t d = 0; d < dim; d++)
			sum += out[d] * dout[d];
		nn_softmax_slopes(tokens, group->weights + (size_t) q * tokens, sum,
						  group->slopes + (size_t) q * tokens);
	}
}

/* dQ of the tile's queries, and what they add to dK and dV of all tokens */
static void
attend_back(const AttentionTask *task, const Group *group, const Tile *tile)
{
	const NnLayer *layer = task->layer;
	int			tokens = layer->input.dim[0];
	int			stride = (int) part_at(layer, PARTS);
	int			dim = head_dim(layer, KEY);
	real		scale = 1 / sqrt((real) dim);
	size_t		skipped = (size_t) tile->first * (size_t) stride;
	const real *dout = group->gradients + skipped +
	head_at(layer, group, tile, OUTPUT);
	const real *dropped = group->weights;

	make_weights(layer, group, tile);
	if (drops(task))
	{
		memcpy(group->slopes, group->weights,
			   (size_t) tile->count * (size_t) tokens * sizeof(real));
		drop_weights(layer, task->pass, tile, group->slopes);
		dropped = group->slopes;
	}
	nn_gemm(true, false, tokens, head_dim(layer, VALUE), tile->count, 1,
			dropped, tokens, dout, stride, 1,
			group->gradients + head_at(layer, group, tile, VALUE), stride);
	nn_gemm(false, true, tile->count, tokens, head_dim(layer, VALUE), 1, dout,
			stride, group->rows + head_at(layer, group, tile, VALUE), stride,
			0, group->slopes, tokens);
	if (drops(task))
		drop_weights(layer, task->pass, tile, group->slopes);
	softmax_slopes(layer, group, tile);
	nn_gemm(false, false, tile->count, dim, tokens, scale, group->slopes,
			tokens, group->rows + head_at(layer, group, tile, KEY), stride, 0,
			group->gradients + head_at(layer, group, tile, QUERY) + skipped,
			stride);
	nn_gemm(true, false, tokens, dim, tile->count, scale, group->slopes,
			tokens, group->rows + head_at(layer, group, tile, QUERY) + skipped,
			stride, 1, group->gradients + head_at(layer, group, tile, KEY),
			stride);
}

/* dK and dV of a group are sums over tiles: 0 first. */
static void
backward_sequences(void *arg, int slice, int worker)
{
	const AttentionTask *task = arg;
	const NnLayer *layer = task->layer;
	Group		group = group_of(task, slice, worker);
	size_t		stride = part_at(layer, PARTS);
	size_t		channels = token_channels(layer);
	const real *dout = task->dout + (size_t) group.first * layer->outputs;

	interrupt_zero(group.gradients,
				   (size_t) group.tokens * stride * sizeof(real));
	sum_part(layer, &group, OUTPUT, group.rows + part_at(layer, OUTPUT),
			 stride, dout, channels);
	project_back(task, OUTPUT, group.tokens, dout, channels, false,
				 group.gradients + part_at(layer, OUTPUT), stride);
	each_tile(task, &group, attend_back);
	for (int part = QUERY; part <= VALUE && !interrupt_pending(); part++)
	{
		const real *slopes = group.gradients + part_at(layer, part);

		sum_part(layer, &group, part, group.in, channels, slopes, stride);
		if (task->din != NULL)
			project_back(task, part, group.tokens, slopes, stride,
						 part > QUERY,
						 task->din + (size_t) group.first * layer->inputs,
						 channels);
	}
}

static void
attention_backward(const NnLayer *layer, const NnPass *pass,
				   const real *in, const real *out, const real *saved,
				   real *dout, real *din)
{
	AttentionTask task = {
		.layer = layer,.pass = pass,.in = in,.saved = (real *) saved,
		.dout = dout,.din = din
	};
	size_t		count = attention_weights(layer);
	real	   *sums = nn_scratch(pass, 0);

	for (int worker = 0; worker < pool_threads(pass->pool); worker++)
		interrupt_zero(nn_scratch(pass, worker), count * sizeof(real));
	pool_run(pass->pool, sequence_groups(&task), backward_sequences, &task);
	for (int w = 1; w < pool_threads(pass->pool) && !interrupt_pending(); w++)
		nn_add_to(count, nn_scratch(pass, w), sums);
	for (int t = 0; t < layer->ntensors; t++)
		pass->sink(pass->sink_context, layer->tensors[t].offset,
				   layer->tensors[t].count,
				   sums + (layer->tensors[t].offset - layer->tensors[0].offset));
}

const NnLayerType nn_layer_multi_head_attention = {
	.description = {"multi_head_attention", multi_head_attention_params,
	"each token of a sequence as a weighted mean of all, by several heads (Vaswani et al., 2017)"},
	.shape = attention_shape,
	.init = attention_init,
	.scratch = attention_scratch,
	.saved = attention_saved,
	.forward = attention_forward,
	.backward = attention_backward
};

int
nn_attention_heads(const NnLayer *layer)
{
	return layer->type == &nn_layer_multi_head_attention ?
		(int) params_number(&layer->params, NUM_HEADS) : 0;
}
