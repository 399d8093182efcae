/*
 * winograd_kernels.h
 *	  Transforms of Winograd's F(4 x 4, 3 x 3).
 *
 * A tile of 4 x 4 outputs is A'[(G g G') . (B' d B)]A of 6 x 6 inputs d and a
 * filter g of 3 x 3: 36 products instead of 144.  A, B and G evaluate at the
 * points 0, +-5/8, +-3/2 and infinity, and back; 36 pairs of these are the
 * "points" below.  All but the filters' transforms take a tile by pointers to
 * its pixels, each so many channels long, so that padding is a pixel of zeros.
 * Numbers of one point lie together, point_stride from those of the next.
 */
#ifndef NN_WINOGRAD_KERNELS_H
#define NN_WINOGRAD_KERNELS_H

#include "nn/layer.h"

#define WINOGRAD_TILE 4
#define WINOGRAD_WINDOW 6
#define WINOGRAD_POINTS 36

/* u[point][row][block] = G g G' of taps g[9][row][block] */
extern void nn_winograd_filters(const real *taps, size_t tap_stride,
								size_t row_stride, size_t rows, real *u,
								size_t point_stride);

/* v[point][channels] = B' d B of 6 x 6 pixels */
extern void nn_winograd_input(const real *const *pixels, size_t channels,
							  real *v, size_t point_stride);

/* 6 x 6 pixels of one block += B m B' of m[point][block] */
extern void nn_winograd_input_gradient(const real *m, size_t point_stride,
									   real *const *pixels);

/* 4 x 4 pixels of one block = bias + A' m A of m[point][block], relu or not */
extern void nn_winograd_output(const real *m, size_t point_stride,
							   const real *bias, bool relu,
							   real *const *pixels);

/* d[point][filters] = A dy A' of 4 x 4 pixels */
extern void nn_winograd_output_gradient(const real *const *pixels,
										size_t filters, real *d,
										size_t point_stride);

/* dk[9][count] = G' du G of du[point][count]; count in whole vectors */
extern void nn_winograd_kernel_gradient(const real *du, size_t point_stride,
										size_t count, real *dk,
										size_t tap_stride);

#endif							/* NN_WINOGRAD_KERNELS_H */
