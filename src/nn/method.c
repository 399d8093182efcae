/*
 * method.c
 *	  Methods that learn without labels: their table, and their heads.
 *
 * Heads are those of TensorFlow Similarity's ContrastiveModel, with E for
 * batch_normalization:
 *   projector  (dense, E, relu) x (layers - 1), dense, E without beta and gamma
 *   predictor  dense, E, relu, dense as wide as the projector
 * Dense layers that E follows have no bias.  Both views of a row pass in one
 * batch, so that E's statistics are those of both; there each view passes by
 * itself.
 */
#include "nn/method.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define EPSILON 1.001e-5

#define MAX_PROJECTOR_LAYERS 4

/* dense, normalization and activation of each, and a predictor's four */
#define MAX_HEADS (3 * MAX_PROJECTOR_LAYERS + 4)

#define METHOD_PARAMS \
	{.name = "projector_layers",.type = PARAM_INTEGER,.initial = 2,.minimum = 1,.maximum = MAX_PROJECTOR_LAYERS, \
	.comment = "dense layers between the embedding and the loss"}, \
	{.name = "projector_units",.type = PARAM_INTEGER,.initial = 512,.minimum = 1,.maximum = 16384, \
	.comment = "numbers that each of them gives"}, \
	{.name = "labeled_share",.type = PARAM_REAL,.initial = 0.5,.minimum = 0,.maximum = 1, \
	.comment = "share of a batch that is drawn from rows with a label, if there are any"}, \
	{.name = "label_weight",.type = PARAM_REAL,.initial = 1,.minimum = 0,.maximum = 1e6, \
	.comment = "weight of what loss says of rows with a label"}

#define PREDICTOR_PARAM \
	{.name = "predictor_units",.type = PARAM_INTEGER,.initial = 512,.minimum = 1,.maximum = 16384, \
	.comment = "hidden numbers of the predictor"}

static const ParamSpec projector_params[] = {
	METHOD_PARAMS,
	{NULL}
};

static const ParamSpec predictor_params[] = {
	METHOD_PARAMS,
	PREDICTOR_PARAM,
	{NULL}
};

static const ParamSpec averaging_params[] = {
	METHOD_PARAMS,
	PREDICTOR_PARAM,
	{.name = "momentum",.type = PARAM_REAL,.initial = 0.99,.minimum = 0,.maximum = 1,
	.comment = "share that averaged weights keep at the first step; it grows to 1 until the last"},
	{NULL}
};

static const NnMethodType simclr = {
	{"simclr", projector_params, "the other view among all other rows (Chen et al., 2020)"},
	&nn_loss_simclr
};

static const NnMethodType simsiam = {
	{"simsiam", predictor_params, "predicts the other view, held constant (Chen and He, 2021)"},
	&nn_loss_simsiam
};

static const NnMethodType byol = {
	{"byol", averaging_params, "predicts the other view as averaged weights see it (Grill et al., 2020)"},
	&nn_loss_byol, true
};

static const NnMethodType barlow = {
	{"barlow", projector_params, "cross-correlation of the views towards the identity (Zbontar et al., 2021)"},
	&nn_loss_barlow
};

static const NnMethodType vicreg = {
	{"vicreg", projector_params, "variance, invariance and covariance of the views (Bardes et al., 2022)"},
	&nn_loss_vicreg
};

static const NnMethodType swav = {
	{"swav", projector_params, "the cluster of one view from the other (Caron et al., 2020)"},
	&nn_loss_swav
};

static const NnMethodType *const methods[] = {
	&barlow, &byol, &simclr, &simsiam, &swav, &vicreg, NULL
};

/* ---- the table ---- */

const NnMethodType *
nn_method_type_at(int i)
{
	return methods[i];
}

const NnDescription *
nn_method_description(const NnMethodType *type)
{
	return &type->description;
}

const NnLossType *
nn_method_loss(const NnMethodType *type)
{
	return type->loss;
}

static const NnDescription *
method_at(int i)
{
	return methods[i] == NULL ? NULL : &methods[i]->description;
}

const NnMethodType *
nn_method_type(const char *name, Status *status)
{
	int			i = nn_type_index("method", name, method_at, status);

	return i < 0 ? NULL : methods[i];
}

static int
count_specs(const ParamSpec *specs)
{
	int			n = 0;

	while (specs[n].name != NULL)
		n++;
	return n;
}

