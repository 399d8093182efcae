/*
 * build.c
 *	  CREATE INDEX.
 *
 * The leader scans the table and hands vectors to the graph in memory, which
 * links them with all threads.  Then the records are written to pages one
 * after the other, and the file is logged once.  When maintenance_work_mem is
 * used up, what there is goes to pages early and the rest is inserted there,
 * as INSERT would, but without locks to wait for and without WAL until the
 * end.
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "access/tableam.h"
#include "access/xloginsert.h"
#include "catalog/index.h"
#include "catalog/pg_type_d.h"
#include "commands/defrem.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "storage/buffile.h"
#include "storage/freespace.h"
#include "storage/indexfsm.h"
#include "utils/backend_progress.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "embedding/embedding.h"
#include "graph/connect.h"
#include "graph/memory_graph.h"
#include "graph/probe.h"
#include "hnsw/history.h"
#include "hnsw/hnsw.h"
#include "hnsw/index_center.h"
#include "hnsw/insert.h"
#include "hnsw/node.h"
#include "hnsw/nulls.h"
#include "hnsw/options.h"
#include "hnsw/root_pages.h"
#include "hnsw/stats.h"
#include "hnsw/xlog.h"
#include "server/compat.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/guc.h"
#include "server/stop.h"

/* Subphases in pg_stat_progress_create_index; 1 is PostgreSQL's own */
#define PHASE_LINKING 2
#define PHASE_WRITING 3
#define PHASE_LINKING_AGAIN 4

/* One rotation is as good as another. */
#define ROTATION_SEED 1

/* Nodes of a further pass between two looks at interrupts */
#define PASS_STEP 256

/* Nodes looked at between two checks for interrupts while connecting */
#define CONNECT_STEP 16384

typedef struct Build
{
	Relation	heap;
	HnswIndex  *index;
	MemoryContext row_context;	/* reset for each row */

	/* in memory; NULL once it is on pages */
	MemoryContext graph_context;
	GraphMemory *memory;
	GraphBuilder *builder;
	ThreadPool *pool;			/* NULL: one thread */
	GraphRoot	root;			/* once all nodes are there */
	int			passes;			/* made */
	double		first_pass_recall;	/* 0: not measured */

	/* on pages; NULL before */
	GraphLinker *linker;

	BufFile    *nulls;			/* rows without an embedding; NULL: none */
	double		null_rows;

	double		rows;			/* with one */
	double		toasted;
	Size		widest;			/* of these */
} Build;

char *
hnsw_build_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case PHASE_LINKING:
			return "linking tuples";
		case PHASE_WRITING:
			return "writing pages";
		case PHASE_LINKING_AGAIN:
			return "linking tuples again";
		default:
			return NULL;
	}
}

/* ---- metapage ---- */

/* Whether a column of bits says how many, which may be too many */
static bool
has_length(Relation relation)
{
	Form_pg_attribute key = TupleDescAttr(RelationGetDescr(relation), 0);
	int32		length = key->atttypmod;

	return getBaseTypeAndTypmod(key->atttypid, &length) == BITOID && length > 0;
}

/* The dimensions that the column or expression says it has */
static int
index_dims(Relation relation)
{
	int32		typmod = hnsw_typmod(relation);

	if (typmod < 0 && has_length(relation))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column cannot have more than %d dimensions for %s index",
						EMBEDDING_MAX_DIMS,
						get_am_name(relation->rd_rel->relam))));
	if (typmod < 0 && hnsw_is_drop_in(relation))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions"),
				 errdetail("An index can have 1 to %d of them.",
						   EMBEDDING_MAX_DIMS),
				 errhint("Declare them, or cast the expression: (v::vector(3)), (b::bit(3)).")));
	if (typmod < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot index embeddings without a number of dimensions"),
				 errdetail("Index \"%s\" is on a column or expression of type embedding without a type modifier.",
						   RelationGetRelationName(relation)),
				 errhint("Declare the column as embedding(n), or cast the expression to it.")));
	return EMBEDDING_TYPMOD_DIMS(typmod);
}

/* Distances of bits are for columns and expressions of bits. */
static void
check_precision(Relation relation)
{
	int32		typmod = hnsw_typmod(relation);

	if (hnsw_metric(relation)->bits != NULL &&
		EMBEDDING_TYPMOD_KIND(typmod) != ELEMENT_BIT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s distance can only be indexed on embeddings of bits",
						hnsw_metric(relation)->name),
				 errdetail("Index \"%s\" is on a column or expression of another precision.",
						   RelationGetRelationName(relation)),
				 errhint("Declare the column as embedding(n, bit), or index its cast to it.")));
}

