/*
 * augment_presets.c
 *	  Pipelines that the field knows by name, and RandAugment.
 *
 * Papers give blurs for pictures of 224 pixels: standard deviations shrink with
 * the picture, and so do RandAugment's shifts and holes.
 */
#include <math.h>

#include "media/augment_step.h"

/* ---- presets ---- */

static Params *
add(AugmentStep *steps, int *nsteps, const char *name)
{
	AugmentStep *step = &steps[(*nsteps)++];
	Status		status;

	step->type = augment_step_type(name, &status);
	params_init(&step->params, step->type->name, step->type->params);
	return &step->params;
}

static void
set(Params *params, const char *name, double value)
{
	Status		status;

	(void) params_set_number(params, name, value, &status);
}

static void
add_with(AugmentStep *steps, int *nsteps, const char *name, double probability)
{
	set(add(steps, nsteps, name), "probability", probability);
}

static void
add_jitter(AugmentStep *steps, int *nsteps, double brightness, double contrast,
		   double saturation, double hue)
{
	Params	   *params = add(steps, nsteps, "color_jitter");

	set(params, "probability", 0.8);
	set(params, "brightness", brightness);
	set(params, "contrast", contrast);
	set(params, "saturation", saturation);
	set(params, "hue", fmin(hue, 0.5));
}

/* Standard deviations are those for pictures of 224 pixels. */
static Params *
add_blur(AugmentStep *steps, int *nsteps, const AugmentFormat *format,
		 double probability, double least, double most)
{
	Params	   *params = add(steps, nsteps, "gaussian_blur");
	double		scale = fmin(format->height, format->width) / 224.0;

	set(params, "probability", probability);
	set(params, "min_sigma", fmin(least * scale, 10));
	set(params, "max_sigma", fmin(most * scale, 10));
	return params;
}

enum
{
	SIMCLR_STRENGTH
};

static const ParamSpec simclr_params[] = {
	[SIMCLR_STRENGTH] = {.name = "strength",.type = PARAM_REAL,.initial = 1,
		.minimum = 0,.maximum = 2,
	.comment = "factor of the color jitter"},
	{NULL}
};

/* Chen et al., 2020, and TF Similarity's SimCLRAugmenter */
static void
simclr(const Params *params, const AugmentFormat *format, AugmentStep *steps,
	   int *nsteps)
{
	double		strength = params_number(params, SIMCLR_STRENGTH);

	add_with(steps, nsteps, "random_resized_crop", 1);
	add_with(steps, nsteps, "horizontal_flip", 0.5);
	add_jitter(steps, nsteps, 0.8 * strength, 0.8 * strength, 0.8 * strength,
			   0.2 * strength);
	add_with(steps, nsteps, "grayscale", 0.2);
	(void) add_blur(steps, nsteps, format, 0.5, 0.1, 2);
}

static const ParamSpec no_params[] = {{NULL}};

/* Grill et al., 2020: the two views differ. */
static void
byol(const Params *params, const AugmentFormat *format, AugmentStep *steps,
	 int *nsteps)
{
	add_with(steps, nsteps, "random_resized_crop", 1);
	add_with(steps, nsteps, "horizontal_flip", 0.5);
	add_jitter(steps, nsteps, 0.4, 0.4, 0.2, 0.1);
	add_with(steps, nsteps, "grayscale", 0.2);
	set(add_blur(steps, nsteps, format, 1, 0.1, 2), "view", 1);
	set(add_blur(steps, nsteps, format, 0.1, 0.1, 2), "view", 2);
	set(add(steps, nsteps, "solarize"), "view", 2);
}

/*
 * TF Similarity's BarlowAugmenter; its threshold of solarize, 10 of 255 for
 * pictures of 0 .. 1, is the paper's half.
 */
static void
barlow(const Params *params, const AugmentFormat *format, AugmentStep *steps,
	   int *nsteps)
{
	Params	   *crop = add(steps, nsteps, "random_resized_crop");

	set(crop, "min_area", 0.75 * 0.75);
	set(crop, "min_ratio", 1);
	set(crop, "max_ratio", 1);
	add_with(steps, nsteps, "horizontal_flip", 0.5);
	add_jitter(steps, nsteps, 0.8, 0.6, 0.6, 0.2);
	add_with(steps, nsteps, "grayscale", 0.2);
	(void) add_blur(steps, nsteps, format, 0.2, 0, 1);
	add_with(steps, nsteps, "solarize", 0.2);
}

const AugmentStepType augment_presets[] = {
	{
		.name = "simclr",.params = simclr_params,.expand = simclr,
		.comment = "crop, flip, color jitter, grayscale, blur (Chen et al., 2020)"
	},
	{
		.name = "byol",.params = no_params,.expand = byol,
		.comment = "the same with less jitter; blur and solarize by view (Grill et al., 2020)"
	},
	{
		.name = "barlow",.params = no_params,.expand = barlow,
		.comment = "large square crops, jitter, blur, solarize (as TensorFlow Similarity)"
	},
	{NULL}
};

