/*
 * test_umap.c
 *	  The neighbor embedding: its parts against their definitions, and pictures
 *	  of clusters by properties that any good picture has.
 */
#include "base/interrupt.h"
#include "base/random.h"
#include "eval/trustworthiness.h"
#include "kernel/dispatch.h"
#include "kernel/distance.h"
#include "projection/curve.h"
#include "projection/fuzzy_graph.h"
#include "projection/umap.h"
#include "unit.h"

enum
{
	N = 600, DIMS = 20, CLUSTERS = 6
};

static Arena *arena;
static Arena *scratch;
static Status status;
static size_t dims = DIMS;

static double
l2(const void *q, const void *x)
{
	return sqrt(kernel_l2_squared_distance(q, x, dims));
}

/* The first numbers of points decide; NaN as cosine has it of zero vectors */
static double
of_first(const void *q, const void *x)
{
	float		a = *(const float *) q;
	float		b = *(const float *) x;

	return a == 0 || b == 0 ? NAN : fabs((double) a - b);
}

static Points
points_of(const float *x, size_t n)
{
	const void **items = arena_new_array(arena, n, const void *);

	for (size_t i = 0; i < n; i++)
		items[i] = x + i * dims;
	return (Points)
	{
		n, dims, x, items, NEIGHBOR_L2, l2
	};
}

/* Point i is of cluster i % CLUSTERS. */
static Points
make_clusters(double width)
{
	float	   *x = arena_new_array(arena, N * DIMS, float);
	float		centers[CLUSTERS * DIMS];
	Random		random;

	random_init(&random, 7, 0);
	for (int i = 0; i < CLUSTERS * DIMS; i++)
		centers[i] = (float) random_normal(&random);
	for (int i = 0; i < N * DIMS; i++)
		x[i] = centers[i / DIMS % CLUSTERS * DIMS + i % DIMS] +
			(float) (width * random_normal(&random));
	return points_of(x, N);
}

static const float *
embed(const Points *points, const UmapOptions *options, int threads)
{
	ThreadPool *pool = pool_create(threads, &status);
	Umap	   *umap = umap_create(arena, scratch, pool, points, options,
								   &status);
	double		done = 0;

	CHECK(umap != NULL);
	if (umap == NULL)
		return NULL;
	while (umap_step(umap, &status))
	{
		CHECK(umap_done(umap) >= done && umap_done(umap) < 1);
		done = umap_done(umap);
	}
	CHECK(umap_done(umap) == 1);
	pool_destroy(pool);
	for (size_t i = 0; i < 2 * points->n; i++)
		if (!isfinite(umap_coordinates(umap)[i]))
			return NULL;
	return umap_coordinates(umap);
}

/* ---- parts ---- */

/* What the paper's authors print for their defaults, and two other curves */
static void
test_curve(void)
{
	double		a;
	double		b;

	curve_fit(0.1, 1, &a, &b);
	CHECK_NEAR(a, 1.57694, 1e-4);
	CHECK_NEAR(b, 0.89506, 1e-4);
	/* in units of spread it is the same curve */
	curve_fit(0.2, 2, &a, &b);
	CHECK_NEAR(a * pow(2, 2 * b), 1.57694, 1e-3);
	CHECK_NEAR(b, 0.89506, 1e-4);
	/* a wider plateau falls more steeply */
	curve_fit(0.9, 1, &a, &b);
	CHECK(b > 1.2 && 1 / (1 + a * pow(0.9, 2 * b)) > 0.75);
}

static void
test_memberships(void)
{
	float		distances[] = {1, 1.5f, 2, 3, 10};
	float		same[] = {2, 2, 2};
	float		some[] = {0, 0, 1, 2, INFINITY};
	float		products[] = {-5, -4, -3};
	float		m[5];
	double		sum = 0;

	fuzzy_memberships(distances, 5, m);
	for (int i = 0; i < 5; i++)
		sum += m[i];
	CHECK(m[0] == 1 && m[1] < 1 && m[1] > m[2] && m[2] > m[3] && m[3] > m[4]);
	CHECK_NEAR(sum, log2(5), 1e-4);
	CHECK_NEAR(log(m[1]) / log(m[3]), 0.5 / 2, 1e-3);
	fuzzy_memberships(same, 3, m);
	CHECK(m[0] == 1 && m[1] == 1 && m[2] == 1);
	/* the same place, then what is nearest elsewhere; nothing there */
	fuzzy_memberships(some, 5, m);
	CHECK(m[0] == 1 && m[1] == 1 && m[2] == 1 && m[3] < 1 && m[4] == 0);
	fuzzy_memberships(products, 3, m);
	CHECK(m[0] == 1 && m[1] < 1 && m[2] < m[1]);
}

