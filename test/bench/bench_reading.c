/*
 * bench_reading.c
 *	  The floors of a scan: milliseconds of one process to read so many rows once
 *	  from pages of shared memory, as a server's buffers are, and to compute
 *	  their L2 distances from one vector of floats; nothing else.
 *
 *	  bench_reading ROWS DIMENSIONS float|half|int8
 *
 * Rows lie as in a heap, from the end of each page of 8 kB downwards, and each
 * one's place on the next page is fetched after it was computed.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "kernel/distance.h"
#include "kernel/mixed.h"
#include "kernel/prefetch.h"

#define PAGE 8192
#define PAGE_HEAD 24
#define ROW_HEAD 44				/* of row and value */
#define ROW_ALIGN 8

static volatile uint64_t sink;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return 1e3 * (double) t.tv_sec + 1e-6 * (double) t.tv_nsec;
}

static uint64_t
read_all(const uint64_t *p, size_t n)
{
	uint64_t	sum[4] = {0};

	for (size_t i = 0; i + 4 <= n; i += 4)
		for (size_t j = 0; j < 4; j++)
			sum[j] += p[i + j];
	return sum[0] + sum[1] + sum[2] + sum[3];
}

static size_t
row_size(size_t dims, ElementKind kind)
{
	return (ROW_HEAD + element_size(kind,
									dims) + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
}

static size_t
rows_of_page(size_t dims, ElementKind kind)
{
	return (PAGE - PAGE_HEAD) / (row_size(dims, kind) + 4);
}

static double
compute_all(const char *pages, size_t rows, size_t dims, ElementKind kind,
			const float *query)
{
	size_t		size = row_size(dims, kind);
	size_t		fit = rows_of_page(dims, kind);
	MixedVector q = {ELEMENT_FLOAT, 1, query};
	double		sum = 0;

	for (size_t i = 0; i < rows; i++)
	{
		const char *row = pages + i / fit * PAGE + PAGE - (i % fit + 1) * size;
		MixedVector x = {kind, 0.5f, row + ROW_HEAD};

		sum += mixed_l2_squared_distance(q, x, dims);
		if (i + fit < rows)
			kernel_prefetch(row + PAGE, size);
	}
	return sum;
}

static double
best_of(bool compute, const char *memory, size_t rows, size_t dims,
		ElementKind kind, const float *query)
{
	double		best = 1e300;

	for (int try = 0; try < 5; try++)
	{
		double		start = now();

		if (compute)
			sink = (uint64_t) compute_all(memory, rows, dims, kind, query);
		else
			sink = read_all((const uint64_t *) (const void *) memory,
							rows * element_size(kind, dims) / sizeof(uint64_t));
		start = now() - start;
		best = start < best ? start : best;
	}
	return best;
}

int
main(int argc, char **argv)
{
	size_t		rows = argc > 3 ? strtoull(argv[1], NULL, 10) : 0;
	size_t		dims = argc > 3 ? strtoull(argv[2], NULL, 10) : 0;
	ElementKind kind = argc > 3 && strcmp(argv[3], "half") == 0 ? ELEMENT_HALF :
	argc > 3 && strcmp(argv[3], "int8") == 0 ? ELEMENT_INT8 : ELEMENT_FLOAT;
	size_t		bytes;
	float	   *query;
	char	   *memory;

	if (rows == 0 || dims == 0 || element_size(kind, dims) > PAGE - 100)
		return fputs("usage: bench_reading ROWS DIMENSIONS float|half|int8, of at most a page\n", stderr), 2;
	bytes = (rows / rows_of_page(dims, kind) + 1) * PAGE;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	query = calloc(dims, sizeof(float));
	if (memory == MAP_FAILED || query == NULL)
		return perror("bench_reading"), 1;
	memset(memory, 1, bytes);
	for (size_t i = 0; i < dims; i++)
		query[i] = 1;
	kernel_init();
	printf("%.1f %.1f\n", best_of(false, memory, rows, dims, kind, query),
		   best_of(true, memory, rows, dims, kind, query));
	return 0;
}
