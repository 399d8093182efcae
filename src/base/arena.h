/*
 * arena.h
 *	  Memory of the pure rooms: a bump allocator with a budget.
 *
 * An arena takes its blocks from an ArenaSource (malloc in unit tests, a
 * memory context in the server, so that an error frees everything) and hands
 * out pieces aligned to 64 bytes.  Pieces are never freed one by one.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Arena Arena;

/* Where blocks come from.  alloc returns NULL when there is no memory. */
typedef struct ArenaSource
{
	void	   *(*alloc) (void *context, size_t size);
	void		(*release) (void *context, void *block);
	void	   *context;
} ArenaSource;

/* malloc and free */
extern const ArenaSource arena_malloc_source;

#define ARENA_NO_BUDGET ((size_t) -1)

/* An empty arena that may take at most budget bytes; NULL if out of memory. */
extern Arena *arena_create(const ArenaSource *source, size_t budget);

/* Give every block back to the source.  NULL is allowed. */
extern void arena_destroy(Arena *arena);

/* Forget all pieces but keep one block for reuse. */
extern void arena_reset(Arena *arena);

/*
 * size bytes, aligned to 64, not initialized; NULL when the budget or the
 * source is exhausted.  arena_alloc_zero also clears them.
 */
extern void *arena_alloc(Arena *arena, size_t size);
extern void *arena_alloc_zero(Arena *arena, size_t size);

/* count * size bytes with the overflow check. */
extern void *arena_alloc_array(Arena *arena, size_t count, size_t size);

/* A copy of a string; NULL when out of memory. */
extern char *arena_strdup(Arena *arena, const char *text);

/* Has a piece been refused for the budget, and not for want of memory? */
extern bool arena_over_budget(const Arena *arena);

/* Bytes taken from the source so far. */
extern size_t arena_used(const Arena *arena);

/*
 * A budget that is enough for so many pieces of so many bytes together:
 * what rooms answer when they are asked how much memory they will need.
 */
extern size_t arena_bound(size_t bytes, size_t pieces);

/*
 * Test hook: let the n-th arena_alloc from now (1 = the next) and all later
 * ones fail; 0 turns it off.
 */
extern void arena_fail_at(Arena *arena, size_t n);

#define arena_new(arena, type) \
	((type *) arena_alloc_zero((arena), sizeof(type)))
#define arena_new_array(arena, count, type) \
	((type *) arena_alloc_array((arena), (count), sizeof(type)))

#endif							/* BASE_ARENA_H */
