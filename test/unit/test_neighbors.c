/*
 * test_neighbors.c
 *	  The k nearest of many queries against sorting all rows: every metric,
 *	  ties, zero and extreme vectors, fewer rows than k, several threads.
 */
#include <float.h>
#include <stdint.h>

#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/neighbors.h"
#include "unit.h"

#define MAX_ROWS 2000

static size_t dims;
static Status status;

/* ---- the caller's distances ---- */

static double
l2(const void *q, const void *x)
{
	return sqrt(kernel_l2_squared_distance(q, x, dims));
}

static double
l2_squared(const void *q, const void *x)
{
	return kernel_l2_squared_distance(q, x, dims);
}

static double
cosine(const void *q, const void *x)
{
	return kernel_cosine_distance(q, x, dims);
}

static double
product(const void *q, const void *x)
{
	return -kernel_inner_product(q, x, dims);
}

static double
l1(const void *q, const void *x)
{
	return kernel_l1_distance(q, x, dims);
}

/* Nearly or quite the same once they are floats */
static double
close_to_one(const void *q, const void *x)
{
	return 1 + 1e-6 * kernel_l1_distance(q, x, dims) / (double) dims;
}

static double
closer_to_one(const void *q, const void *x)
{
	return 1 + 1e-12 * kernel_l1_distance(q, x, dims) / (double) dims;
}

static const struct
{
	NeighborMetric metric;
	NeighborDistance distance;
}			metrics[] = {
	{NEIGHBOR_L2, l2}, {NEIGHBOR_L2_SQUARED, l2_squared},
	{NEIGHBOR_COSINE, cosine}, {NEIGHBOR_INNER_PRODUCT, product},
	{NEIGHBOR_OTHER, l1}, {NEIGHBOR_OTHER, close_to_one},
	{NEIGHBOR_OTHER, closer_to_one}
};

#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

/* ---- data ---- */

typedef struct Data
{
	size_t		nqueries;
	size_t		nrows;
	float	   *queries;
	float	   *rows;
	const void **query_items;
	const void **row_items;
	uint64_t   *ids;
} Data;

static const void **
items_of(Arena *arena, const float *vectors, size_t n)
{
	const void **items = arena_new_array(arena, n, const void *);

	for (size_t i = 0; i < n; i++)
		items[i] = vectors + i * dims;
	return items;
}

static Data
make_data(Arena *arena, size_t nqueries, size_t nrows, uint64_t seed)
{
	Data		data = {.nqueries = nqueries,.nrows = nrows};
	Random		random;

	random_init(&random, seed, 0);
	data.queries = arena_new_array(arena, nqueries * dims, float);
	data.rows = arena_new_array(arena, nrows * dims, float);
	data.ids = arena_new_array(arena, nrows, uint64_t);
	for (size_t i = 0; i < nqueries * dims; i++)
		data.queries[i] = (float) random_normal(&random);
	for (size_t i = 0; i < nrows * dims; i++)
		data.rows[i] = (float) random_normal(&random);
	for (size_t i = 0; i < nrows; i++)
		data.ids[i] = i * 7 + 3;
	data.query_items = items_of(arena, data.queries, nqueries);
	data.row_items = items_of(arena, data.rows, nrows);
	return data;
}

/* ---- the expected ---- */

static const double *sort_keys;

/* By distance, NaN last, then by position */
static int
compare_positions(const void *a, const void *b)
{
	size_t		i = *(const size_t *) a;
	size_t		j = *(const size_t *) b;
	double		x = sort_keys[i];
	double		y = sort_keys[j];

	if (isnan(x) != isnan(y))
		return isnan(x) ? 1 : -1;
	if (x < y || x > y)
		return x < y ? -1 : 1;
	return i < j ? -1 : i > j;
}

static bool
same(double x, double y)
{
	return x == y || (isnan(x) && isnan(y));
}

static int
count_wrong(const Data *data, NeighborSearch *search, NeighborDistance distance,
			size_t k)
{
	static double keys[MAX_ROWS];
	static size_t order[MAX_ROWS];
	int			wrong = 0;

	for (size_t q = 0; q < data->nqueries; q++)
	{
		size_t		n;
		const Neighbor *found = neighbors_of(search, q, &n);

		for (size_t i = 0; i < data->nrows; i++)
		{
			keys[i] = distance(data->query_items[q], data->row_items[i]);
			order[i] = i;
		}
		sort_keys = keys;
		qsort(order, data->nrows, sizeof(size_t), compare_positions);
		wrong += n != (k < data->nrows ? k : data->nrows);
		for (size_t i = 0; i < n; i++)
			wrong += found[i].id != data->ids[order[i]] ||
				found[i].order != order[i] ||
				!same(found[i].distance, keys[order[i]]);
	}
	return wrong;
}

/* Search in blocks of any size and compare, for every metric. */
static int
search_all(Arena *arena, const Data *data, size_t k, int threads)
{
	ThreadPool *pool = threads > 1 ? pool_create(threads, &status) : NULL;
	int			wrong = 0;

	for (size_t m = 0; m < METRICS; m++)
	{
		NeighborSearch *search = neighbors_create(arena, pool,
												  metrics[m].metric,
												  metrics[m].distance,
												  dims, data->queries,
												  data->query_items,
												  data->nqueries, k, &status);
		size_t		block;

		if (search == NULL)
			return -1;
		block = neighbors_block(search) - 1;
		CHECK(block >= 63 && block <= 511);
		neighbors_add(search, data->rows, data->row_items, data->ids, 0);
		for (size_t i = 0; i < data->nrows; i += block)
			neighbors_add(search, data->rows + i * dims, data->row_items + i,
						  data->ids + i,
						  data->nrows - i < block ? data->nrows - i : block);
		wrong += count_wrong(data, search, metrics[m].distance, k);
	}
	pool_destroy(pool);
	return wrong;
}

