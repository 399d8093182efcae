/*
 * train_options.h
 *	  What CALL similarity.train was asked for, checked.
 */
#ifndef TRAIN_TRAIN_OPTIONS_H
#define TRAIN_TRAIN_OPTIONS_H

#include "postgres.h"

#include "fmgr.h"
#include "nn/nn.h"
#include "train/augmentation.h"
#include "train/sampling.h"
#include "train/start.h"
#include "utils/jsonb.h"

typedef struct TrainOptions
{
	char	   *model;
	char	   *source;
	char	   *loss;
	Jsonb	   *loss_params;	/* as given; may be NULL */
	char	   *optimizer;
	Jsonb	   *optimizer_params;	/* as given; may be NULL */
	Jsonb	   *schedule;		/* as given; may be NULL */
	int			epochs;			/* at least 1 */
	int			steps_per_epoch;	/* at least 1 */
	SamplingOptions sampling;
	char	   *validation;		/* a query; may be NULL */
	double		checkpoint_seconds; /* between checkpoints; negative: none */
	bool		resume;			/* an interrupted training */
	bool		seed_given;
	int			log_steps;		/* steps between logged ones; 0: none */
	bool		verbose;		/* INFO line per epoch */
	int			from_version;	/* 0: fresh weights */
	Jsonb	   *trainable;		/* as given; may be NULL */
	LayerRates	rates;			/* what it says */
	Jsonb	   *augmentation;	/* as given; may be NULL */
	AugmentSteps *augment;		/* what it says */
	char	   *method;			/* that learns without labels; may be NULL */
	Jsonb	   *method_params;	/* as given; may be NULL */
	NnTrainOptions nn;			/* all but the pool */
} TrainOptions;

/*
 * Read the arguments of similarity.train into memory of CurrentMemoryContext.
 * ERROR for everything that can be checked without the model and the data.
 */
extern void train_options_read(FunctionCallInfo fcinfo, TrainOptions *options);

/* What a run's record shows: all of them but model and source */
extern Jsonb *train_options_json(const TrainOptions *options);

#endif							/* TRAIN_TRAIN_OPTIONS_H */
