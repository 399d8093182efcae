/*
 * layer_global_pool.c
 *	  Pooling over all pixels: global_average_pooling2d, global_max_pooling2d,
 *	  generalized_mean_pooling1d and 2d.
 *
 * in is [n][pixels][C], with pixels being H x W or the steps of a sequence;
 * out is [n][C], or [n][1][1][C] with keepdims.  For each image and channel,
 * the generalized mean (Radenovic et al., 2018) is TensorFlow Similarity's:
 * with m the smallest of N numbers,
 *   y_i = x_i - m + 1, g = (mean of y_i^p)^(1/p), out = g + m - 1
 * and g = exp(mean of ln y_i) for |p| < 1e-5.  The shift keeps y at 1 and
 * above, where powers and logarithms of all p exist.  p is a parameter, no
 * weight.
 *   t_i = dg/dy_i = y_i^(p-1) g^(1-p) / N
 *   dx_i = dout (t_i + [x_i = m] (1 - sum of t) / equal)
 * The second part is m's: each y falls with it, out rises.  TensorFlow shares
 * the gradient of a largest or smallest number among equal ones, and so does
 * this.
 */
#include <string.h>
#include <tgmath.h>

#include "base/interrupt.h"
#include "nn/layer.h"

enum
{
	GLOBAL_KEEPDIMS
};

enum
{
	GEM_P, GEM_KEEPDIMS
};

/* p below which the mean is geometric */
#define GEOMETRIC_P 0.00001

#define KEEPDIMS_PARAM \
	{.name = "keepdims",.type = PARAM_BOOLEAN,.maximum = 1, \
	.comment = "keep the dimensions pooled over, with size 1"}

static const ParamSpec global_params[] = {
	KEEPDIMS_PARAM,
	{NULL}
};

static const ParamSpec gem_params[] = {
	{.name = "p",.type = PARAM_REAL,.initial = 3,.minimum = -100,.maximum = 100,
	.comment = "exponent: 1 is the mean, large ones come near the maximum"},
	KEEPDIMS_PARAM,
	{NULL}
};

/* All dimensions but the last are pooled over. */
static bool
pooled_shape(NnLayer *layer, bool keepdims)
{
	int			last = layer->input.rank - 1;
	NnShape		flat = {1, {layer->input.dim[last]}};

	layer->output = flat;
	if (!keepdims)
		return true;
	layer->output = layer->input;
	for (int i = 0; i < last; i++)
		layer->output.dim[i] = 1;
	return true;
}

static bool
average_shape(NnLayer *layer, Status *status)
{
	layer->reads_in = layer->reads_out = false;
	return nn_need_image(layer, status) &&
		pooled_shape(layer, params_number(&layer->params,
										  GLOBAL_KEEPDIMS) != 0);
}

static bool
maximum_shape(NnLayer *layer, Status *status)
{
	return nn_need_image(layer, status) &&
		pooled_shape(layer, params_number(&layer->params,
										  GLOBAL_KEEPDIMS) != 0);
}

static bool
gem2d_shape(NnLayer *layer, Status *status)
{
	return nn_need_image(layer, status) &&
		pooled_shape(layer, params_number(&layer->params, GEM_KEEPDIMS) != 0);
}

/* A sequence is [steps][C]; gem2d_shape() wants [H][W][C]. */
static bool
gem1d_shape(NnLayer *layer, Status *status)
{
	char		text[64];

	if (layer->input.rank == 2)
		return pooled_shape(layer,
							params_number(&layer->params, GEM_KEEPDIMS) != 0);
	return status_fail(status, STATUS_SHAPE_MISMATCH,
					   "layer \"%s\" needs sequences of steps x channels, not %s",
					   layer->name,
					   nn_shape_text(&layer->input, text, sizeof(text)));
}

/* ---- one channel: n numbers, stride apart ---- */

typedef struct Channel
{
	size_t		n;
	size_t		stride;
	double		p;
} Channel;

typedef real (*PoolChannel) (const Channel *channel, const real *x);
typedef void (*SpreadChannel) (const Channel *channel, const real *x, real out,
							   real dout, real *dx);

