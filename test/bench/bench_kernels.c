/*
 * bench_kernels.c
 *	  Distance kernels by instruction set: nanoseconds a call in the cache and
 *	  from memory, and the shares of what the machine can do at most.
 *
 * In the cache the limit is the slower of two loops: one that loads both vectors
 * and one that multiplies and adds as often, in registers of the set's width:
 * once for each pair of elements, three times for the cosine's three sums.
 * From memory it is a plain sum over the same bytes.  Built with HNSWLIB and
 * FAISS, their L2 kernels for the same dimensions stand beside.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel/bits.h"
#include "kernel/distance.h"
#include "kernel/mixed.h"

#define MEMORY ((size_t) 256 << 20)
#define CACHED ((size_t) 24 << 10)	/* bytes of rows, in the first-level cache */

typedef float (*ForeignFunction) (const void *a, const void *b,
								  const void *param);

#ifdef HNSWLIB
extern ForeignFunction hnswlib_l2_function(size_t n, void **param);
#endif
#ifdef FAISS
extern float faiss_l2(const void *a, const void *b, const void *dims);
#endif

#define NDIMS 5
#define COMPARED 3				/* of dims, the short ones and those with a
								 * tail */
#define WIDE 3					/* its place in dims: 784 */

static const size_t dims[NDIMS] = {8, 64, 100, 784, 1536};

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
	const StoredKernels *mixed;
	int			kind;			/* ElementKind */
	char		what;			/* l2, inner Product, l1, Cosine, Read */
	size_t		n;
	float		(*sum) (const float *a, const float *b, size_t n);	/* or NULL */
	void	   *param;
	ForeignFunction foreign;
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

	if (w->sum != NULL)
		return w->sum(query, x, w->n);
	if (w->what == 'r')
		return read_row(row, element_size((ElementKind) w->kind, w->n));
	if (w->foreign != NULL)
		return w->foreign(query, row, w->param);
	if (w->kind == ELEMENT_BIT)
		return (float) kernel_hamming_distance((const uint8_t *) query,
											   (const uint8_t *) row,
											   (w->n + 7) / 8);
	if (w->kind == ELEMENT_FLOAT)
		return w->floats->cosine(query, x, w->n, &a, &b, &c), a;
	if (w->what == 'c')
		return w->mixed->cosine(query, row, 0.5f, w->n, &a, &b, &c), a;
	return (w->what == 'l' ? w->mixed->l2_squared : w->what == 'p' ?
			w->mixed->inner_product : w->mixed->l1) (query, row, 0.5f, w->n);
}

/* Rows one behind the other over so many bytes, so many times */
static double
time_of_passes(const Work *w, size_t bytes, size_t passes)
{
	size_t		stride = (element_size((ElementKind) w->kind,
									   w->n) + 7) / 8 * 8;
	size_t		rows = bytes / stride;
	double		start = now();
	float		sum = 0;

	for (size_t pass = 0; pass < passes; pass++)
		for (size_t i = 0; i < rows; i++)
			sum += run_row(w, memory + i * stride);
	sink = sum;
	return (now() - start) / (double) (rows * passes);
}

/* Best of so many, of 10,000 calls each in the cache and once through memory */
static double
time_of(const Work *w, size_t bytes)
{
	size_t		rows = bytes / ((element_size((ElementKind) w->kind,
											  w->n) + 7) / 8 * 8);
	double		best = 1e300;

	for (int try = 0; try < (bytes < MEMORY ? 100 : 5); try++)
	{
		double		time = time_of_passes(w, bytes,
										  bytes < MEMORY ? 10000 / rows + 1 :
										  1);

		best = time < best ? time : best;
	}
	return best;
}

/* ---- limits ---- */

#if defined(__x86_64__)
#define REGISTER "x"
#elif defined(__aarch64__)
#define REGISTER "w"
#endif

#ifdef REGISTER

#define ACCUMULATORS 10

