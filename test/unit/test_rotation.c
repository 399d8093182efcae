/*
 * test_rotation.c
 *	  The random rotation and the maps into an index's space.
 */
#include "base/random.h"
#include "kernel/code_kernels.h"
#include "kernel/distance.h"
#include "kernel/space.h"
#include "kernel/vector.h"
#include "unit.h"

static const size_t all_dims[] = {
	1, 2, 3, 5, 7, 8, 9, 16, 17, 31, 63, 64, 65, 96, 100, 127, 128, 192, 384,
	784, 1000, 1536, 2049, 16383, 16384
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define EXPECTED_HASH UINT64_C(0xb59c2eeb6b02034a)

static Arena *arena;
static Status status;

static Rotation *
rotation_of(size_t dims, uint64_t seed)
{
	Rotation   *rotation = rotation_create(arena, dims, seed, &status);

	CHECK(rotation != NULL);
	return rotation;
}

static float *
normal_vector(Random *random, size_t n)
{
	float	   *x = arena_new_array(arena, n, float);

	for (size_t i = 0; i < n; i++)
		x[i] = (float) random_normal(random);
	return x;
}

static float *
copy_of(const float *x, size_t n)
{
	float	   *y = arena_new_array(arena, n, float);

	memcpy(y, x, n * sizeof(float));
	return y;
}

static void
mix(double *x, double *y)
{
	double		a = *x;
	double		b = *y;

	*x = (a + b) * M_SQRT1_2;
	*y = (a - b) * M_SQRT1_2;
}

/* The same steps in double, with exact factors: the transform meant. */
static void
rotate_exactly(const Rotation *r, const float *x, double *y)
{
	size_t		dims = r->dims;

	for (size_t i = 0; i < dims; i++)
		y[i] = x[i];
	for (int round = 0; round < ROTATION_ROUNDS; round++)
	{
		size_t		first = round % 2 == 0 ? 0 : dims - r->block;

		for (size_t i = 0; round == 2 && r->block < dims && i < dims / 2; i++)
			mix(&y[i], &y[i + dims / 2]);
		for (size_t i = 0; i < dims; i++)
			y[i] *= r->factors[round][i] < 0 ? -1 : 1;
		for (size_t s = 1; s < r->block; s *= 2)
			for (size_t i = first; i < first + r->block; i++)
				if (((i - first) & s) == 0)
					mix(&y[i], &y[i + s]);
	}
}

static void
test_error_is_bounded(void)
{
	Random		random;

	random_init(&random, 1, 0);
	for (size_t d = 0; d < COUNT(all_dims); d++)
	{
		size_t		dims = all_dims[d];

		for (double scale = 1e-19; scale < 1e20; scale *= 1e19)
		{
			Rotation   *r = rotation_of(dims, d);
			float	   *x = normal_vector(&random, dims);
			double	   *exact = arena_new_array(arena, dims, double);
			double		error = 0;
			double		norm = 0;

			for (size_t i = 0; i < dims; i++)
				x[i] *= (float) scale;
			rotate_exactly(r, x, exact);
			norm = kernel_norm(x, dims);
			rotation_apply(r, x);
			for (size_t i = 0; i < dims; i++)
				error += (x[i] - exact[i]) * (x[i] - exact[i]);
			CHECK(sqrt(error) <= rotation_error(r, norm));
			CHECK_NEAR(kernel_norm(x, dims) / norm, 1, r->relative_error);
			arena_reset(arena);
		}
	}
}

static void
test_bits_are_equal_everywhere(void)
{
	Random		random;
	uint64_t	hash = 0;

	random_init(&random, 2, 0);
	for (size_t d = 0; d < COUNT(all_dims); d++)
	{
		size_t		dims = all_dims[d];
		Rotation   *r = rotation_of(dims, 42);
		float	   *x = arena_new_array(arena, dims + 1, float);
		float	   *first = NULL;

		for (size_t i = 0; i < dims; i++)
			x[i] = (float) ((double) random_below(&random, 2000) - 1000) / 7;
		for (const CodeKernels *const *t = code_kernels_tables(); *t != NULL;
			 t++)
		{
			float	   *y = copy_of(x, dims);
			float	   *unaligned = arena_new_array(arena, dims + 1, float);

			code_kernels_use(*t);
			rotation_apply(r, y);
			memcpy(unaligned + 1, x, dims * sizeof(float));
			rotation_apply(r, unaligned + 1);
			if (first == NULL)
				first = y;
			CHECK(memcmp(first, y, dims * sizeof(float)) == 0);
			CHECK(memcmp(first, unaligned + 1, dims * sizeof(float)) == 0);
		}
		kernel_init();
		hash = random_hash(first, dims * sizeof(float), hash);
		arena_reset(arena);
	}
	/* The numbers of every machine, whatever its compiler. */
	CHECK(hash == EXPECTED_HASH);
	if (hash != EXPECTED_HASH)
		printf("# hash is 0x%016llx\n", (unsigned long long) hash);
}

static void
test_angles_are_kept(void)
{
	Random		random;

	random_init(&random, 3, 0);
	for (size_t d = 0; d < COUNT(all_dims); d++)
	{
		size_t		dims = all_dims[d];
		Rotation   *r = rotation_of(dims, 5);
		float	   *x = normal_vector(&random, dims);
		float	   *y = normal_vector(&random, dims);
		double		before = 0;
		double		after = 0;

		for (size_t i = 0; i < dims; i++)
			before += (double) x[i] * y[i];
		rotation_apply(r, x);
		rotation_apply(r, y);
		for (size_t i = 0; i < dims; i++)
			after += (double) x[i] * y[i];
		CHECK(fabs(after - before) <= 4 * r->relative_error * kernel_norm(x,
																		  dims) * kernel_norm(y, dims));
		arena_reset(arena);
	}
}

/*
 * The hardest input is a coordinate axis.  Spread evenly, its coordinates have
 * the fourth moment of a normal variable, 3 / dims^2, and the first half of
 * them holds half of the square.
 */
static void
test_axes_are_spread(void)
{
	static const size_t dims_list[] = {64, 96, 100, 127, 384, 784, 1000, 1536};

	for (size_t d = 0; d < COUNT(dims_list); d++)
	{
		size_t		dims = dims_list[d];
		double		fourth = 0;
		double		half = 0;
		double		largest = 0;
		int			trials = 200;

		for (int trial = 0; trial < trials; trial++)
		{
			Rotation   *r = rotation_of(dims, (uint64_t) trial);
			float	   *x = arena_alloc_zero(arena, dims * sizeof(float));

			x[(size_t) trial * 37 % dims] = 1;
			rotation_apply(r, x);
			for (size_t i = 0; i < dims; i++)
			{
				double		square = (double) x[i] * x[i] * (double) dims;

				fourth += square * square / (double) dims;
				half += i < dims / 2 ? square : 0;
				largest = fmax(largest, square);
			}
			arena_reset(arena);
		}
		CHECK_NEAR(fourth / trials, 3, 0.15);
		CHECK_NEAR(half / trials / (double) (dims / 2), 1, 0.05);
		CHECK(largest < 36);
	}
}

static void
test_seed_and_limits(void)
{
	Rotation   *a = rotation_of(100, 1);
	Rotation   *b = rotation_of(100, 2);
	float		x[100] = {1};
	float		y[100] = {1};

	rotation_apply(a, x);
	rotation_apply(b, y);
	CHECK(memcmp(x, y, sizeof(x)) != 0);

	CHECK(rotation_create(arena, 0, 1, &status) == NULL);
	CHECK(status.code == STATUS_INVALID_VALUE);
	CHECK(rotation_create(arena, ROTATION_MAX_DIMS + 1, 1, &status) == NULL);
	CHECK(status.code == STATUS_INVALID_VALUE);
	for (size_t n = 1; n <= 5; n++)
	{
		arena_fail_at(arena, n);
		CHECK(rotation_create(arena, 10, 1, &status) == NULL);
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
	}
	arena_fail_at(arena, 0);
	arena_reset(arena);
}

static void
test_space(void)
{
	size_t		dims = 100;
	Random		random;
	Rotation   *r = rotation_of(dims, 9);
	float	   *center;
	float	   *x;
	float	   *q;
	float	   *mapped = arena_new_array(arena, dims, float);
	float	   *mapped_q = arena_new_array(arena, dims, float);
	float	   *zero = arena_alloc_zero(arena, dims * sizeof(float));
	Space		space;
	double		distance = 0;

	random_init(&random, 4, 0);
	center = normal_vector(&random, dims);
	x = normal_vector(&random, dims);
	q = normal_vector(&random, dims);

	/* cosine distance is half the squared distance in the space */
	space_init(&space, SPACE_COSINE, r, center);
	CHECK(space_map(&space, x, mapped) < 1e-4);
	CHECK(space_map_query(&space, q, mapped_q) < 1e-4);
	for (size_t i = 0; i < dims; i++)
		distance += pow((double) mapped[i] - mapped_q[i], 2);
	CHECK_NEAR(distance / 2, kernel_cosine_distance(x, q, dims), 1e-5);
	CHECK(isnan(space_map(&space, zero, mapped)));

	/* <q, x> = <R q, R (x - center)> + <q, center> */
	space_init(&space, SPACE_INNER_PRODUCT, r, center);
	space_map(&space, x, mapped);
	space_map_query(&space, q, mapped_q);
	CHECK_NEAR(kernel->inner_product(mapped, mapped_q,
									 dims) + kernel->inner_product(q, center,
																   dims),
			   kernel->inner_product(q, x, dims), 1e-4);

	/* overflow is told */
	for (size_t i = 0; i < dims; i++)
		x[i] = 3e38f;
	space_init(&space, SPACE_L2, r, NULL);
	CHECK(space_map(&space, x, mapped) == INFINITY);
	CHECK(space_map(&space, zero, mapped) < 1e-30);
	arena_reset(arena);
}

int
main(void)
{
	kernel_init();
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_error_is_bounded);
	RUN(test_bits_are_equal_everywhere);
	RUN(test_angles_are_kept);
	RUN(test_axes_are_spread);
	RUN(test_seed_and_limits);
	RUN(test_space);
	arena_destroy(arena);
	return unit_done();
}