static void
test_neighbor_lists(void)
{
	float		x[] = {5, 1, 2.5f, 1, 0, 9};
	Points		points;
	NeighborLists lists;

	dims = 1;
	points = points_of(x, 6);
	points.metric = NEIGHBOR_OTHER;
	points.distance = of_first;
	CHECK(neighbor_lists_create(arena, 6, 4, &lists, &status));
	while (lists.done < 6)
		CHECK(neighbor_lists_step(&lists, &points, scratch, NULL, &status));
	CHECK(lists.ids[0] == 2 && lists.ids[1] == 1 && lists.ids[2] == 3 &&
		  lists.ids[3] == 5);
	CHECK(lists.ids[4] == 3 && lists.ids[5] == 2 && lists.distances[4] == 0);
	CHECK(lists.ids[4 * 4] == NO_NEIGHBOR && isinf(lists.distances[4 * 4]));
	dims = DIMS;
}

/* Each edge is in both rows, once, with a + b - a b. */
static void
test_graph(void)
{
	Points		points = make_clusters(0.5);
	NeighborLists lists;
	FuzzyGraph	graph;
	float	   *m = arena_new_array(arena, N * 5, float);
	size_t		wrong = 0;
	double		sum = 0;

	CHECK(neighbor_lists_create(arena, N, 8, &lists, &status));
	while (lists.done < N)
		CHECK(neighbor_lists_step(&lists, &points, scratch, NULL, &status));
	CHECK(fuzzy_graph_create(arena, NULL, &lists, 5, &graph, &status));
	for (size_t i = 0; i < N; i++)
		fuzzy_memberships(lists.distances + i * 8, 5, m + i * 5);
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++)
		{
			double		a = 0;
			double		b = 0;
			double		w = 0;

			for (int l = 0; l < 5; l++)
			{
				a = lists.ids[i * 8 + l] == j ? m[i * 5 + l] : a;
				b = lists.ids[j * 8 + l] == i ? m[j * 5 + l] : b;
			}
			for (uint32_t e = graph.begin[i]; e < graph.begin[i + 1]; e++)
				if (graph.ends[e] == j)
					w += graph.weights[e];
			wrong += fabs(w - (a + b - a * b)) > 1e-6;
			sum += w;
		}
	CHECK(wrong == 0 && sum > 0);
	arena_reset(arena);
}

/* ---- pictures ---- */

static double
trust(const Points *points, const float *y)
{
	double		value = 0;

	CHECK(y != NULL &&
		  eval_trustworthiness(arena, NULL, points->vectors, points->dims, y,
							   2, points->n, 15, 1, &value, &status));
	return value;
}

/* Points whose nearest in the picture is of their cluster */
static double
share_right(const float *y)
{
	int			right = 0;

	for (int i = 0; i < N; i++)
	{
		double		least = INFINITY;
		int			nearest = 0;

		for (int j = 0; j < N; j++)
		{
			double		d = hypot(y[2 * i] - y[2 * j],
								  y[2 * i + 1] - y[2 * j + 1]);

			if (j != i && d < least)
			{
				least = d;
				nearest = j;
			}
		}
		right += nearest % CLUSTERS == i % CLUSTERS;
	}
	return (double) right / N;
}

static void
test_clusters(void)
{
	Points		points = make_clusters(0.2);
	const float *y = embed(&points, &umap_defaults, 1);

	CHECK(trust(&points, y) > 0.9);
	CHECK(share_right(y) == 1);
	arena_reset(arena);
}

/* A circle in space is a circle in the picture: few are torn from neighbors. */
static void
test_circle(void)
{
	float	   *x = arena_alloc_zero(arena, N * DIMS * sizeof(float));
	Points		points;

	for (int i = 0; i < N; i++)
	{
		x[i * DIMS + 3] = (float) cos(2 * M_PI * i / N);
		x[i * DIMS + 11] = (float) sin(2 * M_PI * i / N);
	}
	points = points_of(x, N);
	CHECK(trust(&points, embed(&points, &umap_defaults, 2)) > 0.99);
	arena_reset(arena);
}

static void
test_same_for_all_threads(void)
{
	Points		points = make_clusters(0.5);
	UmapOptions other = umap_defaults;
	const float *y = embed(&points, &umap_defaults, 1);

	for (int threads = 2; threads <= 3; threads++)
		CHECK(memcmp(y, embed(&points, &umap_defaults, threads),
					 sizeof(float) * 2 * N) == 0);
	other.seed++;
	CHECK(memcmp(y, embed(&points, &other, 1), sizeof(float) * 2 * N) != 0);
	arena_reset(arena);
}

