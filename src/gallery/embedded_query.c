/*
 * embedded_query.c
 *	  A user's query of (input, label[, image]), embedded batch by batch.
 *
 * The network runs on a batch at a time, so that memory does not grow with the
 * query.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gallery/embedded_query.h"
#include "gallery/gallery.h"
#include "gallery/gallery_input.h"
#include "model/model.h"

/* Rows of a batch; it ends before if what is fetched and read of them takes so many bytes */
#define BATCH_ROWS 256
#define BATCH_BYTES (8 * 1024 * 1024)

LabeledRows *
query_open(const Gallery *gallery, const char *query, QueryKind kind,
		   CallKind call)
{
	LabeledRows *source = palloc0(sizeof(LabeledRows));

	source->gallery = gallery;
	source->query = user_query_open("query", query, kind, true);
	model_require_input_column(source->query->name, source->query->type);
	gallery_require_input(gallery, source->query->type);
	source->context = AllocSetContextCreate(CurrentMemoryContext, "query batch",
											ALLOCSET_DEFAULT_SIZES);
	call_progress_begin(&source->progress, call, gallery->relid, 0);
	user_query_progress(source->query, &source->progress,
						call == CALL_EVALUATION ? PHASE_READING :
						PHASE_LOOKING_UP);
	return source;
}

void
query_close(LabeledRows *source)
{
	user_query_close(source->query);
	call_progress_end(&source->progress);
}

static void
allocate_batch(LabeledBatch *batch)
{
	batch->n = 0;
	batch->inputs = palloc(sizeof(Datum) * BATCH_ROWS);
	batch->embeddings = palloc0(sizeof(Embedding *) * BATCH_ROWS);
	batch->labels = palloc0(sizeof(char *) * BATCH_ROWS);
	batch->keys = palloc0(sizeof(char *) * BATCH_ROWS);
	batch->images = palloc0(sizeof(Datum) * BATCH_ROWS);
	batch->has_image = palloc0(sizeof(bool) * BATCH_ROWS);
}

static void
read_embedded_row(LabeledBatch *batch, const UserQuery *query)
{
	int			row = batch->n++;

	batch->inputs[row] = user_query_input(query);
	if (query->columns > 1)
		batch->labels[row] = user_query_label(query);
	if (query->kind == QUERY_SAMPLE)
		batch->keys[row] = user_query_key(query);
	batch->has_image[row] = user_query_image(query, &batch->images[row]);
}

/* Inputs point into the rows that were fetched. */
static void
read_rows(LabeledRows *source)
{
	LabeledBatch *batch = &source->batch;
	UserQuery  *query = source->query;
	ErrorContextCallback callback = {error_context_stack, user_query_error_context, query};

	error_context_stack = &callback;
	while (batch->n < BATCH_ROWS &&
		   query->fetched + MemoryContextMemAllocated(source->context,
													  false) < BATCH_BYTES &&
		   user_query_next(query, BATCH_ROWS - batch->n))
		read_embedded_row(batch, query);
	error_context_stack = callback.previous;
}

static void
row_error_context(void *arg, int input)
{
	const LabeledRows *source = arg;

	errcontext("row %lld of the %s", (long long) source->rows + input + 1,
			   source->query->name);
}

static void
batch_error_context(void *arg)
{
	const LabeledRows *source = arg;

	errcontext("rows %lld to %lld of the %s", (long long) source->rows + 1,
			   (long long) source->rows + source->batch.n, source->query->name);
}

static void
embed_rows(LabeledRows *source)
{
	LabeledBatch *batch = &source->batch;
	ErrorContextCallback callback = {error_context_stack, batch_error_context, source};

	error_context_stack = &callback;
	if (batch->n > 0)
		gallery_embed_many(source->gallery, batch->inputs, source->query->type,
						   batch->n, row_error_context, source,
						   batch->embeddings);
	error_context_stack = callback.previous;
}

const LabeledBatch *
query_next(LabeledRows *source)
{
	MemoryContext previous;

	CHECK_FOR_INTERRUPTS();
	source->rows += source->batch.n;
	user_query_release(source->query);
	MemoryContextReset(source->context);
	previous = MemoryContextSwitchTo(source->context);
	allocate_batch(&source->batch);
	read_rows(source);
	embed_rows(source);
	MemoryContextSwitchTo(previous);
	return &source->batch;
}
