/*
 * inspect.c
 *	  similarity.index_info(): what an index is and holds;
 *	  similarity.index_degrees(): how many neighbors its nodes have;
 *	  similarity.index_stats(): what was measured of it;
 *	  similarity.index_history(): what happened to it.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "hnsw/history.h"
#include "hnsw/hnsw.h"
#include "hnsw/inspect.h"
#include "hnsw/node.h"
#include "hnsw/nulls.h"
#include "hnsw/options.h"
#include "server/call_progress.h"
#include "server/compat.h"
#include "server/context.h"
#include "server/errors.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_index_info);
PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_index_degrees);
PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_index_stats);
PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_index_history);

/* Open an index of this access method; ERROR if the oid is of anything else. */
static Relation
open_relation(Oid oid)
{
	Relation	relation = try_relation_open(oid, AccessShareLock);

	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("index with OID %u does not exist", oid)));
	if (relation->rd_rel->relkind != RELKIND_INDEX ||
		relation->rd_indam->ambuildempty != hnsw_build_empty)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index of access method similarity_hnsw",
						RelationGetRelationName(relation))));
	if (RELATION_IS_OTHER_TEMP(relation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary indexes of other sessions")));
	return relation;
}

/*
 * Nothing is locked yet, since tables come before indexes: a partition that is
 * dropped before its turn is an error then.
 */
List *
hnsw_index_parts(Oid oid)
{
	List	   *parts = NIL;
	ListCell   *cell;

	if (get_rel_relkind(oid) != RELKIND_PARTITIONED_INDEX)
		return list_make1_oid(oid);
	foreach(cell, find_all_inheritors(oid, NoLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_INDEX)
			parts = lappend_oid(parts, lfirst_oid(cell));
	}
	return parts;
}

HnswOpened
hnsw_open_with_table(Oid oid)
{
	HnswOpened	opened = {0};
	Oid			table = IndexGetRelation(oid, true);

	/* The relation is checked below; what is no index has no table. */
	if (OidIsValid(table))
		opened.heap = try_table_open(table, AccessShareLock);
	opened.index = open_relation(oid);
	if (opened.heap == NULL || opened.index->rd_index->indrelid != table)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("could not open parent table of index \"%s\"",
						RelationGetRelationName(opened.index))));
	opened.is_owner = class_ownercheck(oid, GetUserId());
	return opened;
}

bool
hnsw_sees_all_rows(Oid table)
{
	return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(table, InvalidOid, true) != RLS_ENABLED;
}

void
hnsw_require_all_rows(Oid table)
{
	AclResult	result = pg_class_aclcheck(table, GetUserId(), ACL_SELECT);

	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(get_rel_relkind(table)),
					   get_rel_name(table));
	if (check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot look into an index of table \"%s\", which has row-level security for you",
						get_rel_name(table))));
}

/* Counts and measurements of an index are of every row of its table. */
static void
require_stats(Oid index)
{
	Oid			table = IndexGetRelation(index, true);

	if (OidIsValid(table) && !class_ownercheck(index, GetUserId()))
		hnsw_require_all_rows(table);
}

void
hnsw_act_as_owner(HnswOpened *opened)
{
	role_enter(&opened->role, opened->heap->rd_rel->relowner);
	opened->acting = true;
}

void
hnsw_require_usable(const HnswOpened *opened, Snapshot snapshot)
{
	Relation	index = opened->index;

	if (!index->rd_index->indisvalid)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" is not valid",
						RelationGetRelationName(index))));
	if (IsolationUsesXactSnapshot() && index->rd_index->indcheckxmin &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), snapshot->xmin))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("index \"%s\" cannot be compared with the snapshot of this transaction",
						RelationGetRelationName(index))));
}

void
hnsw_close_with_table(HnswOpened *opened)
{
	if (opened->acting)
		role_leave(&opened->role);
	relation_close(opened->index, AccessShareLock);
	table_close(opened->heap, AccessShareLock);
}

typedef struct Counts
{
	int64		rows;
	int64		nodes[GRAPH_DEAD + 1];	/* by state */
	int64		neighbors;
	int64	   *degrees;		/* live nodes by their neighbors, 0 to degree */
} Counts;