/* Loads of two vectors, and as many products and sums as they have registers */
#define LIMITS(set, target, width) \
	typedef float Vector_##set __attribute__((vector_size(width), aligned(4))); \
	static target void \
	loads_##set(const float *a, const float *b, size_t n) \
	{ \
		_Pragma("GCC unroll 8") \
		for (size_t i = 0; i + width / 4 <= n; i += width / 4) \
		{ \
			Vector_##set x = *(const Vector_##set *) (a + i); \
			Vector_##set y = *(const Vector_##set *) (b + i); \
			__asm__ volatile("" : : REGISTER(x), REGISTER(y)); \
		} \
	} \
	static target void \
	sums_##set(const float *a, const float *b, size_t n) \
	{ \
		Vector_##set sum[ACCUMULATORS]; \
		Vector_##set x = *(const Vector_##set *) a; \
		Vector_##set y = *(const Vector_##set *) b; \
		_Pragma("GCC unroll 10") \
		for (int j = 0; j < ACCUMULATORS; j++) \
			sum[j] = y; \
		for (size_t i = 0; i < n; i += ACCUMULATORS * width / 4) \
			_Pragma("GCC unroll 10") \
			for (int j = 0; j < ACCUMULATORS; j++) \
			{ \
				sum[j] = x * y + sum[j]; \
				__asm__ volatile("" : "+" REGISTER(sum[j]), "+" REGISTER(x)); \
			} \
	}

LIMITS(portable,, 16)
#if defined(__x86_64__)
LIMITS(avx2, __attribute__((target("avx2,fma"))), 32)
LIMITS(avx512, __attribute__((target("avx512f"))), 64)
#else
LIMITS(neon,, 16)
#endif

typedef struct Limit
{
	const char *set;
	void		(*loads) (const float *a, const float *b, size_t n);
	void		(*sums) (const float *a, const float *b, size_t n);
} Limit;

static const Limit limits[] = {
#if defined(__x86_64__)
	{"avx512", loads_avx512, sums_avx512},
	{"avx2", loads_avx2, sums_avx2},
#else
	{"neon", loads_neon, sums_neon},
#endif
	{"portable", loads_portable, sums_portable},
};

/* Nanoseconds for n dimensions, of a length at which the loop does not count */
static double
time_of_limit(void (*loop) (const float *a, const float *b, size_t n), size_t n)
{
	const size_t length = 2000; /* a multiple of what the loops do at once */
	double		best = 1e300;

	for (int try = 0; try < 20; try++)
	{
		double		start = now();

		for (int i = 0; i < 2000; i++)
			loop(query, (const float *) (const void *) memory, length);
		start = now() - start;
		best = start < best ? start : best;
	}
	return best / 2000 / (double) length * (double) n;
}

/* Nanoseconds of both loops; 0 if there are none for this set. */
static void
limits_of(const char *set, size_t n, double *loads, double *sums)
{
	*loads = *sums = 0;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
	{
		if (strcmp(limits[i].set, set) == 0)
		{
			*loads = time_of_limit(limits[i].loads, n);
			*sums = time_of_limit(limits[i].sums, n);
		}
	}
}

#else

static void
limits_of(const char *set, size_t n, double *loads, double *sums)
{
	*loads = *sums = 0;
}

#endif							/* REGISTER */

/* ---- the table ---- */

static void
print_memory(Work *w)
{
	Work		reading = {.kind = w->kind,.what = 'r',.n = dims[WIDE]};
	double		limit = time_of(&reading, MEMORY);
	double		time;

	w->n = dims[WIDE];
	time = time_of(w, MEMORY);
	printf(" %8.1f %5.0f %%", time, 100 * limit / time);
}

/* Times in the cache by dimensions, and the shares; limit may be 0. */
static void
report(const char *set, const char *what, Work *w, double limit)
{
	double		times[NDIMS];
	static const char *const kinds[] = {"float", "half", "int8", "bit"};

	printf("%-9s %-7s %-2s", set, kinds[w->kind], what);
	for (int i = 0; i < NDIMS; i++)
	{
		w->n = dims[i];
		times[i] = time_of(w, CACHED);
		printf(" %7.1f", times[i]);
	}
	if (limit > 0)
		printf(" %6.0f %%", 100 * limit / times[WIDE]);
	else
		printf(" %8s", "");
	if (w->kind != ELEMENT_BIT && w->foreign == NULL)
		print_memory(w);
	printf("\n");
	fflush(stdout);
}

