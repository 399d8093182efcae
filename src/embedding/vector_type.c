/*
 * vector_type.c
 *	  The types vector and halfvec of the extension vector.
 *
 * A vector is an embedding of float, a halfvec one of half, both without tag,
 * so that all functions of embeddings take them.  What differs stands here: the
 * type modifier, which is the number of dimensions, the wire form of halfvec,
 * results that must be of half again, and errors, in the words that clients
 * of pgvector know.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/vector_binary.h"
#include "base/vector_text.h"
#include "embedding/vector_type.h"
#include "server/compat.h"
#include "server/errors.h"

/* From here on a number does not round to a half. */
#define HALF_OVERFLOW 65520.0f

PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_vector_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_vector_recv);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_vector_typmod_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_vector_typmod_out);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_vector_to_typmod);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_array_to_vector);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_vector_concat);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_recv);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_send);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_typmod_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_to_typmod);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_array_to_halfvec);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_add);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_subtract);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_multiply);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_concat);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_l2_normalize);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_subvector);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_avg_final);
PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_halfvec_sum_final);

static const char *
type_name(ElementKind kind)
{
	return kind == ELEMENT_HALF ? "halfvec" : "vector";
}

/* ---- type modifier ---- */

static int32
read_typmod(ArrayType *array, ElementKind kind)
{
	int			n;
	int32	   *values = ArrayGetIntegerTypmods(array, &n);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier")));
	if (values[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s must be at least 1",
						type_name(kind))));
	if (values[0] > VECTOR_MAX_DIMS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s cannot exceed %d",
						type_name(kind), VECTOR_MAX_DIMS)));
	return values[0];
}

/* vector(n), halfvec(n): n of 1 to 16,000, which is the modifier */
Datum
similarity_vector_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(read_typmod(PG_GETARG_ARRAYTYPE_P(0), ELEMENT_FLOAT));
}

Datum
similarity_halfvec_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(read_typmod(PG_GETARG_ARRAYTYPE_P(0), ELEMENT_HALF));
}

Datum
similarity_vector_typmod_out(PG_FUNCTION_ARGS)
{
	int32		typmod = PG_GETARG_INT32(0);

	PG_RETURN_CSTRING(typmod < 0 ? pstrdup("") : psprintf("(%d)", typmod));
}

/* Of floats that are to be a halfvec: an ERROR if one rounds beyond 65504 */
static void
check_half_range(const Embedding *e)
{
	for (int i = 0; i < e->dims; i++)
		if (fabsf(e->x[i]) >= HALF_OVERFLOW)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("\"%g\" is out of range for type halfvec",
							e->x[i])));
}

/*
 * As a value of the type of this precision; an ERROR if it is too long or out of
 * range for it, or has other dimensions than the modifier says, if not -1.
 */
static Embedding *
coerce(Embedding *e, ElementKind kind, int32 typmod)
{
	if (e->dims > VECTOR_MAX_DIMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot have more than %d dimensions",
						type_name(kind), VECTOR_MAX_DIMS)));
	if (typmod >= 0 && e->dims != typmod)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected %d dimensions, not %d", typmod, e->dims)));
	if (kind == ELEMENT_HALF && e->kind == ELEMENT_FLOAT)
		check_half_range(e);
	return embedding_convert(e, kind);
}

/* Length coercion, and the casts between the two types */
Datum
similarity_vector_to_typmod(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(coerce(PG_GETARG_EMBEDDING_P(0), ELEMENT_FLOAT,
								 PG_GETARG_INT32(1)));
}

Datum
similarity_halfvec_to_typmod(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(coerce(PG_GETARG_EMBEDDING_P(0), ELEMENT_HALF,
								 PG_GETARG_INT32(1)));
}

/* ---- text ---- */

/* The failure in pgvector's words, which name the type and show the text */
pg_noreturn static void
raise_bad_text(const Status *status, const char *text, ElementKind kind)
{
	const char *name = type_name(kind);

	if (status->code == STATUS_SHAPE_MISMATCH)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s must have at least 1 dimension", name)));
	if (status->code == STATUS_TOO_LARGE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s cannot have more than %d dimensions", name,
						VECTOR_MAX_DIMS)));
	if (status->code == STATUS_NOT_A_NUMBER)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("NaN not allowed in %s", name),
				 errdetail("%s", status->detail)));
	if (status->code == STATUS_OUT_OF_RANGE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a number is out of range for type %s", name),
				 errdetail("%s", status->detail)));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s: \"%s\"", name, text),
			 errdetail("%s", status->detail)));
}

static Embedding *
read_text(const char *text, ElementKind kind, int32 typmod)
{
	size_t		size = strlen(text);
	int			bound = vector_text_bound(text, size, VECTOR_MAX_DIMS);
	Embedding  *e = embedding_new(Min(bound, VECTOR_MAX_DIMS));
	Status		status;
	int			dims;

	if (!vector_text_parse(text, size, e->x, VECTOR_MAX_DIMS, &dims, &status))
		raise_bad_text(&status, text, kind);
	Assert(dims == bound);
	return coerce(e, kind, typmod);
}

/* As embedding_in(), with the type's own modifier and limit */
Datum
similarity_vector_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(read_text(PG_GETARG_CSTRING(0), ELEMENT_FLOAT,
									PG_GETARG_INT32(2)));
}

Datum
similarity_halfvec_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(read_text(PG_GETARG_CSTRING(0), ELEMENT_HALF,
									PG_GETARG_INT32(2)));
}

/* ---- binary ---- */

