/*
 * user_query.c
 *	  A user's query of (input, label[, image]), embedded batch by batch.
 *
 * It is read through a cursor as the invoker and only once; the network runs
 * on a batch at a time, so that memory does not grow with the query.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#include "gallery/gallery.h"
#include "gallery/gallery_input.h"
#include "gallery/labels.h"
#include "gallery/user_query.h"
#include "model/model.h"
#include "server/cursor.h"
#include "server/query_text.h"

/* Rows of a batch; it ends before if what is fetched and read of them takes so many bytes */
#define BATCH_ROWS 256
#define BATCH_BYTES (8 * 1024 * 1024)

/* ---- opening ---- */

static void
require_input_type(Oid type)
{
	if (model_takes_input(type))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("input of the query is of type %s", format_type_be(type)),
			 errhint("The first column must be of type bytea, an array of numbers or embedding; cast it.")));
}

static const char *
second_column(const LabeledRows *source)
{
	return source->kind == QUERY_KEYS ? "key" : "label";
}

static void
require_columns(LabeledRows *source, TupleDesc desc)
{
	bool		report = source->kind == QUERY_REPORT;

	bool		inputs = source->kind == QUERY_INPUTS;

	source->columns = inputs ? 1 : desc->natts;
	if (desc->natts != 2 && !(report && desc->natts == 3) && !(inputs && desc->natts == 1))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("query must return %s(input, %s)%s", inputs ? "(input) or " : "", second_column(source),
						report ? " or (input, label, image)" : ""),
				 errdetail_plural("It returns %d column.", "It returns %d columns.",
								  desc->natts, desc->natts)));
	source->type = SPI_gettypeid(desc, 1);
	require_input_type(source->type);
	if (source->columns == 3 && getBaseType(SPI_gettypeid(desc, 3)) != BYTEAOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("image of the query is of type %s, not bytea",
						format_type_be(SPI_gettypeid(desc, 3)))));
}

/* One SELECT that changes nothing. */
static bool
is_plain_select(SPIPlanPtr plan)
{
	CachedPlanSource *source;

	if (!SPI_is_cursor_plan(plan))
		return false;
	source = linitial(SPI_plan_get_plan_sources(plan));
	return source->commandTag == CMDTAG_SELECT &&
		!linitial_node(Query, source->query_list)->hasModifyingCTE;
}

static Portal
open_cursor(const char *query, const char *columns)
{
	SPIPlanPtr	plan;
	Portal		portal;

	check_query_text("query", columns, query);
	plan = SPI_prepare(query, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	if (!is_plain_select(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_DEFINITION),
				 errmsg("query must be one SELECT that changes nothing"),
				 errhint("For example: SELECT image, label FROM items.")));
	portal = cursor_open(plan, true);
	SPI_freeplan(plan);
	return portal;
}

LabeledRows *
query_open(const Gallery *gallery, const char *query, QueryKind kind)
{
	LabeledRows *source = palloc0(sizeof(LabeledRows));

	source->gallery = gallery;
	source->kind = kind;
	source->portal = open_cursor(query, kind == QUERY_INPUTS ? "input" : psprintf("input, %s", second_column(source)));
	require_columns(source, source->portal->tupDesc);
	gallery_require_input(gallery, source->type);
	source->context = AllocSetContextCreate(CurrentMemoryContext, "query batch", ALLOCSET_DEFAULT_SIZES);
	return source;
}

/* ---- reading ---- */

static void
raise_null(const LabeledRows *source, int row, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s is null in row %lld of the query",
					what, (long long) (source->rows + row + 1))));
}

static void
allocate_batch(LabeledBatch *batch)
{
	batch->n = 0;
	batch->inputs = palloc(sizeof(Datum) * BATCH_ROWS);
	batch->embeddings = palloc0(sizeof(Embedding *) * BATCH_ROWS);
	batch->labels = palloc(sizeof(char *) * BATCH_ROWS);
	batch->images = palloc0(sizeof(Datum) * BATCH_ROWS);
	batch->has_image = palloc0(sizeof(bool) * BATCH_ROWS);
}

static void
read_row(LabeledRows *source)
{
	LabeledBatch *batch = &source->batch;
	SPITupleTable *table = source->table;
	int			table_row = (int) source->taken++;
	int			row = batch->n++;
	bool		isnull;

	batch->inputs[row] = SPI_getbinval(table->vals[table_row], table->tupdesc, 1, &isnull);
	if (isnull)
		raise_null(source, row, "input");
	if (source->columns == 1)
	{
		batch->labels[row] = NULL;
		return;
	}
	batch->labels[row] = labels_of_column(table, table_row, 2);
	if (batch->labels[row] == NULL && source->kind != QUERY_REPORT)
		raise_null(source, row, second_column(source));
	if (source->columns == 3)
	{
		batch->images[row] = SPI_getbinval(table->vals[table_row], table->tupdesc, 3, &isnull);
		batch->has_image[row] = !isnull;
	}
}

static void
batch_error_context(void *arg)
{
	const LabeledRows *source = arg;

	errcontext("rows %lld to %lld of the query",
			   (long long) source->rows + 1, (long long) source->rows + source->batch.n);
}

/* The next rows out of the cursor; false at its end.  Inputs point into those before. */
static bool
fetch_rows(LabeledRows *source)
{
	if (source->table != NULL)
		source->held = lappend(source->held, source->table);
	cursor_fetch(source->portal, BATCH_ROWS - source->batch.n, &source->pace);
	source->table = SPI_tuptable;
	source->taken = 0;
	source->fetched += MemoryContextMemAllocated(source->table->tuptabcxt, true);
	return source->table->numvals > 0;
}

static void
read_batch(LabeledRows *source)
{
	LabeledBatch *batch = &source->batch;
	ErrorContextCallback callback = {error_context_stack, batch_error_context, source};

	allocate_batch(batch);
	while (batch->n < BATCH_ROWS &&
		   source->fetched + MemoryContextMemAllocated(source->context, false) < BATCH_BYTES)
	{
		if ((source->table == NULL || source->taken == source->table->numvals) && !fetch_rows(source))
			break;
		read_row(source);
	}
	error_context_stack = &callback;
	if (batch->n > 0)
		gallery_embed_many(source->gallery, batch->inputs, source->type, batch->n, batch->embeddings);
	error_context_stack = callback.previous;
}

/* What the batch before has pointed into */
static void
free_batch(LabeledRows *source)
{
	ListCell   *cell;

	foreach(cell, source->held)
		SPI_freetuptable(lfirst(cell));
	source->held = NIL;
	source->fetched = 0;
	MemoryContextReset(source->context);
}

const LabeledBatch *
query_next(LabeledRows *source)
{
	MemoryContext previous;

	CHECK_FOR_INTERRUPTS();
	source->rows += source->batch.n;
	free_batch(source);
	previous = MemoryContextSwitchTo(source->context);
	read_batch(source);
	MemoryContextSwitchTo(previous);
	if (source->batch.n == 0)
		cursor_close(source->portal);
	return &source->batch;
}
