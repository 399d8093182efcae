/*
 * kernels.h
 *	  The engine's inner loops, compiled for several instruction sets.
 */
#ifndef NN_KERNELS_H
#define NN_KERNELS_H

#include <stddef.h>

#include "nn/layer.h"

/* y[units] += sum_k x[k] * w[k][units], skipping zeros of x */
extern void nn_gemv_add(const real *x, const real *w, size_t k, int units,
						real *y);

/*
 * sum[n][units] += x[n][k] w[k][units] for whole blocks of units
 * (nn_conv_block); rows of x are stride numbers apart.  Packed, w is
 * [units / block][k][block]; few rows do not repay packing it.  The numbers of
 * x that follow these, and the band of w, are fetched meanwhile.  The bits of a
 * row depend neither on n nor on the other rows, nor on w being packed.
 */
extern void nn_dense_add(int n, const real *x, size_t stride, const real *w,
						 bool packed, size_t k, int units, real *sum);

/* One Adam step as Keras defines it (epsilon outside of the correction) */
typedef struct NnAdamStep
{
	real		rate;			/* learning rate times bias correction */
	real		share_1;		/* 1 - beta_1, not to be computed in float */
	real		share_2;		/* 1 - beta_2 */
	real		epsilon;
	real		decay;			/* share of the weights to take away first */
} NnAdamStep;

extern void nn_adam_update(const NnAdamStep *step, size_t n,
						   const real *gradient, real *weights, real *m,
						   real *v);

/* One step of gradient descent with momentum; velocity is NULL without */
typedef struct NnSgdStep
{
	real		rate;
	real		momentum;
	bool		nesterov;
} NnSgdStep;

extern void nn_sgd_update(const NnSgdStep *step, size_t n, const real *gradient,
						  real *weights, real *velocity);

/* One step of RMSprop; velocity and mean are NULL if not wanted */
typedef struct NnRmspropStep
{
	real		rate;
	real		share;			/* 1 - rho */
	real		momentum;
	real		epsilon;
} NnRmspropStep;

extern void nn_rmsprop_update(const NnRmspropStep *step, size_t n,
							  const real *gradient,
							  real *weights, real *squares, real *velocity,
							  real *mean);

/* x = 1 / (1 + e^-x), x = x / (1 + e^-x), x = x Phi(x) */
extern void nn_sigmoid(size_t n, real *x);
extern void nn_silu(size_t n, real *x);
extern void nn_gelu(size_t n, real *x);

/* dout = dout f'(before) of silu and gelu */
extern void nn_silu_backward(size_t n, const real *before, real *dout);
extern void nn_gelu_backward(size_t n, const real *before, real *dout);

/* x = e^x / sum of e^x */
extern void nn_softmax(size_t n, real *x);

/* slopes = y (slopes - sum), y being a softmax and sum that of y slopes */
extern void nn_softmax_slopes(size_t n, const real *y, real sum, real *slopes);

/* sum += a b */
extern void nn_multiply_add(size_t n, const real *a, const real *b, real *sum);

/* Of normalization, one row of channels: sum += x; sum += (x - mean)^2 */
extern void nn_add_to(size_t channels, const real *x, real *sum);
extern void nn_add_squares(size_t channels, const real *x, const real *mean,
						   real *sum);

/* sum += x of so many rows, one after the other */
extern void nn_add_rows(size_t rows, size_t channels, const real *x, real *sum);

/* out = x * factor + offset */
extern void nn_affine(size_t channels, const real *x, const real *factor,
					  const real *offset, real *out);

/* sum_1 += dy, sum_2 += dy xhat with xhat = (x - mean) scale */
extern void nn_add_norm_gradient(size_t channels, const real *x, const real *dy,
								 const real *mean, const real *scale,
								 real *sum_1, real *sum_2);

/* dx = gamma scale (dy - share_1 - xhat share_2); gamma may be NULL for 1, dx dy */
extern void nn_norm_gradient(size_t channels, const real *x, const real *dy,
							 const real *mean, const real *scale,
							 const real *gamma, const real *share_1,
							 const real *share_2, real *dx);

/*
 * *sum += sum of x^2, in one order for each instruction set, also if it is
 * summed in pieces of so many blocks of 1024.
 */
extern void nn_sum_squares(size_t n, const real *x, double *sum);

#endif							/* NN_KERNELS_H */
