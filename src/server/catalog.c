/*
 * catalog.c
 *	  SQL on the extension's own tables, as its owner.
 *
 * The tables are closed to everybody but the extension's owner.  Whoever calls
 * these functions has checked what the current role may do.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "server/catalog.h"
#include "server/cursor.h"
#include "server/plan_cache.h"
#include "server/role.h"

bool
catalog_extension(Oid *owner, Oid *schema)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum("similarity"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1,
							  &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		*owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
		*schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

static Oid
extension_owner(void)
{
	Oid			owner;
	Oid			schema;

	if (!catalog_extension(&owner, &schema))
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
execute_now(const char *sql, const CatalogArgs *args)
{
	SPIPlanPtr	plan = cursor_prepare(sql, args->n,
									  unconstify(CatalogArgs *, args)->types);
	int			code;

	code = SPI_execute_snapshot(plan, unconstify(CatalogArgs *, args)->values,
								args->nulls, GetLatestSnapshot(),
								InvalidSnapshot, false, true, 0);
	SPI_freeplan(plan);
	return code;
}

/* What only reads is read again and again, by every call of some functions. */
static int
execute_kept(const char *sql, const CatalogArgs *args)
{
	MemoryContext user = AllocSetContextCreate(CurrentMemoryContext,
											   "catalog statement",
											   ALLOCSET_SMALL_SIZES);
	SPIPlanPtr	plan = plan_cache_get(sql, args->n,
									  unconstify(CatalogArgs *, args)->types,
									  0, user);
	int			code = SPI_execute_plan(plan,
										unconstify(CatalogArgs *, args)->values,
										args->nulls, true, 0);

	MemoryContextDelete(user);
	return code;
}

static int
execute(const char *sql, const CatalogArgs *args, bool read_only)
{
	RoleFrame	owner;
	int			code;

	role_enter(&owner, extension_owner());
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (read_only)
		code = execute_kept(sql, args);
	else
		code = execute_now(sql, args);
	role_leave(&owner);
	if (code < 0)
		elog(ERROR, "could not run a statement on the catalog: %s",
			 SPI_result_code_string(code));
	return code;
}

uint64
catalog_run(const char *sql, const CatalogArgs *args)
{
	(void) execute(sql, args, false);
	return SPI_processed;
}

void
catalog_write(const char *table, const char *sql, const CatalogArgs *args)
{
	if (catalog_run(sql, args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("a row of table \"%s\" of extension similarity was not stored",
						table),
				 errhint("Drop what keeps rows out of it, such as triggers or rules.")));
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
	catalog_arg(args, TEXTOID, value == NULL ? (Datum) 0 :
				CStringGetTextDatum(value), value == NULL);
}

/* ---- what a statement returned ---- */

uint64
catalog_read(const char *sql, const CatalogArgs *args)
{
	MemoryContext caller = CurrentMemoryContext;
	int			code = execute(sql, args, true);

	MemoryContextSwitchTo(caller);	/* SPI leaves its own */
	if (code != SPI_OK_SELECT)
		elog(ERROR, "catalog could not be read: %s",
			 SPI_result_code_string(code));
	return SPI_processed;
}

uint64
catalog_select(const char *sql, Oid type, Datum value)
{
	CatalogArgs args = {0};

	catalog_arg(&args, type, value, false);
	return catalog_read(sql, &args);
}

void
catalog_raise_damaged(const char *entry, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("catalog entry of %s is corrupted", entry),
			 errdetail_internal("%s", detail),
			 errhint("Only functions of the extension write its tables.  Restore the entry from a dump, or drop and re-create what it describes.")));
}

bool
catalog_column_isnull(int row, int column)
{
	bool		isnull;

	(void) SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column,
						 &isnull);
	return isnull;
}

static Datum
not_null(int row, int column, const char *entry)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column, &isnull);

	if (isnull)
		catalog_raise_damaged(entry,
							  psprintf("Column \"%s\" is null.",
									   SPI_fname(SPI_tuptable->tupdesc,
												 column)));
	return value;
}

static void
raise_type(int column, const char *entry)
{
	catalog_raise_damaged(entry,
						  psprintf("Column \"%s\" is of type %s.",
								   SPI_fname(SPI_tuptable->tupdesc, column),
								   format_type_be(SPI_gettypeid(SPI_tuptable->tupdesc, column))));
}

Datum
catalog_column_datum(int row, int column, Oid type, const char *entry)
{
	if (SPI_gettypeid(SPI_tuptable->tupdesc, column) != type)
		raise_type(column, entry);
	return not_null(row, column, entry);
}

int32
catalog_column_int(int row, int column, const char *entry)
{
	return DatumGetInt32(catalog_column_datum(row, column, INT4OID, entry));
}

int64
catalog_column_bigint(int row, int column, const char *entry)
{
	return DatumGetInt64(catalog_column_datum(row, column, INT8OID, entry));
}

double
catalog_column_float(int row, int column, const char *entry)
{
	return DatumGetFloat8(catalog_column_datum(row, column, FLOAT8OID, entry));
}

Oid
catalog_column_oid(int row, int column, const char *entry)
{
	int16		length;
	bool		by_value;

	get_typlenbyval(SPI_gettypeid(SPI_tuptable->tupdesc, column), &length,
					&by_value);
	if (length != sizeof(Oid) || !by_value)
		raise_type(column, entry);
	return DatumGetObjectId(not_null(row, column, entry));
}

char *
catalog_column_text_or_null(int row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

char *
catalog_column_text(int row, int column, const char *entry)
{
	(void) not_null(row, column, entry);
	return catalog_column_text_or_null(row, column);
}

int64
catalog_column_number(int row, int column, const char *entry)
{
	char	   *text = catalog_column_text(row, column, entry);
	char	   *end;
	int64		number;

	errno = 0;
	number = strtoi64(text, &end, 10);
	if (errno != 0 || end == text ||*end != '\0')
		catalog_raise_damaged(entry,
							  psprintf("Its \"%s\" is not an integer.",
									   SPI_fname(SPI_tuptable->tupdesc,
												 column)));
	return number;
}

int32
catalog_column_int_or_zero(int row, int column, const char *entry)
{
	return catalog_column_isnull(row, column) ? 0 :
		catalog_column_int(row, column, entry);
}
