/*
 * guc.c
 *	  Every setting of the extension, alphabetical.
 */
#include "postgres.h"

#include <limits.h>

#include "access/parallel.h"
#include "postmaster/postmaster.h"
#include "utils/guc.h"

#include "base/threads.h"
#include "server/guc.h"

int			guc_cache_memory = 256 * 1024;
int			guc_columns = 0;
int			guc_ef_search = 0;
int			guc_max_jobs_per_role = 4;
int			guc_hnsw_ef_search = GUC_HNSW_EF_SEARCH;
int			guc_hnsw_iterative_scan = ITERATIVE_OFF;
int			guc_hnsw_max_scan_tuples = 20000;
int			guc_ivfflat_iterative_scan = ITERATIVE_OFF;
int			guc_ivfflat_probes = 1;
int			guc_progress_interval = 2000;
int			guc_search_order = ORDER_STRICT;
int			guc_style = STYLE_PLAIN;
int			guc_threads = 0;
int			guc_training_memory = 4 * 1024 * 1024;

static const struct config_enum_entry order_options[] = {
	{"relaxed", ORDER_RELAXED, false},
	{"strict", ORDER_STRICT, false},
	{NULL, 0, false}
};

static const struct config_enum_entry style_options[] = {
	{"plain", STYLE_PLAIN, false},
	{"color256", STYLE_COLOR256, false},
	{"truecolor", STYLE_TRUECOLOR, false},
	{"ascii", STYLE_ASCII, false},
	{NULL, 0, false}
};

static const struct config_enum_entry hnsw_iterative_options[] = {
	{"off", ITERATIVE_OFF, false},
	{"relaxed_order", ITERATIVE_RELAXED, false},
	{"strict_order", ITERATIVE_STRICT, false},
	{NULL, 0, false}
};

static const struct config_enum_entry ivfflat_iterative_options[] = {
	{"off", ITERATIVE_OFF, false},
	{"relaxed_order", ITERATIVE_RELAXED, false},
	{NULL, 0, false}
};

/* Two more, of which a graph knows nothing, only have their values checked. */
static double scan_mem_multiplier = 1;
static int	max_probes = 32768;

void
guc_init(void)
{
	DefineCustomIntVariable("similarity.cache_memory",
							"Memory for model weights kept by a backend, and for the forward pass of a call.",
							"The least recently used versions are dropped beyond it; what needs more by itself is refused.",
							&guc_cache_memory,
							guc_cache_memory, 1024, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);

	DefineCustomIntVariable("similarity.columns",
							"Width of what is shown in the terminal, in characters.",
							"0 takes 80 for a picture and 120 for everything else.",
							&guc_columns,
							guc_columns, 0, GUC_MAX_COLUMNS,
							PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("similarity.ef_search",
							"Size of the candidate list of an index search.",
							"0 takes the index's own ef_search.",
							&guc_ef_search,
							guc_ef_search, 0, 100000,
							PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);

	DefineCustomIntVariable("similarity.max_jobs_per_role",
							"Most trainings in background workers that a role may have at a time.",
							"In all databases together; 0 allows none.",
							&guc_max_jobs_per_role,
							guc_max_jobs_per_role, 0, MAX_BACKENDS,
							PGC_SUSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("similarity.progress_interval",
							"Least time between two INFO lines that tell how far a long call is.",
							"0 says nothing; the view similarity.progress tells all the same.",
							&guc_progress_interval,
							guc_progress_interval, 0, 3600 * 1000,
							PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);

	DefineCustomEnumVariable("similarity.search_order",
							 "What to do with a row that an index scan finds later than it belongs.",
							 "\"strict\" skips it, so that rows are in order; \"relaxed\" returns it when found.",
							 &guc_search_order,
							 guc_search_order, order_options,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);

	DefineCustomEnumVariable("similarity.style",
							 "Style of what is shown in the terminal.",
							 "\"plain\" has blocks and shades, \"ascii\" signs; \"color256\" and \"truecolor\" need psql's unaligned output.",
							 &guc_style,
							 guc_style, style_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("similarity.threads",
							"Threads for training, batched embedding and index builds.",
							"0 takes one per processor.",
							&guc_threads,
							guc_threads, 0, GUC_MAX_THREADS,
							PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("similarity.training_memory",
							"Most memory that one training may use.",
							NULL,
							&guc_training_memory,
							guc_training_memory, 1024, MAX_KILOBYTES,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);

	MarkGUCPrefixReserved("similarity");
}

void
guc_init_drop_in(void)
{
	static bool done = false;

	if (done)
		return;
	done = true;
	DefineCustomIntVariable("hnsw.ef_search",
							"Size of the candidate list of an index search.",
							"The default takes the index's own.",
							&guc_hnsw_ef_search,
							guc_hnsw_ef_search, 1, GUC_HNSW_MAX_EF_SEARCH,
							PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);

	DefineCustomEnumVariable("hnsw.iterative_scan",
							 "Order of rows that an index scan finds late.",
							 "\"off\" is \"strict_order\" without hnsw.max_scan_tuples: a scan goes on until it has enough rows.",
							 &guc_hnsw_iterative_scan,
							 guc_hnsw_iterative_scan, hnsw_iterative_options,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);

	DefineCustomIntVariable("hnsw.max_scan_tuples",
							"Most rows that an iterative scan gives.",
							NULL,
							&guc_hnsw_max_scan_tuples,
							guc_hnsw_max_scan_tuples, 1, INT_MAX,
							PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);

	DefineCustomRealVariable("hnsw.scan_mem_multiplier",
							 "Without effect.", NULL,
							 &scan_mem_multiplier,
							 scan_mem_multiplier, 1, 1000,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomEnumVariable("ivfflat.iterative_scan",
							 "Order of rows that an index scan finds late.",
							 NULL,
							 &guc_ivfflat_iterative_scan,
							 guc_ivfflat_iterative_scan,
							 ivfflat_iterative_options,
							 PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);

	DefineCustomIntVariable("ivfflat.max_probes",
							"Without effect.", NULL,
							&max_probes, max_probes, 1, 32768,
							PGC_USERSET, 0, NULL, NULL, NULL);

	DefineCustomIntVariable("ivfflat.probes",
							"Effort of an index search, 40 nodes each.",
							"The default takes the index's own.",
							&guc_ivfflat_probes,
							guc_ivfflat_probes, 1, 32768,
							PGC_USERSET, GUC_EXPLAIN, NULL, NULL, NULL);

	MarkGUCPrefixReserved("hnsw");
	MarkGUCPrefixReserved("ivfflat");
}

int
guc_pool_threads(void)
{
	if (IsParallelWorker())
		return 1;
	return guc_threads > 0 ? guc_threads : pool_processors();
}