/* ---- tests ---- */

static Arena *arena;

static void
test_random_data(void)
{
	static const size_t sizes[] = {1, 7, 16, 100, 784};

	for (int i = 0; i < 5; i++)
	{
		for (int threads = 1; threads <= 3; threads++)
		{
			Data		data;

			dims = sizes[i];
			data = make_data(arena, 37, MAX_ROWS, i);
			CHECK(search_all(arena, &data, 10, threads) == 0);
			CHECK(search_all(arena, &data, 1, threads) == 0);
			CHECK(search_all(arena, &data, 600, threads) == 0);
			arena_reset(arena);
		}
	}
}

static size_t calls;

static double
counted_cosine(const void *q, const void *x)
{
	calls++;
	return cosine(q, x);
}

/*
 * Few pairs are computed: of n rows in random order k (1 + ln(n / k)) are among
 * the k nearest when they arrive, 56 here.  The first block's scores keep all
 * its rows from being computed.
 */
static void
test_few_pairs_are_computed(void)
{
	NeighborSearch *search;
	Data		data;

	dims = 16;
	data = make_data(arena, 100, MAX_ROWS, 3);
	search = neighbors_create(arena, NULL, NEIGHBOR_COSINE, counted_cosine,
							  dims, data.queries, data.query_items,
							  data.nqueries, 10, &status);
	calls = 0;
	for (size_t i = 0; i < MAX_ROWS; i += 500)
		neighbors_add(search, data.rows + i * dims, data.row_items + i,
					  data.ids + i, 500);
	CHECK(calls < data.nqueries * 80);
	CHECK(count_wrong(&data, search, cosine, 10) == 0);
	arena_reset(arena);
}

static void
test_fewer_rows_than_k(void)
{
	Data		data;

	dims = 5;
	data = make_data(arena, 3, 17, 9);
	CHECK(search_all(arena, &data, 17, 1) == 0);
	CHECK(search_all(arena, &data, 50, 2) == 0);
	data.nrows = 0;
	CHECK(search_all(arena, &data, 3, 1) == 0);
	arena_reset(arena);
}

/* Equal distances rank by arrival, over the border of k and of blocks. */
static void
test_ties(void)
{
	Data		data;

	dims = 3;
	data = make_data(arena, 20, MAX_ROWS, 4);
	for (size_t i = 0; i < MAX_ROWS * dims; i++)
		data.rows[i] = roundf(data.rows[i]);
	for (size_t i = 0; i < data.nqueries * dims; i++)
		data.queries[i] = roundf(data.queries[i]);
	CHECK(search_all(arena, &data, 25, 2) == 0);
	CHECK(search_all(arena, &data, 700, 2) == 0);
	arena_reset(arena);
}

/*
 * Far from the origin products lose what distances are made of: differences of
 * 1e-3 at a norm of 1e4.
 */
static void
test_cancellation(void)
{
	Data		data;

	dims = 64;
	data = make_data(arena, 20, MAX_ROWS, 5);
	for (size_t i = 0; i < MAX_ROWS * dims; i++)
		data.rows[i] = 1000 + data.rows[i] * 1e-3f;
	for (size_t i = 0; i < data.nqueries * dims; i++)
		data.queries[i] = 1000 + data.queries[i] * 1e-3f;
	CHECK(search_all(arena, &data, 10, 1) == 0);
	arena_reset(arena);
}

/* Zero vectors, which have no cosine, and norms at both ends of the floats */
static void
test_extremes(void)
{
	static const float scales[] = {0, 1e-40f, 1e-22f, 1e-10f, 1, 1e12f, 1e20f, 1e37f};
	Data		data;

	dims = 20;
	data = make_data(arena, 24, 400, 6);
	for (size_t i = 0; i < data.nrows * dims; i++)
		data.rows[i] *= scales[i / dims * 7 % 8] / 8;
	for (size_t i = 0; i < data.nqueries * dims; i++)
		data.queries[i] *= scales[i / dims % 8] / 8;
	CHECK(search_all(arena, &data, 5, 1) == 0);
	CHECK(search_all(arena, &data, 399, 2) == 0);
	arena_reset(arena);
}

/* Of what an approximate search found: ties are right, NaN is last. */
static void
test_within(void)
{
	const double found[] = {-1, 0.5, 0.5, 2, INFINITY, NAN};

	CHECK(neighbors_within(found, 0, 1) == 0);
	CHECK(neighbors_within(found, 6, 0.5) == 3);
	CHECK(neighbors_within(found, 2, 0.5) == 2);
	CHECK(neighbors_within(found, 6, -2) == 0);
	CHECK(neighbors_within(found, 6, INFINITY) == 5);
	CHECK(neighbors_within(found, 6, NAN) == 6);
}

static void
test_out_of_memory(void)
{
	Data		data;
	Arena	   *small = arena_create(&arena_malloc_source, 100000);

	dims = 4;
	data = make_data(arena, 100, 10, 1);
	status_clear(&status);
	CHECK(neighbors_create(small, NULL, NEIGHBOR_L2, l2, dims, data.queries,
						   data.query_items, 100, 10000, &status) == NULL);
	CHECK(status.code == STATUS_OUT_OF_MEMORY);
	arena_destroy(small);
	arena_reset(arena);
}

int
main(void)
{
	kernel_init();
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_random_data);
	RUN(test_few_pairs_are_computed);
	RUN(test_fewer_rows_than_k);
	RUN(test_ties);
	RUN(test_cancellation);
	RUN(test_extremes);
	RUN(test_within);
	RUN(test_out_of_memory);
	arena_destroy(arena);
	return unit_done();
}
