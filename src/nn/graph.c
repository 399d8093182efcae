/*
 * graph.c
 *	  From a specification to a checked graph: names, sources, shapes, places
 *	  of the weights.
 *
 * Layers stand in an order in which they can run, each reading layers before
 * it:  one pass over them checks all.  Tensors get their places in the same
 * order, so that the weights of two graphs with equal specifications lie
 * alike: that is what versions of a model, exports and checkpoints rely on.
 */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "nn/layer.h"

/* Streams of random numbers, one for each use */
#define STREAM_INIT 1

/* "conv2d" for the first layer of its type, "conv2d_1" for the next. */
static void
name_layer(NnGraph *graph, int i)
{
	NnLayer    *layer = &graph->layers[i];
	int			earlier = 0;

	if (layer->name[0] != '\0')
		return;
	for (int j = 0; j < i; j++)
		earlier += graph->layers[j].type == layer->type;
	if (earlier == 0)
		snprintf(layer->name, NN_NAME_SIZE, "%s",
				 layer->type->description.name);
	else
		snprintf(layer->name, NN_NAME_SIZE, "%s_%d",
				 layer->type->description.name, earlier);
}

/* Names are how layers are read, and how tensors are called in an export. */
static bool
check_name(const NnGraph *graph, int i, Status *status)
{
	if (strcmp(graph->layers[i].name, NN_INPUT_NAME) == 0)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "layer name \"%s\" is that of the model's input",
						   NN_INPUT_NAME);
	for (int j = 0; j < i; j++)
	{
		if (strcmp(graph->layers[j].name, graph->layers[i].name) == 0)
			return status_fail(status, STATUS_INVALID_VALUE,
							   "layer name \"%s\" is used twice",
							   graph->layers[i].name);
	}
	return true;
}

/* Give the layer's tensors their places, one behind the other without gaps. */
static bool
place_tensors(NnGraph *graph, NnLayer *layer, Status *status)
{
	for (int t = 0; t < layer->ntensors; t++)
	{
		layer->tensors[t].offset = graph->weights;
		graph->weights += layer->tensors[t].count;
		if (graph->weights > NN_MAX_WEIGHTS)
			return status_fail(status, STATUS_TOO_LARGE,
							   "model has more than %zu weights at layer \"%s\"",
							   NN_MAX_WEIGHTS, layer->name);
	}
	return true;
}

/* ---- what a layer reads ---- */

/*
 * NN_INPUT if there is none.  That also stands for the model's input; connect()
 * distinguishes the two by name.
 */
static int
find_layer(const NnGraph *graph, int before, const char *name)
{
	for (int i = 0; i < before; i++)
	{
		if (strcmp(graph->layers[i].name, name) == 0)
			return i;
	}
	return NN_INPUT;
}

/* The hint lists what could have been meant, as far as it fits. */
static bool
fail_source(const NnGraph *graph, int i, const char *name, Status *status)
{
	char		list[STATUS_TEXT_SIZE] = "";
	size_t		used = 0;

	for (int j = 0; j < i && used < sizeof(list); j++)
		used += (size_t) snprintf(list + used, sizeof(list) - used, ", \"%s\"",
								  graph->layers[j].name);
	status_fail(status, STATUS_UNKNOWN_NAME,
				"layer \"%s\" reads \"%s\", which is not a preceding layer",
				graph->layers[i].name, name);
	return status_hint(status, "Valid values are \"%s\"%s.", NN_INPUT_NAME, list);
}

static const NnShape *
source_shape(const NnGraph *graph, int source)
{
	return source == NN_INPUT ? &graph->input : &graph->layers[source].output;
}

