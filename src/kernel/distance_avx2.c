/*
 * distance_avx2.c
 *	  Distance kernels for AVX2 and FMA: four sums of eight lanes.
 *
 * Four independent sums hide the latency of fused multiply-add (4 cycles, two
 * a cycle).  The last n % 8 elements are loaded under a mask: masked lanes
 * read nothing and are 0, which adds nothing to any of the sums.
 */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#include "kernel/distance_tables.h"

#define AVX2 __attribute__((target("avx2,fma")))

/* tail_mask + 8 - n starts with n words of all ones */
static const int32_t tail_mask[16] = {
	-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0
};

static inline AVX2 __m256i
mask_of(size_t n)
{
	return _mm256_loadu_si256((const __m256i *) (tail_mask + 8 - n));
}

static inline AVX2 float
sum_lanes(__m256 s)
{
	__m128		x = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));

	x = _mm_add_ps(x, _mm_movehl_ps(x, x));
	x = _mm_add_ss(x, _mm_movehdup_ps(x));
	return _mm_cvtss_f32(x);
}

static inline AVX2 __m256
add_square(__m256 sum, __m256 a, __m256 b)
{
	__m256		d = _mm256_sub_ps(a, b);

	return _mm256_fmadd_ps(d, d, sum);
}

static inline AVX2 __m256
add_product(__m256 sum, __m256 a, __m256 b)
{
	return _mm256_fmadd_ps(a, b, sum);
}

static inline AVX2 __m256
add_absolute(__m256 sum, __m256 a, __m256 b)
{
	__m256		sign = _mm256_set1_ps(-0.0f);

	return _mm256_add_ps(sum, _mm256_andnot_ps(sign, _mm256_sub_ps(a, b)));
}

/* The loop that the three sums share; step is inlined. */
typedef __m256(*Step) (__m256 sum, __m256 a, __m256 b);

static inline AVX2 __attribute__((always_inline))
float
reduce(const float *a, const float *b, size_t n, Step step)
{
	__m256		sum = _mm256_setzero_ps();
	size_t		i = 0;

	if (n >= 32)
	{
		__m256		s[4] = {sum, sum, sum, sum};

		for (; i + 32 <= n; i += 32)
			for (int j = 0; j < 4; j++)
				s[j] = step(s[j], _mm256_loadu_ps(a + i + 8 * j), _mm256_loadu_ps(b + i + 8 * j));
		sum = _mm256_add_ps(_mm256_add_ps(s[0], s[1]), _mm256_add_ps(s[2], s[3]));
	}
	for (; i + 8 <= n; i += 8)
		sum = step(sum, _mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
	if (i < n)
	{
		__m256i		mask = mask_of(n - i);

		sum = step(sum, _mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask));
	}
	return sum_lanes(sum);
}

static AVX2 float
l2_squared(const float *a, const float *b, size_t n)
{
	return reduce(a, b, n, add_square);
}

static AVX2 float
inner_product(const float *a, const float *b, size_t n)
{
	return reduce(a, b, n, add_product);
}

static AVX2 float
l1(const float *a, const float *b, size_t n)
{
	return reduce(a, b, n, add_absolute);
}

/* Two would wait for latency: 4 cycles for 6 operations, of which 2 a cycle. */
#define COSINE_SETS 4

static inline AVX2 void
add_cosine(__m256 s[3], __m256 a, __m256 b)
{
	s[0] = _mm256_fmadd_ps(a, b, s[0]);
	s[1] = _mm256_fmadd_ps(a, a, s[1]);
	s[2] = _mm256_fmadd_ps(b, b, s[2]);
}

static AVX2 void
cosine(const float *a, const float *b, size_t n,
	   float *ab, float *aa, float *bb)
{
	__m256		s[COSINE_SETS][3];
	size_t		i = 0;

	for (int j = 0; j < COSINE_SETS; j++)
		s[j][0] = s[j][1] = s[j][2] = _mm256_setzero_ps();
	for (; i + 8 * COSINE_SETS <= n; i += 8 * COSINE_SETS)
		for (int j = 0; j < COSINE_SETS; j++)
			add_cosine(s[j], _mm256_loadu_ps(a + i + 8 * j), _mm256_loadu_ps(b + i + 8 * j));
	for (; i + 8 <= n; i += 8)
		add_cosine(s[0], _mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i));
	if (i < n)
	{
		__m256i		mask = mask_of(n - i);

		add_cosine(s[1], _mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask));
	}
	for (int j = 1; j < COSINE_SETS; j++)
		for (int k = 0; k < 3; k++)
			s[0][k] = _mm256_add_ps(s[0][k], s[j][k]);
	*ab = sum_lanes(s[0][0]);
	*aa = sum_lanes(s[0][1]);
	*bb = sum_lanes(s[0][2]);
}

const KernelTable kernel_avx2 = {
	.name = "avx2",
	.l2_squared = l2_squared,
	.inner_product = inner_product,
	.l1 = l1,
	.cosine = cosine
};

#endif							/* __x86_64__ */
