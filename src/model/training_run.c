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
#include "model/training_run.h"

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

static void
arg_jsonb(CatalogArgs *args, Jsonb *json)
{
	catalog_arg(args, JSONBOID, JsonbPGetDatum(json), json == NULL);
}

int64
training_run_begin(const CatalogModel *model, const TrainOptions *options)
{
	CatalogArgs args = {0};
	bool		isnull;

	close_abandoned_runs(model);
	catalog_arg_int(&args, model->id);
	catalog_arg_text(&args, GetUserNameFromId(GetUserId(), false));
	catalog_arg_text(&args, options->source);
	catalog_arg_text(&args, options->loss);
	arg_jsonb(&args, options->loss_params);
	catalog_arg_text(&args, options->optimizer);
	arg_jsonb(&args, options->optimizer_params);
	catalog_arg_int(&args, options->epochs);
	catalog_arg_int(&args, options->steps_per_epoch);
	catalog_arg_int(&args, options->classes_per_batch);
	catalog_arg_int(&args, options->examples_per_class);
	catalog_arg_bigint(&args, (int64) options->seed);
	catalog_arg(&args, TEXTARRAYOID, PointerGetDatum(options->known_classes),
				options->known_classes == NULL);
	catalog_arg_int(&args, pool_threads(options->nn.pool));
	(void) catalog_run("INSERT INTO similarity.training_run (model, role, source, options)"
					   " VALUES ($1, $2::pg_catalog.name, $3, pg_catalog.jsonb_build_object("
					   "'loss', $4::pg_catalog.text, 'loss_params', $5::pg_catalog.jsonb,"
					   " 'optimizer', $6::pg_catalog.text, 'optimizer_params', $7::pg_catalog.jsonb,"
					   " 'epochs', $8::pg_catalog.int4, 'steps_per_epoch', $9::pg_catalog.int4,"
					   " 'classes_per_batch', $10::pg_catalog.int4,"
					   " 'examples_per_class', $11::pg_catalog.int4, 'seed', $12::pg_catalog.int8,"
					   " 'known_classes', $13::pg_catalog._text, 'threads', $14::pg_catalog.int4))"
					   " RETURNING id", &args);
	if (SPI_processed != 1)
		elog(ERROR, "could not record the training");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

static void
require_run(const CatalogModel *model, uint64 found)
{
	if (found != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" was dropped while it was being trained",
						NameStr(model->name))));
}

static void
arg_distance(CatalogArgs *args, double distance)
{
	catalog_arg(args, FLOAT8OID, Float8GetDatum(distance), isnan(distance));
}

/* The lock on the run's row waits for whoever is deleting it. */
void
training_run_epoch(int64 run, const CatalogModel *model, const EpochStats *stats)
{
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, run);
	catalog_arg_int(&args, stats->epoch);
	catalog_arg_float(&args, stats->loss);
	catalog_arg_float(&args, stats->learning_rate);
	arg_distance(&args, stats->avg_positive);
	arg_distance(&args, stats->avg_negative);
	catalog_arg_float(&args, stats->images_per_second);
	require_run(model, catalog_run("INSERT INTO similarity.training_epoch (run, epoch, loss,"
								   " learning_rate, avg_positive, avg_negative, images_per_second)"
								   " SELECT id, $2, $3, $4, $5, $6, $7 FROM similarity.training_run"
								   " WHERE id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE", &args));
}

void
training_run_finish(int64 run, const CatalogModel *model, int version)
{
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, run);
	catalog_arg_int(&args, version);
	require_run(model, catalog_run("UPDATE similarity.training_run SET state = 'finished',"
								   " version = $2, ended = pg_catalog.clock_timestamp()"
								   " WHERE id OPERATOR(pg_catalog.=) $1", &args));
}

void
training_run_fail(int64 run, const ErrorData *error)
{
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, run);
	catalog_arg_text(&args, error->sqlerrcode == ERRCODE_QUERY_CANCELED ? "cancelled" : "failed");
	catalog_arg_text(&args, error->message);
	(void) catalog_run("UPDATE similarity.training_run SET state = $2, message = $3,"
					   " ended = pg_catalog.clock_timestamp()"
					   " WHERE id OPERATOR(pg_catalog.=) (SELECT id FROM similarity.training_run"
					   " WHERE id OPERATOR(pg_catalog.=) $1 FOR UPDATE SKIP LOCKED)", &args);
}
