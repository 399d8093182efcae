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

#include "utils/memutils.h"

#include "server/context.h"
#include "server/errors.h"
#include "server/guc.h"

static void *
context_alloc(void *context, size_t size)
{
	if (!AllocHugeSizeIsValid(size))
		return NULL;
	return MemoryContextAllocExtended((MemoryContext) context, size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
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
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
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
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(*callback));
	Status		status;
	ThreadPool *pool;

	status_clear(&status);
	pool = pool_create(threads, &status);
	if (pool == NULL)
		raise_status(&status);
	callback->func = destroy_pool;
	callback->arg = pool;
	MemoryContextRegisterResetCallback(context, callback);
	return pool;
}
