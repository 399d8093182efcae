/*
 * test_graph.c
 *	  The graph in memory: recall, streaming, lists, repair, failures.
 */
#include "unit.h"

#include "base/random.h"
#include "graph/heap.h"
#include "graph/memory.h"
#include "graph/metric.h"
#include "kernel/distance.h"
#include "kernel/vector.h"

#define K 10

/* A graph over generated vectors, and what is needed to search it */
typedef struct Fixture
{
	size_t		n;
	size_t		dims;
	float	   *vectors;
	Arena	   *arena;
	ThreadPool *pool;
	GraphMemory *memory;
	GraphBuilder *builder;
	GraphAccess access;
	GraphSearch *search;
	Status		status;
} Fixture;

/* n points around as many centres; one centre at 0 makes them unstructured. */
static float *
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

static void
build(Fixture *f, const GraphMetric *metric, float *vectors, size_t n, size_t dims,
	  int degree, int threads)
{
	memset(f, 0, sizeof(*f));
	f->n = n;
	f->dims = dims;
	f->vectors = vectors;
	f->arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	f->pool = pool_create(threads, &f->status);
	f->memory = graph_memory_create(f->arena, metric->distance, dims, degree,
									(uint32_t) n, &f->status);
	f->builder = graph_builder_create(f->memory, f->pool, 100, metric->alpha, &f->status);
	for (size_t i = 0; i < n; i++)
		CHECK(graph_builder_add(f->builder, vectors + i * dims, i, &f->status) == GRAPH_ADDED);
	CHECK(graph_builder_flush(f->builder, &f->status));
	CHECK(graph_memory_access(f->memory, &f->access, &f->status));
	f->search = graph_search_create(f->arena, &f->access, &f->status);
	CHECK(f->search != NULL);
}

static void
destroy(Fixture *f)
{
	graph_builder_destroy(f->builder);
	pool_destroy(f->pool);
	arena_destroy(f->arena);
	free(f->vectors);
}

static bool
begin(Fixture *f, const float *query, int ef)
{
	return graph_search_begin(f->search, query, ef, f->memory->entry, f->memory->nodes,
							  SIZE_MAX, &f->status);
}

/* The distance of the k-th nearest point that is not deleted */
static float
true_kth(const Fixture *f, const float *query, int k)
{
	float		best[K];
	int			n = 0;

	for (size_t i = 0; i < f->n; i++)
	{
		float		d = f->memory->distance(query, f->vectors + i * f->dims, f->dims);
		int			j;

		if (graph_memory_record(f->memory, (uint32_t) i)->state == GRAPH_DEAD ||
			(n == k && d >= best[k - 1]))
			continue;
		for (j = n < k ? n++ : k - 1; j > 0 && best[j - 1] > d; j--)
			best[j] = best[j - 1];
		best[j] = d;
	}
	return best[k - 1];
}

/* recall@10: results not farther than the true tenth */
static double
recall(Fixture *f, int ef, int nqueries)
{
	float	   *queries = make_points((size_t) nqueries, f->dims, 1, 99);
	int			hits = 0;

	for (int q = 0; q < nqueries; q++)
	{
		/* near a point, so that clustered data is asked about where it is */
		float	   *query = queries + (size_t) q * f->dims;
		const float *point = f->vectors + (size_t) q * 17 % f->n * f->dims;
		float		limit;
		GraphFound	found;

		for (size_t j = 0; j < f->dims; j++)
			query[j] = point[j] + 0.5f * query[j];
		limit = true_kth(f, query, K);
		CHECK(begin(f, query, ef));
		for (int i = 0; i < K && graph_search_next(f->search, &found, &f->status); i++)
			hits += found.distance <= limit;
	}
	free(queries);
	return (double) hits / (K * nqueries);
}

/* ---- recall ---- */

static void
unstructured_data_is_found(void)
{
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(5000, 16, 1, 1), 5000, 16, 32, 1);
	CHECK(recall(&f, 40, 100) >= 0.98);
	CHECK(recall(&f, 160, 100) >= 0.999);
	destroy(&f);
}

static void
clustered_data_is_found(void)
{
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(5000, 32, 50, 2), 5000, 32, 32, 1);
	CHECK(recall(&f, 40, 100) >= 0.98);
	destroy(&f);
}

