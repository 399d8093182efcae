/*
 * test_stored.c
 *	  Stored vectors: kernels against references, and every bound against
 *	  every operator of every instruction set.
 */
#include "base/random.h"
#include "kernel/center.h"
#include "kernel/code_kernels.h"
#include "kernel/distance.h"
#include "kernel/stored.h"
#include "kernel/vector.h"
#include "unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const StoredKind kinds[] = {STORED_INT8, STORED_HALF, STORED_FLOAT};

static Arena *arena;
static Status status;

/* A copy that ends where its allocation ends, so that ASan sees any overrun */
static void *
exact_copy(const void *p, size_t size)
{
	void	   *copy = malloc(size > 0 ? size : 1);

	memcpy(copy, p, size);
	return copy;
}

static void
fill_normal(Random *random, float *x, size_t n, double scale)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (float) (scale * random_normal(random));
}

/* ---- kernels ---- */

#define MAX_N 300

static void
check_float_kernels(const CodeKernels *k, const float *q, const int8_t *x8,
					const uint16_t *x16, size_t n)
{
	const CodeKernels *p = code_kernels_tables()[0];
	float	   *a = malloc(n * sizeof(float) + 1);
	float	   *b = malloc(n * sizeof(float) + 1);
	double		size = 1e-6 * (1 + (double) n * 127 * 127);

	for (int i = 1; code_kernels_tables()[i] != NULL; i++)
		p = code_kernels_tables()[i];
	CHECK_NEAR(k->difference_int8(q, x8, 0.3f, n, a),
			   p->difference_int8(q, x8, 0.3f, n, b), 1e-5);
	for (size_t i = 0; i < n; i++)
		CHECK(fabs(a[i] - b[i]) <= 5e-6);
	CHECK_NEAR(k->difference_half(q, x16, 0.5f, n, a),
			   p->difference_half(q, x16, 0.5f, n, b), 1e-5);
	CHECK(memcmp(a, b, n * sizeof(float)) == 0);
	CHECK_NEAR(k->difference_float(q, b, n, a), p->difference_float(q, b, n, a),
			   1e-5);
	CHECK(fabs(k->dot_int8(q, x8, n) - p->dot_int8(q, x8, n)) <= size);
	CHECK(fabs(k->dot_half(q, x16, n) - p->dot_half(q, x16, n)) <= size);
	free(a);
	free(b);
}

static void
test_kernels_agree(void)
{
	Random		random;

	random_init(&random, 1, 0);
	for (size_t n = 0; n < MAX_N; n++)
	{
		float		q[MAX_N];
		int8_t		x8[MAX_N];
		int8_t		y8[MAX_N];
		uint16_t	x16[MAX_N];
		int32_t		dot = 0;

		fill_normal(&random, q, n, 1);
		for (size_t i = 0; i < n; i++)
		{
			x8[i] = (int8_t) ((int) random_below(&random, 255) - 127);
			y8[i] = (int8_t) ((int) random_below(&random, 255) - 127);
			/* any finite half of either sign below 2 */
			x16[i] = (uint16_t) (random_below(&random,
											  0x4000) | (random_bits(&random) & 0x8000));
			dot += x8[i] * y8[i];
		}
		for (const CodeKernels *const *t = code_kernels_tables(); *t != NULL;
			 t++)
		{
			float	   *pq = exact_copy(q, n * sizeof(float));
			int8_t	   *px8 = exact_copy(x8, n);
			int8_t	   *py8 = exact_copy(y8, n);
			uint16_t   *px16 = exact_copy(x16, 2 * n);

			check_float_kernels(*t, pq, px8, px16, n);
			CHECK((*t)->dot_int8_int8(px8, py8, n) == dot);
			free(pq);
			free(px8);
			free(py8);
			free(px16);
		}
	}
}

static void
test_largest_integers(void)
{
	static int8_t x[ROTATION_MAX_DIMS];

	memset(x, 127, sizeof(x));
	for (const CodeKernels *const *t = code_kernels_tables(); *t != NULL; t++)
		CHECK((*t)->dot_int8_int8(x, x,
								  COUNT(x)) == 127 * 127 * ROTATION_MAX_DIMS);
	memset(x, -127, sizeof(x));
	for (const CodeKernels *const *t = code_kernels_tables(); *t != NULL; t++)
		CHECK((*t)->dot_int8_int8(x, x,
								  COUNT(x)) == 127 * 127 * ROTATION_MAX_DIMS);
}

/* ---- encoding ---- */

