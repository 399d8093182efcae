/*
 * layer_dense.c
 *	  dense and metric_embedding.
 *
 * Y = X W + b with W of inputs x units, as Keras.  metric_embedding then
 * scales each row to length 1: y = z * rsqrt(max(sum z^2, 1e-12)).
 *
 * A batch is small and W is large (43,264 x 64 in the hello world), so memory
 * decides.  Inputs are cut into bands of rows of W.  Forward, each worker
 * multiplies its bands into a sum of its own; backward, one band after the
 * other gives dX, dW and goes to the sink while it is in the cache: W is read
 * twice in a step and the gradient of the whole of W is never stored.
 */
#include <math.h>
#include <string.h>

#include "kernel/gemm.h"
#include "nn/conv_kernels.h"
#include "nn/kernels.h"
#include "nn/layer.h"

enum
{
	DENSE_UNITS, DENSE_ACTIVATION, DENSE_USE_BIAS, DENSE_INITIALIZER
};

enum
{
	EMBEDDING_UNITS, EMBEDDING_USE_BIAS, EMBEDDING_INITIALIZER
};

enum
{
	KERNEL, BIAS
};

/* Numbers of W in a band of the backward pass: half of a small L2 cache */
#define BAND_SIZE (32 * 1024)

/* Rows up to which a product of a matrix and single vectors is faster */
#define MAX_GEMV_ROWS 3

#define MIN_NORM_SQUARED 1e-12

static const ParamSpec dense_params[] = {
	{.name = "units",.type = PARAM_INTEGER,.required = true,.minimum = 1,.maximum = 65536,
	.comment = "numbers of an output row"},
	{.name = "activation",.type = PARAM_CHOICE,.choices = nn_activation_names,
	.comment = "function of each output"},
	{.name = "use_bias",.type = PARAM_BOOLEAN,.initial = true,.maximum = 1,
	.comment = "add a trained number to each output"},
	NN_INITIALIZER_PARAM,
	{NULL}
};

static const ParamSpec metric_embedding_params[] = {
	{.name = "units",.type = PARAM_INTEGER,.required = true,.minimum = 1,.maximum = 16384,
	.comment = "dimensions of the embedding"},
	{.name = "use_bias",.type = PARAM_BOOLEAN,.initial = true,.maximum = 1,
	.comment = "add a trained number to each output"},
	NN_INITIALIZER_PARAM,
	{NULL}
};

static bool
shape_units(NnLayer *layer, int units, bool use_bias, Status *status)
{
	char		text[64];
	NnShape		kernel = {2, {(int) layer->inputs, units}};
	NnShape		bias = {1, {units}};

	if (layer->input.rank != 1)
	{
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"layer \"%s\" needs rows of numbers, not %s",
					layer->name, nn_shape_text(&layer->input, text, sizeof(text)));
		return status_hint(status, "Put {\"flatten\": {}} before it.");
	}
	layer->output = bias;
	return nn_add_tensor(layer, "kernel", kernel, status) &&
		(!use_bias || nn_add_tensor(layer, "bias", bias, status));
}

static bool
dense_shape(NnLayer *layer, Status *status)
{
	nn_set_activation(layer, (NnActivation) params_number(&layer->params, DENSE_ACTIVATION));
	return shape_units(layer, (int) params_number(&layer->params, DENSE_UNITS),
					   params_number(&layer->params, DENSE_USE_BIAS) != 0, status);
}

static bool
metric_embedding_shape(NnLayer *layer, Status *status)
{
	return shape_units(layer, (int) params_number(&layer->params, EMBEDDING_UNITS),
					   params_number(&layer->params, EMBEDDING_USE_BIAS) != 0, status);
}

static void
init_kernel(const NnLayer *layer, int initializer, Random *random, real *weights)
{
	const NnTensor *kernel = &layer->tensors[KERNEL];

	nn_initialize((NnInitializer) params_number(&layer->params, initializer), random,
				  layer->inputs, layer->outputs, kernel->count, weights + kernel->offset);
	if (layer->ntensors > BIAS)
		memset(weights + layer->tensors[BIAS].offset, 0,
			   layer->tensors[BIAS].count * sizeof(real));
}

static void
dense_init(const NnLayer *layer, Random *random, real *weights)
{
	init_kernel(layer, DENSE_INITIALIZER, random, weights);
}

static void
metric_embedding_init(const NnLayer *layer, Random *random, real *weights)
{
	init_kernel(layer, EMBEDDING_INITIALIZER, random, weights);
}

/* Rows of W in a band, and how many bands there are */
static size_t
band_rows(const NnLayer *layer)
{
	size_t		rows = BAND_SIZE / layer->outputs;

	return rows < 1 ? 1 : rows > layer->inputs ? layer->inputs : rows;
}

static int
band_count(const NnLayer *layer)
{
	return (int) ((layer->inputs + band_rows(layer) - 1) / band_rows(layer));
}

