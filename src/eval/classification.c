/*
 * classification.c
 *	  Matchers, and classification metrics over thresholds.
 */
#include "eval/classification.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

typedef struct Name
{
	const char *name;
	int			value;
} Name;

static const Name matcher_names[] = {
	{"match_nearest", EVAL_MATCH_NEAREST},
	{"match_majority_vote", EVAL_MATCH_MAJORITY_VOTE},
	{NULL, 0}
};

/* The first name of a value is its own, the others are aliases. */
static const Name metric_names[] = {
	{"precision", EVAL_PRECISION},
	{"recall", EVAL_RECALL},
	{"f1", EVAL_F1},
	{"f1score", EVAL_F1},
	{"f1_score", EVAL_F1},
	{"binary_accuracy", EVAL_BINARY_ACCURACY},
	{"npv", EVAL_NPV},
	{"negative_predictive_value", EVAL_NPV},
	{"negative_predicitve_value", EVAL_NPV},	/* as it is spelled upstream */
	{"fpr", EVAL_FPR},
	{"false_positive_rate", EVAL_FPR},
	{NULL, 0}
};

static bool
find_name(const Name *names, const char *name, int *value)
{
	for (; names->name != NULL; names++)
	{
		if (strcmp(names->name, name) == 0)
		{
			*value = names->value;
			return true;
		}
	}
	return false;
}

static const char *
name_of(const Name *names, int value)
{
	while (names->value != value)
		names++;
	return names->name;
}

bool
eval_matcher_by_name(const char *name, EvalMatcher *matcher, Status *status)
{
	int			value;

	if (!find_name(matcher_names, name, &value))
	{
		status_fail(status, STATUS_UNKNOWN_NAME, "unrecognized matcher \"%s\"",
					name);
		return status_hint(status,
						   "Valid values are match_nearest and match_majority_vote.");
	}
	*matcher = (EvalMatcher) value;
	return true;
}

const char *
eval_matcher_name(EvalMatcher matcher)
{
	return name_of(matcher_names, matcher);
}

bool
eval_metric_by_name(const char *name, EvalMetric *metric, Status *status)
{
	int			value;

	if (!find_name(metric_names, name, &value))
	{
		status_fail(status, STATUS_UNKNOWN_NAME,
					"unrecognized classification metric \"%s\"", name);
		return status_hint(status,
						   "Valid values are precision, recall, f1, binary_accuracy, npv and fpr.");
	}
	*metric = (EvalMetric) value;
	return true;
}

const char *
eval_metric_name(EvalMetric metric)
{
	return name_of(metric_names, metric);
}

bool
eval_metric_maximize(EvalMetric metric)
{
	return metric != EVAL_FPR;
}

bool
eval_metric_increasing(EvalMetric metric)
{
	return metric != EVAL_PRECISION;
}

/* ---- matchers ---- */

/* k is small: comparing every pair beats keeping a table of counts. */
static int
most_frequent(const int *labels, int n)
{
	int			best = EVAL_NO_LABEL;
	int			best_votes = 0;

	for (int i = 0; i < n; i++)
	{
		int			votes = 0;

		for (int j = 0; j < n; j++)
			votes += labels[j] == labels[i];
		if (votes > best_votes)
		{
			best = labels[i];
			best_votes = votes;
		}
	}
	return best;
}

static double
mean_of(const double *values, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += values[i];
	return sum / n;
}

EvalMatch
eval_match(EvalMatcher matcher, const int *labels, const double *distances,
		   int n)
{
	EvalMatch	match = {EVAL_NO_LABEL, INFINITY};

	if (n == 0)
		return match;
	match.label = labels[0];
	match.distance = distances[0];
	if (matcher == EVAL_MATCH_MAJORITY_VOTE)
	{
		match.label = most_frequent(labels, n);
		match.distance = mean_of(distances, n);
	}
	return match;
}

bool
eval_match_hits(EvalMatch match, int label)
{
	return label != EVAL_NO_LABEL && match.label == label;
}

bool
eval_accepts(double distance, double threshold)
{
	return threshold != EVAL_ACCEPT_NOTHING && distance <= threshold;
}

/* ---- counts ---- */

/* A query's match, to be sorted by its distance */
typedef struct Answer
{
	double		distance;
	bool		hit;
} Answer;

static int
compare_answers(const void *a, const void *b)
{
	double		x = ((const Answer *) a)->distance;
	double		y = ((const Answer *) b)->distance;

	return (x > y) - (x < y);
}

static bool
allocate_counts(EvalCounts *counts, size_t n, Arena *arena)
{
	counts->n = n;
	counts->tp = arena_new_array(arena, n, int64_t);
	counts->fp = arena_new_array(arena, n, int64_t);
	counts->tn = arena_new_array(arena, n, int64_t);
	counts->fn = arena_new_array(arena, n, int64_t);
	return counts->tp && counts->fp && counts->tn && counts->fn;
}

