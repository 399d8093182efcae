/*
 * bits.c
 *	  Distances of vectors of bits, eight bytes at a time.
 *
 * x86-64 as such has no instruction that counts bits: the loops are compiled a
 * second time for processors that do, which is all of them since 2008.
 */
#include "kernel/bits.h"

#include <string.h>

#include "kernel/dispatch.h"

#define INLINE static inline __attribute__((always_inline))

/* Up to eight bytes; the order of bytes does not matter for counting. */
INLINE uint64_t
load(const uint8_t *p, size_t bytes)
{
	uint64_t	word = 0;

	memcpy(&word, p, bytes < sizeof(word) ? bytes : sizeof(word));
	return word;
}

INLINE size_t
count(uint64_t word)
{
	return (size_t) __builtin_popcountll(word);
}

INLINE size_t
hamming(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	size_t		sum = 0;
	size_t		i = 0;

	for (; i + 8 <= bytes; i += 8)
		sum += count(load(a + i, 8) ^ load(b + i, 8));
	if (i < bytes)
		sum += count(load(a + i, bytes - i) ^ load(b + i, bytes - i));
	return sum;
}

INLINE double
jaccard(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	size_t		both = 0;
	size_t		either = 0;
	size_t		i = 0;

	for (; i + 8 <= bytes; i += 8)
	{
		both += count(load(a + i, 8) & load(b + i, 8));
		either += count(load(a + i, 8) | load(b + i, 8));
	}
	if (i < bytes)
	{
		both += count(load(a + i, bytes - i) & load(b + i, bytes - i));
		either += count(load(a + i, bytes - i) | load(b + i, bytes - i));
	}
	return either == 0 ? 0 : 1 - (double) both / (double) either;
}

/* ---- the tables ---- */

#define BITS_TABLE(set, target) \
	static target size_t \
	hamming_##set(const uint8_t *a, const uint8_t *b, size_t bytes) \
	{ \
		return hamming(a, b, bytes); \
	} \
	static target double \
	jaccard_##set(const uint8_t *a, const uint8_t *b, size_t bytes) \
	{ \
		return jaccard(a, b, bytes); \
	} \
	static const BitsTable bits_##set = {#set, hamming_##set, jaccard_##set};

BITS_TABLE(portable,)
#if defined(__x86_64__)
BITS_TABLE(popcnt, __attribute__((target("popcnt"))))
#endif

static const BitsTable *tables[3] = {&bits_portable, NULL};

const BitsTable *const *
bits_tables(void)
{
	return tables;
}

void
bits_init(void)
{
	int			n = 0;

#if defined(__x86_64__)
	if (kernel_has_popcnt())
		tables[n++] = &bits_popcnt;
#endif
	tables[n++] = &bits_portable;
	tables[n] = NULL;
}

size_t
kernel_hamming_distance(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	return tables[0]->hamming(a, b, bytes);
}

double
kernel_jaccard_distance(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	return tables[0]->jaccard(a, b, bytes);
}
