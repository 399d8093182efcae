/*
 * test_search.c
 *	  Searches that stream: order, what comes late, memory, effort; and the
 *	  distances that they tell.
 */
#include "graph_fixture.h"

#include "kernel/distance.h"

/* Stream to the end; counts nodes and those nearer than one before. */
static int
stream(Fixture *f, int ef, size_t waiting, bool relaxed, int *disorder)
{
	GraphLimits limits = {.ef = ef,.waiting = waiting,.relaxed = relaxed};
	char	   *returned = calloc(f->memory->nodes, 1);
	GraphStart	start = start_of(f);
	double		last = -INFINITY;
	GraphFound	found;
	int			n = 0;

	*disorder = 0;
	graph_query_set(f->query, f->vectors);
	CHECK(graph_search_begin(f->search, f->query, &start, &limits, &f->status));
	for (; graph_search_next(f->search, &found, &f->status); n++)
	{
		CHECK(found.node < f->memory->nodes && !returned[found.node]);
		returned[found.node] = 1;
		*disorder += found.bound < last;
		last = fmax(last, found.bound);
	}
	CHECK(f->status.code == STATUS_SUCCESS);
	CHECK(!graph_search_next(f->search, &found, &f->status));
	free(returned);
	return n;
}

/* Nodes come in order, hardly any is lost by that; relaxed every one comes. */
static void
search_streams_in_order(void)
{
	Fixture		f;
	int			disorder;
	int			n;

	build(&f, &graph_metric_l2, make_points(3000, 8, 30, 6), 3000, 8, 16, 1);
	for (int ef = 1; ef <= 100; ef *= 10)
	{
		n = stream(&f, ef, SIZE_MAX, false, &disorder);
		CHECK(disorder == 0);
		CHECK(n > 2970);
		n = stream(&f, ef, SIZE_MAX, true, &disorder);
		CHECK(n == 3000);
	}
	destroy(&f);
}

/* Points at random are hard: what comes late is noticed. */
static void
late_nodes_are_left_out(void)
{
	Fixture		f;
	GraphFound	found;
	double		last = -INFINITY;

	build(&f, &graph_metric_l2, make_points(5000, 48, 1, 6), 5000, 48, 16, 1);
	CHECK(begin(&f, f.vectors, 4));
	for (int i = 0; i < 300; i++)
	{
		CHECK(graph_search_next(f.search, &found, &f.status));
		CHECK(found.bound >= last);
		last = found.bound;
	}
	CHECK(graph_search_late(f.search) > 0);
	destroy(&f);
}

/* Whatever the accessor says of a late node is believed. */
static int	refined;

static bool
refine_to_far(void *context, GraphExpansion *expansion)
{
	refined++;
	expansion->bound = 1e6;
	return true;
}

static void
late_nodes_are_refined(void)
{
	Fixture		f;
	int			disorder;

	build(&f, &graph_metric_l2, make_points(5000, 48, 1, 6), 5000, 48, 16, 1);
	f.access.refine = refine_to_far;
	refined = 0;
	CHECK(stream(&f, 4, SIZE_MAX, false, &disorder) == 5000);
	CHECK(disorder == 0 && refined > 0);
	destroy(&f);
}

/*
 * Little may wait: the farther half goes, and the sweep brings the rest, in as
 * many passes as it takes, each node once.
 */
static void
search_with_little_memory(void)
{
	Fixture		f;
	int			disorder;

	build(&f, &graph_metric_l2, make_points(2000, 8, 1, 7), 2000, 8, 16, 1);
	for (size_t most = 0; most <= 600; most += 300)
	{
		CHECK(stream(&f, 10, most, false, &disorder) > 1900);
		CHECK(disorder == 0);
		CHECK(stream(&f, 10, most, true, &disorder) == 2000);
	}
	destroy(&f);
}

/* Columns of floats are told the operator's own distance, not one of rotated floats. */
static void
originals_give_the_operators_distance(void)
{
	const GraphMetric *metrics[] = {&graph_metric_l2, &graph_metric_cosine, &graph_metric_ip, &graph_metric_l1};

	for (int m = 0; m < 4; m++)
	{
		const GraphMetric *metric = metrics[m];
		Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
		float	   *x = make_points(2, 37, 1, 11);
		GraphShape	shape;
		GraphSpace	space;
		GraphQuery *query;
		void	   *own;
		float		distance;
		Status		status = {0};

		CHECK(graph_shape(&shape, 37, 16, STORED_FLOAT, metric->coded ? 0 : -1,
						  8160, &status));
		CHECK(graph_space_init(&space, arena, metric, &shape, 1, NULL,
							   &status));
		query = graph_query_create(arena, &space);
		own = arena_alloc(arena, shape.own_size);
		graph_query_set(query, x);
		graph_query_encode(query);
		memcpy(own, query->own, shape.own_size);
		graph_query_set(query, x + 37);
		CHECK(query->exact);
		distance = graph_query_distance(query, own);
		CHECK(graph_query_bound(query, own, distance) == metric->floats(x + 37,
																		x, 37));
		query->exact = false;
		CHECK(graph_query_bound(query, own, distance) < metric->floats(x + 37,
																	   x, 37));
		arena_destroy(arena);
		free(x);
	}
}

static void
effort_is_bounded_by_ef(void)
{
	Fixture		f;
	GraphFound	found;

	build(&f, &graph_metric_l2, make_points(5000, 16, 1, 1), 5000, 16, 32, 1);
	CHECK(begin(&f, f.vectors + 160, 40));
	for (int i = 0; i < 40; i++)
		CHECK(graph_search_next(f.search, &found, &f.status));
	CHECK(graph_search_expansions(f.search) < 100);
	destroy(&f);
}

int
main(void)
{
	kernel_init();
	RUN(search_streams_in_order);
	RUN(late_nodes_are_left_out);
	RUN(late_nodes_are_refined);
	RUN(search_with_little_memory);
	RUN(effort_is_bounded_by_ef);
	RUN(originals_give_the_operators_distance);
	return unit_done();
}
