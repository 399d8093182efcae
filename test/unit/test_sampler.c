/*
 * test_sampler.c
 *	  Class-balanced batches.
 */
#include "nn/nn.h"
#include "unit.h"

#define MAX_BATCH 100

static Arena *arena;
static Status status;

static NnSampler *
make(const int32_t *labels, size_t nrows, int nclasses, int classes,
	 int examples, uint64_t seed)
{
	NnSamplerOptions options = {classes, examples, seed};

	arena_reset(arena);
	status_clear(&status);
	return nn_sampler_create(arena, labels, nrows, nclasses, &options, &status);
}

/* Classes differ within a batch, its rows are of one class each. */
static void
test_batches_are_balanced(void)
{
	static int32_t labels[1000];
	uint32_t	rows[MAX_BATCH];
	int			of_class[10] = {0};
	NnSampler  *sampler;

	for (int i = 0; i < 1000; i++)
		labels[i] = i % 13 == 0 ? -1 : (i * i) % 10;
	sampler = make(labels, 1000, 10, 4, 3, 1);
	CHECK(sampler != NULL);
	for (int step = 0; step < 2000; step++)
	{
		bool		seen[10] = {false};

		nn_sampler_next(sampler, rows);
		for (int c = 0; c < 4; c++)
		{
			int32_t		label = labels[rows[3 * c]];

			CHECK(label >= 0 && !seen[label]);
			seen[label] = true;
			of_class[label]++;
			CHECK(labels[rows[3 * c + 1]] == label &&
				  labels[rows[3 * c + 2]] == label);
			CHECK(rows[3 * c] != rows[3 * c + 1] &&
				  rows[3 * c] != rows[3 * c + 2] &&
				  rows[3 * c + 1] != rows[3 * c + 2]);
		}
	}
	/* the squares mod 10: 0 1 4 5 6 9, each in 2/3 of the batches */
	for (int c = 0; c < 10; c++)
	{
		bool		square = c == 0 || c == 1 || c == 4 || c == 5 || c == 6 ||
		c == 9;

		CHECK(square ? of_class[c] > 1250 && of_class[c] < 1420 :
			  of_class[c] == 0);
	}
}

static void
test_rows_are_drawn_evenly(void)
{
	int32_t		labels[40];
	int			count[40] = {0};
	uint32_t	rows[4];
	NnSampler  *sampler;

	for (int i = 0; i < 40; i++)
		labels[i] = i < 20;
	sampler = make(labels, 40, 2, 2, 2, 2);
	for (int step = 0; step < 10000; step++)
	{
		nn_sampler_next(sampler, rows);
		for (int i = 0; i < 4; i++)
			count[rows[i]]++;
	}
	/* 1000 expected, standard deviation 30 */
	for (int i = 0; i < 40; i++)
		CHECK(count[i] > 850 && count[i] < 1150);
}

/* A class with fewer rows than wanted is drawn with replacement. */
static void
test_small_classes(void)
{
	static const int32_t labels[7] = {0, 1, 2, 0, 1, 2, 0};
	static const int32_t tiny[4] = {0, 0, 0, 1};
	uint32_t	rows[40];
	NnSampler  *sampler = make(labels, 7, 3, 2, 20, 3);

	CHECK(sampler != NULL);
	nn_sampler_next(sampler, rows);
	for (int i = 0; i < 40; i++)
		CHECK(rows[i] < 7 && labels[rows[i]] == labels[rows[i / 20 * 20]]);
	CHECK(labels[rows[0]] != labels[rows[20]]);

	sampler = make(tiny, 4, 2, 2, 3, 3);
	for (int step = 0; step < 10; step++)
	{
		uint32_t	sum = 0;

		nn_sampler_next(sampler, rows);
		for (int i = 0; i < 6; i++)
			sum += rows[i];
		CHECK(sum == 0 + 1 + 2 + 3 * 3);
	}
}

