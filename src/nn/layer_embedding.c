/*
 * layer_embedding.c
 *	  embedding and embedding_bag: rows of a table by their numbers, ids.
 *
 * The table E is [input_dim][D].  Ids are numbers of the model's input, 0 to
 * input_dim - 1, as they come or taken out by views and select.
 *   embedding      [n][..] to [n][..][D]     y = E[id]
 *   embedding_bag  [n][..][B] to [n][..][D]  y = sum, mean, or largest, number
 *                                            by number, of E[id] over a bag of
 *                                            B ids; those equal to padding_idx
 *                                            do not count
 * The first is a sum over bags of one.  A bag of padding alone is 0.
 *   dE[r] = sum of w dy over all ids that are r, w being 1, or 1 / (ids that
 *           count of the bag), or 1 where the id gave the largest number, the
 *           first of equal ones, and 0 elsewhere
 * A worker takes a band of E and looks through the ids of the batch for it: sums
 * are in the batch's order, whatever the number of workers, and dE as a whole
 * is never stored.
 *
 * Whoever hands rows to the engine asks nn_check_ids() about them; what it
 * refuses is of no meaning here, but does no harm: it counts as 0.
 */
#include <string.h>

#include "base/interrupt.h"
#include "nn/layer.h"

/* The same for both */
enum
{
	INPUT_DIM, OUTPUT_DIM, MODE, PADDING_IDX
};

enum
{
	MEAN, SUM, MAX
};

/* Numbers of a band of E */
#define BAND_SIZE (32 * 1024)

/* First weights are uniform between, as Keras' */
#define FIRST_RANGE 0.05

/* Whole numbers that float holds */
#define MAX_IDS (1 << 24)

static const char *const mode_names[] = {"mean", "sum", "max", NULL};

#define TABLE_PARAMS \
	{.name = "input_dim",.type = PARAM_INTEGER,.required = true,.minimum = 1,.maximum = MAX_IDS, \
	.comment = "rows of the table: ids are 0 .. input_dim - 1"}, \
	{.name = "output_dim",.type = PARAM_INTEGER,.required = true,.minimum = 1,.maximum = 65536, \
	.comment = "numbers of a row"}

static const ParamSpec embedding_params[] = {
	TABLE_PARAMS,
	{NULL}
};

static const ParamSpec embedding_bag_params[] = {
	TABLE_PARAMS,
	{.name = "mode",.type = PARAM_CHOICE,.choices = mode_names,
	.comment = "what becomes of the rows of a bag"},
	{.name = "padding_idx",.type = PARAM_INTEGER,.nullable = true,.minimum = 0,.maximum = MAX_IDS - 1,
	.comment = "an id that does not count, for bags of different sizes"},
	{NULL}
};

static bool
is_bag(const NnLayer *layer)
{
	return layer->type == &nn_layer_embedding_bag;
}

static size_t
bag_ids(const NnLayer *layer)
{
	return is_bag(layer) ? (size_t) nn_channels(&layer->input) : 1;
}

static size_t
table_rows(const NnLayer *layer)
{
	return (size_t) layer->tensors[0].shape.dim[0];
}

static size_t
table_width(const NnLayer *layer)
{
	return (size_t) layer->tensors[0].shape.dim[1];
}

static bool
embedding_shape(NnLayer *layer, Status *status)
{
	int			width = (int) params_number(&layer->params, OUTPUT_DIM);
	NnShape		table = {2, {(int) params_number(&layer->params, INPUT_DIM), width}};

	layer->reads_out = false;
	layer->output = layer->input;
	layer->output.rank += !is_bag(layer);
	if (layer->output.rank > NN_MAX_RANK)
	{
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"layer \"%s\" would give more than %d dimensions",
					layer->name, NN_MAX_RANK);
		return status_hint(status, "Put {\"flatten\": {}} before it.");
	}
	layer->output.dim[layer->output.rank - 1] = width;
	return nn_add_tensor(layer, "embeddings", table, status);
}

static void
embedding_init(const NnLayer *layer, Random *random, real *weights)
{
	const NnTensor *table = &layer->tensors[0];

	for (size_t i = 0; i < table->count && !interrupt_pending_at(i); i++)
		weights[table->offset + i] =
			(real) ((2 * random_uniform(random) - 1) * FIRST_RANGE);
}

