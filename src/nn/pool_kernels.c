/*
 * pool_kernels.c
 *	  Inner loops of max_pooling2d.
 *
 * Which number is largest is as good as random, so that a branch for each is
 * mispredicted: comparisons give masks instead, and a vector of channels keeps
 * its maximum and winner in registers while the taps of a window go by.
 */
#include "nn/pool_kernels.h"

#include <math.h>

#include "base/interrupt.h"
#include "nn/lanes.h"

/* a where mask holds, else b */
#define CHOOSE(mask, a, b) \
	((Lanes) (((LaneMask) (a) & (mask)) | ((LaneMask) (b) & ~(mask))))

/* The taps of a window that lie in the image, and where its tap (0, 0) does */
typedef struct Inside
{
	int			first_y;
	int			end_y;
	int			first_x;
	int			end_x;
	long		origin;			/* may lie before the image */
} Inside;

static inline Inside
window_inside(const NnWindow *w, int y, int x)
{
	int			top = y * w->stride_y - w->pad_top;
	int			left = x * w->stride_x - w->pad_left;
	Inside		in;

	in.first_y = top < 0 ? -top : 0;
	in.end_y = w->height - top < w->kernel_height ? w->height - top :
		w->kernel_height;
	in.first_x = left < 0 ? -left : 0;
	in.end_x = w->width - left < w->kernel_width ? w->width - left :
		w->kernel_width;
	in.origin = ((long) top * w->width + left) * w->channels;
	return in;
}

/*
 * One window, its taps in their order, channels from c on: a tap wins if it is
 * larger than all before, or NaN.  Should none win (-infinity), tap 0 has.
 */
BODY void
maximum_lanes(const NnWindow *w, const Inside *in, const real *image, int c,
			  real *out, real *winners)
{
	const Lanes zero = {0};
	Lanes		best = zero - (real) INFINITY;
	Lanes		winner = zero;

	for (int ky = in->first_y; ky < in->end_y; ky++)
	{
		for (int kx = in->first_x; kx < in->end_x; kx++)
		{
			long		at = in->origin + c +
			((long) ky * w->width + kx) * w->channels;
			Lanes		x = LOAD(image + at);
			LaneMask	wins = (x > best) | (x != x);

			best = CHOOSE(wins, x, best);
			winner = CHOOSE(wins, zero + (real) (ky * w->kernel_width + kx),
							winner);
		}
	}
	STORE(out + c, best);
	if (winners != NULL)
		STORE(winners + c, winner);
}

/* The same of one channel, for those that fill no vector */
BODY void
maximum_channel(const NnWindow *w, const Inside *in, const real *image, int c,
				real *out, real *winners)
{
	real		best = -INFINITY;
	int			winner = 0;

	for (int ky = in->first_y; ky < in->end_y; ky++)
	{
		for (int kx = in->first_x; kx < in->end_x; kx++)
		{
			real		x = image[in->origin + c +
								  ((long) ky * w->width + kx) * w->channels];

			if (x > best || isnan(x))
			{
				best = x;
				winner = ky * w->kernel_width + kx;
			}
		}
	}
	out[c] = best;
	if (winners != NULL)
		winners[c] = (real) winner;
}

BODY void
nn_pool_maximum_body(const NnWindow *window, const real *image, real *out,
					 real *winners)
{
	const NnWindow w = *window;

	for (int y = 0; y < w.out_height; y++)
	{
		for (int x = 0; x < w.out_width && !interrupt_pending_at((size_t) x);
			 x++)
		{
			Inside		in = window_inside(&w, y, x);
			int			c = 0;

			for (; c + LANES <= w.channels; c += LANES)
				maximum_lanes(&w, &in, image, c, out, winners);
			for (; c < w.channels; c++)
				maximum_channel(&w, &in, image, c, out, winners);
			out += w.channels;
			winners = winners == NULL ? NULL : winners + w.channels;
		}
	}
}

DISPATCH(nn_pool_maximum,
		 (const NnWindow *w, const real *image, real *out, real *winners),
		 (w, image, out, winners))

/*
 * Every tap inside of a window gets its gradient where it has won and zero
 * elsewhere, without a branch.
 */
BODY void
backward_lanes(const NnWindow *w, const Inside *in, const real *winners,
			   const real *out, const real *dout, bool add, int c, real *din)
{
	const Lanes zero = {0};
	Lanes		winner = LOAD(winners + c);
	Lanes		d = LOAD(dout + c);

	if (out != NULL)
		d = (Lanes) ((LaneMask) d & (LOAD(out + c) > zero));
	for (int ky = in->first_y; ky < in->end_y; ky++)
	{
		for (int kx = in->first_x; kx < in->end_x; kx++)
		{
			real	   *to = din + in->origin + c +
			((long) ky * w->width + kx) * w->channels;
			LaneMask	won = winner == zero + (real) (ky * w->kernel_width + kx);
			Lanes		share = (Lanes) ((LaneMask) d & won);

			STORE(to, add ? LOAD(to) + share : share);
		}
	}
}

/* The same of one channel */
BODY void
backward_channel(const NnWindow *w, const Inside *in, const real *winners,
				 const real *out, const real *dout, bool add, int c, real *din)
{
	real		d = out == NULL || out[c] > 0 ? dout[c] : 0;

	for (int ky = in->first_y; ky < in->end_y; ky++)
	{
		for (int kx = in->first_x; kx < in->end_x; kx++)
		{
			real	   *to = din + in->origin + c +
			((long) ky * w->width + kx) * w->channels;
			real		share = (int) winners[c] == ky * w->kernel_width + kx ?
			d : 0;

			*to = add ? *to + share : share;
		}
	}
}

BODY void
nn_pool_maximum_backward_body(const NnWindow *window, const real *winners,
							  const real *out, const real *dout, bool add,
							  real *din)
{
	const NnWindow w = *window;

	for (int y = 0; y < w.out_height; y++)
	{
		for (int x = 0; x < w.out_width && !interrupt_pending_at((size_t) x);
			 x++)
		{
			Inside		in = window_inside(&w, y, x);
			int			c = 0;

			for (; c + LANES <= w.channels; c += LANES)
				backward_lanes(&w, &in, winners, out, dout, add, c, din);
			for (; c < w.channels; c++)
				backward_channel(&w, &in, winners, out, dout, add, c, din);
			winners += w.channels;
			out = out == NULL ? NULL : out + w.channels;
			dout += w.channels;
		}
	}
}

DISPATCH(nn_pool_maximum_backward,
		 (const NnWindow *w, const real *winners, const real *out,
		  const real *dout, bool add, real *din),
		 (w, winners, out, dout, add, din))
