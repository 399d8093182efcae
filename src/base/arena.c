/*
 * arena.c
 *	  A bump allocator with a budget.
 *
 * Blocks form a list, newest first.  A piece that does not fit the newest
 * block gets a new one, at least ARENA_BLOCK bytes; since each room plans
 * what it needs, there are few.
 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"

#define ARENA_ALIGNMENT 64
#define ARENA_BLOCK (64 * 1024)

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

static ArenaBlock *
arena_add_block(Arena *arena, size_t piece)
{
	size_t		size;
	ArenaBlock *block;

	if (!size_add(piece, sizeof(ArenaBlock) + ARENA_ALIGNMENT, &size))
		return NULL;
	if (size < ARENA_BLOCK && arena->budget - arena->used >= ARENA_BLOCK)
		size = ARENA_BLOCK;
	if (size > arena->budget - arena->used)
		return NULL;
	block = arena->source.alloc(arena->source.context, size);
	if (block == NULL)
		return NULL;
	block->next = arena->blocks;
	block->size = size;
	block->free = align_pointer((char *) (block + 1));
	block->end = (char *) block + size;
	arena->blocks = block;
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

size_t
arena_used(const Arena *arena)
{
	return arena->used;
}

void
arena_fail_at(Arena *arena, size_t n)
{
	arena->fail_at = n;
}
