/*
 * distance_avx2.c
 *	  Distance kernels for AVX2, FMA and F16C.
 */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define TARGET __attribute__((target("avx2,fma,f16c")))
#define WIDTH 8
#define V static inline __attribute__((always_inline)) TARGET __m256

typedef __m256 Vector;

V
v_zero(void)
{
	return _mm256_setzero_ps();
}

V
v_set(float x)
{
	return _mm256_set1_ps(x);
}

V
v_load(const float *a)
{
	return _mm256_loadu_ps(a);
}

/* tail_mask + 8 - n starts with n words of all ones */
static const int32_t tail_mask[16] = {
	-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0
};

V
v_load_part(const float *a, size_t n)
{
	return _mm256_maskload_ps(a,
							  _mm256_loadu_si256((const __m256i *) (tail_mask +
																	8 - n)));
}

V
v_add(__m256 a, __m256 b)
{
	return _mm256_add_ps(a, b);
}

V
v_subtract(__m256 a, __m256 b)
{
	return _mm256_sub_ps(a, b);
}

V
v_absolute(__m256 a)
{
	return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

V
v_multiply_add(__m256 a, __m256 b, __m256 c)
{
	return _mm256_fmadd_ps(a, b, c);
}

static inline __attribute__((always_inline)) TARGET float
v_sum(__m256 s)
{
	__m128		x = _mm_add_ps(_mm256_castps256_ps128(s),
							   _mm256_extractf128_ps(s, 1));

	x = _mm_add_ps(x, _mm_movehl_ps(x, x));
	x = _mm_add_ss(x, _mm_movehdup_ps(x));
	return _mm_cvtss_f32(x);
}

V
v_half(const char *p, __m256 scale)
{
	(void) scale;
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) p));
}

V
v_int8(const char *p, __m256 scale)
{
	return _mm256_mul_ps(scale,
						 _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *) p))));
}

#include "kernel/distance_loops.h"

const KernelTable kernel_avx2 = KERNEL_TABLE("avx2");

#endif							/* __x86_64__ */
