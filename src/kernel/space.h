/*
 * space.h
 *	  From the vectors of a column to the space in which an index works.
 *
 * There every metric is about L2 distances or inner products of rotated
 * vectors.  A stored vector x becomes
 *
 *		L2				R (x - center)
 *		cosine			R (x / |x| - center)
 *		inner product	R (x - center)
 *
 * and a query the same, except that an inner product's query is R q: then
 * <q, x> = <R q, R (x - center)> + <q, center>.  The center (often the mean)
 * only makes the stored approximations finer; NULL means zero.
 */
#ifndef KERNEL_SPACE_H
#define KERNEL_SPACE_H

#include "kernel/rotation.h"

typedef enum SpaceMetric
{
	SPACE_L2,					/* operator: |q - x| */
	SPACE_COSINE,				/* operator: 1 - cos(q, x) */
	SPACE_INNER_PRODUCT			/* operator: -<q, x> */
} SpaceMetric;

typedef struct Space
{
	SpaceMetric metric;
	const Rotation *rotation;
	const float *center;		/* rotation->dims floats, or NULL */
	double		center_norm;	/* at least |center| */
} Space;

/* center is kept, not copied. */
extern void space_init(Space *space, SpaceMetric metric,
					   const Rotation *rotation, const float *center);

/*
 * Map a vector to be stored, or a query; out gets dims floats and must not be
 * x.  Returns a bound on |out - exact image|: NaN for a vector without length
 * under cosine, which has no image, and infinity where floats overflow.
 */
extern double space_map(const Space *space, const float *x, float *out);
extern double space_map_query(const Space *space, const float *q, float *out);

#endif							/* KERNEL_SPACE_H */
