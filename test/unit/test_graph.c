/*
 * test_graph.c
 *	  The graph in memory: recall, lists, repair, failures.
 */
#include "graph_fixture.h"

#include "graph/connect.h"
#include "graph/heap.h"
#include "graph/probe.h"
#include "kernel/distance.h"
#include "kernel/vector.h"

#define K 10

/* What the operator gives */
static double
exact(const Fixture *f, const float *a, const float *b)
{
	const GraphMetric *metric = f->space.metric;

	if (metric == &graph_metric_l1)
		return kernel_l1_distance(a, b, f->dims);
	if (metric == &graph_metric_cosine)
		return kernel_cosine_distance(a, b, f->dims);
	if (metric == &graph_metric_ip)
		return -kernel_inner_product(a, b, f->dims);
	return sqrt(kernel_l2_squared_distance(a, b, f->dims));
}

/* Keep the k least in order. */
static int
keep_least(double *best, int n, int k, double d)
{
	int			j;

	if (n == k && d >= best[k - 1])
		return n;
	for (j = n < k ? n++ : k - 1; j > 0 && best[j - 1] > d; j--)
		best[j] = best[j - 1];
	best[j] = d;
	return n;
}

/* The distance of the k-th nearest point that is not deleted */
static double
true_kth(const Fixture *f, const float *query, int k)
{
	double		best[K];
	int			n = 0;

	for (size_t i = 0; i < f->n; i++)
		if (graph_memory_record(f->memory, (uint32_t) i)->state != GRAPH_DEAD)
			n = keep_least(best, n, k,
						   exact(f, query, f->vectors + i * f->dims));
	return best[k - 1];
}

/* How many of K results, reranked as an executor does it, are within the limit */
static int
hits_of(Fixture *f, const float *query, int ef, double limit)
{
	GraphFound	found;
	double		best[K];
	int			n = 0;
	int			hits = 0;

	CHECK(begin(f, query, ef));
	while (graph_search_next(f->search, &found, &f->status))
	{
		if (n == K && best[K - 1] <= found.bound)
			break;
		for (int i = 0; i < found.nrows; i++)
		{
			double		d = exact(f, query,
								  f->vectors + found.rows[i] * f->dims);

			CHECK(found.bound <= d);
			n = keep_least(best, n, K, d);
		}
	}
	for (int i = 0; i < n; i++)
		hits += best[i] <= limit;
	return hits;
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

		for (size_t j = 0; j < f->dims; j++)
			query[j] = point[j] + 0.5f * query[j];
		hits += hits_of(f, query, ef, true_kth(f, query, K));
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

/* Rows that follow each other are linked at the same time, and are the nearest. */
static void
threads_see_each_others_nodes(void)
{
	enum
	{
		PAIRS = 1000, DIMS = 8
	};
	float	   *points = make_points(2 * PAIRS, DIMS, 1, 31);
	int			missed = 0;
	Fixture		f;

	for (int i = 0; i < 2 * PAIRS; i++)
		for (int j = 0; j < DIMS; j++)
			points[i * DIMS + j] = i % 2 == 0 ? 100 * points[i * DIMS + j] :
				points[(i - 1) * DIMS + j] + 1;
	build(&f, &graph_metric_l2, points, 2 * PAIRS, DIMS, 16, 4);
	for (uint32_t node = 0; node < 2 * PAIRS; node += 2)
		missed += !is_listed(&f, node, node + 1) &&
			!is_listed(&f, node + 1, node);
	CHECK(missed == 0);
	destroy(&f);
}

/* How many nodes lists lead to from node 0 */
static size_t
count_reached(const Fixture *f)
{
	uint32_t   *queue = malloc(f->n * sizeof(uint32_t));
	bool	   *reached = calloc(f->n, sizeof(bool));
	size_t		tail = 1;

	queue[0] = 0;
	reached[0] = true;
	for (size_t head = 0; head < tail; head++)
	{
		GraphList	list;
		bool		live;

		if (!f->access.read_list(f->access.context, queue[head], &list, &live))
			continue;
		for (int i = 0; i < list.n; i++)
		{
			if (!reached[list.ids[i]])
				queue[tail++] = list.ids[i];
			reached[list.ids[i]] = true;
		}
	}
	free(queue);
	free(reached);
	return tail;
}

/* Random vectors of many dimensions push each other out of all lists. */
static void
lists_lead_to_every_node(void)
{
	GraphConnector *connector;
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(3000, 256, 1, 32), 3000, 256, 16,
		  1);
	CHECK(count_reached(&f) < 2900);
	connector = graph_connector_create(f.arena, f.memory, &f.status);
	graph_connector_start_at(connector, 0);
	while (!graph_connector_step(connector, 100))
		;
	CHECK(graph_connector_linked(connector) > 100);
	CHECK(count_reached(&f) >= 2997);
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
		same &= memcmp(graph_memory_record(a.memory, node),
					   graph_memory_record(b.memory, node),
					   a.space.shape.size) == 0;
	CHECK(same);
	destroy(&a);
	destroy(&b);
}

