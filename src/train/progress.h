/*
 * progress.h
 *	  How a training is going: metrics of steps and epochs, and what others
 *	  see of them.
 */
#ifndef TRAIN_PROGRESS_H
#define TRAIN_PROGRESS_H

#include "postgres.h"

#include "nn/nn.h"
#include "portability/instr_time.h"
#include "server/call_progress.h"
#include "utils/jsonb.h"

/* Metrics of a step, or of the steps of an epoch; NaN where none had it */
typedef struct TrainingMetrics
{
	double		loss;
	double		learning_rate;	/* of the last step */
	double		avg_positive;	/* mean of means, minimum and maximum */
	double		min_positive;
	double		max_positive;
	double		avg_negative;
	double		min_negative;
	double		max_negative;
	double		dist_gap;
	double		gradient_norm;
	double		images_per_second;
} TrainingMetrics;

#define TRAINING_METRICS (sizeof(TrainingMetrics) / sizeof(double))

typedef struct EpochStats
{
	int			epoch;			/* from 1 */
	TrainingMetrics metrics;
	Jsonb	   *validation;		/* or NULL */
	char	   *validation_text;	/* the same for people */
	const char *verdict;		/* what goes wrong, for people; or NULL */
} EpochStats;

/* A step that is to be logged */
typedef struct StepStats
{
	int64		step;			/* of the training, from 1 */
	int			epoch;
	TrainingMetrics metrics;
} StepStats;

/* Sums over the steps of an epoch; a checkpoint keeps them. */
enum
{
	SUM_LOSS,
	SUM_POSITIVE, STEPS_POSITIVE, LEAST_POSITIVE, MOST_POSITIVE,
	SUM_NEGATIVE, STEPS_NEGATIVE, LEAST_NEGATIVE, MOST_NEGATIVE,
	SUM_GAP, STEPS_GAP, SUM_NORM, LAST_RATE, SECONDS_BEFORE,
	PROGRESS_SUMS
};

typedef struct Progress
{
	CallProgress *call;			/* is told of the steps */
	const char *model;
	int			epochs;
	int			steps_per_epoch;
	int			batch;			/* rows in a step */
	int			epoch;			/* the current one, from 1 */
	int			step;			/* of this epoch, made so far */
	double		sums[PROGRESS_SUMS];
	instr_time	start;			/* of this epoch, or since it was resumed */
	instr_time	reported;		/* last change of pg_stat_activity */
	instr_time	logged;			/* when a step was logged last, */
	int			since_logged;	/* and steps since then */
} Progress;

extern void progress_begin(Progress *progress, CallProgress *call,
						   const char *model, int epochs,
						   int steps_per_epoch, int batch);

/* Begin an epoch, or continue it after so many steps with their sums. */
extern void progress_epoch(Progress *progress, int epoch);
extern void progress_resume(Progress *progress, int epoch, int step,
							const double *sums);

/* The sums as they are to be kept */
extern void progress_sums(const Progress *progress, double *sums);

/* Count a step; once a second, show it in pg_stat_activity.query, too. */
extern void progress_step(Progress *progress, const NnStepStats *stats);

/* The step just counted, as it is to be logged */
extern void progress_log_step(Progress *progress, const NnStepStats *stats,
							  StepStats *out);

extern void progress_stats(const Progress *progress, EpochStats *stats);

/* The INFO line of an epoch */
extern void progress_info(const Progress *progress, const EpochStats *stats);

/* Let pg_stat_activity.query show the user's statement again. */
extern void progress_end(Progress *progress);

#endif							/* TRAIN_PROGRESS_H */