/* A band of dE, whole rows */
static size_t
band_rows(const NnLayer *layer)
{
	size_t		rows = BAND_SIZE / table_width(layer);

	rows = rows < 1 ? 1 : rows;
	return rows < table_rows(layer) ? rows : table_rows(layer);
}

static size_t
embedding_scratch(const NnLayer *layer, int n)
{
	return band_rows(layer) * table_width(layer);
}

static bool
is_largest(const NnLayer *layer)
{
	return is_bag(layer) && params_number(&layer->params, MODE) == MAX;
}

/* Of each largest number: where its id stands in the bag */
static size_t
embedding_saved(const NnLayer *layer, int n)
{
	return is_largest(layer) ? (size_t) n * layer->outputs : 0;
}

/* ---- ids ---- */

static bool
is_id(const NnLayer *layer, real x)
{
	return x >= 0 && x < (real) table_rows(layer) && x == (real) (size_t) x;
}

static bool
is_padding(const NnLayer *layer, real x)
{
	return is_bag(layer) && layer->params.values[PADDING_IDX].isset &&
		x == (real) params_number(&layer->params, PADDING_IDX);
}

/* Does the number choose a row? */
static bool
counts(const NnLayer *layer, real x)
{
	return is_id(layer, x) && !is_padding(layer, x);
}

/* What rows of a bag are multiplied by */
static real
bag_weight(const NnLayer *layer, const real *ids)
{
	size_t		n = 0;

	if (!is_bag(layer) || params_number(&layer->params, MODE) != MEAN)
		return 1;
	for (size_t i = 0; i < bag_ids(layer); i++)
		n += counts(layer, ids[i]);
	return n == 0 ? 0 : 1 / (real) n;
}

bool
nn_check_ids(const NnGraph *graph, NnElement element, const void *row,
			 Status *status)
{
	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];

		if (!layer->type->reads_ids)
			continue;
		for (size_t j = layer->ids_at; j < layer->ids_at + layer->inputs; j++)
		{
			double		x = element == NN_UINT8 ?
			((const uint8_t *) row)[j] : ((const float *) row)[j];

			if (is_id(layer, (real) x) || is_padding(layer, (real) x))
				continue;
			status_fail(status, STATUS_OUT_OF_RANGE,
						"input has %g where layer \"%s\" takes ids", x,
						layer->name);
			return status_detail(status,
								 "It is element %zu; ids are whole numbers from 0 to %zu.",
								 j + 1, table_rows(layer) - 1);
		}
	}
	return true;
}

/* ---- forward and backward ---- */

typedef struct EmbeddingTask
{
	const NnLayer *layer;
	const NnPass *pass;
	const real *in;
	real	   *out;
	real	   *winners;		/* as saved, or NULL */
	const real *dout;
	const real *saved;
} EmbeddingTask;

/* to += weight from */
static void
add_weighted_row(size_t n, real weight, const real *restrict from,
				 real *restrict to)
{
	for (size_t i = 0; i < n; i++)
		to[i] += weight * from[i];
}

/*
 * to = the largest of to and from, and where from is, its place.  NaN wins and
 * stays.
 */
static void
take_largest(size_t n, bool first, size_t place, const real *from, real *to,
			 real *winners)
{
	for (size_t i = 0; i < n; i++)
		if (first || from[i] > to[i] || (from[i] != from[i] && to[i] == to[i]))
		{
			to[i] = from[i];
			if (winners != NULL)
				winners[i] = (real) place;
		}
}

/* A bag's largest numbers; of a bag of padding there are none. */
static void
embed_largest(const EmbeddingTask *task, const real *ids, real *out,
			  real *winners)
{
	const NnLayer *layer = task->layer;
	const real *table = nn_tensor(layer, task->pass, 0);
	size_t		width = table_width(layer);
	bool		first = true;

	if (winners != NULL)
		memset(winners, 0, width * sizeof(real));
	for (size_t i = 0; i < bag_ids(layer); i++)
		if (counts(layer, ids[i]))
		{
			take_largest(width, first, i, table + (size_t) ids[i] * width, out,
						 winners);
			first = false;
		}
}

