/*
 * bench_kernels.c
 *	  Distance kernels by instruction set: nanoseconds a call in the cache and
 *	  from memory, and the share of the speed of reading.
 *
 * From memory the limit is measured by a plain sum over the same bytes.  Built
 * with HNSWLIB, its L2 kernel for the same dimensions stands beside.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/bits.h"
#include "kernel/distance.h"
#include "kernel/mixed.h"

#define MEMORY ((size_t) 256 << 20)
#define CACHED ((size_t) 24 << 10)	/* bytes of rows, in the first-level cache */

#ifdef HNSWLIB
typedef float (*HnswlibFunction) (const void *a, const void *b, const void *param);
extern HnswlibFunction hnswlib_l2_function(size_t n, void **param);
#endif

static volatile float sink;
static char *memory;
static float query[16384];

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return 1e9 * (double) t.tv_sec + (double) t.tv_nsec;
}

/* What is timed: a row of n elements against the query */
typedef struct Work
{
	const KernelTable *floats;
	const MixedKernels *mixed;
	int			kind;			/* ElementKind; -1: hnswlib */
	char		what;			/* l2, inner Product, l1, Cosine, Read */
	size_t		n;
	void	   *param;
	float		(*foreign) (const void *a, const void *b, const void *param);
} Work;

static float
read_row(const char *row, size_t bytes)
{
	long long	sum = 0;

	for (size_t i = 0; i + 8 <= bytes; i += 8)
	{
		long long	word;

		memcpy(&word, row + i, sizeof(word));
		sum += word;
	}
	return (float) sum;
}

static float
run_row(const Work *w, const char *row)
{
	float		a;
	float		b;
	float		c;
	const float *x = (const float *) (const void *) row;

	if (w->what == 'r')
		return read_row(row, element_size((ElementKind) w->kind, w->n));
	if (w->foreign != NULL)
		return w->foreign(query, row, w->param);
	if (w->kind == ELEMENT_BIT)
		return (float) kernel_hamming_distance((const uint8_t *) query, (const uint8_t *) row, (w->n + 7) / 8);
	if (w->kind == ELEMENT_FLOAT)
	{
		if (w->what == 'c')
			return w->floats->cosine(query, x, w->n, &a, &b, &c), a;
		return (w->what == 'l' ? w->floats->l2_squared : w->what == 'p' ? w->floats->inner_product : w->floats->l1) (query, x, w->n);
	}
	if (w->what == 'c')
		return w->mixed->cosine(query, row, 0.5f, w->n, &a, &b, &c), a;
	return (w->what == 'l' ? w->mixed->l2_squared : w->what == 'p' ? w->mixed->inner_product : w->mixed->l1) (query, row, 0.5f, w->n);
}

/* Best of five, rows one behind the other over so many bytes */
static double
time_of(const Work *w, size_t bytes)
{
	size_t		stride = (element_size((ElementKind) (w->kind < 0 ? 0 : w->kind), w->n) + 7) / 8 * 8;
	size_t		rows = bytes / stride;
	size_t		passes = bytes < MEMORY ? 200000 / rows + 1 : 1;
	double		best = 1e300;

	for (int try = 0; try < 5; try++)
	{
		double		start = now();
		float		sum = 0;

		for (size_t pass = 0; pass < passes; pass++)
			for (size_t i = 0; i < rows; i++)
				sum += run_row(w, memory + i * stride);
		sink = sum;
		start = (now() - start) / (double) (rows * passes);
		best = start < best ? start : best;
	}
	return best;
}

static void
report(const char *set, Work *w)
{
	static const size_t dims[] = {8, 64, 100, 784, 1536};
	static const char *kinds[] = {"float", "half", "int8", "bit"};
	char		what = w->what;

	printf("%-9s %-7s %c ", set, w->kind < 0 ? "hnswlib" : kinds[w->kind], what);
	for (int i = 0; i < 5; i++)
	{
		w->n = dims[i];
#ifdef HNSWLIB
		if (w->kind < 0)
			w->foreign = hnswlib_l2_function(w->n, &w->param);
#endif
		printf(" %7.1f", time_of(w, CACHED));
	}
	w->n = 784;
#ifdef HNSWLIB
	if (w->kind < 0)
		w->foreign = hnswlib_l2_function(w->n, &w->param);
#endif
	if (w->kind != ELEMENT_BIT)
	{
		Work		reading = {.kind = w->kind < 0 ? 0 : w->kind,.what = 'r',.n = 784};
		double		limit = time_of(&reading, MEMORY);
		double		time = time_of(w, MEMORY);

		printf(" %8.1f %5.0f %%", time, 100 * limit / time);
	}
	printf("\n");
	fflush(stdout);
}

static void
report_all(const char *set, Work work)
{
	for (const char *what = "lpmc"; *what != '\0'; what++)
	{
		work.what = *what;
		report(set, &work);
	}
}

int
main(void)
{
	Work		bits = {0};

	memory = aligned_alloc(4096, MEMORY);
	memset(memory, 1, MEMORY);
	for (int i = 0; i < 16384; i++)
		query[i] = 1;
	kernel_init();
	printf("Nanoseconds a distance in the first-level cache by dimensions; then of 784 dimensions from\n"
		   "%zu MB of memory, and the share of the speed of reading them.\n"
		   "l: L2, p: inner product, m: L1, c: cosine\n", MEMORY >> 20);
	printf("%-9s %-7s   %7d %7d %7d %7d %7d %8s %7s\n", "set", "kind", 8, 64, 100, 784, 1536, "memory", "reading");
	for (const KernelTable *const *t = kernel_tables(); *t != NULL; t++)
	{
		Work		work = {.floats = *t,.kind = ELEMENT_FLOAT};

		report_all((*t)->name, work);
	}
#ifdef HNSWLIB
	bits.kind = -1;
	bits.what = 'l';
	report("", &bits);
	bits.foreign = NULL;
#endif
	for (const MixedTable *const *t = mixed_tables(); *t != NULL; t++)
	{
		Work		half = {.mixed = &(*t)->half,.kind = ELEMENT_HALF};
		Work		int8 = {.mixed = &(*t)->int8,.kind = ELEMENT_INT8};

		report_all((*t)->name, half);
		report_all((*t)->name, int8);
	}
	bits.kind = ELEMENT_BIT;
	bits.what = 'l';
	report("", &bits);
	return 0;
}
