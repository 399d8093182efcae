/*
 * gallery_catalog.c
 *	  The catalog of galleries: create, drop, find, calibrations.
 *
 * Its rows are written by C code only, but a dump may carry anything: names
 * and numbers are checked when they are read.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "gallery/gallery.h"
#include "model/model.h"
#include "server/compat.h"
#include "server/errors.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(create_gallery);
PGDLLEXPORT PG_FUNCTION_INFO_V1(drop_gallery);

/* ---- reading ---- */

/* A statement with one argument, without writing anything. */
static uint64
catalog_select(const char *sql, Oid type, Datum value)
{
	MemoryContext caller = CurrentMemoryContext;
	int			code = catalog_execute(sql, 1, &type, &value, NULL, true, 0);

	MemoryContextSwitchTo(caller);	/* SPI leaves its own */
	if (code != SPI_OK_SELECT)
		elog(ERROR, "gallery catalog could not be read: %s", SPI_result_code_string(code));
	return SPI_processed;
}

static char *
column_text(int row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

static Datum
column_datum(int row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

static int32
column_int(int row, int column)
{
	bool		isnull;
	Datum		value = column_datum(row, column, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

static Gallery *
read_gallery(void)
{
	Gallery    *gallery = palloc0(sizeof(Gallery));
	bool		isnull;
	Datum		shape;

	gallery->id = column_int(0, 1);
	gallery->name = column_text(0, 2);
	gallery->owner = DatumGetObjectId(column_datum(0, 3, &isnull));
	gallery->relid = DatumGetObjectId(column_datum(0, 4, &isnull));
	gallery->embedding = column_text(0, 5);
	gallery->label = column_text(0, 6);
	gallery->key = column_text(0, 7);
	gallery->image = column_text(0, 8);
	gallery->distance = gallery_distance(column_text(0, 9));
	gallery->model = column_text(0, 10);
	gallery->version = column_int(0, 11);
	gallery->input = column_text(0, 13);
	shape = column_datum(0, 12, &isnull);
	if (!isnull)
		gallery_set_shape(gallery, DatumGetArrayTypeP(shape));
	return gallery;
}

Gallery *
gallery_find(const char *name)
{
	Gallery    *gallery;

	if (catalog_select("SELECT g.id, g.name, g.owner, g.relation, g.embedding,"
					   " g.label, g.key, g.image, g.distance, m.name, g.version, g.image_shape, g.input"
					   " FROM similarity.gallery g LEFT JOIN _similarity.model m"
					   " ON m.id OPERATOR(pg_catalog.=) g.model"
					   " WHERE g.name OPERATOR(pg_catalog.=) $1",
					   TEXTOID, CStringGetTextDatum(name)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("gallery \"%s\" does not exist", name),
				 errhint("The view similarity.galleries lists them.")));
	gallery = read_gallery();
	SPI_freetuptable(SPI_tuptable);
	return gallery;
}

/*
 * GetLatestSnapshot() refuses in a parallel operation, and a plan may call us
 * in its leader below a Gather.  A snapshot for reading a catalog that no
 * syscache covers is as new, and may be taken anywhere.
 */
static void
push_snapshot_of_now(const Gallery *gallery)
{
	PushActiveSnapshot(GetCatalogSnapshot(gallery->relid));
}

/*
 * reembed() changes the version and the rows of a gallery at once, under an
 * exclusive lock on its table.  Our snapshot may be older than that, and would
 * then see an old version here and new rows there: therefore the table is
 * locked, and if the version changed, the function that opened the gallery goes
 * on with a snapshot of now.
 */
Gallery *
gallery_open(const char *name)
{
	Gallery    *gallery = gallery_find(name);
	int			version;

	gallery_resolve(gallery);
	if (gallery->model == NULL)
		return gallery;
	LockRelationOid(gallery->relid, AccessShareLock);
	push_snapshot_of_now(gallery);
	if (catalog_gallery_version(gallery->id, &version) && version == gallery->version)
	{
		PopActiveSnapshot();
		return gallery;
	}
	gallery = gallery_find(name);
	gallery_resolve(gallery);
	gallery->fresh = true;
	return gallery;
}

void
gallery_reopen(const Gallery *gallery)
{
	if (gallery->fresh)
		push_snapshot_of_now(gallery);
}

void
gallery_close(const Gallery *gallery)
{
	if (gallery->fresh)
		PopActiveSnapshot();
}

Gallery *
gallery_find_attached(Oid relid, const char *embedding, int32 except)
{
	CatalogArgs args = {0};
	MemoryContext caller = CurrentMemoryContext;

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	catalog_arg_text(&args, embedding);
	catalog_arg_int(&args, except);
	if (catalog_execute("SELECT g.name FROM similarity.gallery g WHERE g.relation OPERATOR(pg_catalog.=) $1"
						" AND g.embedding OPERATOR(pg_catalog.=) $2"
						" AND g.input IS NOT NULL AND g.id OPERATOR(pg_catalog.<>) $3 ORDER BY g.id LIMIT 1",
						args.n, args.types, args.values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "gallery catalog could not be read");
	MemoryContextSwitchTo(caller);
	return SPI_processed == 0 ? NULL : gallery_find(column_text(0, 1));
}

int
gallery_names_of_model(const char *model, char ***names)
{
	int			n = (int) catalog_select("SELECT g.name FROM similarity.gallery g JOIN _similarity.model m"
										 " ON m.id OPERATOR(pg_catalog.=) g.model"
										 " WHERE m.name OPERATOR(pg_catalog.=) $1"
										 " AND pg_catalog.pg_has_role(m.owner, g.owner, 'USAGE') ORDER BY g.name",
										 TEXTOID, CStringGetTextDatum(model));

	*names = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*names)[i] = column_text(i, 1);
	SPI_freetuptable(SPI_tuptable);
	return n;
}

void
gallery_set_versions(const char *model, int version)
{
	CatalogArgs args = {0};

	catalog_arg_text(&args, model);
	catalog_arg_int(&args, version);
	catalog_run("UPDATE similarity.gallery g SET version = $2 FROM _similarity.model m"
				" WHERE m.id OPERATOR(pg_catalog.=) g.model AND m.name OPERATOR(pg_catalog.=) $1"
				" AND EXISTS (SELECT FROM similarity.gallery o WHERE o.model OPERATOR(pg_catalog.=) g.model"
				" AND o.relation OPERATOR(pg_catalog.=) g.relation AND o.embedding OPERATOR(pg_catalog.=) g.embedding"
				" AND pg_catalog.pg_has_role(m.owner, o.owner, 'USAGE'))", &args);
}

void
gallery_set_input(const Gallery *gallery, const char *input)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, gallery->id);
	catalog_arg_text(&args, input);
	catalog_run("UPDATE similarity.gallery SET input = $2 WHERE id OPERATOR(pg_catalog.=) $1", &args);
}

void
gallery_require_owner(const Gallery *gallery)
{
	if (!has_privs_of_role(GetUserId(), gallery->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of gallery \"%s\"", gallery->name)));
}

/* ---- calibrations ---- */

/* Distances of another version's embeddings mean nothing here. */
static void
check_version(const Gallery *gallery, int version)
{
	if (gallery->model != NULL && version != gallery->version)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("gallery \"%s\" must be calibrated anew", gallery->name),
				 errdetail("It was calibrated with version %d of its model and holds version %d.", version, gallery->version),
				 errhint("Run similarity.calibrate() with a query of items whose labels are known.")));
}