bool
hnsw_set_kind(Relation relation, HnswMeta *meta, StoredKind kind,
			  Status *status)
{
	GraphShape	shape;

	if (!graph_shape(&shape, meta->dims, meta->degree, kind,
					 hnsw_metric(relation)->coded ? hnsw_bits(relation) : -1,
					 HNSW_PAGE_SPACE, status))
		return false;
	meta->kind = kind;
	meta->bits = shape.bits;
	return true;
}

/* What the options and the column ask for */
static HnswMeta
new_meta(Relation relation)
{
	HnswMeta	meta;
	Status		status;

	memset(&meta, 0, sizeof(meta));
	meta.magic = HNSW_MAGIC;
	meta.version = HNSW_VERSION;
	meta.dims = index_dims(relation);
	check_precision(relation);
	meta.degree = 2 * hnsw_m(relation);
	meta.seed = ROTATION_SEED;
	meta.entry = GRAPH_NO_NODE;
	meta.passes = 1;
	if (!hnsw_set_kind(relation, &meta, hnsw_kind(relation), &status))
		raise_status(&status);
	return meta;
}

/* The metapage of an empty index, the first page of the file */
static void
write_meta(Relation relation, ForkNumber fork)
{
	HnswMeta	meta = new_meta(relation);

	hnsw_write_meta(relation, fork, &meta);
}

void
hnsw_build_empty(Relation relation)
{
	write_meta(relation, INIT_FORKNUM);
}

/* Open what this build has written so far; only it sees it. */
static HnswIndex *
open_building(Relation relation)
{
	HnswIndex  *index = hnsw_open(relation);

	index->building = true;
	return index;
}

/* ---- in memory ---- */

/* What is not palloc'd must go when an error comes: builder and threads. */
static void
destroy_builder(void *arg)
{
	Build	   *build = arg;

	graph_builder_destroy(build->builder);
	pool_destroy(build->pool);
	build->builder = NULL;
	build->pool = NULL;
}

/*
 * NULL if the caller is to work alone; the pool ends with the graph's context
 */
static ThreadPool *
start_threads(void)
{
	int			nthreads = Min(max_parallel_maintenance_workers + 1,
							   guc_pool_threads());
	ThreadPool *pool;
	Status		status;

	if (nthreads == 1)
		return NULL;
	pool = pool_create(nthreads, &status);
	if (pool == NULL)
		raise_status(&status);
	return pool;
}

/*
 * maintenance_work_mem is the arena's budget, and bounds the number of nodes.
 */
static void
begin_memory(Build *build)
{
	HnswIndex  *index = build->index;
	const GraphShape *shape = &index->layout.shape;
	Size		budget = (Size) maintenance_work_mem * 1024;
	uint32		max_nodes = Min(budget / shape->size, (Size) GRAPH_NO_NODE - 1);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "similarity_hnsw build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContextCallback *callback = MemoryContextAlloc(context,
														 sizeof(MemoryContextCallback));
	Status		status;

	build->graph_context = context;
	callback->func = destroy_builder;
	callback->arg = build;
	MemoryContextRegisterResetCallback(context, callback);
	build->pool = start_threads();
	build->memory = graph_memory_create(memory_arena(context, budget),
										index->space, max_nodes, &status);
	if (build->memory == NULL)
		raise_status(&status);
	build->builder = graph_builder_create(build->memory, build->pool,
										  hnsw_ef_construction(index->relation),
										  &status);
	if (build->builder == NULL)
		raise_status(&status);
}

/* ---- from memory to pages ---- */

/*
 * Write the bytes of records first .. first + n - 1 to as many pages as needed.
 */
