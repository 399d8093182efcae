/*
 * code_kernels_neon.c
 *	  Kernels of rotation, stored vectors and codes for 64-bit ARM.
 *
 * What a compiler makes of plain C with NEON is good enough for the rotation,
 * for differences of floats and for levels; those are the portable table's.
 */
#if defined(__aarch64__)

#include <arm_neon.h>

#include "kernel/code_kernels_tables.h"

/* ---- stored vectors: eight elements a step, the tail from zeros ---- */

typedef struct EightFloats
{
	float32x4_t low;
	float32x4_t high;
} EightFloats;

CODE_INLINE EightFloats
load_int8(const int8_t *x)
{
	int16x8_t	wide = vmovl_s8(vld1_s8(x));

	return (EightFloats)
	{
		vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))),
			vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide)))
	};
}

CODE_INLINE float32x4_t
four_halves(uint16x4_t h)
{
	uint32x4_t	wide = vmovl_u16(h);
	uint32x4_t	sign = vshlq_n_u32(vandq_u32(wide, vdupq_n_u32(0x8000)), 16);
	uint32x4_t	magnitude = vshlq_n_u32(vandq_u32(wide, vdupq_n_u32(0x7fff)),
										13);
	float32x4_t x = vmulq_n_f32(vreinterpretq_f32_u32(magnitude), HALF_REBIAS);

	return vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(x), sign));
}

CODE_INLINE EightFloats
load_half(const uint16_t *x)
{
	uint16x8_t	h = vld1q_u16(x);

	return (EightFloats)
	{
		four_halves(vget_low_u16(h)), four_halves(vget_high_u16(h))
	};
}

/* out = q - scale * x; adds the squares to sum */
CODE_INLINE void
step_difference(EightFloats *sum, const float *q, EightFloats x, float scale,
				float *out)
{
	float32x4_t s = vdupq_n_f32(scale);
	float32x4_t low = vfmsq_f32(vld1q_f32(q), s, x.low);
	float32x4_t high = vfmsq_f32(vld1q_f32(q + 4), s, x.high);

	vst1q_f32(out, low);
	vst1q_f32(out + 4, high);
	sum->low = vfmaq_f32(sum->low, low, low);
	sum->high = vfmaq_f32(sum->high, high, high);
}

static float
difference_int8(const float *q, const int8_t *x, float scale, size_t n,
				float *out)
{
	EightFloats sum = {vdupq_n_f32(0), vdupq_n_f32(0)};
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
		step_difference(&sum, q + i, load_int8(x + i), scale, out + i);
	if (i < n)
	{
		float		tail_q[8] = {0};
		int8_t		tail_x[8] = {0};
		float		tail_out[8];

		memcpy(tail_q, q + i, (n - i) * sizeof(float));
		memcpy(tail_x, x + i, n - i);
		step_difference(&sum, tail_q, load_int8(tail_x), scale, tail_out);
		memcpy(out + i, tail_out, (n - i) * sizeof(float));
	}
	return vaddvq_f32(vaddq_f32(sum.low, sum.high));
}

static float
difference_half(const float *q, const uint16_t *x, float scale, size_t n,
				float *out)
{
	EightFloats sum = {vdupq_n_f32(0), vdupq_n_f32(0)};
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
		step_difference(&sum, q + i, load_half(x + i), scale, out + i);
	if (i < n)
	{
		float		tail_q[8] = {0};
		uint16_t	tail_x[8] = {0};
		float		tail_out[8];

		memcpy(tail_q, q + i, (n - i) * sizeof(float));
		memcpy(tail_x, x + i, (n - i) * sizeof(uint16_t));
		step_difference(&sum, tail_q, load_half(tail_x), scale, tail_out);
		memcpy(out + i, tail_out, (n - i) * sizeof(float));
	}
	return vaddvq_f32(vaddq_f32(sum.low, sum.high));
}

static float
dot_int8(const float *q, const int8_t *x, size_t n)
{
	EightFloats sum = {vdupq_n_f32(0), vdupq_n_f32(0)};
	float		tail = 0;
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
	{
		EightFloats e = load_int8(x + i);

		sum.low = vfmaq_f32(sum.low, vld1q_f32(q + i), e.low);
		sum.high = vfmaq_f32(sum.high, vld1q_f32(q + i + 4), e.high);
	}
	for (; i < n; i++)
		tail += q[i] * (float) x[i];
	return vaddvq_f32(vaddq_f32(sum.low, sum.high)) + tail;
}