/* ---- lists ---- */

/* Degrees, no node twice, no own number */
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

		sound = f.access.read_list(f.access.context, node, &list, &live) &&
			live && list.n >= 1 && list.n <= 16;
		for (int i = 0; i < list.n; i++)
		{
			sound &= list.ids[i] != node && list.ids[i] < 3000;
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
 * An owner at 0 on a line with neighbors at 1 and -3, degree 8 (only the
 * first 4 of its slots matter: the others hold far nodes that are selected).
 */
static void
adding_to_a_list_follows_the_rule(void)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	GraphSpace	space;
	GraphShape *shape = &space.shape;
	GraphRecord *record;
	GraphPlace	place;
	float		to[8] = {0.2f, 4.2f, 99, 99, 99, 99, 99, 99};

	make_space(&space, arena, &graph_metric_l2, 4, 8);
	record = arena_alloc_zero(arena, shape->size);
	graph_record_init(shape, record, 7);
	graph_record_put_slot(shape, record, 0, 1, 1, true);
	graph_record_put_slot(shape, record, 1, 2, 3, true);

	/* at 1.2: occluded by the one at 1, but the list is short */
	place = graph_list_place(shape, record, 1.1f, 1.2f, to, false);
	CHECK(place.slot == 2 && !place.selected);
	graph_record_put_slot(shape, record, 2, 3, 1.2f, false);
	graph_record_put_slot(shape, record, 3, 4, 50, true);

	/* now it has half its degree: refused, unless forced */
	CHECK(graph_list_place(shape, record, 1.1f, 1.2f, to, false).slot == -1);
	CHECK(graph_list_place(shape, record, 1.1f, 1.2f, to, true).slot == 4);

	/* at -1: selected, and the one at -3 becomes fill */
	to[0] = to[1] = 2;
	place = graph_list_place(shape, record, 1.1f, 1, to, false);
	CHECK(place.slot == 4 && place.selected);
	CHECK((graph_record_selected(shape, record)[0] & 2) == 0);

	/* full: the farthest fill goes first, then the farthest selected */
	for (int i = 4; i < 8; i++)
		graph_record_put_slot(shape, record, i, 10 + (uint32_t) i, 60, true);
	for (int i = 0; i < 8; i++)
		to[i] = 99;
	CHECK(graph_list_place(shape, record, 1.1f, 2, to, false).slot == 1);
	graph_record_put_slot(shape, record, 1, 20, 2, true);
	graph_record_put_slot(shape, record, 2, 21, 2, true);
	CHECK(graph_list_place(shape, record, 1.1f, 2, to, false).slot == 4);
	CHECK(graph_list_place(shape, record, 1.1f, 70, to, false).slot == -1);
	CHECK(graph_list_place(shape, record, 1.1f, 70, to, true).slot == 4);
	arena_destroy(arena);
}

/* Shapes of usual and of extreme vectors: what must fit a page does. */
static void
shapes_fit_pages(void)
{
	const size_t dims[] = {1, 64, 128, 384, 784, 1536, 3072, 16384};
	const size_t most[] = {1700, 1700, 1700, 2800, 4200, 8400, SIZE_MAX, SIZE_MAX};
	Status		status = {0};
	GraphShape	shape;

	for (int i = 0; i < 8; i++)
	{
		CHECK(graph_shape(&shape, dims[i], 32, STORED_INT8, 0, 8160, &status));
		CHECK(shape.head <= 8160 && shape.coded >= 1 && shape.coded <= dims[i]);
		if (shape.size <= 8160)
			CHECK(8192 / (8160 / shape.size) <= most[i]);
	}
	CHECK(graph_shape(&shape, 784, 32, STORED_INT8, 0, 8160, &status) &&
		  shape.coded == 704);
	for (int degree = GRAPH_MIN_DEGREE; degree <= GRAPH_MAX_DEGREE; degree++)
		CHECK(graph_shape(&shape, 16384, degree, STORED_FLOAT, 4, 8160,
						  &status) && shape.head <= 8160);
}

