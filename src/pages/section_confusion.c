/*
 * section_confusion.c
 *	  Which labels are taken for which: a matrix, and pairs of each cell.
 *
 * An item is answered by its nearest row, whatever its distance, as
 * confusion_matrix() does without a cut point.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "eval/classification.h"
#include "evaluate/evaluate_pass.h"
#include "pages/pages.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "show/show.h"

/* Classes that a matrix shows; pairs of a cell that is wrong, and right */
#define MOST_CLASSES 40
#define WRONG_PAIRS 8
#define RIGHT_PAIRS 3

typedef struct ConfusedClass
{
	int			code;
	const char *text;
	int64		items;			/* that have it */
	int64		answers;		/* items that are answered so */
	int64		right;
} ConfusedClass;

typedef struct Confusion
{
	PageContext *context;
	ReportText *out;
	Labels	   *labels;
	Matches    *matches;		/* of the labeled rows, in their order */
	int		   *rows;			/* which these are */
	EvalCell   *cells;
	size_t		ncells;
	int			all;			/* classes that occur */
	int			n;				/* of these in the matrix, */
	ConfusedClass *classes;		/* in its order */
	int		   *place;			/* in the matrix by code, or -1 */
	bool		none;			/* a last column: rows without a label */
	int64	   *counts;			/* n rows of n + 1 */
	int		   *shown;			/* pairs of each cell */
} Confusion;

static int
columns_of(const Confusion *confusion)
{
	return confusion->n + 1;
}

/* ---- counting ---- */

static void
count_match(void *state, int label, const int *labels, const double *distances,
			int n)
{
	matches_add(state, label, labels, distances, n);
}

static void
find_confusions(Confusion *confusion)
{
	PageContext *context = confusion->context;
	const PageRows *rows = page_rows(context);
	LabeledItems items = page_items(context);
	Matches    *matches = matches_create(EVAL_MATCH_NEAREST, rows->own);
	int			n = 0;
	Status		status;

	confusion->matches = matches;
	confusion->labels = labels_create(BUDGET_MAINTENANCE);
	confusion->rows = palloc(sizeof(int) * rows->n);
	for (int i = 0; i < rows->n; i++)
		if (rows->labels[i] != NULL)
			confusion->rows[n++] = i;
	gallery_pass_items(context->gallery, &items, matches_depth(matches, 1),
					   confusion->labels, count_match, matches);
	if (!eval_confusion(matches->labels, matches->predicted, matches->distances,
						matches->n, INFINITY,
						memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET),
						&confusion->cells, &confusion->ncells, &status))
		raise_status(&status);
}

/* Those with the most errors first */
static int
compare_errors(const void *a, const void *b)
{
	const ConfusedClass *x = a;
	const ConfusedClass *y = b;
	int64		of_x = x->items + x->answers - 2 * x->right;
	int64		of_y = y->items + y->answers - 2 * y->right;

	if (of_x != of_y)
		return of_x > of_y ? -1 : 1;
	if (x->items != y->items)
		return x->items > y->items ? -1 : 1;
	return x->code - y->code;
}

/* Numbers as such, before texts */
static int
compare_texts(const void *a, const void *b)
{
	const char *x = ((const ConfusedClass *) a)->text;
	const char *y = ((const ConfusedClass *) b)->text;
	char	   *x_end;
	char	   *y_end;
	double		x_number = strtod(x, &x_end);
	double		y_number = strtod(y, &y_end);
	bool		x_is = *x != '\0' && *x_end == '\0' && !isnan(x_number);
	bool		y_is = *y != '\0' && *y_end == '\0' && !isnan(y_number);

	if (x_is != y_is)
		return x_is ? -1 : 1;
	if (x_is && x_number != y_number)
		return x_number < y_number ? -1 : 1;
	return strcmp(x, y);
}

