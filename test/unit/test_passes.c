/*
 * test_passes.c
 *	  Graphs that fork and join: sources, memory plans, gradients, state.
 *
 * test_double_passes.c is the same program with the engine computing in
 * double, where gradients must agree with finite differences to 1e-7.
 */
#include "base/interrupt.h"
#include "pass_case.h"

/* ---- one pass, with the sum of slope times output for its loss ---- */

typedef struct Run
{
	const NnGraph *graph;
	NnPlan		plan;
	NnPass		pass;
	real	   *memory;
	real	   *weights;
	real	   *gradient;
} Run;

static void
keep(void *context, size_t offset, size_t count, const real *gradient)
{
	memcpy(((Run *) context)->gradient + offset, gradient,
		   count * sizeof(real));
}

static void
open_run(Run *run, const NnGraph *graph, real *weights, ThreadPool *pool)
{
	run->graph = graph;
	run->weights = weights;
	run->gradient = arena_alloc_zero(arena,
									 nn_graph_weights(graph) * sizeof(real));
	run->pass = (NnPass)
	{
		.n = ROWS,.training = true,.seed = 7,.step = 1,.pool = pool,.weights =
			weights,
			.scratch_size = nn_graph_scratch(graph,
											 ROWS),.sink = keep,.sink_context = run
	};
	run->pass.scratch = arena_alloc_array(arena,
										  run->pass.scratch_size * (size_t) pool_threads(pool), sizeof(real));
	nn_plan(graph, ROWS, true, &run->plan);
}

/* A place of its own for everything */
static void
plan_apart(Run *run)
{
	NnPlan	   *plan = &run->plan;
	size_t		step = 0;

	for (int i = 0; i < run->graph->nlayers; i++)
	{
		const NnLayer *layer = &run->graph->layers[i];

		step = layer->outputs > step ? layer->outputs : step;
		if (layer->type->saved != NULL &&
			layer->type->saved(layer, ROWS) > step)
			step = layer->type->saved(layer, ROWS);
	}
	step = (step > INPUTS ? step : INPUTS) * ROWS;
	plan->input = 0;
	plan->spare = step;
	for (int i = 0; i < run->graph->nlayers; i++)
	{
		plan->outputs[i] = (size_t) (3 * i + 2) * step;
		plan->saved[i] = (size_t) (3 * i + 3) * step;
		plan->gradients[i] = (size_t) (3 * i + 4) * step;
	}
	plan->size = (size_t) (3 * run->graph->nlayers + 2) * step;
}

static real
slope(size_t i)
{
	return (real) ((double) (random_at(1, 2, i) % 1000) / 500 - 1);
}

static void
run_forward(Run *run)
{
	if (run->memory == NULL)
		run->memory = arena_alloc_array(arena, run->plan.size, sizeof(real));
	/* what a pass reads before it wrote it must show */
	for (size_t i = 0; i < run->plan.size; i++)
		run->memory[i] = (real) NAN;
	nn_gather(run->graph, NN_FLOAT32, rows, ROWS,
			  run->memory + run->plan.input);
	nn_forward(run->graph, &run->plan, &run->pass, run->memory);
}

static void
run_backward(Run *run)
{
	real	   *dout = run->memory + run->plan.gradients[run->graph->nlayers -
														 1];

	for (int i = 0; i < ROWS * nn_graph_outputs(run->graph); i++)
		dout[i] = slope((size_t) i);
	nn_backward(run->graph, &run->plan, &run->pass, run->memory);
}

/* Sharing memory changes no bit of outputs and gradients, and saves some. */
static void
check_sharing(const char *const *model)
{
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(model, weights);
	size_t		outputs = (size_t) (ROWS * nn_graph_outputs(graph));
	Run			planned = {0};
	Run			apart = {0};

	open_run(&planned, graph, weights, NULL);
	open_run(&apart, graph, weights, NULL);
	plan_apart(&apart);
	run_forward(&planned);
	run_forward(&apart);
	CHECK(memcmp(planned.memory + nn_plan_last(graph, &planned.plan),
				 apart.memory + nn_plan_last(graph, &apart.plan),
				 outputs * sizeof(real)) == 0);
	run_backward(&planned);
	run_backward(&apart);
	for (size_t i = 0; i < nn_graph_weights(graph); i++)
		CHECK(planned.gradient[i] == apart.gradient[i]);
	CHECK(planned.plan.size * 2 < apart.plan.size);
}