static void
every_metric_finds(void)
{
	const GraphMetric *metrics[] = {&graph_metric_l2, &graph_metric_cosine,
	&graph_metric_ip, &graph_metric_l1};

	for (int i = 0; i < 4; i++)
	{
		Fixture		f;

		build(&f, metrics[i], make_points(3000, 16, 1, 3), 3000, 16, 32, 1);
		CHECK(recall(&f, 80, 100) >= 0.97);
		destroy(&f);
	}
}

static void
several_threads_build_as_well(void)
{
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(5000, 16, 1, 1), 5000, 16, 32, 4);
	CHECK(f.memory->nodes == 5000);
	CHECK(recall(&f, 40, 100) >= 0.98);
	destroy(&f);
}

static void
one_thread_gives_one_graph(void)
{
	Fixture		a;
	Fixture		b;
	bool		same = true;

	build(&a, &graph_metric_l2, make_points(2000, 8, 1, 4), 2000, 8, 16, 1);
	build(&b, &graph_metric_l2, make_points(2000, 8, 1, 4), 2000, 8, 16, 1);
	for (uint32_t node = 0; node < 2000; node++)
		same &= memcmp(graph_memory_record(a.memory, node), graph_memory_record(b.memory, node),
					   a.memory->shape.size) == 0;
	CHECK(same);
	destroy(&a);
	destroy(&b);
}

/* ---- lists ---- */

/* Degrees, no node twice, no own number, both parts in order */
static void
lists_are_sound(void)
{
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(3000, 8, 20, 5), 3000, 8, 16, 2);
	for (uint32_t node = 0; node < 3000; node++)
	{
		GraphList	list;
		bool		live;
		bool		sound;

		sound = f.access.read_list(f.access.context, node, &list, &live) && live &&
			list.n >= 1 && list.n <= 16 && list.nselected >= 1 && list.nselected <= list.n;
		for (int i = 0; i < list.n; i++)
		{
			sound &= list.ids[i] != node && list.ids[i] < 3000;
			sound &= i == 0 || i == list.nselected || list.distances[i] >= list.distances[i - 1];
			for (int j = 0; j < i; j++)
				sound &= list.ids[i] != list.ids[j];
		}
		if (!sound)
		{
			CHECK(sound);
			break;
		}
	}
	destroy(&f);
}

/*
 * An owner at 0 on a line with neighbours at 1 and -3, degree 3.  A node at
 * 1.2 is occluded by 1; one at -1 is not, and occludes -3; and so on.
 */
static void
adding_to_a_list_follows_the_rule(void)
{
	GraphList	list = {0};
	const float to_near[] = {0.04f, 17.64f};	/* from 1.2, squared */
	const float to_left[] = {4.0f, 4.0f};	/* from -1 */
	const float to_far[] = {81.0f, 121.0f}; /* from 10 */
	const float to_own[] = {1.0f, 1.0f, 9.0f};	/* from the owner's place */

	graph_list_append(&list, 1, 1.0f);
	graph_list_append(&list, 2, 9.0f);
	list.nselected = 2;

	CHECK(graph_list_add(&list, 3, 1.2f, 3, 1.44f, to_near, false));
	CHECK(list.n == 3 && list.nselected == 2 && list.ids[2] == 3);

	/* selected; -3 becomes fill, and is farther than the fill at 1.2 */
	CHECK(graph_list_add(&list, 3, 1.2f, 4, 1.0f, to_left, false));
	CHECK(list.n == 3 && list.nselected == 2);
	CHECK(list.ids[0] == 1 && list.ids[1] == 4 && list.ids[2] == 3);

	/* occluded and farther than all: refused, unless forced */
	CHECK(!graph_list_add(&list, 3, 1.2f, 5, 100.0f, to_far, false));
	CHECK(list.n == 3 && list.ids[2] == 3);
	CHECK(graph_list_add(&list, 3, 1.2f, 5, 100.0f, to_far, true));
	CHECK(list.n == 3 && graph_list_contains(&list, 5));

	/* one at the owner's own place occludes nothing that is twice as far */
	CHECK(graph_list_add(&list, 3, 1.2f, 6, 0.0f, to_own, false));
	CHECK(list.ids[0] == 6 && list.n == 3);
}

static void
heap_gives_least_first(void)
{
	GraphHeap	heap = {.arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET)};
	float		last = -INFINITY;
	Random		random;

	random_init(&random, 1, 1);
	for (uint32_t i = 0; i < 3000; i++)
		CHECK(graph_heap_push(&heap, (float) random_below(&random, 500), i));
	for (int i = 0; i < 3000; i++)
	{
		GraphHeapItem item = graph_heap_pop(&heap);

		CHECK(item.key >= last);
		last = item.key;
	}
	CHECK(heap.n == 0);
	arena_destroy(heap.arena);
}

