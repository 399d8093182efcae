/*
 * lookup.c
 *	  The k nearest rows of a gallery, and lookup().
 *
 * The search is one SELECT ... ORDER BY distance LIMIT k on the user's table,
 * run as the invoker, with every name quoted and qualified, so that an index
 * serves it and privileges, row security and visibility are PostgreSQL's.
 * k is a literal in its text: a parameter would hide from the planner how few
 * rows are needed.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "eval/retrieval.h"
#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "gallery/gallery_input.h"
#include "gallery/lookup.h"
#include "gallery/statement.h"
#include "server/arguments.h"
#include "server/cursor.h"
#include "server/labels.h"
#include "server/plan_cache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_lookup);

/* ---- the statement ---- */

static void
append_function(StringInfo sql, const Gallery *gallery)
{
	const char *column = quote_identifier(gallery->embedding);
	const char *schema = quote_identifier(embedding_schema_name());
	const char *function = gallery->distance->function;

	if (gallery->distance->query_first)
		appendStringInfo(sql, "%s.%s($1, t.%s)", schema, function, column);
	else
		appendStringInfo(sql, "%s.%s(t.%s, $1)", schema, function, column);
}

static void
append_operator(StringInfo sql, const Gallery *gallery)
{
	appendStringInfo(sql, "t.%s OPERATOR(%s.%s) $1",
					 quote_identifier(gallery->embedding),
					 quote_identifier(embedding_schema_name()),
					 gallery->distance->operator);
}

static void
append_distance(StringInfo sql, const Gallery *gallery)
{
	if (gallery->distance->function != NULL)
		append_function(sql, gallery);
	else
		append_operator(sql, gallery);
}

static void
append_order(StringInfo sql, const Gallery *gallery)
{
	if (gallery->distance->operator != NULL)
		append_operator(sql, gallery);
	else
		append_function(sql, gallery);
}

/*
 * A column worth showing, not pixels and not a vector, that the current role
 * may read.
 */
static bool
is_item_column(Form_pg_attribute column)
{
	Oid			type;

	if (column->attisdropped)
		return false;
	type = getBaseType(column->atttypid);
	return type != BYTEAOID && type != embedding_type_oid() &&
		gallery_may_read(column->attrelid, column->attnum);
}

/* Key, id and what the item is made of; c4, c5, ... in the outer query. */
static void
append_item_sources(StringInfo sql, const Gallery *gallery, TupleDesc columns)
{
	bool		has_id = get_rel_relkind(gallery->relid) != RELKIND_VIEW &&
	gallery_may_read(gallery->relid, SelfItemPointerAttributeNumber);

	if (gallery->key != NULL)
		appendStringInfo(sql, ", t.%s", quote_identifier(gallery->key));
	else
		appendStringInfoString(sql, ", NULL::pg_catalog.text");
	appendStringInfoString(sql, has_id ? ", t.ctid" : ", NULL::pg_catalog.tid");
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (is_item_column(column))
			appendStringInfo(sql, ", t.%s",
							 quote_identifier(NameStr(column->attname)));
	}
}

/* Is the type one of PostgreSQL's, of a superuser, or of the current role? */
static bool
is_trusted_type(Oid type)
{
	HeapTuple	tuple;
	Oid			owner;

	if (type < FirstNormalObjectId)
		return true;
	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	owner = ((Form_pg_type) GETSTRUCT(tuple))->typowner;
	ReleaseSysCache(tuple);
	return owner == GetUserId() || superuser_arg(owner);
}

/*
 * to_jsonb() calls the cast to json that a type has, which its owner has
 * written: nobody else calls it.
 */
static bool
is_safe_json(Oid type)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);
	bool		safe = is_trusted_type(base);

	check_stack_depth();
	if (OidIsValid(element))
		return is_safe_json(element);
	if (safe && get_typtype(base) == TYPTYPE_COMPOSITE)
	{
		TupleDesc	columns = lookup_rowtype_tupdesc(base, -1);

		for (int i = 0; safe && i < columns->natts; i++)
			safe = TupleDescAttr(columns, i)->attisdropped ||
				is_safe_json(TupleDescAttr(columns, i)->atttypid);
		ReleaseTupleDesc(columns);
	}
	return safe;
}

