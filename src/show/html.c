/*
 * html.c
 *	  neighbors_html(): one HTML page of items and their neighbors.
 *
 * The page may take maintenance_work_mem.  Each picture is asked whether it fits
 * before it is drawn; beside the page one picture is in memory at a time.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "gallery/embedded_query.h"
#include "gallery/gallery_arguments.h"
#include "gallery/lookup.h"
#include "server/arguments.h"
#include "server/budget.h"
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
	const Cutpoint *cutpoint;	/* or NULL */
	StringInfoData text;		/* the result, with its header, as far as it
								 * is there */
	int			queries;
	int			labeled;		/* queries whose label is known */
	int			right;			/* of these, the nearest has it */
	const char *label;			/* of the query whose row is written, or NULL */
	MemoryContext scratch;		/* of one query */
} NeighborPage;

/* ---- the text: pieces, each in the server's encoding before the next is made ---- */

static void
begin_piece(const NeighborPage *page, ReportText *piece, Size size)
{
	budget_require(BUDGET_MAINTENANCE, budget_sum(page->text.len, size),
				   "the pictures of the page", "show fewer or smaller ones");
	report_text_init(piece, memory_arena(CurrentMemoryContext,
										 ARENA_NO_BUDGET));
}

static void
put_piece(NeighborPage *page, ReportText *piece)
{
	Status		status;
	char	   *text;

	if (!report_text_finish(piece, &status))
		raise_status(&status);
	text = picture_server_text(piece->data, piece->length);

	appendBinaryStringInfo(&page->text, text, strlen(text));
}

/* ---- rows ---- */

static void
put_query(NeighborPage *page, const bytea *image)
{
	ReportItem	item = picture_query(page->gallery, page->label, image,
									 PICTURE_PAGE);
	ReportText	piece;

	begin_piece(page, &piece, report_item_size(&item));
	report_append_row_begin(&piece, &item);
	put_piece(page, &piece);
}

/* In memory of this row alone */
static void
put_card(void *state, const NeighborRow *row)
{
	NeighborPage *page = state;
	ReportItem	item = picture_neighbor(page->gallery, row, page->label,
										PICTURE_PAGE);
	ReportText	piece;

	item.beyond = is_beyond_cutpoint(page->cutpoint, row);
	begin_piece(page, &piece, report_item_size(&item));
	report_append_neighbor(&piece, &item);
	put_piece(page, &piece);
	page->right += row->rank == 0 && item.mark == REPORT_RIGHT;
}

/* What says the same on every page */
static void
put_fixed(NeighborPage *page, void (*append) (ReportText *piece))
{
	ReportText	piece;

	begin_piece(page, &piece, 0);
	append(&piece);
	put_piece(page, &piece);
}

static void
add_query_row(NeighborPage *page, const LabeledRows *rows,
			  const LabeledBatch *batch, int row)
{
	MemoryContext previous = MemoryContextSwitchTo(page->scratch);
	const bytea *image;

	if (rows->query->columns == 3)
		image = batch->has_image[row] ? DatumGetByteaPP(batch->images[row]) :
			NULL;
	else
		image = picture_of_input(page->gallery, batch->inputs[row],
								 rows->query->type);
	page->label = batch->labels[row];
	put_query(page, image);
	neighbors_find(page->plan, batch->embeddings[row], put_card, page);
	put_fixed(page, report_append_row_end);
	page->queries++;
	page->labeled += batch->labels[row] != NULL;
	MemoryContextSwitchTo(previous);
	MemoryContextReset(page->scratch);
}

static void
add_rows(NeighborPage *page, const char *query)
{
	LabeledRows *rows = query_open(page->gallery, query, QUERY_REPORT,
								   CALL_REPORT);
	const LabeledBatch *batch;

	while ((batch = query_next(rows))->n > 0)
	{
		if (rows->rows + batch->n > PAGE_MAX_QUERIES)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("a page shows at most %d rows of the query",
							PAGE_MAX_QUERIES), errhint("Add a LIMIT.")));
		for (int i = 0; i < batch->n; i++)
			add_query_row(page, rows, batch, i);
	}
	query_close(rows);
}

/* ---- head and tail ---- */

static void
append_head(const NeighborPage *page, ReportText *piece, const char *title)
{
	const Gallery *gallery = page->gallery;
	ReportFact	facts[6] = {
		{"gallery", picture_utf8(gallery->name)},
		{"distance", gallery->distance->name},
		{"queries", psprintf("%d", page->queries)},
	};
	int			n = 3;

	if (gallery->model != NULL)
	{
		facts[n].name = "model";
		facts[n++].value = picture_utf8(psprintf("%s, version %d",
												 gallery->model,
												 gallery->version));
	}
	if (page->labeled > 0)
	{
		facts[n].name = "nearest is right";
		facts[n++].value = psprintf("%d of %d", page->right, page->labeled);
	}
	if (page->cutpoint != NULL)
	{
		facts[n].name = "cut point";
		facts[n++].value = psprintf("%s, %.4f", page->cutpoint->name,
									page->cutpoint->distance);
	}
	report_append_head(piece, picture_utf8(title),
					   psprintf("Each item with its %d nearest, nearest first",
								page->k), facts, n);
}

/* What the head says is known when the rows are written: they move to make room. */
static void
put_head(NeighborPage *page, const char *title)
{
	int			rows = page->text.len - VARHDRSZ;
	char	   *start;
	ReportText	piece;
	int			length;

	begin_piece(page, &piece, strlen(title));
	append_head(page, &piece, title);
	put_piece(page, &piece);
	length = page->text.len - VARHDRSZ - rows;
	enlargeStringInfo(&page->text, length);
	start = page->text.data + VARHDRSZ;
	memmove(start + length, start, rows + length);
	memcpy(start, start + length + rows, length);
}

/* The page is written where the result will be, once. */
static text *
make_neighbors_page(const Gallery *gallery, const char *query, int k, const char *title,
					MemoryContext result)
{
	NeighborPage page = {gallery, neighbors_prepare(gallery, NEIGHBOR_IMAGES, k), k, usual_cutpoint(gallery)};
	MemoryContext caller = MemoryContextSwitchTo(result);

	initStringInfo(&page.text);
	MemoryContextSwitchTo(caller);
	appendStringInfoSpaces(&page.text, VARHDRSZ);
	page.scratch = AllocSetContextCreate(CurrentMemoryContext, "pictures",
										 ALLOCSET_DEFAULT_SIZES);
	add_rows(&page, query);
	put_head(&page, title ? title : psprintf("Neighbors in %s", gallery->name));
	put_fixed(&page, report_append_tail);
	SET_VARSIZE(page.text.data, page.text.len);
	return (text *) page.text.data;
}

/*
 * neighbors_html(gallery, query, k, title): query is read as the caller, with
 * at most 1000 rows; the page may take maintenance_work_mem.
 */
Datum
neighbors_html(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	char	   *query = argument_text(fcinfo, 1, "query");
	int			k = k_argument(fcinfo, 2, 5);
	MemoryContext caller = CurrentMemoryContext;
	Gallery    *gallery;
	text	   *result;

	SPI_connect();
	gallery = gallery_open(name);
	result = make_neighbors_page(gallery, query, k, argument_text_or_null(fcinfo, 3),
								 caller);
	gallery_close(gallery);
	SPI_finish();
	PG_RETURN_TEXT_P(result);
}
