/*
 * memory.c
 *	  The graph in plain memory.
 *
 * Records stand in chunks that are never moved.  Vectors do not change once a
 * record is made, so they are read without a lock; everything else of a record
 * is read and written under the record's own spin lock, held for a copy of the
 * list at most.  A node becomes reachable only by a list written under such a
 * lock, so whoever finds its number also sees its vector.
 *
 * Rows gather until there are enough for all threads, so that the caller (who
 * reads a table and must answer interrupts) is never away for long.
 */
#include "graph/memory.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t) 1 << 20)

/* Looks at a lock before giving up the processor */
#define SPINS 1000

/* Nodes linked by one thread between two returns to the caller */
#define GATHER_PER_THREAD 32

/* ---- records ---- */

GraphMemory *
graph_memory_create(Arena *arena, GraphDistance distance, size_t dims,
					int degree, uint32_t max_nodes, Status *status)
{
	GraphMemory *memory = arena_new(arena, GraphMemory);
	size_t		nchunks;

	if (memory == NULL)
		goto no_memory;
	memory->arena = arena;
	memory->shape = graph_shape(dims, degree);
	memory->distance = distance;
	memory->max_nodes = max_nodes;
	memory->entry = GRAPH_NO_NODE;
	memory->chunk_records = 1;
	while (memory->chunk_records * 2 * memory->shape.size <= CHUNK_BYTES)
		memory->chunk_records *= 2;
	nchunks = max_nodes / memory->chunk_records + 1;
	memory->chunks = arena_new_array(arena, nchunks, char *);
	if (memory->chunks == NULL)
		goto no_memory;
	return memory;

no_memory:
	status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory while building a graph");
	return NULL;
}

GraphRecord *
graph_memory_record(const GraphMemory *memory, uint32_t node)
{
	char	   *chunk = memory->chunks[node / memory->chunk_records];

	return (GraphRecord *) (chunk + node % memory->chunk_records * memory->shape.size);
}

static const float *
record_vector(const GraphMemory *memory, uint32_t node)
{
	return graph_record_vector(graph_memory_record(memory, node), memory->shape.degree);
}

/* Make one more free record; false if there is no room. */
static bool
add_record(GraphMemory *memory)
{
	size_t		within = memory->nodes % memory->chunk_records;
	char	   *record;

	if (memory->nodes >= memory->max_nodes)
		return false;
	if (within == 0)
	{
		char	   *chunk = arena_alloc_array(memory->arena, memory->chunk_records,
											  memory->shape.size);

		if (chunk == NULL)
			return false;
		memory->chunks[memory->nodes / memory->chunk_records] = chunk;
	}
	record = memory->chunks[memory->nodes / memory->chunk_records] + within * memory->shape.size;
	memset(record, 0, memory->shape.size);
	memory->nodes++;
	return true;
}

static void
lock_record(GraphRecord *record)
{
	_Atomic uint32_t *lock = (_Atomic uint32_t *) &record->lock;

	while (atomic_exchange_explicit(lock, 1, memory_order_acquire) != 0)
	{
		/* The holder copies a list; if that takes long, it is not running. */
		for (int i = 0; atomic_load_explicit(lock, memory_order_relaxed) != 0; i++)
			if (i >= SPINS)
				sched_yield();
	}
}

static void
unlock_record(GraphRecord *record)
{
	atomic_store_explicit((_Atomic uint32_t *) &record->lock, 0, memory_order_release);
}

/* ---- accessor ---- */

/* One thread that links; also the context of the accessor while searching */
typedef struct Worker
{
	GraphMemory *memory;
	GraphAccess access;
	Arena	   *arena;
	GraphLinker *linker;
	uint32_t	node;			/* the record being linked */
	Status		status;
} Worker;

