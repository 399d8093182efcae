/*
 * test_training.c
 *	  Training steps and inference of whole models.
 */
#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "nn/layer.h"
#include "nn_model.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define ROWS 12
#define PIXELS (9 * 8)
#define MAX_WEIGHTS 20000

static const char *const model[] = {
	"rescaling scale=0.00392156862745098 offset=-0.5",
	"conv2d filters=16 kernel_size=3 activation=relu",
	"max_pooling2d",
	"conv2d filters=5 kernel_size=2 padding=same activation=tanh",
	"flatten",
	"dense units=20 activation=relu",
	"metric_embedding units=8",
	NULL
};

static Arena *arena;
static Status status;
static uint8_t pixels[ROWS][PIXELS];
static float floats[ROWS][PIXELS];
static const void *byte_rows[ROWS];
static const void *float_rows[ROWS];
static int32_t labels[ROWS];

/* Random pictures of 4 classes with 3 rows each */
static void
make_rows(void)
{
	for (int i = 0; i < ROWS; i++)
	{
		for (int p = 0; p < PIXELS; p++)
		{
			pixels[i][p] = (uint8_t) random_at(1, (uint64_t) i, (uint64_t) p);
			floats[i][p] = pixels[i][p];
		}
		byte_rows[i] = pixels[i];
		float_rows[i] = floats[i];
		labels[i] = i % 4 * 5;
	}
}

static NnGraph *
open_model(real *weights)
{
	NnGraph    *graph;

	arena_reset(arena);
	graph = make_graph(arena, SHAPE(9, 8, 1), model, &status);
	CHECK(graph != NULL && nn_graph_weights(graph) <= MAX_WEIGHTS);
	nn_init_weights(graph, 3, weights);
	return graph;
}

/* steps on the same batch; the last step's loss */
static double
train(NnTrainer *trainer, int steps)
{
	NnStepStats stats = {0};

	for (int i = 0; i < steps; i++)
		CHECK(nn_trainer_step(trainer, NN_UINT8, byte_rows, labels, ROWS,
							  &stats, &status));
	return stats.loss;
}

/* Any loss can learn twelve pictures by heart. */
static void
test_overfits_one_batch(void)
{
	static const char *const losses[] = {
		"multi_similarity", "multi_similarity distance=squared_euclidean",
		"triplet", "triplet margin=0.5",
		"triplet margin=0.5 distance=euclidean",
		"triplet positive_mining=easy negative_mining=hard margin=0.2",
		"triplet distance=manhattan margin=1",
		"triplet positive_mining=all negative_mining=all margin=0.3",
		"pn", "circle", "circle gamma=10 distance=euclidean",
		"soft_nearest_neighbor", "lifted_structure",
		"contrastive", "sup_con", "nt_xent",
		"proxy_nca scale=8", "proxy_anchor", "normalized_softmax", "cosface",
		"arcface",
		"multi_similarity memory_size=30",
		"sup_con memory_size=20 warmup_steps=50", NULL
	};
	static real weights[MAX_WEIGHTS];

	for (int i = 0; losses[i] != NULL; i++)
	{
		NnGraph    *graph = open_model(weights);
		NnTrainOptions options = make_options(losses[i],
											  "adam learning_rate=0.003", ROWS,
											  NULL);
		NnTrainer  *trainer = nn_trainer_create(arena, graph, &options, weights,
												&status);
		NnStepStats stats;
		double		first = train(trainer, 1);
		double		last = train(trainer, 400);

		CHECK(nn_trainer_steps(trainer) == 401);
		CHECK(last < first);
		CHECK(nn_trainer_step(trainer, NN_UINT8, byte_rows, labels, ROWS,
							  &stats, &status));
		/* every class apart: nearest neighbors are of the same class */
		CHECK(stats.avg_positive < 0.6 * stats.avg_negative);
		CHECK_NEAR(stats.learning_rate, 0.003, 0);
		if (!unit_ok)
			printf("# ... loss %g to %g, distances %g and %g in \"%s\"\n",
				   first, last, stats.avg_positive, stats.avg_negative,
				   losses[i]);
	}
}

