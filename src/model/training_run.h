/*
 * training_run.h
 *	  The record of trainings in the catalog: runs and their epochs.
 *
 * SPI must be connected and a snapshot active.  The caller has checked that
 * the current role owns the model and holds the model's lock.
 */
#ifndef MODEL_TRAINING_RUN_H
#define MODEL_TRAINING_RUN_H

#include "postgres.h"

#include "model/catalog.h"
#include "model/progress.h"
#include "model/train_options.h"

/* Record that a training starts; returns the run's id. */
extern int64 training_run_begin(const CatalogModel *model, const TrainOptions *options);

/*
 * Record an epoch, or how the run ended.  ERRCODE_UNDEFINED_OBJECT if the run
 * is gone, which means that the model was dropped meanwhile.
 */
extern void training_run_epoch(int64 run, const CatalogModel *model, const EpochStats *stats);
extern void training_run_finish(int64 run, const CatalogModel *model, int version);

/*
 * Record that the run ended with an error; nothing happens if it is gone, or
 * if somebody holds its row, since a cancelled statement must not wait.
 */
extern void training_run_fail(int64 run, const ErrorData *error);

#endif							/* MODEL_TRAINING_RUN_H */