static void
write_records(HnswIndex *index, const GraphMemory *memory, uint32 first, int n)
{
	const GraphShape *shape = &index->layout.shape;
	Buffer		buffer = hnsw_append_page(index, HNSW_PAGE_NODES);
	char	   *to = PageGetContents(BufferGetPage(buffer));
	const char *from = (const char *) graph_memory_record(memory, first);
	Size		left = shape->size;

	for (int i = 0; i < n && index->layout.pages_per_node == 1; i++)
		memcpy(to + i * shape->size, graph_memory_record(memory, first + i),
			   shape->size);
	while (index->layout.pages_per_node > 1 && left > 0)
	{
		Size		here = Min(left, HNSW_PAGE_SPACE);

		memcpy(to, from, here);
		from += here;
		left -= here;
		if (left > 0)
		{
			UnlockReleaseBuffer(buffer);
			buffer = hnsw_append_page(index, HNSW_PAGE_MORE);
			to = PageGetContents(BufferGetPage(buffer));
		}
	}
	UnlockReleaseBuffer(buffer);
}

/*
 * Nodes whose row went to another are free places, and so is what the last
 * page has left.
 */
static bool
has_free_place(const GraphMemory *memory, uint32 first, int n, int step)
{
	bool		any = n < step;

	for (int i = 0; i < n; i++)
		any |= graph_memory_record(memory, first + i)->state == GRAPH_FREE;
	return any;
}

/* What the metapage is to say of the graph */
static void
note_graph(const Build *build)
{
	Buffer		buffer = hnsw_lock_meta(build->index->relation,
										BUFFER_LOCK_EXCLUSIVE);
	HnswXlog	xlog;
	HnswMeta   *meta;

	hnsw_xlog_begin(build->index, &xlog);
	meta = hnsw_page_meta(hnsw_xlog_page(&xlog, buffer, false));
	meta->entry = build->memory->entry;
	meta->passes = build->passes;
	meta->stats.first_pass_recall = build->first_pass_recall;
	hnsw_xlog_finish(&xlog);
	UnlockReleaseBuffer(buffer);
}

/*
 * The root is written before the nodes, and the index opened again: then it is
 * known where they begin.
 */
static void
write_graph(Build *build)
{
	GraphMemory *memory = build->memory;
	int			step = build->index->layout.nodes_per_page;
	HnswIndex  *index;

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, PHASE_WRITING);
	hnsw_reserve_root(build->index, build->root.n);
	hnsw_write_root(build->index, &build->root);
	note_graph(build);
	index = build->index = open_building(build->index->relation);
	for (uint32 node = 0; node < memory->nodes; node += step)
	{
		int			n = Min(step, memory->nodes - node);
		bool		has_room = has_free_place(memory, node, n, step);

		CHECK_FOR_INTERRUPTS();
		write_records(index, memory, node, n);
		if (has_room)
			RecordPageWithFreeSpace(index->relation,
									hnsw_node_block(&index->layout, node),
									HNSW_ROOM);
	}
	IndexFreeSpaceMapVacuum(index->relation);
}

/* ---- further passes ---- */

/* A sample of all nodes becomes the root. */
static void
make_root(Build *build)
{
	GraphMemory *memory = build->memory;
	const GraphShape *shape = &build->index->layout.shape;
	int			n = graph_root_nodes(shape, memory->nodes);
	GraphScratch *scratch = hnsw_create_scratch(build->index);

	if (!graph_root_init(&build->root,
						 memory_arena(build->graph_context, ARENA_NO_BUDGET),
						 shape, n))
		raise_out_of_memory();
	for (int i = 0; i < n; i++)
	{
		uint32		node = graph_root_node(i, n, memory->nodes);

		graph_root_put(&build->root, shape, i, node,
					   graph_record_own(shape,
										graph_memory_record(memory, node)),
					   scratch);
	}
}

/* Measure the first pass: are the data hard to search? */
static bool
is_hard(Build *build)
{
	GraphProbe *probe;
	Status		status;

	status_clear(&status);
	probe = graph_probe_create(memory_arena(build->graph_context,
											ARENA_NO_BUDGET), build->memory,
							   &build->root, &status);
	while (probe != NULL && graph_probe_step(probe, &status))
		CHECK_FOR_INTERRUPTS();
	if (status.code != STATUS_SUCCESS)
		raise_status(&status);
	build->first_pass_recall = graph_probe_recall(probe);
	return graph_probe_is_hard(probe);
}

/* Go over all nodes again. */
static void
relink_all(Build *build)
{
	GraphMemory *memory = build->memory;
	Status		status;

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE,
								 PHASE_LINKING_AGAIN);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL,
								 memory->nodes);
	for (uint32 node = 0; node < memory->nodes; node += PASS_STEP)
	{
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, node);
		if (!graph_builder_pass(build->builder, node,
								Min(PASS_STEP, memory->nodes - node), &status))
			raise_status(&status);
		check_interrupts();
	}
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, 0);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE,
								 (int64) build->rows);
}

