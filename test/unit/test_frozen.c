/*
 * test_frozen.c
 *	  Layers that do not learn, or learn at a rate of their own, and the head
 *	  on features of what is frozen.
 *
 * test_double_frozen.c is the same program with the engine computing in double.
 */
#include "pass_case.h"

/* In the middle of the graph, so that backward goes through what is frozen */
static const NnRateRule middle[] = {
	{"batch_norm*", 0}, {"ma?n", 0}, {"side", 0.25}
};

/* One step from the same first weights */
static void
train_with(const NnRateRule *rules, int n, const char *optimizer,
		   real *weights)
{
	NnGraph    *graph = open_graph(residual, weights);
	NnStepStats stats;

	CHECK(nn_graph_set_rates(graph, rules, n, &status));
	train(graph, optimizer, 1, weights, &stats);
}

/* What is frozen keeps its bits, state too, and all else changes. */
static void
test_frozen(void)
{
	static const char *const optimizers[] = {
		"sgd learning_rate=0.1 momentum=0.9", "adam",
		"adamw weight_decay=0.5 clipnorm=1", "rmsprop centered=true momentum=0.5",
		"lamb weight_decay=0.5", "adam global_clipnorm=0.1"
	};
	static real weights[MAX_WEIGHTS];
	static real first[MAX_WEIGHTS];

	for (int o = 0; o < 6; o++)
	{
		NnGraph    *graph = open_graph(residual, first);

		train_with(middle, 3, optimizers[o], weights);
		graph = open_graph(residual, first);
		CHECK(nn_graph_set_rates(graph, middle, 3, &status));
		for (int t = 0; t < nn_graph_tensors(graph); t++)
		{
			NnTensorInfo tensor;
			bool		same;

			nn_graph_tensor(graph, t, &tensor);
			same = memcmp(weights + tensor.offset, first + tensor.offset,
						  tensor.count * sizeof(real)) == 0;
			/* each tensor here is of a layer that is frozen, or has no state */
			if (strncmp(tensor.name, "stem/", 5) != 0)
				CHECK(same == !tensor.trainable);
		}
	}
}

/*
 * A factor multiplies what a step changes, whether gradients go on at once or
 * are kept whole; 0 freezes.
 */
static void
test_rates(void)
{
	static const NnRateRule quarter = {"s*", 0.25};
	static const char *const optimizers[] = {
		"sgd learning_rate=0.5", "sgd learning_rate=0.5 clipvalue=10", "adam"
	};
	static real whole[MAX_WEIGHTS];
	static real part[MAX_WEIGHTS];
	static real first[MAX_WEIGHTS];

	for (int o = 0; o < 3; o++)
	{
		NnGraph    *graph;

		train_with(NULL, 0, optimizers[o], whole);
		train_with(&quarter, 1, optimizers[o], part);
		graph = open_graph(residual, first);
		for (int t = 0; t < nn_graph_tensors(graph); t++)
		{
			NnTensorInfo tensor;
			double		factor;

			nn_graph_tensor(graph, t, &tensor);
			factor = tensor.name[0] == 's' && tensor.trainable ? 0.25 : 1;
			for (size_t i = tensor.offset; i < tensor.offset + tensor.count;
				 i++)
				CHECK_NEAR(part[i] - first[i], factor * (whole[i] - first[i]),
						   1e-6);
		}
	}
}

/* A layer's own name first, then the longest pattern; no match is an error. */
static void
test_rate_rules(void)
{
	static const NnRateRule rules[] = {
		{"conv2d", 0.5}, {"*", 0}, {"conv2d*", 2}, {"ma*n", 3}, {"m*i*n", 4}
	};
	static const NnRateRule wrong = {"conv3*", 0};
	static const NnRateRule all = {"*", 0};
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(residual, weights);

	CHECK(nn_graph_set_rates(graph, rules, 5, &status));
	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];

		if (strcmp(layer->name, "conv2d") == 0)
			CHECK(layer->rate == 0.5);
		else if (strcmp(layer->name, "main") == 0)
			CHECK(layer->rate == 4);
		else
			CHECK(layer->rate == (strcmp(layer->name, "conv2d_1") == 0 ?
								  2 : 0));
	}
	CHECK(!nn_graph_set_rates(graph, &wrong, 1, &status));
	CHECK(strstr(status.message, "conv3*") != NULL);
	CHECK(nn_graph_is_trained(graph));
	CHECK(nn_graph_set_rates(graph, &all, 1, &status));
	CHECK(!nn_graph_is_trained(graph));
}

