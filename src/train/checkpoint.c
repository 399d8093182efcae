/*
 * checkpoint.c
 *	  Where an interrupted training goes on.
 *
 * State is stored as it stands in memory, as parts (server/parts.h): it is read
 * again on the same machine, or on one of the same kind, and a checkpoint is
 * not dumped.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "model/model.h"
#include "server/catalog.h"
#include "server/compat.h"
#include "server/parts.h"
#include "train/checkpoint.h"

/* What a checkpoint holds under a name */
static Parts
named_parts(int64 run, const char *name, Size size)
{
	Parts		parts = {
		psprintf("checkpoint of training run " INT64_FORMAT " is corrupted",
				 run),
		"Its", name, "Start a new training, without resume.", size
	};

	return parts;
}

/* ---- writing ---- */

static void
write_part(int64 run, const Parts *part, const void *state)
{
	CatalogArgs args = {0};
	bytea	   *data = parts_allocate(part);

	memcpy(VARDATA(data), (const char *) state + part->offset, part->length);
	catalog_arg_bigint(&args, run);
	catalog_arg_text(&args, part->name);
	(void) parts_add_arguments(part, data, &args);
	(void) catalog_run("INSERT INTO similarity.checkpoint_part (run, name, part, checksum, data)"
					   " VALUES ($1, $2, $3, $4, $5)", &args);
	pfree(data);
}

static void
write_state(int64 run, const NnStatePart *state)
{
	Parts		part = named_parts(run, state->name, state->size);

	while (parts_next(&part))
		write_part(run, &part, state->data);
}

static ArrayType *
sums_array(const double *sums)
{
	Datum		values[PROGRESS_SUMS];

	for (int i = 0; i < PROGRESS_SUMS; i++)
		values[i] = Float8GetDatum(sums[i]);
	return construct_array(values, PROGRESS_SUMS, FLOAT8OID, sizeof(float8),
						   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

/* All parts of the state, the weights among them */
static int
list_state(Checkpoint *checkpoint, NnStatePart *parts)
{
	int			n = nn_trainer_state(checkpoint->trainer, parts);

	parts[n] = (NnStatePart)
	{
		"weights", checkpoint->weights, checkpoint->weights_size
	};
	return n + 1;
}

void
checkpoint_drop(int64 run)
{
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, run);
	(void) catalog_run("WITH parts AS (DELETE FROM similarity.checkpoint_part WHERE run OPERATOR(pg_catalog.=) $1)"
					   " DELETE FROM similarity.checkpoint WHERE run OPERATOR(pg_catalog.=) $1", &args);
}

void
checkpoint_write(Checkpoint *checkpoint)
{
	NnStatePart parts[NN_STATE_PARTS + 1];
	int			n = list_state(checkpoint, parts);
	CatalogArgs args = {0};

	catalog_arg_bigint(&args, checkpoint->run);
	catalog_arg_bigint(&args, nn_trainer_steps(checkpoint->trainer));
	catalog_arg_bigint(&args, (int64) checkpoint->data_hash);
	catalog_arg(&args, FLOAT8ARRAYOID,
				PointerGetDatum(sums_array(checkpoint->sums)), false);
	checkpoint_drop(checkpoint->run);
	(void) catalog_run("INSERT INTO similarity.checkpoint (run, step, data_hash, progress)"
					   " VALUES ($1, $2, $3, $4)", &args);
	for (int i = 0; i < n; i++)
		write_state(checkpoint->run, &parts[i]);
}

/* ---- reading ---- */

static void
read_part(int64 run, const Parts *part, void *state)
{
	CatalogArgs args = {0};
	const char *entry = psprintf("training run " INT64_FORMAT, run);

	catalog_arg_bigint(&args, run);
	catalog_arg_text(&args, part->name);
	catalog_arg_int(&args, part->number);
	if (catalog_run("SELECT data, checksum FROM similarity.checkpoint_part"
					" WHERE run OPERATOR(pg_catalog.=) $1 AND name OPERATOR(pg_catalog.=) $2"
					" AND part OPERATOR(pg_catalog.=) $3", &args) != 1)
		parts_raise_corrupted(part, "is missing or incomplete");
	(void) parts_take(part, catalog_column_datum(0, 1, BYTEAOID, entry),
					  catalog_column_bigint(0, 2, entry), state);
	SPI_freetuptable(SPI_tuptable);
}

static void
read_state(int64 run, const NnStatePart *state)
{
	Parts		part = named_parts(run, state->name, state->size);

	while (parts_next(&part))
		read_part(run, &part, state->data);
}

static void
read_sums(Checkpoint *checkpoint)
{
	const Parts progress = named_parts(checkpoint->run, "progress", 0);
	CatalogArgs args = {0};
	ArrayType  *array;

	catalog_arg_bigint(&args, checkpoint->run);
	if (catalog_run("SELECT progress FROM similarity.checkpoint WHERE run OPERATOR(pg_catalog.=) $1", &args) != 1)
		parts_raise_corrupted(&progress, "is missing");
	array = DatumGetArrayTypeP(catalog_column_datum(0, 1, FLOAT8ARRAYOID,
													psprintf("training run " INT64_FORMAT, checkpoint->run)));
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != PROGRESS_SUMS ||
		ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID)
		parts_raise_corrupted(&progress, "has another size");
	memcpy(checkpoint->sums, ARR_DATA_PTR(array), sizeof(checkpoint->sums));
	for (int i = 0; i < PROGRESS_SUMS; i++)
		if (isnan(checkpoint->sums[i]))
			parts_raise_corrupted(&progress, "is not a number");
	SPI_freetuptable(SPI_tuptable);
}

/* Counters first: the sizes of other parts follow from them. */
void
checkpoint_read(Checkpoint *checkpoint)
{
	NnStatePart parts[NN_STATE_PARTS + 1];
	int64_t		counters[NN_COUNTERS];
	NnStatePart first = {"counters", counters, sizeof(counters)};
	int			n;

	read_state(checkpoint->run, &first);
	if (!nn_trainer_set_counters(checkpoint->trainer, counters))
	{
		Parts		part = named_parts(checkpoint->run, first.name, first.size);

		parts_raise_corrupted(&part, "does not fit this training");
	}
	n = list_state(checkpoint, parts);
	for (int i = 1; i < n; i++)
		read_state(checkpoint->run, &parts[i]);
	read_sums(checkpoint);
}
