/*
 * test_rings.c
 *	  Nodes that have stored the same: they share rows and form rings, whatever
 *	  the distance, beside a vacuum and after a build.
 */
#include "graph_fixture.h"

#include "graph/connect.h"
#include "kernel/distance.h"

static bool
are_equal(const Fixture *f, uint32_t a, uint32_t b)
{
	const GraphShape *shape = &f->space.shape;

	return memcmp(graph_record_own(shape, graph_memory_record(f->memory, a)),
				  graph_record_own(shape, graph_memory_record(f->memory, b)),
				  shape->own_size) == 0;
}

static uint32_t
ring_next(const Fixture *f, uint32_t node)
{
	GraphRecord *record = graph_memory_record(f->memory, node);
	int			slot = graph_record_ring(&f->space.shape, record);

	return slot < 0 ? GRAPH_NO_NODE : graph_record_ids(record)[slot];
}

/* Live nodes that have stored the same, and how many of them the node's ring leads to */
static int
count_equal(const Fixture *f, uint32_t node, int *in_ring)
{
	uint32_t	next = node;
	int			equal = 0;

	for (uint32_t i = 0; i < f->memory->nodes; i++)
		equal += graph_memory_record(f->memory, i)->state == GRAPH_LIVE &&
			are_equal(f, i, node);
	*in_ring = 0;
	do
	{
		next = ring_next(f, next);
		++*in_ring;
	} while (next != node && next != GRAPH_NO_NODE &&
			 are_equal(f, next, node) && *in_ring <= equal);
	return equal;
}

/* Whoever has stored the same is in one ring, and at most one of them has room. */
static bool
duplicates_are_together(const Fixture *f)
{
	bool		together = true;

	for (uint32_t node = 0; node < f->memory->nodes && together; node++)
	{
		int			in_ring;
		int			with_room = 0;

		if (graph_memory_record(f->memory, node)->state != GRAPH_LIVE)
			continue;
		together = count_equal(f, node, &in_ring) == in_ring;
		for (uint32_t i = 0; i < f->memory->nodes; i++)
			with_room += graph_memory_record(f->memory,
											 i)->state == GRAPH_LIVE &&
				graph_memory_record(f->memory, i)->nrows < GRAPH_ROWS &&
				are_equal(f, i, node);
		together &= with_room <= 1;
	}
	return together;
}

/* n vectors, the given ones in turn */
static float *
repeat(const float *values, size_t nvalues, size_t dims, size_t n)
{
	float	   *vectors = malloc(n * dims * sizeof(float));

	for (size_t i = 0; i < n; i++)
		memcpy(vectors + i * dims, values + i % nvalues * dims,
			   dims * sizeof(float));
	return vectors;
}

/* Under the inner product, where a longer vector is nearer than an equal one */
static void
duplicates_of_any_length_are_together(void)
{
	enum
	{
		VALUES = 8, DIMS = 8
	};
	float	   *values = make_points(VALUES, DIMS, 1, 21);
	Fixture		f;

	for (int i = 0; i < VALUES; i++)
		for (int j = 0; j < DIMS; j++)
			values[i * DIMS + j] =
				values[i % 2 * DIMS + j] / (float) (1 + i / 2);
	build(&f, &graph_metric_ip, repeat(values, VALUES, DIMS, 40 * VALUES),
		  40 * VALUES, DIMS, 16, 1);
	CHECK(duplicates_are_together(&f));
	destroy(&f);
	free(values);
}

/* Where one vector, rounded, comes nearer to another than that does itself */
static void
near_duplicates_do_not_part_duplicates(void)
{
	enum
	{
		VALUES = 12, DIMS = 8
	};
	float	   *values = make_points(VALUES, DIMS, 1, 22);
	Fixture		f;

	for (int i = 1; i < VALUES; i++)
		for (int j = 0; j < DIMS; j++)
			values[i * DIMS + j] = values[j] + 0.002f * values[i * DIMS + j];
	build(&f, &graph_metric_l2, repeat(values, VALUES, DIMS, 24 * VALUES),
		  24 * VALUES, DIMS, 16, 1);
	CHECK(duplicates_are_together(&f));
	destroy(&f);
	free(values);
}

/* Products beyond the floats are not minus infinity, which marks the next of a ring. */
static void
huge_products_mark_no_ring(void)
{
	enum
	{
		N = 200, DIMS = 8
	};
	float	   *vectors = make_points(N, DIMS, 1, 23);
	bool		sound = true;
	Fixture		f;

	for (int i = 0; i < N * DIMS; i++)
		vectors[i] = 3e19f * fabsf(vectors[i]);
	build(&f, &graph_metric_ip, vectors, N, DIMS, 16, 1);
	for (uint32_t node = 0; node < N; node++)
		sound &= ring_next(&f, node) == GRAPH_NO_NODE;
	CHECK(sound);
	destroy(&f);
}

