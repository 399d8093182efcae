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
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "embedding/embedding.h"
#include "model/architecture.h"
#include "model/encoded.h"
#include "model/input.h"
#include "model/model.h"
#include "server/compat.h"
#include "server/errors.h"

static bool
is_number_array(Oid type)
{
	return type == FLOAT4ARRAYOID || type == FLOAT8ARRAYOID ||
		type == INT2ARRAYOID ||
		type == INT4ARRAYOID || type == INT8ARRAYOID || type == NUMERICARRAYOID;
}

bool
input_kind_of(Oid type, InputKind *kind)
{
	if (!OidIsValid(type))
		return false;
	type = getBaseType(type);
	if (type == BYTEAOID)
		*kind = INPUT_BYTES;
	else if (is_number_array(type))
		*kind = INPUT_ARRAY;
	else if (type == embedding_type_oid())
		*kind = INPUT_EMBEDDING;
	else
		return false;
	return true;
}

bool
model_takes_input(Oid type)
{
	InputKind	kind;

	return input_kind_of(type, &kind);
}

void
model_require_input_column(const char *query, Oid type)
{
	if (model_takes_input(type))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("input of the %s is of type %s", query,
					format_type_be(type)),
			 errhint("The first column must be of type bytea, an array of numbers or embedding; cast it.")));
}

InputKind
input_kind(Oid type)
{
	InputKind	kind;

	if (!input_kind_of(type, &kind))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("a model cannot take input of type %s",
						format_type_be(type)),
				 errhint("Use bytea of raw numbers (one byte each), an array of numbers or embedding.")));
	return kind;
}

/* Which type a text is of is told by how it begins. */
Datum
model_input_from_text(const char *input, Oid *type)
{
	const char *start = input + strspn(input, " \t\n\r\f\v");
	Oid			function;
	Oid			element;

	if (start[0] == '\\' && start[1] == 'x')
		*type = BYTEAOID;
	else if (start[0] == '{')
		*type = FLOAT8ARRAYOID;
	else if (start[0] == '[')
		*type = embedding_type_oid();
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("text of an input must begin with \"\\x\", \"{\" or \"[\""),
				 errdetail("These are the texts of bytea, of an array of numbers and of embedding."),
				 errhint("Bytes that a client sends without their type are read as text: write $1::bytea, or call embed_image(), similarity.lookup_image() or similarity.match_image().")));
	getTypeInputInfo(*type, &function, &element);
	return OidInputFunctionCall(function, unconstify(char *, start), element,
								-1);
}

NnElement
input_element(InputKind kind)
{
	return kind == INPUT_BYTES ? NN_UINT8 : NN_FLOAT32;
}

/* bytes is NULL unless the input is of them */
static void
check_count(const InputTarget *target, InputKind kind, size_t count,
			const void *bytes)
{
	static const char *const units[] = {
		[INPUT_BYTES] = "bytes",
		[INPUT_ARRAY] = "elements",
		[INPUT_EMBEDDING] = "dimensions"
	};
	const NnGraph *graph = target->graph;
	NnShape		shape;

	if (graph == NULL || count == nn_graph_inputs(graph))
		return;
	shape = nn_graph_input(graph);
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("input has %zu %s, but the model expects %zu",
					count, units[kind], nn_graph_inputs(graph)),
			 errdetail("The model's input shape is %s.",
					   spec_shape_text(&shape)),
			 bytes != NULL ? encoded_hint(target, bytes, count) : 0));
}

static void
check_input_finite(const float4 *x, size_t count)
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

/* What the layers of the model take for ids must be such. */
static void
check_ids(const InputTarget *target, const InputRow *row)
{
	Status		status;

	if (target->graph != NULL &&
		!nn_check_ids(target->graph, row->element, row->data, &status))
		raise_status(&status);
}

static void
set_count(InputRow *row, size_t count)
{
	row->shape.ndim = 1;
	row->shape.dims[0] = (int) count;
}

static void
read_bytes(InputRow *row, const InputTarget *target, Datum value)
{
	bytea	   *data = DatumGetByteaPP(value);
	const void *bytes = VARDATA_ANY(data);
	Size		size = VARSIZE_ANY_EXHDR(data);

	if (encoded_is_file(target, bytes, size))
	{
		row->file = bytes;
		row->file_size = size;
		size = nn_graph_inputs(target->graph);
	}
	else
	{
		check_count(target, INPUT_BYTES, size, bytes);
		row->data = bytes;
	}
	row->size = size;
	set_count(row, size);
}

/* As floats; a double beyond their range becomes infinite. */
static float4
element_to_float(Datum value, Oid type)
{
	switch (type)
	{
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case FLOAT8OID:
			return (float4) DatumGetFloat8(value);
		case INT2OID:
			return (float4) DatumGetInt16(value);
		case INT4OID:
			return (float4) DatumGetInt32(value);
		case INT8OID:
			return (float4) DatumGetInt64(value);
		case NUMERICOID:
			return (float4) DatumGetFloat8(DirectFunctionCall1(numeric_float8,
															   value));
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("a model cannot take an array of type %s",
							format_type_be(type))));
	}
}