static void
test_determinism(void)
{
	int32_t		labels[60];
	uint32_t	first[20][12];
	uint32_t	rows[12];
	int			equal = 0;

	for (int i = 0; i < 60; i++)
		labels[i] = i % 5;
	for (int repeat = 0; repeat < 2; repeat++)
	{
		NnSampler  *sampler = make(labels, 60, 5, 4, 3, 42);

		for (int step = 0; step < 20; step++)
		{
			nn_sampler_next(sampler, rows);
			if (repeat == 0)
				memcpy(first[step], rows, sizeof(rows));
			CHECK(memcmp(first[step], rows, sizeof(rows)) == 0);
		}
	}
	make(labels, 60, 5, 4, 3, 43);
	for (int step = 0; step < 20; step++)
	{
		NnSampler  *sampler = make(labels, 60, 5, 4, 3,
								   (uint64_t) (100 + step));

		nn_sampler_next(sampler, rows);
		equal += memcmp(first[0], rows, sizeof(rows)) == 0;
	}
	CHECK(equal == 0);
}

/* Any row may come, in runs of examples_per_class; no label is read. */
static void
test_single_shot(void)
{
	NnSamplerOptions options = {5, 3, 1, true};
	int			of_row[7] = {0};
	uint32_t	rows[15];
	NnSampler  *sampler;

	arena_reset(arena);
	sampler = nn_sampler_create(arena, NULL, 7, 7, &options, &status);
	CHECK(sampler != NULL);
	for (int step = 0; step < 1000 && sampler != NULL; step++)
	{
		nn_sampler_next(sampler, rows);
		for (int c = 0; c < 5; c++)
		{
			CHECK(rows[3 * c] < 7);
			CHECK(rows[3 * c] == rows[3 * c + 1] &&
				  rows[3 * c] == rows[3 * c + 2]);
			of_row[rows[3 * c]]++;
		}
	}
	for (int i = 0; i < 7; i++)
		CHECK(of_row[i] > 600 && of_row[i] < 830);
	arena_reset(arena);
	status_clear(&status);
	CHECK(nn_sampler_create(arena, NULL, 1, 1, &options, &status) == NULL);
	CHECK_TEXT(status.message, "training needs at least 2 rows");
}

static void
expect_failure(const int32_t *labels, size_t nrows, int nclasses, int classes,
			   int examples, const char *message, const char *hint)
{
	CHECK(make(labels, nrows, nclasses, classes, examples, 1) == NULL);
	CHECK(status.code == STATUS_INVALID_VALUE);
	CHECK_TEXT(status.message, message);
	CHECK_TEXT(status.hint, hint);
}

static void
test_errors(void)
{
	static const int32_t labels[4] = {0, 1, 1, 0};
	static const int32_t same[4] = {1, 1, -1, 1};

	expect_failure(labels, 4, 2, 3, 2,
				   "classes_per_batch 3 exceeds the number of classes, 2",
				   "Lower classes_per_batch.");
	expect_failure(same, 4, 2, 2, 2,
				   "training needs rows of at least 2 classes, found 1", "");
	expect_failure(labels, 0, 2, 2, 2,
				   "training needs rows of at least 2 classes, found 0", "");
	expect_failure(labels, 4, 2, 1, 2,
				   "a batch needs at least 2 classes and 1 example of each",
				   "");
	expect_failure(labels, 4, 2, 2, 0,
				   "a batch needs at least 2 classes and 1 example of each",
				   "");
}

static void
test_allocation_failures(void)
{
	static const int32_t labels[4] = {0, 1, 1, 0};
	NnSamplerOptions options = {2, 2, 1};
	int			failures = 0;

	for (size_t n = 1; n < 100; n++)
	{
		arena_reset(arena);
		arena_fail_at(arena, n);
		status_clear(&status);
		if (nn_sampler_create(arena, labels, 4, 2, &options, &status) != NULL)
			break;
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
		failures++;
	}
	arena_fail_at(arena, 0);
	CHECK(failures == 4);
}

