/*
 * stats.c
 *	  What is measured of an index and kept in its metapage.
 *
 * Stats are hints: an index without any works.  They go with the index: a
 * REINDEX or TRUNCATE begins anew.
 */
#include "postgres.h"

#include "executor/instrument.h"
#include "miscadmin.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "graph/search.h"
#include "hnsw/node.h"
#include "hnsw/options.h"
#include "hnsw/searcher.h"
#include "hnsw/stats.h"
#include "hnsw/xlog.h"
#include "server/context.h"
#include "server/errors.h"

/* Searches that are measured, and the rows that each looks for */
#define SEARCHES 32
#define ROWS 10

/* A search whose bounds tell nothing would read the whole table. */
#define MOST_ROWS 1000

/*
 * For the planner, which must not fail: a damaged index is an error when it is
 * read.
 */
HnswStats
hnsw_read_stats(Relation relation)
{
	HnswStats	stats = {0};
	Buffer		buffer;
	Page		page;

	if (RelationGetNumberOfBlocks(relation) == 0)
		return stats;
	buffer = ReadBuffer(relation, HNSW_META_BLOCK);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	if (hnsw_page_problem(page, HNSW_PAGE_META) == NULL)
		stats = hnsw_page_meta(page)->stats;
	UnlockReleaseBuffer(buffer);
	return stats;
}

void
hnsw_write_stats(HnswIndex *index, const HnswStats *stats)
{
	Buffer		buffer = hnsw_lock_meta(index->relation, BUFFER_LOCK_EXCLUSIVE);
	HnswXlog	xlog;

	hnsw_xlog_begin(index, &xlog);
	hnsw_page_meta(hnsw_xlog_page(&xlog, buffer, false))->stats = *stats;
	hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(buffer);
}

/* Of all relations, by this backend; only differences count */
static int64
pages_read(void)
{
	return pgBufferUsage.shared_blks_hit + pgBufferUsage.shared_blks_read +
		pgBufferUsage.local_blks_hit + pgBufferUsage.local_blks_read;
}

int
hnsw_keep_least(double *least, int n, int k, double value)
{
	int			i;

	if (n == k && !float8_lt(value, least[k - 1]))
		return n;
	for (i = n < k ? n++ : k - 1; i > 0 && float8_lt(value, least[i - 1]); i--)
		least[i] = least[i - 1];
	least[i] = value;
	return n;
}

/*
 * Search for what a node holds, until the executor would have its rows: the
 * last of them is not beyond the next bound.  How many of the table it would
 * have read, or 0 if there is no such node.
 */
static int
search_like(HnswIndex *index, int ef, GraphSearch *search, GraphQuery *query,
			const GraphStart *start, uint32 node, void *scratch)
{
	const void *own = index->access.own(index, node, scratch);
	GraphLimits limits = {.ef = ef,.waiting = hnsw_max_waiting()};
	double		least[ROWS];
	int			n = 0;
	int			rows = 0;
	GraphFound	found;
	Status		status;

	if (own == NULL)
		return 0;
	status_clear(&status);
	graph_query_set_stored(query, own);
	if (!graph_search_begin(search, query, start, &limits, &status))
		raise_status(&status);
	while (rows < MOST_ROWS && graph_search_next(search, &found, &status) &&
		   !(n == ROWS && least[n - 1] <= found.bound))
	{
		double		value = query->exact ? found.bound :
		graph_query_value(query, found.distance);

		for (int i = 0; i < found.nrows; i++)
			n = hnsw_keep_least(least, n, ROWS, value);
		rows += found.nrows;
	}
	if (status.code != STATUS_SUCCESS)
		raise_status(&status);
	return rows;
}

/* Nodes evenly spread over the index are searched for. */
static void
measure_searches(HnswIndex *index, int ef, HnswStats *stats)
{
	uint32		nodes = hnsw_count_nodes(index);
	GraphStart	start = hnsw_start(index);
	GraphQuery *query = hnsw_create_query(index);
	void	   *scratch = palloc(index->layout.shape.own_size);
	GraphSearch *search;
	Status		status;
	double		expansions = 0;
	double		all_rows = 0;
	int64		pages = 0;
	int			n = 0;

	search = graph_search_create(memory_arena(CurrentMemoryContext,
											  ARENA_NO_BUDGET), &index->access,
								 &status);
	if (search == NULL)
		raise_status(&status);
	for (int i = 0; i < Min(SEARCHES, nodes); i++)
	{
		uint32		node = (uint64) i * nodes / Min(SEARCHES, nodes);
		int64		before = pages_read();
		int			rows;

		CHECK_FOR_INTERRUPTS();
		rows = search_like(index, ef, search, query, &start, node, scratch);
		if (rows == 0)
			continue;
		all_rows += rows;
		pages += pages_read() - before;
		expansions += graph_search_expansions(search);
		n++;
	}
	stats->ef = n == 0 ? 0 : ef;
	stats->expansions = n == 0 ? 0 : expansions / n;
	stats->pages = n == 0 ? 0 : pages / expansions;
	stats->rows = n == 0 ? 0 : all_rows / n;
}

void
hnsw_measure_search(HnswIndex *index)
{
	HnswStats	stats = hnsw_read_meta(index->relation).stats;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "similarity_hnsw stats",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	HnswStats	old = stats;

	measure_searches(index, hnsw_own_ef(index->relation, &stats), &stats);
	if (memcmp(&old, &stats, sizeof(old)) != 0)
		hnsw_write_stats(index, &stats);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
