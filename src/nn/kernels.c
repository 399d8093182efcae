/*
 * kernels.c
 *	  The engine's inner loops.
 *
 * Each loop is written once, as a function that is inlined into one wrapper
 * per instruction set; the compiler vectorizes each for its own.  The choice
 * follows the distance kernels'.
 */
#include "nn/kernels.h"

#include <math.h>
#include <string.h>

#include "nn/lanes.h"

/* Vectors of sums that are kept in registers */
#define GEMV_VECTORS 8

/*
 * Eight vectors of y stay in registers while all of x goes by; what is left of
 * the units follows, a row of w at a time.
 */
BODY void
nn_gemv_add_body(const real *restrict x, const real *restrict w, size_t k,
				 int units, real *restrict y)
{
	int			u = 0;

	for (; u + GEMV_VECTORS * LANES <= units; u += GEMV_VECTORS * LANES)
	{
		Lanes		sum[GEMV_VECTORS];

		for (int j = 0; j < GEMV_VECTORS; j++)
			sum[j] = LOAD(y + u + j * LANES);
		for (size_t i = 0; i < k; i++)
		{
			const real *row = w + i * (size_t) units + u;

			if (x[i] == 0)
				continue;
			for (int j = 0; j < GEMV_VECTORS; j++)
				sum[j] += x[i] * LOAD(row + j * LANES);
		}
		for (int j = 0; j < GEMV_VECTORS; j++)
			STORE(y + u + j * LANES, sum[j]);
	}
	for (size_t i = 0; i < k && u < units; i++)
	{
		const real *row = w + i * (size_t) units;

		if (x[i] == 0)
			continue;
		for (int v = u; v < units; v++)
			y[v] += x[i] * row[v];
	}
}

DISPATCH(nn_gemv_add,
		 (const real *x, const real *w, size_t k, int units, real *y),
		 (x, w, k, units, y))

/* Rows whose sums, two vectors each, leave room in sixteen registers */
#define DENSE_ROWS 6

/* Numbers that are fetched together */
#define LINE_NUMBERS ((size_t) (64 / sizeof(real)))

/*
 * Rows of x with one block of w.  Neither is in the nearest cache, and no
 * processor foresees the order well, so what comes next is fetched while this
 * is computed, evenly, as memory is fast enough for no more: lines of w's next
 * block by all tiles in turn, of x's next k numbers a share in each block.
 */
typedef struct DenseBlock
{
	const real *x;
	size_t		x_stride;
	const real *w;
	size_t		w_stride;
	size_t		k;
	int			units;			/* of a row of sums */
	size_t		number;			/* of blocks, and how many there are */
	size_t		blocks;
	const real *next;			/* line of w to be fetched */
	int			fetch;			/* how many for LINE_NUMBERS rows of w */
} DenseBlock;

/*
 * sum[n][2 LANES] += x[n][k] w[k][2 LANES].  n is a constant once this is
 * inlined.
 */
BODY void
dense_tile(int n, DenseBlock *block, real *sum)
{
	const DenseBlock b = *block;
	const real *w = b.w;
	const real *next = b.next;
	const real *row[DENSE_ROWS];
	Lanes		sum0[DENSE_ROWS] = {{0}};
	Lanes		sum1[DENSE_ROWS] = {{0}};

	for (int i = 0; i < n; i++)
		row[i] = b.x + (size_t) i * b.x_stride;
	for (size_t t = 0, end; t < b.k;)
	{
		for (int i = 0; i < b.fetch; i++, next += b.w_stride)
			__builtin_prefetch(next);
		if (t / LINE_NUMBERS % b.blocks == b.number)
			for (int i = 0; i < n; i++)
				__builtin_prefetch(row[i] + t + b.k);
		for (end = t + LINE_NUMBERS < b.k ? t + LINE_NUMBERS : b.k; t < end;
			 t++, w += b.w_stride)
		{
			Lanes		w0 = LOAD(w);
			Lanes		w1 = LOAD(w + LANES);

			for (int i = 0; i < n; i++)
			{
				sum0[i] += row[i][t] * w0;
				sum1[i] += row[i][t] * w1;
			}
		}
	}
	block->next = next;
	for (int i = 0; i < n; i++, sum += b.units)
	{
		STORE(sum, LOAD(sum) + sum0[i]);
		STORE(sum + LANES, LOAD(sum + LANES) + sum1[i]);
	}
}

