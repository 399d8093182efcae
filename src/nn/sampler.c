/*
 * sampler.c
 *	  Which rows make a batch.
 *
 * Class-balanced batches are drawn as TensorFlow Similarity's
 * MultiShotMemorySampler does: classes without replacement, rows of a class
 * without replacement, or with replacement when it has too few.  Categories of
 * classes are those of Open Metric Learning's CategoryBalanceSampler.
 *
 * The sequence of batches is a function of the seed and of the labels in their
 * order: a training that resumes from a checkpoint draws the same batches by
 * drawing those before again.
 */
#include <string.h>

#include "base/random.h"
#include "nn/nn.h"

#define STREAM_SAMPLER 2

struct NnSampler
{
	NnSamplerOptions options;
	Random		random;
	int			nclasses;		/* classes that have rows */
	uint32_t   *classes;		/* their numbers, shuffled as drawn */
	size_t	   *begin;			/* of each class in rows, one more at the end */
	uint32_t   *rows;
	uint32_t	nrows;			/* all of them, for single-shot batches, */
	uint32_t	labeled;		/* and those in rows, which have a label */
	int			ncategories;	/* that have such classes; 0: none */
	uint32_t   *categories;		/* their numbers, shuffled as drawn */
	uint32_t   *members;		/* classes by category, shuffled as drawn */
	uint32_t   *first;			/* of each category in members, one more */
	uint32_t   *taken;			/* classes that a batch takes of each drawn */
	uint32_t   *drawn;			/* classes of a batch */
};

/* Rows by class, by counting: begin and rows of the sampler */
static void
group_rows(NnSampler *sampler, const int32_t *labels, size_t nrows,
		   int nclasses)
{
	size_t	   *begin = sampler->begin;

	for (size_t i = 0; i < nrows; i++)
	{
		if (labels[i] >= 0)
			begin[labels[i] + 1]++;
	}
	for (int c = 0; c < nclasses; c++)
	{
		if (begin[c + 1] > 0)
			sampler->classes[sampler->nclasses++] = (uint32_t) c;
		begin[c + 1] += begin[c];
	}
	for (size_t i = 0; i < nrows; i++)
	{
		if (labels[i] >= 0)
			sampler->rows[begin[labels[i]]++] = (uint32_t) i;
	}
	/* filling moved each begin to its class' end */
	memmove(begin + 1, begin, (size_t) nclasses * sizeof(*begin));
	begin[0] = 0;
}

static size_t
count_labeled(const int32_t *labels, size_t nrows)
{
	size_t		n = 0;

	for (size_t i = 0; i < nrows; i++)
		n += labels[i] >= 0;
	return n;
}

static void
list_labeled(NnSampler *sampler, const int32_t *labels, size_t nrows)
{
	for (size_t i = 0; i < nrows; i++)
	{
		if (labels[i] >= 0)
			sampler->rows[sampler->labeled++] = (uint32_t) i;
	}
}

/* Classes that have rows, by category: by counting, as group_rows() */
static void
group_classes(NnSampler *sampler)
{
	const NnSamplerOptions *options = &sampler->options;
	uint32_t   *first = sampler->first;
	int			n = options->ncategories;

	for (int i = 0; i < sampler->nclasses; i++)
		first[options->categories[sampler->classes[i]] + 1]++;
	for (int c = 0; c < n; c++)
	{
		if (first[c + 1] > 0)
			sampler->categories[sampler->ncategories++] = (uint32_t) c;
		first[c + 1] += first[c];
	}
	for (int i = 0; i < sampler->nclasses; i++)
	{
		uint32_t	class = sampler->classes[i];

		sampler->members[first[options->categories[class]]++] = class;
	}
	memmove(first + 1, first, (size_t) n * sizeof(*first));
	first[0] = 0;
}

static bool
check_categories(const NnSampler *sampler, Status *status)
{
	const NnSamplerOptions *options = &sampler->options;
	int			wanted = options->categories_per_batch;

	if (options->categories == NULL)
		return true;
	if (wanted > sampler->ncategories)
		status_fail(status, STATUS_INVALID_VALUE,
					"categories_per_batch %d exceeds the number of categories, %d",
					wanted, sampler->ncategories);
	else if (wanted > options->classes_per_batch)
		status_fail(status, STATUS_INVALID_VALUE,
					"categories_per_batch %d exceeds classes_per_batch, %d",
					wanted, options->classes_per_batch);
	else
		return true;
	return status_hint(status, "Lower categories_per_batch.");
}

