/*
 * pool_kernels.h
 *	  Inner loops of max_pooling2d, one image at a time.
 *
 * Images are NHWC; winners[pixel][channel] is the tap of the window that was
 * largest.
 */
#ifndef NN_POOL_KERNELS_H
#define NN_POOL_KERNELS_H

#include "nn/layer.h"

/* out[p][c] = max over taps of image[at(p, tap)][c]; winners may be NULL */
extern void nn_pool_maximum(const NnWindow *w, const real *image, real *out,
							real *winners);

/*
 * din[at(p, winner)][c] += dout[p][c], or, without add, is that, and 0 at the
 * other taps.  With out, the layer's output, only where it is above 0: the
 * derivative of relu, whose output the image is.
 */
extern void nn_pool_maximum_backward(const NnWindow *w, const real *winners,
									 const real *out, const real *dout,
									 bool add, real *din);

#endif							/* NN_POOL_KERNELS_H */