static float
dot_half(const float *q, const uint16_t *x, size_t n)
{
	EightFloats sum = {vdupq_n_f32(0), vdupq_n_f32(0)};
	float		tail = 0;
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
	{
		EightFloats e = load_half(x + i);

		sum.low = vfmaq_f32(sum.low, vld1q_f32(q + i), e.low);
		sum.high = vfmaq_f32(sum.high, vld1q_f32(q + i + 4), e.high);
	}
	for (; i < n; i++)
		tail += q[i] * half_to_float(x[i]);
	return vaddvq_f32(vaddq_f32(sum.low, sum.high)) + tail;
}

static int32_t
dot_int8_int8(const int8_t *a, const int8_t *b, size_t n)
{
	int32x4_t	sum = vdupq_n_s32(0);
	int32_t		tail = 0;
	size_t		i = 0;

	for (; i + 16 <= n; i += 16)
	{
		int8x16_t	x = vld1q_s8(a + i);
		int8x16_t	y = vld1q_s8(b + i);

		sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
		sum = vpadalq_s16(sum, vmull_high_s8(x, y));
	}
	for (; i < n; i++)
		tail += a[i] * b[i];
	return vaddvq_s32(sum) + tail;
}

/* ---- codes ---- */

/* NaN becomes -127, as in the other tables. */
CODE_INLINE int16x4_t
quantize4(const float *v, float inverse_step)
{
	float32x4_t x = vmulq_n_f32(vld1q_f32(v), inverse_step);

	x = vminq_f32(vmaxnmq_f32(x, vdupq_n_f32(-127)), vdupq_n_f32(127));
	return vmovn_s32(vcvtnq_s32_f32(x));
}

static int32_t
quantize(const float *v, float inverse_step, size_t n, int8_t *out)
{
	int32x4_t	sum = vdupq_n_s32(0);
	int32_t		tail = 0;
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
	{
		int16x8_t	x = vcombine_s16(quantize4(v + i, inverse_step),
									 quantize4(v + i + 4, inverse_step));

		sum = vpadalq_s16(sum, x);
		vst1_s8(out + i, vmovn_s16(x));
	}
	if (i < n)
		tail = code_kernels_portable.quantize(v + i, inverse_step, n - i,
											  out + i);
	return vaddvq_s32(sum) + tail;
}

/*
 * Four lanes of four bytes in a register: products in 16 bits, two registers
 * of them, widened before they can overflow (15 * 127 * 16 < 32768).
 */
CODE_INLINE void
score(const uint8_t *code, const int8_t *query, size_t chunks, int bits,
	  int32_t *out)
{
	const		uint8x16_t mask = vdupq_n_u8((uint8_t) ((1 << bits) - 1));
	const size_t safe = bits == 1 ? 32 : bits == 2 ? 20 : 8;
	int32x4_t	sum[4][2] = {0};

	while (chunks > 0)
	{
		size_t		n = chunks < safe ? chunks : safe;
		int16x8_t	part[4][2] = {0};

		for (size_t c = 0; c < n; c++, code += 64)
		{
			uint8x16_t	x[4] = {vld1q_u8(code), vld1q_u8(code + 16), vld1q_u8(code + 32), vld1q_u8(code + 48)};

			for (int shift = 0; shift < 8; shift += bits, query += 4)
			{
				int32_t		four;
				int8x16_t	q;

				memcpy(&four, query, 4);
				q = vreinterpretq_s8_s32(vdupq_n_s32(four));
				for (int i = 0; i < 4; i++)
				{
					int8x16_t	u = vreinterpretq_s8_u8(vandq_u8(x[i], mask));

					part[i][0] = vmlal_s8(part[i][0], vget_low_s8(u),
										  vget_low_s8(q));
					part[i][1] = vmlal_high_s8(part[i][1], u, q);
					x[i] = vshlq_u8(x[i], vdupq_n_s8((int8_t) -bits));
				}
			}
		}
		for (int i = 0; i < 4; i++)
			for (int j = 0; j < 2; j++)
				sum[i][j] = vpadalq_s16(sum[i][j], part[i][j]);
		chunks -= n;
	}
	for (int i = 0; i < 4; i++)
		vst1q_s32(out + 4 * i, vpaddq_s32(sum[i][0], sum[i][1]));
}

CODE_SCORES(static void)

void
code_kernels_add_neon(CodeKernels *table)
{
	table->name = "neon";
	table->difference_int8 = difference_int8;
	table->difference_half = difference_half;
	table->dot_int8 = dot_int8;
	table->dot_half = dot_half;
	table->dot_int8_int8 = dot_int8_int8;
	table->quantize = quantize;
	table->score[0] = score1;
	table->score[1] = score2;
	table->score[2] = score4;
}

#endif							/* __aarch64__ */
