/*
 * test_graph.c
 *	  Specifications: shapes, names and places of weights, and the message of
 *	  everything that does not fit.
 */
#include <limits.h>

#include "nn/layer.h"
#include "nn_model.h"

static Arena *arena;
static Status status;

#define LAYERS(...) ((const char *const[]) {__VA_ARGS__, NULL})

static void
check_shape(const NnGraph *graph, int i, const char *name, const char *shape, size_t parameters)
{
	NnLayerInfo info;
	char		text[64];

	nn_graph_layer(graph, i, &info);
	CHECK_TEXT(info.name, name);
	CHECK_TEXT(nn_shape_text(&info.output, text, sizeof(text)), shape);
	CHECK(info.parameters == parameters);
}

static void
test_hello_world(void)
{
	static const char *const layers[] = {
		"rescaling scale=0.00392156862745098", "conv2d filters=64 kernel_size=3 activation=relu",
		"flatten", "dense units=64 activation=relu", "metric_embedding units=64", NULL
	};
	NnGraph    *graph = make_graph(arena, SHAPE(28, 28, 1), layers, &status);
	NnTensorInfo tensor;

	CHECK(graph != NULL && nn_graph_layers(graph) == 5);
	check_shape(graph, 0, "rescaling", "28x28x1", 0);
	check_shape(graph, 1, "conv2d", "26x26x64", 640);
	check_shape(graph, 2, "flatten", "43264", 0);
	check_shape(graph, 3, "dense", "64", 2768960);
	check_shape(graph, 4, "metric_embedding", "64", 4160);
	CHECK(nn_graph_weights(graph) == 2773760);
	CHECK(nn_graph_inputs(graph) == 784 && nn_graph_outputs(graph) == 64);
	CHECK(nn_row_size(graph, NN_UINT8) == 784 && nn_row_size(graph, NN_FLOAT32) == 4 * 784);

	CHECK(nn_graph_tensors(graph) == 6);
	nn_graph_tensor(graph, 0, &tensor);
	CHECK_TEXT(tensor.name, "conv2d/kernel");
	CHECK(tensor.shape.rank == 4 && tensor.shape.dim[3] == 64 && tensor.offset == 0 && tensor.count == 576);
	nn_graph_tensor(graph, 3, &tensor);
	CHECK_TEXT(tensor.name, "dense/bias");
	CHECK(tensor.offset == 640 + 43264 * 64 && tensor.count == 64 && tensor.trainable);
}

static void
test_windows(void)
{
	static const struct
	{
		const char *layer;
		const char *shape;
	}			cases[] = {
		{"max_pooling2d", "3x4x2"}, {"max_pooling2d pool_size=3", "2x3x2"},
		{"max_pooling2d pool_size=3 strides=1", "5x7x2"}, {"max_pooling2d padding=same", "4x5x2"},
		{"max_pooling2d pool_size=7,9", "1x1x2"}, {"max_pooling2d pool_size=64 strides=64 padding=same", "1x1x2"},
		{"conv2d filters=5 kernel_size=3", "5x7x5"}, {"conv2d filters=5 kernel_size=3 padding=same", "7x9x5"},
		{"conv2d filters=5 kernel_size=3,2 strides=2,3", "3x3x5"},
		{"conv2d filters=5 kernel_size=2 strides=2 padding=same", "4x5x5"}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		NnGraph    *graph = make_graph(arena, SHAPE(7, 9, 2),
									   LAYERS(cases[i].layer, "flatten", "dense units=1"), &status);
		NnLayerInfo info;
		char		text[64];

		CHECK(graph != NULL);
		if (graph == NULL)
			continue;
		nn_graph_layer(graph, 0, &info);
		CHECK_TEXT(nn_shape_text(&info.output, text, sizeof(text)), cases[i].shape);
	}
}

