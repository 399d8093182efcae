/*
 * test_layers.c
 *	  Every layer, forward against a plain reference in double and backward
 *	  against finite differences of that reference.
 *
 * test_double_layers.c is the same program with the engine computing in
 * double, where gradients must agree to 1e-7.
 */
#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "nn/layer.h"
#include "nn_model.h"

#ifdef NN_DOUBLE
#define FORWARD_TOLERANCE 1e-12
#define GRADIENT_TOLERANCE 1e-7
#define ROUNDING 0
#else
#define FORWARD_TOLERANCE 1e-5
#define GRADIENT_TOLERANCE 1e-5
#define ROUNDING 0x1p-24
#endif

#define BATCH 5
#define STEP 1e-6

/* ---- the reference: one row, plain loops ---- */

static double
activate(NnActivation activation, double x)
{
	switch (activation)
	{
		case NN_RELU:
			return x > 0 ? x : 0;
		case NN_SIGMOID:
			return 1 / (1 + exp(-x));
		case NN_TANH:
			return tanh(x);
		default:
			return x;
	}
}

static const double *
tensor_of(const NnLayer *layer, const double *weights, int i)
{
	return i < layer->ntensors ? weights + layer->tensors[i].offset : NULL;
}

static void
conv2d_reference(const NnLayer *layer, const double *weights, const double *in, double *out)
{
	const NnWindow *w = &layer->window;
	const double *weight = tensor_of(layer, weights, 0);
	const double *bias = tensor_of(layer, weights, 1);
	int			filters = layer->output.dim[2];

	for (int y = 0; y < w->out_height; y++)
		for (int x = 0; x < w->out_width; x++)
			for (int f = 0; f < filters; f++)
			{
				double		sum = bias != NULL ? bias[f] : 0;

				for (int ky = 0; ky < w->kernel_height; ky++)
					for (int kx = 0; kx < w->kernel_width; kx++)
						for (int c = 0; c < w->channels; c++)
						{
							int			iy = y * w->stride_y + ky - w->pad_top;
							int			ix = x * w->stride_x + kx - w->pad_left;

							if (iy >= 0 && iy < w->height && ix >= 0 && ix < w->width)
								sum += in[(iy * w->width + ix) * w->channels + c] *
									weight[((ky * w->kernel_width + kx) * w->channels + c) * filters + f];
						}
				out[(y * w->out_width + x) * filters + f] = activate(layer->activation, sum);
			}
}

static void
max_pooling2d_reference(const NnLayer *layer, const double *in, double *out)
{
	const NnWindow *w = &layer->window;

	for (int y = 0; y < w->out_height; y++)
		for (int x = 0; x < w->out_width; x++)
			for (int c = 0; c < w->channels; c++)
			{
				double		most = -INFINITY;

				for (int iy = y * w->stride_y - w->pad_top; iy < y * w->stride_y - w->pad_top + w->kernel_height; iy++)
					for (int ix = x * w->stride_x - w->pad_left; ix < x * w->stride_x - w->pad_left + w->kernel_width; ix++)
						if (iy >= 0 && iy < w->height && ix >= 0 && ix < w->width)
							most = fmax(most, in[(iy * w->width + ix) * w->channels + c]);
				out[(y * w->out_width + x) * w->channels + c] = most;
			}
}

static void
dense_reference(const NnLayer *layer, const double *weights, const double *in, double *out)
{
	const double *weight = tensor_of(layer, weights, 0);
	const double *bias = tensor_of(layer, weights, 1);

	for (size_t u = 0; u < layer->outputs; u++)
	{
		double		sum = bias != NULL ? bias[u] : 0;

		for (size_t i = 0; i < layer->inputs; i++)
			sum += in[i] * weight[i * layer->outputs + u];
		out[u] = activate(layer->activation, sum);
	}
}

