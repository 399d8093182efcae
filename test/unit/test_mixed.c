/*
 * test_mixed.c
 *	  Distances of vectors stored in any way: every table of kernels against
 *	  sums in double, at odd lengths and addresses; every pair of kinds;
 *	  numbers at both ends of the floats.
 */
#include <float.h>
#include <stdint.h>

#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/mixed.h"
#include "kernel/vector.h"
#include "unit.h"

#define MAX_LENGTH 600

static float a[MAX_LENGTH];
static float source[MAX_LENGTH];
static float b[MAX_LENGTH];		/* source as its kind holds it */
static Random random_stream;

static void
fill(float scale_a, float scale_b)
{
	for (int i = 0; i < MAX_LENGTH; i++)
	{
		a[i] = (float) random_normal(&random_stream) * scale_a;
		source[i] = (float) random_normal(&random_stream) * scale_b;
	}
}

/* ---- kernels ---- */

static bool
near(double got, double expected, double absolute, size_t n)
{
	return fabs(got - expected) <= (double) (n + 4) * ldexp(absolute, -24);
}

static bool
check_kernels(const StoredKernels *kernels, const void *stored, float scale,
			  size_t n)
{
	double		l2 = 0;
	double		l1 = 0;
	double		ab = 0;
	double		absolute = 0;
	double		aa = 0;
	double		bb = 0;
	float		got[3];

	for (size_t i = 0; i < n; i++)
	{
		double		d = (double) a[i] - b[i];

		l2 += d * d;
		l1 += fabs(d);
		ab += (double) a[i] * b[i];
		absolute += fabs((double) a[i] * b[i]);
		aa += (double) a[i] * a[i];
		bb += (double) b[i] * b[i];
	}
	kernels->cosine(a, stored, scale, n, &got[0], &got[1], &got[2]);
	return near(kernels->l2_squared(a, stored, scale, n), l2, 2 * l2, n) &&
		near(kernels->inner_product(a, stored, scale, n), ab, absolute, n) &&
		near(kernels->l1(a, stored, scale, n), l1, 2 * l1, n) &&
		near(got[0], ab, absolute, n) && near(got[1], aa, aa, n) &&
		near(got[2], bb, bb, n);
}

/* In a buffer of the exact size, so that a sanitizer sees a read beyond it */
static bool
check_kind(const KernelTable *table, ElementKind kind, size_t n, size_t offset)
{
	char	   *buffer = malloc(offset + element_size(kind, n));
	float		scale;
	bool		good;

	CHECK(element_encode(kind, source, n, buffer + offset, &scale) == n);
	element_decode(kind, buffer + offset, scale, n, b);
	good = check_kernels(kind == ELEMENT_HALF ? &table->half : &table->int8,
						 buffer + offset, scale, n);
	free(buffer);
	return good;
}

static void
test_kernels_of_every_table(void)
{
	fill(1, 1);
	for (const KernelTable *const *table = kernel_tables(); *table != NULL;
		 table++)
	{
		int			bad = 0;

		printf("# kernels of %s\n", (*table)->name);
		for (size_t n = 1; n <= 300; n++)
		{
			for (size_t offset = 0; offset < 4; offset++)
			{
				bad += !check_kind(*table, ELEMENT_HALF, n, offset);
				bad += !check_kind(*table, ELEMENT_INT8, n, offset);
			}
		}
		CHECK(bad == 0);
	}
}

/* ---- distances of every pair of kinds ---- */

typedef struct Stored
{
	MixedVector v;
	char		bytes[4 * MAX_LENGTH];
	float		floats[MAX_LENGTH];
} Stored;

static void
store(Stored *s, ElementKind kind, const float *x, size_t n)
{
	CHECK(element_encode(kind, x, n, s->bytes, &s->v.scale) == n);
	s->v.kind = kind;
	s->v.x = s->bytes;
	element_decode(kind, s->bytes, s->v.scale, n, s->floats);
}

static bool
same(double got, double expected, double tolerance)
{
	return (isnan(got) && isnan(expected)) || fabs(got - expected) <= tolerance;
}

static bool
check_pair(const Stored *x, const Stored *y, size_t n)
{
	double		l2 = kernel_l2_squared_distance(x->floats, y->floats, n);
	double		l1 = kernel_l1_distance(x->floats, y->floats, n);
	double		norms = kernel_norm(x->floats, n) * kernel_norm(y->floats, n);

	return same(mixed_l2_squared_distance(x->v, y->v, n), l2, l2 * 1e-5) &&
		same(mixed_l1_distance(x->v, y->v, n), l1, l1 * 1e-5) &&
		same(mixed_inner_product(x->v, y->v, n),
			 kernel_inner_product(x->floats, y->floats, n), norms * 1e-5) &&
		same(mixed_cosine_distance(x->v, y->v, n),
			 kernel_cosine_distance(x->floats, y->floats, n), 1e-5) &&
		mixed_l2_squared_distance(x->v, y->v,
								  n) == mixed_l2_squared_distance(y->v, x->v,
																  n) &&
		mixed_l2_squared_distance(x->v, x->v, n) == 0;
}

static void
check_all_pairs(void)
{
	static const size_t lengths[] = {1, 8, 100, 255, 256, 257, 600};
	static Stored x;
	static Stored y;

	for (int i = 0; i < 7; i++)
	{
		for (int p = 0; p < ELEMENT_KINDS; p++)
		{
			for (int q = 0; q < ELEMENT_KINDS; q++)
			{
				store(&x, (ElementKind) p, a, lengths[i]);
				store(&y, (ElementKind) q, source, lengths[i]);
				CHECK(check_pair(&x, &y, lengths[i]));
			}
		}
	}
}

static void
test_every_pair_of_kinds(void)
{
	fill(1, 1);
	check_all_pairs();
	fill(1000, 0.01f);
	check_all_pairs();
	fill(0, 1);
	check_all_pairs();
}

/* Floats and int8 far beyond where their squares are floats */
static void
test_extremes(void)
{
	static const float scales[] = {1e-36f, 1e-22f, 1, 1e19f, 1e30f, 1e37f};
	static Stored x;
	static Stored y;

	for (int i = 0; i < 6; i++)
	{
		for (int j = 0; j < 6; j++)
		{
			fill(scales[i], scales[j]);
			store(&x, ELEMENT_FLOAT, a, 300);
			store(&y, ELEMENT_INT8, source, 300);
			CHECK(check_pair(&x, &y, 300));
		}
	}
}

int
main(void)
{
	kernel_init();
	random_init(&random_stream, 3, 0);
	RUN(test_kernels_of_every_table);
	RUN(test_every_pair_of_kinds);
	RUN(test_extremes);
	return unit_done();
}
