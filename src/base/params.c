/*
 * params.c
 *	  Named parameters: look-up, checks and the messages that go with them.
 */
#include "base/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void
params_init(Params *params, const char *owner, const ParamSpec *specs)
{
	memset(params, 0, sizeof(*params));
	params->owner = owner;
	params->specs = specs;
	for (int i = 0; specs[i].name != NULL; i++)
	{
		params->values[i].isset = !specs[i].nullable;
		params->values[i].number = specs[i].initial;
		params->values[i].second = specs[i].initial;
		params->values[i].count = 1;
		params->values[i].list[0] = specs[i].initial;
	}
}

/* As JSON; a size's default is a number as well. */
static void
default_text(const ParamSpec *spec, char *text, size_t size)
{
	if (spec->required)
		snprintf(text, size, "required");
	else if (spec->nullable)
		snprintf(text, size, "null");
	else if (spec->type == PARAM_BOOLEAN)
		snprintf(text, size, "%s", spec->initial != 0 ? "true" : "false");
	else if (spec->type == PARAM_CHOICE)
		snprintf(text, size, "\"%s\"", spec->choices[(int) spec->initial]);
	else
		snprintf(text, size, "%.15g", spec->initial);
}

/* "Valid parameters and their defaults are ..." as a hint */
static bool
hint_accepted(const Params *params, Status *status)
{
	char		list[STATUS_TEXT_SIZE] = "";
	size_t		used = 0;

	for (int i = 0; params->specs[i].name != NULL && used < sizeof(list); i++)
	{
		char		text[64];

		default_text(&params->specs[i], text, sizeof(text));
		used += (size_t) snprintf(list + used, sizeof(list) - used,
								  "%s\"%s\" (%s)", i == 0 ? "" : ", ",
								  params->specs[i].name, text);
	}
	if (used == 0)
		return status_hint(status, "There are no valid parameters.");
	return status_hint(status, "Valid parameters and their defaults are %s.",
					   list);
}

static int
find(const Params *params, const char *name, Status *status)
{
	for (int i = 0; params->specs[i].name != NULL; i++)
	{
		if (strcmp(params->specs[i].name, name) == 0)
			return i;
	}
	status_fail(status, STATUS_UNKNOWN_NAME, "unrecognized parameter \"%s\" of %s",
				name, params->owner);
	hint_accepted(params, status);
	return -1;
}

static bool
fail_type(const Params *params, int i, Status *status)
{
	static const char *const expected[] = {
		[PARAM_INTEGER] = "an integer",
		[PARAM_REAL] = "a number",
		[PARAM_BOOLEAN] = "true or false",
		[PARAM_CHOICE] = "a string",
		[PARAM_SIZE2] = "an integer or an array of two integers",
		[PARAM_LIST] = "an integer or an array of up to four integers",
		[PARAM_REAL_LIST] = "a number or an array of up to four numbers"
	};

	return status_fail(status, STATUS_INVALID_VALUE,
					   "parameter \"%s\" of %s must be %s",
					   params->specs[i].name, params->owner,
					   expected[params->specs[i].type]);
}

static bool
check_number(const Params *params, int i, double value, Status *status)
{
	const ParamSpec *spec = &params->specs[i];
	bool		integer = spec->type == PARAM_INTEGER ||
	spec->type == PARAM_SIZE2 || spec->type == PARAM_LIST;

	if (spec->type == PARAM_BOOLEAN || spec->type == PARAM_CHOICE ||
		!isfinite(value) || (integer && value != rint(value)))
		return fail_type(params, i, status);
	if (value < spec->minimum || value > spec->maximum)
	{
		status_fail(status, STATUS_INVALID_VALUE,
					"value %g is out of range for parameter \"%s\" of %s",
					value, spec->name, params->owner);
		return status_detail(status, "Valid values are between %g and %g.",
							 spec->minimum, spec->maximum);
	}
	return true;
}

static bool
store(Params *params, int i, double number, double second)
{
	params->values[i].isset = true;
	params->values[i].number = number;
	params->values[i].second = second;
	params->values[i].count = 1;
	params->values[i].list[0] = number;
	params->given[i] = true;
	return true;
}

bool
params_set_number(Params *params, const char *name, double value,
				  Status *status)
{
	int			i = find(params, name, status);

	return i >= 0 && check_number(params, i, value, status) &&
		store(params, i, value, value);
}

bool
params_set_pair(Params *params, const char *name, double first, double second,
				Status *status)
{
	int			i = find(params, name, status);

	if (i < 0)
		return false;
	if (params->specs[i].type != PARAM_SIZE2)
		return fail_type(params, i, status);
	return check_number(params, i, first, status) &&
		check_number(params, i, second, status) &&
		store(params, i, first, second);
}

static bool
is_list(const ParamSpec *spec)
{
	return spec->type == PARAM_LIST || spec->type == PARAM_REAL_LIST;
}

bool
params_is_list(const Params *params, const char *name)
{
	for (int i = 0; params->specs[i].name != NULL; i++)
	{
		if (strcmp(params->specs[i].name, name) == 0)
			return is_list(&params->specs[i]);
	}
	return false;
}

bool
params_set_list(Params *params, const char *name, const double *values,
				int count, Status *status)
{
	int			i = find(params, name, status);

	if (i < 0)
		return false;
	if (!is_list(&params->specs[i]) || count < 1 || count > PARAM_LIST_MAX)
		return fail_type(params, i, status);
	for (int j = 0; j < count; j++)
	{
		if (!check_number(params, i, values[j], status))
			return false;
	}
	store(params, i, values[0], values[0]);
	params->values[i].count = count;
	memcpy(params->values[i].list, values, (size_t) count * sizeof(double));
	return true;
}

bool
params_set_boolean(Params *params, const char *name, bool value, Status *status)
{
	int			i = find(params, name, status);

	if (i < 0)
		return false;
	if (params->specs[i].type != PARAM_BOOLEAN)
		return fail_type(params, i, status);
	return store(params, i, value, value);
}

bool
params_set_text(Params *params, const char *name, const char *value,
				Status *status)
{
	char		list[STATUS_TEXT_SIZE] = "";
	size_t		used = 0;
	int			i = find(params, name, status);
	const char *const *choices;

	if (i < 0)
		return false;
	choices = params->specs[i].choices;
	if (params->specs[i].type != PARAM_CHOICE)
		return fail_type(params, i, status);
	for (int c = 0; choices[c] != NULL; c++)
	{
		if (strcmp(choices[c], value) == 0)
			return store(params, i, c, c);
		if (used < sizeof(list))
			used += (size_t) snprintf(list + used, sizeof(list) - used,
									  "%s\"%s\"", c == 0 ? "" : ", ",
									  choices[c]);
	}
	status_fail(status, STATUS_INVALID_VALUE,
				"parameter \"%s\" of %s cannot be \"%s\"",
				params->specs[i].name, params->owner, value);
	return status_hint(status, "Valid values are %s.", list);
}

bool
params_set_null(Params *params, const char *name, Status *status)
{
	int			i = find(params, name, status);

	if (i < 0)
		return false;
	if (!params->specs[i].nullable)
		return fail_type(params, i, status);
	params->values[i].isset = false;
	params->given[i] = true;
	return true;
}

bool
params_check(const Params *params, Status *status)
{
	for (int i = 0; params->specs[i].name != NULL; i++)
	{
		if (params->specs[i].required && !params->given[i])
		{
			status_fail(status, STATUS_INVALID_VALUE,
						"%s needs parameter \"%s\"",
						params->owner, params->specs[i].name);
			return hint_accepted(params, status);
		}
	}
	return true;
}
