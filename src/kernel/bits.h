/*
 * bits.h
 *	  Distances of vectors of bits, packed as element.h's ELEMENT_BIT.
 *
 * Both have the same number of bytes, at any alignment; bits beyond the
 * dimensions are zero.
 */
#ifndef KERNEL_BITS_H
#define KERNEL_BITS_H

#include <stddef.h>
#include <stdint.h>

/* Number of bits that differ */
extern size_t kernel_hamming_distance(const uint8_t *a, const uint8_t *b,
									  size_t bytes);

/*
 * 1 - |a and b| / |a or b|; 0 for two vectors without any bit, which are
 * equal.
 */
extern double kernel_jaccard_distance(const uint8_t *a, const uint8_t *b,
									  size_t bytes);

/* ---- the kernels ---- */

typedef struct BitsTable
{
	const char *name;			/* "popcnt", "portable" */
	size_t		(*hamming) (const uint8_t *a, const uint8_t *b, size_t bytes);
	double		(*jaccard) (const uint8_t *a, const uint8_t *b, size_t bytes);
} BitsTable;

/* Runnable here, best first and the portable one last; NULL-terminated. */
extern const BitsTable *const *bits_tables(void);

/* Called by kernel_init(). */
extern void bits_init(void);

#endif							/* KERNEL_BITS_H */