static bool
memory_expand(void *context, uint32_t node, const float *query,
			  const GraphBits *seen, GraphExpansion *out)
{
	GraphMemory *memory = ((Worker *) context)->memory;
	GraphRecord *record = graph_memory_record(memory, node);
	const uint32_t *ids = graph_record_ids(record);
	bool		is_free;

	lock_record(record);
	is_free = record->state == GRAPH_FREE;
	out->live = record->state == GRAPH_LIVE;
	out->nrows = record->nrows;
	memcpy(out->rows, record->rows, sizeof(out->rows));
	out->n = 0;
	for (int i = 0; seen != NULL && i < record->nneighbors; i++)
		if (!graph_bits_test(seen, ids[i]))
			out->ids[out->n++] = ids[i];
	unlock_record(record);
	if (is_free)
		return false;
	for (int i = 0; i < out->n; i++)
		__builtin_prefetch(record_vector(memory, out->ids[i]));
	out->distance = memory->distance(query, record_vector(memory, node), memory->shape.dims);
	for (int i = 0; i < out->n; i++)
		out->estimates[i] = memory->distance(query, record_vector(memory, out->ids[i]),
											 memory->shape.dims);
	return true;
}

static bool
memory_score(void *context, uint32_t node, const float *query, float *distance)
{
	GraphMemory *memory = ((Worker *) context)->memory;

	*distance = memory->distance(query, record_vector(memory, node), memory->shape.dims);
	return true;
}

static const float *
memory_vector(void *context, uint32_t node, float *scratch)
{
	return record_vector(((Worker *) context)->memory, node);
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
	graph_record_get_list(record, memory->shape.degree, list);
	unlock_record(record);
	return !is_free;
}

static bool
memory_write_list(void *context, uint32_t node, const GraphList *expected,
				  const GraphList *list)
{
	GraphMemory *memory = ((Worker *) context)->memory;
	GraphRecord *record = graph_memory_record(memory, node);
	bool		same;

	lock_record(record);
	same = record->state == GRAPH_LIVE &&
		graph_record_has_list(record, memory->shape.degree, expected);
	if (same)
		graph_record_set_list(record, memory->shape.degree, list);
	unlock_record(record);
	return same;
}

static bool
memory_merge(void *context, uint32_t node, const float *vector)
{
	Worker	   *worker = context;
	GraphMemory *memory = worker->memory;
	GraphRecord *record = graph_memory_record(memory, node);
	bool		merged;

	if (worker->linker == NULL ||
		memcmp(vector, record_vector(memory, node), memory->shape.dims * sizeof(float)) != 0)
		return false;
	lock_record(record);
	merged = record->nrows < GRAPH_ROWS;
	if (merged)
		record->rows[record->nrows++] = graph_memory_record(memory, worker->node)->rows[0];
	unlock_record(record);
	return merged;
}

static uint32_t
memory_create(void *context, const float *vector, const GraphList *list)
{
	Worker	   *worker = context;
	GraphMemory *memory = worker->memory;
	GraphRecord *record;

	if (worker->linker == NULL)
		return GRAPH_NO_NODE;
	record = graph_memory_record(memory, worker->node);
	lock_record(record);
	record->state = GRAPH_LIVE;
	graph_record_set_list(record, memory->shape.degree, list);
	unlock_record(record);
	return worker->node;
}

static void
init_access(GraphMemory *memory, void *context, GraphAccess *access)
{
	*access = (GraphAccess)
	{
		.context = context,
			.distance = memory->distance,
			.dims = memory->shape.dims,
			.degree = memory->shape.degree,
			.expand = memory_expand,
			.score = memory_score,
			.vector = memory_vector,
			.read_list = memory_read_list,
			.write_list = memory_write_list,
			.merge = memory_merge,
			.create = memory_create,
	};
}

bool
graph_memory_access(GraphMemory *memory, GraphAccess *access, Status *status)
{
	Worker	   *worker = arena_new(memory->arena, Worker);

	if (worker == NULL)
		return status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory while searching a graph");
	worker->memory = memory;
	init_access(memory, worker, access);
	return true;
}

/* ---- building ---- */

struct GraphBuilder
{
	GraphMemory *memory;
	ThreadPool *pool;
	int			nworkers;
	Worker	   *workers;
	uint32_t   *gathered;		/* records with a vector, not linked */
	int			ngathered;
	int			max_gathered;
	uint32_t   *unused;			/* records whose row was merged elsewhere */
	int			nunused;
};