/* A column of the item: as JSON, or as its type prints it */
static void
append_item_column(StringInfo sql, Form_pg_attribute column, int number)
{
	if (is_safe_json(column->atttypid))
		appendStringInfo(sql, "n.c%d", number);
	else
		appendStringInfo(sql, "CASE WHEN NOT n.c%d IS NULL THEN pg_catalog.format('%%s', n.c%d) END", number, number);
	appendStringInfo(sql, " AS %s", quote_identifier(NameStr(column->attname)));
}

/* The item as an object whose keys are the columns' names. */
static void
append_item(StringInfo sql, TupleDesc columns)
{
	int			number = NEIGHBOR_ITEM;

	appendStringInfoString(sql,
						   "(SELECT pg_catalog.to_jsonb(s.*) FROM (SELECT ");
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (is_item_column(column))
		{
			appendStringInfoString(sql, number > NEIGHBOR_ITEM ? ", " : "");
			append_item_column(sql, column, number++);
		}
	}
	appendStringInfoString(sql, ") s)");
}

/* The key, if there is one and the role may read it */
static void
append_readable_key(StringInfo sql, const Gallery *gallery)
{
	AttrNumber	key = gallery->key == NULL ? InvalidAttrNumber :
	get_attnum(gallery->relid, gallery->key);

	if (key != InvalidAttrNumber && gallery_may_read(gallery->relid, key))
		appendStringInfo(sql, ", t.%s", quote_identifier(gallery->key));
	else
		appendStringInfoString(sql, ", NULL::pg_catalog.text");
}

/* Which rows are searched */
typedef enum SearchedRows
{
	SEARCH_ALL,
	SEARCH_LABELED,
	SEARCH_UNLABELED
} SearchedRows;

static void
append_condition(StringInfo sql, const Gallery *gallery, SearchedRows searched)
{
	appendStringInfo(sql, " WHERE t.%s IS NOT NULL",
					 quote_identifier(gallery->embedding));
	if (searched != SEARCH_ALL)
		appendStringInfo(sql, " AND t.%s IS %sNULL",
						 quote_identifier(gallery->label),
						 searched == SEARCH_LABELED ? "NOT " : "");
}

static void
append_columns(StringInfo sql, const Gallery *gallery, NeighborColumns columns,
			   TupleDesc desc)
{
	appendStringInfo(sql, "t.%s, ", quote_identifier(gallery->label));
	append_distance(sql, gallery);
	if (columns == NEIGHBOR_ITEMS)
		append_item_sources(sql, gallery, desc);
	if (columns == NEIGHBOR_KEYS)
		appendStringInfo(sql, ", %s%s", gallery->key ? "t." : "",
						 gallery->key ? quote_identifier(gallery->key) :
						 "NULL::pg_catalog.text");
	if (columns == NEIGHBOR_IMAGES || columns == NEIGHBOR_CARDS)
		appendStringInfo(sql, gallery->image ? ", t.%s" :
						 ", NULL::pg_catalog.bytea",
						 gallery->image ? quote_identifier(gallery->image) :
						 "");
	if (columns == NEIGHBOR_CARDS)
		append_readable_key(sql, gallery);
}

/* How many columns those are */
static int
count_columns(NeighborColumns columns, TupleDesc desc)
{
	int			n = NEIGHBOR_ID;

	if (columns == NEIGHBOR_LABELS)
		return NEIGHBOR_DISTANCE;
	if (columns == NEIGHBOR_KEYS || columns == NEIGHBOR_IMAGES)
		return NEIGHBOR_KEY;
	if (columns == NEIGHBOR_CARDS)
		return NEIGHBOR_CARD_KEY;
	for (int i = 0; i < desc->natts; i++)
		n += is_item_column(TupleDescAttr(desc, i));
	return n;
}

