/*
 * planner_probe.c
 *	  A look into the index while a query is planned.
 *
 *	  WHERE e <-> q < r ORDER BY e <-> q LIMIT k
 *
 * PostgreSQL knows nothing of distances and takes a third of the table for
 * nearer than r.  If fewer than k are, the scan would go on to the end of the
 * index in search of more; whether that is so is told by a search for k rows,
 * a small part of what the wrong plan costs.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_operator_d.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/restrictinfo.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "embedding/embedding.h"
#include "hnsw/options.h"
#include "hnsw/planner_probe.h"
#include "hnsw/searcher.h"
#include "hnsw/stats.h"
#include "server/errors.h"

/* PostgreSQL has names for some of these only. */
#define FLOAT8_LESS Float8LessOperator
#define FLOAT8_LESS_EQUAL 673
#define FLOAT8_GREATER 674
#define FLOAT8_GREATER_EQUAL 675

/* No look for more rows than this */
#define MOST_ROWS 1000

/* Is it distance < constant, or the other way round?  Then *radius is that. */
static bool
is_radius(const Expr *clause, const Node *distance, double *radius)
{
	const OpExpr *op = (const OpExpr *) clause;
	const Node *left;
	const Node *right;

	if (!IsA(clause, OpExpr) || list_length(op->args) != 2)
		return false;
	left = linitial(op->args);
	right = lsecond(op->args);
	if (op->opno == FLOAT8_GREATER || op->opno == FLOAT8_GREATER_EQUAL)
	{
		const Node *swap = left;

		left = right;
		right = swap;
	}
	else if (op->opno != FLOAT8_LESS && op->opno != FLOAT8_LESS_EQUAL)
		return false;
	if (!IsA(right, Const) || ((const Const *) right)->constisnull ||
		!equal(left, distance))
		return false;
	*radius = DatumGetFloat8(((const Const *) right)->constvalue);
	return true;
}

/* The least radius that the query asks for; false if for none */
static bool
find_radius(const IndexOptInfo *info, const Node *distance, double *radius)
{
	bool		any = false;
	ListCell   *cell;

	*radius = get_float8_infinity();
	foreach(cell, info->indrestrictinfo)
	{
		double		found;

		if (!is_radius(lfirst_node(RestrictInfo, cell)->clause, distance,
					   &found))
			continue;
		*radius = Min(*radius, found);
		any = true;
	}
	return any;
}

/* The constant that distances are measured from, or NULL */
static const Const *
query_constant(const Node *distance)
{
	ListCell   *cell;

	if (!IsA(distance, OpExpr))
		return NULL;
	foreach(cell, ((const OpExpr *) distance)->args)
	{
		const Const *arg = lfirst(cell);

		if (IsA(arg, Const))
			return arg->constisnull ? NULL : arg;
	}
	return NULL;
}

/* Does a search end beyond the radius before it has so many rows? */
static bool
search_ends(Relation relation, Datum value, double radius, double rows)
{
	Embedding  *query = hnsw_value(relation, value);
	HnswMeta	meta = hnsw_read_meta(relation);
	HnswSearcher *searcher = hnsw_take_searcher(relation, &meta);
	GraphLimits limits = {.ef = hnsw_ef_search(relation, &meta.stats),.waiting = hnsw_max_waiting()};
	GraphStart	start = hnsw_start_at(&searcher->index, &meta);
	double		n = 0;
	GraphFound	found;
	Status		status;

	if (query->dims != meta.dims)
		return false;			/* an error, but not here */
	status_clear(&status);
	hnsw_decode(&searcher->index, query, searcher->vector);
	graph_query_set(searcher->query, searcher->vector);
	if (!graph_search_begin(searcher->search, searcher->query, &start, &limits,
							&status))
		raise_status(&status);
	while (n < rows && graph_search_next(searcher->search, &found, &status))
	{
		if (found.bound > radius)
			return true;
		n += found.nrows;
	}
	if (status.code != STATUS_SUCCESS)
		raise_status(&status);
	return n < rows;
}

bool
hnsw_few_within(const PlannerInfo *root, const IndexPath *path)
{
	const IndexOptInfo *info = path->indexinfo;
	const Node *distance = linitial(path->indexorderbys);
	const Const *query = query_constant(distance);
	double		radius;
	Relation	relation;
	MemoryContext context;
	MemoryContext caller;
	bool		few = false;

	/* What row-level security hides must not show in costs. */
	if (root->qual_security_level > 0)
		return false;
	/* The LIMIT of a join counts what it joins.  Partitions are one relation. */
	if (bms_membership(root->all_baserels) != BMS_SINGLETON)
		return false;
	if (query == NULL || root->limit_tuples < 1 ||
		root->limit_tuples > MOST_ROWS || !find_radius(info, distance, &radius))
		return false;
	relation = index_open(info->indexoid, NoLock);
	context = AllocSetContextCreate(CurrentMemoryContext,
									"similarity_hnsw probe",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	/* Nothing was measured: it is empty, or the scan will say what it is. */
	if (hnsw_read_stats(relation).ef > 0)
		few = search_ends(relation, query->constvalue, radius,
						  root->limit_tuples);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	index_close(relation, NoLock);
	return few;
}
