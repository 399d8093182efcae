/*
 * size.h
 *	  Overflow-checked arithmetic on sizes: the only way to compute how much
 *	  to allocate.
 */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>

/* *out = a + b; false if that does not fit. */
static inline bool
size_add(size_t a, size_t b, size_t *out)
{
	return !__builtin_add_overflow(a, b, out);
}

/* *out = a * b; false if that does not fit. */
static inline bool
size_mul(size_t a, size_t b, size_t *out)
{
	return !__builtin_mul_overflow(a, b, out);
}

/* *out = size rounded up to a multiple of alignment, a power of two. */
static inline bool
size_align(size_t size, size_t alignment, size_t *out)
{
	if (!size_add(size, alignment - 1, out))
		return false;
	*out &= ~(alignment - 1);
	return true;
}

#endif							/* BASE_SIZE_H */
