/*
 * node.c
 *	  Finding nodes on pages, and reading them.
 *
 * Pages are untrusted: every record is checked before anybody sees it, so that
 * a damaged page gives an error and never a wild pointer.  Neighbors' numbers
 * are not checked here: whoever follows one to where nothing is finds no node.
 */
#include "postgres.h"

#include "executor/instrument.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/snapmgr.h"

#include "hnsw/node.h"
#include "kernel/prefetch.h"
#include "server/compat.h"

/* Most hints where blocks are: a megabyte */
#define RECENT_MAX (256 * 1024)

/* One of so many reads looks for its block in the shared table. */
#define ASK_EVERY 8

void
hnsw_check_old_snapshot(HnswIndex *index, Page page)
{
	if (index->snapshot != NULL)
		check_old_snapshot(index->snapshot, index->relation, page);
}

uint32
hnsw_count_nodes(HnswIndex *index)
{
	const HnswLayout *layout = &index->layout;
	BlockNumber blocks = RelationGetNumberOfBlocks(index->relation);

	index->blocks = blocks;
	if (blocks <= layout->first)
		return 0;
	blocks -= layout->first;
	return Min((uint64) blocks / layout->pages_per_node * layout->nodes_per_page,
			   (uint64) GRAPH_NO_NODE - 1);
}

HnswRecent *
hnsw_create_recent(Relation relation)
{
	uint32		size = 64;
	HnswRecent *recent;

	if (RelationUsesLocalBuffers(relation))
		return NULL;
	while (size < RECENT_MAX && size < RelationGetNumberOfBlocks(relation))
		size *= 2;
	recent = palloc0(offsetof(HnswRecent, buffers) + size * sizeof(Buffer));
	recent->mask = size - 1;
	return recent;
}

/*
 * Follow the hint where the block was last: that spares the shared table of
 * buffers, three places of memory that nothing has prefetched.  But it does
 * not tell the buffer that it is in use, so now and then ask the table.
 */
static bool
read_recent(HnswIndex *index, BlockNumber block, Buffer buffer)
{
	if (!BufferIsValid(buffer) ||
		++index->cache->recent->reads % ASK_EVERY == 0 ||
		!ReadRecentBuffer(relation_file(index->relation), MAIN_FORKNUM, block,
						  buffer))
		return false;
	pgstat_count_buffer_read(index->relation);
	pgstat_count_buffer_hit(index->relation);
	return true;
}

/*
 * Blocks had to be fetched from outside: for a while, ask for those that may
 * be next in time.
 */
static void
notice_misses(HnswIndex *index)
{
	uint64		misses = pgBufferUsage.shared_blks_read;

	if (misses != index->ahead.misses)
		index->ahead.nodes = GRAPH_AHEAD;
	else if (index->ahead.nodes > 1)
		index->ahead.nodes--;
	index->ahead.misses = misses;
}

/*
 * Vacuum and verification read through a ring (strategy) and do not push out
 * what scans need; hints are not for them.
 */
static Buffer
read_block(HnswIndex *index, BlockNumber block)
{
	HnswRecent *recent = index->cache->recent;
	Buffer	   *hint;

	if (recent == NULL || index->strategy != NULL)
		return ReadBufferExtended(index->relation, MAIN_FORKNUM, block,
								  RBM_NORMAL, index->strategy);
	hint = &recent->buffers[block & recent->mask];
	if (!read_recent(index, block, *hint))
		*hint = ReadBuffer(index->relation, block);
	notice_misses(index);
	return *hint;
}

/* The content is the caller's to check. */
static Buffer
read_and_lock(HnswIndex *index, BlockNumber block, int mode)
{
	Buffer		buffer = read_block(index, block);

	LockBuffer(buffer, mode);
	return buffer;
}

void
hnsw_prefetch_node(HnswIndex *index, uint32 node)
{
	const HnswLayout *layout = &index->layout;
	HnswRecent *recent = index->cache->recent;
	BlockNumber block = hnsw_node_block(layout, node);
	Buffer	   *hint;

	if (recent == NULL || block >= index->blocks)
		return;
	hint = &recent->buffers[block & recent->mask];
	if (index->ahead.nodes > 1 || !BufferIsValid(*hint))
		*hint = PrefetchBuffer(index->relation, MAIN_FORKNUM, block).recent_buffer;
	if (BufferIsValid(*hint))
	{
		Page		page = BufferGetPage(*hint);

		kernel_prefetch(page, SizeOfPageHeaderData);
		kernel_prefetch(hnsw_page_tail(page), sizeof(HnswPageTail));
		kernel_prefetch(PageGetContents(page) + hnsw_node_slot(layout,
															   node) * layout->shape.size,
						Min(layout->shape.size, HNSW_PAGE_SPACE));
	}
}

bool
hnsw_lock_page(HnswIndex *index, BlockNumber block, int mode, Buffer *buffer)
{
	Page		page;

	*buffer = read_and_lock(index, block, mode);
	page = BufferGetPage(*buffer);
	/* A place that is free now may not have been for the snapshot. */
	hnsw_check_old_snapshot(index, page);
	if (PageIsNew(page) || hnsw_page_problem(page, HNSW_PAGE_NULLS) == NULL)
	{
		UnlockReleaseBuffer(*buffer);
		return false;
	}
	hnsw_check_page(index->relation, block, page, HNSW_PAGE_NODES);
	return true;
}

GraphRecord *
hnsw_page_record(HnswIndex *index, Page page, BlockNumber block, int slot)
{
	GraphRecord *record = (GraphRecord *)
	(PageGetContents(page) + slot * index->layout.shape.size);

	if (!graph_record_is_sound(record))
		hnsw_raise_corrupted(index->relation, block,
							 "A node's counts are out of range.");
	return record;
}

/* A number read from a page may be anything; asking for the size is dear. */
static bool
block_exists(HnswIndex *index, BlockNumber block)
{
	if (block >= index->blocks)
		index->blocks = RelationGetNumberOfBlocks(index->relation);
	return block < index->blocks;
}

GraphRecord *
hnsw_lock_node(HnswIndex *index, uint32 node, int mode, Buffer *buffer)
{
	BlockNumber block = hnsw_node_block(&index->layout, node);
	GraphRecord *record;

	if (!block_exists(index, block) ||
		!hnsw_lock_page(index, block, mode, buffer))
		return NULL;
	record = hnsw_page_record(index, BufferGetPage(*buffer), block,
							  hnsw_node_slot(&index->layout, node));
	if (record->state != GRAPH_FREE)
		return record;
	UnlockReleaseBuffer(*buffer);
	return NULL;
}

const void *
hnsw_record_own(HnswIndex *index, const GraphRecord *record, Buffer buffer,
				void *scratch)
{
	const GraphShape *shape = &index->layout.shape;
	const char *from = graph_record_own(shape, record);
	char	   *to = scratch;
	Size		left = shape->own_size;
	Size		here = Min(HNSW_PAGE_SPACE - shape->head, left);
	BlockNumber block = BufferGetBlockNumber(buffer);

	if (index->layout.pages_per_node == 1)
		return from;
	memcpy(to, from, here);
	while (left > here)
	{
		Buffer		more;

		left -= here;
		to += here;
		here = Min(left, HNSW_PAGE_SPACE);
		more = read_and_lock(index, ++block, BUFFER_LOCK_SHARE);
		hnsw_check_page(index->relation, block, BufferGetPage(more),
						HNSW_PAGE_MORE);
		memcpy(to, PageGetContents(BufferGetPage(more)), here);
		UnlockReleaseBuffer(more);
	}
	return scratch;
}
