/*
 * prepare.c
 *	  From an encoded picture to what a model takes.
 *
 * The picture is resized as it is stored, row by row as it is decoded, to the
 * wanted size turned the same way; the small result is then turned upright.
 * Boxes are chosen as the picture is seen, by Keras' formulas
 * (tf.keras.preprocessing.image.smart_resize, layers Resizing and CenterCrop).
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "media/decoder.h"
#include "media/resample.h"

/* ---- the spec ---- */

enum
{
	SPEC_RESIZE, SPEC_INTERPOLATION, SPEC_ANTIALIAS, SPEC_BACKGROUND
};

static const char *const resize_names[] = {
	[MEDIA_STRETCH] = "stretch",
	[MEDIA_CROP_TO_ASPECT_RATIO] = "crop_to_aspect_ratio",
	[MEDIA_PAD_TO_ASPECT_RATIO] = "pad_to_aspect_ratio",
	[MEDIA_CENTER_CROP] = "center_crop",
	NULL
};

static const char *const interpolation_names[] = {
	[MEDIA_BILINEAR] = "bilinear",
	[MEDIA_NEAREST] = "nearest",
	NULL
};

const ParamSpec media_params[] = {
	[SPEC_RESIZE] = {.name = "resize",.type = PARAM_CHOICE,
		.initial = MEDIA_STRETCH,.choices = resize_names,
	.comment = "what becomes of pictures of another shape"},
	[SPEC_INTERPOLATION] = {.name = "interpolation",.type = PARAM_CHOICE,
		.initial = MEDIA_BILINEAR,.choices = interpolation_names,
	.comment = "between pixels"},
	[SPEC_ANTIALIAS] = {.name = "antialias",.type = PARAM_BOOLEAN,.initial = 1,
		.minimum = 0,.maximum = 1,
	.comment = "bilinear sees all pixels when it shrinks"},
	[SPEC_BACKGROUND] = {.name = "background",.type = PARAM_LIST,.initial = 255,
		.minimum = 0,.maximum = 255,
	.comment = "under transparency and beside what is padded: gray, or [red, green, blue]"},
	{NULL}
};

bool
media_spec_read(MediaSpec *spec, const Params *params, Status *status)
{
	const ParamValue *background = &params->values[SPEC_BACKGROUND];
	bool		gray = !params->given[SPEC_BACKGROUND] || background->count == 1;

	if (!gray && background->count != 3)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "parameter \"background\" of %s must have 1 or 3 numbers, not %d",
						   params->owner, background->count);
	spec->resize = (MediaResize) params_number(params, SPEC_RESIZE);
	spec->interpolation = (MediaInterpolation) params_number(params,
															 SPEC_INTERPOLATION);
	spec->antialias = params_number(params, SPEC_ANTIALIAS) != 0;
	for (int c = 0; c < 3; c++)
		spec->background[c] = (uint8_t) (gray ? background->number :
										 background->list[c]);
	return true;
}

void
media_spec_text(const MediaSpec *spec, char *text, size_t size)
{
	bool		antialias = spec->antialias &&
	spec->interpolation == MEDIA_BILINEAR;

	snprintf(text, size, "%s, %s%s, background %d %d %d",
			 resize_names[spec->resize],
			 interpolation_names[spec->interpolation],
			 antialias ? ", antialias" : "", spec->background[0],
			 spec->background[1], spec->background[2]);
}

void
media_spec_default(MediaSpec *spec)
{
	Params		params;
	Status		status;

	params_init(&params, "image", media_params);
	(void) media_spec_read(spec, &params, &status);
}

/* ---- which part of the picture, as it is seen ---- */

/* Beyond so many samples of background there is hardly a picture. */
#define MAX_BOX ((double) (1 << 24))

/* Height of a box of that width, of the wanted shape, in whole pixels */
static double
side_for(int other, int wanted, int wanted_other)
{
	double		side = floor((double) other * wanted / wanted_other);

	return fmin(fmax(side, 1), MAX_BOX);
}