/* All bags of one row of the batch */
static void
embed_row(void *arg, int slice, int worker)
{
	const EmbeddingTask *task = arg;
	const NnLayer *layer = task->layer;
	const real *table = nn_tensor(layer, task->pass, 0);
	const real *ids = task->in + (size_t) slice * layer->inputs;
	real	   *out = task->out + (size_t) slice * layer->outputs;
	size_t		width = table_width(layer);
	size_t		bag = bag_ids(layer);

	interrupt_zero(out, layer->outputs * sizeof(real));
	for (size_t b = 0; b < layer->inputs && !interrupt_pending();
		 b += bag, out += width)
	{
		real		weight = bag_weight(layer, ids + b);

		if (is_largest(layer))
		{
			embed_largest(task, ids + b, out, task->winners == NULL ? NULL :
						  task->winners + (out - task->out));
			continue;
		}
		for (size_t i = b; i < b + bag; i++)
			if (counts(layer, ids[i]))
				add_weighted_row(width, weight, table + (size_t) ids[i] * width,
								 out);
	}
}

static void
embedding_forward(const NnLayer *layer, const NnPass *pass,
				  const real *in, real *out, real *saved)
{
	EmbeddingTask task = {.layer = layer,.pass = pass,.in = in,.out = out,.winners = saved};

	pool_run(pass->pool, pass->n, embed_row, &task);
}

/* to += dy where the id at this place of the bag gave the largest number */
static void
add_won(size_t n, size_t place, const real *dy, const real *winners, real *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] += winners[i] == (real) place ? dy[i] : 0;
}

/* dE of rows [first, first + rows) of the table */
static void
sum_band(const EmbeddingTask *task, size_t first, size_t rows, real *sum)
{
	const NnLayer *layer = task->layer;
	size_t		width = table_width(layer);
	size_t		bag = bag_ids(layer);
	size_t		n = (size_t) task->pass->n * layer->inputs;
	const real *dout = task->dout;

	for (size_t b = 0; b < n && !interrupt_pending_at(b / bag);
		 b += bag, dout += width)
		for (size_t i = b; i < b + bag; i++)
		{
			real		x = task->in[i];
			real	   *to;

			if (x < (real) first || x >= (real) (first + rows) ||
				!counts(layer, x))
				continue;
			to = sum + ((size_t) x - first) * width;
			if (is_largest(layer))
				add_won(width, i - b, dout, task->saved + (dout - task->dout),
						to);
			else
				add_weighted_row(width, bag_weight(layer, task->in + b), dout,
								 to);
		}
}

static void
embedding_band(void *arg, int slice, int worker)
{
	const EmbeddingTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		width = table_width(layer);
	size_t		first = (size_t) slice * band_rows(layer);
	size_t		rows = table_rows(layer) - first;
	real	   *sum = nn_scratch(task->pass, worker);

	rows = rows < band_rows(layer) ? rows : band_rows(layer);
	memset(sum, 0, rows * width * sizeof(real));
	sum_band(task, first, rows, sum);
	task->pass->sink(task->pass->sink_context,
					 layer->tensors[0].offset + first * width, rows * width,
					 sum);
}

/* Ids have no gradient. */
static void
embedding_backward(const NnLayer *layer, const NnPass *pass,
				   const real *in, const real *out, const real *saved,
				   real *dout, real *din)
{
	EmbeddingTask task = {.layer = layer,.pass = pass,.in = in,.dout = dout,.saved = saved};
	size_t		bands = (table_rows(layer) + band_rows(layer) - 1) /
	band_rows(layer);

	pool_run(pass->pool, (int) bands, embedding_band, &task);
	if (din != NULL)
		interrupt_zero(din, (size_t) pass->n * layer->inputs * sizeof(real));
}

const NnLayerType nn_layer_embedding = {
	.description = {"embedding", embedding_params,
	"a trained row of numbers for each id in the model's input"},
	.reads_ids = true,
	.shape = embedding_shape,
	.init = embedding_init,
	.scratch = embedding_scratch,
	.forward = embedding_forward,
	.backward = embedding_backward
};

const NnLayerType nn_layer_embedding_bag = {
	.description = {"embedding_bag", embedding_bag_params,
	"mean, sum or largest numbers of the trained rows of the ids along the last dimension, as PyTorch's EmbeddingBag"},
	.reads_ids = true,
	.shape = embedding_shape,
	.init = embedding_init,
	.scratch = embedding_scratch,
	.saved = embedding_saved,
	.forward = embedding_forward,
	.backward = embedding_backward
};
