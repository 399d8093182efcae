/*
 * calibration.c
 *	  Thresholds, the curve over them and cut points on it.
 */
#include "eval/calibration.h"

#include <math.h>

#include "eval/drift.h"

size_t
eval_thresholds(double *distances, size_t n, size_t most)
{
	size_t		finite = 0;
	size_t		kept = 0;

	for (size_t i = 0; i < n; i++)
		if (isfinite(distances[i]))
			distances[finite++] = distances[i];
	eval_sort(distances, finite);
	for (size_t i = 0; i < finite; i++)
		if (kept == 0 || distances[i] != distances[kept - 1])
			distances[kept++] = distances[i];
	return eval_choose(distances, kept, most);
}

bool
eval_curve(const double *distances, const bool *hits, size_t nqueries,
		   const double *thresholds, size_t n, Arena *arena,
		   EvalCurve *curve, Status *status)
{
	if (n == 0)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "no neighbor has a finite distance to calibrate with");
	if (!eval_count(distances, hits, nqueries, thresholds, n, arena,
					&curve->counts, status))
		return false;
	curve->n = n;
	curve->distance = thresholds;
	for (int m = 0; m < EVAL_METRICS; m++)
	{
		curve->metric[m] = arena_new_array(arena, n, double);
		if (curve->metric[m] == NULL)
			return status_out_of_memory(status, "for a calibration curve");
		eval_metric_values((EvalMetric) m, &curve->counts, curve->metric[m]);
	}
	return true;
}

bool
eval_optimal(const EvalCurve *curve, EvalMetric metric, size_t *index)
{
	const double *values = curve->metric[metric];
	double		sign = eval_metric_maximize(metric) ? 1 : -1;
	bool		found = false;

	for (size_t i = 0; i < curve->n; i++)
	{
		if (curve->counts.tp[i] > 0 &&
			(!found || sign * values[i] >= sign * values[*index]))
		{
			*index = i;
			found = true;
		}
	}
	return found;
}

bool
eval_target(const EvalCurve *curve, EvalMetric metric, double target,
			size_t *index)
{
	const double *values = curve->metric[metric];
	double		sign = eval_metric_maximize(metric) ? 1 : -1;
	bool		first = eval_metric_maximize(metric) &&
	eval_metric_increasing(metric);
	bool		found = false;

	for (size_t i = 0; i < curve->n && !(found && first); i++)
	{
		if (curve->counts.tp[i] > 0 && sign * values[i] >= sign * target)
		{
			*index = i;
			found = true;
		}
	}
	return found;
}
