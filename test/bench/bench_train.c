/*
 * bench_train.c
 *	  Speed of training and inference beside the machine's own limits, and
 *	  with --accuracy the recall@1 of the hello world's and the notebook's model.
 *
 *	  bench_train [--accuracy hello|notebook DIRECTORY]
 *
 * DIRECTORY holds the four files of Fashion-MNIST, uncompressed.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "../unit/nn_model.h"

#define CLASSES 10
#define IMAGE_SIZE 784

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
die(const Status *status)
{
	fprintf(stderr, "%s\n", status->message);
	exit(1);
}

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
median(double *x, int n)
{
	qsort(x, (size_t) n, sizeof(double), compare_doubles);
	return x[n / 2];
}

/* ---- sgemm of this machine ---- */

#define GEMM_SIZE 1024

static void
gemm_task(void *arg, int slice, int worker)
{
	float	   *m = (float *) arg + (size_t) slice * 3 * GEMM_SIZE * GEMM_SIZE;

	gemm_f32(false, false, GEMM_SIZE, GEMM_SIZE, GEMM_SIZE, 1, m, GEMM_SIZE,
			 m + GEMM_SIZE * GEMM_SIZE, GEMM_SIZE, 0, m + 2 * GEMM_SIZE * GEMM_SIZE, GEMM_SIZE);
}

/* Floating-point operations a second of one product on each thread */
static double
gemm_rate(ThreadPool *pool)
{
	int			threads = pool_threads(pool);
	float	   *m = calloc((size_t) threads * 3 * GEMM_SIZE * GEMM_SIZE, sizeof(float));
	double		times[9];

	for (int i = 0; i < 9; i++)
	{
		double		start = now();

		pool_run(pool, threads, gemm_task, m);
		times[i] = now() - start;
	}
	free(m);
	return threads * 2.0 * GEMM_SIZE * GEMM_SIZE * GEMM_SIZE / median(times, 9);
}

/* ---- models ---- */

typedef struct Model
{
	NnShape		input;
	const char *const *layers;
} Model;

static const char *const hello_layers[] = {
	"rescaling scale=0.00392156862745098",
	"conv2d filters=64 kernel_size=3 activation=relu",
	"flatten",
	"dense units=64 activation=relu",
	"metric_embedding units=64",
	NULL
};

static const char *const notebook_layers[] = {
	"rescaling scale=0.00392156862745098",
	"conv2d filters=32 kernel_size=3 activation=relu",
	"conv2d filters=32 kernel_size=3 activation=relu",
	"max_pooling2d",
	"conv2d filters=64 kernel_size=3 activation=relu",
	"conv2d filters=64 kernel_size=3 activation=relu",
	"flatten",
	"metric_embedding units=64",
	NULL
};

static const Model hello_world = {{3, {28, 28, 1}}, hello_layers};
static const Model notebook = {{3, {28, 28, 1}}, notebook_layers};

/* model/resnet18.json */
#define RESNET_LAYERS 80

static char resnet_texts[RESNET_LAYERS][160];
static const char *resnet_layers[RESNET_LAYERS + 1];
static int	resnet_count;

static void
__attribute__((format(printf, 1, 2)))
add_resnet(const char *format,...)
{
	va_list		arguments;

	va_start(arguments, format);
	vsnprintf(resnet_texts[resnet_count], sizeof(resnet_texts[0]), format, arguments);
	va_end(arguments);
	resnet_layers[resnet_count] = resnet_texts[resnet_count];
	resnet_count++;
}

/* Block number b reads the layer of the one before it and is called "b". */
static void
add_block(int b, int filters, int stride, bool project)
{
	if (project)
	{
		add_resnet("conv2d filters=%d kernel_size=1 strides=%d use_bias=false inputs=%d", filters, stride, b - 1);
		add_resnet("batch_normalization name=%d_shortcut", b);
	}
	add_resnet("conv2d filters=%d kernel_size=3 strides=%d padding=same use_bias=false inputs=%d", filters, stride, b - 1);
	add_resnet("batch_normalization");
	add_resnet("activation activation=relu");
	add_resnet("conv2d filters=%d kernel_size=3 padding=same use_bias=false", filters);
	add_resnet("batch_normalization name=%d_main", b);
	if (project)
		add_resnet("add inputs=%d_shortcut,%d_main", b, b);
	else
		add_resnet("add inputs=%d,%d_main", b - 1, b);
	add_resnet("activation activation=relu name=%d", b);
}

