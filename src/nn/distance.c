/*
 * distance.c
 *	  Matrices of distances between embeddings of a batch.
 */
#include "nn/distance.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "kernel/gemm.h"

const char *const nn_distance_names[] = {
	"cosine", "euclidean", "squared_euclidean", "manhattan", "inner_product", NULL
};

static double
row_distance(NnDistance distance, const double *a, const double *b, int dims)
{
	double		sum = 0;

	for (int d = 0; d < dims; d++)
	{
		double		delta = a[d] - b[d];

		sum += distance == NN_MANHATTAN ? fabs(delta) : delta * delta;
	}
	return distance == NN_EUCLIDEAN ? sqrt(sum) : sum;
}

void
nn_distances(NnDistance distance, const double *x, int n, int dims, double *matrix)
{
	size_t		count = (size_t) n * n;

	if (distance == NN_COSINE || distance == NN_INNER_PRODUCT)
	{
		gemm_f64(false, true, n, n, dims, 1, x, dims, x, dims, 0, matrix, n);
		for (size_t i = 0; i < count && distance == NN_COSINE; i++)
			matrix[i] = fmax(1 - matrix[i], 0);
		return;
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			matrix[(size_t) i * n + j] = row_distance(distance, x + (size_t) i * dims,
													  x + (size_t) j * dims, dims);
}

/* d matrix[i][j] = g: what that means for row i; the same, negated, for j */
static void
add_difference(NnDistance distance, double g, const double *a, const double *b, int dims,
			   double value, double *da, double *db)
{
	double		scale = distance == NN_SQUARED_EUCLIDEAN ? 2 * g : g;

	if (distance == NN_EUCLIDEAN)
	{
		if (value == 0)
			return;
		scale = g / value;
	}
	for (int d = 0; d < dims; d++)
	{
		double		delta = a[d] - b[d];
		double		change;

		if (distance == NN_MANHATTAN)
			delta = (delta > 0) - (delta < 0);
		change = scale * delta;
		da[d] += change;
		db[d] -= change;
	}
}

/* Gradients of products: dx = (G + G') x, with G's sign and clipping applied */
static void
products_backward(NnDistance distance, const double *x, int n, int dims,
				  const double *matrix, double *dmatrix, double *dx)
{
	for (size_t i = 0; i < (size_t) n * n && distance == NN_COSINE; i++)
		dmatrix[i] = matrix[i] > 0 ? -dmatrix[i] : 0;
	gemm_f64(false, false, n, dims, n, 1, dmatrix, n, x, dims, 0, dx, dims);
	gemm_f64(true, false, n, dims, n, 1, dmatrix, n, x, dims, 1, dx, dims);
}

void
nn_distances_backward(NnDistance distance, const double *x, int n, int dims,
					  const double *matrix, double *dmatrix, double *dx)
{
	if (distance == NN_COSINE || distance == NN_INNER_PRODUCT)
	{
		products_backward(distance, x, n, dims, matrix, dmatrix, dx);
		return;
	}
	memset(dx, 0, (size_t) n * dims * sizeof(double));
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < n; j++)
		{
			size_t		at = (size_t) i * n + j;

			if (i != j && dmatrix[at] != 0)
				add_difference(distance, dmatrix[at], x + (size_t) i * dims,
							   x + (size_t) j * dims, dims, matrix[at],
							   dx + (size_t) i * dims, dx + (size_t) j * dims);
		}
	}
}