/* Losses of pairs learn that neighbors in a batch belong together. */
static void
test_pairs_overfit_one_batch(void)
{
	static const char *const losses[] = {"simclr", "multiple_negatives_ranking scale=5", "barlow", "vicreg", NULL};
	static real weights[MAX_WEIGHTS];

	for (int i = 0; losses[i] != NULL; i++)
	{
		NnGraph    *graph = open_model(weights);
		NnTrainOptions options = make_options(losses[i],
											  "adam learning_rate=0.003", ROWS,
											  NULL);
		NnTrainer  *trainer = nn_trainer_create(arena, graph, &options, weights,
												&status);
		double		first = train(trainer, 1);
		double		last = train(trainer, 300);

		CHECK(last < 0.9 * first);
		if (!unit_ok)
			printf("# ... loss %g to %g in \"%s\"\n", first, last, losses[i]);
	}
}

/* One that is handed state and weights of another goes on as that one does. */
static void
test_state(void)
{
	static const char *const losses[] = {"multi_similarity memory_size=30", "proxy_anchor", NULL};
	static const int64_t negative[NN_COUNTERS] = {-1, 0, 0};
	static const int64_t too_many[NN_COUNTERS] = {1, 1, 1000};
	static real weights[2][MAX_WEIGHTS];

	for (int i = 0; losses[i] != NULL; i++)
	{
		NnTrainOptions options = make_options(losses[i], "adam", ROWS, NULL);
		NnGraph    *graph = open_model(weights[0]);
		NnTrainer  *from = nn_trainer_create(arena, graph, &options, weights[0],
											 &status);
		NnTrainer  *to = nn_trainer_create(arena, graph, &options, weights[1],
										   &status);
		NnStatePart parts[2][NN_STATE_PARTS];
		int			n;

		train(from, 7);
		n = nn_trainer_state(from, parts[0]);
		CHECK(nn_trainer_set_counters(to, parts[0][0].data));
		CHECK(nn_trainer_state(to, parts[1]) == n && n <= NN_STATE_PARTS);
		for (int p = 1; p < n; p++)
		{
			CHECK(parts[0][p].size == parts[1][p].size);
			memcpy(parts[1][p].data, parts[0][p].data, parts[0][p].size);
		}
		memcpy(weights[1], weights[0], sizeof(weights[0]));
		CHECK(train(from, 5) == train(to, 5));
		CHECK(memcmp(weights[1], weights[0],
					 nn_graph_weights(graph) * sizeof(real)) == 0);
		CHECK(!nn_trainer_set_counters(to, negative));
		CHECK(!nn_trainer_set_counters(to, too_many));
	}
}

static void
embed(const NnGraph *graph, const real *weights, int max_batch,
	  ThreadPool *pool, NnElement element, int n, float *out)
{
	NnInfer    *infer = nn_infer_create(arena, graph, weights, max_batch, pool,
										&status);
	const void *const *rows = element == NN_UINT8 ? byte_rows : float_rows;

	CHECK(infer != NULL);
	for (int i = 0; i < n; i += max_batch)
		nn_infer_run(infer, element, rows + i, n - i < max_batch ? n - i :
					 max_batch, out + i * nn_graph_outputs(graph));
}

/* Inference gives what a training step saw, for any batch, pool and storage. */
static void
test_inference_equals_forward(void)
{
	static real weights[MAX_WEIGHTS];
	static const int batches[] = {1, 2, 5, 12};
	NnGraph    *graph = open_model(weights);
	float		expected[ROWS * 8];
	float		got[ROWS * 8];
	double		distance = 0;
	NnTrainOptions options = make_options("triplet distance=manhattan",
										  "sgd learning_rate=0", ROWS, NULL);
	NnTrainer  *trainer = nn_trainer_create(arena, graph, &options, weights,
											&status);
	NnStepStats stats;

	embed(graph, weights, ROWS, NULL, NN_UINT8, ROWS, expected);
	for (int threads = 1; threads <= 4; threads++)
	{
		ThreadPool *pool = pool_create(threads, &status);

		for (int b = 0; b < 4; b++)
		{
			embed(graph, weights, batches[b], pool, b % 2 == 0 ? NN_UINT8 :
				  NN_FLOAT32, ROWS, got);
			for (int i = 0; i < ROWS * 8; i++)
				CHECK_NEAR(got[i], expected[i], 1e-6);
		}
		pool_destroy(pool);
	}
	for (int i = 0; i < ROWS; i++)
	{
		double		sum = 0;

		for (int d = 0; d < 8; d++)
			sum += (double) expected[i * 8 + d] * expected[i * 8 + d];
		CHECK_NEAR(sum, 1, 1e-5);
	}

	/* the trainer's distances are those of the inferred rows */
	CHECK(nn_trainer_step(trainer, NN_UINT8, byte_rows, labels, ROWS, &stats,
						  &status));
	for (int i = 0; i < ROWS; i++)
	{
		double		farthest = 0;

		for (int j = 0; j < ROWS; j++)
		{
			double		d = 0;

			for (int k = 0; k < 8; k++)
				d += fabs((double) expected[i * 8 + k] - expected[j * 8 + k]);
			if (labels[i] == labels[j])
				farthest = fmax(farthest, d);
		}
		distance += farthest / ROWS;
	}
	CHECK_NEAR(stats.avg_positive, distance, 1e-5);
}

