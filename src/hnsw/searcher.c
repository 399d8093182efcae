/*
 * searcher.c
 *	  All that one search takes, kept by the connection for the next.
 *
 * A search needs some hundred kilobytes for a tenth of a millisecond.  Taking
 * them from the system and giving them back would cost half as much again, in
 * page faults.  The cache of an index keeps one searcher; further ones, of
 * several scans of one index in one query, are made and dropped.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "graph/heap.h"
#include "hnsw/searcher.h"
#include "server/context.h"
#include "server/errors.h"

/* A searcher that has grown beyond this is not kept. */
#define MOST_KEPT (4 * 1024 * 1024)

/* Least memory of a search, in kB */
#define LEAST_MEMORY 1024

/* In a context of its own, a child of the current one */
static HnswSearcher *
make_searcher(Relation relation, HnswCache *cache)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "similarity_hnsw search",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	HnswSearcher *searcher = palloc0(sizeof(HnswSearcher));
	Status		status;

	searcher->context = context;
	hnsw_init_index(&searcher->index, relation, cache);
	searcher->query = hnsw_create_query(&searcher->index);
	searcher->vector = palloc(sizeof(float) * cache->layout.shape.dims);
	searcher->search = graph_search_create(memory_arena(context,
														ARENA_NO_BUDGET),
										   &searcher->index.access, &status);
	if (searcher->search == NULL)
		raise_status(&status);
	MemoryContextSwitchTo(caller);
	return searcher;
}

/* The taker's context goes: keep the searcher if there is none. */
static void
release(void *arg)
{
	HnswSearcher *searcher = arg;
	HnswCache  *cache = searcher->index.cache;

	searcher->index.relation = NULL;
	searcher->index.snapshot = NULL;
	searcher->index.refine = NULL;
	if (cache->searcher == NULL &&
		MemoryContextMemAllocated(searcher->context, true) <= MOST_KEPT)
		cache->searcher = searcher;
	else
		MemoryContextDelete(searcher->context);
}

HnswSearcher *
hnsw_take_searcher(Relation relation, const HnswMeta *meta)
{
	HnswCache  *cache = hnsw_cache(relation, meta);
	HnswSearcher *searcher = cache->searcher;
	MemoryContextCallback *callback;

	if (cache->context == NULL)
		return make_searcher(relation, cache);
	callback = palloc0(sizeof(MemoryContextCallback));
	if (searcher == NULL)
	{
		searcher = make_searcher(relation, cache);
		MemoryContextSetParent(searcher->context, cache->context);
	}
	cache->searcher = NULL;
	searcher->index.relation = relation;
	callback->func = release;
	callback->arg = searcher;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	return searcher;
}

/*
 * A heap entry and its growth each.  With less than a megabyte a search would
 * forget what it needs.
 */
size_t
hnsw_max_waiting(void)
{
	return (size_t) Max(work_mem,
						LEAST_MEMORY) * 1024 / (3 * sizeof(GraphHeapItem));
}
