/*
 * test_codes.c
 *	  Codes in a node's list: packing, kernels against references, and the
 *	  distribution of estimates against exact distances.
 */
#include "base/random.h"
#include "kernel/code_kernels.h"
#include "kernel/codes.h"
#include "kernel/distance.h"
#include "kernel/rotation.h"
#include "kernel/vector.h"
#include "unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const int all_bits[] = {1, 2, 4};

/* 1 / <o, c/|c|>^2 - 1 of normal variables: the relative variance */
static const double code_variance[] = {0.5708, 0.1348, 0.01168};

static Arena *arena;
static Status status;

static CodesLayout
layout_of(size_t dims, size_t coded, int bits, int degree)
{
	CodesLayout layout;

	CHECK(codes_layout(&layout, dims, coded, bits, degree, &status));
	return layout;
}

/* A block that ends where its allocation ends, so that ASan sees any overrun */
static void *
new_block(const CodesLayout *layout)
{
	void	   *block = malloc(layout->size);

	codes_init(layout, block);
	return block;
}

static void
fill_normal(Random *random, float *x, size_t n, double scale)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (float) (scale * random_normal(random));
}

static double
product(const float *a, const float *b, size_t n)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double) a[i] * b[i];
	return sum;
}

/* The odd number that codes dimension i of a slot, read through scoring */
static int
code_at(const CodesLayout *layout, const void *block, int slot, size_t i)
{
	CodesQuery *query = codes_query_create(arena, layout);
	const uint8_t *group = (const uint8_t *) block +
	(size_t) (slot / CODE_LANES) * (layout->size / (size_t) layout->groups);
	int32_t		scores[CODE_LANES];

	query->integers[i] = 1;
	code_kernels->score[layout->bits / 2] (group + 64, query->integers,
										   layout->chunks, scores);
	return 2 * scores[slot % CODE_LANES] - ((1 << layout->bits) - 1);
}

/* ---- layout ---- */

static void
test_layout(void)
{
	CodesLayout layout;

	/* two groups of norms, factors and chunks */
	CHECK(layout_of(64, 64, 4, 32).size == 2 * (64 + 8 * 64));
	CHECK(layout_of(128, 128, 2, 32).size == 2 * (64 + 8 * 64));
	CHECK(layout_of(784, 784, 1, 32).size == 2 * (64 + 25 * 64));
	CHECK(layout_of(784, 704, 1, 16).size == 64 + 22 * 64);
	CHECK(layout_of(1, 1, 1, 1).size == 64 + 64);
	CHECK(layout_of(16384, 16384, 4, 32).size == 2 * (64 + 2048 * 64));
	for (size_t b = 0; b < COUNT(all_bits); b++)
		for (size_t coded = 1; coded <= 200; coded++)
		{
			layout = layout_of(200, coded, all_bits[b], 32);
			CHECK(codes_coded_within(layout.size, 200, all_bits[b],
									 32) >= coded);
			CHECK(codes_coded_within(layout.size - 1, 200, all_bits[b],
									 32) < coded);
		}
	CHECK(codes_coded_within(10, 200, 1, 32) == 0);
	CHECK(!codes_layout(&layout, 64, 64, 3, 32, &status));
	CHECK(!codes_layout(&layout, 64, 64, 8, 32, &status));
	CHECK(!codes_layout(&layout, 64, 65, 1, 32, &status));
	CHECK(!codes_layout(&layout, 64, 0, 1, 32, &status));
	CHECK(!codes_layout(&layout, 0, 0, 1, 32, &status));
	CHECK(!codes_layout(&layout, CODES_MAX_DIMS + 1, 64, 1, 32, &status));
	CHECK(!codes_layout(&layout, 64, 64, 1, 0, &status));
	CHECK(!codes_layout(&layout, 64, 64, 1, 33, &status));
	CHECK(status.code == STATUS_INVALID_VALUE);
	for (size_t n = 1; n <= 2; n++)
	{
		layout = layout_of(64, 64, 1, 32);
		arena_fail_at(arena, n);
		CHECK(codes_query_create(arena, &layout) == NULL);
	}
	arena_fail_at(arena, 0);
}

/* ---- kernels ---- */

