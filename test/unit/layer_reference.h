/*
 * layer_reference.h
 *	  What each layer computes, in double and by plain loops, for test_layers.c.
 */
#ifndef LAYER_REFERENCE_H
#define LAYER_REFERENCE_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/layer.h"

static double
activate(NnActivation activation, double x)
{
	switch (activation)
	{
		case NN_RELU:
			return x > 0 ? x : 0;
		case NN_RELU6:
			return fmin(fmax(x, 0), 6);
		case NN_LEAKY_RELU:
			return x > 0 ? x : 0.2 * x;
		case NN_GELU:
			return x * 0.5 * erfc(-x / sqrt(2));
		case NN_SILU:
			return x / (1 + exp(-x));
		case NN_SIGMOID:
			return 1 / (1 + exp(-x));
		case NN_HARD_SIGMOID:
			return fmin(fmax(x + 3, 0), 6) / 6;
		case NN_HARD_SWISH:
			return x * fmin(fmax(x + 3, 0), 6) / 6;
		case NN_TANH:
			return tanh(x);
		default:
			return x;
	}
}

/* One pixel's channels */
static void
activate_all(NnActivation activation, double *x, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += exp(x[i]);
	for (int i = 0; i < n; i++)
		x[i] = activation == NN_SOFTMAX ? exp(x[i]) / sum :
			activate(activation, x[i]);
}

static const double *
tensor_of(const NnLayer *layer, const double *weights, int i)
{
	return i < layer->ntensors ? weights + layer->tensors[i].offset : NULL;
}

static void
conv2d_reference(const NnLayer *layer, const double *weights, const double *in,
				 double *out)
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

							if (iy >= 0 && iy < w->height && ix >= 0 &&
								ix < w->width)
								sum +=
									in[(iy * w->width + ix) * w->channels + c] *
									weight[((ky * w->kernel_width +
											 kx) * w->channels + c) * filters + f];
						}
				out[(y * w->out_width + x) * filters + f] = sum;
			}
	for (int p = 0; p < w->out_height * w->out_width; p++)
		activate_all(layer->activation, out + p * filters, filters);
}

static void
depthwise_reference(const NnLayer *layer, const double *weights,
					const double *in, double *out)
{
	const NnWindow *w = &layer->window;
	const double *weight = tensor_of(layer, weights, 0);
	const double *bias = tensor_of(layer, weights, 1);
	int			filters = layer->output.dim[2];
	int			m = filters / w->channels;

	for (int y = 0; y < w->out_height; y++)
		for (int x = 0; x < w->out_width; x++)
		{
			double	   *pixel = out + (y * w->out_width + x) * filters;

			for (int f = 0; f < filters; f++)
			{
				pixel[f] = bias != NULL ? bias[f] : 0;
				for (int ky = 0; ky < w->kernel_height; ky++)
					for (int kx = 0; kx < w->kernel_width; kx++)
					{
						int			iy = y * w->stride_y + ky - w->pad_top;
						int			ix = x * w->stride_x + kx - w->pad_left;

						if (iy >= 0 && iy < w->height && ix >= 0 &&
							ix < w->width)
							pixel[f] +=
								in[(iy * w->width + ix) * w->channels + f / m] *
								weight[(ky * w->kernel_width + kx) * filters +
									   f];
					}
			}
			activate_all(layer->activation, pixel, filters);
		}
}

static void
pooling2d_reference(const NnLayer *layer, bool average, const double *in,
					double *out)
{
	const NnWindow *w = &layer->window;

	for (int y = 0; y < w->out_height; y++)
		for (int x = 0; x < w->out_width; x++)
			for (int c = 0; c < w->channels; c++)
			{
				double		most = -INFINITY;
				double		sum = 0;
				int			n = 0;

				for (int iy = y * w->stride_y - w->pad_top;
					 iy < y * w->stride_y - w->pad_top + w->kernel_height; iy++)
					for (int ix = x * w->stride_x - w->pad_left;
						 ix < x * w->stride_x - w->pad_left + w->kernel_width; ix++)
						if (iy >= 0 && iy < w->height && ix >= 0 &&
							ix < w->width)
						{
							most = fmax(most,
										in[(iy * w->width + ix) * w->channels +
										   c]);
							sum += in[(iy * w->width + ix) * w->channels + c];
							n++;
						}
				out[(y * w->out_width + x) * w->channels + c] = average ?
					sum / n : most;
			}
}

