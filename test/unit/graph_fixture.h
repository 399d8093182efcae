/*
 * graph_fixture.h
 *	  A graph over generated vectors, for the tests of graph/.
 */
#ifndef GRAPH_FIXTURE_H
#define GRAPH_FIXTURE_H

#include "unit.h"

#include "base/random.h"
#include "graph/memory_graph.h"
#include "graph/graph_metric.h"

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

/* n points around as many centres; one centre at 0 makes them unstructured. */
static inline float *
make_points(size_t n, size_t dims, int centres, uint64_t seed)
{
	float	   *vectors = malloc(n * dims * sizeof(float));
	Random		random;

	random_init(&random, seed, 0);
	for (size_t i = 0; i < n; i++)
	{
		uint32_t	centre = random_below(&random, (uint32_t) centres);

		for (size_t j = 0; j < dims; j++)
		{
			double		place = (double) (random_at(7, centre, j) >> 11) / 9007199254740992.0;

			vectors[i * dims + j] = (float)
				(random_normal(&random) + (centres > 1 ? 20 * place : 0));
		}
	}
	return vectors;
}

static inline void
make_space(GraphSpace *space, Arena *arena, const GraphMetric *metric, size_t dims, int degree)
{
	Status		status = {0};
	GraphShape	shape;

	CHECK(graph_shape(&shape, dims, degree, metric->coded ? STORED_INT8 : STORED_FLOAT,
					  metric->coded ? 0 : -1, 8160, &status));
	CHECK(graph_space_init(space, arena, metric, &shape, 1, NULL, &status));
}

static inline void
build(Fixture *f, const GraphMetric *metric, float *vectors, size_t n, size_t dims,
	  int degree, int threads)
{
	memset(f, 0, sizeof(*f));
	f->n = n;
	f->dims = dims;
	f->vectors = vectors;
	f->arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	f->pool = pool_create(threads, &f->status);
	make_space(&f->space, f->arena, metric, dims, degree);
	f->query = graph_query_create(f->arena, &f->space);
	f->memory = graph_memory_create(f->arena, &f->space, (uint32_t) n, &f->status);
	f->builder = graph_builder_create(f->memory, f->pool, 100, &f->status);
	for (size_t i = 0; i < n; i++)
		CHECK(graph_builder_add(f->builder, vectors + i * dims, i, &f->status) == GRAPH_ADDED);
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
begin_at(GraphSearch *search, GraphQuery *query, const GraphStart *start, int ef, Status *status)
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

#endif							/* GRAPH_FIXTURE_H */