/* As often as the index asks for, or once if the data are hard. */
static void
run_passes(Build *build)
{
	int			wanted = hnsw_passes(build->index->relation);

	if (wanted == 0)
		wanted = build->memory->nodes > 0 && is_hard(build) ? 2 : 1;
	for (build->passes = 1; build->passes < wanted; build->passes++)
		relink_all(build);
}

/* Give each node that no list leads to a place in one. */
static void
connect_all(Build *build)
{
	GraphMemory *memory = build->memory;
	int			n = graph_root_nodes(&build->index->layout.shape,
									 memory->nodes);
	GraphConnector *connector;
	Status		status;

	if (memory->nodes == 0)
		return;
	connector = graph_connector_create(memory_arena(build->graph_context,
													ARENA_NO_BUDGET), memory,
									   &status);
	if (connector == NULL)
		raise_status(&status);
	graph_connector_start_at(connector, memory->entry);
	for (int i = 0; i < n; i++)
		graph_connector_start_at(connector,
								 graph_root_node(i, n, memory->nodes));
	while (!graph_connector_step(connector, CONNECT_STEP))
		CHECK_FOR_INTERRUPTS();
	elog(DEBUG1, "index \"%s\": %u of %u nodes were in no list",
		 RelationGetRelationName(build->index->relation),
		 graph_connector_linked(connector), memory->nodes);
}

/* Link what has gathered, write everything to pages and free the memory. */
static void
end_memory(Build *build)
{
	Status		status;

	if (!graph_builder_flush(build->builder, &status))
		raise_status(&status);
	check_interrupts();
	make_root(build);
	run_passes(build);
	connect_all(build);
	write_graph(build);
	MemoryContextDelete(build->graph_context);
	build->memory = NULL;
}

/* ---- on pages ---- */

/* Bytes of the whole graph, from the part of the table that was scanned */
static double
expected_size(const Build *build, ItemPointer tid)
{
	double		blocks = RelationGetNumberOfBlocks(build->heap);
	double		scanned = (double) ItemPointerGetBlockNumber(tid) + 1;

	return build->rows * Max(1,
							 blocks / scanned) * build->index->layout.shape.size;
}

/*
 * Memory is full: write the graph out, and go on as INSERT would.  The hint
 * tells what would have been enough, from the part of the table that was read.
 */
static void
begin_pages(Build *build, ItemPointer tid)
{
	HnswIndex  *index = build->index;
	Status		status;

	ereport(NOTICE,
			(errmsg("the graph of index \"%s\" no longer fits into maintenance_work_mem after %.0f rows",
					RelationGetRelationName(index->relation), build->rows),
			 errdetail("The rest of the build will be slower."),
			 errhint("The whole graph will take about %.0f MB; with that as maintenance_work_mem the build is faster.",
					 ceil(expected_size(build, tid) / (1024 * 1024)))));
	end_memory(build);
	index = build->index;
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, PHASE_LINKING);
	build->linker = graph_linker_create(memory_arena(CurrentMemoryContext,
													 ARENA_NO_BUDGET),
										&index->access,
										hnsw_ef_construction(index->relation),
										&status);
	if (build->linker == NULL)
		raise_status(&status);
}

/* To the graph in memory, or to that on pages once memory was full */
static void
add_vector(Build *build, const float *vector, ItemPointer tid)
{
	HnswIndex  *index;
	HnswMeta	meta;
	Status		status;

	if (build->builder != NULL)
	{
		check_interrupts();		/* of what the last row flushed, too */
		switch (graph_builder_add(build->builder, vector, hnsw_row(tid),
								  &status))
		{
			case GRAPH_ADDED:
				return;
			case GRAPH_ADD_FAILED:
				raise_status(&status);
			case GRAPH_FULL:
				break;
		}
		begin_pages(build, tid);
	}
	index = build->index;		/* not the one there was in memory */
	meta = hnsw_read_meta(index->relation);
	hnsw_insert_vector(index, build->linker, &meta, vector, hnsw_row(tid));
}

/*
 * Pages for rows without an embedding can only be made when the graph has its.
 */
