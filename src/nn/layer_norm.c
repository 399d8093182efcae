/*
 * layer_norm.c
 *	  batch_normalization (Ioffe and Szegedy, 2015) and layer_normalization
 *	  (Ba et al., 2016), as Keras has them.
 *
 * The last dimension holds channels; all else is rows.  in and out are
 * [rows][C], rows being n times the pixels of an image; gamma and beta are
 * [C].  With mean m and variance v, taken over the rows of a channel or the
 * channels of a row,
 *   s = 1 / sqrt(v + epsilon), xhat = (x - m) s, y = gamma xhat + beta
 * v is that of the population, divided by the count.  m and v depend on x:
 *   dgamma = sum over rows of dy xhat, dbeta = sum over rows of dy
 *   dx = s (g - mean(g) - xhat mean(g xhat)) with g = gamma dy
 * the means being over what m and v were taken over.
 *
 * Sums over many rows are taken in float over short runs of rows and in double
 * over the runs, by each worker over its own rows, and added in the workers'
 * order.
 */
#include <string.h>
#include <tgmath.h>

#include "base/interrupt.h"
#include "nn/kernels.h"
#include "nn/layer.h"

/*
 * Rows of a run whose sums are taken in the engine's own numbers: few enough
 * for float's 24 bits, many enough that additions in double do not count
 */
#define RUN_ROWS 64

typedef struct NormTask
{
	const NnLayer *layer;
	const NnPass *pass;
	size_t		rows;
	size_t		channels;
	const real *in;
	const real *dout;
	const real *mean;			/* of each channel, or row */
	const real *scale;			/* 1 / deviation of each */
	const real *gamma;			/* NULL: 1 */
	const real *beta;			/* NULL: 0 */
	const real *share_1;		/* of backward: dx = gamma scale (dy - share_1
								 * - xhat share_2) */
	const real *share_2;
	real	   *out;
	real	   *saved;
} NormTask;

/* A worker's share of the rows, the same in each pass over them */
static void
worker_rows(const NormTask *task, int slice, size_t *begin, size_t *end)
{
	long		first;
	long		last;

	pool_slice((long) task->rows, slice, pool_threads(task->pass->pool), &first,
			   &last);
	*begin = (size_t) first;
	*end = (size_t) last;
}

/* Rows and channels; the caller sets what its pass reads and writes. */
static NormTask
norm_task(const NnLayer *layer, const NnPass *pass)
{
	NormTask	task = {.layer = layer,.pass = pass};

	task.channels = (size_t) nn_channels(&layer->output);
	task.rows = (size_t) pass->n * layer->outputs / task.channels;
	return task;
}

/* ---- gamma and beta, which both trained layers have ---- */

enum
{
	EPSILON, CENTER, SCALE, MOMENTUM
};

#define NORM_PARAMS \
	{.name = "epsilon",.type = PARAM_REAL,.initial = 0.001,.minimum = 1e-30,.maximum = 1, \
	.comment = "added to the variance"}, \
	{.name = "center",.type = PARAM_BOOLEAN,.initial = true,.maximum = 1, \
	.comment = "add a trained number, beta, to each channel"}, \
	{.name = "scale",.type = PARAM_BOOLEAN,.initial = true,.maximum = 1, \
	.comment = "multiply each channel by a trained number, gamma"}

static bool
norm_shape(NnLayer *layer, Status *status)
{
	NnShape		channels = {1, {nn_channels(&layer->input)}};

	layer->output = layer->input;
	layer->reads_out = false;
	return (params_number(&layer->params, SCALE) == 0 ||
			nn_add_tensor(layer, "gamma", channels, status)) &&
		(params_number(&layer->params, CENTER) == 0 ||
		 nn_add_tensor(layer, "beta", channels, status));
}

/* Position of a tensor, -1 if the layer has none of that name */
static int
find_tensor(const NnLayer *layer, const char *name)
{
	for (int i = 0; i < layer->ntensors; i++)
	{
		if (strcmp(layer->tensors[i].name, name) == 0)
			return i;
	}
	return -1;
}

static const real *
optional_tensor(const NnLayer *layer, const NnPass *pass, const char *name)
{
	int			i = find_tensor(layer, name);

	return i < 0 ? NULL : nn_tensor(layer, pass, i);
}

static void
fill_tensor(const NnLayer *layer, const char *name, real value, real *weights)
{
	int			i = find_tensor(layer, name);

	for (size_t c = 0; i >= 0 && c < layer->tensors[i].count; c++)
		weights[layer->tensors[i].offset + c] = value;
}

