/*
 * distance_histogram.c
 *	  How far apart rows of one label are, and rows of different labels.
 *
 * All pairs of two samples are computed twice: bins need the bounds, and the
 * distances of millions of pairs would take more memory than time.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/random.h"
#include "evaluate/distance_histogram.h"
#include "evaluate/gallery_sample.h"
#include "gallery/embedded_query.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/labels.h"

typedef struct Labeled
{
	Embedding  *value;
	int			label;
} Labeled;

/* A sample of rows with a label, by a reservoir */
typedef struct LabeledSample
{
	int			n;
	int			most;
	int64		seen;
	Labeled    *row;
	Random		random;
} LabeledSample;

typedef struct Pairs
{
	const Gallery *gallery;
	Labels	   *labels;
	LabeledSample items;
	LabeledSample rows;
	bool		among;			/* the items are the rows */
} Pairs;

/* ---- samples ---- */

/* Half of the budget is for each of the two samples. */
static int
affordable(int most, Size size)
{
	Size		half = budget_bytes(BUDGET_MAINTENANCE) / 2;

	size += sizeof(Labeled) + 64;
	return (int) Max(Min((Size) most, half / size), 2);
}

static Embedding *
keep_value(const Pairs *pairs, const Embedding *value)
{
	Embedding  *copy = palloc(VARSIZE(value));

	memcpy(copy, value, VARSIZE(value));
	return pairs->gallery->distance->of_bits ?
		embedding_convert(copy, ELEMENT_BIT) : copy;
}

static void
sample_take(const Pairs *pairs, LabeledSample *sample, const Embedding *value,
			int label)
{
	uint64		place;

	if (sample->seen == 0)
	{
		sample->most = affordable(sample->most, VARSIZE(value));
		sample->row = palloc(sizeof(Labeled) * sample->most);
	}
	else
		embedding_check_pair(sample->row[0].value, value);
	place = random_reservoir(&sample->random, sample->seen++, sample->most);
	if (place == sample->most)
		return;
	if (place < sample->n)
		pfree(sample->row[place].value);
	else
		sample->n++;
	sample->row[place].value = keep_value(pairs, value);
	sample->row[place].label = label;
}

static void
take_items(Pairs *pairs, LabeledSample *sample, const LabeledItems *items,
		   int most, int64 seed)
{
	sample->most = most;
	random_init(&sample->random, (uint64) seed, 0);
	for (int i = 0; i < items->n; i++)
	{
		int			label = labels_code(pairs->labels, items->labels[i]);

		if (label != NO_LABEL)
			sample_take(pairs, sample, items->embeddings[i], label);
	}
}

static void
read_sample(Pairs *pairs, LabeledSample *sample, const char *query, int most,
			int64 seed)
{
	LabeledRows *source = query_open(pairs->gallery, query, QUERY_REPORT,
									 CALL_EVALUATION);
	const LabeledBatch *batch;

	sample->most = most;
	random_init(&sample->random, (uint64) seed, 0);
	while ((batch = query_next(source))->n > 0)
	{
		for (int i = 0; i < batch->n; i++)
		{
			int			label = labels_code(pairs->labels, batch->labels[i]);

			if (label != NO_LABEL)
				sample_take(pairs, sample, batch->embeddings[i], label);
		}
	}
	if (source->rows == 0 && sample == &pairs->items)
		user_query_raise_empty(source->query, "");
	query_close(source);
}

/* ---- pairs ---- */

typedef void (*PairFunction) (void *state, EvalPair pair, double distance);

/*
 * Among the rows themselves a pair counts once, but twice if its distance
 * depends on which of the two is the query.
 */