static void
read_matched(Calibration *calibration)
{
	bool		isnull;
	ArrayType  *array = DatumGetArrayTypePCopy(column_datum(0, 7, &isnull));

	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("calibration of a gallery is corrupted")));
	calibration->queries = DatumGetInt64(column_datum(0, 6, &isnull));
	calibration->nmatched = ARR_DIMS(array)[0];
	calibration->matched = (double *) ARR_DATA_PTR(array);
}

static void
read_calibration(Calibration *calibration, const Gallery *gallery)
{
	Status		status;

	status_clear(&status);
	calibration->ncutpoints = (int) SPI_processed;
	calibration->cutpoints = palloc(sizeof(Cutpoint) * SPI_processed);
	calibration->k = column_int(0, 2);
	neighbors_check_k(calibration->k);
	check_version(gallery, column_int(0, 5));
	read_matched(calibration);
	if (!eval_matcher_by_name(column_text(0, 1), &calibration->matcher, &status))
		raise_status(&status);
	for (int i = 0; i < calibration->ncutpoints; i++)
	{
		bool		isnull;

		calibration->cutpoints[i].name = column_text(i, 3);
		calibration->cutpoints[i].distance = DatumGetFloat8(column_datum(i, 4, &isnull));
	}
}

Calibration *
gallery_calibration(const Gallery *gallery)
{
	Calibration *calibration = palloc(sizeof(Calibration));

	if (catalog_select("SELECT c.matcher, c.k, p.name, p.distance, c.version, c.queries, c.matched FROM similarity.calibration c"
					   " JOIN similarity.cutpoint p ON p.gallery OPERATOR(pg_catalog.=) c.gallery"
					   " WHERE c.gallery OPERATOR(pg_catalog.=) $1 ORDER BY p.distance, p.position",
					   INT4OID, Int32GetDatum(gallery->id)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("gallery \"%s\" is not calibrated", gallery->name),
				 errhint("Run similarity.calibrate() with a query of items whose labels are known.")));
	read_calibration(calibration, gallery);
	SPI_freetuptable(SPI_tuptable);
	return calibration;
}

