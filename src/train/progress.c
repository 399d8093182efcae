/*
 * progress.c
 *	  How a training is going: metrics of steps and epochs, and what others
 *	  see of them.
 *
 * The live state goes into similarity.progress, and also where every monitoring
 * tool looks: into pg_stat_activity.query.  That costs some string formatting
 * and is done once a second.
 */
#include "postgres.h"

#include <math.h>

#include "tcop/tcopprot.h"
#include "utils/backend_status.h"

#include "train/progress.h"

static double
seconds_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

void
progress_begin(Progress *progress, CallProgress *call, const char *model,
			   int epochs, int steps_per_epoch, int batch)
{
	memset(progress, 0, sizeof(*progress));
	progress->call = call;
	progress->model = model;
	progress->epochs = epochs;
	progress->steps_per_epoch = steps_per_epoch;
	progress->batch = batch;
	INSTR_TIME_SET_CURRENT(progress->reported);
	progress->logged = progress->reported;
	call_progress_phase(call, PHASE_TRAINING,
						(double) epochs * steps_per_epoch);
}

/*
 * An epoch from its first step: minima and maxima start as what everything
 * beats.
 */
void
progress_epoch(Progress *progress, int epoch)
{
	double		sums[PROGRESS_SUMS] = {0};

	sums[LEAST_POSITIVE] = sums[LEAST_NEGATIVE] = INFINITY;
	sums[MOST_POSITIVE] = sums[MOST_NEGATIVE] = -INFINITY;
	progress_resume(progress, epoch, 0, sums);
}

void
progress_resume(Progress *progress, int epoch, int step, const double *sums)
{
	progress->epoch = epoch;
	progress->step = step;
	memcpy(progress->sums, sums, sizeof(progress->sums));
	INSTR_TIME_SET_CURRENT(progress->start);
}

/* Of this epoch, those before an interruption included */
static double
epoch_seconds(const Progress *progress)
{
	return progress->sums[SECONDS_BEFORE] + seconds_since(progress->start);
}

void
progress_sums(const Progress *progress, double *sums)
{
	memcpy(sums, progress->sums, sizeof(progress->sums));
	sums[SECONDS_BEFORE] = epoch_seconds(progress);
}

/* pg_stat_activity.query, in place of the user's CALL until progress_end() */
static void
report_activity(const Progress *progress)
{
	char		activity[256 + NAMEDATALEN];

	snprintf(activity, sizeof(activity),
			 "similarity.train %s: epoch %d of %d, step %d of %d, loss %.4f, %.0f images/s",
			 progress->model, progress->epoch, progress->epochs,
			 progress->step, progress->steps_per_epoch,
			 progress->sums[SUM_LOSS] / progress->step,
			 (double) progress->step * progress->batch / epoch_seconds(progress));
	pgstat_report_activity(STATE_RUNNING, activity);
}

/* Steps are counted over all epochs, so that the share done never goes back. */
static void
report_call(const Progress *progress)
{
	progress->call->training = (CallTraining)
	{
		.epoch = progress->epoch,.epochs = progress->epochs,
			.step = progress->step,.steps = progress->steps_per_epoch,
			.loss = progress->sums[SUM_LOSS] / progress->step
	};
	call_progress(progress->call, (int64) (progress->epoch - 1) *
				  progress->steps_per_epoch + progress->step);
}

/* A mean with its minimum and maximum, which are adjacent in sums */
static void
add_distances(double *sums, double avg, double min, double max)
{
	if (isnan(avg))
		return;
	sums[0] += avg;
	sums[1] += 1;
	sums[2] = fmin(sums[2], min);
	sums[3] = fmax(sums[3], max);
}