/* Moments, gradients and saved numbers of what is frozen take no memory. */
static void
test_frozen_memory(void)
{
	static const NnRateRule rules[] = {{"*", 0}, {"metric_embedding", 1}};
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(residual, weights);
	NnTrainOptions options = make_options("triplet", "adam clipnorm=1", ROWS,
										  NULL);
	size_t		all = nn_trainer_memory(graph, &options);
	size_t		last;
	NnPlan		plan;
	NnPlan		forward;

	CHECK(nn_graph_set_rates(graph, rules, 2, &status));
	last = nn_trainer_memory(graph, &options);
	/* two moments and the gradient of all but 40 weights or so */
	CHECK(last + 2 * (nn_graph_weights(graph) - 100) * sizeof(real) < all);
	nn_plan(graph, ROWS, true, &plan);
	nn_plan(graph, ROWS, false, &forward);
	CHECK(plan.size < forward.size + ROWS * 64);
}

/*
 * The head on features gives what the whole gives with a frozen prefix, to the
 * rounding; dropout in it draws the same.
 */
static void
test_split(void)
{
	static const char *const model[] = {
		"rescaling scale=0.5",
		"conv2d filters=4 kernel_size=3 padding=same",
		"batch_normalization scale=false center=false",
		"activation activation=relu name=encoded",
		"flatten name=flat",
		"dense units=8 inputs=flat name=left",
		"dropout rate=0.5 name=dropped",
		"dense units=8 inputs=flat name=right",
		"add inputs=dropped,right",
		"metric_embedding units=4",
		NULL
	};
	static const NnRateRule frozen[] = {{"conv2d", 0}, {"batch*", 0}};
	static real whole[MAX_WEIGHTS];
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(model, weights);
	NnTrainOptions options = make_options("triplet", "adam", ROWS, NULL);
	NnTrainer  *trainers[2];
	NnGraph    *prefix;
	NnGraph    *head;
	float	   *features;
	const void *feature_rows[ROWS];
	NnStepStats stats[2];

	CHECK(!nn_graph_split(arena, graph, &prefix, &head, &status));
	CHECK(nn_graph_set_rates(graph, frozen, 1, &status));
	/* the moving averages move, though nothing before the head is trained */
	CHECK(!nn_graph_split(arena, graph, &prefix, &head, &status));
	CHECK(nn_graph_set_rates(graph, frozen, 2, &status));
	CHECK(nn_graph_split(arena, graph, &prefix, &head, &status));
	CHECK(nn_graph_outputs(prefix) == 6 * 5 * 4);
	CHECK(nn_graph_inputs(head) == 6 * 5 * 4);

	features = arena_alloc_array(arena, ROWS * 6 * 5 * 4, sizeof(float));
	nn_infer_run(nn_infer_create(arena, prefix, weights, ROWS, NULL, &status),
				 NN_FLOAT32, rows, ROWS, features);
	for (int i = 0; i < ROWS; i++)
		feature_rows[i] = features + i * 6 * 5 * 4;
	memcpy(whole, weights, sizeof(weights));
	trainers[0] = nn_trainer_create(arena, graph, &options, whole, &status);
	trainers[1] = nn_trainer_create(arena, head, &options, weights, &status);
	for (int step = 0; step < 20; step++)
	{
		CHECK(nn_trainer_step(trainers[0], NN_FLOAT32, rows, labels, ROWS,
							  &stats[0], &status));
		CHECK(nn_trainer_step(trainers[1], NN_FLOAT32, feature_rows, labels,
							  ROWS, &stats[1], &status));
		CHECK_NEAR(stats[0].loss, stats[1].loss, 1e-4);
	}
	for (size_t i = 0; i < nn_graph_weights(graph); i++)
		CHECK_NEAR(whole[i], weights[i], 1e-3);
}

/* Nothing is cached where one output is not all that the head reads. */
static void
test_no_split(void)
{
	static const NnRateRule forks[] = {{"*", 0}, {"gate", 1}, {"metric*", 1},
	{"last", 1}, {"layer*", 1}};
	static const NnRateRule random[] = {{"dense", 0}};
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(residual, weights);
	NnGraph    *prefix;
	NnGraph    *head;

	/* layer_normalization and softmax fork from "both", and join */
	CHECK(nn_graph_set_rates(graph, forks, 5, &status));
	CHECK(!nn_graph_split(arena, graph, &prefix, &head, &status));
	/* dropout is random in the prefix */
	graph = open_graph(shared, weights);
	CHECK(nn_graph_set_rates(graph, random, 1, &status));
	CHECK(!nn_graph_split(arena, graph, &prefix, &head, &status));
}

int
main(void)
{
	kernel_init();
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	if (!gemm_load(&status))
	{
		printf("Bail out! %s\n", status.message);
		return EXIT_FAILURE;
	}
	make_rows();
	RUN(test_frozen);
	RUN(test_rates);
	RUN(test_rate_rules);
	RUN(test_frozen_memory);
	RUN(test_split);
	RUN(test_no_split);
	arena_destroy(arena);
	return unit_done();
}