static void
note_null(Build *build, ItemPointer tid)
{
	if (build->nulls == NULL)
	{
		MemoryContext caller =
		MemoryContextSwitchTo(GetMemoryChunkContext(build));

		build->nulls = BufFileCreateTemp(false);
		MemoryContextSwitchTo(caller);
	}
	BufFileWrite(build->nulls, tid, sizeof(*tid));
	build->null_rows++;
}

/* From the temporary file, when the graph has its pages */
static void
write_nulls(Build *build)
{
	ItemPointerData tid;

	if (build->nulls == NULL)
		return;
	if (BufFileSeek(build->nulls, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not rewind a temporary file: %m")));
	for (double i = 0; i < build->null_rows; i++)
	{
		HnswMeta	meta = hnsw_read_meta(build->index->relation);

		CHECK_FOR_INTERRUPTS();
		read_temporary_file(build->nulls, &tid, sizeof(tid));
		hnsw_insert_null(build->index, &meta, &tid);
	}
	BufFileClose(build->nulls);
}

/*
 * Called by table_index_build_scan() for each row that belongs into the index,
 * in physical order.
 */
static void
build_callback(Relation relation, ItemPointer tid, Datum *values,
			   bool *isnull, bool tuple_is_alive, void *state)
{
	Build	   *build = state;
	MemoryContext caller;
	float	   *vector;

	CHECK_FOR_INTERRUPTS();
	if (isnull[0])
	{
		note_null(build, tid);
		return;
	}
	caller = MemoryContextSwitchTo(build->row_context);
	if (VARATT_IS_EXTERNAL(DatumGetPointer(values[0])))
	{
		build->toasted++;
		build->widest = Max(build->widest, toast_raw_datum_size(values[0]));
	}
	vector = hnsw_prepare(build->index,
						  hnsw_value(relation, values[0]));
	MemoryContextSwitchTo(caller);
	add_vector(build, vector, tid);
	MemoryContextReset(build->row_context);
	build->rows++;
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE,
								 (int64) build->rows);
}

/* ---- everything ---- */

/*
 * Rows that would fit a page but stand in the TOAST table cost every look-up.
 */
static void
advise_inline(const Build *build, Relation heap)
{
	if (build->toasted * 2 < build->rows || build->rows == 0 ||
		build->widest > 8000)
		return;
	ereport(NOTICE,
			(errmsg("embeddings of table \"%s\" are stored out of line",
					RelationGetRelationName(heap)),
			 errdetail("Every row found is read from the TOAST table."),
			 errhint("ALTER TABLE ... SET (toast_tuple_target = 8160) before loading keeps rows of up to 8 kB in the table.")));
}

static void
note_build(const Build *build, TimestampTz start)
{
	HnswEvent	event = {.kind = HNSW_EVENT_BUILD,.count = 1};

	event.rows = build->rows + build->null_rows;
	event.seconds = (GetCurrentTimestamp() - start) / (double) USECS_PER_SEC;
	event.expansions = hnsw_read_stats(build->index->relation).expansions;
	hnsw_note_event(build->index, event);
}

IndexBuildResult *
hnsw_build(Relation heap, Relation relation, struct IndexInfo *info)
{
	IndexBuildResult *result = palloc0(sizeof(IndexBuildResult));
	Build	   *build = palloc0(sizeof(Build));
	TimestampTz start = GetCurrentTimestamp();

	if (RelationGetNumberOfBlocks(relation) != 0)
		elog(ERROR, "index \"%s\" already contains data",
			 RelationGetRelationName(relation));
	write_meta(relation, MAIN_FORKNUM);
	build->heap = heap;
	build->index = open_building(relation);
	if (hnsw_build_center(build->index, heap, info))
		build->index = open_building(relation);
	build->row_context = AllocSetContextCreate(CurrentMemoryContext,
											   "similarity_hnsw row",
											   ALLOCSET_DEFAULT_SIZES);
	begin_memory(build);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, PHASE_LINKING);
	result->heap_tuples = table_index_build_scan(heap, relation, info, false,
												 true, build_callback, build,
												 NULL);
	if (build->builder != NULL)
		end_memory(build);
	write_nulls(build);
	hnsw_measure_search(build->index);
	hnsw_find_target_ef(heap, build->index);
	note_build(build, start);
	if (RelationNeedsWAL(relation))
		log_newpage_range(relation, MAIN_FORKNUM, 0,
						  RelationGetNumberOfBlocks(relation), true);
	advise_inline(build, heap);
	result->index_tuples = build->rows + build->null_rows;
	return result;
}
