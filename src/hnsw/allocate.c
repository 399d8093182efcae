/*
 * allocate.c
 *	  Finding a place for a new node, and writing it.
 *
 * Free places are found through the free space map, where a page either has
 * room for a node or has not.  The map is a hint: what it says is verified
 * under the page's lock.  A backend first tries the page it used last.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/freespace.h"
#include "storage/lmgr.h"

#include "hnsw/node.h"
#include "hnsw/xlog.h"


/* The first free place on a locked page, or -1 */
static int
find_free_slot(HnswIndex *index, Buffer buffer)
{
	for (int slot = 0; slot < index->layout.nodes_per_page; slot++)
	{
		GraphRecord *record = hnsw_page_record(index, BufferGetPage(buffer),
											   BufferGetBlockNumber(buffer),
											   slot);

		if (record->state == GRAPH_FREE)
			return slot;
	}
	return -1;
}

/* Is block the first page of a node or nodes, and within the file? */
static bool
is_node_block(HnswIndex *index, BlockNumber block)
{
	return block >= index->layout.first &&
		block < RelationGetNumberOfBlocks(index->relation) &&
		(block - index->layout.first) % index->layout.pages_per_node == 0;
}

/*
 * Lock a page that may have room.  A page never written counts as empty (its
 * record is written by whoever takes it), if all pages of the node exist.
 */
static bool
try_page(HnswIndex *index, BlockNumber block, Buffer *buffer, int *slot)
{
	*buffer = ReadBuffer(index->relation, block);
	LockBuffer(*buffer, BUFFER_LOCK_EXCLUSIVE);
	if (PageIsNew(BufferGetPage(*buffer)))
		*slot = block + index->layout.pages_per_node <=
			RelationGetNumberOfBlocks(index->relation) ? 0 : -1;
	else
	{
		UnlockReleaseBuffer(*buffer);
		if (!hnsw_lock_page(index, block, BUFFER_LOCK_EXCLUSIVE, buffer))
			return false;
		*slot = find_free_slot(index, *buffer);
	}
	if (*slot >= 0)
		return true;
	UnlockReleaseBuffer(*buffer);
	return false;
}

Buffer
hnsw_extend(HnswIndex *index)
{
	Relation	relation = index->relation;
	int			pages = index->layout.pages_per_node;
	BlockNumber first;
	BlockNumber end;
	Buffer		buffer;

	if (!RELATION_IS_LOCAL(relation))
		LockRelationForExtension(relation, ExclusiveLock);
	end = RelationGetNumberOfBlocks(relation);
	/* An extension that did not end leaves less than a node's pages. */
	first = end - (end - index->layout.first) % pages;
	if ((uint64) hnsw_count_nodes(index) +
		index->layout.nodes_per_page >= GRAPH_NO_NODE - 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" is full",
						RelationGetRelationName(relation))));
	for (; end < first + pages; end++)
		ReleaseBuffer(ReadBuffer(relation, P_NEW));
	buffer = ReadBuffer(relation, first);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (!RELATION_IS_LOCAL(relation))
		UnlockRelationForExtension(relation, ExclusiveLock);
	return buffer;
}

/* New pages, of which others shall find what is left of the first */
static void
extend(HnswIndex *index, Buffer *buffer)
{
	BlockNumber block;

	*buffer = hnsw_extend(index);
	block = BufferGetBlockNumber(*buffer);
	if (index->layout.nodes_per_page > 1)
	{
		RecordPageWithFreeSpace(index->relation, block, HNSW_ROOM);
		FreeSpaceMapVacuumRange(index->relation, block, block + 1);
	}
}

/* A free place, its page locked exclusively */
static int
find_place(HnswIndex *index, Buffer *buffer)
{
	Relation	relation = index->relation;
	BlockNumber block = RelationGetTargetBlock(relation);
	int			slot = -1;

	if (block == InvalidBlockNumber)
		block = GetPageWithFreeSpace(relation, HNSW_ROOM);
	while (block != InvalidBlockNumber)
	{
		if (is_node_block(index, block) &&
			try_page(index, block, buffer, &slot))
			return slot;
		RecordPageWithFreeSpace(relation, block, 0);
		FreeSpaceMapVacuumRange(relation, block, block + 1);
		block = GetPageWithFreeSpace(relation, HNSW_ROOM);
	}
	do
	{
		extend(index, buffer);
		/* Somebody may have come first, told by the map. */
		slot = PageIsNew(BufferGetPage(*buffer)) ? 0 :
			find_free_slot(index, *buffer);
		if (slot < 0)
			UnlockReleaseBuffer(*buffer);
	} while (slot < 0);
	return slot;
}

/* Write the part of a long record that is not on its first page. */
static void
write_more(HnswIndex *index, BlockNumber block, const GraphRecord *record)
{
	const char *from = (const char *) record + HNSW_PAGE_SPACE;
	Size		left = index->layout.shape.size - HNSW_PAGE_SPACE;

	while (left > 0)
	{
		Size		here = Min(left, HNSW_PAGE_SPACE);
		Buffer		buffer = ReadBuffer(index->relation, ++block);
		HnswXlog	xlog;
		Page		page;

		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		hnsw_xlog_begin(index, &xlog);
		page = hnsw_xlog_page(&xlog, buffer, true);
		hnsw_init_page(index, page, HNSW_PAGE_MORE);
		memcpy(PageGetContents(page), from, here);
		hnsw_xlog_finish(&xlog);
		UnlockReleaseBuffer(buffer);
		from += here;
		left -= here;
	}
}

/*
 * The record's first page is written last: until then the node is free, also
 * for those who read after a crash or on a standby.
 */
static void
write_node(HnswIndex *index, Buffer buffer, int slot, const GraphRecord *record)
{
	bool		fresh = PageIsNew(BufferGetPage(buffer));
	HnswXlog	xlog;
	Page		page;

	if (index->layout.pages_per_node > 1)
		write_more(index, BufferGetBlockNumber(buffer), record);
	hnsw_xlog_begin(index, &xlog);
	page = hnsw_xlog_page(&xlog, buffer, fresh);
	if (fresh)
		hnsw_init_page(index, page, HNSW_PAGE_NODES);
	memcpy(hnsw_page_record(index, page, BufferGetBlockNumber(buffer), slot),
		   record, Min(index->layout.shape.size, HNSW_PAGE_SPACE));
	hnsw_xlog_finish(&xlog);
}

uint32
hnsw_create_node(HnswIndex *index, const GraphQuery *query, uint64 row,
				 const GraphList *list, const void *const *owns,
				 GraphScratch *scratch)
{
	const HnswLayout *layout = &index->layout;
	GraphRecord *record = index->scratch.record;
	Buffer		buffer;
	int			slot;
	BlockNumber block;

	memset(record, 0, layout->shape.size);
	memcpy(graph_record_own(&layout->shape, record), query->own,
		   layout->shape.own_size);
	graph_record_init(&layout->shape, record, row);
	graph_record_set_list(&layout->shape, record, query->own, list, owns,
						  scratch);
	slot = find_place(index, &buffer);
	block = BufferGetBlockNumber(buffer);
	write_node(index, buffer, slot, record);
	UnlockReleaseBuffer(buffer);
	RelationSetTargetBlock(index->relation, block);
	return (block - layout->first) / layout->pages_per_node * layout->nodes_per_page + slot;
}