static void
test_round_trip(void)
{
	static const double scales[] = {0, 1e-38, 1e-19, 1e-3, 1, 1e6, 1e19, 1e36};
	Random		random;
	float		x[101];
	float		decoded[101];
	uint32_t	stored[250];

	random_init(&random, 2, 0);
	for (size_t s = 0; s < COUNT(scales); s++)
		for (size_t k = 0; k < COUNT(kinds); k++)
		{
			double		relative = kinds[k] == STORED_INT8 ? 0.02 :
			kinds[k] == STORED_HALF ? 5e-4 : 0;
			double		error = 0;
			double		norm;
			StoredHead	head;

			fill_normal(&random, x, COUNT(x), scales[s]);
			norm = kernel_norm(x, COUNT(x));
			stored_encode(kinds[k], x, COUNT(x), 0, stored);
			CHECK(stored_is_sound(stored));
			stored_decode(kinds[k], stored, COUNT(x), decoded);
			for (size_t i = 0; i < COUNT(x); i++)
				error += pow((double) x[i] - decoded[i], 2);
			head = stored_head(stored);
			CHECK(sqrt(error) <= head.radius * (1 + 1e-6) + norm * 1e-7);
			CHECK(head.radius <= relative * norm + 1e-36);
			CHECK(fabs(head.norm - kernel_norm(decoded,
											   COUNT(x))) <= 1e-6 * norm);
		}
	CHECK(stored_size(STORED_INT8, 784) == 796);
	CHECK(stored_size(STORED_HALF, 784) == 12 + 1568);
}

/* Every half is decoded and encoded to itself; ties go to even. */
static void
test_halves(void)
{
	for (uint32_t half = 0; half < 0x7c00; half++)
	{
		float		x[2] = {16384, 0};
		float		decoded[2];
		uint32_t	stored[4];
		StoredHead	head;
		uint16_t	got;

		/* the exponent that keeps the scale at 1 */
		x[1] = ldexpf(half & 0x7c00 ? 1024 + (half & 0x3ff) : half & 0x3ff,
					  half & 0x7c00 ? (int) (half >> 10) - 25 : -24);
		x[0] = x[1] >= 32768 ? 0 : x[0];
		if (x[1] >= 32768)
			continue;
		stored_encode(STORED_HALF, x, 2, 0, stored);
		head = stored_head(stored);
		memcpy(&got, (char *) stored + 14, 2);
		CHECK(head.scale == 1 && got == half);
		stored_decode(STORED_HALF, stored, 2, decoded);
		CHECK(decoded[1] == x[1] && head.radius <= 1e-30);
		/* half a unit above an even one stays, above an odd one moves */
		x[1] += ldexpf(1, half & 0x7c00 ? (int) (half >> 10) - 26 : -25);
		if (x[1] >= 16384 && x[0] != 0 && x[1] >= 32768)
			continue;
		stored_encode(STORED_HALF, x, 2, 0, stored);
		memcpy(&got, (char *) stored + 14, 2);
		CHECK(got == half + half % 2);
		if (!unit_ok)
			return;
	}
}

static void
test_untrusted_heads(void)
{
	float		x[8] = {1, 2, 3};
	uint32_t	stored[16];
	StoredHead	bad[] = {{NAN, 0, 0}, {INFINITY, 0, 0}, {-1, 0, 0}, {1, -1, 0}, {1, 0, NAN}, {1, 0, -1}};

	stored_encode(STORED_INT8, x, 8, 0, stored);
	CHECK(stored_is_sound(stored));
	for (size_t i = 0; i < COUNT(bad); i++)
	{
		memcpy(stored, &bad[i], sizeof(StoredHead));
		CHECK(!stored_is_sound(stored));
	}
	x[3] = INFINITY;
	stored_encode(STORED_INT8, x, 8, 0, stored);
	CHECK(stored_is_sound(stored) && stored_head(stored).radius == INFINITY);
	x[3] = NAN;
	stored_encode(STORED_HALF, x, 8, 0, stored);
	CHECK(stored_is_sound(stored) && stored_head(stored).radius == INFINITY);
}

/* ---- bounds ---- */

/* What the operator returns on one instruction set */
static double
operator_of(const KernelTable *table, SpaceMetric metric, const float *q,
			const float *x, size_t n)
{
	const KernelTable *saved = kernel;
	double		result;

	kernel = table;
	result = metric == SPACE_L2 ? sqrt(kernel_l2_squared_distance(q, x, n)) :
		metric == SPACE_COSINE ? kernel_cosine_distance(q, x, n) :
		-kernel_inner_product(q, x, n);
	kernel = saved;
	return result;
}

