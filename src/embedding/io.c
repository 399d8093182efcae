/*
 * io.c
 *	  Text and binary forms of type embedding, its typmod and the coercion
 *	  to it.
 *
 * No form carries the model tag: input gives tag 0, and a column of type
 * embedding(n, version) stamps it.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/vector_binary.h"
#include "base/vector_text.h"
#include "embedding/embedding.h"
#include "server/compat.h"
#include "server/errors.h"

/* Longest text of a float plus its comma, and room for the brackets */
#define FLOAT_TEXT_SIZE (FLOAT_SHORTEST_DECIMAL_LEN + 1)

PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_out);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_recv);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_send);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_typmod_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_typmod_out);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embedding_to_typmod);

/*
 * Text form, "[1,2]" or "{1,2}": 1 to 16,384 finite numbers.  An ERROR tells
 * the position of what is none; then the type modifier is applied.
 */
Datum
embedding_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	int32		typmod = PG_GETARG_INT32(2);
	size_t		size = strlen(text);
	int			bound = vector_text_bound(text, size, EMBEDDING_MAX_DIMS);
	Embedding  *e = embedding_new(Min(bound, EMBEDDING_MAX_DIMS));
	Status		status;
	int			dims;

	if (!vector_text_parse(text, size, e->x, EMBEDDING_MAX_DIMS, &dims,
						   &status))
		raise_status(&status);
	Assert(dims == bound);
	PG_RETURN_EMBEDDING_P(embedding_coerce(e, typmod));
}

/* The shortest numbers that read back the same */
Datum
embedding_out(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);
	const float *x = embedding_floats(e, NULL);
	char	   *text = palloc((Size) e->dims * FLOAT_TEXT_SIZE + 3);
	char	   *p = text;

	*p++ = '[';
	for (int i = 0; i < e->dims; i++)
	{
		if (i > 0)
			*p++ = ',';
		p += float_to_shortest_decimal_bufn(x[i], p);
	}
	*p++ = ']';
	*p = '\0';
	PG_FREE_IF_COPY(e, 0);
	PG_RETURN_CSTRING(text);
}

/*
 * Binary form, that of pgvector's vector; the whole message is the value.
 * Size, dimensions and finiteness are checked as those of text.
 */
Datum
embedding_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int32		typmod = PG_GETARG_INT32(2);
	int			size = buffer->len - buffer->cursor;
	const uint8 *bytes = (const uint8 *) pq_getmsgbytes(buffer, size);
	Status		status;
	Embedding  *e;
	int			dims;

	if (!vector_binary_check(bytes, size, EMBEDDING_MAX_DIMS, &dims, &status))
		raise_status(&status);
	e = embedding_new(dims);
	vector_binary_read(bytes, dims, e->x);
	embedding_check_finite(e);
	PG_RETURN_EMBEDDING_P(embedding_coerce(e, typmod));
}

/* Elements as float4, whatever the value's precision */
Datum
embedding_send(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);
	Size		size = VARHDRSZ + VECTOR_BINARY_SIZE(e->dims);
	bytea	   *result = palloc(size);

	SET_VARSIZE(result, size);
	vector_binary_write(embedding_floats(e, NULL), e->dims,
						(uint8 *) VARDATA(result));
	PG_RETURN_BYTEA_P(result);
}

/* A whole number of minimum .. maximum from a type modifier */
static int
typmod_number(const char *word, const char *what, int minimum, int maximum)
{
	char	   *end;
	long		value;

	errno = 0;
	value = strtol(word, &end, 10);
	if (end == word || *end != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier \"%s\" for type embedding",
						word),
				 errhint("Write embedding(dimensions [, float | half | int8 | bit] [, model version]).")));
	if (errno != 0 || value < minimum || value > maximum)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of type embedding must be between %d and %d",
						what, minimum, maximum)));
	return (int) value;
}

/*
 * embedding(dimensions [, precision] [, model version]): ranges are checked,
 * and no catalog is asked whether there is such a version.
 */
Datum
embedding_typmod_in(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *words;
	int			nwords;
	int			next = 1;
	int			dims;
	int			model = 0;
	ElementKind kind = ELEMENT_FLOAT;

	if (ARR_ELEMTYPE(array) != CSTRINGOID || ARR_HASNULL(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("type modifiers must be an array of cstring")));
	deconstruct_array(array, CSTRINGOID, -2, false, TYPALIGN_CHAR,
					  &words, NULL, &nwords);
	if (nwords < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("type embedding needs a number of dimensions")));
	dims = typmod_number(DatumGetCString(words[0]), "dimensions", 1,
						 EMBEDDING_MAX_DIMS);
	if (next < nwords && element_find(DatumGetCString(words[next]), &kind))
		next++;
	if (next < nwords)
		model = typmod_number(DatumGetCString(words[next++]), "model version",
							  1, EMBEDDING_MAX_MODEL);
	if (next < nwords)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("too many type modifiers for type embedding")));
	PG_RETURN_INT32(EMBEDDING_TYPMOD(dims, kind, model));
}

/* Of any number: the SQL function may be called with what is no typmod. */
Datum
embedding_typmod_out(PG_FUNCTION_ARGS)
{
	int32		typmod = PG_GETARG_INT32(0);
	StringInfoData text;

	initStringInfo(&text);
	if (typmod < 0)
		PG_RETURN_CSTRING(text.data);
	appendStringInfo(&text, "(%d", EMBEDDING_TYPMOD_DIMS(typmod));
	if (EMBEDDING_TYPMOD_KIND(typmod) != ELEMENT_FLOAT)
		appendStringInfo(&text, ",%s",
						 element_name(EMBEDDING_TYPMOD_KIND(typmod)));
	if (EMBEDDING_TYPMOD_MODEL(typmod) != 0)
		appendStringInfo(&text, ",%d", EMBEDDING_TYPMOD_MODEL(typmod));
	appendStringInfoChar(&text, ')');
	PG_RETURN_CSTRING(text.data);
}

Embedding *
embedding_coerce(Embedding *e, int32 typmod)
{
	int			model;
	Embedding  *result;

	if (typmod < 0)
		return e;
	if (e->dims != EMBEDDING_TYPMOD_DIMS(typmod))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d",
						EMBEDDING_TYPMOD_DIMS(typmod), e->dims)));
	model = EMBEDDING_TYPMOD_MODEL(typmod);
	if (model != 0 && e->model != 0 && e->model != model)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("expected an embedding of model version %d, not of %d",
						model, e->model)));
	result = embedding_convert(e, EMBEDDING_TYPMOD_KIND(typmod));
	if (model == 0 || e->model == model)
		return result;
	if (result == e)
		result = memcpy(palloc(VARSIZE(e)), e, VARSIZE(e));
	result->model = model;
	return result;
}

/*
 * Length coercion, embedding_coerce(): an ERROR if dimensions or a tag differ
 * from the typmod's; the precision is converted, a missing tag stamped.
 */
Datum
embedding_to_typmod(PG_FUNCTION_ARGS)
{
	Embedding  *e = PG_GETARG_EMBEDDING_P(0);

	PG_RETURN_EMBEDDING_P(embedding_coerce(e, PG_GETARG_INT32(1)));
}
