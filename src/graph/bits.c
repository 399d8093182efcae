/*
 * bits.c
 *	  A set of node numbers.
 *
 * A search sees some hundred of perhaps millions of nodes.  Chunks keep the
 * cost of an empty set at a pointer for each 4096 nodes, and resetting visits
 * only what was touched.
 */
#include "graph/bits.h"

#include <string.h>

/* Longer tables of chunks; the old ones stay in the arena until its end. */
static bool
grow(GraphBits *bits, size_t nchunks)
{
	GraphBitsChunk **chunks;
	uint32_t   *touched;

	if (nchunks < 2 * bits->nchunks)
		nchunks = 2 * bits->nchunks;
	chunks = arena_new_array(bits->arena, nchunks, GraphBitsChunk *);
	touched = arena_new_array(bits->arena, nchunks, uint32_t);
	if (chunks == NULL || touched == NULL)
		return false;
	if (bits->nchunks > 0)
		memcpy(chunks, bits->chunks, bits->nchunks * sizeof(*chunks));
	memset(chunks + bits->nchunks, 0, (nchunks - bits->nchunks) * sizeof(*chunks));
	bits->chunks = chunks;
	bits->touched = touched;
	bits->nchunks = nchunks;
	return true;
}

bool
graph_bits_reset(GraphBits *bits, size_t capacity)
{
	size_t		nchunks = capacity / GRAPH_BITS_CHUNK + 1;

	for (size_t i = 0; i < bits->ntouched; i++)
		memset(bits->chunks[bits->touched[i]], 0, sizeof(GraphBitsChunk));
	bits->ntouched = 0;
	bits->capacity = 0;
	if (nchunks > bits->nchunks && !grow(bits, nchunks))
		return false;
	bits->capacity = capacity;
	return true;
}

GraphBitsResult
graph_bits_add(GraphBits *bits, uint32_t number)
{
	GraphBitsChunk **chunk;
	uint64_t   *word;
	uint64_t	bit = UINT64_C(1) << (number % 64);

	if (number >= bits->capacity)
		return GRAPH_BITS_PRESENT;
	chunk = &bits->chunks[number / GRAPH_BITS_CHUNK];
	if (*chunk == NULL)
	{
		*chunk = arena_new(bits->arena, GraphBitsChunk);
		if (*chunk == NULL)
			return GRAPH_BITS_NO_MEMORY;
	}
	word = &(*chunk)->words[number % GRAPH_BITS_CHUNK / 64];
	if (*word & bit)
		return GRAPH_BITS_PRESENT;
	if (!(*chunk)->touched)
	{
		(*chunk)->touched = true;
		bits->touched[bits->ntouched++] = number / GRAPH_BITS_CHUNK;
	}
	*word |= bit;
	return GRAPH_BITS_ADDED;
}