/* A layer of one input reads one, a layer that merges two or more. */
static bool
check_source_count(const NnLayer *layer, Status *status)
{
	bool		merges = layer->type->merge != NULL;

	if (merges ? layer->nsources >= 2 : layer->nsources == 1)
		return true;
	status_fail(status, STATUS_INVALID_VALUE,
				"layer \"%s\" reads %d %s, but needs %s", layer->name,
				layer->nsources, layer->nsources == 1 ? "layer" : "layers",
				merges ? "two or more" : "one");
	return merges ?
		status_hint(status, "Name them: {\"%s\": {\"inputs\": [\"first\", \"second\"]}}.",
					layer->type->description.name) :
		status_hint(status, "Join layers by \"add\", \"multiply\" or \"concatenate\".");
}

/*
 * Set sources, shapes and inputs of a layer, and count it as a consumer of
 * them.
 */
static bool
connect(Arena *arena, NnGraph *graph, int i, const NnLayerSpec *spec,
		Status *status)
{
	NnLayer    *layer = &graph->layers[i];
	int			n = spec->nsources > 0 ? spec->nsources : 1;
	int		   *sources = arena_alloc_array(arena, (size_t) n, sizeof(int));
	NnShape    *shapes = arena_alloc_array(arena, (size_t) n, sizeof(NnShape));

	if (sources == NULL || shapes == NULL)
		return status_out_of_memory(status, NULL);
	for (int k = 0; k < n; k++)
	{
		sources[k] = i - 1;
		if (spec->nsources > 0)
			sources[k] = find_layer(graph, i, spec->sources[k]);
		if (spec->nsources > 0 && sources[k] == NN_INPUT &&
			strcmp(spec->sources[k], NN_INPUT_NAME) != 0)
			return fail_source(graph, i, spec->sources[k], status);
		shapes[k] = *source_shape(graph, sources[k]);
		if (sources[k] == NN_INPUT)
			graph->input_consumers++;
		else
			graph->layers[sources[k]].consumers++;
	}
	layer->nsources = n;
	layer->sources = sources;
	layer->shapes = shapes;
	layer->input = shapes[0];
	nn_shape_count(&layer->input, &layer->inputs);
	return check_source_count(layer, status);
}

/* Layers that compute would make other numbers of ids. */
static bool
find_ids(const NnGraph *graph, NnLayer *layer, Status *status)
{
	for (int s = layer->sources[0]; s != NN_INPUT;
		 s = graph->layers[s].sources[0])
	{
		const NnLayer *source = &graph->layers[s];

		if (source->type == &nn_layer_select)
			layer->ids_at += nn_selected_at(source);
		else if (source->type->place != NN_VIEW)
		{
			status_fail(status, STATUS_INVALID_VALUE,
						"layer \"%s\" must read ids of the model's input, not \"%s\"",
						layer->name, source->name);
			return status_hint(status,
							   "Only \"flatten\", \"reshape\" and \"select\" may stand between them.");
		}
	}
	return true;
}

/* State alone is nothing to train. */
static bool
layer_has_weights(const NnLayer *layer)
{
	for (int t = 0; t < layer->ntensors; t++)
	{
		if (!layer->tensors[t].state)
			return true;
	}
	return false;
}

static size_t
layer_weights(const NnLayer *layer)
{
	size_t		weights = 0;

	for (int t = 0; t < layer->ntensors; t++)
		weights += layer->tensors[t].count;
	return weights;
}

/*
 * What follows from the layers' rates.  What is read counts as trained from
 * the first weights on that are not frozen: backward goes no farther down.
 */
static void
mark_trained(NnGraph *graph)
{
	size_t		frozen = 0;

	for (int i = 0; i < graph->nlayers; i++)
	{
		NnLayer    *layer = &graph->layers[i];

		layer->skipped = frozen;
		layer->trained = layer->rate > 0 && layer_has_weights(layer);
		for (int k = 0; k < layer->nsources; k++)
			layer->trained |= layer->sources[k] != NN_INPUT &&
				graph->layers[layer->sources[k]].trained;
		if (layer->rate == 0)
			frozen += layer_weights(layer);
	}
	graph->unfrozen = graph->weights - frozen;
}

/*
 * Parameters are checked before the shape function reads them, sizes after it;
 * nothing is allocated by size before both.
 */
