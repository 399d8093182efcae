/*
 * conv_kernels.h
 *	  Convolution of an image in memory, without patches.
 *
 * Of an image of NHWC the window's row is one run of numbers, so that a
 * convolution is kernel_height runs for each output pixel.  Padding is in the
 * image already.  Filters go in blocks; a block's weights are packed, [taps]
 * [block].
 */
#ifndef NN_CONV_KERNELS_H
#define NN_CONV_KERNELS_H

#include "nn/layer.h"

/* Filters of a block: two vector registers */
extern const int nn_conv_block;

typedef struct NnConvView
{
	int			pixels;			/* of the output */
	int			out_width;
	int			kernel_height;
	size_t		run;			/* numbers of a window's row */
	size_t		row_stride;		/* from one row of the image to the next */
	size_t		line_stride;	/* from one row of windows to the next */
	size_t		pixel_stride;	/* from one window to the next */
	size_t		filters;		/* from one output pixel to the next */
	size_t		out_stride;		/* from one row of output pixels to the next */
	size_t		weight_stride;	/* from one tap's weights to the next: a
								 * block, if they are packed */
} NnConvView;

/*
 * out[pixel][block] = bias + sum over taps, relu or not; out is where the
 * block stands in the first pixel, bias (NULL: 0) likewise.
 */
extern void nn_conv_forward(const NnConvView *view, const real *image,
							const real *weights, const real *bias, bool relu,
							real *out);

/* dkernel[taps][filters] += contributions of output rows [first, last) */
extern void nn_conv_gradient(const NnConvView *view, const real *image,
							 const real *dout, int first, int last,
							 real *dkernel);

/* [block][columns] to [columns][block] */
extern void nn_conv_turn(const real *rows, size_t columns, real *turned);

#endif							/* NN_CONV_KERNELS_H */
