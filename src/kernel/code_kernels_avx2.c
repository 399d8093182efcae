/*
 * code_kernels_avx2.c
 *	  Kernels of rotation, stored vectors and codes for AVX2 and FMA.
 *
 * Tails of fewer than eight floats are copied into a vector of zeros: there
 * are no masked loads of bytes.
 */
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernel/code_kernels_tables.h"

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX2_INLINE static inline __attribute__((always_inline, target("avx2,fma")))

AVX2_INLINE float
sum_lanes(__m256 s)
{
	__m128		x = _mm_add_ps(_mm256_castps256_ps128(s),
							   _mm256_extractf128_ps(s, 1));

	x = _mm_add_ps(x, _mm_movehl_ps(x, x));
	x = _mm_add_ss(x, _mm_movehdup_ps(x));
	return _mm_cvtss_f32(x);
}

AVX2_INLINE int32_t
sum_integers(__m256i s)
{
	__m128i		x = _mm_add_epi32(_mm256_castsi256_si128(s),
								  _mm256_extracti128_si256(s, 1));

	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1));
	return _mm_cvtsi128_si32(x);
}

/* ---- rotation ---- */

static AVX2 void
scale(float *x, const float *factor, size_t n)
{
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(x + i,
						 _mm256_mul_ps(_mm256_loadu_ps(x + i),
									   _mm256_loadu_ps(factor + i)));
	for (; i < n; i++)
		x[i] *= factor[i];
}

static AVX2 void
butterfly(float *x, float *y, size_t n)
{
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
	{
		__m256		a = _mm256_loadu_ps(x + i);
		__m256		b = _mm256_loadu_ps(y + i);

		_mm256_storeu_ps(x + i, _mm256_add_ps(a, b));
		_mm256_storeu_ps(y + i, _mm256_sub_ps(a, b));
	}
	for (; i < n; i++)
	{
		float		a = x[i];
		float		b = y[i];

		x[i] = a + b;
		y[i] = a - b;
	}
}

/*
 * Strides 1, 2 and 4 inside one register: to every element add its partner,
 * with the element's sign turned in the upper one of the two.
 */
AVX2_INLINE __m256
hadamard8(__m256 x)
{
	const		__m256 sign1 = _mm256_setr_ps(0.0f, -0.0f, 0.0f, -0.0f, 0.0f,
											  -0.0f, 0.0f, -0.0f);
	const		__m256 sign2 = _mm256_setr_ps(0.0f, 0.0f, -0.0f, -0.0f, 0.0f,
											  0.0f, -0.0f, -0.0f);
	const		__m256 sign4 = _mm256_setr_ps(0.0f, 0.0f, 0.0f, 0.0f, -0.0f,
											  -0.0f, -0.0f, -0.0f);

	x = _mm256_add_ps(_mm256_permute_ps(x, 0xb1), _mm256_xor_ps(x, sign1));
	x = _mm256_add_ps(_mm256_permute_ps(x, 0x4e), _mm256_xor_ps(x, sign2));
	return _mm256_add_ps(_mm256_permute2f128_ps(x, x, 1),
						 _mm256_xor_ps(x, sign4));
}

/* Strides s and 2s in one pass over memory */
AVX2_INLINE void
hadamard_two_strides(float *x, size_t n, size_t s)
{
	for (size_t i = 0; i < n; i += 4 * s)
	{
		for (size_t j = i; j < i + s; j += 8)
		{
			__m256		a = _mm256_loadu_ps(x + j);
			__m256		b = _mm256_loadu_ps(x + j + s);
			__m256		c = _mm256_loadu_ps(x + j + 2 * s);
			__m256		d = _mm256_loadu_ps(x + j + 3 * s);
			__m256		ab = _mm256_add_ps(a, b);
			__m256		cd = _mm256_add_ps(c, d);

			a = _mm256_sub_ps(a, b);
			c = _mm256_sub_ps(c, d);
			_mm256_storeu_ps(x + j, _mm256_add_ps(ab, cd));
			_mm256_storeu_ps(x + j + s, _mm256_add_ps(a, c));
			_mm256_storeu_ps(x + j + 2 * s, _mm256_sub_ps(ab, cd));
			_mm256_storeu_ps(x + j + 3 * s, _mm256_sub_ps(a, c));
		}
	}
}

static AVX2 void
hadamard(float *x, size_t n)
{
	size_t		stride = 8;

	if (n < 8)
	{
		code_kernels_portable.hadamard(x, n);
		return;
	}
	for (size_t i = 0; i < n; i += 8)
		_mm256_storeu_ps(x + i, hadamard8(_mm256_loadu_ps(x + i)));
	for (; 4 * stride <= n; stride *= 4)
		hadamard_two_strides(x, n, stride);
	if (stride < n)
		butterfly(x, x + stride, stride);
}

