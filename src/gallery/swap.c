/*
 * swap.c
 *	  Exchange the storage of a table and its copy.
 *
 * The table keeps its OID, and with it views, foreign keys, privileges,
 * policies and triggers; only the files behind it, behind its TOAST table and
 * behind its indexes change, as CLUSTER and VACUUM FULL change them.  Unlike
 * those, indexes are exchanged and not rebuilt.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "gallery/reembed.h"

/* ---- files ---- */

static HeapTuple
class_tuple(Oid relid)
{
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	return tuple;
}

#define SWAP(type, a, b) \
	do { type swap_t = (a); (a) = (b); (b) = swap_t; } while (0)

/* What pg_class says of the files goes with them. */
static void
swap_class(Form_pg_class a, Form_pg_class b)
{
	SWAP(Oid, a->relfilenode, b->relfilenode);
	SWAP(Oid, a->reltablespace, b->reltablespace);
	SWAP(Oid, a->reltoastrelid, b->reltoastrelid);
	SWAP(int32, a->relpages, b->relpages);
	SWAP(float4, a->reltuples, b->reltuples);
	SWAP(int32, a->relallvisible, b->relallvisible);
	SWAP(TransactionId, a->relfrozenxid, b->relfrozenxid);
	SWAP(TransactionId, a->relminmxid, b->relminmxid);
}

/* A TOAST table belongs to whoever links to it. */
static void
give_toast(Oid toast, Oid relid)
{
	ObjectAddress owner;
	ObjectAddress object;

	if (!OidIsValid(toast))
		return;
	if (deleteDependencyRecordsFor(RelationRelationId, toast, false) != 1)
		elog(ERROR, "TOAST table %u does not belong to one table", toast);
	ObjectAddressSet(owner, RelationRelationId, relid);
	ObjectAddressSet(object, RelationRelationId, toast);
	recordDependencyOn(&object, &owner, DEPENDENCY_INTERNAL);
}

static void
swap_relation(Relation classes, Oid a, Oid b)
{
	HeapTuple	tuple_a = class_tuple(a);
	HeapTuple	tuple_b = class_tuple(b);
	Form_pg_class form_a = (Form_pg_class) GETSTRUCT(tuple_a);
	Form_pg_class form_b = (Form_pg_class) GETSTRUCT(tuple_b);
	CatalogIndexState indexes = CatalogOpenIndexes(classes);

	if (form_a->relfilenode == InvalidOid || form_b->relfilenode == InvalidOid ||
		form_a->relpersistence != form_b->relpersistence || form_a->relam != form_b->relam)
		elog(ERROR, "relations %u and %u cannot exchange their storage", a, b);
	swap_class(form_a, form_b);
	CatalogTupleUpdateWithInfo(classes, &tuple_a->t_self, tuple_a, indexes);
	CatalogTupleUpdateWithInfo(classes, &tuple_b->t_self, tuple_b, indexes);
	CatalogCloseIndexes(indexes);
	InvokeObjectPostAlterHookArg(RelationRelationId, a, 0, InvalidOid, true);
	give_toast(form_a->reltoastrelid, a);
	give_toast(form_b->reltoastrelid, b);
	heap_freetuple(tuple_a);
	heap_freetuple(tuple_b);

	/* neither may write through a file handle of the other */
	RelationCloseSmgrByOid(a);
	RelationCloseSmgrByOid(b);
	CacheInvalidateRelcacheByRelid(a);
	CacheInvalidateRelcacheByRelid(b);
}

void
swap_storage(const Copy *copy)
{
	Relation	classes = table_open(RelationRelationId, RowExclusiveLock);
	List	   *pairs = swap_index_pairs(copy);
	ListCell   *cell;

	foreach(cell, pairs)
	{
		const IndexPair *pair = lfirst(cell);

		if (!OidIsValid(pair->side))
			elog(ERROR, "index %u of table %u has no copy", pair->index, copy->relid);
		swap_relation(classes, pair->index, pair->side);
	}
	swap_relation(classes, copy->relid, copy->side);
	table_close(classes, RowExclusiveLock);
	CommandCounterIncrement();
}

/* ---- indexes ---- */

