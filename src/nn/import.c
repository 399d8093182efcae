/*
 * import.c
 *	  Weights of a graph out of a file of tensors that somebody else wrote.
 *
 * Tensors are found by name, ours or those of the layout, else by their order.
 * Every shape must be the graph's, in Keras' layout or, transposed, in
 * PyTorch's: dense kernels [units][inputs], convolutions
 * [out][in][height][width], depthwise ones [C m][1][height][width].  Tables of
 * embeddings are never transposed.  Dimensions of 1 do not count: the numbers
 * lie alike.
 */
#include "nn/import.h"

#include <stdio.h>
#include <string.h>

#include "nn/import_names.h"
#include "nn/import_positions.h"
#include "nn/layer.h"

#define SHAPE_TEXT_SIZE 200		/* of SAFETENSORS_MAX_RANK numbers */

/* Seed of a head's first weights: a file gives the same model each time. */
#define HEAD_SEED 0

bool
nn_layout(const char *name, NnLayout *layout)
{
	static const char *const names[] = {
		[NN_LAYOUT_KERAS] = "keras",
		[NN_LAYOUT_TORCH] = "torch",
		[NN_LAYOUT_TORCHVISION] = "torchvision",
		[NN_LAYOUT_TIMM] = "timm"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		if (strcmp(names[i], name) == 0)
		{
			*layout = (NnLayout) i;
			return true;
		}
	}
	return false;
}

/* ---- shapes ---- */

/*
 * The shape as PyTorch sees it: a depthwise kernel [kh][kw][C][m] is one of a
 * convolution of one channel to C m, in which the numbers lie alike.
 */
static NnShape
torch_shape(const NnTensorInfo *tensor)
{
	NnShape		shape = tensor->shape;

	if (strcmp(nn_import_own_name(tensor), "depthwise_kernel") == 0)
	{
		shape.dim[3] *= shape.dim[2];
		shape.dim[2] = 1;
	}
	return shape;
}

/* Does the tensor lie in another order in PyTorch? */
static bool
is_transposed(const NnTensorInfo *tensor, bool torch)
{
	return torch && (tensor->shape.rank == 2 || tensor->shape.rank == 4) &&
		strcmp(nn_import_own_name(tensor), "embeddings") != 0;
}

/* Index in PyTorch's layout (units x inputs, OIHW) of element i in Keras' */
static size_t
torch_index(const NnTensorInfo *tensor, size_t i)
{
	NnShape		shape = torch_shape(tensor);
	size_t		out;
	size_t		in;
	size_t		x;

	if (!is_transposed(tensor, true))
		return i;
	if (shape.rank == 2)
		return i % shape.dim[1] * shape.dim[0] + i / shape.dim[1];
	out = i % shape.dim[3];
	in = i / shape.dim[3] % shape.dim[2];
	x = i / shape.dim[3] / shape.dim[2];	/* row and column of the kernel */
	return (out * shape.dim[2] + in) * shape.dim[0] * shape.dim[1] + x;
}

/*
 * The shape that a tensor has in the file, or that of the three that it is a
 * third of, which lie one behind the other; returns the rank.
 */
static int
file_shape(const NnTensorInfo *tensor, bool torch, bool third, uint64_t *dim)
{
	static const int plain[NN_MAX_RANK] = {0, 1, 2, 3};
	static const int transposed[][NN_MAX_RANK] = {
		[2] = {1, 0},[4] = {3, 2, 0, 1}
	};
	NnShape		shape = torch ? torch_shape(tensor) : tensor->shape;
	const int  *order = is_transposed(tensor, torch) ?
	transposed[shape.rank] : plain;

	for (int i = 0; i < shape.rank; i++)
		dim[i] = (uint64_t) shape.dim[order[i]];
	if (third)
		dim[0] *= 3;
	return shape.rank;
}

/* The next dimension from *i on that is not 1; 1 if there is none */
static uint64_t
next_dim(const uint64_t *dim, int rank, int *i)
{
	while (*i < rank && dim[*i] == 1)
		(*i)++;
	return *i < rank ? dim[(*i)++] : 1;
}