bool
eval_count(const double *distances, const bool *hits, size_t nqueries,
		   const double *thresholds, size_t n, Arena *arena,
		   EvalCounts *counts, Status *status)
{
	Answer	   *answers = arena_new_array(arena, nqueries, Answer);
	int64_t		all_hits = 0;
	int64_t		tp = 0;
	size_t		next = 0;

	if (answers == NULL || !allocate_counts(counts, n, arena))
		return status_out_of_memory(status, "while counting matches");
	for (size_t i = 0; i < nqueries; i++)
	{
		answers[i].distance = isnan(distances[i]) ? INFINITY : distances[i];
		answers[i].hit = hits[i];
		all_hits += hits[i];
	}

	/*
	 * Both are in ascending order, so that one walk does: answers before next
	 * are within the threshold, those after it beyond it and all later ones'.
	 */
	qsort(answers, nqueries, sizeof(Answer), compare_answers);
	counts->count = (int64_t) nqueries;
	for (size_t i = 0; i < n; i++)
	{
		while (next < nqueries &&
			   eval_accepts(answers[next].distance, thresholds[i]))
			tp += answers[next++].hit;
		counts->tp[i] = tp;
		counts->fp[i] = (int64_t) next - tp;
		counts->fn[i] = all_hits - tp;
		counts->tn[i] = (int64_t) (nqueries - next) - counts->fn[i];
	}
	return true;
}

/* ---- metrics ---- */

static double
ratio(double part, double whole)
{
	return whole == 0 ? 0 : part / whole;
}

static double
metric_at(EvalMetric metric, const EvalCounts *counts, size_t i)
{
	double		tp = counts->tp[i];
	double		fp = counts->fp[i];
	double		tn = counts->tn[i];
	double		fn = counts->fn[i];

	switch (metric)
	{
		case EVAL_PRECISION:
			/* nothing accepted yet: no answer was wrong */
			if (i == 0 && counts->n > 1 && tp + fp == 0)
				return 1;
			return ratio(tp, tp + fp);
		case EVAL_RECALL:
			return ratio(tp, tp + fn);
		case EVAL_F1:
			/* 2PR / (P + R) without the intermediate quotients */
			return ratio(2 * tp, 2 * tp + fp + fn);
		case EVAL_BINARY_ACCURACY:
			return ratio(tp, (double) counts->count);
		case EVAL_NPV:
			return ratio(tn, tn + fn);
		case EVAL_FPR:
			return ratio(fp, fp + tn);
	}
	return 0;
}

void
eval_metric_values(EvalMetric metric, const EvalCounts *counts, double *values)
{
	for (size_t i = 0; i < counts->n; i++)
		values[i] = metric_at(metric, counts, i);
}

/* ---- confusion ---- */

static int
compare_cells(const void *a, const void *b)
{
	const EvalCell *x = a;
	const EvalCell *y = b;

	if (x->label != y->label)
		return x->label < y->label ? -1 : 1;
	return (x->predicted > y->predicted) - (x->predicted < y->predicted);
}

bool
eval_confusion(const int *labels, const int *predicted, const double *distances,
			   size_t n, double threshold, Arena *arena,
			   EvalCell **cells, size_t *ncells, Status *status)
{
	EvalCell   *cell = arena_new_array(arena, n, EvalCell);
	size_t		kept = 0;

	if (cell == NULL)
		return status_out_of_memory(status, "for a confusion matrix");
	for (size_t i = 0; i < n; i++)
	{
		cell[i].label = labels[i];
		cell[i].predicted = eval_accepts(distances[i], threshold) ?
			predicted[i] : EVAL_NO_LABEL;
		cell[i].count = 1;
	}
	/* a cell for each query, of which equal ones become neighbors, then one */
	qsort(cell, n, sizeof(EvalCell), compare_cells);
	for (size_t i = 0; i < n; i++)
	{
		if (kept > 0 && compare_cells(&cell[kept - 1], &cell[i]) == 0)
			cell[kept - 1].count++;
		else
			cell[kept++] = cell[i];
	}
	*cells = cell;
	*ncells = kept;
	return true;
}

/* ---- groups ---- */

/*
 * A counting sort.  It goes through labels in their order, so that positions
 * stay in theirs, and needs nlabels + 2 starts: the counts of label c stand two
 * places on, where adding up makes them the start of c + 1.
 */
bool
eval_group(const int *labels, size_t n, int nlabels, Arena *arena,
		   size_t **order, size_t **starts, Status *status)
{
	size_t	   *next;

	*order = arena_new_array(arena, n, size_t);
	*starts = arena_new_array(arena, (size_t) nlabels + 2, size_t);
	if (*order == NULL || *starts == NULL)
		return status_out_of_memory(status, "for groups of labels");
	memset(*starts, 0, sizeof(size_t) * ((size_t) nlabels + 2));

	/* starts[c + 1] moves from the start of c to its end */
	next = *starts + 1;
	for (size_t i = 0; i < n; i++)
		next[labels[i] + 1]++;
	for (int c = 0; c < nlabels; c++)
		next[c + 1] += next[c];
	for (size_t i = 0; i < n; i++)
		(*order)[next[labels[i]]++] = i;
	return true;
}
