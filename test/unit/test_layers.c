/*
 * test_layers.c
 *	  Every layer, forward against a plain reference in double and backward
 *	  against finite differences of that reference.
 *
 * Those of sequences and ids: test_sequence_layers.c.
 *
 * test_double_layers.c is the same program with the engine computing in
 * double, where gradients must agree to 1e-7.
 */
#include "layer_case.h"

/*
 * In the transformed domain: tiles that end with the image and others, both
 * paddings, an activation in the loop, one after it, and one that is not
 * monotonic.  BATCH rows of all are enough tiles.
 */
static void
test_conv2d_winograd(void)
{
	Bench		bench;

	check_layer(SHAPE(16, 16, 32),
				"conv2d filters=32 kernel_size=3 padding=same activation=relu");
	check_layer(SHAPE(17, 20, 32), "conv2d filters=48 kernel_size=3");
	check_layer(SHAPE(16, 15, 48),
				"conv2d filters=32 kernel_size=3 padding=same use_bias=false activation=gelu");
	CHECK(open_bench(&bench, SHAPE(16, 16, 32),
					 "conv2d filters=32 kernel_size=3 padding=same", 4));
	CHECK(nn_conv_is_winograd(&bench.layer, 4));
	CHECK(!nn_conv_is_winograd(&bench.layer, 3));
}

static void
test_conv2d_direct(void)
{
	check_layer(SHAPE(6, 7, 1), "conv2d filters=16 kernel_size=3");
	check_layer(SHAPE(6, 7, 2),
				"conv2d filters=32 kernel_size=3 activation=relu");
	check_layer(SHAPE(5, 4, 3),
				"conv2d filters=16 kernel_size=2,3 strides=2,1 padding=same activation=tanh");
	check_layer(SHAPE(5, 5, 1),
				"conv2d filters=16 kernel_size=3 use_bias=false activation=relu");
	check_layer(SHAPE(4, 4, 1), "conv2d filters=16 kernel_size=1");
}

/* Root mean square of x - y beside that of y */
static double
relative_error(const real *x, const double *y, size_t n)
{
	double		error = 0;
	double		size = 0;

	for (size_t i = 0; i < n; i++)
	{
		error += (x[i] - y[i]) * (x[i] - y[i]);
		size += y[i] * y[i];
	}
	return sqrt(error / size);
}

static double *
to_double(const real *x, size_t n)
{
	double	   *out = arena_alloc_array(arena, n, sizeof(double));

	for (size_t i = 0; i < n; i++)
		out[i] = x[i];
	return out;
}

/*
 * The transformed domain loses little: outputs are as exact as 2e-6 of their
 * size (4e-6 of 512 channels) and as four times the error in memory; gradients
 * agree to 4e-6.
 */
static void
check_winograd_error(int side, int channels)
{
	Bench		bench;
	NnConvTask	task;
	char		text[80];
	double	   *expected;
	double	   *din;
	double	   *gradient;
	double		direct;
	double		winograd;
	size_t		inputs;
	size_t		outputs;

	snprintf(text, sizeof(text),
			 "conv2d filters=%d kernel_size=3 padding=same", channels);
	CHECK(open_bench(&bench, SHAPE(side, side, channels), text, 4));
	inputs = 4 * bench.layer.inputs;
	outputs = 4 * bench.layer.outputs;
	expected = arena_alloc_array(arena, outputs, sizeof(double));
	for (int i = 0; i < 4; i++)
		reference(&bench.layer, bench.weights,
				  bench.in + (size_t) i * bench.layer.inputs,
				  expected + (size_t) i * bench.layer.outputs);
	task = (NnConvTask)
	{
		.layer = &bench.layer,.pass = &bench.pass,.in = bench.real_in,
			.writable_out = bench.out,.out = bench.out,.din = bench.din,
			.dout = to_real(bench.slope, outputs)
	};
	bench.pass.scratch_size = nn_conv_direct_scratch(&bench.layer, 4) +
		nn_conv_winograd_scratch(&bench.layer);
	bench.pass.scratch = arena_alloc_array(arena, bench.pass.scratch_size,
										   sizeof(real));
	nn_conv_direct_forward(&task);
	direct = relative_error(bench.out, expected, outputs);
	nn_conv_winograd_forward(&task);
	winograd = relative_error(bench.out, expected, outputs);
	printf("# %d channels: error in memory %.2g, transformed %.2g\n", channels,
		   direct, winograd);
	CHECK(winograd < (channels > 64 ? 4e-6 : 2e-6));
	CHECK(winograd < 4 * direct + 1e-14);

	nn_conv_direct_backward(&task);
	din = to_double(bench.din, inputs);
	gradient = to_double(bench.gradient, bench.nweights);
	nn_conv_winograd_backward(&task);
	CHECK(relative_error(bench.din, din, inputs) < 4e-6);
	CHECK(relative_error(bench.gradient, gradient, bench.nweights) < 4e-6);
}

