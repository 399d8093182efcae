/*
 * test_double_training.c
 *	  The gradient of a whole model, from input to loss, against finite
 *	  differences, with the engine computing in double.
 */
#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "nn_model.h"

#define ROWS 9
#define NUMBERS (8 * 7 * 2)
#define MAX_WEIGHTS 5000
#define STEP 1e-6

static const char *const model[] = {
	"rescaling scale=2 offset=0.1",
	"conv2d filters=16 kernel_size=3 strides=1,2 padding=same activation=relu",
	"max_pooling2d pool_size=2 strides=1",
	"conv2d filters=3 kernel_size=3 activation=tanh",
	"dropout rate=0.25",
	"flatten",
	"dense units=10 activation=sigmoid",
	"metric_embedding units=6",
	NULL
};

static Arena *arena;
static Status status;
static float numbers[ROWS][NUMBERS];
static const void *rows[ROWS];
static const int32_t labels[ROWS] = {0, 1, 2, 0, 1, 2, 0, 1, 2};

/* Loss of one step with these weights, which changes them */
static double
step(const NnGraph *graph, const char *loss, const char *optimizer,
	 ThreadPool *pool, double *weights)
{
	Arena	   *work = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnTrainOptions options = make_options(loss, optimizer, ROWS, pool);
	NnTrainer  *trainer = nn_trainer_create(work, graph, &options, weights,
											&status);
	NnStepStats stats = {0};

	CHECK(nn_trainer_step(trainer, NN_FLOAT32, rows, labels, ROWS, &stats,
						  &status));
	arena_destroy(work);
	return stats.loss;
}

static void
check_model(const char *loss, int threads)
{
	static double first[MAX_WEIGHTS];
	static double weights[MAX_WEIGHTS];
	NnGraph    *graph;
	ThreadPool *pool = pool_create(threads, &status);
	double		size = 0;

	arena_reset(arena);
	graph = make_graph(arena, SHAPE(8, 7, 2), model, &status);
	CHECK(graph != NULL && nn_graph_weights(graph) <= MAX_WEIGHTS);
	nn_init_weights(graph, 17, first);
	memcpy(weights, first, sizeof(weights));
	step(graph, loss, "sgd learning_rate=1", pool, weights);
	for (size_t i = 0; i < nn_graph_weights(graph); i += 7)
	{
		double		gradient = first[i] - weights[i];
		double		was = first[i];
		double		above;
		double		below;

		first[i] = was + STEP;
		above = step(graph, loss, "sgd learning_rate=0", NULL, first);
		first[i] = was - STEP;
		below = step(graph, loss, "sgd learning_rate=0", NULL, first);
		first[i] = was;
		CHECK_NEAR(gradient, (above - below) / (2 * STEP), 1e-7);
		size += fabs(gradient);
	}
	CHECK(size > 1e-2);
	pool_destroy(pool);
}

static void
test_triplet(void)
{
	check_model("triplet", 1);
	check_model("triplet negative_mining=hard margin=0.5", 3);
	check_model("triplet distance=euclidean positive_mining=easy negative_mining=easy", 2);
}

static void
test_multi_similarity(void)
{
	check_model("multi_similarity epsilon=1", 1);
	check_model("multi_similarity distance=squared_euclidean beta=10 epsilon=1",
				2);
}

int
main(void)
{
	Random		random;

	kernel_init();
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	if (!gemm_load(&status))
	{
		printf("Bail out! %s\n", status.message);
		return EXIT_FAILURE;
	}
	random_init(&random, 8, 0);
	for (int i = 0; i < ROWS; i++)
	{
		rows[i] = numbers[i];
		for (int j = 0; j < NUMBERS; j++)
			numbers[i][j] = (float) random_normal(&random);
	}
	RUN(test_triplet);
	RUN(test_multi_similarity);
	arena_destroy(arena);
	return unit_done();
}
