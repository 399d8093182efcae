/*
 * cast.c
 *	  Casts between embedding and arrays of numbers, JSON and strings of bits.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/varbit.h"

#include "base/number.h"
#include "embedding/embedding.h"
#include "server/budget.h"
#include "server/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(array_to_embedding);
PGDLLEXPORT PG_FUNCTION_INFO_V1(array_to_embeddings);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_float4_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_float8_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_int2_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_int4_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_int8_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_numeric_array);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_jsonb);
PGDLLEXPORT PG_FUNCTION_INFO_V1(jsonb_to_embedding);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_json);
PGDLLEXPORT PG_FUNCTION_INFO_V1(json_to_embedding);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_bits);
PGDLLEXPORT PG_FUNCTION_INFO_V1(bits_to_embedding);

/* ---- to embedding ---- */

/* The nearest float4, as of a number in text: of a tiny one 0 */
static float4
numeric_to_float4(Datum numeric)
{
	const char *text = DatumGetCString(DirectFunctionCall1(numeric_out, numeric));
	const char *end = &text[strlen(text)];
	float		number;

	if (number_parse_float(text, end, &number) != NULL)
		return number;
	return DatumGetFloat4(DirectFunctionCall1(numeric_float4, numeric));
}

/*
 * One array element of a supported type as float4; what does not fit is
 * infinite, for embedding_check_finite() to refuse
 */
static float4
element_to_float4(Datum element, Oid type)
{
	switch (type)
	{
		case FLOAT4OID:
			return DatumGetFloat4(element);
		case FLOAT8OID:
			return (float4) DatumGetFloat8(element);
		case INT2OID:
			return (float4) DatumGetInt16(element);
		case INT4OID:
			return (float4) DatumGetInt32(element);
		case INT8OID:
			return (float4) DatumGetInt64(element);
		case NUMERICOID:
			return numeric_to_float4(element);
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
	/* before the elements: it refuses too many */
	e = embedding_new(ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)));
	get_typlenbyvalalign(type, &length, &byval, &align);
	deconstruct_array(array, type, length, byval, align, &elements, NULL,
					  &dims);
	for (int i = 0; i < dims; i++)
		e->x[i] = element_to_float4(elements[i], type);
	embedding_check_finite(e);
	PG_RETURN_EMBEDDING_P(embedding_coerce(e, PG_GETARG_INT32(1)));
}

/* The real or double precision number at *place, which moves on */
static Datum
next_number(const char **place, Oid type)
{
	bool		single = type == FLOAT4OID;
	Datum		value = single ? Float4GetDatum(*(const float4 *) *place) :
	Float8GetDatum(*(const float8 *) *place);

	*place += single ? sizeof(float4) : sizeof(float8);
	return value;
}

/* An array of one dimension whose n elements take the rest of size */
static ArrayType *
new_array(Oid type, int n, Size size)
{
	ArrayType  *array = palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->elemtype = type;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	return array;
}

/*
 * Each row of an array of two dimensions: array_to_embeddings(array).  They are
 * written where they will be, since a hundred million of them may be asked for.
 */
Datum
array_to_embeddings(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Oid			type = ARR_ELEMTYPE(array);
	Oid			result = embedding_type_oid();
	const char *elements = ARR_DATA_PTR(array);
	Embedding  *row;
	Size		size;
	ArrayType  *rows;
	int			n;
	int			dims;

	if (ARR_NDIM(array) == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(result));
	if (ARR_NDIM(array) != 2)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be two-dimensional to become an array of embeddings")));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls to become an array of embeddings")));
	dims = ARR_DIMS(array)[1];
	n = ARR_DIMS(array)[0];
	row = embedding_new(dims);
	size = budget_sum(budget_product(VARSIZE(row), n), ARR_OVERHEAD_NONULLS(1));
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an array of %d embeddings of %d dimensions is too large", n, dims),
				 errdetail("It would have %zu bytes, at most %zu are allowed.",
						   size, (Size) MaxAllocSize)));
	rows = new_array(result, n, size);
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < dims; j++)
			row->x[j] = element_to_float4(next_number(&elements, type), type);
		embedding_check_finite(row);
		memcpy(ARR_DATA_PTR(rows) + (Size) i * VARSIZE(row), row, VARSIZE(row));
	}
	PG_RETURN_ARRAYTYPE_P(rows);
}

