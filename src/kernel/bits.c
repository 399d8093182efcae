/*
 * bits.c
 *	  Distances of vectors of bits, eight bytes at a time.
 */
#include "kernel/bits.h"

#include <string.h>

/* Up to eight bytes; the order of bytes does not matter for counting. */
static uint64_t
load(const uint8_t *p, size_t bytes)
{
	uint64_t	word = 0;

	memcpy(&word, p, bytes < sizeof(word) ? bytes : sizeof(word));
	return word;
}

static size_t
count(uint64_t word)
{
	return (size_t) __builtin_popcountll(word);
}

size_t
kernel_hamming_distance(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	size_t		sum = 0;
	size_t		i = 0;

	for (; i + 8 <= bytes; i += 8)
		sum += count(load(a + i, 8) ^ load(b + i, 8));
	if (i < bytes)
		sum += count(load(a + i, bytes - i) ^ load(b + i, bytes - i));
	return sum;
}

double
kernel_jaccard_distance(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	size_t		both = 0;
	size_t		either = 0;

	for (size_t i = 0; i < bytes; i += 8)
	{
		size_t		left = bytes - i;
		uint64_t	x = load(a + i, left);
		uint64_t	y = load(b + i, left);

		both += count(x & y);
		either += count(x | y);
	}
	return either == 0 ? 0 : 1 - (double) both / (double) either;
}
