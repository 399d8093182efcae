/*
 * section_augmentation.c
 *	  Pictures as a training sees them: each beside views of it that its
 *	  augmentation makes.
 *
 * Views are those of similarity.augment(), whose seed stands below each.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "model/model.h"
#include "pages/page_tables.h"
#include "pages/pages.h"
#include "server/user_query.h"
#include "show/show.h"
#include "train/augmentation.h"

/* Rows and columns of the sheet */
#define MAX_PICTURES 12
#define VIEWS 7

typedef struct Sheet
{
	PageContext *context;
	ReportText *out;
	Gallery		shape;			/* of pictures that are raw pixels */
	bool		of_pictures;	/* does the model take pictures? */
	Datum		pipeline;		/* jsonb */
	int64		seed;			/* of the next view */
	int			n;				/* pictures on it */
	int			left_out;		/* views */
} Sheet;

/* ---- what is applied ---- */

static const char last_query[] =
"SELECT CASE WHEN pg_catalog.jsonb_typeof(r.options OPERATOR(pg_catalog.->) 'augmentation') OPERATOR(pg_catalog.<>) 'null'"
" THEN r.options OPERATOR(pg_catalog.->) 'augmentation' END, r.run, r.version FROM similarity.training_runs r"
" WHERE r.model OPERATOR(pg_catalog.=) $1 ORDER BY r.run DESC LIMIT 1";

static const char input_query[] =
"SELECT m.input FROM similarity.models m WHERE m.model OPERATOR(pg_catalog.=) $1";

static void
put_pipeline(Sheet *sheet, const char *of)
{
	char	   *text = JsonbToCString(NULL, &DatumGetJsonbP(sheet->pipeline)->root,
									  VARSIZE_ANY(DatumGetPointer(sheet->pipeline)));

	report_append_note(sheet->out,
					   psprintf("Augmentation %s: %s", of, picture_utf8(text)));
	if (strstr(text, "\"mixup\"") != NULL)
		report_append_note(sheet->out, "\"mixup\", which needs another picture, is left out.");
}

/* Of the last training; a sentence and false if there is none */
static bool
find_last(Sheet *sheet)
{
	PageContext *context = sheet->context;
	SPITupleTable *table;
	bool		isnull = true;
	char	   *of;

	if (context->model == NULL)
	{
		report_append_note(sheet->out, "The gallery has no model: the option \"augmentation\" says what to apply.");
		return false;
	}
	if (!model_is_owner(context->model))
	{
		report_append_note(sheet->out, "How the model was trained is for its owner to see: the option \"augmentation\" says what to apply.");
		return false;
	}
	table = page_select(last_query, TEXTOID, CStringGetTextDatum(context->model));
	if (table->numvals > 0)
		sheet->pipeline = SPI_getbinval(table->vals[0], table->tupdesc, 1,
										&isnull);
	if (isnull)
	{
		report_append_note(sheet->out,
						   psprintf("The last training of model %s had no augmentation: the option \"augmentation\" says what to apply.",
									picture_utf8(context->model)));
		return false;
	}
	sheet->pipeline = PointerGetDatum(PG_DETOAST_DATUM_COPY(sheet->pipeline));
	of = page_is_null(table, 0, 3) ?
		psprintf("of training %.0f", page_number(table, 0, 2)) :
		psprintf("of version %.0f", page_number(table, 0, 3));
	put_pipeline(sheet, of);
	SPI_freetuptable(table);
	return true;
}

/* Height, width and channels of the model's input, if it is a picture */
static void
find_shape(Sheet *sheet)
{
	PageContext *context = sheet->context;
	Gallery		shape = {0};
	SPITupleTable *table;
	bool		isnull;
	ArrayType  *array;

	if (context->model != NULL)
	{
		table = page_select(input_query, TEXTOID,
							CStringGetTextDatum(context->model));
		if (table->numvals > 0)
		{
			array = DatumGetArrayTypeP(SPI_getbinval(table->vals[0],
													 table->tupdesc, 1, &isnull));
			sheet->of_pictures = !isnull && gallery_try_shape(&shape, array);
		}
		SPI_freetuptable(table);
	}
	sheet->shape = context->gallery == NULL ? shape : *context->gallery;
}

/* ---- the sheet ---- */

static void
put_figure(Sheet *sheet, ReportItem *item, bool first)
{
	sheet->left_out += page_leaves_out(sheet->context, item);
	if (first)
		report_append_row_begin(sheet->out, item);
	else
		report_append_neighbor(sheet->out, item);
}

static Datum
pixels_datum(const ReportImage *image)
{
	Size		size = (Size) image->height * image->width * image->channels;
	bytea	   *bytes = palloc(VARHDRSZ + size);

	SET_VARSIZE(bytes, VARHDRSZ + size);
	memcpy(VARDATA(bytes), image->pixels, size);
	return PointerGetDatum(bytes);
}

static Datum
input_shape_datum(const ReportImage *image)
{
	Datum		dims[3] = {Int32GetDatum(image->height), Int32GetDatum(image->width), Int32GetDatum(image->channels)};

	return PointerGetDatum(construct_array(dims, 3, INT4OID, sizeof(int32),
										   true, TYPALIGN_INT));
}

