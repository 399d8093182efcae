/*
 * retrieval.c
 *	  Retrieval metrics, summed query by query.
 */
#include "eval/retrieval.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static const struct
{
	const char *prefix;
	EvalRetrievalKind kind;
}			kinds[] = {
	{"recall@", EVAL_RECALL_AT},
	{"precision@", EVAL_PRECISION_AT},
	{"map@", EVAL_MAP_AT},
	{"ndcg@", EVAL_NDCG_AT},
	{"mrr@", EVAL_MRR_AT},
};

static bool
parse_k(const char *digits, EvalRetrievalMetric *metric)
{
	char	   *end;
	long		k;

	if (metric->kind == EVAL_MAP_AT && strcmp(digits, "r") == 0)
	{
		metric->k = EVAL_AT_R;
		return true;
	}
	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	k = strtol(digits, &end, 10);
	if (*end != '\0' || errno != 0 || k < 1 || k > EVAL_MAX_K)
		return false;
	metric->k = (int) k;
	return true;
}

bool
eval_retrieval_by_name(const char *name, EvalRetrievalMetric *metric,
					   Status *status)
{
	if (strcmp(name, "r_precision") == 0)
	{
		metric->kind = EVAL_PRECISION_AT;
		metric->k = EVAL_AT_R;
		return true;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		size_t		length = strlen(kinds[i].prefix);

		metric->kind = kinds[i].kind;
		if (strncmp(name, kinds[i].prefix, length) == 0 &&
			parse_k(name + length, metric))
			return true;
	}
	status_fail(status, STATUS_UNKNOWN_NAME, "unrecognized retrieval metric \"%s\"",
				name);
	return status_hint(status,
					   "Valid values are recall@k, precision@k, map@k, ndcg@k and mrr@k "
					   "with k from 1 to %d, map@r and r_precision.",
					   EVAL_MAX_K);
}

bool
eval_retrieval_needs_r(const EvalRetrievalMetric *metric)
{
	return metric->kind == EVAL_MAP_AT || metric->k == EVAL_AT_R;
}

int64_t
eval_retrieval_metric_depth(const EvalRetrievalMetric *metric,
							bool drop_closest, int64_t r)
{
	/* R does not count a dropped neighbor */
	if (metric->k == EVAL_AT_R)
		return drop_closest ? r - 1 : r;
	return metric->k;
}

int64_t
eval_retrieval_depth(const EvalRetrievalMetric *metrics, int n,
					 bool drop_closest, int64_t max_r)
{
	/* one search serves all metrics: the deepest of them decides */
	int64_t		depth = 1;

	for (int i = 0; i < n; i++)
	{
		int64_t		k = eval_retrieval_metric_depth(&metrics[i], drop_closest,
													max_r);

		if (k > depth)
			depth = k;
	}
	return drop_closest ? depth + 1 : depth;
}

/* ---- one query ---- */

/* rel: n neighbors relevant or not; missing ones are irrelevant */
typedef struct Ranking
{
	const bool *rel;			/* of the nearest first; without a dropped one */
	int64_t		n;
	int64_t		r;				/* R, less 1 if one was dropped */
} Ranking;

/* sum rel_j, j <= k */
static int64_t
relevant(const Ranking *ranking, int64_t k)
{
	int64_t		sum = 0;

	for (int64_t j = 0; j < k && j < ranking->n; j++)
		sum += ranking->rel[j];
	return sum;
}

/* sum rel_j precision@j */
static double
precision_sum(const Ranking *ranking, int64_t k)
{
	double		sum = 0;
	int64_t		seen = 0;

	for (int64_t j = 0; j < k && j < ranking->n; j++)
	{
		seen += ranking->rel[j];
		if (ranking->rel[j])
			sum += (double) seen / (double) (j + 1);
	}
	return sum;
}

/*
 * The ideal order has the relevant ones among these neighbors first, not all R of
 * the gallery: what was not retrieved lowers recall, and not this.
 */
static double
ndcg(const Ranking *ranking, int64_t k)
{
	double		dcg = 0;
	double		ideal = 0;
	int64_t		seen = 0;

	for (int64_t j = 0; j < k && j < ranking->n; j++)
	{
		if (ranking->rel[j])
		{
			dcg += 1 / log2((double) (j + 2));
			ideal += 1 / log2((double) (seen + 2));
			seen++;
		}
	}
	return seen == 0 ? 0 : dcg / ideal;
}

static double
reciprocal_rank(const Ranking *ranking, int64_t k)
{
	for (int64_t j = 0; j < k && j < ranking->n; j++)
		if (ranking->rel[j])
			return 1 / (double) (j + 1);
	return 0;
}

static double
metric_of(const EvalRetrievalMetric *metric, const Ranking *ranking)
{
	int64_t		k = metric->k == EVAL_AT_R ? ranking->r : metric->k;

	switch (metric->kind)
	{
		case EVAL_RECALL_AT:
			/* one is enough: not the share of R, as elsewhere in retrieval */
			return relevant(ranking, k) > 0;
		case EVAL_PRECISION_AT:
			return k <= 0 ? 0 : (double) relevant(ranking, k) / (double) k;
		case EVAL_MAP_AT:
			return ranking->r <= 0 ? 0 :
				precision_sum(ranking, k) / (double) ranking->r;
		case EVAL_NDCG_AT:
			return ndcg(ranking, k);
		case EVAL_MRR_AT:
			return reciprocal_rank(ranking, k);
	}
	return 0;
}

