/*
 * test_double_methods.c
 *	  Methods that learn without labels, with the engine computing in double:
 *	  gradients of model and heads, targets, averages, and what it may cost.
 */
#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "nn/layer.h"
#include "nn_model.h"

#define ROWS 12
#define NUMBERS (5 * 4 * 2)
#define MAX_WEIGHTS 3000
#define STEP 1e-6

static const char *const model[] = {
	"rescaling scale=2 offset=0.1",
	"conv2d filters=3 kernel_size=3 activation=tanh",
	"flatten",
	"dense units=7 activation=tanh",
	"metric_embedding units=6",
	NULL
};

static Arena *arena;
static Status status;
static float numbers[ROWS][NUMBERS];
static const void *rows[ROWS];
static const int32_t labels[ROWS] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5};
static const int32_t classes[ROWS] = {1, 1, -1, -1, 0, 0, 1, 1, -1, -1, 0, 0};

/*
 * The model with the heads of a method; and its weights.  "simclr + triplet":
 * the loss of rows that have a class, beside the method's.
 */
static NnGraph *
open_method(const char *method, double *weights)
{
	NnTrainOptions options = make_method(method, "sgd", ROWS, NULL);
	NnGraph    *graph;

	arena_reset(arena);
	graph = make_graph(arena, SHAPE(5, 4, 2), model, &status);
	graph = nn_method_graph(arena, graph, options.method,
							&options.method_params, &status);
	CHECK(graph != NULL && nn_graph_weights(graph) <= MAX_WEIGHTS);
	nn_init_weights(graph, 17, weights);
	return graph;
}

static NnTrainer *
open_trainer(Arena *work, const NnGraph *graph, const char *method,
			 const char *optimizer, ThreadPool *pool, double *weights)
{
	bool		with_classes = strstr(method, " + ") != NULL;
	NnTrainOptions options = make_method(method, optimizer, ROWS, pool);
	NnTrainer  *trainer;

	if (with_classes)
	{
		NnTrainOptions classed = make_options(strstr(method, " + ") + 3,
											  optimizer, ROWS, pool);

		options.class_loss = classed.loss;
		options.class_loss_params = classed.loss_params;
		options.class_loss_weight = 0.7;
	}
	trainer = nn_trainer_create(work, graph, &options, weights, &status);
	CHECK(trainer != NULL);
	if (with_classes)
		nn_trainer_set_classes(trainer, classes);
	return trainer;
}

static double
step(NnTrainer *trainer)
{
	NnStepStats stats = {0};

	CHECK(nn_trainer_step(trainer, NN_FLOAT32, rows, labels, ROWS, &stats,
						  &status));
	return stats.loss;
}

/* Weights after one step of gradient descent at rate 1 */
static void
descend(const NnGraph *graph, const char *method, int threads,
		const double *first, double *weights)
{
	Arena	   *work = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	ThreadPool *pool = pool_create(threads, &status);

	memcpy(weights, first, MAX_WEIGHTS * sizeof(double));
	step(open_trainer(work, graph, method, "sgd learning_rate=1", pool,
					  weights));
	arena_destroy(work);
	pool_destroy(pool);
}

/*
 * The loss with weight i changed, after a first step without the change: what
 * averages remember is that.
 */
static double
changed_loss(const NnGraph *graph, const char *method, const double *first,
			 size_t i, double change)
{
	static double weights[MAX_WEIGHTS];
	Arena	   *work = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnTrainer  *trainer;
	double		loss;

	memcpy(weights, first, sizeof(weights));
	trainer = open_trainer(work, graph, method, "sgd learning_rate=0", NULL,
						   weights);
	step(trainer);
	weights[i] += change;
	loss = step(trainer);
	arena_destroy(work);
	return loss;
}

static void
check_gradient(const char *method, int threads)
{
	static double first[MAX_WEIGHTS];
	static double weights[MAX_WEIGHTS];
	NnGraph    *graph = open_method(method, first);
	bool		was_ok = unit_ok;
	double		size = 0;

	descend(graph, method, threads, first, weights);
	for (int t = 0; t < nn_graph_tensors(graph); t++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(graph, t, &tensor);
		for (size_t i = tensor.offset;
			 i < tensor.offset + tensor.count && tensor.trainable; i += 5)
		{
			double		slope = (changed_loss(graph, method, first, i, STEP) -
								 changed_loss(graph, method, first, i, -STEP)) /
			(2 * STEP);

			CHECK_NEAR(first[i] - weights[i], slope, 2e-7);
			size += fabs(slope);
		}
	}
	CHECK(size > 1e-2);
	if (was_ok && !unit_ok)
		printf("# ... in \"%s\"\n", method);
}

