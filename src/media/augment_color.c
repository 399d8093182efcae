/*
 * augment_color.c
 *	  Steps that change the colors of pixels, and those that look at their
 *	  neighbors to do so.
 *
 * Each ends within 0 .. 1.  What mixes channels leaves gray pictures alone.
 */
#include <math.h>
#include <string.h>

#include "media/augment_step.h"

/* ITU-R BT.601, as everywhere in this room */
#define RED 0.299f
#define GREEN 0.587f
#define BLUE 0.114f

static inline float
gray_at(const float *red, size_t area, size_t i)
{
	return RED * red[i] + GREEN * red[area + i] + BLUE * red[2 * area + i];
}

/* x = clamp_unit(factor x + offset) */
static void
scale_and_shift(float *x, size_t n, float factor, float offset)
{
	for (size_t i = 0; i < n; i++)
		x[i] = clamp_unit(factor * x[i] + offset);
}

static float
mean_value(const float *x, size_t n)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return (float) (sum / (double) n);
}

void
planes_brighten(Planes *planes, float factor)
{
	scale_and_shift(planes->pixels, planes_area(planes) * planes->channels, factor, 0);
}

/* Around each channel's own mean, as tf.image.adjust_contrast() */
void
planes_contrast(Planes *planes, float factor)
{
	size_t		area = planes_area(planes);

	for (int c = 0; c < planes->channels; c++)
	{
		float	   *x = planes->pixels + c * area;

		scale_and_shift(x, area, factor, (1 - factor) * mean_value(x, area));
	}
}

/* Between the gray picture (0), the picture (1) and beyond */
void
planes_saturate(Planes *planes, float factor)
{
	size_t		area = planes_area(planes);
	float	   *x = planes->pixels;

	if (planes->channels == 1)
		return;
	for (size_t i = 0; i < area; i++)
	{
		float		gray = (1 - factor) * gray_at(x, area, i);

		x[i] = clamp_unit(factor * x[i] + gray);
		x[area + i] = clamp_unit(factor * x[area + i] + gray);
		x[2 * area + i] = clamp_unit(factor * x[2 * area + i] + gray);
	}
}

/*
 * A channel of HSV at a hue of 0 .. 6: n is 5, 3, 1 for red, green, blue.
 * place = n + hue, modulo 6, is below 18 before.
 */
static inline float
channel_of_hue(float place, float value, float chroma)
{
	float		k = place >= 12 ? place - 12 : place >= 6 ? place - 6 : place;
	float		slope = k < 4 - k ? k : 4 - k;

	return value - chroma * clamp_unit(slope);
}

/* Hue of HSV, in whole turns */
void
planes_turn_hue(Planes *planes, float turn)
{
	size_t		area = planes_area(planes);
	float	   *x = planes->pixels;
	float		add = 6 * (turn - floorf(turn));

	if (planes->channels == 1)
		return;
	for (size_t i = 0; i < area; i++)
	{
		float		r = x[i];
		float		g = x[area + i];
		float		b = x[2 * area + i];
		float		high = r > g ? r : g;
		float		low = r < g ? r : g;
		float		chroma;
		float		scale;
		float		hue;

		high = high > b ? high : b;
		low = low < b ? low : b;
		chroma = high - low;
		scale = 1 / (chroma > 0 ? chroma : 1);
		hue = high == r ? (g - b) * scale : high == g ? (b - r) * scale + 2 :
			(r - g) * scale + 4;
		hue += hue < 0 ? add + 6 : add;
		x[i] = channel_of_hue(hue + 5, high, chroma);
		x[area + i] = channel_of_hue(hue + 3, high, chroma);
		x[2 * area + i] = channel_of_hue(hue + 1, high, chroma);
	}
}

void
planes_gray(Planes *planes)
{
	size_t		area = planes_area(planes);
	float	   *x = planes->pixels;

	if (planes->channels == 1)
		return;
	for (size_t i = 0; i < area; i++)
		x[i] = x[area + i] = x[2 * area + i] = gray_at(x, area, i);
}

void
planes_invert(Planes *planes)
{
	size_t		n = planes_area(planes) * planes->channels;

	for (size_t i = 0; i < n; i++)
		planes->pixels[i] = 1 - planes->pixels[i];
}

/* What is as bright as the threshold is inverted. */
void
planes_solarize(Planes *planes, float threshold)
{
	size_t		n = planes_area(planes) * planes->channels;
	float	   *x = planes->pixels;

	for (size_t i = 0; i < n; i++)
		x[i] = x[i] < threshold ? x[i] : 1 - x[i];
}

/* What is dark becomes brighter. */
void
planes_solarize_add(Planes *planes, float addition)
{
	size_t		n = planes_area(planes) * planes->channels;
	float	   *x = planes->pixels;

	for (size_t i = 0; i < n; i++)
		x[i] = x[i] < 0.5f ? clamp_unit(x[i] + addition) : x[i];
}

