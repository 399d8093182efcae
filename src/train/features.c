/*
 * features.c
 *	  What frozen layers make of the rows of a training, computed once.
 *
 * A row's features depend in their last bits on how many rows run together.
 * Rows are therefore taken in their order, always as many at once: a training
 * that is resumed computes the same.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/size.h"
#include "server/errors.h"
#include "server/stop.h"
#include "train/features.h"

/* Rows of a thread at once: one chunk of inference */
#define THREAD_ROWS 48

int
features_fetch(const ThreadPool *pool)
{
	return THREAD_ROWS * pool_threads(pool);
}

static Size
row_bytes(const NnGraph *prefix)
{
	return (Size) nn_graph_outputs(prefix) * sizeof(float);
}

/* The network and one piece of features, until they are in the store */
static Size
compute_size(const FeaturesRequest *request)
{
	int			n = features_fetch(request->pool);

	return nn_infer_memory(request->prefix, n, pool_threads(request->pool)) +
		(Size) n * row_bytes(request->prefix);
}

/* Rows beyond memory would be slower to read than the layers are to run. */
bool
features_fit(const FeaturesRequest *request)
{
	Size		row = row_bytes(request->prefix);
	Size		size = compute_size(request);
	Size		kept;
	Size		batch;

	if (!rows_memory(row, request->rows->nrows, &kept) ||
		!size_mul(row, (Size) request->max_fetch, &batch) ||
		!size_add(size, kept, &kept) || !size_add(batch, kept, &kept) ||
		!memory_fits(request->memory, kept))
		return false;
	request->memory->features = size;
	return true;
}

static void
compute_piece(const FeaturesRequest *request, NnInfer *infer, uint32 begin,
			  int n, float *features, RowStore *store)
{
	int			outputs = nn_graph_outputs(request->prefix);
	const void **inputs = palloc(sizeof(void *) * (Size) n);
	uint32	   *numbers = palloc(sizeof(uint32) * (Size) n);

	for (int i = 0; i < n; i++)
		numbers[i] = begin + (uint32) i;
	rows_fetch(request->rows->store, numbers, n, inputs);
	nn_infer_run(infer, request->rows->element, inputs, n, features);
	check_interrupts();
	for (int i = 0; i < n; i++)
		rows_append(store, features + (Size) i * outputs);
	pfree(numbers);
	pfree(inputs);
}

RowStore *
features_compute(MemoryContext context, const FeaturesRequest *request,
				 const real *weights)
{
	CallProgress *progress = request->progress;
	CallProgress before = *progress;
	MemoryContext work = AllocSetContextCreate(context, "similarity features",
											   ALLOCSET_DEFAULT_SIZES);
	int			most = features_fetch(request->pool);
	Size		row = row_bytes(request->prefix);
	RowStore   *store = rows_create(context, row, request->max_fetch,
									request->memory);
	float	   *features = MemoryContextAllocHuge(work, (Size) most * row);
	NnInfer    *infer;
	Status		status;

	infer = nn_infer_create(memory_arena(work, ARENA_NO_BUDGET),
							request->prefix, weights, most, request->pool,
							&status);
	if (infer == NULL)
		raise_status(&status);
	call_progress_phase(progress, PHASE_EMBEDDING, request->rows->nrows);
	for (uint32 begin = 0; begin < request->rows->nrows; begin += (uint32) most)
	{
		CHECK_FOR_INTERRUPTS();
		call_progress(progress, begin);
		compute_piece(request, infer, begin,
					  (int) Min((uint32) most, request->rows->nrows - begin),
					  features, store);
	}
	call_progress_phase(progress, before.phase, (double) before.total);
	progress->done = before.done;
	progress->base = before.base;
	MemoryContextDelete(work);
	return store;
}