/* ---- stored vectors ---- */

AVX2_INLINE __m256
load_int8(const int8_t *x)
{
	return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *) x)));
}

/* half_to_float() on eight, which spares asking for F16C */
AVX2_INLINE __m256
load_half(const uint16_t *x)
{
	__m256i		h = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *) x));
	__m256i		sign = _mm256_slli_epi32(_mm256_and_si256(h,
														  _mm256_set1_epi32(0x8000)), 16);
	__m256i		magnitude = _mm256_slli_epi32(_mm256_and_si256(h,
															   _mm256_set1_epi32(0x7fff)), 13);

	return _mm256_or_ps(_mm256_castsi256_ps(sign),
						_mm256_mul_ps(_mm256_castsi256_ps(magnitude),
									  _mm256_set1_ps(HALF_REBIAS)));
}

AVX2_INLINE __m256
step_int8(__m256 sum, const float *q, const int8_t *x, __m256 scale, float *out)
{
	__m256		d = _mm256_fnmadd_ps(scale, load_int8(x), _mm256_loadu_ps(q));

	_mm256_storeu_ps(out, d);
	return _mm256_fmadd_ps(d, d, sum);
}

static AVX2 float
difference_int8(const float *q, const int8_t *x, float scale, size_t n,
				float *out)
{
	__m256		s = _mm256_set1_ps(scale);
	__m256		sum0 = _mm256_setzero_ps();
	__m256		sum1 = sum0;
	__m256		sum2 = sum0;
	__m256		sum3 = sum0;
	size_t		i = 0;

	for (; i + 32 <= n; i += 32)
	{
		sum0 = step_int8(sum0, q + i, x + i, s, out + i);
		sum1 = step_int8(sum1, q + i + 8, x + i + 8, s, out + i + 8);
		sum2 = step_int8(sum2, q + i + 16, x + i + 16, s, out + i + 16);
		sum3 = step_int8(sum3, q + i + 24, x + i + 24, s, out + i + 24);
	}
	for (; i + 8 <= n; i += 8)
		sum0 = step_int8(sum0, q + i, x + i, s, out + i);
	if (i < n)
	{
		float		tail_q[8] = {0};
		int8_t		tail_x[8] = {0};
		float		tail_out[8];

		memcpy(tail_q, q + i, (n - i) * sizeof(float));
		memcpy(tail_x, x + i, n - i);
		sum1 = step_int8(sum1, tail_q, tail_x, s, tail_out);
		memcpy(out + i, tail_out, (n - i) * sizeof(float));
	}
	return sum_lanes(_mm256_add_ps(_mm256_add_ps(sum0, sum1),
								   _mm256_add_ps(sum2, sum3)));
}

AVX2_INLINE __m256
step_half(__m256 sum, const float *q, const uint16_t *x, __m256 scale,
		  float *out)
{
	__m256		d = _mm256_fnmadd_ps(scale, load_half(x), _mm256_loadu_ps(q));

	_mm256_storeu_ps(out, d);
	return _mm256_fmadd_ps(d, d, sum);
}

static AVX2 float
difference_half(const float *q, const uint16_t *x, float scale, size_t n,
				float *out)
{
	__m256		s = _mm256_set1_ps(scale);
	__m256		sum0 = _mm256_setzero_ps();
	__m256		sum1 = sum0;
	size_t		i = 0;

	for (; i + 16 <= n; i += 16)
	{
		sum0 = step_half(sum0, q + i, x + i, s, out + i);
		sum1 = step_half(sum1, q + i + 8, x + i + 8, s, out + i + 8);
	}
	for (; i < n; i += 8)
	{
		size_t		m = n - i < 8 ? n - i : 8;
		float		tail_q[8] = {0};
		uint16_t	tail_x[8] = {0};
		float		tail_out[8];

		memcpy(tail_q, q + i, m * sizeof(float));
		memcpy(tail_x, x + i, m * sizeof(uint16_t));
		sum1 = step_half(sum1, tail_q, tail_x, s, tail_out);
		memcpy(out + i, tail_out, m * sizeof(float));
	}
	return sum_lanes(_mm256_add_ps(sum0, sum1));
}

AVX2_INLINE __m256
step_float(__m256 sum, const float *q, const float *x, float *out)
{
	__m256		d = _mm256_sub_ps(_mm256_loadu_ps(q), _mm256_loadu_ps(x));

	_mm256_storeu_ps(out, d);
	return _mm256_fmadd_ps(d, d, sum);
}