/* One page, share-locked; a damaged one is an ERROR, as for any reader. */
static void
count_page(HnswIndex *index, BlockNumber block, Counts *counts)
{
	Buffer		buffer;

	if (!hnsw_lock_page(index, block, BUFFER_LOCK_SHARE, &buffer))
	{
		/* never written, or of rows without an embedding */
		counts->nodes[GRAPH_FREE] += index->layout.nodes_per_page;
		return;
	}
	for (int slot = 0; slot < index->layout.nodes_per_page; slot++)
	{
		GraphRecord *record = hnsw_page_record(index, BufferGetPage(buffer),
											   block, slot);

		counts->rows += record->nrows;
		counts->nodes[record->state]++;
		if (record->state == GRAPH_LIVE)
		{
			int			n = graph_record_neighbors(&index->layout.shape, record);

			counts->neighbors += n;
			counts->degrees[n]++;
		}
	}
	UnlockReleaseBuffer(buffer);
}

/*
 * The whole file once, without a lock beside that of each page: what is
 * inserted meanwhile may count or not.
 */
static Counts
count_index(HnswIndex *index, CallProgress *progress)
{
	uint32		nodes = hnsw_count_nodes(index);
	Counts		counts = {0};
	HnswNullWalk walk = hnsw_walk_nulls(index);
	ItemPointerData *rows = palloc(sizeof(ItemPointerData) * HNSW_NULLS_PER_PAGE);
	int			n;

	call_progress_phase(progress, PHASE_READING, nodes);
	counts.degrees = palloc0(sizeof(int64) * (index->layout.shape.degree + 1));
	for (uint32 node = 0; node < nodes; node += index->layout.nodes_per_page)
	{
		CHECK_FOR_INTERRUPTS();
		call_progress(progress, node);
		count_page(index, hnsw_node_block(&index->layout, node), &counts);
	}
	while (hnsw_read_nulls(index, &walk, rows, &n))
	{
		CHECK_FOR_INTERRUPTS();
		counts.rows += n;
	}
	return counts;
}

/*
 * A walk along the lists: nodes met, and those of them whose lists wait to be
 * read.  Both are bits, a third of a byte a node in all, where a queue would
 * take four; what waits is read in the order of the file, as often as it takes.
 */
typedef struct Walk
{
	GraphBits	seen;
	uint64	   *waiting;
	uint32		nodes;
	bool		again;			/* something waits behind where the walk is */
} Walk;

/*
 * A list leads from one node to another, which waits for this round if it comes
 * later in the file, else for the next.
 */
static void
walk_to(Walk *walk, uint32 node, uint32 from)
{
	if (node >= walk->nodes)
		return;
	switch (graph_bits_add(&walk->seen, node))
	{
		case GRAPH_BITS_NO_MEMORY:
			raise_out_of_memory();
		case GRAPH_BITS_PRESENT:
			break;
		case GRAPH_BITS_ADDED:
			walk->waiting[node / 64] |= UINT64CONST(1) << node % 64;
			walk->again |= node <= from;
			break;
	}
}

/* Read the list of a node; is it live? */
static bool
walk_from(Walk *walk, const GraphAccess *access, uint32 node)
{
	GraphList	list;
	bool		live;

	CHECK_FOR_INTERRUPTS();
	walk->waiting[node / 64] &= ~(UINT64CONST(1) << node % 64);
	if (!access->read_list(access->context, node, &list, &live))
		return false;
	for (int i = 0; i < list.n; i++)
		walk_to(walk, list.ids[i], node);
	return live;
}

