/*
 * half.h
 *	  IEEE half precision: 1 sign, 5 exponent and 10 mantissa bits.
 */
#ifndef KERNEL_HALF_H
#define KERNEL_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define HALF_INFINITY 0x7c00
#define HALF_SMALLEST_NORMAL 0x1p-14f

/* From here on a float rounds to a half that is infinite: 65504 is the last. */
#define HALF_OVERFLOW 65520.0f

#define HALF_REBIAS 0x1p112f

/*
 * Half to float, exact for every finite half including subnormal ones: the
 * exponent is rebiased by a multiplication.  An infinity or NaN, which we
 * never write, reads as a large number.
 */
static inline __attribute__((always_inline))
float
half_to_float(uint16_t half)
{
	uint32_t	bits = (uint32_t) (half & 0x7fff) << 13;
	float		magnitude;

	memcpy(&magnitude, &bits, sizeof(bits));
	magnitude *= HALF_REBIAS;
	return half & 0x8000 ? -magnitude : magnitude;
}

/* The nearest half, ties to even; infinite if |x| >= HALF_OVERFLOW. */
static inline uint16_t
half_from_float(float x)
{
	uint32_t	bits;
	uint32_t	sign;
	float		magnitude = fabsf(x);

	memcpy(&bits, &x, sizeof(bits));
	sign = bits >> 16 & 0x8000;
	if (!(magnitude < HALF_OVERFLOW))
		return (uint16_t) (sign | HALF_INFINITY);
	if (magnitude < HALF_SMALLEST_NORMAL)
	{
		/* Subnormal: adding 1/2 leaves units of 2^-24 in the last place. */
		float		shifted = magnitude + 0.5f;

		memcpy(&bits, &shifted, sizeof(bits));
		return (uint16_t) (sign | (bits - 0x3f000000));
	}
	bits &= 0x7fffffff;
	bits += 0xfff + (bits >> 13 & 1);
	return (uint16_t) (sign | ((bits >> 13) - (112 << 10)));
}

#endif							/* KERNEL_HALF_H */
