/*
 * gallery_catalog.c
 *	  The catalog of galleries: find them, and their calibrations.
 *
 * Its rows are written by C code only, but a dump may carry anything: names
 * and numbers are checked when they are read.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "eval/retrieval.h"
#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "model/model.h"
#include "server/catalog.h"
#include "server/catalog_scan.h"
#include "server/catalog_tables.h"
#include "server/compat.h"
#include "server/dump.h"

/* ---- reading ---- */

static const char *
gallery_entry(const char *name)
{
	return psprintf("gallery \"%s\"", name);
}

/*
 * The model must exist and have the version; while a dump is being loaded,
 * either may still be missing.
 */
static void
check_model(const Gallery *gallery, int32 model, int32 model_of_version)
{
	if (loading_dump() || (model == 0 && gallery->version == 0))
		return;
	if (gallery->model == NULL || model == 0 || model_of_version != model)
		catalog_raise_damaged(gallery_entry(gallery->name),
							  psprintf("Version %d is not one of its model.",
									   gallery->version));
}

static Gallery *
read_gallery(const char *name)
{
	Gallery    *gallery = palloc0(sizeof(Gallery));
	const char *entry = gallery_entry(name);

	gallery->id = catalog_column_int(0, 1, entry);
	gallery->name = catalog_column_text(0, 2, entry);
	gallery->owner = catalog_column_oid(0, 3, entry);
	gallery->relid = catalog_column_oid(0, 4, entry);
	gallery->embedding = catalog_column_text(0, 5, entry);
	gallery->label = catalog_column_text(0, 6, entry);
	gallery->key = catalog_column_text_or_null(0, 7);
	gallery->image = catalog_column_text_or_null(0, 8);
	gallery->distance = embedding_metric_or_null(catalog_column_text(0, 9,
																	 entry),
												 false);
	if (gallery->distance == NULL)
		catalog_raise_damaged(entry,
							  psprintf("Distance \"%s\" is unknown.",
									   catalog_column_text(0, 9, entry)));
	gallery->model = catalog_column_text_or_null(0, 10);
	gallery->version = catalog_column_int_or_zero(0, 11, entry);
	gallery->input = catalog_column_text_or_null(0, 13);
	if (!catalog_column_isnull(0, 12) &&
		!gallery_try_shape(gallery,
						   DatumGetArrayTypeP(catalog_column_datum(0, 12,
																   INT4ARRAYOID,
																   entry))))
		catalog_raise_damaged(entry, "Its images have no possible shape.");
	check_model(gallery, catalog_column_int_or_zero(0, 14, entry),
				catalog_column_int_or_zero(0, 15, entry));
	return gallery;
}

bool
gallery_exists(const char *name)
{
	uint64		n = catalog_select("SELECT 1 FROM similarity.gallery g"
								   " WHERE g.name OPERATOR(pg_catalog.=) $1",
								   TEXTOID, CStringGetTextDatum(name));

	SPI_freetuptable(SPI_tuptable);
	return n > 0;
}

