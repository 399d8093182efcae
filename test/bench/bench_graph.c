/*
 * bench_graph.c
 *	  The graph in plain memory, without a server: build, recall, effort, speed.
 *
 *	  bench_graph STEM l2|cosine|ip|l1 THREADS PASSES EF_CONSTRUCTION EF ...
 *
 * STEM names files as test/bench/index/data.py writes them.  Results are
 * reranked by the vectors themselves as the executor does it: nodes are taken
 * until the tenth is nearer than the last bound.
 */
#include "index/vectors.h"

#include "graph/memory_graph.h"
#include "kernel/center.h"
#include "kernel/distance.h"

typedef struct Bench
{
	Vectors		base;
	Vectors		query;
	int			cosine;
	GraphMemory *memory;
	GraphAccess access;
	GraphQuery *graph_query;
	GraphSearch *search;
	GraphRoot	root;
	Status		status;
} Bench;

static void
fail(const Bench *bench)
{
	fprintf(stderr, "%s\n", bench->status.message);
	exit(1);
}

static double
exact_distance(const Bench *bench, const float *q, uint64_t row)
{
	const float *x = bench->base.x + row * (size_t) bench->base.dims;

	if (bench->cosine)
		return kernel_cosine_distance(q, x, (size_t) bench->base.dims);
	return sqrt(kernel->l2_squared(q, x, (size_t) bench->base.dims));
}

/* The k nearest by exact distance; returns how many rows were looked at. */
static int
find(Bench *bench, const float *q, int ef, int64_t *rows)
{
	GraphStart	start = {bench->memory->entry, bench->memory->nodes, &bench->root};
	GraphLimits limits = {.ef = ef,.waiting = SIZE_MAX};
	GraphFound	found;
	double		best[BENCH_K];
	int			n = 0;
	int			looked = 0;

	graph_query_set(bench->graph_query, q);
	if (!graph_search_begin(bench->search, bench->graph_query, &start, &limits,
							&bench->status))
		fail(bench);
	while (graph_search_next(bench->search, &found, &bench->status))
	{
		if (n == BENCH_K && best[n - 1] <= found.bound)
			break;
		for (int r = 0; r < found.nrows; r++)
		{
			double		d = exact_distance(bench, q, found.rows[r]);
			int			i;

			looked++;
			if (n == BENCH_K && d >= best[n - 1])
				continue;
			for (i = n < BENCH_K ? n++ : BENCH_K - 1; i > 0 && best[i - 1] > d;
				 i--)
			{
				best[i] = best[i - 1];
				rows[i] = rows[i - 1];
			}
			best[i] = d;
			rows[i] = (int64_t) found.rows[r];
		}
	}
	return looked;
}

static void
measure(Bench *bench, const double *truth, int ef)
{
	int64_t    *rows = calloc((size_t) bench->query.n * BENCH_K,
							  sizeof(int64_t));
	double		seconds = 1e30;
	double		expansions = 0;
	double		looked = 0;
	int			hits = 0;

	for (int round = 0; round < 3; round++)
	{
		double		begin = bench_now();

		expansions = looked = 0;
		for (int i = 0; i < bench->query.n; i++)
		{
			looked += find(bench,
						   bench->query.x + (size_t) i * bench->query.dims, ef,
						   rows + (size_t) i * BENCH_K);
			expansions += (double) graph_search_expansions(bench->search);
		}
		seconds = fmin(seconds, bench_now() - begin);
	}
	for (int i = 0; i < bench->query.n; i++)
		hits += vectors_hits(&bench->base,
							 bench->query.x + (size_t) i * bench->query.dims,
							 rows + (size_t) i * BENCH_K, BENCH_K, truth[i],
							 bench->cosine);
	printf("ef %4d  recall %.4f  expansions %6.1f  rows %5.1f  qps %.0f\n", ef,
		   (double) hits / bench->query.n / BENCH_K,
		   expansions / bench->query.n,
		   looked / bench->query.n, bench->query.n / seconds);
	fflush(stdout);
	free(rows);
}

static void
make_root(Bench *bench, Arena *arena)
{
	const GraphShape *shape = &bench->memory->space->shape;
	int			n = graph_root_nodes(shape, bench->memory->nodes);
	GraphScratch *scratch = graph_scratch_create(arena, shape);

	if (!graph_root_init(&bench->root, arena, shape, n))
		exit(1);
	for (int i = 0; i < n; i++)
	{
		uint32_t	node = (uint32_t) ((uint64_t) i * bench->memory->nodes / n);

		graph_root_put(&bench->root, shape, i, node,
					   graph_record_own(shape,
										graph_memory_record(bench->memory,
															node)), scratch);
	}
}