/* Are these the source's dimensions, those of 1 left out? */
static bool
dims_fit(const SafeTensor *source, const uint64_t *dim, int rank)
{
	uint64_t	wanted;
	int			i = 0;
	int			j = 0;

	do
	{
		wanted = next_dim(dim, rank, &i);
		if (wanted != next_dim(source->dim, source->rank, &j))
			return false;
	} while (wanted != 1);
	return true;
}

static bool
tensor_fits(const SafeTensor *source, const NnTensorInfo *tensor, bool torch,
			bool third)
{
	uint64_t	dim[NN_MAX_RANK];
	int			rank = file_shape(tensor, torch, third, dim);

	return dims_fit(source, dim, rank);
}

/*
 * Is it Keras' tensor of attention, in which the numbers of all heads, H W, are
 * two dimensions?  Kernels are D x H x W, the output's H x W x D.
 */
static bool
heads_fit(const NnGraph *graph, const SafeTensor *source,
		  const NnTensorInfo *tensor)
{
	int			heads = nn_attention_heads(&graph->layers[tensor->layer]);
	bool		output = strcmp(nn_import_own_name(tensor), "output_kernel") == 0;
	uint64_t	dim[NN_MAX_RANK + 1];
	int			rank = 0;

	for (int i = 0; i < tensor->shape.rank; i++)
	{
		bool		split = heads > 0 &&
		i == (output ? 0 : tensor->shape.rank - 1);

		if (split)
			dim[rank++] = (uint64_t) heads;
		dim[rank++] = (uint64_t) (tensor->shape.dim[i] / (split ? heads : 1));
	}
	return dims_fit(source, dim, rank);
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
fail_shape(const SafeTensor *source, const NnTensorInfo *tensor, bool torch,
		   bool third, Status *status)
{
	char		there[SHAPE_TEXT_SIZE];
	char		here[SHAPE_TEXT_SIZE];
	uint64_t	dim[NN_MAX_RANK];
	int			rank = file_shape(tensor, torch, third, dim);

	status_fail(status, STATUS_SHAPE_MISMATCH,
				"tensor \"%s\" of the file does not fit \"%s\"",
				source->name, tensor->name);
	status_detail(status,
				  "Its shape is %s, that of the architecture in this layout %s.",
				  write_shape(there, source->rank, source->dim),
				  write_shape(here, rank, dim));
	return status_hint(status, "Valid layouts are %s.", NN_LAYOUTS);
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

/* ---- checks ---- */

/* Source number i, if there is one: its type, and its shape unless it is resized */
static bool
check_source(NnImport *import, int i, Arena *arena, Status *status)
{
	const SafeTensor *source = import->source[i];
	bool		torch = import->layout != NN_LAYOUT_KERAS;
	bool		third = import->third[i] >= 0;
	NnTensorInfo tensor;

	if (source == NULL)
		return true;
	nn_graph_tensor(import->graph, i, &tensor);
	if (source->type == SAFETENSORS_OTHER)
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "tensor \"%s\" of the file is not of type F64, F32, F16 or BF16", source->name);
	if (tensor_fits(source, &tensor, torch, third) ||
		(!torch && heads_fit(import->graph, source, &tensor)))
		return true;
	if (nn_positions_fit(import->graph, &tensor, source, &import->positions[i]))
		return nn_positions_resize(&import->positions[i], &tensor, source,
								   arena, status);
	return fail_shape(source, &tensor, torch, third, status);
}

static bool
check_sources(NnImport *import, Arena *arena, Status *status)
{
	for (int i = 0; i < nn_graph_tensors(import->graph); i++)
	{
		if (!check_source(import, i, arena, status))
			return false;
	}
	return true;
}

/*
 * As many tensors as the graph has, no more: what is left over would be a
 * model other than the one described.
 */
static bool
check_whole(const NnImport *import, const SafeTensors *file, Status *status)
{
	int			n = nn_graph_tensors(import->graph);

	if (file->n != n)
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "file has %d tensors and the architecture %d",
						   file->n, n);
	for (int i = 0; i < n; i++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(import->graph, i, &tensor);
		if (import->source[i] == NULL)
			return status_fail(status, STATUS_SHAPE_MISMATCH,
							   "file has no tensor \"%s\"", tensor.name);
	}
	return true;
}

