/*
 * options.c
 *	  The options of an index.
 */
#include "postgres.h"

#include "access/reloptions.h"

#include "embedding/embedding.h"
#include "hnsw/hnsw.h"
#include "hnsw/index.h"
#include "hnsw/options.h"
#include "server/guc.h"

static relopt_kind option_kind;
static relopt_kind drop_in_kind;
static relopt_kind lists_kind;

static relopt_enum_elt_def vectors_values[] = {
	{"auto", HNSW_VECTORS_AUTO},
	{"int8", HNSW_VECTORS_INT8},
	{"half", HNSW_VECTORS_HALF},
	{"float", HNSW_VECTORS_FLOAT},
	/* float without quotes is a type to the parser, which hands on its name */
	{"pg_catalog.float8", HNSW_VECTORS_FLOAT},
	{NULL, 0}
};

/*
 * Locks: what changes pages needs AccessExclusiveLock, though it takes effect
 * with the next build only; what a search or an insert reads does not.
 */
static void
add_options(relopt_kind kind, int min_m, int max_m, int min_ef_construction)
{
	add_int_reloption(kind, "m",
					  "Half the number of neighbors that a node may have.",
					  HNSW_DEFAULT_M, min_m, max_m, AccessExclusiveLock);
	add_int_reloption(kind, "ef_construction",
					  "Size of the candidate list of a build or an insert.",
					  HNSW_DEFAULT_EF_CONSTRUCTION, min_ef_construction,
					  HNSW_MAX_EF_CONSTRUCTION, ShareUpdateExclusiveLock);
	add_int_reloption(kind, "ef_search",
					  "Size of the candidate list of a search.",
					  0, HNSW_MIN_EF_SEARCH, HNSW_MAX_EF_SEARCH,
					  ShareUpdateExclusiveLock);
	add_real_reloption(kind, "target_recall",
					   "Recall of ten rows for which a build finds ef_search.",
					   0, HNSW_MIN_TARGET_RECALL, HNSW_MAX_TARGET_RECALL,
					   ShareUpdateExclusiveLock);
	add_enum_reloption(kind, "vectors", "How the index stores vectors.",
					   vectors_values, HNSW_VECTORS_AUTO,
					   "Valid values are \"auto\", \"int8\", \"half\" and \"float\".",
					   AccessExclusiveLock);
	add_int_reloption(kind, "bits",
					  "Bits of a dimension in the codes of neighbors: 1, 2, 4, or 0 to choose by dimensions.",
					  0, 0, 4, AccessExclusiveLock);
	add_int_reloption(kind, "passes",
					  "How often a build goes over all nodes; 0: twice if the first time shows that the data are hard to search.",
					  HNSW_DEFAULT_PASSES, 0, HNSW_MAX_PASSES,
					  AccessExclusiveLock);
}

/*
 * The access methods of the extension vector take pgvector's options, within its
 * bounds: hnsw besides ours, ivfflat "lists", which means nothing to a graph.
 */
void
hnsw_init_options(void)
{
	option_kind = add_reloption_kind();
	add_options(option_kind, HNSW_MIN_M, HNSW_MAX_M,
				HNSW_MIN_EF_CONSTRUCTION);
	drop_in_kind = add_reloption_kind();
	add_options(drop_in_kind, 2, 100, 4);
	lists_kind = add_reloption_kind();
	add_int_reloption(lists_kind, "lists", "Without effect.", 100, 1, 32768,
					  AccessExclusiveLock);
}

/* The one value between bounds that there is not */
static void
check_bits(int bits)
{
	if (bits == 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value 3 out of bounds for option \"bits\""),
				 errdetail("Valid values are 1, 2, 4, and 0 to choose by dimensions.")));
}

static bytea *
read_options(Datum reloptions, bool validate, relopt_kind kind)
{
	static const relopt_parse_elt table[] = {
		{"m", RELOPT_TYPE_INT, offsetof(HnswOptions, m)},
		{"ef_construction", RELOPT_TYPE_INT,
		offsetof(HnswOptions, ef_construction)},
		{"ef_search", RELOPT_TYPE_INT, offsetof(HnswOptions, ef_search)},
		{"target_recall", RELOPT_TYPE_REAL,
		offsetof(HnswOptions, target_recall)},
		{"vectors", RELOPT_TYPE_ENUM, offsetof(HnswOptions, vectors)},
		{"bits", RELOPT_TYPE_INT, offsetof(HnswOptions, bits)},
		{"passes", RELOPT_TYPE_INT, offsetof(HnswOptions, passes)}
	};

	HnswOptions *options = (HnswOptions *) build_reloptions(reloptions,
															validate,
															kind,
															sizeof(HnswOptions), table, lengthof(table));

	if (validate && options != NULL)
		check_bits(options->bits);
	return (bytea *) options;
}

/* amoptions; no validation for what pg_class holds already */
bytea *
hnsw_options(Datum reloptions, bool validate)
{
	return read_options(reloptions, validate, option_kind);
}

bytea *
hnsw_drop_in_options(Datum reloptions, bool validate)
{
	return read_options(reloptions, validate, drop_in_kind);
}

/* All options but one are 0, which is their default. */
bytea *
hnsw_lists_options(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		{"lists", RELOPT_TYPE_INT, offsetof(HnswOptions, lists)}
	};

	return build_reloptions(reloptions, validate, lists_kind,
							sizeof(HnswOptions), table, lengthof(table));
}