static bool
add_layer(Arena *arena, NnGraph *graph, int i, const NnLayerSpec *spec,
		  Status *status)
{
	NnLayer    *layer = &graph->layers[i];

	layer->type = spec->type;
	layer->number = layer->stream = i;
	layer->rate = spec->frozen ? 0 : 1;
	layer->params = spec->params;
	memcpy(layer->name, spec->name, NN_NAME_SIZE);
	name_layer(graph, i);
	layer->reads_in = layer->reads_out = true;
	if (!check_name(graph, i, status) ||
		!connect(arena, graph, i, spec, status) ||
		!params_check(&layer->params, status) ||
		!layer->type->shape(layer, status) ||
		(layer->type->reads_ids && !find_ids(graph, layer, status)))
		return false;
	if (!nn_shape_count(&layer->output, &layer->outputs) ||
		layer->outputs > NN_MAX_ROW)
		return status_fail(status, STATUS_TOO_LARGE,
						   "output of layer \"%s\" has more than %zu numbers a row",
						   layer->name, NN_MAX_ROW);
	return place_tensors(graph, layer, status);
}

/*
 * Checked before layers: dimensions and sizes of the input.  The products of
 * shapes are taken with overflow checks, and a row is at most NN_MAX_ROW
 * elements.
 */
static bool
check_spec(const NnSpec *spec, NnGraph *graph, Status *status)
{
	if (spec->input.rank < 1 || spec->input.rank > NN_MAX_RANK)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "input shape must have 1 to %d dimensions",
						   NN_MAX_RANK);
	for (int i = 0; i < spec->input.rank; i++)
	{
		if (spec->input.dim[i] < 1)
			return status_fail(status, STATUS_INVALID_VALUE,
							   "input shape must be positive");
	}
	if (!nn_shape_count(&spec->input, &graph->inputs) ||
		graph->inputs > NN_MAX_ROW)
		return status_fail(status, STATUS_TOO_LARGE,
						   "input has more than %zu numbers a row", NN_MAX_ROW);
	if (spec->nlayers < 1 || spec->nlayers > NN_MAX_LAYERS)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "a model must have 1 to %d layers", NN_MAX_LAYERS);
	return true;
}

/* The last layer's rows become embeddings. */
static bool
check_output(const NnGraph *graph, Status *status)
{
	const NnLayer *last = &graph->layers[graph->nlayers - 1];
	char		text[64];

	if (last->output.rank != 1 || last->outputs > 16384)
	{
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"the last layer must give embeddings of at most 16384 dimensions, not %s",
					nn_shape_text(&last->output, text, sizeof(text)));
		return status_hint(status,
						   "End the model with {\"metric_embedding\": {\"units\": 64}}.");
	}
	for (int i = 0; i < graph->nlayers; i++)
	{
		if (layer_has_weights(&graph->layers[i]))
			return true;
	}
	return status_fail(status, STATUS_INVALID_VALUE,
					   "the model has nothing to train");
}

/* A layer that nobody reads was forgotten, unless it is the last. */
static bool
check_consumers(const NnGraph *graph, Status *status)
{
	for (int i = 0; i < graph->nlayers - 1; i++)
	{
		if (graph->layers[i].consumers == 0)
		{
			status_fail(status, STATUS_INVALID_VALUE,
						"no layer reads layer \"%s\"", graph->layers[i].name);
			return status_hint(status,
							   "Name it among the \"inputs\" of a layer after it, or leave it out.");
		}
	}
	return true;
}

/*
 * Let max_pooling2d take the derivative of relu where it alone reads a
 * convolution that has one.
 */
static void
take_relu(NnGraph *graph)
{
	for (int i = 0; i < graph->nlayers; i++)
	{
		NnLayer    *pool = &graph->layers[i];
		NnLayer    *source = pool->sources[0] == NN_INPUT ? NULL :
		&graph->layers[pool->sources[0]];

		if (pool->type != &nn_layer_max_pooling2d || source == NULL ||
			source->type != &nn_layer_conv2d || source->consumers != 1 ||
			source->activation != NN_RELU)
			continue;
		source->masked = true;
		source->reads_out = false;
		pool->reads_out = true;
	}
}

