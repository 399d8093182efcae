/*
 * distance.h
 *	  Distance kernels on float32 vectors, chosen once for this processor.
 *
 * Every kernel takes two vectors of n floats, n >= 0, at any alignment that a
 * float may have, and returns a float32 sum accumulated in several lanes (so
 * the last bits differ between instruction sets; see the README for bounds).
 * The portable table is plain C and is the reference of the tests.
 */
#ifndef KERNEL_DISTANCE_H
#define KERNEL_DISTANCE_H

#include <stddef.h>

#include "kernel/dispatch.h"

/* Sums over n floats a and n elements of one kind; scale is read for int8 */
typedef struct StoredKernels
{
	float		(*l2_squared) (const float *a, const void *b, float scale,
							   size_t n);
	float		(*inner_product) (const float *a, const void *b, float scale,
								  size_t n);
	float		(*l1) (const float *a, const void *b, float scale, size_t n);
	void		(*cosine) (const float *a, const void *b, float scale, size_t n,
						   float *ab, float *aa, float *bb);
} StoredKernels;

typedef struct KernelTable
{
	const char *name;			/* "avx512", "avx2", "neon", "portable" */

	/* sum (a - b)^2 */
	float		(*l2_squared) (const float *a, const float *b, size_t n);

	/* sum a * b */
	float		(*inner_product) (const float *a, const float *b, size_t n);

	/* sum |a - b| */
	float		(*l1) (const float *a, const float *b, size_t n);

	/* sum a * b, sum a * a and sum b * b in one pass */
	void		(*cosine) (const float *a, const float *b, size_t n,
						   float *ab, float *aa, float *bb);

	/* the same for elements of mixed.h that are no floats */
	StoredKernels half;
	StoredKernels int8;
} KernelTable;

/* The table for this processor.  Set by kernel_init(), portable before. */
extern const KernelTable *kernel;

/*
 * The tables compiled in that this processor can run, best first and the
 * portable one last; NULL-terminated.
 */
extern const KernelTable *const *kernel_tables(void);

/* The largest |x[i]|, 0 of no elements */
extern float kernel_largest(const float *x, size_t n);

/*
 * The sums of the chosen table in double.  One that left float's range, or is
 * so small that squares may have, is computed again in double.
 */
extern double kernel_l2_squared_distance(const float *a, const float *b,
										 size_t n);
extern double kernel_inner_product(const float *a, const float *b, size_t n);
extern double kernel_l1_distance(const float *a, const float *b, size_t n);

/*
 * Cosine distance 1 - a.b / (|a| |b|), clamped to [0, 2]; NaN if either
 * vector has no length.  In double from the kernel's three sums; when those
 * overflow or underflow it scales the vectors and computes them again.
 */
extern double kernel_cosine_distance(const float *a, const float *b, size_t n);

#endif							/* KERNEL_DISTANCE_H */