static void
test_sharing_memory(void)
{
	check_sharing(residual);
	check_sharing(shared);
}

#ifdef NN_DOUBLE
static double
loss(Run *run)
{
	double		sum = 0;

	run_forward(run);
	for (int i = 0; i < ROWS * nn_graph_outputs(run->graph); i++)
		sum += slope((size_t) i) * run->memory[nn_plan_last(run->graph,
															&run->plan) + (size_t) i];
	return sum;
}

static void
check_differences(const char *const *model, const NnRateRule *rules, int n)
{
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(model, weights);
	Run			run = {0};
	const double step = 1e-6;

	CHECK(nn_graph_set_rates(graph, rules, n, &status));
	open_run(&run, graph, weights, NULL);
	run_forward(&run);
	run_backward(&run);
	for (int t = 0; t < nn_graph_tensors(graph); t++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(graph, t, &tensor);
		for (size_t i = 0; i < tensor.count && tensor.trainable;
			 i += tensor.count / 7 + 1)
		{
			real	   *w = &weights[tensor.offset + i];
			double		was = *w;
			double		above;

			*w = was + step;
			above = loss(&run);
			*w = was - step;
			CHECK_NEAR(run.gradient[tensor.offset + i],
					   (above - loss(&run)) / (2 * step), 1e-7);
			*w = was;
		}
		if (!unit_ok)
			printf("# ... in \"%s\"\n", tensor.name);
	}
}

static void
test_gradients_of_graphs(void)
{
	/* constant moments in batch_normalization's backward, and weights apart */
	static const NnRateRule frozen[] = {{"batch*", 0}, {"main", 0}};

	check_differences(residual, NULL, 0);
	check_differences(shared, NULL, 0);
	check_differences(residual, frozen, 2);
}
#endif

/*
 * A maximum that takes the derivative of the convolution's relu gives the
 * gradient, to the bit, of one behind a layer of its own for relu: of windows
 * that cover each pixel once, that overlap, and that leave pixels out.
 */
static void
check_taken_relu(const char *pooling)
{
	const char *const fused[] = {
		"conv2d filters=19 kernel_size=2 activation=relu", pooling, "flatten",
		"metric_embedding units=3", NULL
	};
	const char *const apart[] = {
		"conv2d filters=19 kernel_size=2", "activation activation=relu",
		pooling, "flatten", "metric_embedding units=3", NULL
	};
	static real weights[4000];
	static real first[4000];
	static real expected[4000];

	for (int i = 0; i < 2; i++)
	{
		Run			run = {0};
		NnGraph    *graph = open_graph(i == 0 ? apart : fused, weights);

		/* layers draw first weights by their number */
		memcpy(i == 0 ? first : weights, i == 0 ? weights : first,
			   nn_graph_weights(graph) * sizeof(real));
		CHECK(nn_graph_weights(graph) <= 4000);
		CHECK(graph->layers[0].masked == (i == 1));
		open_run(&run, graph, weights, NULL);
		run_forward(&run);
		run_backward(&run);
		if (i == 0)
			memcpy(expected, run.gradient,
				   nn_graph_weights(graph) * sizeof(real));
		else
			CHECK(memcmp(expected, run.gradient,
						 nn_graph_weights(graph) * sizeof(real)) == 0);
	}
}

static void
test_taken_relu(void)
{
	check_taken_relu("max_pooling2d pool_size=5,2");	/* of 5 x 4 pixels */
	check_taken_relu("max_pooling2d pool_size=3 strides=1");
	check_taken_relu("max_pooling2d pool_size=2,3");
}

