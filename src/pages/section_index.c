/*
 * section_index.c
 *	  How sound and how good the indexes of a gallery's table are.
 *
 * What is shown is of every row, so it is for whoever may read every row, as
 * similarity.index_info() has it.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "hnsw/inspect.h"
#include "hnsw/options.h"
#include "hnsw/recall.h"
#include "pages/page_tables.h"
#include "pages/pages.h"
#include "show/show.h"

/* What a page reads of an index and its table together, at most */
#define MAX_BYTES INT64CONST(2147483648)
#define MAX_INDEXES 8

/* Recall is that of so many neighbors of so many rows. */
#define SAMPLE 200
#define K 10

/* At which efforts, and at the index's own */
static const int efforts[] = {10, 20, 40, 80, 160, 320, 640};

#define MAX_POINTS (lengthof(efforts) + 1)

typedef struct IndexHealth
{
	Oid			oid;
	char	   *name;
	SPITupleTable *info;
	SPITupleTable *degrees;
	SPITupleTable *history;
	int			own_ef;
	int			sampled;
	int			npoints;
	HnswRecallPoint points[MAX_POINTS];
} IndexHealth;

/* Columns of info */
enum
{
	BYTES = 1, BYTES_PER_ROW, PAGES, ROWS, NODES, DEAD, FREE, UNREACHABLE, ROOT, MEAN_NEIGHBORS, M, EF_CONSTRUCTION, EF_SEARCH,
	TARGET_RECALL, PASSES, NODE_BYTES, LAST_RECALL, SCANS, DEAD_ROWS, BUILT, ROWS_BUILT, ROWS_INSERTED, ROWS_REMOVED, VACUUMS,
	LAST_VACUUM, LISTS_REPAIRED
};

#define TIME "'YYYY-MM-DD HH24:MI TZ'"

static const char info_query[] =
"SELECT pg_catalog.pg_relation_size(i.part) AS bytes,"
" CASE WHEN i.rows OPERATOR(pg_catalog.>) 0 THEN pg_catalog.pg_relation_size(i.part)"
" OPERATOR(pg_catalog./) i.rows END AS bytes_per_row,"
" i.pages, i.rows, i.nodes, i.dead_nodes, i.free_nodes, i.unreachable_nodes, i.root_nodes, i.mean_neighbors,"
" i.m, i.ef_construction, i.ef_search, i.target_recall, i.passes, i.node_bytes,"
" CASE WHEN s.recall IS NOT NULL THEN pg_catalog.format('%s of %s true neighbors, ef_search %s, %s of %s rows, %s',"
" pg_catalog.round(s.recall::pg_catalog.numeric, 4), s.recall_k, s.recall_ef_search, s.recall_sample, s.recall_rows,"
" pg_catalog.to_char(s.recall_time, " TIME ")) END AS last_recall,"
" pg_catalog.pg_stat_get_numscans(i.part) AS scans, pg_catalog.pg_stat_get_dead_tuples(x.indrelid) AS dead_rows,"
" pg_catalog.to_char(h.built, " TIME ") AS built, h.rows_built,"
" i.rows OPERATOR(pg_catalog.-) h.rows_built OPERATOR(pg_catalog.+) h.rows_removed AS rows_inserted, h.rows_removed,"
" h.vacuums, pg_catalog.to_char(h.last_vacuum, " TIME ") AS last_vacuum, h.lists_repaired"
" FROM similarity.index_info($1::pg_catalog.regclass) i, similarity.index_stats($1::pg_catalog.regclass) s, pg_catalog.pg_index x,"
" LATERAL (SELECT pg_catalog.max(e.ended) FILTER (WHERE e.event OPERATOR(pg_catalog.=) 'build') AS built,"
" pg_catalog.max(e.rows) FILTER (WHERE e.event OPERATOR(pg_catalog.=) 'build') AS rows_built,"
" COALESCE(pg_catalog.sum(e.rows_removed), 0)::pg_catalog.int8 AS rows_removed,"
" COALESCE(pg_catalog.sum(e.count) FILTER (WHERE e.event OPERATOR(pg_catalog.=) 'vacuum'), 0)::pg_catalog.int8 AS vacuums,"
" pg_catalog.max(e.ended) FILTER (WHERE e.event OPERATOR(pg_catalog.=) 'vacuum') AS last_vacuum,"
" COALESCE(pg_catalog.sum(e.lists_repaired), 0)::pg_catalog.int8 AS lists_repaired"
" FROM similarity.index_history($1::pg_catalog.regclass) e) h"
" WHERE x.indexrelid OPERATOR(pg_catalog.=) $1";

