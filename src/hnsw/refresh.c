/*
 * refresh.c
 *	  A new root for an index that has changed: at the end of a vacuum.
 *
 * The pages of the root are as many as it can ever need, unless that is very
 * much (see hnsw_root_reserve()), so that a new one is written over the old.
 * First the metapage says that there is none, then come the pages, then the
 * metapage tells of the new one: a crash in between leaves an index that
 * searches from its entry, and the next vacuum makes the root.  A connection
 * that reads the pages meanwhile finds a wrong checksum and a metapage that has
 * changed, and does without the root.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "hnsw/node.h"
#include "hnsw/root_cache.h"
#include "hnsw/xlog.h"
#include "server/checksum.h"
#include "server/context.h"
#include "server/errors.h"

/* Growth of the table, or share of the root's nodes gone, that asks for another */
#define GROWTH 4
#define GONE_SHARE 4

/* Is the root too small or too old?  Its nodes that were freed are counted by vacuum. */
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
	GraphRecord *record = hnsw_lock_node(index, node, BUFFER_LOCK_SHARE, &buffer);
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

/* The metapage's word on the root */
static void
announce(HnswIndex *index, int n, uint32 crc)
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

/* Write bytes over the root's pages; each page is a WAL record of its own. */
static void
overwrite(HnswIndex *index, const char *bytes, Size size)
{
	BlockNumber block = index->layout.root;

	for (Size done = 0; done < size; done += HNSW_PAGE_SPACE, block++)
	{
		Buffer		buffer = ReadBuffer(index->relation, block);
		HnswXlog	xlog;
		Page		page;

		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		hnsw_xlog_begin(index, &xlog);
		page = hnsw_xlog_page(&xlog, buffer, true);
		hnsw_init_page(index, page, HNSW_PAGE_ROOT);
		memcpy(PageGetContents(page), bytes + done, Min(size - done, HNSW_PAGE_SPACE));
		hnsw_xlog_finish(&xlog);
		UnlockReleaseBuffer(buffer);
	}
}

static void
write_root(HnswIndex *index, const GraphRoot *root)
{
	Size		ids_size = root->n * sizeof(uint32);
	Size		codes_size = graph_root_codes_size(&index->layout.shape, root->n);
	char	   *bytes = palloc(ids_size + codes_size);

	memcpy(bytes, root->ids, ids_size);
	memcpy(bytes + ids_size, root->codes, codes_size);
	announce(index, 0, 0);
	overwrite(index, bytes, ids_size + codes_size);
	announce(index, root->n, checksum(bytes, ids_size + codes_size));
}

void
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

	if (!needs_refresh(&meta, wanted) || meta.root_pages < hnsw_root_pages(shape, wanted))
		return;
	chosen = palloc(sizeof(uint32) * wanted);
	n = choose_nodes(index, nodes, wanted, chosen);
	if (n == 0 || !graph_root_init(&root, memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET), shape, n))
		return;
	scratch = hnsw_create_scratch(index);
	copy = palloc(shape->own_size);
	for (int i = 0; i < n; i++)
	{
		/* One that goes meanwhile leaves its place empty. */
		const void *own = index->access.own(index, chosen[i], copy);

		if (own != NULL)
			graph_root_put(&root, shape, i, chosen[i], own, scratch);
	}
	write_root(index, &root);
}