/* Keras' names, and the user's own */
static void
test_names(void)
{
	NnLayerSpec specs[5];
	NnSpec		spec = {SHAPE(4), 5, specs};
	NnGraph    *graph;
	NnLayerInfo info;

	for (int i = 0; i < 5; i++)
		CHECK(parse_layer(&specs[i], "dense units=2", &status));
	strcpy(specs[2].name, "middle");
	graph = nn_graph_create(arena, &spec, &status);
	CHECK(graph != NULL);
	nn_graph_layer(graph, 0, &info);
	CHECK_TEXT(info.name, "dense");
	nn_graph_layer(graph, 1, &info);
	CHECK_TEXT(info.name, "dense_1");
	nn_graph_layer(graph, 2, &info);
	CHECK_TEXT(info.name, "middle");
	nn_graph_layer(graph, 4, &info);
	CHECK_TEXT(info.name, "dense_4");

	strcpy(specs[2].name, "dense_1");
	CHECK(nn_graph_create(arena, &spec, &status) == NULL);
	CHECK(status.code == STATUS_INVALID_VALUE);
	CHECK_TEXT(status.message, "layer name \"dense_1\" is used twice");

	/* the longest name there can be */
	memset(specs[2].name, 'x', NN_NAME_SIZE - 1);
	CHECK(nn_graph_create(arena, &spec, &status) != NULL);
}

static void
expect_failure(NnShape input, const char *const *layers, StatusCode code, const char *message,
			   const char *hint)
{
	CHECK(make_graph(arena, input, layers, &status) == NULL);
	CHECK(status.code == code);
	CHECK_TEXT(status.message, message);
	CHECK_TEXT(status.hint, hint);
}

static void
test_shape_errors(void)
{
	expect_failure(SHAPE(28, 28), LAYERS("conv2d filters=2 kernel_size=3"), STATUS_SHAPE_MISMATCH,
				   "layer \"conv2d\" needs images of height x width x channels, not 28x28",
				   "A grey image of 28 by 28 has the shape 28x28x1.");
	expect_failure(SHAPE(2, 9, 1), LAYERS("conv2d filters=2 kernel_size=3"), STATUS_SHAPE_MISMATCH,
				   "window 3x3 of layer \"conv2d\" is larger than its input 2x9x1",
				   "Use a smaller window or \"padding\": \"same\".");
	expect_failure(SHAPE(9, 9, 1), LAYERS("dense units=2"), STATUS_SHAPE_MISMATCH,
				   "layer \"dense\" needs rows of numbers, not 9x9x1", "Put {\"flatten\": {}} before it.");
	expect_failure(SHAPE(9, 9, 1), LAYERS("conv2d filters=2 kernel_size=3"), STATUS_SHAPE_MISMATCH,
				   "the last layer must give embeddings of at most 16384 dimensions, not 7x7x2",
				   "End the model with {\"metric_embedding\": {\"units\": 64}}.");
	expect_failure(SHAPE(9), LAYERS("dense units=16385"), STATUS_SHAPE_MISMATCH,
				   "the last layer must give embeddings of at most 16384 dimensions, not 16385",
				   "End the model with {\"metric_embedding\": {\"units\": 64}}.");
	expect_failure(SHAPE(9), LAYERS("rescaling scale=2"), STATUS_INVALID_VALUE, "the model has nothing to train", "");
}

static void
test_size_errors(void)
{
	expect_failure(SHAPE(0), LAYERS("dense units=2"), STATUS_INVALID_VALUE, "input shape must be positive", "");
	expect_failure(SHAPE(-3), LAYERS("dense units=2"), STATUS_INVALID_VALUE, "input shape must be positive", "");
	expect_failure(SHAPE(65536, 65536, 3), LAYERS("flatten"), STATUS_TOO_LARGE,
				   "input has more than 134217728 numbers a row", "");
	expect_failure(SHAPE(INT_MAX, INT_MAX, INT_MAX, INT_MAX), LAYERS("flatten"), STATUS_TOO_LARGE,
				   "input has more than 134217728 numbers a row", "");
	expect_failure(SHAPE(100000000), LAYERS("dense units=20000"), STATUS_TOO_LARGE,
				   "kernel of layer \"dense\" is too large", "");
	expect_failure(SHAPE(1, 1, 100000000), LAYERS("conv2d filters=65536 kernel_size=64 padding=same"),
				   STATUS_TOO_LARGE, "kernel of layer \"conv2d\" is too large", "");
	expect_failure(SHAPE(2000, 2000, 1), LAYERS("conv2d filters=65536 kernel_size=1", "flatten"),
				   STATUS_TOO_LARGE, "output of layer \"conv2d\" has more than 134217728 numbers a row", "");
	expect_failure(SHAPE(65536), LAYERS("dense units=16384", "dense units=16384"), STATUS_TOO_LARGE,
				   "model has more than 1073741824 weights at layer \"dense\"", "");
}