static void
count_classes(Confusion *confusion)
{
	int			codes = labels_count(confusion->labels);
	ConfusedClass *classes;

	budget_require(BUDGET_MAINTENANCE,
				   budget_product(codes, sizeof(ConfusedClass) + sizeof(int)),
				   "the labels of the page", "use fewer rows");
	classes = palloc0(sizeof(ConfusedClass) * codes);
	for (size_t i = 0; i < confusion->ncells; i++)
	{
		const EvalCell *cell = &confusion->cells[i];

		classes[cell->label].items += cell->count;
		if (cell->predicted == EVAL_NO_LABEL)
			confusion->none = true;
		else
			classes[cell->predicted].answers += cell->count;
		if (cell->predicted == cell->label)
			classes[cell->label].right += cell->count;
	}
	for (int code = 0; code < codes; code++)
	{
		classes[code].code = code;
		classes[code].text = labels_text(confusion->labels, code);
		if (classes[code].items + classes[code].answers > 0)
			classes[confusion->all++] = classes[code];
	}
	qsort(classes, confusion->all, sizeof(ConfusedClass), compare_errors);
	confusion->n = Min(confusion->all, MOST_CLASSES);
	qsort(classes, confusion->n, sizeof(ConfusedClass), compare_texts);
	confusion->classes = classes;
	confusion->place = palloc(sizeof(int) * codes);
	memset(confusion->place, -1, sizeof(int) * codes);
	for (int i = 0; i < confusion->n; i++)
		confusion->place[classes[i].code] = i;
}

/* The cell of the matrix, or -1 if it is not shown */
static int
matrix_cell(const Confusion *confusion, int label, int predicted)
{
	int			row = confusion->place[label];
	int			column = predicted == EVAL_NO_LABEL ? confusion->n :
	confusion->place[predicted];

	return row < 0 || column < 0 ? -1 : row * columns_of(confusion) + column;
}

static void
count_matrix(Confusion *confusion)
{
	int			size = confusion->n * columns_of(confusion);

	confusion->counts = palloc0(sizeof(int64) * size);
	confusion->shown = palloc0(sizeof(int) * size);
	for (size_t i = 0; i < confusion->ncells; i++)
	{
		const EvalCell *cell = &confusion->cells[i];
		int			place = matrix_cell(confusion, cell->label, cell->predicted);

		if (place >= 0)
			confusion->counts[place] = cell->count;
	}
}

/* ---- the matrix ---- */

static void
put_heading(const Confusion *confusion, const char *text)
{
	report_append(confusion->out, "<th scope=\"col\"><span>");
	report_append_isolated(confusion->out, text);
	report_append(confusion->out, "</span></th>");
}

static void
put_matrix_cell(const Confusion *confusion, int row, int column)
{
	int64		count = confusion->counts[row * columns_of(confusion) + column];
	double		share = (double) count / Max(confusion->classes[row].items, 1);

	report_appendf(confusion->out, "<td class=\"%s%s\" data-cell=\"%d,%d\"",
				   row == column ? "same" : "other", share > .9 ? " deep" : "",
				   row, column);
	if (count > 0)
		report_appendf(confusion->out, " style=\"--s:%.3f\">%s</td>",
					   .12 + .88 * share, page_count(count));
	else
		report_append(confusion->out, "></td>");
}

static void
put_matrix_row(const Confusion *confusion, int row)
{
	const ConfusedClass *class = &confusion->classes[row];

	report_append(confusion->out, "\n<tr><th scope=\"row\"><span>");
	report_append_isolated(confusion->out, picture_utf8(class->text));
	report_append(confusion->out, "</span></th>");
	for (int column = 0; column < confusion->n + confusion->none; column++)
		put_matrix_cell(confusion, row, column);
	report_table_number(confusion->out, (double) class->items);
	report_appendf(confusion->out, "<td class=\"number\">%.1f %%</td></tr>",
				   100.0 * class->right / Max(class->items, 1));
}