/* ---- RandAugment ---- */

enum
{
	RANDAUGMENT_N = STEP_FIRST, RANDAUGMENT_MAGNITUDE
};

#define MAX_MAGNITUDE 10

static const ParamSpec randaugment_params[] = {
	STEP_PARAMS(1),
	[RANDAUGMENT_N] = {.name = "n",.type = PARAM_INTEGER,.initial = 2,
		.minimum = 1,.maximum = 16,
	.comment = "operations for each picture"},
	[RANDAUGMENT_MAGNITUDE] = {.name = "magnitude",.type = PARAM_REAL,
		.initial = 10,.minimum = 0,.maximum = MAX_MAGNITUDE,
	.comment = "how strong they are, of 10"},
	{NULL}
};

typedef enum Operation
{
	AUTOCONTRAST, EQUALIZE, INVERT, ROTATE, POSTERIZE, SOLARIZE, COLOR,
	CONTRAST, BRIGHTNESS, SHARPNESS, SHEAR_X, SHEAR_Y, TRANSLATE_X,
	TRANSLATE_Y, CUTOUT, SOLARIZE_ADD, OPERATIONS
} Operation;

static const Fill middle_gray = {.value = 0.5f};

/* A hole of that share of both sides around a random pixel */
static void
cut_out(Planes *planes, double share, Random *random)
{
	int			x = (int) random_below(random, (uint32_t) planes->width);
	int			y = (int) random_below(random, (uint32_t) planes->height);
	int			half_width = (int) (share * planes->width / 2 + 0.5);
	int			half_height = (int) (share * planes->height / 2 + 0.5);

	planes_erase(planes, x - half_width, y - half_height, x + half_width,
				 y + half_height, &middle_gray.value);
}

/* level: 0 .. 1, either sign where there are two directions */
static void
operate_on_pixels(Planes *planes, Operation operation, double level)
{
	float		factor = (float) (1 + 0.9 * level);

	switch (operation)
	{
		case AUTOCONTRAST:
			planes_autocontrast(planes);
			break;
		case EQUALIZE:
			planes_equalize(planes);
			break;
		case INVERT:
			planes_invert(planes);
			break;
		case POSTERIZE:
			planes_posterize(planes, 8 - (int) rint(4 * fabs(level)));
			break;
		case SOLARIZE:
			planes_solarize(planes, (float) (1 - fabs(level)));
			break;
		case SOLARIZE_ADD:
			planes_solarize_add(planes, (float) (fabs(level) * 110 / 255));
			break;
		case COLOR:
			planes_saturate(planes, factor);
			break;
		case CONTRAST:
			planes_contrast(planes, factor);
			break;
		case BRIGHTNESS:
			planes_brighten(planes, factor);
			break;
		default:
			planes_sharpen(planes, factor);
			break;
	}
}

static void
operate(Planes *planes, Operation operation, double level, Random *random)
{
	switch (operation)
	{
		case ROTATE:
			planes_rotate(planes, 30 * level, middle_gray);
			break;
		case SHEAR_X:
			planes_map(planes, 1, 0.3 * level, 0, 1, middle_gray);
			break;
		case SHEAR_Y:
			planes_map(planes, 1, 0, 0.3 * level, 1, middle_gray);
			break;
		case TRANSLATE_X:
			planes_shift(planes, (int) rint(level * planes->width * 100 / 224),
						 0, middle_gray);
			break;
		case TRANSLATE_Y:
			planes_shift(planes, 0,
						 (int) rint(level * planes->height * 100 / 224),
						 middle_gray);
			break;
		case CUTOUT:
			cut_out(planes, fabs(level) * 80 / 224, random);
			break;
		default:
			operate_on_pixels(planes, operation, level);
			break;
	}
}

/* Of gray pictures nothing is left of COLOR: it is not drawn. */
static Operation
draw_operation(const Planes *planes, Random *random)
{
	Operation	operation;

	do
		operation = (Operation) random_below(random, OPERATIONS);
	while (operation == COLOR && planes->channels == 1);
	return operation;
}

static void
randaugment(Planes *planes, const Params *params, Random *random)
{
	double		level = params_number(params, RANDAUGMENT_MAGNITUDE) /
	MAX_MAGNITUDE;

	for (int i = 0; i < (int) params_number(params, RANDAUGMENT_N); i++)
	{
		Operation	operation = draw_operation(planes, random);
		bool		negative = random_below(random, 2) == 0;

		operate(planes, operation, negative ? -level : level, random);
	}
}

const AugmentStepType augment_random_steps[] = {
	{
		.name = "randaugment",.params = randaugment_params,
		.apply = randaugment,
		.comment = "n of 16 operations at random (Cubuk et al., 2020)"
	},
	{NULL}
};
