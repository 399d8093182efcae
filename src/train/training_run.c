/*
 * training_run.c
 *	  The record of trainings in the catalog: runs and their epochs.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"

#include "model/model.h"
#include "server/catalog.h"
#include "server/guc.h"
#include "train/checkpoint.h"
#include "train/training_run.h"

/*
 * The lock on the model is ours, so nobody else trains it: a run that still
 * says "running" is one whose session ended without a word.
 */
static void
close_abandoned_runs(const CatalogModel *model)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model->id);
	(void) catalog_run("UPDATE similarity.training_run"
					   " SET state = 'failed', message = 'the session ended',"
					   " ended = pg_catalog.clock_timestamp()"
					   " WHERE model OPERATOR(pg_catalog.=) $1"
					   " AND state OPERATOR(pg_catalog.=) 'running'", &args);
}

/* A new training begins: nobody will resume an earlier one. */
static void
drop_checkpoints(const CatalogModel *model)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model->id);
	(void) catalog_run("WITH runs AS (SELECT id FROM similarity.training_run WHERE model OPERATOR(pg_catalog.=) $1),"
					   " parts AS (DELETE FROM similarity.checkpoint_part p USING runs r WHERE p.run OPERATOR(pg_catalog.=) r.id)"
					   " DELETE FROM similarity.checkpoint c USING runs r WHERE c.run OPERATOR(pg_catalog.=) r.id", &args);
}

static void
arg_jsonb(CatalogArgs *args, Jsonb *json)
{
	catalog_arg(args, JSONBOID, JsonbPGetDatum(json), json == NULL);
}

/*
 * A statement that found no row of the run or its model: both go with
 * drop_model() only, which the lock on the model forbids, or by the hand of a
 * superuser.
 */
static void
require_run(const CatalogModel *model, uint64 found)
{
	if (found != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" was dropped while it was being trained",
						NameStr(model->name))));
}

int64
training_run_begin(const CatalogModel *model, const TrainOptions *options)
{
	CatalogArgs args = {0};

	close_abandoned_runs(model);
	drop_checkpoints(model);
	catalog_arg_int(&args, model->id);
	catalog_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	catalog_arg_text(&args, options->source);
	arg_jsonb(&args, train_options_json(options));
	require_run(model, catalog_run("INSERT INTO similarity.training_run (model, role, source, options)"
								   " SELECT id, $2::pg_catalog.name, $3, $4 FROM _similarity.model"
								   " WHERE id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE RETURNING id", &args));
	return catalog_column_bigint(0, 1, "a training");
}

/*
 * What is read may come from a dump or a superuser's hand: numbers that would
 * be used as a size are checked.
 */
void
training_run_find(const CatalogModel *model, InterruptedRun *found)
{
	CatalogArgs args = {0};
	const char *entry = psprintf("the last training of model \"%s\"",
								 NameStr(model->name));
	int64		threads;

	close_abandoned_runs(model);
	catalog_arg_int(&args, model->id);
	if (catalog_run("SELECT r.id, r.state, r.options OPERATOR(pg_catalog.->>) 'seed',"
					" r.options OPERATOR(pg_catalog.->>) 'threads', c.step, c.data_hash"
					" FROM similarity.training_run r"
					" LEFT JOIN similarity.checkpoint c ON c.run OPERATOR(pg_catalog.=) r.id"
					" WHERE r.model OPERATOR(pg_catalog.=) $1 ORDER BY r.id DESC LIMIT 1", &args) != 1 ||
		strcmp(catalog_column_text(0, 2, entry), "finished") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no interrupted training to resume",
						NameStr(model->name)),
				 errdetail("Its last training finished, or there was none.")));
	found->run = catalog_column_bigint(0, 1, entry);
	found->seed = (uint64) catalog_column_number(0, 3, entry);
	threads = catalog_column_number(0, 4, entry);
	if (threads < 1 || threads > GUC_MAX_THREADS)
		catalog_raise_damaged(entry,
							  psprintf("It ran on %lld threads.",
									   (long long) threads));
	found->threads = (int) threads;
	found->step = 0;
	found->data_hash = 0;
	if (catalog_column_isnull(0, 5))
		return;
	found->step = catalog_column_bigint(0, 5, entry);
	found->data_hash = (uint64) catalog_column_bigint(0, 6, entry);
	if (found->step < 0)
		catalog_raise_damaged(entry,
							  "Its checkpoint was made before the first step.");
}

