/*
 * pca.h
 *	  Principal component analysis: the directions in which points vary most.
 */
#ifndef PROJECTION_PCA_H
#define PROJECTION_PCA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/threads.h"

/* Up to so many dimensions the covariance matrix is kept in memory. */
#define PCA_COVARIANCE_DIMS 1024

typedef struct Pca
{
	size_t		dims;
	int			components;
	double	   *mean;			/* dims */
	double	   *directions;		/* components x dims, of length 1 */
	double	   *variances;		/* of points along them, descending */
	double		variance;		/* of all dimensions together */
} Pca;

/*
 * The first components of n points x of dims numbers, components <= dims.
 * Variances divide by n - 1.  The largest number of a direction, the first of
 * equal ones, is positive.  The same bits for any number of threads.
 *
 * False and status on failure.  Loads OpenBLAS.  Stopped by an interrupt as
 * base/interrupt.h has it.
 */
extern bool pca_fit(Arena *arena, ThreadPool *pool, const float *x, size_t n,
					size_t dims, int components, Pca *pca, Status *status);

/* y, n x components: where points stand along the directions */
extern void pca_project(const Pca *pca, ThreadPool *pool, const float *x,
						size_t n, float *y);

/* What pca_fit() takes of its arena at most */
extern size_t pca_bytes(size_t dims, int components, int nthreads);

#endif							/* PROJECTION_PCA_H */
