/*
 * model_catalog.c
 *	  The catalog tables of models: look-ups, privileges, the way in.
 *
 * The tables are closed to everybody but the extension's owner.  The functions
 * here check what the current role may do by the rows themselves (owner,
 * model_grant) and then read directly or write as the extension's owner.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "model/architecture.h"
#include "model/model_catalog.h"
#include "server/catalog_scan.h"
#include "server/role.h"

/* Columns of _similarity.model, in the order of sql/install/60-catalog.sql */
enum
{
	MODEL_ID = 1, MODEL_NAME, MODEL_OWNER, MODEL_INPUT, MODEL_LAYERS, MODEL_DIMS
};

enum
{
	GRANT_MODEL = 1, GRANT_GRANTEE
};

enum
{
	VERSION_ID = 1, VERSION_MODEL, VERSION_FINGERPRINT
};

enum
{
	WEIGHTS_VERSION = 1
};

enum
{
	DEPLOYMENT_MODEL = 1, DEPLOYMENT_VERSION
};

/* Of similarity.gallery, in sql/install/70-gallery.sql */
enum
{
	GALLERY_ID = 1, GALLERY_VERSION = 12
};

/* ---- look-ups ---- */

static bool
read_model(const char *index, ScanKey key, CatalogModel *model)
{
	CatalogScan scan;
	bool		found;

	catalog_scan_begin(&scan, "model", index, 1, key);
	found = catalog_scan_next(&scan);
	if (found)
	{
		model->id = DatumGetInt32(catalog_scan_value(&scan, MODEL_ID));
		model->name = *DatumGetName(catalog_scan_value(&scan, MODEL_NAME));
		model->owner = DatumGetObjectId(catalog_scan_value(&scan, MODEL_OWNER));
		model->dims = DatumGetInt32(catalog_scan_value(&scan, MODEL_DIMS));
	}
	catalog_scan_end(&scan);
	return found;
}

bool
catalog_find_model(const char *name, CatalogModel *model)
{
	NameData	key_name;
	ScanKeyData key;

	if (strlen(name) >= NAMEDATALEN)
		return false;
	namestrcpy(&key_name, name);
	ScanKeyInit(&key, MODEL_NAME, BTEqualStrategyNumber, F_NAMEEQ, NameGetDatum(&key_name));
	return read_model("model_name_key", &key, model);
}

void
catalog_get_model(const char *name, CatalogModel *model)
{
	if (!catalog_find_model(name, model))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" does not exist", name),
				 errhint("similarity.models lists the models that you may use.")));
}

static bool
find_model_by_id(int32 id, CatalogModel *model)
{
	ScanKeyData key;

	ScanKeyInit(&key, MODEL_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(id));
	return read_model("model_pkey", &key, model);
}

void
catalog_get_model_by_id(int32 id, CatalogModel *model)
{
	if (!find_model_by_id(id, model))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model with id %d does not exist", id)));
}

bool
catalog_find_version(int id, CatalogVersion *version)
{
	ScanKeyData key;
	CatalogScan scan;
	bool		found;

	ScanKeyInit(&key, VERSION_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(id));
	catalog_scan_begin(&scan, "model_version", "model_version_pkey", 1, &key);
	found = catalog_scan_next(&scan);
	if (found)
	{
		version->id = id;
		version->model = DatumGetInt32(catalog_scan_value(&scan, VERSION_MODEL));
		version->fingerprint = DatumGetInt64(catalog_scan_value(&scan, VERSION_FINGERPRINT));
	}
	catalog_scan_end(&scan);
	return found;
}

void
catalog_get_version(int id, CatalogVersion *version)
{
	if (!catalog_find_version(id, version))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model version %d does not exist", id),
				 errhint("similarity.model_versions lists the versions that you may use.")));
}

