/*
 * memory_graph.c
 *	  The graph in plain memory.
 *
 * Records stand in chunks that are never moved.  Vectors do not change once a
 * record is made, so they are read without a lock; everything else of a record
 * is read and written under the record's own spin lock, held for a copy of the
 * list at most.  A node becomes reachable only by a list written under such a
 * lock, so whoever finds its number also sees its vector.
 *
 * Two insertions at the same time do not find each other.  The one that began
 * later therefore knows the one before it, and waits for it after its search,
 * by when it is done as a rule; the first never waits.
 *
 * Rows gather until there are enough for all threads, so that the caller (who
 * reads a table and must answer interrupts) is never away for long.
 */
#include "graph/memory_graph.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/prefetch.h"

#define CHUNK_BYTES ((size_t) 1 << 20)

/* Looks at a lock before giving up the processor */
#define SPINS 1000

/* Nodes linked by one thread between two returns to the caller */
#define GATHER_PER_THREAD 32

/* ---- records ---- */

GraphMemory *
graph_memory_create(Arena *arena, const GraphSpace *space, uint32_t max_nodes,
					Status *status)
{
	GraphMemory *memory = arena_new(arena, GraphMemory);
	size_t		nchunks;

	if (memory == NULL)
		goto no_memory;
	memory->arena = arena;
	memory->space = space;
	memory->max_nodes = max_nodes;
	memory->entry = GRAPH_NO_NODE;
	memory->chunk_records = 1;
	while (memory->chunk_records * 2 * space->shape.size <= CHUNK_BYTES)
		memory->chunk_records *= 2;
	nchunks = max_nodes / memory->chunk_records + 1;
	memory->chunks = arena_new_array(arena, nchunks, char *);
	if (memory->chunks == NULL)
		goto no_memory;
	return memory;

no_memory:
	status_out_of_memory(status, "while building a graph");
	return NULL;
}

GraphRecord *
graph_memory_record(const GraphMemory *memory, uint32_t node)
{
	char	   *chunk = memory->chunks[node / memory->chunk_records];

	return (GraphRecord *) (chunk +
							node % memory->chunk_records * memory->space->shape.size);
}

static void *
record_own(const GraphMemory *memory, uint32_t node)
{
	return graph_record_own(&memory->space->shape,
							graph_memory_record(memory, node));
}

/* Make one more free record; false if there is no room. */
static bool
add_record(GraphMemory *memory)
{
	size_t		size = memory->space->shape.size;

	if (memory->nodes >= memory->max_nodes)
		return false;
	if (memory->nodes % memory->chunk_records == 0)
	{
		char	   *chunk = arena_alloc_array(memory->arena,
											  memory->chunk_records, size);

		if (chunk == NULL)
			return false;
		memory->chunks[memory->nodes / memory->chunk_records] = chunk;
	}
	memset(graph_memory_record(memory, memory->nodes++), 0, size);
	return true;
}

/* After so many looks in vain: whoever is waited for may not be running. */
static void
wait_awhile(int looks)
{
	if (looks >= SPINS)
		sched_yield();
}

/*
 * Held for a copy of a list at most, so that spinning is cheaper than sleeping.
 */
static void
take_lock(_Atomic uint32_t *lock)
{
	while (atomic_exchange_explicit(lock, 1, memory_order_acquire) != 0)
	{
		for (int i = 0; atomic_load_explicit(lock, memory_order_relaxed) != 0;
			 i++)
			wait_awhile(i);
	}
}

static void
release_lock(_Atomic uint32_t *lock)
{
	atomic_store_explicit(lock, 0, memory_order_release);
}

static void
lock_record(GraphRecord *record)
{
	take_lock((_Atomic uint32_t *) &record->lock);
}

static void
unlock_record(GraphRecord *record)
{
	release_lock((_Atomic uint32_t *) &record->lock);
}

/* ---- accessor ---- */

typedef struct Worker Worker;

/* An insertion by another worker, under way when ours began */
typedef struct Rival
{
	const Worker *worker;
	uint32_t	node;
	uint32_t	finished;		/* the worker's then */
} Rival;

/* One thread that links; also the context of the accessor while searching */
struct Worker
{
	GraphMemory *memory;
	GraphAccess access;
	Arena	   *arena;
	GraphLinker *linker;
	uint32_t	node;			/* the record being linked */
	Status		status;

	bool		inserting;		/* under the builder's lock */
	_Atomic uint32_t finished;	/* insertions */
	Rival	   *rivals;			/* not yet given to the linker */
	int			nrivals;
};

/*
 * Our neighbors are read next, one after the other, if they are scored at all.
 */