/* Behind the select list: the k nearest rows of a table */
static void
append_search(StringInfo sql, const Gallery *gallery, const char *relation,
			  SearchedRows searched, int k)
{
	appendStringInfo(sql, " FROM %s t", relation);
	append_condition(sql, gallery, searched);
	appendStringInfoString(sql, " ORDER BY ");
	append_order(sql, gallery);
	appendStringInfo(sql, " LIMIT %d", k);
}

static void
append_aliases(StringInfo sql, const char *name, int n)
{
	appendStringInfo(sql, " AS %s (c1", name);
	for (int i = 2; i <= n; i++)
		appendStringInfo(sql, ", c%d", i);
	appendStringInfoChar(sql, ')');
}

/*
 * The k nearest rows of each shard, and of those the k nearest.  What they are
 * sorted by is their distance, or a column behind the others.  OFFSET 0 keeps
 * the shards from being merged, which would ask one after the other.
 */
static void
append_nearest_of_shards(StringInfo sql, const Gallery *gallery, List *shards,
						 NeighborColumns columns, TupleDesc desc,
						 SearchedRows searched, int k)
{
	bool		by_distance = gallery->distance->function == NULL ||
	gallery->distance->operator == NULL;
	int			n = count_columns(columns, desc);
	int			order = by_distance ? NEIGHBOR_DISTANCE : n + 1;
	ListCell   *cell;

	appendStringInfoString(sql, "SELECT u.c1");
	for (int i = 2; i <= n; i++)
		appendStringInfo(sql, ", u.c%d", i);
	appendStringInfoString(sql, " FROM (");
	foreach(cell, shards)
	{
		appendStringInfoString(sql, foreach_current_index(cell) > 0 ?
							   " UNION ALL (SELECT " : "(SELECT ");
		append_columns(sql, gallery, columns, desc);
		if (!by_distance)
		{
			appendStringInfoString(sql, ", ");
			append_order(sql, gallery);
		}
		append_search(sql, gallery, lfirst(cell), searched, k);
		appendStringInfoChar(sql, ')');
	}
	appendStringInfoString(sql, " OFFSET 0)");
	append_aliases(sql, "u", Max(n, order));
	appendStringInfo(sql, " ORDER BY u.c%d LIMIT %d", order, k);
}

/* The k nearest rows, their columns numbered. */
static void
append_nearest(StringInfo sql, const Gallery *gallery, NeighborColumns columns,
			   TupleDesc desc, SearchedRows searched, int k)
{
	List	   *shards = gallery_shards(gallery);

	if (shards != NIL)
	{
		append_nearest_of_shards(sql, gallery, shards, columns, desc, searched,
								 k);
		return;
	}
	appendStringInfoString(sql, "SELECT ");
	append_columns(sql, gallery, columns, desc);
	append_search(sql, gallery, gallery->relation, searched, k);
}

/* Items are made of the k rows found, not of every row the search passes. */
static void
append_items(StringInfo sql, const Gallery *gallery, int k)
{
	Relation	relation = try_relation_open(gallery->relid, AccessShareLock);
	TupleDesc	desc;

	if (relation == NULL)
		gallery_raise_changed(gallery);
	desc = RelationGetDescr(relation);
	appendStringInfoString(sql, "SELECT n.c1, n.c2, n.c3, n.c4, ");
	append_item(sql, desc);
	appendStringInfoString(sql, " FROM (");
	append_nearest(sql, gallery, NEIGHBOR_ITEMS, desc, SEARCH_ALL, k);
	appendStringInfoChar(sql, ')');
	append_aliases(sql, "n", count_columns(NEIGHBOR_ITEMS, desc));
	relation_close(relation, AccessShareLock);
}

static SPIPlanPtr
prepare_search(StringInfo sql)
{
	Oid			type = embedding_type_oid();
	SPIPlanPtr	plan = cursor_prepare(sql->data, 1, &type);

	pfree(sql->data);
	return plan;
}

