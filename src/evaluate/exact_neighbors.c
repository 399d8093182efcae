/*
 * exact_neighbors.c
 *	  The exact neighbors of many queries in one pass over the table.
 *
 * Queries are collected until maintenance_work_mem is used, then the table is
 * read once by a cursor, as the invoker, and scored against all of them by
 * kernel/neighbors, on the thread pool.  The distances are the operators' own
 * to the last bit.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "evaluate/exact_neighbors.h"
#include "gallery/gallery.h"
#include "gallery/labels.h"
#include "gallery/lookup.h"
#include "kernel/neighbors.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/cursor.h"
#include "server/errors.h"
#include "server/stop.h"

struct Exact
{
	const Gallery *gallery;
	int			k;
	Labels	   *labels;
	ExactFunction function;
	void	   *state;
	int64		rows;			/* of the table, found by the last pass */

	/* queries that wait */
	MemoryContext context;		/* of everything below, reset after a pass */
	int			n;
	int			size;
	int			capacity;		/* run at so many */
	int			dims;
	int			model;			/* tag that they agree on, or 0 */
	int		   *query_labels;
	const void **items;
	float	   *vectors;

	/* a block of rows */
	float	   *row_vectors;
	const void **row_items;
	uint64	   *row_ids;		/* label codes, EVAL_NO_LABEL as NO_LABEL_ID */
	MemoryContext block_context;
	NeighborSearch *search;
};

#define NO_LABEL_ID PG_UINT64_MAX

/* ---- queries ---- */

Exact *
exact_create(const Gallery *gallery, int k, Labels *labels, ExactFunction function, void *state)
{
	Exact	   *exact = palloc0(sizeof(Exact));

	exact->gallery = gallery;
	exact->k = k;
	exact->labels = labels;
	exact->function = function;
	exact->state = state;
	exact->context = AllocSetContextCreate(CurrentMemoryContext, "exact neighbors", ALLOCSET_DEFAULT_SIZES);
	return exact;
}

static void
begin_queries(Exact *exact, const Embedding *query)
{
	exact->dims = query->dims;
	exact->capacity = (int) neighbors_affordable(budget_bytes(BUDGET_MAINTENANCE), query->dims, exact->k,
												 VARSIZE(query) + 64);
	exact->size = Min(256, exact->capacity);
	exact->query_labels = palloc(sizeof(int) * exact->size);
	exact->items = palloc(sizeof(void *) * exact->size);
	exact->vectors = palloc_extended(sizeof(float) * exact->size * exact->dims, MCXT_ALLOC_HUGE);
}

static void
grow_queries(Exact *exact)
{
	exact->size = Min(2 * exact->size, exact->capacity);
	exact->query_labels = repalloc_huge(exact->query_labels, sizeof(int) * exact->size);
	exact->items = repalloc_huge(exact->items, sizeof(void *) * exact->size);
	exact->vectors = repalloc_huge(exact->vectors, sizeof(float) * exact->size * exact->dims);
}

void
exact_add(Exact *exact, int label, const Embedding *query)
{
	MemoryContext caller = MemoryContextSwitchTo(exact->context);
	Embedding  *copy = palloc(VARSIZE(query));

	memcpy(copy, query, VARSIZE(query));
	if (exact->n == 0)
		begin_queries(exact, copy);
	else
		embedding_check_dims(exact->items[0], copy);
	if (exact->n == exact->size)
		grow_queries(exact);
	embedding_merge_model(&exact->model, copy);
	exact->query_labels[exact->n] = label;
	exact->items[exact->n] = copy;
	embedding_decode(copy, exact->vectors + (Size) exact->n * exact->dims);
	exact->n++;
	MemoryContextSwitchTo(caller);
	if (exact->n == exact->capacity)
		exact_run(exact);
}

/* ---- the table ---- */

static Portal
open_table(const Gallery *gallery)
{
	const char *column = quote_identifier(gallery->embedding);
	char	   *sql = psprintf("SELECT t.%s, t.%s FROM %s t WHERE t.%s IS NOT NULL",
							   quote_identifier(gallery->label), column, gallery->relation, column);
	SPIPlanPtr	plan;
	Portal		portal;
	RoleFrame	reader;

	gallery_enter(gallery, &reader);
	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	portal = cursor_open(plan, true);
	SPI_freeplan(plan);
	gallery_leave(gallery, &reader);
	/* users' functions have run since the gallery was opened */
	if (getBaseType(SPI_gettypeid(portal->tupDesc, 2)) != embedding_type_oid())
		gallery_raise_changed(gallery);
	return portal;
}

