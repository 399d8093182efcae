/*
 * test_arena.c
 *	  The arena: alignment, budget, reset, failure; checked sizes; Status.
 */
#include <stdint.h>

#include "base/arena.h"
#include "base/random.h"
#include "base/size.h"
#include "base/status.h"
#include "unit.h"

/* A source that counts what it gave and can refuse */
typedef struct Counted
{
	size_t		blocks;
	size_t		bytes;
	bool		refuse;
} Counted;

static void *
counted_alloc(void *context, size_t size)
{
	Counted    *counted = context;

	if (counted->refuse)
		return NULL;
	counted->blocks++;
	counted->bytes += size;
	return malloc(size);
}

static void
counted_release(void *context, void *block)
{
	Counted    *counted = context;

	counted->blocks--;
	free(block);
}

static void
test_pieces_are_aligned_and_apart(void)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	char	   *previous = NULL;

	CHECK(arena_alloc(arena, 0) != NULL);
	for (size_t size = 1; size < 5000; size += 37)
	{
		char	   *piece = arena_alloc(arena, size);

		CHECK(piece != NULL);
		CHECK((uintptr_t) piece % 64 == 0);
		CHECK(piece != previous);
		memset(piece, 0xAB, size);
		previous = piece;
	}
	arena_destroy(arena);
	arena_destroy(NULL);
}

static void
test_pieces_do_not_overlap(void)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	unsigned char *pieces[500];

	for (int i = 0; i < 500; i++)
	{
		pieces[i] = arena_alloc(arena, (size_t) i * 7 + 1);
		memset(pieces[i], i & 0xFF, (size_t) i * 7 + 1);
	}
	for (int i = 0; i < 500; i++)
		for (int j = 0; j < i * 7 + 1; j++)
			CHECK(pieces[i][j] == (i & 0xFF));
	arena_destroy(arena);
}

static void
test_budget_holds(void)
{
	Arena	   *arena = arena_create(&arena_malloc_source, 300000);

	CHECK(arena_alloc(arena, 100000) != NULL);
	CHECK(arena_alloc(arena, 100000) != NULL);
	CHECK(arena_alloc(arena, 100000) == NULL);
	CHECK(arena_used(arena) <= 300000);
	/* what fits still comes */
	CHECK(arena_alloc(arena, 50000) != NULL);
	CHECK(arena_alloc(arena, 5000) != NULL);
	CHECK(arena_used(arena) <= 300000);
	CHECK(arena_alloc(arena, SIZE_MAX) == NULL);
	CHECK(arena_alloc(arena, SIZE_MAX - 64) == NULL);
	CHECK(arena_alloc_array(arena, SIZE_MAX / 2, 3) == NULL);
	arena_destroy(arena);
}

static void
test_small_budget_gives_small_blocks(void)
{
	Arena	   *arena = arena_create(&arena_malloc_source, 1000);

	CHECK(arena_alloc(arena, 100) != NULL);
	CHECK(arena_used(arena) <= 1000);
	CHECK(arena_alloc(arena, 2000) == NULL);
	arena_destroy(arena);
}

/* Any mix of sizes fits the budget that was foretold. */
static void
test_bound_is_enough(void)
{
	for (uint64_t seed = 0; seed < 500; seed++)
	{
		size_t		sizes[60];
		size_t		bytes = 0;
		size_t		pieces = seed % 60 + 1;
		Arena	   *arena;

		for (size_t i = 0; i < pieces; i++)
		{
			uint64_t	r = random_at(seed, 0, i);

			sizes[i] = seed % 7 == 0 ? 8192 :
				(size_t) (r >> 8) % ((size_t) 1 << (r % 19));
			bytes += sizes[i];
		}
		arena = arena_create(&arena_malloc_source, arena_bound(bytes, pieces));
		for (size_t i = 0; i < pieces; i++)
			CHECK(arena_alloc(arena, sizes[i]) != NULL);
		CHECK(arena_used(arena) >= bytes &&
			  arena_used(arena) <= arena_bound(bytes, pieces));
		arena_destroy(arena);
	}
}

static void
test_zero_array_and_strdup(void)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	unsigned char *dirty = arena_alloc(arena, 4096);
	unsigned char *clean;
	int			sum = 0;

	memset(dirty, 0xFF, 4096);
	arena_reset(arena);
	clean = arena_alloc_zero(arena, 4096);
	for (int i = 0; i < 4096; i++)
		sum += clean[i];
	CHECK(sum == 0);
	CHECK_TEXT(arena_strdup(arena, "gallery"), "gallery");
	CHECK_TEXT(arena_strdup(arena, ""), "");
	CHECK(arena_new_array(arena, 10, double) != NULL);
	arena_destroy(arena);
}

