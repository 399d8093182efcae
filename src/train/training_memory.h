/*
 * training_memory.h
 *	  What a training may take; arenas and pools are in context.h.
 */
#ifndef TRAIN_TRAINING_MEMORY_H
#define TRAIN_TRAINING_MEMORY_H

#include "postgres.h"

#include "server/context.h"

/* What one training needs, in bytes; filled as it becomes known. */
typedef struct TrainingMemory
{
	Size		parameters;		/* the weights */
	Size		step;			/* optimizer state and activations */
	Size		batch;			/* rows of a batch that come from disk */
	Size		features;		/* network that computes those of frozen
								 * layers */
	Size		validation;		/* network and embeddings of a validation */
	Size		labels;			/* of rows read so far, and what draws them */
	Size		rows;			/* their inputs, as far as kept in memory */
	uint64		nrows;
} TrainingMemory;

/*
 * ERROR that says what needs how much if all but the inputs of rows, which
 * can go to disk, exceeds similarity.training_memory.
 */
extern void memory_check(const TrainingMemory *memory);

/* All of it, inputs in memory included */
extern Size memory_planned(const TrainingMemory *memory);

/* Is there room for so many bytes more of inputs? */
extern bool memory_fits(const TrainingMemory *memory, Size size);

#endif							/* TRAIN_TRAINING_MEMORY_H */
