/*
 * threshold_curve.c
 *	  What each cut point would give: the curve of calibrate(), for pages.
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "eval/drift.h"
#include "evaluate/evaluate_pass.h"
#include "evaluate/exact_neighbors.h"
#include "evaluate/threshold_curve.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"

static void
add_curve_match(void *state, const Embedding *query, int label, const int *labels,
				const double *distances, int n)
{
	matches_add(state, label, labels, distances, n);
}

static Matches *
find_matches(const ThresholdRequest *request, const ThresholdCurve *result)
{
	const LabeledItems *items = request->items;
	Matches    *matches = matches_create(result->matcher, items->own);
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	CallProgress progress;
	Exact	   *exact;

	call_progress_begin(&progress, CALL_REPORT, request->gallery->relid, 0);
	exact = exact_create(request->gallery, matches_depth(matches, result->k),
						 labels, add_curve_match, matches, &progress);
	for (int i = 0; i < items->n; i++)
		if (items->labels[i] != NULL)
			exact_add(exact, labels_code(labels, items->labels[i]),
					  items->embeddings[i]);
	exact_run(exact);
	call_progress_end(&progress);
	return matches;
}

/*
 * Distances of matches, where the curve steps, and of cut points, into the
 * context of the result.
 */
static double *
choose_thresholds(const ThresholdRequest *request, const Matches *matches,
				  MemoryContext context, size_t *different, size_t *n)
{
	const Calibration *calibration = request->calibration;
	int			ncutpoints = calibration ? calibration->ncutpoints : 0;
	double	   *all = palloc_extended(sizeof(double) * Max(matches->n, 1),
									  MCXT_ALLOC_HUGE);
	double	   *thresholds;

	memcpy(all, matches->distances, sizeof(double) * matches->n);
	*different = eval_thresholds(all, matches->n, matches->n);
	*n = eval_choose(all, *different, request->points);
	thresholds = MemoryContextAlloc(context,
									sizeof(double) * (*n + ncutpoints + 1));
	memcpy(thresholds, all, sizeof(double) * *n);
	for (int i = 0; i < ncutpoints; i++)
		thresholds[*n + i] = calibration->cutpoints[i].distance;
	*n = eval_thresholds(thresholds, *n + ncutpoints, *n + ncutpoints);
	return thresholds;
}

static void
count_matches(const ThresholdRequest *request, const Matches *matches,
			  ThresholdCurve *result, Arena *arena)
{
	double		least = INFINITY;
	double		greatest = -INFINITY;
	Status		status;

	for (int64 i = 0; i < matches->n; i++)
	{
		if (!isfinite(matches->distances[i]))
			continue;
		least = Min(least, matches->distances[i]);
		greatest = Max(greatest, matches->distances[i]);
	}
	if (!eval_histogram_create(&result->matches, least, greatest, request->bins,
							   arena, &status))
		raise_status(&status);
	for (int64 i = 0; i < matches->n; i++)
		eval_histogram_add(&result->matches,
						   matches->hits[i] ? EVAL_PAIR_SAME :
						   EVAL_PAIR_DIFFERENT, matches->distances[i]);
}

/* What counting takes for each match, and its distance once more */
#define MATCH_BYTES (3 * sizeof(double))

static bool
draw_curve(const ThresholdRequest *request, const Matches *matches,
		   ThresholdCurve *result, MemoryContext context)
{
	Arena	   *arena = memory_arena(context, ARENA_NO_BUDGET);
	double	   *thresholds;
	size_t		n;
	Status		status;

	budget_require(BUDGET_MAINTENANCE, matches->n * MATCH_BYTES,
				   "the matches of the items", "use fewer items");
	thresholds = choose_thresholds(request, matches, context,
								   &result->thresholds, &n);
	if (result->thresholds == 0)
		return false;
	if (!eval_curve(matches->distances, matches->hits, matches->n, thresholds,
					n, arena, &result->curve, &status))
		raise_status(&status);
	count_matches(request, matches, result, arena);
	return true;
}

ThresholdCurve *
threshold_curve(const ThresholdRequest *request)
{
	const Calibration *calibration = request->calibration;
	ThresholdCurve *result = palloc0(sizeof(ThresholdCurve));
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "threshold curve",
												  ALLOCSET_DEFAULT_SIZES);
	Matches    *matches;
	bool		any;

	result->matcher = calibration ? calibration->matcher : EVAL_MATCH_NEAREST;
	result->k = calibration ? calibration->k : 1;
	MemoryContextSwitchTo(context);
	matches = find_matches(request, result);
	any = draw_curve(request, matches, result, caller);
	result->items = matches->n;
	for (int64 i = 0; i < matches->n; i++)
		result->right += matches->hits[i];
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return any ? result : NULL;
}