/* Names that the layer has no tensor of are passed over. */
static void
norm_init(const NnLayer *layer, Random *random, real *weights)
{
	fill_tensor(layer, "gamma", 1, weights);
	fill_tensor(layer, "beta", 0, weights);
	fill_tensor(layer, "moving_mean", 0, weights);
	fill_tensor(layer, "moving_variance", 1, weights);
}

/*
 * Hand over the gradient of gamma or beta, which is kept in double; not if the
 * layer has no such tensor.
 */
static void
sink_tensor(const NnLayer *layer, const NnPass *pass, const char *name,
			const double *gradient, real *scratch)
{
	int			i = find_tensor(layer, name);

	if (i < 0)
		return;
	for (size_t c = 0; c < layer->tensors[i].count; c++)
		scratch[c] = (real) gradient[c];
	pass->sink(pass->sink_context, layer->tensors[i].offset,
			   layer->tensors[i].count, scratch);
}

/* ---- sums over rows ---- */

/*
 * A worker's scratch: doubles [2][C], the sums of a slice, then reals [4][C], of
 * which two are the sums of a run.  Between passes worker 0's reals hold the
 * shares of batch_normalization's dx, and behind them what goes to the sink, or
 * the scales of moving averages.
 */
static size_t
sums_scratch(const NnLayer *layer, int n)
{
	return (2 * sizeof(double) / sizeof(real) +
			4) * (size_t) nn_channels(&layer->output);
}

static double *
worker_moments(const NormTask *task, int worker)
{
	return (double *) nn_scratch(task->pass, worker);
}

static real *
worker_run(const NormTask *task, int worker)
{
	return (real *) (worker_moments(task, worker) + 2 * task->channels);
}

/*
 * Add the first sums x C numbers of the run to the totals, and begin a new
 * run.
 */
static void
add_run(const NormTask *task, int worker, int sums)
{
	double	   *total = worker_moments(task, worker);
	real	   *run = worker_run(task, worker);

	for (size_t c = 0; c < (size_t) sums * task->channels; c++)
	{
		total[c] += run[c];
		run[c] = 0;
	}
}

static void
clear_sums(const NormTask *task, int worker)
{
	memset(worker_moments(task, worker), 0,
		   2 * task->channels * sizeof(double));
	memset(worker_run(task, worker), 0, 2 * task->channels * sizeof(real));
}

/* [2][C]: sums of all workers, in worker 0's place */
static double *
total_sums(const NormTask *task)
{
	double	   *total = worker_moments(task, 0);

	for (int w = 1; w < pool_threads(task->pass->pool); w++)
	{
		const double *part = worker_moments(task, w);

		for (size_t c = 0; c < 2 * task->channels; c++)
			total[c] += part[c];
	}
	return total;
}

/* Sum of x - mean, mean being NULL for 0, and of its square if there is one */
static void
sum_slice(void *arg, int slice, int worker)
{
	const NormTask *task = arg;
	size_t		channels = task->channels;
	size_t		begin;
	size_t		end;

	worker_rows(task, slice, &begin, &end);
	clear_sums(task, worker);
	for (size_t r = begin; r < end && !interrupt_pending_at(r - begin); r++)
	{
		const real *x = task->in + r * channels;
		real	   *run = worker_run(task, worker);

		if (task->mean == NULL)
			nn_add_to(channels, x, run);
		else
			nn_add_squares(channels, x, task->mean, run);
		if ((r - begin) % RUN_ROWS == RUN_ROWS - 1)
			add_run(task, worker, 1);
	}
	add_run(task, worker, 1);
}

/*
 * Sums of dy, [C], and of dy xhat, [C]: dbeta and dgamma, and n times the
 * means that dx needs
 */
static void
gradient_slice(void *arg, int slice, int worker)
{
	const NormTask *task = arg;
	size_t		channels = task->channels;
	size_t		begin;
	size_t		end;

	worker_rows(task, slice, &begin, &end);
	clear_sums(task, worker);
	for (size_t r = begin; r < end && !interrupt_pending_at(r - begin); r++)
	{
		nn_add_norm_gradient(channels, task->in + r * channels,
							 task->dout + r * channels, task->mean,
							 task->scale, worker_run(task, worker),
							 worker_run(task, worker) + channels);
		if ((r - begin) % RUN_ROWS == RUN_ROWS - 1)
			add_run(task, worker, 2);
	}
	add_run(task, worker, 2);
}

/* ---- batch_normalization ---- */