/* ---- files of part of the graph ---- */

static bool
is_given_tensor(const NnImport *import, int i)
{
	NnTensorInfo tensor;

	nn_graph_tensor(import->graph, i, &tensor);
	return tensor.given;
}

/* One behind the last tensor that the file has; given ones do not count */
static int
head_begin(const NnImport *import)
{
	int			i = nn_graph_tensors(import->graph);

	while (i > 0 && (import->source[i - 1] == NULL || is_given_tensor(import, i - 1)))
		i--;
	return i;
}

bool
nn_import_is_fresh(const NnImport *import, int i)
{
	return import->source[i] == NULL && !is_given_tensor(import, i);
}

/* Names as far as they fit */
static void
list_name(char *list, size_t *used, const char *name)
{
	if (*used < STATUS_TEXT_SIZE)
		*used += (size_t) snprintf(list + *used, STATUS_TEXT_SIZE - *used,
								   "%s\"%s\"", *used > 0 ? ", " : "", name);
}

static bool
fail_missing(const NnImport *import, int missing, const char *list,
			 Status *status)
{
	char		unused[STATUS_TEXT_SIZE] = "none";
	size_t		used = 0;

	for (int i = 0; i < import->nsurplus; i++)
		list_name(unused, &used, import->surplus[i]->name);
	status_fail(status, STATUS_SHAPE_MISMATCH,
				"file lacks %d of the architecture's %d tensors", missing,
				nn_graph_tensors(import->graph));
	/* half of the text for each, at most */
	status_detail(status, "Missing: %.200s%s; not used: %.200s%s.", list,
				  strlen(list) > 200 ? "..." : "", unused,
				  strlen(unused) > 200 ? "..." : "");
	return status_hint(status,
					   "Tensors are found by names of layers; similarity.architecture() with the file's layout has them.");
}

/* Tensors before the head must be there; a file of no layer has no head. */
static bool
check_backbone(const NnImport *import, Status *status)
{
	int			head = head_begin(import) > 0 ? head_begin(import) :
	nn_graph_tensors(import->graph);
	int			missing = 0;
	char		list[STATUS_TEXT_SIZE] = "";
	size_t		used = 0;

	for (int i = 0; i < head; i++)
	{
		NnTensorInfo tensor;

		if (!nn_import_is_fresh(import, i))
			continue;
		nn_graph_tensor(import->graph, i, &tensor);
		list_name(list, &used, tensor.name);
		missing++;
	}
	return missing == 0 || fail_missing(import, missing, list, status);
}

/*
 * First weights of layers that have no source.  The room is that of all
 * weights, and what is not written stays untouched.
 */
static bool
make_fresh(NnImport *import, Arena *arena, Status *status)
{
	int			t = 0;

	import->fresh = arena_alloc_array(arena, nn_graph_weights(import->graph),
									  sizeof(real));
	if (import->fresh == NULL)
		return status_out_of_memory(status, NULL);
	for (int i = 0; i < import->graph->nlayers; i++)
	{
		bool		missing = false;

		for (int end = t + import->graph->layers[i].ntensors; t < end; t++)
			missing |= import->source[t] == NULL;
		if (missing)
			nn_init_layer(import->graph, i, HEAD_SEED, import->fresh);
	}
	return true;
}

/* What of the file is no source */
static bool
list_surplus(NnImport *import, const SafeTensors *file, Arena *arena,
			 Status *status)
{
	bool	   *used = arena_alloc_zero(arena, (size_t) file->n + 1);

	import->surplus = arena_alloc_array(arena, (size_t) file->n + 1,
										sizeof(SafeTensor *));
	if (import->surplus == NULL || used == NULL)
		return status_out_of_memory(status, NULL);
	for (int i = 0; i < nn_graph_tensors(import->graph); i++)
	{
		if (import->source[i] != NULL)
			used[import->source[i] - file->tensors] = true;
	}
	for (int i = 0; i < file->n; i++)
	{
		if (!used[i])
			import->surplus[import->nsurplus++] = &file->tensors[i];
	}
	return true;
}

