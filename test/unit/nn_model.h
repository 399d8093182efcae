/*
 * nn_model.h
 *	  Models, losses and optimizers from text, for the tests of the engine.
 *
 * A layer is written "conv2d filters=4 kernel_size=3,2 padding=same": a type
 * and its parameters; "inputs=a,b" names the layers that it reads.
 */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "nn/nn.h"
#include "unit.h"

static inline bool
set_param(Params *params, const char *key, const char *value, Status *status)
{
	char	   *end;
	double		number = strtod(value, &end);

	if (strcmp(value, "null") == 0)
		return params_set_null(params, key, status);
	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		return params_set_boolean(params, key, value[0] == 't', status);
	if (end == value)
		return params_set_text(params, key, value, status);
	if (params_is_list(params, key))
	{
		double		list[PARAM_LIST_MAX + 1] = {number};
		int			n = 1;

		for (; *end == ',' && n <= PARAM_LIST_MAX; n++)
			list[n] = strtod(end + 1, &end);
		return params_set_list(params, key, list, n, status);
	}
	if (*end == ',')
		return params_set_pair(params, key, number, strtod(end + 1, NULL),
							   status);
	return params_set_number(params, key, number, status);
}

/* "key=value key=value" into params */
static inline bool
parse_params(Params *params, const char *text, Status *status)
{
	char		copy[256];
	char	   *state;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &state); word != NULL;
		 word = strtok_r(NULL, " ", &state))
	{
		char	   *value = strchr(word, '=');

		*value++ = '\0';
		if (!set_param(params, word, value, status))
			return false;
	}
	return true;
}

/* The first word of text; *rest is what follows. */
static inline void
split_name(const char *text, char *name, const char **rest)
{
	size_t		length = strcspn(text, " ");

	memcpy(name, text, length);
	name[length] = '\0';
	*rest = text + length;
}

static inline bool
parse_layer(NnLayerSpec *layer, const char *text, Status *status)
{
	static char words[4096][NN_NAME_SIZE * 2];
	static int	used = 0;
	char		name[NN_NAME_SIZE];
	char		params[256] = "";
	const char *rest;

	memset(layer, 0, sizeof(*layer));
	split_name(text, name, &rest);
	while (*rest != '\0')
	{
		char	   *word = words[used++ % 4096];

		rest += strspn(rest, " ");
		split_name(rest, word, &rest);
		if (strncmp(word, "name=", 5) == 0)
			snprintf(layer->name, NN_NAME_SIZE, "%s", word + 5);
		else if (strncmp(word, "inputs=", 7) == 0)
		{
			for (char *source = strtok(word + 7, ","); source != NULL;
				 source = strtok(NULL, ","))
				layer->sources[layer->nsources++] = source;
		}
		else
			snprintf(params + strlen(params), sizeof(params) - strlen(params),
					 "%s ", word);
	}
	layer->type = nn_layer_type(name, status);
	if (layer->type == NULL)
		return false;
	params_init(&layer->params, nn_layer_description(layer->type)->name,
				nn_layer_description(layer->type)->params);
	return parse_params(&layer->params, params, status);
}

/* layers ends with NULL; NULL and status on failure */
static inline NnGraph *
make_graph(Arena *arena, NnShape input, const char *const *layers,
		   Status *status)
{
	NnLayerSpec specs[128];
	NnSpec		spec = {.input = input,.layers = specs};

	status_clear(status);
	for (; layers[spec.nlayers] != NULL; spec.nlayers++)
	{
		if (!parse_layer(&specs[spec.nlayers], layers[spec.nlayers], status))
			return NULL;
	}
	return nn_graph_create(arena, &spec, status);
}

/* Options of a trainer: "triplet margin=0.2", "adam learning_rate=0.01" */
static inline NnTrainOptions
make_options(const char *loss, const char *optimizer, int max_batch,
			 ThreadPool *pool)
{
	NnTrainOptions options = {.max_batch = max_batch,.classes = 16,.seed = 11,.pool = pool};
	Status		status;
	char		name[NN_NAME_SIZE];
	const char *rest;

	split_name(loss, name, &rest);
	options.loss = nn_loss_type(name, &status);
	params_init(&options.loss_params, name,
				nn_loss_description(options.loss)->params);
	CHECK(parse_params(&options.loss_params, rest, &status));
	split_name(optimizer, name, &rest);
	options.optimizer = nn_optimizer_type(name, &status);
	params_init(&options.optimizer_params, "optimizer",
				nn_optimizer_description(options.optimizer)->params);
	options.loss_params.owner = "loss";
	CHECK(parse_params(&options.optimizer_params, rest, &status));
	return options;
}

/* The same for a method: "byol momentum=1", up to a "+" */
static inline NnTrainOptions
make_method(const char *text, const char *optimizer, int max_batch,
			ThreadPool *pool)
{
	NnTrainOptions options = make_options("triplet", optimizer, max_batch, pool);
	static ParamSpec specs[PARAMS_MAX + 1];
	char		name[NN_NAME_SIZE];
	char		params[256];
	const char *rest;
	Status		status;

	split_name(text, name, &rest);
	snprintf(params, sizeof(params), "%.*s", (int) strcspn(rest, "+"), rest);
	options.method = nn_method_type(name, &status);
	options.loss = nn_method_loss(options.method);
	options.total_steps = 10;
	nn_method_specs(options.method, specs);
	params_init(&options.method_params, "method", specs);
	CHECK(parse_params(&options.method_params, params, &status));
	nn_method_loss_params(options.method, &options.method_params,
						  &options.loss_params);
	return options;
}

#define SHAPE(...) shape_of(sizeof((int[]) {__VA_ARGS__}) / sizeof(int), (int[]) {__VA_ARGS__})

static inline NnShape
shape_of(size_t rank, const int *dims)
{
	NnShape		shape = {(int) rank, {0}};

	memcpy(shape.dim, dims, rank * sizeof(int));
	return shape;
}

#endif							/* NN_MODEL_H */