static const ParamSpec batch_normalization_params[] = {
	NORM_PARAMS,
	{.name = "momentum",.type = PARAM_REAL,.initial = 0.99,.minimum = 0,.maximum = 1,
	.comment = "share of the moving averages that a step leaves"},
	{NULL}
};

static bool
batch_normalization_shape(NnLayer *layer, Status *status)
{
	NnShape		channels = {1, {nn_channels(&layer->input)}};

	return norm_shape(layer, status) &&
		nn_add_state(layer, "moving_mean", channels, status) &&
		nn_add_state(layer, "moving_variance", channels, status);
}

/*
 * [3][C]: mean, variance and s of each channel of the batch.  A frozen layer
 * runs as outside of training, as in Keras, and saves nothing.
 */
static size_t
batch_normalization_saved(const NnLayer *layer, int n)
{
	return layer->rate == 0 ? 0 : 3 * (size_t) nn_channels(&layer->output);
}

/*
 * Two passes over the rows, mean first: the mean of squares minus the square
 * of the mean loses all digits where a channel's mean is large.
 */
static void
batch_moments(NormTask *task, real *saved)
{
	size_t		channels = task->channels;
	double		epsilon = params_number(&task->layer->params, EPSILON);
	double	   *sums;

	task->mean = NULL;
	pool_run(task->pass->pool, pool_threads(task->pass->pool), sum_slice, task);
	sums = total_sums(task);
	for (size_t c = 0; c < channels; c++)
		saved[c] = (real) (sums[c] / (double) task->rows);
	task->mean = saved;
	pool_run(task->pass->pool, pool_threads(task->pass->pool), sum_slice, task);
	sums = total_sums(task);
	for (size_t c = 0; c < channels; c++)
	{
		saved[channels + c] = (real) (sums[c] / (double) task->rows);
		saved[2 * channels + c] =
			(real) (1 / sqrt(sums[c] / (double) task->rows + epsilon));
	}
	task->scale = saved + 2 * channels;
}

/*
 * y = (gamma s) x + (beta - gamma s m): two numbers a channel, made by each
 * worker for itself
 */
static void
affine_slice(void *arg, int slice, int worker)
{
	const NormTask *task = arg;
	size_t		channels = task->channels;
	real	   *factor = nn_scratch(task->pass, worker);
	real	   *offset = factor + channels;
	size_t		begin;
	size_t		end;

	for (size_t c = 0; c < channels; c++)
	{
		factor[c] = task->scale[c] * (task->gamma != NULL ? task->gamma[c] : 1);
		offset[c] = (task->beta != NULL ? task->beta[c] :
					 0) - factor[c] * task->mean[c];
	}
	worker_rows(task, slice, &begin, &end);
	for (size_t r = begin; r < end && !interrupt_pending_at(r - begin); r++)
		nn_affine(channels, task->in + r * channels, factor, offset,
				  task->out + r * channels);
}

/*
 * Outside of training, and frozen: the moving averages, with their scales in
 * scratch
 */
static void
moving_moments(NormTask *task)
{
	const real *variance = optional_tensor(task->layer, task->pass,
										   "moving_variance");
	real		epsilon = (real) params_number(&task->layer->params, EPSILON);
	real	   *scale = worker_run(task, 0) + 2 * task->channels;

	task->mean = optional_tensor(task->layer, task->pass, "moving_mean");
	for (size_t c = 0; c < task->channels; c++)
		scale[c] = 1 / sqrt(variance[c] + epsilon);
	task->scale = scale;
}

/*
 * in and out are [rows][C], saved [3][C] in training.  Moving averages are not
 * changed here but by update_state, when the loss is known to be finite.
 */
static void
batch_normalization_forward(const NnLayer *layer, const NnPass *pass,
							const real *in, real *out, real *saved)
{
	NormTask	task = norm_task(layer, pass);

	task.in = in;
	task.out = out;
	task.gamma = optional_tensor(layer, pass, "gamma");
	task.beta = optional_tensor(layer, pass, "beta");
	if (saved != NULL)
		batch_moments(&task, saved);
	else
		moving_moments(&task);
	pool_run(pass->pool, pool_threads(pass->pool), affine_slice, &task);
}

/*
 * dx = gamma s (dy - mean(dy) - xhat mean(dy xhat)); gamma is the same for all
 * rows of a channel and comes out of the means.  dx may be dy.
 */
