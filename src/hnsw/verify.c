/*
 * verify.c
 *	  similarity.verify_index(): one row for each thing that should not be.
 *
 * What must hold:
 *	1. pages and records are sound;
 *	2. a live node has rows, within the table, and no row is there twice;
 *	3. neighbors are other nodes that exist, each once, and not free (a vacuum
 *	   that was interrupted leaves links to dead ones);
 *	4. stored vectors are sound, and noted distances and codes are theirs;
 *	5. the entry point is not free, and there is one if there are live nodes;
 *	6. the pages of rows without an embedding are one list;
 *	7. every row that a snapshot sees, and the index should have, is there, with
 *	   or without an embedding.
 * The insert lock keeps inserts away while the index is read, and vacuum from
 * freeing nodes.  On a standby nothing keeps replay away: there what it may have
 * caused is looked at again, or not reported.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

#include "graph/check.h"
#include "hnsw/insert.h"
#include "hnsw/inspect.h"
#include "hnsw/node.h"
#include "hnsw/nulls.h"
#include "server/call_progress.h"
#include "server/compat.h"
#include "server/context.h"
#include "server/errors.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_verify_index);

/* Looks at what replay may have changed between two reads */
#define LOOKS 3

/* Marks a row pointer of a row without an embedding. */
#define NULL_ROW (UINT64_C(1) << 62)

typedef struct Verify
{
	HnswIndex  *index;
	ReturnSetInfo *result;
	const char *part;			/* the partition's index, to be named; or NULL */
	Relation	heap;
	CallProgress progress;
	bool		replaying;		/* others change the index */
	bool		looking;		/* do not report yet, but note that */
	bool		suspicious;		/* there is something to be reported */
	uint32		nodes;
	BlockNumber table_blocks;
	Tuplesortstate *index_rows;
	Tuplesortstate *table_rows;
	int64		rows_read;
	GraphBits	bad;			/* nodes that cannot be looked at */
	bool		any_live;
	BlockNumber null_pages;		/* seen in passing */
	GraphRecord *record;		/* copy of the one in hand, without its vector */
	void	   *own;			/* that vector */
	void	   *neighbor;
	GraphChecker *checker;
} Verify;

/* A finding; of a look that check_again() may repeat, only that there is one */
static void
put_finding(Verify *verify, BlockNumber block, int64 node, const char *finding)
{
	Datum		values[3];
	bool		nulls[3] = {false, node < 0, false};

	if (verify->looking)
	{
		verify->suspicious = true;
		return;
	}
	values[0] = Int64GetDatum(block);
	values[1] = Int64GetDatum(node);
	values[2] = CStringGetTextDatum(verify->part == NULL ? finding :
									psprintf("%s: %s", verify->part, finding));
	tuplestore_putvalues(verify->result->setResult, verify->result->setDesc,
						 values, nulls);
}

/*
 * Make a check that compares several pages.  If others may change one after it
 * was read, only what is found again counts.
 */
static void
check_again(Verify *verify, void (*check) (Verify *, uint32), uint32 node)
{
	for (int look = 1; verify->replaying && look < LOOKS; look++)
	{
		verify->looking = true;
		verify->suspicious = false;
		check(verify, node);
		verify->looking = false;
		if (!verify->suspicious)
			return;
	}
	check(verify, node);
}

/* Nodes are added behind those there were only by replay. */
static bool
node_exists(Verify *verify, uint32 node)
{
	return node < verify->nodes ||
		(verify->replaying && node < hnsw_count_nodes(verify->index));
}

/* ---- rows ---- */

/*
 * Row pointers are sorted within maintenance_work_mem, those of the index and
 * those of the table, and compared.
 */
static Tuplesortstate *
begin_sort(void)
{
	return tuplesort_begin_datum(INT8OID, Int8LessOperator, InvalidOid, false,
								 maintenance_work_mem, NULL, TUPLESORT_NONE);
}

static void
note_row(Tuplesortstate *rows, uint64 row)
{
	tuplesort_putdatum(rows, Int64GetDatum((int64) row), false);
}

static bool
next_sorted(Tuplesortstate *rows, uint64 *row)
{
	Datum		value;
	bool		isnull;

	if (!next_sorted_datum(rows, &value, &isnull))
		return false;
	*row = (uint64) DatumGetInt64(value);
	return true;
}

static char *
row_text(uint64 row, const char *what)
{
	const char *kind = row & NULL_ROW ? " without an embedding" : "";

	return psprintf("row (%u,%u)%s %s", (uint32) ((row & ~NULL_ROW) >> 16),
					(uint32) (row & 0xFFFF), kind, what);
}