static void
test_conv2d_winograd_error(void)
{
	check_winograd_error(16, 64);
	check_winograd_error(4, 512);
}

/*
 * The gradient of the input where windows step over pixels, with and without
 * pixels that no window sees
 */
static void
test_conv2d_strides(void)
{
	check_layer(SHAPE(7, 8, 16),
				"conv2d filters=16 kernel_size=3 strides=2 padding=same activation=relu");
	check_layer(SHAPE(5, 6, 16), "conv2d filters=16 kernel_size=1 strides=2");
	check_layer(SHAPE(7, 9, 16),
				"conv2d filters=32 kernel_size=2,5 strides=3,2 padding=same");
	check_layer(SHAPE(9, 8, 16), "conv2d filters=16 kernel_size=3 strides=1,4");
	check_layer(SHAPE(1, 5, 32),
				"conv2d filters=16 kernel_size=3 strides=2 padding=same");
}

static void
test_conv2d_product(void)
{
	check_layer(SHAPE(6, 7, 1), "conv2d filters=3 kernel_size=3");
	check_layer(SHAPE(7, 5, 4),
				"conv2d filters=16 kernel_size=3 activation=relu");
	check_layer(SHAPE(5, 6, 2),
				"conv2d filters=5 kernel_size=2 strides=2 activation=sigmoid");
	check_layer(SHAPE(5, 6, 2),
				"conv2d filters=5 kernel_size=4,1 strides=1,3 activation=tanh use_bias=false");
}

static void
test_conv2d_same(void)
{
	check_layer(SHAPE(5, 6, 2), "conv2d filters=3 kernel_size=3 padding=same");
	check_layer(SHAPE(5, 6, 2), "conv2d filters=3 kernel_size=2 padding=same");
	check_layer(SHAPE(5, 6, 2),
				"conv2d filters=3 kernel_size=3 strides=2 padding=same");
	check_layer(SHAPE(5, 6, 1),
				"conv2d filters=2 kernel_size=4,5 strides=3,2 padding=same activation=relu");
	check_layer(SHAPE(2, 3, 1), "conv2d filters=2 kernel_size=7 padding=same");
	check_layer(SHAPE(1, 1, 3),
				"conv2d filters=2 kernel_size=1 strides=5 padding=same");
}

/* As many zeros on each side, also where "same" would have an odd row */
static void
test_symmetric_padding(void)
{
	check_layer(SHAPE(6, 8, 2),
				"conv2d filters=3 kernel_size=3 strides=2 padding=symmetric");
	check_layer(SHAPE(6, 5, 3),
				"conv2d filters=16 kernel_size=7 strides=2 padding=symmetric activation=relu");
	check_layer(SHAPE(6, 6, 16),
				"conv2d filters=16 kernel_size=3,5 padding=symmetric");
	check_layer(SHAPE(6, 4, 5),
				"depthwise_conv2d kernel_size=5 strides=2 padding=symmetric");
	check_layer(SHAPE(6, 8, 3),
				"max_pooling2d pool_size=3 strides=2 padding=symmetric");
	check_layer(SHAPE(6, 8, 3),
				"average_pooling2d pool_size=3 strides=2 padding=symmetric");
}

