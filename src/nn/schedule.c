/*
 * schedule.c
 *	  Learning rates by step: Keras' CosineDecay, TensorFlow Similarity's
 *	  WarmupCosineDecay.
 *
 * A schedule is a factor of the optimizer's learning_rate.  With step s from 0
 * and T steps in all,
 *   cosine         f(s, T) = (1 - alpha) (1 + cos(pi s / T)) / 2 + alpha
 *   warmup_cosine  s / w for s < w warmup steps, then f(s - w, T - w)
 * f stays alpha after T.  The first step of warmup_cosine has rate 0, as
 * there.
 */
#include "nn/schedule.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define MAX_STEPS 9007199254740992.0

/* From 1 to alpha over total steps, and alpha from there on */
static double
cosine_decay(double alpha, double step, double total)
{
	double		share = total > 0 ? fmin(step, total) / total : 1;

	return (1 - alpha) * 0.5 * (1 + cos(PI * share)) + alpha;
}

static const ParamSpec constant_params[] = {{NULL}};

static double
constant_factor(const Params *params, double step, double total)
{
	return 1;
}

static const NnScheduleType constant = {
	.description = {"constant", constant_params, "the optimizer's learning rate throughout"},
	.factor = constant_factor
};

enum
{
	COSINE_ALPHA, COSINE_STEPS
};

#define ALPHA_PARAM \
	{.name = "alpha",.type = PARAM_REAL,.initial = 0,.minimum = 0,.maximum = 1, \
	.comment = "share of the learning rate that remains at the end"}

static const ParamSpec cosine_params[] = {
	ALPHA_PARAM,
	{.name = "decay_steps",.type = PARAM_INTEGER,.nullable = true,.minimum = 1,.maximum = MAX_STEPS,
	.comment = "steps until the end of the decay; null: all of the training"},
	{NULL}
};

static double
cosine_factor(const Params *params, double step, double total)
{
	if (params->values[COSINE_STEPS].isset)
		total = params_number(params, COSINE_STEPS);
	return cosine_decay(params_number(params, COSINE_ALPHA), step, total);
}

static const NnScheduleType cosine = {
	.description = {"cosine", cosine_params, "half a cosine down (Loshchilov and Hutter, 2017)"},
	.factor = cosine_factor
};

enum
{
	WARMUP_ALPHA, WARMUP_STEPS, WARMUP_TOTAL
};

static const ParamSpec warmup_params[] = {
	ALPHA_PARAM,
	{.name = "warmup_steps",.type = PARAM_INTEGER,.required = true,.minimum = 0,.maximum = MAX_STEPS,
	.comment = "steps of linear growth from 0, less than total_steps"},
	{.name = "total_steps",.type = PARAM_INTEGER,.nullable = true,.minimum = 1,.maximum = MAX_STEPS,
	.comment = "steps until the end of the decay; null: all of the training"},
	{NULL}
};

static double
warmup_total(const Params *params, double total)
{
	return params->values[WARMUP_TOTAL].isset ?
		params_number(params, WARMUP_TOTAL) : total;
}

static double
warmup_factor(const Params *params, double step, double total)
{
	double		warmup = params_number(params, WARMUP_STEPS);

	if (step < warmup)
		return step / warmup;
	return cosine_decay(params_number(params, WARMUP_ALPHA), step - warmup,
						warmup_total(params, total) - warmup);
}

static bool
warmup_check(const Params *params, double total, Status *status)
{
	double		warmup = params_number(params, WARMUP_STEPS);

	if (warmup < warmup_total(params, total))
		return true;
	status_fail(status, STATUS_INVALID_VALUE,
				"warmup_steps of %s must be below its total_steps",
				params->owner);
	return status_detail(status, "warmup_steps is %.0f, total_steps %.0f.",
						 warmup, warmup_total(params, total));
}

static const NnScheduleType warmup_cosine = {
	.description = {"warmup_cosine", warmup_params,
	"linear growth, then half a cosine down (TensorFlow Similarity's WarmupCosineDecay)"},
	.factor = warmup_factor,
	.check = warmup_check
};

/* ---- the table ---- */

static const NnScheduleType *const schedule_types[] = {&constant, &cosine, &warmup_cosine, NULL};

const NnScheduleType *
nn_schedule_type_at(int i)
{
	return schedule_types[i];
}

const NnDescription *
nn_schedule_description(const NnScheduleType *type)
{
	return &type->description;
}

static const NnDescription *
schedule_at(int i)
{
	return schedule_types[i] == NULL ? NULL : &schedule_types[i]->description;
}

const NnScheduleType *
nn_schedule_type(const char *name, Status *status)
{
	int			i = nn_type_index("schedule", name, schedule_at, status);

	return i < 0 ? NULL : schedule_types[i];
}

bool
nn_schedule_check(const NnScheduleType *type, const Params *params,
				  int64_t total_steps, Status *status)
{
	return type->check == NULL ||
		type->check(params, (double) total_steps, status);
}