/* The first bits of a byte */
void
planes_posterize(Planes *planes, int bits)
{
	size_t		n = planes_area(planes) * planes->channels;
	int			mask = ~(0xFF >> bits);

	for (size_t i = 0; i < n; i++)
	{
		int			byte = (int) (planes->pixels[i] * 255 + 0.5f);

		planes->pixels[i] = (float) (byte & mask) / 255;
	}
}

/* The darkest of each channel becomes 0 and the brightest 1. */
void
planes_autocontrast(Planes *planes)
{
	size_t		area = planes_area(planes);

	for (int c = 0; c < planes->channels; c++)
	{
		float	   *x = planes->pixels + c * area;
		float		low = 1;
		float		high = 0;

		for (size_t i = 0; i < area; i++)
		{
			low = x[i] < low ? x[i] : low;
			high = x[i] > high ? x[i] : high;
		}
		if (high > low)
			scale_and_shift(x, area, 1 / (high - low), -low / (high - low));
	}
}

#define LEVELS 256

static inline int
level_of(float x)
{
	return (int) (x * (LEVELS - 1) + 0.5f);
}

/*
 * Each channel's levels become equally frequent: a level goes to the share of
 * pixels that are darker, of those that are darker than the brightest.
 */
void
planes_equalize(Planes *planes)
{
	size_t		area = planes_area(planes);

	for (int c = 0; c < planes->channels; c++)
	{
		float	   *x = planes->pixels + c * area;
		size_t		count[LEVELS] = {0};
		float		table[LEVELS];
		size_t		darker = 0;
		int			last = 0;

		for (size_t i = 0; i < area; i++)
			count[level_of(x[i])]++;
		for (int l = 0; l < LEVELS; l++)
			last = count[l] > 0 ? l : last;
		if (count[last] == area)
			continue;
		for (int l = 0; l < LEVELS; l++)
		{
			table[l] = clamp_unit((float) darker / (float) (area - count[last]));
			darker += count[l];
		}
		for (size_t i = 0; i < area; i++)
			x[i] = table[level_of(x[i])];
	}
}

/*
 * Between the picture smoothed by 1 1 1, 1 5 1, 1 1 1 (0), itself (1) and
 * beyond; pixels at edges stay (PIL's ImageEnhance.Sharpness).
 */
void
planes_sharpen(Planes *planes, float factor)
{
	int			width = planes->width;

	memcpy(planes->other, planes->pixels,
		   planes_area(planes) * planes->channels * sizeof(float));
	for (int c = 0; c < planes->channels; c++)
		for (int y = 1; y < planes->height - 1; y++)
		{
			const float *in = planes->pixels +
			(size_t) (c * planes->height + y) * width;
			float	   *out = planes->other + (in - planes->pixels);

			for (int x = 1; x < width - 1; x++)
			{
				float		around = in[x - width - 1] + in[x - width] +
				in[x - width + 1] + in[x - 1] + in[x + 1] +
				in[x + width - 1] + in[x + width] + in[x + width + 1];
				float		smooth = (around + 5 * in[x]) / 13;

				out[x] = clamp_unit(smooth + factor * (in[x] - smooth));
			}
		}
	planes_swap(planes);
}

/* ---- blur ---- */

/* Beyond three deviations there is a thousandth of the weight. */
static int
blur_taps(float sigma, float *taps)
{
	int			radius = (int) ceilf(3 * sigma - 0.5f);
	float		sum = 1;

	radius = radius > PLANES_MAX_RADIUS ? PLANES_MAX_RADIUS : radius;
	taps[0] = 1;
	for (int i = 1; i <= radius; i++)
	{
		taps[i] = expf((float) -(i * i) / (2 * sigma * sigma));
		sum += 2 * taps[i];
	}
	for (int i = 0; i <= radius; i++)
		taps[i] /= sum;
	return radius;
}

/* out += weight in */
static void
add_weighted(float *out, const float *in, int n, float weight)
{
	for (int x = 0; x < n; x++)
		out[x] += weight * in[x];
}

/* One line, from row with its edges repeated on both sides */
static void
blur_line(const float *in, float *row, float *out, int width, int radius,
		  const float *taps)
{
	float	   *middle = row + PLANES_MAX_RADIUS;

	memcpy(middle, in, sizeof(float) * (size_t) width);
	for (int i = 1; i <= radius; i++)
	{
		middle[-i] = in[0];
		middle[width - 1 + i] = in[width - 1];
	}
	for (int x = 0; x < width; x++)
		out[x] = taps[0] * middle[x];
	for (int i = 1; i <= radius; i++)
	{
		add_weighted(out, middle - i, width, taps[i]);
		add_weighted(out, middle + i, width, taps[i]);
	}
}

/* Gaussian; beyond edges are their pixels. */
void
planes_blur(Planes *planes, float sigma)
{
	int			width = planes->width;
	int			height = planes->height;
	float		taps[PLANES_MAX_RADIUS + 1];
	int			radius = blur_taps(sigma, taps);

	if (radius == 0)
		return;
	for (int line = 0; line < height * planes->channels; line++)
		blur_line(planes->pixels + (size_t) line * width, planes->row,
				  planes->other + (size_t) line * width, width, radius, taps);
	for (int line = 0; line < height * planes->channels; line++)
	{
		const float *plane = planes->other +
		(size_t) (line / height * height) * width;
		float	   *out = planes->pixels + (size_t) line * width;
		int			y = line % height;

		memset(out, 0, sizeof(float) * (size_t) width);
		for (int i = -radius; i <= radius; i++)
			add_weighted(out, plane + (size_t) clamp_index(y + i, height) * width, width,
						 taps[i < 0 ? -i : i]);
	}
}