static double
box_length(MediaResize resize, int side, int other, int wanted,
		   int wanted_other)
{
	double		fitting = side_for(other, wanted, wanted_other);

	switch (resize)
	{
		case MEDIA_CROP_TO_ASPECT_RATIO:
			return fmin(side, fitting);
		case MEDIA_PAD_TO_ASPECT_RATIO:
			return fmax(side, fitting);
		case MEDIA_CENTER_CROP:
			return wanted;
		default:
			return side;
	}
}

static void
set_box(ResampleAxis *axis, MediaResize resize, int side, int other,
		int wanted, int wanted_other)
{
	axis->length = box_length(resize, side, other, wanted, wanted_other);
	/* the smaller half before, beyond the picture as within it */
	axis->begin = axis->length > side ? -floor((axis->length - side) / 2) :
		floor((side - axis->length) / 2);
	axis->outputs = wanted;
}

typedef struct Plan
{
	ResampleAxis x;				/* as stored */
	ResampleAxis y;
	bool		transposed;		/* lines are seen as columns */
	int			eighths;
} Plan;

/*
 * EXIF: 2 is seen in a mirror, 3 turned by 180 degrees, 4 both; 5 to 8 are
 * these of the picture with lines and columns exchanged.
 */
static void
set_orientation(Plan *plan, int orientation)
{
	plan->transposed = orientation > 4;
	plan->x.mirrored = orientation == 2 || orientation == 3 ||
		orientation == 7 || orientation == 8;
	plan->y.mirrored = orientation == 3 || orientation == 4 ||
		orientation == 6 || orientation == 7;
}

/* Keep twice the wanted size, so that what the decoder averages is not seen. */
static bool
is_enough(const ResampleAxis *axis, int eighths)
{
	return axis->length * eighths / 8 >= 2.0 * axis->outputs;
}

static void
scale_axis(ResampleAxis *axis, int eighths)
{
	axis->samples = (axis->samples * eighths + 7) / 8;
	axis->extent = axis->extent * eighths / 8;
	axis->begin = axis->begin * eighths / 8;
	axis->length = axis->length * eighths / 8;
}

static ResampleKernel
kernel_of(const MediaSpec *spec)
{
	if (spec->interpolation == MEDIA_NEAREST)
		return RESAMPLE_NEAREST;
	return spec->antialias ? RESAMPLE_ANTIALIASED : RESAMPLE_BILINEAR;
}

/* libjpeg computes averages of 2 x 2, 4 x 4 or 8 x 8 pixels in less time. */
static void
choose_scale(Plan *plan, const MediaInfo *info, const MediaSpec *spec)
{
	plan->eighths = 8;
	if (info->format != MEDIA_JPEG || kernel_of(spec) != RESAMPLE_ANTIALIASED)
		return;
	while (plan->eighths > 1 && is_enough(&plan->x, plan->eighths / 2) &&
		   is_enough(&plan->y, plan->eighths / 2))
		plan->eighths /= 2;
	scale_axis(&plan->x, plan->eighths);
	scale_axis(&plan->y, plan->eighths);
}

static void
make_plan(Plan *plan, const MediaInfo *info, const MediaSpec *spec,
		  int height, int width)
{
	int			shown_height = media_shown_height(info);
	int			shown_width = media_shown_width(info);
	MediaResize resize = spec->resize;
	ResampleAxis *across;
	ResampleAxis *down;

	set_orientation(plan, info->orientation);
	across = plan->transposed ? &plan->y : &plan->x;
	down = plan->transposed ? &plan->x : &plan->y;
	if (resize == MEDIA_CENTER_CROP &&
		(shown_height < height || shown_width < width))
		resize = MEDIA_CROP_TO_ASPECT_RATIO;
	set_box(across, resize, shown_width, shown_height, width, height);
	set_box(down, resize, shown_height, shown_width, height, width);
	plan->x.samples = info->width;
	plan->y.samples = info->height;
	plan->x.extent = info->width;
	plan->y.extent = info->height;
	choose_scale(plan, info, spec);
}