/* ---- JSON to embedding ---- */

/* An element of a jsonb array as float4 */
static float4
jsonb_to_float4(const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("jsonb must be an array of numbers to become an embedding")));
	return numeric_to_float4(NumericGetDatum(value->val.numeric));
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

/*
 * json_to_embedding(json, typmod, explicit): an array of numbers is written as
 * an embedding is, and the parser of that refuses everything else.
 */
Datum
json_to_embedding(PG_FUNCTION_ARGS)
{
	char	   *json = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (json[strspn(json, " \t\n\r")] != '[')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("json must be an array of numbers to become an embedding")));
	return DirectFunctionCall3(embedding_in, CStringGetDatum(json),
							   ObjectIdGetDatum(InvalidOid),
							   PG_GETARG_DATUM(1));
}

/* ---- strings of bits to embedding ---- */

/* bits_to_embedding(bit or bit varying, typmod, explicit) */
Datum
bits_to_embedding(PG_FUNCTION_ARGS)
{
	VarBit	   *bits = PG_GETARG_VARBIT_P(0);
	Embedding  *e = embedding_new(VARBITLEN(bits));

	for (int i = 0; i < e->dims; i++)
		e->x[i] = (VARBITS(bits)[i / BITS_PER_BYTE] >> (BITS_PER_BYTE - 1 -
														i % BITS_PER_BYTE)) & 1;
	if (PG_GETARG_INT32(1) < 0)
		PG_RETURN_EMBEDDING_P(embedding_convert(e, ELEMENT_BIT));
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

/* These round, ties to even, and raise when the result does not fit. */
static Datum
int2_element(float4 x)
{
	return DirectFunctionCall1(ftoi2, Float4GetDatum(x));
}

static Datum
int8_element(float4 x)
{
	return DirectFunctionCall1(ftoi8, Float4GetDatum(x));
}

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

/*
 * Casts to arrays, which every embedding has; to whole numbers as PostgreSQL
 * casts them from float4: rounded, an ERROR out of range
 */
Datum
embedding_to_float4_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), FLOAT4OID,
								   float4_element));
}

Datum
embedding_to_float8_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), FLOAT8OID,
								   float8_element));
}

Datum
embedding_to_int2_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), INT2OID,
								   int2_element));
}

Datum
embedding_to_int8_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), INT8OID,
								   int8_element));
}

Datum
embedding_to_int4_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), INT4OID,
								   int4_element));
}

Datum
embedding_to_numeric_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_EMBEDDING_P(0), NUMERICOID,
								   numeric_element));
}

/* Casts to arrays of JSON; numbers are the shortest that read back the same */
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

/* An embedding is written as JSON writes an array of numbers. */
Datum
embedding_to_json(PG_FUNCTION_ARGS)
{
	char	   *json = DatumGetCString(DirectFunctionCall1(embedding_out,
														   PG_GETARG_DATUM(0)));

	PG_RETURN_TEXT_P(cstring_to_text(json));
}

/* 1 for elements above 0, as binary_quantize() */
Datum
embedding_to_bits(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);
	const float *x = embedding_floats(e, NULL);
	int			size = VARBITTOTALLEN(e->dims);
	VarBit	   *bits = palloc0(size);

	SET_VARSIZE(bits, size);
	VARBITLEN(bits) = e->dims;
	for (int i = 0; i < e->dims; i++)
		if (x[i] > 0)
			VARBITS(bits)[i / BITS_PER_BYTE] |= 1 << (BITS_PER_BYTE - 1 -
													  i % BITS_PER_BYTE);
	PG_RETURN_VARBIT_P(bits);
}
