/*
 * test_distance.c
 *	  Every table of distance kernels against a sum in double: all lengths up
 *	  to 300, unaligned vectors, extreme norms.
 */
#include <float.h>
#include <stdint.h>

#include "base/random.h"
#include "kernel/distance.h"
#include "unit.h"

#define MAX_LENGTH 300

static float a_buffer[MAX_LENGTH + 32];
static float b_buffer[MAX_LENGTH + 32];

/*
 * Length n at an odd offset, surrounded by NaN: an element read too many
 * shows.
 */
static void
fill(float *buffer, float **out, size_t n, int offset, uint64_t stream)
{
	Random		random;

	random_init(&random, n, stream);
	for (int i = 0; i < MAX_LENGTH + 32; i++)
		buffer[i] = NAN;
	*out = buffer + 1 + offset;
	for (size_t i = 0; i < n; i++)
		(*out)[i] = (float) random_normal(&random);
}

/* |got - expected| within n rounding errors of the terms' absolute sum */
static bool
near(double got, double expected, double absolute, size_t n)
{
	return fabs(got - expected) <= (double) (n + 4) * ldexp(absolute, -24);
}

static bool
check_length(const KernelTable *table, const float *a, const float *b, size_t n)
{
	double		l2 = 0;
	double		ip = 0;
	double		ip_absolute = 0;
	double		l1 = 0;
	double		aa = 0;
	double		bb = 0;
	float		got_ab;
	float		got_aa;
	float		got_bb;

	for (size_t i = 0; i < n; i++)
	{
		double		d = (double) a[i] - b[i];

		l2 += d * d;
		l1 += fabs(d);
		ip += (double) a[i] * b[i];
		ip_absolute += fabs((double) a[i] * b[i]);
		aa += (double) a[i] * a[i];
		bb += (double) b[i] * b[i];
	}
	table->cosine(a, b, n, &got_ab, &got_aa, &got_bb);
	return near(table->l2_squared(a, b, n), l2, 2 * l2, n) &&
		near(table->inner_product(a, b, n), ip, ip_absolute, n) &&
		near(table->l1(a, b, n), l1, 2 * l1, n) &&
		near(got_ab, ip, ip_absolute, n) && near(got_aa, aa, aa, n) &&
		near(got_bb, bb, bb, n);
}

static void
test_all_lengths_and_offsets(void)
{
	for (const KernelTable *const *table = kernel_tables(); *table != NULL;
		 table++)
	{
		int			bad = 0;

		printf("# kernels of %s\n", (*table)->name);
		for (size_t n = 0; n <= MAX_LENGTH; n++)
		{
			for (int offset = 0; offset < 17; offset += n < 70 ? 1 : 5)
			{
				float	   *a;
				float	   *b;

				fill(a_buffer, &a, n, offset, 1);
				fill(b_buffer, &b, n, (offset * 7) % 17, 2);
				bad += !check_length(*table, a, b, n);
			}
		}
		CHECK(bad == 0);
	}
}

/* Buffers of the exact size, so that a sanitizer sees a read beyond them */
static void
test_reads_nothing_beyond(void)
{
	for (const KernelTable *const *table = kernel_tables(); *table != NULL;
		 table++)
	{
		for (size_t n = 1; n < 70; n++)
		{
			float	   *a = malloc(n * sizeof(float));
			float	   *b = malloc(n * sizeof(float));

			for (size_t i = 0; i < n; i++)
				a[i] = b[i] = (float) i;
			CHECK(check_length(*table, a, b, n));
			CHECK((*table)->l2_squared(a, b, n) == 0);
			CHECK((*table)->l1(a, b, n) == 0);
			free(a);
			free(b);
		}
	}
}

static void
test_the_best_table_is_chosen(void)
{
	const KernelTable *const *tables = kernel_tables();
	int			n = 0;

	CHECK(kernel == tables[0]);
	while (tables[n] != NULL)
		n++;
	CHECK_TEXT(tables[n - 1]->name, "portable");
	kernel_init();
	CHECK(kernel == tables[0] && tables[n] == NULL);
#if defined(__x86_64__)
	CHECK(n == 1 + (kernel_level() >= KERNEL_AVX2) +
		  (kernel_level() >= KERNEL_AVX512));
#endif
}

static double
cosine_of(float scale_a, float scale_b, const float *a, const float *b,
		  size_t n)
{
	float		x[64];
	float		y[64];

	for (size_t i = 0; i < n; i++)
	{
		x[i] = a[i] * scale_a;
		y[i] = b[i] * scale_b;
	}
	return kernel_cosine_distance(x, y, n);
}