/* What others read too, or the loss, keeps its own derivative. */
static void
test_kept_relu(void)
{
	static const char *const twice[] = {
		"conv2d filters=4 kernel_size=2 activation=relu name=conv",
		"max_pooling2d", "flatten name=a", "flatten inputs=conv name=b",
		"concatenate inputs=a,b", "metric_embedding units=3", NULL
	};
	static real weights[4000];

	CHECK(!open_graph(twice, weights)->layers[0].masked);
}

/* The gradients of several pools agree. */
static void
test_threads_agree(void)
{
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(residual, weights);
	Run			single = {0};

	open_run(&single, graph, weights, NULL);
	run_forward(&single);
	run_backward(&single);
	for (int threads = 2; threads <= 4; threads += 2)
	{
		ThreadPool *pool = pool_create(threads, &status);
		Run			run = {0};

		open_run(&run, graph, weights, pool);
		run_forward(&run);
		run_backward(&run);
		for (size_t i = 0; i < nn_graph_weights(graph); i++)
			CHECK_NEAR(run.gradient[i], single.gradient[i], 1e-5);
		pool_destroy(pool);
	}
}

static void
test_overfits(void)
{
	static const char *const *const models[] = {residual, shared};
	static real weights[MAX_WEIGHTS];

	for (int i = 0; i < 2; i++)
	{
		NnGraph    *graph = open_graph(models[i], weights);
		NnStepStats stats;

		train(graph, "adam learning_rate=0.01", 150, weights, &stats);
		CHECK(stats.avg_positive < 0.3 * stats.avg_negative);
	}
}

/* No optimizer touches the state, and batches do, whatever clips the gradient. */
static void
test_state(void)
{
	static const char *const optimizers[] = {
		"sgd learning_rate=0.1", "adamw weight_decay=0.5 learning_rate=0.1",
		"adamw weight_decay=0.5 clipnorm=1",
		"lamb weight_decay=0.5 learning_rate=0.1"
	};
	static real weights[MAX_WEIGHTS];
	static real first[MAX_WEIGHTS];

	for (int o = 0; o < 4; o++)
	{
		NnGraph    *graph = open_graph(residual, weights);
		NnStepStats stats;

		memcpy(first, weights, sizeof(weights));
		train(graph, optimizers[o], 1, weights, &stats);
		for (int t = 0; t < nn_graph_tensors(graph); t++)
		{
			NnTensorInfo tensor;
			bool		mean;

			nn_graph_tensor(graph, t, &tensor);
			if (tensor.trainable)
				continue;
			mean = strstr(tensor.name, "moving_mean") != NULL;
			CHECK(mean || strstr(tensor.name, "moving_variance") != NULL);
			for (size_t i = tensor.offset; i < tensor.offset + tensor.count;
				 i++)
			{
				CHECK(weights[i] != first[i]);

				/*
				 * 1 % of what one batch has: means of about 0, variances of 0
				 * to 4
				 */
				CHECK(mean ? fabs(weights[i]) < 0.03 : weights[i] > 0.989 &&
					  weights[i] < 1.04);
			}
		}
	}
}

