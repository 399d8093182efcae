/*
 * copy.c
 *	  A copy of a table with other embeddings, brought up to date while the
 *	  table is used.
 *
 * A trigger on the table queues the keys of rows that change.  The copy is
 * filled in the order of keys; changed rows are deleted from it and copied
 * again.  Whatever a row's change and its copying do to each other, its key is
 * in the queue when the change commits, so that it is copied once more.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/cluster.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "gallery/reembed.h"
#include "model/model.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_reembed_changed);

#define QUEUE_TRIGGER "similarity_reembed"
#define TRUNCATE_TRIGGER "similarity_reembed_truncate"

/* ---- statements ---- */

static uint64
execute(const char *sql)
{
	MemoryContext caller = CurrentMemoryContext;
	int			code = SPI_execute(sql, false, 0);

	MemoryContextSwitchTo(caller);	/* SPI leaves its own */
	if (code < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(code));
	return SPI_processed;
}

/* Run a statement on the catalog whose $1 is the table. */
static uint64
run_on_relation(const char *sql, Oid relid)
{
	MemoryContext caller = CurrentMemoryContext;
	CatalogArgs args = {0};
	uint64		n;

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	n = catalog_run(sql, &args);
	MemoryContextSwitchTo(caller);
	return n;
}

static char *
result_text(int row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

/* ---- can it be copied? ---- */

static void
raise_table(const Copy *copy, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("table %s cannot be embedded anew", copy->relation),
			 errdetail("%s", why)));
}

static void
check_inputs(const Copy *copy)
{
	for (int i = 0; i < copy->ncolumns; i++)
	{
		const CopyColumn *column = &copy->columns[i];

		if (execute(psprintf("SELECT t.%s::pg_catalog.text FROM ONLY %s t WHERE t.%s IS NOT NULL AND t.%s IS NULL LIMIT 1",
							 copy->key, copy->relation, quote_identifier(column->embedding), quote_identifier(column->input))) > 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("row \"%s\" of table %s has an embedding but no input", result_text(0, 1), copy->relation),
					 errdetail("Column \"%s\" is to be computed from column \"%s\".", column->embedding, column->input)));
	}
}

void
copy_check(const Copy *copy)
{
	Relation	relation = table_open(copy->relid, AccessShareLock);

	if (!class_ownercheck(copy->relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, RelationGetRelationName(relation));
	if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		raise_table(copy, "It is not a plain table.");
	if (relation->rd_rel->relhassubclass || relation->rd_rel->relispartition)
		raise_table(copy, "It has partitions or children, or is a partition.");
	if (copy->key == NULL)
		raise_table(copy, "It has no primary key of one column.");
	if (check_enable_rls(copy->relid, InvalidOid, true) == RLS_ENABLED)
		raise_table(copy, "Row-level security hides rows from the current role.");
	table_close(relation, AccessShareLock);
	check_inputs(copy);
}

/* ---- begin and end ---- */

static void
set_side(Copy *copy, Oid side)
{
	copy->side = side;
	copy->side_relation = quote_qualified_identifier(get_namespace_name(get_rel_namespace(side)), get_rel_name(side));
}

/* A column bound to one version is bound to the new one. */
static void
set_side_typmods(const Copy *copy)
{
	for (int i = 0; i < copy->ncolumns; i++)
	{
		const char *column = copy->columns[i].embedding;
		int32		typmod = gallery_column_typmod(copy->side, get_attnum(copy->side, column));

		if (typmod >= 0 && EMBEDDING_TYPMOD_MODEL(typmod) != 0)
			swap_set_typmod(copy->side, column,
							EMBEDDING_TYPMOD(EMBEDDING_TYPMOD_DIMS(typmod), EMBEDDING_TYPMOD_KIND(typmod), copy->version));
	}
}

static void
create_side(Copy *copy)
{
	Relation	relation = table_open(copy->relid, ShareRowExclusiveLock);
	Oid			side;

	side = make_new_heap(copy->relid, relation->rd_rel->reltablespace, relation->rd_rel->relam,
						 relation->rd_rel->relpersistence, ShareRowExclusiveLock);
	table_close(relation, NoLock);
	CommandCounterIncrement();
	set_side(copy, side);
	set_side_typmods(copy);
}

static void
create_triggers(const Copy *copy)
{
	const char *function = psprintf("EXECUTE FUNCTION similarity.reembed_changed(%s)", quote_literal_cstr(copy->key_name));

	execute(psprintf("CREATE TRIGGER " QUEUE_TRIGGER " AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW %s",
					 copy->relation, function));
	execute(psprintf("CREATE TRIGGER " TRUNCATE_TRIGGER " AFTER TRUNCATE ON %s FOR EACH STATEMENT %s",
					 copy->relation, function));
	execute(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER " QUEUE_TRIGGER ", ENABLE ALWAYS TRIGGER " TRUNCATE_TRIGGER,
					 copy->relation));
}

