/*
 * mixed.h
 *	  Distances of vectors whose elements are stored in any way.
 *
 * Floats against half or int8 run at the speed of memory, by kernels chosen
 * for this processor; other pairs are decoded piece by piece.  The results are
 * those of distance.h for the decoded vectors, but for the rounding of sums.
 * Nothing is allocated and threads may call at the same time.
 */
#ifndef KERNEL_MIXED_H
#define KERNEL_MIXED_H

#include "kernel/element.h"

/* Elements at any alignment, but floats at that of a float */
typedef struct MixedVector
{
	ElementKind kind;
	float		scale;			/* of int8 */
	const void *x;
} MixedVector;

/* As the functions of the same name in distance.h */
extern double mixed_l2_squared_distance(MixedVector a, MixedVector b, size_t n);
extern double mixed_inner_product(MixedVector a, MixedVector b, size_t n);
extern double mixed_l1_distance(MixedVector a, MixedVector b, size_t n);
extern double mixed_cosine_distance(MixedVector a, MixedVector b, size_t n);

#endif							/* KERNEL_MIXED_H */
