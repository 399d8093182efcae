/*
 * pca.c
 *	  Principal component analysis by subspace iteration.
 *
 * A block Q of a few vectors more than are asked for is multiplied by the
 * covariance matrix C and made orthonormal again, until those that are asked
 * for are eigenvectors; in each round the best vectors within the block are
 * found by a small eigenproblem (Rayleigh and Ritz; Halko, Martinsson and
 * Tropp, 2011, for the block's size and its beginning at random).
 *
 * Points are centered, and scaled by their largest number so that no square
 * leaves float's range, in blocks of rows B.  C = sum B' B is made once where
 * it is small; else C Q is sum B' (B Q) in each round, and nothing of the size
 * dims x dims is in memory.  Each block's product is in float, their sum in
 * double.  Products are cut into tiles in the same way for any number of
 * threads, so that bits do not depend on it.
 */
#include "projection/pca.h"

#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/random.h"
#include "base/size.h"
#include "kernel/gemm.h"

/* Vectors of the block beyond those that are asked for */
#define OVERSAMPLING 8

/* Points of a block; rows or columns of a tile */
#define BLOCK_POINTS 1024
#define TILE 64

/*
 * An eigenvector is found when |C q - lambda q| is so small a part of the
 * largest eigenvalue.  Directions that need more rounds are those of nearly
 * equal variance, among which any will do.
 */
#define TOLERANCE 1e-6
#define MAX_ROUNDS 300
#define MAX_ROUNDS_OF_POINTS 30

typedef struct Fit
{
	ThreadPool *pool;
	const float *x;
	size_t		n;
	size_t		dims;
	size_t		width;			/* vectors of the block */
	const double *mean;
	double		scale;
	double	   *covariance;		/* dims x dims, or NULL */
	double	   *q;				/* dims x width, orthonormal */
	double	   *cq;				/* C q */

	/* the points at work: so many, centered and scaled */
	size_t		first;
	size_t		points;
	float	   *centered;		/* BLOCK_POINTS x dims */
	float	   *float_q;		/* dims x width */
	float	   *along;			/* BLOCK_POINTS x width: centered q */
	float	   *tiles;			/* TILE x dims or width, one per thread */
	double	   *scratch;		/* width x dims */
} Fit;

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int
tiles_of(size_t n)
{
	return (int) ((n + TILE - 1) / TILE);
}

/* ---- the points ---- */

/* Their mean, their largest distance from it in a dimension, their variance */
static void
measure_points(const float *x, size_t n, size_t dims, double *mean, double *largest,
			   double *variance)
{
	double		sum = 0;

	memset(mean, 0, dims * sizeof(double));
	for (size_t i = 0; i < n && !interrupt_pending_at(i); i++)
		for (size_t j = 0; j < dims; j++)
			mean[j] += x[i * dims + j];
	for (size_t j = 0; j < dims; j++)
		mean[j] /= (double) n;
	*largest = 0;
	for (size_t i = 0; i < n && !interrupt_pending_at(i); i++)
		for (size_t j = 0; j < dims; j++)
		{
			double		d = x[i * dims + j] - mean[j];

			*largest = fabs(d) > *largest ? fabs(d) : *largest;
			sum += d * d;
		}
	*variance = n > 1 ? sum / (double) (n - 1) : 0;
}

static void
center_tile(void *arg, int slice, int worker)
{
	const Fit  *fit = arg;
	size_t		end = smaller(((size_t) slice + 1) * TILE, fit->points);

	for (size_t i = (size_t) slice * TILE; i < end; i++)
	{
		const float *from = fit->x + (fit->first + i) * fit->dims;
		float	   *to = fit->centered + i * fit->dims;

		for (size_t j = 0; j < fit->dims; j++)
			to[j] = (float) ((from[j] - fit->mean[j]) * fit->scale);
	}
}

