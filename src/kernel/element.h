/*
 * element.h
 *	  How the elements of a vector are stored, and the way from float32 and
 *	  back.
 *
 *	kind	bytes of n	value of an element
 *	float	4 n			float32
 *	half	2 n			IEEE half, up to 65504
 *	int8	n			scale * q, q = -127 .. 127
 *	bit		(n + 7) / 8	0 or 1; element i is bit 0x80 >> i % 8 of byte i / 8,
 *						what is left of the last byte is zero
 *
 * Every stored element is exactly a float32: the scale of int8 has at most 17
 * significant bits, so that its products with 7 bits are exact.  Encoding
 * rounds to nearest, ties to even, and what was decoded encodes to the same
 * bytes again.
 */
#ifndef KERNEL_ELEMENT_H
#define KERNEL_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are on disk. */
typedef enum ElementKind
{
	ELEMENT_FLOAT = 0,
	ELEMENT_HALF = 1,
	ELEMENT_INT8 = 2,
	ELEMENT_BIT = 3
} ElementKind;

#define ELEMENT_KINDS 4

/* Bytes of n elements */
static inline size_t
element_size(ElementKind kind, size_t n)
{
	switch (kind)
	{
		case ELEMENT_HALF:
			return 2 * n;
		case ELEMENT_INT8:
			return n;
		case ELEMENT_BIT:
			return (n + 7) / 8;
		default:
			return 4 * n;
	}
}

/* "float", "half", "int8", "bit"; and back, whatever the case: false if none */
extern const char *element_name(ElementKind kind);
extern bool element_find(const char *word, ElementKind *kind);

/*
 * Encode n finite floats.  Returns n, or the index of the first element that
 * the kind cannot hold (half only: |x| >= 65520); then out is undefined.
 *
 * half: nearest, ties to even; below 2^-25 that is 0.
 * int8: scale is 1 for whole numbers of -127 .. 127, else the largest |x| /
 *		 127, rounded to 17 bits and at least 2^-133; q = x / scale, nearest,
 *		 ties to even.  What is nowhere above 2^-134 becomes 0 with scale 1.
 * bit:	 x > 0.
 *
 * *scale is 1 for the kinds but int8.
 */
extern size_t element_encode(ElementKind kind, const float *x, size_t n,
							 void *out, float *scale);

/* The n floats that data holds; scale is read for int8 only. */
extern void element_decode(ElementKind kind, const void *data, float scale,
						   size_t n, float *out);

/*
 * Could element_encode() have written it?  For untrusted bytes.  Looks at
 * every element but those of float, which any bits may be.
 */
extern bool element_is_sound(ElementKind kind, const void *data, float scale,
							 size_t n);

/* Could element_encode() have written this scale? */
extern bool element_scale_is_sound(ElementKind kind, float scale);

#endif							/* KERNEL_ELEMENT_H */
