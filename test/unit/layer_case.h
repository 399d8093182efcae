/*
 * layer_case.h
 *	  One layer under test: forward against the plain reference in double,
 *	  backward against finite differences of it.
 */
#ifndef LAYER_CASE_H
#define LAYER_CASE_H

#include "base/random.h"
#include "kernel/distance.h"
#include "kernel/gemm.h"
#include "layer_reference.h"
#include "nn/conv.h"
#include "nn/conv_kernels.h"
#include "nn/kernels.h"
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

/* ---- one layer under test ---- */

typedef struct Bench
{
	NnLayer		layer;
	NnPass		pass;
	int			n;
	size_t		nweights;
	size_t		ntrained;		/* those before the state */
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

static const int input_source[] = {NN_INPUT};

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
	layer->number = layer->stream = 3;
	layer->rate = 1;
	layer->input = input;
	layer->nsources = 1;
	layer->sources = input_source;
	layer->shapes = &layer->input;
	layer->reads_in = layer->reads_out = true;
	nn_shape_count(&input, &layer->inputs);
	if (!layer->type->shape(layer, &status))
		return false;
	nn_shape_count(&layer->output, &layer->outputs);
	for (int t = 0; t < layer->ntensors; t++)
	{
		layer->tensors[t].offset = bench->nweights;
		bench->nweights += layer->tensors[t].count;
		if (!layer->tensors[t].state)
			bench->ntrained = bench->nweights;
	}
	bench->weights = arena_alloc_array(arena, bench->nweights, sizeof(double));
	bench->in = arena_alloc_array(arena, (size_t) n * layer->inputs,
								  sizeof(double));
	bench->slope = arena_alloc_array(arena, (size_t) n * layer->outputs,
									 sizeof(double));
	random_numbers(bench->weights, bench->nweights, 1, 0.5);
	for (size_t i = bench->ntrained; i < bench->nweights; i++)
		bench->weights[i] = fabs(bench->weights[i]);	/* a variance, maybe */
	random_numbers(bench->in, (size_t) n * layer->inputs, 2, 1);
	random_numbers(bench->slope, (size_t) n * layer->outputs, 3, 1);
	bench->real_in = to_real(bench->in, (size_t) n * layer->inputs);
	bench->out = arena_alloc_array(arena, (size_t) n * layer->outputs,
								   sizeof(real));
	bench->din = arena_alloc_array(arena, (size_t) n * layer->inputs,
								   sizeof(real));
	bench->gradient = arena_alloc_zero(arena, bench->nweights * sizeof(real));
	bench->written = arena_alloc_zero(arena, bench->nweights * sizeof(int));
	if (layer->type->saved != NULL && layer->type->saved(layer, n) > 0)
		bench->saved = arena_alloc_array(arena, layer->type->saved(layer, n),
										 sizeof(real));
	bench->pass = (NnPass)
	{
		.n = n,.training = true,.seed = 7,.step = 1,.pool = pool,
			.weights = to_real(bench->weights, bench->nweights),
			.scratch_size = layer->type->scratch == NULL ? 0 :
			layer->type->scratch(layer, n),
			.sink = sink,.sink_context = bench
	};
	bench->pass.scratch = arena_alloc_array(arena,
											bench->pass.scratch_size * (size_t) pool_threads(pool), sizeof(real));
	return true;
}

static void
run_backward(Bench *bench, bool want_din)
{
	bench->dout = to_real(bench->slope,
						  (size_t) bench->n * bench->layer.outputs);
	memset(bench->written, 0, bench->nweights * sizeof(int));
	/* what a layer says that it does not read is not there */
	bench->layer.type->backward(&bench->layer, &bench->pass,
								bench->layer.reads_in ? bench->real_in : NULL,
								bench->layer.reads_out ? bench->out : NULL,
								bench->saved, bench->dout,
								want_din ? bench->din : NULL);
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
	bool		all = layer->type == &nn_layer_batch_normalization;
	int			rows = all ? bench->n : 1;
	double		was = *x;
	double		sum = 0;

	for (int i = row < 0 || all ? 0 : row; i < (row < 0 ? bench->n : row + 1);
		 i += rows)
	{
		const double *in = bench->in + (size_t) i * layer->inputs;

		*x = was + STEP;
		batch_reference(layer, bench->weights, in, rows, above);
		*x = was - STEP;
		batch_reference(layer, bench->weights, in, rows, below);
		for (size_t o = 0; o < (size_t) rows * layer->outputs; o++)
			sum += bench->slope[(size_t) i * layer->outputs + o] * (above[o] -
																	below[o]);
	}
	*x = was;
	return sum / (2 * STEP);
}