/* Each channel over all pixels; p NAN: the largest */
static void
global_reference(const NnLayer *layer, double p, const double *in, double *out)
{
	int			channels = layer->input.dim[layer->input.rank - 1];
	int			n = (int) layer->inputs / channels;

	for (int c = 0; c < channels; c++)
	{
		double		least = INFINITY;
		double		most = -INFINITY;
		double		sum = 0;

		for (int i = 0; i < n; i++)
		{
			least = fmin(least, in[i * channels + c]);
			most = fmax(most, in[i * channels + c]);
		}
		for (int i = 0; i < n; i++)
		{
			double		y = in[i * channels + c] - least + 1;

			sum += p == 0 ? log(y) : pow(y, p);
		}
		out[c] = isnan(p) ? most :
			(p == 0 ? exp(sum / n) : pow(sum / n, 1 / p)) + least - 1;
	}
}

static void
zero_padding2d_reference(const NnLayer *layer, const double *in, double *out)
{
	const NnWindow *w = &layer->window;

	memset(out, 0, layer->outputs * sizeof(double));
	for (int y = 0; y < w->height; y++)
		for (int x = 0; x < w->width; x++)
			for (int c = 0; c < w->channels; c++)
				out[((y + w->pad_top) * w->out_width + x +
					 w->pad_left) * w->channels + c] =
					in[(y * w->width + x) * w->channels + c];
}

static const double *
tensor_named(const NnLayer *layer, const double *weights, const char *name)
{
	for (int i = 0; i < layer->ntensors; i++)
	{
		if (strcmp(layer->tensors[i].name, name) == 0)
			return weights + layer->tensors[i].offset;
	}
	return NULL;
}

/* n numbers, stride apart, to mean 0 and variance 1; then gamma and beta */
static void
normalize(const NnLayer *layer, const double *weights, int channel,
		  const double *in, double *out, size_t n, size_t stride)
{
	const double *gamma = tensor_named(layer, weights, "gamma");
	const double *beta = tensor_named(layer, weights, "beta");
	double		mean = 0;
	double		variance = 0;

	for (size_t i = 0; i < n; i++)
		mean += in[i * stride] / n;
	for (size_t i = 0; i < n; i++)
		variance += pow(in[i * stride] - mean, 2) / n;
	for (size_t i = 0; i < n; i++)
	{
		size_t		c = channel >= 0 ? channel : i;

		out[i * stride] = (in[i * stride] - mean) / sqrt(variance +
														 layer->params.values[0].number) *
			(gamma == NULL ? 1 : gamma[c]) + (beta == NULL ? 0 : beta[c]);
	}
}

static void
layer_normalization_reference(const NnLayer *layer, const double *weights,
							  const double *in, double *out)
{
	size_t		channels = layer->output.dim[layer->output.rank - 1];

	for (size_t i = 0; i < layer->outputs; i += channels)
		normalize(layer, weights, -1, in + i, out + i, channels, 1);
}

static void
normalization_reference(const NnLayer *layer, const double *weights,
						const double *in, double *out)
{
	size_t		channels = layer->output.dim[layer->output.rank - 1];
	const double *mean = tensor_named(layer, weights, "mean");
	const double *variance = tensor_named(layer, weights, "variance");

	for (size_t i = 0; i < layer->outputs; i++)
		out[i] = (in[i] - mean[i % channels]) / fmax(sqrt(variance[i % channels]), 1e-7);
}

/* Along the last dimension */
static void
dense_reference(const NnLayer *layer, const double *weights, const double *in,
				double *out)
{
	const double *weight = tensor_of(layer, weights, 0);
	const double *bias = tensor_of(layer, weights, 1);
	size_t		inputs = layer->input.dim[layer->input.rank - 1];
	size_t		units = layer->output.dim[layer->output.rank - 1];

	for (size_t r = 0; r < layer->inputs / inputs; r++)
	{
		for (size_t u = 0; u < units; u++)
		{
			double		sum = bias != NULL ? bias[u] : 0;

			for (size_t i = 0; i < inputs; i++)
				sum += in[r * inputs + i] * weight[i * units + u];
			out[r * units + u] = sum;
		}
		activate_all(layer->activation, out + r * units, (int) units);
	}
}

