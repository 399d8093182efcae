/*
 * catalog.h
 *	  SQL on the extension's own tables, as its owner.
 */
#ifndef SERVER_CATALOG_H
#define SERVER_CATALOG_H

#include "postgres.h"

#include "server/compat.h"

/*
 * The extension's owner and the schema that it was created in, where its type
 * is; false if it is not in this database.
 */
extern bool catalog_extension(Oid *owner, Oid *schema);

/* Arguments of a statement, filled one by one: $1, $2, ... */
#define CATALOG_MAX_ARGS 20

typedef struct CatalogArgs
{
	int			n;
	Oid			types[CATALOG_MAX_ARGS];
	Datum		values[CATALOG_MAX_ARGS];
	char		nulls[CATALOG_MAX_ARGS];
} CatalogArgs;

extern void catalog_arg(CatalogArgs *args, Oid type, Datum value, bool isnull);
extern void catalog_arg_int(CatalogArgs *args, int32 value);
extern void catalog_arg_bigint(CatalogArgs *args, int64 value);
extern void catalog_arg_float(CatalogArgs *args, double value);

/* NULL gives SQL's NULL. */
extern void catalog_arg_text(CatalogArgs *args, const char *value);

/*
 * Run one statement on the extension's tables under the extension owner's id:
 * catalog_run() what may write, catalog_read() what only reads.  SPI must be
 * connected; the rows are in SPI_tuptable, and their number is returned.  sql
 * must qualify every name and take its values as $1, $2, ... only.  The caller
 * has checked privileges.
 */
extern uint64 catalog_run(const char *sql, const CatalogArgs *args);
extern uint64 catalog_read(const char *sql, const CatalogArgs *args);

/*
 * catalog_run() of a statement that writes a row of the table: ERROR if it wrote
 * none, as when a trigger of somebody's swallows it, so that nothing is half.
 */
extern void catalog_write(const char *table, const char *sql,
						  const CatalogArgs *args);

/* catalog_read() with one argument */
extern uint64 catalog_select(const char *sql, Oid type, Datum value);

/*
 * Values of these rows.  They are not trusted: one that is not of the type, or
 * NULL where only a value makes sense, is ERRCODE_DATA_CORRUPTED.  entry says
 * whose the row is: 'gallery "shelf"'.
 */
extern bool catalog_column_isnull(int row, int column);
extern Datum catalog_column_datum(int row, int column, Oid type,
								  const char *entry);
extern int32 catalog_column_int(int row, int column, const char *entry);
extern int64 catalog_column_bigint(int row, int column, const char *entry);
extern double catalog_column_float(int row, int column, const char *entry);

/* Of a type that is represented as an OID */
extern Oid	catalog_column_oid(int row, int column, const char *entry);

/* Of any type, as text, and of a whole number written in text */
extern char *catalog_column_text(int row, int column, const char *entry);
extern int64 catalog_column_number(int row, int column, const char *entry);

/* ... NULL, or 0, for NULL */
extern char *catalog_column_text_or_null(int row, int column);
extern int32 catalog_column_int_or_zero(int row, int column, const char *entry);

/* ERRCODE_DATA_CORRUPTED: what was read of the entry cannot be. */
pg_noreturn extern void catalog_raise_damaged(const char *entry,
											  const char *detail);

#endif							/* SERVER_CATALOG_H */