/* 512 layers of 16 sources at most: quadratic loops over them do not count. */
NnGraph *
nn_graph_create(Arena *arena, const NnSpec *spec, Status *status)
{
	NnGraph    *graph = arena_new(arena, NnGraph);

	if (graph == NULL)
		goto out_of_memory;
	if (!check_spec(spec, graph, status))
		return NULL;
	graph->layers = arena_alloc_zero(arena,
									 (size_t) spec->nlayers * sizeof(NnLayer));
	if (graph->layers == NULL)
		goto out_of_memory;
	graph->input = spec->input;
	graph->nlayers = spec->nlayers;
	for (int i = 0; i < spec->nlayers; i++)
	{
		if (!add_layer(arena, graph, i, &spec->layers[i], status))
			return NULL;
	}
	graph->embedding = graph->nlayers - 1;
	graph->projector = NN_INPUT;
	mark_trained(graph);
	take_relu(graph);
	return check_consumers(graph, status) && check_output(graph, status) ?
		graph : NULL;

out_of_memory:
	status_out_of_memory(status, NULL);
	return NULL;
}

/* A layer as it was specified, but with all its sources named */
static void
layer_spec(const NnGraph *graph, int i, NnLayerSpec *spec)
{
	const NnLayer *layer = &graph->layers[i];

	spec->type = layer->type;
	memcpy(spec->name, layer->name, NN_NAME_SIZE);
	spec->params = layer->params;
	spec->nsources = layer->nsources;
	for (int k = 0; k < layer->nsources; k++)
		spec->sources[k] = nn_graph_source(graph, i, k);
}

NnGraph *
nn_graph_extend(Arena *arena, const NnGraph *graph, const NnLayerSpec *layers,
				int n, int nprojector, Status *status)
{
	NnSpec		spec = {.input = graph->input,.nlayers = graph->nlayers + n};
	NnGraph    *extended;

	spec.layers = arena_alloc_zero(arena,
								   (size_t) spec.nlayers * sizeof(NnLayerSpec));
	if (spec.layers == NULL)
	{
		status_out_of_memory(status, NULL);
		return NULL;
	}
	for (int i = 0; i < graph->nlayers; i++)
		layer_spec(graph, i, &spec.layers[i]);
	memcpy(spec.layers + graph->nlayers, layers,
		   (size_t) n * sizeof(NnLayerSpec));
	extended = nn_graph_create(arena, &spec, status);
	if (extended == NULL)
		return NULL;
	for (int i = 0; i < graph->nlayers; i++)
		extended->layers[i].rate = graph->layers[i].rate;
	mark_trained(extended);
	extended->embedding = graph->nlayers - 1;
	extended->projector = extended->embedding + nprojector;
	extended->layers[extended->embedding].kept = true;
	extended->layers[extended->projector].kept = true;
	return extended;
}

int
nn_graph_layers(const NnGraph *graph)
{
	return graph->nlayers;
}

void
nn_graph_layer(const NnGraph *graph, int i, NnLayerInfo *info)
{
	const NnLayer *layer = &graph->layers[i];

	info->name = layer->name;
	info->type = layer->type->description.name;
	info->output = layer->output;
	info->parameters = 0;
	info->untrained = 0;
	info->frozen = layer->rate == 0;
	info->nsources = layer->nsources;
	for (int t = 0; t < layer->ntensors; t++)
	{
		info->parameters += layer->tensors[t].count;
		if (layer->tensors[t].state || layer->rate == 0)
			info->untrained += layer->tensors[t].count;
	}
}

const char *
nn_graph_source(const NnGraph *graph, int i, int k)
{
	int			source = graph->layers[i].sources[k];

	return source == NN_INPUT ? NN_INPUT_NAME : graph->layers[source].name;
}

int
nn_graph_tensors(const NnGraph *graph)
{
	int			n = 0;

	for (int i = 0; i < graph->nlayers; i++)
		n += graph->layers[i].ntensors;
	return n;
}

