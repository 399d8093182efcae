/*
 * infer.c
 *	  From rows to embeddings.
 *
 * Rows are independent, so each worker runs the whole network on rows of its
 * own, chunk by chunk, with two buffers that layers write in turn.
 */
#include <string.h>

#include "base/size.h"
#include "nn/layer.h"

/* Rows that a worker handles at once: enough for products to be efficient */
#define CHUNK_ROWS 64

struct NnInfer
{
	const NnGraph *graph;
	const real *weights;
	int			chunk;
	int			nworkers;
	ThreadPool *pool;
	real	   *buffers;		/* two for each worker */
	size_t		buffer_size;
	real	   *scratch;
	size_t		scratch_size;
};

static int
chunk_rows(int max_batch, int nthreads)
{
	int			share = (max_batch + nthreads - 1) / nthreads;

	return share < CHUNK_ROWS ? share : CHUNK_ROWS;
}

size_t
nn_infer_memory(const NnGraph *graph, int max_batch, int nthreads)
{
	int			chunk = chunk_rows(max_batch, nthreads);
	size_t		buffers = 2 * (size_t) chunk * nn_graph_widest(graph);

	return arena_bound((buffers + nn_graph_scratch(graph, chunk)) * (size_t) nthreads * sizeof(real) +
					   sizeof(NnInfer), 3);
}

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
		infer->buffer_size = (size_t) infer->chunk * nn_graph_widest(graph);
		infer->scratch_size = nn_graph_scratch(graph, infer->chunk);
		infer->buffers = arena_alloc_array(arena, 2 * (size_t) infer->nworkers * infer->buffer_size,
										   sizeof(real));
		infer->scratch = arena_alloc_array(arena, (size_t) infer->nworkers * infer->scratch_size,
										   sizeof(real));
	}
	if (infer == NULL || infer->buffers == NULL || infer->scratch == NULL)
	{
		status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory");
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
	int			n = task->n - begin < infer->chunk ? task->n - begin : infer->chunk;
	real	   *in = infer->buffers + 2 * (size_t) worker * infer->buffer_size;
	real	   *out = in + infer->buffer_size;
	size_t		outputs = (size_t) nn_graph_outputs(graph);
	NnPass		pass = {
		.n = n,
		.weights = infer->weights,
		.scratch = infer->scratch + (size_t) worker * infer->scratch_size,
		.scratch_size = infer->scratch_size
	};
	unsigned	saved = nn_flush_denormals();

	nn_gather(graph, task->element, task->rows + begin, n, in);
	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];
		real	   *target = layer->type->in_place ? in : out;

		layer->type->forward(layer, &pass, in, target, NULL);
		if (target == out)
		{
			out = in;
			in = target;
		}
	}
	for (size_t i = 0; i < (size_t) n * outputs; i++)
		task->out[(size_t) begin * outputs + i] = (float) in[i];
	nn_restore_denormals(saved);
}

void
nn_infer_run(NnInfer *infer, NnElement element, const void *const *rows, int n, float *out)
{
	InferTask	task = {infer, element, rows, n, out};

	pool_run(infer->pool, (n + infer->chunk - 1) / infer->chunk, infer_chunk, &task);
}
