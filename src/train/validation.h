/*
 * validation.h
 *	  How well a model in training finds neighbors of the same class, on rows
 *	  that it does not train on.
 *
 * After each epoch the rows of the user's query are embedded, and the nearest
 * other row of each is found (embedding/exact_search, cosine distance).  The
 * results are recall@1 and binary accuracy, of all rows, of rows of known
 * classes (which the training also has) and of unknown ones.  This is
 * TensorFlow Similarity's EvalCallback with the queries as targets; its
 * distance threshold is infinite, so that with one neighbor the two are the
 * same number.  No table is read or written.  Results are in training_log and,
 * for the last epoch, in the version's metrics.
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
