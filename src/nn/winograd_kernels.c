/*
 * winograd_kernels.c
 *	  Transforms of Winograd's F(4 x 4, 3 x 3) (Lavin and Gray, 2015).
 *
 * With points 0, +-a, +-b and infinity, s = a^2, t = b^2, and m(x) =
 * x (x^2 - s) (x^2 - t): a row of B' holds the coefficients of m(x) / (x - p),
 * a row of G is (1, p, p^2) / m'(p), a column of A' is (1, p, p^2, p^3).  The
 * error grows with the numbers in these matrices; a = 5/8 and b = 3/2 have less
 * than half of that of 1 and 2, and s, t and st are exact in float.
 *
 * Each function of one dimension takes a row or column of vectors of channels;
 * that of two dimensions takes rows, then columns.
 */
#include "nn/winograd_kernels.h"

#include "nn/conv_kernels.h"
#include "nn/lanes.h"

#define A ((real) 0.625)
#define B ((real) 1.5)
#define S (A * A)
#define T (B * B)

/* 1 / m'(p) of 0, +-a and +-b */
#define AT_0 (1 / (S * T))
#define AT_A (1 / (2 * S * (S - T)))
#define AT_B (1 / (2 * T * (T - S)))

/* to[6 step] = B' from[6 step] */
BODY void
input_points(const Lanes *from, Lanes *to, int step)
{
	Lanes		d1 = from[step];
	Lanes		d2 = from[2 * step];
	Lanes		d3 = from[3 * step];
	Lanes		d4 = from[4 * step];
	Lanes		even = d4 - T * d2;
	Lanes		odd = A * (d3 - T * d1);

	to[0] = S * T * from[0] - (S + T) * d2 + d4;
	to[step] = even + odd;
	to[2 * step] = even - odd;
	even = d4 - S * d2;
	odd = B * (d3 - S * d1);
	to[3 * step] = even + odd;
	to[4 * step] = even - odd;
	to[5 * step] = S * T * d1 - (S + T) * d3 + from[5 * step];
}

/* to[6 step] = B from[6 step], the reverse */
BODY void
input_sums(const Lanes *from, Lanes *to, int step)
{
	Lanes		even_a = from[step] + from[2 * step];
	Lanes		odd_a = A * (from[step] - from[2 * step]);
	Lanes		even_b = from[3 * step] + from[4 * step];
	Lanes		odd_b = B * (from[3 * step] - from[4 * step]);

	to[0] = S * T * from[0];
	to[step] = S * T * from[5 * step] - T * odd_a - S * odd_b;
	to[2 * step] = -(S + T) * from[0] - T * even_a - S * even_b;
	to[3 * step] = odd_a + odd_b - (S + T) * from[5 * step];
	to[4 * step] = from[0] + even_a + even_b;
	to[5 * step] = from[5 * step];
}

/* to[6 step] = G from[3] */
BODY void
filter_points(const Lanes *from, int from_step, Lanes *to, int step)
{
	Lanes		g0 = from[0];
	Lanes		g1 = from[from_step];
	Lanes		g2 = from[2 * from_step];
	Lanes		even = AT_A * (g0 + S * g2);
	Lanes		odd = AT_A * A * g1;

	to[0] = AT_0 * g0;
	to[step] = even + odd;
	to[2 * step] = even - odd;
	even = AT_B * (g0 + T * g2);
	odd = AT_B * B * g1;
	to[3 * step] = even + odd;
	to[4 * step] = even - odd;
	to[5 * step] = g2;
}

/* to[3] = G' from[6], the reverse */
BODY void
filter_sums(const Lanes *from, int from_step, Lanes *to, int step)
{
	Lanes		even_a = AT_A * (from[from_step] + from[2 * from_step]);
	Lanes		odd_a = AT_A * A * (from[from_step] - from[2 * from_step]);
	Lanes		even_b = AT_B * (from[3 * from_step] + from[4 * from_step]);
	Lanes		odd_b = AT_B * B * (from[3 * from_step] - from[4 * from_step]);

	to[0] = AT_0 * from[0] + even_a + even_b;
	to[step] = odd_a + odd_b;
	to[2 * step] = S * even_a + T * even_b + from[5 * from_step];
}