/* Lists longer than a block of codes, and stored in other ways */
static void
long_lists_find(void)
{
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(3000, 16, 1, 1), 3000, 16, 72, 2);
	CHECK(recall(&f, 40, 50) >= 0.98);
	destroy(&f);
	build(&f, &graph_metric_l2, make_points(1500, 16, 1, 1), 1500, 16, 200, 2);
	CHECK(recall(&f, 40, 50) >= 0.999);
	destroy(&f);
}

/* A further pass keeps the graph sound and finds as well. */
static void
passes_keep_recall(void)
{
	Fixture		f;

	build(&f, &graph_metric_l2, make_points(4000, 24, 1, 1), 4000, 24, 32, 2);
	CHECK(graph_builder_pass(f.builder, 0, f.memory->nodes, &f.status));
	CHECK(recall(&f, 40, 100) >= 0.98);
	destroy(&f);
}

/*
 * n texts as points: sums of the vectors of some words, of which few are
 * frequent.  Such data are harder for a graph than clusters are.
 */
static float *
make_texts(size_t n, size_t dims)
{
	enum
	{
		WORDS = 1000
	};
	float	   *words = malloc(WORDS * dims * sizeof(float));
	float	   *vectors = calloc(n * dims, sizeof(float));
	Random		random;

	random_init(&random, 41, 0);
	for (size_t i = 0; i < WORDS; i++)
		for (size_t j = 0; j < dims; j++)
			words[i * dims + j] =
				(float) (log(2.0 + (double) i) * random_normal(&random));
	for (size_t i = 0; i < n; i++)
	{
		int			length = 2 + (int) random_below(&random, 3);

		for (int k = 0; k < length; k++)
		{
			/* the word of rank r has a frequency in proportion to 1 / r */
			size_t		word =
			(size_t) exp(random_uniform(&random) * log(WORDS)) - 1;

			for (size_t j = 0; j < dims; j++)
				vectors[i * dims + j] += words[word * dims + j];
		}
	}
	free(words);
	return vectors;
}

/* Is the graph hard?  recall gets what was measured. */
static bool
is_hard(Fixture *f, double *recall)
{
	GraphRoot	root = {0};
	GraphProbe *probe = graph_probe_create(f->arena, f->memory, &root,
										   &f->status);
	int			steps = 0;

	while (graph_probe_step(probe, &f->status))
		steps++;
	CHECK(f->status.code == STATUS_SUCCESS && steps > 0);
	*recall = graph_probe_recall(probe);
	return graph_probe_is_hard(probe);
}

/* Data that a graph finds hard are told from others. */
static void
hard_data_are_told(void)
{
	Fixture		f;
	double		first;

	build(&f, &graph_metric_cosine, make_texts(4000, 256), 4000, 256, 32, 2);
	CHECK(is_hard(&f, &first));
	printf("# probe %.3f\n", first);
	CHECK(first > 0.5 && first < 0.98);
	destroy(&f);

	/* clusters, a graph of a few nodes, and numbers without any structure */
	build(&f, &graph_metric_l2, make_points(5000, 32, 50, 2), 5000, 32, 32, 2);
	CHECK(!is_hard(&f, &first) && first > 0.98);
	destroy(&f);
	build(&f, &graph_metric_l2, make_points(3, 32, 1, 2), 3, 32, 32, 1);
	CHECK(!is_hard(&f, &first) && first == 1);
	destroy(&f);
	build(&f, &graph_metric_l2, make_points(3000, 128, 1, 2), 3000, 128, 16, 2);
	CHECK(!is_hard(&f, &first) && first < 0.97);
	destroy(&f);
}

/* A root finds starts near the query, whatever the entry. */
static void
root_gives_near_seeds(void)
{
	Fixture		f;
	GraphRoot	root;
	GraphSeed	seeds[GRAPH_SEEDS];
	GraphScratch *scratch;

	build(&f, &graph_metric_l2, make_points(3000, 16, 30, 5), 3000, 16, 32, 1);
	scratch = graph_scratch_create(f.arena, &f.space.shape);
	CHECK(graph_root_init(&root, f.arena, &f.space.shape, 100));
	for (int i = 0; i < 100; i++)
		graph_root_put(&root, &f.space.shape, i, (uint32_t) i * 30,
					   graph_record_own(&f.space.shape,
										graph_memory_record(f.memory,
															(uint32_t) i * 30)),
					   scratch);
	for (int i = 0; i < 100; i += 9)
	{
		graph_query_set(f.query, f.vectors + (size_t) i * 30 * f.dims);
		CHECK(graph_root_seeds(&root, f.query, seeds) == GRAPH_SEEDS);
		CHECK(exact(&f, f.vectors + (size_t) i * 30 * f.dims,
					f.vectors + (size_t) seeds[0].node * f.dims) < 15);
		CHECK(seeds[0].estimate <= seeds[1].estimate &&
			  seeds[2].estimate <= seeds[3].estimate);
	}
	destroy(&f);
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
	CHECK(found.node == 0 && found.bound == 0 && found.nrows == 1 &&
		  found.rows[0] == 0);
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
	CHECK(graph_search_next(f.search, &found, &f.status) &&
		  found.rows[0] == 2005);
	CHECK(begin(&f, f.vectors, 10));
	for (; graph_search_next(f.search, &found, &f.status); nodes++)
		for (int i = 0; i < found.nrows; i++)
			rows += found.rows[i];
	CHECK(rows == (uint64_t) 2010 * 2009 / 2);
	CHECK(nodes < 2010 / GRAPH_ROWS + 50);
	destroy(&f);
}

