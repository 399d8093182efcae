/*
 * distance.h
 *	  Matrices of distances between embeddings of a batch, and their gradient.
 *
 * Always in double: a batch is small, and losses subtract distances that are
 * nearly equal.
 */
#ifndef NN_DISTANCE_H
#define NN_DISTANCE_H

typedef enum NnDistance
{
	NN_COSINE,					/* max(1 - q.k, 0), rows expected of length 1 */
	NN_EUCLIDEAN,				/* its gradient at distance 0 is 0 */
	NN_SQUARED_EUCLIDEAN,
	NN_MANHATTAN,
	NN_INNER_PRODUCT			/* q.k: a similarity */
} NnDistance;

extern const char *const nn_distance_names[];

/* matrix[i][j] = distance of rows i and j of x, n x dims */
extern void nn_distances(NnDistance distance, const double *x, int n, int dims,
						 double *matrix);

/*
 * dx = gradient with respect to x, given that with respect to the matrix.
 * dmatrix is overwritten.
 */
extern void nn_distances_backward(NnDistance distance, const double *x, int n, int dims,
								  const double *matrix, double *dmatrix, double *dx);

#endif							/* NN_DISTANCE_H */