static void
check_scores(int bits_index, const uint8_t *code, const int8_t *query,
			 size_t chunks)
{
	int			bits = all_bits[bits_index];
	int32_t		expected[CODE_LANES] = {0};

	for (size_t c = 0; c < chunks; c++)
		for (int k = 0; k < 8 / bits; k++)
			for (int i = 0; i < CODE_LANES; i++)
				for (int j = 0; j < 4; j++)
					expected[i] +=
						(code[c * 64 +
							  (size_t) (4 * i +
										j)] >> (k * bits) & ((1 << bits) - 1)) *
						query[(c * (size_t) (8 / bits) + (size_t) k) * 4 +
							  (size_t) j];
	for (const CodeKernels *const *t = code_kernels_tables(); *t != NULL; t++)
	{
		int32_t		scores[CODE_LANES];

		(*t)->score[bits_index] (code, query, chunks, scores);
		CHECK(memcmp(scores, expected, sizeof(scores)) == 0);
	}
}

static void
test_scores_are_exact(void)
{
	Random		random;

	random_init(&random, 1, 0);
	for (int b = 0; b < (int) COUNT(all_bits); b++)
		for (size_t chunks = 0; chunks <= 70; chunks++)
		{
			size_t		per_chunk = 32 / (size_t) all_bits[b];
			uint8_t    *code = malloc(chunks * 64 + 1);
			int8_t	   *query = malloc(chunks * per_chunk + 1);

			/* one byte in, so that nothing is aligned */
			for (size_t i = 0; i < chunks * 64; i++)
				code[1 + i] = (uint8_t) random_bits(&random);
			for (size_t i = 0; i < chunks * per_chunk; i++)
				query[1 + i] = (int8_t) ((int) random_below(&random,
															255) - 127);
			check_scores(b, code + 1, query + 1, chunks);
			free(code);
			free(query);
		}
}

/* The largest sums of the most dimensions overflow nothing. */
static void
test_scores_at_their_ends(void)
{
	for (int b = 0; b < (int) COUNT(all_bits); b++)
	{
		size_t		chunks = (size_t) (CODES_MAX_DIMS * all_bits[b] / 32);
		uint8_t    *code = malloc(chunks * 64);
		int8_t	   *query = malloc(CODES_MAX_DIMS);

		memset(code, 0xff, chunks * 64);
		memset(query, 127, CODES_MAX_DIMS);
		check_scores(b, code, query, chunks);
		memset(query, -127, CODES_MAX_DIMS);
		check_scores(b, code, query, chunks);
		free(code);
		free(query);
	}
}

static void
test_quantize_is_exact(void)
{
	Random		random;

	random_init(&random, 2, 0);
	for (size_t n = 0; n < 200; n++)
	{
		float	   *v = malloc(n * sizeof(float) + 1);
		int8_t	   *out = malloc(n + 1);

		fill_normal(&random, v, n, 60);
		for (size_t i = 0; i < n; i += 7)
			v[i] = (float) ((int) random_below(&random, 20) - 10) + 0.5f;
		if (n > 3)
			v[3] = NAN;
		for (const CodeKernels *const *t = code_kernels_tables(); *t != NULL;
			 t++)
		{
			int32_t		expected = 0;
			int32_t		sum = (*t)->quantize(v, 1, n, out);

			for (size_t i = 0; i < n; i++)
			{
				double		x = isnan(v[i]) ? -127 :
				fmax(-127, fmin(127, nearbyint(v[i])));

				CHECK(out[i] == (int) x);
				expected += out[i];
			}
			CHECK(sum == expected);
		}
		free(v);
		free(out);
	}
}

static void
test_levels(void)
{
	Random		random;

	random_init(&random, 3, 0);
	for (size_t n = 0; n < 200; n++)
		for (int top = 1; top <= 15; top = top * 4 + (top == 1 ? -1 : 3))
		{
			float	   *v = malloc(n * sizeof(float) + 1);
			uint8_t    *out = malloc(n + 1);

			fill_normal(&random, v, n, 1);
			for (const CodeKernels *const *t = code_kernels_tables();
				 *t != NULL; t++)
			{
				float		dot;
				float		square;
				double		expected_dot = 0;
				double		expected_square = 0;

				(*t)->levels(v, 1.5f, top, n, out, &dot, &square);
				for (size_t i = 0; i < n; i++)
				{
					double		x = fmax(0,
										 fmin(top,
											  v[i] * 1.5 + (top + 1) / 2.0));
					double		c = 2 * out[i] - top;

					/* rounding may take a value to either side of an edge */
					CHECK(out[i] <= top && out[i] >= floor(x - 1e-5) &&
						  out[i] <= floor(x + 1e-5));
					expected_dot += v[i] * c;
					expected_square += c * c;
				}
				CHECK_NEAR(dot, expected_dot, 1e-5);
				CHECK_NEAR(square, expected_square, 1e-6);
			}
			free(v);
			free(out);
		}
}