/* Rows and columns of outputs, and the zeros above and to the left */
static void
test_symmetric_window(void)
{
	Bench		bench;

	CHECK(open_bench(&bench, SHAPE(224, 7, 1),
					 "conv2d filters=2 kernel_size=7 strides=2 padding=symmetric", 1));
	CHECK(bench.layer.output.dim[0] == 112 && bench.layer.output.dim[1] == 4);
	CHECK(bench.layer.window.pad_top == 3 && bench.layer.window.pad_left == 3);
	CHECK(open_bench(&bench, SHAPE(4, 4, 1),
					 "conv2d filters=2 kernel_size=2 padding=symmetric", 1));
	CHECK(bench.layer.output.dim[0] == 3 && bench.layer.window.pad_top == 0);
}

/* More pixels than a tile of patches holds */
static void
test_conv2d_tiles(void)
{
	check_layer(SHAPE(19, 17, 40),
				"conv2d filters=4 kernel_size=3 activation=relu");
	check_layer(SHAPE(50, 52, 3), "conv2d filters=16 kernel_size=3");
}

static void
test_dense(void)
{
	check_layer(SHAPE(7), "dense units=5");
	check_layer(SHAPE(7), "dense units=5 activation=relu");
	check_layer(SHAPE(7), "dense units=5 activation=sigmoid use_bias=false");
	check_layer(SHAPE(7), "dense units=1 activation=tanh");
	check_layer(SHAPE(1), "dense units=3 activation=linear");
}

/* Along the last dimension of any shape; in blocks, and not */
static void
test_dense_sequences(void)
{
	check_layer(SHAPE(6, 7), "dense units=5 activation=gelu");
	check_layer(SHAPE(2, 3, 7), "dense units=16 activation=relu");
	check_layer(SHAPE(19, 16), "dense units=32 use_bias=false");
	check_layer(SHAPE(2, 2, 1, 3), "dense units=4 activation=softmax");
}

/* Bands of the kernel, the last one shorter, and slices of it */
static void
test_dense_bands(void)
{
	check_layer(SHAPE(1500), "dense units=64 activation=relu");
	check_layer(SHAPE(3), "dense units=40000");
}

/* Each number of rows that reads the kernel where it is, with bands turned */
static void
test_dense_few_rows(void)
{
	for (int n = 2; n <= 13; n++)
	{
		check_batch(SHAPE(272), "dense units=64", n, 1);
		check_batch(SHAPE(600), "dense units=16 activation=relu", n, 3);
	}
	check_batch(SHAPE(304), "metric_embedding units=48", 47, 1);
}

#define FEW_ROWS 13
#define TAPS 300
#define MAX_UNITS 80

/*
 * nn_dense_add() within the bound of a sum in order, gamma_k sum |x w|, and a
 * row with the same bits whichever rows stand beside it, w packed or not.
 */
static void
check_dense_add(int units)
{
	static double x64[FEW_ROWS * TAPS];
	static double w64[TAPS * MAX_UNITS];
	static real packed[TAPS * MAX_UNITS];
	static real one[MAX_UNITS];
	static real all[FEW_ROWS * MAX_UNITS];
	real	   *x;
	real	   *w;

	random_numbers(x64, FEW_ROWS * TAPS, 1, 1);
	random_numbers(w64, (size_t) (TAPS * units), 2, 1);
	x = to_real(x64, FEW_ROWS * TAPS);
	w = to_real(w64, (size_t) (TAPS * units));
	for (int u = 0; u < units; u++)
		for (int t = 0; t < TAPS; t++)
			packed[u / nn_conv_block * TAPS * nn_conv_block +
				   t * nn_conv_block + u % nn_conv_block] = w[t * units + u];
	for (int n = 1; n <= FEW_ROWS; n++)
	{
		memset(all, 0, sizeof(all));
		nn_dense_add(n, x, TAPS, w, false, TAPS, units, all);
		for (int i = 0; i < n; i++)
		{
			memset(one, 0, sizeof(one));
			nn_dense_add(1, x + i * TAPS, TAPS, packed, true, TAPS, units,
						 one);
			CHECK(memcmp(one, all + i * units,
						 (size_t) units * sizeof(real)) == 0);
		}
	}
	for (int i = 0; i < FEW_ROWS * units; i++)
	{
		double		sum = 0;
		double		sizes = 0;

		for (int t = 0; t < TAPS; t++)
		{
			double		term = (double) x[i / units * TAPS + t] *
			w[t * units + i % units];

			sum += term;
			sizes += fabs(term);
		}
		CHECK(fabs(all[i] - sum) <= sizes * (TAPS * ROUNDING + 1e-13));
	}
}

