/*
 * copy.c
 *	  A copy of a table with other embeddings, brought up to date while the
 *	  table is used: its beginning and its end, and the trigger.
 *
 * A trigger on the table queues the keys of rows that change.  The copy is
 * filled in the order of keys; changed rows are deleted from it and copied
 * again (copy_rows.c).  Whatever a row's change and its copying do to each other,
 * its key is in the queue when the change commits, so that it is copied once
 * more.  What changes all rows at once, TRUNCATE or ALTER TABLE, gives the table
 * another file: then the copy begins again.
 *
 * The copy belongs to the table's owner and stands in the table's schema, under
 * a name that nobody can guess: whoever took a name that could be guessed, be it
 * in a transaction that never ends, would stop us.  pg_class.relrewrite says
 * whose copy it is; no statement can set that, and logical decoding passes over
 * such relations.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/heap.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "catalog/toasting.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "gallery/trigger.h"
#include "model/model.h"
#include "reembed/reembed.h"
#include "server/catalog.h"
#include "server/compat.h"
#include "server/role.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_reembed_changed);

#define TRIGGER_FUNCTION "reembed_changed"

/* ---- statements on the catalog ---- */

/* One whose $1 is the table */
static uint64
run_on_relation(const char *sql, Oid relid)
{
	MemoryContext caller = CurrentMemoryContext;
	CatalogArgs args = {0};
	uint64		n;

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	n = catalog_run(sql, &args);
	MemoryContextSwitchTo(caller);	/* SPI leaves its own */
	return n;
}

/* ---- can it be copied? ---- */

static void
raise_table(const Copy *copy, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("table %s cannot be re-embedded", copy->relation),
			 errdetail("%s", why)));
}

void
copy_raise_changed(const Copy *copy)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s changed while it was re-embedded",
					copy->relation),
			 errhint("CALL similarity.reembed() again.")));
}

static void
require_owner(Relation table)
{
	if (!class_ownercheck(RelationGetRelid(table), GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE,
					   RelationGetRelationName(table));
}

static char *
column_name(Relation table, AttrNumber column)
{
	return NameStr(TupleDescAttr(RelationGetDescr(table), column - 1)->attname);
}

/* Every embedding must have something that it is computed from. */
static void
check_inputs(const Copy *copy, Relation table)
{
	const char *key = quote_identifier(column_name(table, copy->key));
	const char *relation = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
													  RelationGetRelationName(table));
	MemoryContext caller = CurrentMemoryContext;

	for (int i = 0; i < copy->ncolumns; i++)
	{
		const char *embedding = column_name(table, copy->columns[i].embedding);
		const char *input = column_name(table, copy->columns[i].input);

		if (SPI_execute(psprintf("SELECT t.%s FROM ONLY %s t WHERE t.%s IS NOT NULL AND t.%s IS NULL LIMIT 1",
								 key, relation, quote_identifier(embedding),
								 quote_identifier(input)),
						true, 1) != SPI_OK_SELECT)
			elog(ERROR, "table %s could not be read", relation);
		if (SPI_processed > 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("row \"%s\" of table %s has an embedding but no input",
							SPI_getvalue(SPI_tuptable->vals[0],
										 SPI_tuptable->tupdesc, 1),
							copy->relation),
					 errdetail("Column \"%s\" is to be computed from column \"%s\".", embedding, input)));
		MemoryContextSwitchTo(caller);
	}
}

static void
check_table(const Copy *copy, Relation table)
{
	const FormData_pg_class *form = table->rd_rel;

	require_owner(table);
	if (form->relkind != RELKIND_RELATION ||
		form->relpersistence == RELPERSISTENCE_TEMP)
		raise_table(copy, "It is not a plain table.");
	if (form->relhassubclass || form->relispartition)
		raise_table(copy, "It has partitions or children, or is a partition.");
	if (copy->key == 0)
		raise_table(copy, "It has no primary key of one column.");
}

void
copy_check(const Copy *copy)
{
	Relation	table = table_open(copy->relid, AccessShareLock);
	RoleFrame	owner;

	check_table(copy, table);
	role_enter(&owner, table->rd_rel->relowner);
	check_inputs(copy, table);
	role_leave(&owner);
	table_close(table, AccessShareLock);
}

