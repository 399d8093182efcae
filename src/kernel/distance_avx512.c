/*
 * distance_avx512.c
 *	  Distance kernels for AVX-512F.
 */
#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f")))
#define WIDTH 16
#define V static inline __attribute__((always_inline)) TARGET __m512

typedef __m512 Vector;

V
v_zero(void)
{
	return _mm512_setzero_ps();
}

V
v_set(float x)
{
	return _mm512_set1_ps(x);
}

V
v_load(const float *a)
{
	return _mm512_loadu_ps(a);
}

V
v_load_part(const float *a, size_t n)
{
	return _mm512_maskz_loadu_ps((__mmask16) ((1u << n) - 1), a);
}

V
v_add(__m512 a, __m512 b)
{
	return _mm512_add_ps(a, b);
}

V
v_subtract(__m512 a, __m512 b)
{
	return _mm512_sub_ps(a, b);
}

V
v_absolute(__m512 a)
{
	return _mm512_abs_ps(a);
}

V
v_multiply_add(__m512 a, __m512 b, __m512 c)
{
	return _mm512_fmadd_ps(a, b, c);
}

static inline __attribute__((always_inline)) TARGET float
v_sum(__m512 s)
{
	return _mm512_reduce_add_ps(s);
}

V
v_half(const char *p, __m512 scale)
{
	(void) scale;
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) p));
}

V
v_int8(const char *p, __m512 scale)
{
	return _mm512_mul_ps(scale,
						 _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *) p))));
}

#include "kernel/distance_loops.h"

const KernelTable kernel_avx512 = KERNEL_TABLE("avx512");

#endif							/* __x86_64__ */
