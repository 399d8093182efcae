/*
 * memory.c
 *	  Arenas and thread pools of the pure rooms under memory contexts.
 *
 * Between two calls of pool_run() the workers of a pool only wait, so that a
 * reset callback may end them at any point where PostgreSQL can raise an error.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "errors.h"
#include "memory.h"

static void *
context_alloc(void *context, size_t size)
{
	if (!AllocHugeSizeIsValid(size))
		return NULL;
	return MemoryContextAllocExtended(context, size, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
}

static void
context_release(void *context, void *block)
{
	pfree(block);
}

Arena *
context_arena(MemoryContext context, size_t budget)
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
end_pool(void *pool)
{
	pool_destroy(pool);
}

ThreadPool *
context_pool(MemoryContext context, int nthreads)
{
	MemoryContextCallback *callback;
	ThreadPool *pool;
	Status		status;

	if (nthreads <= 1)
		return NULL;
	/* what can fail by ereport comes first */
	callback = MemoryContextAlloc(context, sizeof(MemoryContextCallback));
	status_clear(&status);
	pool = pool_create(nthreads, &status);
	if (pool == NULL)
		raise_status(&status);
	callback->func = end_pool;
	callback->arg = pool;
	MemoryContextRegisterResetCallback(context, callback);
	return pool;
}
