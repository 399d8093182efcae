/*
 * memory.h
 *	  Arenas and thread pools of the pure rooms under PostgreSQL's memory
 *	  contexts: an error, a cancel or the end of a query frees them with the
 *	  context, and nobody needs a PG_TRY for that.
 */
#ifndef SIMILARITY_MEMORY_H
#define SIMILARITY_MEMORY_H

#include "postgres.h"

#include "base/arena.h"
#include "base/threads.h"

/*
 * An arena whose blocks are chunks of context, of at most budget bytes
 * (ARENA_NO_BUDGET: no limit).  It needs no arena_destroy: deleting or
 * resetting the context is enough.  ERROR if out of memory.
 */
extern Arena *context_arena(MemoryContext context, size_t budget);

/*
 * A pool of nthreads (guc_pool_threads() as a rule) that ends when context is
 * reset or deleted; do not call pool_destroy() for it.  NULL for one thread,
 * which all of nn/ understands.  ERROR if threads cannot be created.
 */
extern ThreadPool *context_pool(MemoryContext context, int nthreads);

#endif							/* SIMILARITY_MEMORY_H */