int
catalog_deployed_version(const CatalogModel *model)
{
	ScanKeyData key;
	CatalogScan scan;
	int			version = 0;

	ScanKeyInit(&key, DEPLOYMENT_MODEL, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(model->id));
	catalog_scan_begin(&scan, "deployment", "deployment_pkey", 1, &key);
	if (catalog_scan_next(&scan))
		version = DatumGetInt32(catalog_scan_value(&scan, DEPLOYMENT_VERSION));
	catalog_scan_end(&scan);
	return version;
}

bool
catalog_gallery_version(int32 gallery, int *version)
{
	ScanKeyData key;
	CatalogScan scan;
	bool		found;

	ScanKeyInit(&key, GALLERY_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(gallery));
	catalog_scan_begin(&scan, "gallery", "gallery_pkey", 1, &key);
	found = catalog_scan_next(&scan) && !catalog_scan_isnull(&scan, GALLERY_VERSION);
	if (found)
		*version = DatumGetInt32(catalog_scan_value(&scan, GALLERY_VERSION));
	catalog_scan_end(&scan);
	return found;
}

NnGraph *
catalog_model_graph(const CatalogModel *model, Arena *arena)
{
	ScanKeyData key;
	CatalogScan scan;
	NnGraph    *graph = NULL;

	ScanKeyInit(&key, MODEL_ID, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(model->id));
	catalog_scan_begin(&scan, "model", "model_pkey", 1, &key);
	if (catalog_scan_next(&scan))
		graph = spec_graph(arena,
						   DatumGetArrayTypeP(catalog_scan_value(&scan, MODEL_INPUT)),
						   DatumGetJsonbP(catalog_scan_value(&scan, MODEL_LAYERS)));
	catalog_scan_end(&scan);
	if (graph == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" does not exist", NameStr(model->name))));
	if (nn_graph_outputs(graph) != model->dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("catalog entry of model \"%s\" is corrupted", NameStr(model->name)),
				 errdetail("It says %d dimensions, but its layers give %d.",
						   model->dims, nn_graph_outputs(graph))));
	return graph;
}

/* ---- privileges ---- */

static bool
is_owner(const CatalogModel *model)
{
	return has_privs_of_role(GetUserId(), model->owner);
}

static bool
is_granted(const CatalogModel *model)
{
	ScanKeyData key;
	CatalogScan scan;
	bool		granted = false;

	ScanKeyInit(&key, GRANT_MODEL, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(model->id));
	catalog_scan_begin(&scan, "model_grant", "model_grant_model_idx", 1, &key);
	while (!granted && catalog_scan_next(&scan))
		granted = catalog_scan_isnull(&scan, GRANT_GRANTEE) ||
			has_privs_of_role(GetUserId(), DatumGetObjectId(catalog_scan_value(&scan, GRANT_GRANTEE)));
	catalog_scan_end(&scan);
	return granted;
}

void
catalog_require_owner(const CatalogModel *model)
{
	if (!is_owner(model))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of model \"%s\"", NameStr(model->name))));
}

void
catalog_require_usage(const CatalogModel *model)
{
	if (!is_owner(model) && !is_granted(model))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for model \"%s\"", NameStr(model->name)),
				 errhint("Its owner can run similarity.grant_usage(%s, %s).",
						 quote_literal_cstr(NameStr(model->name)),
						 quote_literal_cstr(GetUserNameFromId(GetUserId(), false)))));
}

/* The rows of a table come all at once: one tells that the others are there. */
static bool
has_weights(int version)
{
	ScanKeyData key;
	CatalogScan scan;
	bool		found;

	ScanKeyInit(&key, WEIGHTS_VERSION, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(version));
	catalog_scan_begin(&scan, "model_weights", "model_weights_pkey", 1, &key);
	found = catalog_scan_next(&scan);
	catalog_scan_end(&scan);
	return found;
}

bool
catalog_version_is_there(int id)
{
	CatalogVersion version;
	CatalogModel model;

	return catalog_find_version(id, &version) && find_model_by_id(version.model, &model) &&
		(version.fingerprint == 0 || has_weights(id));
}