void
progress_step(Progress *progress, const NnStepStats *stats)
{
	double	   *sums = progress->sums;

	progress->step++;
	progress->since_logged++;
	sums[SUM_LOSS] += stats->loss;
	sums[SUM_NORM] += stats->gradient_norm;
	sums[LAST_RATE] = stats->learning_rate;
	add_distances(sums + SUM_POSITIVE, stats->avg_positive, stats->min_positive,
				  stats->max_positive);
	add_distances(sums + SUM_NEGATIVE, stats->avg_negative, stats->min_negative,
				  stats->max_negative);
	if (!isnan(stats->dist_gap))
	{
		sums[SUM_GAP] += stats->dist_gap;
		sums[STEPS_GAP]++;
	}
	report_call(progress);
	if (seconds_since(progress->reported) >= 1)
	{
		INSTR_TIME_SET_CURRENT(progress->reported);
		report_activity(progress);
	}
}

void
progress_log_step(Progress *progress, const NnStepStats *stats, StepStats *out)
{
	out->step = (int64) (progress->epoch -
						 1) * progress->steps_per_epoch + progress->step;
	out->epoch = progress->epoch;
	out->metrics = (TrainingMetrics)
	{
		.loss = stats->loss,.learning_rate = stats->learning_rate,
			.avg_positive = stats->avg_positive,.min_positive =
			stats->min_positive,
			.max_positive = stats->max_positive,.avg_negative =
			stats->avg_negative,
			.min_negative = stats->min_negative,.max_negative =
			stats->max_negative,
			.dist_gap = stats->dist_gap,.gradient_norm = stats->gradient_norm,
			.images_per_second =
			(double) progress->since_logged * progress->batch /
			seconds_since(progress->logged)
	};
	INSTR_TIME_SET_CURRENT(progress->logged);
	progress->since_logged = 0;
}

/* Of the steps that had the number: a batch without positives has none */
static double
mean(double sum, double n)
{
	return n > 0 ? sum / n : NAN;
}

/* A minimum or maximum over no step is infinite, and NULL in the table. */
static double
finite_or_nan(double x)
{
	return isfinite(x) ? x : NAN;
}

void
progress_stats(const Progress *progress, EpochStats *stats)
{
	const double *sums = progress->sums;

	stats->epoch = progress->epoch;
	stats->metrics = (TrainingMetrics)
	{
		.loss = sums[SUM_LOSS] / progress->step,.learning_rate =
			sums[LAST_RATE],
			.avg_positive = mean(sums[SUM_POSITIVE], sums[STEPS_POSITIVE]),
			.min_positive = finite_or_nan(sums[LEAST_POSITIVE]),
			.max_positive = finite_or_nan(sums[MOST_POSITIVE]),
			.avg_negative = mean(sums[SUM_NEGATIVE], sums[STEPS_NEGATIVE]),
			.min_negative = finite_or_nan(sums[LEAST_NEGATIVE]),
			.max_negative = finite_or_nan(sums[MOST_NEGATIVE]),
			.dist_gap = mean(sums[SUM_GAP], sums[STEPS_GAP]),
			.gradient_norm = sums[SUM_NORM] / progress->step,
			.images_per_second =
			(double) progress->step * progress->batch / epoch_seconds(progress)
	};
}

void
progress_info(const Progress *progress, const EpochStats *stats)
{
	const TrainingMetrics *m = &stats->metrics;

	ereport(INFO,
			(errmsg("epoch %d of %d: loss %.4f, positive distance %.4f (%.4f to %.4f), "
					"negative distance %.4f (%.4f to %.4f), gap %.4f, gradient norm %.4g, %.0f images/s%s%s",
					stats->epoch, progress->epochs, m->loss,
					m->avg_positive, m->min_positive, m->max_positive,
					m->avg_negative, m->min_negative, m->max_negative,
					m->dist_gap, m->gradient_norm, m->images_per_second,
					stats->validation_text == NULL ? "" : ", validation: ",
					stats->validation_text == NULL ? "" :
					stats->validation_text),
			 stats->verdict == NULL ? 0 : errdetail("Verdict: %s.", stats->verdict)));
	call_progress_said(progress->call);
}

void
progress_end(Progress *progress)
{
	call_progress_end(progress->call);
	if (debug_query_string != NULL)
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
}
