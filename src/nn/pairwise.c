/*
 * pairwise.c
 *	  Matrices of distances between rows and keys, and their gradients.
 *
 * q is [n][dims], k [m][dims], D and G [n][m].  For one pair, gradients by q;
 * by k they are the negative, except for products and snr:
 *   cosine             max(1 - q.k, 0)        -k where above 0; by k -q
 *   inner_product      q.k                    k; by k q
 *   euclidean          |q - k|                (q - k) / |q - k|, 0 at 0
 *   squared_euclidean  |q - k|^2              2 (q - k)
 *   manhattan          sum of |q - k|         sign(q - k)
 *   snr                var(q - k) / var(q)    see add_snr()
 * The first two are matrix products, forward and backward.  The others are
 * computed from differences, not from |q|^2 - 2 q.k + |k|^2 as TensorFlow
 * Similarity has it: that loses digits where rows are close, and is not 0 on
 * the diagonal.
 */
#include "nn/pairwise.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/interrupt.h"
#include "kernel/gemm.h"

const char *const nn_distance_names[] = {
	"cosine", "euclidean", "squared_euclidean", "manhattan", "inner_product",
	"snr", NULL
};

static bool
is_product(NnDistance distance)
{
	return distance == NN_COSINE || distance == NN_INNER_PRODUCT;
}

/* ---- signal to noise ratio ---- */

typedef struct Moments
{
	double		mean;
	double		variance;		/* of the population */
} Moments;

/* Of a, or of a - b if b is not NULL */
static Moments
moments_of(const double *a, const double *b, int dims)
{
	Moments		result = {0};

	for (int d = 0; d < dims; d++)
		result.mean += b == NULL ? a[d] : a[d] - b[d];
	result.mean /= dims;
	for (int d = 0; d < dims; d++)
	{
		double		delta = (b == NULL ? a[d] : a[d] - b[d]) - result.mean;

		result.variance += delta * delta;
	}
	result.variance /= dims;
	return result;
}

/* TensorFlow Similarity divides by zero where q is constant; here it is 0. */
static double
pairwise_snr(const double *q, const double *k, int dims)
{
	double		signal = moments_of(q, NULL, dims).variance;

	return signal > 0 ? moments_of(q, k, dims).variance / signal : 0;
}

/*
 * With e = q - k and value = var(e) / var(q), dims times the gradients are
 *   by q: 2 (e - mean(e) - value (q - mean(q))) / var(q)
 *   by k: -2 (e - mean(e)) / var(q)
 */
static void
add_snr(double g, const double *q, const double *k, int dims, double value,
		double *dq, double *dk)
{
	Moments		signal = moments_of(q, NULL, dims);
	Moments		noise = moments_of(q, k, dims);
	double		scale;

	if (signal.variance <= 0)
		return;
	scale = 2 * g / (dims * signal.variance);
	for (int d = 0; d < dims; d++)
	{
		double		change = scale * (q[d] - k[d] - noise.mean);

		dq[d] += change - scale * value * (q[d] - signal.mean);
		if (dk != NULL)
			dk[d] -= change;
	}
}

/* ---- sums of differences ---- */

static double
pair_distance(NnDistance distance, const double *a, const double *b, int dims)
{
	double		sum = 0;

	if (distance == NN_SNR)
		return pairwise_snr(a, b, dims);
	for (int d = 0; d < dims; d++)
	{
		double		delta = a[d] - b[d];

		sum += distance == NN_MANHATTAN ? fabs(delta) : delta * delta;
	}
	return distance == NN_EUCLIDEAN ? sqrt(sum) : sum;
}

/* The distance of a and b, which is value, has gradient g */
static void
add_pair(NnDistance distance, double g, const double *a, const double *b,
		 int dims, double value, double *da, double *db)
{
	double		scale = distance == NN_SQUARED_EUCLIDEAN ? 2 * g : g;

	if (distance == NN_SNR)
	{
		add_snr(g, a, b, dims, value, da, db);
		return;
	}
	if (distance == NN_EUCLIDEAN)
	{
		if (value == 0)
			return;
		scale = g / value;
	}
	for (int d = 0; d < dims; d++)
	{
		double		delta = a[d] - b[d];

		if (distance == NN_MANHATTAN)
			delta = (delta > 0) - (delta < 0);
		da[d] += scale * delta;
		if (db != NULL)
			db[d] -= scale * delta;
	}
}

/* ---- matrices ---- */

/*
 * gemm_f64() computes in an order that does not depend on the pool; it runs on
 * one thread, as a batch is small.
 */
void
nn_distances(NnDistance distance, const double *q, int n, const double *k,
			 int m, int dims, double *matrix)
{
	if (is_product(distance))
	{
		gemm_f64(false, true, n, m, dims, 1, q, dims, k, dims, 0, matrix, m);
		for (int i = 0; i < n && distance == NN_COSINE && !interrupt_pending();
			 i++)
			for (size_t at = (size_t) i * m; at < (size_t) (i + 1) * m; at++)
				matrix[at] = fmax(1 - matrix[at], 0);
		return;
	}
	for (int i = 0; i < n && !interrupt_pending(); i++)
		for (int j = 0; j < m && !interrupt_pending_at((size_t) j); j++)
			matrix[(size_t) i * m + j] = pair_distance(distance,
													   q + (size_t) i * dims,
													   k + (size_t) j * dims,
													   dims);
}

/* dq = G k, dk += G' q, with the sign and the clipping of the distance */
static void
products_backward(NnDistance distance, const double *q, int n, const double *k,
				  int m, int dims,
				  const double *matrix, double *dmatrix, double *dq, double *dk,
				  int nk)
{
	for (int i = 0; i < n && distance == NN_COSINE && !interrupt_pending(); i++)
		for (size_t at = (size_t) i * m; at < (size_t) (i + 1) * m; at++)
			dmatrix[at] = matrix[at] > 0 ? -dmatrix[at] : 0;
	gemm_f64(false, false, n, dims, m, 1, dmatrix, m, k, dims, 0, dq, dims);
	if (nk > 0)
		gemm_f64(true, false, nk, dims, n, 1, dmatrix, m, q, dims, 1, dk, dims);
}

/* Pairs without a gradient are skipped: mining leaves few. */
void
nn_distances_backward(NnDistance distance, const double *q, int n,
					  const double *k, int m, int dims,
					  const double *matrix, double *dmatrix, double *dq,
					  double *dk, int nk)
{
	if (is_product(distance))
	{
		products_backward(distance, q, n, k, m, dims, matrix, dmatrix, dq, dk,
						  nk);
		return;
	}
	interrupt_zero(dq, (size_t) n * dims * sizeof(double));
	for (int i = 0; i < n && !interrupt_pending(); i++)
	{
		for (int j = 0; j < m && !interrupt_pending_at((size_t) j); j++)
		{
			size_t		at = (size_t) i * m + j;

			if (dmatrix[at] != 0)
				add_pair(distance, dmatrix[at], q + (size_t) i * dims,
						 k + (size_t) j * dims, dims,
						 matrix[at], dq + (size_t) i * dims,
						 j < nk ? dk + (size_t) j * dims : NULL);
		}
	}
}
