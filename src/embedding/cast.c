/*
 * cast.c
 *	  Casts between embedding and arrays of numbers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "embedding/embedding.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(array_to_embedding);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_float4_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_float8_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_int4_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_numeric_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_jsonb);
PGDLLEXPORT PG_FUNCTION_INFO_V1(jsonb_to_embedding);

/* ---- to embedding ---- */

/* One array element of a supported type as float4 */
static float4
element_to_float4(Datum element, Oid type)
{
	switch (type)
	{
		case FLOAT4OID:
			return DatumGetFloat4(element);
		case FLOAT8OID:
			/* raises when a finite value does not fit */
			return DatumGetFloat4(DirectFunctionCall1(dtof, element));
		case INT4OID:
			return (float4) DatumGetInt32(element);
		case NUMERICOID:
			return DatumGetFloat4(DirectFunctionCall1(numeric_float4, element));
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("cannot cast an array of this type to embedding")));
	}
}

/* array_to_embedding(array, typmod, explicit) for the types above */
Datum
array_to_embedding(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Oid			type = ARR_ELEMTYPE(array);
	int16		length;
	bool		byval;
	char		align;
	Datum	   *elements;
	int			dims;
	Embedding  *e;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be one-dimensional to become an embedding")));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls to become an embedding")));
	get_typlenbyvalalign(type, &length, &byval, &align);
	deconstruct_array(array, type, length, byval, align, &elements, NULL, &dims);
	e = embedding_new(dims);
	for (int i = 0; i < dims; i++)
		e->x[i] = element_to_float4(elements[i], type);
	embedding_check_finite(e);
	PG_RETURN_EMBEDDING_P(embedding_coerce(e, PG_GETARG_INT32(1)));
}

/* An element of a jsonb array as float4 */
static float4
jsonb_to_float4(const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("jsonb must be an array of numbers to become an embedding")));
	return DatumGetFloat4(DirectFunctionCall1(numeric_float4, NumericGetDatum(value->val.numeric)));
}

/* jsonb_to_embedding(jsonb, typmod, explicit) for an array of numbers */
Datum
jsonb_to_embedding(PG_FUNCTION_ARGS)
{
	Jsonb	   *jsonb = PG_GETARG_JSONB_P(0);
	JsonbIterator *iterator;
	JsonbValue	value;
	Embedding  *e;
	int			i = 0;

	if (!JB_ROOT_IS_ARRAY(jsonb) || JB_ROOT_IS_SCALAR(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("jsonb must be an array of numbers to become an embedding")));
	e = embedding_new(JB_ROOT_COUNT(jsonb));
	iterator = JsonbIteratorInit(&jsonb->root);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
		e->x[i++] = jsonb_to_float4(&value);
	embedding_check_finite(e);
	PG_RETURN_EMBEDDING_P(embedding_coerce(e, PG_GETARG_INT32(1)));
}

/* ---- from embedding ---- */

static Datum
float4_element(float4 x)
{
	return Float4GetDatum(x);
}

static Datum
float8_element(float4 x)
{
	return Float8GetDatum(x);
}

/* Rounds, ties to even, and raises when the result does not fit. */
static Datum
int4_element(float4 x)
{
	return DirectFunctionCall1(ftoi4, Float4GetDatum(x));
}

/* By way of the shortest text: float4's own cast keeps 6 digits only. */
static Datum
numeric_element(float4 x)
{
	char text[	FLOAT_SHORTEST_DECIMAL_LEN];

	float_to_shortest_decimal_buf(x, text);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text),
							   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

/* The elements in an array of that type */
static ArrayType *
to_array(const Embedding *e, Oid type, Datum (*element) (float4 x))
{
	const float *x = embedding_floats(e, NULL);
	Datum	   *elements = palloc(sizeof(Datum) * e->dims);
	int16		length;
	bool		byval;
	char		align;

	for (int i = 0; i < e->dims; i++)
		elements[i] = element(x[i]);
	get_typlenbyvalalign(type, &length, &byval, &align);
	return construct_array(elements, e->dims, type, length, byval, align);
}

Datum
embedding_to_float4_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), FLOAT4OID, float4_element));
}

Datum
embedding_to_float8_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), FLOAT8OID, float8_element));
}

Datum
embedding_to_int4_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), INT4OID, int4_element));
}

Datum
embedding_to_numeric_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), NUMERICOID, numeric_element));
}

Datum
embedding_to_jsonb(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);
	const float *x = embedding_floats(e, NULL);
	JsonbParseState *state = NULL;
	JsonbValue *array;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < e->dims; i++)
	{
		JsonbValue	value = {.type = jbvNumeric};

		value.val.numeric = DatumGetNumeric(numeric_element(x[i]));
		pushJsonbValue(&state, WJB_ELEM, &value);
	}
	array = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(array));
}