static AVX2 float
difference_float(const float *q, const float *x, size_t n, float *out)
{
	__m256		sum0 = _mm256_setzero_ps();
	__m256		sum1 = sum0;
	size_t		i = 0;

	for (; i + 16 <= n; i += 16)
	{
		sum0 = step_float(sum0, q + i, x + i, out + i);
		sum1 = step_float(sum1, q + i + 8, x + i + 8, out + i + 8);
	}
	for (; i < n; i += 8)
	{
		size_t		m = n - i < 8 ? n - i : 8;
		float		tail_q[8] = {0};
		float		tail_x[8] = {0};
		float		tail_out[8];

		memcpy(tail_q, q + i, m * sizeof(float));
		memcpy(tail_x, x + i, m * sizeof(float));
		sum1 = step_float(sum1, tail_q, tail_x, tail_out);
		memcpy(out + i, tail_out, m * sizeof(float));
	}
	return sum_lanes(_mm256_add_ps(sum0, sum1));
}

static AVX2 float
dot_int8(const float *q, const int8_t *x, size_t n)
{
	__m256		sum0 = _mm256_setzero_ps();
	__m256		sum1 = sum0;
	float		tail = 0;
	size_t		i = 0;

	for (; i + 16 <= n; i += 16)
	{
		sum0 = _mm256_fmadd_ps(load_int8(x + i), _mm256_loadu_ps(q + i), sum0);
		sum1 = _mm256_fmadd_ps(load_int8(x + i + 8), _mm256_loadu_ps(q + i + 8),
							   sum1);
	}
	for (; i < n; i++)
		tail += q[i] * (float) x[i];
	return sum_lanes(_mm256_add_ps(sum0, sum1)) + tail;
}

static AVX2 float
dot_half(const float *q, const uint16_t *x, size_t n)
{
	__m256		sum0 = _mm256_setzero_ps();
	__m256		sum1 = sum0;
	float		tail = 0;
	size_t		i = 0;

	for (; i + 16 <= n; i += 16)
	{
		sum0 = _mm256_fmadd_ps(load_half(x + i), _mm256_loadu_ps(q + i), sum0);
		sum1 = _mm256_fmadd_ps(load_half(x + i + 8), _mm256_loadu_ps(q + i + 8),
							   sum1);
	}
	for (; i < n; i++)
		tail += q[i] * half_to_float(x[i]);
	return sum_lanes(_mm256_add_ps(sum0, sum1)) + tail;
}

AVX2_INLINE __m256i
load_int16(const int8_t *x)
{
	return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *) x));
}

static AVX2 int32_t
dot_int8_int8(const int8_t *a, const int8_t *b, size_t n)
{
	__m256i		sum0 = _mm256_setzero_si256();
	__m256i		sum1 = sum0;
	int32_t		tail = 0;
	size_t		i = 0;

	for (; i + 32 <= n; i += 32)
	{
		sum0 = _mm256_add_epi32(sum0,
								_mm256_madd_epi16(load_int16(a + i),
												  load_int16(b + i)));
		sum1 = _mm256_add_epi32(sum1,
								_mm256_madd_epi16(load_int16(a + i + 16),
												  load_int16(b + i + 16)));
	}
	for (; i + 16 <= n; i += 16)
		sum0 = _mm256_add_epi32(sum0,
								_mm256_madd_epi16(load_int16(a + i),
												  load_int16(b + i)));
	for (; i < n; i++)
		tail += a[i] * b[i];
	return sum_integers(_mm256_add_epi32(sum0, sum1)) + tail;
}

/* ---- codes ---- */

/* Eight floats to integers in -127 .. 127; NaN, as any comparison, gives -127 */
AVX2_INLINE __m256i
quantize8(const float *v, __m256 inverse_step)
{
	__m256		x = _mm256_mul_ps(_mm256_loadu_ps(v), inverse_step);

	x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-127)),
					  _mm256_set1_ps(127));
	return _mm256_cvtps_epi32(x);
}

static AVX2 int32_t
quantize(const float *v, float inverse_step, size_t n, int8_t *out)
{
	const		__m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
	__m256		inverse = _mm256_set1_ps(inverse_step);
	__m256i		sum = _mm256_setzero_si256();
	int32_t		tail = 0;
	size_t		i = 0;

	for (; i + 32 <= n; i += 32)
	{
		__m256i		a = _mm256_packs_epi32(quantize8(v + i, inverse),
										   quantize8(v + i + 8, inverse));
		__m256i		b = _mm256_packs_epi32(quantize8(v + i + 16, inverse),
										   quantize8(v + i + 24, inverse));

		sum = _mm256_add_epi32(sum,
							   _mm256_madd_epi16(_mm256_add_epi16(a, b),
												 _mm256_set1_epi16(1)));
		a = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order);
		_mm256_storeu_si256((__m256i *) (out + i), a);
	}
	if (i < n)
		tail = code_kernels_portable.quantize(v + i, inverse_step, n - i,
											  out + i);
	return sum_integers(sum) + tail;
}

