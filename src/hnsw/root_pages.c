/*
 * root_pages.c
 *	  The center and the root on pages: the only reader and writer of both.
 *
 * The center, if there is one, is a stream of bytes on pages from block 1 on:
 * dims floats.  The root is another on the pages behind it: the ids of its
 * nodes, then their codes.  The metapage has the checksums of both.
 *
 * A center is never replaced, since what nodes store is relative to it.  A root
 * is, at the end of a vacuum: its pages are as many as it can ever need, unless
 * that is very much (see root_reserve()), so that a new one is written over the
 * old.  First the metapage says that there is none, then come the pages, then
 * the metapage tells of the new one: a crash in between leaves an index that
 * searches from its entry point, and the next vacuum makes the root.  A
 * connection that reads the pages meanwhile finds a wrong checksum and a
 * metapage that has changed, and does without the root.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "hnsw/node.h"
#include "hnsw/root_pages.h"
#include "hnsw/xlog.h"
#include "server/checksum.h"
#include "server/context.h"
#include "server/errors.h"

/* Roots that could take more pages than this stay as they were built. */
#define MOST_RESERVED 64

/*
 * Growth of the table, or share of the root's nodes gone, that asks for another
 */
#define GROWTH 4
#define GONE_SHARE 4

/* ---- streams of bytes on pages ---- */

/* Pages that a stream of bytes takes */
static uint32
pages_of(Size size)
{
	return (size + HNSW_PAGE_SPACE - 1) / HNSW_PAGE_SPACE;
}

/* Write over pages that are there; each is a WAL record of its own. */
static void
write_stream(HnswIndex *index, BlockNumber block, HnswPageKind kind,
			 const char *bytes, Size size)
{
	for (Size done = 0; done < size; done += HNSW_PAGE_SPACE, block++)
	{
		Buffer		buffer = ReadBuffer(index->relation, block);
		HnswXlog	xlog;
		Page		page;

		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		hnsw_xlog_begin(index, &xlog);
		page = hnsw_xlog_page(&xlog, buffer, true);
		hnsw_init_page(index, page, kind);
		memcpy(PageGetContents(page), bytes + done,
			   Min(size - done, HNSW_PAGE_SPACE));
		hnsw_xlog_finish(&xlog);
		UnlockReleaseBuffer(buffer);
	}
}

/*
 * The checksum is the caller's to compare: pages are read one after the other.
 */
static void
read_stream(Relation relation, BlockNumber block, HnswPageKind kind,
			char *bytes, Size size)
{
	for (Size done = 0; done < size; done += HNSW_PAGE_SPACE, block++)
	{
		Buffer		buffer = ReadBuffer(relation, block);
		Page		page = BufferGetPage(buffer);

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		hnsw_check_page(relation, block, page, kind);
		memcpy(bytes + done, PageGetContents(page),
			   Min(size - done, HNSW_PAGE_SPACE));
		UnlockReleaseBuffer(buffer);
	}
}

/* New pages at the end of the file, of an index that is being built */
static void
append_pages(HnswIndex *index, HnswPageKind kind, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		UnlockReleaseBuffer(hnsw_append_page(index, kind));
}

/* ---- the center ---- */

uint32
hnsw_center_pages(uint32 dims)
{
	return pages_of(dims * sizeof(float));
}

void
hnsw_write_center(HnswIndex *index, const float *center)
{
	uint32		dims = index->layout.shape.dims;
	Buffer		buffer;
	HnswXlog	xlog;
	HnswMeta   *meta;

	append_pages(index, HNSW_PAGE_CENTER, hnsw_center_pages(dims));
	write_stream(index, HNSW_META_BLOCK + 1, HNSW_PAGE_CENTER,
				 (const char *) center, dims * sizeof(float));
	buffer = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	hnsw_xlog_begin(index, &xlog);
	meta = hnsw_page_meta(hnsw_xlog_page(&xlog, buffer, false));
	meta->center_pages = hnsw_center_pages(dims);
	meta->center_crc = checksum(center, dims * sizeof(float));
	hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(buffer);
}

float *
hnsw_read_center(Relation relation, const HnswMeta *meta)
{
	Size		size = meta->dims * sizeof(float);
	float	   *center;

	if (meta->center_pages == 0)
		return NULL;
	center = palloc(size);
	read_stream(relation, HNSW_META_BLOCK + 1, HNSW_PAGE_CENTER,
				(char *) center, size);
	if (checksum(center, size) != meta->center_crc)
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK + 1,
							 "The center has a wrong checksum.");
	return center;
}

/* ---- the root ---- */

/* Bytes of a root's stream */
static Size
root_size(const GraphShape *shape, int n)
{
	return n == 0 ? 0 : n * sizeof(uint32) + graph_root_codes_size(shape, n);
}

/* Pages to keep for a root, so that it can grow with the index */
static uint32
root_reserve(const GraphShape *shape, int n)
{
	uint32		most = shape->bits == 0 ? 0 :
	pages_of(root_size(shape, GRAPH_ROOT_MAX));

	return most <= MOST_RESERVED ? most : pages_of(root_size(shape, n));
}

