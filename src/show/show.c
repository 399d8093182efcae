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

/* ---- lines ---- */

/* What does not convert, as SQL_ASCII, holds everything. */
static bool
encoding_has_blocks(void)
{
	return GetDatabaseEncoding() == PG_UTF8 ||
		GetDatabaseEncoding() == PG_SQL_ASCII;
}

static ReportStyle
checked_style(ReportStyle style, const char *name)
{
	if (style == REPORT_ASCII || encoding_has_blocks())
		return style;
	if (style == REPORT_PLAIN)
		return REPORT_ASCII;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("style \"%s\" needs a database in UTF8, not %s", name,
					GetDatabaseEncodingName()),
			 errhint("Style ascii is for every encoding.")));
}

static ReportStyle
style_argument(FunctionCallInfo fcinfo, int n)
{
	static const char *const names[] = {"plain", "color256", "truecolor", "ascii"};
	char	   *style = argument_text(fcinfo, n, "style");

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(style, names[i]) == 0)
			return checked_style((ReportStyle) i, style);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized style \"%s\"", style),
			 errhint("Valid values are plain, color256, truecolor and ascii.")));
}

static int
columns_argument(FunctionCallInfo fcinfo, int n)
{
	argument_require(fcinfo, n, "columns");
	return PG_GETARG_INT32(n);
}

/* Each line of a strip is a row. */
static void
put_lines(ReturnSetInfo *result, const char *lines)
{
	while (*lines != '\0')
	{
		const char *end = strchrnul(lines, '\n');
		char	   *line = picture_server_text(pnstrdup(lines, end - lines),
											   end - lines);
		Datum		value = CStringGetTextDatum(line);
		bool		isnull = false;

		tuplestore_putvalues(result->setResult, result->setDesc, &value,
							 &isnull);
		lines = *end == '\0' ? end : end + 1;
	}
}

static int
columns_of(const char *character)
{
	return Max(pg_encoding_dsplen(PG_UTF8, character), 0);
}

static void
put_strip(ReturnSetInfo *result, const ReportItem *items, int n, int columns,
		  ReportStyle style)
{
	ReportText	strip;
	Status		status;

	report_text_init(&strip, memory_arena(CurrentMemoryContext,
										  ARENA_NO_BUDGET));
	if (!report_strip(&strip, items, n, n > 1, columns, style, columns_of,
					  &status))
		raise_status(&status);
	put_lines(result, strip.data);
}

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
				 errhint("Only JPEG and PNG files say their shape.")));
	if (!picture_set(&item, &shape, image, PICTURE_TERMINAL, &status))
		raise_status(&status);
	put_strip((ReturnSetInfo *) fcinfo->resultinfo, &item, 1,
			  columns_argument(fcinfo, 2), style_argument(fcinfo, 3));
	return (Datum) 0;
}

/* More than fit into the widest strip */
#define MAX_SHOWN (REPORT_MAX_COLUMNS / REPORT_MIN_CELL)

typedef struct Shown
{
	const Gallery *gallery;
	const char *label;			/* of the query */
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
	if (item.missing != NULL)
		item.missing = pstrdup(item.missing);
	item.note = pstrdup(item.note);
	shown->items[shown->n++] = item;
	MemoryContextSwitchTo(caller);
}

static void
show_input(FunctionCallInfo fcinfo, const Gallery *gallery)
{
	Oid			type;
	Datum		input = input_argument(fcinfo, 1, &type);
	int			k = k_argument(fcinfo, 2, 5);
	int			columns = columns_argument(fcinfo, 4);
	ReportStyle style = style_argument(fcinfo, 5);
	Shown		shown = {gallery, argument_text_or_null(fcinfo, 3), CurrentMemoryContext};
	SPIPlanPtr	plan;

	gallery_require_input(gallery, type);
	shown.items[shown.n++] = picture_query(gallery, shown.label,
										   picture_of_input(gallery, input,
															type),
										   PICTURE_TERMINAL);
	plan = neighbors_prepare(gallery, NEIGHBOR_IMAGES, Min(k, MAX_SHOWN - 1));
	neighbors_find(plan, gallery_embed(gallery, input, type), show_neighbor,
				   &shown);
	put_strip((ReturnSetInfo *) fcinfo->resultinfo, shown.items, shown.n,
			  columns, style);
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
