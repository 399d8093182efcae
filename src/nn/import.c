/*
 * import.c
 *	  Weights of a graph out of a file of tensors that somebody else wrote.
 *
 * Tensors are found by name if the file has the graph's names, else by their
 * order.  Every shape must be the graph's, in Keras' layout or, transposed, in
 * PyTorch's: dense kernels [units][inputs], convolutions
 * [out][in][height][width].
 */
#include "nn/import.h"

#include <stdio.h>
#include <string.h>

#define SHAPE_TEXT_SIZE 200		/* of SAFETENSORS_MAX_RANK numbers */

/* Order of the graph's dimensions in the file */
static const int *
dimension_order(const NnShape *shape, bool torch)
{
	static const int plain[NN_MAX_RANK] = {0, 1, 2, 3};
	static const int torch2[NN_MAX_RANK] = {1, 0};
	static const int torch4[NN_MAX_RANK] = {3, 2, 0, 1};

	if (torch && shape->rank == 2)
		return torch2;
	return torch && shape->rank == 4 ? torch4 : plain;
}

/* Index in PyTorch's layout (units x inputs, OIHW) of element i in Keras' */
static size_t
torch_index(const NnShape *shape, size_t i)
{
	size_t		out;
	size_t		in;
	size_t		x;

	if (shape->rank == 2)
		return i % shape->dim[1] * shape->dim[0] + i / shape->dim[1];
	if (shape->rank != 4)
		return i;
	out = i % shape->dim[3];
	in = i / shape->dim[3] % shape->dim[2];
	x = i / shape->dim[3] / shape->dim[2];	/* row and column of the kernel */
	return (out * shape->dim[2] + in) * shape->dim[0] * shape->dim[1] + x;
}

static bool
shape_fits(const SafeTensor *tensor, const NnShape *shape, bool torch)
{
	const int  *order = dimension_order(shape, torch);

	if (tensor->rank != shape->rank)
		return false;
	for (int i = 0; i < shape->rank; i++)
		if (tensor->dim[i] != (uint64_t) shape->dim[order[i]])
			return false;
	return true;
}

/* "3x4"; text is returned */
static char *
write_shape(char *text, int rank, const uint64_t *dim)
{
	int			length = 0;

	text[0] = '\0';
	for (int i = 0; i < rank; i++)
		length += snprintf(text + length, SHAPE_TEXT_SIZE - length, "%s%llu",
						   i > 0 ? "x" : "", (unsigned long long) dim[i]);
	return text;
}

static bool
fail_shape(const SafeTensor *source, const NnTensorInfo *tensor, Status *status)
{
	char		there[SHAPE_TEXT_SIZE];
	char		here[SHAPE_TEXT_SIZE];
	uint64_t	dim[NN_MAX_RANK];

	for (int i = 0; i < tensor->shape.rank; i++)
		dim[i] = (uint64_t) tensor->shape.dim[i];
	status_fail(status, STATUS_SHAPE_MISMATCH,
				"tensor \"%s\" of the file does not fit \"%s\"",
				source->name, tensor->name);
	status_detail(status, "Its shape is %s, that of the architecture %s.",
				  write_shape(there, source->rank, source->dim),
				  write_shape(here, tensor->shape.rank, dim));
	return status_hint(status, "Valid values are keras and torch.");
}

/* PyTorch counts batches in a tensor that is not a weight. */
static void
drop_counters(SafeTensors *file)
{
	static const char counter[] = "num_batches_tracked";
	int			kept = 0;

	for (int i = 0; i < file->n; i++)
	{
		const char *name = file->tensors[i].name;
		size_t		length = strlen(name);

		if (length < sizeof(counter) - 1 ||
			strcmp(name + length - (sizeof(counter) - 1), counter) != 0)
			file->tensors[kept++] = file->tensors[i];
	}
	file->n = kept;
}

/* Are tensors found by name?  Otherwise sort them into the graph's order. */
static bool
is_by_name(SafeTensors *file, const NnGraph *graph)
{
	for (int i = 0; i < nn_graph_tensors(graph); i++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(graph, i, &tensor);
		if (safetensors_find(file, tensor.name) != NULL)
			return true;
	}
	drop_counters(file);
	safetensors_sort(file);
	return false;
}

static bool
check_source(const SafeTensor *source, const NnTensorInfo *tensor, bool torch,
			 Status *status)
{
	if (source == NULL)
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "file has no tensor \"%s\"", tensor->name);
	if (source->type == SAFETENSORS_OTHER)
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "tensor \"%s\" of the file is not of type F64, F32, F16 or BF16", source->name);
	return shape_fits(source, &tensor->shape, torch) ||
		fail_shape(source, tensor, status);
}

/*
 * As many tensors as the graph has, no more: what is left over would be a
 * model other than the one described.
 */
bool
nn_import_begin(NnImport *import, SafeTensors *file, const NnGraph *graph,
				bool torch, Arena *arena, Status *status)
{
	bool		by_name = is_by_name(file, graph);
	int			n = nn_graph_tensors(graph);

	*import = (NnImport)
	{
		graph, torch, arena_alloc_array(arena, (size_t) n + 1,
										sizeof(SafeTensor *))
	};
	if (import->source == NULL)
		return status_out_of_memory(status, NULL);
	if (file->n != n)
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "file has %d tensors and the architecture %d",
						   file->n, n);
	for (int i = 0; i < n; i++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(graph, i, &tensor);
		import->source[i] = by_name ? safetensors_find(file, tensor.name) :
			&file->tensors[i];
		if (!check_source(import->source[i], &tensor, torch, status))
			return false;
	}
	return true;
}

/* Tensors lie one behind the other. */
static const SafeTensor *
source_of(const NnImport *import, const NnTensorInfo *wanted)
{
	NnTensorInfo tensor;
	int			i = 0;

	for (nn_graph_tensor(import->graph, i, &tensor);
		 tensor.offset != wanted->offset;
		 nn_graph_tensor(import->graph, i, &tensor))
		i++;
	return import->source[i];
}

/* Any part of a tensor, so that the server can write weights in pieces. */
void
nn_import_read(const NnImport *import, const NnTensorInfo *tensor, size_t first,
			   size_t n, float *out)
{
	const SafeTensor *source = source_of(import, tensor);

	for (size_t i = 0; i < n; i++)
		out[i] = (float) safetensors_get(source,
										 import->torch ?
										 torch_index(&tensor->shape,
													 first + i) : first + i);
}
