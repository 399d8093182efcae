/*
 * infer.c
 *	  From rows to embeddings.
 *
 * Rows are independent, so each worker runs the whole network on rows of its
 * own, chunk by chunk, in memory of its own.  What layers want to have of their
 * weights is made by the first run and read by all.
 */
#include <string.h>

#include "base/interrupt.h"
#include "base/size.h"
#include "nn/plan.h"

/*
 * Rows that a worker handles at once: enough for products to be efficient, and
 * whole sixes, which they take together (conv_kernels.c)
 */
#define CHUNK_ROWS 48

struct NnInfer
{
	const NnGraph *graph;
	const real *weights;
	int			chunk;
	int			nworkers;
	ThreadPool *pool;
	NnPlan		plan;			/* of a worker's memory */
	real	   *memory;			/* of all workers */
	real	   *scratch;
	size_t		scratch_size;
	bool		is_prepared;
	real	   *prepared[NN_MAX_LAYERS];
};

/*
 * Small batches are shared by all workers; large ones go in chunks whose
 * activations stay small.
 */
static int
chunk_rows(int max_batch, int nthreads)
{
	int			share = (max_batch + nthreads - 1) / nthreads;

	return share < CHUNK_ROWS ? share : CHUNK_ROWS;
}

static size_t
layer_prepared(const NnLayer *layer, int chunk)
{
	return layer->type->prepared == NULL ? 0 :
		layer->type->prepared(layer, chunk);
}

static size_t
graph_prepared(const NnGraph *graph, int chunk)
{
	size_t		size = 0;

	for (int i = 0; i < graph->nlayers; i++)
		size += layer_prepared(&graph->layers[i], chunk);
	return size;
}

size_t
nn_infer_memory(const NnGraph *graph, int max_batch, int nthreads)
{
	int			chunk = chunk_rows(max_batch, nthreads);
	size_t		scratch = nn_graph_scratch(graph, chunk);
	NnPlan		plan;

	nn_plan(graph, chunk, false, &plan);
	return arena_bound(((plan.size + scratch) * (size_t) nthreads +
						graph_prepared(graph, chunk)) * sizeof(real) +
					   sizeof(NnInfer), 4);
}

/* Each layer's place in the room for all; false if there is none */
static bool
place_prepared(Arena *arena, NnInfer *infer)
{
	const NnGraph *graph = infer->graph;
	real	   *room = arena_alloc_array(arena,
										 graph_prepared(graph, infer->chunk),
										 sizeof(real));

	for (int i = 0; i < graph->nlayers && room != NULL; i++)
	{
		infer->prepared[i] = room;
		room += layer_prepared(&graph->layers[i], infer->chunk);
	}
	return room != NULL;
}

/*
 * One piece of memory for each worker, since each runs the whole network.  A
 * chunk is a worker's share of max_batch, and CHUNK_ROWS at most.
 */
NnInfer *
nn_infer_create(Arena *arena, const NnGraph *graph, const real *weights,
				int max_batch, ThreadPool *pool, Status *status)
{
	NnInfer    *infer = arena_new(arena, NnInfer);

	if (infer != NULL)
	{
		infer->graph = graph;
		infer->weights = weights;
		infer->pool = pool;
		infer->nworkers = pool_threads(pool);
		infer->chunk = chunk_rows(max_batch, infer->nworkers);
		nn_plan(graph, infer->chunk, false, &infer->plan);
		infer->scratch_size = nn_graph_scratch(graph, infer->chunk);
		infer->memory = arena_alloc_array(arena,
										  (size_t) infer->nworkers * infer->plan.size, sizeof(real));
		infer->scratch = arena_alloc_array(arena,
										   (size_t) infer->nworkers * infer->scratch_size, sizeof(real));
	}
	if (infer == NULL || infer->memory == NULL || infer->scratch == NULL ||
		!place_prepared(arena, infer))
	{
		status_out_of_memory(status, NULL);
		return NULL;
	}
	return infer;
}

typedef struct InferTask
{
	const NnInfer *infer;
	NnElement	element;
	const void *const *rows;
	int			n;
	float	   *out;
} InferTask;

/* One chunk of rows through all layers */
static void
infer_chunk(void *arg, int slice, int worker)
{
	const InferTask *task = arg;
	const NnInfer *infer = task->infer;
	const NnGraph *graph = infer->graph;
	int			begin = slice * infer->chunk;
	int			n = task->n - begin < infer->chunk ? task->n - begin :
	infer->chunk;
	real	   *memory = infer->memory + (size_t) worker * infer->plan.size;
	const real *out = memory + nn_plan_last(graph, &infer->plan);
	size_t		outputs = (size_t) nn_graph_outputs(graph);
	NnPass		pass = {
		.n = n,
		.weights = infer->weights,
		.scratch = infer->scratch + (size_t) worker * infer->scratch_size,
		.scratch_size = infer->scratch_size,
		.prepared = infer->prepared
	};
	unsigned	saved = nn_flush_denormals();

	nn_gather(graph, task->element, task->rows + begin, n,
			  memory + infer->plan.input);
	nn_forward(graph, &infer->plan, &pass, memory);
	for (size_t i = 0; i < (size_t) n * outputs; i++)
		task->out[(size_t) begin * outputs + i] = (float) out[i];
	nn_restore_denormals(saved);
}

/* A stopped preparation is none: the next run begins anew. */
static void
prepare_layers(NnInfer *infer)
{
	const NnGraph *graph = infer->graph;
	NnPass		pass = {.pool = infer->pool,.weights = infer->weights};

	for (int i = 0; i < graph->nlayers; i++)
		if (layer_prepared(&graph->layers[i], infer->chunk) > 0)
			graph->layers[i].type->prepare(&graph->layers[i], &pass,
										   infer->prepared[i]);
	infer->is_prepared = !interrupt_pending();
}

void
nn_infer_run(NnInfer *infer, NnElement element, const void *const *rows, int n,
			 float *out)
{
	InferTask	task = {infer, element, rows, n, out};

	if (!infer->is_prepared)
		prepare_layers(infer);
	pool_run(infer->pool, (n + infer->chunk - 1) / infer->chunk, infer_chunk,
			 &task);
}