static void
bits_keep_numbers(void)
{
	GraphBits	bits = {.arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET)};

	CHECK(graph_bits_reset(&bits, 100000));
	CHECK(graph_bits_add(&bits, 99999) == GRAPH_BITS_ADDED);
	CHECK(graph_bits_add(&bits, 99999) == GRAPH_BITS_PRESENT);
	CHECK(graph_bits_add(&bits, 100000) == GRAPH_BITS_PRESENT);
	CHECK(graph_bits_test(&bits, 99999) && !graph_bits_test(&bits, 99998));
	CHECK(graph_bits_test(&bits, 100000));
	CHECK(graph_bits_reset(&bits, 1000000));
	CHECK(!graph_bits_test(&bits, 99999));
	CHECK(graph_bits_add(&bits, 0) == GRAPH_BITS_ADDED);
	CHECK(graph_bits_reset(&bits, 10));
	CHECK(!graph_bits_test(&bits, 0) && graph_bits_test(&bits, 10));
	arena_destroy(bits.arena);
}

/* ---- streaming ---- */

/* Every node comes once; the first ef in order; a batch of ef is in order. */
static void
search_streams_everything_once(void)
{
	Fixture		f;
	char	   *returned = calloc(3000, 1);
	float		last = -INFINITY;
	GraphFound	found;
	int			n = 0;
	int			disorder = 0;

	build(&f, &graph_metric_l2, make_points(3000, 8, 30, 6), 3000, 8, 16, 1);
	CHECK(begin(&f, f.vectors, 20));
	for (; graph_search_next(f.search, &found, &f.status); n++)
	{
		CHECK(found.node < 3000 && !returned[found.node]);
		returned[found.node] = 1;
		if (found.distance < last)
		{
			CHECK(n % 20 == 0);
			disorder++;
		}
		last = found.distance;
	}
	CHECK(f.status.code == STATUS_SUCCESS);
	CHECK(n == 3000);
	CHECK(disorder < 60);
	CHECK(!graph_search_next(f.search, &found, &f.status));
	free(returned);
	destroy(&f);
}