static void
memory_score_neighbors(const GraphMemory *memory, GraphQuery *query,
					   GraphExpansion *out)
{
	for (int i = 0; i < out->n; i++)
		__builtin_prefetch(record_own(memory, out->ids[i]));
	for (int i = 0; i < out->n; i++)
		out->estimates[i] = graph_query_distance(query,
												 record_own(memory,
															out->ids[i]));
}

/*
 * Codes are scored under the lock, since the list may change; neighbors'
 * vectors, where there are no codes, after it, since those never do.
 */
static bool
memory_expand(void *context, uint32_t node, GraphQuery *query,
			  const GraphBits *seen, GraphExpansion *out)
{
	GraphMemory *memory = ((Worker *) context)->memory;
	GraphRecord *record = graph_memory_record(memory, node);
	bool		is_free;

	lock_record(record);
	is_free = record->state == GRAPH_FREE;
	if (!is_free)
		graph_query_expand(query, record, record_own(memory, node), seen, out);
	unlock_record(record);
	if (!is_free && !memory->space->metric->coded)
		memory_score_neighbors(memory, query, out);
	return !is_free;
}

/* The number is of a list in this graph, so there is such a record. */
static int
memory_prefetch(void *context, uint32_t node)
{
	const GraphMemory *memory = ((Worker *) context)->memory;

	kernel_prefetch(graph_memory_record(memory, node),
					memory->space->shape.size);
	return 1;
}

/* Without a lock: the vector was there before the number could be known. */
static bool
memory_score(void *context, uint32_t node, GraphQuery *query, float *distance)
{
	*distance = graph_query_distance(query, record_own(((Worker *) context)->memory, node));
	return true;
}

/* A pointer into the record, which never moves */
static const void *
memory_own(void *context, uint32_t node, void *scratch)
{
	return record_own(((Worker *) context)->memory, node);
}

static bool
memory_read_list(void *context, uint32_t node, GraphList *list, bool *live)
{
	GraphMemory *memory = ((Worker *) context)->memory;
	GraphRecord *record = graph_memory_record(memory, node);
	bool		is_free;

	lock_record(record);
	is_free = record->state == GRAPH_FREE;
	*live = record->state == GRAPH_LIVE;
	if (!is_free)
		graph_record_get_list(&memory->space->shape, record, list);
	unlock_record(record);
	return !is_free;
}

static GraphLinkResult
memory_link(void *context, uint32_t owner, const GraphNewcomer *newcomer)
{
	GraphMemory *memory = ((Worker *) context)->memory;
	GraphRecord *record = graph_memory_record(memory, owner);
	GraphLinkResult result = GRAPH_REFUSED;

	lock_record(record);
	if (record->state == GRAPH_LIVE)
		result = graph_record_link(record, record_own(memory, owner), newcomer);
	unlock_record(record);
	return result;
}

static bool
memory_rewrite(void *context, uint32_t node, const GraphList *expected,
			   const GraphList *list, const void *const *owns,
			   GraphScratch *scratch)
{
	GraphMemory *memory = ((Worker *) context)->memory;
	GraphRecord *record = graph_memory_record(memory, node);
	bool		same;

	lock_record(record);
	same = record->state == GRAPH_LIVE &&
		graph_record_has_list(&memory->space->shape, record, expected);
	if (same)
		graph_record_set_list(&memory->space->shape, record,
							  record_own(memory, node), list, owns, scratch);
	unlock_record(record);
	return same;
}

/* Refused to an accessor that only searches, see graph_memory_access(). */
static bool
memory_merge(void *context, uint32_t node, const GraphQuery *query,
			 uint64_t row)
{
	Worker	   *worker = context;
	GraphMemory *memory = worker->memory;
	GraphRecord *record = graph_memory_record(memory, node);
	bool		merged;

	if (worker->linker == NULL ||
		memcmp(query->own, record_own(memory, node),
			   memory->space->shape.own_size) != 0)
		return false;
	lock_record(record);
	merged = record->state == GRAPH_LIVE && record->nrows < GRAPH_ROWS;
	if (merged)
		record->rows[record->nrows++] = row;
	unlock_record(record);
	return merged;
}

/* If the rival's row was merged, its record stayed free. */
static uint32_t
memory_missed(void *context)
{
	Worker	   *worker = context;

	while (worker->nrivals > 0)
	{
		const Rival *rival = &worker->rivals[--worker->nrivals];

		for (int i = 0; atomic_load_explicit(&rival->worker->finished,
											 memory_order_acquire) == rival->finished; i++)
			wait_awhile(i);
		if (graph_memory_record(worker->memory,
								rival->node)->state == GRAPH_LIVE)
			return rival->node;
	}
	return GRAPH_NO_NODE;
}

