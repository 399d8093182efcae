/*
 * params_json.c
 *	  From a jsonb object to Params.
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "server/errors.h"
#include "server/params_json.h"

/* Infinite if it does not fit, which params.c then refuses. */
static double
number_of(const JsonbValue *value)
{
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value->val.numeric)));
}

/*
 * Numbers of an array, those of arrays within it among them; NaN, which is of
 * no parameter's type, for anything else or beyond the last.
 */
static int
read_numbers(JsonbContainer *container, double *numbers, int n)
{
	if (!JsonContainerIsArray(container))
		return PARAM_LIST_MAX + 1;
	for (uint32 i = 0; i < JsonContainerSize(container) && n <= PARAM_LIST_MAX;
		 i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(container, i);

		if (value->type == jbvBinary)
			n = read_numbers(value->val.binary.data, numbers, n);
		else if (n < PARAM_LIST_MAX)
			numbers[n++] = value->type == jbvNumeric ? number_of(value) : NAN;
		else
			n++;
	}
	return n;
}

/* [2, 3] */
static bool
set_container(Params *params, const char *name, JsonbContainer *container,
			  Status *status)
{
	double		numbers[PARAM_LIST_MAX] = {0};
	int			n = read_numbers(container, numbers, 0);

	if (params_is_list(params, name))
		return params_set_list(params, name, numbers, n, status);
	if (n != 2)
		return params_set_pair(params, name, NAN, NAN, status);
	return params_set_pair(params, name, numbers[0], numbers[1], status);
}

static bool
set_value(Params *params, const char *name, const JsonbValue *value,
		  Status *status)
{
	switch (value->type)
	{
		case jbvNull:
			return params_set_null(params, name, status);
		case jbvNumeric:
			return params_set_number(params, name, number_of(value), status);
		case jbvBool:
			return params_set_boolean(params, name, value->val.boolean, status);
		case jbvString:
			return params_set_text(params, name,
								   pnstrdup(value->val.string.val,
											value->val.string.len), status);
		case jbvBinary:
			return set_container(params, name, value->val.binary.data, status);
		default:
			elog(ERROR, "unexpected jsonb value type %d", (int) value->type);
	}
}

static bool
is_listed(const char *const *list, const char *name)
{
	for (; list != NULL && *list != NULL; list++)
	{
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

void
params_from_jsonb(Params *params, const char *owner, const ParamSpec *specs,
				  Jsonb *json, const char *const *skip)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *name = NULL;
	Status		status;

	params_init(params, owner, specs);
	if (json != NULL && !JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameters of %s must be a JSON object", owner),
				 errhint("Write them as {\"name\": value, ...}, or {} for none.")));
	if (json != NULL)
	{
		iterator = JsonbIteratorInit(&json->root);
		token = JsonbIteratorNext(&iterator, &value, true);
		while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		{
			if (token == WJB_KEY)
				name = pnstrdup(value.val.string.val, value.val.string.len);
			else if (token == WJB_VALUE && !is_listed(skip, name) &&
					 !set_value(params, name, &value, &status))
				raise_status(&status);
		}
	}
	if (!params_check(params, &status))
		raise_status(&status);
}

bool
params_named(JsonbContainer *container, char **name, Jsonb **params)
{
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;

	if (!JsonContainerIsObject(container) || JsonContainerSize(container) != 1)
		return false;
	iterator = JsonbIteratorInit(container);
	(void) JsonbIteratorNext(&iterator, &key, true);	/* the object begins */
	(void) JsonbIteratorNext(&iterator, &key, true);
	(void) JsonbIteratorNext(&iterator, &value, true);
	*name = pnstrdup(key.val.string.val, key.val.string.len);
	*params = JsonbValueToJsonb(&value);
	return true;
}