static const char degrees_query[] =
"SELECT d.neighbors, d.nodes FROM similarity.index_degrees($1::pg_catalog.regclass) d ORDER BY d.neighbors";

/* Columns of history */
enum
{
	EVENT = 1, COUNT, ENDED, DAYS, EVENT_ROWS, INSERTED, REMOVED, REPAIRED, SIZE, EXPANSIONS, RECALL, RECALL_AT, SECONDS
};

static const char history_query[] =
"SELECT e.event, e.count, pg_catalog.to_char(e.ended, " TIME ") AS ended,"
" (EXTRACT(epoch FROM e.ended OPERATOR(pg_catalog.-) pg_catalog.min(e.ended) OVER ()) OPERATOR(pg_catalog./) 86400)::pg_catalog.float8 AS days,"
" e.rows, e.rows_inserted, e.rows_removed, e.lists_repaired, e.bytes, e.expansions, e.recall,"
" CASE WHEN e.recall IS NOT NULL THEN pg_catalog.format('recall@%s, ef_search %s', e.recall_k, e.recall_ef_search) END AS recall_at,"
" e.seconds FROM similarity.index_history($1::pg_catalog.regclass) e";

static const char indexes_query[] =
"SELECT i.indexrelid::pg_catalog.int8 FROM pg_catalog.pg_index i"
" JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid"
" JOIN pg_catalog.pg_am a ON a.oid OPERATOR(pg_catalog.=) c.relam AND a.amname OPERATOR(pg_catalog.=) 'similarity_hnsw'"
" WHERE i.indrelid OPERATOR(pg_catalog.=) $1 AND i.indisvalid AND i.indisready ORDER BY c.relname";

static const char size_query[] =
"SELECT pg_catalog.pg_relation_size($1::pg_catalog.regclass) OPERATOR(pg_catalog.+) pg_catalog.pg_relation_size(i.indrelid::pg_catalog.regclass)"
" FROM pg_catalog.pg_index i WHERE i.indexrelid OPERATOR(pg_catalog.=) $1";

/* ---- what is found ---- */

/* The indexes, and those of partitions in the place of a partitioned one */
static List *
find_indexes(const Gallery *gallery)
{
	SPITupleTable *table = page_select(indexes_query, OIDOID,
									   ObjectIdGetDatum(gallery->relid));
	List	   *indexes = NIL;

	for (uint64 i = 0; i < table->numvals; i++)
		indexes = list_concat(indexes,
							  hnsw_index_parts((Oid) page_number(table, i, 1)));
	SPI_freetuptable(table);
	return indexes;
}

static bool
is_too_large(Oid index)
{
	SPITupleTable *table = page_select(size_query, OIDOID,
									   ObjectIdGetDatum(index));
	double		bytes = table->numvals == 0 ? 0 : page_number(table, 0, 1);

	SPI_freetuptable(table);
	return bytes > MAX_BYTES;
}

static int
compare_points(const void *a, const void *b)
{
	return ((const HnswRecallPoint *) a)->ef - ((const HnswRecallPoint *) b)->ef;
}

/* Each effort once, and none beyond the number of nodes, which helps no more */
static void
measure_ef(IndexHealth *health, int64 seed)
{
	HnswRecallPoint *points = health->points;
	int64		nodes = (int64) page_number(health->info, 0, NODES);
	int			n = 1;

	points[0].ef = (int) page_number(health->info, 0, EF_SEARCH);
	health->own_ef = points[0].ef;
	for (int i = 0; i < lengthof(efforts); i++)
		if (efforts[i] != health->own_ef && (i == 0 || efforts[i - 1] < nodes))
			points[n++].ef = efforts[i];
	qsort(points, n, sizeof(HnswRecallPoint), compare_points);
	health->npoints = n;
	health->sampled = hnsw_measure_recall(health->oid, SAMPLE, K, seed, points,
										  n);
}