/* Little may wait: then the sweep brings the rest, each node once. */
static void
search_with_little_memory_is_complete(void)
{
	Fixture		f;
	char	   *returned = calloc(2000, 1);
	GraphFound	found;
	int			n = 0;

	build(&f, &graph_metric_l2, make_points(2000, 8, 1, 7), 2000, 8, 16, 1);
	for (size_t most = 0; most <= 600; most += 300)
	{
		memset(returned, 0, 2000);
		n = 0;
		CHECK(graph_search_begin(f.search, f.vectors, 10, f.memory->entry, f.memory->nodes,
								 most, &f.status));
		for (; graph_search_next(f.search, &found, &f.status); n++)
		{
			CHECK(!returned[found.node]);
			returned[found.node] = 1;
		}
		CHECK(n == 2000);
	}
	free(returned);
	destroy(&f);
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

/* ---- small and strange graphs ---- */

static void
empty_and_single(void)
{
	const float nowhere[4] = {0};
	Fixture		f;
	GraphFound	found;

	build(&f, &graph_metric_l2, make_points(1, 4, 1, 8), 1, 4, 8, 2);
	CHECK(begin(&f, f.vectors, 5));
	CHECK(graph_search_next(f.search, &found, &f.status));
	CHECK(found.node == 0 && found.distance == 0 && found.nrows == 1 && found.rows[0] == 0);
	CHECK(!graph_search_next(f.search, &found, &f.status));
	destroy(&f);

	build(&f, &graph_metric_l2, malloc(1), 0, 4, 8, 1);
	CHECK(begin(&f, nowhere, 5));
	CHECK(!graph_search_next(f.search, &found, &f.status));
	CHECK(f.status.code == STATUS_SUCCESS);
	destroy(&f);
}

/* Equal vectors share nodes, and a crowd of them does not hide the others. */
static void
duplicates_share_nodes(void)
{
	Fixture		f;
	float	   *vectors = make_points(2010, 4, 1, 9);
	uint64_t	rows = 0;
	int			nodes = 0;
	GraphFound	found;

	for (int i = 1; i < 2000; i++)
		memcpy(vectors + i * 4, vectors, 4 * sizeof(float));
	build(&f, &graph_metric_l2, vectors, 2010, 4, 16, 1);
	CHECK(begin(&f, f.vectors + 2005 * 4, 10));
	CHECK(graph_search_next(f.search, &found, &f.status) && found.rows[0] == 2005);
	CHECK(begin(&f, f.vectors, 10));
	for (; graph_search_next(f.search, &found, &f.status); nodes++)
		for (int i = 0; i < found.nrows; i++)
			rows += found.rows[i];
	CHECK(rows == (uint64_t) 2010 * 2009 / 2);
	CHECK(nodes < 2010 / GRAPH_ROWS + 50);
	destroy(&f);
}

/* NaN and infinity are far, not fatal. */
static void
strange_distances_sort_last(void)
{
	Fixture		f;
	float	   *vectors = make_points(100, 2, 1, 10);
	GraphFound	found;
	int			n = 0;

	vectors[0] = vectors[1] = INFINITY;
	vectors[20] = NAN;
	vectors[40] = 3e38f;
	build(&f, &graph_metric_l2, vectors, 100, 2, 8, 1);
	CHECK(begin(&f, f.vectors + 2, 10));
	for (; graph_search_next(f.search, &found, &f.status); n++)
		CHECK(!isnan(found.distance) && (n >= 97 || isfinite(found.distance)));
	CHECK(n == 100);
	destroy(&f);
}

static void
full_memory_is_told(void)
{
	Status		status = {0};
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	GraphMemory *memory = graph_memory_create(arena, graph_metric_l2.distance, 4, 8, 10, &status);
	GraphBuilder *builder = graph_builder_create(memory, NULL, 20, 1.2f, &status);
	float		vector[4] = {0};

	for (int i = 0; i < 10; i++)
	{
		vector[0] = (float) i;
		CHECK(graph_builder_add(builder, vector, (uint64_t) i, &status) == GRAPH_ADDED);
	}
	vector[0] = 10;
	CHECK(graph_builder_add(builder, vector, 10, &status) == GRAPH_FULL);
	CHECK(graph_builder_flush(builder, &status));
	graph_builder_destroy(builder);
	arena_destroy(arena);
}

/* ---- repair ---- */

static void
kill_node(Fixture *f, uint32_t node)
{
	GraphRecord *record = graph_memory_record(f->memory, node);

	record->state = GRAPH_DEAD;
	record->nrows = 0;
}

/* Take dead nodes out of all lists, as vacuum does. */
static void
repair_all(Fixture *f)
{
	GraphLinker *linker = graph_linker_create(f->arena, &f->access, 100, 1.2f, &f->status);
	bool		changed;

	while (graph_memory_record(f->memory, f->memory->entry)->state == GRAPH_DEAD)
		f->memory->entry++;
	for (uint32_t node = 0; node < f->memory->nodes; node++)
	{
		if (graph_memory_record(f->memory, node)->state != GRAPH_LIVE)
			continue;
		CHECK(graph_repair(linker, node, f->memory->entry, f->memory->nodes, &changed, &f->status));
		CHECK(graph_repair(linker, node, f->memory->entry, f->memory->nodes, &changed, &f->status));
		CHECK(!changed);
	}
}

static bool
links_to_dead(const Fixture *f)
{
	for (uint32_t node = 0; node < f->memory->nodes; node++)
	{
		GraphRecord *record = graph_memory_record(f->memory, node);

		for (int i = 0; record->state == GRAPH_LIVE && i < record->nneighbors; i++)
			if (graph_memory_record(f->memory, graph_record_ids(record)[i])->state != GRAPH_LIVE)
				return true;
	}
	return false;
}

/* A fifth at random */
static void
repair_keeps_recall(void)
{
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(5000, 16, 1, 11), 5000, 16, 32, 1);
	for (uint32_t node = 0; node < 5000; node += 5)
		kill_node(&f, node);
	CHECK(recall(&f, 40, 100) >= 0.98);
	repair_all(&f);
	CHECK(!links_to_dead(&f));
	CHECK(recall(&f, 40, 100) >= 0.98);
	destroy(&f);
}