/* Live nodes that lists lead to from where searches start */
static int64
count_reachable(HnswIndex *index, CallProgress *progress)
{
	GraphStart	start = hnsw_start(index);
	Walk		walk = {.nodes = start.nodes};
	int64		live_nodes = 0;

	call_progress_phase(progress, PHASE_FOLLOWING, start.nodes);
	walk.seen.arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	walk.waiting = palloc_extended(sizeof(uint64) * (start.nodes / 64 + 1),
								   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (!graph_bits_reset(&walk.seen, start.nodes))
		raise_out_of_memory();
	walk_to(&walk, start.entry, start.entry);
	for (int i = 0; i < start.root->n; i++)
		walk_to(&walk, start.root->ids[i], start.root->ids[i]);
	while (walk.again)
	{
		walk.again = false;
		for (uint32 node = 0; node < walk.nodes; node++)
			if (walk.waiting[node / 64] >> node % 64 & 1)
			{
				call_progress(progress, live_nodes);
				live_nodes += walk_from(&walk, &index->access, node);
			}
	}
	return live_nodes;
}

/* One row of index_info() */
static void
put_info(ReturnSetInfo *result, Oid part)
{
	Relation	relation;
	HnswIndex  *index;
	HnswMeta	meta;
	Counts		counts;
	Datum		values[20];
	bool		nulls[20] = {false};
	CallProgress progress;
	int64		live;
	double		target;

	require_stats(part);
	relation = open_relation(part);
	index = hnsw_open(relation);
	meta = hnsw_read_meta(relation);
	target = hnsw_target_recall(relation);
	index->strategy = GetAccessStrategy(BAS_BULKREAD);
	call_progress_begin(&progress, CALL_INDEX_INFO, part, 0);
	counts = count_index(index, &progress);
	live = counts.nodes[GRAPH_LIVE];
	values[0] = CStringGetTextDatum(index->space->metric->name);
	values[1] = Int32GetDatum(meta.dims);
	values[2] = Int32GetDatum(meta.degree / 2);
	values[3] = Int32GetDatum(hnsw_ef_construction(relation));
	values[4] = Int32GetDatum(hnsw_own_ef(relation, &meta.stats));
	values[5] = Int64GetDatum(counts.rows);
	values[6] = Int64GetDatum(live);
	values[7] = Int64GetDatum(counts.nodes[GRAPH_DEAD]);
	values[8] = Int64GetDatum(counts.nodes[GRAPH_FREE]);
	values[9] = Float8GetDatum(live > 0 ? (double) counts.neighbors / live : 0);
	values[10] = Int64GetDatum(RelationGetNumberOfBlocks(relation));
	values[11] = Int32GetDatum(index->layout.shape.size);
	values[12] = Int32GetDatum(meta.version);
	/* Inserts go on meanwhile: what came behind the count may be reached. */
	values[13] = Int64GetDatum(Max(live - count_reachable(index,
														  &progress), 0));
	call_progress_end(&progress);
	values[14] = Float8GetDatum(target);
	nulls[14] = target == 0;
	values[15] = Int32GetDatum(meta.root_nodes);
	values[16] = BoolGetDatum(meta.center_pages > 0);
	values[17] = Int32GetDatum(meta.passes);
	values[18] = Float8GetDatum(meta.stats.first_pass_recall);
	nulls[18] = meta.stats.first_pass_recall == 0;
	values[19] = ObjectIdGetDatum(part);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	relation_close(relation, AccessShareLock);
}

/* A row for each number of neighbors that live nodes have */
static void
put_degrees(ReturnSetInfo *result, Oid part)
{
	Relation	relation;
	HnswIndex  *index;
	CallProgress progress;
	Counts		counts;

	require_stats(part);
	relation = open_relation(part);
	index = hnsw_open(relation);
	index->strategy = GetAccessStrategy(BAS_BULKREAD);
	call_progress_begin(&progress, CALL_INDEX_DEGREES, part, 0);
	counts = count_index(index, &progress);
	call_progress_end(&progress);
	for (int n = 0; n <= index->layout.shape.degree; n++)
	{
		Datum		values[3] = {Int32GetDatum(n), Int64GetDatum(counts.degrees[n]), ObjectIdGetDatum(part)};
		bool		nulls[3] = {false};

		if (counts.degrees[n] > 0)
			tuplestore_putvalues(result->setResult, result->setDesc, values,
								 nulls);
	}
	relation_close(relation, AccessShareLock);
}

/* One row of what was measured; NULL for what never was */
static void
put_stats(ReturnSetInfo *result, Oid part)
{
	Relation	relation;
	HnswStats	stats;
	Datum		values[13];
	bool		nulls[13] = {false};

	require_stats(part);
	relation = open_relation(part);
	stats = hnsw_read_meta(relation).stats;
	values[0] = Int32GetDatum(hnsw_own_ef(relation, &stats));
	values[1] = Float8GetDatum(stats.expansions);
	values[2] = Float8GetDatum(stats.pages);
	values[11] = Float8GetDatum(stats.rows);
	nulls[1] = nulls[2] = nulls[11] = stats.ef == 0;
	values[3] = Float8GetDatum(hnsw_target_recall(relation));
	nulls[3] = hnsw_target_recall(relation) == 0;
	values[4] = Int32GetDatum(stats.target_ef);
	nulls[4] = stats.target_ef == 0;
	values[5] = Float8GetDatum(stats.recall);
	values[6] = Int32GetDatum(stats.recall_k);
	values[7] = Int32GetDatum(stats.recall_ef);
	values[8] = Int32GetDatum(stats.recall_sample);
	values[9] = Int64GetDatum((int64) stats.recall_rows);
	values[10] = TimestampTzGetDatum(stats.recall_time);
	for (int i = 5; i <= 10; i++)
		nulls[i] = stats.recall_k == 0;
	values[12] = ObjectIdGetDatum(part);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	relation_close(relation, AccessShareLock);
}

/* ---- history ---- */

/* What lies between one count of the index's rows and the next */
typedef struct Counted
{
	double		rows;			/* counted last; less than 0: never */
	double		removed;		/* since then */
} Counted;

/* How many rows were inserted since the last count, or -1 if this is none */
static double
rows_inserted(Counted *last, const HnswEvent *event)
{
	double		inserted = -1;

	last->removed += event->removed;
	if (event->kind == HNSW_EVENT_RECALL || event->estimated ||
		event->rows < 0)
		return inserted;
	if (last->rows >= 0)
		inserted = Max(event->rows - last->rows + last->removed, 0);
	last->rows = event->rows;
	last->removed = 0;
	return inserted;
}

static void
put_event(ReturnSetInfo *result, Oid part, const HnswEvent *event,
		  double inserted)
{
	static const char *const names[] = {NULL, "build", "vacuum", "recall"};
	bool		is_vacuum = event->kind == HNSW_EVENT_VACUUM;
	bool		is_recall = event->kind == HNSW_EVENT_RECALL;
	Datum		values[19];
	bool		nulls[19] = {false};

	values[0] = CStringGetTextDatum(names[event->kind]);
	values[1] = TimestampTzGetDatum(event->time);
	values[2] = Int64GetDatum(event->count);
	values[3] = Float8GetDatum(event->seconds);
	values[4] = Int64GetDatum((int64) event->rows);
	values[5] = BoolGetDatum(event->estimated != 0);
	nulls[4] = nulls[5] = event->rows < 0;
	values[6] = Int64GetDatum((int64) inserted);
	nulls[6] = inserted < 0;
	values[7] = Int64GetDatum((int64) event->removed);
	values[8] = Int64GetDatum(event->freed);
	values[9] = Int64GetDatum(event->repaired);
	values[10] = Int64GetDatum(event->entries);
	values[11] = Int64GetDatum(event->roots);
	for (int i = 7; i <= 11; i++)
		nulls[i] = !is_vacuum;
	values[12] = Int64GetDatum((int64) event->pages * BLCKSZ);
	values[13] = Float8GetDatum(event->expansions);
	nulls[13] = event->expansions == 0;
	values[14] = Float8GetDatum(event->recall);
	values[15] = Int64GetDatum(event->recall_k);
	values[16] = Int64GetDatum(event->recall_ef);
	values[17] = Int64GetDatum(event->recall_sample);
	for (int i = 14; i <= 17; i++)
		nulls[i] = !is_recall;
	values[18] = ObjectIdGetDatum(part);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_history(ReturnSetInfo *result, Oid part)
{
	Relation	relation;
	HnswEvent	events[HNSW_EVENTS];
	Counted		last = {.rows = -1};
	int			n;

	require_stats(part);
	relation = open_relation(part);
	n = hnsw_read_events(relation, events);
	for (int i = 0; i < n; i++)
	{
		if (events[i].kind < HNSW_EVENT_BUILD ||
			events[i].kind > HNSW_EVENT_RECALL ||
			!IS_VALID_TIMESTAMP(events[i].time))
			hnsw_raise_corrupted(relation, HNSW_META_BLOCK,
								 "The history holds values out of range.");
		put_event(result, part, &events[i], rows_inserted(&last,
														  &events[i]));
	}
	relation_close(relation, AccessShareLock);
}

/* A row of each part of an index */
static Datum
put_parts(FunctionCallInfo fcinfo, void (*put) (ReturnSetInfo *, Oid))
{
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, hnsw_index_parts(PG_GETARG_OID(0)))
		put((ReturnSetInfo *) fcinfo->resultinfo, lfirst_oid(cell));
	return (Datum) 0;
}

Datum
hnsw_index_info(PG_FUNCTION_ARGS)
{
	return put_parts(fcinfo, put_info);
}

Datum
hnsw_index_degrees(PG_FUNCTION_ARGS)
{
	return put_parts(fcinfo, put_degrees);
}

Datum
hnsw_index_stats(PG_FUNCTION_ARGS)
{
	return put_parts(fcinfo, put_stats);
}

Datum
hnsw_index_history(PG_FUNCTION_ARGS)
{
	return put_parts(fcinfo, put_history);
}
