/*
 * show_confusion.c
 *	  The confusion of a gallery's labels as a matrix in the terminal.
 *
 * The counts are those of similarity.confusion_matrix(), which is called as any
 * user calls it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "evaluate/gallery_sample.h"
#include "gallery/gallery.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/labels.h"
#include "show/show.h"
#include "show/terminal.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(show_confusion);

/* What is asked */
typedef struct Asked
{
	const Gallery *gallery;
	char	   *query;
	char	   *cutpoint;		/* or NULL */
	bool		own;			/* the items are rows of the gallery */
	int64		seed;
	int64		items;
	int64		right;
	int64		all_rows;		/* of the gallery, if own */
} Asked;

/* ---- counts ---- */

static void
read_confusion(const Asked *asked)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID, BOOLOID};
	Datum		arguments[] = {
		CStringGetTextDatum(asked->gallery->name),
		CStringGetTextDatum(asked->query),
		asked->cutpoint ? CStringGetTextDatum(asked->cutpoint) : 0,
		BoolGetDatum(asked->own)
	};
	const char	nulls[] = {' ', ' ', asked->cutpoint ? ' ' : 'n', ' ', '\0'};

	if (SPI_execute_with_args("SELECT label, predicted, count FROM similarity.confusion_matrix($1, $2, cutpoint => $3, drop_closest => $4)",
							  4, types, arguments, nulls, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "the confusion of a gallery could not be read");
}

/* ---- labels, in an order that people expect ---- */

static bool
is_number(const char *label)
{
	return label[0] != '\0' && strspn(label, "0123456789") == strlen(label);
}

/* Numbers by their value, before everything else */
static int
by_label(const void *a, const void *b, void *arg)
{
	const Labels *labels = arg;
	const char *x = labels_text(labels, *(const int *) a);
	const char *y = labels_text(labels, *(const int *) b);
	size_t		lengths[2] = {strlen(x), strlen(y)};

	if (is_number(x) != is_number(y))
		return is_number(x) ? -1 : 1;
	if (is_number(x) && lengths[0] != lengths[1])
		return lengths[0] < lengths[1] ? -1 : 1;
	return strcmp(x, y);
}

/* places[code] is the line of a label. */
static void
order_labels(const Labels *labels, ReportMatrix *matrix, int *places)
{
	int			n = labels_count(labels);
	int		   *codes = palloc_extended(sizeof(int) * n, MCXT_ALLOC_HUGE);
	const char **texts = palloc_extended(sizeof(char *) * n, MCXT_ALLOC_HUGE);

	for (int i = 0; i < n; i++)
		codes[i] = i;
	qsort_arg(codes, n, sizeof(int), by_label, unconstify(Labels *, labels));
	for (int i = 0; i < n; i++)
	{
		places[codes[i]] = i;
		texts[i] = picture_utf8(labels_text(labels, codes[i]));
	}
	matrix->n = n;
	matrix->labels = texts;
}

static ReportCell
cell_of(Labels *labels, uint64 row)
{
	SPITupleTable *table = SPI_tuptable;
	bool		isnull;

	return (ReportCell)
	{
		.label = labels_code(labels, labels_of_column(table, row, 1)),
			.predicted = labels_code(labels, labels_of_column(table, row, 2)),
			.count = DatumGetInt64(SPI_getbinval(table->vals[row], table->tupdesc,
												 3, &isnull))
	};
}

/* What each label and each cell takes here and in the matrix */
#define LABEL_BYTES (sizeof(char *) + 6 * sizeof(int64))

