/*
 * section_audit.c
 *	  Rows whose label their neighbors contradict, surest first, with pictures;
 *	  and near-duplicates.
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "audit/audit.h"
#include "pages/pages.h"
#include "show/show.h"

/* Every row is compared with all others: more would keep a reader waiting. */
#define MOST_ROWS 100000

/* Pairs in the table of near-duplicates */
#define MOST_PAIRS 100

/* Suspects are those that are rather wrong than right. */
#define LEAST_SURE 0.5

typedef struct AuditPage
{
	PageContext *context;
	ReportText *out;
	LabelAudit *audit;
	size_t	   *suspects;
	size_t		n;
	int			shown;
	int			left_out;		/* pictures */
	double		farthest;		/* distance of the neighbors shown */

	/* the suspect that is written */
	size_t		row;
	bool		found;			/* itself, among the rows nearest to it */
	int			others;			/* neighbors written */
} AuditPage;

static const char *
label_of(const AuditPage *page, int code)
{
	const char *label = labels_text(page->audit->rows->names, code);

	return label == NULL ? NULL : picture_utf8(label);
}

static const char *
row_label(const AuditPage *page, size_t row)
{
	return label_of(page, page->audit->rows->labels[row]);
}

/* ---- a suspect ---- */

/* Without a key that can be read the nearest is taken for the row itself. */
static bool
is_suspect_itself(const AuditPage *page, const NeighborRow *row)
{
	const char *key = page->audit->rows->keys[page->row];
	char	   *found = neighbor_card_key(row);

	if (found == NULL || key == NULL)
		return row->rank == 0;
	return strcmp(found, key) == 0;
}

static void
begin_suspect(AuditPage *page, ReportItem *item)
{
	const EvalVerdict *verdict = &page->audit->verdicts[page->row];
	const char *key = page->audit->rows->keys[page->row];
	const char *suggested = label_of(page, verdict->suggested);

	item->label = row_label(page, page->row);
	item->mark = REPORT_UNMARKED;
	item->note = psprintf("%.1f %% sure it is %s%s%s", 100 * verdict->sure,
						  suggested, key ? ", key " : "",
						  key ? picture_utf8(key) : "");
	page->left_out += page_leaves_out(page->context, item);
	report_append_row_begin(page->out, item);
}

static void
find_itself(void *state, const NeighborRow *row)
{
	AuditPage  *page = state;
	ReportItem	item;

	if (page->found || !is_suspect_itself(page, row))
		return;
	item = picture_neighbor(page->context->gallery, row, NULL, PICTURE_PAGE);
	page->found = true;
	begin_suspect(page, &item);
}

static void
put_other(void *state, const NeighborRow *row)
{
	AuditPage  *page = state;
	const LabelAudit *audit = page->audit;
	ReportItem	item;

	if (page->others == page_option(page->context, PAGE_K) ||
		is_suspect_itself(page, row))
		return;
	page->others++;
	item = picture_neighbor(page->context->gallery, row,
							labels_text(audit->rows->names,
										audit->rows->labels[page->row]),
							PICTURE_PAGE);
	item.distance = neighbor_distance(row);
	item.has_bar = !isnan(item.distance);
	if (item.has_bar)
		page->farthest = Max(page->farthest, item.distance);
	page->left_out += page_leaves_out(page->context, &item);
	report_append_neighbor(page->out, &item);
}

static void
draw_suspect(AuditPage *page, SPIPlanPtr plan, size_t row,
			 const Embedding *embedding)
{
	ReportItem	item = {0};

	page->row = row;
	page->found = false;
	page->others = 0;
	neighbors_find(plan, embedding, find_itself, page);
	if (!page->found)
		begin_suspect(page, &item);
	neighbors_find(plan, embedding, put_other, page);
	report_append_row_end(page->out);
	page_flush(page->context, page->out);
}

static void
put_suspects(AuditPage *page)
{
	SPIPlanPtr	plan = neighbors_prepare(page->context->gallery,
										 NEIGHBOR_CARDS,
										 page_option(page->context, PAGE_K) + 1);
	Embedding **embeddings = audited_rows_embeddings(page->audit->rows,
													 page->suspects,
													 page->shown);
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext,
												 "suspect",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);

	for (int i = 0; i < page->shown; i++)
	{
		draw_suspect(page, plan, page->suspects[i], embeddings[i]);
		MemoryContextReset(memory);
	}
	report_append(page->out, "</div>\n");
	MemoryContextSwitchTo(caller);
}

/* What the script filters by: rows in the order of the page */
static void
put_suspect_data(const AuditPage *page)
{
	ReportText *out = page->out;

	report_data_begin(out, page->context->section, "rows");
	report_append(out, "[");
	for (int i = 0; i < page->shown; i++)
	{
		size_t		row = page->suspects[i];
		const EvalVerdict *verdict = &page->audit->verdicts[row];

		report_append(out, i == 0 ? "[" : ",[");
		report_json_string(out, row_label(page, row));
		report_append(out, ",");
		report_json_string(out, label_of(page, verdict->suggested));
		report_append(out, ",");
		report_json_number(out, verdict->sure);
		report_append(out, "]");
	}
	report_append(out, "]");
	report_data_end(out);
}

