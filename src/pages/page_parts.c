/*
 * page_parts.c
 *	  What the sections of a page share: its rows, its text, its room.
 *
 * Without a query the rows are a sample of the gallery, which is a query too:
 * those whose hashes are the smallest.  So the same rows come whatever their
 * order on disk, and whoever may read the table can repeat it.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "evaluate/gallery_sample.h"
#include "gallery/embedded_query.h"
#include "pages/pages.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "show/show.h"

/* ---- the rows ---- */

/* Of maintenance_work_mem; the page and the figures need the rest. */
#define ROWS_SHARE 4

/* (embedding, label, image, key) of the rows whose hashes are the smallest */
static char *
sample_query(const PageContext *context)
{
	const Gallery *gallery = context->gallery;
	const char *embedding = quote_identifier(gallery->embedding);
	bool		key = gallery->key != NULL &&
	gallery_may_read(gallery->relid,
					 get_attnum(gallery->relid, gallery->key));
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT t.%s, t.%s, ", embedding,
					 quote_identifier(gallery->label));
	appendStringInfo(&sql, gallery->image ? "t.%s, " : "NULL::pg_catalog.bytea, ",
					 gallery->image ? quote_identifier(gallery->image) : "");
	appendStringInfo(&sql, key ? "t.%s" : "NULL::pg_catalog.text",
					 key ? quote_identifier(gallery->key) : "");
	appendStringInfo(&sql, " FROM %s t WHERE t.%s IS NOT NULL ORDER BY %s LIMIT %d",
					 gallery->relation, embedding,
					 gallery_sample_order(gallery, page_option(context, PAGE_SEED)),
					 page_option(context, PAGE_ROWS));
	return sql.data;
}

static PageRows *
create_rows(PageContext *context)
{
	PageRows   *rows = palloc0(sizeof(PageRows));
	Size		n = page_option(context, PAGE_ROWS);

	rows->own = context->query == NULL;
	rows->gallery_rows = gallery_embedded_rows(context->gallery);
	rows->embeddings = palloc0(sizeof(Embedding *) * n);
	rows->labels = palloc0(sizeof(char *) * n);
	rows->keys = palloc0(sizeof(char *) * n);
	rows->images = palloc0(sizeof(bytea *) * n);
	return rows;
}

static void *
keep(const PageRows *rows, const void *value, Size size)
{
	return memcpy(MemoryContextAllocHuge(rows->memory, size), value, size);
}

static bool
has_page_room(const PageRows *rows, Size size)
{
	return budget_sum(MemoryContextMemAllocated(rows->memory, false), size) <=
		budget_bytes(BUDGET_MAINTENANCE) / ROWS_SHARE;
}

/* The value that holds a row's picture: its own, or an input that may be one */
static bool
image_value(const LabeledRows *source, const LabeledBatch *batch, int i,
			Datum *value)
{
	if (source->query->columns < 3)
	{
		*value = batch->inputs[i];
		return getBaseType(source->query->type) == BYTEAOID;
	}
	*value = batch->images[i];
	return batch->has_image[i];
}

/* Pictures are left out when there is no room for them, rows are not. */
static void
keep_image(PageRows *rows, const LabeledRows *source,
		   const LabeledBatch *batch, int i)
{
	Datum		value;
	const bytea *image;

	if (!image_value(source, batch, i, &value))
		return;
	if (!has_page_room(rows, toast_raw_datum_size(value)))
	{
		rows->crowded++;
		return;
	}
	image = source->query->columns < 3 ?
		picture_of_input(source->gallery, value, source->query->type) :
		DatumGetByteaPP(value);
	if (image == NULL)
		return;
	rows->images[rows->n] = keep(rows, image, VARSIZE_ANY(image));
	rows->pictures++;
}

static Size
text_size(const char *value)
{
	return value == NULL ? 0 : strlen(value) + 1;
}