/* ---- sums ---- */

/*
 * Kept by class even when only their mean is asked for: the mean of the queries
 * is that of all sums, that of the classes weighs each class as one query.
 */
typedef struct ClassSum
{
	int64_t		queries;
	double	   *metric;			/* one sum for each metric */
} ClassSum;

struct EvalRetrieval
{
	Arena	   *arena;
	const EvalRetrievalMetric *metrics;
	int			n;
	EvalRetrievalOptions options;
	bool	   *rel;			/* of the query that is being added */
	int			rel_size;
	ClassSum  **classes;		/* by label code; NULL: no query of it */
	int			nclasses;
};

EvalRetrieval *
eval_retrieval_create(Arena *arena, const EvalRetrievalMetric *metrics, int n,
					  EvalRetrievalOptions options, Status *status)
{
	EvalRetrieval *sums = arena_new(arena, EvalRetrieval);

	if (sums == NULL)
	{
		status_out_of_memory(status, "for retrieval metrics");
		return NULL;
	}
	sums->arena = arena;
	sums->metrics = metrics;
	sums->n = n;
	sums->options = options;
	return sums;
}

/* At least double, so that what is left behind stays within the size. */
static bool
reserve_classes(EvalRetrieval *sums, int label)
{
	int			size = label < 32 ? 64 : 2 * (label + 1);
	ClassSum  **classes;

	if (label < sums->nclasses)
		return true;
	classes = arena_new_array(sums->arena, size, ClassSum *);
	if (classes == NULL)
		return false;
	memset(classes, 0, size * sizeof(ClassSum *));
	if (sums->nclasses > 0)
		memcpy(classes, sums->classes, sums->nclasses * sizeof(ClassSum *));
	sums->classes = classes;
	sums->nclasses = size;
	return true;
}

static ClassSum *
class_sum(EvalRetrieval *sums, int label)
{
	ClassSum   *sum;

	if (!reserve_classes(sums, label))
		return NULL;
	sum = sums->classes[label];
	if (sum == NULL)
	{
		sum = arena_new(sums->arena, ClassSum);
		if (sum == NULL)
			return NULL;
		sum->metric = arena_new_array(sums->arena, sums->n, double);
		if (sum->metric == NULL)
			return NULL;
		memset(sum->metric, 0, sums->n * sizeof(double));
		sums->classes[label] = sum;
	}
	return sum;
}

static bool
reserve_rel(EvalRetrieval *sums, int n)
{
	if (n <= sums->rel_size)
		return true;
	sums->rel = arena_new_array(sums->arena, 2 * (size_t) n, bool);
	sums->rel_size = sums->rel == NULL ? 0 : 2 * n;
	return sums->rel != NULL;
}

/* NaN is beyond every threshold, but not where there is none. */
static bool
is_near(const EvalRetrieval *sums, double distance)
{
	return sums->options.threshold == INFINITY ||
		distance <= sums->options.threshold;
}

bool
eval_retrieval_add(EvalRetrieval *sums, int label, int64_t r, const int *labels,
				   const double *distances, int n, Status *status)
{
	int			first = sums->options.drop_closest ? 1 : 0;
	ClassSum   *sum = class_sum(sums, label);
	Ranking		ranking;

	if (sum == NULL || !reserve_rel(sums, n))
		return status_out_of_memory(status, "for retrieval metrics");
	for (int j = first; j < n; j++)
		sums->rel[j - first] = labels[j] == label &&
			is_near(sums, distances[j]);
	ranking.rel = sums->rel;
	ranking.n = n > first ? n - first : 0;
	ranking.r = r - first;
	for (int i = 0; i < sums->n; i++)
		sum->metric[i] += metric_of(&sums->metrics[i], &ranking);
	sum->queries++;
	return true;
}

double
eval_retrieval_value(const EvalRetrieval *sums, int metric)
{
	double		total = 0;
	double		weight = 0;

	for (int i = 0; i < sums->nclasses; i++)
	{
		const ClassSum *sum = sums->classes[i];

		if (sum == NULL)
			continue;
		total += sums->options.macro ?
			sum->metric[metric] / (double) sum->queries :
			sum->metric[metric];
		weight += sums->options.macro ? 1 : (double) sum->queries;
	}
	return weight == 0 ? 0 : total / weight;
}

static const ClassSum *
known_class(const EvalRetrieval *sums, int label)
{
	return label >= 0 && label < sums->nclasses ? sums->classes[label] : NULL;
}

double
eval_retrieval_class_value(const EvalRetrieval *sums, int metric, int label)
{
	const ClassSum *sum = known_class(sums, label);

	return sum == NULL ? 0 : sum->metric[metric] / (double) sum->queries;
}

int64_t
eval_retrieval_class_queries(const EvalRetrieval *sums, int label)
{
	const ClassSum *sum = known_class(sums, label);

	return sum == NULL ? 0 : sum->queries;
}