/* What has no image is stored without a bound, and comes all the same. */
static void
strange_vectors_are_found(void)
{
	Fixture		f;
	float	   *vectors = make_points(100, 2, 1, 10);
	GraphFound	found;
	int			rows = 0;

	vectors[0] = vectors[1] = INFINITY;
	vectors[20] = NAN;
	vectors[40] = 3e38f;
	build(&f, &graph_metric_l2, vectors, 100, 2, 8, 1);
	CHECK(begin(&f, f.vectors + 2, 10));
	for (; graph_search_next(f.search, &found, &f.status); rows += found.nrows)
		CHECK(!isnan(found.distance) && !isnan(found.bound));
	CHECK(rows == 100);
	destroy(&f);
}

static void
full_memory_is_told(void)
{
	Status		status = {0};
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	GraphMemory *memory = NULL;
	GraphBuilder *builder;
	GraphSpace	space;
	float		vector[4] = {0};

	make_space(&space, arena, &graph_metric_l2, 4, 8);
	memory = graph_memory_create(arena, &space, 10, &status);
	builder = graph_builder_create(memory, NULL, 20, &status);
	for (int i = 0; i < 10; i++)
	{
		vector[0] = (float) i;
		CHECK(graph_builder_add(builder, vector, (uint64_t) i,
								&status) == GRAPH_ADDED);
	}
	vector[0] = 10;
	CHECK(graph_builder_add(builder, vector, 10, &status) == GRAPH_FULL);
	CHECK(graph_builder_flush(builder, &status));
	graph_builder_destroy(builder);
	arena_destroy(arena);
}

/* ---- repair ---- */

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
			memset(graph_memory_record(f.memory, node), 0, f.space.shape.head);
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
	GraphStart	start;

	build(&f, &graph_metric_l2, make_points(2000, 8, 1, 13), 2000, 8, 16, 1);
	start = start_of(&f);
	graph_query_set(f.query, f.vectors);
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
			begin_at(search, f.query, &start, 30, &status);
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
	GraphStart	start;
	bool		changed;

	build(&f, &graph_metric_l2, make_points(500, 8, 1, 14), 500, 8, 16, 1);
	start = start_of(&f);
	start.entry = 3;
	for (uint32_t node = 0; node < 500; node += 2)
		kill_node(&f, node);
	for (size_t fail = 1; fail < 2000; fail++)
	{
		Status		status = {0};
		Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
		GraphLinker *linker;
		bool		done;

		arena_fail_at(arena, fail);
		linker = graph_linker_create(arena, &f.access, 50, &status);
		done = linker != NULL &&
			graph_repair(linker, 1, &start, &changed, &status);
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

int
main(void)
{
	kernel_init();
	RUN(heap_gives_least_first);
	RUN(bits_keep_numbers);
	RUN(adding_to_a_list_follows_the_rule);
	RUN(shapes_fit_pages);
	RUN(unstructured_data_is_found);
	RUN(clustered_data_is_found);
	RUN(every_metric_finds);
	RUN(long_lists_find);
	RUN(passes_keep_recall);
	RUN(hard_data_are_told);
	RUN(root_gives_near_seeds);
	RUN(several_threads_build_as_well);
	RUN(threads_see_each_others_nodes);
	RUN(lists_lead_to_every_node);
	RUN(one_thread_gives_one_graph);
	RUN(lists_are_sound);
	RUN(empty_and_single);
	RUN(duplicates_share_nodes);
	RUN(strange_vectors_are_found);
	RUN(full_memory_is_told);
	RUN(repair_keeps_recall);
	RUN(repair_bridges_regions);
	RUN(search_reports_lack_of_memory);
	RUN(repair_reports_lack_of_memory);
	return unit_done();
}