/* rows x kernel + bias; either may have no bias */
static void
projection_reference(const NnLayer *layer, const double *weights,
					 const char *part, const double *in, int rows, double *out)
{
	char		kernel_name[32];
	char		bias_name[32];
	const double *kernel;
	const double *bias;
	int			inputs = 0;
	int			width = 0;

	snprintf(kernel_name, sizeof(kernel_name), "%s_kernel", part);
	snprintf(bias_name, sizeof(bias_name), "%s_bias", part);
	kernel = tensor_named(layer, weights, kernel_name);
	bias = tensor_named(layer, weights, bias_name);
	for (int t = 0; t < layer->ntensors; t++)
		if (strcmp(layer->tensors[t].name, kernel_name) == 0)
		{
			inputs = layer->tensors[t].shape.dim[0];
			width = layer->tensors[t].shape.dim[1];
		}
	for (int r = 0; r < rows; r++)
		for (int u = 0; u < width; u++)
		{
			double		sum = bias != NULL ? bias[u] : 0;

			for (int i = 0; i < inputs; i++)
				sum += in[r * inputs + i] * kernel[i * width + u];
			out[r * width + u] = sum;
		}
}

#define MAX_PROJECTED 20000

/* One sequence, without dropout */
static void
attention_reference(const NnLayer *layer, const double *weights,
					const double *in, double *out)
{
	static double q[MAX_PROJECTED];
	static double k[MAX_PROJECTED];
	static double v[MAX_PROJECTED];
	static double o[MAX_PROJECTED];
	static double p[2000];
	int			tokens = layer->input.dim[0];
	int			heads = (int) layer->params.values[0].number;
	int			dim = (int) layer->params.values[1].number;
	int			value_dim = layer->params.values[2].isset ?
	(int) layer->params.values[2].number : dim;

	projection_reference(layer, weights, "query", in, tokens, q);
	projection_reference(layer, weights, "key", in, tokens, k);
	projection_reference(layer, weights, "value", in, tokens, v);
	for (int h = 0; h < heads; h++)
		for (int i = 0; i < tokens; i++)
		{
			for (int j = 0; j < tokens; j++)
			{
				p[j] = 0;
				for (int d = 0; d < dim; d++)
					p[j] += q[(i * heads + h) * dim + d] *
						k[(j * heads + h) * dim + d] / sqrt(dim);
			}
			activate_all(NN_SOFTMAX, p, tokens);
			for (int d = 0; d < value_dim; d++)
			{
				double	   *to = &o[(i * heads + h) * value_dim + d];

				*to = 0;
				for (int j = 0; j < tokens; j++)
					*to += p[j] * v[(j * heads + h) * value_dim + d];
			}
		}
	projection_reference(layer, weights, "output", o, tokens, out);
}

/* A bag of numbers of the input, the last dimension or one, after the other */
static void
embedding_reference(const NnLayer *layer, const double *weights,
					const double *in, double *out)
{
	bool		bag = strcmp(layer->type->description.name, "embedding_bag") == 0;
	const ParamValue *values = layer->params.values;
	size_t		width = layer->output.dim[layer->output.rank - 1];
	size_t		ids = bag ? layer->input.dim[layer->input.rank - 1] : 1;

	for (size_t b = 0; b < layer->inputs / ids; b++)
		for (size_t d = 0; d < width; d++)
		{
			double		sum = 0;
			double		largest = -INFINITY;
			int			n = 0;

			for (size_t i = b * ids; i < (b + 1) * ids; i++)
			{
				if (bag && values[3].isset && in[i] == values[3].number)
					continue;
				sum += weights[(size_t) in[i] * width + d];
				largest = fmax(largest, weights[(size_t) in[i] * width + d]);
				n++;
			}
			if (bag && values[2].number == 0 && n > 0)
				sum /= n;
			if (bag && values[2].number == 2 && n > 0)
				sum = largest;
			out[b * width + d] = sum;
		}
}