/*
 * Numbers that the architecture gives are not the file's: Keras' files have
 * them in another form.
 */
static bool
begin_part(NnImport *import, const SafeTensors *file, Arena *arena,
		   Status *status)
{
	for (int i = 0; i < nn_graph_tensors(import->graph); i++)
	{
		if (is_given_tensor(import, i))
			import->source[i] = NULL;
	}
	return list_surplus(import, file, arena, status) &&
		check_backbone(import, status) && check_sources(import, arena, status) &&
		make_fresh(import, arena, status);
}

/* ---- files as a whole ---- */

static bool
is_export(const SafeTensors *file)
{
	const char *format = safetensors_metadata(file, "format");

	return format != NULL && strcmp(format, "similarity") == 0;
}

static bool
create_import(NnImport *import, const NnGraph *graph, NnLayout layout,
			  Arena *arena, Status *status)
{
	size_t		n = (size_t) nn_graph_tensors(graph) + 1;

	*import = (NnImport)
	{
		.graph = graph,.layout = layout,.prefix = "",
			.source = arena_alloc_array(arena, n, sizeof(SafeTensor *)),
			.third = arena_alloc_array(arena, n, sizeof(int)),
			.positions = arena_alloc_zero(arena, n * sizeof(NnPositions))
	};
	return (import->source != NULL && import->third != NULL &&
			import->positions != NULL) || status_out_of_memory(status, NULL);
}

/* Tensors by their order in the file, all of them */
static void
take_in_order(NnImport *import, SafeTensors *file)
{
	int			n = nn_graph_tensors(import->graph);

	safetensors_sort(file);
	for (int i = 0; i < n; i++)
	{
		import->source[i] = i < file->n ? &file->tensors[i] : NULL;
		import->third[i] = -1;
	}
}

bool
nn_import_begin(NnImport *import, SafeTensors *file, const NnGraph *graph,
				NnLayout layout, Arena *arena, Status *status)
{
	int			found;

	if (!create_import(import, graph, layout, arena, status))
		return false;
	if (!is_export(file))
		drop_counters(file);
	if (!nn_import_names(import, file, &found, arena, status))
		return false;
	if (!is_export(file) && (found > 0 || layout == NN_LAYOUT_TORCHVISION ||
							 layout == NN_LAYOUT_TIMM))
		return begin_part(import, file, arena, status);
	if (!is_export(file))
		take_in_order(import, file);
	return check_whole(import, file, status) &&
		check_sources(import, arena, status);
}

/* Tensors lie one behind the other. */
static int
tensor_number(const NnImport *import, const NnTensorInfo *wanted)
{
	NnTensorInfo tensor;
	int			i = 0;

	for (nn_graph_tensor(import->graph, i, &tensor);
		 tensor.offset != wanted->offset;
		 nn_graph_tensor(import->graph, i, &tensor))
		i++;
	return i;
}

/* Any part of a tensor, so that the server can write weights in pieces. */
void
nn_import_read(const NnImport *import, const NnTensorInfo *tensor, size_t first,
			   size_t n, float *out)
{
	int			number = tensor_number(import, tensor);
	const SafeTensor *source = import->source[number];
	size_t		skipped = import->third[number] < 0 ? 0 :
	(size_t) import->third[number] * tensor->count;

	const real *resized = import->positions[number].numbers;

	for (size_t i = 0; i < n; i++)
	{
		if (resized != NULL)
			out[i] = (float) resized[first + i];
		else if (source == NULL)
			out[i] = (float) import->fresh[tensor->offset + first + i];
		else if (import->layout == NN_LAYOUT_KERAS)
			out[i] = (float) safetensors_get(source, first + i);
		else
			out[i] = (float) safetensors_get(source, skipped +
											 torch_index(tensor, first + i));
	}
}
