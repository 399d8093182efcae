/*
 * import_positions.c
 *	  Position embeddings of a picture of one size for one of another.
 *
 * As timm does it: what stands before the patches stays, and the patches' are
 * a picture of D channels, resized by cubic convolution (Keys, 1981, a = -1/2)
 * with antialiasing.  Going from n pixels to m along a side, pixel i of the
 * result is at c = (i + 1/2) s - 1/2 of the source, s = n / m, and
 *   y[i] = sum over j of w((j - c) / max(s, 1)) x[j], divided by the sum of w,
 * over the pixels j that there are.
 */
#include "nn/import_positions.h"

#include <math.h>

#include "nn/layer.h"

/* ---- what fits ---- */

/*
 * The picture whose pixels are a layer's tokens: the output of the nearest layer
 * before it that gives one; false if there is none.
 */
static bool
find_picture(const NnGraph *graph, const NnLayer *layer, NnShape *picture)
{
	while (layer->nsources == 1 && layer->sources[0] != NN_INPUT)
	{
		layer = &graph->layers[layer->sources[0]];
		*picture = layer->output;
		if (picture->rank == 3)
			return true;
	}
	return false;
}

/* Tokens and channels of the source; dimensions of 1 before them do not count. */
static bool
source_shape(const SafeTensor *source, uint64_t *tokens, uint64_t *channels)
{
	for (int i = 0; i < source->rank - 2; i++)
	{
		if (source->dim[i] != 1)
			return false;
	}
	if (source->rank < 2)
		return false;
	*tokens = source->dim[source->rank - 2];
	*channels = source->dim[source->rank - 1];
	return true;
}

bool
nn_positions_fit(const NnGraph *graph, const NnTensorInfo *tensor,
				 const SafeTensor *source, NnPositions *positions)
{
	const NnLayer *layer = &graph->layers[tensor->layer];
	NnShape		picture;
	uint64_t	tokens;
	uint64_t	channels;
	int			others;
	int			side;

	if (layer->type != &nn_layer_position_embedding ||
		!find_picture(graph, layer, &picture) ||
		!source_shape(source, &tokens, &channels) ||
		channels != (uint64_t) tensor->shape.dim[1] || tokens > NN_MAX_ROW)
		return false;
	others = tensor->shape.dim[0] - picture.dim[0] * picture.dim[1];
	side = (int) lround(sqrt((double) tokens - others));
	if (others < 0 || side < 1 ||
		(uint64_t) side * side + others != tokens)
		return false;
	*positions = (NnPositions)
	{
		.side = side,.height = picture.dim[0],.width = picture.dim[1]
	};
	return true;
}

/* ---- resizing ---- */

/* Keys' kernel: 1 at 0, 0 from 2 on */
static double
cubic(double x)
{
	x = fabs(x);
	if (x < 1)
		return (1.5 * x - 2.5) * x * x + 1;
	return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/* Pixels of the source that pixel i of m sees, and what their weights add up to */
typedef struct Window
{
	int			begin;
	int			end;
	double		center;
	double		scale;
	double		sum;
} Window;

static double
weight_of(const Window *window, int j)
{
	return cubic((j - window->center) / window->scale);
}

static Window
window_of(int i, int n, int m)
{
	double		step = (double) n / m;
	Window		window = {.center = (i + 0.5) * step - 0.5,.scale = fmax(step, 1)};

	window.begin = (int) fmax(ceil(window.center - 2 * window.scale), 0);
	window.end = (int) fmin(floor(window.center + 2 * window.scale), n - 1) + 1;
	for (int j = window.begin; j < window.end; j++)
		window.sum += weight_of(&window, j);
	return window;
}

/* out[d] += w in[d] */
static void
add_scaled(double *out, const double *in, int n, double w)
{
	for (int d = 0; d < n; d++)
		out[d] += w * in[d];
}

/* Rows of n times d numbers to rows of m times d: out must be 0. */
static void
resize_side(const double *in, int n, double *out, int m, int rows, int d)
{
	for (int i = 0; i < m; i++)
	{
		Window		window = window_of(i, n, m);

		for (int j = window.begin; j < window.end; j++)
			for (int r = 0; r < rows; r++)
				add_scaled(out + ((size_t) r * m + i) * d,
						   in + ((size_t) r * n + j) * d, d,
						   weight_of(&window, j) / window.sum);
	}
}

bool
nn_positions_resize(NnPositions *positions, const NnTensorInfo *tensor,
					const SafeTensor *source, Arena *arena, Status *status)
{
	int			channels = tensor->shape.dim[1];
	int			side = positions->side;
	size_t		patches = (size_t) positions->height * positions->width * channels;
	size_t		others = tensor->count - patches;
	size_t		across = (size_t) side * positions->width * channels;
	double	   *in = arena_alloc_array(arena, (size_t) side * side * channels,
									   sizeof(double));
	double	   *middle = arena_alloc_zero(arena, across * sizeof(double));
	double	   *out = arena_alloc_zero(arena, patches * sizeof(double));

	positions->numbers = arena_alloc_array(arena, tensor->count, sizeof(real));
	if (in == NULL || middle == NULL || out == NULL ||
		positions->numbers == NULL)
		return status_out_of_memory(status, NULL);
	for (size_t i = 0; i < others; i++)
		positions->numbers[i] = safetensors_get(source, i);
	for (size_t i = 0; i < (size_t) side * side * channels; i++)
		in[i] = safetensors_get(source, others + i);
	/* [side][side][D] to [side][W][D], and as one row [side][W D] to [H][W D] */
	resize_side(in, side, middle, positions->width, side, channels);
	resize_side(middle, side, out, positions->height, 1,
				positions->width * channels);
	for (size_t i = 0; i < patches; i++)
		positions->numbers[others + i] = (real) out[i];
	return true;
}