/* The record of a node that nobody can reach yet */
static void
make_record(Worker *worker, const GraphQuery *query, uint64_t row,
			const GraphList *list, const void *const *owns,
			GraphScratch *scratch)
{
	const GraphShape *shape = &worker->memory->space->shape;
	GraphRecord *record = graph_memory_record(worker->memory, worker->node);
	void	   *own = graph_record_own(shape, record);

	memcpy(own, query->own, shape->own_size);
	graph_record_init(shape, record, row);
	graph_record_set_list(shape, record, own, list, owns, scratch);
}

static uint32_t
memory_create(void *context, const GraphQuery *query, uint64_t row,
			  const GraphList *list, const void *const *owns,
			  GraphScratch *scratch)
{
	Worker	   *worker = context;

	if (worker->linker == NULL)
		return GRAPH_NO_NODE;
	make_record(worker, query, row, list, owns, scratch);
	return worker->node;
}

/* context is the Worker */
static void
init_access(GraphMemory *memory, void *context, GraphAccess *access)
{
	*access = (GraphAccess)
	{
		.context = context,
			.space = memory->space,
			.expand = memory_expand,
			.prefetch = memory_prefetch,
			.score = memory_score,
			.own = memory_own,
			.read_list = memory_read_list,
			.link = memory_link,
			.rewrite = memory_rewrite,
			.merge = memory_merge,
			.missed = memory_missed,
			.create = memory_create,
	};
}

bool
graph_memory_access(GraphMemory *memory, Arena *arena, GraphAccess *access,
					Status *status)
{
	Worker	   *worker = arena_new(arena, Worker);

	if (worker == NULL)
		return status_out_of_memory(status, "while searching a graph");
	worker->memory = memory;
	init_access(memory, worker, access);
	return true;
}

/* ---- building ---- */

/* A row that waits to be linked */
typedef struct Gathered
{
	uint32_t	node;
	uint64_t	row;
} Gathered;

struct GraphBuilder
{
	GraphMemory *memory;
	ThreadPool *pool;
	int			nworkers;
	Worker	   *workers;
	_Atomic uint32_t lock;		/* held while an insertion begins or ends */
	Gathered   *gathered;
	float	   *vectors;		/* of gathered[] */
	int			ngathered;
	int			max_gathered;
	uint32_t   *unused;			/* records whose row was merged elsewhere */
	int			nunused;
	uint32_t	first;			/* of a pass */
};

static bool
init_worker(GraphBuilder *builder, Worker *worker, int ef_construction,
			Status *status)
{
	worker->memory = builder->memory;
	init_access(builder->memory, worker, &worker->access);
	worker->arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	worker->rivals = calloc((size_t) pool_threads(builder->pool),
							sizeof(Rival));
	if (worker->arena == NULL || worker->rivals == NULL)
		return status_out_of_memory(status, "while building a graph");
	worker->linker = graph_linker_create(worker->arena, &worker->access,
										 ef_construction, status);
	return worker->linker != NULL;
}

static bool
init_builder(GraphBuilder *builder, int ef_construction, Status *status)
{
	size_t		n = (size_t) builder->max_gathered;
	int			nthreads = pool_threads(builder->pool);

	builder->workers = calloc((size_t) nthreads, sizeof(Worker));
	builder->gathered = calloc(n, sizeof(Gathered));
	builder->vectors = calloc(n,
							  builder->memory->space->shape.dims * sizeof(float));
	builder->unused = calloc(n, sizeof(uint32_t));
	if (builder->workers == NULL || builder->gathered == NULL ||
		builder->vectors == NULL || builder->unused == NULL)
		return status_out_of_memory(status, "while building a graph");
	builder->nworkers = nthreads;
	for (int i = 0; i < nthreads; i++)
		if (!init_worker(builder, &builder->workers[i], ef_construction,
						 status))
			return false;
	return true;
}

GraphBuilder *
graph_builder_create(GraphMemory *memory, ThreadPool *pool, int ef_construction,
					 Status *status)
{
	GraphBuilder *builder = calloc(1, sizeof(GraphBuilder));

	if (builder == NULL)
	{
		status_out_of_memory(status, "while building a graph");
		return NULL;
	}
	builder->memory = memory;
	builder->pool = pool;
	builder->max_gathered = pool_threads(pool) * GATHER_PER_THREAD;
	if (init_builder(builder, ef_construction, status))
		return builder;
	graph_builder_destroy(builder);
	return NULL;
}

void
graph_builder_destroy(GraphBuilder *builder)
{
	if (builder == NULL)
		return;
	for (int i = 0; i < builder->nworkers; i++)
	{
		arena_destroy(builder->workers[i].arena);
		free(builder->workers[i].rivals);
	}
	free(builder->workers);
	free(builder->gathered);
	free(builder->vectors);
	free(builder->unused);
	free(builder);
}