/* Codes that nothing changes: then swav's gradient is that of its loss. */
static void
test_gradients(void)
{
	check_gradient("simclr projector_units=8", 1);
	check_gradient("simclr projector_units=5 projector_layers=1 temperature=0.5",
				   3);
	check_gradient("barlow projector_units=6 projector_layers=3", 2);
	check_gradient("vicreg projector_units=4 lambda=1 mu=1 nu=0.1", 1);
	check_gradient("swav projector_units=6 prototypes=4 epsilon=10000000000", 2);
	check_gradient("byol projector_units=6 predictor_units=9 momentum=1", 3);
}

/* A loss of classes beside it */
static void
test_class_loss(void)
{
	static double first[MAX_WEIGHTS];
	static double with[MAX_WEIGHTS];
	static double without[MAX_WEIGHTS];
	NnGraph    *graph = open_method("simclr projector_units=6", first);

	descend(graph, "simclr projector_units=6", 1, first, without);
	descend(graph, "simclr projector_units=6 + triplet margin=2", 1, first, with);
	CHECK(memcmp(with, without, sizeof(with)) != 0);
	check_gradient("simclr projector_units=6 + triplet margin=2", 2);
	check_gradient("byol projector_units=6 predictor_units=9 momentum=1 + multi_similarity epsilon=1",
				   1);
}

/*
 * At the first step averages are the weights, so that byol's targets are
 * simsiam's: -c / 2 instead of 2 - 2 c.
 */
static void
test_targets_are_constant(void)
{
	static double first[MAX_WEIGHTS];
	static double byol[MAX_WEIGHTS];
	static double simsiam[MAX_WEIGHTS];
	NnGraph    *graph = open_method("byol projector_units=6 predictor_units=9",
									first);
	double		size = 0;

	descend(graph, "byol projector_units=6 predictor_units=9", 1, first, byol);
	descend(graph, "simsiam projector_units=6 predictor_units=9", 2, first,
			simsiam);
	for (int t = 0; t < nn_graph_tensors(graph); t++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(graph, t, &tensor);
		for (size_t i = tensor.offset;
			 i < tensor.offset + tensor.count && tensor.trainable; i++)
		{
			CHECK_NEAR(byol[i] - first[i], 4 * (simsiam[i] - first[i]), 1e-12);
			size += fabs(byol[i] - first[i]);
		}
	}
	CHECK(size > 1e-2);
}

/* Heads stand behind the model: its weights lie, and begin, as without them. */
static void
test_model_comes_first(void)
{
	static double with[MAX_WEIGHTS];
	static double without[MAX_WEIGHTS];
	NnGraph    *graph = open_method("byol projector_units=6 predictor_units=9", with);
	NnGraph    *alone = make_graph(arena, SHAPE(5, 4, 2), model, &status);
	NnLayerInfo info;

	nn_init_weights(alone, 17, without);
	CHECK(memcmp(with, without, nn_graph_weights(alone) * sizeof(double)) == 0);
	CHECK(nn_graph_layers(graph) == nn_graph_layers(alone) + 5 + 4);
	nn_graph_layer(graph, nn_graph_layers(alone) + 3, &info);
	CHECK(strcmp(info.name, "projector_dense_1") == 0);
	nn_graph_layer(graph, nn_graph_layers(graph) - 1, &info);
	CHECK(strcmp(info.name, "predictor_dense_1") == 0 &&
		  info.output.dim[0] == 6);
}

/* What is frozen in the model stays so; heads are always trained. */
static void
test_frozen_model(void)
{
	static const NnRateRule freeze = {"*", 0};
	static double first[MAX_WEIGHTS];
	static double weights[MAX_WEIGHTS];
	NnTrainOptions options = make_method("simclr projector_units=6", "sgd",
										 ROWS, NULL);
	NnGraph    *graph;
	size_t		below;

	arena_reset(arena);
	graph = make_graph(arena, SHAPE(5, 4, 2), model, &status);
	CHECK(nn_graph_set_rates(graph, &freeze, 1, &status));
	below = nn_graph_weights(graph);
	graph = nn_method_graph(arena, graph, options.method,
							&options.method_params, &status);
	nn_init_weights(graph, 17, first);
	descend(graph, "simclr projector_units=6", 1, first, weights);
	CHECK(memcmp(first, weights, below * sizeof(double)) == 0);
	CHECK(memcmp(first + below, weights + below,
				 (nn_graph_weights(graph) - below) * sizeof(double)) != 0);
}

static double *
state_part(NnTrainer *trainer, const char *name)
{
	NnStatePart parts[NN_STATE_PARTS];
	int			n = nn_trainer_state(trainer, parts);

	for (int i = 0; i < n; i++)
	{
		if (strcmp(parts[i].name, name) == 0)
			return parts[i].data;
	}
	return NULL;
}