static const GraphMetric *
metric_named(const char *name)
{
	if (strcmp(name, "l2") == 0)
		return &graph_metric_l2;
	if (strcmp(name, "cosine") == 0)
		return &graph_metric_cosine;
	return strcmp(name, "ip") == 0 ? &graph_metric_ip : &graph_metric_l1;
}

/* The center of 1,024 rows, evenly spread, as an index takes it; or NULL */
static float *
find_center(const Bench *bench, const GraphMetric *metric)
{
	size_t		dims = (size_t) bench->base.dims;
	int			n = bench->base.n < 1024 ? bench->base.n : 1024;
	float	   *sample = malloc((size_t) n * dims * sizeof(float));
	float	   *column = malloc((size_t) n * sizeof(float));
	float	   *center = malloc(dims * sizeof(float));
	bool		found;

	for (int i = 0; i < n; i++)
		memcpy(sample + (size_t) i * dims,
			   bench->base.x + (size_t) ((int64_t) i * bench->base.n / n) * dims, dims * sizeof(float));
	found = metric->coded &&
		space_find_center(metric->space, sample, (size_t) n, dims, column,
						  center);
	free(sample);
	free(column);
	return found ? center : NULL;
}

static void
build(Bench *bench, int ef_construction, int threads, int passes)
{
	ThreadPool *pool = pool_create(threads, &bench->status);
	GraphBuilder *builder = graph_builder_create(bench->memory, pool,
												 ef_construction,
												 &bench->status);
	double		begin = bench_now();

	for (int i = 0; i < bench->base.n; i++)
		if (graph_builder_add(builder,
							  bench->base.x + (size_t) i * bench->base.dims,
							  (uint64_t) i, &bench->status) != GRAPH_ADDED)
			fail(bench);
	if (!graph_builder_flush(builder, &bench->status))
		fail(bench);
	for (int pass = 1; pass < passes; pass++)
		if (!graph_builder_pass(builder, 0, bench->memory->nodes,
								&bench->status))
			fail(bench);
	printf("build %.2f s\n", bench_now() - begin);
	graph_builder_destroy(builder);
	pool_destroy(pool);
}

int
main(int argc, char **argv)
{
	static Bench bench;
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	const GraphMetric *metric;
	GraphShape	shape;
	GraphSpace	space;
	size_t		size;
	float	   *center;
	double	   *truth;
	double		neighbors = 0;

	if (argc < 6)
	{
		fprintf(stderr, "usage: bench_graph STEM l2|cosine|ip|l1 THREADS PASSES EF_CONSTRUCTION EF ...\n");
		return 2;
	}
	kernel_init();
	metric = metric_named(argv[2]);
	bench.cosine = metric == &graph_metric_cosine;
	bench.base = vectors_read(argv[1], "base");
	bench.query = vectors_read(argv[1], "query");
	truth = bench_read(argv[1], "truth", &size);
	center = find_center(&bench, metric);
	if (!graph_shape(&shape, (size_t) bench.base.dims, 32,
					 metric->coded ? STORED_INT8 : STORED_FLOAT,
					 metric->coded ? 0 : -1, 8160, &bench.status) ||
		!graph_space_init(&space, arena, metric, &shape, 1, center,
						  &bench.status))
		fail(&bench);
	printf("%d x %d, %d bits of %zu dimensions, %zu bytes a record%s\n",
		   bench.base.n,
		   bench.base.dims, shape.bits, shape.coded, shape.size,
		   center != NULL ? ", centered" : "");
	bench.memory = graph_memory_create(arena, &space, (uint32_t) bench.base.n,
									   &bench.status);
	build(&bench, atoi(argv[5]), atoi(argv[3]), atoi(argv[4]));
	bench.graph_query = graph_query_create(arena, &space);
	make_root(&bench, arena);
	if (!graph_memory_access(bench.memory, arena, &bench.access, &bench.status))
		fail(&bench);
	bench.search = graph_search_create(arena, &bench.access, &bench.status);
	for (uint32_t i = 0; i < bench.memory->nodes; i++)
		neighbors += graph_record_neighbors(&shape,
											graph_memory_record(bench.memory,
																i));
	printf("root %d, %.1f neighbors\n", bench.root.n,
		   neighbors / bench.memory->nodes);
	for (int i = 6; i < argc; i++)
		measure(&bench, truth, atoi(argv[i]));
	return 0;
}
