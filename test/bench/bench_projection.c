/*
 * bench_projection.c
 *	  Principal components and neighbor embedding: seconds, and how far the
 *	  picture keeps neighborhoods.
 *
 *	  bench_projection [FILE ROWS DIMS [THREADS [PICTURE]]]
 *
 * FILE holds ROWS x DIMS float32, as test/bench/projection writes them; without
 * it the points are 10 clusters in 64 dimensions.  Cosine distances: rows are
 * brought to length 1.  PICTURE is written: ROWS x 2 float32.
 */
#include "bench.h"

#include <math.h>

#include "base/random.h"
#include "eval/trustworthiness.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "kernel/vector.h"
#include "projection/pca.h"
#include "projection/umap.h"

#define K 15

static size_t n = 10000;
static size_t dims = 64;
static Status status;

static double
l2(const void *q, const void *x)
{
	return sqrt(kernel_l2_squared_distance(q, x, dims));
}

static float *
make_clusters(void)
{
	float	   *x = malloc(n * dims * sizeof(float));
	Random		random;
	float	   *centers = malloc(10 * dims * sizeof(float));

	random_init(&random, 1, 0);
	for (size_t i = 0; i < 10 * dims; i++)
		centers[i] = (float) random_normal(&random);
	for (size_t i = 0; i < n * dims; i++)
		x[i] = centers[i / dims % 10 * dims + i % dims] +
			(float) random_normal(&random) / 2;
	free(centers);
	return x;
}

static float *
read_file(const char *path)
{
	float	   *x = malloc(n * dims * sizeof(float));
	FILE	   *file = fopen(path, "rb");

	if (file == NULL || fread(x, sizeof(float), n * dims, file) != n * dims)
	{
		perror(path);
		exit(1);
	}
	fclose(file);
	return x;
}

static void
write_file(const char *path, const float *y)
{
	FILE	   *file = fopen(path, "wb");

	if (file == NULL || fwrite(y, sizeof(float), 2 * n, file) != 2 * n ||
		fclose(file) != 0)
	{
		perror(path);
		exit(1);
	}
}

static double
trust(Arena *arena, ThreadPool *pool, const float *x, const float *y)
{
	double		value;

	if (!eval_trustworthiness(arena, pool, x, dims, y, 2, n, K,
							  n > 10000 ? n / 1000 : 1, &value, &status))
		die(&status);
	return value;
}

static void
run_pca(ThreadPool *pool, const float *x)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	float	   *y = malloc(2 * n * sizeof(float));
	double		seconds[5];
	Pca			pca;

	for (int i = 0; i < 5; i++)
	{
		double		begun = now(CLOCK_MONOTONIC);

		arena_reset(arena);
		if (!pca_fit(arena, pool, x, n, dims, 2, &pca, &status))
			die(&status);
		pca_project(&pca, pool, x, n, y);
		seconds[i] = now(CLOCK_MONOTONIC) - begun;
	}
	printf("pca   %8.3f s  %5.1f %% of the variance", median(seconds, 5),
		   100 * (pca.variances[0] + pca.variances[1]) / pca.variance);
	printf("  trustworthiness %.4f\n", trust(arena, pool, x, y));
	free(y);
	arena_destroy(arena);
}

static void
run_umap(ThreadPool *pool, const float *x, const char *picture)
{
	Arena	   *arena = arena_create(&arena_malloc_source,
									 umap_bytes(n, &umap_defaults));
	Arena	   *scratch = arena_create(&arena_malloc_source,
									   umap_scratch_bytes(dims,
														  &umap_defaults,
														  pool_threads(pool)));
	const void **items = malloc(n * sizeof(void *));
	Points		points = {n, dims, x, items, NEIGHBOR_L2, l2};
	double		begun = now(CLOCK_MONOTONIC);
	double		used = now(CLOCK_PROCESS_CPUTIME_ID);
	Umap	   *umap;

	for (size_t i = 0; i < n; i++)
		items[i] = x + i * dims;
	umap = umap_create(arena, scratch, pool, &points, &umap_defaults, &status);
	if (umap == NULL)
		die(&status);
	while (umap_step(umap, &status))
		continue;
	if (umap_done(umap) < 1)
		die(&status);
	printf("umap  %8.3f s  %.3f s of processors",
		   now(CLOCK_MONOTONIC) - begun,
		   now(CLOCK_PROCESS_CPUTIME_ID) - used);
	if (picture != NULL)
		write_file(picture, umap_coordinates(umap));
	arena_destroy(scratch);
	scratch = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	printf("  trustworthiness %.4f\n",
		   trust(scratch, pool, x, umap_coordinates(umap)));
	arena_destroy(scratch);
	arena_destroy(arena);
	free(items);
}

int
main(int argc, char **argv)
{
	ThreadPool *pool;
	float	   *x;

	kernel_init();
	if (!gemm_load(&status))
		die(&status);
	if (argc > 3)
	{
		n = (size_t) atol(argv[2]);
		dims = (size_t) atol(argv[3]);
	}
	pool = pool_create(argc > 4 ? atoi(argv[4]) : 2, &status);
	if (pool == NULL)
		die(&status);
	x = argc > 3 ? read_file(argv[1]) : make_clusters();
	for (size_t i = 0; i < n; i++)
		kernel_normalize(x + i * dims, dims, x + i * dims);
	printf("%zu x %zu, %d threads, %s\n", n, dims, pool_threads(pool),
		   gemm_name());
	run_pca(pool, x);
	run_umap(pool, x, argc > 5 ? argv[5] : NULL);
	pool_destroy(pool);
	return 0;
}
