/*
 * fuzz_import.c
 *	  What import_model() does once it has the text of an architecture and the
 *	  bytes of a file: parameters of layers, the graph, tensors found, checked and
 *	  converted, and a row through the network if all of that was accepted.
 *
 * The input is a program of bytes: flags, the shape of a row, layers with their
 * parameters, names and sources, and then the file.  It is either the bytes that
 * are left, or what export_model() would write for the graph, changed by them.
 */
#include <math.h>
#include <stdio.h>

#include "fuzz.h"
#include "kernel/gemm.h"
#include "nn/import.h"

/* What is larger is built, but gets no file, or no row: it would only take time. */
#define MAX_GRAPH (16 * 1024 * 1024)
#define MAX_WEIGHTS 4000
#define MAX_FILE (64 * 1024)
#define MAX_WORK (256 * 1024)

/* ---- reading the input; beyond its end are zeros ---- */

typedef struct Input
{
	const uint8_t *data;
	size_t		size;
} Input;

static int
take(Input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

/* Numbers that make sense, those at the edges, and any at all */
static double
take_number(Input *input)
{
	static const double edges[] = {0, 1, -1, 0.5, 64, 65, 512, 1024, 65536, 65537, 134217728, 2147483647,
	-2147483648.0, 9e18, 1e300, 1e-300, 1e-30, 0.999};
	int			kind = take(input);
	float		any;
	uint8_t		bytes[sizeof(float)];

	if (kind < 200)
		return kind % 10;
	if (kind < 250)
		return edges[kind % (sizeof(edges) / sizeof(edges[0]))];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t) take(input);
	memcpy(&any, bytes, sizeof(any));
	return any;
}

/* One of few names, so that some are used twice and found */
static const char *
take_name(Input *input)
{
	static const char *const names[] = {"a", "b", "c", NN_INPUT_NAME, "dense", "dense_1", "conv2d", "",
	"a/b", "name_of_sixty_three_bytes_______________________________________"};

	return names[take(input) % (sizeof(names) / sizeof(names[0]))];
}

/* ---- architectures ---- */

static void
set_param(Params *params, const ParamSpec *spec, Input *input)
{
	int			kind = take(input) % 6;
	double		list[2 * PARAM_LIST_MAX];
	int			n = take(input) % (PARAM_LIST_MAX + 2);
	Status		status;

	status_clear(&status);
	for (int i = 0; i < n; i++)
		list[i] = take_number(input);
	switch (spec->type == PARAM_CHOICE && kind > 1 ? 4 : kind)
	{
		case 0:
			params_set_null(params, spec->name, &status);
			break;
		case 1:
			params_set_boolean(params, spec->name, take(input) % 2, &status);
			break;
		case 2:
			params_set_list(params, spec->name, list, n, &status);
			break;
		case 3:
			params_set_pair(params, spec->name, take_number(input),
							take_number(input), &status);
			break;
		case 4:
			for (n = 0; spec->choices != NULL && spec->choices[n] != NULL;)
				n++;
			params_set_text(params, spec->name,
							n == 0 ? "x" : spec->choices[take(input) % n],
							&status);
			break;
		default:
			params_set_number(params, spec->name, take_number(input), &status);
			break;
	}
	MUST(status.code == STATUS_SUCCESS || status.message[0] != '\0');
}

/* Required parameters are given, others sometimes. */
static bool
take_layer(NnLayerSpec *layer, Input *input)
{
	int			types = 0;
	int			flags;
	const ParamSpec *specs;
	Status		status;

	status_clear(&status);
	while (nn_layer_type_at(types) != NULL)
		types++;
	layer->type = nn_layer_type_at(take(input) % types);
	specs = nn_layer_description(layer->type)->params;
	params_init(&layer->params, "layer", specs);
	flags = take(input);
	if (flags & 1)
		strcpy(layer->name, take_name(input));
	if (flags & 2)
	{
		layer->nsources = take(input) % 4;
		for (int i = 0; i < layer->nsources; i++)
			layer->sources[i] = take_name(input);
	}
	for (int i = 0; specs[i].name != NULL; i++)
	{
		if (specs[i].required && !(flags & 4) &&
			specs[i].type != PARAM_CHOICE && specs[i].type != PARAM_LIST)
			params_set_number(&layer->params, specs[i].name,
							  1 + take(input) % 5, &status);
		else if (specs[i].required || (flags & 8))
			set_param(&layer->params, &specs[i], input);
	}
	return params_check(&layer->params, &status);
}

static NnGraph *
take_graph(Arena *arena, Input *input)
{
	NnSpec		spec = {.input.rank = 1 + take(input) % NN_MAX_RANK};
	NnGraph    *graph = NULL;
	bool		sound = true;
	Status		status;

	status_clear(&status);
	for (int i = 0; i < spec.input.rank; i++)
	{
		double		side = take_number(input);

		spec.input.dim[i] = side >= -1 && side <= 2147483647 ? (int) side : -1;
	}
	spec.nlayers = 1 + take(input) % 8;
	spec.layers = calloc(spec.nlayers, sizeof(NnLayerSpec));
	for (int i = 0; i < spec.nlayers; i++)
		sound = take_layer(&spec.layers[i], input) && sound;
	if (sound)
	{
		graph = nn_graph_create(arena, &spec, &status);
		MUST(graph != NULL ||
			 (status.code != STATUS_SUCCESS && status.message[0] != '\0'));
	}
	free(spec.layers);
	return graph;
}

