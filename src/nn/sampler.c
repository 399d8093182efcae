/*
 * sampler.c
 *	  Which rows make a batch.
 *
 * Class-balanced batches are drawn as TensorFlow Similarity's
 * MultiShotMemorySampler does: classes without replacement, rows of a class
 * without replacement, or with replacement when it has too few.
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
	uint32_t	nrows;			/* all of them, for single-shot batches */
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
	return true;
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

	if (options->single_shot)
		nclasses = 0;
	if (sampler != NULL)
	{
		sampler->options = *options;
		sampler->nrows = (uint32_t) nrows;
		sampler->classes = arena_alloc_array(arena, (size_t) nclasses,
											 sizeof(uint32_t));
		sampler->begin = arena_alloc_zero(arena,
										  ((size_t) nclasses +
										   1) * sizeof(size_t));
		sampler->rows = arena_alloc_array(arena, options->single_shot ? 0 :
										  nrows, sizeof(uint32_t));
	}
	if (sampler == NULL || sampler->classes == NULL || sampler->begin == NULL ||
		sampler->rows == NULL)
	{
		status_out_of_memory(status, NULL);
		return NULL;
	}
	if (!options->single_shot)
		group_rows(sampler, labels, nrows, nclasses);
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
		uint32_t	row = random_below(&sampler->random, sampler->nrows);

		for (int i = 0; i < sampler->options.examples_per_class; i++)
			*rows++ = row;
	}
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

	shuffle_front(&sampler->random, sampler->classes,
				  (uint32_t) sampler->nclasses, (uint32_t) classes);
	for (int c = 0; c < classes; c++)
	{
		size_t		begin = sampler->begin[sampler->classes[c]];
		uint32_t	n = (uint32_t) (sampler->begin[sampler->classes[c] + 1] -
									begin);
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
