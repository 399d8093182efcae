/*
 * bits.h
 *	  A set of node numbers: a bit map whose chunks are made when first needed.
 */
#ifndef GRAPH_BITS_H
#define GRAPH_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define GRAPH_BITS_CHUNK 4096	/* bits of a chunk */

typedef struct GraphBitsChunk
{
	bool		touched;		/* is it in touched[]? */
	uint64_t	words[GRAPH_BITS_CHUNK / 64];
} GraphBitsChunk;

typedef struct GraphBits
{
	Arena	   *arena;
	size_t		capacity;		/* numbers 0 .. capacity - 1 */
	GraphBitsChunk **chunks;	/* NULL: all bits are 0 */
	uint32_t   *touched;		/* chunks with bits set */
	size_t		ntouched;
	size_t		nchunks;
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

/* Is the number in the set?  Numbers beyond the capacity count as in. */
static inline bool
graph_bits_test(const GraphBits *bits, uint32_t number)
{
	const GraphBitsChunk *chunk;

	if (number >= bits->capacity)
		return true;
	chunk = bits->chunks[number / GRAPH_BITS_CHUNK];
	return chunk != NULL &&
		(chunk->words[number % GRAPH_BITS_CHUNK / 64] >> (number % 64) & 1) != 0;
}

#endif							/* GRAPH_BITS_H */