/* to[4] = A' from[6] */
BODY void
output_sums(const Lanes *from, int from_step, Lanes *to, int step)
{
	Lanes		even_a = from[from_step] + from[2 * from_step];
	Lanes		odd_a = A * (from[from_step] - from[2 * from_step]);
	Lanes		even_b = from[3 * from_step] + from[4 * from_step];
	Lanes		odd_b = B * (from[3 * from_step] - from[4 * from_step]);

	to[0] = from[0] + even_a + even_b;
	to[step] = odd_a + odd_b;
	to[2 * step] = S * even_a + T * even_b;
	to[3 * step] = S * odd_a + T * odd_b + from[5 * from_step];
}

/* to[6] = A from[4], the reverse */
BODY void
output_points(const Lanes *from, int from_step, Lanes *to, int step)
{
	Lanes		y0 = from[0];
	Lanes		y1 = from[from_step];
	Lanes		y2 = from[2 * from_step];
	Lanes		y3 = from[3 * from_step];
	Lanes		even = y0 + S * y2;
	Lanes		odd = A * (y1 + S * y3);

	to[0] = y0;
	to[step] = even + odd;
	to[2 * step] = even - odd;
	even = y0 + T * y2;
	odd = B * (y1 + T * y3);
	to[3 * step] = even + odd;
	to[4 * step] = even - odd;
	to[5 * step] = y3;
}

BODY void
nn_winograd_filters_body(const real *taps, size_t tap_stride,
						 size_t row_stride, size_t rows, real *u,
						 size_t point_stride)
{
	for (size_t i = 0; i < 2 * rows; i++)
	{
		const real *from = taps + i / 2 * row_stride + i % 2 * LANES;
		Lanes		g[9];
		Lanes		half[18];
		Lanes		point[WINOGRAD_POINTS];

		for (int tap = 0; tap < 9; tap++)
			g[tap] = LOAD(from + (size_t) tap * tap_stride);
		for (int x = 0; x < 3; x++)
			filter_points(g + x, 3, half + x, 3);
		for (int y = 0; y < 6; y++)
			filter_points(half + 3 * y, 1, point + 6 * y, 1);
		for (int p = 0; p < WINOGRAD_POINTS; p++)
			STORE(u + (size_t) p * point_stride + i * LANES, point[p]);
	}
}

DISPATCH(nn_winograd_filters,
		 (const real *taps, size_t tap_stride, size_t row_stride, size_t rows,
		  real *u, size_t point_stride),
		 (taps, tap_stride, row_stride, rows, u, point_stride))

BODY void
nn_winograd_input_body(const real *const *pixels, size_t channels, real *v,
					   size_t point_stride)
{
	for (size_t c = 0; c < channels; c += LANES)
	{
		Lanes		half[WINOGRAD_POINTS];
		Lanes		point[WINOGRAD_WINDOW];

		for (int x = 0; x < 6; x++)
		{
			Lanes		d[WINOGRAD_WINDOW];

			for (int y = 0; y < 6; y++)
				d[y] = LOAD(pixels[6 * y + x] + c);
			input_points(d, point, 1);
			for (int y = 0; y < 6; y++)
				half[6 * y + x] = point[y];
		}
		for (int y = 0; y < 6; y++)
		{
			input_points(half + 6 * y, point, 1);
			for (int x = 0; x < 6; x++)
				STORE(v + (size_t) (6 * y + x) * point_stride + c, point[x]);
		}
	}
}

DISPATCH(nn_winograd_input,
		 (const real *const *pixels, size_t channels, real *v,
		  size_t point_stride), (pixels, channels, v, point_stride))