/*
 * A file as the model takes it; anything else as the pixels that are shown of
 * it, small is a picture that could be decoded.
 */
static SPITupleTable *
make_views(Sheet *sheet, const bytea *bytes, const ReportImage *small)
{
	static const char sql[] =
	"SELECT similarity.augment($1, $2, $3 OPERATOR(pg_catalog.+) v.i, 1, $4, $5) FROM pg_catalog.generate_series(0, $6) v (i)";
	Oid			types[] = {BYTEAOID, JSONBOID, INT8OID, TEXTOID, INT4ARRAYOID, INT4OID};
	bool		whole = sheet->of_pictures &&
	picture_is_file(&sheet->shape, bytes);
	Datum		values[6] = {whole ? PointerGetDatum(bytes) : pixels_datum(small), sheet->pipeline, Int64GetDatum(sheet->seed)};
	char		nulls[7] = "      ";
	MemoryContext caller = CurrentMemoryContext;

	if (whole)
		values[3] = CStringGetTextDatum(sheet->context->model);
	else
		values[4] = input_shape_datum(small);
	nulls[whole ? 4 : 3] = 'n';
	values[5] = Int32GetDatum(VIEWS - 1);
	if (SPI_execute_with_args(sql, lengthof(types), types, values, nulls, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "the views of a picture could not be made");
	MemoryContextSwitchTo(caller);
	return SPI_tuptable;
}

static void
put_views(Sheet *sheet, const bytea *bytes, const ReportImage *small)
{
	SPITupleTable *table = make_views(sheet, bytes, small);

	for (uint64 i = 0; i < table->numvals; i++)
	{
		bool		isnull;
		bytea	   *view = DatumGetByteaPP(SPI_getbinval(table->vals[i],
														 table->tupdesc, 1,
														 &isnull));
		ReportItem	item = {.label = psprintf("view %d", (int) i + 1)};

		item.file = picture_png(VARDATA_ANY(view), VARSIZE_ANY_EXHDR(view));
		item.note = psprintf("seed " INT64_FORMAT, sheet->seed++);
		put_figure(sheet, &item, false);
	}
	SPI_freetuptable(table);
}

/* A row of the sheet; label and key in the server's encoding, or NULL */
static void
put_picture(Sheet *sheet, const bytea *bytes, const char *label,
			const char *key)
{
	ReportItem	item = {.label = label ? picture_utf8(label) : "(no label)"};
	ReportItem	small = {NULL};
	Status		status;
	bool		sound = picture_set(&small, &sheet->shape, bytes,
									PICTURE_TERMINAL, &status);

	if (key != NULL)
		item.note = picture_utf8(key);
	picture_set_or_mark(&item, &sheet->shape, bytes, PICTURE_PAGE);
	put_figure(sheet, &item, true);
	if (sound)
		put_views(sheet, bytes, small.image);
	report_append_row_end(sheet->out);
	page_flush(sheet->context, sheet->out);
	sheet->n++;
}

static void
put_sheet_rows(Sheet *sheet, int most)
{
	const PageRows *rows = page_rows(sheet->context);

	for (int i = 0; i < rows->n && sheet->n < most; i++)
		if (rows->images[i] != NULL)
			put_picture(sheet, rows->images[i], rows->labels[i],
						rows->keys[i]);
}

/* Of a model by itself: the inputs, or images, of the caller's query */
static void
put_sheet_query(Sheet *sheet, int most)
{
	UserQuery  *query = user_query_open("query", sheet->context->query,
										QUERY_REPORT, true);

	model_require_input_column(query->name, query->type);
	while (sheet->n < most && user_query_next(query, most))
	{
		Datum		image;
		const bytea *bytes = user_query_image(query, &image) ?
		DatumGetByteaPP(image) :
		picture_of_input(&sheet->shape, user_query_input(query),
						 query->type);

		if (bytes != NULL)
			put_picture(sheet, bytes, user_query_label(query), NULL);
	}
	user_query_close(query);
}

void
augmentation_section(ReportText *out, PageContext *context)
{
	Sheet		sheet = {.context = context,.out = out,.seed = page_option(context, PAGE_SEED)};
	int			most = Min(page_option(context, PAGE_ITEMS), MAX_PICTURES);

	if (context->gallery == NULL)
		model_require_usage(context->model);
	if (context->gallery == NULL && context->query == NULL)
	{
		report_append_note(out, "A model has no pictures of its own: give a query of (image, label).");
		return;
	}
	find_shape(&sheet);
	if (context->augmentation != NULL)
	{
		(void) augmentation_read(context->augmentation);
		sheet.pipeline = JsonbPGetDatum(context->augmentation);
		put_pipeline(&sheet, "as asked for");
	}
	else if (!find_last(&sheet))
		return;
	if (context->gallery == NULL)
		put_sheet_query(&sheet, most);
	else
		put_sheet_rows(&sheet, most);
	report_append_note(out, sheet.n == 0 ? "No row has a picture." :
					   psprintf("%d pictures, each with %d views of it as a training draws them.",
								sheet.n, VIEWS));
	if (sheet.left_out > 0)
		report_append_note(out,
						   psprintf("%d pictures were left out for the size of the page.",
									sheet.left_out));
}
