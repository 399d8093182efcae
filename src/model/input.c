/*
 * input.c
 *	  What embed() and train() take: bytea of raw numbers, arrays of numbers
 *	  or embedding.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "embedding/embedding.h"
#include "model/input.h"
#include "model/spec.h"

bool
input_kind_of(Oid type, InputKind *kind)
{
	if (type == BYTEAOID)
		*kind = INPUT_BYTES;
	else if (type == FLOAT4ARRAYOID)
		*kind = INPUT_REALS;
	else if (type == FLOAT8ARRAYOID)
		*kind = INPUT_DOUBLES;
	else if (type == INT4ARRAYOID)
		*kind = INPUT_INTEGERS;
	else if (type == embedding_type_oid())
		*kind = INPUT_EMBEDDING;
	else
		return false;
	return true;
}

InputKind
input_kind(Oid type)
{
	InputKind	kind;

	if (!input_kind_of(type, &kind))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a model cannot take input of type %s", format_type_be(type)),
				 errhint("Use bytea of raw numbers (one byte each), real[], double precision[], integer[] or embedding.")));
	return kind;
}

NnElement
input_element(InputKind kind)
{
	return kind == INPUT_BYTES ? NN_UINT8 : NN_FLOAT32;
}

static void
check_count(const NnGraph *graph, InputKind kind, size_t count)
{
	static const char *const units[] = {
		[INPUT_BYTES] = "bytes",
		[INPUT_REALS] = "elements",
		[INPUT_DOUBLES] = "elements",
		[INPUT_INTEGERS] = "elements",
		[INPUT_EMBEDDING] = "dimensions"
	};
	NnShape		shape;

	if (graph == NULL || count == nn_graph_inputs(graph))
		return;
	shape = nn_graph_input(graph);
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("input has %zu %s, but the model expects %zu",
					count, units[kind], nn_graph_inputs(graph)),
			 errdetail("The model's input shape is %s.", spec_shape_text(&shape))));
}

static void
check_finite(const float4 *x, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		if (!isfinite(x[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("input has a number that is not finite"),
					 errdetail("It is element %zu.", i + 1)));
	}
}

static void
set_count(InputRow *row, size_t count)
{
	row->shape.ndim = 1;
	row->shape.dims[0] = (int) count;
}

static void
read_bytes(InputRow *row, const NnGraph *graph, Datum value)
{
	bytea	   *data = DatumGetByteaPP(value);

	row->data = VARDATA_ANY(data);
	row->size = VARSIZE_ANY_EXHDR(data);
	set_count(row, row->size);
	check_count(graph, INPUT_BYTES, row->size);
}

static const float4 *
floats_from_doubles(const float8 *x, int count)
{
	float4	   *out = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float4) * (Size) count);

	for (int i = 0; i < count; i++)
		out[i] = (float4) x[i];
	return out;
}

static const float4 *
floats_from_integers(const int32 *x, int count)
{
	float4	   *out = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float4) * (Size) count);

	for (int i = 0; i < count; i++)
		out[i] = (float4) x[i];
	return out;
}

static void
read_array(InputRow *row, const NnGraph *graph, InputKind kind, Datum value)
{
	static const Oid types[] = {
		[INPUT_REALS] = FLOAT4OID,
		[INPUT_DOUBLES] = FLOAT8OID,
		[INPUT_INTEGERS] = INT4OID
	};
	ArrayType  *array = DatumGetArrayTypeP(value);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_ELEMTYPE(array) != types[kind] || ARR_HASNULL(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("input array must not contain nulls")));
	check_count(graph, kind, count);
	if (kind == INPUT_REALS)
		row->data = ARR_DATA_PTR(array);
	else if (kind == INPUT_DOUBLES)
		row->data = floats_from_doubles((float8 *) ARR_DATA_PTR(array), count);
	else
		row->data = floats_from_integers((int32 *) ARR_DATA_PTR(array), count);
	check_finite(row->data, count);
	row->size = count * sizeof(float4);
	row->shape.ndim = ARR_NDIM(array);
	memcpy(row->shape.dims, ARR_DIMS(array), sizeof(int) * ARR_NDIM(array));
}

static void
read_embedding(InputRow *row, const NnGraph *graph, Datum value)
{
	Embedding  *e = embedding_check(DatumGetEmbedding(value));

	check_count(graph, INPUT_EMBEDDING, e->dims);
	row->data = embedding_floats(e, NULL);
	check_finite(row->data, e->dims);
	row->size = e->dims * sizeof(float4);
	set_count(row, e->dims);
}

void
input_read(InputRow *row, const NnGraph *graph, InputKind kind, Datum value)
{
	row->element = input_element(kind);
	switch (kind)
	{
		case INPUT_BYTES:
			read_bytes(row, graph, value);
			break;
		case INPUT_REALS:
		case INPUT_DOUBLES:
		case INPUT_INTEGERS:
			read_array(row, graph, kind, value);
			break;
		case INPUT_EMBEDDING:
			read_embedding(row, graph, value);
			break;
	}
}

bool
input_shapes_equal(const InputShape *a, const InputShape *b)
{
	return a->ndim == b->ndim && memcmp(a->dims, b->dims, sizeof(int) * a->ndim) == 0;
}

char *
input_shape_text(const InputShape *shape)
{
	char	   *out = psprintf("%d", shape->ndim > 0 ? shape->dims[0] : 0);

	for (int i = 1; i < shape->ndim; i++)
		out = psprintf("%sx%d", out, shape->dims[i]);
	return out;
}
