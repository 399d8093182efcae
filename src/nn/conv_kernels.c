/*
 * conv_kernels.c
 *	  Convolution of an image in memory.
 *
 * Both loops keep twelve sums in registers, six pixels or taps times two
 * vectors of filters: each step loads two vectors and six single numbers for
 * twelve multiplications and additions, so that arithmetic decides.
 */
#include "nn/conv_kernels.h"

#include "base/interrupt.h"
#include "nn/lanes.h"

#define AT_ONCE 6

const int	nn_conv_block = 2 * LANES;

/* A pixel of the output: where its window begins, and where it goes */
typedef struct Pixel
{
	const real *x;
	real	   *to;
	int			left;			/* pixels of its line, it included */
} Pixel;

/* A step to the right, or to the line below */
BODY void
next_pixel(const NnConvView *v, Pixel *pixel)
{
	pixel->x += v->pixel_stride;
	pixel->to += v->filters;
	if (--pixel->left > 0)
		return;
	pixel->x += (ptrdiff_t) v->line_stride -
		v->out_width * (ptrdiff_t) v->pixel_stride;
	pixel->to += (ptrdiff_t) v->out_stride -
		v->out_width * (ptrdiff_t) v->filters;
	pixel->left = v->out_width;
}

/*
 * out[n pixels][2 LANES] = bias + sum over kernel rows and runs of x w.  n
 * is a constant once this is inlined, so that the sums stay in registers.
 */
BODY void
forward_tile(const NnConvView *v, Pixel *pixel, int n, const real *w,
			 const real *bias, bool relu)
{
	const Lanes zero = {0};
	Lanes		first0 = bias != NULL ? LOAD(bias) : zero;
	Lanes		first1 = bias != NULL ? LOAD(bias + LANES) : zero;
	Lanes		sum0[AT_ONCE];
	Lanes		sum1[AT_ONCE];
	const real *x[AT_ONCE];
	real	   *to[AT_ONCE];

	for (int i = 0; i < n; i++)
	{
		x[i] = pixel->x;
		to[i] = pixel->to;
		sum0[i] = first0;
		sum1[i] = first1;
		next_pixel(v, pixel);
	}
	for (int ky = 0; ky < v->kernel_height; ky++)
	{
		for (size_t t = 0; t < v->run; t++)
		{
			Lanes		w0 = LOAD(w);
			Lanes		w1 = LOAD(w + LANES);

			w += v->weight_stride;
			for (int i = 0; i < n; i++)
			{
				sum0[i] += x[i][t] * w0;
				sum1[i] += x[i][t] * w1;
			}
		}
		for (int i = 0; i < n; i++)
			x[i] += v->row_stride;
	}
	for (int i = 0; i < n; i++)
	{
		STORE(to[i], CLIP(sum0[i], relu));
		STORE(to[i] + LANES, CLIP(sum1[i], relu));
	}
}

/*
 * Six pixels at a time; 4, 2 and 1 add up to every rest, and each of these
 * sizes is compiled as a loop of its own.
 */
BODY void
nn_conv_forward_body(const NnConvView *view, const real *image,
					 const real *packed, const real *bias, bool relu, real *out)
{
	const NnConvView v = *view;
	Pixel		pixel = {image, out, v.out_width};
	int			p = 0;

	for (; p + AT_ONCE <= v.pixels &&
		 !interrupt_pending_at((size_t) (p / AT_ONCE)); p += AT_ONCE)
		forward_tile(&v, &pixel, AT_ONCE, packed, bias, relu);
	if (p + 4 <= v.pixels)
	{
		forward_tile(&v, &pixel, 4, packed, bias, relu);
		p += 4;
	}
	if (p + 2 <= v.pixels)
	{
		forward_tile(&v, &pixel, 2, packed, bias, relu);
		p += 2;
	}
	if (p < v.pixels)
		forward_tile(&v, &pixel, 1, packed, bias, relu);
}

DISPATCH(nn_conv_forward,
		 (const NnConvView *view, const real *image, const real *packed,
		  const real *bias, bool relu, real *out),
		 (view, image, packed, bias, relu, out))

/*
 * dkernel[n taps][2 LANES] += sum over output rows [first, last) and their
 * pixels of x[tap] d.  The taps stand side by side in a window's row; image is
 * where the first of them lies in the first window.
 */
BODY void
gradient_tile(const NnConvView *v, const real *image, const real *dout,
			  int first, int last, int n, real *dkernel)
{
	Lanes		sum0[AT_ONCE];
	Lanes		sum1[AT_ONCE];

	for (int i = 0; i < n; i++)
	{
		sum0[i] = LOAD(dkernel + (size_t) i * v->filters);
		sum1[i] = LOAD(dkernel + (size_t) i * v->filters + LANES);
	}
	for (int y = first; y < last; y++)
	{
		const real *x = image + (size_t) y * v->line_stride;
		const real *d = dout + (size_t) y * (size_t) v->out_width * v->filters;

		for (int p = 0; p < v->out_width; p++)
		{
			Lanes		d0 = LOAD(d);
			Lanes		d1 = LOAD(d + LANES);

			for (int i = 0; i < n; i++)
			{
				sum0[i] += x[i] * d0;
				sum1[i] += x[i] * d1;
			}
			x += v->pixel_stride;
			d += v->filters;
		}
	}
	for (int i = 0; i < n; i++)
	{
		STORE(dkernel + (size_t) i * v->filters, sum0[i]);
		STORE(dkernel + (size_t) i * v->filters + LANES, sum1[i]);
	}
}

