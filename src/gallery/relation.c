/*
 * relation.c
 *	  The table behind a gallery: its names, its columns checked.
 *
 * Nothing is locked here: the statement that reads the table follows and
 * locks it, and fails by itself if something changed in between.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "gallery/gallery.h"
#include "report/report.h"
#include "server/compat.h"
#include "server/cursor.h"

/*
 * The OID stands in the gallery's row; a dump that could not find the name has
 * loaded none.
 */
static void
raise_no_relation(const Gallery *gallery)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("table of gallery \"%s\" does not exist", gallery->name),
			 errhint("It was missing when a dump was loaded.  Drop the gallery and create it again.")));
}

void
gallery_read_as_owner(Gallery *gallery)
{
	gallery_require_owner(gallery);
	/* the superusers', if the role is gone */
	if (gallery->owner != GetUserId() &&
		GetUserNameFromId(gallery->owner, true) != NULL)
		gallery->reader = gallery->owner;
}

/* Does nothing unless gallery_read_as_owner() was called. */
void
gallery_enter(const Gallery *gallery, RoleFrame *frame)
{
	if (OidIsValid(gallery->reader))
		role_enter(frame, gallery->reader);
}

void
gallery_leave(const Gallery *gallery, const RoleFrame *frame)
{
	if (OidIsValid(gallery->reader))
		role_leave(frame);
}

void
gallery_raise_changed(const Gallery *gallery)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s of gallery \"%s\" changed while it was read",
					gallery->relation, gallery->name)));
}

Portal
gallery_open_rows(const Gallery *gallery, const char *sql, int column)
{
	SPIPlanPtr	plan;
	Portal		portal;
	RoleFrame	reader;

	gallery_enter(gallery, &reader);
	plan = cursor_prepare(sql, 0, NULL);
	portal = cursor_open(plan, true);
	SPI_freeplan(plan);
	gallery_leave(gallery, &reader);
	/* users' functions have run since the gallery was opened */
	if (column > 0 && getBaseType(SPI_gettypeid(portal->tupDesc, column)) !=
		embedding_type_oid())
		gallery_raise_changed(gallery);
	return portal;
}

static AttrNumber
require_column(const Gallery *gallery, const char *column)
{
	AttrNumber	attnum = get_attnum(gallery->relid, column);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of gallery \"%s\" does not exist in table %s",
						column, gallery->name, gallery->relation)));
	return attnum;
}

/* Domains are what they are over. */
static void
require_type(const Gallery *gallery, const char *column, Oid wanted)
{
	Oid			type = get_atttype(gallery->relid,
								   require_column(gallery, column));

	if (getBaseType(type) != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of gallery \"%s\" is of type %s, not %s",
						column, gallery->name, format_type_be(type),
						format_type_be(wanted))));
}

/* Rights on the whole table or on the column, as the executor asks for. */
bool
gallery_may_read(Oid relid, AttrNumber column)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		(column > 0 && pg_attribute_aclcheck(relid, column, GetUserId(),
											 ACL_SELECT) == ACLCHECK_OK);
}

/*
 * For create_gallery(): whoever makes a gallery shows these columns to those
 * who may read the table, and must be able to read them.
 */
void
gallery_require_read(const Gallery *gallery)
{
	const char *columns[] = {gallery->embedding, gallery->label, gallery->key, gallery->image};

	for (int i = 0; i < lengthof(columns); i++)
	{
		if (columns[i] != NULL &&
			!gallery_may_read(gallery->relid,
							  get_attnum(gallery->relid, columns[i])))
			aclcheck_error(ACLCHECK_NO_PRIV,
						   get_relkind_objtype(get_rel_relkind(gallery->relid)),
						   gallery->table);
	}
}

/* Before anything is said of a table, its columns included */
void
gallery_require_some_read(const Gallery *gallery)
{
	if (pg_class_aclcheck(gallery->relid, GetUserId(),
						  ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(gallery->relid, GetUserId(), ACL_SELECT,
								  ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(get_rel_relkind(gallery->relid)),
					   gallery->table);
}

void
gallery_require_all_rows(const Gallery *gallery)
{
	/* a view may show each role other rows, by policies below it or by itself */
	if (!has_privs_of_role(GetUserId(), gallery->owner) &&
		(get_rel_relkind(gallery->relid) == RELKIND_VIEW ||
		 check_enable_rls(gallery->relid, InvalidOid, true) == RLS_ENABLED))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for the calibration of gallery \"%s\"", gallery->name),
				 errdetail("It was made of rows that row-level security or a view may hide from you.")));
}