static void
store_copy(const Copy *copy)
{
	CatalogArgs args = {0};

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->relid), false);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->side), false);
	catalog_arg_int(&args, copy->version);
	catalog_run("INSERT INTO similarity.reembedding (relation, side, version) VALUES ($1, $2, $3)", &args);
}

static void
store_progress(const Copy *copy)
{
	CatalogArgs args = {0};

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->relid), false);
	catalog_arg_text(&args, copy->last_key);
	catalog_arg(&args, BOOLOID, BoolGetDatum(copy->filled), false);
	catalog_run("UPDATE similarity.reembedding SET last_key = $2, filled = $3 WHERE relation OPERATOR(pg_catalog.=) $1", &args);
}

/* Is there one of this version that fits the table as it is? */
static bool
resume(Copy *copy)
{
	bool		isnull;
	Oid			side;
	TupleDesc	desc;
	HeapTuple	row;

	if (run_on_relation("SELECT side, version, last_key, filled FROM similarity.reembedding"
						" WHERE relation OPERATOR(pg_catalog.=) $1", copy->relid) == 0)
		return false;
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	side = DatumGetObjectId(SPI_getbinval(row, desc, 1, &isnull));
	if (DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull)) != copy->version ||
		get_rel_name(side) == NULL || !swap_same_columns(copy->relid, side))
		return false;
	copy->last_key = SPI_getvalue(row, desc, 3);
	copy->filled = DatumGetBool(SPI_getbinval(row, desc, 4, &isnull));
	set_side(copy, side);
	return true;
}

void
copy_begin(Copy *copy)
{
	if (resume(copy))
		return;
	copy_end(copy->relid);
	create_side(copy);
	create_triggers(copy);
	store_copy(copy);
}

static void
drop_side(Oid side)
{
	ObjectAddress object;

	if (get_rel_name(side) == NULL)
		return;
	ObjectAddressSet(object, RelationRelationId, side);
	performDeletion(&object, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
}

void
copy_end(Oid relid)
{
	bool		isnull;
	char	   *relation = get_rel_name(relid);

	if (run_on_relation("DELETE FROM similarity.reembedding WHERE relation OPERATOR(pg_catalog.=) $1 RETURNING side", relid) > 0)
		drop_side(DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)));
	if (relation != NULL)
	{
		relation = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), relation);
		if (OidIsValid(get_trigger_oid(relid, QUEUE_TRIGGER, true)))
			execute(psprintf("DROP TRIGGER " QUEUE_TRIGGER " ON %s", relation));
		if (OidIsValid(get_trigger_oid(relid, TRUNCATE_TRIGGER, true)))
			execute(psprintf("DROP TRIGGER " TRUNCATE_TRIGGER " ON %s", relation));
	}
	run_on_relation("DELETE FROM similarity.reembed_queue WHERE relation OPERATOR(pg_catalog.=) $1", relid);
}

/* ---- rows ---- */

static bool
is_copied_column(const Copy *copy, const char *name, const CopyColumn **embedding)
{
	*embedding = NULL;
	for (int i = 0; i < copy->ncolumns; i++)
		if (strcmp(copy->columns[i].embedding, name) == 0)
			*embedding = &copy->columns[i];
	return *embedding == NULL;
}

/* A column of the copy as it comes from a row "s" of the table */
static void
append_value(StringInfo sql, const Copy *copy, const char *name)
{
	const CopyColumn *embedding;

	if (is_copied_column(copy, name, &embedding))
		appendStringInfo(sql, "s.%s", quote_identifier(name));
	else
		appendStringInfo(sql, "CASE WHEN s.%s IS NOT NULL THEN %s.embed_batch(%d, s.%s) OVER () END",
						 quote_identifier(name), quote_identifier(embedding_schema_name()), copy->version,
						 quote_identifier(embedding->input));
}

/* INSERT INTO side (columns) SELECT their values FROM (rows) s */
static char *
insert_statement(const Copy *copy, const char *rows)
{
	Relation	relation = table_open(copy->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (column->attisdropped)
			continue;
		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", quote_identifier(NameStr(column->attname)));
		appendStringInfoString(&values, values.len > 0 ? ", " : "");
		append_value(&values, copy, NameStr(column->attname));
	}
	table_close(relation, AccessShareLock);
	return psprintf("INSERT INTO %s (%s) SELECT %s FROM (%s) s", copy->side_relation, names.data, values.data, rows);
}

int64
copy_rows(Copy *copy, int limit)
{
	const char *after = copy->last_key == NULL ? "" :
	psprintf(" WHERE t.%s %s %s::%s", copy->key, copy->key_greater, quote_literal_cstr(copy->last_key), copy->key_type);
	const char *rows = psprintf("SELECT t.* FROM ONLY %s t%s ORDER BY t.%s LIMIT %d",
								copy->relation, after, copy->key, limit);
	char	   *sql = psprintf("WITH copied AS (%s RETURNING %s)"
							   " SELECT pg_catalog.count(*), (SELECT c.%s::pg_catalog.text FROM copied c ORDER BY c.%s DESC LIMIT 1) FROM copied",
							   insert_statement(copy, rows), copy->key, copy->key, copy->key);
	bool		isnull;
	int64		n;

	execute(sql);
	n = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	if (n > 0)
		copy->last_key = result_text(0, 2);
	copy->filled = n < limit;
	store_progress(copy);
	return n;
}

