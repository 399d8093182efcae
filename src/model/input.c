/*
 * input.c
 *	  What embed() takes: bytea of raw numbers, real[] or embedding.
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
				 errhint("Use bytea of raw numbers (one byte each), real[] or embedding.")));
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
		[INPUT_EMBEDDING] = "dimensions"
	};
	NnShape		shape = nn_graph_input(graph);

	if (count != nn_graph_inputs(graph))
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
read_bytes(InputRow *row, const NnGraph *graph, Datum value)
{
	bytea	   *data = DatumGetByteaPP(value);

	row->data = VARDATA_ANY(data);
	row->size = VARSIZE_ANY_EXHDR(data);
	check_count(graph, INPUT_BYTES, row->size);
}

static void
read_reals(InputRow *row, const NnGraph *graph, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_ELEMTYPE(array) != FLOAT4OID || ARR_HASNULL(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("input array must not contain nulls")));
	check_count(graph, INPUT_REALS, count);
	check_finite((float4 *) ARR_DATA_PTR(array), count);
	row->data = ARR_DATA_PTR(array);
	row->size = count * sizeof(float4);
}

static void
read_embedding(InputRow *row, const NnGraph *graph, Datum value)
{
	Embedding  *e = embedding_check(DatumGetEmbedding(value));

	check_count(graph, INPUT_EMBEDDING, e->dims);
	row->data = embedding_floats(e, NULL);
	check_finite(row->data, e->dims);
	row->size = e->dims * sizeof(float4);
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
			read_reals(row, graph, value);
			break;
		case INPUT_EMBEDDING:
			read_embedding(row, graph, value);
			break;
	}
}
