/*
 * progress.c
 *	  How a training is going: means of an epoch, and what others see of it.
 *
 * PostgreSQL's progress views know the built-in commands only, so the live
 * state goes where every monitoring tool looks: into pg_stat_activity.query.
 * That costs some string formatting and is done once a second.
 */
#include "postgres.h"

#include <math.h>

#include "tcop/tcopprot.h"
#include "utils/backend_status.h"

#include "model/progress.h"

static double
seconds_since(instr_time start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

void
progress_begin(Progress *progress, const char *model, int epochs, int steps_per_epoch, int batch)
{
	memset(progress, 0, sizeof(*progress));
	progress->model = model;
	progress->epochs = epochs;
	progress->steps_per_epoch = steps_per_epoch;
	progress->batch = batch;
	INSTR_TIME_SET_CURRENT(progress->reported);
}

void
progress_epoch(Progress *progress, int epoch)
{
	progress->epoch = epoch;
	progress->step = 0;
	progress->loss = progress->positive = progress->negative = 0;
	progress->positives = progress->negatives = 0;
	INSTR_TIME_SET_CURRENT(progress->start);
}

static void
report_activity(const Progress *progress)
{
	char		activity[256 + NAMEDATALEN];

	snprintf(activity, sizeof(activity),
			 "similarity.train %s: epoch %d of %d, step %d of %d, loss %.4f, %.0f images/s",
			 progress->model, progress->epoch, progress->epochs,
			 progress->step, progress->steps_per_epoch, progress->loss / progress->step,
			 (double) progress->step * progress->batch / seconds_since(progress->start));
	pgstat_report_activity(STATE_RUNNING, activity);
}

void
progress_step(Progress *progress, const NnStepStats *stats)
{
	progress->step++;
	progress->loss += stats->loss;
	progress->learning_rate = stats->learning_rate;
	if (!isnan(stats->avg_positive))
	{
		progress->positive += stats->avg_positive;
		progress->positives++;
	}
	if (!isnan(stats->avg_negative))
	{
		progress->negative += stats->avg_negative;
		progress->negatives++;
	}
	if (seconds_since(progress->reported) >= 1)
	{
		INSTR_TIME_SET_CURRENT(progress->reported);
		report_activity(progress);
	}
}

void
progress_stats(const Progress *progress, EpochStats *stats)
{
	stats->epoch = progress->epoch;
	stats->loss = progress->loss / progress->step;
	stats->learning_rate = progress->learning_rate;
	stats->avg_positive = progress->positives > 0 ? progress->positive / progress->positives : NAN;
	stats->avg_negative = progress->negatives > 0 ? progress->negative / progress->negatives : NAN;
	stats->seconds = seconds_since(progress->start);
	stats->images_per_second = (double) progress->step * progress->batch / stats->seconds;
}

void
progress_info(const Progress *progress, const EpochStats *stats)
{
	ereport(INFO,
			(errmsg("epoch %d of %d: loss %.4f, positive distance %.4f, negative distance %.4f, %.0f images/s",
					stats->epoch, progress->epochs, stats->loss, stats->avg_positive,
					stats->avg_negative, stats->images_per_second)));
}

void
progress_end(void)
{
	if (debug_query_string != NULL)
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
}