/* What a run may do in another way after it was resumed */
#define FREE_OPTIONS "'{threads,validation,log_steps}'::pg_catalog.text[]"

/*
 * Compared as they are recorded: whatever argument train() learns is in there.
 */
void
training_run_check(int64 run, const TrainOptions *options)
{
	CatalogArgs args = {0};
	char	   *keys;

	catalog_arg_bigint(&args, run);
	arg_jsonb(&args, train_options_json(options));
	if (catalog_run("SELECT pg_catalog.string_agg(o.key, ', ' ORDER BY o.key)"
					" FROM similarity.training_run r, pg_catalog.jsonb_each(r.options OPERATOR(pg_catalog.-) " FREE_OPTIONS ") o"
					" WHERE r.id OPERATOR(pg_catalog.=) $1"
					" AND ($2 OPERATOR(pg_catalog.->) o.key) IS DISTINCT FROM o.value", &args) != 1)
		elog(ERROR, "could not read the training's record");
	keys = catalog_column_text_or_null(0, 1);
	if (keys != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("training cannot be resumed with different arguments"),
				 errdetail("These differ: %s.", keys),
				 errhint("similarity.training_runs shows them; without resume a new training starts.")));
}

/* What was logged behind the checkpoint will be logged again. */
void
training_run_resume(const InterruptedRun *run, int epoch)
{
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, run->run);
	catalog_arg_bigint(&args, run->step);
	catalog_arg_int(&args, epoch);
	(void) catalog_run("DELETE FROM similarity.training_step WHERE run OPERATOR(pg_catalog.=) $1"
					   " AND step OPERATOR(pg_catalog.>) $2", &args);
	(void) catalog_run("DELETE FROM similarity.training_epoch WHERE run OPERATOR(pg_catalog.=) $1"
					   " AND epoch OPERATOR(pg_catalog.>=) $3", &args);
	(void) catalog_run("UPDATE similarity.training_run SET state = 'running', message = NULL, ended = NULL"
					   " WHERE id OPERATOR(pg_catalog.=) $1", &args);
}

/* NaN says that no step had it, which is NULL in the table. */
static void
arg_metric(CatalogArgs *args, double metric)
{
	catalog_arg(args, FLOAT8OID, Float8GetDatum(metric), isnan(metric));
}

static void
arg_metrics(CatalogArgs *args, const TrainingMetrics *m)
{
	const double all[TRAINING_METRICS] = {
		m->loss, m->learning_rate, m->avg_positive, m->min_positive,
		m->max_positive,
		m->avg_negative, m->min_negative, m->max_negative, m->dist_gap,
		m->gradient_norm, m->images_per_second
	};

	for (int i = 0; i < (int) TRAINING_METRICS; i++)
		arg_metric(args, all[i]);
}

/* In the order of arg_metrics() */
#define METRIC_COLUMNS \
	"loss, learning_rate, avg_positive, min_positive, max_positive, avg_negative," \
	" min_negative, max_negative, dist_gap, gradient_norm, images_per_second"

/* Locking the rows of run and model waits for a session that deletes them. */
void
training_run_epoch(int64 run, const CatalogModel *model,
				   const EpochStats *stats)
{
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, run);
	catalog_arg_int(&args, stats->epoch);
	arg_metrics(&args, &stats->metrics);
	arg_jsonb(&args, stats->validation);
	if (stats->verdict == NULL)
		catalog_arg(&args, TEXTOID, (Datum) 0, true);
	else
		catalog_arg_text(&args, stats->verdict);
	require_run(model, catalog_run("INSERT INTO similarity.training_epoch (run, epoch, "
								   METRIC_COLUMNS ", validation, verdict)"
								   " SELECT r.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15"
								   " FROM similarity.training_run r"
								   " JOIN _similarity.model m ON m.id OPERATOR(pg_catalog.=) r.model"
								   " WHERE r.id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE", &args));
}

