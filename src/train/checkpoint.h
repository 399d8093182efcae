/*
 * checkpoint.h
 *	  Where an interrupted training goes on.
 *
 * A checkpoint is all that a training's steps change: weights, optimizer and
 * loss state, sums of the epoch.  What is drawn at random follows from the seed
 * and the number of steps.  SPI must be connected; the caller has checked that
 * the current role owns the model and holds the model's lock.
 */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "postgres.h"

#include "nn/nn.h"
#include "train/progress.h"

typedef struct Checkpoint
{
	int64		run;
	NnTrainer  *trainer;
	real	   *weights;
	Size		weights_size;	/* bytes */
	uint64		data_hash;		/* of the rows it is trained on */
	double		sums[PROGRESS_SUMS];	/* of the epoch so far */
} Checkpoint;

/* Write one in place of the run's last one. */
extern void checkpoint_write(Checkpoint *checkpoint);

/* Drop the run's checkpoint, if it has one. */
extern void checkpoint_drop(int64 run);

/*
 * Fill trainer, weights and sums from the run's checkpoint.
 * ERRCODE_DATA_CORRUPTED unless it is whole and fits the trainer.
 */
extern void checkpoint_read(Checkpoint *checkpoint);

#endif							/* TRAIN_CHECKPOINT_H */
