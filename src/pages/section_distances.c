/*
 * section_distances.c
 *	  How far apart rows of one label and of different labels are, and what each
 *	  cut point gives.
 *
 * Numbers are those of calibrate() and evaluate_classification() for the same
 * rows: evaluate/ makes them, the page draws.
 */
#include "postgres.h"

#include <math.h>

#include "evaluate/distance_histogram.h"
#include "evaluate/threshold_curve.h"
#include "pages/page_tables.h"
#include "pages/pages.h"
#include "show/show.h"

#define MATCH_BINS 40

/* ---- data ---- */

static void
put_histogram(ReportText *out, const ReportSection *section, const char *name,
			  const EvalHistogram *bins)
{
	double	   *edges = palloc(sizeof(double) * (bins->n + 1));

	for (int i = 0; i <= bins->n; i++)
		edges[i] = eval_histogram_edge(bins, i);
	report_data_begin(out, section, name);
	report_append(out, "{");
	page_put_numbers(out, "edges", edges, bins->n + 1);
	report_append(out, ",");
	page_put_counts(out, "same", bins->counts[EVAL_PAIR_SAME], bins->n);
	report_append(out, ",");
	page_put_counts(out, "different", bins->counts[EVAL_PAIR_DIFFERENT],
					bins->n);
	report_append(out, ",");
	page_put_counts(out, "total", bins->total, EVAL_PAIRS);
	report_append(out, ",");
	page_put_counts(out, "beyond", bins->beyond, EVAL_PAIRS);
	report_append(out, "}");
	report_data_end(out);
}

static void
put_curve(ReportText *out, const ReportSection *section, const EvalCurve *curve)
{
	report_data_begin(out, section, "curve");
	report_append(out, "{");
	page_put_numbers(out, "distance", curve->distance, curve->n);
	for (EvalMetric m = 0; m < EVAL_METRICS; m++)
	{
		report_append(out, ",");
		page_put_numbers(out, eval_metric_name(m), curve->metric[m], curve->n);
	}
	report_append(out, ",");
	page_put_counts(out, "tp", curve->counts.tp, curve->n);
	report_append(out, ",");
	page_put_counts(out, "fp", curve->counts.fp, curve->n);
	report_append(out, ",");
	page_put_counts(out, "tn", curve->counts.tn, curve->n);
	report_append(out, ",");
	page_put_counts(out, "fn", curve->counts.fn, curve->n);
	report_append(out, "}");
	report_data_end(out);
}