/* Tensors are numbered through all layers. */
void
nn_graph_tensor(const NnGraph *graph, int i, NnTensorInfo *info)
{
	const NnLayer *layer = graph->layers;
	const NnTensor *tensor;

	while (i >= layer->ntensors)
		i -= layer++->ntensors;
	tensor = &layer->tensors[i];
	snprintf(info->name, sizeof(info->name), "%s/%s", layer->name,
			 tensor->name);
	info->shape = tensor->shape;
	info->offset = tensor->offset;
	info->count = tensor->count;
	info->layer = layer->number;
	info->trainable = !tensor->state && layer->rate > 0;
	info->given = tensor->given;
}

size_t
nn_graph_weights(const NnGraph *graph)
{
	return graph->weights;
}

NnShape
nn_graph_input(const NnGraph *graph)
{
	return graph->input;
}

size_t
nn_graph_inputs(const NnGraph *graph)
{
	return graph->inputs;
}

int
nn_graph_outputs(const NnGraph *graph)
{
	return (int) graph->layers[graph->nlayers - 1].outputs;
}

/* A stream for each layer: adding one leaves the others as they were. */
void
nn_init_layer(const NnGraph *graph, int i, uint64_t seed, real *weights)
{
	const NnLayer *layer = &graph->layers[i];
	Random		random;

	random_init(&random, seed, ((uint64_t) i << 8) + STREAM_INIT);
	if (layer->type->init != NULL)
		layer->type->init(layer, &random, weights);
}

void
nn_init_weights(const NnGraph *graph, uint64_t seed, real *weights)
{
	for (int i = 0; i < graph->nlayers; i++)
		nn_init_layer(graph, i, seed, weights);
}

/* The maximum over layers, as they run one after the other. */
size_t
nn_graph_scratch(const NnGraph *graph, int n)
{
	size_t		most = 0;

	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];
		size_t		size = layer->type->scratch == NULL ? 0 :
		layer->type->scratch(layer, n);

		most = size > most ? size : most;
	}
	/* whole cache lines, so that workers do not share one */
	return (most + 63) & ~(size_t) 63;
}

/* Nothing of a layer that needs no backward and whose state stays is kept. */
size_t
nn_layer_saved(const NnLayer *layer, int n)
{
	if (layer->type->saved == NULL ||
		!(layer->trained || nn_state_moves(layer)))
		return 0;
	return layer->type->saved(layer, n);
}

/* ---- what is trained ---- */