static real
average(const Channel *channel, const real *x)
{
	real		sum = 0;

	for (size_t i = 0; i < channel->n; i++)
		sum += x[i * channel->stride];
	return sum / (real) channel->n;
}

/* dx = dout / N */
static void
spread_average(const Channel *channel, const real *x, real out, real dout,
			   real *dx)
{
	for (size_t i = 0; i < channel->n; i++)
		dx[i * channel->stride] = dout / (real) channel->n;
}

/* NaN wins: a model that diverged must not look sound. */
static real
maximum(const Channel *channel, const real *x)
{
	real		most = x[0];

	for (size_t i = 1; i < channel->n; i++)
	{
		real		other = x[i * channel->stride];

		most = other > most || isnan(other) ? other : most;
	}
	return most;
}

static real
minimum(const Channel *channel, const real *x)
{
	real		least = x[0];

	for (size_t i = 1; i < channel->n; i++)
	{
		real		other = x[i * channel->stride];

		least = other < least || isnan(other) ? other : least;
	}
	return least;
}

/* Add share to the gradient of each number that equals value. */
static void
spread_equal(const Channel *channel, const real *x, real value, real share,
			 real *dx)
{
	size_t		equal = 0;

	for (size_t i = 0; i < channel->n; i++)
		equal += x[i * channel->stride] == value;
	for (size_t i = 0; i < channel->n; i++)
	{
		if (x[i * channel->stride] == value)
			dx[i * channel->stride] += share / (real) equal;
	}
}

static void
spread_maximum(const Channel *channel, const real *x, real out, real dout,
			   real *dx)
{
	for (size_t i = 0; i < channel->n; i++)
		dx[i * channel->stride] = 0;
	spread_equal(channel, x, out, dout, dx);
}

/*
 * In the engine's own numbers: y is 1 and above, so that sums of powers cancel
 * nothing.
 */
static real
generalized_mean(const Channel *channel, const real *x)
{
	real		least = minimum(channel, x);
	bool		geometric = fabs(channel->p) < GEOMETRIC_P;
	real		p = (real) channel->p;
	real		sum = 0;

	for (size_t i = 0; i < channel->n && !interrupt_pending_at(i); i++)
	{
		real		y = x[i * channel->stride] - least + 1;

		sum += geometric ? log(y) : p == 3 ? y * y * y : pow(y, p);
	}
	sum /= (real) channel->n;
	return (geometric ? exp(sum) : pow(sum, 1 / p)) + least - 1;
}

/*
 * t_i as in the file head; for p = 0 it is g / (N y_i), which the same
 * expression gives.  p = 3, the default, needs no pow().
 */
static void
spread_generalized_mean(const Channel *channel, const real *x, real out,
						real dout, real *dx)
{
	real		least = minimum(channel, x);
	real		p = fabs(channel->p) < GEOMETRIC_P ? 0 : (real) channel->p;
	real		factor = pow(out - least + 1, 1 - p) / (real) channel->n;
	real		sum = 0;

	for (size_t i = 0; i < channel->n && !interrupt_pending_at(i); i++)
	{
		real		y = x[i * channel->stride] - least + 1;
		real		slope = factor * (p == 3 ? y * y : pow(y, p - 1));

		sum += slope;
		dx[i * channel->stride] = dout * slope;
	}
	spread_equal(channel, x, least, dout * (1 - sum), dx);
}

/* ---- all of them ---- */

typedef struct GlobalTask
{
	const NnLayer *layer;
	Channel		channel;
	PoolChannel pool;
	SpreadChannel spread;
	const real *in;
	const real *out;
	real	   *target;			/* out, or the gradient of the input */
	const real *dout;
} GlobalTask;

static GlobalTask
global_task(const NnLayer *layer)
{
	GlobalTask	task = {.layer = layer};

	task.channel.stride = (size_t) nn_channels(&layer->input);
	task.channel.n = layer->inputs / task.channel.stride;
	return task;
}

/* One image: out[c] for each channel, whose numbers are C apart */
static void
pool_image(void *arg, int slice, int worker)
{
	const GlobalTask *task = arg;
	size_t		channels = task->channel.stride;

	for (size_t c = 0; c < channels && !interrupt_pending(); c++)
		task->target[(size_t) slice * channels + c] =
			task->pool(&task->channel,
					   task->in + (size_t) slice * task->layer->inputs + c);
}