/* ---- changes ---- */

/* After a TRUNCATE everything begins again. */
static void
empty_side(Copy *copy)
{
	execute(psprintf("DELETE FROM ONLY %s", copy->side_relation));
	copy->last_key = NULL;
	copy->filled = false;
	store_progress(copy);
}

/* The keys of changes as an array literal; NULL if the table was emptied */
static char *
take_changes(Copy *copy, int limit, int64 *n)
{
	CatalogArgs args = {0};
	char	   *keys;
	MemoryContext caller = CurrentMemoryContext;
	bool		isnull;
	bool		emptied;

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->relid), false);
	catalog_arg_int(&args, limit);
	catalog_run("WITH taken AS (DELETE FROM similarity.reembed_queue WHERE id OPERATOR(pg_catalog.=) ANY"
				" (ARRAY(SELECT q.id FROM similarity.reembed_queue q WHERE q.relation OPERATOR(pg_catalog.=) $1"
				" ORDER BY q.id LIMIT $2)) RETURNING key)"
				" SELECT pg_catalog.count(*), coalesce(pg_catalog.bool_or(key IS NULL), false),"
				" pg_catalog.array_agg(DISTINCT key) FILTER (WHERE key IS NOT NULL) FROM taken", &args);
	MemoryContextSwitchTo(caller);
	*n = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	emptied = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	keys = result_text(0, 3);
	if (emptied)
		empty_side(copy);
	return emptied ? NULL : keys;
}

int64
copy_changes(Copy *copy, int limit)
{
	int64		n;
	char	   *keys = take_changes(copy, limit, &n);
	const char *condition;

	if (keys == NULL)
		return n;
	condition = psprintf("t.%s %s ANY (%s::pg_catalog.text[]::%s[])",
						 copy->key, copy->key_equal, quote_literal_cstr(keys), copy->key_type);
	execute(psprintf("DELETE FROM ONLY %s t WHERE %s", copy->side_relation, condition));
	execute(insert_statement(copy, psprintf("SELECT t.* FROM ONLY %s t WHERE %s", copy->relation, condition)));
	return n;
}

/* ---- indexes ---- */

/* The same statement with another name and another table */
static void
build_index(const Copy *copy, Oid index)
{
	char	   *definition = pg_get_indexdef_string(index);
	char	   *using = strstr(definition, " USING ");
	char	   *on = psprintf(" ON %s USING ", copy->relation);
	char	   *found = strstr(definition, on);
	bool		unique = strncmp(definition, "CREATE UNIQUE ", 14) == 0;

	if (using == NULL || found == NULL)
		elog(ERROR, "index \"%s\" has an unexpected definition: %s", get_rel_name(index), definition);
	execute(psprintf("CREATE %sINDEX ON %s USING %s", unique ? "UNIQUE " : "", copy->side_relation, found + strlen(on)));
}

bool
copy_next_index(Copy *copy)
{
	ListCell   *cell;

	foreach(cell, swap_index_pairs(copy))
	{
		const IndexPair *pair = lfirst(cell);

		if (OidIsValid(pair->side))
			continue;
		build_index(copy, pair->index);
		return true;
	}
	return false;
}

/* ---- the trigger ---- */

static void
queue_key(Oid relid, const char *key)
{
	CatalogArgs args = {0};

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(relid), false);
	catalog_arg_text(&args, key);
	catalog_run("INSERT INTO similarity.reembed_queue (relation, key) VALUES ($1, $2)", &args);
}

static char *
key_of(const TriggerData *trigger, HeapTuple tuple)
{
	AttrNumber	number = trigger_column(trigger, 0, "The table is being embedded anew; similarity.reembed_cancel ends that.");

	return SPI_getvalue(tuple, RelationGetDescr(trigger->tg_relation), number);
}

static void
queue_row(const TriggerData *trigger)
{
	Oid			relid = RelationGetRelid(trigger->tg_relation);
	char	   *old_key = key_of(trigger, trigger->tg_trigtuple);

	queue_key(relid, old_key);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		char	   *new_key = key_of(trigger, trigger->tg_newtuple);

		if (strcmp(old_key, new_key) != 0)
			queue_key(relid, new_key);
	}
}

/* reembed_changed(key): queues the keys of rows that change; NULL for TRUNCATE */
Datum
gallery_reembed_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) || trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("similarity.reembed_changed must be called as a trigger after a change")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		queue_row(trigger);
	else
		queue_key(RelationGetRelid(trigger->tg_relation), NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}