/* Work on the points in blocks, each centered, then cut into tiles. */
static void
run_blocks(Fit *fit, int ntiles, PoolTask task, PoolTask before)
{
	for (fit->first = 0; fit->first < fit->n && !interrupt_pending();
		 fit->first += fit->points)
	{
		fit->points = smaller(fit->n - fit->first, BLOCK_POINTS);
		pool_run(fit->pool, tiles_of(fit->points), center_tile, fit);
		if (before != NULL)
			pool_run(fit->pool, tiles_of(fit->points), before, fit);
		pool_run(fit->pool, ntiles, task, fit);
	}
}

/* ---- the covariance matrix ---- */

/* Add B' B to TILE rows of it, from the diagonal to the right. */
static void
add_rows_of_covariance(void *arg, int slice, int worker)
{
	const Fit  *fit = arg;
	size_t		first = (size_t) slice * TILE;
	size_t		rows = smaller(TILE, fit->dims - first);
	size_t		columns = fit->dims - first;
	float	   *tile = fit->tiles + (size_t) worker * TILE * fit->dims;

	gemm_f32(true, false, (int) rows, (int) columns, (int) fit->points, 1,
			 fit->centered + first, (int) fit->dims, fit->centered + first,
			 (int) fit->dims, 0, tile, (int) columns);
	for (size_t i = 0; i < rows; i++)
		for (size_t j = i; j < columns; j++)
			fit->covariance[(first + i) * fit->dims + first + j] +=
				tile[i * columns + j];
}

static void
make_covariance(Fit *fit)
{
	size_t		dims = fit->dims;

	memset(fit->covariance, 0, dims * dims * sizeof(double));
	run_blocks(fit, tiles_of(dims), add_rows_of_covariance, NULL);
	for (size_t i = 0; i < dims; i++)
		for (size_t j = 0; j < i; j++)
			fit->covariance[i * dims + j] = fit->covariance[j * dims + i];
}

/* ---- C q ---- */

static void
project_tile(void *arg, int slice, int worker)
{
	const Fit  *fit = arg;
	size_t		first = (size_t) slice * TILE;

	gemm_f32(false, false, (int) smaller(TILE, fit->points - first),
			 (int) fit->width, (int) fit->dims, 1,
			 fit->centered + first * fit->dims, (int) fit->dims, fit->float_q,
			 (int) fit->width, 0, fit->along + first * fit->width,
			 (int) fit->width);
}

static void
add_rows_of_product(void *arg, int slice, int worker)
{
	const Fit  *fit = arg;
	size_t		first = (size_t) slice * TILE;
	size_t		rows = smaller(TILE, fit->dims - first);
	float	   *tile = fit->tiles + (size_t) worker * TILE * fit->dims;

	gemm_f32(true, false, (int) rows, (int) fit->width, (int) fit->points, 1,
			 fit->centered + first, (int) fit->dims, fit->along,
			 (int) fit->width, 0, tile, (int) fit->width);
	for (size_t i = 0; i < rows * fit->width; i++)
		fit->cq[first * fit->width + i] += tile[i];
}

static void
multiply_rows(void *arg, int slice, int worker)
{
	const Fit  *fit = arg;
	size_t		first = (size_t) slice * TILE;

	gemm_f64(false, false, (int) smaller(TILE, fit->dims - first),
			 (int) fit->width, (int) fit->dims, 1,
			 fit->covariance + first * fit->dims, (int) fit->dims, fit->q,
			 (int) fit->width, 0, fit->cq + first * fit->width,
			 (int) fit->width);
}

static void
multiply_fit(Fit *fit)
{
	if (fit->covariance != NULL)
	{
		pool_run(fit->pool, tiles_of(fit->dims), multiply_rows, fit);
		return;
	}
	for (size_t i = 0; i < fit->dims * fit->width; i++)
	{
		fit->float_q[i] = (float) fit->q[i];
		fit->cq[i] = 0;
	}
	run_blocks(fit, tiles_of(fit->dims), add_rows_of_product, project_tile);
}

/* ---- small matrices ---- */

