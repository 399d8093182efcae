/*
 * catalog_scan.h
 *	  Read rows of a catalog table by an index, without SQL.
 *
 * For embed(), which looks up model, grants, deployment and version and would
 * spend as long in SQL as in a small network.  Rows are those that the active
 * snapshot sees.  There is no privilege check: callers make their own.
 *
 * A table, index or column that is not what sql/install made, and a value that is
 * NULL, are ERRCODE_DATA_CORRUPTED; whether values make sense callers check.
 */
#ifndef SERVER_CATALOG_SCAN_H
#define SERVER_CATALOG_SCAN_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup.h"
#include "access/skey.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

typedef struct CatalogScan
{
	Relation	relation;
	Snapshot	snapshot;
	SysScanDesc scan;
	HeapTuple	tuple;
} CatalogScan;

/* A table of the extension; ERROR if the extension is not there. */
extern Oid	catalog_table(const char *table);

/*
 * Start with equality conditions on attributes (key->sk_attno is the table's);
 * end every scan with catalog_scan_end(), also after the last row.
 */
extern void catalog_scan_begin(CatalogScan *scan, const char *table,
							   const char *index, int nkeys, ScanKey keys);
extern bool catalog_scan_next(CatalogScan *scan);
extern void catalog_scan_end(CatalogScan *scan);

extern bool catalog_scan_isnull(CatalogScan *scan, AttrNumber attribute);

/* A column of the current row; valid until the next. */
extern Datum catalog_scan_value(CatalogScan *scan, AttrNumber attribute,
								Oid type);

/* Of a type that is represented as an OID */
extern Oid	catalog_scan_oid(CatalogScan *scan, AttrNumber attribute);

#endif							/* SERVER_CATALOG_SCAN_H */
