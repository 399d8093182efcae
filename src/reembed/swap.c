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
#include "commands/tablecmds.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "reembed/reembed.h"
#include "server/compat.h"

/* ---- columns ---- */

/* Only what decides how a row is read: names may have changed since. */
bool
swap_same_columns(Relation table, Relation side)
{
	TupleDesc	x = RelationGetDescr(table);
	TupleDesc	y = RelationGetDescr(side);
	bool		same = x->natts == y->natts;

	for (int i = 0; same && i < x->natts; i++)
	{
		Form_pg_attribute p = TupleDescAttr(x, i);
		Form_pg_attribute q = TupleDescAttr(y, i);

		same = p->attisdropped == q->attisdropped &&
			p->atttypid == q->atttypid &&
			p->attlen == q->attlen && p->attalign == q->attalign &&
			p->attbyval == q->attbyval;
	}
	return same;
}

/* A column that is bound to a version is bound to the new one. */
int32
swap_typmod(int32 typmod, int version)
{
	if (typmod < 0 || EMBEDDING_TYPMOD_MODEL(typmod) == 0)
		return typmod;
	return EMBEDDING_TYPMOD(EMBEDDING_TYPMOD_DIMS(typmod),
							EMBEDDING_TYPMOD_KIND(typmod), version);
}

/* In pg_attribute itself: ALTER TABLE would rewrite, or check, every row. */
static void
set_attribute_typmod(Relation attributes, Oid relid, AttrNumber number,
					 int32 typmod)
{
	HeapTuple	tuple = SearchSysCacheCopy2(ATTNUM, ObjectIdGetDatum(relid),
											Int16GetDatum(number));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for attribute %d of relation %u",
			 number, relid);
	((Form_pg_attribute) GETSTRUCT(tuple))->atttypmod = typmod;
	CatalogTupleUpdate(attributes, &tuple->t_self, tuple);
	heap_freetuple(tuple);
	CacheInvalidateRelcacheByRelid(relid);
}

/* Positions of a plain column in an index */
static void
set_index_typmod(Relation attributes, Oid index, AttrNumber number,
				 int32 typmod)
{
	Relation	relation = index_open(index, AccessShareLock);

	for (int i = 0; i < relation->rd_index->indnatts; i++)
		if (relation->rd_index->indkey.values[i] == number)
			set_attribute_typmod(attributes, index, i + 1, typmod);
	index_close(relation, AccessShareLock);
}

/*
 * Of a column and of the indexes on it, whose columns have types of their own
 */
static void
set_typmod(Relation table, AttrNumber column, int32 typmod)
{
	Relation	attributes = table_open(AttributeRelationId, RowExclusiveLock);
	ListCell   *cell;

	set_attribute_typmod(attributes, RelationGetRelid(table), column, typmod);
	foreach(cell, RelationGetIndexList(table))
		set_index_typmod(attributes, lfirst_oid(cell), column, typmod);
	table_close(attributes, RowExclusiveLock);
	CommandCounterIncrement();
}

/* ---- files ---- */

static HeapTuple
class_tuple(Oid relid)
{
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	return tuple;
}

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
	SWAP_FROZEN_PAGES(a, b);
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

/*
 * As swap_relation_files() of PostgreSQL's CLUSTER, which is static there, of
 * plain tables and indexes.
 */
static void
swap_relation(Relation classes, Oid a, Oid b)
{
	HeapTuple	tuple_a = class_tuple(a);
	HeapTuple	tuple_b = class_tuple(b);
	Form_pg_class form_a = (Form_pg_class) GETSTRUCT(tuple_a);
	Form_pg_class form_b = (Form_pg_class) GETSTRUCT(tuple_b);
	CatalogIndexState indexes = CatalogOpenIndexes(classes);

	if (form_a->relfilenode == InvalidOid ||
		form_b->relfilenode == InvalidOid ||
		form_a->relpersistence != form_b->relpersistence ||
		form_a->relam != form_b->relam)
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
	close_file_handle(a);
	close_file_handle(b);
	CacheInvalidateRelcacheByRelid(a);
	CacheInvalidateRelcacheByRelid(b);
}

/* Indexes first, each locked when it is reached; those on the tables are held. */
static void
swap_all(Relation table, Relation side)
{
	Relation	classes = table_open(RelationRelationId, RowExclusiveLock);
	ListCell   *cell;

	foreach(cell, indexes_pair(table, side))
	{
		const IndexPair *pair = lfirst(cell);

		if (!OidIsValid(pair->side))
			elog(ERROR, "index %u of table %u has no copy", pair->index,
				 RelationGetRelid(table));
		LockRelationOid(pair->index, AccessExclusiveLock);
		LockRelationOid(pair->side, AccessExclusiveLock);
		swap_relation(classes, pair->index, pair->side);
	}
	swap_relation(classes, RelationGetRelid(table), RelationGetRelid(side));
	table_close(classes, RowExclusiveLock);
}

/* A TOAST table is named after its owner, and no longer one that a table is rewritten to. */
static void
rename_toast(Oid relid)
{
	Relation	relation = table_open(relid, NoLock);
	Oid			toast = relation->rd_rel->reltoastrelid;
	Relation	toast_relation;
	List	   *indexes;

	table_close(relation, NoLock);
	if (!OidIsValid(toast))
		return;
	toast_relation = table_open(toast, AccessExclusiveLock);
	indexes = RelationGetIndexList(toast_relation);
	table_close(toast_relation, NoLock);
	RenameRelationInternal(toast, psprintf("pg_toast_%u", relid), true, false);
	RenameRelationInternal(linitial_oid(indexes),
						   psprintf("pg_toast_%u_index", relid), true, true);
	CommandCounterIncrement();
	ResetRelRewrite(toast);
	CommandCounterIncrement();
}

static void
bind_columns(const Copy *copy, Relation table)
{
	for (int i = 0; i < copy->ncolumns; i++)
	{
		AttrNumber	column = copy->columns[i].embedding;
		int32		typmod = TupleDescAttr(RelationGetDescr(table),
										   column - 1)->atttypmod;

		if (swap_typmod(typmod, copy->version) != typmod)
			set_typmod(table, column, swap_typmod(typmod, copy->version));
	}
}

/*
 * The caller holds AccessExclusiveLock on both.  Either all of it is done
 * when the transaction commits, or nothing.
 */
void
swap_storage(Copy *copy)
{
	Relation	table;
	Relation	side;

	copy_open(copy, &table, &side);
	bind_columns(copy, table);
	swap_all(table, side);
	table_close(side, NoLock);
	table_close(table, NoLock);
	CommandCounterIncrement();
	copy_end(copy->relid);
	CommandCounterIncrement();
	rename_toast(copy->relid);
}