/* Rows are what the items are, columns what their nearest rows say. */
static void
put_matrix(const Confusion *confusion)
{
	ReportText *out = confusion->out;

	report_append(out, "<h3>What the items are (lines), and what their nearest rows say (columns)</h3>\n"
				  "<div class=\"scroll\" id=\"confusion-matrix\"><table class=\"matrix\">\n<thead><tr><td></td>");
	for (int i = 0; i < confusion->n; i++)
		put_heading(confusion, picture_utf8(confusion->classes[i].text));
	if (confusion->none)
		put_heading(confusion, "(no label)");
	put_heading(confusion, "items");
	put_heading(confusion, "right");
	report_append(out, "</tr></thead>\n<tbody>");
	for (int i = 0; i < confusion->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (confusion->classes[i].items > 0)
			put_matrix_row(confusion, i);
	}
	report_append(out, "\n</tbody></table></div>\n<div id=\"confusion-pairs\" aria-live=\"polite\"></div>\n");
	if (confusion->n < confusion->all)
		report_append_note(out, psprintf("%s of %s labels are shown, those with the most errors.",
										 page_count(confusion->n), page_count(confusion->all)));
}

/* ---- the most frequent errors ---- */

#define MOST_ERRORS 20

static int
compare_counts(const void *a, const void *b)
{
	const EvalCell *x = a;
	const EvalCell *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->label != y->label ? x->label - y->label :
		x->predicted - y->predicted;
}

static void
put_errors(Confusion *confusion)
{
	static const char *const columns[] = {"label", "nearest row's label", "items", "of the label's items"};
	ReportText *out = confusion->out;
	int64	   *items = palloc0(sizeof(int64) * labels_count(confusion->labels));
	int			n = 0;

	for (size_t i = 0; i < confusion->ncells; i++)
		items[confusion->cells[i].label] += confusion->cells[i].count;
	qsort(confusion->cells, confusion->ncells, sizeof(EvalCell), compare_counts);
	report_table_begin(out, "The most frequent errors", columns,
					   lengthof(columns));
	for (size_t i = 0; i < confusion->ncells && n < MOST_ERRORS; i++)
	{
		const EvalCell *cell = &confusion->cells[i];
		const char *answer = labels_text(confusion->labels, cell->predicted);

		if (cell->label == cell->predicted)
			continue;
		report_table_row(out);
		report_table_text(out, picture_utf8(labels_text(confusion->labels, cell->label)));
		report_table_text(out, answer ? picture_utf8(answer) : "(no label)");
		report_table_number(out, (double) cell->count);
		report_appendf(out, "<td class=\"number\">%.1f %%</td>",
					   100.0 * cell->count / items[cell->label]);
		n++;
	}
	report_table_end(out, true);
}

/* ---- pairs: an item and its nearest row ---- */

typedef struct Pair
{
	Confusion  *confusion;
	int			match;			/* of matches */
	int			cell;
	bool		written;
} Pair;

/* A picture that fits, or null */
static void
put_picture(const Confusion *confusion, const ReportItem *item)
{
	bool		fits = item->file != NULL &&
	page_picture_fits(confusion->context, report_item_size(item));

	if (fits)
		report_json_picture(confusion->out, item);
	else
		report_append(confusion->out, "null");
}