/* Few points, one dimension, equal points, points without distances */
static void
test_degenerate(void)
{
	float	   *x = arena_alloc_zero(arena, 300 * DIMS * sizeof(float));
	Points		points;

	for (size_t n = 1; n < 5; n++)
	{
		points = points_of(x, n);
		CHECK(embed(&points, &umap_defaults, 1) != NULL);
	}
	points = points_of(x, 300);
	CHECK(embed(&points, &umap_defaults, 1) != NULL);
	points.metric = NEIGHBOR_OTHER;
	points.distance = of_first;
	CHECK(embed(&points, &umap_defaults, 1) != NULL);
	for (int i = 0; i < 300; i++)
		x[i] = (float) (i * i);
	dims = 1;
	points = points_of(x, 300);
	CHECK(trust(&points, embed(&points, &umap_defaults, 1)) > 0.95);
	dims = DIMS;
	arena_reset(arena);
}

static void
test_options(void)
{
	Points		points = make_clusters(0.5);
	const UmapOptions wrong[] = {
		{1, 0.1, 1, 0, 1}, {UMAP_MAX_NEIGHBORS + 1, 0.1, 1, 0, 1},
		{15, -0.1, 1, 0, 1}, {15, 2, 1, 0, 1}, {15, 0, 0, 0, 1},
		{15, NAN, 1, 0, 1}, {15, 0.1, 1, -1, 1},
		{15, 0.1, 1, UMAP_MAX_EPOCHS + 1, 1}
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		CHECK(umap_create(arena, scratch, NULL, &points, &wrong[i],
						  &status) == NULL);
		CHECK(status.code == STATUS_INVALID_VALUE);
	}
	arena_reset(arena);
}

/* ---- memory, and being stopped ---- */

static void
test_memory(void)
{
	Points		points = make_clusters(0.5);
	UmapOptions options = umap_defaults;
	bool		finished = false;

	options.epochs = 2;
	for (int threads = 1; threads <= 3; threads += 2)
	{
		ThreadPool *pool = pool_create(threads, &status);
		Arena	   *bounded = arena_create(&arena_malloc_source,
										   umap_bytes(N, &options));
		Arena	   *rest = arena_create(&arena_malloc_source,
										umap_scratch_bytes(DIMS, &options,
														   threads));
		Umap	   *umap = umap_create(bounded, rest, pool, &points, &options,
									   &status);

		while (umap_step(umap, &status))
			continue;
		CHECK(umap_done(umap) == 1);
		arena_destroy(bounded);
		arena_destroy(rest);
		pool_destroy(pool);
	}
	for (size_t i = 1; i < 100 && !finished; i++)
	{
		Umap	   *umap;

		arena_fail_at(scratch, i % 2 ? (i + 1) / 2 : 0);
		arena_fail_at(arena, i % 2 ? 0 : i / 2);
		umap = umap_create(arena, scratch, NULL, &points, &options, &status);
		while (umap != NULL && umap_step(umap, &status))
			continue;
		finished = umap != NULL && umap_done(umap) == 1 && i > 60;
		CHECK((umap != NULL && umap_done(umap) == 1) ||
			  status.code == STATUS_OUT_OF_MEMORY);
	}
	CHECK(finished);
	arena_fail_at(arena, 0);
	arena_fail_at(scratch, 0);
	arena_reset(arena);
}

/* Whenever the flag is set, nothing is read that was not written. */
static void
test_interrupts(void)
{
	static volatile sig_atomic_t cancel;
	static volatile sig_atomic_t end;
	Points		points = make_clusters(0.5);
	UmapOptions options = umap_defaults;

	options.epochs = 3;
	interrupt_watch(&cancel, &end);
	for (int stop = 0; stop < 6; stop++)
	{
		Umap	   *umap = umap_create(arena, scratch, NULL, &points, &options,
									   &status);

		for (int i = 0; i < stop; i++)
			CHECK(umap_step(umap, &status));
		cancel = 1;
		CHECK(umap_step(umap, &status) && umap_done(umap) < 1);
		cancel = 0;
	}
	arena_reset(arena);
}

int
main(void)
{
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	scratch = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	kernel_init();
	RUN(test_curve);
	RUN(test_memberships);
	RUN(test_neighbor_lists);
	RUN(test_graph);
	RUN(test_clusters);
	RUN(test_circle);
	RUN(test_same_for_all_threads);
	RUN(test_degenerate);
	RUN(test_options);
	RUN(test_memory);
	RUN(test_interrupts);
	arena_destroy(scratch);
	arena_destroy(arena);
	return unit_done();
}