void
hnsw_reserve_root(HnswIndex *index, int n)
{
	uint32		pages = root_reserve(&index->layout.shape, n);
	Buffer		buffer;
	HnswXlog	xlog;

	append_pages(index, HNSW_PAGE_ROOT, pages);
	buffer = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	hnsw_xlog_begin(index, &xlog);
	hnsw_page_meta(hnsw_xlog_page(&xlog, buffer, false))->root_pages = pages;
	hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(buffer);
}

/* The metapage's word on the root */
static void
announce_root(HnswIndex *index, int n, uint32 crc)
{
	Buffer		buffer = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	HnswXlog	xlog;
	HnswMeta   *meta;

	hnsw_xlog_begin(index, &xlog);
	meta = hnsw_page_meta(hnsw_xlog_page(&xlog, buffer, false));
	meta->root_nodes = n;
	meta->root_crc = crc;
	meta->stats.root_gone = 0;
	hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(buffer);
}

void
hnsw_write_root(HnswIndex *index, const GraphRoot *root)
{
	Size		ids_size = root->n * sizeof(uint32);
	Size		size = root_size(&index->layout.shape, root->n);
	char	   *bytes;

	announce_root(index, 0, 0);
	if (root->n == 0)
		return;
	bytes = palloc(size);
	memcpy(bytes, root->ids, ids_size);
	memcpy(bytes + ids_size, root->codes, size - ids_size);
	write_stream(index, index->layout.root, HNSW_PAGE_ROOT, bytes, size);
	announce_root(index, root->n, checksum(bytes, size));
	pfree(bytes);
}

void
hnsw_read_root(Relation relation, const HnswMeta *meta,
			   const HnswLayout *layout, Arena *arena, GraphRoot *root)
{
	const GraphShape *shape = &layout->shape;
	Size		ids_size = meta->root_nodes * sizeof(uint32);
	Size		size = root_size(shape, meta->root_nodes);
	HnswMeta	now;
	char	   *bytes;

	if (meta->root_pages < pages_of(size))
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK,
							 "The root has a wrong size.");
	if (!graph_root_init(root, arena, shape, meta->root_nodes))
		raise_out_of_memory();
	if (root->n == 0)
		return;
	bytes = palloc(size);
	read_stream(relation, layout->root, HNSW_PAGE_ROOT, bytes, size);
	memcpy(root->ids, bytes, ids_size);
	memcpy(root->codes, bytes + ids_size, size - ids_size);
	if (checksum(bytes, size) != meta->root_crc)
	{
		/*
		 * Is it being replaced?  Then do without; the metapage is another,
		 * next time.
		 */
		now = hnsw_read_meta(relation);
		root->n = 0;
		if (now.root_crc == meta->root_crc &&
			now.root_nodes == meta->root_nodes)
			hnsw_raise_corrupted(relation, layout->root,
								 "The root has a wrong checksum.");
	}
	pfree(bytes);
}

/* ---- a new root ---- */

/*
 * Is the root too small or too old?  Its nodes that were freed are counted by
 * vacuum.
 */
static bool
needs_refresh(const HnswMeta *meta, int wanted)
{
	if (wanted == 0)
		return false;
	return wanted >= GROWTH * (int) meta->root_nodes ||
		meta->stats.root_gone * GONE_SHARE > meta->root_nodes;
}

/* Is there a live node by this number? */
static bool
is_live(HnswIndex *index, uint32 node)
{
	Buffer		buffer;
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE,
										 &buffer);
	bool		live;

	if (record == NULL)
		return false;
	live = record->state == GRAPH_LIVE;
	UnlockReleaseBuffer(buffer);
	return live;
}

/* Live nodes, evenly spread; returns how many */
static int
choose_nodes(HnswIndex *index, uint32 nodes, int wanted, uint32 *chosen)
{
	int			n = 0;

	for (int i = 0; i < wanted; i++)
	{
		uint32		end = (uint64) (i + 1) * nodes / wanted;

		CHECK_FOR_INTERRUPTS();
		for (uint32 node = (uint64) i * nodes / wanted; node < end; node++)
		{
			if (is_live(index, node))
			{
				chosen[n++] = node;
				break;
			}
		}
	}
	return n;
}

bool
hnsw_refresh_root(HnswIndex *index)
{
	const GraphShape *shape = &index->layout.shape;
	HnswMeta	meta = hnsw_read_meta(index->relation);
	uint32		nodes = hnsw_count_nodes(index);
	int			wanted = graph_root_nodes(shape, nodes);
	uint32	   *chosen;
	GraphRoot	root;
	GraphScratch *scratch;
	void	   *copy;
	int			n;

	if (!needs_refresh(&meta, wanted) ||
		meta.root_pages < pages_of(root_size(shape, wanted)))
		return false;
	chosen = palloc(sizeof(uint32) * wanted);
	n = choose_nodes(index, nodes, wanted, chosen);
	if (n == 0 || !graph_root_init(&root,
								   memory_arena(CurrentMemoryContext,
												ARENA_NO_BUDGET), shape, n))
		return false;
	scratch = hnsw_create_scratch(index);
	copy = palloc(shape->own_size);
	for (int i = 0; i < n; i++)
	{
		/* One that goes meanwhile leaves its place empty. */
		const void *own = index->access.own(index, chosen[i], copy);

		if (own != NULL)
			graph_root_put(&root, shape, i, chosen[i], own, scratch);
	}
	hnsw_write_root(index, &root);
	return true;
}
