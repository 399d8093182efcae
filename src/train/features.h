/*
 * features.h
 *	  What frozen layers make of the rows of a training, computed once.
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