/* Tiles of about equal size, since small ones wait for their own sums */
BODY void
dense_tiles(int n, DenseBlock block, real *sum)
{
	int			tiles = (n + DENSE_ROWS - 1) / DENSE_ROWS;

	block.fetch = ((int) LINE_NUMBERS + tiles - 1) / tiles;
	for (; n > 0; tiles--)
	{
		int			rows = (n + tiles - 1) / tiles;

		if (rows == 6)
			dense_tile(6, &block, sum);
		else if (rows == 5)
			dense_tile(5, &block, sum);
		else if (rows == 4)
			dense_tile(4, &block, sum);
		else if (rows == 3)
			dense_tile(3, &block, sum);
		else if (rows == 2)
			dense_tile(2, &block, sum);
		else
			dense_tile(1, &block, sum);
		n -= rows;
		block.x += (size_t) rows * block.x_stride;
		sum += (size_t) rows * (size_t) block.units;
	}
}

BODY void
nn_dense_add_body(int n, const real *x, size_t stride, const real *w,
				  bool packed, size_t k, int units, real *sum)
{
	size_t		width = 2 * LANES;
	size_t		step = packed ? k * width : width;

	for (size_t u = 0; u < (size_t) units; u += width)
	{
		const real *at = w + u / width * step;
		bool		last = u + width == (size_t) units;
		DenseBlock	block = {
			.x = x,.x_stride = stride,.w = at,
			.w_stride = packed ? width : (size_t) units,.k = k,.units = units,
			.number = u / width,.blocks = (size_t) units / width,
			.next = last ? w + k * (size_t) units : at + step
		};

		dense_tiles(n, block, sum + u);
	}
}

DISPATCH(nn_dense_add,
		 (int n, const real *x, size_t stride, const real *w, bool packed,
		  size_t k, int units, real *sum),
		 (n, x, stride, w, packed, k, units, sum))

static inline real
square_root(real x)
{
#ifdef NN_DOUBLE
	return sqrt(x);
#else
	return sqrtf(x);
#endif
}

/*
 *   m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2
 *   w -= decay w + rate m / (sqrt(v) + epsilon)
 * as m += (1 - b1) (g - m).  1 - b1 and 1 - b2 come from double; Keras computes
 * them in float, 1.3e-5 off for 0.999.  The decay is of w before the step, as
 * if it came first.
 */
BODY void
nn_adam_update_body(const NnAdamStep *step, size_t n,
					const real *restrict gradient,
					real *restrict weights, real *restrict m, real *restrict v)
{
	const NnAdamStep s = *step;

	for (size_t i = 0; i < n; i++)
	{
		real		g = gradient[i];
		real		mi = m[i] + (g - m[i]) * s.share_1;
		real		vi = v[i] + (g * g - v[i]) * s.share_2;

		m[i] = mi;
		v[i] = vi;
		weights[i] -= s.decay * weights[i] + s.rate * mi / (square_root(vi) +
															s.epsilon);
	}
}

DISPATCH(nn_adam_update,
		 (const NnAdamStep *step, size_t n, const real *gradient,
		  real *weights, real *m, real *v),
		 (step, n, gradient, weights, m, v))

/*
 *   velocity = momentum velocity - rate g
 *   w += velocity, or w += momentum velocity - rate g with nesterov
 * The velocity holds learning rates of its own time, as Keras'.
 */
BODY void
nn_sgd_update_body(const NnSgdStep *step, size_t n,
				   const real *restrict gradient,
				   real *restrict weights, real *restrict velocity)
{
	const NnSgdStep s = *step;

	if (velocity == NULL)
	{
		for (size_t i = 0; i < n; i++)
			weights[i] -= s.rate * gradient[i];
		return;
	}
	for (size_t i = 0; i < n; i++)
	{
		real		g = s.rate * gradient[i];

		velocity[i] = s.momentum * velocity[i] - g;
		weights[i] += s.nesterov ? s.momentum * velocity[i] - g : velocity[i];
	}
}