/* ---- blocks ---- */

static void
test_packing(void)
{
	static const size_t dims_list[] = {1, 2, 3, 5, 17, 31, 32, 33, 64, 100};
	Random		random;

	random_init(&random, 4, 0);
	for (size_t d = 0; d < COUNT(dims_list); d++)
		for (size_t b = 0; b < COUNT(all_bits); b++)
		{
			size_t		dims = dims_list[d];
			CodesLayout layout = layout_of(dims, dims, all_bits[b], 32);
			void	   *block = new_block(&layout);
			float		r[32][100];

			/* out of order, and each slot twice */
			for (int i = 0; i < 64; i++)
			{
				int			slot = i * 13 % 32;

				fill_normal(&random, r[slot], dims, 1);
				codes_put(&layout, block, slot, r[slot]);
			}
			for (int slot = 0; slot < 32; slot++)
				for (size_t i = 0; i < dims; i++)
				{
					int			c = code_at(&layout, block, slot, i);

					/* the sign is kept, and order between dimensions */
					CHECK((c > 0) == (r[slot][i] > 0));
					for (size_t j = 0; j < i && j < 3; j++)
						CHECK(r[slot][i] < r[slot][j] ||
							  c >= code_at(&layout, block, slot, j));
				}
			free(block);
			arena_reset(arena);
		}
}

static void
test_empty_slots(void)
{
	for (int degree = 1; degree <= 32; degree++)
	{
		CodesLayout layout = layout_of(40, 40, 2, degree);
		void	   *block = new_block(&layout);
		CodesQuery *query = codes_query_create(arena, &layout);
		float		v[40] = {1, 2, 3};
		float		out[CODES_MAX_SLOTS];

		codes_query_set(&layout, query, v, kernel_norm(v, 40));
		for (int pass = 0; pass < 2; pass++)
		{
			codes_distances(&layout, block, query, out);
			for (int i = 0; i < CODES_MAX_SLOTS; i++)
				CHECK(out[i] == INFINITY);
			codes_products(&layout, block, query, 5, out);
			for (int i = 0; i < CODES_MAX_SLOTS; i++)
				CHECK(out[i] == INFINITY);
			codes_between(&layout, block, degree - 1, query, out);
			for (int i = 0; i < CODES_MAX_SLOTS; i++)
				CHECK(out[i] == INFINITY);
			CHECK(codes_is_empty(&layout, block, degree - 1));

			/* fill one, look at the others, and empty it again */
			codes_put(&layout, block, degree - 1, v);
			CHECK(!codes_is_empty(&layout, block, degree - 1));
			codes_query_set(&layout, query, v, kernel_norm(v, 40));
			codes_distances(&layout, block, query, out);
			for (int i = 0; i < CODES_MAX_SLOTS; i++)
				CHECK((out[i] < INFINITY) == (i == degree - 1));
			codes_between(&layout, block, degree - 1, query, out);
			CHECK(out[degree - 1] == 0);
			codes_clear(&layout, block, degree - 1);
		}
		free(block);
		arena_reset(arena);
	}
}