/* Pools of different sizes add in another order and agree closely; the same
 * pool gives the same bits. */
static void
test_thread_counts_agree(void)
{
	static real weights[MAX_WEIGHTS];
	static real first[MAX_WEIGHTS];
	static real repeated[MAX_WEIGHTS];

	for (int threads = 1; threads <= 4; threads *= 2)
	{
		ThreadPool *pool = pool_create(threads, &status);

		for (int repeat = 0; repeat < 2; repeat++)
		{
			NnGraph    *graph = open_model(weights);
			NnTrainOptions options = make_options("triplet",
												  "sgd learning_rate=0.05",
												  ROWS, pool);

			train(nn_trainer_create(arena, graph, &options, weights, &status),
				  10);
			if (repeat == 0)
				memcpy(repeated, weights, sizeof(weights));
			CHECK(memcmp(repeated, weights,
						 nn_graph_weights(graph) * sizeof(real)) == 0);
			if (threads == 1)
				memcpy(first, weights, sizeof(weights));
			for (size_t i = 0; i < nn_graph_weights(graph); i++)
				CHECK_NEAR(weights[i], first[i], 2e-5);
		}
		pool_destroy(pool);
	}
}

/* What the plans say is enough, and nothing beyond it is taken. */
static void
check_plan(const NnTrainOptions *options, int threads, real *weights)
{
	NnGraph    *graph = open_model(weights);
	size_t		plan = nn_trainer_memory(graph, options);
	Arena	   *tight = arena_create(&arena_malloc_source, plan);
	ThreadPool *pool = options->pool;
	int			batch = options->max_batch;

	CHECK(nn_trainer_create(tight, graph, options, weights, &status) != NULL);
	CHECK(arena_used(tight) <= plan);
	/* not much more than is used either, but for rounding of small ones */
	CHECK((double) arena_used(tight) >= 0.85 * (double) plan - 131072);
	arena_destroy(tight);

	plan = nn_infer_memory(graph, batch, threads);
	tight = arena_create(&arena_malloc_source, plan);
	CHECK(nn_infer_create(tight, graph, weights, batch, pool, &status) != NULL);
	CHECK(arena_used(tight) <= plan);
	arena_destroy(tight);
}

/* What clipping leaves of a gradient, seen through one step of rate 1 */
static double
clipped_step(const char *optimizer, real *weights, NnStepStats *stats)
{
	static real before[MAX_WEIGHTS];
	NnGraph    *graph = open_model(weights);
	NnTrainOptions options = make_options("triplet", optimizer, ROWS, NULL);
	NnTrainer  *trainer = nn_trainer_create(arena, graph, &options, weights,
											&status);
	double		squares = 0;

	memcpy(before, weights, nn_graph_weights(graph) * sizeof(real));
	CHECK(nn_trainer_step(trainer, NN_UINT8, byte_rows, labels, ROWS, stats,
						  &status));
	for (size_t i = 0; i < nn_graph_weights(graph); i++)
		squares += pow(weights[i] - before[i], 2);
	return sqrt(squares);
}