BODY void
nn_winograd_input_gradient_body(const real *m, size_t point_stride,
								real *const *pixels)
{
	for (int c = 0; c < 2 * LANES; c += LANES)
	{
		Lanes		half[WINOGRAD_POINTS];
		Lanes		d[WINOGRAD_WINDOW];

		for (int x = 0; x < 6; x++)
		{
			Lanes		point[WINOGRAD_WINDOW];

			for (int p = 0; p < 6; p++)
				point[p] = LOAD(m + (size_t) (6 * p + x) * point_stride + c);
			input_sums(point, d, 1);
			for (int y = 0; y < 6; y++)
				half[6 * y + x] = d[y];
		}
		for (int y = 0; y < 6; y++)
		{
			input_sums(half + 6 * y, d, 1);
			for (int x = 0; x < 6; x++)
			{
				real	   *pixel = pixels[6 * y + x] + c;

				STORE(pixel, LOAD(pixel) + d[x]);
			}
		}
	}
}

DISPATCH(nn_winograd_input_gradient,
		 (const real *m, size_t point_stride, real *const *pixels),
		 (m, point_stride, pixels))

BODY void
nn_winograd_output_body(const real *m, size_t point_stride, const real *bias,
						bool relu, real *const *pixels)
{
	for (int f = 0; f < 2 * LANES; f += LANES)
	{
		Lanes		first = {0};
		Lanes		half[24];
		Lanes		y[WINOGRAD_TILE];

		if (bias != NULL)
			first = LOAD(bias + f);
		for (int x = 0; x < 6; x++)
		{
			Lanes		point[WINOGRAD_WINDOW];

			for (int p = 0; p < 6; p++)
				point[p] = LOAD(m + (size_t) (6 * p + x) * point_stride + f);
			output_sums(point, 1, half + x, 6);
		}
		for (int row = 0; row < 4; row++)
		{
			output_sums(half + 6 * row, 1, y, 1);
			for (int x = 0; x < 4; x++)
				STORE(pixels[4 * row + x] + f, CLIP(y[x] + first, relu));
		}
	}
}

DISPATCH(nn_winograd_output,
		 (const real *m, size_t point_stride, const real *bias, bool relu,
		  real *const *pixels), (m, point_stride, bias, relu, pixels))

BODY void
nn_winograd_output_gradient_body(const real *const *pixels, size_t filters,
								 real *d, size_t point_stride)
{
	for (size_t f = 0; f < filters; f += LANES)
	{
		Lanes		half[24];
		Lanes		point[WINOGRAD_WINDOW];

		for (int x = 0; x < 4; x++)
		{
			Lanes		y[WINOGRAD_TILE];

			for (int row = 0; row < 4; row++)
				y[row] = LOAD(pixels[4 * row + x] + f);
			output_points(y, 1, half + x, 4);
		}
		for (int y = 0; y < 6; y++)
		{
			output_points(half + 4 * y, 1, point, 1);
			for (int x = 0; x < 6; x++)
				STORE(d + (size_t) (6 * y + x) * point_stride + f, point[x]);
		}
	}
}

DISPATCH(nn_winograd_output_gradient,
		 (const real *const *pixels, size_t filters, real *d,
		  size_t point_stride), (pixels, filters, d, point_stride))

BODY void
nn_winograd_kernel_gradient_body(const real *du, size_t point_stride,
								 size_t count, real *dk, size_t tap_stride)
{
	for (size_t i = 0; i < count; i += LANES)
	{
		Lanes		half[18];
		Lanes		g[9];

		for (int x = 0; x < 6; x++)
		{
			Lanes		point[WINOGRAD_WINDOW];

			for (int p = 0; p < 6; p++)
				point[p] = LOAD(du + (size_t) (6 * p + x) * point_stride + i);
			filter_sums(point, 1, half + x, 6);
		}
		for (int y = 0; y < 3; y++)
			filter_sums(half + 6 * y, 1, g + 3 * y, 1);
		for (int tap = 0; tap < 9; tap++)
			STORE(dk + (size_t) tap * tap_stride + i, g[tap]);
	}
}

DISPATCH(nn_winograd_kernel_gradient,
		 (const real *du, size_t point_stride, size_t count, real *dk,
		  size_t tap_stride), (du, point_stride, count, dk, tap_stride))