/* ---- the side table ---- */

/* Columns as the table has them; those bound to a version are bound to the new one. */
static TupleDesc
side_columns(const Copy *copy, Relation table)
{
	TupleDesc	columns = CreateTupleDescCopy(RelationGetDescr(table));

	for (int i = 0; i < copy->ncolumns; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns,
												 copy->columns[i].embedding - 1);

		column->atttypmod = swap_typmod(column->atttypmod, copy->version);
	}
	return columns;
}

static Datum
table_options(Oid relid)
{
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));
	bool		isnull;
	Datum		options;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, &isnull);
	return isnull ? (Datum) 0 : options;
}

/* As CLUSTER makes the table that it writes to, but for its name */
static void
create_side(Copy *copy, Relation table)
{
	const FormData_pg_class *form = table->rd_rel;
	ObjectAddress owner;
	ObjectAddress side;

	copy->side = heap_create_with_catalog(trigger_random_name("similarity_reembed"), form->relnamespace, form->reltablespace,
										  InvalidOid, InvalidOid, InvalidOid,
										  form->relowner, form->relam,
										  side_columns(copy, table), NIL,
										  RELKIND_RELATION,
										  form->relpersistence,
										  false, false, ONCOMMIT_NOOP,
										  table_options(copy->relid),
										  false, true, true, copy->relid, NULL);
	CommandCounterIncrement();
	if (OidIsValid(form->reltoastrelid))
		NewHeapCreateToastTable(copy->side, table_options(form->reltoastrelid),
								AccessExclusiveLock, form->reltoastrelid);
	CommandCounterIncrement();

	/* whoever drops the table drops it too */
	ObjectAddressSet(owner, RelationRelationId, copy->relid);
	ObjectAddressSet(side, RelationRelationId, copy->side);
	recordDependencyOn(&side, &owner, DEPENDENCY_AUTO);
	copy->file = form->relfilenode;
	copy->last_key = NULL;
	copy->filled = false;
}

/* Is there such a table, and was it made as a copy of the other? */
static bool
is_side_table(Oid relid, Oid side)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(side));
	bool		is;

	if (!HeapTupleIsValid(tuple))
		return false;
	is = ((Form_pg_class) GETSTRUCT(tuple))->relrewrite == relid;
	ReleaseSysCache(tuple);
	return is;
}

/* Its owner may have changed it, as any table. */
static bool
side_fits(Relation table, Oid side)
{
	Relation	relation;
	bool		fits;

	if (!is_side_table(RelationGetRelid(table), side))
		return false;
	relation = table_open(side, AccessShareLock);
	fits = relation->rd_rel->relowner == table->rd_rel->relowner &&
		relation->rd_rel->relpersistence == table->rd_rel->relpersistence &&
		relation->rd_rel->relam == table->rd_rel->relam &&
		!relation->rd_rel->relispartition &&
		!relation->rd_rel->relhassubclass && swap_same_columns(table, relation);
	table_close(relation, AccessShareLock);
	return fits;
}

static void
drop_side(Oid side)
{
	ObjectAddress object;

	ObjectAddressSet(object, RelationRelationId, side);
	performDeletion(&object, DROP_CASCADE, PERFORM_DELETION_INTERNAL);
}

/* ---- the trigger ---- */

static CreateTrigStmt *
trigger_statement(void)
{
	CreateTrigStmt *statement = makeNode(CreateTrigStmt);

	statement->trigname = "similarity_reembed";
	statement->funcname = list_make2(makeString("similarity"),
									 makeString(TRIGGER_FUNCTION));
	statement->row = true;
	statement->timing = TRIGGER_TYPE_AFTER;
	statement->events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE;
	return statement;
}

/*
 * An internal trigger, as those of foreign keys: its name is free whatever
 * triggers the table has, it cannot be disabled, and no dump carries it.
 */
static void
create_copy_trigger(Oid relid)
{
	CreateTriggerFiringOn(trigger_statement(), NULL, relid, InvalidOid,
						  InvalidOid, InvalidOid, InvalidOid,
						  InvalidOid, NULL, true, false, TRIGGER_FIRES_ALWAYS);
	CommandCounterIncrement();
}