/* The larger of a forward sum with that of a band, and a backward band of dW */
static size_t
dense_scratch(const NnLayer *layer, int n)
{
	size_t		sum = 2 * (size_t) n * layer->outputs;
	size_t		band = band_rows(layer) * layer->outputs;

	return sum > band ? sum : band;
}

typedef struct DenseTask
{
	const NnLayer *layer;
	const NnPass *pass;
	const real *in;
	real	   *dout;
	real	   *din;
} DenseTask;

/*
 * Units in blocks are computed by the loops of convolutions, rows being pixels
 * and inputs taps: they pack nothing, and a few rows would not pay for that.
 */
static bool
in_blocks(const NnLayer *layer)
{
	return layer->outputs % (size_t) nn_conv_block == 0;
}

static NnConvView
dense_view(const NnLayer *layer, int n, size_t inputs)
{
	NnConvView	view = {.pixels = n,.out_width = n,.kernel_height = 1,.run = inputs};

	view.pixel_stride = layer->inputs;
	view.filters = view.weight_stride = layer->outputs;
	return view;
}

/* sum += X W, band by band of W, through the product of a band */
static void
add_blocks(const DenseTask *task, size_t begin, size_t end, real *product, real *sum)
{
	const NnLayer *layer = task->layer;
	size_t		count = (size_t) task->pass->n * layer->outputs;

	for (; begin < end; begin += band_rows(layer))
	{
		size_t		rows = end - begin < band_rows(layer) ? end - begin : band_rows(layer);
		const real *w = nn_tensor(layer, task->pass, KERNEL) + begin * layer->outputs;
		NnConvView	view = dense_view(layer, task->pass->n, rows);

		for (size_t u = 0; u < layer->outputs; u += (size_t) nn_conv_block)
			nn_conv_forward(&view, task->in + begin, w + u, NULL, false, product + u);
		nn_add_to(count, product, sum);
	}
}

static void
add_products(const DenseTask *task, size_t begin, size_t end, real *product, real *sum)
{
	const NnLayer *layer = task->layer;
	const real *w = nn_tensor(layer, task->pass, KERNEL) + begin * layer->outputs;
	int			n = task->pass->n;

	if (n <= MAX_GEMV_ROWS)
	{
		for (int i = 0; i < n; i++)
			nn_gemv_add(task->in + (size_t) i * layer->inputs + begin, w, end - begin,
						(int) layer->outputs, sum + (size_t) i * layer->outputs);
		return;
	}
	if (in_blocks(layer))
	{
		add_blocks(task, begin, end, product, sum);
		return;
	}
	nn_gemm(false, false, n, (int) layer->outputs, (int) (end - begin), 1,
			task->in + begin, (int) layer->inputs, w, (int) layer->outputs,
			1, sum, (int) layer->outputs);
}

/* One worker's share of the inputs into the worker's own sum */
static void
forward_slice(void *arg, int slice, int worker)
{
	const DenseTask *task = arg;
	long		begin;
	long		end;
	real	   *sum = nn_scratch(task->pass, worker);

	pool_slice((long) task->layer->inputs, slice, pool_threads(task->pass->pool),
			   &begin, &end);
	memset(sum, 0, (size_t) task->pass->n * task->layer->outputs * sizeof(real));
	add_products(task, (size_t) begin, (size_t) end, sum + (size_t) task->pass->n * task->layer->outputs, sum);
}

static void
add_bias(const NnLayer *layer, const NnPass *pass, real *out)
{
	const real *bias = layer->ntensors > BIAS ? nn_tensor(layer, pass, BIAS) : NULL;

	for (int i = 0; i < pass->n; i++)
		for (size_t u = 0; u < layer->outputs; u++)
			out[(size_t) i * layer->outputs + u] = bias != NULL ? bias[u] : 0;
}

/* out = X W + b */
static void
multiply(const NnLayer *layer, const NnPass *pass, const real *in, real *out)
{
	DenseTask	task = {.layer = layer,.pass = pass,.in = in};
	size_t		count = (size_t) pass->n * layer->outputs;
	int			slices = pool_threads(pass->pool);

	add_bias(layer, pass, out);
	if (slices == 1 || layer->tensors[KERNEL].count < 2 * BAND_SIZE)
	{
		add_products(&task, 0, layer->inputs, nn_scratch(pass, 0), out);
		return;
	}
	pool_run(pass->pool, slices, forward_slice, &task);
	for (int s = 0; s < slices; s++)
	{
		const real *sum = nn_scratch(pass, s);

		for (size_t i = 0; i < count; i++)
			out[i] += sum[i];
	}
}

static void
dense_forward(const NnLayer *layer, const NnPass *pass,
			  const real *in, real *out, real *saved)
{
	multiply(layer, pass, in, out);
	if (saved != NULL)
		memcpy(saved, out, (size_t) pass->n * layer->outputs * sizeof(real));
	nn_activate(layer->activation, (size_t) pass->n, layer->outputs, out);
}

