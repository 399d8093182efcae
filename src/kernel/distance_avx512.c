/*
 * distance_avx512.c
 *	  Distance kernels for AVX-512F: four sums of sixteen lanes, the tail
 *	  under a mask.
 */
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernel/distance_tables.h"

#define AVX512 __attribute__((target("avx512f")))

static inline AVX512 __m512
add_square(__m512 sum, __m512 a, __m512 b)
{
	__m512		d = _mm512_sub_ps(a, b);

	return _mm512_fmadd_ps(d, d, sum);
}

static inline AVX512 __m512
add_product(__m512 sum, __m512 a, __m512 b)
{
	return _mm512_fmadd_ps(a, b, sum);
}

static inline AVX512 __m512
add_absolute(__m512 sum, __m512 a, __m512 b)
{
	return _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(a, b)));
}

static inline AVX512 __mmask16
mask_of(size_t n)
{
	return (__mmask16) ((1u << n) - 1);
}

/* The loop that the three sums share; step is inlined. */
typedef __m512(*Step) (__m512 sum, __m512 a, __m512 b);

static inline AVX512 __attribute__((always_inline))
float
reduce(const float *a, const float *b, size_t n, Step step)
{
	__m512		s0 = _mm512_setzero_ps();
	__m512		s1 = s0;
	__m512		s2 = s0;
	__m512		s3 = s0;
	size_t		i = 0;

	for (; i + 64 <= n; i += 64)
	{
		s0 = step(s0, _mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
		s1 = step(s1, _mm512_loadu_ps(a + i + 16), _mm512_loadu_ps(b + i + 16));
		s2 = step(s2, _mm512_loadu_ps(a + i + 32), _mm512_loadu_ps(b + i + 32));
		s3 = step(s3, _mm512_loadu_ps(a + i + 48), _mm512_loadu_ps(b + i + 48));
	}
	for (; i + 16 <= n; i += 16)
		s0 = step(s0, _mm512_loadu_ps(a + i), _mm512_loadu_ps(b + i));
	if (i < n)
	{
		__mmask16	mask = mask_of(n - i);

		s1 = step(s1, _mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i));
	}
	return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)));
}

static AVX512 float
l2_squared(const float *a, const float *b, size_t n)
{
	return reduce(a, b, n, add_square);
}

static AVX512 float
inner_product(const float *a, const float *b, size_t n)
{
	return reduce(a, b, n, add_product);
}

static AVX512 float
l1(const float *a, const float *b, size_t n)
{
	return reduce(a, b, n, add_absolute);
}

static AVX512 void
cosine(const float *a, const float *b, size_t n,
	   float *ab, float *aa, float *bb)
{
	__m512		s[2][3];
	size_t		i = 0;

	for (int j = 0; j < 3; j++)
		s[0][j] = s[1][j] = _mm512_setzero_ps();
	for (; i + 32 <= n; i += 32)
	{
		for (int j = 0; j < 2; j++)
		{
			__m512		x = _mm512_loadu_ps(a + i + 16 * j);
			__m512		y = _mm512_loadu_ps(b + i + 16 * j);

			s[j][0] = _mm512_fmadd_ps(x, y, s[j][0]);
			s[j][1] = _mm512_fmadd_ps(x, x, s[j][1]);
			s[j][2] = _mm512_fmadd_ps(y, y, s[j][2]);
		}
	}
	for (; i < n; i += 16)
	{
		__mmask16	mask = mask_of(n - i < 16 ? n - i : 16);
		__m512		x = _mm512_maskz_loadu_ps(mask, a + i);
		__m512		y = _mm512_maskz_loadu_ps(mask, b + i);

		s[0][0] = _mm512_fmadd_ps(x, y, s[0][0]);
		s[0][1] = _mm512_fmadd_ps(x, x, s[0][1]);
		s[0][2] = _mm512_fmadd_ps(y, y, s[0][2]);
	}
	*ab = _mm512_reduce_add_ps(_mm512_add_ps(s[0][0], s[1][0]));
	*aa = _mm512_reduce_add_ps(_mm512_add_ps(s[0][1], s[1][1]));
	*bb = _mm512_reduce_add_ps(_mm512_add_ps(s[0][2], s[1][2]));
}

const KernelTable kernel_avx512 = {
	.name = "avx512",
	.l2_squared = l2_squared,
	.inner_product = inner_product,
	.l1 = l1,
	.cosine = cosine
};

#endif							/* __x86_64__ */