/* ---- files ---- */

/* Where a header goes, to its end and no further */
typedef struct Writer
{
	char	   *out;
	size_t		used;
} Writer;

static void
write_text(Writer *writer, const char *text)
{
	size_t		size = strlen(text);

	MUST(writer->used + size < MAX_FILE / 2);
	memcpy(writer->out + writer->used, text, size);
	writer->used += size;
}

static void
write_tensor(Writer *writer, const NnTensorInfo *tensor, bool first)
{
	char		text[400];

	snprintf(text, sizeof(text), "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[",
			 first ? "" : ",", tensor->name);
	write_text(writer, text);
	for (int i = 0; i < tensor->shape.rank; i++)
	{
		snprintf(text, sizeof(text), "%s%d", i > 0 ? "," : "",
				 tensor->shape.dim[i]);
		write_text(writer, text);
	}
	snprintf(text, sizeof(text), "],\"data_offsets\":[%zu,%zu]}",
			 tensor->offset * sizeof(float),
			 (tensor->offset + tensor->count) * sizeof(float));
	write_text(writer, text);
}

/* As export_model() writes it; returns its size. */
static size_t
write_file(uint8_t *file, const NnGraph *graph)
{
	Writer		writer = {(char *) file + 8, 0};
	float	   *weights;
	size_t		count = nn_graph_weights(graph);

	write_text(&writer, "{");
	for (int i = 0; i < nn_graph_tensors(graph); i++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(graph, i, &tensor);
		write_tensor(&writer, &tensor, i == 0);
	}
	write_text(&writer, "}");
	for (int i = 0; i < 8; i++)
		file[i] = (uint8_t) ((uint64_t) writer.used >> 8 * i);
	weights = malloc(count * sizeof(float) + 1);
	for (size_t i = 0; i < count; i++)
		weights[i] = (float) (i % 7) - 3;
	memcpy(file + 8 + writer.used, weights, count * sizeof(float));
	free(weights);
	return 8 + writer.used + count * sizeof(float);
}

/* Bytes of the file changed, by what is left of the input; returns its size. */
static size_t
change_file(uint8_t *file, size_t size, Input *input)
{
	while (input->size >= 4 && size > 0)
	{
		int			how = take(input);
		size_t		at = (size_t) (take(input) | take(input) << 8);
		int			value = take(input);

		if (how == 255)
			size = size * value / 256;
		else
			file[at % size] = (uint8_t) (how & 1 ? value :
										 file[at % size] + value);
	}
	return size;
}

/* ---- the network ---- */

/* A row of ones through weights that were accepted; they need not be finite. */
static void
run(const NnGraph *graph, const real *weights)
{
	size_t		needed = nn_infer_memory(graph, 1, 1);
	Arena	   *arena;
	NnInfer    *infer;
	float	   *row;
	float	   *out;
	const void *rows[1];
	Status		status;

	status_clear(&status);
	if (needed > MAX_WORK || nn_row_size(graph, NN_FLOAT32) > MAX_WORK ||
		!gemm_load(&status))
		return;
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	infer = nn_infer_create(arena, graph, weights, 1, NULL, &status);
	MUST(infer != NULL);
	row = malloc(nn_row_size(graph, NN_FLOAT32));
	out = malloc(sizeof(float) * nn_graph_outputs(graph));
	for (size_t i = 0; i < nn_graph_inputs(graph); i++)
		row[i] = 1;
	rows[0] = row;
	nn_infer_run(infer, NN_FLOAT32, rows, 1, out);
	free(row);
	free(out);
	arena_destroy(arena);
}

static void
import(const NnGraph *graph, NnLayout layout, const uint8_t *bytes, size_t size)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	real	   *weights = malloc(sizeof(real) * nn_graph_weights(graph) + 1);
	SafeTensors file;
	NnImport	import;
	Status		status;

	status_clear(&status);
	if (safetensors_open(bytes, size, arena, &file, &status) &&
		nn_import_begin(&import, &file, graph, layout, arena, &status))
	{
		for (int i = 0; i < nn_graph_tensors(graph); i++)
		{
			NnTensorInfo tensor;

			nn_graph_tensor(graph, i, &tensor);
			nn_import_read(&import, &tensor, 0, tensor.count,
						   weights + tensor.offset);
		}
		run(graph, weights);
	}
	else
		MUST(status.code != STATUS_SUCCESS && status.message[0] != '\0');
	free(weights);
	arena_destroy(arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input		input = {data, size};
	int			flags = take(&input);
	Arena	   *arena = arena_create(&arena_malloc_source, MAX_GRAPH);
	NnGraph    *graph = take_graph(arena, &input);
	uint8_t    *file;

	if (graph != NULL && nn_graph_weights(graph) <= MAX_WEIGHTS)
	{
		if (flags & 1)
			import(graph, (NnLayout) (flags >> 1 & 3), input.data, input.size);
		else
		{
			file = malloc(MAX_FILE);
			size = change_file(file, write_file(file, graph), &input);
			import(graph, (NnLayout) (flags >> 1 & 3), file, size);
			free(file);
		}
	}
	arena_destroy(arena);
	return 0;
}
