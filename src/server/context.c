/*
 * context.c
 *	  Arenas and thread pools of the pure rooms inside a backend.
 *
 * A long computation may end in an ERROR at any CHECK_FOR_INTERRUPTS, in a
 * FATAL when the backend is terminated, or by the abort of a subtransaction.
 * All of these delete memory contexts, and nothing else is common to them:
 * therefore arenas live in contexts, and the pool is destroyed by a context's
 * callback.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "utils/memutils.h"

#include "server/context.h"
#include "server/errors.h"
#include "server/guc.h"

/* Of a huge page, where the system has them; elsewhere advice is not given. */
#define HUGE_PAGE ((size_t) 2 * 1024 * 1024)

/*
 * Large blocks in huge pages: giving a gigabyte back in small ones takes the
 * kernel 150 ms, which whoever cancels a training waits for.
 */
static void
advise_huge_pages(void *block, size_t size)
{
#ifdef MADV_HUGEPAGE
	uintptr_t	begin = TYPEALIGN(HUGE_PAGE, (uintptr_t) block);
	uintptr_t	end = TYPEALIGN_DOWN(HUGE_PAGE, (uintptr_t) block + size);

	if (end > begin)
		(void) madvise((void *) begin, end - begin, MADV_HUGEPAGE);
#endif
}

static void *
context_alloc(void *context, size_t size)
{
	void	   *block;

	if (!AllocHugeSizeIsValid(size))
		return NULL;
	block = MemoryContextAllocExtended((MemoryContext) context, size,
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (block != NULL && size >= 4 * HUGE_PAGE)
		advise_huge_pages(block, size);
	return block;
}

static void
context_release(void *context, void *block)
{
	pfree(block);
}

Arena *
memory_arena(MemoryContext context, size_t budget)
{
	ArenaSource source = {context_alloc, context_release, context};
	Arena	   *arena = arena_create(&source, budget);

	if (arena == NULL)
		raise_out_of_memory();
	return arena;
}

static void
destroy_pool(void *pool)
{
	pool_destroy(pool);
}

ThreadPool *
memory_pool(MemoryContext context)
{
	return memory_pool_of(context, guc_pool_threads());
}

ThreadPool *
memory_pool_of(MemoryContext context, int threads)
{
	MemoryContextCallback *callback = MemoryContextAllocZero(context,
															 sizeof(*callback));
	Status		status;
	ThreadPool *pool;

	pool = pool_create(threads, &status);
	if (pool == NULL)
		raise_status(&status);
	callback->func = destroy_pool;
	callback->arg = pool;
	MemoryContextRegisterResetCallback(context, callback);
	return pool;
}
