/*
 * listing.c
 *	  layers(), losses(), optimizers(), schedules(), augmentations() and
 *	  methods(): what
 *	  exists and what it takes.
 *
 * One row for the thing itself, then one for each of its parameters, all from
 * the tables that also check what users write.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "media/augment.h"
#include "nn/nn.h"

#define COLUMNS 6				/* name, parameter, type, default, accepted,
								 * description */

static const char *
type_text(ParamType type)
{
	static const char *const texts[] = {
		[PARAM_INTEGER] = "integer",
		[PARAM_REAL] = "number",
		[PARAM_BOOLEAN] = "boolean",
		[PARAM_CHOICE] = "string",
		[PARAM_SIZE2] = "integer or [height, width]",
		[PARAM_LIST] = "integer or array of integers",
		[PARAM_REAL_LIST] = "number or array of numbers"
	};

	return texts[type];
}

/* NULL if the parameter has none. */
static const char *
default_value_text(const ParamSpec *spec)
{
	if (spec->required)
		return NULL;
	if (spec->nullable)
		return "null";
	if (spec->type == PARAM_BOOLEAN)
		return spec->initial != 0 ? "true" : "false";
	if (spec->type == PARAM_CHOICE)
		return psprintf("\"%s\"", spec->choices[(int) spec->initial]);
	return psprintf("%.15g", spec->initial);
}

static const char *
accepted_text(const ParamSpec *spec)
{
	StringInfoData accepted;

	initStringInfo(&accepted);
	if (spec->type == PARAM_BOOLEAN)
		appendStringInfoString(&accepted, "true, false");
	else if (spec->type == PARAM_CHOICE)
	{
		for (int i = 0; spec->choices[i] != NULL; i++)
			appendStringInfo(&accepted, "%s\"%s\"", i == 0 ? "" : ", ",
							 spec->choices[i]);
	}
	else
		appendStringInfo(&accepted, "%.15g to %.15g", spec->minimum,
						 spec->maximum);
	return accepted.data;
}

static void
put_row(ReturnSetInfo *result, const char *const *texts)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS];

	for (int i = 0; i < COLUMNS; i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_description(FunctionCallInfo fcinfo, const NnDescription *thing)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *const itself[COLUMNS] = {thing->name, NULL, NULL, NULL, NULL, thing->comment};

	put_row(result, itself);
	for (const ParamSpec *spec = thing->params; spec->name != NULL; spec++)
	{
		const char *const parameter[COLUMNS] = {
			thing->name, spec->name, type_text(spec->type),
			default_value_text(spec), accepted_text(spec), spec->comment
		};

		put_row(result, parameter);
	}
}

/* Everybody may see what is built in: no argument, no right, no table. */
PGDLLEXPORT PG_FUNCTION_INFO_V1(list_layers);
Datum
list_layers(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; nn_layer_type_at(i) != NULL; i++)
		put_description(fcinfo, nn_layer_description(nn_layer_type_at(i)));
	return (Datum) 0;
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(list_losses);
Datum
list_losses(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; nn_loss_type_at(i) != NULL; i++)
		put_description(fcinfo, nn_loss_description(nn_loss_type_at(i)));
	return (Datum) 0;
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(list_optimizers);
Datum
list_optimizers(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; nn_optimizer_type_at(i) != NULL; i++)
		put_description(fcinfo,
						nn_optimizer_description(nn_optimizer_type_at(i)));
	return (Datum) 0;
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(list_schedules);
Datum
list_schedules(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; nn_schedule_type_at(i) != NULL; i++)
		put_description(fcinfo,
						nn_schedule_description(nn_schedule_type_at(i)));
	return (Datum) 0;
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(list_augmentations);
Datum
list_augmentations(PG_FUNCTION_ARGS)
{
	const AugmentStepType *type;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; (type = augment_step_type_at(i)) != NULL; i++)
	{
		NnDescription thing = {
			.name = augment_step_name(type),
			.params = augment_step_params(type),
			.comment = augment_step_comment(type)
		};

		put_description(fcinfo, &thing);
	}
	return (Datum) 0;
}

PGDLLEXPORT PG_FUNCTION_INFO_V1(list_methods);
Datum
list_methods(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; nn_method_type_at(i) != NULL; i++)
	{
		NnDescription method = *nn_method_description(nn_method_type_at(i));
		ParamSpec	specs[PARAMS_MAX + 1];

		nn_method_specs(nn_method_type_at(i), specs);
		method.params = specs;
		put_description(fcinfo, &method);
	}
	return (Datum) 0;
}