static void
test_degenerate(void)
{
	CodesLayout layout = layout_of(40, 40, 4, 32);
	void	   *block = new_block(&layout);
	CodesQuery *query = codes_query_create(arena, &layout);
	float		zero[40] = {0};
	float		v[40] = {3, 4};
	float		out[CODES_MAX_SLOTS];
	uint16_t	nan = 0x7fc0;

	/* a duplicate of the node: as far from the query as the node */
	codes_put(&layout, block, 0, zero);
	codes_put(&layout, block, 1, v);
	codes_query_set(&layout, query, v, 5);
	codes_distances(&layout, block, query, out);
	CHECK(out[0] == 5);
	codes_products(&layout, block, query, 7, out);
	CHECK(out[0] == -7);
	codes_between(&layout, block, 0, query, out);
	CHECK_NEAR(out[1], 5, 0.02);
	codes_between(&layout, block, 1, query, out);
	CHECK_NEAR(out[0], 5, 0.02);
	/* the query is the node: as far from it as the residuals are long */
	codes_query_set(&layout, query, zero, 0);
	codes_distances(&layout, block, query, out);
	CHECK(out[0] == 0);
	CHECK_NEAR(out[1], 5, 0.02);

	/* damaged factors */
	codes_query_set(&layout, query, v, 5);
	memcpy((char *) block + 32 + 2, &nan, 2);
	codes_distances(&layout, block, query, out);
	CHECK(!isnan(out[1]));
	codes_products(&layout, block, query, 7, out);
	CHECK(out[1] == INFINITY);
	codes_between(&layout, block, 1, query, out);
	CHECK(!isnan(out[0]) && !isnan(out[1]));
	memcpy((char *) block + 2, &nan, 2);
	codes_distances(&layout, block, query, out);
	CHECK(!isnan(out[1]));
	codes_between(&layout, block, 0, query, out);
	CHECK(out[1] == INFINITY);
	free(block);
	arena_reset(arena);
}

/* Scaling everything scales the estimates, from 1e-19 to 1e19. */
static void
test_extreme_norms(void)
{
	Random		random;

	random_init(&random, 5, 0);
	for (size_t b = 0; b < COUNT(all_bits); b++)
	{
		CodesLayout layout = layout_of(100, 100, all_bits[b], 32);
		void	   *block = new_block(&layout);
		CodesQuery *query = codes_query_create(arena, &layout);
		float		v[100];
		float		r[100];
		float		out[CODES_MAX_SLOTS];

		for (double v_norm = 1e-19; v_norm < 1e20; v_norm *= 10)
			for (double r_norm = 1e-19; r_norm < 1e20; r_norm *= 1e19)
			{
				double		exact;

				fill_normal(&random, v, 100, v_norm / 10);
				fill_normal(&random, r, 100, r_norm / 10);
				codes_put(&layout, block, 5, r);
				codes_query_set(&layout, query, v, kernel_norm(v, 100));
				codes_distances(&layout, block, query, out);
				kernel_subtract(v, r, 100, v);
				exact = kernel_norm(v, 100);
				CHECK(out[5] / exact > 0.7 && out[5] / exact < 1.3);
			}
		free(block);
	}
	arena_reset(arena);
}

/* ---- accuracy ---- */

typedef struct Moments
{
	double		sum;
	double		square;
	int			n;
} Moments;

static void
add(Moments *m, double x)
{
	m->sum += x;
	m->square += x * x;
	m->n++;
}

static double
deviation(const Moments *m)
{
	double		mean = m->sum / m->n;

	return sqrt(m->square / m->n - mean * mean);
}

/*
 * Residuals and queries as they come: few large coordinates before the
 * rotation, the query partly along the residual.
 */
static void
draw_pair(Random *random, const Rotation *rotation, float *v, float *r)
{
	size_t		dims = rotation->dims;

	fill_normal(random, v, dims, 0.2);
	fill_normal(random, r, dims, 0.1);
	for (int i = 0; i < 3; i++)
	{
		size_t		at = random_below(random, (uint32_t) dims);

		v[at] += 2;
		r[at] += 1;
	}
	rotation_apply(rotation, v);
	rotation_apply(rotation, r);
}

/* |r| times the norm of the part of v across r, which is what errs */
static double
across(const float *v, const float *r, size_t dims)
{
	double		vr = product(v, r, dims);

	return sqrt(product(v, v, dims) * product(r, r, dims) - vr * vr);
}