DISPATCH(nn_sgd_update,
		 (const NnSgdStep *step, size_t n, const real *gradient,
		  real *weights, real *velocity),
		 (step, n, gradient, weights, velocity))

/*
 *   s = rho s + (1 - rho) g^2, u = rho u + (1 - rho) g
 *   change = rate g / sqrt(s - u^2 + epsilon), u only if centered
 *   velocity = momentum velocity + change, w -= velocity
 */
BODY void
nn_rmsprop_update_body(const NnRmspropStep *step, size_t n,
					   const real *restrict gradient,
					   real *restrict weights, real *restrict squares,
					   real *restrict velocity, real *restrict mean)
{
	const NnRmspropStep s = *step;

	for (size_t i = 0; i < n; i++)
	{
		real		g = gradient[i];
		real		variance;
		real		change;

		squares[i] += (g * g - squares[i]) * s.share;
		variance = squares[i];
		if (mean != NULL)
		{
			mean[i] += (g - mean[i]) * s.share;
			variance -= mean[i] * mean[i];
		}
		/* a variance that rounding made negative would be no number */
		variance = variance > 0 ? variance : 0;
		change = s.rate * g / square_root(variance + s.epsilon);
		if (velocity != NULL)
			change = velocity[i] = s.momentum * velocity[i] + change;
		weights[i] -= change;
	}
}

DISPATCH(nn_rmsprop_update,
		 (const NnRmspropStep *step, size_t n, const real *gradient,
		  real *weights, real *squares, real *velocity, real *mean),
		 (step, n, gradient, weights, squares, velocity, mean))

/* Elements whose squares are summed in real before they are added in double */
#define SQUARES_BLOCK 1024

/*
 * Four vectors of sums over a block in real, which are then added in double:
 * the order is fixed for each instruction set, and rounding stays that of
 * 1,024 numbers.
 */
BODY void
nn_sum_squares_body(size_t n, const real *restrict x, double *restrict sum)
{
	double		total = *sum;

	for (size_t begin = 0; begin < n; begin += SQUARES_BLOCK)
	{
		size_t		end = n - begin < SQUARES_BLOCK ? n : begin + SQUARES_BLOCK;
		Lanes		lanes[4] = {{0}};
		size_t		i = begin;

		/* four sums, since each addition waits for the one before */
		for (; i + 4 * LANES <= end; i += 4 * LANES)
			for (int k = 0; k < 4; k++)
				lanes[k] += LOAD(x + i + k * LANES) * LOAD(x + i + k * LANES);
		lanes[0] += lanes[1] + lanes[2] + lanes[3];
		for (int l = 0; l < LANES; l++)
			total += lanes[0][l];
		for (; i < end; i++)
			total += (double) x[i] * x[i];
	}
	*sum = total;
}

DISPATCH(nn_sum_squares, (size_t n, const real *x, double *sum), (n, x, sum))

BODY void
nn_multiply_add_body(size_t n, const real *restrict a, const real *restrict b,
					 real *restrict sum)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += a[i] * b[i];
}

DISPATCH(nn_multiply_add, (size_t n, const real *a, const real *b, real *sum),
		 (n, a, b, sum))

/* ---- functions of e^x ---- */

/*
 * e^x to 1e-7 of it, by 2^n e^r with |r| <= ln 2 / 2, without a call, so that
 * loops around it become vectors; x is cut to -87..88, where 2^n is a number.
 * Adding 1.5 * 2^23 rounds to an integer, n, in the lowest bits.  NaN stays.
 */
static inline real
exponential(real x)
{
#ifdef NN_DOUBLE
	return exp(x);
#else
	const float magic = 12582912.0f;
	float		shifted;
	float		n;
	float		r;
	float		power;
	uint32_t	bits;

	x = x < -87 ? -87 : x;
	x = x > 88 ? 88 : x;
	shifted = x * 1.44269504f + magic;
	n = shifted - magic;
	r = x - n * 0.693359375f + n * 2.12194440e-4f;
	memcpy(&bits, &shifted, sizeof(bits));
	bits = (bits + 127) << 23;
	memcpy(&power, &bits, sizeof(power));
	/* Taylor's to the seventh: the rest is below 2^-24 */
	return power * (1 + r * (1 + r * (1.0f / 2 + r * (1.0f / 6 + r * (1.0f / 24 +
																	  r * (1.0f / 120 + r * (1.0f / 720 + r / 5040)))))));
#endif
}

