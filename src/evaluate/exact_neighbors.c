/*
 * exact_neighbors.c
 *	  The exact neighbors of many queries in one pass over the table.
 *
 * Queries are collected until maintenance_work_mem is used, then the table is
 * read once by a cursor, as the invoker, and compared with all of them on the
 * thread pool (embedding/exact_search.h).
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "embedding/exact_search.h"
#include "evaluate/exact_neighbors.h"
#include "gallery/gallery.h"
#include "gallery/lookup.h"
#include "server/context.h"
#include "server/cursor.h"
#include "server/labels.h"

struct Exact
{
	const Gallery *gallery;
	int			k;
	Labels	   *labels;
	ExactFunction function;
	void	   *state;
	int64		rows;			/* of the table, found by the last pass */
	CallProgress *progress;		/* of the call that a pass is a phase of */

	/* queries that wait */
	MemoryContext context;		/* of everything below, reset after a pass */
	int			n;
	int			size;
	int			capacity;		/* run at so many */
	int		   *query_labels;
	Embedding **queries;
	ExactSearch *search;		/* rows' numbers are their labels' codes */
};

/* ---- queries ---- */

Exact *
exact_create(const Gallery *gallery, int k, Labels *labels,
			 ExactFunction function, void *state, CallProgress *progress)
{
	Exact	   *exact = palloc0(sizeof(Exact));

	exact->gallery = gallery;
	exact->k = k;
	exact->labels = labels;
	exact->function = function;
	exact->state = state;
	exact->progress = progress;
	exact->context = AllocSetContextCreate(CurrentMemoryContext,
										   "exact neighbors",
										   ALLOCSET_DEFAULT_SIZES);
	return exact;
}

static void
begin_queries(Exact *exact, const Embedding *query)
{
	exact->capacity = exact_search_affordable(exact->gallery->distance,
											  query->dims, exact->k,
											  VARSIZE(query) + 64);
	exact->size = Min(256, exact->capacity);
	exact->query_labels = palloc(sizeof(int) * exact->size);
	exact->queries = palloc(sizeof(Embedding *) * exact->size);
}

static void
grow_queries(Exact *exact)
{
	exact->size = Min(2 * exact->size, exact->capacity);
	exact->query_labels = repalloc_huge(exact->query_labels,
										sizeof(int) * exact->size);
	exact->queries = repalloc_huge(exact->queries,
								   sizeof(Embedding *) * exact->size);
}

void
exact_add(Exact *exact, int label, const Embedding *query)
{
	MemoryContext caller = MemoryContextSwitchTo(exact->context);

	if (exact->n == 0)
		begin_queries(exact, query);
	else
		embedding_check_dims(exact->queries[0], query);
	if (exact->n == exact->size)
		grow_queries(exact);
	exact->query_labels[exact->n] = label;
	exact->queries[exact->n] = palloc(VARSIZE(query));
	memcpy(exact->queries[exact->n++], query, VARSIZE(query));
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
							   quote_identifier(gallery->label), column,
							   gallery->relation, column);

	return gallery_open_rows(gallery, sql, 2);
}

static void
take_row(Exact *exact, SPITupleTable *table, int row)
{
	bool		isnull;
	Datum		value = SPI_getbinval(table->vals[row], table->tupdesc, 2,
									  &isnull);
	char	   *text = labels_of_column(table, row, 1);
	int			label = labels_code_of_row(exact->labels, text);

	exact_search_add(exact->search, value, (uint64) label, true);
	if (text)
		pfree(text);			/* those of a block may be large together */
}

static bool
take_block(Exact *exact, Portal portal)
{
	SPITupleTable *table;
	RoleFrame	reader;
	int			n;

	CHECK_FOR_INTERRUPTS();
	gallery_enter(exact->gallery, &reader);
	SPI_cursor_fetch(portal, true, exact_search_block(exact->search));
	gallery_leave(exact->gallery, &reader);
	n = (int) SPI_processed;
	table = SPI_tuptable;
	for (int i = 0; i < n; i++)
		take_row(exact, table, i);
	exact_search_flush(exact->search);
	SPI_freetuptable(table);
	exact->rows += n;
	call_progress(exact->progress, exact->rows);
	return n > 0;
}

static void
hand_over(Exact *exact)
{
	int		   *labels = palloc(sizeof(int) * exact->k);
	double	   *found_distances = palloc(sizeof(double) * exact->k);

	exact_search_finish(exact->search);
	for (int q = 0; q < exact->n; q++)
	{
		int			n;
		const Neighbor *found = exact_search_found(exact->search, q, &n);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
		{
			labels[i] = (int) found[i].id;
			found_distances[i] = found[i].distance;
		}
		exact->function(exact->state, exact->queries[q], exact->query_labels[q],
						labels, found_distances, n);
	}
	pfree(labels);
	pfree(found_distances);
}

void
exact_run(Exact *exact)
{
	MemoryContext caller = CurrentMemoryContext;
	CallProgress before = *exact->progress;
	Portal		portal;

	if (exact->n == 0)
		return;
	portal = open_table(exact->gallery);
	MemoryContextSwitchTo(exact->context);
	exact->search = exact_search_begin(exact->gallery->distance,
									   memory_pool(exact->context),
									   exact->queries, exact->n, exact->k);
	exact->rows = 0;
	call_progress_phase(exact->progress, PHASE_COMPARING, cursor_rows(portal));
	while (take_block(exact, portal))
		continue;
	cursor_close(portal);
	MemoryContextSwitchTo(caller);
	if (exact->rows == 0)
		gallery_raise_empty(exact->gallery);
	hand_over(exact);
	exact->n = 0;
	MemoryContextReset(exact->context);
	/* the query may have more rows */
	call_progress_phase(exact->progress, before.phase, (double) before.total);
	exact->progress->base = before.done;
}
