/*
 * start.c
 *	  What a training starts from, and which layers it changes.
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "server/errors.h"
#include "train/start.h"

/* As far as a learning rate may go itself */
#define MOST_RATE 1000

/* Layers that a warning names */
#define NAMED_LAYERS 5

/* ---- trainable ---- */

/* NaN if it is neither a truth value nor a number */
static double
read_rate(const JsonbValue *value)
{
	if (value->type == jbvBool)
		return value->val.boolean ? 1 : 0;
	if (value->type != jbvNumeric)
		return NAN;
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value->val.numeric)));
}

static NnRateRule
read_rule(const char *pattern, const JsonbValue *value)
{
	NnRateRule	rule = {pattern, read_rate(value)};

	if (!(rule.rate >= 0 && rule.rate <= MOST_RATE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trainable must be true, false or a number from 0 to %d for \"%s\"",
						MOST_RATE, rule.pattern),
				 errhint("A number is a factor of the learning rate; 0 is false.")));
	return rule;
}

/* jsonb sorts keys by length first: so do the rules' patterns. */
LayerRates
start_read_rates(Jsonb *trainable)
{
	LayerRates	rates = {0};
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *pattern = NULL;

	if (trainable == NULL)
		return rates;
	if (!JB_ROOT_IS_OBJECT(trainable))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("trainable must be a JSON object"),
				 errhint("Write it as {\"pattern\": false, ...}, the pattern being a layer's name, in which * stands for any characters.")));
	rates.rules = palloc(sizeof(NnRateRule) * (JB_ROOT_COUNT(trainable) + 1));
	iterator = JsonbIteratorInit(&trainable->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			pattern = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE)
			rates.rules[rates.n++] = read_rule(pattern, &value);
	}
	return rates;
}

void
start_set_rates(NnGraph *graph, const LayerRates *rates)
{
	Status		status;

	if (!nn_graph_set_rates(graph, rates->rules, rates->n, &status))
	{
		status_detail(&status, "trainable speaks of it.");
		raise_status(&status);
	}
	if (!nn_graph_is_trained(graph))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("all layers of the model that have weights are frozen"),
				 errhint("Let trainable set at least one of them to true.")));
}

/* ---- the first weights ---- */

void
start_find_version(const CatalogModel *model, int id, CatalogVersion *version)
{
	if (!catalog_find_version(id, version) || version->model != model->id)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no version %d", NameStr(model->name),
						id),
				 errhint("similarity.model_versions shows the versions of each model.")));
}

/* Layers whose weights are as they were drawn, "a", "b" and others, or NULL */
static char *
frozen_layers(const NnGraph *graph)
{
	StringInfoData names;
	int			n = 0;

	initStringInfo(&names);
	for (int i = 0; i < nn_graph_layers(graph); i++)
	{
		NnLayerInfo layer;

		nn_graph_layer(graph, i, &layer);
		if (!layer.frozen || layer.parameters == 0)
			continue;
		if (n++ < NAMED_LAYERS)
			appendStringInfo(&names, "%s\"%s\"", n > 1 ? ", " : "", layer.name);
	}
	if (n > NAMED_LAYERS)
		appendStringInfoString(&names, " and others");
	return n == 0 ? NULL : names.data;
}

void
start_tell_fresh(const CatalogModel *model, const NnGraph *graph)
{
	char	   *frozen = frozen_layers(graph);

	if (catalog_deployed_version(model) != 0)
		ereport(NOTICE,
				(errmsg("training starts from fresh weights, not from a version of model \"%s\"",
						NameStr(model->name)),
				 errhint("Use from_version to start from the weights of a version.")));
	if (frozen != NULL)
		ereport(WARNING,
				(errmsg("frozen layers keep the weights that are drawn at random"),
				 errdetail("They are %s.", frozen),
				 errhint("Use from_version to start from trained weights.")));
}
