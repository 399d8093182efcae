/*
 * bench_train.c
 *	  Speed of training and inference beside the machine's own limits, and
 *	  with --accuracy the recall@1 of the hello world's and the notebook's model.
 *
 *	  bench_train [NAME]
 *	  bench_train --accuracy hello|notebook DIRECTORY
 *
 * NAME: only rows that begin with it.  DIRECTORY holds the four files of
 * Fashion-MNIST, uncompressed.
 */
#include <math.h>
#include <string.h>

#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "bench_models.h"

#define CLASSES 10
#define IMAGE_SIZE 784

/* ---- sgemm of this machine ---- */

#define GEMM_SIZE 1024

static void
gemm_task(void *arg, int slice, int worker)
{
	float	   *m = (float *) arg + (size_t) slice * 3 * GEMM_SIZE * GEMM_SIZE;

	gemm_f32(false, false, GEMM_SIZE, GEMM_SIZE, GEMM_SIZE, 1, m, GEMM_SIZE,
			 m + GEMM_SIZE * GEMM_SIZE, GEMM_SIZE, 0,
			 m + 2 * GEMM_SIZE * GEMM_SIZE, GEMM_SIZE);
}

/* Median seconds of a task on all threads at once */
static double
median_run(ThreadPool *pool, PoolTask task, void *arg)
{
	double		times[9];

	for (int i = 0; i < 9; i++)
	{
		double		start = now(CLOCK_MONOTONIC);

		pool_run(pool, pool_threads(pool), task, arg);
		times[i] = now(CLOCK_MONOTONIC) - start;
	}
	return median(times, 9);
}

/* Floating-point operations a second of one product on each thread */
static double
gemm_rate(ThreadPool *pool)
{
	int			threads = pool_threads(pool);
	float	   *m = calloc((size_t) threads * 3 * GEMM_SIZE * GEMM_SIZE,
						   sizeof(float));
	double		seconds = median_run(pool, gemm_task, m);

	free(m);
	return threads * 2.0 * GEMM_SIZE * GEMM_SIZE * GEMM_SIZE / seconds;
}

/* ---- memory of this machine ---- */

#define STREAM_NUMBERS (8 * 1024 * 1024)

static void
stream_task(void *arg, int slice, int worker)
{
	float	   *m = (float *) arg + (size_t) slice * STREAM_NUMBERS;

	for (size_t i = 0; i < STREAM_NUMBERS; i++)
		m[i] = m[i] * 0.5f + 1;
}

/* Bytes a second that all threads together read and write in place */
static double
memory_rate(ThreadPool *pool)
{
	int			threads = pool_threads(pool);
	float	   *m = calloc((size_t) threads * STREAM_NUMBERS, sizeof(float));
	double		seconds = median_run(pool, stream_task, m);

	free(m);
	return threads * 2.0 * sizeof(float) * STREAM_NUMBERS / seconds;
}

/* What this machine does */
typedef struct Machine
{
	ThreadPool *pool;
	double		flops;			/* a second, in products */
	double		memory;			/* bytes a second */
	const char *only;			/* rows that begin so; NULL: all */
} Machine;

/* Anew before each row, as other work on the machine comes and goes */
static void
measure(Machine *machine)
{
	machine->flops = gemm_rate(machine->pool);
	machine->memory = memory_rate(machine->pool);
}

static bool
is_wanted(const Machine *machine, const char *name)
{
	return machine->only == NULL ||
		strncmp(name, machine->only, strlen(machine->only)) == 0;
}

/* ---- speed ---- */

typedef struct Bench
{
	const char *name;
	const Model *model;
	int			batch;
	int			runs;
	double		flops;			/* of a row */
	double		limit;			/* milliseconds */
} Bench;

static void
print_row(const Machine *machine, const Bench *bench, double ms)
{
	printf("%-28s %8.2f ms %8.2f %7s %9.0f %8.1f %% %8.0f %6.1f\n", bench->name,
		   ms, bench->limit,
		   ms <= bench->limit ? "" : "MISSED", 1000 * bench->batch / ms,
		   100 * bench->batch * bench->flops / (ms / 1000) / machine->flops,
		   machine->flops / 1e9, machine->memory / 1e9);
	fflush(stdout);
}

static void
bench_step(const Machine *machine, const Bench *bench)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnGraph    *graph = open_graph(arena, bench->model);
	real	   *weights = arena_alloc_array(arena, nn_graph_weights(graph),
											sizeof(real));
	Batch		batch = make_batch(bench->batch, nn_graph_inputs(graph));
	double	   *times = malloc(sizeof(double) * (size_t) bench->runs);
	NnTrainer  *trainer;

	nn_init_weights(graph, 42, weights);
	trainer = make_trainer(arena, graph, bench->batch, 0, machine->pool,
						   weights);
	for (int i = 0; i < bench->runs; i++)
	{
		NnStepStats stats;
		Status		status;
		double		start = now(CLOCK_MONOTONIC);

		if (!nn_trainer_step(trainer, NN_UINT8, batch.rows, batch.labels,
							 bench->batch, &stats, &status))
			die(&status);
		times[i] = 1000 * (now(CLOCK_MONOTONIC) - start);
	}
	print_row(machine, bench, median(times, bench->runs));
	arena_destroy(arena);
	free_batch(&batch);
	free(times);
}