/* dX, dW and the sink for one band of rows of W */
static void
backward_band(void *arg, int slice, int worker)
{
	const DenseTask *task = arg;
	const NnLayer *layer = task->layer;
	const NnPass *pass = task->pass;
	size_t		begin = (size_t) slice * band_rows(layer);
	size_t		end = begin + band_rows(layer);
	size_t		offset = begin * layer->outputs;
	int			units = (int) layer->outputs;
	int			rows;
	real	   *gradient = nn_scratch(pass, worker);

	if (end > layer->inputs)
		end = layer->inputs;
	rows = (int) (end - begin);
	if (task->din != NULL)
		nn_gemm(false, true, pass->n, rows, units, 1, task->dout, units,
				nn_tensor(layer, pass, KERNEL) + offset, units,
				0, task->din + begin, (int) layer->inputs);
	if (in_blocks(layer))
	{
		NnConvView	view = dense_view(layer, pass->n, (size_t) rows);

		memset(gradient, 0, (size_t) rows * layer->outputs * sizeof(real));
		nn_conv_gradient(&view, task->in + begin, task->dout, 0, 1, gradient);
	}
	else
		nn_gemm(true, false, rows, units, pass->n, 1, task->in + begin, (int) layer->inputs,
				task->dout, units, 0, gradient, units);
	pass->sink(pass->sink_context, layer->tensors[KERNEL].offset + offset,
			   (size_t) rows * layer->outputs, gradient);
}

static void
backward_bias(const NnLayer *layer, const NnPass *pass, const real *dout)
{
	real	   *gradient = nn_scratch(pass, 0);

	if (layer->ntensors <= BIAS)
		return;
	memset(gradient, 0, layer->outputs * sizeof(real));
	for (int i = 0; i < pass->n; i++)
		for (size_t u = 0; u < layer->outputs; u++)
			gradient[u] += dout[(size_t) i * layer->outputs + u];
	pass->sink(pass->sink_context, layer->tensors[BIAS].offset, layer->outputs, gradient);
}

static void
multiply_backward(const NnLayer *layer, const NnPass *pass,
				  const real *in, real *dout, real *din)
{
	DenseTask	task = {layer, pass, in, dout, din};

	backward_bias(layer, pass, dout);
	pool_run(pass->pool, band_count(layer), backward_band, &task);
}

static void
dense_backward(const NnLayer *layer, const NnPass *pass,
			   const real *in, const real *out, const real *saved,
			   real *dout, real *din)
{
	nn_activate_backward(layer->activation, (size_t) pass->n, layer->outputs, saved, out, dout);
	multiply_backward(layer, pass, in, dout, din);
}

/* One number a row: the factor that scaled it, negative if it was clipped */
static size_t
metric_embedding_saved(const NnLayer *layer, int n)
{
	return (size_t) n;
}

static void
metric_embedding_forward(const NnLayer *layer, const NnPass *pass,
						 const real *in, real *out, real *saved)
{
	multiply(layer, pass, in, out);
	for (int i = 0; i < pass->n; i++)
	{
		real	   *row = out + (size_t) i * layer->outputs;
		double		sum = 0;
		bool		clipped;
		real		factor;

		for (size_t u = 0; u < layer->outputs; u++)
			sum += (double) row[u] * row[u];
		clipped = sum < MIN_NORM_SQUARED;
		factor = (real) (1 / sqrt(clipped ? MIN_NORM_SQUARED : sum));
		for (size_t u = 0; u < layer->outputs; u++)
			row[u] *= factor;
		if (saved != NULL)
			saved[i] = clipped ? -factor : factor;
	}
}

/* dz = r (dy - y (y . dy)); where the norm was clipped, r is a constant */
static void
metric_embedding_backward(const NnLayer *layer, const NnPass *pass,
						  const real *in, const real *out, const real *saved,
						  real *dout, real *din)
{
	for (int i = 0; i < pass->n; i++)
	{
		const real *y = out + (size_t) i * layer->outputs;
		real	   *dy = dout + (size_t) i * layer->outputs;
		bool		clipped = saved[i] < 0;
		real		factor = clipped ? -saved[i] : saved[i];
		double		dot = 0;

		for (size_t u = 0; u < layer->outputs && !clipped; u++)
			dot += (double) y[u] * dy[u];
		for (size_t u = 0; u < layer->outputs; u++)
			dy[u] = factor * (dy[u] - y[u] * (real) dot);
	}
	multiply_backward(layer, pass, in, dout, din);
}

const NnLayerType nn_layer_dense = {
	.description = {"dense", dense_params, "Y = f(X W + b) on rows of numbers"},
	.shape = dense_shape,
	.init = dense_init,
	.scratch = dense_scratch,
	.saved = nn_saved_before,
	.forward = dense_forward,
	.backward = dense_backward
};

const NnLayerType nn_layer_metric_embedding = {
	.description = {"metric_embedding", metric_embedding_params,
	"dense layer whose rows are scaled to length 1 (TensorFlow Similarity's MetricEmbedding)"},
	.shape = metric_embedding_shape,
	.init = metric_embedding_init,
	.scratch = dense_scratch,
	.saved = metric_embedding_saved,
	.forward = metric_embedding_forward,
	.backward = metric_embedding_backward
};