/* class_token, position_embedding, select and layer_scale */
static bool
sequence_reference(const NnLayer *layer, const double *weights,
				   const double *in, double *out)
{
	const char *type = layer->type->description.name;
	size_t		channels = layer->input.dim[layer->input.rank - 1];

	if (strcmp(type, "class_token") == 0)
	{
		memcpy(out, tensor_of(layer, weights, 0), channels * sizeof(double));
		memcpy(out + channels, in, layer->inputs * sizeof(double));
	}
	else if (strcmp(type, "position_embedding") == 0)
		for (size_t i = 0; i < layer->inputs; i++)
			out[i] = in[i] + tensor_of(layer, weights, 0)[i];
	else if (strcmp(type, "layer_scale") == 0)
		for (size_t i = 0; i < layer->inputs; i++)
			out[i] = in[i] * tensor_of(layer, weights, 0)[i % channels];
	else if (strcmp(type, "select") == 0)
		memcpy(out, in + (size_t) layer->params.values[0].number *
			   layer->outputs, layer->outputs * sizeof(double));
	else
		return false;
	return true;
}

static void
metric_embedding_reference(const NnLayer *layer, const double *weights,
						   const double *in, double *out)
{
	double		sum = 0;

	dense_reference(layer, weights, in, out);
	for (size_t u = 0; u < layer->outputs; u++)
		sum += out[u] * out[u];
	for (size_t u = 0; u < layer->outputs; u++)
		out[u] /= sqrt(fmax(sum, 1e-12));
}

static void
reference(const NnLayer *layer, const double *weights, const double *in,
		  double *out)
{
	const char *type = layer->type->description.name;

	if (strcmp(type, "conv2d") == 0)
		conv2d_reference(layer, weights, in, out);
	else if (strcmp(type, "depthwise_conv2d") == 0)
		depthwise_reference(layer, weights, in, out);
	else if (strstr(type, "x_pooling2d") != NULL && type[0] == 'm')
		pooling2d_reference(layer, false, in, out);
	else if (strcmp(type, "average_pooling2d") == 0)
		pooling2d_reference(layer, true, in, out);
	else if (strcmp(type, "global_average_pooling2d") == 0)
		global_reference(layer, 1, in, out);
	else if (strcmp(type, "global_max_pooling2d") == 0)
		global_reference(layer, NAN, in, out);
	else if (strncmp(type, "generalized_mean", 16) == 0)
		global_reference(layer, layer->params.values[0].number, in, out);
	else if (strcmp(type, "zero_padding2d") == 0)
		zero_padding2d_reference(layer, in, out);
	else if (strcmp(type, "layer_normalization") == 0)
		layer_normalization_reference(layer, weights, in, out);
	else if (strcmp(type, "normalization") == 0)
		normalization_reference(layer, weights, in, out);
	else if (strcmp(type, "dense") == 0)
		dense_reference(layer, weights, in, out);
	else if (strcmp(type, "multi_head_attention") == 0)
		attention_reference(layer, weights, in, out);
	else if (strncmp(type, "embedding", 9) == 0)
		embedding_reference(layer, weights, in, out);
	else if (sequence_reference(layer, weights, in, out))
		return;
	else if (strcmp(type, "metric_embedding") == 0)
		metric_embedding_reference(layer, weights, in, out);
	else if (strcmp(type, "rescaling") == 0)
	{
		for (size_t i = 0; i < layer->outputs; i++)
			out[i] = in[i] * layer->params.values[0].number + layer->params.values[1].number;
	}
	else
	{
		memcpy(out, in, layer->outputs * sizeof(double));
		if (strcmp(type, "activation") == 0)
			for (size_t i = 0; i < layer->outputs;
				 i += layer->output.dim[layer->output.rank - 1])
				activate_all(layer->activation, out + i,
							 layer->output.dim[layer->output.rank - 1]);
	}
}

/* n rows: only batch_normalization sees more than one at once. */
static void
batch_reference(const NnLayer *layer, const double *weights, const double *in,
				int n, double *out)
{
	size_t		channels = layer->output.dim[layer->output.rank - 1];

	if (layer->type == &nn_layer_batch_normalization)
	{
		for (size_t c = 0; c < channels; c++)
			normalize(layer, weights, (int) c, in + c, out + c,
					  n * layer->outputs / channels, channels);
		return;
	}
	for (int i = 0; i < n; i++)
		reference(layer, weights, in + (size_t) i * layer->inputs,
				  out + (size_t) i * layer->outputs);
}

#endif							/* LAYER_REFERENCE_H */
