/*
 * augment_step.h
 *	  Steps of an augmentation as the room sees them.
 *
 * Steps work on planes: one float a pixel, black 0 and white 1, a plane for
 * each channel.
 */
#ifndef MEDIA_AUGMENT_STEP_H
#define MEDIA_AUGMENT_STEP_H

#include "base/random.h"
#include "media/augment.h"

typedef struct Planes
{
	int			height;
	int			width;
	int			channels;
	float	   *pixels;
	float	   *other;			/* as large: results that cannot be in place */
	float	   *row;			/* planes_row_size() floats */
	const float *partner;		/* to be mixed with; NULL: none */
} Planes;

/* A row with room on both sides for a filter */
#define PLANES_MAX_RADIUS 32

static inline size_t
planes_row_size(int width)
{
	return (size_t) width + 2 * PLANES_MAX_RADIUS;
}

static inline size_t
planes_area(const Planes *planes)
{
	return (size_t) planes->height * planes->width;
}

/* What was made in other becomes the picture. */
static inline void
planes_swap(Planes *planes)
{
	float	   *pixels = planes->pixels;

	planes->pixels = planes->other;
	planes->other = pixels;
}

/* A number of a pixel, black at 0 and white at 1 */
static inline float
clamp_unit(float x)
{
	return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* The nearest of 0 .. n - 1: pictures go on with their edges. */
static inline int
clamp_index(int i, int n)
{
	return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* Steps begin with the same two parameters. */
enum
{
	STEP_PROBABILITY, STEP_VIEW, STEP_FIRST
};

#define STEP_PARAMS(chance) \
	[STEP_PROBABILITY] = {.name = "probability",.type = PARAM_REAL, \
		.initial = (chance),.minimum = 0,.maximum = 1, \
	.comment = "that a picture is changed"}, \
	[STEP_VIEW] = {.name = "view",.type = PARAM_INTEGER,.nullable = true, \
		.minimum = 1,.maximum = 2, \
	.comment = "the only one of two views that is changed"}

struct AugmentStepType
{
	const char *name;
	const char *comment;
	const ParamSpec *params;

	/* may be NULL: any valid parameters go together */
	bool		(*check) (const Params *params, Status *status);

	/* of a preset, else NULL: its steps for this format, */
	void		(*expand) (const Params *params, const AugmentFormat *format,
						   AugmentStep *steps, int *nsteps);
	/* of a step */
	void		(*apply) (Planes *planes, const Params *params,
						  Random *random);
};

/* Tables that end with a NULL name */
extern const AugmentStepType augment_color_steps[];
extern const AugmentStepType augment_geometry_steps[];
extern const AugmentStepType augment_presets[];
extern const AugmentStepType augment_random_steps[];

/* Is parameter low at most as large as high? */
extern bool augment_check_order(const Params *params, int low, int high,
								Status *status);

/* uniform in low .. high */
static inline double
random_between(Random *random, double low, double high)
{
	return low + (high - low) * random_uniform(random);
}

/* ---- what presets and randaugment are made of ---- */

extern void planes_brighten(Planes *planes, float factor);
extern void planes_contrast(Planes *planes, float factor);
extern void planes_saturate(Planes *planes, float factor);
extern void planes_turn_hue(Planes *planes, float turn);
extern void planes_gray(Planes *planes);
extern void planes_invert(Planes *planes);
extern void planes_solarize(Planes *planes, float threshold);
extern void planes_solarize_add(Planes *planes, float addition);
extern void planes_posterize(Planes *planes, int bits);
extern void planes_autocontrast(Planes *planes);
extern void planes_equalize(Planes *planes);
extern void planes_sharpen(Planes *planes, float factor);
extern void planes_blur(Planes *planes, float sigma);

/* What is drawn from outside of a picture */
typedef struct Fill
{
	bool		edge;			/* its nearest pixel */
	float		value;			/* else this in all channels */
} Fill;

extern void planes_flip_horizontal(Planes *planes);
extern void planes_flip_vertical(Planes *planes);

/* A box, in pixels, whose edges may lie between them, as the whole picture */
extern void planes_crop(Planes *planes, double left, double top, double width,
						double height);

/* By whole pixels, to the right and down */
extern void planes_shift(Planes *planes, int right, int down, Fill fill);

/*
 * Result (x, y) is the picture at (a x + b y, c x + d y), both measured from
 * the middle.
 */
extern void planes_map(Planes *planes, double a, double b, double c, double d,
					   Fill fill);
extern void planes_rotate(Planes *planes, double degrees, Fill fill);

/* Pixels left .. right - 1 of lines top .. bottom - 1; NULL: their mean */
extern void planes_erase(Planes *planes, int left, int top, int right,
						 int bottom, const float *value);

#endif							/* MEDIA_AUGMENT_STEP_H */