/* Take a gathered row as the linker's query. */
static void
take_gathered(GraphBuilder *builder, Worker *worker, int i)
{
	GraphQuery *query = graph_linker_query(worker->linker);

	worker->node = builder->gathered[i].node;
	graph_query_set(query, builder->vectors +
					(size_t) i * builder->memory->space->shape.dims);
	graph_query_encode(query);
}

/* Note who else is inserting, and be seen by those who begin later. */
static void
begin_insertion(GraphBuilder *builder, Worker *worker)
{
	worker->nrivals = 0;
	take_lock(&builder->lock);
	for (int i = 0; i < builder->nworkers; i++)
	{
		const Worker *other = &builder->workers[i];

		if (other->inserting)
			worker->rivals[worker->nrivals++] = (Rival)
		{
			other, other->node, other->finished
		};
	}
	worker->inserting = true;
	release_lock(&builder->lock);
}

/* After this the worker's node is in lists, or its record is free. */
static void
end_insertion(GraphBuilder *builder, Worker *worker)
{
	take_lock(&builder->lock);
	worker->inserting = false;
	atomic_fetch_add_explicit(&worker->finished, 1, memory_order_release);
	release_lock(&builder->lock);
}

/*
 * Pool task: link one gathered row; the first may be the entry point already.
 */
static void
link_gathered(void *arg, int slice, int number)
{
	GraphBuilder *builder = arg;
	Worker	   *worker = &builder->workers[number];
	GraphMemory *memory = builder->memory;
	GraphStart	start = {.entry = memory->entry,.nodes = memory->nodes};
	uint32_t	node;

	if (worker->status.code != STATUS_SUCCESS ||
		builder->gathered[slice].node == memory->entry)
		return;
	take_gathered(builder, worker, slice);
	begin_insertion(builder, worker);
	graph_insert(worker->linker, builder->gathered[slice].row, &start, &node,
				 &worker->status);
	end_insertion(builder, worker);
}

/* The very first node: the entry point, without neighbors. */
static void
make_entry(GraphBuilder *builder)
{
	Worker	   *worker = &builder->workers[0];
	GraphList	none = {0};

	take_gathered(builder, worker, 0);
	make_record(worker, graph_linker_query(worker->linker),
				builder->gathered[0].row, &none, NULL, NULL);
	builder->memory->entry = worker->node;
}

/* Run a task in all workers and collect what went wrong. */
static bool
run_workers(GraphBuilder *builder, int n, PoolTask task, Status *status)
{
	pool_run(builder->pool, n, task, builder);
	for (int i = 0; i < builder->nworkers; i++)
	{
		if (builder->workers[i].status.code != STATUS_SUCCESS)
		{
			*status = builder->workers[i].status;
			return false;
		}
	}
	return true;
}

bool
graph_builder_flush(GraphBuilder *builder, Status *status)
{
	GraphMemory *memory = builder->memory;
	int			n = builder->ngathered;

	if (n > 0 && memory->entry == GRAPH_NO_NODE)
		make_entry(builder);
	builder->ngathered = 0;
	if (!run_workers(builder, n, link_gathered, status))
		return false;
	for (int i = 0; i < n; i++)
		if (graph_memory_record(memory,
								builder->gathered[i].node)->state == GRAPH_FREE)
			builder->unused[builder->nunused++] = builder->gathered[i].node;
	return true;
}

GraphAddResult
graph_builder_add(GraphBuilder *builder, const float *vector, uint64_t row,
				  Status *status)
{
	GraphMemory *memory = builder->memory;
	size_t		dims = memory->space->shape.dims;
	uint32_t	node;

	if (builder->ngathered == builder->max_gathered &&
		!graph_builder_flush(builder, status))
		return GRAPH_ADD_FAILED;
	if (builder->nunused > 0)
		node = builder->unused[--builder->nunused];
	else if (add_record(memory))
		node = memory->nodes - 1;
	else
		return GRAPH_FULL;
	builder->gathered[builder->ngathered] = (Gathered)
	{
		node, row
	};
	memcpy(builder->vectors + (size_t) builder->ngathered * dims, vector,
		   dims * sizeof(float));
	builder->ngathered++;
	return GRAPH_ADDED;
}

/* Pool task: one node of a pass. */
static void
relink_node(void *arg, int slice, int number)
{
	GraphBuilder *builder = arg;
	Worker	   *worker = &builder->workers[number];
	GraphMemory *memory = builder->memory;
	GraphStart	start = {.entry = memory->entry,.nodes = memory->nodes};

	if (worker->status.code == STATUS_SUCCESS)
		graph_relink(worker->linker, builder->first + (uint32_t) slice, &start,
					 &worker->status);
}

bool
graph_builder_pass(GraphBuilder *builder, uint32_t first, uint32_t n,
				   Status *status)
{
	builder->first = first;
	return run_workers(builder, (int) n, relink_node, status);
}
