/*
 * train_options.h
 *	  What CALL similarity.train was asked for, checked.
 */
#ifndef MODEL_TRAIN_OPTIONS_H
#define MODEL_TRAIN_OPTIONS_H

#include "postgres.h"

#include "fmgr.h"
#include "nn/nn.h"
#include "utils/array.h"
#include "utils/jsonb.h"

/* Classes in a batch when the user names no number and the data has as many */
#define TRAIN_DEFAULT_CLASSES 10

typedef struct TrainOptions
{
	char	   *model;
	char	   *source;
	char	   *loss;
	Jsonb	   *loss_params;	/* as given; may be NULL */
	char	   *optimizer;
	Jsonb	   *optimizer_params;	/* as given; may be NULL */
	int			epochs;			/* at least 1 */
	int			steps_per_epoch;	/* at least 1 */
	int			classes_per_batch;	/* at least 2; 0: choose when the data is
									 * known */
	int			examples_per_class; /* at least 2 */
	uint64		seed;			/* as given, else a random one */
	ArrayType  *known_classes;	/* text[]; may be NULL */
	bool		verbose;		/* INFO line per epoch */
	NnTrainOptions nn;			/* all but the pool */
} TrainOptions;

/*
 * Read the arguments of similarity.train into memory of CurrentMemoryContext.
 * ERROR for everything that can be told without the model and the data.
 */
extern void train_options_read(FunctionCallInfo fcinfo, TrainOptions *options);

#endif							/* MODEL_TRAIN_OPTIONS_H */
