/*
 * infer.c
 *	  From rows to embeddings.
 *
 * Rows are independent, so each worker runs the whole network on rows of its
 * own, chunk by chunk, in memory of its own.
 */
#include <string.h>

#include "base/size.h"
#include "nn/plan.h"

/* Rows that a worker handles at once: enough for products to be efficient */
#define CHUNK_ROWS 64

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

size_t
nn_infer_memory(const NnGraph *graph, int max_batch, int nthreads)
{
	int			chunk = chunk_rows(max_batch, nthreads);
	NnPlan		plan;

	nn_plan(graph, chunk, false, &plan);
	return arena_bound((plan.size + nn_graph_scratch(graph,
													 chunk)) * (size_t) nthreads * sizeof(real) +
					   sizeof(NnInfer), 3);
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
	if (infer == NULL || infer->memory == NULL || infer->scratch == NULL)
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
		.scratch_size = infer->scratch_size
	};
	unsigned	saved = nn_flush_denormals();

	nn_gather(graph, task->element, task->rows + begin, n,
			  memory + infer->plan.input);
	nn_forward(graph, &infer->plan, &pass, memory);
	for (size_t i = 0; i < (size_t) n * outputs; i++)
		task->out[(size_t) begin * outputs + i] = (float) out[i];
	nn_restore_denormals(saved);
}

void
nn_infer_run(NnInfer *infer, NnElement element, const void *const *rows, int n,
			 float *out)
{
	InferTask	task = {infer, element, rows, n, out};

	pool_run(infer->pool, (n + infer->chunk - 1) / infer->chunk, infer_chunk,
			 &task);
}
