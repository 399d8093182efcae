/*
 * label_audit.c
 *	  Which labels do the neighbors contradict?
 */
#include "eval/label_audit.h"

#include <math.h>

#include "base/interrupt.h"
#include "eval/classification.h"

/*
 * What trust and rate are after more rounds is what they are after these.  In
 * the first of them a label is believed as far as its votes go beside those of
 * the suggestion: if all were believed at first, wrong labels that are
 * neighbors would go on believing each other.
 */
#define ROUNDS 5
#define SKEPTICAL_ROUNDS 2
#define RATE_ROUNDS 3

/* At first, and within these bounds: no rate makes every label right or wrong. */
#define FIRST_RATE 0.1
#define LEAST_RATE 1e-4
#define GREATEST_RATE 0.5

typedef struct Audit
{
	const int  *labels;
	int			nlabels;
	const EvalNeighbors *neighbors;
	double	   *sums;			/* nlabels, 0 between uses */
	EvalVerdict *verdicts;
	float	   *trust;			/* in each row's label */
	float	   *given;			/* votes for the row's own label */
	float	   *most;			/* votes for the suggestion */
	float	   *all;			/* votes */
	float	   *prior;			/* q(y) */
	double	   *agreement;		/* q(c) of rows with suggestion c; nlabels */
	uint32_t   *order;			/* rows by suggestion */
	size_t	   *starts;			/* of each suggestion in order; nlabels + 1 */
} Audit;

/* ---- votes ---- */

typedef struct Votes
{
	int			first;			/* label with most of them */
	double		most;
	double		second;			/* most of another label */
	double		all;
} Votes;

/*
 * Votes of a row's neighbors into sums; trust NULL: all labels are believed.
 * Of labels with as many votes the one seen first, nearest, wins.
 */
static Votes
add_votes(const int *labels, const EvalNeighbors *neighbors, size_t row,
		  const float *trust, double *sums)
{
	size_t		start = row * (size_t) neighbors->k;
	const uint32_t *others = neighbors->row + start;
	const float *distances = neighbors->distance + start;
	int			n = neighbors->count[row];
	Votes		votes = {EVAL_NO_LABEL};

	for (int i = 0; i < n; i++)
	{
		double		vote = (1 + eval_nearness(neighbors, row, distances[i])) / 2;

		vote *= trust ? trust[others[i]] : 1;
		sums[labels[others[i]]] += vote;
		votes.all += vote;
	}
	for (int i = 0; i < n; i++)
	{
		int			label = labels[others[i]];

		if (label == votes.first)
			continue;
		if (votes.first == EVAL_NO_LABEL || sums[label] > votes.most)
		{
			votes.second = votes.most;
			votes.most = sums[label];
			votes.first = label;
		}
		else if (sums[label] > votes.second)
			votes.second = sums[label];
	}
	return votes;
}

static void
clear_votes(const int *labels, const EvalNeighbors *neighbors, size_t row,
			double *sums)
{
	const uint32_t *others = neighbors->row + row * (size_t) neighbors->k;

	for (int i = 0; i < neighbors->count[row]; i++)
		sums[labels[others[i]]] = 0;
}

/* ---- a round ---- */

static bool
is_judged(const Audit *audit, size_t row)
{
	return audit->labels[row] != EVAL_NO_LABEL &&
		audit->neighbors->count[row] > 0;
}

static void
count_votes(Audit *audit)
{
	for (size_t i = 0; i < audit->neighbors->n; i++)
	{
		Votes		votes;

		if (interrupt_pending_at(i))
			return;
		if (!is_judged(audit, i))
			continue;
		votes = add_votes(audit->labels, audit->neighbors, i, audit->trust,
						  audit->sums);
		audit->given[i] = (float) audit->sums[audit->labels[i]];
		audit->most[i] = (float) votes.most;
		audit->all[i] = (float) votes.all;
		audit->verdicts[i].suggested = votes.first;
		/* its own, if no other has more */
		if (audit->given[i] >= audit->most[i])
			audit->verdicts[i].suggested = audit->labels[i];
		clear_votes(audit->labels, audit->neighbors, i, audit->sums);
		audit->sums[audit->labels[i]] = 0;
	}
}

