/*
 * arena.c
 *	  A bump allocator with a budget.
 *
 * Blocks form a list.  Small pieces are cut from the first block; when it is
 * full, another of ARENA_BLOCK bytes takes its place.  A piece that does not
 * fit and is large gets a block of exactly its size behind the first one, so
 * that what a full block leaves unused is less than ARENA_LARGE.
 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

#define ARENA_ALIGNMENT 64
#define ARENA_BLOCK (64 * 1024)
#define ARENA_LARGE (8 * 1024)

typedef struct ArenaBlock
{
	struct ArenaBlock *next;
	size_t		size;			/* bytes taken from the source */
	char	   *free;			/* next free byte, aligned */
	char	   *end;
} ArenaBlock;

struct Arena
{
	ArenaSource source;
	size_t		budget;
	size_t		used;
	bool		over_budget;
	size_t		fail_at;		/* 0, or allocations left until failure */
	ArenaBlock *blocks;
};

static void *
malloc_alloc(void *context, size_t size)
{
	return malloc(size);
}

static void
malloc_release(void *context, void *block)
{
	free(block);
}

const ArenaSource arena_malloc_source = {malloc_alloc, malloc_release, NULL};

static char *
align_pointer(char *p)
{
	uintptr_t	misaligned = (uintptr_t) p % ARENA_ALIGNMENT;

	return misaligned == 0 ? p : p + (ARENA_ALIGNMENT - misaligned);
}

Arena *
arena_create(const ArenaSource *source, size_t budget)
{
	Arena	   *arena = source->alloc(source->context, sizeof(Arena));

	if (arena == NULL)
		return NULL;
	memset(arena, 0, sizeof(*arena));
	arena->source = *source;
	arena->budget = budget;
	return arena;
}

void
arena_destroy(Arena *arena)
{
	ArenaSource source;

	if (arena == NULL)
		return;
	source = arena->source;
	while (arena->blocks != NULL)
	{
		ArenaBlock *block = arena->blocks;

		arena->blocks = block->next;
		source.release(source.context, block);
	}
	source.release(source.context, arena);
}

void
arena_reset(Arena *arena)
{
	ArenaBlock *keep = arena->blocks;

	if (keep == NULL)
		return;
	while (keep->next != NULL)
	{
		ArenaBlock *block = keep->next;

		keep->next = block->next;
		arena->used -= block->size;
		arena->source.release(arena->source.context, block);
	}
	keep->free = align_pointer((char *) (keep + 1));
}

/* What a block needs besides its pieces */
#define ARENA_OVERHEAD (sizeof(ArenaBlock) + ARENA_ALIGNMENT)

static ArenaBlock *
arena_add_block(Arena *arena, size_t piece)
{
	size_t		size;
	ArenaBlock *block;
	ArenaBlock **place = &arena->blocks;

	if (piece > ARENA_LARGE && arena->blocks != NULL)
		place = &arena->blocks->next;
	if (!size_add(piece, ARENA_OVERHEAD, &size))
		return NULL;
	if (piece <= ARENA_LARGE && arena->budget - arena->used >= ARENA_BLOCK)
		size = ARENA_BLOCK;
	if (size > arena->budget - arena->used)
	{
		arena->over_budget = true;
		return NULL;
	}
	block = arena->source.alloc(arena->source.context, size);
	if (block == NULL)
		return NULL;
	block->next = *place;
	block->size = size;
	block->free = align_pointer((char *) (block + 1));
	block->end = (char *) block + size;
	*place = block;
	arena->used += size;
	return block;
}

void *
arena_alloc(Arena *arena, size_t size)
{
	ArenaBlock *block = arena->blocks;
	char	   *piece;

	if (arena->fail_at > 0 && --arena->fail_at == 0)
	{
		arena->fail_at = 1;
		return NULL;
	}
	if (!size_align(size, ARENA_ALIGNMENT, &size))
		return NULL;
	if (block == NULL || size > (size_t) (block->end - block->free))
	{
		block = arena_add_block(arena, size);
		if (block == NULL)
			return NULL;
	}
	piece = block->free;
	block->free += size;
	return piece;
}

void *
arena_alloc_zero(Arena *arena, size_t size)
{
	void	   *piece = arena_alloc(arena, size);

	if (piece != NULL)
		memset(piece, 0, size);
	return piece;
}

void *
arena_alloc_array(Arena *arena, size_t count, size_t size)
{
	size_t		total;

	if (!size_mul(count, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

char *
arena_strdup(Arena *arena, const char *text)
{
	size_t		size = strlen(text) + 1;
	char	   *copy = arena_alloc(arena, size);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}

bool
arena_over_budget(const Arena *arena)
{
	return arena->over_budget;
}

size_t
arena_used(const Arena *arena)
{
	return arena->used;
}

/*
 * A large piece costs the overhead of its block and of being aligned; a full
 * block of small ones, of which it holds seven at least, wastes less than one
 * more; the last block may be hardly used.
 */
size_t
arena_bound(size_t bytes, size_t pieces)
{
	return bytes + pieces * (ARENA_ALIGNMENT + ARENA_OVERHEAD +
							 ARENA_LARGE / 7) + ARENA_BLOCK;
}

void
arena_fail_at(Arena *arena, size_t n)
{
	arena->fail_at = n;
}