/* ---- decoding ---- */

static void
resample_row(void *state, int y, const uint8_t *pixels)
{
	resampler_row(state, y, pixels);
}

static bool
decode(const void *bytes, size_t size, MediaFormat format,
	   const DecodeRequest *request, Arena *arena, Status *status)
{
	return format == MEDIA_JPEG ?
		decode_jpeg(bytes, size, request, arena, status) :
		decode_png(bytes, size, request, arena, status);
}

/* Weights of a sum may be a trifle more than 1. */
static void
round_to_bytes(const float *values, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t) (values[i] > 254.5f ? 255 :
							(int) (values[i] + 0.5f));
}

/* From how it is stored to how it is seen */
static void
turn(const Plan *plan, const uint8_t *stored, int channels, uint8_t *out)
{
	int			width = plan->transposed ? plan->y.outputs : plan->x.outputs;
	int			height = plan->transposed ? plan->x.outputs : plan->y.outputs;

	for (int down = 0; down < height; down++)
		for (int across = 0; across < width; across++, out += channels)
		{
			int			x = plan->transposed ? down : across;
			int			y = plan->transposed ? across : down;

			if (plan->x.mirrored)
				x = plan->x.outputs - 1 - x;
			if (plan->y.mirrored)
				y = plan->y.outputs - 1 - y;
			memcpy(out, stored + ((size_t) y * plan->x.outputs + x) * channels,
				   (size_t) channels);
		}
}

static uint8_t *
round_result(const Plan *plan, const float *result, int channels, Arena *arena,
			 Status *status)
{
	size_t		n = (size_t) plan->x.outputs * plan->y.outputs * channels;
	uint8_t    *stored = arena_alloc(arena, n);
	uint8_t    *seen = stored;

	if (plan->transposed || plan->x.mirrored || plan->y.mirrored)
		seen = arena_alloc(arena, n);
	if (stored == NULL || seen == NULL)
	{
		status_out_of_memory(status, "while resizing a picture");
		return NULL;
	}
	round_to_bytes(result, n, stored);
	if (seen != stored)
		turn(plan, stored, channels, seen);
	return seen;
}

/* A background that is gray where the picture will be */
static void
set_background(uint8_t *background, const MediaSpec *spec, int channels)
{
	for (int c = 0; c < 3; c++)
		background[c] = spec->background[c];
	if (channels == 1)
		decoder_gray_row(spec->background, background, 1);
}

size_t
media_memory(const MediaInfo *info, int height, int width, int channels)
{
	ResampleAxis x = {.samples = info->width,.outputs = width};
	ResampleAxis y = {.samples = info->height,.outputs = height};
	size_t		result = (size_t) height * width * channels;

	/* lying on its side it has the other outputs */
	if (info->orientation > 4)
	{
		x.outputs = height;
		y.outputs = width;
	}
	return info->memory + resampler_memory(&x, &y, channels) +
		2 * result;
}

uint8_t *
media_read(const void *bytes, size_t size, const MediaSpec *spec, int height,
		   int width, int channels, Arena *arena, Status *status)
{
	DecodeRequest request = {
		.channels = channels,.background = spec->background,.row = resample_row
	};
	uint8_t		background[3];
	MediaInfo	info;
	Plan		plan;
	Resampler  *resampler;

	if (!media_info(bytes, size, &info, status))
		return NULL;
	make_plan(&plan, &info, spec, height, width);
	set_background(background, spec, channels);
	resampler = resampler_create(arena, kernel_of(spec), &plan.x, &plan.y,
								 channels, background, status);
	if (resampler == NULL)
		return NULL;
	request.eighths = plan.eighths;
	request.state = resampler;
	if (!decode(bytes, size, info.format, &request, arena, status))
		return NULL;
	return round_result(&plan, resampler_result(resampler), channels, arena, status);
}