/* Rows by suggestion: a counting sort */
static void
order_rows(Audit *audit)
{
	size_t		n = audit->neighbors->n;
	size_t	   *starts = audit->starts;

	for (int c = 0; c <= audit->nlabels; c++)
		starts[c] = 0;
	for (size_t i = 0; i < n; i++)
		if (is_judged(audit, i))
			starts[audit->verdicts[i].suggested + 1]++;
	for (int c = 0; c < audit->nlabels; c++)
		starts[c + 1] += starts[c];
	/* each start moves to its end, */
	for (size_t i = 0; i < n; i++)
		if (is_judged(audit, i))
			audit->order[starts[audit->verdicts[i].suggested]++] = (uint32_t) i;
	/* which is the start of the next */
	for (int c = audit->nlabels; c > 0; c--)
		starts[c] = starts[c - 1];
	starts[0] = 0;
}

/*
 * How often the other rows of a suggestion have a row's label, with one vote
 * shared by all labels.  (Among a few rows one's own label would not be rare.)
 */
static void
set_priors(Audit *audit)
{
	double		share = 1.0 / audit->nlabels;

	for (int c = 0; c < audit->nlabels; c++)
	{
		const uint32_t *rows = audit->order + audit->starts[c];
		size_t		n = audit->starts[c + 1] - audit->starts[c];
		double		all = 0;

		if (interrupt_pending())
			return;
		for (size_t i = 0; i < n; i++)
		{
			audit->sums[audit->labels[rows[i]]] += audit->trust[rows[i]];
			all += audit->trust[rows[i]];
		}
		for (size_t i = 0; i < n; i++)
		{
			double		own = audit->trust[rows[i]];
			double		others = audit->sums[audit->labels[rows[i]]] - own;

			audit->prior[rows[i]] = (float)
				((fmax(others, 0) + share) / (fmax(all - own, 0) + 1));
		}
		audit->agreement[c] = (audit->sums[c] + share) / (all + 1);
		for (size_t i = 0; i < n; i++)
			audit->sums[audit->labels[rows[i]]] = 0;
	}
}

/* Trust in each label at a rate; returns the mean mistrust. */
static double
set_trust(Audit *audit, double rate)
{
	double		mistrust = 0;
	size_t		judged = 0;

	for (size_t i = 0; i < audit->neighbors->n; i++)
	{
		double		p;
		double		right;
		double		wrong;

		if (!is_judged(audit, i))
			continue;
		p = (audit->given[i] + audit->prior[i]) / (audit->all[i] + 1);
		right = (1 - rate) * p;
		wrong = rate / (audit->nlabels - 1) * (1 - p);
		audit->trust[i] = (float) (right / (right + wrong));
		mistrust += 1 - audit->trust[i];
		judged++;
	}
	return judged == 0 ? 0 : mistrust / (double) judged;
}

/* The votes for each label beside those for the suggestion */
static void
set_skeptical_trust(Audit *audit)
{
	for (size_t i = 0; i < audit->neighbors->n; i++)
	{
		double		best;
		double		ratio;

		if (!is_judged(audit, i))
			continue;
		best = audit->most[i] + audit->agreement[audit->verdicts[i].suggested];
		ratio = (audit->given[i] + audit->prior[i]) / best;
		audit->trust[i] = (float) (ratio < 1 ? ratio : 1);
	}
}

static double
clamp_rate(double rate)
{
	return rate < LEAST_RATE ? LEAST_RATE :
		rate > GREATEST_RATE ? GREATEST_RATE : rate;
}

static double
run_rounds(Audit *audit)
{
	double		rate = FIRST_RATE;

	for (int round = 0; round < ROUNDS; round++)
	{
		count_votes(audit);
		if (interrupt_pending())
			return rate;
		order_rows(audit);
		set_priors(audit);
		for (int i = 0; i < RATE_ROUNDS; i++)
			rate = clamp_rate(set_trust(audit, rate));
		if (round < SKEPTICAL_ROUNDS)
			set_skeptical_trust(audit);
	}
	return set_trust(audit, rate);
}

/* ---- how many neighbors ---- */

#define FEWEST_VOTERS 5

/*
 * A logarithm of a likelihood that is so much nearer to 0.  More votes are
 * surer of a wrong label, so fewer have to be better than as good.
 */
#define CLEARLY_BETTER 0.98

/* Log likelihood of labels by votes of others, all of them believed */
static double
likelihood(const int *labels, int nlabels, const EvalNeighbors *neighbors,
		   double *sums)
{
	double		wrong = FIRST_RATE / (nlabels - 1);
	double		sum = 0;

	for (size_t i = 0; i < neighbors->n; i++)
	{
		Votes		votes;
		double		p;

		if (interrupt_pending_at(i))
			return 0;
		if (labels[i] == EVAL_NO_LABEL || neighbors->count[i] == 0)
			continue;
		votes = add_votes(labels, neighbors, i, NULL, sums);
		p = (sums[labels[i]] + 1.0 / nlabels) / (votes.all + 1);
		sum += log((1 - FIRST_RATE) * p + wrong * (1 - p));
		clear_votes(labels, neighbors, i, sums);
	}
	return sum;
}