/* ---- near-duplicates ---- */

static size_t
nearest_of(const AuditPage *page, size_t row)
{
	const EvalNeighbors *neighbors = &page->audit->neighbors;

	return neighbors->row[row * (size_t) neighbors->k];
}

/* A pair that is each other's nearest stands there once. */
static bool
is_pair(const AuditPage *page, size_t row, bool differing)
{
	const int  *labels = page->audit->rows->labels;
	size_t		other;

	if (!audit_has_duplicate(page->audit, row))
		return false;
	other = nearest_of(page, row);
	return (labels[row] != labels[other]) == differing &&
		(row < other || nearest_of(page, other) != row);
}

static void
put_duplicate_pair(const AuditPage *page, size_t row)
{
	const AuditedRows *rows = page->audit->rows;
	size_t		other = nearest_of(page, row);

	report_table_row(page->out);
	report_table_text(page->out, rows->keys[row] ? picture_utf8(rows->keys[row]) : "");
	report_table_text(page->out, row_label(page, row));
	report_table_text(page->out, rows->keys[other] ? picture_utf8(rows->keys[other]) : "");
	report_table_text(page->out, row_label(page, other));
	report_table_number(page->out, page->audit->neighbors.nearest[row]);
}

/* Those with different labels first, since one of two must be wrong */
static void
put_duplicates(const AuditPage *page)
{
	static const char *const columns[] = {"key", "label", "near-duplicate of", "its label", "distance"};
	int64		pairs = 0;

	for (int same = 0; same <= 1; same++)
		for (size_t row = 0; row < page->audit->rows->n; row++)
		{
			if (!is_pair(page, row, same == 0))
				continue;
			if (pairs == 0)
				report_table_begin(page->out, "Near-duplicates, those with different labels first",
								   columns, lengthof(columns));
			if (pairs++ < MOST_PAIRS)
				put_duplicate_pair(page, row);
		}
	if (pairs > 0)
		report_table_end(page->out, true);
	if (pairs > MOST_PAIRS)
		report_append_note(page->out,
						   psprintf("%s more pairs of near-duplicates are not shown: similarity.audit() has all of them.",
									page_count(pairs - MOST_PAIRS)));
}

/* ---- the section ---- */

/* ", of model m version 3" */
static const char *
model_of(const PageContext *context)
{
	return context->model == NULL ? "" :
		psprintf(", by embeddings of model %s version %d",
				 picture_utf8(context->model), context->gallery->version);
}

static void
put_audit_sums(const AuditPage *page)
{
	const LabelAudit *audit = page->audit;
	const ReportFact facts[] = {
		{"rows judged", page_count(audit->rows->labeled)},
		{"suspected", page_count(page->n)},
		{"shown", page_count(page->shown)},
		{"labels taken to be wrong", psprintf("%.1f %%", 100 * audit->rate)},
	};

	report_append_facts(page->out, facts, lengthof(facts));
	report_append_note(page->out,
					   psprintf("Each of the %s rows with a label is judged by the %d nearest others with a label%s.",
								page_count(audit->rows->labeled),
								audit->neighbors.k, model_of(page->context)));
	if (page->n > (size_t) page->shown)
		report_append_note(page->out,
						   psprintf("The other %s suspected rows are not shown: the option \"items\" says how many are.",
									page_count(page->n - page->shown)));
	if (page->left_out > 0)
		report_append_note(page->out,
						   psprintf("%s pictures were left out for the size of the page: show fewer items.",
									page_count(page->left_out)));
	if (page->n > 0)
		report_append_grid_begin(page->out, page->farthest, NAN);
}

static void
put_audit(AuditPage *page)
{
	PageContext *context = page->context;
	int			place = page_place(context, page->out);

	page->suspects = audit_suspects(page->audit, LEAST_SURE, false, &page->n);
	page->shown = (int) Min(page->n, (size_t) page_option(context, PAGE_ITEMS));
	if (page->n == 0)
		report_append_note(page->out, "No label is contradicted by its neighbors.");
	else
	{
		put_suspects(page);
		put_suspect_data(page);
	}
	put_duplicates(page);
	page_flush(context, page->out);
	put_audit_sums(page);
	page_insert(context, page->out, place);
}

void
audit_section(ReportText *out, PageContext *context)
{
	AuditPage	page = {context, out};
	int64		rows = page_rows(context)->gallery_rows;

	if (rows == 0)
		report_append_note(out, "The gallery has no row with an embedding.");
	else if (!audited_rows_readable(context->gallery))
		report_append_note(out, "The gallery has no key that you may read, to tell its rows apart.");
	else if (rows > MOST_ROWS || !label_audit_fits(rows, AUDIT_K))
		report_append_note(out,
						   psprintf("%s rows are too many to be judged for a page: SELECT * FROM similarity.audit(...) does.",
									page_count(rows)));
	else
	{
		page.audit = label_audit_rows(audited_rows_read(context->gallery,
														CALL_REPORT),
									  AUDIT_K_CHOSEN, true, NULL);
		if (page.audit->rows->labeled < 2)
			report_append_note(out, "The gallery has no labels to judge.");
		else
			put_audit(&page);
		audited_rows_close(page.audit->rows);
	}
}