static void
measure(size_t dims, size_t coded, int bits, Moments *products,
		Moments *distances)
{
	Random		random;
	CodesLayout layout = layout_of(dims, coded, bits, 32);
	void	   *block = new_block(&layout);
	CodesQuery *query = codes_query_create(arena, &layout);
	float	   *v = arena_new_array(arena, dims, float);
	float	   *r = arena_new_array(arena, dims, float);
	float		out[CODES_MAX_SLOTS];

	random_init(&random, 6, dims);
	for (int trial = 0; trial < 2000; trial++)
	{
		int			slot = trial % 32;
		Rotation   *rotation = rotation_create(arena, dims, (uint64_t) trial,
											   &status);
		double		scale;
		double		exact;

		draw_pair(&random, rotation, v, r);
		scale = dims < 64 ? kernel_norm(v, dims) * kernel_norm(r, dims) :
			across(v, r, dims);
		codes_put(&layout, block, slot, r);
		codes_query_set(&layout, query, v, kernel_norm(v, dims));
		codes_products(&layout, block, query, 0, out);
		add(products, (-out[slot] - product(v, r, dims)) / scale);
		codes_distances(&layout, block, query, out);
		kernel_subtract(v, r, dims, v);
		exact = kernel_norm(v, dims);
		add(distances, (out[slot] * out[slot] - exact * exact) / scale);
		if (trial % 16 == 15)
		{
			arena_reset(arena);
			query = codes_query_create(arena, &layout);
			v = arena_new_array(arena, dims, float);
			r = arena_new_array(arena, dims, float);
		}
	}
	free(block);
	arena_reset(arena);
}

/*
 * The error of <v, r>, as part of |r| times the part of v across r, is what
 * RaBitQ predicts: sqrt(variance / (dims - 1)); for 1 of 2 dimensions coded,
 * twice the code's 1 / cos^2.  The mean is zero within four standard errors and the
 * bias of 8-bit queries and 16-bit factors.
 */
static void
check_accuracy(size_t dims, size_t coded, int bits_index)
{
	Moments		products = {0};
	Moments		distances = {0};
	double		share = (double) coded / (double) dims;
	double		expected = sqrt(((1 + code_variance[bits_index]) / share -
								 1) / (double) (dims - 1));

	measure(dims, coded, all_bits[bits_index], &products, &distances);
	printf("# %4zu of %4zu dims, %d bits: error of <v,r> %.4f (expected %.4f), mean %.5f; "
		   "of the squared distance %.4f, mean %.5f\n", coded, dims,
		   all_bits[bits_index],
		   deviation(&products), expected, products.sum / products.n,
		   deviation(&distances), distances.sum / distances.n);
	CHECK(deviation(&products) < 1.06 * expected + 0.001);
	CHECK(fabs(products.sum / products.n) < 4 * deviation(&products) / sqrt(products.n) + 0.0005);
	CHECK(deviation(&distances) < 2.12 * expected + 0.004);
	CHECK(fabs(distances.sum / distances.n) < 8 * deviation(&products) / sqrt(products.n) + 0.002);
}

static void
test_accuracy(void)
{
	static const size_t dims_list[] = {64, 96, 100, 128, 384, 784, 1536};

	for (size_t d = 0; d < COUNT(dims_list); d++)
		for (int b = 0; b < 3; b++)
			check_accuracy(dims_list[d], dims_list[d], b);
}

static void
test_accuracy_of_some_dimensions(void)
{
	check_accuracy(784, 704, 0);
	check_accuracy(784, 392, 0);
	check_accuracy(100, 50, 1);
	check_accuracy(128, 64, 2);
}

/* Few dimensions are not normal after a rotation; estimates stay useful. */
static void
test_accuracy_of_few_dimensions(void)
{
	static const size_t dims_list[] = {1, 2, 3, 5, 17};
	static const double limits[] = {0.5, 0.25, 0.05};

	for (size_t d = 0; d < COUNT(dims_list); d++)
		for (int b = 0; b < 3; b++)
		{
			Moments		products = {0};
			Moments		distances = {0};

			measure(dims_list[d], dims_list[d], all_bits[b], &products,
					&distances);
			printf("# %zu dims, %d bits: error %.4f, mean %.5f\n", dims_list[d],
				   all_bits[b], deviation(&products),
				   products.sum / products.n);
			CHECK(deviation(&products) < limits[b]);
			CHECK(fabs(products.sum / products.n) < limits[b] / 2);
			CHECK(dims_list[d] > 1 || deviation(&products) < 0.02);
		}
}

/*
 * Distances between two neighbors, as part of the longer residual, at a
 * given cosine between the residuals.
 */
