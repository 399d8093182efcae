/*
 * cast.c
 *	  Casts between embedding and arrays of numbers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "embedding/embedding.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(array_to_embedding);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_float4_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(jsonb_to_embedding);

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

Datum
embedding_to_float4_array(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);
	const float *x = embedding_floats(e, NULL);
	Datum	   *elements = palloc(sizeof(Datum) * e->dims);

	for (int i = 0; i < e->dims; i++)
		elements[i] = Float4GetDatum(x[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, e->dims, FLOAT4OID,
										  sizeof(float4), true, TYPALIGN_INT));
}
