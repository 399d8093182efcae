/*
 * copy_indexes.c
 *	  The indexes of a copy: built and paired from catalogs.
 *
 * They are made as CREATE TABLE ... (LIKE ... INCLUDING INDEXES) makes them.
 * DefineIndex() builds them as the owner of the copy, who is the table's.
 */
#include "postgres.h"

#include "access/attmap.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "parser/parse_utilcmd.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "gallery/trigger.h"
#include "reembed/reembed.h"
#include "server/compat.h"
#include "server/role.h"
#include "server/tuple.h"

/* ---- are two indexes alike? ---- */

/* Attributes of an index's rows in pg_index and pg_class that make it what it is */
static const AttrNumber alike[] = {
	Anum_pg_index_indnatts, Anum_pg_index_indnkeyatts, Anum_pg_index_indkey,
	Anum_pg_index_indcollation, Anum_pg_index_indclass, Anum_pg_index_indoption
};


/*
 * Expressions as they stand in the catalog.  Those of the relation cache have
 * been simplified, which can run functions that they call.
 */
static Node *
expressions(HeapTuple index, AttrNumber number)
{
	bool		isnull;
	Datum		nodes = SysCacheGetAttr(INDEXRELID, index, number, &isnull);

	return isnull ? NULL : stringToNode(TextDatumGetCString(nodes));
}

static bool
same_expressions(HeapTuple a, HeapTuple b, AttrNumber number)
{
	return equal(expressions(a, number), expressions(b, number));
}

static HeapTuple
options_of(Oid index, Datum *options, bool *isnull)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", index);
	*options = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_reloptions, isnull);
	return tuple;
}

static bool
same_options(Relation a, Relation b)
{
	Datum		x;
	Datum		y;
	bool		null_x;
	bool		null_y;
	HeapTuple	tuple_x = options_of(RelationGetRelid(a), &x, &null_x);
	HeapTuple	tuple_y = options_of(RelationGetRelid(b), &y, &null_y);
	bool		same = null_x == null_y &&
	(null_x || datum_image_eq(x, y, false, -1));

	ReleaseSysCache(tuple_x);
	ReleaseSysCache(tuple_y);
	for (int i = 1; same && i <= a->rd_index->indnatts; i++)
	{
		x = get_attoptions(RelationGetRelid(a), i);
		y = get_attoptions(RelationGetRelid(b), i);
		same = (x == (Datum) 0) == (y == (Datum) 0) &&
			(x == (Datum) 0 || datum_image_eq(x, y, false, -1));
	}
	return same;
}

/* Do they hold the same?  What they enforce does not matter. */
static bool
are_alike(Relation a, Relation b)
{
	Relation	catalog;
	bool		same = a->rd_rel->relam == b->rd_rel->relam;

	catalog = table_open(IndexRelationId, AccessShareLock);
	for (int i = 0; same && i < lengthof(alike); i++)
		same = tuple_same_value(a->rd_indextuple, b->rd_indextuple,
								RelationGetDescr(catalog), alike[i]);
	table_close(catalog, AccessShareLock);
	return same && same_expressions(a->rd_indextuple, b->rd_indextuple,
									Anum_pg_index_indexprs) &&
		same_expressions(a->rd_indextuple, b->rd_indextuple,
						 Anum_pg_index_indpred) && same_options(a, b);
}

/* ---- pairs ---- */

/* The first of the list that is like the index, taken out of it */
static Oid
take_alike(Oid index, List **candidates)
{
	Relation	relation = index_open(index, AccessShareLock);
	Oid			found = InvalidOid;
	ListCell   *cell;

	foreach(cell, *candidates)
	{
		Relation	candidate = index_open(lfirst_oid(cell), AccessShareLock);

		if (are_alike(relation, candidate))
			found = lfirst_oid(cell);
		index_close(candidate, AccessShareLock);
		if (OidIsValid(found))
		{
			*candidates = foreach_delete_current(*candidates, cell);
			break;
		}
	}
	index_close(relation, AccessShareLock);
	return found;
}

List *
indexes_pair(Relation table, Relation side)
{
	List	   *candidates = RelationGetIndexList(side);
	List	   *pairs = NIL;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(table))
	{
		IndexPair  *pair = palloc(sizeof(IndexPair));

		pair->index = lfirst_oid(cell);
		pair->side = take_alike(pair->index, &candidates);
		pairs = lappend(pairs, pair);
	}
	return pairs;
}

Oid
indexes_of_key(const Copy *copy, Relation table, Relation side)
{
	Oid			key = primary_key_index(table);
	ListCell   *cell;

	foreach(cell, indexes_pair(table, side))
	{
		const IndexPair *pair = lfirst(cell);

		if (pair->index == key && OidIsValid(pair->side))
			return pair->side;
	}
	copy_raise_changed(copy);
}

/* ---- building ---- */

/* Columns have the same numbers in both. */
static AttrMap *
same_numbers(Relation table)
{
	AttrMap    *map = make_attrmap(RelationGetDescr(table)->natts);

	for (int i = 0; i < map->maplen; i++)
		map->attnums[i] = TupleDescAttr(RelationGetDescr(table),
										i)->attisdropped ? 0 : i + 1;
	return map;
}

/* The index's definition without what it enforces */
static IndexStmt *
plain_statement(Relation table, Oid index)
{
	Relation	relation = index_open(index, AccessShareLock);
	IndexStmt  *statement = generateClonedIndexStmt(NULL, relation,
													same_numbers(table), NULL);

	index_close(relation, AccessShareLock);
	statement->idxname = trigger_random_name("similarity_reembed");
	statement->unique = false;
	statement->primary = false;
	statement->isconstraint = false;
	statement->deferrable = false;
	statement->initdeferred = false;
	statement->excludeOpNames = NIL;
	clear_new_index_constraints(statement);
	return statement;
}

static void
build(Copy *copy, Relation table, Oid index)
{
	IndexStmt  *statement = plain_statement(table, index);
	RoleFrame	owner;

	role_enter(&owner, table->rd_rel->relowner);
	(void) set_config_option("default_tablespace", "", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) define_index(copy->side, statement);
	role_leave(&owner);
	CommandCounterIncrement();
}

/* The first index without a pair, InvalidOid if there is none */
static Oid
next_to_build(Relation table, Relation side)
{
	ListCell   *cell;

	foreach(cell, indexes_pair(table, side))
	{
		const IndexPair *pair = lfirst(cell);

		if (!OidIsValid(pair->side))
			return pair->index;
	}
	return InvalidOid;
}

bool
indexes_build_next(Copy *copy)
{
	Relation	table;
	Relation	side;
	Oid			index;

	copy_open(copy, &table, &side);
	index = next_to_build(table, side);
	table_close(side, NoLock);
	if (OidIsValid(index))
	{
		build(copy, table, index);
		side = table_open(copy->side, NoLock);
		if (next_to_build(table, side) == index)
			elog(ERROR, "the copy of index %u is not like it", index);
		table_close(side, NoLock);
	}
	table_close(table, NoLock);
	return OidIsValid(index);
}
