/*
 * gemm.h
 *	  Matrix products: OpenBLAS behind one header.
 *
 * OpenBLAS is loaded on first use with every signal blocked and one thread,
 * so that a backend that only compares vectors never owns its threads; our own
 * pool runs several single-threaded products at once.  See the README for
 * what happens otherwise.
 */
#ifndef KERNEL_GEMM_H
#define KERNEL_GEMM_H

#include <stdbool.h>

#include "base/status.h"

/*
 * Load OpenBLAS if that has not been done.  Fails with STATUS_UNAVAILABLE
 * when the library is not installed.  Call it on the main thread before any
 * product, also before handing products to a pool.
 */
extern bool gemm_load(Status *status);

/* "OpenBLAS 0.3.21 (Cooperlake)" or NULL before gemm_load. */
extern const char *gemm_name(void);

/*
 * C = alpha * op(A) * op(B) + beta * C, all row-major.  op(A) is m x k, op(B)
 * is k x n, C is m x n; ta / tb say whether the stored matrix is transposed.
 * lda, ldb, ldc are row strides of the stored matrices.  Ends early, with part
 * of C as it was, when an interrupt arrives.
 */
extern void gemm_f32(bool ta, bool tb, int m, int n, int k,
					 float alpha, const float *a, int lda,
					 const float *b, int ldb,
					 float beta, float *c, int ldc);
extern void gemm_f64(bool ta, bool tb, int m, int n, int k,
					 double alpha, const double *a, int lda,
					 const double *b, int ldb,
					 double beta, double *c, int ldc);

#endif							/* KERNEL_GEMM_H */