/* Whole regions: more than half of the clusters */
static void
repair_bridges_regions(void)
{
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(4000, 16, 20, 12), 4000, 16, 32, 1);
	for (uint32_t node = 0; node < 4000; node++)
		if (f.vectors[node * 16] > 8)
			kill_node(&f, node);
	repair_all(&f);
	CHECK(!links_to_dead(&f));
	for (uint32_t node = 0; node < 4000; node++)
		if (graph_memory_record(f.memory, node)->state == GRAPH_DEAD)
			memset(graph_memory_record(f.memory, node), 0, f.memory->shape.head);
	for (uint32_t node = 0; node < 4000; node += 37)
	{
		GraphFound	found;

		if (graph_memory_record(f.memory, node)->state != GRAPH_LIVE)
			continue;
		CHECK(begin(&f, f.vectors + node * 16, 40));
		CHECK(graph_search_next(f.search, &found, &f.status));
		CHECK(found.node == node);
	}
	destroy(&f);
}

/* ---- failures ---- */

/* Whichever allocation fails, it is reported and nothing is lost or leaked. */
static void
search_reports_lack_of_memory(void)
{
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(2000, 8, 1, 13), 2000, 8, 16, 1);
	for (size_t fail = 1; fail < 200; fail++)
	{
		Status		status = {0};
		Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
		GraphSearch *search;
		GraphFound	found;
		int			n = 0;
		bool		done;

		arena_fail_at(arena, fail);
		search = graph_search_create(arena, &f.access, &status);
		done = search != NULL &&
			graph_search_begin(search, f.vectors, 30, f.memory->entry, f.memory->nodes,
							   SIZE_MAX, &status);
		while (done && graph_search_next(search, &found, &status))
			n++;
		done = status.code == STATUS_SUCCESS;
		CHECK(done ? n == 2000 : status.code == STATUS_OUT_OF_MEMORY);
		arena_destroy(arena);
		if (done)
		{
			CHECK(fail > 5);
			break;
		}
	}
	destroy(&f);
}

static void
repair_reports_lack_of_memory(void)
{
	Fixture		f;
	bool		changed;

	build(&f, &graph_metric_l2, make_points(500, 8, 1, 14), 500, 8, 16, 1);
	for (uint32_t node = 0; node < 500; node += 2)
		kill_node(&f, node);
	for (size_t fail = 1; fail < 2000; fail++)
	{
		Status		status = {0};
		Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
		GraphLinker *linker;
		bool		done;

		arena_fail_at(arena, fail);
		linker = graph_linker_create(arena, &f.access, 50, 1.2f, &status);
		done = linker != NULL && graph_repair(linker, 1, 3, 500, &changed, &status);
		CHECK(done || status.code == STATUS_OUT_OF_MEMORY);
		arena_destroy(arena);
		if (done)
		{
			CHECK(fail > 5);
			break;
		}
	}
	destroy(&f);
}

/* The cosine bound is never above what the operator computes. */
static void
cosine_bound_is_a_bound(void)
{
	const size_t sizes[] = {1, 2, 7, 64, 784, 4096};

	for (int s = 0; s < 6; s++)
	{
		size_t		dims = sizes[s];
		float	   *a = make_points(200, dims, 1, 15);
		float	   *b = malloc(2 * dims * sizeof(float));

		for (int i = 0; i < 199; i++)
		{
			const float *x = a + (size_t) i * dims;
			const float *y = i % 2 ? x : x + dims;	/* also equal directions */
			float		d;
			double		bound;
			double		operator = kernel_cosine_distance(x, y, dims);

			kernel_normalize(x, dims, b);
			kernel_normalize(y, dims, b + dims);
			d = graph_metric_cosine.distance(b, b + dims, dims);
			bound = graph_metric_cosine.operator(d, dims);
			CHECK(bound <= operator);
			CHECK(operator - bound < 1e-6 * (20 + (double) dims));
		}
		free(a);
		free(b);
	}
}

int
main(void)
{
	kernel_init();
	RUN(heap_gives_least_first);
	RUN(bits_keep_numbers);
	RUN(adding_to_a_list_follows_the_rule);
	RUN(unstructured_data_is_found);
	RUN(clustered_data_is_found);
	RUN(every_metric_finds);
	RUN(several_threads_build_as_well);
	RUN(one_thread_gives_one_graph);
	RUN(lists_are_sound);
	RUN(search_streams_everything_once);
	RUN(search_with_little_memory_is_complete);
	RUN(effort_is_bounded_by_ef);
	RUN(empty_and_single);
	RUN(duplicates_share_nodes);
	RUN(strange_distances_sort_last);
	RUN(full_memory_is_told);
	RUN(repair_keeps_recall);
	RUN(repair_bridges_regions);
	RUN(search_reports_lack_of_memory);
	RUN(repair_reports_lack_of_memory);
	RUN(cosine_bound_is_a_bound);
	return unit_done();
}
