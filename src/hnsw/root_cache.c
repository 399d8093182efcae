/*
 * root_cache.c
 *	  What an index has that never changes: shape, rotation, center and root,
 *	  read once by a connection and kept for the next scan.
 *
 * The center, if there is one, is a stream of bytes on pages from block 1 on:
 * dims floats.  The root is another on the pages behind it: the ids of its
 * nodes, then their codes.  The metapage has the checksums of both, so that an
 * entry of the cache with the same index and the same metapage, but for the
 * entry node and what was measured, is the same.  A root may be replaced
 * (refresh.c), a center never is: what nodes store is relative to it.
 *
 * A few entries are kept.  An operation pins the one it uses until its memory
 * context ends; of the others the least recently used makes place.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"

#include "hnsw/index.h"
#include "hnsw/node.h"
#include "hnsw/root_cache.h"
#include "hnsw/xlog.h"
#include "server/context.h"
#include "server/errors.h"

#define ENTRIES 8

typedef struct Entry
{
	Oid			index;			/* InvalidOid: unused */
	MemoryContext context;
	HnswCache  *cache;
	int			pins;
	uint64		used;
} Entry;

static Entry entries[ENTRIES];
static uint64 uses;

/* ---- the stream ---- */

/* A walk over the stream, one page at a time */
typedef struct Stream
{
	HnswIndex  *index;			/* writing */
	Relation	relation;
	HnswPageKind kind;
	BlockNumber next;
	Buffer		buffer;			/* locked, or InvalidBuffer */
	Size		offset;			/* in its contents */
	pg_crc32c	crc;
} Stream;

static uint32
pages_of(Size size)
{
	return (size + HNSW_PAGE_SPACE - 1) / HNSW_PAGE_SPACE;
}

uint32
hnsw_root_pages(const GraphShape *shape, int root_nodes)
{
	if (root_nodes == 0)
		return 0;
	return pages_of(root_nodes * sizeof(uint32) + graph_root_codes_size(shape, root_nodes));
}

uint32
hnsw_center_pages(uint32 dims)
{
	return pages_of(dims * sizeof(float));
}

/* Roots that could become larger than this stay as they were built. */
#define RESERVE 64

uint32
hnsw_root_reserve(const GraphShape *shape, int root_nodes)
{
	uint32		most = shape->bits == 0 ? 0 : hnsw_root_pages(shape, GRAPH_ROOT_MAX);

	return most <= RESERVE ? most : hnsw_root_pages(shape, root_nodes);
}

static void
open_page(Stream *stream)
{
	if (BufferIsValid(stream->buffer))
		UnlockReleaseBuffer(stream->buffer);
	stream->offset = 0;
	if (stream->index != NULL)
	{
		stream->buffer = ReadBufferExtended(stream->relation, MAIN_FORKNUM, P_NEW,
											RBM_ZERO_AND_LOCK, NULL);
		hnsw_init_page(stream->index, BufferGetPage(stream->buffer), stream->kind);
		MarkBufferDirty(stream->buffer);
	}
	else
	{
		const char *problem;

		stream->buffer = ReadBuffer(stream->relation, stream->next);
		LockBuffer(stream->buffer, BUFFER_LOCK_SHARE);
		problem = hnsw_page_problem(BufferGetPage(stream->buffer), stream->kind);
		if (problem != NULL)
			hnsw_raise_corrupted(stream->relation, stream->next, problem);
	}
	stream->next++;
}

/* Move bytes to or from the pages. */
static void
transfer(Stream *stream, void *bytes, Size n)
{
	char	   *p = bytes;

	COMP_CRC32C(stream->crc, bytes, stream->index != NULL ? n : 0);
	while (n > 0)
	{
		Size		here;
		char	   *contents;

		if (!BufferIsValid(stream->buffer) || stream->offset == HNSW_PAGE_SPACE)
			open_page(stream);
		here = Min(n, HNSW_PAGE_SPACE - stream->offset);
		contents = PageGetContents(BufferGetPage(stream->buffer)) + stream->offset;
		if (stream->index != NULL)
			memcpy(contents, p, here);
		else
		{
			memcpy(p, contents, here);
			COMP_CRC32C(stream->crc, p, here);
		}
		stream->offset += here;
		p += here;
		n -= here;
	}
}

/* After the last byte: the checksum of all */
static uint32
end_stream(Stream *stream)
{
	FIN_CRC32C(stream->crc);
	if (BufferIsValid(stream->buffer))
		UnlockReleaseBuffer(stream->buffer);
	return stream->crc;
}

static uint32
transfer_center(Stream *stream, float *center, uint32 dims)
{
	INIT_CRC32C(stream->crc);
	transfer(stream, center, dims * sizeof(float));
	return end_stream(stream);
}

static uint32
transfer_root(Stream *stream, const GraphShape *shape, const GraphRoot *root)
{
	INIT_CRC32C(stream->crc);
	transfer(stream, root->ids, root->n * sizeof(uint32));
	transfer(stream, root->codes, graph_root_codes_size(shape, root->n));
	return end_stream(stream);
}

