/*
 * architecture.c
 *	  From a model's jsonb to a checked layer graph.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "model/architecture.h"
#include "model/encoded.h"
#include "server/errors.h"
#include "server/params_json.h"

static const char *const layer_keys[] = {"name", "inputs", "trainable", NULL};

/* The value of an object's key, NULL if it has none. */
static JsonbValue *
object_value(Jsonb *object, const char *key)
{
	return getKeyJsonValueFromContainer(&object->root, key, strlen(key), NULL);
}

static void
read_name(NnLayerSpec *spec, int number, Jsonb *params)
{
	JsonbValue *value = JB_ROOT_IS_OBJECT(params) ?
	object_value(params, "name") : NULL;

	if (value == NULL)
		return;
	if (value->type != jbvString || value->val.string.len < 1 ||
		value->val.string.len >= NN_NAME_SIZE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of layer %d must be a string of 1 to %d bytes",
						number, NN_NAME_SIZE - 1)));
	memcpy(spec->name, value->val.string.val, value->val.string.len);
}

/* "trainable": false */
static void
read_trainable(NnLayerSpec *spec, int number, Jsonb *params)
{
	JsonbValue *value = JB_ROOT_IS_OBJECT(params) ?
	object_value(params, "trainable") : NULL;

	if (value == NULL)
		return;
	if (value->type != jbvBool)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trainable of layer %d must be true or false", number)));
	spec->frozen = !value->val.boolean;
}

static const char *
read_source(Arena *arena, int number, const JsonbValue *value)
{
	char	   *name;

	if (value == NULL || value->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("inputs of layer %d must be the name of a layer or an array of names", number),
				 errhint("\"%s\" is the model's input.", NN_INPUT_NAME)));
	name = arena_strdup(arena,
						pnstrdup(value->val.string.val, value->val.string.len));
	if (name == NULL)
		raise_out_of_memory();
	return name;
}

/* "inputs": "stem" or ["left", "right"] */
static void
read_sources(Arena *arena, NnLayerSpec *spec, int number, Jsonb *params)
{
	JsonbValue *value = JB_ROOT_IS_OBJECT(params) ?
	object_value(params, "inputs") : NULL;
	JsonbContainer *array;

	if (value == NULL)
		return;
	spec->nsources = 1;
	if (value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
	{
		spec->sources[0] = read_source(arena, number, value);
		return;
	}
	array = value->val.binary.data;
	spec->nsources = JsonContainerSize(array);
	if (spec->nsources < 1 || spec->nsources > NN_MAX_SOURCES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("layer %d must have 1 to %d inputs, not %d", number,
						NN_MAX_SOURCES, spec->nsources)));
	for (int i = 0; i < spec->nsources; i++)
		spec->sources[i] = read_source(arena, number,
									   getIthJsonbValueFromContainer(array, i));
}

/* {"dense": {"units": 64}} */
static void
read_layer(Arena *arena, NnLayerSpec *spec, int number, JsonbValue *element)
{
	Jsonb	   *params;
	char	   *type;
	char	   *owner;
	Status		status;

	if (element->type != jbvBinary ||
		!params_named(element->val.binary.data, &type, &params))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("layer %d is not a JSON object with one key", number),
				 errhint("Write a layer as {\"type\": {parameters}}, e.g. {\"dense\": {\"units\": 64}}.")));
	spec->type = nn_layer_type(type, &status);
	if (spec->type == NULL)
	{
		status_detail(&status, "It is layer %d of the model.", number);
		raise_status(&status);
	}
	read_name(spec, number, params);
	read_trainable(spec, number, params);
	read_sources(arena, spec, number, params);
	owner = arena_strdup(arena, psprintf("layer %d (\"%s\")", number, type));
	if (owner == NULL)
		raise_out_of_memory();
	params_from_jsonb(&spec->params, owner,
					  nn_layer_description(spec->type)->params, params,
					  layer_keys);
}

static void
read_input_shape(NnShape *shape, ArrayType *input)
{
	int			n = ARR_NDIM(input) == 1 ? ARR_DIMS(input)[0] : 0;

	if (n < 1 || n > NN_MAX_RANK || ARR_HASNULL(input) ||
		ARR_ELEMTYPE(input) != INT4OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("input must be an array of 1 to %d integers without nulls", NN_MAX_RANK),
				 errhint("It is the shape of one row: '{28,28,1}' for a gray image of 28 by 28.")));
	shape->rank = n;
	memcpy(shape->dim, ARR_DATA_PTR(input), n * sizeof(int));
}

NnGraph *
spec_graph(Arena *arena, ArrayType *input, Jsonb *layers)
{
	NnSpec		spec;
	NnGraph    *graph;
	Status		status;

	memset(&spec, 0, sizeof(spec));
	read_input_shape(&spec.input, input);
	if (!JB_ROOT_IS_ARRAY(layers) || JB_ROOT_IS_SCALAR(layers))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("layers must be a JSON array with one object for each layer"),
				 errhint("For example '[{\"flatten\": {}}, {\"metric_embedding\": {\"units\": 64}}]'.")));
	spec.nlayers = JB_ROOT_COUNT(layers);
	if (spec.nlayers < 1 || spec.nlayers > NN_MAX_LAYERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a model must have 1 to %d layers, not %d",
						NN_MAX_LAYERS, spec.nlayers)));
	spec.layers = arena_alloc_zero(arena, spec.nlayers * sizeof(NnLayerSpec));
	if (spec.layers == NULL)
		raise_out_of_memory();
	for (int i = 0; i < spec.nlayers; i++)
		read_layer(arena, &spec.layers[i], i + 1,
				   getIthJsonbValueFromContainer(&layers->root, i));

	graph = nn_graph_create(arena, &spec, &status);
	if (graph == NULL)
		raise_status(&status);
	return graph;
}

void
spec_image(MediaSpec *image, const NnGraph *graph, Jsonb *json)
{
	NnShape		shape = nn_graph_input(graph);
	int			sides[3];
	Params		params;
	Status		status;

	if (json != NULL &&
		!encoded_shape(graph, &sides[0], &sides[1], &sides[2]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("image cannot be given for inputs of shape %s",
						spec_shape_text(&shape)),
				 errhint("A picture's shape is {height,width,channels} with 1 or 3 channels, or {height,width}.")));
	params_from_jsonb(&params, "image", media_params, json, NULL);
	if (!media_spec_read(image, &params, &status))
		raise_status(&status);
}

char *
spec_shape_text(const NnShape *shape)
{
	char	   *out = psprintf("%d", shape->dim[0]);

	for (int i = 1; i < shape->rank; i++)
		out = psprintf("%sx%d", out, shape->dim[i]);
	return out;
}

ArrayType *
spec_shape_array(const NnShape *shape)
{
	Datum		dims[NN_MAX_RANK];

	for (int i = 0; i < shape->rank; i++)
		dims[i] = Int32GetDatum(shape->dim[i]);
	return construct_array(dims, shape->rank, INT4OID, sizeof(int32), true,
						   TYPALIGN_INT);
}