static void
check_forward(Bench *bench)
{
	NnLayer    *layer = &bench->layer;
	static double expected[MAX_OUTPUTS];
	double		tolerance = sum_tolerance(FORWARD_TOLERANCE,
										  layer->ntensors > 0 ?
										  layer->tensors[0].count / (size_t) layer->output.dim[layer->output.rank - 1] : 0);

	layer->type->forward(layer, &bench->pass, bench->real_in, bench->out,
						 bench->saved);
	if (layer->type == &nn_layer_batch_normalization)
	{
		batch_reference(layer, bench->weights, bench->in, bench->n, expected);
		for (size_t o = 0; o < (size_t) bench->n * layer->outputs; o++)
			CHECK_NEAR(bench->out[o], expected[o], tolerance);
		return;
	}
	for (int i = 0; i < bench->n; i++)
	{
		reference(layer, bench->weights, bench->in + (size_t) i * layer->inputs,
				  expected);
		for (size_t o = 0; o < layer->outputs; o++)
			CHECK_NEAR(bench->out[(size_t) i * layer->outputs + o], expected[o],
					   tolerance);
	}
}

/* Where output and gradients may lie in place, the numbers are the same. */
static void
check_in_place(Bench *bench)
{
	const NnLayer *layer = &bench->layer;
	NnPlace		place = layer->type->place;
	size_t		n = (size_t) bench->n * layer->outputs;
	real	   *expected = bench->din;

	if (place == NN_APART)
		return;
	bench->dout = to_real(bench->slope, n);
	layer->type->backward(layer, &bench->pass,
						  layer->reads_in ? bench->real_in : NULL,
						  layer->reads_out ? bench->out : NULL, bench->saved,
						  bench->dout, bench->dout);
	CHECK(memcmp(bench->dout, expected, n * sizeof(real)) == 0);
	if (place == NN_GRADIENT_IN_PLACE)
		return;
	layer->type->forward(layer, &bench->pass, bench->real_in, bench->real_in,
						 bench->saved);
	CHECK(memcmp(bench->real_in, bench->out, n * sizeof(real)) == 0);
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
		CHECK(bench->written[w] == (w < bench->ntrained));
	for (size_t w = 0; w < bench->ntrained;
		 w += bench->nweights / samples(bench) + 1)
		CHECK_NEAR(bench->gradient[w],
				   difference(bench, &bench->weights[w], -1), tolerance);
	tolerance = sum_tolerance(GRADIENT_TOLERANCE, layer->outputs);
	for (size_t i = 0; i < inputs; i += inputs / samples(bench) + 1)
		CHECK_NEAR(bench->din[i],
				   difference(bench, &bench->in[i], (int) (i / layer->inputs)),
				   tolerance);

	/* the weights' gradient is the same when nobody reads that of the input */
	if (bench->ntrained > 0)
	{
		double		before = bench->gradient[bench->ntrained / 2];

		bench->gradient[bench->ntrained / 2] = 0;
		run_backward(bench, false);
		CHECK(bench->gradient[bench->ntrained / 2] == (real) before);
	}
}

static void
check_batch(NnShape input, const char *text, int n, int threads)
{
	Bench		bench;
	Status		status;

	pool = threads == 1 ? NULL : pool_create(threads, &status);
	CHECK(open_bench(&bench, input, text, n));
	check_forward(&bench);
	check_gradients(&bench);
	check_in_place(&bench);
	pool_destroy(pool);
	pool = NULL;
}

static void
check_layer(NnShape input, const char *text)
{
	bool		was_ok = unit_ok;

	for (int threads = 1; threads <= 3; threads += 2)
		for (int n = 1; n <= BATCH; n += BATCH - 1)
			check_batch(input, text, n, threads);
	if (was_ok && !unit_ok)
		printf("# ... in \"%s\"\n", text);
}

#endif							/* LAYER_CASE_H */