static double
column_product(const double *a, int i, const double *b, int j, size_t rows,
			   size_t width)
{
	double		sum = 0;

	for (size_t r = 0; r < rows; r++)
		sum += a[r * width + i] * b[r * width + j];
	return sum;
}

/* column j += factor * column i */
static void
add_column_multiple(double *a, int i, double factor, int j, size_t rows, size_t width)
{
	for (size_t r = 0; r < rows; r++)
		a[r * width + j] += factor * a[r * width + i];
}

static void
set_random_column(double *a, int j, size_t rows, size_t width, uint64_t round)
{
	for (size_t r = 0; r < rows; r++)
		a[r * width + j] = 2 *
			((double) (random_at(0, round, r * width + (size_t) j) >> 11) /
			 9007199254740992.0) - 1;
}

/*
 * Orthonormal columns of the same span: Gram and Schmidt, twice each, which is
 * enough (Giraud, Langou and Rozloznik, 2005).  What is left without length
 * begins anew at random.
 */
static void
orthonormalize(double *a, size_t rows, size_t width)
{
	for (int j = 0; j < (int) width; j++)
	{
		for (uint64_t round = 1; round < 8; round++)
		{
			double		before = sqrt(column_product(a, j, a, j, rows, width));
			double		norm;

			for (int twice = 0; twice < 2; twice++)
				for (int i = 0; i < j; i++)
					add_column_multiple(a, i, -column_product(a, i, a, j, rows, width),
										j, rows, width);
			norm = sqrt(column_product(a, j, a, j, rows, width));
			if (norm > 1e-12 * before && norm > 1e-150)
			{
				add_column_multiple(a, j, 1 / norm - 1, j, rows, width);
				break;
			}
			set_random_column(a, j, rows, width, round);
		}
	}
}

/* Turn rows and columns p and q of a, and columns of v, so that a[p][q] is 0. */
static void
rotate_pair(double *a, double *v, int n, int p, int q)
{
	double		theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
	double		t = copysign(1, theta) / (fabs(theta) + hypot(theta, 1));
	double		c = 1 / hypot(t, 1);
	double		s = t * c;

	for (int i = 0; i < n; i++)
	{
		double		x = a[i * n + p];
		double		y = a[i * n + q];

		a[i * n + p] = c * x - s * y;
		a[i * n + q] = s * x + c * y;
	}
	for (int i = 0; i < n; i++)
	{
		double		x = a[p * n + i];
		double		y = a[q * n + i];

		a[p * n + i] = c * x - s * y;
		a[q * n + i] = s * x + c * y;
		x = v[i * n + p];
		y = v[i * n + q];
		v[i * n + p] = c * x - s * y;
		v[i * n + q] = s * x + c * y;
	}
}

static void
swap_columns(double *a, int n, int i, int j)
{
	for (int r = 0; r < n; r++)
	{
		double		x = a[r * n + i];

		a[r * n + i] = a[r * n + j];
		a[r * n + j] = x;
	}
}

/*
 * Eigenvalues of a symmetric n x n matrix, descending, on its diagonal, and
 * eigenvectors in the columns of v: Jacobi's rotations (1846) in cyclic order.
 */
static void
solve_small(double *a, double *v, int n)
{
	for (int i = 0; i < n * n; i++)
		v[i] = i % (n + 1) == 0;
	for (int sweep = 0; sweep < 50; sweep++)
	{
		double		off = 0;
		double		diagonal = 0;

		for (int i = 0; i < n * n; i++)
			*(i % (n + 1) == 0 ? &diagonal : &off) += a[i] * a[i];
		if (!(off > 1e-30 * diagonal))
			break;
		for (int p = 0; p < n; p++)
			for (int q = p + 1; q < n; q++)
				if (a[p * n + q] != 0)
					rotate_pair(a, v, n, p, q);
	}
	for (int i = 0; i < n; i++)
		for (int j = i + 1; j < n; j++)
			if (a[j * n + j] > a[i * n + i])
			{
				double		x = a[i * n + i];

				a[i * n + i] = a[j * n + j];
				a[j * n + j] = x;
				swap_columns(v, n, i, j);
			}
}

