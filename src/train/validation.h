/*
 * validation.h
 *	  How well a model in training finds neighbors of the same class, on rows
 *	  that it does not train on.
 */
#ifndef TRAIN_VALIDATION_H
#define TRAIN_VALIDATION_H

#include "postgres.h"

#include "train/progress.h"
#include "train/source.h"

typedef struct Validation Validation;

/*
 * Read a query of (input, label) into context.  SPI must be connected.  Its
 * memory is counted in memory->validation, its rows as those of a training.
 */
extern Validation *validation_read(MemoryContext context, const char *query,
								   const InputTarget *target, ThreadPool *pool,
								   TrainingMemory *memory,
								   CallProgress *progress);

/* Classes that train are known, others unknown; to be called before the first run. */
extern void validation_known_classes(Validation *validation,
									 const SourceRows *training);

/*
 * Embed all rows with these weights and look up the nearest other row of each:
 * recall@1 and binary accuracy, of known and unknown classes apart, go into
 * stats.
 */
extern void validation_run(Validation *validation, const real *weights,
						   EpochStats *stats);

#endif							/* TRAIN_VALIDATION_H */