static void
append_statement(StringInfo sql, const Gallery *gallery,
				 NeighborColumns columns, int k)
{
	if (columns == NEIGHBOR_IMAGES)
		gallery_require_image(gallery);
	if (columns == NEIGHBOR_ITEMS)
		append_items(sql, gallery, k);
	else
		append_nearest(sql, gallery, columns, NULL, SEARCH_ALL, k);
}

SPIPlanPtr
neighbors_prepare(const Gallery *gallery, NeighborColumns columns, int k)
{
	StringInfoData sql;

	initStringInfo(&sql);
	append_statement(&sql, gallery, columns, k);
	return prepare_search(&sql);
}

/*
 * How large the table is, to a power of two: a plan made when it was empty is
 * not the one to use when it is full, and nobody may have analyzed it since.
 */
static int
table_size(Oid relid)
{
	Relation	relation = try_relation_open(relid, AccessShareLock);
	int			size = 0;

	if (relation == NULL)
		return 0;
	if (RELKIND_HAS_STORAGE(relation->rd_rel->relkind))
		size = pg_leftmost_one_pos32(RelationGetNumberOfBlocks(relation) | 1);
	relation_close(relation, AccessShareLock);
	return size;
}

SPIPlanPtr
neighbors_kept(const Gallery *gallery, NeighborColumns columns, int k,
			   MemoryContext user)
{
	Oid			type = embedding_type_oid();
	StringInfoData sql;
	SPIPlanPtr	plan;

	initStringInfo(&sql);
	append_statement(&sql, gallery, columns, k);
	plan = plan_cache_get(sql.data, 1, &type, table_size(gallery->relid), user);
	pfree(sql.data);
	return plan;
}

SPIPlanPtr
neighbors_prepare_some(const Gallery *gallery, NeighborColumns columns,
					   bool labeled, int k)
{
	StringInfoData sql;

	Assert(columns != NEIGHBOR_ITEMS);
	initStringInfo(&sql);
	append_nearest(&sql, gallery, columns, NULL,
				   labeled ? SEARCH_LABELED : SEARCH_UNLABELED, k);
	return prepare_search(&sql);
}

/* ---- searching ---- */

/* Rows go to a function as the executor finds them. */
typedef struct NeighborReceiver
{
	DestReceiver receiver;		/* first: the executor knows nothing else */
	NeighborFunction function;
	void	   *state;
	int			n;
	MemoryContext context;		/* of one row */
	ErrorContextCallback *caller;	/* outside of the statement */
} NeighborReceiver;

/*
 * What refuses a row is no error of the statement that found it, which the user
 * did not write: SPI's context of it is left out.
 */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	NeighborReceiver *receiver = (NeighborReceiver *) self;
	NeighborRow row = {receiver->n++, slot};
	MemoryContext previous = MemoryContextSwitchTo(receiver->context);
	ErrorContextCallback *statement = error_context_stack;

	error_context_stack = receiver->caller;
	receiver->function(receiver->state, &row);
	error_context_stack = statement;
	MemoryContextSwitchTo(previous);
	MemoryContextReset(receiver->context);
	return true;
}

static void
receive_begin(DestReceiver *self, int operation, TupleDesc columns)
{
}

static void
receive_end(DestReceiver *self)
{
}

int
neighbors_find(SPIPlanPtr plan, const Embedding *query,
			   NeighborFunction function, void *state)
{
	MemoryContext caller = CurrentMemoryContext;
	NeighborReceiver receiver = {
		{receive_row, receive_begin, receive_end, receive_end, DestTuplestore},
		function, state,.caller = error_context_stack
	};
	SPIExecuteOptions options = {.read_only = true,.dest = &receiver.receiver};
	int			code;

	CHECK_FOR_INTERRUPTS();
	receiver.context = AllocSetContextCreate(caller, "neighbor",
											 ALLOCSET_DEFAULT_SIZES);
	options.params = makeParamList(1);
	options.params->params[0].value = PointerGetDatum(query);
	options.params->params[0].isnull = false;
	options.params->params[0].pflags = PARAM_FLAG_CONST;
	options.params->params[0].ptype = embedding_type_oid();
	code = SPI_execute_plan_extended(plan, &options);
	MemoryContextSwitchTo(caller);	/* SPI leaves its own */
	if (code != SPI_OK_SELECT)
		elog(ERROR, "look-up failed: %s", SPI_result_code_string(code));
	MemoryContextDelete(receiver.context);
	pfree(options.params);
	return receiver.n;
}