static IndexHealth *
look_into(PageContext *context, Oid index)
{
	IndexHealth *health = palloc0(sizeof(IndexHealth));

	health->oid = index;
	health->name = picture_utf8(get_rel_name(index));
	health->info = page_select(info_query, OIDOID, ObjectIdGetDatum(index));
	health->degrees = page_select(degrees_query, OIDOID,
								  ObjectIdGetDatum(index));
	health->history = page_select(history_query, OIDOID,
								  ObjectIdGetDatum(index));
	measure_ef(health, page_option(context, PAGE_SEED));
	return health;
}

/* ---- the page ---- */

static double
recall_at_own(const IndexHealth *health)
{
	for (int i = 0; i < health->npoints; i++)
		if (health->points[i].ef == health->own_ef && health->sampled > 0)
			return health->points[i].recall;
	return NAN;
}

typedef struct Fact
{
	const char *name;
	int			column;			/* of info; 0: recall_at_own */
} Fact;

static const Fact facts[] = {
	{"rows", ROWS}, {"size in bytes", BYTES}, {"bytes a row", BYTES_PER_ROW}, {"pages", PAGES}, {"bytes a node", NODE_BYTES},
	{"nodes", NODES}, {"unreachable nodes", UNREACHABLE}, {"dead nodes, until a vacuum", DEAD}, {"free places", FREE},
	{"nodes of the root", ROOT}, {"mean number of neighbors", MEAN_NEIGHBORS}, {"m", M}, {"ef_construction", EF_CONSTRUCTION},
	{"passes of the build", PASSES}, {"ef_search", EF_SEARCH}, {"target_recall", TARGET_RECALL}, {"recall at this ef_search", 0},
	{"last measured by index_recall()", LAST_RECALL}, {"scans", SCANS}, {"dead rows of the table, until a vacuum", DEAD_ROWS},
	{"built", BUILT}, {"rows then", ROWS_BUILT}, {"rows inserted since", ROWS_INSERTED}, {"rows removed since", ROWS_REMOVED},
	{"vacuums since", VACUUMS}, {"last vacuum", LAST_VACUUM}, {"lists of neighbors repaired by them", LISTS_REPAIRED},
};

static void
put_fact(ReportText *out, const IndexHealth *health, const Fact *fact)
{
	if (fact->column == 0)
		report_table_number(out, recall_at_own(health));
	else if (fact->column == LAST_RECALL || fact->column == BUILT ||
			 fact->column == LAST_VACUUM)
	{
		char	   *text = page_text(health->info, 0, fact->column);

		report_table_text(out, text ? text : "never");
	}
	else
		report_table_number(out, page_number(health->info, 0, fact->column));
}

static void
put_facts(ReportText *out, IndexHealth *const *healths, int n)
{
	const char *columns[MAX_INDEXES + 1] = {""};

	for (int i = 0; i < n; i++)
		columns[i + 1] = healths[i]->name;
	report_table_begin(out, NULL, columns, n + 1);
	for (int f = 0; f < lengthof(facts); f++)
	{
		report_table_row(out);
		report_table_text(out, facts[f].name);
		for (int i = 0; i < n; i++)
			put_fact(out, healths[i], &facts[f]);
	}
	report_table_end(out, false);
}

static void
put_event(ReportText *out, const SPITupleTable *history, uint64 row)
{
	static const int numbers[] = {EVENT_ROWS, INSERTED, REMOVED, REPAIRED, SIZE, EXPANSIONS, RECALL, SECONDS};
	double		count = page_number(history, row, COUNT);
	char	   *event = page_text(history, row, EVENT);

	if (page_text(history, row, RECALL_AT) != NULL)
		event = page_text(history, row, RECALL_AT);
	report_table_row(out);
	report_table_text(out, count > 1 ? psprintf("%s, the last of %.0f", event,
												count) : event);
	report_table_text(out, page_text(history, row, ENDED));
	for (int i = 0; i < lengthof(numbers); i++)
		report_table_number(out, page_number(history, row, numbers[i]));
}

