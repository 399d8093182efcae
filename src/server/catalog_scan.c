/*
 * catalog_scan.c
 *	  Read rows of a catalog table by an index, without SQL.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "server/catalog_scan.h"
#include "server/dump.h"

/* A table or index in one of the extension's two schemas; both belong to its owner. */
static Oid
find_relation(const char *name)
{
	static const char *const schemas[] = {"_similarity", "similarity"};

	for (int i = 0; i < lengthof(schemas); i++)
	{
		Oid			schema = get_namespace_oid(schemas[i], true);
		Oid			relation = OidIsValid(schema) ?
		get_relname_relid(name, schema) : InvalidOid;

		if (OidIsValid(relation))
			return relation;
	}
	return InvalidOid;
}

Oid
catalog_table(const char *table)
{
	Oid			relation = find_relation(table);

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" of extension similarity does not exist",
						table),
				 errhint("Run CREATE EXTENSION similarity in this database.")));
	return relation;
}

/*
 * The statement's, but while a dump is being loaded that of now: other sessions
 * of the restore bring the rows that this one waits for.
 */
static Snapshot
choose_snapshot(void)
{
	if (loading_dump() && !IsInParallelMode())
		return GetLatestSnapshot();
	return ActiveSnapshotSet() ? GetActiveSnapshot() : GetTransactionSnapshot();
}

static void
raise_changed(const char *what, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("%s \"%s\" of extension similarity has been modified", what, name),
			 errhint("Undo the changes, or restore the extension from a dump.")));
}

/* Is there an index of that name on the table, and of the keys' columns? */
static bool
index_fits(Oid index, Oid table, int nkeys, const ScanKeyData *keys)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		fits;

	if (!HeapTupleIsValid(tuple))
		return false;
	fits = ((Form_pg_index) GETSTRUCT(tuple))->indrelid == table &&
		((Form_pg_index) GETSTRUCT(tuple))->indisvalid &&
		((Form_pg_index) GETSTRUCT(tuple))->indnkeyatts >= nkeys;
	for (int i = 0; fits && i < nkeys; i++)
		fits = ((Form_pg_index) GETSTRUCT(tuple))->indkey.values[i] == keys[i].sk_attno;
	ReleaseSysCache(tuple);
	return fits;
}

void
catalog_scan_begin(CatalogScan *scan, const char *table, const char *index,
				   int nkeys, ScanKey keys)
{
	Oid			index_oid = find_relation(index);

	scan->snapshot = RegisterSnapshot(choose_snapshot());
	scan->relation = table_open(catalog_table(table), AccessShareLock);
	if (scan->relation->rd_rel->relkind != RELKIND_RELATION)
		raise_changed("table", table);
	if (!index_fits(index_oid, RelationGetRelid(scan->relation), nkeys, keys))
		raise_changed("index", index);
	scan->scan = systable_beginscan(scan->relation, index_oid, true,
									scan->snapshot, nkeys, keys);
	scan->tuple = NULL;
}

bool
catalog_scan_next(CatalogScan *scan)
{
	scan->tuple = systable_getnext(scan->scan);
	return HeapTupleIsValid(scan->tuple);
}

/* The column as it is now */
static Form_pg_attribute
column(const CatalogScan *scan, AttrNumber attribute)
{
	TupleDesc	desc = RelationGetDescr(scan->relation);

	if (attribute > desc->natts ||
		TupleDescAttr(desc, attribute - 1)->attisdropped)
		raise_changed("table", RelationGetRelationName(scan->relation));
	return TupleDescAttr(desc, attribute - 1);
}

bool
catalog_scan_isnull(CatalogScan *scan, AttrNumber attribute)
{
	(void) column(scan, attribute);
	return heap_attisnull(scan->tuple, attribute,
						  RelationGetDescr(scan->relation));
}

static Datum
scan_not_null(CatalogScan *scan, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = heap_getattr(scan->tuple, attribute,
									 RelationGetDescr(scan->relation), &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unexpected null in column \"%s\" of \"%s\"",
						NameStr(column(scan, attribute)->attname),
						RelationGetRelationName(scan->relation)),
				 errhint("Restore the row from a dump, or drop and re-create what it describes.")));
	return value;
}

Datum
catalog_scan_value(CatalogScan *scan, AttrNumber attribute, Oid type)
{
	if (column(scan, attribute)->atttypid != type)
		raise_changed("table", RelationGetRelationName(scan->relation));
	return scan_not_null(scan, attribute);
}

Oid
catalog_scan_oid(CatalogScan *scan, AttrNumber attribute)
{
	if (column(scan, attribute)->attlen != sizeof(Oid) ||
		!column(scan, attribute)->attbyval)
		raise_changed("table", RelationGetRelationName(scan->relation));
	return DatumGetObjectId(scan_not_null(scan, attribute));
}

void
catalog_scan_end(CatalogScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
	UnregisterSnapshot(scan->snapshot);
}