/* Blocks of rows turned around, with columns left over by vectors and without */
static void
check_turn(int columns)
{
	static real rows[64 * MAX_UNITS];
	static real turned[64 * MAX_UNITS];
	int			block = nn_conv_block;

	for (int i = 0; i < block * columns; i++)
		rows[i] = (real) i;
	nn_conv_turn(rows, (size_t) columns, turned);
	for (int i = 0; i < block * columns; i++)
		CHECK(turned[i] == rows[i % block * columns + i / block]);
}

static void
test_dense_kernels(void)
{
	for (int units = nn_conv_block; units <= MAX_UNITS; units += nn_conv_block)
		check_dense_add(units);
	for (int columns = 1; columns <= MAX_UNITS; columns++)
		check_turn(columns);
}

/* Rows enough that backward copies and turns bands, the last in blocks or not */
static void
test_dense_copies(void)
{
	for (int threads = 1; threads <= 3; threads += 2)
	{
		check_batch(SHAPE(272), "dense units=64", 50, threads);
		check_batch(SHAPE(600), "dense units=16 activation=relu", 101, threads);
		check_batch(SHAPE(300), "metric_embedding units=48", 64, threads);
		check_batch(SHAPE(40), "dense units=5", 50, threads);
	}
}

static void
test_metric_embedding(void)
{
	check_layer(SHAPE(6), "metric_embedding units=4");
	check_layer(SHAPE(6), "metric_embedding units=4 use_bias=false");
	check_layer(SHAPE(3), "metric_embedding units=1");
}

/* A row shorter than 1e-6 is divided by 1e-6: the layer is linear there. */
static void
test_metric_embedding_clipped(void)
{
	Bench		bench;

	CHECK(open_bench(&bench, SHAPE(4),
					 "metric_embedding units=3 use_bias=false", 2));
	for (size_t i = 0; i < 8; i++)
		bench.real_in[i] = (real) (bench.in[i] *= i < 4 ? 1e-9 : 0);
	check_forward(&bench);
	run_backward(&bench, true);
	for (int i = 0; i < 4; i++)
	{
		double		expected = 0;

		for (int u = 0; u < 3; u++)
			expected += 1e6 * bench.weights[i * 3 + u] * bench.slope[u];
		CHECK_NEAR(bench.din[i] / 1e6, expected / 1e6, 1e-5);
	}
	for (int u = 0; u < 3; u++)
		CHECK(bench.out[3 + u] == 0);
}

static void
test_max_pooling2d(void)
{
	check_layer(SHAPE(6, 6, 3), "max_pooling2d");
	check_layer(SHAPE(5, 7, 2), "max_pooling2d pool_size=2");
	check_layer(SHAPE(5, 7, 2), "max_pooling2d pool_size=3 strides=1");
	check_layer(SHAPE(5, 7, 2),
				"max_pooling2d pool_size=3,2 strides=2,3 padding=same");
	check_layer(SHAPE(3, 3, 1),
				"max_pooling2d pool_size=5 strides=2 padding=same");
	/* channels in whole vectors, and some that are left */
	check_layer(SHAPE(6, 6, 16), "max_pooling2d");
	check_layer(SHAPE(5, 7, 19),
				"max_pooling2d pool_size=3,2 strides=2,1 padding=same");
}

/*
 * Where a window's number is none the maximum is none, of equal numbers the
 * first wins, and of a window of -infinity tap 0: in vectors and beside them.
 */
