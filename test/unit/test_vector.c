/*
 * test_vector.c
 *	  Whole-vector arithmetic and matrix products.
 */
#include <dirent.h>
#include <float.h>
#include <pthread.h>
#include <signal.h>

#include "base/random.h"
#include "kernel/gemm.h"
#include "kernel/vector.h"
#include "unit.h"

static void
test_norm_and_normalize(void)
{
	float		x[4] = {3, 4, 0, 0};
	float		out[4];
	float		zero[2] = {0, -0.0f};
	float		huge[2] = {FLT_MAX, FLT_MAX};
	float		tiny[2] = {1e-45f, 0};

	CHECK(kernel_norm(x, 4) == 5);
	CHECK(kernel_norm(x, 0) == 0);
	CHECK_NEAR(kernel_norm(huge, 2) / FLT_MAX, sqrt(2), 1e-12);
	CHECK(kernel_normalize(x, 4, out));
	CHECK_NEAR(out[0], 0.6, 1e-7);
	CHECK_NEAR(out[1], 0.8, 1e-7);
	CHECK(kernel_normalize(x, 4, x));
	CHECK_NEAR(kernel_norm(x, 4), 1, 1e-7);
	CHECK(!kernel_normalize(zero, 2, out) && out[0] == 0 && out[1] == 0);
	CHECK(kernel_normalize(huge, 2, out));
	CHECK_NEAR(out[0], sqrt(0.5), 1e-7);
	CHECK(kernel_normalize(tiny, 2, out) && out[0] == 1 && out[1] == 0);
}

static void
test_snr(void)
{
	float		q[3] = {1, 2, 3};
	float		zero[3] = {0, 0, 0};
	float		k[3] = {2, 2, 5};
	float		flat[3] = {7, 7, 7};

	CHECK_NEAR(kernel_snr_distance(q, zero, 3), 1, 1e-12);
	CHECK_NEAR(kernel_snr_distance(q, q, 3), 0, 1e-12);
	/* q - k = -1, 0, -2: variance 2/3, that of q 2/3; of k 2 */
	CHECK_NEAR(kernel_snr_distance(q, k, 3), 1, 1e-12);
	CHECK_NEAR(kernel_snr_distance(k, q, 3), 1.0 / 3, 1e-12);
	CHECK(isnan(kernel_snr_distance(flat, flat, 3)));
	CHECK(isinf(kernel_snr_distance(flat, q, 3)));
}

static void
test_elementwise(void)
{
	float		a[3] = {1, -2, 3};
	float		b[3] = {4, 5, -6};
	float		out[3];

	kernel_add(a, b, 3, out);
	CHECK(out[0] == 5 && out[1] == 3 && out[2] == -3);
	kernel_subtract(a, b, 3, out);
	CHECK(out[0] == -3 && out[1] == -7 && out[2] == 9);
	kernel_multiply(a, b, 3, out);
	CHECK(out[0] == 4 && out[1] == -10 && out[2] == -18);
	kernel_add(a, b, 3, a);
	CHECK(a[0] == 5 && a[1] == 3 && a[2] == -3);
}

static void
test_compare(void)
{
	float		a[2] = {1, 2};
	float		b[2] = {1, 3};
	float		zero[1] = {0};
	float		minus_zero[1] = {-0.0f};

	CHECK(kernel_compare(a, 2, a, 2) == 0);
	CHECK(kernel_compare(a, 2, b, 2) == -1);
	CHECK(kernel_compare(b, 2, a, 2) == 1);
	CHECK(kernel_compare(a, 1, b, 1) == 0);
	CHECK(kernel_compare(a, 1, a, 2) == -1);
	CHECK(kernel_compare(b, 2, b, 1) == 1);
	CHECK(kernel_compare(b, 2, a, 1) == 1);
	CHECK(kernel_compare(zero, 1, minus_zero, 1) == 0);
}

#define MAX_SIDE 40