/*
 * The next row of the index; those that come again are reported.  (With replay
 * one may have been removed and its pointer used again behind our back.)
 */
static bool
next_index_row(Verify *verify, uint64 *row)
{
	uint64		last = *row;

	while (next_sorted(verify->index_rows, row))
	{
		if (*row != last || verify->rows_read == 0)
		{
			verify->rows_read++;
			return true;
		}
		if (!verify->replaying)
			put_finding(verify, HNSW_META_BLOCK, -1,
						row_text(*row, "is in the index twice"));
	}
	return false;
}

static void
table_callback(Relation relation, ItemPointer tid, Datum *values,
			   bool *isnull, bool alive, void *state)
{
	CHECK_FOR_INTERRUPTS();
	note_row(((Verify *) state)->table_rows,
			 hnsw_row(tid) | (isnull[0] ? NULL_ROW : 0));
}

/*
 * The rows that the index should have, as a snapshot older than our look at it
 * sees them
 */
static void
note_table(Verify *verify, const HnswOpened *opened, Snapshot snapshot)
{
	TableScanDesc scan = table_beginscan_strat(opened->heap, snapshot, 0, NULL,
											   true, true);
	IndexInfo  *info = BuildIndexInfo(opened->index);

	info->ii_Concurrent = true; /* by a snapshot */
	table_index_build_scan(opened->heap, opened->index, info, true, false,
						   table_callback, verify, scan);
}

/* Doubles in the index, and rows that it lacks */
static void
check_rows(Verify *verify)
{
	uint64		in_index = 0;
	uint64		in_table;
	bool		more;

	tuplesort_performsort(verify->index_rows);
	tuplesort_performsort(verify->table_rows);
	more = next_index_row(verify, &in_index);
	while (next_sorted(verify->table_rows, &in_table))
	{
		CHECK_FOR_INTERRUPTS();
		while (more && in_index < in_table)
			more = next_index_row(verify, &in_index);
		if (!more || in_index != in_table)
			put_finding(verify, HNSW_META_BLOCK, -1,
						row_text(in_table, "of the table is not in the index"));
	}
	while (more)
		more = next_index_row(verify, &in_index);
	tuplesort_end(verify->index_rows);
	tuplesort_end(verify->table_rows);
}

/* ---- pages and records ---- */

/* Its lists and links are not looked at: one fault, one finding. */
static void
bad_node(Verify *verify, uint32 node)
{
	if (graph_bits_add(&verify->bad, node) == GRAPH_BITS_NO_MEMORY)
		raise_out_of_memory();
}

/* The table may have grown since it was last asked. */
static bool
is_beyond_table(Verify *verify, uint64 row)
{
	if (row >> 16 >= verify->table_blocks)
		verify->table_blocks = RelationGetNumberOfBlocks(verify->heap);
	return row >> 16 >= verify->table_blocks;
}

/* A row pointer of a node, or with NULL_ROW as its kind */
static void
check_row(Verify *verify, BlockNumber block, int64 node, uint64 row,
		  uint64 kind)
{
	if ((row & 0xFFFF) == 0)
		put_finding(verify, block, node, "a row pointer is invalid");
	else if (is_beyond_table(verify, row))
		put_finding(verify, block, node,
					psprintf("row (%llu,%u) is beyond the end of the table",
							 (unsigned long long) row >> 16,
							 (uint32) (row & 0xFFFF)));
	else
		note_row(verify->index_rows, row | kind);
}

/* The rows of one record */
static void
check_record(Verify *verify, BlockNumber block, uint32 node,
			 const GraphRecord *record)
{
	if (!graph_record_is_sound(record))
	{
		put_finding(verify, block, node, "the node's counts are out of range");
		bad_node(verify, node);
		return;
	}
	for (int i = 0; i < record->nrows; i++)
		check_row(verify, block, node, record->rows[i], 0);
}

/* One page; first is the node that begins there.  False if it is damaged. */
static bool
check_page(Verify *verify, BlockNumber block, uint32 first, HnswPageKind kind)
{
	HnswIndex  *index = verify->index;
	Buffer		buffer = ReadBufferExtended(index->relation, MAIN_FORKNUM,
											block, RBM_NORMAL, index->strategy);
	Page		page = BufferGetPage(buffer);
	const char *problem;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	problem = PageIsNew(page) ? NULL : hnsw_page_problem(page, kind);
	if (kind == HNSW_PAGE_NODES &&
		hnsw_page_problem(page, HNSW_PAGE_NULLS) == NULL)
	{
		verify->null_pages++;
		problem = NULL;
	}
	else if (problem != NULL)
		put_finding(verify, block, -1, problem);
	else if (!PageIsNew(page) && kind == HNSW_PAGE_NODES)
	{
		for (int slot = 0; slot < index->layout.nodes_per_page; slot++)
			check_record(verify, block, first + slot, (GraphRecord *)
						 (PageGetContents(page) +
						  slot * index->layout.shape.size));
	}
	UnlockReleaseBuffer(buffer);
	return problem == NULL;
}