static void
check_between(size_t dims, int bits_index, double cosine)
{
	static const double limits[] = {1.35, 0.75, 0.22};	/* times 1/sqrt(dims) */
	Random		random;
	CodesLayout layout = layout_of(dims, dims, all_bits[bits_index], 32);
	void	   *block = new_block(&layout);
	CodesQuery *scratch = codes_query_create(arena, &layout);
	float	   *a = arena_new_array(arena, dims, float);
	float	   *b = arena_new_array(arena, dims, float);
	float		out[CODES_MAX_SLOTS];
	Moments		errors = {0};

	random_init(&random, 7, dims);
	for (int trial = 0; trial < 500; trial++)
	{
		double		exact;

		fill_normal(&random, a, dims, 1);
		fill_normal(&random, b, dims, 1);
		for (size_t i = 0; i < dims; i++)
			b[i] = (float) (cosine * a[i] + sqrt(1 - cosine * cosine) * b[i]);
		codes_put(&layout, block, 3, a);
		codes_put(&layout, block, 29, b);
		codes_between(&layout, block, 3, scratch, out);
		kernel_subtract(a, b, dims, a);
		exact = kernel_norm(a, dims);
		add(&errors, (out[29] * out[29] - exact * exact) / (double) dims / 2);
	}
	printf("# between, %4zu dims, %d bits, cosine %.2f: error %.4f, mean %.4f\n", dims,
		   all_bits[bits_index], cosine, deviation(&errors),
		   errors.sum / errors.n);
	CHECK(deviation(&errors) < limits[bits_index] / sqrt((double) dims) +
		  0.004);
	CHECK(fabs(errors.sum / errors.n) < 0.02);
	free(block);
	arena_reset(arena);
}

static void
test_between(void)
{
	static const double cosines[] = {0, 0.5, 0.8, 0.95, 1};

	for (int b = 0; b < 3; b++)
		for (size_t c = 0; c < COUNT(cosines); c++)
		{
			check_between(64, b, cosines[c]);
			check_between(784, b, cosines[c]);
		}
}

/* What instruction sets make of equal blocks differs in the last digits only. */
static void
test_tables_agree(void)
{
	Random		random;

	random_init(&random, 8, 0);
	for (size_t dims = 1; dims < 200; dims += 7)
		for (size_t b = 0; b < COUNT(all_bits); b++)
		{
			CodesLayout layout = layout_of(dims, dims, all_bits[b], 32);
			void	   *block = new_block(&layout);
			CodesQuery *query = codes_query_create(arena, &layout);
			float		v[200];
			float		r[200];
			float		first[2][CODES_MAX_SLOTS];
			double		norm;

			for (int i = 0; i < 30; i++)
			{
				fill_normal(&random, r, dims, 1);
				codes_put(&layout, block, i, r);
			}
			fill_normal(&random, v, dims, 1);
			norm = kernel_norm(v, dims);
			for (const CodeKernels *const *t = code_kernels_tables();
				 *t != NULL; t++)
			{
				float		out[2][CODES_MAX_SLOTS];

				code_kernels_use(*t);
				codes_query_set(&layout, query, v, norm);
				codes_distances(&layout, block, query, out[0]);
				codes_products(&layout, block, query, 1, out[1]);
				if (t == code_kernels_tables())
					memcpy(first, out, sizeof(first));
				for (int i = 0; i < 30; i++)
				{
					double		scale = norm * codes_norm(&layout, block, i);

					CHECK(fabs(out[0][i] * out[0][i] -
							   first[0][i] * first[0][i]) <= 2e-6 * (norm * norm + scale + 4 * (double) dims));
					CHECK(fabs(out[1][i] - first[1][i]) <= 2e-6 * (1 +
																   2 * scale));
				}
				CHECK(out[0][31] == INFINITY && out[1][31] == INFINITY);
			}
			kernel_init();
			free(block);
			arena_reset(arena);
		}
}

int
main(void)
{
	kernel_init();
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_layout);
	RUN(test_scores_are_exact);
	RUN(test_scores_at_their_ends);
	RUN(test_quantize_is_exact);
	RUN(test_levels);
	RUN(test_packing);
	RUN(test_empty_slots);
	RUN(test_degenerate);
	RUN(test_extreme_norms);
	RUN(test_accuracy);
	RUN(test_accuracy_of_some_dimensions);
	RUN(test_accuracy_of_few_dimensions);
	RUN(test_between);
	RUN(test_tables_agree);
	arena_destroy(arena);
	return unit_done();
}
