/*
 * memory.c
 *	  The engine's memory and threads inside a backend.
 *
 * A training may end in an ERROR at any CHECK_FOR_INTERRUPTS, in a FATAL when
 * the backend is terminated, or by the abort of a subtransaction.  All of
 * these delete memory contexts, and nothing else is common to them: therefore
 * arenas live in contexts, and the pool is destroyed by a context's callback.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "base/size.h"
#include "errors.h"
#include "guc.h"
#include "model/memory.h"

static void *
context_alloc(void *context, size_t size)
{
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
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(*callback));
	Status		status;
	ThreadPool *pool = pool_create(guc_pool_threads(), &status);

	if (pool == NULL)
		raise_status(&status);
	callback->func = destroy_pool;
	callback->arg = pool;
	MemoryContextRegisterResetCallback(context, callback);
	return pool;
}

static double
megabytes(Size bytes)
{
	return (double) bytes / (1024 * 1024);
}

void
memory_check(const TrainingMemory *memory)
{
	Size		total;

	if (size_add(memory->parameters, memory->step, &total) &&
		size_add(total, memory->rows, &total) &&
		total <= (Size) guc_training_memory * 1024)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("training needs more memory than similarity.training_memory allows"),
			 errdetail("The parameters take %.1f MB, a step %.1f MB, and the first " UINT64_FORMAT " rows %.1f MB; %.1f MB are allowed.",
					   megabytes(memory->parameters), megabytes(memory->step),
					   memory->nrows, megabytes(memory->rows),
					   megabytes((Size) guc_training_memory * 1024)),
			 errhint("Raise similarity.training_memory, select fewer rows, or take smaller batches.")));
}