/*
 * What an index is but for its name and its table: the text of its definition
 * from USING on, and whether it is unique.
 */
static char *
index_definition(Oid index, Oid relid)
{
	char	   *definition = pg_get_indexdef_string(index);
	char	   *prefix = psprintf(" INDEX %s ON %s USING ", quote_identifier(get_rel_name(index)),
								  quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)));
	char	   *found = strstr(definition, prefix);

	if (found == NULL)
		elog(ERROR, "index \"%s\" has an unexpected definition: %s", get_rel_name(index), definition);
	return psprintf("%.*s|%s", (int) (found - definition), definition, found + strlen(prefix));
}

static List *
indexes_of(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	List	   *indexes = RelationGetIndexList(relation);

	table_close(relation, AccessShareLock);
	return indexes;
}

/* The index of the copy with this definition that no pair has taken */
static Oid
take_index(const Copy *copy, List **indexes, const char *definition)
{
	ListCell   *cell;

	foreach(cell, *indexes)
	{
		Oid			index = lfirst_oid(cell);

		if (strcmp(index_definition(index, copy->side), definition) == 0)
		{
			*indexes = foreach_delete_current(*indexes, cell);
			return index;
		}
	}
	return InvalidOid;
}

List *
swap_index_pairs(const Copy *copy)
{
	List	   *ours = indexes_of(copy->relid);
	List	   *theirs = list_copy(indexes_of(copy->side));
	List	   *pairs = NIL;
	ListCell   *cell;

	foreach(cell, ours)
	{
		IndexPair  *pair = palloc(sizeof(IndexPair));

		pair->index = lfirst_oid(cell);
		pair->side = take_index(copy, &theirs, index_definition(pair->index, copy->relid));
		pairs = lappend(pairs, pair);
	}
	return pairs;
}

/* ---- columns ---- */

bool
swap_same_columns(Oid relid, Oid side)
{
	Relation	a = table_open(relid, AccessShareLock);
	Relation	b = table_open(side, AccessShareLock);
	TupleDesc	x = RelationGetDescr(a);
	TupleDesc	y = RelationGetDescr(b);
	bool		same = x->natts == y->natts;

	for (int i = 0; same && i < x->natts; i++)
	{
		Form_pg_attribute p = TupleDescAttr(x, i);
		Form_pg_attribute q = TupleDescAttr(y, i);

		same = p->attisdropped == q->attisdropped && p->atttypid == q->atttypid &&
			p->attlen == q->attlen && p->attalign == q->attalign && p->attbyval == q->attbyval &&
			strcmp(NameStr(p->attname), NameStr(q->attname)) == 0;
	}
	table_close(a, AccessShareLock);
	table_close(b, AccessShareLock);
	return same;
}

static void
set_attribute_typmod(Relation attributes, Oid relid, AttrNumber number, int32 typmod)
{
	HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(number));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for attribute %d of relation %u", number, relid);
	((Form_pg_attribute) GETSTRUCT(tuple))->atttypmod = typmod;
	CatalogTupleUpdate(attributes, &tuple->t_self, tuple);
	heap_freetuple(tuple);
	CacheInvalidateRelcacheByRelid(relid);
}

/* Positions of a plain column in an index */
static void
set_index_typmod(Relation attributes, Oid index, AttrNumber number, int32 typmod)
{
	Relation	relation = index_open(index, AccessShareLock);

	for (int i = 0; i < relation->rd_index->indnatts; i++)
		if (relation->rd_index->indkey.values[i] == number)
			set_attribute_typmod(attributes, index, i + 1, typmod);
	index_close(relation, AccessShareLock);
}

void
swap_set_typmod(Oid relid, const char *column, int32 typmod)
{
	Relation	attributes = table_open(AttributeRelationId, RowExclusiveLock);
	AttrNumber	number = get_attnum(relid, column);
	ListCell   *cell;

	set_attribute_typmod(attributes, relid, number, typmod);
	foreach(cell, indexes_of(relid))
		set_index_typmod(attributes, lfirst_oid(cell), number, typmod);
	table_close(attributes, RowExclusiveLock);
	CommandCounterIncrement();
}