static Model
resnet18(void)
{
	Model		model = {{3, {32, 32, 3}}, resnet_layers};

	resnet_count = 0;
	add_resnet("rescaling scale=0.00392156862745098");
	add_resnet("conv2d filters=64 kernel_size=3 padding=same use_bias=false");
	add_resnet("batch_normalization");
	add_resnet("activation activation=relu name=0");
	for (int b = 1; b <= 8; b++)
		add_block(b, 64 << (b - 1) / 2, b > 2 && b % 2 == 1 ? 2 : 1, b % 2 == 1);
	add_resnet("generalized_mean_pooling2d");
	add_resnet("metric_embedding units=128");
	resnet_layers[resnet_count] = NULL;
	return model;
}

static NnGraph *
open_graph(Arena *arena, const Model *model)
{
	Status		status;
	NnGraph    *graph = make_graph(arena, model->input, model->layers, &status);

	if (graph == NULL)
		die(&status);
	return graph;
}

/* total_steps: of a cosine schedule; 0: a constant learning rate */
static NnTrainer *
make_trainer(Arena *arena, const NnGraph *graph, int batch, int total_steps, ThreadPool *pool,
			 real *weights)
{
	Status		status;
	NnTrainOptions options = {.max_batch = batch,.seed = 42,.pool = pool,.total_steps = total_steps};
	NnTrainer  *trainer;

	options.loss = nn_loss_type("multi_similarity", &status);
	options.optimizer = nn_optimizer_type("adam", &status);
	params_init(&options.loss_params, "loss", nn_loss_description(options.loss)->params);
	params_init(&options.optimizer_params, "optimizer",
				nn_optimizer_description(options.optimizer)->params);
	options.schedule = nn_schedule_type(total_steps > 0 ? "cosine" : "constant", &status);
	params_init(&options.schedule_params, "schedule",
				nn_schedule_description(options.schedule)->params);
	trainer = nn_trainer_create(arena, graph, &options, weights, &status);
	if (trainer == NULL)
		die(&status);
	return trainer;
}

/* ---- speed ---- */

static void
bench_step(const char *name, const Model *model, int batch, int steps,
		   double flops_per_row, ThreadPool *pool, double rate)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnGraph    *graph = open_graph(arena, model);
	real	   *weights = arena_alloc_array(arena, nn_graph_weights(graph), sizeof(real));
	NnTrainer  *trainer;
	size_t		size = nn_graph_inputs(graph);
	uint8_t    *images = malloc((size_t) batch * size);
	const void **rows = malloc(sizeof(void *) * (size_t) batch);
	int32_t    *labels = malloc(sizeof(int32_t) * (size_t) batch);
	double	   *times = malloc(sizeof(double) * (size_t) steps);
	double		ms;

	for (int i = 0; (size_t) i < (size_t) batch * size; i++)
		images[i] = (uint8_t) random_at(1, 2, (uint64_t) i);
	for (int i = 0; i < batch; i++)
	{
		rows[i] = images + (size_t) i * size;
		labels[i] = i % (batch / 2);
	}
	nn_init_weights(graph, 42, weights);
	trainer = make_trainer(arena, graph, batch, 0, pool, weights);
	for (int i = 0; i < steps; i++)
	{
		NnStepStats stats;
		Status		status;
		double		start = now();

		if (!nn_trainer_step(trainer, NN_UINT8, rows, labels, batch, &stats, &status))
			die(&status);
		times[i] = 1000 * (now() - start);
	}
	ms = median(times, steps);
	printf("%-28s %7.2f ms a step %8.0f images/s %6.1f %% of sgemm\n", name, ms,
		   1000 * batch / ms, 100 * batch * flops_per_row / (ms / 1000) / rate);
	arena_destroy(arena);
	free(images);
	free(rows);
	free(labels);
	free(times);
}

static void
bench_infer(ThreadPool *pool, int batch, int runs)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnGraph    *graph = open_graph(arena, &hello_world);
	real	   *weights = arena_alloc_array(arena, nn_graph_weights(graph), sizeof(real));
	uint8_t    *images = malloc((size_t) batch * IMAGE_SIZE);
	const void **rows = malloc(sizeof(void *) * (size_t) batch);
	float	   *out = malloc(sizeof(float) * 64 * (size_t) batch);
	double		times[101];
	Status		status;
	NnInfer    *infer;

	for (int i = 0; i < batch * IMAGE_SIZE; i++)
		images[i] = (uint8_t) random_at(1, 2, (uint64_t) i);
	for (int i = 0; i < batch; i++)
		rows[i] = images + (size_t) i * IMAGE_SIZE;
	nn_init_weights(graph, 42, weights);
	infer = nn_infer_create(arena, graph, weights, batch, pool, &status);
	if (infer == NULL)
		die(&status);
	for (int i = 0; i < runs; i++)
	{
		double		start = now();

		nn_infer_run(infer, NN_UINT8, rows, batch, out);
		times[i] = now() - start;
	}
	printf("embed, %4d rows at once      %7.3f ms %14.0f images/s\n", batch,
		   1000 * median(times, runs), batch / median(times, runs));
	arena_destroy(arena);
	free(images);
	free(rows);
	free(out);
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
	if (f == NULL || fseek(f, (long) skip, SEEK_SET) != 0 || fread(data, 1, size, f) != size)
	{
		fprintf(stderr, "could not read %s\n", path);
		exit(1);
	}
	fclose(f);
	return data;
}