/*
 * Rows that come in while a vacuum is between marking and repairing: their nodes
 * enter rings of which every second node is dead, and lead to live ones only.
 */
static void
rings_pass_by_the_dead(void)
{
	enum
	{
		DIMS = 4, COPIES = 80, BEFORE = 60
	};
	float	   *vectors = make_points(200, DIMS, 1, 24);
	uint32_t	node = 0;
	int			in_ring;
	Fixture		f;

	for (int i = 1; i < COPIES; i++)
		memcpy(vectors + i * DIMS, vectors, DIMS * sizeof(float));
	build(&f, &graph_metric_l2, vectors, 200, DIMS, 16, 1);
	CHECK(count_equal(&f, node, &in_ring) == COPIES / GRAPH_ROWS &&
		  in_ring == COPIES / GRAPH_ROWS);
	for (int i = 0; i < in_ring; i++, node = ring_next(&f, node))
		if (i % 2 == 1)
			kill_node(&f, node);
	for (int i = 0; i < BEFORE; i++)
		CHECK(graph_builder_add(f.builder, vectors, 1000,
								&f.status) == GRAPH_ADDED);
	CHECK(graph_builder_flush(f.builder, &f.status));
	for (uint32_t i = 0; i < f.memory->nodes; i++)
		CHECK(graph_memory_record(f.memory, i)->rows[0] != 1000 ||
			  !leads_to_dead(&f, i));
	repair_all(&f);
	CHECK(!links_to_dead(&f));
	CHECK(count_equal(&f, node,
					  &in_ring) == (COPIES / 2 + BEFORE) / GRAPH_ROWS);
	CHECK(in_ring == (COPIES / 2 + BEFORE) / GRAPH_ROWS);
	destroy(&f);
}

/* A list that takes another vector for the next of its ring is not believed. */
static void
rings_are_of_equal_nodes(void)
{
	float	   *vectors = make_points(50, 4, 1, 25);
	GraphLinker *linker;
	GraphStart	start;
	uint32_t	node = 0;
	bool		changed;
	Fixture		f;

	for (int i = 1; i <= GRAPH_ROWS; i++)
		memcpy(vectors + i * 4, vectors, 4 * sizeof(float));
	build(&f, &graph_metric_l2, vectors, 50, 4, 16, 1);
	linker = graph_linker_create(f.arena, &f.access, 100, &f.status);
	start = start_of(&f);
	graph_record_put_slot(&f.space.shape, graph_memory_record(f.memory, node),
						  graph_record_ring(&f.space.shape,
											graph_memory_record(f.memory,
																node)),
						  ring_next(&f, ring_next(&f, node)) + 20, GRAPH_RING,
						  true);
	CHECK(!are_equal(&f, node, ring_next(&f, node)));
	kill_node(&f, 49);
	CHECK(graph_repair(linker, node, &start, &changed, &f.status));
	CHECK(graph_relink(linker, node, &start, &f.status));
	CHECK(ring_next(&f, node) == GRAPH_NO_NODE);
	destroy(&f);
}

/* A node that only its own list knows is led to by the next of its ring, as any other. */
static void
connecting_keeps_rings(void)
{
	enum
	{
		COPIES = 20
	};
	float	   *vectors = make_points(60, 4, 1, 33);
	GraphConnector *connector;
	const GraphShape *shape;
	uint32_t	lost;
	uint32_t	next;
	GraphList	list;
	int			rings = 0;
	Fixture		f;

	for (int i = 1; i < COPIES; i++)
		memcpy(vectors + i * 4, vectors, 4 * sizeof(float));
	build(&f, &graph_metric_l2, vectors, 60, 4, 16, 1);
	shape = &f.space.shape;
	lost = ring_next(&f, 0);
	next = ring_next(&f, lost);
	for (uint32_t node = 0; node < f.memory->nodes; node++)
	{
		GraphRecord *record = graph_memory_record(f.memory, node);

		for (int i = 0; i < shape->degree && record->state == GRAPH_LIVE; i++)
			if (graph_record_ids(record)[i] == lost)
				graph_record_clear_slot(shape, record, i);
	}
	connector = graph_connector_create(f.arena, f.memory, &f.status);
	graph_connector_start_at(connector, 0);
	while (!graph_connector_step(connector, 100))
		;
	CHECK(graph_connector_linked(connector) == 1 && is_listed(&f, next, lost));
	graph_record_get_list(shape, graph_memory_record(f.memory, next), &list);
	for (int i = 0; i < list.n; i++)
		rings += list.distances[i] == GRAPH_RING;
	CHECK(rings == 1);
	destroy(&f);
}

int
main(void)
{
	kernel_init();
	RUN(duplicates_of_any_length_are_together);
	RUN(near_duplicates_do_not_part_duplicates);
	RUN(huge_products_mark_no_ring);
	RUN(rings_pass_by_the_dead);
	RUN(rings_are_of_equal_nodes);
	RUN(connecting_keeps_rings);
	return unit_done();
}
