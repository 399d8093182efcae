/*
 * context.h
 *	  Arenas and thread pools of the pure rooms inside a backend: both hang on
 *	  a memory context, so that an error frees them without anybody having to
 *	  catch it.
 */
#ifndef SERVER_CONTEXT_H
#define SERVER_CONTEXT_H

#include "postgres.h"

#include "base/arena.h"
#include "base/threads.h"

/*
 * An arena whose blocks are chunks of context.  ERROR if there is no memory;
 * afterwards the arena's own functions return NULL, as the pure rooms expect.
 * It needs no arena_destroy().
 */
extern Arena *memory_arena(MemoryContext context, size_t budget);

/*
 * A thread pool of similarity.threads that ends when context is reset or
 * deleted.  The pool must be idle then, which it is whenever the main thread
 * runs PostgreSQL's code.  ERROR if threads cannot be created.
 */
extern ThreadPool *memory_pool(MemoryContext context);

/* The same of so many threads, the caller's included */
extern ThreadPool *memory_pool_of(MemoryContext context, int threads);

#endif							/* SERVER_CONTEXT_H */
