/*
 * distance_neon.c
 *	  Distance kernels for 64-bit ARM, where NEON is always there: four sums
 *	  of four lanes, the tail in plain C.
 */
#if defined(__aarch64__)

#include <arm_neon.h>
#include <math.h>

#include "kernel/distance_tables.h"

static inline float32x4_t
add_square(float32x4_t sum, float32x4_t a, float32x4_t b)
{
	float32x4_t d = vsubq_f32(a, b);

	return vfmaq_f32(sum, d, d);
}

static inline float32x4_t
add_product(float32x4_t sum, float32x4_t a, float32x4_t b)
{
	return vfmaq_f32(sum, a, b);
}

static inline float32x4_t
add_absolute(float32x4_t sum, float32x4_t a, float32x4_t b)
{
	return vaddq_f32(sum, vabdq_f32(a, b));
}

/* The last n < 4 elements, zero beyond */
static inline float32x4_t
load_tail(const float *p, size_t n)
{
	float		x[4] = {0};

	for (size_t i = 0; i < n; i++)
		x[i] = p[i];
	return vld1q_f32(x);
}

/* The loop that the three sums share; step is inlined. */
typedef float32x4_t(*Step) (float32x4_t sum, float32x4_t a, float32x4_t b);

static inline __attribute__((always_inline))
float
reduce(const float *a, const float *b, size_t n, Step step)
{
	float32x4_t s0 = vdupq_n_f32(0);
	float32x4_t s1 = s0;
	float32x4_t s2 = s0;
	float32x4_t s3 = s0;
	size_t		i = 0;

	for (; i + 16 <= n; i += 16)
	{
		s0 = step(s0, vld1q_f32(a + i), vld1q_f32(b + i));
		s1 = step(s1, vld1q_f32(a + i + 4), vld1q_f32(b + i + 4));
		s2 = step(s2, vld1q_f32(a + i + 8), vld1q_f32(b + i + 8));
		s3 = step(s3, vld1q_f32(a + i + 12), vld1q_f32(b + i + 12));
	}
	for (; i + 4 <= n; i += 4)
		s0 = step(s0, vld1q_f32(a + i), vld1q_f32(b + i));
	if (i < n)
		s1 = step(s1, load_tail(a + i, n - i), load_tail(b + i, n - i));
	return vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)));
}

static float
l2_squared(const float *a, const float *b, size_t n)
{
	return reduce(a, b, n, add_square);
}

static float
inner_product(const float *a, const float *b, size_t n)
{
	return reduce(a, b, n, add_product);
}

static float
l1(const float *a, const float *b, size_t n)
{
	return reduce(a, b, n, add_absolute);
}

static void
cosine(const float *a, const float *b, size_t n,
	   float *ab, float *aa, float *bb)
{
	float32x4_t s[2][3];
	size_t		i = 0;

	for (int j = 0; j < 3; j++)
		s[0][j] = s[1][j] = vdupq_n_f32(0);
	for (; i + 8 <= n; i += 8)
	{
		for (int j = 0; j < 2; j++)
		{
			float32x4_t x = vld1q_f32(a + i + 4 * j);
			float32x4_t y = vld1q_f32(b + i + 4 * j);

			s[j][0] = vfmaq_f32(s[j][0], x, y);
			s[j][1] = vfmaq_f32(s[j][1], x, x);
			s[j][2] = vfmaq_f32(s[j][2], y, y);
		}
	}
	for (; i < n; i += 4)
	{
		float32x4_t x = load_tail(a + i, n - i < 4 ? n - i : 4);
		float32x4_t y = load_tail(b + i, n - i < 4 ? n - i : 4);

		s[0][0] = vfmaq_f32(s[0][0], x, y);
		s[0][1] = vfmaq_f32(s[0][1], x, x);
		s[0][2] = vfmaq_f32(s[0][2], y, y);
	}
	*ab = vaddvq_f32(vaddq_f32(s[0][0], s[1][0]));
	*aa = vaddvq_f32(vaddq_f32(s[0][1], s[1][1]));
	*bb = vaddvq_f32(vaddq_f32(s[0][2], s[1][2]));
}

const KernelTable kernel_neon = {
	.name = "neon",
	.l2_squared = l2_squared,
	.inner_product = inner_product,
	.l1 = l1,
	.cosine = cosine
};

#endif							/* __aarch64__ */
