/*
 * handler.c
 *	  The access method's table of functions, and the support function of each
 *	  operator class.
 */
#include "postgres.h"

#include "commands/vacuum.h"
#include "fmgr.h"

#include "utils/rel.h"

#include "graph/graph_metric.h"
#include "hnsw/hnsw.h"
#include "hnsw/options.h"
#include "server/guc.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_hnsw_handler);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_vector_hnsw_handler);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_vector_ivfflat_handler);
PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_l2_support);
PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_cosine_support);
PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_ip_support);
PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_l1_support);
PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_hamming_support);
PGDLLEXPORT PG_FUNCTION_INFO_V1(hnsw_jaccard_support);

/* ---- support functions: which metric an operator class has ---- */

Datum
hnsw_l2_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(&graph_metric_l2);
}

Datum
hnsw_cosine_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(&graph_metric_cosine);
}

Datum
hnsw_ip_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(&graph_metric_ip);
}

Datum
hnsw_l1_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(&graph_metric_l1);
}

Datum
hnsw_hamming_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(&graph_metric_hamming);
}

Datum
hnsw_jaccard_support(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(&graph_metric_jaccard);
}

/* ---- properties ---- */

/* Distances can be ordered by, which PostgreSQL does not find out itself. */
static bool
hnsw_property(Oid index, int attribute, IndexAMProperty property,
			  const char *name, bool *result, bool *isnull)
{
	if (property != AMPROP_DISTANCE_ORDERABLE || attribute == 0)
		return false;
	*result = true;
	*isnull = false;
	return true;
}

/*
 * amoptionalkey: rows may be scanned without a condition.  Not amcanparallel,
 * since the order of a search is one; not amcanmulticol, since one column is
 * enough for an order by distance.
 */
Datum
similarity_hnsw_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amstrategies = 0;
	am->amsupport = 1;
	am->amoptsprocnum = 0;
	am->amcanorder = false;
	am->amcanorderbyop = true;
	am->amcanbackward = false;
	am->amcanunique = false;
	am->amcanmulticol = false;
	am->amoptionalkey = true;
	am->amsearcharray = false;
	am->amsearchnulls = false;
	am->amstorage = false;
	am->amclusterable = false;
	am->ampredlocks = false;
	am->amcanparallel = false;
	am->amcaninclude = false;
	am->amusemaintenanceworkmem = false;	/* in vacuum */
	am->amparallelvacuumoptions = VACUUM_OPTION_PARALLEL_BULKDEL;
	am->amkeytype = InvalidOid;

	am->ambuild = hnsw_build;
	am->ambuildempty = hnsw_build_empty;
	am->aminsert = hnsw_insert;
	am->ambulkdelete = hnsw_bulk_delete;
	am->amvacuumcleanup = hnsw_vacuum_cleanup;
	am->amcanreturn = NULL;
	am->amcostestimate = hnsw_cost_estimate;
	am->amoptions = hnsw_options;
	am->amproperty = hnsw_property;
	am->ambuildphasename = hnsw_build_phase_name;
	am->amvalidate = hnsw_validate;
	am->amadjustmembers = NULL;
	am->ambeginscan = hnsw_begin_scan;
	am->amrescan = hnsw_rescan;
	am->amgettuple = hnsw_get_tuple;
	am->amgetbitmap = NULL;
	am->amendscan = hnsw_end_scan;
	am->ammarkpos = NULL;
	am->amrestrpos = NULL;
	am->amestimateparallelscan = NULL;
	am->aminitparallelscan = NULL;
	am->amparallelrescan = NULL;
	PG_RETURN_POINTER(am);
}

/* ---- the access methods of the extension vector ---- */

/* With shorter lists too many rows are in none: see graph/README. */
static IndexBuildResult *
build_for_hnsw(Relation heap, Relation relation, struct IndexInfo *info)
{
	HnswOptions *options = (HnswOptions *) relation->rd_options;

	if (options != NULL && options->m < HNSW_MIN_M)
		ereport(NOTICE,
				(errmsg("index \"%s\" is built with m = %d, not %d",
						RelationGetRelationName(relation), HNSW_MIN_M,
						options->m)));
	return hnsw_build(heap, relation, info);
}

/*
 * hnsw is ours with pgvector's options and settings.  The settings are defined
 * here and not when the library is loaded: another library that is called
 * vector may be about to define them.
 */
Datum
similarity_vector_hnsw_handler(PG_FUNCTION_ARGS)
{
	Datum		result = similarity_hnsw_handler(fcinfo);
	IndexAmRoutine *am = (IndexAmRoutine *) DatumGetPointer(result);

	guc_init_drop_in();
	am->amoptions = hnsw_drop_in_options;
	am->ambuild = build_for_hnsw;
	return result;
}

static IndexBuildResult *
build_for_ivfflat(Relation heap, Relation relation, struct IndexInfo *info)
{
	ereport(NOTICE,
			(errmsg("index \"%s\" of access method ivfflat is built as one of hnsw",
					RelationGetRelationName(relation)),
			 errdetail("The option \"lists\" has no effect.")));
	return hnsw_build(heap, relation, info);
}

/* ivfflat is another name of it. */
Datum
similarity_vector_ivfflat_handler(PG_FUNCTION_ARGS)
{
	Datum		result = similarity_hnsw_handler(fcinfo);
	IndexAmRoutine *am = (IndexAmRoutine *) DatumGetPointer(result);

	guc_init_drop_in();
	am->amoptions = hnsw_lists_options;
	am->ambuild = build_for_ivfflat;
	return result;
}