static float *
embed_all(const NnGraph *graph, const real *weights, const uint8_t *images, int n, ThreadPool *pool)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	float	   *out = malloc(sizeof(float) * 64 * (size_t) n);
	const void *rows[256];
	Status		status;
	NnInfer    *infer = nn_infer_create(arena, graph, weights, 256, pool, &status);

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
			const float *gallery, const uint8_t *labels, int ngallery, int stride)
{
	int			hits = 0;

	for (int q = 0; q < nqueries; q++)
	{
		float		best = -2;
		int			label = -1;

		for (int i = 0; i < ngallery; i += stride)
		{
			float		s = kernel->inner_product(queries + (size_t) q * 64, gallery + (size_t) i * 64, 64);

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
	uint8_t    *images = read_file(directory, "train-images-idx3-ubyte", 16, (size_t) TRAIN * IMAGE_SIZE);
	uint8_t    *bytes = read_file(directory, "train-labels-idx1-ubyte", 8, TRAIN);
	uint8_t    *test = read_file(directory, "t10k-images-idx3-ubyte", 16, (size_t) TEST * IMAGE_SIZE);
	uint8_t    *test_labels = read_file(directory, "t10k-labels-idx1-ubyte", 8, TEST);
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnGraph    *graph = open_graph(arena, recipe->model);
	real	   *weights = arena_alloc_array(arena, nn_graph_weights(graph), sizeof(real));
	int32_t    *labels = malloc(sizeof(int32_t) * TRAIN);
	int			batch = CLASSES * recipe->examples_per_class;
	NnSamplerOptions options = {CLASSES, recipe->examples_per_class, 42};
	NnTrainer  *trainer = make_trainer(arena, graph, batch,
									   recipe->cosine ? recipe->epochs * STEPS_PER_EPOCH : 0, pool, weights);
	Status		status;
	NnSampler  *sampler;
	double		start = now();
	float	   *gallery;
	float	   *queries;

	for (int i = 0; i < TRAIN; i++)
		labels[i] = bytes[i];
	sampler = nn_sampler_create(arena, labels, TRAIN, CLASSES, &options, &status);
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
			if (!nn_trainer_step(trainer, NN_UINT8, rows, batch_labels, batch, &stats, &status))
				die(&status);
			loss += stats.loss / STEPS_PER_EPOCH;
		}
		printf("epoch %d loss %.4f %.1f s\n", epoch, loss, now() - start);
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
	ThreadPool *pool = pool_create(pool_processors(), &status);
	Model		resnet;
	double		rate;

	kernel_init();
	if (pool == NULL || !gemm_load(&status))
		die(&status);
	if (argc == 4 && strcmp(argv[1], "--accuracy") == 0)
	{
		static const Recipe hello_recipe = {&hello_world, 2, 5, false};
		static const Recipe notebook_recipe = {&notebook, 6, 10, true};

		accuracy(strcmp(argv[2], "hello") == 0 ? &hello_recipe : &notebook_recipe, argv[3], pool);
		return 0;
	}
	rate = gemm_rate(pool);
	printf("%s, %d threads, kernels %s: sgemm %d^3 at %.0f GF/s\n", gemm_name(),
		   pool_threads(pool), kernel->name, GEMM_SIZE, rate / 1e9);
	bench_step("hello world, batch 10 x 2", &hello_world, 20, 60, 18.2e6, pool, rate);
	bench_step("hello world, batch 160", &hello_world, 160, 15, 18.2e6, pool, rate);
	bench_step("notebook CNN, batch 60", &notebook, 60, 15, 3 * 19.9e6, pool, rate);
	resnet = resnet18();
	bench_step("resnet18 at 32 x 32, batch 64", &resnet, 64, 3, 3 * 1.119e9, pool, rate);
	bench_infer(pool, 256, 20);
	bench_infer(NULL, 1, 101);
	pool_destroy(pool);
	return 0;
}
