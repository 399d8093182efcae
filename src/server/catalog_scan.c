/*
 * catalog_scan.c
 *	  Read rows of a catalog table by an index, without SQL.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "server/catalog_scan.h"
#include "server/dump.h"

/* A table or index in one of the extension's two schemas; both belong to its owner. */
Oid
catalog_table(const char *table)
{
	static const char *const schemas[] = {"_similarity", "similarity"};

	for (int i = 0; i < lengthof(schemas); i++)
	{
		Oid			schema = get_namespace_oid(schemas[i], true);
		Oid			relation = OidIsValid(schema) ? get_relname_relid(table, schema) : InvalidOid;

		if (OidIsValid(relation))
			return relation;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("table \"%s\" of extension similarity does not exist", table),
			 errhint("Run CREATE EXTENSION similarity in this database.")));
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

void
catalog_scan_begin(CatalogScan *scan, const char *table, const char *index, int nkeys, ScanKey keys)
{
	scan->snapshot = RegisterSnapshot(choose_snapshot());
	scan->relation = table_open(catalog_table(table), AccessShareLock);
	scan->scan = systable_beginscan(scan->relation, catalog_table(index), true, scan->snapshot,
									nkeys, keys);
	scan->tuple = NULL;
}

bool
catalog_scan_next(CatalogScan *scan)
{
	scan->tuple = systable_getnext(scan->scan);
	return HeapTupleIsValid(scan->tuple);
}

bool
catalog_scan_isnull(CatalogScan *scan, AttrNumber attribute)
{
	return heap_attisnull(scan->tuple, attribute, RelationGetDescr(scan->relation));
}

Datum
catalog_scan_value(CatalogScan *scan, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = heap_getattr(scan->tuple, attribute, RelationGetDescr(scan->relation),
									 &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("unexpected null in column %d of \"%s\"",
						attribute, RelationGetRelationName(scan->relation))));
	return value;
}

void
catalog_scan_end(CatalogScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
	UnregisterSnapshot(scan->snapshot);
}
