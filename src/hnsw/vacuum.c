/*
 * vacuum.c
 *	  Removing rows.
 *
 * Three steps, see the README for why they are safe:
 *	1. mark: take dead rows out of nodes; a node without rows becomes dead.
 *	   It still leads to its neighbors.
 *	2. repair: no live node keeps a dead neighbor.
 *	3. free: the places of dead nodes.
 * Before steps 2 and 3, wait for the inserts that began earlier.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/freespace.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "hnsw/history.h"
#include "hnsw/hnsw.h"
#include "hnsw/insert.h"
#include "hnsw/node.h"
#include "hnsw/nulls.h"
#include "hnsw/options.h"
#include "hnsw/root_pages.h"
#include "hnsw/stats.h"
#include "hnsw/xlog.h"
#include "server/compat.h"
#include "server/context.h"
#include "server/errors.h"

typedef struct Vacuum
{
	HnswIndex  *index;
	IndexBulkDeleteResult *stats;
	IndexBulkDeleteCallback callback;
	void	   *callback_state;
	uint32		nodes;
	GraphBits	dead;			/* nodes without rows */
	uint32		ndead;
	GraphLinker *linker;
	uint32		some_live;		/* a live node, or GRAPH_NO_NODE */
	HnswEvent	event;			/* what was done */
	TimestampTz start;
} Vacuum;

/* Wait until the inserts that are under way have ended. */
static void
wait_for_inserts(Relation relation)
{
	LockPage(relation, HNSW_INSERT_LOCK, ExclusiveLock);
	UnlockPage(relation, HNSW_INSERT_LOCK, ExclusiveLock);
}

/* A set of bits: memory of vacuum is an eighth of a byte a node. */
static void
note_dead(Vacuum *vacuum, uint32 node)
{
	switch (graph_bits_add(&vacuum->dead, node))
	{
		case GRAPH_BITS_ADDED:
			vacuum->ndead++;
			break;
		case GRAPH_BITS_PRESENT:
			break;
		case GRAPH_BITS_NO_MEMORY:
			raise_out_of_memory();
	}
}

/* ---- step 1: mark ---- */

/* The rows of a record that stay; says how many go. */
static int
dead_rows(Vacuum *vacuum, const GraphRecord *record, uint64 *keep)
{
	int			nkeep = 0;

	for (int i = 0; i < record->nrows; i++)
	{
		ItemPointerData tid;

		hnsw_row_tid(record->rows[i], &tid);
		if (!vacuum->callback(&tid, vacuum->callback_state))
			keep[nkeep++] = record->rows[i];
	}
	return record->nrows - nkeep;
}

/*
 * On the working copy of the page.  A node without rows becomes dead, not free.
 */
static void
remove_rows(GraphRecord *record, int ngone, const uint64 *keep)
{
	record->nrows -= ngone;
	memcpy(record->rows, keep, record->nrows * sizeof(uint64));
	memset(record->rows + record->nrows, 0, ngone * sizeof(uint64));
	if (record->nrows == 0)
		record->state = GRAPH_DEAD;
}

/* One page of nodes; all its changes go into one WAL record. */
static void
mark_page(Vacuum *vacuum, BlockNumber block, uint32 first)
{
	HnswIndex  *index = vacuum->index;
	IndexBulkDeleteResult *stats = vacuum->stats;
	Buffer		buffer;
	Page		page;
	HnswXlog	xlog = {0};
	bool		changing = false;
	bool		has_room = false;

	if (!hnsw_lock_page(index, block, BUFFER_LOCK_EXCLUSIVE, &buffer))
	{
		/*
		 * Never written, or of rows without an embedding: the first who wants
		 * it sees.
		 */
		RecordPageWithFreeSpace(index->relation, block, HNSW_ROOM);
		return;
	}
	page = BufferGetPage(buffer);
	for (int slot = 0; slot < index->layout.nodes_per_page; slot++)
	{
		GraphRecord *record = hnsw_page_record(index, page, block, slot);
		uint64		keep[GRAPH_ROWS];
		int			ngone = dead_rows(vacuum, record, keep);

		if (ngone > 0 && !changing)
		{
			changing = true;
			hnsw_xlog_begin(index, &xlog);
			page = hnsw_xlog_page(&xlog, buffer, false);
		}
		if (ngone > 0)
		{
			record = hnsw_page_record(index, page, block, slot);
			remove_rows(record, ngone, keep);
			stats->tuples_removed += ngone;
		}
		stats->num_index_tuples += record->nrows;
		has_room |= record->state == GRAPH_FREE;
		if (record->state == GRAPH_DEAD)
			note_dead(vacuum, first + slot);
	}
	if (changing)
		hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(buffer);
	if (has_room)
		RecordPageWithFreeSpace(index->relation, block, HNSW_ROOM);
}