static void
fill_matrix(Asked *asked, ReportMatrix *matrix)
{
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	uint64		n = SPI_processed;
	ReportCell *cells;
	int		   *places;

	budget_require(BUDGET_MAINTENANCE,
				   budget_product(n, sizeof(ReportCell) + 2 * LABEL_BYTES),
				   "the matrix", "use a query of fewer labels");
	cells = palloc_extended(sizeof(ReportCell) * n, MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < n; i++)
		cells[i] = cell_of(labels, i);
	places = palloc_extended(sizeof(int) * labels_count(labels),
							 MCXT_ALLOC_HUGE);
	order_labels(labels, matrix, places);
	for (uint64 i = 0; i < n; i++)
	{
		ReportCell *cell = &cells[i];

		asked->items += cell->count;
		if (cell->label == cell->predicted)
			asked->right += cell->count;
		cell->label = places[cell->label];
		if (cell->predicted == NO_LABEL)
			matrix->unknown = true;
		else
			cell->predicted = places[cell->predicted];
	}
	matrix->cells = cells;
	matrix->ncells = n;
	matrix->arena = memory_arena(CurrentMemoryContext,
								 budget_bytes(BUDGET_MAINTENANCE));
}

StaticAssertDecl(NO_LABEL == REPORT_NONE, "what has no label is none of these");

/* ---- what it stands on ---- */

static void
append_basis(ReportText *text, const Asked *asked)
{
	const Gallery *gallery = asked->gallery;

	if (asked->own)
		report_appendf(text, INT64_FORMAT " of " INT64_FORMAT " rows of %s, each without itself",
					   asked->items, asked->all_rows,
					   picture_utf8(gallery->name));
	else
		report_appendf(text, INT64_FORMAT " items against %s", asked->items,
					   picture_utf8(gallery->name));
	if (gallery->model != NULL)
		report_appendf(text, ", model %s version %d",
					   picture_utf8(gallery->model), gallery->version);
	if (asked->cutpoint != NULL)
		report_appendf(text, ", cut point %s", picture_utf8(asked->cutpoint));
	report_appendf(text, "\n%.1f %% right: " INT64_FORMAT " of " INT64_FORMAT "\nLines: what items are; columns: what they are taken for\n\n",
				   asked->items == 0 ? 0 :
				   100.0 * (double) asked->right / (double) asked->items,
				   asked->right, asked->items);
}

static void
show_matrix(Asked *asked, const ReportCanvas *canvas)
{
	ReportMatrix matrix = {0};
	Status		status;

	read_confusion(asked);
	fill_matrix(asked, &matrix);
	append_basis(canvas->text, asked);
	if (!report_matrix(canvas, &matrix, &status))
		budget_raise_status(BUDGET_MAINTENANCE, matrix.arena, &status,
							"the matrix", "use a query of fewer labels");
}

/*
 * show_confusion(gallery, query, cutpoint, rows, seed, columns, style): rights
 * and query as confusion_matrix().  Without a query the items are at most so
 * many of the gallery's own rows, and each is matched without itself.
 */
Datum
show_confusion(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	int			rows = argument_integer(fcinfo, 3, "rows", 1, INT_MAX);
	Gallery    *gallery;
	Asked		asked = {0};
	ReportCanvas canvas;
	Status		status;

	argument_require(fcinfo, 4, "seed");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SPI_connect();
	canvas = terminal_canvas(fcinfo, 5, 6);
	if (!report_canvas_check(&canvas, &status))
		raise_status(&status);
	gallery = gallery_open(name);
	asked.gallery = gallery;
	asked.query = argument_text_or_null(fcinfo, 1);
	asked.cutpoint = argument_text_or_null(fcinfo, 2);
	asked.own = asked.query == NULL;
	if (asked.cutpoint != NULL)
		calibration_cutpoint(gallery_calibration(gallery), gallery,
							 asked.cutpoint);
	if (asked.own)
	{
		asked.query = gallery_sample_query(gallery, rows, PG_GETARG_INT64(4));
		asked.all_rows = gallery_labeled_rows(gallery);
	}
	show_matrix(&asked, &canvas);
	gallery_close(gallery);
	terminal_put(fcinfo, canvas.text);
	SPI_finish();
	return (Datum) 0;
}