/* The i-th metric of n steps as float8[], NULL for NaN */
static Datum
metric_array(const StepStats *steps, int n, int i)
{
	Datum	   *values = palloc(sizeof(Datum) * (Size) n);
	bool	   *nulls = palloc(sizeof(bool) * (Size) n);
	int			lower = 1;

	for (int step = 0; step < n; step++)
	{
		double		metric = ((const double *) &steps[step].metrics)[i];

		nulls[step] = isnan(metric);
		values[step] = Float8GetDatum(metric);
	}
	return PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower,
											  FLOAT8OID, sizeof(float8),
											  FLOAT8PASSBYVAL,
											  TYPALIGN_DOUBLE));
}

void
training_run_steps(int64 run, const StepStats *steps, int n)
{
	CatalogArgs args = {0};
	Datum	   *numbers = palloc(sizeof(Datum) * (Size) n);
	Datum	   *epochs = palloc(sizeof(Datum) * (Size) n);

	for (int i = 0; i < n; i++)
	{
		numbers[i] = Int64GetDatum(steps[i].step);
		epochs[i] = Int32GetDatum(steps[i].epoch);
	}
	catalog_arg_bigint(&args, run);
	catalog_arg(&args, INT8ARRAYOID,
				PointerGetDatum(construct_array(numbers, n, INT8OID,
												sizeof(int64), FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE)), false);
	catalog_arg(&args, INT4ARRAYOID,
				PointerGetDatum(construct_array(epochs, n, INT4OID,
												sizeof(int32), true,
												TYPALIGN_INT)), false);
	for (int i = 0; i < (int) TRAINING_METRICS; i++)
		catalog_arg(&args, FLOAT8ARRAYOID, metric_array(steps, n, i), false);
	(void) catalog_run("INSERT INTO similarity.training_step (run, step, epoch, " METRIC_COLUMNS ")"
					   " SELECT r.id, u.* FROM similarity.training_run r,"
					   " ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3),"
					   " pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6),"
					   " pg_catalog.unnest($7), pg_catalog.unnest($8), pg_catalog.unnest($9),"
					   " pg_catalog.unnest($10), pg_catalog.unnest($11), pg_catalog.unnest($12),"
					   " pg_catalog.unnest($13), pg_catalog.unnest($14)) u"
					   " WHERE r.id OPERATOR(pg_catalog.=) $1", &args);
}

void
training_run_finish(int64 run, const CatalogModel *model, int version)
{
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, run);
	catalog_arg_int(&args, version);
	checkpoint_drop(run);
	require_run(model, catalog_run("UPDATE similarity.training_run r SET state = 'finished',"
								   " version = $2, ended = pg_catalog.clock_timestamp() FROM _similarity.model m"
								   " WHERE r.id OPERATOR(pg_catalog.=) $1 AND m.id OPERATOR(pg_catalog.=) r.model", &args));
}

/*
 * A run that another session holds is passed over: an error must not wait, and
 * the next training of the model closes what it leaves.
 */
void
training_run_fail(int64 run, const ErrorData *error)
{
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, run);
	catalog_arg_text(&args, error->sqlerrcode == ERRCODE_QUERY_CANCELED ?
					 "cancelled" : "failed");
	catalog_arg_text(&args, error->message);
	(void) catalog_run("UPDATE similarity.training_run SET state = $2, message = $3,"
					   " ended = pg_catalog.clock_timestamp()"
					   " WHERE id OPERATOR(pg_catalog.=) (SELECT id FROM similarity.training_run"
					   " WHERE id OPERATOR(pg_catalog.=) $1 FOR UPDATE SKIP LOCKED)", &args);
}