/* What a SELECT can read, by others too */
static void
require_table(const Gallery *gallery)
{
	char		kind = get_rel_relkind(gallery->relid);

	if (get_rel_persistence(gallery->relid) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("temporary table \"%s\" cannot have a gallery",
						gallery->table),
				 errdetail("Galleries are seen by all sessions, its rows by one.")));

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_MATVIEW && kind != RELKIND_VIEW &&
		kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or view", gallery->table)));
}

bool
gallery_set_names(Gallery *gallery)
{
	gallery->table = get_rel_name(gallery->relid);
	if (gallery->table == NULL)
		return false;
	gallery->schema = get_namespace_name(get_rel_namespace(gallery->relid));
	gallery->relation = quote_qualified_identifier(gallery->schema,
												   gallery->table);
	return true;
}

/* At each call, since a table may change between two. */
void
gallery_resolve(Gallery *gallery)
{
	if (!gallery_set_names(gallery))
		raise_no_relation(gallery);
	require_table(gallery);
	require_type(gallery, gallery->embedding, embedding_type_oid());
	require_column(gallery, gallery->label);
	if (gallery->key != NULL)
		require_column(gallery, gallery->key);
}

void
gallery_require_image(const Gallery *gallery)
{
	if (gallery->image != NULL)
		require_type(gallery, gallery->image, BYTEAOID);
}

/* Of the column, or of the domains that its type is */
int32
gallery_column_typmod(Oid relid, AttrNumber column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, column, &type, &typmod, &collation);
	(void) getBaseTypeAndTypmod(type, &typmod);
	return typmod;
}

int
gallery_primary_key_columns(Oid relid, AttrNumber *first)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	Oid			index = InvalidOid;
	int			columns = 0;

	if (relation->rd_rel->relhasindex)
		index = primary_key_index(relation);
	if (OidIsValid(index))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(index));
		Form_pg_index form;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", index);
		form = (Form_pg_index) GETSTRUCT(tuple);
		columns = form->indnkeyatts;
		*first = form->indkey.values[0];
		ReleaseSysCache(tuple);
	}
	relation_close(relation, AccessShareLock);
	return columns;
}

char *
gallery_primary_key(Oid relid)
{
	AttrNumber	column;

	return gallery_primary_key_columns(relid, &column) == 1 ?
		get_attname(relid, column, false) : NULL;
}

/* ---- shape of images ---- */

static bool
is_side(int32 side)
{
	return side >= 1 && side <= REPORT_MAX_SIDE;
}

static bool
is_shape(ArrayType *shape)
{
	return ARR_NDIM(shape) == 1 && !ARR_HASNULL(shape) &&
		ARR_ELEMTYPE(shape) == INT4OID &&
		(ARR_DIMS(shape)[0] == 2 || ARR_DIMS(shape)[0] == 3);
}

bool
gallery_try_shape(Gallery *gallery, ArrayType *shape)
{
	const int32 *sides = (const int32 *) ARR_DATA_PTR(shape);

	if (!is_shape(shape))
		return false;
	gallery->height = sides[0];
	gallery->width = sides[1];
	gallery->channels = ARR_DIMS(shape)[0] == 3 ? sides[2] : 1;
	return is_side(gallery->height) && is_side(gallery->width) &&
		(gallery->channels == 1 || gallery->channels == 3);
}

void
gallery_set_shape(Gallery *gallery, ArrayType *shape)
{
	if (!is_shape(shape))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("image shape must be {height,width,channels} or {height,width}")));
	if (!gallery_try_shape(gallery, shape))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("image shape is out of range"),
				 errdetail("Height and width are 1 to %d, channels 1 or 3.",
						   REPORT_MAX_SIDE)));
}

void
gallery_raise_empty(const Gallery *gallery)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("gallery \"%s\" is empty", gallery->name),
			 errdetail("Table %s has no row with an embedding.",
					   gallery->relation)));
}