/* All pages of nodes once, in the order of the file */
static void
check_pages(Verify *verify)
{
	const HnswLayout *layout = &verify->index->layout;

	for (uint32 node = 0; node < verify->nodes; node += layout->nodes_per_page)
	{
		BlockNumber block = hnsw_node_block(layout, node);
		bool		sound = check_page(verify, block, node, HNSW_PAGE_NODES);

		CHECK_FOR_INTERRUPTS();
		for (int i = 1; i < layout->pages_per_node; i++)
			sound &= check_page(verify, block + i, node, HNSW_PAGE_MORE);
		for (int slot = 0; slot < layout->nodes_per_page && !sound; slot++)
			bad_node(verify, node + slot);
	}
}

/*
 * The list of pages of rows without an embedding.  All that were seen are
 * there; replay may have added others.
 */
static void
check_nulls(Verify *verify)
{
	HnswIndex  *index = verify->index;
	BlockNumber block = hnsw_read_meta(index->relation).nulls;
	BlockNumber most = verify->replaying ?
	RelationGetNumberOfBlocks(index->relation) : verify->null_pages;
	BlockNumber pages = 0;
	ItemPointerData *rows = palloc(sizeof(ItemPointerData) * HNSW_NULLS_PER_PAGE);

	for (; block != 0 && pages < most; pages++)
	{
		BlockNumber next;
		int			n;
		const char *problem = hnsw_copy_nulls(index, block, rows, &n, &next);

		CHECK_FOR_INTERRUPTS();
		if (problem != NULL)
		{
			put_finding(verify, block, -1, problem);
			return;
		}
		for (int i = 0; i < n; i++)
			check_row(verify, block, -1, hnsw_row(&rows[i]), NULL_ROW);
		block = next;
	}
	if (block != 0 || pages < verify->null_pages)
		put_finding(verify, HNSW_META_BLOCK, -1,
					"the pages of rows without an embedding do not form a list");
}

/* ---- lists ---- */

/* Copy a record that is neither free nor bad; false otherwise. */
static bool
copy_record(Verify *verify, uint32 node)
{
	HnswIndex  *index = verify->index;
	const GraphShape *shape = &index->layout.shape;
	const void *own;
	Buffer		buffer;
	GraphRecord *record;

	if (graph_bits_test(&verify->bad, node))
		return false;
	record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE, &buffer);
	if (record == NULL)
		return false;
	memcpy(verify->record, record, shape->head);
	own = hnsw_record_own(index, record, buffer, verify->own);
	if (own != verify->own)
		memcpy(verify->own, own, shape->own_size);
	UnlockReleaseBuffer(buffer);
	return true;
}

/* A neighbor that can be looked at */
static void
check_vectors(Verify *verify, BlockNumber block, uint32 node, int slot,
			  uint32 neighbor)
{
	const GraphAccess *access = &verify->index->access;
	const GraphShape *shape = &verify->index->layout.shape;
	const void *own = access->own(access->context, neighbor, verify->neighbor);

	if (own == NULL)
	{
		put_finding(verify, block, node, psprintf("neighbor %u is free", neighbor));
		return;
	}
	if (!stored_is_sound(verify->own) || !stored_is_sound(own))
		return;
	if (!graph_distance_agrees(access->space, verify->own,
							   graph_record_distances(shape,
													  verify->record)[slot],
							   own))
		put_finding(verify, block, node,
					psprintf("the distance of neighbor %u is wrong", neighbor));
	if (!graph_code_agrees(verify->checker, verify->record, verify->own, slot,
						   own))
		put_finding(verify, block, node,
					psprintf("the code of neighbor %u is wrong", neighbor));
}

/* One slot of the record that was copied */
static void
check_neighbor(Verify *verify, BlockNumber block, uint32 node, int slot)
{
	const uint32 *ids = graph_record_ids(verify->record);
	uint32		neighbor = ids[slot];

	if (!node_exists(verify, neighbor))
	{
		put_finding(verify, block, node,
					psprintf("neighbor %u does not exist", neighbor));
		return;
	}
	if (neighbor == node)
		put_finding(verify, block, node, "the node is its own neighbor");
	for (int i = 0; i < slot; i++)
		if (ids[i] == neighbor)
			put_finding(verify, block, node,
						psprintf("neighbor %u is there twice", neighbor));
	if (!graph_bits_test(&verify->bad, neighbor))
		check_vectors(verify, block, node, slot, neighbor);
}