/* ---- steps ---- */

enum
{
	JITTER_BRIGHTNESS = STEP_FIRST, JITTER_CONTRAST, JITTER_SATURATION,
	JITTER_HUE
};

#define FACTOR_PARAM(called, text) \
	{.name = called,.type = PARAM_REAL,.initial = 0,.minimum = 0,.maximum = 10, \
	.comment = text}

static const ParamSpec jitter_params[] = {
	STEP_PARAMS(1),
	[JITTER_BRIGHTNESS] =
	FACTOR_PARAM("brightness", "factor of 1 - this (0 at least) to 1 + this"),
	[JITTER_CONTRAST] =
	FACTOR_PARAM("contrast", "the same, around each channel's mean"),
	[JITTER_SATURATION] =
	FACTOR_PARAM("saturation", "the same, around gray"),
	[JITTER_HUE] = {.name = "hue",.type = PARAM_REAL,.initial = 0,.minimum = 0,
	.maximum = 0.5,.comment = "turn of at most this either way, 1 for all around"},
	{NULL}
};

static void
jitter_one(Planes *planes, int which, double strength, Random *random)
{
	float		factor = (float) random_between(random, fmax(1 - strength, 0),
												1 + strength);

	switch (which)
	{
		case JITTER_BRIGHTNESS:
			planes_brighten(planes, factor);
			break;
		case JITTER_CONTRAST:
			planes_contrast(planes, factor);
			break;
		case JITTER_SATURATION:
			planes_saturate(planes, factor);
			break;
		case JITTER_HUE:
			planes_turn_hue(planes, factor - 1);
			break;
	}
}

/* In random order */
static void
jitter(Planes *planes, const Params *params, Random *random)
{
	int			order[] = {
		JITTER_BRIGHTNESS, JITTER_CONTRAST, JITTER_SATURATION, JITTER_HUE
	};

	for (int left = 4; left > 0; left--)
	{
		int			i = (int) random_below(random, (uint32_t) left);
		double		strength = params_number(params, order[i]);

		if (strength > 0)
			jitter_one(planes, order[i], strength, random);
		order[i] = order[left - 1];
	}
}

static const ParamSpec grayscale_params[] = {STEP_PARAMS(0.2), {NULL}};

static void
grayscale(Planes *planes, const Params *params, Random *random)
{
	planes_gray(planes);
}

enum
{
	BLUR_MIN_SIGMA = STEP_FIRST, BLUR_MAX_SIGMA
};

static const ParamSpec blur_params[] = {
	STEP_PARAMS(0.5),
	[BLUR_MIN_SIGMA] = {.name = "min_sigma",.type = PARAM_REAL,.initial = 0.1,
		.minimum = 0,.maximum = 10,
	.comment = "least standard deviation, in pixels"},
	[BLUR_MAX_SIGMA] = {.name = "max_sigma",.type = PARAM_REAL,.initial = 2,
		.minimum = 0,.maximum = 10,
	.comment = "greatest standard deviation, in pixels"},
	{NULL}
};

static void
blur(Planes *planes, const Params *params, Random *random)
{
	planes_blur(planes,
				(float) random_between(random,
									   params_number(params, BLUR_MIN_SIGMA),
									   params_number(params, BLUR_MAX_SIGMA)));
}

static bool
check_blur(const Params *params, Status *status)
{
	return augment_check_order(params, BLUR_MIN_SIGMA, BLUR_MAX_SIGMA, status);
}

enum
{
	SOLARIZE_THRESHOLD = STEP_FIRST
};

static const ParamSpec solarize_params[] = {
	STEP_PARAMS(0.2),
	[SOLARIZE_THRESHOLD] = {.name = "threshold",.type = PARAM_REAL,
		.initial = 0.5,.minimum = 0,.maximum = 1,
	.comment = "between black (0) and white (1), from which on pixels are inverted"},
	{NULL}
};

static void
solarize(Planes *planes, const Params *params, Random *random)
{
	planes_solarize(planes, (float) params_number(params, SOLARIZE_THRESHOLD));
}

const AugmentStepType augment_color_steps[] = {
	{
		.name = "color_jitter",.params = jitter_params,.apply = jitter,
		.comment = "brightness, contrast, saturation and hue in random order"
	},
	{
		.name = "grayscale",.params = grayscale_params,.apply = grayscale,
		.comment = "all channels become the gray picture"
	},
	{
		.name = "gaussian_blur",.params = blur_params,.check = check_blur,
		.apply = blur,
		.comment = "Gaussian blur of a random standard deviation"
	},
	{
		.name = "solarize",.params = solarize_params,.apply = solarize,
		.comment = "bright pixels are inverted"
	},
	{NULL}
};