static void
batch_gradient_slice(void *arg, int slice, int worker)
{
	const NormTask *task = arg;
	size_t		channels = task->channels;
	size_t		begin;
	size_t		end;

	worker_rows(task, slice, &begin, &end);
	for (size_t r = begin; r < end && !interrupt_pending_at(r - begin); r++)
		nn_norm_gradient(channels, task->in + r * channels,
						 task->dout + r * channels, task->mean,
						 task->scale, task->gamma, task->share_1, task->share_2,
						 task->out + r * channels);
}

/*
 * Mean and variance are constants: dx = gamma s dy, which is the formula above
 * without its means.  There is no gradient of gamma and beta.
 */
static void
frozen_backward(NormTask *task)
{
	real	   *shares = worker_run(task, 0);

	moving_moments(task);
	memset(shares, 0, 2 * task->channels * sizeof(real));
	task->share_1 = shares;
	task->share_2 = shares + task->channels;
	if (task->out != NULL)
		pool_run(task->pass->pool, pool_threads(task->pass->pool),
				 batch_gradient_slice, task);
}

/*
 * in is x [rows][C], saved [3][C], dout dy [rows][C]; din is dx or NULL.  The
 * means are over rows, so that dx waits for the sums of all workers.
 */
static void
batch_normalization_backward(const NnLayer *layer, const NnPass *pass,
							 const real *in, const real *out, const real *saved,
							 real *dout, real *din)
{
	NormTask	task = norm_task(layer, pass);
	size_t		channels = task.channels;
	double	   *sums;
	real	   *shares;

	task.in = in;
	task.dout = dout;
	task.out = din;
	task.gamma = optional_tensor(layer, pass, "gamma");
	if (layer->rate == 0)
	{
		frozen_backward(&task);
		return;
	}
	task.mean = saved;
	task.scale = saved + 2 * channels;
	pool_run(pass->pool, pool_threads(pass->pool), gradient_slice, &task);
	sums = total_sums(&task);
	shares = worker_run(&task, 0);
	if (din != NULL)
	{
		for (size_t c = 0; c < 2 * channels; c++)
			shares[c] = (real) (sums[c] / (double) task.rows);
		task.share_1 = shares;
		task.share_2 = shares + channels;
		pool_run(pass->pool, pool_threads(pass->pool), batch_gradient_slice,
				 &task);
	}
	sink_tensor(layer, pass, "gamma", sums + channels, shares + 2 * channels);
	sink_tensor(layer, pass, "beta", sums, shares + 3 * channels);
}

/*
 * moving = momentum moving + (1 - momentum) batch.  The variance is the
 * batch's as it is, as in Keras 3; TensorFlow's fused kernel takes n / (n - 1)
 * of it.
 */
static void
batch_normalization_update_state(const NnLayer *layer, const NnPass *pass,
								 const real *saved, real *weights)
{
	size_t		channels = (size_t) nn_channels(&layer->output);
	real		share = (real) (1 - params_number(&layer->params, MOMENTUM));
	real	   *mean = weights + layer->tensors[find_tensor(layer,
															"moving_mean")].offset;
	real	   *variance = weights + layer->tensors[find_tensor(layer,
																"moving_variance")].offset;

	for (size_t c = 0; c < channels; c++)
	{
		mean[c] += share * (saved[c] - mean[c]);
		variance[c] += share * (saved[channels + c] - variance[c]);
	}
}

const NnLayerType nn_layer_batch_normalization = {
	.description = {"batch_normalization", batch_normalization_params,
	"each channel with mean 0 and variance 1: of the batch in training, of moving averages otherwise (Ioffe and Szegedy, 2015)"},
	.place = NN_GRADIENT_IN_PLACE,
	.shape = batch_normalization_shape,
	.init = norm_init,
	.scratch = sums_scratch,
	.saved = batch_normalization_saved,
	.forward = batch_normalization_forward,
	.backward = batch_normalization_backward,
	.update_state = batch_normalization_update_state
};

/* ---- layer_normalization ---- */

static const ParamSpec layer_normalization_params[] = {
	NORM_PARAMS,
	{NULL}
};

/* [rows][2]: mean and s of each row */
static size_t
layer_normalization_saved(const NnLayer *layer, int n)
{
	return 2 * (size_t) n * layer->outputs / (size_t) nn_channels(&layer->output);
}

/*
 * Moments are taken along the channels of each row alone, in double, so that
 * rows do not depend on each other, nor on the batch.
 */