/* ---- the iteration ---- */

/* a = a v, for a of dims x width */
static void
turn_columns(const Fit *fit, double *a, const double *v)
{
	int			width = (int) fit->width;

	gemm_f64(false, false, (int) fit->dims, width, width, 1, a, width, v, width,
			 0, fit->scratch, width);
	memcpy(a, fit->scratch, fit->dims * fit->width * sizeof(double));
}

/* Are the first columns of q eigenvectors, with these eigenvalues? */
static bool
are_found(const Fit *fit, const double *values, int components)
{
	for (int j = 0; j < components; j++)
	{
		double		sum = 0;

		for (size_t r = 0; r < fit->dims; r++)
		{
			double		d = fit->cq[r * fit->width + j] -
			values[j] * fit->q[r * fit->width + j];

			sum += d * d;
		}
		if (!(sqrt(sum) <= TOLERANCE * fabs(values[0])))
			return false;
	}
	return true;
}

/* The columns of q become the eigenvectors, values their eigenvalues. */
static void
iterate(Fit *fit, int components, double *small, double *values)
{
	int			width = (int) fit->width;
	double	   *v = small + width * width;
	int			rounds = fit->covariance != NULL ? MAX_ROUNDS :
	MAX_ROUNDS_OF_POINTS;

	for (int j = 0; j < width; j++)
		set_random_column(fit->q, j, fit->dims, fit->width, 0);
	orthonormalize(fit->q, fit->dims, fit->width);
	for (int round = 0; round < rounds && !interrupt_pending(); round++)
	{
		multiply_fit(fit);
		gemm_f64(true, false, width, width, (int) fit->dims, 1, fit->q, width,
				 fit->cq, width, 0, small, width);
		for (int i = 0; i < width; i++)
			for (int j = 0; j < i; j++)
				small[i * width + j] = small[j * width + i] =
					(small[i * width + j] + small[j * width + i]) / 2;
		solve_small(small, v, width);
		turn_columns(fit, fit->q, v);
		turn_columns(fit, fit->cq, v);
		for (int j = 0; j < width; j++)
			values[j] = small[j * width + j];
		if (round == rounds - 1 || are_found(fit, values, components))
			return;
		memcpy(fit->q, fit->cq, fit->dims * fit->width * sizeof(double));
		orthonormalize(fit->q, fit->dims, fit->width);
	}
}

static void
set_direction(const Fit *fit, int j, double *direction)
{
	size_t		largest = 0;
	double		sign;

	for (size_t i = 0; i < fit->dims; i++)
		if (fabs(fit->q[i * fit->width + j]) >
			fabs(fit->q[largest * fit->width + j]))
			largest = i;
	sign = fit->q[largest * fit->width + j] < 0 ? -1 : 1;
	for (size_t i = 0; i < fit->dims; i++)
		direction[i] = sign * fit->q[i * fit->width + j];
}

/* ---- memory ---- */

static size_t
block_width(size_t dims, int components)
{
	return smaller(dims, (size_t) components + OVERSAMPLING);
}

static bool
has_covariance(size_t dims)
{
	return dims <= PCA_COVARIANCE_DIMS;
}

/* dims is at most some 10,000, components a few: nothing overflows. */
static bool
allocate_fit(Arena *arena, Fit *fit, int nthreads)
{
	size_t		dims = fit->dims;
	size_t		width = fit->width;

	if (has_covariance(dims))
	{
		fit->covariance = arena_new_array(arena, dims * dims, double);
		if (fit->covariance == NULL)
			return false;
	}
	fit->q = arena_new_array(arena, dims * width, double);
	fit->cq = arena_new_array(arena, dims * width, double);
	fit->scratch = arena_new_array(arena, dims * width, double);
	fit->float_q = arena_new_array(arena, dims * width, float);
	fit->centered = arena_new_array(arena, BLOCK_POINTS * dims, float);
	fit->along = arena_new_array(arena, BLOCK_POINTS * width, float);
	fit->tiles = arena_new_array(arena, nthreads * TILE * dims, float);
	return fit->q != NULL && fit->cq != NULL && fit->scratch != NULL &&
		fit->float_q != NULL && fit->centered != NULL && fit->along != NULL &&
		fit->tiles != NULL;
}