static void
keep_row(PageRows *rows, const LabeledRows *source, const LabeledBatch *batch,
		 int i)
{
	const Embedding *embedding = batch->embeddings[i];
	const char *label = batch->labels[i];
	const char *key = batch->keys[i];

	budget_require_more(BUDGET_MAINTENANCE, rows->memory,
						VARSIZE(embedding) + text_size(label) + text_size(key),
						"the rows of the page", "use fewer of them");
	rows->embeddings[rows->n] = keep(rows, embedding, VARSIZE(embedding));
	if (label != NULL)
		rows->labels[rows->n] = keep(rows, label, text_size(label));
	if (key != NULL)
		rows->keys[rows->n] = keep(rows, key, text_size(key));
	rows->labeled += label != NULL;
	keep_image(rows, source, batch, i);
	rows->n++;
}

/* Values are detoasted in a context of each row. */
static void
read_sample_rows(PageContext *context, PageRows *rows)
{
	int			most = page_option(context, PAGE_ROWS);
	LabeledRows *source = query_open(context->gallery,
									 context->query ? context->query : sample_query(context),
									 context->query ? QUERY_REPORT : QUERY_SAMPLE,
									 CALL_REPORT);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "row",
												  ALLOCSET_DEFAULT_SIZES);
	const LabeledBatch *batch;

	while (!rows->more && (batch = query_next(source))->n > 0)
	{
		MemoryContext caller = MemoryContextSwitchTo(scratch);

		for (int i = 0; i < batch->n && rows->n < most; i++)
		{
			keep_row(rows, source, batch, i);
			MemoryContextReset(scratch);
		}
		MemoryContextSwitchTo(caller);
		rows->more = source->rows + batch->n > most;
	}
	query_close(source);
	MemoryContextDelete(scratch);
}