static void
layer_slice(void *arg, int slice, int worker)
{
	const NormTask *task = arg;
	size_t		channels = task->channels;
	double		epsilon = params_number(&task->layer->params, EPSILON);
	size_t		begin;
	size_t		end;

	worker_rows(task, slice, &begin, &end);
	for (size_t r = begin; r < end && !interrupt_pending_at(r - begin); r++)
	{
		const real *x = task->in + r * channels;
		real	   *y = task->out + r * channels;
		double		sum = 0;
		double		squares = 0;
		real		mean;
		real		scale;

		for (size_t c = 0; c < channels; c++)
			sum += x[c];
		mean = (real) (sum / (double) channels);
		for (size_t c = 0; c < channels; c++)
			squares += (double) (x[c] - mean) * (x[c] - mean);
		scale = (real) (1 / sqrt(squares / (double) channels + epsilon));
		for (size_t c = 0; c < channels; c++)
			y[c] = (x[c] - mean) * scale * (task->gamma != NULL ?
											task->gamma[c] : 1) +
				(task->beta != NULL ? task->beta[c] : 0);
		if (task->saved != NULL)
		{
			task->saved[2 * r] = mean;
			task->saved[2 * r + 1] = scale;
		}
	}
}

/* in and out are [rows][C], saved [rows][2] in training. */
static void
layer_normalization_forward(const NnLayer *layer, const NnPass *pass,
							const real *in, real *out, real *saved)
{
	NormTask	task = norm_task(layer, pass);

	task.in = in;
	task.out = out;
	task.saved = saved;
	task.gamma = optional_tensor(layer, pass, "gamma");
	task.beta = optional_tensor(layer, pass, "beta");
	pool_run(pass->pool, pool_threads(pass->pool), layer_slice, &task);
}

/*
 * dx = s (g - mean(g) - xhat mean(g xhat)) with g = gamma dy, the means being
 * over the channels of a row; and the worker's sums of dy and dy xhat, [2][C].
 * dx may be dy: each number is read before it is written.
 */
static void
layer_gradient_slice(void *arg, int slice, int worker)
{
	const NormTask *task = arg;
	size_t		channels = task->channels;
	double	   *sums = worker_moments(task, worker);
	size_t		begin;
	size_t		end;

	worker_rows(task, slice, &begin, &end);
	clear_sums(task, worker);
	for (size_t r = begin; r < end && !interrupt_pending_at(r - begin); r++)
	{
		const real *x = task->in + r * channels;
		const real *dy = task->dout + r * channels;
		real		mean = task->saved[2 * r];
		real		scale = task->saved[2 * r + 1];
		double		sum = 0;
		double		product = 0;
		real		share_1;
		real		share_2;

		for (size_t c = 0; c < channels; c++)
		{
			real		xhat = (x[c] - mean) * scale;
			real		g = dy[c] * (task->gamma != NULL ? task->gamma[c] : 1);

			sum += g;
			product += (double) g * xhat;
			sums[c] += dy[c];
			sums[channels + c] += (double) dy[c] * xhat;
		}
		share_1 = (real) (sum / (double) channels);
		share_2 = (real) (product / (double) channels);
		for (size_t c = 0; c < channels && task->out != NULL; c++)
		{
			real		xhat = (x[c] - mean) * scale;
			real		g = dy[c] * (task->gamma != NULL ? task->gamma[c] : 1);

			task->out[r * channels + c] =
				scale * (g - share_1 - xhat * share_2);
		}
	}
}

/* in is x [rows][C], saved [rows][2], dout dy [rows][C]; din is dx or NULL. */
static void
layer_normalization_backward(const NnLayer *layer, const NnPass *pass,
							 const real *in, const real *out, const real *saved,
							 real *dout, real *din)
{
	NormTask	task = norm_task(layer, pass);
	double	   *sums;
	real	   *scratch;

	task.in = in;
	task.dout = dout;
	task.out = din;
	task.saved = (real *) saved;
	task.gamma = optional_tensor(layer, pass, "gamma");
	pool_run(pass->pool, pool_threads(pass->pool), layer_gradient_slice, &task);
	sums = total_sums(&task);
	scratch = worker_run(&task, 0);
	sink_tensor(layer, pass, "gamma", sums + task.channels, scratch);
	sink_tensor(layer, pass, "beta", sums, scratch + task.channels);
}

const NnLayerType nn_layer_layer_normalization = {
	.description = {"layer_normalization", layer_normalization_params,
	"each row along its last dimension with mean 0 and variance 1 (Ba et al., 2016)"},
	.place = NN_GRADIENT_IN_PLACE,
	.shape = norm_shape,
	.init = norm_init,
	.scratch = sums_scratch,
	.saved = layer_normalization_saved,
	.forward = layer_normalization_forward,
	.backward = layer_normalization_backward
};
