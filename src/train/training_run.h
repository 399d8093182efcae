/*
 * training_run.h
 *	  The record of trainings in the catalog: runs and their epochs.
 *
 * SPI must be connected and a snapshot active.  The caller has checked that
 * the current role owns the model and holds the model's lock.
 */
#ifndef TRAIN_TRAINING_RUN_H
#define TRAIN_TRAINING_RUN_H

#include "postgres.h"

#include "model/model_catalog.h"
#include "train/progress.h"
#include "train/train_options.h"

/* Record that a training starts; returns the run's id. */
extern int64 training_run_begin(const CatalogModel *model,
								const TrainOptions *options);

/* A training that did not finish, and where it can go on */
typedef struct InterruptedRun
{
	int64		run;
	uint64		seed;
	int			threads;
	int64		step;			/* of its checkpoint; 0: it has none */
	uint64		data_hash;		/* of the rows it was trained on */
} InterruptedRun;

/* The last run of the model; ERROR unless it was interrupted. */
extern void training_run_find(const CatalogModel *model, InterruptedRun *found);

/* ERROR that names what differs unless the run was begun with these options. */
extern void training_run_check(int64 run, const TrainOptions *options);

/* It runs again, from its checkpoint on, which lies in this epoch. */
extern void training_run_resume(const InterruptedRun *run, int epoch);

/* Record steps. */
extern void training_run_steps(int64 run, const StepStats *steps, int n);

/*
 * Record an epoch, or how the run ended.  ERRCODE_UNDEFINED_OBJECT if the run
 * is gone, which means that the model has been dropped.
 */
extern void training_run_epoch(int64 run, const CatalogModel *model,
							   const EpochStats *stats);
extern void training_run_finish(int64 run, const CatalogModel *model,
								int version);

/*
 * Record that the run ended with an error; nothing happens if it is gone, or
 * if somebody holds its row, since a cancelled statement must not wait.
 */
extern void training_run_fail(int64 run, const ErrorData *error);

#endif							/* TRAIN_TRAINING_RUN_H */