BODY void
nn_sigmoid_body(size_t n, real *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = 1 / (1 + exponential(-x[i]));
}

DISPATCH(nn_sigmoid, (size_t n, real *x), (n, x))

BODY void
nn_silu_body(size_t n, real *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = x[i] / (1 + exponential(-x[i]));
}

DISPATCH(nn_silu, (size_t n, real *x), (n, x))

/* d silu = s (1 + x (1 - s)), s = sigmoid(x) */
BODY void
nn_silu_backward_body(size_t n, const real *restrict before,
					  real *restrict dout)
{
	for (size_t i = 0; i < n; i++)
	{
		real		s = 1 / (1 + exponential(-before[i]));

		dout[i] *= s * (1 + before[i] * (1 - s));
	}
}

DISPATCH(nn_silu_backward, (size_t n, const real *before, real *dout),
		 (n, before, dout))

/* ---- gelu ---- */

#define ROOT_HALF ((real) 0.70710678118654752)	/* sqrt(1 / 2) */
#define ROOT_TAU ((real) 0.39894228040143268)	/* 1 / sqrt(2 pi) */

/*
 * Phi(x), the normal distribution; e is e^(-x^2 / 2).  In float by Hastings'
 * approximation, to 8e-8 (Abramowitz and Stegun, 7.1.26), which is a bit of
 * what is near 1.
 */
static inline real
normal_share(real x, real e)
{
#ifdef NN_DOUBLE
	return erfc(-x * ROOT_HALF) / 2;
#else
	float		t = 1 / (1 + 0.3275911f * ROOT_HALF * fabsf(x));
	float		tail = t * (0.254829592f + t * (-0.284496736f + t *
												(1.421413741f + t * (-1.453152027f + t * 1.061405429f)))) * e / 2;

	return x < 0 ? tail : 1 - tail;
#endif
}

BODY void
nn_gelu_body(size_t n, real *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= normal_share(x[i], exponential(-x[i] * x[i] / 2));
}

DISPATCH(nn_gelu, (size_t n, real *x), (n, x))

/* d gelu = Phi(x) + x phi(x) */
BODY void
nn_gelu_backward_body(size_t n, const real *restrict before,
					  real *restrict dout)
{
	for (size_t i = 0; i < n; i++)
	{
		real		x = before[i];
		real		e = exponential(-x * x / 2);

		dout[i] *= normal_share(x, e) + x * ROOT_TAU * e;
	}
}

DISPATCH(nn_gelu_backward, (size_t n, const real *before, real *dout),
		 (n, before, dout))

/* ---- softmax ---- */

/*
 * The largest is taken out, so that no exponential overflows.  NaN among the
 * numbers, wherever it stands, reaches the sum and so all of them.
 */
BODY void
nn_softmax_body(size_t n, real *x)
{
	size_t		whole = n / (size_t) LANES * (size_t) LANES;
	Lanes		highest = (Lanes) {0} +x[0];
	Lanes		sums = {0};
	real		most;
	real		sum = 0;

	for (size_t i = 0; i < whole; i += (size_t) LANES)
	{
		Lanes		y = LOAD(x + i);
		LaneMask	higher = y > highest;

		highest = (Lanes) (((LaneMask) y & higher) |
						   ((LaneMask) highest & ~higher));
	}
	most = highest[0];
	for (int j = 1; j < LANES; j++)
		most = highest[j] > most ? highest[j] : most;
	for (size_t i = whole; i < n; i++)
		most = x[i] > most ? x[i] : most;
	for (size_t i = 0; i < n; i++)
		x[i] = exponential(x[i] - most);
	for (size_t i = 0; i < whole; i += (size_t) LANES)
		sums += LOAD(x + i);
	for (int j = 0; j < LANES; j++)
		sum += sums[j];
	for (size_t i = whole; i < n; i++)
		sum += x[i];
	for (size_t i = 0; i < n; i++)
		x[i] /= sum;
}

DISPATCH(nn_softmax, (size_t n, real *x), (n, x))