static Oid
find_trigger(Oid relid)
{
	return trigger_find(relid, TRIGGER_FUNCTION, NULL, true);
}

/* ---- begin and end ---- */

/* The columns as an array: embedding, input, embedding, input, ... */
static Datum
columns_array(const Copy *copy)
{
	Datum	   *numbers = palloc(sizeof(Datum) * 2 * copy->ncolumns);

	for (int i = 0; i < copy->ncolumns; i++)
	{
		numbers[2 * i] = Int16GetDatum(copy->columns[i].embedding);
		numbers[2 * i + 1] = Int16GetDatum(copy->columns[i].input);
	}
	return PointerGetDatum(construct_array(numbers, 2 * copy->ncolumns, INT2OID,
										   sizeof(int16), true,
										   TYPALIGN_SHORT));
}

static void
store_copy(const Copy *copy)
{
	CatalogArgs args = {0};

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->relid), false);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->side), false);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->file), false);
	catalog_arg_int(&args, copy->version);
	catalog_arg(&args, INT2OID, Int16GetDatum(copy->key), false);
	catalog_arg(&args, INT2ARRAYOID, columns_array(copy), false);
	catalog_run("INSERT INTO similarity.reembedding (relation, side, file, version, key, columns)"
				" VALUES ($1, $2, $3, $4, $5, $6)", &args);
}

void
copy_progress(const Copy *copy)
{
	CatalogArgs args = {0};

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->relid), false);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->side), false);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->file), false);
	catalog_arg_text(&args, copy->last_key);
	catalog_arg(&args, BOOLOID, BoolGetDatum(copy->filled), false);
	if (catalog_run("UPDATE similarity.reembedding SET side = $2, file = $3, last_key = $4, filled = $5"
					" WHERE relation OPERATOR(pg_catalog.=) $1", &args) != 1)
		copy_raise_changed(copy);
}

/* Is there one of this version, key and columns that fits the table as it is? */
static bool
resume(Copy *copy, Relation table)
{
	CatalogArgs args = {0};
	MemoryContext caller = CurrentMemoryContext;
	const char *entry = psprintf("the copy of table %s", copy->relation);
	Oid			side;
	uint64		n;

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->relid), false);
	catalog_arg_int(&args, copy->version);
	catalog_arg(&args, INT2OID, Int16GetDatum(copy->key), false);
	catalog_arg(&args, INT2ARRAYOID, columns_array(copy), false);
	n = catalog_run("SELECT side, file, last_key, filled FROM similarity.reembedding"
					" WHERE relation OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $2"
					" AND key OPERATOR(pg_catalog.=) $3 AND columns OPERATOR(pg_catalog.=) $4", &args);
	MemoryContextSwitchTo(caller);
	if (n == 0 || !OidIsValid(find_trigger(copy->relid)))
		return false;
	side = catalog_column_oid(0, 1, entry);
	if (!side_fits(table, side))
		return false;
	copy->side = side;
	copy->file = catalog_column_oid(0, 2, entry);
	copy->last_key = catalog_column_text_or_null(0, 3);
	copy->filled = DatumGetBool(catalog_column_datum(0, 4, BOOLOID, entry));
	return true;
}

void
copy_begin(Copy *copy)
{
	/* waits for writers, and keeps them away until the trigger is there */
	Relation	table = table_open(copy->relid, ShareRowExclusiveLock);

	check_table(copy, table);
	if (!resume(copy, table))
	{
		copy_end(copy->relid);
		create_side(copy, table);
		create_copy_trigger(copy->relid);
		store_copy(copy);
	}
	table_close(table, NoLock);
}

void
copy_open(Copy *copy, Relation *table, Relation *side)
{
	*table = try_table_open(copy->relid, AccessShareLock);
	if (*table == NULL)
		copy_raise_changed(copy);
	require_owner(*table);
	LockRelationOid(copy->side, RowExclusiveLock);
	if (!side_fits(*table, copy->side) ||
		!OidIsValid(find_trigger(copy->relid)))
		copy_raise_changed(copy);
	if ((*table)->rd_rel->relfilenode != copy->file)
	{
		drop_side(copy->side);
		create_side(copy, *table);
		copy_progress(copy);
	}
	*side = table_open(copy->side, RowExclusiveLock);
}