/* A live node: its own vector, and each neighbor */
static void
check_list(Verify *verify, uint32 node)
{
	const GraphShape *shape = &verify->index->layout.shape;
	BlockNumber block = hnsw_node_block(&verify->index->layout, node);

	if (!copy_record(verify, node) || verify->record->state != GRAPH_LIVE)
		return;
	verify->any_live = true;
	if (!stored_is_sound(verify->own))
		put_finding(verify, block, node, "the stored vector is damaged");
	for (int slot = 0; slot < shape->degree; slot++)
		if (graph_record_ids(verify->record)[slot] != GRAPH_NO_NODE)
			check_neighbor(verify, block, node, slot);
}

/* All nodes; a list is compared with other pages, hence check_again() */
static void
check_lists(Verify *verify)
{
	HnswIndex  *index = verify->index;
	const GraphShape *shape = &index->layout.shape;

	verify->record = palloc(shape->size);
	verify->own = palloc(shape->own_size);
	verify->neighbor = palloc(shape->own_size);
	verify->checker = graph_checker_create(memory_arena(CurrentMemoryContext,
														ARENA_NO_BUDGET),
										   index->space);
	if (verify->checker == NULL)
		raise_out_of_memory();
	call_progress_begin(&verify->progress, CALL_VERIFY_INDEX,
						RelationGetRelid(index->relation), 0);
	call_progress_phase(&verify->progress, PHASE_CHECKING, verify->nodes);
	for (uint32 node = 0; node < verify->nodes; node++)
	{
		CHECK_FOR_INTERRUPTS();
		call_progress(&verify->progress, node);
		check_again(verify, check_list, node);
	}
	call_progress_end(&verify->progress);
}

/* Replay makes the first node before it makes it the entry point. */
static void
check_entry(Verify *verify, uint32 unused)
{
	const GraphAccess *access = &verify->index->access;
	uint32		entry = hnsw_read_meta(verify->index->relation).entry;
	GraphList	list;
	bool		live;

	if (entry == GRAPH_NO_NODE)
	{
		if (verify->any_live && !verify->replaying)
			put_finding(verify, HNSW_META_BLOCK, -1, "there are nodes but no entry");
	}
	else if (!node_exists(verify, entry) ||
			 (!graph_bits_test(&verify->bad, entry) &&
			  !access->read_list(access->context, entry, &list, &live)))
		put_finding(verify, HNSW_META_BLOCK, entry, "the entry does not exist");
}

/* What the index says by itself, while nobody inserts */
static void
check_index(Verify *verify, const HnswOpened *opened)
{
	LockPage(opened->index, HNSW_INSERT_LOCK, ExclusiveLock);
	verify->heap = opened->heap;
	verify->table_blocks = RelationGetNumberOfBlocks(opened->heap);
	verify->replaying = RecoveryInProgress();
	verify->index = hnsw_open(opened->index);
	verify->index->strategy = GetAccessStrategy(BAS_BULKREAD);
	verify->nodes = hnsw_count_nodes(verify->index);
	verify->bad.arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	if (!graph_bits_reset(&verify->bad, verify->nodes))
		raise_out_of_memory();
	check_pages(verify);
	check_nulls(verify);
	check_lists(verify);
	check_again(verify, check_entry, 0);
	UnlockPage(opened->index, HNSW_INSERT_LOCK, ExclusiveLock);
}

static void
verify_part(ReturnSetInfo *result, Oid part, bool named)
{
	HnswOpened	opened = hnsw_open_with_table(part);
	Verify		verify = {.result = result};
	Snapshot	snapshot;

	if (!opened.is_owner)
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_INDEX,
					   RelationGetRelationName(opened.index));
	if (named)
		verify.part = RelationGetRelationName(opened.index);
	hnsw_act_as_owner(&opened);
	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	hnsw_require_usable(&opened, snapshot);
	verify.index_rows = begin_sort();
	verify.table_rows = begin_sort();
	check_index(&verify, &opened);
	note_table(&verify, &opened, snapshot);
	check_rows(&verify);
	UnregisterSnapshot(snapshot);
	hnsw_close_with_table(&opened);
}

Datum
hnsw_verify_index(PG_FUNCTION_ARGS)
{
	Oid			index = PG_GETARG_OID(0);
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, hnsw_index_parts(index))
		verify_part((ReturnSetInfo *) fcinfo->resultinfo, lfirst_oid(cell),
					lfirst_oid(cell) != index);
	return (Datum) 0;
}