void
nn_method_specs(const NnMethodType *type, ParamSpec specs[PARAMS_MAX + 1])
{
	const ParamSpec *loss = type->loss->description.params;
	int			heads = count_specs(type->description.params);

	memcpy(specs, type->description.params, (size_t) heads * sizeof(ParamSpec));
	memcpy(specs + heads, loss,
		   (size_t) (count_specs(loss) + 1) * sizeof(ParamSpec));
}

void
nn_method_loss_params(const NnMethodType *type, const Params *params,
					  Params *loss_params)
{
	int			heads = count_specs(type->description.params);
	int			n = count_specs(type->loss->description.params);

	params_init(loss_params, params->owner, type->loss->description.params);
	for (int i = 0; i < n; i++)
	{
		loss_params->values[i] = params->values[heads + i];
		loss_params->given[i] = params->given[heads + i];
	}
}

double
nn_method_labeled_share(const Params *params)
{
	return params_number(params, NN_METHOD_LABELED_SHARE);
}

double
nn_method_label_weight(const Params *params)
{
	return params_number(params, NN_METHOD_LABEL_WEIGHT);
}

double
nn_method_momentum(const Params *params, int64_t step, int64_t total_steps)
{
	double		share = fmin((double) step / (double) total_steps, 1);

	return 1 - (1 - params_number(params, NN_METHOD_MOMENTUM)) *
		(cos(acos(-1) * share) + 1) / 2;
}

/* ---- heads ---- */

typedef struct Heads
{
	int			n;
	NnLayerSpec layers[MAX_HEADS];
} Heads;

/* A layer named "projector_dense", "projector_dense_1", ... */
static Params *
add_head_layer(Heads *heads, const char *head, const NnLayerType *type)
{
	NnLayerSpec *layer = &heads->layers[heads->n++];
	const NnDescription *description = nn_layer_description(type);
	int			earlier = 0;

	memset(layer, 0, sizeof(*layer));
	layer->type = type;
	for (int i = 0; i < heads->n - 1; i++)
		earlier += heads->layers[i].type == type &&
			strncmp(heads->layers[i].name, head, strlen(head)) == 0;
	if (earlier == 0)
		snprintf(layer->name, NN_NAME_SIZE, "%s_%s", head, description->name);
	else
		snprintf(layer->name, NN_NAME_SIZE, "%s_%s_%d", head,
				 description->name, earlier);
	params_init(&layer->params, layer->name, description->params);
	return &layer->params;
}

/* Names and values of these are right: nothing can fail. */
static void
add_dense(Heads *heads, const char *head, double units, bool use_bias)
{
	Params	   *params = add_head_layer(heads, head, &nn_layer_dense);
	Status		status;

	(void) params_set_number(params, "units", units, &status);
	(void) params_set_boolean(params, "use_bias", use_bias, &status);
}

static void
add_normalization(Heads *heads, const char *head, bool trained)
{
	Params	   *params = add_head_layer(heads, head, &nn_layer_batch_normalization);
	Status		status;

	(void) params_set_number(params, "epsilon", EPSILON, &status);
	(void) params_set_boolean(params, "center", trained, &status);
	(void) params_set_boolean(params, "scale", trained, &status);
}

static void
add_relu(Heads *heads, const char *head)
{
	Status		status;

	(void) params_set_text(add_head_layer(heads, head, &nn_layer_activation),
						   "activation", "relu", &status);
}

static void
add_projector(Heads *heads, const Params *params)
{
	int			layers = (int) params_number(params, NN_METHOD_LAYERS);

	for (int i = 0; i < layers; i++)
	{
		add_dense(heads, "projector", params_number(params, NN_METHOD_UNITS),
				  false);
		add_normalization(heads, "projector", i < layers - 1);
		if (i < layers - 1)
			add_relu(heads, "projector");
	}
}

static void
add_predictor(Heads *heads, const Params *params)
{
	add_dense(heads, "predictor",
			  params_number(params, NN_METHOD_PREDICTOR_UNITS), false);
	add_normalization(heads, "predictor", true);
	add_relu(heads, "predictor");
	add_dense(heads, "predictor", params_number(params, NN_METHOD_UNITS), true);
}

NnGraph *
nn_method_graph(Arena *arena, const NnGraph *graph, const NnMethodType *type,
				const Params *params, Status *status)
{
	Heads	   *heads = arena_new(arena, Heads);
	int			projector;

	if (heads == NULL)
	{
		status_out_of_memory(status, NULL);
		return NULL;
	}
	add_projector(heads, params);
	projector = heads->n;
	if (type->loss->predicts)
		add_predictor(heads, params);
	return nn_graph_extend(arena, graph, heads->layers, heads->n, projector,
						   status);
}
