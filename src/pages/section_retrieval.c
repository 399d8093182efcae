/*
 * section_retrieval.c
 *	  How many of the nearest k rows have the item's label, by k and by label.
 *
 * The metrics are those of evaluate_retrieval(), with true neighbors.
 */
#include "postgres.h"

#include <math.h>

#include "eval/retrieval.h"
#include "evaluate/evaluate_pass.h"
#include "evaluate/label_counts.h"
#include "pages/pages.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "show/show.h"

/* Metrics are in groups of as many as there are depths. */
static const struct
{
	EvalRetrievalKind kind;
	const char *name;
	const char *meaning;
}			kinds[] = {
	{EVAL_RECALL_AT, "recall@k", "items with their label among the k nearest"},
	{EVAL_PRECISION_AT, "precision@k", "of the k nearest rows, those with the item's label"},
	{EVAL_MAP_AT, "map@k", "mean average precision, of all rows with the label"},
};

static const int depths[] = {1, 2, 3, 5, 10, 20, 50, 100};

#define KINDS lengthof(kinds)
#define MOST_METRICS (KINDS * lengthof(depths))

/* Labels whose metrics the page has */
#define MOST_LABELS 500

typedef struct LabelQueries
{
	int			code;
	int64		queries;
	double		first;			/* its first metric */
} LabelQueries;

typedef struct Retrieval
{
	PageContext *context;
	ReportText *out;
	int			ndepths;
	EvalRetrievalMetric metrics[MOST_METRICS];
	EvalRetrieval *sums;
	Arena	   *arena;			/* of the sums */
	Labels	   *labels;
	LabelCounts counts;
	int64		queries;
	int			nclasses;		/* that items have */
	LabelQueries *classes;		/* the worst first */
} Retrieval;

/* ---- measuring ---- */

static void
add_row(void *state, int label, const int *labels, const double *distances,
		int n)
{
	Retrieval  *retrieval = state;
	Status		status;

	if (!eval_retrieval_add(retrieval->sums, label,
							label_counts_of(&retrieval->counts, label), labels,
							distances, n, &status))
		budget_raise_status(BUDGET_MAINTENANCE, retrieval->arena, &status,
							"the sums of metrics for each label",
							"use fewer rows");
	retrieval->queries++;
}

/* No deeper than there are other rows */
static void
choose_metrics(Retrieval *retrieval)
{
	const PageRows *rows = page_rows(retrieval->context);
	int64		others = rows->gallery_rows - (rows->own ? 1 : 0);

	while (retrieval->ndepths < lengthof(depths) &&
		   (retrieval->ndepths == 0 || depths[retrieval->ndepths] <= others))
		retrieval->ndepths++;
	for (int kind = 0; kind < KINDS; kind++)
		for (int i = 0; i < retrieval->ndepths; i++)
			retrieval->metrics[kind * retrieval->ndepths + i] =
				(EvalRetrievalMetric)
		{
			kinds[kind].kind, depths[i]
		};
}

static void
measure_retrieval(Retrieval *retrieval)
{
	const Gallery *gallery = retrieval->context->gallery;
	LabeledItems items = page_items(retrieval->context);
	EvalRetrievalOptions options = {.drop_closest = items.own,.threshold = INFINITY};
	int			n = KINDS * retrieval->ndepths;
	int64		k;
	Status		status;

	retrieval->arena = memory_arena(CurrentMemoryContext,
									budget_bytes(BUDGET_MAINTENANCE));
	retrieval->sums = eval_retrieval_create(retrieval->arena,
											retrieval->metrics, n, options,
											&status);
	if (retrieval->sums == NULL)
		raise_status(&status);
	retrieval->labels = labels_create(BUDGET_MAINTENANCE);
	label_counts_read(&retrieval->counts, gallery, retrieval->labels);
	k = eval_retrieval_depth(retrieval->metrics, n, options.drop_closest,
							 retrieval->counts.largest);
	gallery_pass_items(gallery, &items, (int) k, retrieval->labels, add_row,
					   retrieval);
}

/* The worst first, and of these the most frequent */
static int
by_recall(const void *a, const void *b)
{
	const LabelQueries *x = a;
	const LabelQueries *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->queries != y->queries)
		return x->queries > y->queries ? -1 : 1;
	return x->code - y->code;
}

static void
sort_classes(Retrieval *retrieval)
{
	int			codes = labels_count(retrieval->labels);

	budget_require(BUDGET_MAINTENANCE,
				   budget_product(codes, sizeof(LabelQueries)),
				   "the labels of the page", "use fewer rows");
	retrieval->classes = palloc(sizeof(LabelQueries) * codes);
	for (int code = 0; code < codes; code++)
	{
		int64		queries = eval_retrieval_class_queries(retrieval->sums,
														   code);

		if (queries > 0)
			retrieval->classes[retrieval->nclasses++] = (LabelQueries)
		{
			code, queries,
				eval_retrieval_class_value(retrieval->sums, 0, code)
		};
	}
	qsort(retrieval->classes, retrieval->nclasses, sizeof(LabelQueries),
		  by_recall);
}

/* ---- writing ---- */