static void
test_max_pooling2d_special(void)
{
	Bench		bench;
	const int	channels = 19;

	CHECK(open_bench(&bench, SHAPE(2, 2, 19), "max_pooling2d", 1));
	for (int c = 0; c < channels; c++)
	{
		real	   *x = bench.real_in + c;

		x[0] = x[channels] = x[2 * channels] = x[3 * channels] = -INFINITY;
		if (c % 3 == 0)
			x[(c % 2 + 1) * channels] = NAN;
		else if (c % 3 == 1)
			x[2 * channels] = x[3 * channels] = (real) c;
	}
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, bench.saved);
	run_backward(&bench, true);
	for (int c = 0; c < channels; c++)
	{
		int			winner = c % 3 == 0 ? c % 2 + 1 : c % 3 == 1 ? 2 : 0;

		CHECK(c % 3 == 0 ? isnan(bench.out[c]) : c % 3 == 1 ?
			  bench.out[c] == (real) c : bench.out[c] == -INFINITY);
		for (int tap = 0; tap < 4; tap++)
			CHECK(bench.din[tap * channels + c] ==
				  (tap == winner ? (real) bench.slope[c] : 0));
	}
}

/* The first of equal numbers gets the whole gradient. */
static void
test_max_pooling2d_ties(void)
{
	Bench		bench;

	CHECK(open_bench(&bench, SHAPE(2, 2, 1), "max_pooling2d", 1));
	for (int i = 0; i < 4; i++)
		bench.real_in[i] = 0;
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, bench.saved);
	run_backward(&bench, true);
	CHECK(bench.din[0] == (real) bench.slope[0] && bench.din[1] == 0 &&
		  bench.din[2] == 0 && bench.din[3] == 0);
}

static void
test_activations(void)
{
	static const char *const names[] = {
		"linear", "relu", "relu6", "leaky_relu", "gelu", "silu", "sigmoid",
		"hard_sigmoid", "hard_swish", "tanh", "softmax"
	};
	char		text[100];

	for (int i = 0; i < 11; i++)
	{
		snprintf(text, sizeof(text), "activation activation=%s", names[i]);
		check_layer(SHAPE(3, 2, 7), text);
		check_layer(SHAPE(5), text);
		snprintf(text, sizeof(text), "dense units=6 activation=%s", names[i]);
		check_layer(SHAPE(5), text);
		snprintf(text, sizeof(text),
				 "conv2d filters=%d kernel_size=2 activation=%s",
				 i % 2 ? 16 : 5, names[i]);
		check_layer(SHAPE(4, 3, 2), text);
	}
}

static void
test_depthwise_conv2d(void)
{
	check_layer(SHAPE(6, 7, 5), "depthwise_conv2d kernel_size=3");
	check_layer(SHAPE(5, 4, 3),
				"depthwise_conv2d kernel_size=2,3 strides=2,1 padding=same depth_multiplier=2 activation=silu");
	check_layer(SHAPE(5, 5, 17),
				"depthwise_conv2d kernel_size=3 use_bias=false activation=relu6 padding=same");
	check_layer(SHAPE(1, 1, 1), "depthwise_conv2d kernel_size=1");
}

static void
test_average_pooling2d(void)
{
	check_layer(SHAPE(6, 6, 3), "average_pooling2d");
	check_layer(SHAPE(5, 7, 2), "average_pooling2d pool_size=3 strides=1");
	check_layer(SHAPE(5, 7, 2),
				"average_pooling2d pool_size=3,2 strides=2,3 padding=same");
	check_layer(SHAPE(3, 3, 1),
				"average_pooling2d pool_size=5 strides=2 padding=same");
}

static void
test_global_pooling(void)
{
	check_layer(SHAPE(4, 3, 5), "global_average_pooling2d");
	check_layer(SHAPE(4, 3, 5), "global_average_pooling2d keepdims=true");
	check_layer(SHAPE(4, 3, 5), "global_max_pooling2d");
	check_layer(SHAPE(1, 1, 2), "global_max_pooling2d keepdims=true");
	check_layer(SHAPE(4, 3, 5), "generalized_mean_pooling2d");
	check_layer(SHAPE(4, 3, 5), "generalized_mean_pooling2d p=0");
	check_layer(SHAPE(4, 3, 5),
				"generalized_mean_pooling2d p=-1.5 keepdims=true");
	check_layer(SHAPE(7, 3), "generalized_mean_pooling1d p=2");
	check_layer(SHAPE(1, 3), "generalized_mean_pooling1d");
}