/* The share that averages keep begins at momentum and ends at 1. */
static void
test_averages(void)
{
	static const char *const method = "byol projector_units=6 predictor_units=9 momentum=0.9";
	static double before[MAX_WEIGHTS];
	static double weights[MAX_WEIGHTS];
	NnGraph    *graph = open_method(method, weights);
	Arena	   *work = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnTrainer  *trainer = open_trainer(work, graph, method,
									   "adam learning_rate=0.01", NULL,
									   weights);
	double	   *averages = state_part(trainer, "averages");

	CHECK(averages != NULL);
	memcpy(before, weights, sizeof(before));
	for (int s = 0; s < 12; s++)
	{
		double		keep = 1 - 0.1 * (cos(3.14159265358979323846 *
										  (s < 10 ? s / 10.0 : 1)) + 1) / 2;

		step(trainer);
		for (size_t i = 0; i < nn_graph_weights(graph); i++)
		{
			CHECK_NEAR(averages[i], keep * before[i] + (1 - keep) * weights[i],
					   1e-12);
			before[i] = averages[i];
		}
	}
	arena_destroy(work);
}

/* Whoever keeps the state of a trainer goes on as if nothing had happened. */
static void
check_state(const char *method)
{
	static double weights[MAX_WEIGHTS];
	static double copy[MAX_WEIGHTS];
	NnGraph    *graph = open_method(method, weights);
	Arena	   *work = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	NnTrainer  *from = open_trainer(work, graph, method, "adam", NULL, weights);
	NnTrainer  *to = open_trainer(work, graph, method, "adam", NULL, copy);
	NnStatePart parts[2][NN_STATE_PARTS];
	int			n;

	step(from);
	step(from);
	n = nn_trainer_state(from, parts[0]);
	CHECK(nn_trainer_set_counters(to, parts[0][0].data));
	CHECK(nn_trainer_state(to, parts[1]) == n && n <= NN_STATE_PARTS);
	for (int i = 1; i < n; i++)
		memcpy(parts[1][i].data, parts[0][i].data, parts[0][i].size);
	memcpy(copy, weights, sizeof(copy));
	CHECK(step(from) == step(to));
	CHECK(step(from) == step(to));
	CHECK(memcmp(copy, weights,
				 nn_graph_weights(graph) * sizeof(double)) == 0);
	arena_destroy(work);
}

static void
test_state(void)
{
	check_state("byol projector_units=6 predictor_units=9");
	check_state("swav projector_units=6 prototypes=5");
	check_state("vicreg projector_units=6");
}

/* A trainer takes what it says, and no less is enough. */
static void
test_memory(void)
{
	static const char *const methods[] = {
		"simclr", "byol projector_units=3", "swav prototypes=200", "barlow"
	};
	static double weights[2000000];

	for (int m = 0; m < 4; m++)
	{
		NnTrainOptions options = make_method(methods[m], "adam", ROWS, NULL);
		NnGraph    *graph;
		Arena	   *work;
		size_t		size;

		arena_reset(arena);
		graph = make_graph(arena, SHAPE(5, 4, 2), model, &status);
		graph = nn_method_graph(arena, graph, options.method,
								&options.method_params, &status);
		CHECK(graph != NULL && nn_graph_weights(graph) <= 2000000);
		size = nn_trainer_memory(graph, &options);
		work = arena_create(&arena_malloc_source, size);
		CHECK(nn_trainer_create(work, graph, &options, weights,
								&status) != NULL);
		arena_destroy(work);
		work = arena_create(&arena_malloc_source, size / 2);
		CHECK(nn_trainer_create(work, graph, &options, weights,
								&status) == NULL);
		arena_destroy(work);
	}
}

/*
 * Each method brings views of a row together, and the distances that tell so
 * are those of embeddings.
 */
static void
test_learning(void)
{
	static const char *const methods[] = {
		"simclr", "barlow", "vicreg", "swav prototypes=10", "simsiam predictor_units=9",
		"byol predictor_units=9 momentum=0.9"
	};
	static double weights[MAX_WEIGHTS];

	for (int m = 0; m < 6; m++)
	{
		char		method[128];
		NnGraph    *graph;
		Arena	   *work = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
		NnTrainer  *trainer;
		NnStepStats first = {0};
		NnStepStats last = {0};

		snprintf(method, sizeof(method), "%s projector_units=16", methods[m]);
		graph = open_method(method, weights);
		trainer = open_trainer(work, graph, method, "adam learning_rate=0.01",
							   NULL, weights);
		for (int s = 0; s < 100; s++)
			CHECK(nn_trainer_step(trainer, NN_FLOAT32, rows, labels, ROWS,
								  s == 0 ? &first : &last, &status));
		CHECK(last.loss < first.loss);
		CHECK(last.avg_positive / last.avg_negative <
			  0.7 * first.avg_positive / first.avg_negative);
		CHECK(last.max_negative <= 2);
		arena_destroy(work);
	}
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
			numbers[i][j] = (float) (random_normal(&random) +
									 (i % 2 == 0 ? 0 : numbers[i - 1][j]));
	}
	RUN(test_gradients);
	RUN(test_class_loss);
	RUN(test_targets_are_constant);
	RUN(test_model_comes_first);
	RUN(test_frozen_model);
	RUN(test_averages);
	RUN(test_state);
	RUN(test_memory);
	RUN(test_learning);
	arena_destroy(arena);
	return unit_done();
}
