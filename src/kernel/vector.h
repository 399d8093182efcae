/*
 * vector.h
 *	  Arithmetic on whole float32 vectors that is not a hot distance kernel.
 *	  Sums run in double.
 */
#ifndef KERNEL_VECTOR_H
#define KERNEL_VECTOR_H

#include <stdbool.h>
#include <stddef.h>

/* Euclidean norm */
extern double kernel_norm(const float *x, size_t n);

/*
 * Signal-to-noise ratio distance var(q - k) / var(q) with population
 * variances over the components (Yuan et al., 2019): q is the anchor, so it is
 * not symmetric.  NaN or infinity when q's components are all equal.
 */
extern double kernel_snr_distance(const float *q, const float *k, size_t n);

/*
 * out = x scaled to norm 1.  A vector without length stays zero; false says
 * so.  out may be x.
 */
extern bool kernel_normalize(const float *x, size_t n, float *out);

/* Element by element; out may be a or b. */
extern void kernel_add(const float *a, const float *b, size_t n, float *out);
extern void kernel_subtract(const float *a, const float *b, size_t n,
							float *out);
extern void kernel_multiply(const float *a, const float *b, size_t n,
							float *out);

/* out = x * factor and x / divisor, rounded once; out may be x. */
extern void kernel_scale(const float *x, double factor, size_t n, float *out);
extern void kernel_divide(const float *x, double divisor, size_t n, float *out);

/*
 * Lexicographic order, -1, 0 or 1; a shorter prefix comes first.  Elements
 * must not be NaN; -0 equals 0.
 */
extern int	kernel_compare(const float *a, size_t na, const float *b,
						   size_t nb);

#endif							/* KERNEL_VECTOR_H */
