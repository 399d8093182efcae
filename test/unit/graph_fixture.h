/*
 * graph_fixture.h
 *	  A graph over generated vectors, for the tests of graph/.
 */
#ifndef GRAPH_FIXTURE_H
#define GRAPH_FIXTURE_H

#include "unit.h"

#include "base/random.h"
#include "graph/graph_metric.h"
#include "graph/link.h"
#include "graph/memory_graph.h"

/* A graph over generated vectors, and what is needed to search it */
typedef struct Fixture
{
	size_t		n;
	size_t		dims;
	float	   *vectors;
	Arena	   *arena;
	ThreadPool *pool;
	GraphSpace	space;
	GraphQuery *query;
	GraphMemory *memory;
	GraphBuilder *builder;
	GraphAccess access;
	GraphSearch *search;
	Status		status;
} Fixture;

/* n points around as many centers; one center at 0 makes them unstructured. */
static inline float *
make_points(size_t n, size_t dims, int centers, uint64_t seed)
{
	float	   *vectors = malloc(n * dims * sizeof(float));
	Random		random;

	random_init(&random, seed, 0);
	for (size_t i = 0; i < n; i++)
	{
		uint32_t	center = random_below(&random, (uint32_t) centers);

		for (size_t j = 0; j < dims; j++)
		{
			double		place = (double) (random_at(7, center,
													j) >> 11) / 9007199254740992.0;

			vectors[i * dims + j] = (float)
				(random_normal(&random) + (centers > 1 ? 20 * place : 0));
		}
	}
	return vectors;
}

static inline void
make_space(GraphSpace *space, Arena *arena, const GraphMetric *metric,
		   size_t dims, int degree)
{
	Status		status = {0};
	GraphShape	shape;

	CHECK(graph_shape(&shape, dims, degree, metric->coded ? STORED_INT8 :
					  STORED_FLOAT, metric->coded ? 0 : -1, 8160, &status));
	CHECK(graph_space_init(space, arena, metric, &shape, 1, NULL, &status));
}

static inline void
build(Fixture *f, const GraphMetric *metric, float *vectors, size_t n,
	  size_t dims, int degree, int threads)
{
	memset(f, 0, sizeof(*f));
	f->n = n;
	f->dims = dims;
	f->vectors = vectors;
	f->arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	f->pool = pool_create(threads, &f->status);
	make_space(&f->space, f->arena, metric, dims, degree);
	f->query = graph_query_create(f->arena, &f->space);
	f->memory = graph_memory_create(f->arena, &f->space, (uint32_t) n,
									&f->status);
	f->builder = graph_builder_create(f->memory, f->pool, 100, &f->status);
	for (size_t i = 0; i < n; i++)
		CHECK(graph_builder_add(f->builder, vectors + i * dims, i,
								&f->status) == GRAPH_ADDED);
	CHECK(graph_builder_flush(f->builder, &f->status));
	CHECK(graph_memory_access(f->memory, f->arena, &f->access, &f->status));
	f->search = graph_search_create(f->arena, &f->access, &f->status);
	CHECK(f->search != NULL);
}

static inline void
destroy(Fixture *f)
{
	graph_builder_destroy(f->builder);
	pool_destroy(f->pool);
	arena_destroy(f->arena);
	free(f->vectors);
}

static inline GraphStart
start_of(const Fixture *f)
{
	GraphStart	start = {f->memory->entry, f->memory->nodes, NULL};

	return start;
}

static inline bool
begin_at(GraphSearch *search, GraphQuery *query, const GraphStart *start,
		 int ef, Status *status)
{
	GraphLimits limits = {.ef = ef,.waiting = SIZE_MAX};

	return graph_search_begin(search, query, start, &limits, status);
}

static inline bool
begin(Fixture *f, const float *query, int ef)
{
	GraphStart	start = start_of(f);

	graph_query_set(f->query, query);
	return begin_at(f->search, f->query, &start, ef, &f->status);
}

/* Is one node in the list of the other? */
static inline bool
is_listed(const Fixture *f, uint32_t owner, uint32_t node)
{
	GraphList	list;
	bool		live;

	if (!f->access.read_list(f->access.context, owner, &list, &live))
		return false;
	for (int i = 0; i < list.n; i++)
		if (list.ids[i] == node)
			return true;
	return false;
}

static inline void
kill_node(Fixture *f, uint32_t node)
{
	GraphRecord *record = graph_memory_record(f->memory, node);

	record->state = GRAPH_DEAD;
	record->nrows = 0;
}

/* Take dead nodes out of all lists, as vacuum does. */
static inline void
repair_all(Fixture *f)
{
	GraphLinker *linker = graph_linker_create(f->arena, &f->access, 100,
											  &f->status);
	bool		changed;

	while (graph_memory_record(f->memory,
							   f->memory->entry)->state == GRAPH_DEAD)
		f->memory->entry++;
	for (uint32_t node = 0; node < f->memory->nodes; node++)
	{
		GraphStart	start = start_of(f);

		if (graph_memory_record(f->memory, node)->state != GRAPH_LIVE)
			continue;
		CHECK(graph_repair(linker, node, &start, &changed, &f->status));
		CHECK(graph_repair(linker, node, &start, &changed, &f->status));
		CHECK(!changed);
	}
}

/* Has a live node a neighbor that is not? */
static inline bool
leads_to_dead(const Fixture *f, uint32_t node)
{
	GraphRecord *record = graph_memory_record(f->memory, node);

	for (int i = 0; record->state == GRAPH_LIVE && i < f->space.shape.degree;
		 i++)
	{
		uint32_t	id = graph_record_ids(record)[i];

		if (id != GRAPH_NO_NODE &&
			graph_memory_record(f->memory, id)->state != GRAPH_LIVE)
			return true;
	}
	return false;
}

static inline bool
links_to_dead(const Fixture *f)
{
	for (uint32_t node = 0; node < f->memory->nodes; node++)
		if (leads_to_dead(f, node))
			return true;
	return false;
}

#endif							/* GRAPH_FIXTURE_H */