static void
metric_embedding_reference(const NnLayer *layer, const double *weights, const double *in, double *out)
{
	double		sum = 0;

	dense_reference(layer, weights, in, out);
	for (size_t u = 0; u < layer->outputs; u++)
		sum += out[u] * out[u];
	for (size_t u = 0; u < layer->outputs; u++)
		out[u] /= sqrt(fmax(sum, 1e-12));
}

static void
reference(const NnLayer *layer, const double *weights, const double *in, double *out)
{
	const char *type = layer->type->description.name;

	if (strcmp(type, "conv2d") == 0)
		conv2d_reference(layer, weights, in, out);
	else if (strcmp(type, "max_pooling2d") == 0)
		max_pooling2d_reference(layer, in, out);
	else if (strcmp(type, "dense") == 0)
		dense_reference(layer, weights, in, out);
	else if (strcmp(type, "metric_embedding") == 0)
		metric_embedding_reference(layer, weights, in, out);
	else if (strcmp(type, "rescaling") == 0)
	{
		for (size_t i = 0; i < layer->outputs; i++)
			out[i] = in[i] * layer->params.values[0].number + layer->params.values[1].number;
	}
	else
		memcpy(out, in, layer->outputs * sizeof(double));
}

/* ---- one layer under test ---- */

typedef struct Bench
{
	NnLayer		layer;
	NnPass		pass;
	int			n;
	size_t		nweights;
	double	   *weights;		/* the same numbers as those in pass.weights */
	double	   *in;
	double	   *slope;			/* of a scalar: sum slope * out */
	real	   *real_in;
	real	   *out;
	real	   *saved;
	real	   *dout;
	real	   *din;
	real	   *gradient;
	int		   *written;		/* how often the sink got each weight */
} Bench;

static Arena *arena;
static ThreadPool *pool;

static void
sink(void *context, size_t offset, size_t count, const real *gradient)
{
	Bench	   *bench = context;

	for (size_t i = 0; i < count; i++)
	{
		bench->gradient[offset + i] = gradient[i];
		__atomic_fetch_add(&bench->written[offset + i], 1, __ATOMIC_RELAXED);
	}
}

/* Numbers that float holds, so that both builds see the same */
static void
random_numbers(double *out, size_t n, uint64_t stream, double scale)
{
	Random		random;

	random_init(&random, 99, stream);
	for (size_t i = 0; i < n; i++)
		out[i] = (float) (random_normal(&random) * scale);
}

static real *
to_real(const double *x, size_t n)
{
	real	   *out = arena_alloc_array(arena, n, sizeof(real));

	for (size_t i = 0; i < n; i++)
		out[i] = (real) x[i];
	return out;
}

/*
 * The tolerance of a sum of n terms of size 1: float rounds each, at random
 * but for the last bit's bias.
 */
static double
sum_tolerance(double tolerance, size_t n)
{
	return tolerance + ROUNDING * 4 * (double) n;
}