/*
 * All nodes there were when vacuum began; those made since have no row that the
 * callback could name.
 */
static void
mark(Vacuum *vacuum)
{
	const HnswLayout *layout = &vacuum->index->layout;

	for (uint32 node = 0; node < vacuum->nodes; node += layout->nodes_per_page)
	{
		vacuum_delay();
		mark_page(vacuum, hnsw_node_block(layout, node), node);
	}
}

/* ---- step 2: repair ---- */

/* Live nodes of a page that have a dead neighbor */
static int
find_broken(Vacuum *vacuum, uint32 first, uint32 *broken)
{
	HnswIndex  *index = vacuum->index;
	BlockNumber block = hnsw_node_block(&index->layout, first);
	Buffer		buffer;
	int			n = 0;

	if (!hnsw_lock_page(index, block, BUFFER_LOCK_SHARE, &buffer))
		return 0;
	for (int slot = 0; slot < index->layout.nodes_per_page; slot++)
	{
		GraphRecord *record = hnsw_page_record(index, BufferGetPage(buffer),
											   block, slot);
		const uint32 *ids = graph_record_ids(record);

		if (record->state != GRAPH_LIVE)
			continue;
		vacuum->some_live = first + slot;
		for (int i = 0; i < index->layout.shape.degree; i++)
		{
			if (ids[i] < vacuum->nodes &&
				graph_bits_test(&vacuum->dead, ids[i]))
			{
				broken[n++] = first + slot;
				break;
			}
		}
	}
	UnlockReleaseBuffer(buffer);
	return n;
}

/*
 * All nodes there are by now: an insert that made one while rows were marked
 * may have found a neighbor before its turn came.
 */
static void
repair(Vacuum *vacuum)
{
	HnswIndex  *index = vacuum->index;
	uint32		nodes = hnsw_count_nodes(index);
	int			step = index->layout.nodes_per_page;
	uint32	   *broken = palloc(sizeof(uint32) * step);
	GraphStart	start = hnsw_start(index);
	Status		status;

	for (uint32 node = 0; node < nodes; node += step)
	{
		int			n;

		vacuum_delay();
		n = find_broken(vacuum, node, broken);
		for (int i = 0; i < n; i++)
		{
			bool		changed;

			CHECK_FOR_INTERRUPTS();
			start.nodes = hnsw_count_nodes(index);
			if (!graph_repair(vacuum->linker, broken[i], &start, &changed,
							  &status))
				raise_status(&status);
			vacuum->event.repaired += changed;
		}
	}
	pfree(broken);
}

/* ---- the entry point ---- */

/* A live neighbor of a dead entry point, or any live node */
static uint32
successor(Vacuum *vacuum, uint32 entry)
{
	const GraphAccess *access = &vacuum->index->access;
	GraphList	list;
	GraphList	unused;
	bool		live;

	if (access->read_list(access->context, entry, &list, &live))
		for (int i = 0; i < list.n; i++)
			if (access->read_list(access->context, list.ids[i], &unused,
								  &live) && live)
				return list.ids[i];
	return vacuum->some_live;
}

