/*
 * index_cost.c
 *	  What the planner is told.
 *
 * The first row costs the search that builds and vacuums have measured; each
 * further one an expansion more.  PostgreSQL interpolates between the two when
 * there is a LIMIT and a WHERE clause, and adds what heap rows cost, so that a
 * small LIMIT uses the index, while a sort of the whole table or a condition
 * that leaves few rows does not.  Rows of the table that are read only to learn
 * that they are farther than their bounds are part of the first row's cost.
 *
 * Nothing depends on the query's vector, so that generic plans cost what custom
 * ones do; but for a condition on the distance, see planner_probe.c.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/sysattr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/float.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "embedding/embedding.h"
#include "hnsw/heap_rows.h"
#include "hnsw/hnsw.h"
#include "hnsw/index.h"
#include "hnsw/options.h"
#include "hnsw/planner_probe.h"
#include "hnsw/stats.h"
#include "server/compat.h"

/* Noting a neighbor that was not seen before, in units of cpu_operator_cost */
#define NEIGHBOR_COST 4

/* Even an index that fits into memory is not there now and then. */
#define LEAST_UNCACHED 0.01

/* Rows that a measured search looks for */
#define MEASURED_ROWS 10

/* What a search is, as measured or guessed */
typedef struct Effort
{
	double		expansions;		/* until ten rows are found */
	double		pages;			/* that an expansion reads */
	double		distances;		/* that it computes, codes by their bits */
	double		degree;
	double		root;			/* distances that the root takes */
	double		more_rows;		/* of the table, for ten: what bounds cost */
} Effort;

/* The share of pages that must be expected to come from outside. */
static double
uncached_share(double pages)
{
	if (pages <= effective_cache_size)
		return LEAST_UNCACHED;
	return Max(1.0 - effective_cache_size / pages, LEAST_UNCACHED);
}

/* Expansions grow with ef as far as the search is not settled earlier. */
static Effort
index_effort(Relation relation)
{
	HnswStats	stats = hnsw_read_stats(relation);
	double		ef = hnsw_ef_search(relation, &stats);
	double		bits = hnsw_metric(relation)->coded ? 4 : 32;
	Effort		effort;

	effort.degree = 2 * hnsw_m(relation);
	effort.expansions = ef + MEASURED_ROWS;
	effort.more_rows = 0;
	effort.pages = hnsw_metric(relation)->coded ? 1 : effort.degree / 2;
	if (stats.ef > 0 && stats.expansions > 0 && stats.pages > 0)
	{
		effort.expansions *= stats.expansions / (stats.ef + MEASURED_ROWS);
		effort.pages = stats.pages;
		effort.more_rows = Max(stats.rows - MEASURED_ROWS, 0);
	}
	effort.distances = 1 + effort.degree * bits / 32;
	effort.root = hnsw_metric(relation)->coded ? GRAPH_ROOT_MAX * bits / 32 : 0;
	return effort;
}

/* An index that is only imagined has the defaults. */
static Effort
imagined_effort(void)
{
	Effort		effort = {
		.expansions = HNSW_DEFAULT_EF_SEARCH + MEASURED_ROWS,
		.pages = 1,
		.distances = 1 + 2.0 * HNSW_DEFAULT_M * 4 / 32,
		.degree = 2 * HNSW_DEFAULT_M,
		.root = GRAPH_ROOT_MAX * 4.0 / 32
	};

	return effort;
}

/* Cost of one distance of the indexed values, in units of cpu_operator_cost */
static double
distance_cost(const IndexOptInfo *info)
{
	TargetEntry *entry = linitial_node(TargetEntry, info->indextlist);

	return embedding_distance_cost(exprTypmod((Node *) entry->expr));
}

/* Cost of so many expansions, at random places */
static Cost
expansion_cost(const IndexOptInfo *info, const Effort *effort,
			   double expansions)
{
	double		random_cost;
	double		pages = expansions * effort->pages;

	get_tablespace_page_costs(info->reltablespace, &random_cost, NULL);
	return expansions * (cpu_index_tuple_cost +
						 (effort->distances * distance_cost(info) +
						  effort->degree * NEIGHBOR_COST) * cpu_operator_cost) +
		pages * random_cost * uncached_share(info->pages);
}

/* Cost of reading so many rows of the table that do not become results */
static Cost
rows_cost(const IndexOptInfo *info, double rows)
{
	double		random_cost;

	get_tablespace_page_costs(info->rel->reltablespace, &random_cost, NULL);
	return rows * (cpu_tuple_cost + distance_cost(info) * cpu_operator_cost +
				   random_cost * uncached_share(info->rel->pages));
}

/* Does a query show or test the ctid of rows of a table? */
static bool
uses_ctid(RelOptInfo *rel)
{
	Bitmapset  *used = NULL;
	ListCell   *lc;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	foreach(lc, rel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause,
					   rel->relid, &used);
	return bms_is_member(SelfItemPointerAttributeNumber -
						 FirstLowInvalidHeapAttributeNumber, used);
}

/*
 * May the index be used?  It is in the order of distances alone, and where the
 * executor sorts by a second of them it may lose ctids.
 */
static bool
is_usable(const IndexPath *path)
{
	return path->indexorderbys != NIL &&
		!(list_length(path->indexorderbys) > 1 &&
		  uses_ctid(path->indexinfo->rel) && !hnsw_put_off_rows_keep_ctid());
}

void
hnsw_cost_estimate(struct PlannerInfo *root, struct IndexPath *path,
				   double loop_count, Cost *startup, Cost *total,
				   Selectivity *selectivity, double *correlation,
				   double *pages)
{
	IndexOptInfo *info = path->indexinfo;
	double		first;
	Effort		effort;

	/* All its rows come, which are not all of the table's if it is partial. */
	*selectivity = info->rel->tuples > 0 ? Min(info->tuples / info->rel->tuples, 1.0) : 1;
	*correlation = 0;
	*pages = info->pages;
	if (!is_usable(path))
	{
		*startup = get_float8_infinity();
		*total = get_float8_infinity();
		refuse_path(&path->path);
		return;
	}
	if (info->hypothetical)
		effort = imagined_effort();
	else
	{
		Relation	relation = index_open(info->indexoid, NoLock);

		effort = index_effort(relation);
		index_close(relation, NoLock);
	}
	first = Min(effort.expansions, info->tuples);
	*startup = expansion_cost(info, &effort, first) +
		Min(effort.root, info->tuples / GRAPH_ROOT_SHARE) * distance_cost(info) * cpu_operator_cost +
		rows_cost(info, Min(effort.more_rows, info->tuples));
	*total = *startup + expansion_cost(info, &effort, Max(info->tuples - MEASURED_ROWS, 0));

	/* The LIMIT will not be reached: its first row costs as much as the last. */
	if (!info->hypothetical && hnsw_few_within(root, path))
		*startup = *total;
}
