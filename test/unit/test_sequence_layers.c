/*
 * test_sequence_layers.c
 *	  Layers of sequences and of ids, as test_layers.c does.
 *
 * test_double_sequence_layers.c is the same program with the engine computing in
 * double.
 */
#include "layer_case.h"

static void
test_attention(void)
{
	check_layer(SHAPE(7, 6), "multi_head_attention num_heads=2 key_dim=3");
	check_layer(SHAPE(5, 4),
				"multi_head_attention num_heads=3 key_dim=2 value_dim=5 use_bias=false");
	check_layer(SHAPE(1, 3), "multi_head_attention num_heads=1 key_dim=4");
	/* several tiles of queries, the last of them not whole */
	check_layer(SHAPE(300, 2), "multi_head_attention num_heads=1 key_dim=2");
	/* several groups of sequences */
	check_batch(SHAPE(50, 3), "multi_head_attention num_heads=2 key_dim=2", 7,
				2);
}

/* sum slope * out of the layer itself, at weights that are moved by step */
static double
moved_sum(Bench *bench, const double *direction, double step)
{
	real	   *weights = (real *) bench->pass.weights;
	double		sum = 0;

	for (size_t w = 0; w < bench->nweights; w++)
		weights[w] = (real) (bench->weights[w] + step * direction[w]);
	bench->layer.type->forward(&bench->layer, &bench->pass, bench->real_in,
							   bench->out, bench->saved);
	for (size_t o = 0; o < (size_t) bench->n * bench->layer.outputs; o++)
		sum += bench->slope[o] * bench->out[o];
	return sum;
}

/*
 * The reference has no dropout: the derivative along one direction is that of
 * the layer itself.  The mask is the same in backward, and another one in
 * another step; outside of training there is none.
 */
static void
test_attention_dropout(void)
{
	static const double step = sizeof(real) == 8 ? 1e-5 : 1e-2;
	static const double tolerance = sizeof(real) == 8 ? 1e-8 : 2e-3;
	Bench		bench;
	double	   *direction;
	double		slope = 0;
	double		expected;
	double		dropped;

	CHECK(open_bench(&bench, SHAPE(9, 6),
					 "multi_head_attention num_heads=2 key_dim=3 dropout=0.4", 3));
	CHECK(bench.layer.random);
	direction = arena_alloc_array(arena, bench.nweights, sizeof(double));
	random_numbers(direction, bench.nweights, 5, 0.1);
	expected = (moved_sum(&bench, direction, step) -
				moved_sum(&bench, direction, -step)) / (2 * step);
	dropped = moved_sum(&bench, direction, 0);
	run_backward(&bench, true);
	for (size_t w = 0; w < bench.nweights; w++)
		slope += bench.gradient[w] * direction[w];
	CHECK_NEAR(slope, expected, tolerance * (1 + fabs(expected)));
	bench.pass.step++;
	CHECK(fabs(moved_sum(&bench, direction, 0) - dropped) > 1e-3);
	bench.pass.training = false;
	bench.saved = NULL;
	check_forward(&bench);
}

static void
test_sequences(void)
{
	check_layer(SHAPE(4, 5), "class_token");
	check_layer(SHAPE(4, 5), "position_embedding");
	check_layer(SHAPE(4, 5), "select index=2");
	check_layer(SHAPE(3, 2, 2), "select");
	check_layer(SHAPE(4, 3, 5), "layer_scale");
	check_layer(SHAPE(7), "layer_scale init_values=0.5");
}

/*
 * Ids up to most for an embedding: forward, and dE beside finite differences.
 * Several bands of the table, threads, and ids that stand in several bags.
 */
static void
check_embedding(NnShape input, const char *text, int most, int threads)
{
	Bench		bench;
	Status		status;
	Random		random;

	pool = threads == 1 ? NULL : pool_create(threads, &status);
	CHECK(open_bench(&bench, input, text, 4));
	random_init(&random, 6, 0);
	for (size_t i = 0; i < 4 * bench.layer.inputs; i++)
		bench.real_in[i] = (real) (bench.in[i] =
								   random_below(&random, (uint32_t) most + 1));
	check_forward(&bench);
	run_backward(&bench, false);
	for (size_t w = 0; w < bench.nweights; w++)
		CHECK(bench.written[w] == 1);
	for (size_t w = 0; w < bench.nweights; w += bench.nweights / 60 + 1)
		CHECK_NEAR(bench.gradient[w],
				   difference(&bench, &bench.weights[w], -1),
				   GRADIENT_TOLERANCE * 10);
	pool_destroy(pool);
	pool = NULL;
}

static void
test_embedding(void)
{
	for (int threads = 1; threads <= 3; threads += 2)
	{
		check_embedding(SHAPE(5), "embedding input_dim=9 output_dim=3", 8,
						threads);
		check_embedding(SHAPE(2, 3, 2), "embedding input_dim=4 output_dim=5",
						3, threads);
		check_embedding(SHAPE(7), "embedding input_dim=900 output_dim=100",
						899, threads);
		check_embedding(SHAPE(6), "embedding_bag input_dim=5 output_dim=3", 4,
						threads);
		check_embedding(SHAPE(3, 4),
						"embedding_bag input_dim=6 output_dim=4 mode=sum", 5,
						threads);
		check_embedding(SHAPE(4),
						"embedding_bag input_dim=3 output_dim=2 padding_idx=0",
						2, threads);
		check_embedding(SHAPE(3, 4),
						"embedding_bag input_dim=6 output_dim=4 mode=max", 5,
						threads);
		check_embedding(SHAPE(3),
						"embedding_bag input_dim=900 output_dim=100 mode=max padding_idx=7",
						9, threads);
	}
}

/* An output of zeros, and no weight that learns from it */
static void
check_nothing(Bench *bench)
{
	bench->layer.type->forward(&bench->layer, &bench->pass, bench->real_in,
							   bench->out, NULL);
	CHECK(bench->out[0] == 0 && bench->out[1] == 0);
	run_backward(bench, true);
	for (size_t w = 0; w < bench->nweights; w++)
		CHECK(bench->gradient[w] == 0);
}

/* What nn_check_ids() would refuse does no harm; all padding gives zeros. */
static void
test_embedding_other_numbers(void)
{
	static const real wrong[] = {-1, 3, 0.5, NAN, INFINITY, -INFINITY, 1e30f};
	Bench		bench;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		CHECK(open_bench(&bench, SHAPE(1), "embedding input_dim=3 output_dim=2",
						 1));
		bench.real_in[0] = wrong[i];
		check_nothing(&bench);
	}
	for (int i = 0; i < 2; i++)
	{
		CHECK(open_bench(&bench, SHAPE(2), i == 0 ?
						 "embedding_bag input_dim=3 output_dim=2 padding_idx=2" :
						 "embedding_bag input_dim=3 output_dim=2 mode=max padding_idx=2",
						 1));
		bench.real_in[0] = bench.real_in[1] = 2;
		check_nothing(&bench);
	}
}

int
main(void)
{
	Status		status;

	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	kernel_init();
	if (!gemm_load(&status))
	{
		printf("Bail out! %s\n", status.message);
		return EXIT_FAILURE;
	}
	RUN(test_attention);
	RUN(test_attention_dropout);
	RUN(test_sequences);
	RUN(test_embedding);
	RUN(test_embedding_other_numbers);
	arena_destroy(arena);
	return unit_done();
}
