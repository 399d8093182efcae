/*
 * show.c
 *	  Items and their neighbors as pictures in the terminal.
 *
 * src/report draws; this file fetches what is to be drawn.  It writes UTF-8,
 * whatever the server's encoding, but where that has no blocks it draws in
 * ASCII.  A label or a picture that cannot be shown is a mark in its place.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/string.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "gallery/gallery_arguments.h"
#include "gallery/gallery_input.h"
#include "gallery/lookup.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/labels.h"
#include "show/show.h"
#include "show/terminal.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(show_image);
PGDLLEXPORT PG_FUNCTION_INFO_V1(show_neighbors);

/* ---- encodings ---- */

/* A label of a book's length is no label. */
#define MAX_LABEL_CHARACTERS 1000

/*
 * Converted as far as it can be; a character that cannot is a mark: one label
 * that is broken, or has no equivalent, must not cost the page.
 */
static char *
convert(const char *string, int length, int from, int to, const char *mark)
{
	Oid			function = FindDefaultConversionProc(from, to);
	StringInfoData out;

	initStringInfo(&out);
	while (length > 0)
	{
		int			room = (length + 1) * MAX_CONVERSION_GROWTH + 1;
		char	   *part = palloc(room);
		int			done = 0;

		if (OidIsValid(function))
			done = pg_do_encoding_conversion_buf(function, from, to,
												 (unsigned char *) unconstify(char *, string),
												 length, (unsigned char *) part,
												 room, true);
		if (done > 0)
			appendStringInfoString(&out, part);
		else
		{
			appendStringInfoString(&out, mark);
			done = Min(Max(pg_encoding_mblen(from, string), 1), length);
		}
		string += done;
		length -= done;
		pfree(part);
	}
	return out.data;
}

char *
picture_utf8(const char *string)
{
	int			length = strlen(string);
	int			shown = pg_mbcharcliplen(string, length, MAX_LABEL_CHARACTERS);
	int			encoding = GetDatabaseEncoding();
	char	   *clipped = shown < length ? psprintf("%.*s...", shown, string) :
	pstrdup(string);

	/*
	 * what is no UTF-8, as it may be in SQL_ASCII, is marked where it is
	 * drawn
	 */
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return clipped;
	return convert(clipped, strlen(clipped), encoding, PG_UTF8, "\xEF\xBF\xBD");
}

char *
picture_server_text(const char *utf8, size_t length)
{
	int			encoding = GetDatabaseEncoding();

	if (length > MaxAllocSize / 4)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a piece of %zu bytes of a report is too large",
						length)));
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII || pg_is_ascii(utf8))
		return unconstify(char *, utf8);
	return convert(utf8, (int) length, PG_UTF8, encoding, "?");
}

/* ---- items ---- */

/* Not even detoasted if it does not fit into what its picture may take */
static const bytea *
neighbor_image(const NeighborRow *row)
{
	bool		isnull;
	Datum		value = neighbor_value(row, NEIGHBOR_IMAGE, BYTEAOID, &isnull);

	if (isnull)
		return NULL;
	budget_require(BUDGET_MAINTENANCE, toast_raw_datum_size(value),
				   "the pictures", "show smaller ones");
	return DatumGetByteaPP(value);
}

ReportItem
picture_query(const Gallery *gallery, const char *label, const bytea *image,
			  PictureUse use)
{
	ReportItem	item = {0};

	picture_set_or_mark(&item, gallery, image, use);
	item.label = label ? picture_utf8(label) : "query";
	return item;
}

ReportItem
picture_neighbor(const Gallery *gallery, const NeighborRow *row,
				 const char *query_label, PictureUse use)
{
	char	   *label = neighbor_label(row);
	ReportItem	item = {0};

	picture_set_or_mark(&item, gallery, neighbor_image(row), use);
	item.label = label ? picture_utf8(label) : "(no label)";
	item.note = psprintf("%.4f", neighbor_distance(row));
	if (query_label != NULL)
		item.mark = label != NULL && strcmp(label, query_label) == 0 ?
			REPORT_RIGHT : REPORT_WRONG;
	return item;
}

static void
draw_strip(ReportText *text, const ReportItem *items, int n, int columns,
		   ReportStyle style)
{
	Status		status;

	report_text_init(text, memory_arena(CurrentMemoryContext,
										ARENA_NO_BUDGET));
	if (!report_strip(text, items, n, n > 1, columns, style,
					  terminal_columns_of, &status))
		raise_status(&status);
}

/* One picture, which is never enlarged */
#define PICTURE_COLUMNS 80

/*
 * show_image(image, shape, columns, style): a JPEG or PNG file, or as many bytes
 * as the shape says; nothing for NULL
 */
