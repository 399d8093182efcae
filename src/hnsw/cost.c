/*
 * cost.c
 *	  What the planner is told.
 *
 * The first row costs a whole beam of ef_search expansions; each row behind
 * the first ef_search costs about one expansion more.  The planner
 * interpolates between the two when there is a LIMIT, and takes the WHERE
 * clause into account by itself, so that a small LIMIT uses the index and a
 * sort of the whole table does not.
 */
#include "postgres.h"

#include "access/genam.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/float.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

#include "guc.h"
#include "hnsw/hnsw.h"

/* pg_proc's cost of the distance functions, in units of cpu_operator_cost */
#define DISTANCE_COST 4

/* Even an index that fits into memory is not there now and then. */
#define LEAST_UNCACHED 0.01

/* Of an expanded node's neighbours, this share was not seen before. */
#define NEW_SHARE 0.5

/* The share of pages that must be expected to come from outside. */
static double
uncached_share(double pages)
{
	if (pages <= effective_cache_size)
		return LEAST_UNCACHED;
	return Max(1.0 - effective_cache_size / pages, LEAST_UNCACHED);
}

/* Cost of scoring nodes at random places */
static Cost
scoring_cost(IndexOptInfo *info, double nodes)
{
	double		random_cost;
	double		pages = Min(nodes, info->pages);

	get_tablespace_page_costs(info->reltablespace, &random_cost, NULL);
	return nodes * (cpu_index_tuple_cost + DISTANCE_COST * cpu_operator_cost) +
		pages * random_cost * uncached_share(info->pages);
}

void
hnsw_cost_estimate(struct PlannerInfo *root, struct IndexPath *path,
				   double loop_count, Cost *startup, Cost *total,
				   Selectivity *selectivity, double *correlation,
				   double *pages)
{
	IndexOptInfo *info = path->indexinfo;
	double		ef = guc_ef_search > 0 ? guc_ef_search : HNSW_DEFAULT_EF_SEARCH;
	double		degree = 2 * HNSW_DEFAULT_M;

	*selectivity = 1;
	*correlation = 0;
	*pages = info->pages;
	if (path->indexorderbys == NIL)
	{
		*startup = get_float8_infinity();
		*total = get_float8_infinity();
		return;
	}
	if (!info->hypothetical)
	{
		Relation	relation = index_open(info->indexoid, NoLock);

		degree = 2 * hnsw_m(relation);
		if (guc_ef_search == 0)
			ef = hnsw_ef_search(relation);
		index_close(relation, NoLock);
	}

	*startup = scoring_cost(info, Min(ef * (1 + degree * NEW_SHARE), info->tuples));
	*total = *startup + scoring_cost(info, Max(info->tuples - ef, 0) * degree);
}
