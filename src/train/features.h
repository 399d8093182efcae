/*
 * features.h
 *	  What frozen layers make of the rows of a training, computed once.
 *
 * Frozen layers at the beginning of the model give the same for a row at every
 * step.  If one layer's output is all that the others read of them, nothing in
 * them is random or moves, steps draw more rows than there are, and all rows'
 * features fit into similarity.training_memory beside the rows, the features
 * are computed before the first step, and steps read them instead of the
 * rows.  An INFO line says so, and cached_features in the version's metrics.
 *
 * The result is that of running all layers but for rounding: rows run together
 * in other numbers.  So a training that is resumed under another
 * training_memory may differ in its last bits; under the same it does not.
 */
#ifndef TRAIN_FEATURES_H
#define TRAIN_FEATURES_H

#include "postgres.h"

#include "train/source.h"

typedef struct FeaturesRequest
{
	NnGraph    *prefix;			/* the frozen layers */
	const SourceRows *rows;
	int			max_fetch;		/* of the features, at once */
	ThreadPool *pool;
	TrainingMemory *memory;		/* they are counted here */
	CallProgress *progress;		/* computing them is a phase of its own */
} FeaturesRequest;

/* Rows that are fetched at once where features are computed */
extern int	features_fetch(const ThreadPool *pool);

/*
 * Do the features of all rows fit into memory?  Then count what it takes to
 * compute them.
 */
extern bool features_fit(const FeaturesRequest *request);

/* Compute them, and keep them in context, as NN_FLOAT32 rows. */
extern RowStore *features_compute(MemoryContext context,
								  const FeaturesRequest *request,
								  const real *weights);

#endif							/* TRAIN_FEATURES_H */