/* So many rows of a single-shot batch have a label; the others may. */
static void
test_labeled_share(void)
{
	static const int32_t labels[8] = {-1, 3, -1, -1, -1, 0, -1, -1};
	NnSamplerOptions options = {
		.classes_per_batch = 4,.examples_per_class = 2,.seed = 3,
		.single_shot = true,.labeled = 2
	};
	NnSampler  *sampler;
	uint32_t	rows[8];
	int			count[8] = {0};

	arena_reset(arena);
	sampler = nn_sampler_create(arena, labels, 8, 4, &options, &status);
	CHECK(sampler != NULL);
	for (int step = 0; step < 1000; step++)
	{
		nn_sampler_next(sampler, rows);
		CHECK(labels[rows[0]] >= 0 && labels[rows[2]] >= 0);
		for (int i = 0; i < 8; i += 2)
		{
			CHECK(rows[i] == rows[i + 1]);
			count[rows[i]]++;
		}
	}
	/* 1250 of the labeled, 250 of the others expected */
	for (int i = 0; i < 8; i++)
		CHECK(labels[i] >= 0 ? count[i] > 1100 && count[i] < 1400 :
			  count[i] > 180 && count[i] < 320);
}

/*
 * Classes of a batch come in equal parts from as many categories as are asked
 * for; where these have too few, others help out.
 */
static void
test_categories(void)
{
	/* 4 classes of category 0, 3 of 1, 1 of 2; two rows each */
	static const int32_t categories[8] = {0, 1, 0, 1, 0, 1, 2, 0};
	static const struct
	{
		int			classes;
		int			categories;
		int			most;		/* classes of one category in a batch */
		int			least;		/* categories in a batch, */
		int			last;		/* at most */
	}			cases[] = {{3, 3, 1, 3, 3}, {4, 2, 3, 2, 2}, {2, 1, 2, 1, 2},
	{7, 3, 4, 3, 3}, {8, 2, 4, 3, 3}};
	int32_t		labels[16];
	uint32_t	rows[MAX_BATCH];

	for (int i = 0; i < 16; i++)
		labels[i] = i / 2;
	for (int t = 0; t < 5; t++)
	{
		NnSamplerOptions options = {
			.classes_per_batch = cases[t].classes,.examples_per_class = 2,
			.seed = 3,.categories = categories,.ncategories = 3,
			.categories_per_batch = cases[t].categories
		};
		NnSampler  *sampler;
		int			of_class[8] = {0};

		arena_reset(arena);
		sampler = nn_sampler_create(arena, labels, 16, 8, &options, &status);
		CHECK(sampler != NULL);
		for (int step = 0; step < 1000; step++)
		{
			int			of_category[3] = {0};
			bool		seen[8] = {false};
			int			found = 0;

			nn_sampler_next(sampler, rows);
			for (int c = 0; c < cases[t].classes; c++)
			{
				int32_t		class = labels[rows[2 * c]];

				CHECK(labels[rows[2 * c + 1]] == class && !seen[class]);
				seen[class] = true;
				of_class[class]++;
				found += of_category[categories[class]]++ == 0;
				CHECK(of_category[categories[class]] <= cases[t].most);
			}
			CHECK(found >= cases[t].least && found <= cases[t].last);
		}
		for (int c = 0; c < 8; c++)
			CHECK(of_class[c] > 0);
	}
}

static void
test_category_errors(void)
{
	static const int32_t categories[3] = {0, 1, 1};
	static const int32_t labels[3] = {0, 1, 2};
	NnSamplerOptions options = {
		.classes_per_batch = 2,.examples_per_class = 1,
		.categories = categories,.ncategories = 2,.categories_per_batch = 3
	};

	arena_reset(arena);
	CHECK(nn_sampler_create(arena, labels, 3, 3, &options, &status) == NULL);
	CHECK(strstr(status.message, "the number of categories, 2") != NULL);
	options.categories_per_batch = 2;
	CHECK(nn_sampler_create(arena, labels, 3, 3, &options, &status) != NULL);
}

int
main(void)
{
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_batches_are_balanced);
	RUN(test_rows_are_drawn_evenly);
	RUN(test_small_classes);
	RUN(test_determinism);
	RUN(test_single_shot);
	RUN(test_errors);
	RUN(test_allocation_failures);
	RUN(test_labeled_share);
	RUN(test_categories);
	RUN(test_category_errors);
	arena_destroy(arena);
	return unit_done();
}
