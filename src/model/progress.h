/*
 * progress.h
 *	  How a training is going: means of an epoch, and what others see of it.
 */
#ifndef MODEL_PROGRESS_H
#define MODEL_PROGRESS_H

#include "postgres.h"

#include "nn/nn.h"
#include "portability/instr_time.h"

/* Means over the steps of an epoch */
typedef struct EpochStats
{
	int			epoch;			/* from 1 */
	double		loss;
	double		learning_rate;	/* of the last step */
	double		avg_positive;	/* NaN if no step had one */
	double		avg_negative;	/* NaN if no step had one */
	double		seconds;
	double		images_per_second;
} EpochStats;

typedef struct Progress
{
	const char *model;
	int			epochs;
	int			steps_per_epoch;
	int			batch;			/* rows in a step */
	int			epoch;			/* the current one, from 1 */
	int			step;			/* of this epoch, made so far */
	double		loss;			/* sums over the steps of this epoch */
	double		positive;
	double		negative;
	int			positives;		/* steps that had one */
	int			negatives;
	double		learning_rate;
	instr_time	start;			/* of this epoch */
	instr_time	reported;		/* when pg_stat_activity was told last */
} Progress;

extern void progress_begin(Progress *progress, const char *model, int epochs,
						   int steps_per_epoch, int batch);
extern void progress_epoch(Progress *progress, int epoch);

/* Count a step; once a second pg_stat_activity.query is changed to tell. */
extern void progress_step(Progress *progress, const NnStepStats *stats);

extern void progress_stats(const Progress *progress, EpochStats *stats);

/* The INFO line of an epoch */
extern void progress_info(const Progress *progress, const EpochStats *stats);

/* Let pg_stat_activity.query show the user's statement again. */
extern void progress_end(void);

#endif							/* MODEL_PROGRESS_H */