/* The usual matching: back to the last * when what follows it does not fit */
static bool
name_matches(const char *pattern, const char *name)
{
	const char *star = NULL;
	const char *from = NULL;

	while (*name != '\0')
	{
		if (*pattern == '*')
		{
			star = ++pattern;
			from = name;
		}
		else if (*pattern == '?' || *pattern == *name)
		{
			pattern++;
			name++;
		}
		else if (star != NULL)
		{
			pattern = star;
			name = ++from;
		}
		else
			return false;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* How much a rule has to say of a layer: nothing (0), more the longer it is */
static size_t
rule_weight(const NnRateRule *rule, const NnLayer *layer)
{
	if (strcmp(rule->pattern, layer->name) == 0)
		return SIZE_MAX;
	return name_matches(rule->pattern, layer->name) ?
		strlen(rule->pattern) : 0;
}

static bool
check_rule(const NnGraph *graph, const NnRateRule *rule, Status *status)
{
	char		list[STATUS_TEXT_SIZE] = "";
	size_t		used = 0;

	for (int i = 0; i < graph->nlayers; i++)
	{
		if (rule_weight(rule, &graph->layers[i]) > 0)
			return true;
		if (used < sizeof(list))
			used += (size_t) snprintf(list + used, sizeof(list) - used,
									  "%s\"%s\"", i == 0 ? "" : ", ",
									  graph->layers[i].name);
	}
	status_fail(status, STATUS_UNKNOWN_NAME, "no layer matches \"%s\"",
				rule->pattern);
	return status_hint(status, "The layers are %s.", list);
}

bool
nn_graph_set_rates(NnGraph *graph, const NnRateRule *rules, int n,
				   Status *status)
{
	for (int r = 0; r < n; r++)
	{
		if (!check_rule(graph, &rules[r], status))
			return false;
	}
	for (int i = 0; i < graph->nlayers; i++)
	{
		size_t		most = 0;

		for (int r = 0; r < n; r++)
		{
			size_t		weight = rule_weight(&rules[r], &graph->layers[i]);

			if (weight == 0 || weight < most)
				continue;
			most = weight;
			graph->layers[i].rate = rules[r].rate;
		}
	}
	mark_trained(graph);
	return true;
}

bool
nn_graph_is_trained(const NnGraph *graph)
{
	return graph->layers[graph->nlayers - 1].trained;
}

/*
 * The number of the one layer whose output is all that trained layers read of
 * what is not trained, or -1.  As every layer is read, all that are not trained
 * come before it then, and all that are, behind it.
 */
static int
find_cut(const NnGraph *graph)
{
	int			cut = NN_INPUT;

	for (int i = 0; i < graph->nlayers; i++)
	{
		const NnLayer *layer = &graph->layers[i];

		for (int k = 0; k < layer->nsources && layer->trained; k++)
		{
			int			source = layer->sources[k];

			if (source == NN_INPUT || (!graph->layers[source].trained &&
									   cut != NN_INPUT && cut != source))
				return NN_INPUT;
			if (!graph->layers[source].trained)
				cut = source;
		}
	}
	return cut;
}

/* Does the prefix give the same for a row at each step, and have weights? */
static bool
is_worth_caching(const NnGraph *graph, int cut)
{
	bool		weights = false;

	for (int i = 0; i <= cut; i++)
	{
		const NnLayer *layer = &graph->layers[i];

		if (layer->random || nn_state_moves(layer))
			return false;
		weights |= layer_has_weights(layer);
	}
	return weights;
}

/* A layer as it stands in the head, whose layers begin behind the cut */
static bool
move_layer(Arena *arena, NnLayer *layer, int cut)
{
	int		   *sources = arena_alloc_array(arena, (size_t) layer->nsources,
											sizeof(int));

	if (sources == NULL)
		return false;
	for (int k = 0; k < layer->nsources; k++)
		sources[k] = layer->sources[k] == cut ? NN_INPUT :
			layer->sources[k] - cut - 1;
	layer->sources = sources;
	layer->number -= cut + 1;
	return true;
}

bool
nn_graph_split(Arena *arena, const NnGraph *graph, NnGraph **prefix,
			   NnGraph **head, Status *status)
{
	int			cut = find_cut(graph);
	int			n = graph->nlayers - cut - 1;

	status_clear(status);
	if (cut == NN_INPUT || !is_worth_caching(graph, cut))
		return false;
	*prefix = arena_new(arena, NnGraph);
	*head = arena_new(arena, NnGraph);
	if (*prefix == NULL || *head == NULL)
		return status_out_of_memory(status, NULL);
	**prefix = **head = *graph;
	(*prefix)->nlayers = cut + 1;
	(*prefix)->embedding = cut;
	(*head)->nlayers = n;
	(*head)->embedding = n - 1;
	(*head)->layers = arena_alloc_array(arena, (size_t) n, sizeof(NnLayer));
	if ((*head)->layers == NULL)
		return status_out_of_memory(status, NULL);
	memcpy((*head)->layers, graph->layers + cut + 1,
		   (size_t) n * sizeof(NnLayer));
	(*head)->input = graph->layers[cut].output;
	(*head)->inputs = graph->layers[cut].outputs;
	(*head)->input_consumers = graph->layers[cut].consumers;
	for (int i = 0; i < n; i++)
	{
		if (!move_layer(arena, &(*head)->layers[i], cut))
			return status_out_of_memory(status, NULL);
	}
	return true;
}