typedef struct Tightness
{
	double		gap;			/* sum of operator - bound */
	double		worst;			/* largest gap */
	int			n;
} Tightness;

/*
 * One pair under one space and kind: the bound that each instruction set
 * computes is not above what any instruction set's operator returns.
 */
static void
check_pair(const Space *space, StoredKind kind, const float *q, const float *x,
		   Tightness *tightness)
{
	size_t		dims = space->rotation->dims;
	StoredQuery *query = stored_query_create(arena, space);
	float	   *mapped = arena_new_array(arena, dims, float);
	void	   *stored = malloc(stored_size(kind, dims));

	stored_encode(kind, mapped, dims, space_map(space, x, mapped), stored);
	for (const CodeKernels *const *t = code_kernels_tables(); *t != NULL; t++)
	{
		double		bound;

		code_kernels_use(*t);
		stored_encode(kind, mapped, dims, space_map(space, x, mapped), stored);
		stored_query_set(query, q);
		bound = stored_bound(query, stored,
							 stored_distance(query, kind, stored));
		for (const KernelTable *const *o = kernel_tables(); *o != NULL; o++)
		{
			double		value = operator_of(*o, space->metric, q, x, dims);

			if (space->metric == SPACE_COSINE && isnan(value))
				CHECK(isnan(bound));
			else
				CHECK(bound <= value || isnan(value));
			CHECK(space->metric == SPACE_INNER_PRODUCT || !(bound < 0));
			if (tightness != NULL)
			{
				tightness->gap += value - bound;
				tightness->worst = fmax(tightness->worst, value - bound);
				tightness->n++;
			}
		}
	}
	kernel_init();
	free(stored);
}

static void
check_all_metrics(const Rotation *rotation, const float *center, const float *q,
				  const float *x)
{
	for (int metric = SPACE_L2; metric <= SPACE_INNER_PRODUCT; metric++)
		for (size_t k = 0; k < COUNT(kinds); k++)
		{
			Space		space;

			space_init(&space, (SpaceMetric) metric, rotation, center);
			check_pair(&space, kinds[k], q, x, NULL);
		}
}

/* Norms of query and vector, near and far, with and without a center */
static void
test_bounds_hold(void)
{
	static const size_t dims_list[] = {1, 2, 3, 5, 17, 64, 100, 784};
	static const double norms[] = {1e-30, 1e-19, 1e-10, 1, 1e10, 1e18, 1e19};
	static const double nearness[] = {0, 1e-7, 1e-3, 0.1, 1, 10};
	Random		random;

	random_init(&random, 3, 0);
	for (size_t d = 0; d < COUNT(dims_list); d++)
		for (size_t m = 0; m < COUNT(norms); m++)
			for (size_t e = 0; e < COUNT(nearness); e++)
			{
				size_t		dims = dims_list[d];
				float	   *q = arena_new_array(arena, dims, float);
				float	   *x = arena_new_array(arena, dims, float);
				float	   *center = arena_new_array(arena, dims, float);
				Rotation   *rotation = rotation_create(arena, dims, d, &status);
				double		scale = norms[m] / sqrt((double) dims);

				fill_normal(&random, center, dims, scale);
				fill_normal(&random, q, dims, scale);
				for (size_t i = 0; i < dims; i++)
					x[i] = q[i] + (float) (nearness[e] * scale * random_normal(&random));
				check_all_metrics(rotation, NULL, q, x);
				check_all_metrics(rotation, center, q, x);
				/* opposite, and scaled: the ends of cosine */
				for (size_t i = 0; i < dims; i++)
					x[i] = -x[i];
				check_all_metrics(rotation, center, q, x);
				for (size_t i = 0; i < dims; i++)
					x[i] = 3 * q[i];
				check_all_metrics(rotation, NULL, q, x);
				/* a vector far from all others, and none at all */
				fill_normal(&random, x, dims, 1);
				check_all_metrics(rotation, center, q, x);
				memset(x, 0, dims * sizeof(float));
				check_all_metrics(rotation, center, q, x);
				check_all_metrics(rotation, NULL, x, q);
				check_all_metrics(rotation, NULL, x, x);
				arena_reset(arena);
			}
}

/* ---- centers ---- */

/* Is there a center of n vectors, of which every so many-th is beyond all reason? */
static bool
has_center(SpaceMetric metric, size_t n, double offset, size_t broken,
		   float *center)
{
	enum
	{
		DIMS = 64
	};
	float	   *sample = arena_new_array(arena, n * DIMS, float);
	float	   *column = arena_new_array(arena, n, float);
	Random		random;

	random_init(&random, 6, 0);
	fill_normal(&random, sample, n * DIMS, 1);
	for (size_t i = 0; i < n * DIMS; i++)
		sample[i] = broken > 0 && i / DIMS % broken == 0 ? 1e30f :
			sample[i] + (float) offset;
	return space_find_center(metric, sample, n, DIMS, column, center);
}

