/*
 * bench_neighbors.c
 *	  The k nearest of many queries: its rate beside that of the bare matrix
 *	  product of the same size, in the same run, and of one large product.
 *
 *	  bench_neighbors [ROWS [QUERIES [DIMS [K]]]]	60000 1000 784 10
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "kernel/neighbors.h"

static size_t dims = 784;

/* Processor time of all threads, so that neighbors on the machine count less */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static double
l2(const void *q, const void *x)
{
	return sqrt(kernel_l2_squared_distance(q, x, dims));
}

static float *
random_vectors(size_t n)
{
	float	   *x = malloc(n * dims * sizeof(float));
	Random		random;

	random_init(&random, n, 0);
	for (size_t i = 0; i < n * dims; i++)
		x[i] = (float) random_normal(&random);
	return x;
}

static const void **
items_of(const float *vectors, size_t n)
{
	const void **items = malloc(n * sizeof(void *));

	for (size_t i = 0; i < n; i++)
		items[i] = vectors + i * dims;
	return items;
}

int
main(int argc, char **argv)
{
	size_t		rows = argc > 1 ? (size_t) atol(argv[1]) : 60000;
	size_t		queries = argc > 2 ? (size_t) atol(argv[2]) : 1000;
	size_t		k = argc > 4 ? (size_t) atol(argv[4]) : 10;
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	Status		status;
	float	   *x;
	float	   *q;
	const void **row_items;
	uint64_t   *ids;
	float	   *c;
	double		work;
	double		best[3] = {1e300, 1e300, 1e300};

	dims = argc > 3 ? (size_t) atol(argv[3]) : dims;
	kernel_init();
	status_clear(&status);
	if (!gemm_load(&status))
		return puts(status.message), 1;
	x = random_vectors(rows);
	q = random_vectors(queries);
	row_items = items_of(x, rows);
	ids = calloc(rows, sizeof(uint64_t));
	c = malloc(queries * 4096 * sizeof(float));
	work = 2e-9 * (double) queries * (double) dims;
	for (int try = 0; try < 3; try++)
	{
		NeighborSearch *search = neighbors_create(arena, NULL, NEIGHBOR_L2, l2,
												  dims, q, items_of(q, queries),
												  queries, k, &status);
		size_t		block = neighbors_block(search);
		double		t[4];

		t[0] = now();
		for (size_t i = 0; i < rows; i += block)
			neighbors_add(search, x + i * dims, row_items + i, ids + i,
						  rows - i < block ? rows - i : block);
		t[1] = now();
		for (size_t i = 0; i < rows; i += block)
			gemm_f32(false, true, (int) queries,
					 (int) (rows - i < block ? rows - i : block), (int) dims,
					 1, q, (int) dims, x + i * dims, (int) dims, 0, c,
					 (int) block);
		t[2] = now();
		gemm_f32(false, true, (int) queries, rows < 4096 ? (int) rows : 4096,
				 (int) dims, 1, q, (int) dims, x, (int) dims, 0, c, 4096);
		t[3] = now();
		for (int j = 0; j < 3; j++)
			best[j] = t[j + 1] - t[j] < best[j] ? t[j + 1] - t[j] : best[j];
		arena_reset(arena);
	}
	printf("%zu queries x %zu rows x %zu, k = %zu, one thread, %s\n", queries,
		   rows, dims, k, gemm_name());
	printf("search  %6.1f GFLOPS\n", work * (double) rows / best[0]);
	printf("product %6.1f GFLOPS in the same blocks: the search has %.0f %%\n",
		   work * (double) rows / best[1], 100 * best[1] / best[0]);
	printf("sgemm   %6.1f GFLOPS at its best: the search has %.0f %%\n",
		   work * (rows < 4096 ? (double) rows : 4096) / best[2],
		   100 * (best[2] / (rows < 4096 ? (double) rows :
							 4096)) / (best[0] / (double) rows));
	return 0;
}