uint32
hnsw_write_center(HnswIndex *index, float *center)
{
	Stream		stream = {.index = index,.relation = index->relation,.kind = HNSW_PAGE_CENTER};

	return transfer_center(&stream, center, index->layout.shape.dims);
}

uint32
hnsw_write_root(HnswIndex *index, const GraphRoot *root)
{
	Stream		stream = {.index = index,.relation = index->relation,.kind = HNSW_PAGE_ROOT};

	return transfer_root(&stream, &index->layout.shape, root);
}

/* ---- the cache ---- */

/* NULL if vectors are not centered */
static float *
read_center(Relation relation, const HnswMeta *meta)
{
	Stream		stream = {.relation = relation,.kind = HNSW_PAGE_CENTER,.next = HNSW_META_BLOCK + 1};
	float	   *center;

	if (meta->center_pages == 0)
		return NULL;
	center = palloc(sizeof(float) * meta->dims);
	if (transfer_center(&stream, center, meta->dims) != meta->center_crc)
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK + 1, "The center has a wrong checksum.");
	return center;
}

static void
read_root(Relation relation, const HnswMeta *meta, HnswCache *cache, Arena *arena)
{
	const GraphShape *shape = &cache->layout.shape;
	Stream		stream = {.relation = relation,.kind = HNSW_PAGE_ROOT,.next = cache->layout.root};
	HnswMeta	now;

	if (meta->root_pages < hnsw_root_pages(shape, meta->root_nodes))
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK, "The root has a wrong size.");
	if (!graph_root_init(&cache->root, arena, shape, meta->root_nodes))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (meta->root_nodes == 0 || transfer_root(&stream, shape, &cache->root) == meta->root_crc)
		return;

	/*
	 * Is it being replaced?  Then do without; the metapage is another, next
	 * time.
	 */
	now = hnsw_read_meta(relation);
	cache->root.n = 0;
	if (now.root_crc == meta->root_crc && now.root_nodes == meta->root_nodes)
		hnsw_raise_corrupted(relation, cache->layout.root, "The root has a wrong checksum.");
}

static HnswCache *
make_cache(Relation relation, const HnswMeta *meta)
{
	HnswCache  *cache = palloc0(sizeof(HnswCache));
	const GraphMetric *metric = hnsw_metric(relation);
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	Status		status;

	status_clear(&status);
	if (metric->coded != (meta->bits > 0) || (metric->bits != NULL) != (meta->kind == STORED_BIT))
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK,
							 "The metapage does not belong to the operator class.");
	cache->meta = *meta;
	cache->layout = hnsw_layout(relation, meta);
	cache->recent = hnsw_create_recent(relation);
	read_root(relation, meta, cache, arena);
	if (!graph_space_init(&cache->space, arena, metric, &cache->layout.shape, meta->seed,
						  read_center(relation, meta), &status))
		raise_status(&status);
	return cache;
}

static bool
is_same(const Entry *entry, Relation relation, const HnswMeta *meta)
{
	HnswMeta	other;

	if (entry->index != RelationGetRelid(relation))
		return false;
	other = entry->cache->meta;

	other.entry = meta->entry;
	other.nulls = meta->nulls;
	other.nulls_room = meta->nulls_room;
	other.stats = meta->stats;
	return memcmp(&other, meta, sizeof(other)) == 0;
}

static Entry *
find_entry(Relation relation, const HnswMeta *meta)
{
	for (int i = 0; i < ENTRIES; i++)
		if (is_same(&entries[i], relation, meta))
			return &entries[i];
	return NULL;
}

/* An entry that nobody uses, emptied; NULL if there is none. */
static Entry *
free_entry(void)
{
	Entry	   *oldest = NULL;

	for (int i = 0; i < ENTRIES; i++)
		if (entries[i].pins == 0 && (oldest == NULL || entries[i].used < oldest->used))
			oldest = &entries[i];
	if (oldest != NULL && oldest->context != NULL)
	{
		MemoryContextDelete(oldest->context);
		memset(oldest, 0, sizeof(Entry));
	}
	return oldest;
}

static void
unpin(void *arg)
{
	((Entry *) arg)->pins--;
}

/* Keep an entry while the current memory context lives. */
static HnswCache *
pin(Entry *entry)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = unpin;
	callback->arg = entry;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	entry->pins++;
	entry->used = ++uses;
	return entry->cache;
}

HnswCache *
hnsw_cache(Relation relation, const HnswMeta *meta)
{
	Entry	   *entry = find_entry(relation, meta);
	MemoryContext context;
	MemoryContext caller;
	HnswCache  *cache;

	if (entry != NULL)
		return pin(entry);
	/* An error must leave no half-made entry behind. */
	context = AllocSetContextCreate(CurrentMemoryContext, "similarity_hnsw cache",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	cache = make_cache(relation, meta);
	MemoryContextSwitchTo(caller);
	entry = free_entry();
	if (entry == NULL)
		return cache;
	MemoryContextSetParent(context, CacheMemoryContext);
	entry->index = RelationGetRelid(relation);
	entry->context = context;
	entry->cache = cache;
	cache->context = context;
	return pin(entry);
}