static void
put_cutpoints(ReportText *out, const ReportSection *section,
			  const Calibration *calibration)
{
	int			n = calibration == NULL ? 0 : calibration->ncutpoints;

	report_data_begin(out, section, "cutpoints");
	report_append(out, "[");
	for (int i = 0; i < n; i++)
	{
		report_append(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		report_json_string(out, picture_utf8(calibration->cutpoints[i].name));
		report_append(out, ",\"distance\":");
		report_json_digits(out, calibration->cutpoints[i].distance, 15);
		report_append(out, "}");
	}
	report_append(out, "]");
	report_data_end(out);
}

/* ---- what a page says without its script ---- */

/* The place of a threshold, which is on the curve */
static size_t
place_of(const EvalCurve *curve, double distance)
{
	size_t		i = 0;

	while (i + 1 < curve->n && curve->distance[i] < distance)
		i++;
	return i;
}

static void
put_cutpoint_table(ReportText *out, const ThresholdCurve *result,
				   const Calibration *calibration)
{
	static const char *const columns[] = {"cut point", "distance", "precision", "recall", "f1", "binary accuracy", "npv", "fpr"};

	report_append(out, "<h3>Cut points of the calibration</h3>\n");
	report_table_begin(out, NULL, columns, lengthof(columns));
	for (int i = 0; i < calibration->ncutpoints; i++)
	{
		const Cutpoint *cutpoint = &calibration->cutpoints[i];
		bool		drawn = isfinite(cutpoint->distance);
		size_t		place = place_of(&result->curve, cutpoint->distance);

		report_table_row(out);
		report_table_text(out, picture_utf8(cutpoint->name));
		report_table_number(out, cutpoint->distance);
		for (EvalMetric m = 0; m < EVAL_METRICS; m++)
			report_table_number(out, drawn ? result->curve.metric[m][place] :
								NAN);
	}
	report_table_end(out, false);
}

static void
put_bins(ReportText *out, const char *summary, const EvalHistogram *bins,
		 const char *same, const char *different)
{
	const char *const columns[] = {"from", "to", same, different};

	report_table_begin(out, summary, columns, lengthof(columns));
	for (int i = 0; i < bins->n; i++)
	{
		report_table_row(out);
		report_table_number(out, eval_histogram_edge(bins, i));
		report_table_number(out, eval_histogram_edge(bins, i + 1));
		for (int pair = 0; pair < EVAL_PAIRS; pair++)
			report_table_number(out, bins->counts[pair][i]);
	}
	report_table_end(out, true);
}

/* ---- pairs ---- */

static void
put_pairs(ReportText *out, PageContext *context, const LabeledItems *items)
{
	const DistanceHistogram *pairs = distance_histogram_of(context->gallery,
														   items, DISTANCE_SAMPLE,
														   page_option(context, PAGE_SEED),
														   DISTANCE_BINS);
	const EvalHistogram *bins;
	int64		beyond;

	if (pairs == NULL)
	{
		report_append_note(out, "No two rows with a label have a distance.");
		return;
	}
	bins = &pairs->bins;
	report_append_note(out,
					   psprintf("Distances of %s: %s have the same label, %s different labels.",
								items->own ?
								psprintf("all pairs among %s rows",
										 page_count(pairs->items)) :
								psprintf("%s rows from each of %s rows of the gallery",
										 page_count(pairs->items),
										 page_count(pairs->rows)),
								page_count(bins->total[EVAL_PAIR_SAME]),
								page_count(bins->total[EVAL_PAIR_DIFFERENT])));
	beyond = bins->beyond[EVAL_PAIR_SAME] + bins->beyond[EVAL_PAIR_DIFFERENT];
	if (beyond > 0)
		report_append_note(out,
						   psprintf("%s pairs have no distance.",
									page_count(beyond)));
	report_append_figure(out, context->section, "pairs");
	put_histogram(out, context->section, "pairs", bins);
	put_bins(out, "These pairs as a table", bins, "same label",
			 "different labels");
	page_flush(context, out);
}

/* ---- matches ---- */

static void
put_matches(ReportText *out, PageContext *context, const LabeledItems *items,
			const Calibration *calibration)
{
	ThresholdRequest request = {context->gallery, items, calibration, THRESHOLD_POINTS, MATCH_BINS};
	const ThresholdCurve *result = threshold_curve(&request);

	if (result == NULL)
	{
		report_append_note(out, "No row with a label has a match at a distance.");
		return;
	}
	report_append_note(out,
					   psprintf("Matches of %s rows by %s of %d neighbor%s: %s of them right.",
								page_count(result->items),
								eval_matcher_name(result->matcher), result->k,
								result->k == 1 ? "" : "s",
								page_count(result->right)));
	if (result->curve.n < result->thresholds)
		report_append_note(out,
						   psprintf("The curves stand at %s of %s different distances; what is read off is exact at each.",
									page_count(result->curve.n),
									page_count(result->thresholds)));
	if (calibration != NULL)
		put_cutpoint_table(out, result, calibration);
	else
		report_append_note(out, "The gallery is not calibrated in this version: the cut point drawn has the best f1 of these rows.");
	report_append_figure(out, context->section, "curves");
	put_histogram(out, context->section, "matches", &result->matches);
	put_curve(out, context->section, &result->curve);
	put_cutpoints(out, context->section, calibration);
	put_bins(out, "The matches as a table", &result->matches, "right match",
			 "wrong match");
}

void
distances_section(ReportText *out, PageContext *context)
{
	const PageRows *rows = page_rows(context);
	LabeledItems items = {rows->n, rows->embeddings, rows->labels, rows->own};

	if (rows->gallery_rows == 0 || rows->labeled == 0)
	{
		report_append_note(out, rows->gallery_rows == 0 ?
						   "The gallery has no row with an embedding." :
						   "No row has a label.");
		return;
	}
	report_data_begin(out, context->section, "distance");
	report_json_string(out, context->gallery->distance->name);
	report_data_end(out);
	put_pairs(out, context, &items);
	put_matches(out, context, &items,
				gallery_calibration_or_null(context->gallery));
}