Gallery *
gallery_find(const char *name)
{
	Gallery    *gallery;

	if (catalog_select("SELECT g.id, g.name, g.owner, g.relation, g.embedding,"
					   " g.label, g.key, g.image, g.distance, m.name, g.version, g.image_shape, g.input, g.model, v.model"
					   " FROM similarity.gallery g LEFT JOIN _similarity.model m"
					   " ON m.id OPERATOR(pg_catalog.=) g.model"
					   " LEFT JOIN _similarity.model_version v ON v.id OPERATOR(pg_catalog.=) g.version"
					   " WHERE g.name OPERATOR(pg_catalog.=) $1",
					   TEXTOID, CStringGetTextDatum(name)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("gallery \"%s\" does not exist", name),
				 errhint("The view similarity.galleries lists them.")));
	gallery = read_gallery(name);
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

/* The version that a gallery holds, as the active snapshot sees it; false if it is gone, or has no model. */
static bool
held_version(int32 gallery, int *version)
{
	ScanKeyData key;
	CatalogScan scan;
	bool		found;

	ScanKeyInit(&key, GALLERY_ID, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(gallery));
	catalog_scan_begin(&scan, "gallery", "gallery_pkey", 1, &key);
	found = catalog_scan_next(&scan) &&
		!catalog_scan_isnull(&scan, GALLERY_VERSION);
	if (found)
		*version = DatumGetInt32(catalog_scan_value(&scan, GALLERY_VERSION, INT4OID));
	catalog_scan_end(&scan);
	return found;
}

/*
 * Columns, cut points and everything else about a gallery are visible to its
 * owner and to roles that may read its table.  Checked first, so that no later
 * error reveals any of it.
 */
static void
require_sight(const Gallery *gallery)
{
	if (has_privs_of_role(GetUserId(), gallery->owner) ||
		get_rel_name(gallery->relid) == NULL)
		return;
	if (!gallery_may_read(gallery->relid,
						  get_attnum(gallery->relid, gallery->embedding)) ||
		!gallery_may_read(gallery->relid,
						  get_attnum(gallery->relid, gallery->label)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for gallery \"%s\"", gallery->name),
				 errdetail("It is for roles with SELECT on its columns.")));
}

/*
 * reembed() changes the version and the rows of a gallery at once, under an
 * exclusive lock on its table.  Our snapshot may be older than that, and would
 * then see an old version here and new rows there: therefore the table is
 * locked, and if the version changed, the function that opened the gallery
 * continues with a new snapshot.
 */
Gallery *
gallery_open(const char *name)
{
	Gallery    *gallery = gallery_find(name);
	int			version;

	require_sight(gallery);
	gallery_resolve(gallery);
	if (gallery->model == NULL)
		return gallery;
	LockRelationOid(gallery->relid, AccessShareLock);
	push_snapshot_of_now(gallery);
	if (held_version(gallery->id, &version) && version == gallery->version)
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

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	catalog_arg_text(&args, embedding);
	catalog_arg_int(&args, except);
	if (catalog_read("SELECT g.name FROM similarity.gallery g WHERE g.relation OPERATOR(pg_catalog.=) $1"
					 " AND g.embedding OPERATOR(pg_catalog.=) $2"
					 " AND g.input IS NOT NULL AND g.id OPERATOR(pg_catalog.<>) $3 ORDER BY g.id LIMIT 1", &args) == 0)
		return NULL;
	return gallery_find(catalog_column_text(0, 1, "a gallery"));
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
		(*names)[i] = catalog_column_text(i, 1, "a gallery");
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
				" AND pg_catalog.pg_has_role(m.owner, o.owner, 'USAGE'))",
				&args);
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

/* Distances between embeddings of different versions are meaningless. */
static void
check_gallery_version(const Gallery *gallery, int version)
{
	if (gallery->model != NULL && version != gallery->version)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("gallery \"%s\" must be recalibrated",
						gallery->name),
				 errdetail("It was calibrated with version %d of its model and holds version %d.", version, gallery->version),
				 errhint("Run similarity.calibrate() with a query of items whose labels are known.")));
}

static bool
is_ascending(const double *values, int n)
{
	for (int i = 0; i < n; i++)
		if (isnan(values[i]) || (i > 0 && values[i] < values[i - 1]))
			return false;
	return n > 0;
}

static void
read_matched(Calibration *calibration, const char *entry)
{
	ArrayType  *array = DatumGetArrayTypePCopy(catalog_column_datum(0, 7,
																	FLOAT8ARRAYOID, entry));

	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != FLOAT8OID ||
		!is_ascending((double *) ARR_DATA_PTR(array), ARR_DIMS(array)[0]))
		catalog_raise_damaged(entry,
							  "The distances of its matches are not numbers in ascending order.");
	calibration->nmatched = ARR_DIMS(array)[0];
	calibration->matched = (double *) ARR_DATA_PTR(array);
}

