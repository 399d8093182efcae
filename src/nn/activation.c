/*
 * activation.c
 *	  Functions of each output, as Keras defines them, and their derivatives.
 *
 *   relu        max(x, 0)                1 where y > 0
 *   relu6       min(max(x, 0), 6)        1 where 0 < y < 6
 *   leaky_relu  x, or 0.2 x below 0      1, or 0.2 where y <= 0
 *   gelu        x Phi(x)                 Phi(x) + x phi(x)
 *   silu        x s, s = sigmoid(x)      s (1 + x (1 - s))
 *   sigmoid     1 / (1 + e^-x)           y (1 - y)
 *   hard_sigmoid  relu6(x + 3) / 6       1 / 6 where 0 < y < 1
 *   hard_swish  x relu6(x + 3) / 6       (2 x + 3) / 6; 0 to -3, 1 from 3 on
 *   tanh        tanh(x)                  1 - y^2
 *   softmax     e^x / sum of e^x         dx = y (dy - sum of y dy)
 * Phi and phi are the normal distribution and its density: gelu is the exact
 * one, not the approximation by tanh.  Derivatives are computed from y where
 * possible: then x need not be kept.  gelu, silu and hard_swish fall before they
 * rise, so that their y belongs to two x.
 *
 * NaN must stay NaN: a model that diverged must not look sound.  Hence x < 0 ?
 * 0 : x and not fmax(x, 0).
 */
#include <string.h>
#include <tgmath.h>

#include "base/interrupt.h"
#include "nn/kernels.h"
#include "nn/layer.h"

#define LEAKY_SLOPE ((real) 0.2)

const char *const nn_activation_names[] = {
	"linear", "relu", "relu6", "leaky_relu", "gelu", "silu", "sigmoid",
	"hard_sigmoid", "hard_swish", "tanh", "softmax", NULL
};

bool
nn_activation_reads_input(NnActivation activation)
{
	return activation == NN_GELU || activation == NN_SILU ||
		activation == NN_HARD_SWISH;
}

void
nn_set_activation(NnLayer *layer, NnActivation activation)
{
	layer->activation = activation;
	layer->reads_out = activation != NN_LINEAR &&
		!nn_activation_reads_input(activation);
}

size_t
nn_saved_before(const NnLayer *layer, int n)
{
	return nn_activation_reads_input(layer->activation) ?
		(size_t) n * layer->outputs : 0;
}

/* min(max(x, 0), 6) */
static inline real
relu6(real x)
{
	return x < 0 ? 0 : x > 6 ? 6 : x;
}

static void
activate_rows(NnActivation activation, size_t rows, size_t width, real *x)
{
	size_t		n = rows * width;

	switch (activation)
	{
		case NN_LINEAR:
			break;
		case NN_RELU:
			for (size_t i = 0; i < n; i++)
				x[i] = x[i] < 0 ? 0 : x[i];
			break;
		case NN_RELU6:
			for (size_t i = 0; i < n; i++)
				x[i] = relu6(x[i]);
			break;
		case NN_LEAKY_RELU:
			for (size_t i = 0; i < n; i++)
				x[i] = x[i] < 0 ? LEAKY_SLOPE * x[i] : x[i];
			break;
		case NN_GELU:
			nn_gelu(n, x);
			break;
		case NN_SILU:
			nn_silu(n, x);
			break;
		case NN_SIGMOID:
			nn_sigmoid(n, x);
			break;
		case NN_HARD_SIGMOID:
			for (size_t i = 0; i < n; i++)
				x[i] = relu6(x[i] + 3) / 6;
			break;
		case NN_HARD_SWISH:
			for (size_t i = 0; i < n; i++)
				x[i] = x[i] * relu6(x[i] + 3) / 6;
			break;
		case NN_TANH:
			for (size_t i = 0; i < n; i++)
				x[i] = tanh(x[i]);
			break;
		case NN_SOFTMAX:
			for (size_t r = 0; r < rows; r++)
				nn_softmax(width, x + r * width);
			break;
	}
}

/* Rows of a piece; all functions except softmax are elementwise */
static size_t
piece_rows(NnActivation activation, size_t *rows, size_t *width)
{
	if (activation != NN_SOFTMAX)
	{
		*rows *= *width;
		*width = 1;
	}
	return INTERRUPT_NUMBERS / *width + 1;
}

void
nn_activate(NnActivation activation, size_t rows, size_t width, real *x)
{
	size_t		piece = piece_rows(activation, &rows, &width);

	for (size_t r = 0; r < rows && activation != NN_LINEAR &&
		 !interrupt_pending(); r += piece)
		activate_rows(activation, rows - r < piece ? rows - r : piece, width,
					  x + r * width);
}

static inline real
hard_swish_slope(real x)
{
	return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
}

/* dy_j/dx_i = y_j ([i = j] - y_i) for one row of width numbers */
static void
softmax_backward(size_t width, const real *out, real *dout)
{
	real		sum = 0;

	for (size_t i = 0; i < width; i++)
		sum += out[i] * dout[i];
	nn_softmax_slopes(width, out, sum, dout);
}

/* dout [rows][width] = dout f'(before), or f' computed from out */
static void
activate_rows_backward(NnActivation activation, size_t rows, size_t width,
					   const real *before, const real *out, real *dout)
{
	size_t		n = rows * width;

	switch (activation)
	{
		case NN_LINEAR:
			break;
		case NN_RELU:
			for (size_t i = 0; i < n; i++)
				dout[i] = out[i] > 0 ? dout[i] : 0;
			break;
		case NN_RELU6:
			for (size_t i = 0; i < n; i++)
				dout[i] = out[i] > 0 && out[i] < 6 ? dout[i] : 0;
			break;
		case NN_LEAKY_RELU:
			for (size_t i = 0; i < n; i++)
				dout[i] = out[i] > 0 ? dout[i] : LEAKY_SLOPE * dout[i];
			break;
		case NN_GELU:
			nn_gelu_backward(n, before, dout);
			break;
		case NN_SILU:
			nn_silu_backward(n, before, dout);
			break;
		case NN_SIGMOID:
			for (size_t i = 0; i < n; i++)
				dout[i] *= out[i] * (1 - out[i]);
			break;
		case NN_HARD_SIGMOID:
			for (size_t i = 0; i < n; i++)
				dout[i] = out[i] > 0 && out[i] < 1 ? dout[i] / 6 : 0;
			break;
		case NN_HARD_SWISH:
			for (size_t i = 0; i < n; i++)
				dout[i] *= hard_swish_slope(before[i]);
			break;
		case NN_TANH:
			for (size_t i = 0; i < n; i++)
				dout[i] *= 1 - out[i] * out[i];
			break;
		case NN_SOFTMAX:
			for (size_t r = 0; r < rows; r++)
				softmax_backward(width, out + r * width, dout + r * width);
			break;
	}
}

void
nn_activate_backward(NnActivation activation, size_t rows, size_t width,
					 const real *before, const real *out, real *dout)
{
	size_t		piece = piece_rows(activation, &rows, &width);

	for (size_t r = 0; r < rows && activation != NN_LINEAR &&
		 !interrupt_pending(); r += piece)
		activate_rows_backward(activation, rows - r < piece ? rows - r : piece,
							   width, before == NULL ? NULL :
							   before + r * width,
							   out == NULL ? NULL : out + r * width,
							   dout + r * width);
}