/* A step without a finite loss leaves weights and state alone. */
static void
test_divergence_leaves_state(void)
{
	static real weights[MAX_WEIGHTS];
	static real before[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(residual, weights);
	NnTrainOptions options = make_options("triplet", "adam", ROWS, NULL);
	NnTrainer  *trainer = nn_trainer_create(arena, graph, &options, weights,
											&status);
	NnStepStats stats;

	weights[3] = NAN;
	memcpy(before, weights, sizeof(weights));
	CHECK(!nn_trainer_step(trainer, NN_FLOAT32, rows, labels, ROWS, &stats,
						   &status));
	CHECK(memcmp(before, weights, sizeof(weights)) == 0);
}

/* Rows one by one or together, and whatever the pool, give the same. */
static void
test_inference(void)
{
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(residual, weights);
	NnStepStats stats;
	float		expected[ROWS * 4];
	float		got[ROWS * 4];

	train(graph, "adam", 5, weights, &stats);
	nn_infer_run(nn_infer_create(arena, graph, weights, ROWS, NULL, &status),
				 NN_FLOAT32, rows, ROWS, expected);
	for (int threads = 1; threads <= 3; threads++)
	{
		ThreadPool *pool = pool_create(threads, &status);
		NnInfer    *infer = nn_infer_create(arena, graph, weights, threads,
											pool, &status);

		for (int i = 0; i < ROWS; i += threads)
			nn_infer_run(infer, NN_FLOAT32, rows + i, threads, got + i * 4);
		for (int i = 0; i < ROWS * 4; i++)
			CHECK_NEAR(got[i], expected[i], 1e-5);
		pool_destroy(pool);
	}
}

/* Weights that inference of many rows wants in another form */
static const char *const prepared[] = {
	"conv2d filters=32 kernel_size=3 padding=same activation=relu",
	"flatten",
	"dense units=32 activation=relu",
	"metric_embedding units=16",
	NULL
};

#define MANY_ROWS 96
#define MANY_INPUTS (16 * 16 * 32)

static void
run_interrupted(NnInfer *infer, const void *const *many, float *out)
{
	static volatile sig_atomic_t cancel;
	static volatile sig_atomic_t end;

	cancel = 1;
	interrupt_watch(&cancel, &end);
	nn_infer_run(infer, NN_FLOAT32, many, MANY_ROWS, out);
	cancel = 0;
}

/*
 * They are made once, in memory that is planned for, anew after a run that was
 * stopped, and give what weights as stored give row by row.
 */
static void
test_prepared_weights(void)
{
	static float numbers[MANY_ROWS][MANY_INPUTS];
	static float got[MANY_ROWS * 16];
	const void *many[MANY_ROWS];
	float		expected[16];
	Random		random;
	ThreadPool *pool = pool_create(2, &status);
	NnGraph    *graph;
	Arena	   *tight;
	NnInfer    *infer;
	NnInfer    *single;
	real	   *weights;

	arena_reset(arena);
	random_init(&random, 4, 4);
	for (int i = 0; i < MANY_ROWS; i++)
	{
		for (int p = 0; p < MANY_INPUTS; p++)
			numbers[i][p] = (float) random_normal(&random);
		many[i] = numbers[i];
	}
	graph = make_graph(arena, SHAPE(16, 16, 32), prepared, &status);
	weights = arena_alloc_array(arena, nn_graph_weights(graph), sizeof(real));
	nn_init_weights(graph, 3, weights);
	tight = arena_create(&arena_malloc_source,
						 nn_infer_memory(graph, MANY_ROWS, 2));
	infer = nn_infer_create(tight, graph, weights, MANY_ROWS, pool, &status);
	single = nn_infer_create(arena, graph, weights, 1, NULL, &status);
	CHECK(infer != NULL && single != NULL);
	run_interrupted(infer, many, got);
	for (int run = 0; run < 2; run++)
	{
		memset(got, 0, sizeof(got));
		nn_infer_run(infer, NN_FLOAT32, many, MANY_ROWS, got);
		for (int i = 0; i < MANY_ROWS; i++)
		{
			nn_infer_run(single, NN_FLOAT32, many + i, 1, expected);
			for (int d = 0; d < 16; d++)
				CHECK_NEAR(got[i * 16 + d], expected[d], 1e-5);
		}
	}
	arena_destroy(tight);
	pool_destroy(pool);
}

/* Plans are enough, and close to what is needed. */
static void
test_memory_plan(void)
{
	static real weights[MAX_WEIGHTS];

	for (int threads = 1; threads <= 3; threads++)
	{
		ThreadPool *pool = pool_create(threads, &status);

		for (int batch = 1; batch < 3000; batch = batch * 6)
		{
			NnGraph    *graph = open_graph(residual, weights);
			NnTrainOptions options = make_options("multi_similarity", "adam",
												  batch, pool);
			size_t		plan = nn_trainer_memory(graph, &options);
			Arena	   *tight = arena_create(&arena_malloc_source, plan);

			CHECK(nn_trainer_create(tight, graph, &options, weights,
									&status) != NULL);
			CHECK(arena_used(tight) <= plan);
			/* but for the arena's own blocks, which are a few kB */
			CHECK(plan < 4 * 1024 * 1024 || arena_used(tight) > 0.87 * plan);
			arena_destroy(tight);
		}
		pool_destroy(pool);
	}
}

static const void *
row_at(void *context, size_t i)
{
	return rows[i];
}

/* normalization takes mean and variance of each channel from the rows. */
static void
test_adapt(void)
{
	static const char *const model[] = {"normalization", "flatten", "metric_embedding units=2", NULL};
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_graph(model, weights);

	CHECK(weights[0] == 0 && weights[2] == 1);
	CHECK(nn_adapt(arena, graph, NN_FLOAT32, row_at, NULL, ROWS, weights,
				   &status));
	for (int c = 0; c < 2; c++)
	{
		double		mean = 0;
		double		variance = 0;

		for (int i = c; i < ROWS * INPUTS; i += 2)
			mean += pixels[i / INPUTS][i % INPUTS] / (ROWS * INPUTS / 2.0);
		for (int i = c; i < ROWS * INPUTS; i += 2)
			variance += pow(pixels[i / INPUTS][i % INPUTS] - mean,
							2) / (ROWS * INPUTS / 2.0);
		CHECK_NEAR(weights[c], mean, 1e-6);
		CHECK_NEAR(weights[2 + c], variance, 1e-6);
	}
}

static void
check_error(const char *const *model, const char *message, const char *hint)
{
	arena_reset(arena);
	CHECK(make_graph(arena, SHAPE(6, 5, 2), model, &status) == NULL);
	CHECK_TEXT(status.message, message);
	CHECK_TEXT(status.hint, hint);
}

#define ERROR_OF(message, hint, ...) \
	check_error((const char *const[]) {__VA_ARGS__, NULL}, message, hint)

static void
test_errors(void)
{
	ERROR_OF("layer \"add\" reads \"nowhere\", which is not a preceding layer",
			 "Valid values are \"input\", \"flatten\", \"dense\".",
			 "flatten", "dense units=3", "add inputs=nowhere,dense",
			 "metric_embedding units=2");
	ERROR_OF("layer \"add\" reads 1 layer, but needs two or more",
			 "Name them: {\"add\": {\"inputs\": [\"first\", \"second\"]}}.",
			 "flatten", "add", "metric_embedding units=2");
	ERROR_OF("layer \"dense\" reads 2 layers, but needs one",
			 "Join layers by \"add\", \"multiply\" or \"concatenate\".",
			 "flatten", "dense units=3 inputs=flatten,flatten",
			 "metric_embedding units=2");
	ERROR_OF("inputs of layer \"add\" differ in shape: 6x5x4 and 6x5x2",
			 "Give a branch as many channels by a conv2d with kernel_size 1, and the same strides.",
			 "conv2d filters=4 kernel_size=1 name=a", "add inputs=a,input",
			 "flatten", "metric_embedding units=2");
	ERROR_OF("inputs of layer \"concatenate\" differ in more than channels: 4x3x4 and 6x5x2",
			 "All dimensions but the last must be equal.",
			 "conv2d filters=4 kernel_size=3 name=a",
			 "concatenate inputs=a,input", "flatten",
			 "metric_embedding units=2");
	ERROR_OF("no layer reads layer \"dense\"",
			 "Name it among the \"inputs\" of a layer after it, or leave it out.",
			 "flatten", "dense units=3",
			 "metric_embedding units=2 inputs=flatten");
	ERROR_OF("layer name \"input\" is that of the model's input", "",
			 "flatten name=input", "metric_embedding units=2");
	ERROR_OF("layer \"normalization\" without mean and variance must read the model's input",
			 "Put it first, or use batch_normalization.",
			 "flatten", "normalization", "metric_embedding units=2");
	ERROR_OF("layer \"normalization\" takes both mean and variance or neither",
			 "",
			 "normalization mean=1", "flatten", "metric_embedding units=2");
	ERROR_OF("\"variance\" of layer \"normalization\" has 3 numbers, but its input 2 channels",
			 "Give a number for each channel, or one for all.",
			 "normalization mean=1,2 variance=1,2,3", "flatten",
			 "metric_embedding units=2");
	ERROR_OF("inputs of layer \"multiply\" differ in shape: 1x1x2 and 6x5x2",
			 "Give a branch as many channels by a conv2d with kernel_size 1, and the same strides.",
			 "global_average_pooling2d keepdims=true name=a",
			 "multiply inputs=a,input", "flatten",
			 "metric_embedding units=2");
	ERROR_OF("layer \"reshape\" cannot give its input of 6x5x2 the shape 7x7",
			 "Both must have 60 numbers.",
			 "reshape target_shape=7,7", "flatten", "metric_embedding units=2");
	ERROR_OF("target_shape of layer \"reshape\" must have positive dimensions and at most one -1", "",
			 "reshape target_shape=-1,-1", "flatten",
			 "metric_embedding units=2");
	ERROR_OF("padding of layer \"zero_padding2d\" must be n, [height, width] or [[top, bottom], [left, right]]", "",
			 "zero_padding2d padding=1,2,3", "flatten",
			 "metric_embedding units=2");
	ERROR_OF("layer \"generalized_mean_pooling1d\" needs sequences of steps x channels, not 6x5x2", "",
			 "generalized_mean_pooling1d", "metric_embedding units=2");
	ERROR_OF("the model has nothing to train", "", "flatten",
			 "layer_normalization center=false scale=false");
}

/* The network of keras.io's example of TensorFlow Similarity, as Keras counts it */
static void
test_parameters(void)
{
	static const char *const model[] = {
		"rescaling scale=0.00392156862745098",
		"conv2d filters=64 kernel_size=3 activation=relu",
		"batch_normalization",
		"conv2d filters=128 kernel_size=3 activation=relu",
		"batch_normalization",
		"max_pooling2d pool_size=4",
		"conv2d filters=256 kernel_size=3 activation=relu",
		"batch_normalization",
		"conv2d filters=256 kernel_size=3 activation=relu",
		"global_max_pooling2d",
		"metric_embedding units=256",
		NULL
	};
	static const size_t expected[] = {1792, 256, 73856, 512, 295168, 1024, 590080, 65792};
	NnGraph    *graph;
	size_t		trained = 0;
	size_t		counts[8] = {0};
	int			layer = -1;
	char		previous[2 * NN_NAME_SIZE] = "";

	arena_reset(arena);
	graph = make_graph(arena, SHAPE(32, 32, 3), model, &status);
	CHECK(graph != NULL);
	CHECK(nn_graph_weights(graph) == 1028480);
	for (int i = 0; i < nn_graph_tensors(graph); i++)
	{
		NnTensorInfo tensor;
		char	   *slash;

		nn_graph_tensor(graph, i, &tensor);
		slash = strchr(tensor.name, '/');
		*slash = '\0';
		if (strcmp(tensor.name, previous) != 0)
			layer++;
		strcpy(previous, tensor.name);
		counts[layer] += tensor.count;
		trained += tensor.trainable ? tensor.count : 0;
	}
	CHECK(trained == 1027584);
	for (int i = 0; i < 8; i++)
		CHECK(counts[i] == expected[i]);
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
	RUN(test_sharing_memory);
#ifdef NN_DOUBLE
	RUN(test_gradients_of_graphs);
#endif
	RUN(test_taken_relu);
	RUN(test_kept_relu);
	RUN(test_threads_agree);
	RUN(test_overfits);
	RUN(test_state);
	RUN(test_divergence_leaves_state);
	RUN(test_inference);
	RUN(test_prepared_weights);
	RUN(test_memory_plan);
	RUN(test_adapt);
	RUN(test_errors);
	RUN(test_parameters);
	arena_destroy(arena);
	return unit_done();
}
