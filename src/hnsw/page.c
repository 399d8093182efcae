/*
 * page.c
 *	  The format of pages, and of the metapage.
 *
 * Pages are untrusted: what is read of one is checked first.
 */
#include "postgres.h"

#include "access/xlog_internal.h"
#include "miscadmin.h"

#include "embedding/embedding.h"
#include "hnsw/page.h"
#include "hnsw/root_pages.h"
#include "server/errors.h"

/* More than the largest root can take */
#define MAX_ROOT_PAGES 4096

/*
 * STATUS_INVALID_VALUE of graph_shape() is the error of a metapage whose values
 * are each in range but do not fit together.
 */
HnswLayout
hnsw_layout(Relation relation, const HnswMeta *meta)
{
	HnswLayout	layout;
	Size		size;
	Status		status;

	if (!graph_shape(&layout.shape, meta->dims, meta->degree, meta->kind,
					 meta->bits == 0 ? -1 : (int) meta->bits, HNSW_PAGE_SPACE,
					 &status))
		raise_status(&status);
	size = layout.shape.size;
	layout.root = HNSW_META_BLOCK + 1 + meta->center_pages;
	layout.first = layout.root + meta->root_pages;
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

uint64
hnsw_row(ItemPointer tid)
{
	return (uint64) ItemPointerGetBlockNumber(tid) << 16 | ItemPointerGetOffsetNumber(tid);
}

void
hnsw_row_tid(uint64 row, ItemPointer tid)
{
	ItemPointerSet(tid, (BlockNumber) (row >> 16),
				   (OffsetNumber) (row & 0xFFFF));
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

HnswPageTail *
hnsw_page_tail(Page page)
{
	return (HnswPageTail *) ((char *) page + BLCKSZ -
							 MAXALIGN(sizeof(HnswPageTail)));
}

const char *
hnsw_page_problem(Page page, HnswPageKind kind)
{
	if (PageIsNew(page))
		return "The page is empty.";
	if (PageGetPageSize(page) != BLCKSZ ||
		PageGetSpecialSize(page) != MAXALIGN(sizeof(HnswPageTail)) ||
		hnsw_page_tail(page)->page_id != HNSW_PAGE_ID)
		return "The page does not belong to an index of this kind.";
	if (hnsw_page_tail(page)->version != HNSW_VERSION)
		return "The page has an unknown format version.";
	if (hnsw_page_tail(page)->kind != kind)
		return "The page is of another kind than its place asks for.";
	return NULL;
}

void
hnsw_check_page(Relation relation, BlockNumber block, Page page,
				HnswPageKind kind)
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

/* Before anything else is asked of it: pages of another version say so too. */
static void
check_format(Relation relation, const HnswMeta *meta)
{
	if (meta->magic == HNSW_MAGIC && meta->version != HNSW_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has format version %u, this is version %u",
						RelationGetRelationName(relation), meta->version,
						HNSW_VERSION), errhint("Please REINDEX it.")));
}

/*
 * Everything that sizes and offsets are computed from, so that nothing else has
 * to distrust the metapage.
 */
static void
check_meta(Relation relation, const HnswMeta *meta)
{
	if (meta->magic != HNSW_MAGIC)
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK,
							 "The metapage has a wrong magic number.");
	if (meta->dims < 1 || meta->dims > EMBEDDING_MAX_DIMS ||
		meta->degree < GRAPH_MIN_DEGREE || meta->degree > GRAPH_MAX_DEGREE ||
		meta->kind > STORED_BIT || meta->bits > 4 || meta->bits == 3 ||
		meta->root_nodes > GRAPH_ROOT_MAX ||
		meta->root_pages > MAX_ROOT_PAGES ||
		(meta->nulls == 0) != (meta->nulls_room == 0) ||
		(meta->center_pages > 0 &&
		 meta->center_pages != hnsw_center_pages(meta->dims)) ||
		meta->attribute_width != 0)
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK,
							 "The metapage holds values out of range.");
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
	check_format(relation, hnsw_page_meta(page));
	hnsw_check_page(relation, HNSW_META_BLOCK, page, HNSW_PAGE_META);
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
