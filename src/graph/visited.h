/*
 * visited.h
 *	  A set of node numbers: a bit map of which only chunks with bits set exist.
 */
#ifndef GRAPH_VISITED_H
#define GRAPH_VISITED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define GRAPH_BITS_CHUNK 512	/* bits of a chunk: a cache line */

typedef struct GraphBits
{
	Arena	   *arena;
	size_t		capacity;		/* numbers 0 .. capacity - 1 */
	uint64_t  **chunks;			/* NULL: all bits are 0 */
	size_t		nchunks;
	uint32_t   *used;			/* chunks with bits set, as they came */
	size_t		nused;
	uint64_t  **memory;			/* of the i-th chunk in use */
	size_t		nmemory;
} GraphBits;

/*
 * Make the set empty and able to hold numbers below capacity.  Memory is kept
 * and reused; a zeroed GraphBits with its arena set is a valid start.  False
 * when out of memory.
 */
extern bool graph_bits_reset(GraphBits *bits, size_t capacity);

typedef enum GraphBitsResult
{
	GRAPH_BITS_ADDED,
	GRAPH_BITS_PRESENT,			/* was in, or is not below the capacity */
	GRAPH_BITS_NO_MEMORY
} GraphBitsResult;

extern GraphBitsResult graph_bits_add(GraphBits *bits, uint32_t number);

/* Take out a number that was added. */
extern void graph_bits_remove(GraphBits *bits, uint32_t number);

/* Is the number in the set?  Numbers beyond the capacity count as in. */
static inline bool
graph_bits_test(const GraphBits *bits, uint32_t number)
{
	const uint64_t *chunk;

	if (number >= bits->capacity)
		return true;
	chunk = bits->chunks[number / GRAPH_BITS_CHUNK];
	return chunk != NULL &&
		(chunk[number % GRAPH_BITS_CHUNK / 64] >> (number % 64) & 1) != 0;
}

#endif							/* GRAPH_VISITED_H */
