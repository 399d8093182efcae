/*
 * json_object.c
 *	  Building a jsonb object, key by key.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "server/json_object.h"

void
json_begin(JsonObject *object)
{
	object->state = NULL;
	pushJsonbValue(&object->state, WJB_BEGIN_OBJECT, NULL);
}

Jsonb *
json_end(JsonObject *object)
{
	return JsonbValueToJsonb(pushJsonbValue(&object->state, WJB_END_OBJECT,
											NULL));
}

static JsonbValue
string_value(char *text)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = text;

	value.val.string.len = strlen(text);
	return value;
}

static void
put(JsonObject *object, const char *key, JsonbValue *value)
{
	JsonbValue	name = string_value(pstrdup(key));

	pushJsonbValue(&object->state, WJB_KEY, &name);
	pushJsonbValue(&object->state, WJB_VALUE, value);
}

void
json_null(JsonObject *object, const char *key)
{
	JsonbValue	value = {.type = jbvNull};

	put(object, key, &value);
}

static void
put_numeric(JsonObject *object, const char *key, Numeric numeric)
{
	JsonbValue	value = {.type = jbvNumeric};

	value.val.numeric = numeric;
	put(object, key, &value);
}

void
json_integer(JsonObject *object, const char *key, int64 value)
{
	put_numeric(object, key, int64_to_numeric(value));
}

void
json_number(JsonObject *object, const char *key, const char *format,
			double value)
{
	char		digits[400];	/* "%.0f" of DBL_MAX has 309 digits */

	if (!isfinite(value))
	{
		json_null(object, key);
		return;
	}
	snprintf(digits, sizeof(digits), format, value);
	put_numeric(object, key, DatumGetNumeric(DirectFunctionCall3(numeric_in,
																 CStringGetDatum(digits),
																 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))));
}

void
json_text(JsonObject *object, const char *key, const char *text)
{
	JsonbValue	value;

	if (text == NULL)
	{
		json_null(object, key);
		return;
	}
	value = string_value(pstrdup(text));
	put(object, key, &value);
}

void
json_jsonb(JsonObject *object, const char *key, Jsonb *jsonb)
{
	JsonbValue	value;

	if (jsonb == NULL)
	{
		json_null(object, key);
		return;
	}
	JsonbToJsonbValue(jsonb, &value);
	put(object, key, &value);
}

void
json_texts(JsonObject *object, const char *key, ArrayType *array)
{
	JsonbValue	name = string_value(pstrdup(key));
	Datum	   *texts;
	int			n;

	if (array == NULL)
	{
		json_null(object, key);
		return;
	}
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, NULL,
					  &n);
	pushJsonbValue(&object->state, WJB_KEY, &name);
	pushJsonbValue(&object->state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n; i++)
	{
		JsonbValue	value = string_value(TextDatumGetCString(texts[i]));

		pushJsonbValue(&object->state, WJB_ELEM, &value);
	}
	pushJsonbValue(&object->state, WJB_END_ARRAY, NULL);
}
