/*
 * index_cache.c
 *	  What an index has that never changes: shape, rotation, center and root,
 *	  read once by a connection and kept for the next operation.
 *
 * The metapage has the checksums of center and root, so that an entry of the
 * cache with the same index and the same metapage, but for the entry point, the
 * pages of nulls and what was measured, is the same.
 *
 * A few entries are kept.  An operation pins the one it uses until its memory
 * context ends; of the others the least recently used makes place.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "hnsw/index.h"
#include "hnsw/node.h"
#include "hnsw/root_pages.h"
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

/*
 * Read everything, in the current context.  The metapage must fit the operator
 * class: one without codes would take them for vectors.
 */
static HnswCache *
make_cache(Relation relation, const HnswMeta *meta)
{
	HnswCache  *cache = palloc0(sizeof(HnswCache));
	const GraphMetric *metric = hnsw_metric(relation);
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	Status		status;

	if (metric->coded != (meta->bits > 0) ||
		(metric->bits != NULL) != (meta->kind == STORED_BIT))
		hnsw_raise_corrupted(relation, HNSW_META_BLOCK,
							 "The metapage does not belong to the operator class.");
	cache->meta = *meta;
	cache->layout = hnsw_layout(relation, meta);
	cache->recent = hnsw_create_recent(relation);
	hnsw_read_root(relation, meta, &cache->layout, arena, &cache->root);
	if (!graph_space_init(&cache->space, arena, metric, &cache->layout.shape,
						  meta->seed, hnsw_read_center(relation, meta),
						  &status))
		raise_status(&status);
	return cache;
}

/* Are both metapages alike but for what changes while an index is used? */
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

/* NULL: not read yet, or the index was built again */
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
		if (entries[i].pins == 0 &&
			(oldest == NULL || entries[i].used < oldest->used))
			oldest = &entries[i];
	if (oldest != NULL && oldest->context != NULL)
	{
		MemoryContextDelete(oldest->context);
		memset(oldest, 0, sizeof(Entry));
	}
	return oldest;
}

/* Callback of the context that pinned it */
static void
unpin_entry(void *arg)
{
	((Entry *) arg)->pins--;
}

/* Keep an entry while the current memory context lives. */
static HnswCache *
pin_entry(Entry *entry)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = unpin_entry;
	callback->arg = entry;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	entry->pins++;
	entry->used = ++uses;
	return entry->cache;
}

/*
 * If all entries are in use, by scans of as many indexes in one query, the
 * caller gets one that lives in his context and is not kept.
 */
HnswCache *
hnsw_cache(Relation relation, const HnswMeta *meta)
{
	Entry	   *entry = find_entry(relation, meta);
	MemoryContext context;
	MemoryContext caller;
	HnswCache  *cache;

	if (entry != NULL)
		return pin_entry(entry);
	/* An error must leave no half-made entry behind. */
	context = AllocSetContextCreate(CurrentMemoryContext,
									"similarity_hnsw cache",
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
	return pin_entry(entry);
}