const Cutpoint *
calibration_cutpoint(const Calibration *calibration, const Gallery *gallery, const char *name)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < calibration->ncutpoints; i++)
	{
		const Cutpoint *cutpoint = &calibration->cutpoints[i];

		if (strcmp(cutpoint->name, name) == 0)
			return cutpoint;
		appendStringInfo(&names, "%s\"%s\"", i > 0 ? ", " : "", cutpoint->name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("gallery \"%s\" has no cut point \"%s\"", gallery->name, name),
			 errhint("Its cut points are %s.", names.data)));
}

/* ---- create ---- */

static char *
name_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *name = text_argument(fcinfo, n, argument);

	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" must be a name of 1 to %d bytes", argument, NAMEDATALEN - 1)));
	return name;
}

/* The primary key if it is one column */
static char *
default_key(Oid relid)
{
	AttrNumber	first;
	int			columns = gallery_primary_key_columns(relid, &first);

	if (columns > 1)
		ereport(NOTICE,
				(errmsg("gallery has no key, because the primary key of \"%s\" has %d columns",
						get_rel_name(relid), columns),
				 errdetail("A key is one column; key and evidence of its rows will be null."),
				 errhint("Give key => a column that tells rows apart.")));
	return columns == 1 ? get_attname(relid, first, false) : NULL;
}

static Gallery *
gallery_from_arguments(FunctionCallInfo fcinfo)
{
	Gallery    *gallery = palloc0(sizeof(Gallery));

	gallery->name = name_argument(fcinfo, 0, "name");
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"relation\" must not be null")));
	gallery->relid = PG_GETARG_OID(1);
	if (!gallery_set_names(gallery))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", gallery->relid)));
	gallery->embedding = name_argument(fcinfo, 2, "embedding");
	gallery->label = name_argument(fcinfo, 3, "label");
	gallery->key = text_argument_or_null(fcinfo, 4);
	if (gallery->key == NULL)
		gallery->key = default_key(PG_GETARG_OID(1));
	gallery->model = text_argument_or_null(fcinfo, 5);
	gallery->distance = gallery_distance(text_argument(fcinfo, 6, "distance"));
	gallery->image = text_argument_or_null(fcinfo, 7);
	if (!PG_ARGISNULL(8))
		gallery_set_shape(gallery, PG_GETARG_ARRAYTYPE_P(8));
	gallery->owner = GetUserId();
	return gallery;
}

/*
 * Version and dimensions of the column's values: what its type says, else
 * what a row says; 0 if neither does.
 */
static void
column_values(const Gallery *gallery, int *version, int *dims)
{
	int32		typmod = gallery_column_typmod(gallery->relid, get_attnum(gallery->relid, gallery->embedding));
	const char *type_schema = quote_identifier(embedding_schema_name());
	char	   *sql = psprintf("SELECT %s.embedding_model(t.%s), %s.dims(t.%s) FROM %s t WHERE t.%s IS NOT NULL LIMIT 1",
							   type_schema, quote_identifier(gallery->embedding),
							   type_schema, quote_identifier(gallery->embedding),
							   gallery->relation, quote_identifier(gallery->embedding));

	*version = typmod >= 0 ? EMBEDDING_TYPMOD_MODEL(typmod) : 0;
	*dims = typmod >= 0 ? EMBEDDING_TYPMOD_DIMS(typmod) : 0;
	if (SPI_execute(sql, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "the values of a gallery could not be read");
	if (SPI_processed > 0 && *version == 0)
		*version = column_int(0, 1);
	if (SPI_processed > 0 && *dims == 0)
		*dims = column_int(0, 2);
	SPI_freetuptable(SPI_tuptable);
}

/* The model's id; ERROR if version is none of its versions. */
static int32
model_of_version(const Gallery *gallery, int version)
{
	int32		id;

	if (catalog_select("SELECT m.name, m.id FROM _similarity.model_version v JOIN _similarity.model m"
					   " ON m.id OPERATOR(pg_catalog.=) v.model WHERE v.id OPERATOR(pg_catalog.=) $1",
					   INT4OID, Int32GetDatum(version)) == 0 ||
		strcmp(column_text(0, 1), gallery->model) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of \"%s\" does not hold embeddings of model \"%s\"",
						gallery->embedding, gallery->table, gallery->model),
				 errdetail("Its values were made by model version %d.", version)));
	id = column_int(0, 2);
	SPI_freetuptable(SPI_tuptable);
	return id;
}

/* Keep it from being dropped until the gallery's row can be seen. */
static void
lock_version(const Gallery *gallery)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, gallery->version);
	if (catalog_run("SELECT FROM _similarity.model_version WHERE id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE", &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("version of model \"%s\" was dropped just now", gallery->model)));
}

