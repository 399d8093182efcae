/*
 * bench_codes.c
 *	  What it costs to expand a node of a coded index, by instruction set:
 *	  nanoseconds with the record in the second-level cache and from memory.
 *
 *	  bench_codes [MEGABYTES]		of records, 1024 by default
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "kernel/code_kernels.h"
#include "kernel/codes.h"
#include "kernel/distance.h"
#include "kernel/stored.h"

#define DEGREE 32

typedef struct Setting
{
	size_t		dims;
	size_t		coded;
	int			bits;
} Setting;

static const Setting settings[] = {
	{64, 64, 4}, {96, 96, 4}, {128, 128, 2}, {192, 192, 2}, {384, 384, 1},
	{784, 784, 1}, {784, 704, 1}, {1536, 1536, 1}, {784, 784, 2}, {784, 784, 4}
};

/* One record: own vector, then codes */
typedef struct Bench
{
	Setting		setting;
	Rotation   *rotation;
	Space		space;
	StoredQuery *query;
	CodesLayout layout;
	CodesQuery *codes;
	size_t		own_size;
	size_t		record_size;
	char	   *records;
	size_t		count;
	float	   *residual;
} Bench;

static Arena *arena;
static volatile double sink;
static const CodeKernels *slowest;

static double
now(void)
{
	struct timespec t;

	/* this program's time, so that neighbors on the machine count less */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return 1e9 * (double) t.tv_sec + (double) t.tv_nsec;
}

static void
prepare(Bench *b, Setting setting, char *memory, size_t size)
{
	Status		status;
	Random		random;
	float	   *x = arena_new_array(arena, setting.dims, float);

	random_init(&random, 1, 0);
	b->setting = setting;
	b->rotation = rotation_create(arena, setting.dims, 1, &status);
	space_init(&b->space, SPACE_L2, b->rotation, NULL);
	b->query = stored_query_create(arena, &b->space);
	if (!codes_layout(&b->layout, setting.dims, setting.coded, setting.bits,
					  DEGREE, &status))
		exit(1);
	b->codes = codes_query_create(arena, &b->layout);
	b->own_size = (stored_size(STORED_INT8, setting.dims) + 7) / 8 * 8;
	b->record_size = b->own_size + (b->layout.size + 7) / 8 * 8;
	b->records = memory;
	b->count = size / b->record_size;
	b->residual = arena_new_array(arena, setting.dims, float);

	for (size_t i = 0; i < setting.dims; i++)
	{
		x[i] = (float) random_normal(&random);
		b->residual[i] = (float) random_normal(&random);
	}
	stored_query_set(b->query, b->residual);
	stored_encode(STORED_INT8, x, setting.dims, 1e-5, memory);
	codes_init(&b->layout, memory + b->own_size);
	for (int slot = 0; slot < DEGREE; slot++)
		codes_put(&b->layout, memory + b->own_size, slot, b->residual);
	for (size_t i = 1; i < b->count; i++)
		memcpy(memory + i * b->record_size, memory, b->record_size);
}

/* ---- what is timed ---- */

typedef void (*Work) (Bench *b, char *record);

static void
score(Bench *b, char *record)
{
	float		out[CODES_MAX_SLOTS];

	codes_distances(&b->layout, record + b->own_size, b->codes, out);
	sink = out[0];
}

static void
own_distance(Bench *b, char *record)
{
	sink = stored_distance(b->query, STORED_INT8, record);
}

static void
prepare_codes(Bench *b, char *record)
{
	codes_query_set(&b->layout, b->codes, b->query->difference, 30);
}

static void
expand(Bench *b, char *record)
{
	float		out[CODES_MAX_SLOTS];
	double		distance = stored_distance(b->query, STORED_INT8, record);

	codes_query_set(&b->layout, b->codes, b->query->difference, distance);
	codes_distances(&b->layout, record + b->own_size, b->codes, out);
	sink = out[0] + stored_bound(b->query, record, distance);
}

static void
put(Bench *b, char *record)
{
	codes_put(&b->layout, record + b->own_size, 7, b->residual);
}

static void
between(Bench *b, char *record)
{
	float		out[CODES_MAX_SLOTS];

	codes_between(&b->layout, record + b->own_size, 7, b->codes, out);
	sink = out[0];
}

static void
pair(Bench *b, char *record)
{
	sink = stored_between(STORED_INT8, record, record, b->setting.dims);
}

static void
rotate(Bench *b, char *record)
{
	rotation_apply(b->rotation, b->residual);
}

/*
 * Nanoseconds a call over the first `count` records: one after the other, or
 * each one chosen only when the last is done, as a search chooses.  The best
 * of three.
 */
static double
time_of(Bench *b, Work work, size_t count)
{
	size_t		calls = code_kernels == slowest ? 2000 : 20000;
	double		best = 1e300;

	for (int try = 0; try < 3; try++)
	{
		size_t		at = (size_t) try;
		double		start = now();

		for (size_t i = 0; i < calls; i++)
		{
			at = (at * 2862933555777941757u + 3037000493u +
				  (sink > 1e300)) & 0xffffffffffff;
			work(b, b->records + (at >> 8) % count * b->record_size);
		}
		start = (now() - start) / (double) calls;
		best = start < best ? start : best;
	}
	return best;
}

static void
run(const Setting *setting, char *memory, size_t size)
{
	Bench		b;
	size_t		cached;

	prepare(&b, *setting, memory, size);
	cached = 200000 / b.record_size;
	printf("%-9s %5zu %5zu %4d %7zu", code_kernels->name, setting->dims,
		   setting->coded, setting->bits, b.record_size);
	printf(" %7.0f", time_of(&b, own_distance, cached));
	printf(" %7.0f", time_of(&b, prepare_codes, cached));
	printf(" %7.0f", time_of(&b, score, cached));
	printf(" %7.0f", time_of(&b, expand, cached));
	printf(" %7.0f", time_of(&b, expand, b.count));
	printf(" %7.0f", time_of(&b, put, cached));
	printf(" %7.0f", time_of(&b, between, cached));
	printf(" %7.0f", time_of(&b, pair, cached));
	printf(" %7.0f\n", time_of(&b, rotate, cached));
	fflush(stdout);
	arena_reset(arena);
}

int
main(int argc, char **argv)
{
	size_t		size = (size_t) (argc > 1 ? atoi(argv[1]) : 1024) << 20;
	char	   *memory = malloc(size);

	if (memory == NULL || size == 0)
		return 1;
	kernel_init();
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	printf("Nanoseconds; records of %d neighbors, own vector in int8.  own: distance to the own vector;\n"
		   "set: query for the codes; score: %d distances from codes; node: the three and a bound,\n"
		   "in cache and from %zu MB of memory; put: one neighbor; list: one slot against all;\n"
		   "pair: two own vectors; rotate: one vector\n",
		   DEGREE, DEGREE, size >> 20);
	printf("%-9s %5s %5s %4s %7s %7s %7s %7s %7s %7s %7s %7s %7s %7s\n", "set",
		   "dims", "coded", "bits",
		   "bytes", "own", "set", "score", "node", "memory", "put", "list",
		   "pair", "rotate");
	for (const CodeKernels *const *t = code_kernels_tables(); *t != NULL; t++)
		slowest = *t;
	for (const CodeKernels *const *t = code_kernels_tables(); *t != NULL; t++)
	{
		code_kernels_use(*t);
		for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
			run(&settings[i], memory, size);
	}
	arena_destroy(arena);
	free(memory);
	return 0;
}