BODY void
nn_softmax_slopes_body(size_t n, const real *restrict y, real sum,
					   real *restrict slopes)
{
	for (size_t i = 0; i < n; i++)
		slopes[i] = y[i] * (slopes[i] - sum);
}

DISPATCH(nn_softmax_slopes,
		 (size_t n, const real *y, real sum, real *slopes),
		 (n, y, sum, slopes))

/* ---- normalization ---- */

BODY void
nn_add_to_body(size_t channels, const real *restrict x, real *restrict sum)
{
	for (size_t c = 0; c < channels; c++)
		sum[c] += x[c];
}

DISPATCH(nn_add_to, (size_t channels, const real *x, real *sum),
		 (channels, x, sum))

/* Four vectors of sums stay in registers, as each addition waits for its last. */
BODY void
nn_add_rows_body(size_t rows, size_t channels, const real *x, real *sum)
{
	size_t		c = 0;

	for (; c + 4 * LANES <= channels; c += 4 * LANES)
	{
		Lanes		sums[4];

		for (int j = 0; j < 4; j++)
			sums[j] = LOAD(sum + c + j * LANES);
		for (size_t i = 0; i < rows; i++)
			for (int j = 0; j < 4; j++)
				sums[j] += LOAD(x + i * channels + c + j * LANES);
		for (int j = 0; j < 4; j++)
			STORE(sum + c + j * LANES, sums[j]);
	}
	for (size_t i = 0; i < rows && c < channels; i++)
		for (size_t d = c; d < channels; d++)
			sum[d] += x[i * channels + d];
}

DISPATCH(nn_add_rows,
		 (size_t rows, size_t channels, const real *x, real *sum),
		 (rows, channels, x, sum))

BODY void
nn_add_squares_body(size_t channels, const real *restrict x,
					const real *restrict mean, real *restrict sum)
{
	for (size_t c = 0; c < channels; c++)
	{
		real		d = x[c] - mean[c];

		sum[c] += d * d;
	}
}

DISPATCH(nn_add_squares, (size_t channels, const real *x, const real *mean,
						  real *sum), (channels, x, mean, sum))

BODY void
nn_affine_body(size_t channels, const real *restrict x,
			   const real *restrict factor,
			   const real *restrict offset, real *restrict out)
{
	for (size_t c = 0; c < channels; c++)
		out[c] = x[c] * factor[c] + offset[c];
}

DISPATCH(nn_affine, (size_t channels, const real *x, const real *factor,
					 const real *offset, real *out),
		 (channels, x, factor, offset, out))

/* See layer_norm.c for what these sums are. */
BODY void
nn_add_norm_gradient_body(size_t channels, const real *restrict x,
						  const real *restrict dy,
						  const real *restrict mean, const real *restrict scale,
						  real *restrict sum_1, real *restrict sum_2)
{
	for (size_t c = 0; c < channels; c++)
	{
		sum_1[c] += dy[c];
		sum_2[c] += dy[c] * (x[c] - mean[c]) * scale[c];
	}
}

DISPATCH(nn_add_norm_gradient,
		 (size_t channels, const real *x, const real *dy, const real *mean,
		  const real *scale, real *sum_1, real *sum_2),
		 (channels, x, dy, mean, scale, sum_1, sum_2))

/* dy and dx are not restrict: they may be the same row. */
BODY void
nn_norm_gradient_body(size_t channels, const real *restrict x, const real *dy,
					  const real *restrict mean, const real *restrict scale,
					  const real *restrict gamma, const real *restrict share_1,
					  const real *restrict share_2, real *dx)
{
	for (size_t c = 0; c < channels; c++)
	{
		real		factor = gamma != NULL ? gamma[c] * scale[c] : scale[c];

		dx[c] = factor * (dy[c] - share_1[c] -
						  (x[c] - mean[c]) * scale[c] * share_2[c]);
	}
}

DISPATCH(nn_norm_gradient,
		 (size_t channels, const real *x, const real *dy, const real *mean,
		  const real *scale,
		  const real *gamma, const real *share_1, const real *share_2,
		  real *dx),
		 (channels, x, dy, mean, scale, gamma, share_1, share_2, dx))
