/*
 * nulls.c
 *	  Rows whose embedding is NULL: pages of row pointers beside the graph.
 *
 * The pages form a list that begins in the metapage and never loses one.
 * Rows are added to the page that the metapage names; when that is full, to a
 * page behind it, or to a new one at the head of the list.  A page takes the
 * place of a group of nodes, which are free.
 */
#include "postgres.h"

#include "access/genam.h"
#include "commands/vacuum.h"
#include "miscadmin.h"
#include "storage/freespace.h"

#include "hnsw/node.h"
#include "hnsw/nulls.h"
#include "hnsw/xlog.h"
#include "server/compat.h"

/* Full pages that are passed by before a new one is made */
#define MOST_PASSED 16

typedef struct HnswNullPage
{
	BlockNumber next;			/* 0: the last */
	uint32		n;
	ItemPointerData rows[FLEXIBLE_ARRAY_MEMBER];
} HnswNullPage;

StaticAssertDecl(offsetof(HnswNullPage,
						  rows) + HNSW_NULLS_PER_PAGE * sizeof(ItemPointerData) <=
				 HNSW_PAGE_SPACE, "the rows of a page of nulls must fit");

/* Of a page that was checked */
static HnswNullPage *
page_nulls(Page page)
{
	return (HnswNullPage *) PageGetContents(page);
}

/* Pin and lock a page of the list; or say what is wrong with it. */
static const char *
try_lock(HnswIndex *index, BlockNumber block, int mode, Buffer *buffer)
{
	const char *problem;

	if (block >= RelationGetNumberOfBlocks(index->relation))
		return "A page of nulls does not exist.";
	*buffer = ReadBufferExtended(index->relation, MAIN_FORKNUM, block, RBM_NORMAL, index->strategy);
	LockBuffer(*buffer, mode);
	problem = hnsw_page_problem(BufferGetPage(*buffer), HNSW_PAGE_NULLS);
	if (problem == NULL &&
		page_nulls(BufferGetPage(*buffer))->n > HNSW_NULLS_PER_PAGE)
		problem = "A number of rows is out of range.";
	if (problem != NULL)
		UnlockReleaseBuffer(*buffer);
	return problem;
}

/* To change it */
static Buffer
lock_null_page(HnswIndex *index, BlockNumber block)
{
	Buffer		buffer;
	const char *problem = try_lock(index, block, BUFFER_LOCK_EXCLUSIVE,
								   &buffer);

	if (problem != NULL)
		hnsw_raise_corrupted(index->relation, block, problem);
	return buffer;
}

const char *
hnsw_copy_nulls(HnswIndex *index, BlockNumber block, ItemPointerData *rows,
				int *n, BlockNumber *next)
{
	Buffer		buffer;
	const char *problem = try_lock(index, block, BUFFER_LOCK_SHARE, &buffer);
	const HnswNullPage *nulls;

	if (problem != NULL)
		return problem;
	hnsw_check_old_snapshot(index, BufferGetPage(buffer));
	nulls = page_nulls(BufferGetPage(buffer));
	*n = nulls->n;
	*next = nulls->next;
	memcpy(rows, nulls->rows, nulls->n * sizeof(ItemPointerData));
	UnlockReleaseBuffer(buffer);
	return NULL;
}

/* ---- going along the pages ---- */

HnswNullWalk
hnsw_walk_nulls(HnswIndex *index)
{
	HnswNullWalk walk;

	walk.next = hnsw_read_meta(index->relation).nulls;
	walk.left = RelationGetNumberOfBlocks(index->relation);
	return walk;
}

/*
 * The page that a walk has come to, 0 at the end.  New pages come before the
 * first, so that none is met twice unless the list is damaged.
 */
static BlockNumber
walk_on(HnswIndex *index, HnswNullWalk *walk)
{
	if (walk->next != 0 && walk->left-- == 0)
		hnsw_raise_corrupted(index->relation, walk->next,
							 "The pages of nulls do not form a list.");
	return walk->next;
}

bool
hnsw_read_nulls(HnswIndex *index, HnswNullWalk *walk, ItemPointerData *rows,
				int *n)
{
	BlockNumber block = walk_on(index, walk);
	const char *problem;

	if (block == 0)
		return false;
	problem = hnsw_copy_nulls(index, block, rows, n, &walk->next);
	if (problem != NULL)
		hnsw_raise_corrupted(index->relation, block, problem);
	return true;
}

/* ---- adding ---- */

/* Add the row to a page if that has room; else *next is the page behind it. */
static bool
add_to_page(HnswIndex *index, BlockNumber block, ItemPointer tid,
			BlockNumber *next)
{
	Buffer		buffer = lock_null_page(index, block);
	HnswNullPage *nulls = page_nulls(BufferGetPage(buffer));
	bool		room = nulls->n < HNSW_NULLS_PER_PAGE;
	HnswXlog	xlog;

	*next = nulls->next;
	if (room)
	{
		hnsw_xlog_begin(index, &xlog);
		nulls = page_nulls(hnsw_xlog_page(&xlog, buffer, false));
		nulls->rows[nulls->n++] = *tid;
		hnsw_xlog_finish(&xlog);
	}
	UnlockReleaseBuffer(buffer);
	return room;
}

