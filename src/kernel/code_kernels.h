/*
 * code_kernels.h
 *	  The loops under rotation.h, stored.h and codes.h, by instruction set.
 *
 * As distance.h's tables: one is chosen for this processor by kernel_init(),
 * the portable one is the reference.  No function reads or writes beyond the
 * sizes given, pointers may have any alignment that their type may have (codes
 * any at all), and what is called exact gives the same bits on every machine.
 */
#ifndef KERNEL_CODE_KERNELS_H
#define KERNEL_CODE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Neighbors that one pass over codes scores: a group of slots */
#define CODE_LANES 16

/* What turns integer sums into distances; see codes.c for the formulas. */
typedef struct CodeScale
{
	const uint8_t *norms;		/* |r| of a group's slots, bfloat16 */
	const uint8_t *factors;		/* |r|^2 / <r, c> of them, bfloat16 */
	float		step;			/* of the quantized query */
	float		norm;			/* |v| of the query */
	int32_t		offset;			/* (2^bits - 1) * sum of the query's integers */
} CodeScale;

typedef struct CodeKernels
{
	const char *name;			/* "avx512", "avx2", "neon", "portable" */

	/* x *= factor; exact */
	void		(*scale) (float *x, const float *factor, size_t n);

	/* (x, y) = (x + y, x - y); exact */
	void		(*butterfly) (float *x, float *y, size_t n);

	/* Walsh-Hadamard transform, not normalized, n a power of two; exact */
	void		(*hadamard) (float *x, size_t n);

	/* out = q - scale * x; returns the sum of squares */
	float		(*difference_int8) (const float *q, const int8_t *x,
									float scale, size_t n, float *out);
	float		(*difference_half) (const float *q, const uint16_t *x,
									float scale, size_t n, float *out);
	float		(*difference_float) (const float *q, const float *x, size_t n,
									 float *out);

	/* sum q * x */
	float		(*dot_int8) (const float *q, const int8_t *x, size_t n);
	float		(*dot_half) (const float *q, const uint16_t *x, size_t n);

	/* sum a * b of integers in -127 .. 127; exact */
	int32_t		(*dot_int8_int8) (const int8_t *a, const int8_t *b, size_t n);

	/*
	 * out = v * inverse_step to the nearest (ties to even) within -127 ..
	 * 127; returns the sum of out; exact
	 */
	int32_t		(*quantize) (const float *v, float inverse_step, size_t n,
							 int8_t *out);

	/*
	 * Levels of a residual: out = floor(v * inverse + (top + 1) / 2) within 0
	 * .. top, that is the odd integers c = 2 * out - top.  Also the sums of v *
	 * c and c * c.
	 */
	void		(*levels) (const float *v, float inverse, int top, size_t n,
						   uint8_t *out, float *dot, float *square);

	/*
	 * out[lane] = sum of code * query over one group: chunks of 64 bytes at
	 * code, 32 / bits query bytes a chunk; [0], [1], [2] for 1, 2, 4 bits;
	 * exact
	 */
	void		(*score[3]) (const uint8_t *code, const int8_t *query,
							 size_t chunks, int32_t *out);

	/* Distances, and inner products <v, r>, of CODE_LANES scores */
	void		(*to_distance) (const CodeScale *scale, const int32_t *scores,
								float *out);
	void		(*to_product) (const CodeScale *scale, const int32_t *scores,
							   float *out);
} CodeKernels;

/* The table for this processor; portable before kernel_init(). */
extern const CodeKernels *code_kernels;

/* Called by kernel_init(). */
extern void code_kernels_init(void);

/* As kernel_tables(): runnable here, best first, NULL-terminated. */
extern const CodeKernels *const *code_kernels_tables(void);

/* Use one of those tables: for tests and benchmarks. */
extern void code_kernels_use(const CodeKernels *table);

#endif							/* KERNEL_CODE_KERNELS_H */