Datum
show_image(PG_FUNCTION_ARGS)
{
	Gallery		shape = {0};
	bytea	   *image;
	ReportItem	item = {0};
	ReportText	strip;
	Status		status;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	image = PG_GETARG_BYTEA_PP(0);
	if (!PG_ARGISNULL(1))
		gallery_set_shape(&shape, PG_GETARG_ARRAYTYPE_P(1));
	else if (!picture_is_file(&shape, image))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"shape\" must not be null for raw pixels"),
				 errhint("Give shape => '{height,width,channels}'; only JPEG and PNG files say their own.")));
	if (!picture_set(&item, &shape, image, PICTURE_TERMINAL, &status))
		raise_status(&status);
	draw_strip(&strip, &item, 1, terminal_columns(fcinfo, 2, PICTURE_COLUMNS),
			   terminal_style(fcinfo, 3));
	terminal_put(fcinfo, &strip);
	return (Datum) 0;
}

const Cutpoint *
usual_cutpoint(const Gallery *gallery)
{
	const Calibration *calibration = gallery_calibration_or_null(gallery);

	for (int i = 0; calibration != NULL && i < calibration->ncutpoints; i++)
		if (strcmp(calibration->cutpoints[i].name, "optimal") == 0)
			return &calibration->cutpoints[i];
	return NULL;
}

bool
is_beyond_cutpoint(const Cutpoint *cutpoint, const NeighborRow *row)
{
	return cutpoint != NULL &&
		!eval_accepts(neighbor_distance(row), cutpoint->distance);
}

/* More than fit into the widest strip */
#define MAX_SHOWN (REPORT_MAX_COLUMNS / REPORT_MIN_CELL)

typedef struct Shown
{
	const Gallery *gallery;
	const char *label;			/* of the query */
	const Cutpoint *cutpoint;	/* beyond it nothing is said; or NULL */
	bool		beyond;			/* some row is */
	MemoryContext context;		/* of the items */
	int			n;
	ReportItem	items[MAX_SHOWN];	/* the first is the query */
} Shown;

/* The picture is kept until all are there. */
static void
show_neighbor(void *state, const NeighborRow *row)
{
	Shown	   *shown = state;
	ReportItem	item = picture_neighbor(shown->gallery, row, shown->label,
										PICTURE_TERMINAL);
	bool		beyond = is_beyond_cutpoint(shown->cutpoint, row);
	Size		pixels = item.image == NULL ? 0 :
	(Size) item.image->height * item.image->width * item.image->channels;
	MemoryContext caller;

	budget_require_more(BUDGET_MAINTENANCE, shown->context,
						budget_sum(pixels, strlen(item.label)),
						"the pictures", "show fewer of them");
	caller = MemoryContextSwitchTo(shown->context);
	if (item.image != NULL)
	{
		ReportImage *copy = palloc(sizeof(ReportImage));

		*copy = *item.image;
		copy->pixels = memcpy(palloc(pixels), item.image->pixels, pixels);
		item.image = copy;
	}
	item.label = pstrdup(item.label);
	if (beyond)
		item.mark = REPORT_UNKNOWN;
	shown->beyond |= beyond;
	if (item.missing != NULL)
		item.missing = pstrdup(item.missing);
	item.note = pstrdup(item.note);
	shown->items[shown->n++] = item;
	MemoryContextSwitchTo(caller);
}

static void
append_legend(ReportText *text, const Shown *shown)
{
	if (shown->beyond)
		report_appendf(text, "? farther than the cut point %s, %.4f: none of these\n",
					   shown->cutpoint->name, shown->cutpoint->distance);
}

static void
show_input(FunctionCallInfo fcinfo, const Gallery *gallery)
{
	Oid			type;
	Datum		input = input_argument(fcinfo, 1, &type);
	int			k = k_argument(fcinfo, 2, 5);
	int			columns = terminal_columns(fcinfo, 4, TERMINAL_COLUMNS);
	ReportStyle style = terminal_style(fcinfo, 5);
	Shown		shown = {
		.gallery = gallery,
		.label = argument_text_or_null(fcinfo, 3),
		.cutpoint = usual_cutpoint(gallery),
		.context = CurrentMemoryContext
	};
	ReportText	strip;
	SPIPlanPtr	plan;

	gallery_require_input(gallery, type);
	shown.items[shown.n++] = picture_query(gallery, shown.label,
										   picture_of_input(gallery, input,
															type),
										   PICTURE_TERMINAL);
	plan = neighbors_prepare(gallery, NEIGHBOR_IMAGES, Min(k, MAX_SHOWN - 1));
	neighbors_find(plan, gallery_embed(gallery, input, type), show_neighbor,
				   &shown);
	draw_strip(&strip, shown.items, shown.n, columns, style);
	append_legend(&strip, &shown);
	terminal_put(fcinfo, &strip);
}

/*
 * show_neighbors(gallery, input, k, label, columns, style): rights and input as
 * lookup() checks them; nothing for NULL
 */
Datum
show_neighbors(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	Gallery    *gallery;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(1))
		return (Datum) 0;
	SPI_connect();
	gallery = gallery_open(name);
	show_input(fcinfo, gallery);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}
