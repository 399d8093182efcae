/*
 * page.c
 *	  Where nodes are on pages, and reading them.
 *
 * The only file that finds a record's bytes.  Pages are untrusted: every
 * record is checked before anybody sees it, so that a damaged page gives an
 * error and never a wild pointer.  Neighbours' numbers are not checked here:
 * whoever follows one to where nothing is finds no node.
 */
#include "postgres.h"

#include "access/xlog_internal.h"
#include "miscadmin.h"

#include "compat.h"
#include "embedding/embedding.h"
#include "errors.h"
#include "hnsw/hnsw.h"

/* More than the largest root and center can take */
#define MAX_ROOT_PAGES 4096

HnswLayout
hnsw_layout(Relation relation, const HnswMeta *meta)
{
	HnswLayout	layout;
	Size		size;
	Status		status;

	status_clear(&status);
	if (!graph_shape(&layout.shape, meta->dims, meta->degree, meta->kind,
					 meta->bits == 0 ? -1 : (int) meta->bits, HNSW_PAGE_SPACE, &status))
		raise_status(&status);
	size = layout.shape.size;
	layout.first = HNSW_META_BLOCK + 1 + meta->root_pages;
	layout.nodes_per_page = Max(HNSW_PAGE_SPACE / size, 1);
	layout.pages_per_node = (size + HNSW_PAGE_SPACE - 1) / HNSW_PAGE_SPACE;
	return layout;
}

BlockNumber
hnsw_node_block(const HnswLayout *layout, uint32 node)
{
	return layout->first + node / layout->nodes_per_page * layout->pages_per_node;
}

int
hnsw_node_slot(const HnswLayout *layout, uint32 node)
{
	return node % layout->nodes_per_page;
}

void
hnsw_raise_corrupted(Relation relation, BlockNumber block, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" is corrupted at block %u",
					RelationGetRelationName(relation), block),
			 errdetail_internal("%s", detail),
			 errhint("Please REINDEX it.")));
}

static HnswPageTail *
page_tail(Page page)
{
	return (HnswPageTail *) ((char *) page + BLCKSZ - MAXALIGN(sizeof(HnswPageTail)));
}

const char *
hnsw_page_problem(Page page, HnswPageKind kind)
{
	if (PageIsNew(page))
		return "The page is empty.";
	if (PageGetPageSize(page) != BLCKSZ ||
		PageGetSpecialSize(page) != MAXALIGN(sizeof(HnswPageTail)) ||
		page_tail(page)->page_id != HNSW_PAGE_ID)
		return "The page does not belong to an index of this kind.";
	if (page_tail(page)->version != HNSW_VERSION)
		return "The page has an unknown format version.";
	if (page_tail(page)->kind != kind)
		return "The page is of another kind than its place asks for.";
	return NULL;
}

static void
check_page(Relation relation, BlockNumber block, Page page, HnswPageKind kind)
{
	const char *problem = hnsw_page_problem(page, kind);

	if (problem != NULL)
		hnsw_raise_corrupted(relation, block, problem);
}

/* ---- metapage ---- */

HnswMeta *
hnsw_page_meta(Page page)
{
	return (HnswMeta *) PageGetContents(page);
}

static void
check_meta(Relation relation, const HnswMeta *meta)
{
	if (meta->magic != HNSW_MAGIC)
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK, "The metapage has a wrong magic number.");
	if (meta->version != HNSW_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has format version %u, this is version %u",
						RelationGetRelationName(relation), meta->version, HNSW_VERSION),
				 errhint("Please REINDEX it.")));
	if (meta->dims < 1 || meta->dims > EMBEDDING_MAX_DIMS ||
		meta->degree < GRAPH_MIN_DEGREE || meta->degree > GRAPH_MAX_DEGREE ||
		meta->kind > STORED_FLOAT || meta->bits > 4 || meta->bits == 3 ||
		meta->root_nodes > GRAPH_ROOT_MAX || meta->has_center > 1 ||
		meta->root_pages > MAX_ROOT_PAGES ||
		meta->attribute_width != 0)
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK, "The metapage holds values out of range.");
}

Buffer
hnsw_lock_meta(Relation relation, int mode)
{
	Buffer		buffer;
	Page		page;

	if (RelationGetNumberOfBlocks(relation) == 0)
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK, "The file is empty.");
	buffer = ReadBuffer(relation, HNSW_META_BLOCK);
	LockBuffer(buffer, mode);
	page = BufferGetPage(buffer);
	check_page(relation, HNSW_META_BLOCK, page, HNSW_PAGE_META);
	check_meta(relation, hnsw_page_meta(page));
	return buffer;
}

HnswMeta
hnsw_read_meta(Relation relation)
{
	Buffer		buffer = hnsw_lock_meta(relation, BUFFER_LOCK_SHARE);
	HnswMeta	meta = *hnsw_page_meta(BufferGetPage(buffer));

	UnlockReleaseBuffer(buffer);
	return meta;
}

/* ---- nodes ---- */

uint32
hnsw_count_nodes(HnswIndex *index)
{
	const HnswLayout *layout = &index->layout;
	BlockNumber blocks = RelationGetNumberOfBlocks(index->relation);

	if (blocks <= layout->first)
		return 0;
	blocks -= layout->first;
	return Min((uint64) blocks / layout->pages_per_node * layout->nodes_per_page,
			   (uint64) GRAPH_NO_NODE - 1);
}

static Buffer
read_and_lock(HnswIndex *index, BlockNumber block, int mode)
{
	Buffer		buffer = ReadBufferExtended(index->relation, MAIN_FORKNUM, block,
											RBM_NORMAL, index->strategy);

	LockBuffer(buffer, mode);
	return buffer;
}

bool
hnsw_lock_page(HnswIndex *index, BlockNumber block, int mode, Buffer *buffer)
{
	Page		page;

	*buffer = read_and_lock(index, block, mode);
	page = BufferGetPage(*buffer);
	if (PageIsNew(page))
	{
		UnlockReleaseBuffer(*buffer);
		return false;
	}
	check_page(index->relation, block, page, HNSW_PAGE_NODES);
	return true;
}

GraphRecord *
hnsw_page_record(HnswIndex *index, Page page, BlockNumber block, int slot)
{
	GraphRecord *record = (GraphRecord *)
	(PageGetContents(page) + slot * index->layout.shape.size);

	if (!graph_record_is_sound(record))
		hnsw_raise_corrupted(index->relation, block, "A node's counts are out of range.");
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

	if (!block_exists(index, block) || !hnsw_lock_page(index, block, mode, buffer))
		return NULL;
	record = hnsw_page_record(index, BufferGetPage(*buffer), block,
							  hnsw_node_slot(&index->layout, node));
	if (record->state != GRAPH_FREE)
		return record;
	UnlockReleaseBuffer(*buffer);
	return NULL;
}

const void *
hnsw_record_own(HnswIndex *index, const GraphRecord *record, Buffer buffer, void *scratch)
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
		check_page(index->relation, block, BufferGetPage(more), HNSW_PAGE_MORE);
		memcpy(to, PageGetContents(BufferGetPage(more)), here);
		UnlockReleaseBuffer(more);
	}
	return scratch;
}
