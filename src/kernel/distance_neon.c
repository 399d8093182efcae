/*
 * distance_neon.c
 *	  Distance kernels for 64-bit ARM, where NEON is always there.
 */
#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

#define TARGET
#define WIDTH 4
#define V static inline __attribute__((always_inline)) float32x4_t

typedef float32x4_t Vector;

V
v_zero(void)
{
	return vdupq_n_f32(0);
}

V
v_set(float x)
{
	return vdupq_n_f32(x);
}

V
v_load(const float *a)
{
	return vld1q_f32(a);
}

V
v_load_part(const float *a, size_t n)
{
	float		x[4] = {0};

	for (size_t i = 0; i < n; i++)
		x[i] = a[i];
	return vld1q_f32(x);
}

V
v_add(float32x4_t a, float32x4_t b)
{
	return vaddq_f32(a, b);
}

V
v_subtract(float32x4_t a, float32x4_t b)
{
	return vsubq_f32(a, b);
}

V
v_absolute(float32x4_t a)
{
	return vabsq_f32(a);
}

V
v_multiply_add(float32x4_t a, float32x4_t b, float32x4_t c)
{
	return vfmaq_f32(c, a, b);
}

static inline __attribute__((always_inline))
float
v_sum(float32x4_t a)
{
	return vaddvq_f32(a);
}

V
v_half(const char *p, float32x4_t scale)
{
	float16x4_t x;

	(void) scale;
	memcpy(&x, p, sizeof(x));
	return vcvt_f32_f16(x);
}

V
v_int8(const char *p, float32x4_t scale)
{
	int32_t		word;
	int16x8_t	wide;

	memcpy(&word, p, sizeof(word));
	wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(word)));
	return vmulq_f32(scale, vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))));
}

#include "kernel/distance_loops.h"

const KernelTable kernel_neon = KERNEL_TABLE("neon");

#endif							/* __aarch64__ */