/* As embedding_recv() */
Datum
similarity_vector_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			size = buffer->len - buffer->cursor;
	const uint8 *bytes = (const uint8 *) pq_getmsgbytes(buffer, size);
	Status		status;
	Embedding  *e;
	int			dims;

	if (!vector_binary_check(bytes, size, VECTOR_MAX_DIMS, &dims, &status))
		raise_status(&status);
	e = embedding_new(dims);
	vector_binary_read(bytes, dims, e->x);
	embedding_check_finite(e);
	PG_RETURN_EMBEDDING_P(coerce(e, ELEMENT_FLOAT, PG_GETARG_INT32(2)));
}

/*
 * Two bytes an element, big-endian, behind the header.  The message must have
 * the size that its header says, and finite elements.
 */
Datum
similarity_halfvec_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buffer = (StringInfo) PG_GETARG_POINTER(0);
	int			dims = (uint16) pq_getmsgint(buffer, 2);
	int			unused = pq_getmsgint(buffer, 2);
	Embedding  *e;
	uint16	   *halfs;

	if (dims < 1 || dims > VECTOR_MAX_DIMS || unused != 0 ||
		buffer->len - buffer->cursor != dims * (int) sizeof(uint16))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary representation of type halfvec"),
				 errdetail("The header says %d dimensions, %d bytes follow it.",
						   dims, buffer->len - buffer->cursor)));
	e = embedding_convert(embedding_new(dims), ELEMENT_HALF);
	halfs = (uint16 *) e->x;
	for (int i = 0; i < dims; i++)
	{
		halfs[i] = pq_getmsgint(buffer, sizeof(uint16));
		if ((halfs[i] & 0x7C00) == 0x7C00)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg((halfs[i] & 0x3FF) != 0 ?
							"NaN not allowed in halfvec" :
							"infinite value not allowed in halfvec")));
	}
	PG_RETURN_EMBEDDING_P(coerce(e, ELEMENT_HALF, PG_GETARG_INT32(2)));
}

Datum
similarity_halfvec_send(PG_FUNCTION_ARGS)
{
	Embedding  *e = embedding_convert(PG_GETARG_EMBEDDING_P(0), ELEMENT_HALF);
	const uint16 *halfs = embedding_elements(e);
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendint16(&buffer, e->dims);
	pq_sendint16(&buffer, 0);
	for (int i = 0; i < e->dims; i++)
		pq_sendint16(&buffer, halfs[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

/* ---- arrays of numbers ---- */

/* array_to_embedding() of our own modifier */
static Embedding *
from_array(FunctionCallInfo fcinfo, ElementKind kind)
{
	int32		typmod = PG_GETARG_INT32(1);

	fcinfo->args[1].value = Int32GetDatum(-1);
	return coerce((Embedding *) DatumGetPointer(array_to_embedding(fcinfo)),
				  kind, typmod);
}

Datum
similarity_array_to_vector(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(from_array(fcinfo, ELEMENT_FLOAT));
}

Datum
similarity_array_to_halfvec(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(from_array(fcinfo, ELEMENT_HALF));
}

/* ---- strings of bits ---- */

Embedding *
embedding_of_bits(const VarBit *bits)
{
	int			n = VARBITLEN(bits);
	Embedding  *e;

	if (n < 1 || n > EMBEDDING_MAX_DIMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a string of bits must have 1 to %d bits to be searched for",
						EMBEDDING_MAX_DIMS)));
	e = palloc0(embedding_size(ELEMENT_BIT, n));
	SET_VARSIZE(e, embedding_size(ELEMENT_BIT, n));
	e->dims = n;
	e->kind = ELEMENT_BIT;
	e->scale = 1;
	memcpy(e->x, VARBITS(bits), VARBITBYTES(bits));
	return e;
}

/* ---- functions of embeddings whose result is to be of the type ---- */

/* Two vectors may be longer together than one can be. */
Datum
similarity_vector_concat(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING_P(coerce((Embedding *) DatumGetPointer(embedding_concat(fcinfo)),
								 ELEMENT_FLOAT, -1));
}

static Datum
as_half(FunctionCallInfo fcinfo, PGFunction function)
{
	Datum		result = function(fcinfo);

	if (fcinfo->isnull)
		return result;
	PG_RETURN_EMBEDDING_P(coerce((Embedding *) DatumGetPointer(result),
								 ELEMENT_HALF, -1));
}

Datum
similarity_halfvec_add(PG_FUNCTION_ARGS)
{
	return as_half(fcinfo, embedding_add);
}

Datum
similarity_halfvec_subtract(PG_FUNCTION_ARGS)
{
	return as_half(fcinfo, embedding_subtract);
}

Datum
similarity_halfvec_multiply(PG_FUNCTION_ARGS)
{
	return as_half(fcinfo, embedding_multiply);
}

Datum
similarity_halfvec_concat(PG_FUNCTION_ARGS)
{
	return as_half(fcinfo, embedding_concat);
}

Datum
similarity_halfvec_l2_normalize(PG_FUNCTION_ARGS)
{
	return as_half(fcinfo, similarity_l2_normalize);
}

Datum
similarity_halfvec_subvector(PG_FUNCTION_ARGS)
{
	return as_half(fcinfo, similarity_subvector);
}

Datum
similarity_halfvec_avg_final(PG_FUNCTION_ARGS)
{
	return as_half(fcinfo, embedding_avg_final);
}

Datum
similarity_halfvec_sum_final(PG_FUNCTION_ARGS)
{
	return as_half(fcinfo, embedding_sum_final);
}
