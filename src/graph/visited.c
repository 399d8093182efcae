/*
 * visited.c
 *	  A set of node numbers.
 *
 * A search sees some hundred of perhaps millions of nodes.  Chunks keep the
 * cost of an empty set at a pointer for each 512 nodes; emptying visits only
 * those in use, and their memory is used again in the same order, so that it
 * stays in the cache.
 */
#include "graph/visited.h"

#include <string.h>

#define CHUNK_BYTES (GRAPH_BITS_CHUNK / 8)

/* Longer tables of chunks; the old ones stay in the arena until its end. */
static bool
grow_set(GraphBits *bits, size_t nchunks)
{
	uint64_t  **chunks;
	uint64_t  **memory;
	uint32_t   *used;

	if (nchunks < 2 * bits->nchunks)
		nchunks = 2 * bits->nchunks;
	chunks = arena_new_array(bits->arena, nchunks, uint64_t *);
	memory = arena_new_array(bits->arena, nchunks, uint64_t *);
	used = arena_new_array(bits->arena, nchunks, uint32_t);
	if (chunks == NULL || memory == NULL || used == NULL)
		return false;
	memset(chunks, 0, nchunks * sizeof(*chunks));
	if (bits->nmemory > 0)
		memcpy(memory, bits->memory, bits->nmemory * sizeof(*memory));
	bits->chunks = chunks;
	bits->memory = memory;
	bits->used = used;
	bits->nchunks = nchunks;
	return true;
}

bool
graph_bits_reset(GraphBits *bits, size_t capacity)
{
	size_t		nchunks = capacity / GRAPH_BITS_CHUNK + 1;

	for (size_t i = 0; i < bits->nused; i++)
		bits->chunks[bits->used[i]] = NULL;
	bits->nused = 0;
	bits->capacity = 0;
	if (nchunks > bits->nchunks && !grow_set(bits, nchunks))
		return false;
	bits->capacity = capacity;
	return true;
}

/* Memory for one more chunk, zeroed; NULL when out of memory */
static uint64_t *
new_chunk(GraphBits *bits, uint32_t chunk)
{
	uint64_t   *words;

	if (bits->nused == bits->nmemory)
	{
		words = arena_alloc(bits->arena, CHUNK_BYTES);
		if (words == NULL)
			return NULL;
		bits->memory[bits->nmemory++] = words;
	}
	words = bits->memory[bits->nused];
	memset(words, 0, CHUNK_BYTES);
	bits->used[bits->nused++] = chunk;
	return words;
}

GraphBitsResult
graph_bits_add(GraphBits *bits, uint32_t number)
{
	uint64_t  **chunk;
	uint64_t   *word;
	uint64_t	bit = UINT64_C(1) << (number % 64);

	if (number >= bits->capacity)
		return GRAPH_BITS_PRESENT;
	chunk = &bits->chunks[number / GRAPH_BITS_CHUNK];
	if (*chunk == NULL)
		*chunk = new_chunk(bits, number / GRAPH_BITS_CHUNK);
	if (*chunk == NULL)
		return GRAPH_BITS_NO_MEMORY;
	word = &(*chunk)[number % GRAPH_BITS_CHUNK / 64];
	if (*word & bit)
		return GRAPH_BITS_PRESENT;
	*word |= bit;
	return GRAPH_BITS_ADDED;
}

void
graph_bits_remove(GraphBits *bits, uint32_t number)
{
	uint64_t   *words = bits->chunks[number / GRAPH_BITS_CHUNK];

	words[number % GRAPH_BITS_CHUNK / 64] &= ~(UINT64_C(1) << (number % 64));
}