void
copy_end(Oid relid)
{
	if (run_on_relation("DELETE FROM similarity.reembedding WHERE relation OPERATOR(pg_catalog.=) $1 RETURNING side", relid) > 0)
	{
		Oid			side = catalog_column_oid(0, 1, "a copy of a table");

		if (is_side_table(relid, side))
			drop_side(side);
	}
	if (get_rel_name(relid) != NULL)
		trigger_drop(find_trigger(relid));
	run_on_relation("DELETE FROM similarity.reembed_queue WHERE relation OPERATOR(pg_catalog.=) $1", relid);
}

/* ---- what the trigger does ---- */

/*
 * The key of the copy that is being made of the trigger's table; 0: none is made,
 * since the trigger came with a dump, which does not tell of the copy.  The table
 * is locked, so that a copy cannot end meanwhile, but the snapshot of the statement
 * may be older than its beginning.
 */
static AttrNumber
registered_key(const TriggerData *trigger)
{
	Relation	table = trigger->tg_relation;
	AttrNumber	key = 0;
	bool		registered;

	PushActiveSnapshot(GetLatestSnapshot());
	registered = catalog_select("SELECT key FROM similarity.reembedding WHERE relation OPERATOR(pg_catalog.=) $1",
								OIDOID,
								ObjectIdGetDatum(RelationGetRelid(table))) == 1;
	if (registered)
		key = DatumGetInt16(catalog_column_datum(0, 1, INT2OID,
												 "the copy of a table"));
	PopActiveSnapshot();
	if (!registered)
		return 0;
	if (key < 1 || key > RelationGetDescr(table)->natts ||
		TupleDescAttr(RelationGetDescr(table), key - 1)->attisdropped)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" is not being re-embedded",
						RelationGetRelationName(table)),
				 errhint("Drop the trigger \"%s\"; similarity.reembed creates its own.", trigger->tg_trigger->tgname)));
	return key;
}

static char *
key_of(const TriggerData *trigger, HeapTuple tuple, AttrNumber key)
{
	char	   *text = SPI_getvalue(tuple,
									RelationGetDescr(trigger->tg_relation),
									key);

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a row of relation \"%s\", which is being re-embedded, has no key",
						RelationGetRelationName(trigger->tg_relation)),
				 errhint("Give the row a key, or end the re-embedding with similarity.reembed_cancel().")));
	return text;
}

static void
queue_key(Oid relid, const char *key)
{
	CatalogArgs args = {0};

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	catalog_arg_text(&args, key);
	catalog_run("INSERT INTO similarity.reembed_queue (relation, key) VALUES ($1, $2)", &args);
}

static void
queue_row(const TriggerData *trigger, AttrNumber key)
{
	Oid			relid = RelationGetRelid(trigger->tg_relation);
	int			settings = NewGUCNestLevel();
	char	   *old_key;
	char	   *new_key = NULL;

	portable_text();
	old_key = key_of(trigger, trigger->tg_trigtuple, key);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		new_key = key_of(trigger, trigger->tg_newtuple, key);
	AtEOXact_GUC(false, settings);
	queue_key(relid, old_key);
	if (new_key != NULL && strcmp(old_key, new_key) != 0)
		queue_key(relid, new_key);
}

/*
 * reembed_changed(): trigger of a table that is being copied, for whoever
 * changes it; queues the key of the row.  An ERROR unless called as such a
 * trigger.
 */
Datum
gallery_reembed_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	AttrNumber *key;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("similarity.reembed_changed must be called as a trigger after a row has changed")));
	SPI_connect();
	key = fcinfo->flinfo->fn_extra;
	if (key == NULL)
	{
		key = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(AttrNumber));
		*key = registered_key(trigger);
		fcinfo->flinfo->fn_extra = key;
	}
	if (*key != 0)
		queue_row(trigger, *key);
	SPI_finish();
	return PointerGetDatum(NULL);
}