static bool
open_bench(Bench *bench, NnShape input, const char *text, int n)
{
	NnLayerSpec spec;
	Status		status;
	NnLayer    *layer = &bench->layer;

	memset(bench, 0, sizeof(*bench));
	arena_reset(arena);
	bench->n = n;
	if (!parse_layer(&spec, text, &status))
		return false;
	layer->type = spec.type;
	layer->params = spec.params;
	layer->number = 3;
	layer->input = input;
	nn_shape_count(&input, &layer->inputs);
	if (!layer->type->shape(layer, &status))
		return false;
	nn_shape_count(&layer->output, &layer->outputs);
	for (int t = 0; t < layer->ntensors; t++)
	{
		layer->tensors[t].offset = bench->nweights;
		bench->nweights += layer->tensors[t].count;
	}
	bench->weights = arena_alloc_array(arena, bench->nweights, sizeof(double));
	bench->in = arena_alloc_array(arena, (size_t) n * layer->inputs, sizeof(double));
	bench->slope = arena_alloc_array(arena, (size_t) n * layer->outputs, sizeof(double));
	random_numbers(bench->weights, bench->nweights, 1, 0.5);
	random_numbers(bench->in, (size_t) n * layer->inputs, 2, 1);
	random_numbers(bench->slope, (size_t) n * layer->outputs, 3, 1);
	bench->real_in = to_real(bench->in, (size_t) n * layer->inputs);
	bench->out = arena_alloc_array(arena, (size_t) n * layer->outputs, sizeof(real));
	bench->din = arena_alloc_array(arena, (size_t) n * layer->inputs, sizeof(real));
	bench->gradient = arena_alloc_zero(arena, bench->nweights * sizeof(real));
	bench->written = arena_alloc_zero(arena, bench->nweights * sizeof(int));
	if (layer->type->saved != NULL)
		bench->saved = arena_alloc_array(arena, (size_t) n * layer->type->saved(layer), sizeof(real));
	bench->pass = (NnPass)
	{
		.n = n,.training = true,.seed = 7,.step = 1,.pool = pool,
			.weights = to_real(bench->weights, bench->nweights),
			.scratch_size = layer->type->scratch == NULL ? 0 : layer->type->scratch(layer, n),
			.sink = sink,.sink_context = bench
	};
	bench->pass.scratch = arena_alloc_array(arena, bench->pass.scratch_size * (size_t) pool_threads(pool),
											sizeof(real));
	return true;
}

static void
run_backward(Bench *bench, bool want_din)
{
	bench->dout = to_real(bench->slope, (size_t) bench->n * bench->layer.outputs);
	memset(bench->written, 0, bench->nweights * sizeof(int));
	bench->layer.type->backward(&bench->layer, &bench->pass, bench->real_in, bench->out,
								bench->saved, bench->dout, want_din ? bench->din : NULL);
}

#define MAX_OUTPUTS 50000

/*
 * Derivative of sum slope * out with respect to *x, over one row or, if row
 * is negative, all; output by output, since the whole sums nearly cancel.
 */
static double
difference(const Bench *bench, double *x, int row)
{
	const NnLayer *layer = &bench->layer;
	static double above[MAX_OUTPUTS];
	static double below[MAX_OUTPUTS];
	double		was = *x;
	double		sum = 0;

	for (int i = row < 0 ? 0 : row; i < (row < 0 ? bench->n : row + 1); i++)
	{
		const double *in = bench->in + (size_t) i * layer->inputs;

		*x = was + STEP;
		reference(layer, bench->weights, in, above);
		*x = was - STEP;
		reference(layer, bench->weights, in, below);
		for (size_t o = 0; o < layer->outputs; o++)
			sum += bench->slope[(size_t) i * layer->outputs + o] * (above[o] - below[o]);
	}
	*x = was;
	return sum / (2 * STEP);
}

static void
check_forward(Bench *bench)
{
	NnLayer    *layer = &bench->layer;
	static double expected[MAX_OUTPUTS];
	double		tolerance = sum_tolerance(FORWARD_TOLERANCE, layer->ntensors > 0 ?
										  layer->tensors[0].count / (size_t) layer->output.dim[layer->output.rank - 1] : 0);

	layer->type->forward(layer, &bench->pass, bench->real_in, bench->out, bench->saved);
	for (int i = 0; i < bench->n; i++)
	{
		reference(layer, bench->weights, bench->in + (size_t) i * layer->inputs, expected);
		for (size_t o = 0; o < layer->outputs; o++)
			CHECK_NEAR(bench->out[(size_t) i * layer->outputs + o], expected[o], tolerance);
	}
}

/* Numbers that are compared: each costs two passes of the reference. */
static size_t
samples(const Bench *bench)
{
	return bench->layer.outputs < 1000 ? 60 : 8;
}