static void
take_row(Exact *exact, SPITupleTable *table, int row)
{
	bool		isnull;
	Datum		value = SPI_getbinval(table->vals[row], table->tupdesc, 2, &isnull);
	Embedding  *e = embedding_check(DatumGetEmbedding(value));
	char	   *text = labels_of_column(table, row, 1);
	int			label = labels_code_of_row(exact->labels, text);

	embedding_check_dims(e, exact->items[0]);
	if (e->model != 0 && exact->model != 0 && e->model != exact->model)
		embedding_raise_model_mismatch(e->model, exact->model);
	embedding_decode(e, exact->row_vectors + (Size) row * exact->dims);
	exact->row_items[row] = e;
	exact->row_ids[row] = label == EVAL_NO_LABEL ? NO_LABEL_ID : (uint64) label;
	if (text)
		pfree(text);			/* those of a block may be large together */
}

static bool
take_block(Exact *exact, Portal portal, int block)
{
	MemoryContext previous;
	RoleFrame	reader;
	int			n;

	CHECK_FOR_INTERRUPTS();
	gallery_enter(exact->gallery, &reader);
	SPI_cursor_fetch(portal, true, block);
	gallery_leave(exact->gallery, &reader);
	n = (int) SPI_processed;
	previous = MemoryContextSwitchTo(exact->block_context);
	for (int i = 0; i < n; i++)
		take_row(exact, SPI_tuptable, i);
	MemoryContextSwitchTo(previous);
	neighbors_add(exact->search, exact->row_vectors, exact->row_items, exact->row_ids, n);
	check_interrupts();
	SPI_freetuptable(SPI_tuptable);
	MemoryContextReset(exact->block_context);
	exact->rows += n;
	return n > 0;
}

static int
create_search(Exact *exact)
{
	const EmbeddingMetric *metric = exact->gallery->distance;
	int			block;
	Status		status;

	status_clear(&status);
	exact->search = neighbors_create(memory_arena(exact->context, ARENA_NO_BUDGET), memory_pool(exact->context),
									 metric->kind, metric->distance, exact->dims, exact->vectors,
									 exact->items, exact->n, exact->k, &status);
	if (exact->search == NULL)
		raise_status(&status);
	block = (int) neighbors_block(exact->search);
	exact->row_vectors = palloc_extended(sizeof(float) * block * exact->dims, MCXT_ALLOC_HUGE);
	exact->row_items = palloc(sizeof(void *) * block);
	exact->row_ids = palloc(sizeof(uint64) * block);
	exact->block_context = AllocSetContextCreate(exact->context, "block of rows", ALLOCSET_DEFAULT_SIZES);
	return block;
}

static void
hand_over(Exact *exact)
{
	int		   *labels = palloc(sizeof(int) * exact->k);
	double	   *found_distances = palloc(sizeof(double) * exact->k);

	neighbors_finish(exact->search);
	check_interrupts();
	for (int q = 0; q < exact->n; q++)
	{
		size_t		n;
		const Neighbor *found = neighbors_of(exact->search, q, &n);

		CHECK_FOR_INTERRUPTS();
		for (size_t i = 0; i < n; i++)
		{
			labels[i] = found[i].id == NO_LABEL_ID ? EVAL_NO_LABEL : (int) found[i].id;
			found_distances[i] = found[i].distance;
		}
		exact->function(exact->state, exact->items[q], exact->query_labels[q], labels, found_distances, (int) n);
	}
	pfree(labels);
	pfree(found_distances);
}

void
exact_run(Exact *exact)
{
	MemoryContext caller = CurrentMemoryContext;
	Portal		portal;
	int			block;

	if (exact->n == 0)
		return;
	portal = open_table(exact->gallery);
	MemoryContextSwitchTo(exact->context);
	block = create_search(exact);
	exact->rows = 0;
	while (take_block(exact, portal, block))
		continue;
	cursor_close(portal);
	MemoryContextSwitchTo(caller);
	if (exact->rows == 0)
		gallery_raise_empty(exact->gallery);
	hand_over(exact);
	exact->n = 0;
	exact->model = 0;
	MemoryContextReset(exact->context);
}