static void
put_depths(const Retrieval *retrieval)
{
	ReportText *out = retrieval->out;

	report_data_begin(out, retrieval->context->section, "k");
	for (int i = 0; i < retrieval->ndepths; i++)
		report_appendf(out, "%s%d", i == 0 ? "[" : ",", depths[i]);
	report_append(out, "]");
	report_data_end(out);
}

/* [{"name": ..., "meaning": ..., "values": [by k]}, ...] */
static void
put_metrics(const Retrieval *retrieval)
{
	ReportText *out = retrieval->out;

	report_data_begin(out, retrieval->context->section, "metrics");
	for (int kind = 0; kind < KINDS; kind++)
	{
		report_append(out, kind == 0 ? "[{\"name\":" : ",\n{\"name\":");
		report_json_string(out, kinds[kind].name);
		report_append(out, ",\"meaning\":");
		report_json_string(out, kinds[kind].meaning);
		for (int i = 0; i < retrieval->ndepths; i++)
		{
			report_append(out, i == 0 ? ",\"values\":[" : ",");
			report_json_digits(out, eval_retrieval_value(retrieval->sums, kind * retrieval->ndepths + i), 6);
		}
		report_append(out, "]}");
	}
	report_append(out, "]");
	report_data_end(out);
}

/* [[label, items, [values, kind by kind]], ...] */
static void
put_classes(const Retrieval *retrieval)
{
	ReportText *out = retrieval->out;

	report_data_begin(out, retrieval->context->section, "classes");
	report_append(out, "[");
	for (int i = 0; i < Min(retrieval->nclasses, MOST_LABELS); i++)
	{
		const LabelQueries *class = &retrieval->classes[i];

		report_append(out, i == 0 ? "[" : ",\n[");
		report_json_string(out, picture_utf8(labels_text(retrieval->labels,
														 class->code)));
		report_appendf(out, "," INT64_FORMAT, class->queries);
		for (int m = 0; m < KINDS * retrieval->ndepths; m++)
		{
			report_append(out, m == 0 ? ",[" : ",");
			report_json_digits(out, eval_retrieval_class_value(retrieval->sums, m, class->code), 4);
		}
		report_append(out, "]]");
	}
	report_append(out, "]");
	report_data_end(out);
}

static void
put_table(const Retrieval *retrieval)
{
	const char *columns[1 + KINDS] = {"k"};
	ReportText *out = retrieval->out;

	for (int kind = 0; kind < KINDS; kind++)
		columns[1 + kind] = kinds[kind].name;
	report_table_begin(out, "The numbers", columns, lengthof(columns));
	for (int i = 0; i < retrieval->ndepths; i++)
	{
		report_table_row(out);
		report_table_number(out, depths[i]);
		for (int kind = 0; kind < KINDS; kind++)
			report_table_number(out, eval_retrieval_value(retrieval->sums,
														  kind * retrieval->ndepths + i));
	}
	report_table_end(out, true);
}

static void
put_class_table(const Retrieval *retrieval)
{
	static const char *const columns[] = {"label", "items", "recall@1"};
	ReportText *out = retrieval->out;
	int			n = Min(retrieval->nclasses, MOST_LABELS);

	report_table_begin(out, "The numbers of each label, the worst first",
					   columns, lengthof(columns));
	for (int i = 0; i < n; i++)
	{
		const LabelQueries *class = &retrieval->classes[i];

		report_table_row(out);
		report_table_text(out, picture_utf8(labels_text(retrieval->labels,
														class->code)));
		report_table_number(out, (double) class->queries);
		report_table_number(out, class->first);
	}
	report_table_end(out, true);
	if (n < retrieval->nclasses)
		report_append_note(out, psprintf("%s of %s labels are listed, the worst.",
										 page_count(n), page_count(retrieval->nclasses)));
}

static void
put_sums(const Retrieval *retrieval)
{
	ReportFact	facts[1 + KINDS] = {{"items", page_count(retrieval->queries)}};
	int			last = retrieval->ndepths - 1;

	for (int kind = 0; kind < KINDS; kind++)
	{
		int			i = kinds[kind].kind == EVAL_RECALL_AT ? 0 : Min(last, 4);

		facts[1 + kind].name = psprintf("%.*s%d",
										(int) strlen(kinds[kind].name) - 1,
										kinds[kind].name, depths[i]);
		facts[1 + kind].value = psprintf("%.4f",
										 eval_retrieval_value(retrieval->sums, kind * retrieval->ndepths + i));
	}
	report_append_facts(retrieval->out, facts, lengthof(facts));
	page_note_labels(retrieval->context, retrieval->out, retrieval->labels);
}

void
retrieval_section(ReportText *out, PageContext *context)
{
	Retrieval	retrieval = {context, out};

	if (page_says_nothing(context, out, true))
		return;
	choose_metrics(&retrieval);
	measure_retrieval(&retrieval);
	sort_classes(&retrieval);
	put_sums(&retrieval);
	report_append_figure(out, context->section, "by-k");
	put_table(&retrieval);
	report_append_figure(out, context->section, "by-label");
	put_class_table(&retrieval);
	put_depths(&retrieval);
	put_metrics(&retrieval);
	put_classes(&retrieval);
}