static void
check_gradients(Bench *bench)
{
	const NnLayer *layer = &bench->layer;
	size_t		inputs = (size_t) bench->n * layer->inputs;
	size_t		outputs = (size_t) bench->n * layer->outputs;
	double		tolerance;

	run_backward(bench, true);
	tolerance = sum_tolerance(GRADIENT_TOLERANCE, outputs);
	for (size_t w = 0; w < bench->nweights; w++)
		CHECK(bench->written[w] == 1);
	for (size_t w = 0; w < bench->nweights; w += bench->nweights / samples(bench) + 1)
		CHECK_NEAR(bench->gradient[w], difference(bench, &bench->weights[w], -1), tolerance);
	tolerance = sum_tolerance(GRADIENT_TOLERANCE, layer->outputs);
	for (size_t i = 0; i < inputs; i += inputs / samples(bench) + 1)
		CHECK_NEAR(bench->din[i], difference(bench, &bench->in[i], (int) (i / layer->inputs)), tolerance);

	/* the weights' gradient is the same when nobody reads that of the input */
	if (bench->nweights > 0)
	{
		double		before = bench->gradient[bench->nweights / 2];

		bench->gradient[bench->nweights / 2] = 0;
		run_backward(bench, false);
		CHECK(bench->gradient[bench->nweights / 2] == (real) before);
	}
}

static void
check_layer(NnShape input, const char *text)
{
	Bench		bench;
	bool		was_ok = unit_ok;

	for (int threads = 1; threads <= 3; threads += 2)
	{
		for (int n = 1; n <= BATCH; n += BATCH - 1)
		{
			Status		status;

			pool = threads == 1 ? NULL : pool_create(threads, &status);
			CHECK(open_bench(&bench, input, text, n));
			check_forward(&bench);
			check_gradients(&bench);
			pool_destroy(pool);
			pool = NULL;
		}
	}
	if (was_ok && !unit_ok)
		printf("# ... in \"%s\"\n", text);
}

/* ---- the tests ---- */

static void
test_conv2d_direct(void)
{
	check_layer(SHAPE(6, 7, 1), "conv2d filters=16 kernel_size=3");
	check_layer(SHAPE(6, 7, 2), "conv2d filters=32 kernel_size=3 activation=relu");
	check_layer(SHAPE(5, 4, 3), "conv2d filters=16 kernel_size=2,3 strides=2,1 padding=same activation=tanh");
	check_layer(SHAPE(5, 5, 1), "conv2d filters=16 kernel_size=3 use_bias=false activation=relu");
	check_layer(SHAPE(4, 4, 1), "conv2d filters=16 kernel_size=1");
}

static void
test_conv2d_product(void)
{
	check_layer(SHAPE(6, 7, 1), "conv2d filters=3 kernel_size=3");
	check_layer(SHAPE(7, 5, 4), "conv2d filters=16 kernel_size=3 activation=relu");
	check_layer(SHAPE(5, 6, 2), "conv2d filters=5 kernel_size=2 strides=2 activation=sigmoid");
	check_layer(SHAPE(5, 6, 2), "conv2d filters=5 kernel_size=4,1 strides=1,3 activation=tanh use_bias=false");
}

static void
test_conv2d_same(void)
{
	check_layer(SHAPE(5, 6, 2), "conv2d filters=3 kernel_size=3 padding=same");
	check_layer(SHAPE(5, 6, 2), "conv2d filters=3 kernel_size=2 padding=same");
	check_layer(SHAPE(5, 6, 2), "conv2d filters=3 kernel_size=3 strides=2 padding=same");
	check_layer(SHAPE(5, 6, 1), "conv2d filters=2 kernel_size=4,5 strides=3,2 padding=same activation=relu");
	check_layer(SHAPE(2, 3, 1), "conv2d filters=2 kernel_size=7 padding=same");
	check_layer(SHAPE(1, 1, 3), "conv2d filters=2 kernel_size=1 strides=5 padding=same");
}