/* One image: dx of each channel from dout[c] */
static void
spread_image(void *arg, int slice, int worker)
{
	const GlobalTask *task = arg;
	size_t		channels = task->channel.stride;

	/* a mean's gradient depends on neither in nor out, and neither is there */
	for (size_t c = 0; c < channels && !interrupt_pending(); c++)
	{
		size_t		at = (size_t) slice * task->layer->inputs + c;
		size_t		o = (size_t) slice * channels + c;

		task->spread(&task->channel, task->layer->reads_in ? task->in + at :
					 NULL,
					 task->layer->reads_out ? task->out[o] : 0, task->dout[o],
					 task->target + at);
	}
}

static void
run_pool(const NnLayer *layer, const NnPass *pass, PoolChannel pool, double p,
		 const real *in, real *out)
{
	GlobalTask	task = global_task(layer);

	task.pool = pool;
	task.channel.p = p;
	task.in = in;
	task.target = out;
	pool_run(pass->pool, pass->n, pool_image, &task);
}

static void
run_spread(const NnLayer *layer, const NnPass *pass, SpreadChannel spread,
		   double p, const real *in, const real *out, const real *dout,
		   real *din)
{
	GlobalTask	task = global_task(layer);

	task.spread = spread;
	task.channel.p = p;
	task.in = in;
	task.out = out;
	task.dout = dout;
	task.target = din;
	if (din != NULL)
		pool_run(pass->pool, pass->n, spread_image, &task);
}

static void
average_forward(const NnLayer *layer, const NnPass *pass, const real *in,
				real *out, real *saved)
{
	run_pool(layer, pass, average, 0, in, out);
}

static void
average_backward(const NnLayer *layer, const NnPass *pass, const real *in,
				 const real *out, const real *saved, real *dout, real *din)
{
	run_spread(layer, pass, spread_average, 0, in, out, dout, din);
}

static void
maximum_forward(const NnLayer *layer, const NnPass *pass, const real *in,
				real *out, real *saved)
{
	run_pool(layer, pass, maximum, 0, in, out);
}

static void
maximum_backward(const NnLayer *layer, const NnPass *pass, const real *in,
				 const real *out, const real *saved, real *dout, real *din)
{
	run_spread(layer, pass, spread_maximum, 0, in, out, dout, din);
}

static void
gem_forward(const NnLayer *layer, const NnPass *pass, const real *in, real *out,
			real *saved)
{
	run_pool(layer, pass, generalized_mean,
			 params_number(&layer->params, GEM_P), in, out);
}

static void
gem_backward(const NnLayer *layer, const NnPass *pass, const real *in,
			 const real *out, const real *saved, real *dout, real *din)
{
	run_spread(layer, pass, spread_generalized_mean,
			   params_number(&layer->params, GEM_P), in, out, dout, din);
}

const NnLayerType nn_layer_global_average_pooling2d = {
	.description = {"global_average_pooling2d", global_params, "mean of each channel of an image"},
	.shape = average_shape,
	.forward = average_forward,
	.backward = average_backward
};

const NnLayerType nn_layer_global_max_pooling2d = {
	.description = {"global_max_pooling2d", global_params, "largest number of each channel of an image"},
	.shape = maximum_shape,
	.forward = maximum_forward,
	.backward = maximum_backward
};

const NnLayerType nn_layer_generalized_mean_pooling1d = {
	.description = {"generalized_mean_pooling1d", gem_params,
	"generalized mean of each channel of a sequence (Radenovic et al., 2018; TensorFlow Similarity's)"},
	.shape = gem1d_shape,
	.forward = gem_forward,
	.backward = gem_backward
};

const NnLayerType nn_layer_generalized_mean_pooling2d = {
	.description = {"generalized_mean_pooling2d", gem_params,
	"generalized mean of each channel of an image (Radenovic et al., 2018; TensorFlow Similarity's)"},
	.shape = gem2d_shape,
	.forward = gem_forward,
	.backward = gem_backward
};