bool
eval_audit_voters(const int *labels, int nlabels,
				  const EvalNeighbors *neighbors, Arena *arena,
				  EvalNeighbors *voters, Status *status)
{
	double	   *sums = arena_alloc_zero(arena, sizeof(double) *
										((size_t) nlabels + 1));
	int			k = neighbors->k;
	double		best = -INFINITY;

	*voters = *neighbors;
	voters->count = arena_alloc_array(arena, neighbors->n, sizeof(int));
	if (sums == NULL || voters->count == NULL)
		return status_out_of_memory(status, "for an audit of labels");
	for (int few = k; nlabels > 1 && (few == k || few >= FEWEST_VOTERS); few /= 2)
	{
		double		found;

		eval_neighbors_first(neighbors, few, voters);
		found = likelihood(labels, nlabels, voters, sums);
		if (found > CLEARLY_BETTER * best)
		{
			best = found;
			k = few;
		}
	}
	eval_neighbors_first(neighbors, k, voters);
	return true;
}

/* ---- the audit ---- */

static bool
allocate_audit(Audit *audit, Arena *arena, Status *status)
{
	size_t		n = audit->neighbors->n;

	audit->sums = arena_alloc_zero(arena, sizeof(double) *
								   ((size_t) audit->nlabels + 1));
	audit->starts = arena_alloc_array(arena, (size_t) audit->nlabels + 1,
									  sizeof(size_t));
	audit->agreement = arena_alloc_array(arena, (size_t) audit->nlabels + 1,
										 sizeof(double));
	audit->verdicts = arena_alloc_array(arena, n, sizeof(EvalVerdict));
	audit->trust = arena_alloc_array(arena, n, sizeof(float));
	audit->given = arena_alloc_array(arena, n, sizeof(float));
	audit->most = arena_alloc_array(arena, n, sizeof(float));
	audit->all = arena_alloc_array(arena, n, sizeof(float));
	audit->prior = arena_alloc_array(arena, n, sizeof(float));
	audit->order = arena_alloc_array(arena, n, sizeof(uint32_t));
	if (audit->sums == NULL || audit->starts == NULL ||
		audit->verdicts == NULL || audit->trust == NULL ||
		audit->given == NULL || audit->most == NULL || audit->all == NULL ||
		audit->prior == NULL || audit->agreement == NULL ||
		audit->order == NULL)
		return status_out_of_memory(status, "for an audit of labels");
	return true;
}

bool
eval_audit(const int *labels, int nlabels, const EvalNeighbors *neighbors,
		   Arena *arena, EvalVerdict **verdicts, double *rate, Status *status)
{
	Audit		audit = {labels, nlabels, neighbors};
	size_t		n = neighbors->n;

	if (!allocate_audit(&audit, arena, status))
		return false;
	for (size_t i = 0; i < n; i++)
	{
		audit.trust[i] = 1;
		audit.verdicts[i].suggested = labels[i];
		if (neighbors->count[i] == 0)
			audit.verdicts[i].suggested = EVAL_NO_LABEL;
	}
	/* a label that is the only one has no other to be */
	*rate = nlabels < 2 ? 0 : run_rounds(&audit);
	for (size_t i = 0; i < n; i++)
		audit.verdicts[i].sure = 1 - audit.trust[i];
	*verdicts = audit.verdicts;
	return true;
}

bool
eval_opinions(const int *labels, int nlabels, const EvalNeighbors *neighbors,
			  Arena *arena, EvalOpinion **opinions, Status *status)
{
	size_t		n = neighbors->n;
	EvalOpinion *out = arena_alloc_array(arena, n, sizeof(EvalOpinion));
	double	   *sums = arena_alloc_zero(arena, sizeof(double) *
										((size_t) nlabels + 1));

	if (out == NULL || sums == NULL)
		return status_out_of_memory(status, "for what neighbors say");
	for (size_t i = 0; i < n && !interrupt_pending_at(i); i++)
	{
		Votes		votes = add_votes(labels, neighbors, i, NULL, sums);

		/* one vote more, for none of them */
		out[i].suggested = votes.first;
		out[i].share = (float) (votes.most / (votes.all + 1));
		out[i].margin = (float) ((votes.most - votes.second) / (votes.all + 1));
		clear_votes(labels, neighbors, i, sums);
	}
	*opinions = out;
	return true;
}
