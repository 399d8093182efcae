/*
 * code_kernels_tables.h
 *	  The tables that code_kernels.c chooses from, and what their files share.
 */
#ifndef KERNEL_CODE_KERNELS_TABLES_H
#define KERNEL_CODE_KERNELS_TABLES_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernel/code_kernels.h"
#include "kernel/half.h"

extern const CodeKernels code_kernels_portable;

#if defined(__x86_64__)
extern const CodeKernels code_kernels_avx2;

/* Replace in a copy of the AVX2 table what AVX-512 does better. */
extern void code_kernels_add_avx512(CodeKernels *table);
#elif defined(__aarch64__)
/* Replace in a copy of the portable table what intrinsics do better. */
extern void code_kernels_add_neon(CodeKernels *table);
#endif

/*
 * Bodies that compilers vectorize by themselves: written once, compiled for
 * the instruction set of the function that they are inlined into.
 */
#define CODE_INLINE static inline __attribute__((always_inline))

/* A block may lie anywhere in a page. */
#define ANYWHERE __attribute__((aligned(1), may_alias))
typedef uint16_t ANYWHERE Unaligned16;

CODE_INLINE float
bfloat16_to_float(uint16_t half)
{
	union
	{
		uint32_t	bits;
		float		value;
	}			word = {(uint32_t) half << 16};

	return word.value;
}

/* <v, r> for each slot; NaN in damaged factors gives NaN. */
CODE_INLINE void
to_product_body(const CodeScale *scale, const int32_t *scores, float *out)
{
	const Unaligned16 *factors = (const Unaligned16 *) scale->factors;

	for (int i = 0; i < CODE_LANES; i++)
		out[i] = bfloat16_to_float(factors[i]) * (scale->step * (float) (2 * scores[i] - scale->offset));
}

/*
 * |v - r| for each slot.  Everything is measured in units of the larger of |v|
 * and |r|, so that no square overflows or vanishes; |<v, r>| <= |v| |r| is
 * enforced; whatever is not a number becomes infinity.
 */
CODE_INLINE void
to_distance_body(const CodeScale *scale, const int32_t *scores, float *out)
{
	const Unaligned16 *norms = (const Unaligned16 *) scale->norms;
	const Unaligned16 *factors = (const Unaligned16 *) scale->factors;
	float		step = scale->step;
	float		v = scale->norm;
	int32_t		offset = scale->offset;

	for (int i = 0; i < CODE_LANES; i++)
	{
		float		norm = bfloat16_to_float(norms[i]);
		float		factor = bfloat16_to_float(factors[i]);
		float		unit = norm > v ? norm : v;
		float		inverse = 1.0f / (unit > FLT_MIN ? unit : FLT_MIN);
		float		a = v * inverse;
		float		b = norm == INFINITY ? 0.0f : norm * inverse;
		float		most = a * b;
		float		ab = (factor * inverse) *
		((step * inverse) * (float) (2 * scores[i] - offset));
		float		square;
		float		distance;

		ab = ab < most ? ab : most;
		ab = ab > -most ? ab : -most;
		square = a * a + b * b - 2.0f * ab;
		distance = unit * sqrtf(square > 0 ? square : 0);
		out[i] = distance < INFINITY ? distance : INFINITY;
	}
}

/*
 * The last functions of a file's table, of the file's storage class and
 * instruction set; score(code, query, chunks, bits, out) is written for each.
 */
#define CODE_SCORES(DECLARED) \
	DECLARED score1(const uint8_t *code, const int8_t *query, size_t chunks, int32_t *out) \
	{ \
		score(code, query, chunks, 1, out); \
	} \
	DECLARED score2(const uint8_t *code, const int8_t *query, size_t chunks, int32_t *out) \
	{ \
		score(code, query, chunks, 2, out); \
	} \
	DECLARED score4(const uint8_t *code, const int8_t *query, size_t chunks, int32_t *out) \
	{ \
		score(code, query, chunks, 4, out); \
	}

#define CODE_DISTANCES(DECLARED) \
	DECLARED to_distance(const CodeScale *scale, const int32_t *scores, float *out) \
	{ \
		to_distance_body(scale, scores, out); \
	} \
	DECLARED to_product(const CodeScale *scale, const int32_t *scores, float *out) \
	{ \
		to_product_body(scale, scores, out); \
	}

/* The table of a file that defines all of them */
#define CODE_KERNELS(NAME) \
	{ \
		.name = NAME, .scale = scale, .butterfly = butterfly, .hadamard = hadamard, \
		.difference_int8 = difference_int8, .difference_half = difference_half, \
		.difference_float = difference_float, .dot_int8 = dot_int8, .dot_half = dot_half, \
		.dot_int8_int8 = dot_int8_int8, .quantize = quantize, .levels = levels, \
		.score = {score1, score2, score4}, \
		.to_distance = to_distance, .to_product = to_product \
	}

#endif							/* KERNEL_CODE_KERNELS_TABLES_H */
