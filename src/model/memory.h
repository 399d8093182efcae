/*
 * memory.h
 *	  The engine's memory and threads inside a backend: both hang on a memory
 *	  context, so that an error frees them without anybody having to catch it.
 */
#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include "postgres.h"

#include "base/arena.h"
#include "base/threads.h"

/*
 * An arena whose blocks are chunks of context.  ERROR if there is no memory;
 * afterwards the arena's own functions return NULL, as the pure rooms expect.
 */
extern Arena *memory_arena(MemoryContext context, size_t budget);

/*
 * A thread pool of similarity.threads that ends when context is reset or
 * deleted.  The pool must be idle then, which it is whenever the main thread
 * runs PostgreSQL's code.  ERROR if threads cannot be created.
 */
extern ThreadPool *memory_pool(MemoryContext context);

/* What one training needs, in bytes; filled as it becomes known. */
typedef struct TrainingMemory
{
	Size		parameters;		/* the weights */
	Size		step;			/* optimiser state and activations */
	Size		rows;			/* inputs and labels read so far */
	uint64		nrows;
} TrainingMemory;

/* ERROR that tells what needs how much if it exceeds similarity.training_memory. */
extern void memory_check(const TrainingMemory *memory);

#endif							/* MODEL_MEMORY_H */
