/*
 * xlog.c
 *	  Writing pages: every change of this access method goes through here.
 *
 * A change is one generic WAL record of at most four pages.  While an index is
 * being built nobody else sees it: then pages are written in place, and the
 * whole file is logged once at the end.
 */
#include "postgres.h"

#include "access/xloginsert.h"
#include "miscadmin.h"

#include "hnsw/xlog.h"

void
hnsw_xlog_begin(HnswIndex *index, HnswXlog *xlog)
{
	xlog->index = index;
	xlog->n = 0;
	xlog->state = index->building ? NULL : GenericXLogStart(index->relation);
}

Page
hnsw_xlog_page(HnswXlog *xlog, Buffer buffer, bool fresh)
{
	Assert(xlog->n < MAX_GENERIC_XLOG_PAGES);
	xlog->buffers[xlog->n++] = buffer;
	if (xlog->state == NULL)
		return BufferGetPage(buffer);
	return GenericXLogRegisterBuffer(xlog->state, buffer,
									 fresh ? GENERIC_XLOG_FULL_IMAGE : 0);
}

void
hnsw_xlog_finish(HnswXlog *xlog)
{
	if (xlog->state != NULL)
	{
		GenericXLogFinish(xlog->state);
		return;
	}
	for (int i = 0; i < xlog->n; i++)
		MarkBufferDirty(xlog->buffers[i]);
}

/*
 * Generic WAL takes what lies between pd_lower and pd_upper for a hole and
 * does not log it.
 */
static void
init_page(Page page, HnswPageKind kind, Size used)
{
	HnswPageTail *tail;

	PageInit(page, BLCKSZ, sizeof(HnswPageTail));
	((PageHeader) page)->pd_lower = MAXALIGN(SizeOfPageHeaderData) + used;
	tail = (HnswPageTail *) PageGetSpecialPointer(page);
	tail->kind = kind;
	tail->version = HNSW_VERSION;
	tail->page_id = HNSW_PAGE_ID;
}

void
hnsw_init_page(HnswIndex *index, Page page, HnswPageKind kind)
{
	const HnswLayout *layout = &index->layout;
	Size		used = HNSW_PAGE_SPACE;

	if (kind == HNSW_PAGE_NODES && layout->pages_per_node == 1)
		used = layout->nodes_per_page * layout->shape.size;
	init_page(page, kind, used);
}

Buffer
hnsw_append_page(HnswIndex *index, HnswPageKind kind)
{
	Buffer		buffer = ReadBufferExtended(index->relation, MAIN_FORKNUM,
											P_NEW, RBM_ZERO_AND_LOCK,
											index->strategy);

	Assert(index->building);
	hnsw_init_page(index, BufferGetPage(buffer), kind);
	MarkBufferDirty(buffer);
	return buffer;
}

void
hnsw_write_meta(Relation relation, ForkNumber fork, const HnswMeta *meta)
{
	Buffer		buffer = ReadBufferExtended(relation, fork, P_NEW, RBM_NORMAL,
											NULL);
	Page		page = BufferGetPage(buffer);

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	START_CRIT_SECTION();
	init_page(page, HNSW_PAGE_META, MAXALIGN(sizeof(HnswMeta)));
	*hnsw_page_meta(page) = *meta;
	MarkBufferDirty(buffer);
	if (fork == INIT_FORKNUM)
		log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
}

void
hnsw_set_entry(HnswIndex *index, Buffer meta, uint32 entry)
{
	HnswXlog	xlog;

	hnsw_xlog_begin(index, &xlog);
	hnsw_page_meta(hnsw_xlog_page(&xlog, meta, false))->entry = entry;
	hnsw_xlog_finish(&xlog);
}
