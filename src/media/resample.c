/*
 * resample.c
 *	  From rows of a picture to one of another size, row by row.
 *
 * Output o of an axis whose box begins at b and is l samples long looks at
 * s = b + (o + 1/2) l/n: pixels are squares, and sample i is that of i + 1/2.
 * With the kernel's width w = max(l/n, 1) (1 without antialiasing), it is
 *
 *		sum_i k((i + 1/2 - s) / w) x_i / sum_i k(...),    k(t) = max(1 - |t|, 0)
 *
 * over the samples i in the box: what tf.image.resize() computes of what it is
 * given.  A sample that an edge goes through counts as far as it is within.  What
 * of the box is beyond the source counts as background, whose weights are summed
 * once for each output.
 *
 * Both directions are separate sums.  A row that arrives is first made narrow,
 * then added to the outputs that it is part of, so that no more than the result
 * is in memory.
 */
#include "media/resample.h"

#include <math.h>
#include <string.h>

/* Positions that differ by less are the same. */
#define EPSILON 1e-6

/* A pixel of RGB and the first number of the next one, in one register */
typedef float Pixel __attribute__((vector_size(16)));

#define FLOATS_BEHIND 1

typedef struct Taps
{
	int			outputs;
	int		   *first;			/* sample, and how many; they do not fall */
	int		   *count;
	float	  **weights;
	float	   *outside;		/* sum of those of the background */
} Taps;

struct Resampler
{
	int			channels;
	float		background[3];
	Taps		x;
	Taps		y;
	int			next;			/* the first output that wants more rows */
	size_t		samples;		/* of a row, in all channels */
	float	   *wide;			/* a row as it came, and FLOATS_BEHIND */
	float	   *narrow;			/* a row of x.outputs */
	float	   *result;
};

/* ---- which samples an output sees, and how much of them ---- */

typedef struct Span
{
	int			begin;
	int			end;
	double		low;			/* edges of the box, in the source's order */
	double		high;
	double		center;
	double		width;
} Span;

/*
 * The kernel's samples within the box.  It is symmetric: a mirrored axis has
 * the box at the other end.
 */
static Span
bilinear_span(const ResampleAxis *axis, bool antialias, int output)
{
	double		step = axis->length / axis->outputs;
	Span		span;

	span.low = axis->mirrored ?
		axis->extent - axis->begin - axis->length : axis->begin;
	span.high = span.low + axis->length;
	span.width = antialias && step > 1 ? step : 1;
	span.center = span.low + (output + 0.5) * step;
	span.begin = (int) fmax(ceil(span.center - span.width - 0.5),
							floor(span.low + EPSILON));
	span.end = (int) fmin(floor(span.center + span.width - 0.5) + 1,
						  ceil(span.high - EPSILON));
	return span;
}

/* Of two that are equally near the later one as it is seen */
static Span
nearest_span(const ResampleAxis *axis, int output)
{
	double		step = axis->length / axis->outputs;
	int			seen = axis->mirrored ? axis->outputs - 1 - output : output;
	int			sample = (int) floor(axis->begin + (seen + 0.5) * step);

	if (axis->mirrored)
		sample = axis->samples - 1 - sample;
	return (Span)
	{
		sample, sample + 1, sample, sample + 1, sample + 0.5, 1
	};
}

static Span
span_of(const ResampleAxis *axis, ResampleKernel kernel, int output)
{
	return kernel == RESAMPLE_NEAREST ? nearest_span(axis, output) :
		bilinear_span(axis, kernel == RESAMPLE_ANTIALIASED, output);
}

/* A sample counts by how much of it is between low and high. */
static double
weight_of(const Span *span, int sample, double low, double high)
{
	double		overlap = fmin(sample + 1, high) - fmax(sample, low);

	return fmax(1 - fabs(sample + 0.5 - span->center) / span->width, 0) *
		fmax(overlap, 0);
}

/* Weights of what is in the source; the others are the background's. */
static bool
set_weights(Taps *taps, const ResampleAxis *axis, const Span *span, int output,
			Arena *arena)
{
	int			begin = span->begin < 0 ? 0 : span->begin;
	int			end = span->end > axis->samples ? axis->samples : span->end;
	double		total = 0;
	double		inside = 0;
	float	   *weights;

	if (begin > axis->samples)
		begin = axis->samples;
	if (end < begin)
		end = begin;
	for (int i = span->begin; i < span->end; i++)
		total += weight_of(span, i, span->low, span->high);
	weights = arena_alloc_array(arena, (size_t) (end - begin) + 1,
								sizeof(float));
	if (weights == NULL)
		return false;
	for (int i = begin; i < end; i++)
	{
		double		weight = weight_of(span, i, fmax(span->low, 0),
									   fmin(span->high, axis->extent)) / total;

		weights[i - begin] = (float) weight;
		inside += weight;
	}
	taps->first[output] = begin;
	taps->count[output] = end - begin;
	taps->weights[output] = weights;
	taps->outside[output] = inside > 1 - EPSILON ? 0 : (float) (1 - inside);
	return true;
}

