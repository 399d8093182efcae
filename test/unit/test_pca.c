/*
 * test_pca.c
 *	  Principal components of data whose components are known.
 */
#include "base/random.h"
#include "kernel/gemm.h"
#include "projection/pca.h"
#include "unit.h"

static Arena *arena;
static Status status;

/*
 * Points whose covariance matrix is known exactly: for each of the axes, which
 * are turned by a reflection, one point at +a and one at -a.  The variance
 * along axis j is 2 a[j]^2 / (n - 1).
 */
static float *
points_on_axes(size_t dims, const double *a, double offset, double *normal)
{
	float	   *x = arena_new_array(arena, 2 * dims * dims, float);
	double		length = 0;
	Random		random;

	random_init(&random, 5, 0);
	for (size_t j = 0; j < dims; j++)
	{
		normal[j] = random_normal(&random);
		length += normal[j] * normal[j];
	}
	for (size_t j = 0; j < dims; j++)
		normal[j] /= sqrt(length);
	/* axis j becomes e_j - 2 normal[j] normal */
	for (size_t j = 0; j < dims; j++)
		for (size_t l = 0; l < dims; l++)
		{
			double		e = (l == j) - 2 * normal[j] * normal[l];

			x[2 * j * dims + l] = (float) (offset + a[j] * e);
			x[(2 * j + 1) * dims + l] = (float) (offset - a[j] * e);
		}
	return x;
}

static void
check_axes(size_t dims, double scale, double offset, double tolerance)
{
	double	   *a = arena_new_array(arena, dims, double);
	double	   *normal = arena_new_array(arena, dims, double);
	size_t		n = 2 * dims;
	float	   *x;
	Pca			pca;

	for (size_t j = 0; j < dims; j++)
		a[j] = scale / (double) (1 + j);
	x = points_on_axes(dims, a, offset, normal);
	CHECK(pca_fit(arena, NULL, x, n, dims, 3, &pca, &status));
	for (int j = 0; j < 3; j++)
	{
		const double *d = pca.directions + (size_t) j * dims;
		double		product = 0;
		size_t		largest = 0;

		CHECK_NEAR(pca.variances[j] / (2 * a[j] * a[j] / (double) (n - 1)), 1,
				   tolerance);
		for (size_t l = 0; l < dims; l++)
		{
			product += d[l] * ((l == (size_t) j) - 2 * normal[j] * normal[l]);
			largest = fabs(d[l]) > fabs(d[largest]) ? l : largest;
		}
		CHECK_NEAR(fabs(product), 1, tolerance);
		CHECK(d[largest] > 0);
	}
	for (size_t l = 0; l < dims; l++)
		CHECK_NEAR(pca.mean[l] / scale, offset / scale, tolerance);
	arena_reset(arena);
}

static void
test_known_matrix(void)
{
	check_axes(3, 1, 0, 1e-5);
	check_axes(10, 1, 0, 1e-5);
	check_axes(65, 1, 0, 1e-5);
	check_axes(200, 1, 0, 1e-5);
}

/* Without the matrix in memory */
static void
test_many_dimensions(void)
{
	check_axes(PCA_COVARIANCE_DIMS + 1, 1, 0, 1e-4);
}

/* Squares beyond float, and a mean that swallows digits of sums */
static void
test_scales(void)
{
	check_axes(20, 1e30, 0, 1e-5);
	check_axes(20, 1e-30, 0, 1e-5);
	check_axes(20, 1, 1000, 1e-3);
}

/* Distances of points along all components are those of the points. */
static void
test_projection_keeps_distances(void)
{
	enum
	{
		N = 300, DIMS = 6
	};
	float	   *x = arena_new_array(arena, N * DIMS, float);
	float	   *y = arena_new_array(arena, N * DIMS, float);
	Random		random;
	Pca			pca;
	double		sum = 0;

	random_init(&random, 3, 0);
	for (int i = 0; i < N * DIMS; i++)
		x[i] = (float) (random_normal(&random) * (1 + i % DIMS));
	CHECK(pca_fit(arena, NULL, x, N, DIMS, DIMS, &pca, &status));
	pca_project(&pca, NULL, x, N, y);
	for (int i = 1; i < N; i++)
	{
		double		before = 0;
		double		after = 0;

		for (int j = 0; j < DIMS; j++)
		{
			before += pow(x[i * DIMS + j] - x[j], 2);
			after += pow(y[i * DIMS + j] - y[j], 2);
		}
		CHECK_NEAR(after / before, 1, 1e-4);
	}
	for (int j = 0; j < DIMS; j++)
		sum += pca.variances[j];
	CHECK_NEAR(sum / pca.variance, 1, 1e-4);
	arena_reset(arena);
}