static void
test_reset_keeps_one_block(void)
{
	Counted		counted = {0};
	ArenaSource source = {counted_alloc, counted_release, &counted};
	Arena	   *arena = arena_create(&source, ARENA_NO_BUDGET);
	size_t		used;

	arena_reset(arena);			/* of an empty one */
	for (int i = 0; i < 10; i++)
		CHECK(arena_alloc(arena, 60000) != NULL);
	CHECK(counted.blocks == 11);
	arena_reset(arena);
	CHECK(counted.blocks == 2);
	used = arena_used(arena);
	CHECK(used >= 60000 && used < 100000);
	CHECK(arena_alloc(arena, 60000) != NULL);
	CHECK(arena_used(arena) == used);
	arena_destroy(arena);
	CHECK(counted.blocks == 0);
}

static void
test_refusing_source(void)
{
	Counted		counted = {.refuse = true};
	ArenaSource source = {counted_alloc, counted_release, &counted};
	Arena	   *arena;

	CHECK(arena_create(&source, ARENA_NO_BUDGET) == NULL);
	counted.refuse = false;
	arena = arena_create(&source, ARENA_NO_BUDGET);
	counted.refuse = true;
	CHECK(arena_alloc(arena, 1) == NULL);
	CHECK(arena_alloc_zero(arena, 1) == NULL);
	CHECK(arena_strdup(arena, "x") == NULL);
	counted.refuse = false;
	CHECK(arena_alloc(arena, 1) != NULL);
	arena_destroy(arena);
	CHECK(counted.blocks == 0);
}

static void
test_fail_at(void)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);

	arena_fail_at(arena, 3);
	CHECK(arena_alloc(arena, 1) != NULL);
	CHECK(arena_alloc(arena, 1) != NULL);
	CHECK(arena_alloc(arena, 1) == NULL);
	CHECK(arena_alloc(arena, 1) == NULL);
	arena_fail_at(arena, 0);
	CHECK(arena_alloc(arena, 1) != NULL);
	arena_destroy(arena);
}

static void
test_sizes(void)
{
	size_t		out;

	CHECK(size_add(1, 2, &out) && out == 3);
	CHECK(size_add(SIZE_MAX, 0, &out) && out == SIZE_MAX);
	CHECK(!size_add(SIZE_MAX, 1, &out));
	CHECK(size_mul(1 << 20, 1 << 20, &out) && out == (size_t) 1 << 40);
	CHECK(!size_mul(SIZE_MAX / 2, 3, &out));
	CHECK(size_mul(SIZE_MAX, 0, &out) && out == 0);
	CHECK(size_align(0, 64, &out) && out == 0);
	CHECK(size_align(1, 64, &out) && out == 64);
	CHECK(size_align(64, 64, &out) && out == 64);
	CHECK(size_align(65, 8, &out) && out == 72);
	CHECK(!size_align(SIZE_MAX - 1, 64, &out));
}

static void
test_status(void)
{
	Status		status;
	char		big[2000];

	CHECK(!status_fail(&status, STATUS_TOO_LARGE, "%s of %d", "row", 7));
	CHECK(status.code == STATUS_TOO_LARGE);
	CHECK_TEXT(status.message, "row of 7");
	CHECK_TEXT(status.detail, "");
	CHECK(!status_detail(&status, "It has %d bytes.", 3));
	CHECK(!status_hint(&status, "Use %s.", "less"));
	CHECK_TEXT(status.detail, "It has 3 bytes.");
	CHECK_TEXT(status.hint, "Use less.");

	/* a new failure forgets the old one's detail and hint */
	status_fail(&status, STATUS_CORRUPTED, "x");
	CHECK_TEXT(status.detail, "");
	CHECK_TEXT(status.hint, "");

	/* long texts are cut */
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	status_fail(&status, STATUS_CORRUPTED, "%s", big);
	CHECK(strlen(status.message) == STATUS_TEXT_SIZE - 1);
	status_clear(&status);
	CHECK(status.code == STATUS_SUCCESS && status.message[0] == '\0');
}

int
main(void)
{
	RUN(test_pieces_are_aligned_and_apart);
	RUN(test_pieces_do_not_overlap);
	RUN(test_budget_holds);
	RUN(test_small_budget_gives_small_blocks);
	RUN(test_bound_is_enough);
	RUN(test_zero_array_and_strdup);
	RUN(test_reset_keeps_one_block);
	RUN(test_refusing_source);
	RUN(test_fail_at);
	RUN(test_sizes);
	RUN(test_status);
	return unit_done();
}