static void
test_center(void)
{
	float		center[64];
	double		radii[2];

	CHECK(has_center(SPACE_L2, 500, 100, 0, center));
	for (int i = 0; i < 64; i++)
		CHECK_NEAR(center[i], 100, 0.2);
	CHECK(has_center(SPACE_COSINE, 500, 100, 0, center));
	CHECK_NEAR(kernel_norm(center, 64), 1, 0.01);
	CHECK(!has_center(SPACE_L2, 500, 0, 0, center));
	CHECK(!has_center(SPACE_COSINE, 500, 0, 0, center));
	CHECK(!has_center(SPACE_INNER_PRODUCT, 500, 100, 0, center));
	CHECK(!has_center(SPACE_L2, 15, 100, 0, center));
	/* one vector in 20 does not carry it off, one in 5 leaves none */
	CHECK(has_center(SPACE_L2, 500, 100, 20, center));
	CHECK_NEAR(center[7], 100, 0.3);
	CHECK(!has_center(SPACE_L2, 500, 0, 5, center));

	/* what storing hides of a vector shrinks with its length */
	has_center(SPACE_L2, 500, 100, 0, center);
	for (int centered = 0; centered <= 1; centered++)
	{
		Rotation   *rotation = rotation_create(arena, 64, 1, &status);
		char		stored[sizeof(StoredHead) + 64];
		float		x[64];
		float		mapped[64];
		Random		random;
		Space		space;

		random_init(&random, 7, 0);
		fill_normal(&random, x, 64, 1);
		for (int i = 0; i < 64; i++)
			x[i] += 100;
		space_init(&space, SPACE_L2, rotation, centered ? center : NULL);
		stored_encode(STORED_INT8, mapped, 64, space_map(&space, x, mapped),
					  stored);
		radii[centered] = stored_head(stored).radius;
	}
	CHECK(radii[1] * 20 < radii[0]);
	arena_reset(arena);
}

/* The most dimensions, one large element, floats at their ends */
static void
test_bounds_of_hard_vectors(void)
{
	size_t		dims = ROTATION_MAX_DIMS;
	Random		random;
	Rotation   *rotation = rotation_create(arena, dims, 1, &status);
	float	   *q = arena_new_array(arena, dims, float);
	float	   *x = arena_new_array(arena, dims, float);
	float		low = -3e38f;
	float		high = 3e38f;

	random_init(&random, 4, 0);
	fill_normal(&random, q, dims, 1);
	fill_normal(&random, x, dims, 1);
	check_all_metrics(rotation, NULL, q, x);
	memcpy(x, q, dims * sizeof(float));
	check_all_metrics(rotation, NULL, q, x);
	x[7] = 1e6f;
	check_all_metrics(rotation, NULL, q, x);
	check_all_metrics(rotation, x, q, x);
	for (size_t i = 0; i < dims; i++)
		x[i] = i % 2 == 0 ? 3.4e38f : -3.4e38f;
	check_all_metrics(rotation, NULL, q, x);
	check_all_metrics(rotation, NULL, x, q);
	check_all_metrics(rotation, q, x, x);
	/* sums whose roundings all go one way */
	for (size_t i = 0; i < dims; i++)
	{
		x[i] = 0.1f;
		q[i] = 0.7f;
	}
	check_all_metrics(rotation, NULL, q, x);
	check_all_metrics(rotation, NULL, q, q);
	for (size_t i = 0; i < dims; i++)
		x[i] = 1e-45f;
	check_all_metrics(rotation, NULL, x, x);
	check_all_metrics(rotation, NULL, q, x);
	arena_reset(arena);

	/* differences beyond the floats, which the operator computes in double */
	rotation = rotation_create(arena, 1, 1, &status);
	check_all_metrics(rotation, NULL, &low, &high);
	arena_reset(arena);
}

/*
 * How tight: the mean gap between operator and bound, as part of a typical
 * distance between neighbors (0.5 of the norm).
 */