static Oid
column_type(const NeighborRow *row, int column)
{
	return TupleDescAttr(row->slot->tts_tupleDescriptor, column - 1)->atttypid;
}

/*
 * A changed table invalidates the plan, and functions of users that ran since
 * then may have put another table in its place.
 */
Datum
neighbor_value(const NeighborRow *row, int column, Oid type, bool *isnull)
{
	Oid			found = column_type(row, column);

	if (found != type && getBaseType(found) != type)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the table of a gallery changed while it was searched")));
	return slot_getattr(row->slot, column, isnull);
}

static char *
neighbor_text(const NeighborRow *row, int column)
{
	bool		isnull;
	Datum		value = slot_getattr(row->slot, column, &isnull);

	return isnull ? NULL : labels_of_value(value, column_type(row, column));
}

char *
neighbor_label(const NeighborRow *row)
{
	return neighbor_text(row, NEIGHBOR_LABEL);
}

char *
neighbor_key(const NeighborRow *row)
{
	return neighbor_text(row, NEIGHBOR_KEY);
}

char *
neighbor_card_key(const NeighborRow *row)
{
	return neighbor_text(row, NEIGHBOR_CARD_KEY);
}

double
neighbor_distance(const NeighborRow *row)
{
	bool		isnull;
	Datum		value = neighbor_value(row, NEIGHBOR_DISTANCE, FLOAT8OID,
									   &isnull);

	return isnull ? NAN : DatumGetFloat8(value);
}

/* ---- lookup ---- */

void
neighbor_values(const NeighborRow *row, Datum *values, bool *nulls)
{
	char	   *label = neighbor_label(row);
	char	   *key = neighbor_key(row);

	nulls[0] = false;
	values[0] = Int32GetDatum(row->rank + 1);
	nulls[1] = label == NULL;
	values[1] = label ? CStringGetTextDatum(label) : 0;
	values[2] = neighbor_value(row, NEIGHBOR_DISTANCE, FLOAT8OID, &nulls[2]);
	nulls[3] = key == NULL;
	values[3] = key ? CStringGetTextDatum(key) : 0;
	values[4] = neighbor_value(row, NEIGHBOR_ID, TIDOID, &nulls[4]);
	values[5] = neighbor_value(row, NEIGHBOR_ITEM, JSONBOID, &nulls[5]);
}

static void
put_neighbor(void *state, const NeighborRow *row)
{
	ReturnSetInfo *result = state;
	Datum		values[NEIGHBOR_VALUES];
	bool		nulls[NEIGHBOR_VALUES];

	neighbor_values(row, values, nulls);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * lookup(gallery, input, k).
 *
 * Needs SELECT on the gallery's columns, and USAGE on its model for raw input
 * (42501).  input must be of a type that can be embedded (42804), k between 1
 * and EVAL_MAX_K (22023).  Needs no calibration, writes nothing, and finds no
 * row in an empty gallery.
 */
Datum
gallery_lookup(PG_FUNCTION_ARGS)
{
	Oid			type;
	Datum		input = input_argument(fcinfo, 1, &type);
	int			k = k_argument(fcinfo, 2, 5);
	char	   *name = argument_text(fcinfo, 0, "gallery");
	Search	   *search;
	Embedding  *query;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	search = search_begin(fcinfo, name);
	gallery_require_input(search->gallery, type);
	query = gallery_embed(search->gallery, input, type);
	neighbors_find(search_plan(search, NEIGHBOR_ITEMS, k), query, put_neighbor,
				   fcinfo->resultinfo);
	gallery_close(search->gallery);
	SPI_finish();
	return (Datum) 0;
}