static void
test_spec_errors(void)
{
	NnSpec		spec = {SHAPE(4), 0, NULL};
	char		long_name[500];

	CHECK(nn_graph_create(arena, &spec, &status) == NULL);
	CHECK_TEXT(status.message, "a model must have 1 to 512 layers");
	spec.input.rank = 5;
	CHECK(nn_graph_create(arena, &spec, &status) == NULL);
	CHECK_TEXT(status.message, "input shape must have 1 to 4 dimensions");
	CHECK(nn_layer_type("Conv2D", &status) == NULL);
	CHECK(status.code == STATUS_UNKNOWN_NAME);
	CHECK_TEXT(status.message, "there is no layer type \"Conv2D\"");
	CHECK(strstr(status.hint, "\"conv2d\", \"dense\", \"dropout\"") != NULL);
	expect_failure(SHAPE(4), LAYERS("dense"), STATUS_INVALID_VALUE, "dense needs parameter \"units\"",
				   "Accepted parameters: \"units\", \"activation\", \"use_bias\".");
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	CHECK(nn_layer_type(long_name, &status) == NULL);
}

static void
test_tables(void)
{
	const char *previous = "";

	for (int i = 0; nn_layer_type_at(i) != NULL; i++)
	{
		const NnDescription *description = nn_layer_description(nn_layer_type_at(i));
		int			n = 0;

		CHECK(strcmp(previous, description->name) < 0);
		previous = description->name;
		CHECK(nn_layer_type(description->name, &status) == nn_layer_type_at(i));
		CHECK(description->comment != NULL);
		for (const ParamSpec *spec = description->params; spec->name != NULL; spec++, n++)
			CHECK(spec->comment != NULL && (spec->type == PARAM_CHOICE || spec->maximum > spec->minimum));
		CHECK(n <= PARAMS_MAX);
	}
}

/* Keras' glorot_uniform and zero biases; a seed names the weights. */
static void
test_first_weights(void)
{
	static real first[4000];
	static real second[4000];
	NnGraph    *graph = make_graph(arena, SHAPE(8, 8, 2),
								   LAYERS("conv2d filters=8 kernel_size=3", "flatten", "dense units=10"), &status);
	double		conv_limit = sqrt(6.0 / (9 * 2 + 9 * 8));
	double		dense_limit = sqrt(6.0 / (288 + 10));
	double		largest = 0;

	CHECK(graph != NULL && nn_graph_weights(graph) == 144 + 8 + 2880 + 10);
	nn_init_weights(graph, 5, first);
	nn_init_weights(graph, 5, second);
	CHECK(memcmp(first, second, nn_graph_weights(graph) * sizeof(real)) == 0);
	for (int i = 0; i < 144; i++)
		CHECK(fabs((double) first[i]) <= conv_limit && first[i] != 0);
	for (int i = 144; i < 152; i++)
		CHECK(first[i] == 0);
	for (int i = 152; i < 152 + 2880; i++)
	{
		CHECK(fabs((double) first[i]) <= dense_limit);
		largest = fmax(largest, fabs((double) first[i]));
	}
	CHECK(largest > 0.99 * dense_limit);
	nn_init_weights(graph, 6, second);
	CHECK(memcmp(first, second, 100 * sizeof(real)) != 0);
}

static void
test_allocation_failures(void)
{
	for (size_t n = 1;; n++)
	{
		NnGraph    *graph;

		arena_reset(arena);
		arena_fail_at(arena, n);
		graph = make_graph(arena, SHAPE(4), LAYERS("dense units=2", "dense units=3"), &status);
		arena_fail_at(arena, 0);
		if (graph != NULL)
		{
			CHECK(n == 3);
			break;
		}
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
	}
}

int
main(void)
{
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_hello_world);
	RUN(test_windows);
	RUN(test_names);
	RUN(test_shape_errors);
	RUN(test_size_errors);
	RUN(test_spec_errors);
	RUN(test_tables);
	RUN(test_first_weights);
	RUN(test_allocation_failures);
	arena_destroy(arena);
	return unit_done();
}