static void
test_bounds_are_tight(void)
{
	static const double limits[3][3] = {
		/* int8, half, float */
		{0.02, 6e-4, 3e-5},		/* L2 */
		{0.035, 1.1e-3, 1.6e-4},	/* cosine distance */
		{0.012, 3e-4, 3e-5}		/* inner product, as part of |q| |x| */
	};
	size_t		dims = 784;
	Random		random;
	Rotation   *rotation = rotation_create(arena, dims, 1, &status);

	random_init(&random, 5, 0);
	for (int metric = SPACE_L2; metric <= SPACE_INNER_PRODUCT; metric++)
		for (size_t k = 0; k < COUNT(kinds); k++)
		{
			Tightness	tightness = {0};
			Space		space;
			double		norm = sqrt((double) dims);
			double		typical = metric == SPACE_L2 ? norm / 2 :
			metric == SPACE_COSINE ? 0.125 : norm * norm;
			double		mean;

			space_init(&space, (SpaceMetric) metric, rotation, NULL);
			for (int trial = 0; trial < 20; trial++)
			{
				float	   *q = arena_new_array(arena, dims, float);
				float	   *x = arena_new_array(arena, dims, float);

				fill_normal(&random, q, dims, 1);
				for (size_t i = 0; i < dims; i++)
					x[i] = q[i] + (float) (0.5 * random_normal(&random));
				check_pair(&space, kinds[k], q, x, &tightness);
			}
			mean = tightness.gap / tightness.n / typical;
			CHECK(mean <= limits[metric][k]);
			printf("# metric %d, kind %d: mean gap %.2g of a typical distance, worst %.2g\n",
				   metric, (int) kinds[k], mean, tightness.worst / typical);
		}
	arena_reset(arena);
}

/* ---- distances ---- */

static void
test_distances(void)
{
	size_t		dims = 100;
	Random		random;
	Rotation   *rotation = rotation_create(arena, dims, 1, &status);
	Space		space;
	StoredQuery *query;
	float		q[100];
	float		x[100];
	float		mapped[100];
	uint32_t	a[125];
	uint32_t	b[125];

	random_init(&random, 6, 0);
	for (double scale = 1e-19; scale < 1e20; scale *= 1e19)
		for (size_t k = 0; k < COUNT(kinds); k++)
		{
			double		true_distance = 0;
			double		tolerance = kinds[k] == STORED_INT8 ? 0.02 : 1e-3;

			fill_normal(&random, q, dims, scale / 10);
			fill_normal(&random, x, dims, scale / 10);
			for (size_t i = 0; i < dims; i++)
				true_distance += pow((double) q[i] - x[i], 2);
			true_distance = sqrt(true_distance);
			space_init(&space, SPACE_L2, rotation, NULL);
			query = stored_query_create(arena, &space);
			stored_query_set(query, q);
			stored_encode(kinds[k], mapped, dims, space_map(&space, x, mapped),
						  a);
			stored_encode(kinds[k], mapped, dims, space_map(&space, q, mapped),
						  b);
			CHECK_NEAR(stored_distance(query, kinds[k], a) / true_distance, 1,
					   tolerance);
			CHECK_NEAR(stored_between(kinds[k], a, b, dims) / true_distance, 1,
					   tolerance);
			CHECK(stored_between(kinds[k], a, a, dims) <= 2e-3 * scale);
			/* difference is what codes need: query minus decoded */
			stored_decode(kinds[k], a, dims, mapped);
			CHECK_NEAR((query->x[3] - mapped[3]) / scale,
					   query->difference[3] / scale, 1e-5);

			space_init(&space, SPACE_INNER_PRODUCT, rotation, q);
			stored_query_set(query, q);
			stored_encode(kinds[k], mapped, dims, space_map(&space, x, mapped),
						  a);
			CHECK_NEAR(stored_distance(query, kinds[k], a) / scale / scale,
					   -(double) kernel->inner_product(q, x,
													   dims) / scale / scale,
					   0.05);
		}
	arena_reset(arena);
}

static void
test_out_of_memory(void)
{
	Rotation   *rotation = rotation_create(arena, 10, 1, &status);
	Space		space;

	space_init(&space, SPACE_L2, rotation, NULL);
	for (size_t n = 1; n <= 3; n++)
	{
		arena_fail_at(arena, n);
		CHECK(stored_query_create(arena, &space) == NULL);
	}
	arena_fail_at(arena, 0);
	arena_reset(arena);
}

int
main(void)
{
	kernel_init();
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_kernels_agree);
	RUN(test_largest_integers);
	RUN(test_round_trip);
	RUN(test_halves);
	RUN(test_untrusted_heads);
	RUN(test_center);
	RUN(test_bounds_hold);
	RUN(test_bounds_of_hard_vectors);
	RUN(test_bounds_are_tight);
	RUN(test_distances);
	RUN(test_out_of_memory);
	arena_destroy(arena);
	return unit_done();
}