/* [cell, distance, key, picture, key of the nearest, its picture] */
static void
put_pair(void *state, const NeighborRow *row)
{
	Pair	   *pair = state;
	Confusion  *confusion = pair->confusion;
	ReportText *out = confusion->out;
	const PageRows *rows = page_rows(confusion->context);
	const Matches *matches = confusion->matches;
	int			i = confusion->rows[pair->match];
	const char *answer = labels_text(confusion->labels,
									 matches->predicted[pair->match]);
	char	   *label = neighbor_label(row);
	char	   *key = neighbor_card_key(row);
	ReportItem	item;

	/* look-ups may find another row than the nearest one */
	if (answer == NULL || label == NULL ? answer != label : strcmp(answer, label) != 0)
		return;
	report_appendf(out, "%s\n[%d,", pair->written ? "," : "", pair->cell);
	pair->written = true;
	report_json_digits(out, neighbor_distance(row), 6);
	report_append(out, ",");
	report_json_string(out, rows->keys[i] ? picture_utf8(rows->keys[i]) : NULL);
	report_append(out, ",");
	item = picture_query(confusion->context->gallery, rows->labels[i],
						 rows->images[i], PICTURE_PAGE);
	put_picture(confusion, &item);
	report_append(out, ",");
	report_json_string(out, key ? picture_utf8(key) : NULL);
	report_append(out, ",");
	item = picture_neighbor(confusion->context->gallery, row, NULL,
							PICTURE_PAGE);
	put_picture(confusion, &item);
	report_append(out, "]");
	confusion->shown[pair->cell]++;
	page_flush(confusion->context, out);
}

/* A few pairs of each cell, right ones or wrong ones */
static int
put_pairs_of(Pair *pair, SPIPlanPtr plan, bool right, int most)
{
	Confusion  *confusion = pair->confusion;
	const Matches *matches = confusion->matches;
	int			each = right ? RIGHT_PAIRS : WRONG_PAIRS;
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "pair",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);

	for (int64 i = 0; i < matches->n && most > 0; i++)
	{
		int			label = matches->labels[i];
		int			cell = matrix_cell(confusion, label, matches->predicted[i]);

		if ((label == matches->predicted[i]) != right || cell < 0 ||
			confusion->shown[cell] >= each)
			continue;
		pair->match = (int) i;
		pair->cell = cell;
		page_neighbors(confusion->context, plan, confusion->rows[i], 1,
					   put_pair, pair);
		MemoryContextReset(memory);
		most--;
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(memory);
	return most;
}

/* Errors come first: right ones are of less interest. */
static void
put_pairs(Confusion *confusion)
{
	SPIPlanPtr	plan = page_neighbors_prepare(confusion->context, 1);
	Pair		pair = {confusion};
	int			most = 4 * page_option(confusion->context, PAGE_ITEMS);

	report_data_begin(confusion->out, confusion->context->section, "pairs");
	report_append(confusion->out, "[");
	most = put_pairs_of(&pair, plan, false, most);
	put_pairs_of(&pair, plan, true, most);
	report_append(confusion->out, "]");
	report_data_end(confusion->out);
}

static void
put_labels(const Confusion *confusion)
{
	report_data_begin(confusion->out, confusion->context->section, "labels");
	report_append(confusion->out, "[");
	for (int i = 0; i < confusion->n; i++)
	{
		report_append(confusion->out, i > 0 ? "," : "");
		report_json_string(confusion->out, picture_utf8(confusion->classes[i].text));
	}
	report_append(confusion->out, "]");
	report_data_end(confusion->out);
}

/* ---- the section ---- */

static void
put_sums(const Confusion *confusion)
{
	const Matches *matches = confusion->matches;
	int64		right = 0;
	ReportFact	facts[3];

	for (int64 i = 0; i < matches->n; i++)
		right += matches->hits[i];
	facts[0] = (ReportFact)
	{
		"items", page_count(matches->n)
	};
	facts[1] = (ReportFact)
	{
		"nearest row is right",
			psprintf("%.1f %%", 100.0 * right / matches->n)
	};
	facts[2] = (ReportFact)
	{
		"labels", page_count(confusion->all)
	};
	report_append_facts(confusion->out, facts, lengthof(facts));
	page_note_labels(confusion->context, confusion->out, confusion->labels);
}

void
confusion_section(ReportText *out, PageContext *context)
{
	Confusion	confusion = {context, out};

	if (page_says_nothing(context, out, true))
		return;
	find_confusions(&confusion);
	count_classes(&confusion);
	count_matrix(&confusion);
	put_sums(&confusion);
	put_matrix(&confusion);
	put_pairs(&confusion);
	put_labels(&confusion);
	put_errors(&confusion);
}
