/*
 * layer_dense.c
 *	  dense and metric_embedding.
 *
 * Y = X W + b with W of inputs x units, as Keras.  metric_embedding then
 * scales each row to length 1: y = z * rsqrt(max(sum z^2, 1e-12)).  A zero row
 * stays zero, and where the sum was clipped the factor is a constant for the
 * gradient.
 *
 * dense goes along the last dimension.  Where there are others it is a
 * convolution of 1 x 1 over an image of one line, [1][rows][inputs], and
 * conv2d computes it; all below is of rows that are flat.
 *
 * A batch is small and W is large (43,264 x 64 in the hello world), so memory
 * decides.  Inputs are cut into bands of rows of W.  Forward, each worker
 * multiplies its bands into a sum of its own; backward, one band after the
 * other gives dX, dW and goes to the sink while it is in the cache: W is read
 * twice in a step and the gradient of the whole of W is never stored.
 */
#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "kernel/gemm.h"
#include "nn/conv.h"
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

/* Maximum elements of a band of W, a quarter of a small L2 cache, and rows */
#define BAND_SIZE (32 * 1024)
#define BAND_ROWS 256

/* Elements of W up to which one worker is faster than several */
#define SMALL_KERNEL (64 * 1024)

/* Rows up to which a product of a matrix and single vectors is faster */
#define MAX_GEMV_ROWS 3

/* Rows from which it pays to copy what products read in long strides */
#define MIN_COPY_ROWS 48

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

/* W is [inputs][units], b is [units]. */
static bool
add_tensors(NnLayer *layer, int units, bool use_bias, Status *status)
{
	NnShape		kernel = {2, {nn_channels(&layer->input), units}};
	NnShape		bias = {1, {units}};

	layer->output = layer->input;
	layer->output.dim[layer->output.rank - 1] = units;
	return nn_add_tensor(layer, "kernel", kernel, status) &&
		(!use_bias || nn_add_tensor(layer, "bias", bias, status));
}

static bool
is_flat(const NnLayer *layer)
{
	return layer->input.rank == 1;
}

/* in is [n][..][inputs], out is [n][..][units]. */
static bool
dense_shape(NnLayer *layer, Status *status)
{
	int			channels = nn_channels(&layer->input);
	int			rows = (int) (layer->inputs / (size_t) channels);

	nn_set_activation(layer, (NnActivation) params_number(&layer->params,
														  DENSE_ACTIVATION));
	layer->window = (NnWindow)
	{
		.height = 1,.width = rows,.channels = channels,
			.kernel_height = 1,.kernel_width = 1,.stride_y = 1,.stride_x = 1,
			.out_height = 1,.out_width = rows
	};
	return add_tensors(layer, (int) params_number(&layer->params, DENSE_UNITS),
					   params_number(&layer->params, DENSE_USE_BIAS) != 0,
					   status);
}

/* in is [n][inputs], out is [n][units]: an embedding is one row. */
static bool
metric_embedding_shape(NnLayer *layer, Status *status)
{
	char		text[64];

	if (is_flat(layer))
		return add_tensors(layer, (int) params_number(&layer->params,
													  EMBEDDING_UNITS),
						   params_number(&layer->params,
										 EMBEDDING_USE_BIAS) != 0, status);
	status_fail(status, STATUS_SHAPE_MISMATCH,
				"layer \"%s\" needs rows of numbers, not %s", layer->name,
				nn_shape_text(&layer->input, text, sizeof(text)));
	return status_hint(status, "Put {\"flatten\": {}} before it.");
}