/*
 * Blocks of filters outermost, then the rows of the window, then its taps.  The
 * last 8 taps go as 4 and 4, since fewer sums wait for each other.
 */
BODY void
nn_conv_gradient_body(const NnConvView *view, const real *image,
					  const real *dout, int first, int last, real *dkernel)
{
	const NnConvView v = *view;

	for (size_t f = 0; f < v.filters; f += 2 * LANES)
	{
		real	   *dk = dkernel + f;

		for (int ky = 0; ky < v.kernel_height; ky++)
		{
			const real *x = image + (size_t) ky * v.row_stride;
			size_t		t = 0;

			for (; t + AT_ONCE <= v.run && t + 8 != v.run &&
				 !interrupt_pending_at(t / AT_ONCE);
				 t += AT_ONCE, dk += AT_ONCE * v.filters)
				gradient_tile(&v, x + t, dout + f, first, last, AT_ONCE, dk);
			for (; t + 4 <= v.run && !interrupt_pending_at(t / 4);
				 t += 4, dk += 4 * v.filters)
				gradient_tile(&v, x + t, dout + f, first, last, 4, dk);
			for (; t + 3 <= v.run; t += 3, dk += 3 * v.filters)
				gradient_tile(&v, x + t, dout + f, first, last, 3, dk);
			for (; t < v.run; t++, dk += v.filters)
				gradient_tile(&v, x + t, dout + f, first, last, 1, dk);
		}
	}
}

DISPATCH(nn_conv_gradient,
		 (const NnConvView *view, const real *image, const real *dout,
		  int first, int last, real *dkernel),
		 (view, image, dout, first, last, dkernel))

#if defined(__x86_64__) && !defined(NN_DOUBLE)

/*
 * Transpose eight rows of eight columns: numbers, then pairs, interleaved
 * within halves of registers, an instruction each, and halves exchanged last.
 */
#define PICK(a, b, i, j, k, l) \
	__builtin_shufflevector(a, b, i, j, k, l, 4 + i, 4 + j, 4 + k, 4 + l)

BODY void
turn_square(const real *rows, size_t columns, real *turned)
{
	Lanes		square[LANES];
	Lanes		merged[LANES];

	for (int i = 0; i < LANES; i++)
		square[i] = LOAD(rows + (size_t) i * columns);
	for (int i = 0; i < LANES; i += 2)
	{
		merged[i] = PICK(square[i], square[i + 1], 0, 8, 1, 9);
		merged[i + 1] = PICK(square[i], square[i + 1], 2, 10, 3, 11);
	}
	for (int i = 0; i < LANES; i += 4)
		for (int j = 0; j < 2; j++)
		{
			Lanes		a = merged[i + j];
			Lanes		b = merged[i + j + 2];

			square[i + 2 * j] = PICK(a, b, 0, 1, 8, 9);
			square[i + 2 * j + 1] = PICK(a, b, 2, 3, 10, 11);
		}
	for (int i = 0; i < LANES / 2; i++)
	{
		Lanes		a = square[i];
		Lanes		b = square[i + LANES / 2];

		STORE(turned + (size_t) i * 2 * LANES,
			  __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11));
		STORE(turned + (size_t) (i + LANES / 2) * 2 * LANES,
			  __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15));
	}
}

#else

/*
 * Transpose LANES rows of LANES columns.  Interleaving row i with row i +
 * LANES / 2 rotates the digits of the index by one bit; log2(LANES) times of
 * that swap rows and columns.
 */
BODY void
turn_square(const real *rows, size_t columns, real *turned)
{
	Lanes		square[LANES];
	Lanes		merged[LANES];

	for (int i = 0; i < LANES; i++)
		square[i] = LOAD(rows + (size_t) i * columns);
	for (int size = LANES; size > 1; size /= 2)
	{
		for (int i = 0; i < LANES / 2; i++)
		{
			merged[2 * i] = LOW_HALVES(square[i], square[i + LANES / 2]);
			merged[2 * i + 1] = HIGH_HALVES(square[i], square[i + LANES / 2]);
		}
		for (int i = 0; i < LANES; i++)
			square[i] = merged[i];
	}
	for (int i = 0; i < LANES; i++)
		STORE(turned + (size_t) i * 2 * LANES, square[i]);
}

#endif

/* A block of rows in turn; the next one is fetched meanwhile. */
BODY void
nn_conv_turn_body(const real *rows, size_t columns, real *turned)
{
	size_t		c = 0;

	for (; c + LANES <= columns; c += LANES)
	{
		for (size_t i = 2 * LANES; i < 4 * LANES; i++)
			__builtin_prefetch(rows + i * columns + c);
		turn_square(rows + c, columns, turned + c * 2 * LANES);
		turn_square(rows + c + LANES * columns, columns,
					turned + c * 2 * LANES + LANES);
	}
	for (; c < columns; c++)
		for (size_t i = 0; i < 2 * LANES; i++)
			turned[c * 2 * LANES + i] = rows[i * columns + c];
}

DISPATCH(nn_conv_turn, (const real *rows, size_t columns, real *turned),
		 (rows, columns, turned))