static void
bench_infer(const Machine *machine, const Bench *bench)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnGraph    *graph = open_graph(arena, bench->model);
	real	   *weights = arena_alloc_array(arena, nn_graph_weights(graph),
											sizeof(real));
	Batch		batch = make_batch(bench->batch, nn_graph_inputs(graph));
	float	   *out = malloc(sizeof(float) * nn_graph_outputs(graph) * (size_t) bench->batch);
	double	   *times = malloc(sizeof(double) * (size_t) bench->runs);
	Status		status;
	NnInfer    *infer;

	nn_init_weights(graph, 42, weights);
	infer = nn_infer_create(arena, graph, weights, bench->batch,
							bench->batch > 1 ? machine->pool : NULL, &status);
	if (infer == NULL)
		die(&status);
	for (int i = 0; i < bench->runs; i++)
	{
		double		start = now(CLOCK_MONOTONIC);

		nn_infer_run(infer, NN_UINT8, batch.rows, bench->batch, out);
		times[i] = 1000 * (now(CLOCK_MONOTONIC) - start);
	}
	print_row(machine, bench, median(times, bench->runs));
	arena_destroy(arena);
	free_batch(&batch);
	free(out);
	free(times);
}

/* Milliseconds of so many operations at a share of sgemm's rate */
static double
product_ms(const Machine *machine, double flops, double share)
{
	return 1000 * flops / (share * machine->flops);
}

static double
memory_ms(const Machine *machine, double bytes)
{
	return 1000 * bytes / machine->memory;
}

#define HELLO_STEP_FLOPS 18.2e6
#define HELLO_EMBED_FLOPS 6.3e6
#define HELLO_BYTES 11.1e6

/* Weights read forward; weights and two moments read and written after */
#define HELLO_STEP_BYTES (7 * HELLO_BYTES)

#define STEPS 5
#define EMBEDS 2

static void
bench_one_step(const Machine *machine, int row)
{
	Model		resnet = resnet18();
	double		small = product_ms(machine, 20 * HELLO_STEP_FLOPS, 1);
	double		trip = memory_ms(machine, HELLO_STEP_BYTES);
	const Bench steps[STEPS] = {
		{"hello world, step of 10 x 2", &hello_world, 20, 101, HELLO_STEP_FLOPS,
		2 * (small > trip ? small : trip)},
		{"hello world, step of 160", &hello_world, 160, 25, HELLO_STEP_FLOPS,
		product_ms(machine, 160 * HELLO_STEP_FLOPS, 0.55)},
		{"notebook, step of 60", &notebook, 60, 15, 3 * 19.9e6, 30},
		{"pictures, step of 48", &pictures, 48, 15, 3 * 101.4e6,
		product_ms(machine, 48 * 3 * 101.4e6, 0.7)},
		{"resnet18, step of 64", &resnet, 64, 3, 3 * 1.119e9,
		product_ms(machine, 64 * 3 * 1.119e9, 0.5)}
	};

	if (is_wanted(machine, steps[row].name))
		bench_step(machine, &steps[row]);
}

static void
bench_one_embed(const Machine *machine, int row)
{
	const Bench embeds[EMBEDS] = {
		{"embed, 256 rows", &hello_world, 256, 20, HELLO_EMBED_FLOPS,
		product_ms(machine, 256 * HELLO_EMBED_FLOPS, 1 / 1.5)},
		{"embed, one row", &hello_world, 1, 101, HELLO_EMBED_FLOPS,
		1.2 * memory_ms(machine, HELLO_BYTES) + 0.05}
	};

	if (is_wanted(machine, embeds[row].name))
		bench_infer(machine, &embeds[row]);
}

/* ---- accuracy ---- */

static uint8_t *
read_file(const char *directory, const char *name, size_t skip, size_t size)
{
	char		path[1024];
	uint8_t    *data = malloc(size);
	FILE	   *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "rb");
	if (f == NULL || fseek(f, (long) skip, SEEK_SET) != 0 ||
		fread(data, 1, size, f) != size)
	{
		fprintf(stderr, "could not read %s\n", path);
		exit(1);
	}
	fclose(f);
	return data;
}

static float *
embed_all(const NnGraph *graph, const real *weights, const uint8_t *images,
		  int n, ThreadPool *pool)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	float	   *out = malloc(sizeof(float) * 64 * (size_t) n);
	const void *rows[256];
	Status		status;
	NnInfer    *infer = nn_infer_create(arena, graph, weights, 256, pool,
										&status);

	for (int i = 0; i < n; i += 256)
	{
		int			count = n - i < 256 ? n - i : 256;

		for (int j = 0; j < count; j++)
			rows[j] = images + (size_t) (i + j) * IMAGE_SIZE;
		nn_infer_run(infer, NN_UINT8, rows, count, out + (size_t) i * 64);
	}
	arena_destroy(arena);
	return out;
}