/* The distance does not depend on the norms, whatever they are. */
static void
test_cosine_at_extreme_norms(void)
{
	static const float scales[] = {1, 1e-15f, 1e-19f, 1e-22f, 1e-30f, 1e-36f, 1e10f, 1e18f, 1e19f, 1e25f, 1e37f};
	float		a[64];
	float		b[64];
	Random		random;
	double		expected;

	random_init(&random, 5, 0);
	for (int i = 0; i < 64; i++)
	{
		a[i] = (float) (random_uniform(&random) + 0.1);
		b[i] = (float) (random_uniform(&random) - 0.3);
	}
	for (size_t n = 2; n <= 64; n += 31)
	{
		expected = cosine_of(1, 1, a, b, n);
		for (int i = 0; i < 11; i++)
			for (int j = 0; j < 11; j++)
				CHECK_NEAR(cosine_of(scales[i], scales[j], a, b, n), expected,
						   2e-6);
	}
}

static void
test_cosine_bounds(void)
{
	float		a[3] = {0.1f, 0.7f, -0.3f};
	float		b[3] = {-0.1f, -0.7f, 0.3f};
	float		zero[3] = {0};
	float		tiny[3] = {1e-45f, 0, 0};
	float		huge[3] = {FLT_MAX, FLT_MAX, FLT_MAX};

	CHECK_NEAR(kernel_cosine_distance(a, a, 3), 0, 1e-6);
	CHECK(kernel_cosine_distance(a, a, 3) >= 0);
	CHECK_NEAR(kernel_cosine_distance(a, b, 3), 2, 1e-6);
	CHECK(kernel_cosine_distance(a, b, 3) <= 2);
	CHECK(isnan(kernel_cosine_distance(a, zero, 3)));
	CHECK(isnan(kernel_cosine_distance(zero, a, 3)));
	CHECK(isnan(kernel_cosine_distance(zero, zero, 3)));
	CHECK(kernel_cosine_distance(tiny, tiny, 3) == 0);
	CHECK_NEAR(kernel_cosine_distance(huge, huge, 3), 0, 1e-6);
	CHECK_NEAR(kernel_cosine_distance(huge, tiny, 3), 1 - 1 / sqrt(3), 1e-6);
}

static void
test_cosine_stays_in_range(void)
{
	Random		random;
	int			bad = 0;

	random_init(&random, 6, 0);
	for (int i = 0; i < 100000; i++)
	{
		float		a[4];
		float		b[4];
		float		factor = (float) random_normal(&random);
		double		d;

		for (int j = 0; j < 4; j++)
		{
			a[j] = (float) random_normal(&random);
			b[j] = a[j] * factor;
		}
		d = kernel_cosine_distance(a, b, 4);
		bad += !(d >= 0 && d <= 2) || !(fmin(d, 2 - d) < 1e-6);
	}
	CHECK(bad == 0);
}

/* Sums beyond float's range, on both sides, come out right in double. */
static void
test_sums_at_extreme_norms(void)
{
	float		a[3] = {3e30f, 0, 1e30f};
	float		b[3] = {-1e30f, 3e30f, 1e30f};
	float		c[2] = {3e-25f, 4e-25f};
	float		zero[2] = {0, 0};
	float		huge[4] = {FLT_MAX, FLT_MAX, FLT_MAX, FLT_MAX};

	CHECK_NEAR(sqrt(kernel_l2_squared_distance(a, b, 3)) / 5e30, 1, 1e-6);
	CHECK_NEAR(sqrt(kernel_l2_squared_distance(c, zero, 2)) / 5e-25, 1, 1e-6);
	CHECK(kernel_l2_squared_distance(c, c, 2) == 0);
	CHECK_NEAR(kernel_inner_product(a, b, 3) / -2e60, 1, 1e-6);
	CHECK_NEAR(kernel_inner_product(huge, huge, 4) / FLT_MAX / FLT_MAX, 4,
			   1e-12);
	CHECK_NEAR(kernel_l1_distance(huge, c, 2) / FLT_MAX, 2, 1e-6);
	CHECK_NEAR(kernel_l2_squared_distance(a + 1, c, 1), 9e-50, 1e-6);
	CHECK(kernel_inner_product(c, zero, 2) == 0);
}

int
main(void)
{
	kernel_init();
	RUN(test_all_lengths_and_offsets);
	RUN(test_reads_nothing_beyond);
	RUN(test_the_best_table_is_chosen);
	RUN(test_cosine_at_extreme_norms);
	RUN(test_sums_at_extreme_norms);
	RUN(test_cosine_bounds);
	RUN(test_cosine_stays_in_range);
	return unit_done();
}