/* More pixels than a tile of patches holds */
static void
test_conv2d_tiles(void)
{
	check_layer(SHAPE(19, 17, 40), "conv2d filters=4 kernel_size=3 activation=relu");
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

/* Bands of the kernel, the last one shorter, and slices of it */
static void
test_dense_bands(void)
{
	check_layer(SHAPE(1500), "dense units=64 activation=relu");
	check_layer(SHAPE(3), "dense units=40000");
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

	CHECK(open_bench(&bench, SHAPE(4), "metric_embedding units=3 use_bias=false", 2));
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
	check_layer(SHAPE(5, 7, 2), "max_pooling2d pool_size=3,2 strides=2,3 padding=same");
	check_layer(SHAPE(3, 3, 1), "max_pooling2d pool_size=5 strides=2 padding=same");
}

/* The first of equal numbers gets the whole gradient. */
static void
test_max_pooling2d_ties(void)
{
	Bench		bench;

	CHECK(open_bench(&bench, SHAPE(2, 2, 1), "max_pooling2d", 1));
	for (int i = 0; i < 4; i++)
		bench.real_in[i] = 0;
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in, bench.out, bench.saved);
	run_backward(&bench, true);
	CHECK(bench.din[0] == (real) bench.slope[0] && bench.din[1] == 0 && bench.din[2] == 0 && bench.din[3] == 0);
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
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in, bench.out, NULL);
	run_backward(&bench, true);
	for (size_t i = 0; i < n; i++)
	{
		bool		dropped = bench.out[i] == 0;

		zeros += dropped;
		CHECK_NEAR(bench.out[i], dropped ? 0 : bench.in[i] / 0.7, FORWARD_TOLERANCE);
		CHECK_NEAR(bench.din[i], dropped ? 0 : bench.slope[i] / 0.7, FORWARD_TOLERANCE);
	}
	CHECK(zeros > 5700 && zeros < 6300);

	/* the same step drops the same, another one does not */
	first = arena_alloc_array(arena, n, sizeof(real));
	memcpy(first, bench.out, n * sizeof(real));
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in, bench.out, NULL);
	CHECK(memcmp(first, bench.out, n * sizeof(real)) == 0);
	bench.pass.step++;
	bench.layer.type->forward(&bench.layer, &bench.pass, bench.real_in, bench.out, NULL);
	for (size_t i = 0; i < n; i++)
		same += (first[i] == 0) == (bench.out[i] == 0);
	CHECK(same > 11200 && same < 12000);	/* .58 of them */

	/* outside of training it does nothing */
	bench.pass.training = false;
	check_forward(&bench);
}

/* The sums of several workers and the tiles come out the same every time. */
static void
test_threads_are_deterministic(void)
{
	Bench		bench;
	Status		status;
	real	   *first;

	pool = pool_create(4, &status);
	CHECK(open_bench(&bench, SHAPE(12, 12, 3), "conv2d filters=16 kernel_size=3", 9));
	first = arena_alloc_array(arena, bench.nweights, sizeof(real));
	for (int i = 0; i < 20; i++)
	{
		check_forward(&bench);
		run_backward(&bench, true);
		if (i == 0)
			memcpy(first, bench.gradient, bench.nweights * sizeof(real));
		CHECK(memcmp(first, bench.gradient, bench.nweights * sizeof(real)) == 0);
	}
	pool_destroy(pool);
	pool = NULL;
}

int
main(void)
{
	Status		status;

	kernel_init();
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	if (!gemm_load(&status))
	{
		printf("Bail out! %s\n", status.message);
		return EXIT_FAILURE;
	}
	RUN(test_conv2d_direct);
	RUN(test_conv2d_product);
	RUN(test_conv2d_same);
	RUN(test_conv2d_tiles);
	RUN(test_dense);
	RUN(test_dense_bands);
	RUN(test_metric_embedding);
	RUN(test_metric_embedding_clipped);
	RUN(test_max_pooling2d);
	RUN(test_max_pooling2d_ties);
	RUN(test_simple_layers);
	RUN(test_dropout);
	RUN(test_threads_are_deterministic);
	arena_destroy(arena);
	return unit_done();
}