/* A hint in the metapage: whoever follows it looks whether there is room. */
static void
set_room(HnswIndex *index, BlockNumber block)
{
	Buffer		meta = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	HnswXlog	xlog;

	hnsw_xlog_begin(index, &xlog);
	hnsw_page_meta(hnsw_xlog_page(&xlog, meta, false))->nulls_room = block;
	hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(meta);
}

/*
 * A page that nobody uses, locked: the free space map may have told of a new
 * one.
 */
static Buffer
new_page(HnswIndex *index)
{
	Buffer		buffer = hnsw_extend(index);

	while (!PageIsNew(BufferGetPage(buffer)))
	{
		UnlockReleaseBuffer(buffer);
		buffer = hnsw_extend(index);
	}
	return buffer;
}

/* A new page for the row, unless somebody made one meanwhile */
static bool
add_page(HnswIndex *index, ItemPointer tid, BlockNumber head)
{
	Buffer		meta = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	bool		same = hnsw_page_meta(BufferGetPage(meta))->nulls == head;
	Buffer		buffer;
	HnswXlog	xlog;
	HnswMeta   *changed;
	HnswNullPage *nulls;
	Page		page;

	if (same)
	{
		buffer = new_page(index);
		hnsw_xlog_begin(index, &xlog);
		page = hnsw_xlog_page(&xlog, buffer, true);
		hnsw_init_page(index, page, HNSW_PAGE_NULLS);
		nulls = page_nulls(page);
		nulls->next = head;
		nulls->n = 1;
		nulls->rows[0] = *tid;
		changed = hnsw_page_meta(hnsw_xlog_page(&xlog, meta, false));
		changed->nulls = changed->nulls_room = BufferGetBlockNumber(buffer);
		hnsw_xlog_finish(&xlog);
		UnlockReleaseBuffer(buffer);
	}
	UnlockReleaseBuffer(meta);
	return same;
}

/* Add the row to a page that the metapage leads to; false if there is none. */
static bool
add_to_list(HnswIndex *index, BlockNumber room, ItemPointer tid)
{
	BlockNumber block = room;

	for (int passed = 0; block != 0 && passed < MOST_PASSED; passed++)
	{
		BlockNumber next;

		if (add_to_page(index, block, tid, &next))
		{
			if (block != room)
				set_room(index, block);
			return true;
		}
		block = next;
	}
	return false;
}

void
hnsw_insert_null(HnswIndex *index, const HnswMeta *meta, ItemPointer tid)
{
	HnswMeta	now = *meta;

	while (!add_to_list(index, now.nulls_room, tid) &&
		   !add_page(index, tid, now.nulls))
		now = hnsw_read_meta(index->relation);
}

/* ---- vacuum ---- */

/* Take dead rows out of one page; how many stay. */
static int
vacuum_page(HnswIndex *index, BlockNumber block, IndexBulkDeleteResult *stats,
			IndexBulkDeleteCallback callback, void *state, BlockNumber *next)
{
	Buffer		buffer = lock_null_page(index, block);
	HnswNullPage *nulls = page_nulls(BufferGetPage(buffer));
	ItemPointerData keep[HNSW_NULLS_PER_PAGE];
	HnswXlog	xlog;
	int			n = 0;

	*next = nulls->next;
	for (int i = 0; i < nulls->n; i++)
		if (!callback(&nulls->rows[i], state))
			keep[n++] = nulls->rows[i];
	stats->tuples_removed += nulls->n - n;
	stats->num_index_tuples += n;
	if (n < nulls->n)
	{
		hnsw_xlog_begin(index, &xlog);
		nulls = page_nulls(hnsw_xlog_page(&xlog, buffer, false));
		nulls->n = n;
		memcpy(nulls->rows, keep, n * sizeof(ItemPointerData));
		hnsw_xlog_finish(&xlog);
	}
	UnlockReleaseBuffer(buffer);
	/* No node can go there. */
	RecordPageWithFreeSpace(index->relation, block, 0);
	return n;
}

void
hnsw_vacuum_nulls(HnswIndex *index, IndexBulkDeleteResult *stats,
				  IndexBulkDeleteCallback callback, void *state)
{
	BlockNumber room = hnsw_read_meta(index->relation).nulls_room;
	HnswNullWalk walk = hnsw_walk_nulls(index);
	BlockNumber block;
	BlockNumber emptiest = 0;
	int			least = HNSW_NULLS_PER_PAGE;

	while ((block = walk_on(index, &walk)) != 0)
	{
		int			n;

		vacuum_delay();
		n = vacuum_page(index, block, stats, callback, state, &walk.next);
		if (n < least)
		{
			least = n;
			emptiest = block;
		}
	}
	if (emptiest != 0 && emptiest != room)
		set_room(index, emptiest);
}