/* Fans of a dense kernel are its two dimensions; the bias starts at 0. */
static void
init_kernel(const NnLayer *layer, int initializer, Random *random,
			real *weights)
{
	const NnTensor *kernel = &layer->tensors[KERNEL];

	nn_initialize((NnInitializer) params_number(&layer->params, initializer),
				  random, (size_t) kernel->shape.dim[0],
				  (size_t) kernel->shape.dim[1], kernel->count,
				  weights + kernel->offset);
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

/* Weights that one row is multiplied with between looks for an interrupt */
#define ROW_WEIGHTS ((size_t) 32 * 1024 * 1024)

/*
 * Rows of W in a band, and how many bands there are.  A band is what backward
 * gives a worker at a time, and the piece of dW that the sink gets.
 */
static size_t
band_rows(const NnLayer *layer)
{
	size_t		rows = BAND_SIZE / layer->outputs;

	rows = rows < 1 ? 1 : rows > BAND_ROWS ? BAND_ROWS : rows;
	return rows > layer->inputs ? layer->inputs : rows;
}

static int
band_count(const NnLayer *layer)
{
	return (int) ((layer->inputs + band_rows(layer) - 1) / band_rows(layer));
}

static size_t
band_size(const NnLayer *layer)
{
	return band_rows(layer) * layer->outputs;
}

/*
 * What a worker needs.  Forward: its sum [n][units] and a packed band
 * [rows][units].  Backward: a band of dW,
 * [rows][units], and in turn a block of rows of W turned around, [units][block],
 * and the band of X, [n][rows].
 */
static size_t
dense_scratch(const NnLayer *layer, int n)
{
	size_t		sums = (size_t) n * layer->outputs;
	size_t		copy = (size_t) n * band_rows(layer);

	if (!is_flat(layer))
		return nn_conv2d_scratch(layer, n);
	if (copy < band_size(layer))
		copy = band_size(layer);
	return band_size(layer) + (sums > copy ? sums : copy);
}

/*
 * Whole blocks of units are computed by loops that read X and W where they are,
 * or by those of convolutions.  OpenBLAS packs both first, and a few rows would
 * not repay that.
 */
static bool
in_blocks(const NnLayer *layer)
{
	return layer->outputs % (size_t) nn_conv_block == 0;
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
 * Rows of the batch as the pixels of an image of one line, whose windows are
 * one run of inputs.
 */
static NnConvView
dense_view(const NnLayer *layer, int n, size_t inputs)
{
	NnConvView	view = {.pixels = n,.out_width = n,.kernel_height = 1,.run = inputs};

	view.pixel_stride = layer->inputs;
	view.filters = view.weight_stride = layer->outputs;
	return view;
}

/*
 * [rows][units] to units / block pieces of [rows][block].  The outer loop
 * follows W, since reading W in order is what memory is fast at.
 */
static void
pack_band(const NnLayer *layer, const real *w, size_t rows, real *packed)
{
	size_t		block = (size_t) nn_conv_block;

	for (size_t t = 0; t < rows; t++)
		for (size_t u = 0; u < layer->outputs; u += block, w += block)
			memcpy(packed + u * rows + t * block, w, block * sizeof(real));
}

/* Inference of many rows packs all bands once. */
static size_t
dense_prepared(const NnLayer *layer, int n)
{
	return is_flat(layer) && in_blocks(layer) && n >= MIN_COPY_ROWS ?
		layer->tensors[KERNEL].count : 0;
}

static size_t
rows_of_band(const NnLayer *layer, size_t begin)
{
	return layer->inputs - begin < band_rows(layer) ? layer->inputs - begin :
		band_rows(layer);
}

typedef struct PackTask
{
	const NnLayer *layer;
	const real *kernel;
	real	   *packed;
} PackTask;

static void
pack_one_band(void *arg, int slice, int worker)
{
	const PackTask *task = arg;
	size_t		begin = (size_t) slice * band_rows(task->layer);
	size_t		at = begin * task->layer->outputs;

	pack_band(task->layer, task->kernel + at,
			  rows_of_band(task->layer, begin), task->packed + at);
}

static void
dense_prepare(const NnLayer *layer, const NnPass *pass, real *packed)
{
	PackTask	task = {layer, nn_tensor(layer, pass, KERNEL), packed};

	pool_run(pass->pool, band_count(layer), pack_one_band, &task);
}

/*
 * sum[n][units] += X[n][begin..end) W[begin..end)[units], band by band.  Few
 * rows read W where it is.  For many it is packed into room, unless inference,
 * which goes over all inputs, has done so.
 */
static void
add_blocks(const DenseTask *task, size_t begin, size_t end, real *room,
		   real *sum)
{
	const NnLayer *layer = task->layer;
	const real *prepared = nn_prepared(layer, task->pass);
	bool		packed = task->pass->n >= MIN_COPY_ROWS;

	for (; begin < end && !interrupt_pending(); begin += band_rows(layer))
	{
		size_t		rows = end - begin < band_rows(layer) ? end - begin :
		band_rows(layer);
		size_t		at = begin * layer->outputs;
		const real *w = nn_tensor(layer, task->pass, KERNEL) + at;

		if (packed && prepared == NULL)
			pack_band(layer, w, rows, room);
		nn_dense_add(task->pass->n, task->in + begin, layer->inputs,
					 !packed ? w : prepared == NULL ? room : prepared + at,
					 packed, rows, (int) layer->outputs, sum);
	}
}

/*
 * sum[units] += x W for one row x.  Zero inputs are skipped, of which there
 * are many after relu.
 */
static void
add_input_row(const DenseTask *task, int i, size_t begin, size_t end, real *sum)
{
	const NnLayer *layer = task->layer;
	const real *w = nn_tensor(layer, task->pass, KERNEL);
	size_t		step = ROW_WEIGHTS / layer->outputs + 1;

	for (; begin < end && !interrupt_pending(); begin += step)
		nn_gemv_add(task->in + (size_t) i * layer->inputs + begin,
					w + begin * layer->outputs,
					end - begin < step ? end - begin : step,
					(int) layer->outputs, sum);
}

/*
 * sum[n][units] += X[n][begin..end) W[begin..end)[units], the fastest way for
 * so many rows and units.
 */
static void
add_dense_products(const DenseTask *task, size_t begin, size_t end, real *room,
				   real *sum)
{
	const NnLayer *layer = task->layer;
	const real *w = nn_tensor(layer, task->pass,
							  KERNEL) + begin * layer->outputs;
	int			n = task->pass->n;

	if (n <= MAX_GEMV_ROWS)
	{
		for (int i = 0; i < n; i++)
			add_input_row(task, i, begin, end, sum + (size_t) i * layer->outputs);
		return;
	}
	if (in_blocks(layer))
	{
		add_blocks(task, begin, end, room, sum);
		return;
	}
	nn_gemm(false, false, n, (int) layer->outputs, (int) (end - begin), 1,
			task->in + begin, (int) layer->inputs, w, (int) layer->outputs,
			1, sum, (int) layer->outputs);
}

/*
 * Each worker multiplies its share of the inputs into a sum of its own.  They
 * are added in the workers' order, which makes the result repeatable.
 */
static void
forward_slice(void *arg, int slice, int worker)
{
	const DenseTask *task = arg;
	long		begin;
	long		end;
	real	   *sum = nn_scratch(task->pass, worker);

	pool_slice((long) task->layer->inputs, slice,
			   pool_threads(task->pass->pool), &begin, &end);
	interrupt_zero(sum, (size_t) task->pass->n * task->layer->outputs * sizeof(real));
	add_dense_products(task, (size_t) begin, (size_t) end,
					   sum + (size_t) task->pass->n * task->layer->outputs, sum);
}

static void
add_bias(const NnLayer *layer, const NnPass *pass, real *out)
{
	const real *bias = layer->ntensors > BIAS ? nn_tensor(layer, pass, BIAS) :
	NULL;

	for (int i = 0; i < pass->n && !interrupt_pending_at((size_t) i); i++)
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
	if (slices == 1 || layer->tensors[KERNEL].count < SMALL_KERNEL)
	{
		add_dense_products(&task, 0, layer->inputs, nn_scratch(pass, 0), out);
		return;
	}
	pool_run(pass->pool, slices, forward_slice, &task);
	for (int s = 0; s < slices; s++)
	{
		const real *sum = nn_scratch(pass, s);

		for (size_t i = 0, end; i < count && !interrupt_pending();)
			for (end = interrupt_piece(i, count); i < end; i++)
				out[i] += sum[i];
	}
}

/*
 * in [n][inputs], out [n][units]; saved is Z [n][units] if f is not monotonic
 * (nn_saved_before), else NULL.
 *   Z = X W + b, Y = f(Z)
 */
static void
dense_forward(const NnLayer *layer, const NnPass *pass,
			  const real *in, real *out, real *saved)
{
	if (!is_flat(layer))
	{
		nn_conv2d_forward(layer, pass, in, out, saved);
		return;
	}
	multiply(layer, pass, in, out);
	if (saved != NULL)
		interrupt_copy(saved, out,
					   (size_t) pass->n * layer->outputs * sizeof(real));
	nn_activate(layer->activation, (size_t) pass->n, layer->outputs, out);
}

/*
 * dX[n][rows of the band] = dZ[n][units] W'[units][rows], a block of rows of W
 * at a time: turned around, it stays in the L1 cache for its product.  OpenBLAS
 * takes bands that are not whole blocks.
 */
static void
band_inputs(const DenseTask *task, size_t begin, size_t rows, real *turned)
{
	const NnLayer *layer = task->layer;
	const real *w = nn_tensor(layer, task->pass,
							  KERNEL) + begin * layer->outputs;
	real	   *din = task->din + begin;
	size_t		block = (size_t) nn_conv_block;
	int			units = (int) layer->outputs;
	NnConvView	view = dense_view(layer, task->pass->n, layer->outputs);

	if (rows % block != 0)
	{
		nn_gemm(false, true, task->pass->n, (int) rows, units, 1, task->dout,
				units, w, units, 0, din, (int) layer->inputs);
		return;
	}
	view.pixel_stride = layer->outputs;
	view.filters = layer->inputs;
	view.weight_stride = block;
	for (size_t t = 0; t < rows && !interrupt_pending(); t += block)
	{
		nn_conv_turn(w + t * layer->outputs, layer->outputs, turned);
		nn_conv_forward(&view, task->dout, turned, NULL, false, din + t);
	}
}

/*
 * dW[rows of the band][units] = X'[rows][n] dZ[n][units].  Rows of X are
 * layer->inputs apart: from MIN_COPY_ROWS on, the band's columns are copied
 * together first.
 */
static void
band_gradient(const DenseTask *task, size_t begin, size_t rows, real *room,
			  real *gradient)
{
	const NnLayer *layer = task->layer;
	const real *in = task->in + begin;
	int			units = (int) layer->outputs;
	int			n = task->pass->n;
	NnConvView	view = dense_view(layer, n, rows);

	if (!in_blocks(layer))
	{
		nn_gemm(true, false, (int) rows, units, n, 1, in, (int) layer->inputs,
				task->dout, units, 0, gradient, units);
		return;
	}
	if (n >= MIN_COPY_ROWS)
	{
		for (int i = 0; i < n; i++)
			memcpy(room + (size_t) i * rows, in + (size_t) i * layer->inputs,
				   rows * sizeof(real));
		in = room;
		view.pixel_stride = rows;
	}
	memset(gradient, 0, rows * layer->outputs * sizeof(real));
	nn_conv_gradient(&view, in, task->dout, 0, 1, gradient);
}

/* dX before dW and the sink: the sink changes this band of W. */
static void
backward_band(void *arg, int slice, int worker)
{
	const DenseTask *task = arg;
	const NnLayer *layer = task->layer;
	size_t		begin = (size_t) slice * band_rows(layer);
	size_t		rows = rows_of_band(layer, begin);
	real	   *gradient = nn_scratch(task->pass, worker);
	real	   *room = gradient + band_size(layer);

	if (task->din != NULL)
		band_inputs(task, begin, rows, room);
	band_gradient(task, begin, rows, room, gradient);
	task->pass->sink(task->pass->sink_context,
					 layer->tensors[KERNEL].offset + begin * layer->outputs,
					 rows * layer->outputs, gradient);
}

/* db[units] = sum of dZ over the rows */
static void
backward_bias(const NnLayer *layer, const NnPass *pass, const real *dout)
{
	real	   *gradient = nn_scratch(pass, 0);

	if (layer->ntensors <= BIAS)
		return;
	memset(gradient, 0, layer->outputs * sizeof(real));
	for (int i = 0; i < pass->n && !interrupt_pending_at((size_t) i); i++)
		for (size_t u = 0; u < layer->outputs; u++)
			gradient[u] += dout[(size_t) i * layer->outputs + u];
	pass->sink(pass->sink_context, layer->tensors[BIAS].offset, layer->outputs,
			   gradient);
}

static void
multiply_backward(const NnLayer *layer, const NnPass *pass,
				  const real *in, real *dout, real *din)
{
	DenseTask	task = {layer, pass, in, dout, din};

	backward_bias(layer, pass, dout);
	pool_run(pass->pool, band_count(layer), backward_band, &task);
}

/*
 * dout [n][units] becomes dZ = dY f'(Z) in place; din is dX [n][inputs] or
 * NULL.
 *   dW = X' dZ, db = sum dZ, dX = dZ W'
 */
static void
dense_backward(const NnLayer *layer, const NnPass *pass,
			   const real *in, const real *out, const real *saved,
			   real *dout, real *din)
{
	if (!is_flat(layer))
	{
		nn_conv2d_backward(layer, pass, in, out, saved, dout, din);
		return;
	}
	nn_activate_backward(layer->activation, (size_t) pass->n, layer->outputs,
						 saved, out, dout);
	multiply_backward(layer, pass, in, dout, din);
}

/* One number a row: the factor that scaled it, negative if it was clipped */
static size_t
metric_embedding_saved(const NnLayer *layer, int n)
{
	return (size_t) n;
}

/*
 * in [n][inputs], out [n][units], saved [n]:
 *   Z = X W + b, y = z r with r = rsqrt(max(sum z^2, 1e-12)) for each row z
 * As tf.math.l2_normalize, which TensorFlow Similarity's MetricEmbedding
 * calls.  The sum is taken in double, since cosines are differences of such
 * rows.
 */
static void
metric_embedding_forward(const NnLayer *layer, const NnPass *pass,
						 const real *in, real *out, real *saved)
{
	multiply(layer, pass, in, out);
	for (int i = 0; i < pass->n && !interrupt_pending(); i++)
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

/*
 * With y = r z and r = |z|^-1, dr/dz = -r^3 z, so that for each row
 *   dz = r (dy - y (y . dy))
 * Where the sum was clipped r is a constant, and dz = r dy.  dout becomes dZ
 * in place; out is read, in only for dW.
 */
static void
metric_embedding_backward(const NnLayer *layer, const NnPass *pass,
						  const real *in, const real *out, const real *saved,
						  real *dout, real *din)
{
	for (int i = 0; i < pass->n && !interrupt_pending(); i++)
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
	.description = {"dense", dense_params, "Y = f(X W + b) along the last dimension"},
	.shape = dense_shape,
	.init = dense_init,
	.scratch = dense_scratch,
	.prepared = dense_prepared,
	.prepare = dense_prepare,
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
	.prepared = dense_prepared,
	.prepare = dense_prepare,
	.saved = metric_embedding_saved,
	.forward = metric_embedding_forward,
	.backward = metric_embedding_backward
};