/* Values and shapes of TensorFlow Similarity's own tests */
static void
check_generalized_mean(NnShape input, const char *text, NnShape output,
					   double value)
{
	Bench		bench;

	CHECK(open_bench(&bench, input, text, 3));
	CHECK(bench.layer.output.rank == output.rank);
	for (int d = 0; d < output.rank; d++)
		CHECK(bench.layer.output.dim[d] == output.dim[d]);
	for (size_t i = 0; i < 3 * bench.layer.inputs; i++)
		bench.real_in[i] = (real) (i + 1);
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, NULL);
	for (size_t i = 0; i < 3 * bench.layer.outputs; i++)
		CHECK_NEAR(bench.out[i],
				   value + (double) (i / bench.layer.outputs * bench.layer.inputs + i % bench.layer.outputs), 1e-6);
}

static void
test_generalized_mean(void)
{
	check_generalized_mean(SHAPE(3, 1), "generalized_mean_pooling1d p=1",
						   SHAPE(1), 2);
	check_generalized_mean(SHAPE(3, 1),
						   "generalized_mean_pooling1d p=1 keepdims=true",
						   SHAPE(1, 1), 2);
	check_generalized_mean(SHAPE(3, 1), "generalized_mean_pooling1d p=0",
						   SHAPE(1), 1.8171206);
	check_generalized_mean(SHAPE(2, 3),
						   "generalized_mean_pooling1d p=1 keepdims=true",
						   SHAPE(1, 3), 2.5);
	check_generalized_mean(SHAPE(2, 3, 4), "generalized_mean_pooling2d p=1",
						   SHAPE(4), 11);
	check_generalized_mean(SHAPE(2, 3, 4),
						   "generalized_mean_pooling2d p=1 keepdims=true",
						   SHAPE(1, 1, 4), 11);
}

/* MetricEmbedding(32): a bias, which begins as zeros, and Glorot's uniform kernel */
static void
test_metric_embedding_defaults(void)
{
	Bench		bench;
	Random		random;
	real	   *weights;
	double		limit = sqrt(6.0 / (100 + 32));
	double		largest = 0;

	CHECK(open_bench(&bench, SHAPE(100), "metric_embedding units=32", 1));
	CHECK(bench.layer.ntensors == 2 && bench.nweights == 100 * 32 + 32);
	weights = (real *) bench.pass.weights;
	random_init(&random, 1, 1);
	bench.layer.type->init(&bench.layer, &random, weights);
	for (int i = 0; i < 100 * 32; i++)
	{
		largest = fmax(largest, fabs(weights[i]));
		CHECK(fabs(weights[i]) <= limit);
	}
	CHECK(largest > 0.99 * limit);
	for (int i = 0; i < 32; i++)
		CHECK(weights[100 * 32 + i] == 0);
}

/* Equal numbers share the gradient of the smallest and the largest. */
static void
test_global_ties(void)
{
	Bench		bench;

	CHECK(open_bench(&bench, SHAPE(2, 2, 1), "global_max_pooling2d", 1));
	for (int i = 0; i < 4; i++)
		bench.real_in[i] = i < 2;
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, NULL);
	run_backward(&bench, true);
	CHECK_NEAR(bench.din[0], bench.slope[0] / 2, 1e-6);
	CHECK_NEAR(bench.din[1], bench.slope[0] / 2, 1e-6);
	CHECK(bench.din[2] == 0 && bench.din[3] == 0);
	CHECK(open_bench(&bench, SHAPE(2, 2, 1), "generalized_mean_pooling2d", 1));
	for (int i = 0; i < 4; i++)
		bench.real_in[i] = 5;
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, NULL);
	CHECK_NEAR(bench.out[0], 5, 1e-6);
	run_backward(&bench, true);
	for (int i = 0; i < 4; i++)
		CHECK_NEAR(bench.din[i], bench.slope[0] / 4, 1e-6);
}

static void
test_normalizations(void)
{
	check_layer(SHAPE(4, 3, 5), "batch_normalization");
	check_layer(SHAPE(17), "batch_normalization epsilon=0.1");
	check_layer(SHAPE(3, 2, 2), "batch_normalization center=false");
	check_layer(SHAPE(3, 2, 9), "batch_normalization scale=false");
	check_layer(SHAPE(30, 20, 2), "batch_normalization");
	check_layer(SHAPE(17), "layer_normalization");
	check_layer(SHAPE(4, 3, 5), "layer_normalization center=false");
	check_layer(SHAPE(4, 3, 5),
				"layer_normalization scale=false epsilon=0.000001");
	check_layer(SHAPE(4, 3, 5), "normalization");
	check_layer(SHAPE(6), "normalization mean=2 variance=0");
	check_layer(SHAPE(2, 2, 3),
				"normalization mean=0.5,-1,2 variance=4,1,0.25");
}