static void
for_each_pair(const Pairs *pairs, PairFunction function, void *state)
{
	const EmbeddingMetric *metric = pairs->gallery->distance;
	bool		both = !pairs->among || metric->query_first;

	for (int i = 0; i < pairs->items.n; i++)
	{
		const Labeled *item = &pairs->items.row[i];

		CHECK_FOR_INTERRUPTS();
		for (int j = both ? 0 : i + 1; j < pairs->rows.n; j++)
		{
			const Labeled *row = &pairs->rows.row[j];

			if (pairs->among && i == j)
				continue;
			function(state,
					 item->label == row->label ? EVAL_PAIR_SAME :
					 EVAL_PAIR_DIFFERENT,
					 metric->distance(item->value, row->value));
		}
	}
}

typedef struct Bounds
{
	double		least;
	double		greatest;
} Bounds;

static void
widen(void *state, EvalPair pair, double distance)
{
	Bounds	   *bounds = state;

	if (!isfinite(distance))
		return;
	bounds->least = Min(bounds->least, distance);
	bounds->greatest = Max(bounds->greatest, distance);
}

static void
count_distance(void *state, EvalPair pair, double distance)
{
	eval_histogram_add(state, pair, distance);
}

static bool
count_pairs(const Pairs *pairs, EvalHistogram *histogram, int bins)
{
	Bounds		bounds = {INFINITY, -INFINITY};
	Status		status;

	if (pairs->items.n > 0 && pairs->rows.n > 0)
		embedding_check_pair(pairs->items.row[0].value,
							 pairs->rows.row[0].value);
	for_each_pair(pairs, widen, &bounds);
	if (bounds.least > bounds.greatest)
		return false;
	if (!eval_histogram_create(histogram, bounds.least, bounds.greatest, bins,
							   memory_arena(CurrentMemoryContext,
											ARENA_NO_BUDGET), &status))
		raise_status(&status);
	for_each_pair(pairs, count_distance, histogram);
	return true;
}

/* What both are asked for: items, or a query, or neither */
typedef struct Asked
{
	const LabeledItems *items;
	const char *query;
	int			most;
	int64		seed;
} Asked;

static void
read_pairs(Pairs *pairs, const Asked *asked)
{
	const Gallery *gallery = pairs->gallery;

	pairs->labels = labels_create(BUDGET_MAINTENANCE);
	pairs->among = asked->items != NULL ? asked->items->own :
		asked->query == NULL;
	if (asked->items != NULL)
		take_items(pairs, &pairs->items, asked->items, asked->most,
				   asked->seed);
	else if (asked->query != NULL)
		read_sample(pairs, &pairs->items, asked->query, asked->most,
					asked->seed);
	if (asked->items == NULL || !pairs->among)
		read_sample(pairs, &pairs->rows,
					gallery_sample_query(gallery, asked->most, asked->seed),
					asked->most, asked->seed);
	if (asked->items != NULL && pairs->among)
		pairs->rows = pairs->items;
	else if (pairs->among)
		pairs->items = pairs->rows;
}

static DistanceHistogram *
make_histogram(const Gallery *gallery, const Asked *asked, int bins)
{
	DistanceHistogram *result = palloc0(sizeof(DistanceHistogram));
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "distances of pairs",
												  ALLOCSET_DEFAULT_SIZES);
	Pairs		pairs = {gallery, NULL};
	bool		any;

	MemoryContextSwitchTo(context);
	result->all_rows = gallery_labeled_rows(gallery);
	read_pairs(&pairs, asked);
	MemoryContextSwitchTo(caller);
	result->items = pairs.items.n;
	result->all_items = pairs.among ? result->all_rows : pairs.items.seen;
	result->rows = pairs.rows.n;
	any = count_pairs(&pairs, &result->bins, bins);
	MemoryContextDelete(context);
	return any ? result : NULL;
}

DistanceHistogram *
distance_histogram(const Gallery *gallery, const char *query, int most,
				   int64 seed, int bins)
{
	Asked		asked = {NULL, query, most, seed};

	return make_histogram(gallery, &asked, bins);
}

DistanceHistogram *
distance_histogram_of(const Gallery *gallery, const LabeledItems *items,
					  int most, int64 seed, int bins)
{
	Asked		asked = {items, NULL, most, seed};

	return make_histogram(gallery, &asked, bins);
}
