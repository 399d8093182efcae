/*
 * html.c
 *	  neighbors_html(): one HTML page of items and their neighbours.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "gallery/gallery_arguments.h"
#include "gallery/lookup.h"
#include "gallery/user_query.h"
#include "server/arguments.h"
#include "server/context.h"
#include "server/errors.h"
#include "show/show.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(neighbors_html);

#define PAGE_MAX_QUERIES 1000

typedef struct NeighborPage
{
	const Gallery *gallery;
	SPIPlanPtr	plan;
	int			k;
	ReportText	body;
	int			queries;
	int			labeled;		/* queries whose label is known */
	int			right;			/* of these, the nearest has it */
	MemoryContext scratch;		/* of one query */
} NeighborPage;

static void
add_row(NeighborPage *page, const LabeledRows *rows, const LabeledBatch *batch, int row)
{
	MemoryContext previous = MemoryContextSwitchTo(page->scratch);
	const bytea *image;
	Pictures	pictures;

	if (rows->columns == 3)
		image = batch->has_image[row] ? DatumGetByteaPP(batch->images[row]) : NULL;
	else
		image = picture_of_input(page->gallery, batch->inputs[row], rows->type);
	pictures = pictures_find(page->gallery, page->plan, batch->embeddings[row],
							 batch->labels[row], image);
	report_append_neighbors(&page->body, &pictures.items[0], &pictures.items[1], pictures.n);
	page->queries++;
	page->labeled += batch->labels[row] != NULL;
	page->right += pictures.n > 0 && pictures.items[1].mark == REPORT_RIGHT;
	MemoryContextSwitchTo(previous);
	MemoryContextReset(page->scratch);
}

static void
add_rows(NeighborPage *page, const char *query)
{
	LabeledRows *rows = query_open(page->gallery, query, QUERY_REPORT);
	const LabeledBatch *batch;

	while ((batch = query_next(rows))->n > 0)
	{
		if (rows->rows + batch->n > PAGE_MAX_QUERIES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a page shows at most %d rows of the query", PAGE_MAX_QUERIES),
					 errhint("Add a LIMIT.")));
		for (int i = 0; i < batch->n; i++)
			add_row(page, rows, batch, i);
	}
}

static char *
page_text(NeighborPage *page, const char *title)
{
	const Gallery *gallery = page->gallery;
	ReportFact	facts[5] = {
		{"gallery", picture_utf8(gallery->name)},
		{"distance", gallery->distance->name},
		{"queries", psprintf("%d", page->queries)},
	};
	int			n = 3;
	ReportText	text_of_page;
	Status		status;

	if (gallery->model != NULL)
	{
		facts[n].name = "model";
		facts[n++].value = picture_utf8(psprintf("%s, version %d", gallery->model, gallery->version));
	}
	if (page->labeled > 0)
	{
		facts[n].name = "nearest is right";
		facts[n++].value = psprintf("%d of %d", page->right, page->labeled);
	}
	status_clear(&status);
	if (!report_text_finish(&page->body, &status))
		raise_status(&status);
	report_text_init(&text_of_page, page->body.arena);
	report_append_page(&text_of_page, picture_utf8(title),
					   psprintf("Each item with its %d nearest, nearest first", page->k),
					   facts, n, page->body.data);
	if (!report_text_finish(&text_of_page, &status))
		raise_status(&status);
	return text_of_page.data;
}

static char *
make_page(const Gallery *gallery, const char *query, int k, const char *title)
{
	NeighborPage page = {gallery, neighbors_prepare(gallery, NEIGHBOR_IMAGES, k), k};

	report_text_init(&page.body, memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET));
	page.scratch = AllocSetContextCreate(CurrentMemoryContext, "pictures", ALLOCSET_DEFAULT_SIZES);
	add_rows(&page, query);
	return page_text(&page, title ? title : psprintf("Neighbors in %s", gallery->name));
}

/* neighbors_html(gallery, query, k, title) */
Datum
neighbors_html(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	char	   *query = argument_text(fcinfo, 1, "query");
	int			k = k_argument(fcinfo, 2, 5);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	Gallery    *gallery;
	char	   *page;
	text	   *result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	gallery = gallery_open(name);
	page = make_page(gallery, query, k, argument_text_or_null(fcinfo, 3));
	spi = MemoryContextSwitchTo(caller);
	result = picture_result(page, strlen(page));
	MemoryContextSwitchTo(spi);
	gallery_close(gallery);
	SPI_finish();
	PG_RETURN_TEXT_P(result);
}