static double
recall_at_1(const float *queries, const uint8_t *query_labels, int nqueries,
			const float *gallery, const uint8_t *labels, int ngallery,
			int stride)
{
	int			hits = 0;

	for (int q = 0; q < nqueries; q++)
	{
		float		best = -2;
		int			label = -1;

		for (int i = 0; i < ngallery; i += stride)
		{
			float		s = kernel->inner_product(queries + (size_t) q * 64,
												  gallery + (size_t) i * 64,
												  64);

			if (s > best)
			{
				best = s;
				label = labels[i];
			}
		}
		hits += label == query_labels[q];
	}
	return (double) hits / nqueries;
}

typedef struct Recipe
{
	const Model *model;
	int			examples_per_class;
	int			epochs;
	bool		cosine;
} Recipe;

#define MAX_BATCH 60
#define STEPS_PER_EPOCH 1000

static void
accuracy(const Recipe *recipe, const char *directory, ThreadPool *pool)
{
	enum
	{
		TRAIN = 60000, TEST = 10000
	};
	uint8_t    *images = read_file(directory, "train-images-idx3-ubyte", 16,
								   (size_t) TRAIN * IMAGE_SIZE);
	uint8_t    *bytes = read_file(directory, "train-labels-idx1-ubyte", 8,
								  TRAIN);
	uint8_t    *test = read_file(directory, "t10k-images-idx3-ubyte", 16,
								 (size_t) TEST * IMAGE_SIZE);
	uint8_t    *test_labels = read_file(directory, "t10k-labels-idx1-ubyte", 8,
										TEST);
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnGraph    *graph = open_graph(arena, recipe->model);
	real	   *weights = arena_alloc_array(arena, nn_graph_weights(graph),
											sizeof(real));
	int32_t    *labels = malloc(sizeof(int32_t) * TRAIN);
	int			batch = CLASSES * recipe->examples_per_class;
	NnSamplerOptions options = {CLASSES, recipe->examples_per_class, 42};
	NnTrainer  *trainer = make_trainer(arena, graph, batch,
									   recipe->cosine ?
									   recipe->epochs * STEPS_PER_EPOCH : 0,
									   pool, weights);
	Status		status;
	NnSampler  *sampler;
	double		start = now(CLOCK_MONOTONIC);
	float	   *gallery;
	float	   *queries;

	for (int i = 0; i < TRAIN; i++)
		labels[i] = bytes[i];
	sampler = nn_sampler_create(arena, labels, TRAIN, CLASSES, &options,
								&status);
	nn_init_weights(graph, 42, weights);
	for (int epoch = 1; epoch <= recipe->epochs; epoch++)
	{
		double		loss = 0;

		for (int step = 0; step < STEPS_PER_EPOCH; step++)
		{
			uint32_t	drawn[MAX_BATCH];
			const void *rows[MAX_BATCH];
			int32_t		batch_labels[MAX_BATCH];
			NnStepStats stats;

			nn_sampler_next(sampler, drawn);
			for (int i = 0; i < batch; i++)
			{
				rows[i] = images + (size_t) drawn[i] * IMAGE_SIZE;
				batch_labels[i] = labels[drawn[i]];
			}
			if (!nn_trainer_step(trainer, NN_UINT8, rows, batch_labels, batch,
								 &stats, &status))
				die(&status);
			loss += stats.loss / STEPS_PER_EPOCH;
		}
		printf("epoch %d loss %.4f %.1f s\n", epoch, loss, now(CLOCK_MONOTONIC) - start);
		fflush(stdout);
	}
	gallery = embed_all(graph, weights, images, TRAIN, pool);
	queries = embed_all(graph, weights, test, TEST, pool);
	printf("recall@1 against 1,000 rows %.4f, against 60,000 %.4f\n",
		   recall_at_1(queries, test_labels, TEST, gallery, bytes, TRAIN, 60),
		   recall_at_1(queries, test_labels, TEST, gallery, bytes, TRAIN, 1));
}

int
main(int argc, char **argv)
{
	Status		status;
	Machine		machine = {.pool = pool_create(pool_processors(), &status),.only = argc == 2 ? argv[1] : NULL};

	kernel_init();
	if (machine.pool == NULL || !gemm_load(&status))
		die(&status);
	if (argc == 4 && strcmp(argv[1], "--accuracy") == 0)
	{
		static const Recipe hello_recipe = {&hello_world, 2, 5, false};
		static const Recipe notebook_recipe = {&notebook, 6, 10, true};

		accuracy(strcmp(argv[2], "hello") == 0 ? &hello_recipe :
				 &notebook_recipe, argv[3], machine.pool);
		return 0;
	}
	printf("%s, %d threads, kernels %s\n", gemm_name(),
		   pool_threads(machine.pool), kernel->name);
	printf("%-28s %11s %8s %7s %9s %10s %8s %6s\n", "", "median", "limit", "",
		   "images/s", "of sgemm", "GF/s", "GB/s");
	for (int row = 0; row < STEPS + EMBEDS; row++)
	{
		measure(&machine);
		if (row < STEPS)
			bench_one_step(&machine, row);
		else
			bench_one_embed(&machine, row - STEPS);
	}
	pool_destroy(machine.pool);
	return 0;
}