/* Set the entry point if it still is the one expected. */
static bool
set_entry_if(HnswIndex *index, uint32 expected, uint32 entry)
{
	Buffer		meta = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	bool		same = hnsw_page_meta(BufferGetPage(meta))->entry == expected;

	if (same)
		hnsw_set_entry(index, meta, entry);
	UnlockReleaseBuffer(meta);
	return same;
}

/*
 * Searches must not start at a node that will be freed.  If no live node is
 * known, the index is empty or all its nodes are newer than this vacuum; one
 * that an insert made the entry point is not in our set of dead nodes.  The
 * successor is sought without a lock on the metapage, which every scan reads.
 */
static void
replace_entry(Vacuum *vacuum)
{
	HnswIndex  *index = vacuum->index;
	uint32		entry;

	do
	{
		entry = hnsw_read_meta(index->relation).entry;
		if (entry >= vacuum->nodes || !graph_bits_test(&vacuum->dead, entry))
			return;
	} while (!set_entry_if(index, entry, successor(vacuum, entry)));
	vacuum->event.entries++;
}

/* ---- step 3: free ---- */

/*
 * A head of zeros is that of a free node.  Nothing leads there any more: lists
 * were repaired, and no insert is under way that may have seen it.
 */
static void
free_page(Vacuum *vacuum, uint32 first)
{
	HnswIndex  *index = vacuum->index;
	BlockNumber block = hnsw_node_block(&index->layout, first);
	Buffer		buffer;
	HnswXlog	xlog;
	Page		page;

	if (!hnsw_lock_page(index, block, BUFFER_LOCK_EXCLUSIVE, &buffer))
		return;
	hnsw_xlog_begin(index, &xlog);
	page = hnsw_xlog_page(&xlog, buffer, false);
	for (int slot = 0; slot < index->layout.nodes_per_page; slot++)
	{
		if (first + slot < vacuum->nodes &&
			graph_bits_test(&vacuum->dead, first + slot))
			memset(hnsw_page_record(index, page, block, slot), 0,
				   index->layout.shape.head);
	}
	hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(buffer);
	RecordPageWithFreeSpace(index->relation, block, HNSW_ROOM);
}

/* Tell how many nodes of the root go: its codes no longer are what they say. */
static void
count_root(Vacuum *vacuum)
{
	HnswIndex  *index = vacuum->index;
	const GraphRoot *root = &index->cache->root;
	HnswStats	stats = hnsw_read_meta(index->relation).stats;
	uint32		gone = 0;

	for (int i = 0; i < root->n; i++)
		gone += root->ids[i] < vacuum->nodes &&
			graph_bits_test(&vacuum->dead, root->ids[i]);
	if (gone == 0)
		return;
	stats.root_gone += gone;
	hnsw_write_stats(index, &stats);
}

/* Only pages that have dead nodes are read again. */
static void
free_dead(Vacuum *vacuum)
{
	int			step = vacuum->index->layout.nodes_per_page;

	for (uint32 node = 0; node < vacuum->nodes; node += step)
	{
		bool		any = false;

		for (int slot = 0; slot < step; slot++)
			any |= node + slot < vacuum->nodes &&
				graph_bits_test(&vacuum->dead, node + slot);
		if (!any)
			continue;
		vacuum_delay();
		free_page(vacuum, node);
	}
}

/* ---- history ---- */

static float
seconds_since(TimestampTz start)
{
	return (GetCurrentTimestamp() - start) / (double) USECS_PER_SEC;
}

/* So far: VACUUM may have more dead rows to name, and cleans up at its end. */
static void
note_unfinished(Vacuum *vacuum, double removed_before)
{
	HnswEvent  *event = &vacuum->event;

	event->kind = HNSW_EVENT_VACUUM;
	event->rows = vacuum->stats->num_index_tuples;
	event->removed = vacuum->stats->tuples_removed - removed_before;
	event->freed = vacuum->ndead;
	event->seconds = seconds_since(vacuum->start);
	hnsw_note_event(vacuum->index, *event);
}