const PageRows *
page_rows(PageContext *context)
{
	MemoryContext memory;
	MemoryContext caller;
	PageRows   *rows;

	if (context->rows != NULL)
		return context->rows;
	memory = AllocSetContextCreate(context->memory, "rows of the page",
								   ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(memory);
	rows = create_rows(context);
	rows->memory = memory;
	MemoryContextSwitchTo(caller);
	read_sample_rows(context, rows);
	rows->more |= rows->own && rows->gallery_rows > rows->n;
	context->rows = rows;
	return rows;
}

LabeledItems
page_items(PageContext *context)
{
	const PageRows *rows = page_rows(context);

	return (LabeledItems)
	{
		rows->n, rows->embeddings, rows->labels, rows->own
	};
}

bool
page_says_nothing(PageContext *context, ReportText *out, bool labels)
{
	const PageRows *rows = page_rows(context);

	if (rows->gallery_rows == 0)
		report_append_note(out, "The gallery has no row with an embedding.");
	else if (rows->n == 0)
		report_append_note(out, "The query returned no rows.");
	else if (labels && rows->labeled == 0)
		report_append_note(out, "None of the rows has a label.");
	else if (rows->own && rows->gallery_rows == 1)
		report_append_note(out, "The gallery has one row only, which has no neighbors.");
	else
		return false;
	return true;
}

char *
page_count(int64 n)
{
	return report_count(palloc(REPORT_COUNT_SIZE), n);
}

char *
page_count_of(int64 n, const char *noun)
{
	return psprintf("%s %s%s", page_count(n), noun, n == 1 ? "" : "s");
}

void
page_note_labels(PageContext *context, ReportText *out, const Labels *labels)
{
	const PageRows *rows = page_rows(context);
	const LabelUse *uses = labels_uses(labels);
	int64		unknown = 0;

	if (rows->labeled < rows->n)
		report_append_note(out, psprintf("Left out: %s without a label.",
										 page_count_of(rows->n - rows->labeled, "row")));
	for (int i = 0; i < labels_count(labels); i++)
		unknown += uses[i].in_gallery ? 0 : uses[i].items;
	if (unknown > 0)
		report_append_note(out, psprintf("The gallery has no row with the label of %s: their neighbors cannot be right.",
										 page_count_of(unknown, "item")));
}

char *
page_basis(PageContext *context)
{
	const PageRows *rows = page_rows(context);
	const Gallery *gallery = context->gallery;
	StringInfoData basis;

	initStringInfo(&basis);
	if (rows->own && rows->more)
		appendStringInfo(&basis, "%s of %s rows of the gallery, each without itself",
						 page_count(rows->n), page_count(rows->gallery_rows));
	else if (rows->own)
		appendStringInfo(&basis, "all %s of the gallery, each without itself",
						 page_count_of(rows->n, "row"));
	else
		appendStringInfo(&basis, "%s%s of the query, against %s of the gallery",
						 rows->more ? "the first " : "",
						 page_count_of(rows->n, "row"),
						 page_count(rows->gallery_rows));
	if (gallery->model != NULL)
		appendStringInfo(&basis, ", model %s version %d",
						 picture_utf8(gallery->model), gallery->version);
	return basis.data;
}

/* ---- their neighbors ---- */

SPIPlanPtr
page_neighbors_prepare(PageContext *context, int k)
{
	return neighbors_prepare(context->gallery, NEIGHBOR_CARDS,
							 k + (page_rows(context)->own ? 1 : 0));
}

typedef struct OthersOfRow
{
	const char *key;			/* of the row, or NULL */
	bool		own;			/* it stands in the gallery */
	bool		seen;			/* and was found */
	int			k;
	int			n;
	NeighborFunction function;
	void	   *state;
} OthersOfRow;

/* Without a key the nearest is taken for the row itself, as drop_closest has it. */
static bool
is_itself(const OthersOfRow *others, const NeighborRow *row)
{
	char	   *key;

	if (!others->own || others->seen)
		return false;
	if (others->key == NULL)
		return row->rank == 0;
	key = neighbor_card_key(row);
	return key != NULL && strcmp(key, others->key) == 0;
}

static void
take_other(void *state, const NeighborRow *row)
{
	OthersOfRow *others = state;
	NeighborRow other = *row;

	if (is_itself(others, row))
		others->seen = true;
	else if (others->n < others->k)
	{
		other.rank = others->n++;
		others->function(others->state, &other);
	}
}

int
page_neighbors(PageContext *context, SPIPlanPtr plan, int i, int k,
			   NeighborFunction function, void *state)
{
	const PageRows *rows = page_rows(context);
	OthersOfRow others = {rows->keys[i], rows->own, false, k, 0, function, state};

	neighbors_find(plan, rows->embeddings[i], take_other, &others);
	return others.n;
}

/* ---- writing ---- */

bool
page_picture_fits(PageContext *context, Size size)
{
	if (size > context->picture_room)
		return false;
	context->picture_room -= size;
	return true;
}

bool
page_leaves_out(PageContext *context, ReportItem *item)
{
	if (item->file == NULL ||
		page_picture_fits(context, report_item_size(item)))
		return false;
	item->file = NULL;
	item->missing = "left out";
	return true;
}

void
page_flush(PageContext *context, ReportText *out)
{
	Arena	   *arena = out->arena;
	Status		status;
	char	   *piece;
	Size		length;

	CHECK_FOR_INTERRUPTS();
	if (!report_text_finish(out, &status))
		budget_raise_status(BUDGET_MAINTENANCE, arena, &status,
							"the figures of the page", "show fewer rows");
	piece = picture_server_text(out->data, out->length);
	length = strlen(piece);
	budget_require(BUDGET_MAINTENANCE, budget_sum(context->result.len, length),
				   "the figures of the page", "show fewer rows");
	appendBinaryStringInfo(&context->result, piece, (int) length);
	arena_reset(arena);
	report_text_init(out, arena);
}

int
page_place(PageContext *context, ReportText *out)
{
	page_flush(context, out);
	return context->result.len;
}

/* What was written since moves to make room. */
void
page_insert(PageContext *context, ReportText *out, int place)
{
	StringInfo	result = &context->result;
	int			end = result->len;
	int			length;
	char	   *start;

	page_flush(context, out);
	length = result->len - end;
	enlargeStringInfo(result, length);
	start = result->data + place;
	memmove(start + length, start, result->len - place);
	memcpy(start, result->data + end + length, length);
}
