/*
 * galleries.c
 *	  Create and drop galleries.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "gallery/gallery.h"
#include "model/model.h"
#include "server/arguments.h"
#include "server/catalog.h"
#include "server/compat.h"
#include "server/schema_right.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(create_gallery);
PGDLLEXPORT PG_FUNCTION_INFO_V1(drop_gallery);

static char *
name_argument(FunctionCallInfo fcinfo, int n, const char *argument)
{
	char	   *name = argument_text(fcinfo, n, argument);

	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" must be a name of 1 to %d bytes", argument,
						NAMEDATALEN - 1)));
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
				 errhint("Specify key => a column that identifies rows.")));
	return columns == 1 ? get_attname(relid, first, false) : NULL;
}

static Gallery *
gallery_from_arguments(FunctionCallInfo fcinfo)
{
	Gallery    *gallery = palloc0(sizeof(Gallery));

	gallery->name = name_argument(fcinfo, 0, "name");
	argument_require(fcinfo, 1, "relation");
	gallery->relid = PG_GETARG_OID(1);
	if (!gallery_set_names(gallery))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist",
						gallery->relid)));
	gallery_require_some_read(gallery);
	gallery->embedding = name_argument(fcinfo, 2, "embedding");
	gallery->label = name_argument(fcinfo, 3, "label");
	gallery->key = argument_text_or_null(fcinfo, 4);
	if (gallery->key == NULL)
		gallery->key = default_key(PG_GETARG_OID(1));
	gallery->model = argument_text_or_null(fcinfo, 5);
	gallery->distance = embedding_metric(argument_text(fcinfo, 6, "distance"),
										 false);
	gallery->image = argument_text_or_null(fcinfo, 7);
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
	int32		typmod = gallery_column_typmod(gallery->relid,
											   get_attnum(gallery->relid,
														  gallery->embedding));
	const char *type_schema = quote_identifier(embedding_schema_name());
	char	   *sql = psprintf("SELECT %s.embedding_model(t.%s), %s.dims(t.%s) FROM %s t WHERE t.%s IS NOT NULL LIMIT 1",
							   type_schema,
							   quote_identifier(gallery->embedding),
							   type_schema,
							   quote_identifier(gallery->embedding),
							   gallery->relation,
							   quote_identifier(gallery->embedding));

	*version = typmod >= 0 ? EMBEDDING_TYPMOD_MODEL(typmod) : 0;
	*dims = typmod >= 0 ? EMBEDDING_TYPMOD_DIMS(typmod) : 0;
	if (SPI_execute(sql, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "the values of a gallery could not be read");
	if (SPI_processed > 0 && *version == 0)
		*version = catalog_column_int(0, 1, "a column of embeddings");
	if (SPI_processed > 0 && *dims == 0)
		*dims = catalog_column_int(0, 2, "a column of embeddings");
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
		strcmp(catalog_column_text(0, 1, "a model"), gallery->model) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of \"%s\" does not hold embeddings of model \"%s\"",
						gallery->embedding, gallery->table, gallery->model),
				 errdetail("Its values were made by model version %d.",
						   version)));
	id = catalog_column_int(0, 2, "a model");
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
				 errmsg("version of model \"%s\" was concurrently dropped",
						gallery->model)));
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

/* Images have the shape of the model's input unless one is given. */
static void
choose_shape(Gallery *gallery, int32 model)
{
	if (gallery->height != 0)
		return;
	if (gallery->model != NULL &&
		catalog_select("SELECT m.input FROM _similarity.model m WHERE m.id OPERATOR(pg_catalog.=) $1"
					   " AND pg_catalog.cardinality(m.input) OPERATOR(pg_catalog.=) ANY (ARRAY[2, 3])"
					   " AND m.input[1] OPERATOR(pg_catalog.<=) 4096 AND m.input[2] OPERATOR(pg_catalog.<=) 4096"
					   " AND coalesce(m.input[3], 1) OPERATOR(pg_catalog.=) ANY (ARRAY[1, 3])",
					   INT4OID, Int32GetDatum(model)) == 1)
	{
		Datum		shape = catalog_column_datum(0, 1, INT4ARRAYOID, "a model");

		gallery_set_shape(gallery, DatumGetArrayTypeP(shape));
	}
	else if (gallery->image != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("could not determine the shape of images"),
				 errhint("Specify image_shape => '{height,width,channels}'.")));
}

static Datum
shape_datum(const Gallery *gallery)
{
	Datum		sides[3] = {Int32GetDatum(gallery->height), Int32GetDatum(gallery->width),
	Int32GetDatum(gallery->channels)};

	return PointerGetDatum(construct_array(sides, 3, INT4OID, sizeof(int32),
										   true, TYPALIGN_INT));
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
	catalog_arg(&args, INT4ARRAYOID, gallery->height ? shape_datum(gallery) : 0,
				gallery->height == 0);
	catalog_arg_text(&args, gallery->distance->name);
	catalog_arg(&args, INT4OID, Int32GetDatum(model), gallery->model == NULL);
	catalog_arg(&args, INT4OID, Int32GetDatum(gallery->version),
				gallery->model == NULL);
	inserted = catalog_run("INSERT INTO similarity.gallery (name, owner, relation,"
						   " embedding, label, key, image, image_shape, distance, model, version)"
						   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
						   " ON CONFLICT (name) DO NOTHING", &args);
	if (inserted == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("gallery \"%s\" already exists", gallery->name)));
}

/*
 * create_gallery(name, relation, embedding, label, key, model, distance,
 * image, image_shape).
 *
 * Needs CREATE on the schema similarity, SELECT on the columns and USAGE on
 * the model (42501).  These are checked first, so that no error reveals
 * anything about the table to others.  Then names (42602), relation (42P01),
 * columns (42703) and their types (42804), the name of the distance (42704),
 * and whether the model made what is in the column (42804).  42710 if the name
 * is taken; not in a read-only transaction.
 */
Datum
create_gallery(PG_FUNCTION_ARGS)
{
	Gallery    *gallery;
	int32		model = 0;

	model_require_writable("similarity.create_gallery()");
	require_create_right(GetUserId());
	gallery = gallery_from_arguments(fcinfo);
	SPI_connect();
	gallery_resolve(gallery);
	gallery_require_image(gallery);
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

/*
 * drop_gallery(name), strict.  Needs the owner of the gallery or of its model
 * (42501); 42704 if there is none.  The trigger of attach() goes with it if
 * the caller owns the table; otherwise it stays, and fails when it is next
 * run.
 */
Datum
drop_gallery(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Gallery    *gallery;
	CatalogArgs args = {0};

	model_require_writable("similarity.drop_gallery()");
	SPI_connect();
	gallery = gallery_find(name);
	require_drop(gallery);
	if (gallery->input != NULL && gallery_set_names(gallery) &&
		class_ownercheck(gallery->relid, GetUserId()))
		gallery_end_trigger(gallery);
	catalog_arg_int(&args, gallery->id);
	catalog_run("WITH cutpoints AS (DELETE FROM similarity.cutpoint WHERE gallery OPERATOR(pg_catalog.=) $1),"
				" calibrations AS (DELETE FROM similarity.calibration WHERE gallery OPERATOR(pg_catalog.=) $1)"
				" DELETE FROM similarity.gallery WHERE id OPERATOR(pg_catalog.=) $1", &args);
	SPI_finish();
	PG_RETURN_VOID();
}