/* Moving averages: what a step leaves, and what inference makes of them */
static void
test_batch_normalization_state(void)
{
	Bench		bench;
	const double *state;
	real	   *weights;

	CHECK(open_bench(&bench, SHAPE(2, 3), "batch_normalization momentum=0.9",
					 4));
	weights = (real *) bench.pass.weights;
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, bench.saved);
	bench.layer.type->update_state(&bench.layer, &bench.pass, bench.saved,
								   weights);
	state = bench.weights + bench.ntrained;
	for (int c = 0; c < 3; c++)
	{
		double		mean = 0;
		double		variance = 0;

		for (int r = 0; r < 8; r++)
			mean += bench.in[r * 3 + c] / 8;
		for (int r = 0; r < 8; r++)
			variance += pow(bench.in[r * 3 + c] - mean, 2) / 8;
		CHECK_NEAR(weights[bench.ntrained + c], 0.9 * state[c] + 0.1 * mean,
				   FORWARD_TOLERANCE);
		CHECK_NEAR(weights[bench.ntrained + 3 + c],
				   0.9 * state[3 + c] + 0.1 * variance, FORWARD_TOLERANCE);
	}
	bench.pass.training = false;
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, NULL);
	for (int i = 0; i < 24; i++)
	{
		int			c = i % 3;

		CHECK_NEAR(bench.out[i], (bench.in[i] - weights[bench.ntrained + c]) /
				   sqrt(weights[bench.ntrained + 3 + c] +
						0.001) * weights[c] + weights[3 + c],
				   FORWARD_TOLERANCE);
	}
}

static void
test_shape_layers(void)
{
	check_layer(SHAPE(4, 3, 5), "reshape target_shape=6,10");
	check_layer(SHAPE(12), "reshape target_shape=2,-1,3");
	check_layer(SHAPE(4, 3, 2), "zero_padding2d");
	check_layer(SHAPE(4, 3, 2), "zero_padding2d padding=2,0");
	check_layer(SHAPE(4, 3, 2), "zero_padding2d padding=0,1,2,3");
}

/* First weights have the spread that each initializer promises. */
static void
test_initializers(void)
{
	static const char *const names[] = {
		"glorot_uniform", "glorot_normal", "he_uniform", "he_normal",
		"lecun_uniform", "lecun_normal"
	};

	/* fans of a 3 x 3 kernel from 20 to 60 channels */
	static const double variances[] = {2.0 / 720, 2.0 / 720, 2.0 / 180, 2.0 / 180, 1.0 / 180, 1.0 / 180};

	for (int i = 0; i < 6; i++)
	{
		Bench		bench;
		Random		random;
		double		squares = 0;
		double		largest = 0;
		char		text[100];
		size_t		n = 9 * 20 * 60;
		real	   *weights;

		snprintf(text, sizeof(text),
				 "conv2d filters=60 kernel_size=3 kernel_initializer=%s",
				 names[i]);
		CHECK(open_bench(&bench, SHAPE(4, 4, 20), text, 1));
		random_init(&random, 5, 1);
		weights = (real *) bench.pass.weights;
		bench.layer.type->init(&bench.layer, &random, weights);
		for (size_t w = 0; w < n; w++)
		{
			squares += weights[w] * weights[w];
			largest = fmax(largest, fabs(weights[w]));
		}
		CHECK_NEAR(squares / n / variances[i], 1, 0.04);
		CHECK_NEAR(largest / sqrt(variances[i]), i % 2 == 0 ? sqrt(3) :
				   2 / 0.8796256610342398, 0.01);
	}
}

static void
test_simple_layers(void)
{
	check_layer(SHAPE(3, 2, 2), "rescaling scale=0.5");
	check_layer(SHAPE(5), "rescaling scale=-2 offset=0.25");
	check_layer(SHAPE(3, 2, 2), "flatten");
	check_layer(SHAPE(4), "dropout rate=0");
}