static bool
init_worker(GraphBuilder *builder, Worker *worker, int ef_construction,
			float alpha, Status *status)
{
	worker->memory = builder->memory;
	init_access(builder->memory, worker, &worker->access);
	worker->arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	if (worker->arena == NULL)
		return status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory while building a graph");
	worker->linker = graph_linker_create(worker->arena, &worker->access,
										 ef_construction, alpha, status);
	return worker->linker != NULL;
}

GraphBuilder *
graph_builder_create(GraphMemory *memory, ThreadPool *pool,
					 int ef_construction, float alpha, Status *status)
{
	GraphBuilder *builder = calloc(1, sizeof(GraphBuilder));
	int			nthreads = pool_threads(pool);

	if (builder == NULL)
	{
		status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory while building a graph");
		return NULL;
	}
	builder->memory = memory;
	builder->pool = pool;
	builder->max_gathered = nthreads * GATHER_PER_THREAD;
	builder->workers = calloc((size_t) nthreads, sizeof(Worker));
	builder->gathered = calloc((size_t) builder->max_gathered, sizeof(uint32_t));
	builder->unused = calloc((size_t) builder->max_gathered, sizeof(uint32_t));
	if (builder->workers == NULL || builder->gathered == NULL || builder->unused == NULL)
		status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory while building a graph");
	else
	{
		builder->nworkers = nthreads;
		for (int i = 0; i < nthreads; i++)
			if (!init_worker(builder, &builder->workers[i], ef_construction, alpha, status))
				goto failed;
		return builder;
	}
failed:
	graph_builder_destroy(builder);
	return NULL;
}

void
graph_builder_destroy(GraphBuilder *builder)
{
	if (builder == NULL)
		return;
	for (int i = 0; i < builder->nworkers; i++)
		arena_destroy(builder->workers[i].arena);
	free(builder->workers);
	free(builder->gathered);
	free(builder->unused);
	free(builder);
}

/* Pool task: link one gathered record. */
static void
link_gathered(void *arg, int slice, int number)
{
	GraphBuilder *builder = arg;
	Worker	   *worker = &builder->workers[number];
	GraphMemory *memory = builder->memory;
	uint32_t	node;

	if (worker->status.code != STATUS_SUCCESS)
		return;
	worker->node = builder->gathered[slice];
	graph_insert(worker->linker, record_vector(memory, worker->node), memory->entry,
				 memory->nodes, &node, &worker->status);
}

/* The very first node: the entry, without neighbours. */
static void
make_entry(GraphMemory *memory, uint32_t node)
{
	graph_memory_record(memory, node)->state = GRAPH_LIVE;
	memory->entry = node;
}

bool
graph_builder_flush(GraphBuilder *builder, Status *status)
{
	GraphMemory *memory = builder->memory;
	int			n = builder->ngathered;

	if (n > 0 && memory->entry == GRAPH_NO_NODE)
	{
		make_entry(memory, builder->gathered[0]);
		builder->gathered[0] = builder->gathered[--n];
	}
	pool_run(builder->pool, n, link_gathered, builder);
	builder->ngathered = 0;
	for (int i = 0; i < builder->nworkers; i++)
	{
		if (builder->workers[i].status.code != STATUS_SUCCESS)
		{
			*status = builder->workers[i].status;
			return false;
		}
	}
	for (int i = 0; i < n; i++)
		if (graph_memory_record(memory, builder->gathered[i])->state == GRAPH_FREE)
			builder->unused[builder->nunused++] = builder->gathered[i];
	return true;
}

GraphAddResult
graph_builder_add(GraphBuilder *builder, const float *vector, uint64_t row, Status *status)
{
	GraphMemory *memory = builder->memory;
	uint32_t	node;
	GraphRecord *record;

	if (builder->ngathered == builder->max_gathered && !graph_builder_flush(builder, status))
		return GRAPH_ADD_FAILED;
	if (builder->nunused > 0)
		node = builder->unused[--builder->nunused];
	else if (add_record(memory))
		node = memory->nodes - 1;
	else
		return GRAPH_FULL;
	record = graph_memory_record(memory, node);
	record->nrows = 1;
	record->rows[0] = row;
	memcpy(graph_record_vector(record, memory->shape.degree), vector,
		   memory->shape.dims * sizeof(float));
	builder->gathered[builder->ngathered++] = node;
	return GRAPH_ADDED;
}