/* op(stored)[i][j] */
static double
at(const double *stored, int stride, bool transposed, int i, int j)
{
	return transposed ? stored[j * stride + i] : stored[i * stride + j];
}

static void
check_gemm(bool ta, bool tb, int m, int n, int k, double alpha, double beta)
{
	static double a[MAX_SIDE * MAX_SIDE];
	static double b[MAX_SIDE * MAX_SIDE];
	static double c[MAX_SIDE * MAX_SIDE];
	static float fa[MAX_SIDE * MAX_SIDE];
	static float fb[MAX_SIDE * MAX_SIDE];
	static float fc[MAX_SIDE * MAX_SIDE];
	static double expected[MAX_SIDE * MAX_SIDE];
	Random		random;

	random_init(&random, 1, 0);
	for (int i = 0; i < MAX_SIDE * MAX_SIDE; i++)
	{
		fa[i] = (float) (a[i] = (float) random_normal(&random));
		fb[i] = (float) (b[i] = (float) random_normal(&random));
		fc[i] = (float) (c[i] = (float) random_normal(&random));
		expected[i] = c[i];
	}
	for (int i = 0; i < m; i++)
	{
		for (int j = 0; j < n; j++)
		{
			double		sum = 0;

			for (int l = 0; l < k; l++)
				sum += at(a, MAX_SIDE, ta, i, l) * at(b, MAX_SIDE, tb, l, j);
			expected[i * MAX_SIDE + j] =
				alpha * sum + beta * c[i * MAX_SIDE + j];
		}
	}
	gemm_f64(ta, tb, m, n, k, alpha, a, MAX_SIDE, b, MAX_SIDE, beta, c,
			 MAX_SIDE);
	gemm_f32(ta, tb, m, n, k, (float) alpha, fa, MAX_SIDE, fb, MAX_SIDE,
			 (float) beta, fc, MAX_SIDE);
	for (int i = 0; i < MAX_SIDE * MAX_SIDE; i++)
	{
		CHECK_NEAR(c[i], expected[i], 1e-12);
		CHECK_NEAR(fc[i], expected[i], 2e-5);
	}
}

static void
test_gemm(void)
{
	static const int sides[][3] = {{1, 1, 1}, {3, 5, 7}, {20, 33, 2}, {40, 40, 40}, {1, 40, 9}, {17, 1, 40}};

	for (int s = 0; s < 6; s++)
	{
		for (int t = 0; t < 4; t++)
		{
			check_gemm(t & 1, t >> 1, sides[s][0], sides[s][1], sides[s][2], 1,
					   0);
			check_gemm(t & 1, t >> 1, sides[s][0], sides[s][1], sides[s][2],
					   -0.5, 1);
		}
	}
}

/* Loading leaves no thread, no signal blocked, and the environment as it was. */
static void
test_loading_is_quiet(void)
{
	Status		status;
	sigset_t	mask;
	DIR		   *tasks;
	int			threads = 0;

	setenv("OPENBLAS_NUM_THREADS", "7", 1);
	CHECK(gemm_name() == NULL);
	CHECK(gemm_load(&status));
	CHECK(gemm_name() != NULL && strstr(gemm_name(), "OpenBLAS") != NULL);
	CHECK_TEXT(getenv("OPENBLAS_NUM_THREADS"), "7");
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	CHECK(sigismember(&mask, SIGINT) == 0);
	check_gemm(false, false, 40, 40, 40, 1, 0);
	tasks = opendir("/proc/self/task");
	while (tasks != NULL && readdir(tasks) != NULL)
		threads++;
	if (tasks != NULL)
		closedir(tasks);
	CHECK(tasks == NULL || threads == 2 + 1);
	CHECK(gemm_load(&status));
}

int
main(void)
{
	RUN(test_loading_is_quiet);
	RUN(test_norm_and_normalize);
	RUN(test_snr);
	RUN(test_elementwise);
	RUN(test_compare);
	RUN(test_gemm);
	return unit_done();
}