bool
catalog_version_is_usable(int id)
{
	CatalogVersion version;
	CatalogModel model;

	return catalog_version_is_there(id) && catalog_find_version(id, &version) &&
		find_model_by_id(version.model, &model) && (is_owner(&model) || is_granted(&model));
}

void
model_require_usage(const char *model)
{
	CatalogModel entry;

	catalog_get_model(model, &entry);
	catalog_require_usage(&entry);
}

bool
model_is_owner(const char *model)
{
	CatalogModel entry;

	return catalog_find_model(model, &entry) && is_owner(&entry);
}

void
model_require_owner(const char *model)
{
	CatalogModel entry;

	catalog_get_model(model, &entry);
	catalog_require_owner(&entry);
}

/* ---- SQL as the extension's owner ---- */

static Oid
extension_owner(void)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	Oid			owner = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("similarity"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"similarity\" does not exist")));
	return owner;
}

/*
 * The statement runs under a search_path of pg_catalog only, since names and
 * operators in it would otherwise resolve to whatever the caller planted
 * there, and as a security-restricted operation.  It takes microseconds and
 * is not worth compiling, whatever it seems to cost under enable_seqscan = off.
 * If it fails, the abort of the (sub)transaction restores role, context and
 * settings.
 *
 * What may write sees the catalog of now, also under REPEATABLE READ, as
 * PostgreSQL's own catalogs are seen: checks made by statements must hold.
 */
static int
execute_now(const char *sql, int nargs, const Oid *types, const Datum *values,
			const char *nulls, long limit)
{
	SPIPlanPtr	plan = SPI_prepare(sql, nargs, unconstify(Oid *, types));
	int			code;

	if (plan == NULL)
		return SPI_result;
	code = SPI_execute_snapshot(plan, unconstify(Datum *, values), nulls, GetLatestSnapshot(),
								InvalidSnapshot, false, true, limit);
	SPI_freeplan(plan);
	return code;
}

int
catalog_execute(const char *sql, int nargs, const Oid *types, const Datum *values,
				const char *nulls, bool read_only, long limit)
{
	RoleFrame	owner;
	int			code;

	role_enter(&owner, extension_owner());
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (read_only)
		code = SPI_execute_with_args(sql, nargs, unconstify(Oid *, types),
									 unconstify(Datum *, values), nulls, true, limit);
	else
		code = execute_now(sql, nargs, types, values, nulls, limit);
	role_leave(&owner);
	if (code < 0)
		elog(ERROR, "could not run a statement on the catalog of models: %s",
			 SPI_result_code_string(code));
	return code;
}

uint64
catalog_run(const char *sql, const CatalogArgs *args)
{
	catalog_execute(sql, args->n, args->types, args->values, args->nulls, false, 0);
	return SPI_processed;
}

void
catalog_arg(CatalogArgs *args, Oid type, Datum value, bool isnull)
{
	Assert(args->n < CATALOG_MAX_ARGS);
	args->types[args->n] = type;
	args->values[args->n] = value;
	args->nulls[args->n] = isnull ? 'n' : ' ';
	args->n++;
}

void
catalog_arg_int(CatalogArgs *args, int32 value)
{
	catalog_arg(args, INT4OID, Int32GetDatum(value), false);
}

void
catalog_arg_bigint(CatalogArgs *args, int64 value)
{
	catalog_arg(args, INT8OID, Int64GetDatum(value), false);
}

void
catalog_arg_float(CatalogArgs *args, double value)
{
	catalog_arg(args, FLOAT8OID, Float8GetDatum(value), false);
}

void
catalog_arg_text(CatalogArgs *args, const char *value)
{
	catalog_arg(args, TEXTOID, value == NULL ? (Datum) 0 : CStringGetTextDatum(value),
				value == NULL);
}

/* ---- deleting ---- */

/*
 * Nothing in the tables says what belongs to a row: foreign keys would have to
 * hold in whatever order a restore loads the tables, and do nothing while
 * session_replication_role is replica.  Each of these is one statement.
 */