static void
test_clipping(void)
{
	static real weights[MAX_WEIGHTS];
	static real others[MAX_WEIGHTS];
	NnStepStats stats;
	double		norm = clipped_step("sgd learning_rate=1", weights, &stats);
	double		clipped;
	char		text[100];

	CHECK(norm > 0);
	CHECK_NEAR(stats.gradient_norm, norm, 1e-5);
	/* a limit that is not reached changes nothing */
	CHECK_NEAR(clipped_step("sgd learning_rate=1 global_clipnorm=1000", others,
							&stats), norm, 1e-5);
	CHECK(memcmp(weights, others, sizeof(weights)) == 0);
	CHECK_NEAR(stats.gradient_norm, norm, 1e-5);
	snprintf(text, sizeof(text), "sgd learning_rate=1 global_clipnorm=%g",
			 norm / 2);
	CHECK_NEAR(clipped_step(text, others, &stats), norm / 2, 1e-4);
	CHECK_NEAR(stats.gradient_norm, norm, 1e-5);
	snprintf(text, sizeof(text), "sgd learning_rate=1 clipnorm=%g", norm / 2);
	clipped = clipped_step(text, others, &stats);
	CHECK(clipped > norm / 2 && clipped < norm);
	snprintf(text, sizeof(text), "sgd learning_rate=1 clipvalue=%g",
			 norm / 100);
	clipped = clipped_step(text, others, &stats);
	CHECK(clipped > norm / 100 && clipped < norm);
}

/* The learning rate of each step is the schedule's. */
static void
test_schedule(void)
{
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_model(weights);
	NnTrainOptions options = make_options("triplet", "lamb learning_rate=0.01",
										  ROWS, NULL);
	NnTrainer  *trainer;
	NnStepStats stats;

	options.schedule = nn_schedule_type("cosine", &status);
	params_init(&options.schedule_params, "schedule",
				nn_schedule_description(options.schedule)->params);
	options.total_steps = 4;
	trainer = nn_trainer_create(arena, graph, &options, weights, &status);
	for (int step = 0; step < 6; step++)
	{
		CHECK(nn_trainer_step(trainer, NN_UINT8, byte_rows, labels, ROWS,
							  &stats, &status));
		CHECK_NEAR(stats.learning_rate,
				   0.005 * (1 + cos(3.14159265358979 * fmin(step, 4) / 4)),
				   1e-12);
	}
}

/* Losses with proxies and with memory, optimizers that keep the gradient */
static void
test_memory_plans_of_parameters(void)
{
	static const char *const losses[] = {"proxy_anchor", "triplet memory_size=500", "vicreg", NULL};
	static const char *const optimizers[] = {"adam clipnorm=1", "lamb", "sgd momentum=0.9", "rmsprop centered=true momentum=0.5", NULL};
	static real weights[MAX_WEIGHTS];

	for (int l = 0; losses[l] != NULL; l++)
	{
		for (int o = 0; optimizers[o] != NULL; o++)
		{
			NnTrainOptions options = make_options(losses[l], optimizers[o], 40,
												  NULL);

			check_plan(&options, 1, weights);
		}
	}
}

static void
test_memory_plans(void)
{
	static real weights[MAX_WEIGHTS];

	for (int threads = 1; threads <= 5; threads++)
	{
		ThreadPool *pool = pool_create(threads, &status);

		for (int batch = 1; batch < 400; batch = batch * 2 + 1)
		{
			NnTrainOptions options = make_options("triplet",
												  batch % 3 == 0 ? "adam" :
												  "sgd", batch, pool);

			check_plan(&options, threads, weights);
		}
		pool_destroy(pool);
	}
}

static void
test_allocation_failures(void)
{
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_model(weights);
	NnTrainOptions options = make_options("triplet", "adam", ROWS, NULL);
	Arena	   *failing = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	size_t		trainer_failures = 0;
	size_t		infer_failures = 0;

	for (;; trainer_failures++)
	{
		arena_reset(failing);
		arena_fail_at(failing, trainer_failures + 1);
		status_clear(&status);
		if (nn_trainer_create(failing, graph, &options, weights,
							  &status) != NULL)
			break;
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
	}
	for (;; infer_failures++)
	{
		arena_reset(failing);
		arena_fail_at(failing, infer_failures + 1);
		status_clear(&status);
		if (nn_infer_create(failing, graph, weights, 4, NULL, &status) != NULL)
			break;
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
	}
	/* a sweep that found nothing to fail would prove nothing */
	CHECK(trainer_failures > 15 && infer_failures == 4);
	arena_destroy(failing);
}