static void
test_dropout(void)
{
	Bench		bench;
	int			zeros = 0;
	int			same = 0;
	real	   *first;
	size_t		n = 20000;

	CHECK(open_bench(&bench, SHAPE(4000), "dropout rate=0.3", 5));
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, NULL);
	run_backward(&bench, true);
	for (size_t i = 0; i < n; i++)
	{
		bool		dropped = bench.out[i] == 0;

		zeros += dropped;
		CHECK_NEAR(bench.out[i], dropped ? 0 : bench.in[i] / 0.7,
				   FORWARD_TOLERANCE);
		CHECK_NEAR(bench.din[i], dropped ? 0 : bench.slope[i] / 0.7,
				   FORWARD_TOLERANCE);
	}
	CHECK(zeros > 5700 && zeros < 6300);

	/* the same step drops the same, another one does not */
	first = arena_alloc_array(arena, n, sizeof(real));
	memcpy(first, bench.out, n * sizeof(real));
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, NULL);
	CHECK(memcmp(first, bench.out, n * sizeof(real)) == 0);
	bench.pass.step++;
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in,
							  bench.out, NULL);
	for (size_t i = 0; i < n; i++)
		same += (first[i] == 0) == (bench.out[i] == 0);
	CHECK(same > 11200 && same < 12000);	/* .58 of them */

	/* outside of training it does nothing */
	bench.pass.training = false;
	check_forward(&bench);
}

/* The sums of several workers and the tiles come out the same every time. */
static void
check_determinism(NnShape input, const char *text)
{
	Bench		bench;
	Status		status;
	real	   *first;

	pool = pool_create(4, &status);
	CHECK(open_bench(&bench, input, text, 9));
	first = arena_alloc_array(arena, bench.nweights, sizeof(real));
	for (int i = 0; i < 20; i++)
	{
		check_forward(&bench);
		run_backward(&bench, true);
		if (i == 0)
			memcpy(first, bench.gradient, bench.nweights * sizeof(real));
		CHECK(memcmp(first, bench.gradient,
					 bench.nweights * sizeof(real)) == 0);
	}
	pool_destroy(pool);
	pool = NULL;
}

static void
test_threads_are_deterministic(void)
{
	check_determinism(SHAPE(12, 12, 3), "conv2d filters=16 kernel_size=3");
	check_determinism(SHAPE(12, 12, 32), "conv2d filters=32 kernel_size=3");
}

int
main(void)
{
	Status		status;

	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_dense_kernels);	/* the portable loops */
	kernel_init();
	if (!gemm_load(&status))
	{
		printf("Bail out! %s\n", status.message);
		return EXIT_FAILURE;
	}
	RUN(test_conv2d_direct);
	RUN(test_conv2d_product);
	RUN(test_conv2d_strides);
	RUN(test_conv2d_same);
	RUN(test_symmetric_padding);
	RUN(test_symmetric_window);
	RUN(test_conv2d_tiles);
	RUN(test_conv2d_winograd);
	RUN(test_conv2d_winograd_error);
	RUN(test_dense);
	RUN(test_dense_sequences);
	RUN(test_dense_bands);
	RUN(test_dense_few_rows);
	RUN(test_dense_kernels);
	RUN(test_dense_copies);
	RUN(test_metric_embedding);
	RUN(test_metric_embedding_defaults);
	RUN(test_metric_embedding_clipped);
	RUN(test_max_pooling2d);
	RUN(test_max_pooling2d_ties);
	RUN(test_max_pooling2d_special);
	RUN(test_activations);
	RUN(test_depthwise_conv2d);
	RUN(test_average_pooling2d);
	RUN(test_global_pooling);
	RUN(test_generalized_mean);
	RUN(test_global_ties);
	RUN(test_normalizations);
	RUN(test_batch_normalization_state);
	RUN(test_shape_layers);
	RUN(test_initializers);
	RUN(test_simple_layers);
	RUN(test_dropout);
	RUN(test_threads_are_deterministic);
	arena_destroy(arena);
	return unit_done();
}