AVX2_INLINE __m256i
levels8(const float *v, __m256 inverse, __m256 half, __m256 top, __m256 * dot,
		__m256 * square)
{
	__m256		r = _mm256_loadu_ps(v);
	__m256		x = _mm256_add_ps(_mm256_mul_ps(r, inverse), half);
	__m256i		u;
	__m256		c;

	x = _mm256_min_ps(_mm256_max_ps(x, _mm256_setzero_ps()), top);
	u = _mm256_cvttps_epi32(x);
	x = _mm256_cvtepi32_ps(u);
	c = _mm256_sub_ps(_mm256_add_ps(x, x), top);
	*dot = _mm256_fmadd_ps(r, c, *dot);
	*square = _mm256_fmadd_ps(c, c, *square);
	return u;
}

static AVX2 void
levels(const float *v, float inverse, int top, size_t n,
	   uint8_t *out, float *dot, float *square)
{
	const		__m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
	__m256		in = _mm256_set1_ps(inverse);
	__m256		half = _mm256_set1_ps((float) (top + 1) * 0.5f);
	__m256		most = _mm256_set1_ps((float) top);
	__m256		dot0 = _mm256_setzero_ps();
	__m256		dot1 = dot0;
	__m256		square0 = dot0;
	__m256		square1 = dot0;
	float		tail_dot = 0;
	float		tail_square = 0;
	size_t		i = 0;

	for (; i + 32 <= n; i += 32)
	{
		__m256i		u0 = levels8(v + i, in, half, most, &dot0, &square0);
		__m256i		u1 = levels8(v + i + 8, in, half, most, &dot1, &square1);
		__m256i		u2 = levels8(v + i + 16, in, half, most, &dot0, &square0);
		__m256i		u3 = levels8(v + i + 24, in, half, most, &dot1, &square1);

		u0 = _mm256_packus_epi16(_mm256_packus_epi32(u0, u1),
								 _mm256_packus_epi32(u2, u3));
		_mm256_storeu_si256((__m256i *) (out + i),
							_mm256_permutevar8x32_epi32(u0, order));
	}
	if (i < n)
		code_kernels_portable.levels(v + i, inverse, top, n - i, out + i,
									 &tail_dot, &tail_square);
	*dot = sum_lanes(_mm256_add_ps(dot0, dot1)) + tail_dot;
	*square = sum_lanes(_mm256_add_ps(square0, square1)) + tail_square;
}

AVX2_INLINE __m256i
add_products(__m256i sum, __m256i code, __m256i mask, __m256i query)
{
	return _mm256_add_epi16(sum,
							_mm256_maddubs_epi16(_mm256_and_si256(code, mask),
												 query));
}

/*
 * A byte holds 8 / bits levels, four bytes a neighbor: mask one level out of
 * each byte, multiply by four query bytes, add pairs to 16 bits.  Those sums
 * are widened before they can overflow: a chunk adds at most (8 / bits) *
 * (2^bits - 1) * 2 * 127 to each, that is 2032, 3048 or 7620.
 */
AVX2_INLINE void
score(const uint8_t *code, const int8_t *query, size_t chunks, int bits,
	  int32_t *out)
{
	const		__m256i mask = _mm256_set1_epi8((char) ((1 << bits) - 1));
	const		__m256i ones = _mm256_set1_epi16(1);
	const size_t safe = bits == 1 ? 16 : bits == 2 ? 10 : 4;
	__m256i		sum0 = _mm256_setzero_si256();
	__m256i		sum1 = sum0;

	while (chunks > 0)
	{
		size_t		n = chunks < safe ? chunks : safe;
		__m256i		part0 = _mm256_setzero_si256();
		__m256i		part1 = part0;

		for (size_t c = 0; c < n; c++, code += 64)
		{
			__m256i		x0 = _mm256_loadu_si256((const __m256i *) code);
			__m256i		x1 = _mm256_loadu_si256((const __m256i *) (code + 32));

#pragma GCC unroll 8
			for (int shift = 0; shift < 8; shift += bits, query += 4)
			{
				int32_t		four;
				__m256i		q;

				memcpy(&four, query, 4);
				q = _mm256_set1_epi32(four);
				part0 = add_products(part0, _mm256_srli_epi16(x0, shift), mask,
									 q);
				part1 = add_products(part1, _mm256_srli_epi16(x1, shift), mask,
									 q);
			}
		}
		sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(part0, ones));
		sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(part1, ones));
		chunks -= n;
	}
	_mm256_storeu_si256((__m256i *) out, sum0);
	_mm256_storeu_si256((__m256i *) (out + 8), sum1);
}

CODE_SCORES(static AVX2 void)

CODE_DISTANCES(static AVX2 void)

const CodeKernels code_kernels_avx2 = CODE_KERNELS("avx2");

#endif							/* __x86_64__ */
