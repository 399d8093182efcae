/*
 * memory.h
 *	  What a training may take; arenas and pools are in context.h.
 */
#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include "postgres.h"

#include "context.h"

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