static void
test_divergence(void)
{
	static const char *const losses[] = {"multi_similarity", "triplet", "triplet distance=euclidean"};
	static real weights[MAX_WEIGHTS];
	static real before[MAX_WEIGHTS];
	NnStepStats stats;

	for (int i = 0; i < 3; i++)
	{
		NnGraph    *graph = open_model(weights);
		NnTrainOptions options = make_options(losses[i], "adam", ROWS, NULL);
		NnTrainer  *trainer = nn_trainer_create(arena, graph, &options, weights,
												&status);

		train(trainer, 2);
		/* of the first convolution, the second one, a dense layer */
		weights[i == 0 ? 5 : i == 1 ? 200 : 1000] = NAN;
		memcpy(before, weights, sizeof(weights));
		CHECK(!nn_trainer_step(trainer, NN_UINT8, byte_rows, labels, ROWS,
							   &stats, &status));
		CHECK(status.code == STATUS_DIVERGED);
		CHECK_TEXT(status.message,
				   "training diverged at step 3: the loss is not finite");
		CHECK_TEXT(status.hint, "Lower the learning rate.");
		CHECK(memcmp(before, weights, sizeof(weights)) == 0);
		if (!unit_ok)
			printf("# ... in \"%s\"\n", losses[i]);
	}
}

/* The caller's thread computes with denormals again after a step or a run. */
static void
test_denormals_are_restored(void)
{
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_model(weights);
	NnTrainOptions options = make_options("triplet", "adam", ROWS, NULL);
	NnTrainer  *trainer = nn_trainer_create(arena, graph, &options, weights,
											&status);
	float		out[ROWS * 8];
	volatile float tiny = 1e-40f;
	unsigned	saved;

	train(trainer, 2);
	CHECK(tiny * 0.5f > 0);
	embed(graph, weights, ROWS, NULL, NN_UINT8, ROWS, out);
	CHECK(tiny * 0.5f > 0);
#if defined(__x86_64__)
	saved = nn_flush_denormals();
	CHECK(tiny * 0.5f == 0);
	nn_restore_denormals(saved);
	/* also the rounding mode and whatever else was set */
	saved = _mm_getcsr();
	_mm_setcsr(saved | _MM_ROUND_TOWARD_ZERO);
	train(trainer, 1);
	CHECK((_mm_getcsr() & _MM_ROUND_MASK) == _MM_ROUND_TOWARD_ZERO);
	_mm_setcsr(saved);
#else
	(void) saved;
#endif
	CHECK(tiny * 0.5f > 0);
}

/* Labels are names: any integers, and batches smaller than the largest */
static void
test_small_batches(void)
{
	static real weights[MAX_WEIGHTS];
	NnGraph    *graph = open_model(weights);
	NnTrainOptions options = make_options("multi_similarity", "adam", ROWS,
										  NULL);
	NnTrainer  *trainer = nn_trainer_create(arena, graph, &options, weights,
											&status);
	NnStepStats stats;

	for (int n = 1; n <= ROWS; n++)
		CHECK(nn_trainer_step(trainer, NN_FLOAT32, float_rows, labels, n,
							  &stats, &status));
	CHECK(nn_trainer_step(trainer, NN_FLOAT32, float_rows, labels, 1, &stats,
						  &status));
	CHECK(stats.loss == 0 && isnan(stats.avg_positive) &&
		  isnan(stats.avg_negative));
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
	RUN(test_overfits_one_batch);
	RUN(test_pairs_overfit_one_batch);
	RUN(test_state);
	RUN(test_inference_equals_forward);
	RUN(test_thread_counts_agree);
	RUN(test_clipping);
	RUN(test_schedule);
	RUN(test_memory_plans);
	RUN(test_memory_plans_of_parameters);
	RUN(test_allocation_failures);
	RUN(test_divergence);
	RUN(test_denormals_are_restored);
	RUN(test_small_batches);
	arena_destroy(arena);
	return unit_done();
}