static bool
set_taps(Taps *taps, const ResampleAxis *axis, ResampleKernel kernel,
		 Arena *arena)
{
	size_t		n = (size_t) axis->outputs;

	taps->outputs = axis->outputs;
	taps->first = arena_new_array(arena, n, int);
	taps->count = arena_new_array(arena, n, int);
	taps->weights = arena_new_array(arena, n, float *);
	taps->outside = arena_new_array(arena, n, float);
	if (taps->first == NULL || taps->count == NULL || taps->weights == NULL ||
		taps->outside == NULL)
		return false;
	for (int i = 0; i < axis->outputs; i++)
	{
		Span		span = span_of(axis, kernel, i);

		if (!set_weights(taps, axis, &span, i, arena))
			return false;
	}
	return true;
}

/* ---- rows ---- */

static void
fill_background(Resampler *resampler)
{
	size_t		n = (size_t) resampler->x.outputs;
	float	   *out = resampler->result;

	for (int y = 0; y < resampler->y.outputs; y++)
		for (size_t x = 0; x < n; x++)
			for (int c = 0; c < resampler->channels; c++)
				*out++ = resampler->y.outside[y] * resampler->background[c];
}

size_t
resampler_memory(const ResampleAxis *x, const ResampleAxis *y, int channels)
{
	size_t		row = (size_t) x->outputs * channels * sizeof(float);
	size_t		wide = (size_t) x->samples * channels + FLOATS_BEHIND;
	size_t		outputs = (size_t) x->outputs + (size_t) y->outputs;
	size_t		samples = (size_t) x->samples + (size_t) y->samples;

	/* each sample is seen by two outputs when there are fewer of these */
	return arena_bound(row * ((size_t) y->outputs + 1) +
					   (wide + 2 * samples + 4 * outputs) * sizeof(float) +
					   outputs * (2 * sizeof(int) + sizeof(float *)),
					   outputs + 16);
}

Resampler *
resampler_create(Arena *arena, ResampleKernel kernel, const ResampleAxis *x,
				 const ResampleAxis *y, int channels,
				 const uint8_t *background, Status *status)
{
	Resampler  *resampler = arena_new(arena, Resampler);
	size_t		row = (size_t) x->outputs * channels;
	size_t		samples = (size_t) x->samples * channels;

	if (resampler != NULL &&
		set_taps(&resampler->x, x, kernel, arena) &&
		set_taps(&resampler->y, y, kernel, arena))
	{
		resampler->wide = arena_alloc_zero(arena, (samples + FLOATS_BEHIND) *
										   sizeof(float));
		resampler->narrow = arena_new_array(arena, row, float);
		resampler->result = arena_alloc_array(arena, (size_t) y->outputs,
											  row * sizeof(float));
	}
	if (resampler == NULL || resampler->wide == NULL ||
		resampler->narrow == NULL || resampler->result == NULL)
	{
		status_out_of_memory(status, "while resizing a picture");
		return NULL;
	}
	resampler->channels = channels;
	resampler->samples = samples;
	for (int c = 0; c < channels; c++)
		resampler->background[c] = background[c];
	fill_background(resampler);
	return resampler;
}

static void
narrow_gray(const Taps *x, const float *wide, float background, float *out)
{
	for (int i = 0; i < x->outputs; i++)
	{
		const float *from = wide + x->first[i];
		const float *weights = x->weights[i];
		float		sum = x->outside[i] * background;

		for (int k = 0; k < x->count[i]; k++)
			sum += weights[k] * from[k];
		out[i] = sum;
	}
}

static void
narrow_rgb(const Taps *x, const float *wide, const float *background,
		   float *out)
{
	const Pixel below = {background[0], background[1], background[2], 0};

	for (int i = 0; i < x->outputs; i++)
	{
		const float *from = wide + 3 * (size_t) x->first[i];
		const float *weights = x->weights[i];
		Pixel		sum = x->outside[i] * below;

		for (int k = 0; k < x->count[i]; k++, from += 3)
		{
			Pixel		pixel;

			memcpy(&pixel, from, sizeof(pixel));
			sum += weights[k] * pixel;
		}
		memcpy(out + 3 * (size_t) i, &sum, 3 * sizeof(float));
	}
}

static void
add_source_row(const Resampler *resampler, int output, float weight)
{
	size_t		n = (size_t) resampler->x.outputs * resampler->channels;
	float	   *out = resampler->result + n * output;

	for (size_t i = 0; i < n; i++)
		out[i] += weight * resampler->narrow[i];
}

/* An output without any sample, which is all background, wants no row. */
static bool
is_done(const Taps *taps, int output, int row)
{
	return taps->first[output] + taps->count[output] <= row;
}

void
resampler_row(Resampler *resampler, int y, const uint8_t *pixels)
{
	const Taps *taps = &resampler->y;

	while (resampler->next < taps->outputs &&
		   is_done(taps, resampler->next, y))
		resampler->next++;
	if (resampler->next == taps->outputs || taps->first[resampler->next] > y)
		return;
	for (size_t i = 0; i < resampler->samples; i++)
		resampler->wide[i] = pixels[i];
	if (resampler->channels == 1)
		narrow_gray(&resampler->x, resampler->wide, resampler->background[0],
					resampler->narrow);
	else
		narrow_rgb(&resampler->x, resampler->wide, resampler->background,
				   resampler->narrow);
	for (int i = resampler->next; i < taps->outputs && taps->first[i] <= y; i++)
		if (!is_done(taps, i, y))
			add_source_row(resampler, i, taps->weights[i][y - taps->first[i]]);
}

const float *
resampler_result(const Resampler *resampler)
{
	return resampler->result;
}