/* The events of an index, the latest first */
static void
put_history(ReportText *out, const IndexHealth *health)
{
	static const char *const columns[] = {
		"event", "ended", "rows", "inserted", "removed", "lists repaired", "bytes", "nodes a search expands", "recall", "seconds"
	};
	uint64		n = health->history->numvals;

	if (n == 0)
		return;
	report_table_begin(out, psprintf("History of %s, the latest first",
									 health->name), columns,
					   lengthof(columns));
	for (uint64 row = n; row > 0; row--)
		put_event(out, health->history, row - 1);
	report_table_end(out, true);
}

static void
put_ef_recall(ReportText *out, const IndexHealth *health)
{
	double		ef[MAX_POINTS];
	double		recall[MAX_POINTS];
	double		expansions[MAX_POINTS];

	for (int i = 0; i < health->npoints; i++)
	{
		ef[i] = health->points[i].ef;
		recall[i] = health->points[i].recall;
		expansions[i] = health->points[i].expansions;
	}
	report_append(out, "\"curve\":{");
	page_put_numbers(out, "ef", ef, health->npoints);
	report_append(out, ",");
	page_put_numbers(out, "recall", recall, health->npoints);
	report_append(out, ",");
	page_put_numbers(out, "expansions", expansions, health->npoints);
	report_append(out, "}");
}

static void
put_index_data(ReportText *out, PageContext *context, IndexHealth *const *healths,
			   int n)
{
	report_data_begin(out, context->section, "indexes");
	for (int i = 0; i < n; i++)
	{
		report_append(out, i == 0 ? "[{\"name\":" : ",{\"name\":");
		report_json_string(out, healths[i]->name);
		report_appendf(out, ",\"own_ef\":%d,\"sampled\":%d,",
					   healths[i]->own_ef, healths[i]->sampled);
		report_append(out, "\"info\":");
		page_put_columns(out, healths[i]->info);
		report_append(out, ",\"degrees\":");
		page_put_columns(out, healths[i]->degrees);
		report_append(out, ",\"history\":");
		page_put_columns(out, healths[i]->history);
		report_append(out, ",");
		put_ef_recall(out, healths[i]);
		report_append(out, "}");
	}
	report_append(out, "]");
	report_data_end(out);
}

/* Those that can be looked into; of each other, why not */
static int
look_into_all(ReportText *out, PageContext *context, const List *indexes,
			  IndexHealth **healths)
{
	int			n = 0;
	ListCell   *cell;

	foreach(cell, indexes)
	{
		Oid			index = lfirst_oid(cell);

		if (is_too_large(index))
			report_append_note(out,
							   psprintf("Index %s and its table are too large to be read for a page: SELECT * FROM similarity.index_info() and index_recall() of it tell what would stand here.",
										picture_utf8(get_rel_name(index))));
		else if (n < MAX_INDEXES)
			healths[n++] = look_into(context, index);
	}
	if (list_length(indexes) > MAX_INDEXES && n == MAX_INDEXES)
		report_append_note(out,
						   psprintf("These are %d of %d indexes.", n,
									list_length(indexes)));
	return n;
}

void
index_section(ReportText *out, PageContext *context)
{
	const Gallery *gallery = context->gallery;
	IndexHealth *healths[MAX_INDEXES];
	List	   *indexes = find_indexes(gallery);
	int			n;

	if (indexes == NIL)
	{
		report_append_note(out, "The gallery's table has no index of similarity_hnsw: searches compare with every row.");
		return;
	}
	if (!hnsw_sees_all_rows(gallery->relid))
	{
		report_append_note(out, "The gallery's table has an index, whose figures are for whoever may read all of its rows.");
		return;
	}
	n = look_into_all(out, context, indexes, healths);
	if (n == 0)
		return;
	report_append_note(out,
					   psprintf("Recall is the share of the %d true nearest that are found for %d of the rows, which were looked up without themselves; everything else is of all rows.",
								K, healths[0]->sampled));
	put_facts(out, healths, n);
	report_append_figure(out, context->section, "charts");
	put_index_data(out, context, healths, n);
	for (int i = 0; i < n; i++)
		put_history(out, healths[i]);
	report_append_note(out, "An index keeps its history since its build: vacuums, and what its owner measured by similarity.index_recall(); of old events several are one. Rows inserted follow from two counts of rows. similarity.verify_index() looks for damage.");
}