/* Choose the version that made the column's values, else the deployed one. */
static int32
choose_version(Gallery *gallery)
{
	int			version;
	int			dims;

	gallery->version = model_deployed_version(gallery->model);
	column_values(gallery, &version, &dims);
	if (version != 0)
		gallery->version = version;
	if (dims != 0 && dims != model_version_dims(gallery->version))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of \"%s\" does not hold embeddings of model \"%s\"",
						gallery->embedding, gallery->table, gallery->model),
				 errdetail("It has %d dimensions, the model gives %d.",
						   dims, model_version_dims(gallery->version))));
	return model_of_version(gallery, gallery->version);
}

/* Pictures take the model's input shape unless told otherwise. */
static void
choose_shape(Gallery *gallery, int32 model)
{
	bool		isnull;
	Datum		shape;

	if (gallery->height != 0)
		return;
	if (gallery->model != NULL &&
		catalog_select("SELECT m.input FROM _similarity.model m WHERE m.id OPERATOR(pg_catalog.=) $1"
					   " AND pg_catalog.cardinality(m.input) OPERATOR(pg_catalog.=) ANY (ARRAY[2, 3])"
					   " AND m.input[1] OPERATOR(pg_catalog.<=) 4096 AND m.input[2] OPERATOR(pg_catalog.<=) 4096"
					   " AND coalesce(m.input[3], 1) OPERATOR(pg_catalog.=) ANY (ARRAY[1, 3])",
					   INT4OID, Int32GetDatum(model)) == 1)
	{
		shape = column_datum(0, 1, &isnull);
		gallery_set_shape(gallery, DatumGetArrayTypeP(shape));
	}
	else if (gallery->image != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("shape of the images is not known"),
				 errhint("Give image_shape => '{height,width,channels}'.")));
}

static Datum
shape_datum(const Gallery *gallery)
{
	Datum		sides[3] = {Int32GetDatum(gallery->height), Int32GetDatum(gallery->width),
	Int32GetDatum(gallery->channels)};

	return PointerGetDatum(construct_array(sides, 3, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

static void
insert_gallery(const Gallery *gallery, int32 model)
{
	CatalogArgs args = {0};
	uint64		inserted;

	if (gallery->model != NULL)
		lock_version(gallery);
	catalog_arg_text(&args, gallery->name);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(gallery->owner), false);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(gallery->relid), false);
	catalog_arg_text(&args, gallery->embedding);
	catalog_arg_text(&args, gallery->label);
	catalog_arg_text(&args, gallery->key);
	catalog_arg_text(&args, gallery->image);
	catalog_arg(&args, INT4ARRAYOID, gallery->height ? shape_datum(gallery) : 0, gallery->height == 0);
	catalog_arg_text(&args, gallery->distance->name);
	catalog_arg(&args, INT4OID, Int32GetDatum(model), gallery->model == NULL);
	catalog_arg(&args, INT4OID, Int32GetDatum(gallery->version), gallery->model == NULL);
	inserted = catalog_run("INSERT INTO similarity.gallery (name, owner, relation,"
						   " embedding, label, key, image, image_shape, distance, model, version)"
						   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
						   " ON CONFLICT (name) DO NOTHING", &args);
	if (inserted == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("gallery \"%s\" already exists", gallery->name)));
}

Datum
create_gallery(PG_FUNCTION_ARGS)
{
	Gallery    *gallery = gallery_from_arguments(fcinfo);
	int32		model = 0;

	model_require_writable("similarity.create_gallery()");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	gallery_resolve(gallery);
	gallery_require_read(gallery);
	if (gallery->model != NULL)
		model = choose_version(gallery);
	choose_shape(gallery, model);
	insert_gallery(gallery, model);
	SPI_finish();
	PG_RETURN_VOID();
}

/* The model's owner may drop any of its galleries. */
static void
require_drop(const Gallery *gallery)
{
	if (gallery->model == NULL || !model_is_owner(gallery->model))
		gallery_require_owner(gallery);
}

Datum
drop_gallery(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Gallery    *gallery;
	CatalogArgs args = {0};

	model_require_writable("similarity.drop_gallery()");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	gallery = gallery_find(name);
	require_drop(gallery);
	if (gallery->input != NULL && gallery_set_names(gallery) && class_ownercheck(gallery->relid, GetUserId()))
		gallery_end_trigger(gallery);
	catalog_arg_int(&args, gallery->id);
	catalog_run("WITH cutpoints AS (DELETE FROM similarity.cutpoint WHERE gallery OPERATOR(pg_catalog.=) $1),"
				" calibrations AS (DELETE FROM similarity.calibration WHERE gallery OPERATOR(pg_catalog.=) $1)"
				" DELETE FROM similarity.gallery WHERE id OPERATOR(pg_catalog.=) $1", &args);
	SPI_finish();
	PG_RETURN_VOID();
}
