/*
 * augment.c
 *	  Pipelines of steps: their table, their checks, and how they run.
 */
#include "media/augment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "media/augment_step.h"

struct Augmentation
{
	AugmentFormat format;
	int			nsteps;
	AugmentStep *steps;
};

/* ---- mixup ---- */

enum
{
	MIXUP_ALPHA = STEP_FIRST
};

static const ParamSpec mixup_params[] = {
	STEP_PARAMS(1),
	[MIXUP_ALPHA] = {.name = "alpha",.type = PARAM_REAL,.initial = 0.2,
		.minimum = 0.1,.maximum = 1,
	.comment = "of the beta distribution of the other picture's share"},
	{NULL}
};

/* Beta(alpha, alpha) by Johnk's method (1964), alpha <= 1 */
static double
draw_beta(Random *random, double alpha)
{
	for (;;)
	{
		double		x = pow(random_uniform(random), 1 / alpha);
		double		y = pow(random_uniform(random), 1 / alpha);

		if (x + y > 0 && x + y <= 1)
			return x / (x + y);
	}
}

static void
mixup(Planes *planes, const Params *params, Random *random)
{
	float		share = (float) draw_beta(random,
										  params_number(params, MIXUP_ALPHA));
	size_t		n = planes_area(planes) * planes->channels;

	for (size_t i = 0; planes->partner != NULL && i < n; i++)
		planes->pixels[i] += share * (planes->partner[i] - planes->pixels[i]);
}

static const AugmentStepType mixup_steps[] = {
	{
		.name = "mixup",.params = mixup_params,.apply = mixup,
		.comment = "mixed with another of the same class (Zhang et al., 2018)"
	},
	{NULL}
};

/* ---- the table ---- */

static const AugmentStepType *const tables[] = {
	augment_geometry_steps, augment_color_steps, augment_random_steps,
	mixup_steps, augment_presets
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

const AugmentStepType *
augment_step_type_at(int i)
{
	for (size_t t = 0; t < TABLES; t++)
		for (const AugmentStepType *type = tables[t]; type->name != NULL;
			 type++)
			if (i-- == 0)
				return type;
	return NULL;
}

const AugmentStepType *
augment_step_type(const char *name, Status *status)
{
	char		list[STATUS_TEXT_SIZE] = "";
	size_t		used = 0;
	const AugmentStepType *type;

	for (int i = 0; (type = augment_step_type_at(i)) != NULL; i++)
	{
		if (strcmp(type->name, name) == 0)
			return type;
		if (used < sizeof(list))
			used += (size_t) snprintf(list + used, sizeof(list) - used,
									  "%s\"%s\"", i == 0 ? "" : ", ",
									  type->name);
	}
	status_fail(status, STATUS_UNKNOWN_NAME, "unrecognized augmentation \"%s\"",
				name);
	status_hint(status, "Valid values are %s.", list);
	return NULL;
}

const char *
augment_step_name(const AugmentStepType *type)
{
	return type->name;
}

const char *
augment_step_comment(const AugmentStepType *type)
{
	return type->comment;
}

const ParamSpec *
augment_step_params(const AugmentStepType *type)
{
	return type->params;
}

/* ---- checks ---- */

bool
augment_check_order(const Params *params, int low, int high, Status *status)
{
	if (params_number(params, low) <= params_number(params, high))
		return true;
	return status_fail(status, STATUS_INVALID_VALUE,
					   "parameter \"%s\" of %s must not be greater than \"%s\"",
					   params->specs[low].name, params->owner,
					   params->specs[high].name);
}

/* Presets have a few each. */
#define EXPANDED_MAX 16

bool
augment_check(const AugmentStep *steps, int nsteps, Status *status)
{
	static const AugmentFormat any = {.height = 224,.width = 224,.channels = 3};
	AugmentStep expanded[EXPANDED_MAX];
	int			total = 0;

	for (int i = 0; i < nsteps; i++)
	{
		const AugmentStepType *type = steps[i].type;
		int			n = 1;

		if (type->check != NULL && !type->check(&steps[i].params, status))
			return false;
		if (type->apply == mixup && i > 0)
			return status_fail(status, STATUS_INVALID_VALUE,
							   "\"mixup\" must be the first step, not step %d",
							   i + 1);
		if (type->expand != NULL)
		{
			n = 0;
			type->expand(&steps[i].params, &any, expanded, &n);
		}
		total += n;
	}
	if (total < 1 || total > AUGMENT_MAX_STEPS)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "an augmentation must have 1 to %d steps, not %d",
						   AUGMENT_MAX_STEPS, total);
	return true;
}

bool
augment_mixes(const AugmentStep *steps, int nsteps)
{
	return nsteps > 0 && steps[0].type->apply == mixup;
}

/* ---- a pipeline for pictures of a format ---- */