static bool
allocate_pca(Arena *arena, Pca *pca)
{
	pca->mean = arena_new_array(arena, pca->dims, double);
	pca->directions = arena_new_array(arena, pca->components * pca->dims,
									  double);
	pca->variances = arena_new_array(arena, pca->components, double);
	return pca->mean != NULL && pca->directions != NULL &&
		pca->variances != NULL;
}

size_t
pca_bytes(size_t dims, int components, int nthreads)
{
	size_t		width = block_width(dims, components);
	size_t		doubles = dims * (3 * width + (size_t) components + 1) +
	2 * width * width + width + (size_t) components;
	size_t		floats = (dims + BLOCK_POINTS) * width +
	(BLOCK_POINTS + (size_t) nthreads * TILE) * dims;

	if (has_covariance(dims))
		doubles += dims * dims;
	return arena_bound(doubles * sizeof(double) + floats * sizeof(float), 16);
}

bool
pca_fit(Arena *arena, ThreadPool *pool, const float *x, size_t n, size_t dims,
		int components, Pca *pca, Status *status)
{
	Fit			fit = {.pool = pool,.x = x,.n = n,.dims = dims};
	double	   *small;
	double	   *values;
	double		largest;

	if (components < 1 || (size_t) components > dims)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "points of %zu dimensions do not have %d components",
						   dims, components);
	if (!gemm_load(status))
		return false;
	fit.width = block_width(dims, components);
	pca->dims = dims;
	pca->components = components;
	small = arena_new_array(arena, 2 * fit.width * fit.width, double);
	values = arena_new_array(arena, fit.width, double);
	if (small == NULL || values == NULL || !allocate_pca(arena, pca) ||
		!allocate_fit(arena, &fit, pool_threads(pool)))
		return status_out_of_memory(status, "for principal components");
	measure_points(x, n, dims, pca->mean, &largest, &pca->variance);
	fit.mean = pca->mean;
	fit.scale = largest > 0 ? 1 / largest : 1;
	if (fit.covariance != NULL)
		make_covariance(&fit);
	iterate(&fit, components, small, values);
	for (int j = 0; j < components; j++)
	{
		set_direction(&fit, j, pca->directions + (size_t) j * dims);
		pca->variances[j] = n > 1 && values[j] > 0 ?
			values[j] * largest * largest / (double) (n - 1) : 0;
	}
	return true;
}

/* ---- where points stand ---- */

typedef struct Projecting
{
	const Pca  *pca;
	const float *x;
	size_t		n;
	float	   *y;
} Projecting;

static void
project_points(void *arg, int slice, int worker)
{
	const Projecting *p = arg;
	size_t		dims = p->pca->dims;
	size_t		end = smaller(((size_t) slice + 1) * BLOCK_POINTS, p->n);

	for (size_t i = (size_t) slice * BLOCK_POINTS;
		 i < end && !interrupt_pending_at(i); i++)
		for (int j = 0; j < p->pca->components; j++)
		{
			const double *direction = p->pca->directions + (size_t) j * dims;
			double		sum = 0;

			for (size_t l = 0; l < dims; l++)
				sum += (p->x[i * dims + l] - p->pca->mean[l]) * direction[l];
			p->y[i * (size_t) p->pca->components + (size_t) j] = (float) sum;
		}
}

void
pca_project(const Pca *pca, ThreadPool *pool, const float *x, size_t n,
			float *y)
{
	Projecting	projecting = {pca, x, n, y};

	pool_run(pool, (int) ((n + BLOCK_POINTS - 1) / BLOCK_POINTS),
			 project_points, &projecting);
}