/* Errors that the user can fix, before the first batch is drawn. */
static bool
check_classes(const NnSampler *sampler, Status *status)
{
	const NnSamplerOptions *options = &sampler->options;

	if (options->classes_per_batch < 2 || options->examples_per_class < 1)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "a batch needs at least 2 classes and 1 example of each");
	if (options->single_shot && sampler->nrows < 2)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "training needs at least 2 rows");
	if (options->single_shot)
		return true;
	if (sampler->nclasses < 2)
	{
		status_fail(status, STATUS_INVALID_VALUE,
					"training needs rows of at least 2 classes, found %d",
					sampler->nclasses);
		return status_detail(status,
							 "A model learns by telling classes apart.");
	}
	if (options->classes_per_batch > sampler->nclasses)
	{
		status_fail(status, STATUS_INVALID_VALUE,
					"classes_per_batch %d exceeds the number of classes, %d",
					options->classes_per_batch, sampler->nclasses);
		return status_hint(status, "Lower classes_per_batch.");
	}
	return check_categories(sampler, status);
}

/* In the order of the struct; false if memory ends */
static bool
allocate_categories(Arena *arena, NnSampler *sampler, int nclasses)
{
	const NnSamplerOptions *options = &sampler->options;
	size_t		n = (size_t) options->ncategories;

	if (options->categories == NULL)
		return true;
	sampler->categories = arena_alloc_array(arena, n, sizeof(uint32_t));
	sampler->members = arena_alloc_array(arena, (size_t) nclasses,
										 sizeof(uint32_t));
	sampler->first = arena_alloc_zero(arena, (n + 1) * sizeof(uint32_t));
	sampler->taken = arena_alloc_array(arena, n, sizeof(uint32_t));
	sampler->drawn = arena_alloc_array(arena,
									   (size_t) options->classes_per_batch,
									   sizeof(uint32_t));
	return sampler->categories != NULL && sampler->members != NULL &&
		sampler->first != NULL && sampler->taken != NULL &&
		sampler->drawn != NULL;
}

/*
 * classes [nclasses] and rows [nrows] are permutations that next_multi_shot()
 * shuffles further and further; begin [nclasses + 1] stays.
 */
NnSampler *
nn_sampler_create(Arena *arena, const int32_t *labels, size_t nrows,
				  int nclasses, const NnSamplerOptions *options, Status *status)
{
	NnSampler  *sampler = arena_new(arena, NnSampler);

	size_t		kept = nrows;

	if (options->single_shot)
	{
		nclasses = 0;
		kept = options->labeled > 0 ? count_labeled(labels, nrows) : 0;
	}
	if (sampler != NULL)
	{
		sampler->options = *options;
		sampler->nrows = (uint32_t) nrows;
		sampler->classes = arena_alloc_array(arena, (size_t) nclasses,
											 sizeof(uint32_t));
		sampler->begin = arena_alloc_zero(arena,
										  ((size_t) nclasses +
										   1) * sizeof(size_t));
		sampler->rows = arena_alloc_array(arena, kept, sizeof(uint32_t));
	}
	if (sampler == NULL || sampler->classes == NULL || sampler->begin == NULL ||
		sampler->rows == NULL ||
		!allocate_categories(arena, sampler, nclasses))
	{
		status_out_of_memory(status, NULL);
		return NULL;
	}
	if (!options->single_shot)
		group_rows(sampler, labels, nrows, nclasses);
	else if (options->labeled > 0)
		list_labeled(sampler, labels, nrows);
	if (options->categories != NULL)
		group_classes(sampler);
	if (!check_classes(sampler, status))
		return NULL;
	random_init(&sampler->random, options->seed, STREAM_SAMPLER);
	return sampler;
}

/* Move count random elements of n to the front (Fisher and Yates). */
static void
shuffle_front(Random *random, uint32_t *elements, uint32_t n, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
	{
		uint32_t	j = i + random_below(random, n - i);
		uint32_t	swap = elements[i];

		elements[i] = elements[j];
		elements[j] = swap;
	}
}

