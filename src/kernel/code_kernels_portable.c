/*
 * code_kernels_portable.c
 *	  Kernels of rotation, stored vectors and codes in plain C: the floor of
 *	  every platform and the reference of the others' tests.
 *
 * Eight independent sums, as in distance_portable.c.
 */
#include "kernel/code_kernels_tables.h"

#define LANES 8

static float
sum_lanes(const float *lane)
{
	return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
		((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

/* ---- rotation ---- */

static void
scale(float *x, const float *factor, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= factor[i];
}

static void
butterfly(float *x, float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		float		a = x[i];
		float		b = y[i];

		x[i] = a + b;
		y[i] = a - b;
	}
}

static void
hadamard(float *x, size_t n)
{
	for (size_t stride = 1; stride < n; stride *= 2)
		for (size_t i = 0; i < n; i += 2 * stride)
			butterfly(x + i, x + i + stride, stride);
}

/* ---- stored vectors ---- */

static float
difference_int8(const float *q, const int8_t *x, float scale, size_t n,
				float *out)
{
	float		lane[LANES] = {0};

	for (size_t i = 0; i < n; i++)
	{
		out[i] = q[i] - scale * (float) x[i];
		lane[i % LANES] += out[i] * out[i];
	}
	return sum_lanes(lane);
}

static float
difference_half(const float *q, const uint16_t *x, float scale, size_t n,
				float *out)
{
	float		lane[LANES] = {0};

	for (size_t i = 0; i < n; i++)
	{
		out[i] = q[i] - scale * half_to_float(x[i]);
		lane[i % LANES] += out[i] * out[i];
	}
	return sum_lanes(lane);
}

static float
difference_float(const float *q, const float *x, size_t n, float *out)
{
	float		lane[LANES] = {0};

	for (size_t i = 0; i < n; i++)
	{
		out[i] = q[i] - x[i];
		lane[i % LANES] += out[i] * out[i];
	}
	return sum_lanes(lane);
}

static float
dot_int8(const float *q, const int8_t *x, size_t n)
{
	float		lane[LANES] = {0};

	for (size_t i = 0; i < n; i++)
		lane[i % LANES] += q[i] * (float) x[i];
	return sum_lanes(lane);
}

static float
dot_half(const float *q, const uint16_t *x, size_t n)
{
	float		lane[LANES] = {0};

	for (size_t i = 0; i < n; i++)
		lane[i % LANES] += q[i] * half_to_float(x[i]);
	return sum_lanes(lane);
}

static int32_t
dot_int8_int8(const int8_t *a, const int8_t *b, size_t n)
{
	int32_t		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* ---- codes ---- */

static int32_t
quantize(const float *v, float inverse_step, size_t n, int8_t *out)
{
	int32_t		sum = 0;

	for (size_t i = 0; i < n; i++)
	{
		float		x = v[i] * inverse_step;

		x = x > -127.0f ? x : -127.0f;
		x = x < 127.0f ? x : 127.0f;
		out[i] = (int8_t) lrintf(x);
		sum += out[i];
	}
	return sum;
}

static void
levels(const float *v, float inverse, int top, size_t n,
	   uint8_t *out, float *dot, float *square)
{
	float		dots[LANES] = {0};
	float		squares[LANES] = {0};

	for (size_t i = 0; i < n; i++)
	{
		float		x = v[i] * inverse + (float) (top + 1) * 0.5f;
		float		c;

		x = x > 0 ? x : 0;
		x = x < (float) top ? x : (float) top;
		out[i] = (uint8_t) x;
		c = (float) (2 * out[i] - top);
		dots[i % LANES] += v[i] * c;
		squares[i % LANES] += c * c;
	}
	*dot = sum_lanes(dots);
	*square = sum_lanes(squares);
}

/*
 * One group of 16 neighbors; see codes.c for the layout.  The products of the
 * 64 bytes are kept apart, in 16 bits, for as many levels as cannot overflow
 * them: 15 * 127 * 16 < 32768.  The inner loop is one that compilers vectorize.
 */
CODE_INLINE void
score(const uint8_t *code, const int8_t *query, size_t chunks, int bits,
	  int32_t *out)
{
	const uint64_t mask = (uint64_t) ((1 << bits) - 1) * 0x0101010101010101;
	const size_t safe = bits == 1 ? 32 : bits == 2 ? 20 : 8;

	memset(out, 0, CODE_LANES * sizeof(int32_t));
	while (chunks > 0)
	{
		size_t		n = chunks < safe ? chunks : safe;
		int16_t		part[64] = {0};

		for (size_t c = 0; c < n; c++, code += 64)
		{
			for (int shift = 0; shift < 8; shift += bits, query += 4)
			{
				uint64_t	words[8];
				uint8_t		u[64];
				int8_t		q[64];

				memcpy(words, code, 64);
				for (int i = 0; i < 8; i++)
					words[i] = words[i] >> shift & mask;
				memcpy(u, words, 64);
				for (int i = 0; i < 64; i += 4)
					memcpy(q + i, query, 4);
				for (int i = 0; i < 64; i++)
					part[i] = (int16_t) (part[i] +
										 (int16_t) u[i] * (int16_t) q[i]);
			}
		}
		for (int i = 0; i < 64; i++)
			out[i / 4] += part[i];
		chunks -= n;
	}
}

CODE_SCORES(static void)

CODE_DISTANCES(static void)

const CodeKernels code_kernels_portable = CODE_KERNELS("portable");
