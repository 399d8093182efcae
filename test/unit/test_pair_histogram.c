/*
 * test_pair_histogram.c
 *	  Bins of src/eval/pair_histogram.
 */
#include "base/random.h"
#include "eval/pair_histogram.h"
#include "unit.h"

static Arena *arena;
static Status status;

static EvalHistogram
histogram(double least, double greatest, int most)
{
	EvalHistogram h;

	if (arena == NULL)
		arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	arena_reset(arena);
	CHECK(eval_histogram_create(&h, least, greatest, most, arena, &status));
	return h;
}

/* Edges are what a reader would write, to the last bit. */
static void
test_round_edges(void)
{
	EvalHistogram h = histogram(0.05, 1.93, 20);

	CHECK(h.n == 20);
	for (int i = 0; i <= h.n; i++)
	{
		char		text[32];

		snprintf(text, sizeof(text), "%d.%d", i / 10, i % 10);
		CHECK(eval_histogram_edge(&h, i) == strtod(text, NULL));
	}
	h = histogram(-1234, 5678, 10);
	CHECK(h.mantissa == 1 && h.exponent == 3 && h.n == 8);
	CHECK(eval_histogram_edge(&h, 0) == -2000);
}

/* 0.3 / 0.1 is less than 3, and yet 0.3 begins the bin from 0.3. */
static void
test_edges_decide(void)
{
	EvalHistogram h = histogram(0, 0.99, 11);

	for (int i = 0; i < h.n; i++)
	{
		eval_histogram_add(&h, EVAL_PAIR_SAME, eval_histogram_edge(&h, i));
		eval_histogram_add(&h, EVAL_PAIR_DIFFERENT,
						   nextafter(eval_histogram_edge(&h, i + 1), -1));
	}
	for (int i = 0; i < h.n; i++)
		CHECK(h.counts[EVAL_PAIR_SAME][i] == 1 &&
			  h.counts[EVAL_PAIR_DIFFERENT][i] == 1);
}

static void
test_equal_distances(void)
{
	const double values[] = {0, 1, -3.5, 1e-30, 1e30};

	for (int i = 0; i < 5; i++)
	{
		EvalHistogram h = histogram(values[i], values[i], 50);

		eval_histogram_add(&h, EVAL_PAIR_SAME, values[i]);
		CHECK(h.n == 1 && h.counts[EVAL_PAIR_SAME][0] == 1);
		CHECK(eval_histogram_edge(&h, 0) <= values[i]);
		CHECK(values[i] < eval_histogram_edge(&h, 1));
	}
}

static void
test_not_finite(void)
{
	EvalHistogram h = histogram(0, 1, 10);

	eval_histogram_add(&h, EVAL_PAIR_SAME, NAN);
	eval_histogram_add(&h, EVAL_PAIR_DIFFERENT, INFINITY);
	eval_histogram_add(&h, EVAL_PAIR_SAME, 0.5);
	CHECK(h.beyond[EVAL_PAIR_SAME] == 1 && h.beyond[EVAL_PAIR_DIFFERENT] == 1);
	CHECK(h.total[EVAL_PAIR_SAME] == 1 && h.total[EVAL_PAIR_DIFFERENT] == 0);
}

/* Whatever the bounds: few enough bins, and each value between its edges. */
static void
test_any_bounds(void)
{
	Random		random;

	random_init(&random, 1, 0);
	for (int round = 0; round < 2000; round++)
	{
		double		size = pow(10, 40 * random_uniform(&random) - 20);
		double		a = random_normal(&random) * size;
		double		b = a + random_uniform(&random) * size;
		int			most = 2 + (int) random_below(&random, 99);
		EvalHistogram h = histogram(a, b, most);

		CHECK(h.n >= 1 && h.n <= most);
		CHECK(eval_histogram_edge(&h, 0) <= a);
		CHECK(b < eval_histogram_edge(&h, h.n));
		for (int i = 0; i < h.n; i++)
			CHECK(eval_histogram_edge(&h, i) < eval_histogram_edge(&h, i + 1));
	}
}

int
main(void)
{
	RUN(test_round_edges);
	RUN(test_edges_decide);
	RUN(test_equal_distances);
	RUN(test_not_finite);
	RUN(test_any_bounds);
	arena_destroy(arena);
	return unit_done();
}