#define DELETE_OF_RUNS \
	" epochs AS (DELETE FROM similarity.training_epoch e USING runs r WHERE e.run OPERATOR(pg_catalog.=) r.id)," \
	" steps AS (DELETE FROM similarity.training_step s USING runs r WHERE s.run OPERATOR(pg_catalog.=) r.id)," \
	" parts AS (DELETE FROM similarity.checkpoint_part p USING runs r WHERE p.run OPERATOR(pg_catalog.=) r.id)," \
	" checkpoints AS (DELETE FROM similarity.checkpoint c USING runs r WHERE c.run OPERATOR(pg_catalog.=) r.id),"

void
catalog_lock_versions(int32 model, int version)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model);
	if (version == 0)
		(void) catalog_run("SELECT FROM _similarity.model WHERE id OPERATOR(pg_catalog.=) $1 FOR UPDATE", &args);
	catalog_arg_int(&args, version);
	(void) catalog_run("SELECT FROM _similarity.model_version WHERE model OPERATOR(pg_catalog.=) $1"
					   " AND (id OPERATOR(pg_catalog.=) $2 OR $2 OPERATOR(pg_catalog.=) 0) FOR UPDATE", &args);
}

char *
catalog_gallery_of_owner(int32 model, int version, int other)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model);
	catalog_arg_int(&args, version);
	catalog_arg_int(&args, other);
	if (catalog_run("SELECT g.name FROM similarity.gallery g JOIN _similarity.model m ON m.id OPERATOR(pg_catalog.=) g.model"
					" WHERE m.id OPERATOR(pg_catalog.=) $1 AND pg_catalog.pg_has_role(m.owner, g.owner, 'USAGE')"
					" AND ($2 OPERATOR(pg_catalog.=) 0 OR g.version OPERATOR(pg_catalog.=) $2)"
					" AND ($3 OPERATOR(pg_catalog.=) 0 OR g.version OPERATOR(pg_catalog.<>) $3) ORDER BY g.name LIMIT 1", &args) == 0)
		return NULL;
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Galleries of versions that go: their table and their calibration stay. */
#define RELEASE_OF_GALLERIES(condition) \
	" galleries AS (UPDATE similarity.gallery SET model = NULL, version = NULL, input = NULL WHERE " condition "),"

void
catalog_delete_version(int version)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, version);
	(void) catalog_run("WITH runs AS (DELETE FROM similarity.training_run WHERE version OPERATOR(pg_catalog.=) $1 RETURNING id),"
					   DELETE_OF_RUNS
					   RELEASE_OF_GALLERIES("version OPERATOR(pg_catalog.=) $1")
					   " weights AS (DELETE FROM _similarity.model_weights WHERE version OPERATOR(pg_catalog.=) $1),"
					   " versions AS (DELETE FROM _similarity.model_version WHERE id OPERATOR(pg_catalog.=) $1 RETURNING id)"
					   " INSERT INTO _similarity.retired_version (id) SELECT id FROM versions", &args);
}

void
catalog_delete_model(int32 model)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model);
	(void) catalog_run("WITH runs AS (DELETE FROM similarity.training_run WHERE model OPERATOR(pg_catalog.=) $1 RETURNING id),"
					   DELETE_OF_RUNS
					   RELEASE_OF_GALLERIES("model OPERATOR(pg_catalog.=) $1")
					   " versions AS (DELETE FROM _similarity.model_version WHERE model OPERATOR(pg_catalog.=) $1 RETURNING id),"
					   " weights AS (DELETE FROM _similarity.model_weights w USING versions v WHERE w.version OPERATOR(pg_catalog.=) v.id),"
					   " deployments AS (DELETE FROM _similarity.deployment WHERE model OPERATOR(pg_catalog.=) $1),"
					   " grants AS (DELETE FROM _similarity.model_grant WHERE model OPERATOR(pg_catalog.=) $1),"
					   " models AS (DELETE FROM _similarity.model WHERE id OPERATOR(pg_catalog.=) $1)"
					   " INSERT INTO _similarity.retired_version (id) SELECT id FROM versions", &args);
}