static size_t
numbers_of(const AugmentFormat *format)
{
	return (size_t) format->height * format->width * format->channels;
}

Augmentation *
augment_create(Arena *arena, const AugmentStep *steps, int nsteps,
			   const AugmentFormat *format, Status *status)
{
	Augmentation *augmentation = arena_alloc_zero(arena, sizeof(Augmentation));
	size_t		total = AUGMENT_MAX_STEPS + EXPANDED_MAX;

	if (augmentation == NULL ||
		(augmentation->steps = arena_alloc_array(arena, total,
												 sizeof(AugmentStep))) == NULL)
	{
		status_out_of_memory(status, NULL);
		return NULL;
	}
	augmentation->format = *format;
	for (int i = 0; i < nsteps; i++)
	{
		if (steps[i].type->expand != NULL)
			steps[i].type->expand(&steps[i].params, format,
								  augmentation->steps, &augmentation->nsteps);
		else
			augmentation->steps[augmentation->nsteps++] = steps[i];
	}
	return augmentation;
}

/* Two pictures and a partner, as planes, and a row */
size_t
augment_scratch(const AugmentFormat *format)
{
	size_t		floats = 3 * numbers_of(format) +
	planes_row_size(format->width);

	return (floats * sizeof(float) + 15) & ~(size_t) 15;
}

/* ---- a picture ---- */

/* channels is a constant where these are called, which makes them fast. */
static inline void
split_bytes(const uint8_t *in, size_t area, int channels, float *out)
{
	for (size_t i = 0; i < area; i++)
		for (int c = 0; c < channels; c++)
			out[c * area + i] = (float) in[i * channels + c] * (1.0f / 255);
}

static inline void
join_bytes(const float *in, size_t area, int channels, uint8_t *out)
{
	for (size_t i = 0; i < area; i++)
		for (int c = 0; c < channels; c++)
			out[i * channels + c] =
				(uint8_t) (int) (in[c * area + i] * 255 + 0.5f);
}

static void
to_planes(const AugmentFormat *format, const void *in, float *out)
{
	size_t		area = (size_t) format->height * format->width;
	const float *floats = in;
	float		low = format->low;
	float		scale = 1 / (format->high - low);

	if (!format->floats && format->channels == 3)
		split_bytes(in, area, 3, out);
	else if (!format->floats)
		split_bytes(in, area, 1, out);
	else
		for (size_t i = 0; i < area; i++)
			for (int c = 0; c < format->channels; c++)
				out[c * area + i] = clamp_unit((*floats++ - low) * scale);
}

static void
from_planes(const AugmentFormat *format, const float *in, void *out)
{
	size_t		area = (size_t) format->height * format->width;
	float	   *floats = out;
	float		low = format->low;
	float		range = format->high - low;

	if (!format->floats && format->channels == 3)
		join_bytes(in, area, 3, out);
	else if (!format->floats)
		join_bytes(in, area, 1, out);
	else
		for (size_t i = 0; i < area; i++)
			for (int c = 0; c < format->channels; c++)
				*floats++ = in[c * area + i] * range + low;
}

static bool
is_for_view(const Params *params, uint32_t view)
{
	const ParamValue *only = &params->values[STEP_VIEW];

	return !only->isset || (uint32_t) only->number == view % 2 + 1;
}

/* A step has a stream of its own: another one in the list changes no other. */
static void
apply_step(const AugmentStep *step, uint64_t seed, uint64_t stream,
		   uint32_t view, Planes *planes)
{
	Random		random;

	if (!is_for_view(&step->params, view))
		return;
	random_init(&random, seed, stream);
	if (random_uniform(&random) < params_number(&step->params,
												STEP_PROBABILITY))
		step->type->apply(planes, &step->params, &random);
}

void
augment_picture(const Augmentation *augmentation, const AugmentKey *key,
				const void *in, const void *partner, void *out, void *scratch)
{
	const AugmentFormat *format = &augmentation->format;
	uint64_t	name[] = {key->row, key->time, key->place, key->view};
	uint64_t	seed = random_hash(name, sizeof(name), key->seed);
	float	   *floats = scratch;
	float	   *other_picture = floats + 2 * numbers_of(format);
	Planes		planes = {
		.height = format->height,.width = format->width,
		.channels = format->channels,.pixels = floats,
		.other = floats + numbers_of(format),
		.row = floats + 3 * numbers_of(format)
	};

	to_planes(format, in, planes.pixels);
	if (partner != NULL && augment_mixes(augmentation->steps,
										 augmentation->nsteps))
	{
		to_planes(format, partner, other_picture);
		planes.partner = other_picture;
	}
	for (int i = 0; i < augmentation->nsteps; i++)
		apply_step(&augmentation->steps[i], seed, (uint64_t) i, key->view,
				   &planes);
	from_planes(format, planes.pixels, out);
}