/* The same bits whatever the number of threads */
static void
check_threads(size_t dims)
{
	enum
	{
		N = 3000
	};
	float	   *x = arena_new_array(arena, N * dims, float);
	Random		random;
	Pca			pca[4];

	random_init(&random, 4, 0);
	for (size_t i = 0; i < N * dims; i++)
		x[i] = (float) (random_normal(&random) / (double) (1 + i % dims));
	for (int threads = 1; threads < 4; threads++)
	{
		ThreadPool *pool = pool_create(threads, &status);

		CHECK(pca_fit(arena, pool, x, N, dims, 2, &pca[threads], &status));
		CHECK(memcmp(pca[threads].directions, pca[1].directions,
					 2 * dims * sizeof(double)) == 0);
		CHECK(memcmp(pca[threads].variances, pca[1].variances,
					 2 * sizeof(double)) == 0);
		pool_destroy(pool);
	}
	arena_reset(arena);
}

static void
test_threads(void)
{
	check_threads(100);
	check_threads(PCA_COVARIANCE_DIMS + 30);
}

/* Points that do not vary, or of one dimension, and too many components */
static void
test_degenerate(void)
{
	const float same[] = {2, 3, 2, 3, 2, 3};
	const float line[] = {1, 2, 3, 6};
	float		y[6];
	Pca			pca;

	CHECK(pca_fit(arena, NULL, same, 3, 2, 2, &pca, &status));
	CHECK(pca.variances[0] == 0 && pca.variances[1] == 0 && pca.variance == 0);
	pca_project(&pca, NULL, same, 3, y);
	for (int i = 0; i < 6; i++)
		CHECK(y[i] == 0);
	CHECK(pca_fit(arena, NULL, line, 4, 1, 1, &pca, &status));
	CHECK(pca.directions[0] == 1);
	CHECK_NEAR(pca.variances[0], 14.0 / 3, 1e-6);
	CHECK(pca_fit(arena, NULL, line, 1, 4, 2, &pca, &status));
	CHECK(pca.variances[0] == 0);
	CHECK(!pca_fit(arena, NULL, line, 2, 2, 3, &pca, &status));
	CHECK(status.code == STATUS_INVALID_VALUE);
	arena_reset(arena);
}

static void
test_memory(void)
{
	static const size_t sizes[] = {2, 64, 500, PCA_COVARIANCE_DIMS + 1};
	bool		fitted = false;
	float		x[100] = {0};
	Pca			pca;

	for (int i = 0; i < 4; i++)
	{
		size_t		dims = sizes[i];
		float	   *points = calloc(4 * dims, sizeof(float));
		Arena	   *bounded = arena_create(&arena_malloc_source,
										   pca_bytes(dims, 2, 1));

		CHECK(pca_fit(bounded, NULL, points, 4, dims, 2, &pca, &status));
		arena_destroy(bounded);
		free(points);
	}
	for (size_t i = 1; i < 100 && !fitted; i++)
	{
		arena_fail_at(arena, i);
		fitted = pca_fit(arena, NULL, x, 10, 10, 2, &pca, &status);
		CHECK(fitted || status.code == STATUS_OUT_OF_MEMORY);
	}
	CHECK(fitted);
	arena_fail_at(arena, 0);
}

int
main(void)
{
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_known_matrix);
	RUN(test_many_dimensions);
	RUN(test_scales);
	RUN(test_projection_keeps_distances);
	RUN(test_threads);
	RUN(test_degenerate);
	RUN(test_memory);
	arena_destroy(arena);
	return unit_done();
}
