/*
 * pairwise.h
 *	  Matrices of distances between rows and keys, and their gradient.
 *
 * Always in double: a batch is small, and losses subtract distances that are
 * nearly equal.
 */
#ifndef NN_PAIRWISE_H
#define NN_PAIRWISE_H

typedef enum NnDistance
{
	NN_COSINE,					/* max(1 - q.k, 0), rows expected of length 1 */
	NN_EUCLIDEAN,				/* its gradient at distance 0 is 0 */
	NN_SQUARED_EUCLIDEAN,
	NN_MANHATTAN,
	NN_INNER_PRODUCT,			/* q.k: a similarity */
	NN_SNR						/* var(q - k) / var(q), 0 where var(q) is 0 */
} NnDistance;

extern const char *const nn_distance_names[];

/* matrix[i][j] = distance of row i of q, n x dims, and row j of k, m x dims */
extern void nn_distances(NnDistance distance, const double *q, int n,
						 const double *k, int m, int dims, double *matrix);

/*
 * Given the gradient with respect to the matrix: dq = that with respect to q,
 * and dk += that with respect to the first nk of the keys.  dk may be dq, when
 * the first keys are the rows themselves, or NULL with nk = 0.  dmatrix is
 * overwritten.
 */
extern void nn_distances_backward(NnDistance distance, const double *q, int n,
								  const double *k, int m, int dims,
								  const double *matrix, double *dmatrix,
								  double *dq, double *dk, int nk);

#endif							/* NN_PAIRWISE_H */