bool
hnsw_is_drop_in(Relation index)
{
	return index->rd_indam->amoptions == hnsw_drop_in_options ||
		index->rd_indam->amoptions == hnsw_lists_options;
}

static bool
has_lists(Relation index)
{
	return index->rd_indam->amoptions == hnsw_lists_options;
}

/* Within our bounds: those of the extension vector are wider. */
int
hnsw_m(Relation index)
{
	HnswOptions *options = (HnswOptions *) index->rd_options;

	if (options == NULL || options->m == 0)
		return HNSW_DEFAULT_M;
	return Min(Max(options->m, HNSW_MIN_M), HNSW_MAX_M);
}

int
hnsw_ef_construction(Relation index)
{
	HnswOptions *options = (HnswOptions *) index->rd_options;

	if (options == NULL || options->ef_construction == 0)
		return HNSW_DEFAULT_EF_CONSTRUCTION;
	return Max(options->ef_construction, HNSW_MIN_EF_CONSTRUCTION);
}

int
hnsw_own_ef(Relation index, const HnswStats *stats)
{
	HnswOptions *options = (HnswOptions *) index->rd_options;

	if (options != NULL && options->ef_search > 0)
		return options->ef_search;
	if (hnsw_target_recall(index) > 0 &&
		stats->target_ef >= HNSW_MIN_EF_SEARCH &&
		stats->target_ef <= HNSW_MAX_EF_SEARCH)
		return stats->target_ef;
	return HNSW_DEFAULT_EF_SEARCH;
}

/*
 * What pgvector's settings ask for, which the index's own effort stands for as
 * long as they have their defaults.  A list that is probed is taken for as much
 * work as the default of hnsw.
 */
static int
drop_in_ef(Relation index, int own)
{
	if (!has_lists(index))
		return guc_hnsw_ef_search != GUC_HNSW_EF_SEARCH ? guc_hnsw_ef_search :
			own;
	if (guc_ivfflat_probes == 1)
		return own;
	return Min(guc_ivfflat_probes * GUC_HNSW_EF_SEARCH,
			   GUC_HNSW_MAX_EF_SEARCH);
}

int
hnsw_ef_search(Relation index, const HnswStats *stats)
{
	if (guc_ef_search > 0)
		return guc_ef_search;
	if (hnsw_is_drop_in(index))
		return drop_in_ef(index, hnsw_own_ef(index, stats));
	return hnsw_own_ef(index, stats);
}

/* pgvector's setting of the index's access method */
static int
iterative_scan(Relation index)
{
	return has_lists(index) ? guc_ivfflat_iterative_scan :
		guc_hnsw_iterative_scan;
}

int
hnsw_search_order(Relation index)
{
	if (hnsw_is_drop_in(index) && iterative_scan(index) == ITERATIVE_RELAXED)
		return ORDER_RELAXED;
	return guc_search_order;
}

int64
hnsw_max_rows(Relation index)
{
	if (hnsw_is_drop_in(index) && !has_lists(index) &&
		iterative_scan(index) != ITERATIVE_OFF)
		return guc_hnsw_max_scan_tuples;
	return PG_INT64_MAX;
}

double
hnsw_target_recall(Relation index)
{
	HnswOptions *options = (HnswOptions *) index->rd_options;

	return options == NULL ? 0 : options->target_recall;
}

int
hnsw_passes(Relation index)
{
	HnswOptions *options = (HnswOptions *) index->rd_options;

	return options == NULL ? HNSW_DEFAULT_PASSES : options->passes;
}

int
hnsw_bits(Relation index)
{
	HnswOptions *options = (HnswOptions *) index->rd_options;

	if (options == NULL)
		return 0;
	check_bits(options->bits);	/* whoever edited the catalog */
	return options->bits;
}

/*
 * What serves best to tell distances without the table's help: float32 as they
 * are, and of other elements, for which the operator adds up in another order
 * than we do, approximations that leave little to ask.
 */
static StoredKind
finest_kind(Relation index)
{
	return EMBEDDING_TYPMOD_KIND(hnsw_typmod(index)) == ELEMENT_FLOAT ?
		STORED_FLOAT : STORED_HALF;
}

/* An expression must not be computed again for each row found. */
StoredKind
hnsw_kind(Relation index)
{
	HnswOptions *options = (HnswOptions *) index->rd_options;
	bool		is_expression =
	index->rd_index->indkey.values[0] == InvalidAttrNumber;

	if (!hnsw_metric(index)->coded)
		return hnsw_metric(index)->bits != NULL ? STORED_BIT : STORED_FLOAT;
	switch (options == NULL ? HNSW_VECTORS_AUTO :
			(HnswVectors) options->vectors)
	{
		case HNSW_VECTORS_INT8:
			return STORED_INT8;
		case HNSW_VECTORS_HALF:
			return STORED_HALF;
		case HNSW_VECTORS_FLOAT:
			return finest_kind(index);
		case HNSW_VECTORS_AUTO:
			break;
	}
	return is_expression ? finest_kind(index) : STORED_INT8;
}

bool
hnsw_kind_is_open(Relation index)
{
	HnswOptions *options = (HnswOptions *) index->rd_options;

	return hnsw_kind(index) == STORED_INT8 &&
		(options == NULL || options->vectors == HNSW_VECTORS_AUTO);
}