/*
 * Rows were counted if any was dead; else they are as many as VACUUM takes the
 * table to have, unless not each of those belongs into the index.
 */
static void
note_vacuum(HnswIndex *index, const IndexVacuumInfo *info,
			const IndexBulkDeleteResult *stats, bool new_root, TimestampTz start)
{
	HnswEvent	event = {.kind = HNSW_EVENT_VACUUM,.count = 1};
	bool		is_partial = !heap_attisnull(info->index->rd_indextuple,
											 Anum_pg_index_indpred, NULL);

	event.estimated = stats->estimated_count;
	event.rows = stats->estimated_count && is_partial ? -1 :
		stats->num_index_tuples;
	event.roots = new_root;
	event.expansions = hnsw_read_stats(info->index).expansions;
	event.seconds = seconds_since(start);
	hnsw_note_event(index, event);
}

/* ---- the access method's functions ---- */

/* The ring of vacuum for all reads; one linker for all repairs */
static void
init_vacuum(Vacuum *vacuum, IndexVacuumInfo *info)
{
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	HnswIndex  *index = hnsw_open(info->index);
	Status		status;

	index->strategy = info->strategy;
	vacuum->index = index;
	vacuum->nodes = hnsw_count_nodes(index);
	vacuum->dead.arena = arena;
	vacuum->some_live = GRAPH_NO_NODE;
	vacuum->linker = graph_linker_create(arena, &index->access,
										 hnsw_ef_construction(info->index),
										 &status);
	if (vacuum->linker == NULL)
		raise_status(&status);
	if (!graph_bits_reset(&vacuum->dead, vacuum->nodes))
		raise_out_of_memory();
}

/*
 * ambulkdelete, once for each time that VACUUM's memory for dead rows is full:
 * each call leaves an index without dead nodes.
 */
IndexBulkDeleteResult *
hnsw_bulk_delete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
				 IndexBulkDeleteCallback callback, void *state)
{
	Vacuum		vacuum = {.callback = callback,.callback_state = state};
	MemoryContext context;
	MemoryContext caller;
	double		removed_before;

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	stats->num_index_tuples = 0;
	removed_before = stats->tuples_removed;
	vacuum.stats = stats;
	vacuum.start = GetCurrentTimestamp();
	context = AllocSetContextCreate(CurrentMemoryContext,
									"similarity_hnsw vacuum",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	init_vacuum(&vacuum, info);
	mark(&vacuum);
	hnsw_vacuum_nulls(vacuum.index, stats, callback, state);
	if (vacuum.ndead > 0)
	{
		wait_for_inserts(info->index);
		repair(&vacuum);
		replace_entry(&vacuum);
		wait_for_inserts(info->index);
		count_root(&vacuum);
		free_dead(&vacuum);
	}
	note_unfinished(&vacuum, removed_before);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return stats;
}

/*
 * What no longer is true of the index: its root, what was measured for the
 * planner, and its history
 */
static void
refresh(const IndexVacuumInfo *info, const IndexBulkDeleteResult *stats)
{
	TimestampTz start = GetCurrentTimestamp();
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "similarity_hnsw refresh",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	bool		new_root = hnsw_refresh_root(hnsw_open(info->index));
	HnswIndex  *index = hnsw_open(info->index);

	hnsw_measure_search(index);
	note_vacuum(index, info, stats, new_root, start);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/*
 * amvacuumcleanup: also when no row was dead, since stats grow old by inserts.
 */
IndexBulkDeleteResult *
hnsw_vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	if (info->analyze_only)
		return stats;
	if (stats == NULL)
	{
		stats = palloc0(sizeof(IndexBulkDeleteResult));
		stats->num_index_tuples = info->num_heap_tuples;
		stats->estimated_count = true;
	}
	stats->num_pages = RelationGetNumberOfBlocks(info->index);
	IndexFreeSpaceMapVacuum(info->index);
	refresh(info, stats);
	return stats;
}
