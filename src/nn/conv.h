/*
 * conv.h
 *	  conv2d's ways: in memory, for filters in whole blocks, by patches, and
 *	  in Winograd's transformed domain.
 */
#ifndef NN_CONV_H
#define NN_CONV_H

#include "nn/layer.h"

enum
{
	NN_CONV_KERNEL, NN_CONV_BIAS
};

/*
 * A call of forward or backward, as workers see it; all ways take it.
 * Forward sets in, writable_out and writable_before; backward in, out, before,
 * dout and din.
 */
typedef struct NnConvTask
{
	const NnLayer *layer;
	const NnPass *pass;
	const real *in;
	const real *out;
	const real *before;			/* of the activation; NULL: not kept */
	real	   *writable_out;
	real	   *writable_before;
	real	   *dout;
	real	   *din;
} NnConvTask;

static inline int
nn_conv_taps(const NnLayer *layer)
{
	return layer->window.kernel_height * layer->window.kernel_width * layer->window.channels;
}

static inline int
nn_conv_pixels(const NnLayer *layer)
{
	return layer->window.out_height * layer->window.out_width;
}

static inline int
nn_conv_filters(const NnLayer *layer)
{
	return nn_channels(&layer->output);
}

/* The whole of conv2d, also for a dense layer's convolution of 1 x 1 */
extern size_t nn_conv2d_scratch(const NnLayer *layer, int n);
extern void nn_conv2d_forward(const NnLayer *layer, const NnPass *pass,
							  const real *in, real *out, real *saved);
extern void nn_conv2d_backward(const NnLayer *layer, const NnPass *pass,
							   const real *in, const real *out,
							   const real *saved, real *dout, real *din);

/* Can the layer, and its backward, be computed in memory? */
extern bool nn_conv_is_direct(const NnLayer *layer);

/* Is a pass over n rows faster in the transformed domain? */
extern bool nn_conv_is_winograd(const NnLayer *layer, int n);

/* Scratch, forward and backward of all ways; bias and activation included */
extern size_t nn_conv_direct_scratch(const NnLayer *layer, int n);
extern void nn_conv_direct_forward(const NnConvTask *task);
extern void nn_conv_direct_backward(const NnConvTask *task);
extern size_t nn_conv_patches_scratch(const NnLayer *layer, int n);
extern void nn_conv_patches_forward(const NnConvTask *task);
extern void nn_conv_patches_backward(const NnConvTask *task);
extern size_t nn_conv_winograd_scratch(const NnLayer *layer);

/* The filters transformed: how many numbers, and those */
extern size_t nn_conv_winograd_points(const NnLayer *layer);
extern void nn_conv_winograd_prepare(const NnLayer *layer, const NnPass *pass,
									 real *points);
extern void nn_conv_winograd_forward(const NnConvTask *task);
extern void nn_conv_winograd_backward(const NnConvTask *task);

/* The activation of image i, unless done, and Z for backward before it */
extern void nn_conv_finish_image(const NnConvTask *task, int i,
								 bool activated);

/*
 * Gradient before the activation of image number i, in place of dout, and its
 * sum over the pixels added to dbias[F]
 */
extern void nn_conv_activation_backward(const NnConvTask *task, int i,
										real *dbias);

/* The images of group slice of so many that share out the batch: [begin, end) */
extern void nn_conv_group_range(const NnConvTask *task, int groups, int slice,
								int *begin, int *end);

/* Workers that have something to sum in a run of so many slices */
extern int	nn_conv_summing_workers(const NnConvTask *task, int slices);

/*
 * Add up what workers summed over so many slices, dK then db at
 * sums[worker * stride], and hand it over.
 */
extern void nn_conv_sink_sums(const NnConvTask *task, real *sums,
							  size_t stride, int slices);

#endif							/* NN_CONV_H */