static const float4 *
floats_of_array(ArrayType *array, int count)
{
	float4	   *out;
	ArrayIterator iterator;
	Datum		value;
	bool		isnull;

	if (ARR_ELEMTYPE(array) == FLOAT4OID)
		return (float4 *) ARR_DATA_PTR(array);
	out = MemoryContextAllocHuge(CurrentMemoryContext,
								 sizeof(float4) * (Size) count);
	if (ARR_ELEMTYPE(array) == FLOAT8OID)
	{
		const float8 *x = (float8 *) ARR_DATA_PTR(array);

		for (int i = 0; i < count; i++)
			out[i] = (float4) x[i];
		return out;
	}
	iterator = array_create_iterator(array, 0, NULL);
	for (int i = 0; i < count && array_iterate(iterator, &value, &isnull); i++)
		out[i] = element_to_float(value, ARR_ELEMTYPE(array));
	array_free_iterator(iterator);
	return out;
}

/* Next dimension that is not 1, from *i on; 0 when there is none */
static int
next_side(const int *dims, int n, int *i)
{
	while (*i < n && dims[*i] == 1)
		(*i)++;
	return *i < n ? dims[(*i)++] : 0;
}

/*
 * An array of several dimensions says what they are: a transposed picture must
 * not pass for the picture.  An input of one dimension has no shape to differ
 * from.
 */
static void
check_input_shape(const NnGraph *graph, const InputShape *shape)
{
	NnShape		wanted;
	int			side;
	int			i = 0;
	int			j = 0;

	if (graph == NULL || shape->ndim < 2)
		return;
	wanted = nn_graph_input(graph);
	if (wanted.rank == 1)
		return;
	do
	{
		side = next_side(shape->dims, shape->ndim, &i);
		if (side != next_side(wanted.dim, wanted.rank, &j))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("input has shape %s, but the model expects %s",
							input_shape_text(shape), spec_shape_text(&wanted)),
					 errhint("An array of one dimension is taken as a row of numbers in the model's order.")));
	} while (side != 0);
}

static void
read_input_array(InputRow *row, const InputTarget *target, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("input array must not contain nulls")));
	check_count(target, INPUT_ARRAY, count, NULL);
	row->shape.ndim = ARR_NDIM(array);
	memcpy(row->shape.dims, ARR_DIMS(array), sizeof(int) * ARR_NDIM(array));
	check_input_shape(target->graph, &row->shape);
	row->data = floats_of_array(array, count);
	check_input_finite(row->data, count);
	row->size = count * sizeof(float4);
}

static void
read_embedding(InputRow *row, const InputTarget *target, Datum value)
{
	Embedding  *e = embedding_check(DatumGetEmbedding(value));

	check_count(target, INPUT_EMBEDDING, e->dims, NULL);
	row->data = embedding_floats(e, NULL);
	check_input_finite(row->data, e->dims);
	row->size = e->dims * sizeof(float4);
	set_count(row, e->dims);
}

void
input_open(InputRow *row, const InputTarget *target, InputKind kind,
		   Datum value)
{
	memset(row, 0, sizeof(*row));
	row->element = input_element(kind);
	switch (kind)
	{
		case INPUT_BYTES:
			read_bytes(row, target, value);
			break;
		case INPUT_ARRAY:
			read_input_array(row, target, value);
			break;
		case INPUT_EMBEDDING:
			read_embedding(row, target, value);
			break;
	}
	if (row->data != NULL)
		check_ids(target, row);
}

void
inputs_decode(InputRow *rows, int n, const InputTarget *target,
			  ThreadPool *pool, int *current)
{
	EncodedFile *files = palloc(sizeof(EncodedFile) * n);
	int			nfiles = 0;

	*current = -1;
	for (int i = 0; i < n; i++)
	{
		EncodedFile *file = &files[nfiles];

		if (rows[i].data != NULL)
			continue;
		file->bytes = rows[i].file;
		file->size = rows[i].file_size;
		file->pixels = MemoryContextAllocHuge(CurrentMemoryContext,
											  rows[i].size);
		file->row = i;
		rows[i].data = file->pixels;
		nfiles++;
	}
	if (nfiles > 0)
		encoded_decode(target, files, nfiles, pool, current);
	for (int i = 0; i < nfiles; i++)
	{
		*current = files[i].row;
		check_ids(target, &rows[files[i].row]);
	}
	*current = -1;
	pfree(files);
}

void
input_read(InputRow *row, const InputTarget *target, InputKind kind,
		   Datum value)
{
	int			current;

	input_open(row, target, kind, value);
	inputs_decode(row, 1, target, NULL, &current);
}

Size
input_keep(InputRow *row)
{
	bool		encoded = row->data == NULL;
	Size		size = encoded ? row->file_size : row->size;
	void	   *copy = MemoryContextAllocHuge(CurrentMemoryContext, size);

	memcpy(copy, encoded ? row->file : row->data, size);
	if (encoded)
		row->file = copy;
	else
		row->data = copy;
	return size;
}

bool
input_shapes_equal(const InputShape *a, const InputShape *b)
{
	return a->ndim == b->ndim &&
		memcmp(a->dims, b->dims, sizeof(int) * a->ndim) == 0;
}

char *
input_shape_text(const InputShape *shape)
{
	char	   *out = psprintf("%d", shape->ndim > 0 ? shape->dims[0] : 0);

	for (int i = 1; i < shape->ndim; i++)
		out = psprintf("%sx%d", out, shape->dims[i]);
	return out;
}