static void
report_all(const char *set, Work work, double loads, double sums)
{

	for (const char *what = "lpmc"; *what != '\0'; what++)
	{
		char		name[2] = {*what, '\0'};
		double		products = *what == 'c' ? 3 * sums : sums;
		double		limit = loads > products ? loads : products;

		work.what = *what;
		if (work.kind == ELEMENT_FLOAT)
			work.sum = *what == 'l' ? work.floats->l2_squared : *what == 'p' ?
				work.floats->inner_product :
				*what == 'm' ? work.floats->l1 : NULL;
		report(set, name, &work, limit);
	}
}

#if defined(HNSWLIB) || defined(FAISS)

/* L2 by turns, for the machine's speed changes: ours, and the others' */
static void
report_foreign(const KernelTable *ours)
{
	double		times[3][NDIMS];
	Work		works[NDIMS][3];
	const char *names[3] = {"ours"};
	int			count = 1;

	for (int i = 0; i < NDIMS; i++)
	{
		count = 1;
		works[i][0] = (Work)
		{
			.sum = ours->l2_squared,.n = dims[i]
		};
#ifdef HNSWLIB
		works[i][count] = (Work)
		{
			.n = dims[i]
		};
		works[i][count].foreign = hnswlib_l2_function(dims[i],
													  &works[i][count].param);
		names[count++] = "hnswlib";
#endif
#ifdef FAISS
		works[i][count] = (Work)
		{
			.n = dims[i],.foreign = faiss_l2
		};
		works[i][count].param = &works[i][count].n;
		names[count++] = "faiss";
#endif
	}
	for (int try = 0; try < 500; try++)
	{
		for (int i = 0; i < NDIMS; i++)
		{
			for (int j = 0; j < count; j++)
			{
				double		time = time_of_passes(&works[i][j], CACHED, 33);

				times[j][i] = try == 0 || time < times[j][i] ? time :
					times[j][i];
			}
		}
	}
	for (int j = 0; j < count; j++)
	{
		printf("%-9s %-7s %-2s", names[j], "float", "l");
		for (int i = 0; i < NDIMS; i++)
			printf(" %7.1f", times[j][i]);
		printf(j == 0 ? "   by turns with\n" : "\n");
	}
	printf("ours / the better   ");
	for (int i = 0; i < COMPARED; i++)
	{
		double		best = times[1][i];

		for (int j = 2; j < count; j++)
			best = times[j][i] < best ? times[j][i] : best;
		printf(" %7.2f", times[0][i] / best);
	}
	printf("   (goal: at most 1.3)\n");
}

#else

static void
report_foreign(const KernelTable *ours)
{
}

#endif							/* HNSWLIB or FAISS */

int
main(void)
{
	Work		bits = {.kind = ELEMENT_BIT,.what = 'l'};

	memory = aligned_alloc(4096, MEMORY);
	memset(memory, 1, MEMORY);
	for (int i = 0; i < 16384; i++)
		query[i] = 1;
	kernel_init();
	printf("Nanoseconds a distance in the first-level cache by dimensions, and of 784 the share of\n"
		   "the limit (goal: 80 %%); then of 784 dimensions from %zu MB of memory, and the share of the\n"
		   "speed of reading them.  l: L2, p: inner product, m: L1, c: cosine\n", MEMORY >> 20);
	printf("%-9s %-7s   %7d %7d %7d %7d %7d %8s %8s %7s\n", "set", "kind", 8,
		   64, 100, 784, 1536, "limit", "memory", "reading");
	for (int i = 0; kernel_tables()[i] != NULL; i++)
	{
		const KernelTable *t = kernel_tables()[i];
		Work		work = {.floats = t,.kind = ELEMENT_FLOAT};
		double		loads;
		double		sums;

		limits_of(t->name, dims[WIDE], &loads, &sums);
		printf("%s: limits for 784 dimensions: %.1f ns of loads, %.1f ns of a product and sum each\n", t->name, loads, sums);
		report_all(t->name, work, loads, sums);
		if (i == 0)
			report_foreign(t);
	}
	for (const KernelTable *const *t = kernel_tables(); *t != NULL; t++)
	{
		Work		half = {.mixed = &(*t)->half,.kind = ELEMENT_HALF};
		Work		int8 = {.mixed = &(*t)->int8,.kind = ELEMENT_INT8};

		report_all((*t)->name, half, 0, 0);
		report_all((*t)->name, int8, 0, 0);
	}
	report(bits_tables()[0]->name, "l", &bits, 0);
	return 0;
}