static void
read_calibration(Calibration *calibration, const Gallery *gallery)
{
	const char *entry = psprintf("the calibration of gallery \"%s\"",
								 gallery->name);
	const char *matcher = catalog_column_text(0, 1, entry);
	Status		status;

	if (!eval_matcher_by_name(matcher, &calibration->matcher, &status))
		catalog_raise_damaged(entry, status.message);
	calibration->ncutpoints = (int) SPI_processed;
	calibration->cutpoints = palloc(sizeof(Cutpoint) * SPI_processed);
	calibration->k = catalog_column_int(0, 2, entry);
	if (calibration->k < 1 || calibration->k > EVAL_MAX_K)
		catalog_raise_damaged(entry,
							  psprintf("It says %d neighbors.",
									   calibration->k));
	check_gallery_version(gallery, catalog_column_int_or_zero(0, 5, entry));
	calibration->queries = catalog_column_bigint(0, 6, entry);
	if (calibration->queries < 1)
		catalog_raise_damaged(entry,
							  psprintf("It says %lld queries.",
									   (long long) calibration->queries));
	read_matched(calibration, entry);
	for (int i = 0; i < calibration->ncutpoints; i++)
	{
		calibration->cutpoints[i].name = catalog_column_text(i, 3, entry);
		calibration->cutpoints[i].distance = catalog_column_float(i, 4, entry);
		if (isnan(calibration->cutpoints[i].distance))
			catalog_raise_damaged(entry,
								  psprintf("Cut point \"%s\" has no distance.",
										   calibration->cutpoints[i].name));
	}
}

static bool
select_calibration(const Gallery *gallery)
{
	return catalog_select("SELECT c.matcher, c.k, p.name, p.distance, c.version, c.queries, c.matched FROM similarity.calibration c"
						  " JOIN similarity.cutpoint p ON p.gallery OPERATOR(pg_catalog.=) c.gallery"
						  " WHERE c.gallery OPERATOR(pg_catalog.=) $1 ORDER BY p.distance, p.position",
						  INT4OID, Int32GetDatum(gallery->id)) > 0;
}

Calibration *
gallery_calibration(const Gallery *gallery)
{
	Calibration *calibration = palloc(sizeof(Calibration));

	if (!select_calibration(gallery))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("gallery \"%s\" is not calibrated", gallery->name),
				 errhint("Run similarity.calibrate() with a query of items whose labels are known.")));
	read_calibration(calibration, gallery);
	SPI_freetuptable(SPI_tuptable);
	return calibration;
}

Calibration *
gallery_calibration_or_null(const Gallery *gallery)
{
	Calibration *calibration = palloc(sizeof(Calibration));
	const char *entry = "a calibration";

	if (!select_calibration(gallery) ||
		(gallery->model != NULL &&
		 catalog_column_int_or_zero(0, 5, entry) != gallery->version))
		return NULL;
	read_calibration(calibration, gallery);
	SPI_freetuptable(SPI_tuptable);
	return calibration;
}

const Cutpoint *
calibration_cutpoint(const Calibration *calibration, const Gallery *gallery,
					 const char *name)
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
			 errmsg("gallery \"%s\" has no cut point \"%s\"", gallery->name,
					name), errhint("Its cut points are %s.", names.data)));
}

void
cutpoint_check(const Gallery *gallery, const Cutpoint *cutpoint)
{
	if (cutpoint->distance == EVAL_ACCEPT_NOTHING)
		ereport(WARNING,
				(errmsg("cut point \"%s\" of gallery \"%s\" accepts nothing",
						cutpoint->name, gallery->name),
				 errdetail("Its calibration found no distance at which to accept a match."),
				 errhint("Run similarity.calibrate() with items of labels that the gallery has.")));
}
