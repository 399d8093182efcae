/*
 * test_trustworthiness.c
 *	  Trustworthiness against values computed by hand and its own definition.
 */
#include "base/random.h"
#include "eval/trustworthiness.h"
#include "kernel/dispatch.h"
#include "unit.h"

static Arena *arena;
static Status status;

static double
trust(const float *x, size_t dims, const float *y, size_t n, size_t k,
	  size_t step, int threads)
{
	ThreadPool *pool = pool_create(threads, &status);
	double		value = NAN;

	CHECK(eval_trustworthiness(arena, pool, x, dims, y, 1, n, k, step, &value,
							   &status));
	pool_destroy(pool);
	return value;
}

/*
 * Five points on a line, the last of which the picture puts before the first:
 * its own nearest is the 4th in truth, and it is the 4th of the first.
 */
static void
test_by_hand(void)
{
	const float x[] = {0, 1, 2.1f, 3.3f, 4.6f};
	const float y[] = {0, 1, 2.1f, 3.3f, -0.5f};

	CHECK(trust(x, 1, x, 5, 1, 1, 1) == 1);
	CHECK_NEAR(trust(x, 1, y, 5, 1, 1, 1), 1 - 2.0 * 6 / (5 * 1 * 6), 1e-12);
	/* the first and the last of the five alone */
	CHECK_NEAR(trust(x, 1, y, 5, 1, 4, 1), 1 - 2.0 * 6 / (2 * 1 * 6), 1e-12);
}

/* Points that are all the same are neighbors in their order. */
static void
test_ties(void)
{
	const float same[] = {7, 7, 7, 7, 7, 7, 7};

	CHECK(trust(same, 1, same, 7, 3, 1, 1) == 1);
}

static void
test_random_picture(void)
{
	enum
	{
		N = 1000, DIMS = 8
	};
	float	   *x = arena_new_array(arena, N * DIMS, float);
	float	   *y = arena_new_array(arena, N, float);
	float	   *first = arena_new_array(arena, N, float);
	Random		random;
	double		noise;

	random_init(&random, 1, 0);
	for (int i = 0; i < N * DIMS; i++)
		x[i] = (float) random_normal(&random);
	for (int i = 0; i < N; i++)
	{
		y[i] = (float) random_normal(&random);
		first[i] = x[i * DIMS];
	}
	noise = trust(x, DIMS, y, N, 15, 1, 1);
	CHECK(fabs(noise - 0.5) < 0.03);
	CHECK(trust(x, DIMS, first, N, 15, 1, 1) > noise + 0.05);
	CHECK(trust(x, DIMS, y, N, 15, 1, 3) == noise);
	CHECK_NEAR(trust(x, DIMS, y, N, 15, 7, 2), noise, 0.05);
}

static void
test_refusals(void)
{
	const float x[] = {1, 2, 3, 4};
	double		value;

	CHECK(!eval_trustworthiness(arena, NULL, x, 1, x, 1, 4, 2, 1, &value,
								&status));
	CHECK(status.code == STATUS_INVALID_VALUE);
	CHECK(!eval_trustworthiness(arena, NULL, x, 1, x, 1, 4, 0, 1, &value,
								&status));
	for (size_t i = 1; i <= 4; i++)
	{
		arena_fail_at(arena, i);
		CHECK(!eval_trustworthiness(arena, NULL, x, 1, x, 1, 4, 1, 1, &value,
									&status));
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
	}
	arena_fail_at(arena, 0);
	CHECK(eval_trustworthiness(arena, NULL, x, 1, x, 1, 4, 1, 1, &value,
							   &status));
}

int
main(void)
{
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	kernel_init();
	RUN(test_by_hand);
	RUN(test_ties);
	RUN(test_random_picture);
	RUN(test_refusals);
	arena_destroy(arena);
	return unit_done();
}