/*
 * A row drawn, examples_per_class times in a row: views of it differ by
 * dropout only, as nothing augments them here.
 */
static void
next_single_shot(NnSampler *sampler, uint32_t *rows)
{
	for (int c = 0; c < sampler->options.classes_per_batch; c++)
	{
		bool		labeled = c < sampler->options.labeled;
		uint32_t	row = random_below(&sampler->random, labeled ?
									   sampler->labeled : sampler->nrows);

		if (labeled)
			row = sampler->rows[row];
		for (int i = 0; i < sampler->options.examples_per_class; i++)
			*rows++ = row;
	}
}

static uint32_t
least_of(uint32_t x, uint32_t y)
{
	return x < y ? x : y;
}

static uint32_t
category_size(const NnSampler *sampler, int i)
{
	uint32_t	category = sampler->categories[i];

	return sampler->first[category + 1] - sampler->first[category];
}

/*
 * How many classes a batch takes of each category, as they stand shuffled:
 * equal parts of the first ones; what these lack, of them and then of others.
 */
static void
share_classes(NnSampler *sampler)
{
	uint32_t	wanted = (uint32_t) sampler->options.categories_per_batch;
	uint32_t	left = (uint32_t) sampler->options.classes_per_batch;

	for (int i = 0; i < sampler->ncategories; i++)
	{
		uint32_t	parts = (uint32_t) i < wanted ? wanted - (uint32_t) i : 0;
		uint32_t	part = parts > 0 ? (left + parts - 1) / parts : 0;

		sampler->taken[i] = least_of(part, category_size(sampler, i));
		left -= sampler->taken[i];
	}
	for (int i = 0; i < sampler->ncategories && left > 0; i++)
	{
		uint32_t	more = least_of(left, category_size(sampler, i) -
									sampler->taken[i]);

		sampler->taken[i] += more;
		left -= more;
	}
}

/* The classes of a batch, category by category */
static const uint32_t *
draw_by_category(NnSampler *sampler)
{
	uint32_t	n = (uint32_t) sampler->ncategories;
	uint32_t   *drawn = sampler->drawn;

	shuffle_front(&sampler->random, sampler->categories, n, n);
	share_classes(sampler);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t   *members = sampler->members +
		sampler->first[sampler->categories[i]];

		shuffle_front(&sampler->random, members, category_size(sampler, (int) i),
					  sampler->taken[i]);
		memcpy(drawn, members, sampler->taken[i] * sizeof(uint32_t));
		drawn += sampler->taken[i];
	}
	return sampler->drawn;
}

static const uint32_t *
draw_classes(NnSampler *sampler)
{
	if (sampler->options.categories != NULL)
		return draw_by_category(sampler);
	shuffle_front(&sampler->random, sampler->classes,
				  (uint32_t) sampler->nclasses,
				  (uint32_t) sampler->options.classes_per_batch);
	return sampler->classes;
}

/*
 * Permutations are kept from batch to batch.  The first places of a
 * permutation are a uniform choice whatever it was before.
 */
static void
next_multi_shot(NnSampler *sampler, uint32_t *rows)
{
	int			classes = sampler->options.classes_per_batch;
	uint32_t	wanted = (uint32_t) sampler->options.examples_per_class;
	const uint32_t *drawn = draw_classes(sampler);

	for (int c = 0; c < classes; c++)
	{
		size_t		begin = sampler->begin[drawn[c]];
		uint32_t	n = (uint32_t) (sampler->begin[drawn[c] + 1] - begin);
		uint32_t   *members = sampler->rows + begin;

		if (wanted <= n)
		{
			shuffle_front(&sampler->random, members, n, wanted);
			memcpy(rows, members, wanted * sizeof(uint32_t));
		}
		else
		{
			for (uint32_t i = 0; i < wanted; i++)
				rows[i] = members[random_below(&sampler->random, n)];
		}
		rows += wanted;
	}
}

void
nn_sampler_next(NnSampler *sampler, uint32_t *rows)
{
	if (sampler->options.single_shot)
		next_single_shot(sampler, rows);
	else
		next_multi_shot(sampler, rows);
}
