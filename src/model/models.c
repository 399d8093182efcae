/*
 * models.c
 *	  create_model, model_summary, drop_model and deploy.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "model/architecture.h"
#include "model/model.h"
#include "model/models.h"
#include "model/versions.h"
#include "server/arguments.h"
#include "server/catalog.h"
#include "server/catalog_dependents.h"
#include "server/context.h"
#include "server/schema_right.h"

/* ---- summary ---- */

/* Columns: layer, type, output, parameters, connected_to */
#define SUMMARY_COLUMNS 5

static Datum
connections(const NnGraph *graph, int i, int n)
{
	Datum		names[NN_MAX_SOURCES];

	for (int k = 0; k < n; k++)
		names[k] = CStringGetTextDatum(nn_graph_source(graph, i, k));
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

static void
put_layer(ReturnSetInfo *result, const NnGraph *graph, int i)
{
	Datum		values[SUMMARY_COLUMNS];
	bool		nulls[SUMMARY_COLUMNS] = {false};
	NnLayerInfo layer;

	nn_graph_layer(graph, i, &layer);
	values[0] = CStringGetTextDatum(layer.name);
	values[1] = CStringGetTextDatum(layer.type);
	values[2] = PointerGetDatum(spec_shape_array(&layer.output));
	values[3] = Int64GetDatum((int64) layer.parameters);
	values[4] = connections(graph, i, layer.nsources);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_total(ReturnSetInfo *result, const char *name, const NnGraph *graph,
		  size_t parameters)
{
	Datum		values[SUMMARY_COLUMNS] = {0};
	bool		nulls[SUMMARY_COLUMNS] = {false, true, false, false, true};
	NnLayerInfo last;

	nn_graph_layer(graph, nn_graph_layers(graph) - 1, &last);
	values[0] = CStringGetTextDatum(name);
	values[2] = PointerGetDatum(spec_shape_array(&last.output));
	values[3] = Int64GetDatum((int64) parameters);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* How files of pictures become the input, if create_model was told */
static void
put_image(ReturnSetInfo *result, const NnGraph *graph, const MediaSpec *image)
{
	Datum		values[SUMMARY_COLUMNS] = {0};
	bool		nulls[SUMMARY_COLUMNS] = {false, false, false, false, true};
	NnShape		input = nn_graph_input(graph);
	char text[	MEDIA_SPEC_TEXT];

	media_spec_text(image, text, sizeof(text));
	values[0] = CStringGetTextDatum(NN_INPUT_NAME);
	values[1] = CStringGetTextDatum(psprintf("image (%s)", text));
	values[2] = PointerGetDatum(spec_shape_array(&input));
	values[3] = Int64GetDatum(0);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * A row for each layer and one for the whole, as Keras' Model.summary(), and
 * two for what of it is trained and what is not, if there is the latter.  image
 * is NULL if create_model was not told.
 */
static void
put_summary(FunctionCallInfo fcinfo, const NnGraph *graph,
			const MediaSpec *image)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	size_t		untrained = 0;

	InitMaterializedSRF(fcinfo, 0);
	if (image != NULL)
		put_image(result, graph, image);
	for (int i = 0; i < nn_graph_layers(graph); i++)
	{
		NnLayerInfo layer;

		put_layer(result, graph, i);
		nn_graph_layer(graph, i, &layer);
		untrained += layer.untrained;
	}
	put_total(result, "total", graph, nn_graph_weights(graph));
	if (untrained == 0)
		return;
	put_total(result, "trainable", graph, nn_graph_weights(graph) - untrained);
	put_total(result, "non-trainable", graph, untrained);
}

/* model_summary(model), for whoever may use the model */
PGDLLEXPORT PG_FUNCTION_INFO_V1(model_summary);
Datum
model_summary(PG_FUNCTION_ARGS)
{
	CatalogModel model;
	MediaSpec	image;
	NnGraph    *graph;

	catalog_get_model(text_to_cstring(PG_GETARG_TEXT_PP(0)), &model);
	catalog_require_usage(&model);
	graph = catalog_model_graph(&model,
								memory_arena(CurrentMemoryContext,
											 ARENA_NO_BUDGET), &image);
	put_summary(fcinfo, graph,
				catalog_model_image(&model) != NULL ? &image : NULL);
	return (Datum) 0;
}

/* ---- create and drop ---- */

void
define_check_name(const char *name)
{
	CatalogModel existing;

	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("model name must have 1 to %d bytes",
						NAMEDATALEN - 1)));
	if (catalog_find_model(name, &existing))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("model \"%s\" already exists", name)));
}

void
define_store(const char *name, ArrayType *input, Jsonb *layers, Jsonb *image,
			 int dims)
{
	CatalogArgs args = {0};

	catalog_arg_text(&args, name);
	catalog_arg(&args, OIDOID, ObjectIdGetDatum(GetUserId()), false);
	catalog_arg(&args, INT4ARRAYOID, PointerGetDatum(input), false);
	catalog_arg(&args, JSONBOID, PointerGetDatum(layers), false);
	catalog_arg(&args, JSONBOID, PointerGetDatum(image), image == NULL);
	catalog_arg_int(&args, dims);
	catalog_write("model",
				  "INSERT INTO _similarity.model (name, owner, input, layers, image, dims) "
				  "VALUES ($1::pg_catalog.name, $2, $3, $4, $5, $6)", &args);
}

/*
 * create_model(name, input, layers, image): needs CREATE on schema similarity, a
 * name that no model has, layers that make a network (spec_graph), and, if image
 * is not NULL, an input that is a picture (spec_image); the caller owns it.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(create_model);
Datum
create_model(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "model");
	ArrayType  *input;
	Jsonb	   *layers;
	Jsonb	   *image = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	MediaSpec	spec;
	NnGraph    *graph;

	argument_require(fcinfo, 1, "input");
	argument_require(fcinfo, 2, "layers");
	input = PG_GETARG_ARRAYTYPE_P(1);
	layers = PG_GETARG_JSONB_P(2);
	model_require_writable("similarity.create_model()");
	require_create_right(GetUserId());
	define_check_name(name);
	graph = spec_graph(memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET),
					   input, layers);
	spec_image(&spec, graph, image);
	SPI_connect();
	define_store(name, input, layers, image, nn_graph_outputs(graph));
	SPI_finish();
	put_summary(fcinfo, graph, image != NULL ? &spec : NULL);
	return (Datum) 0;
}

static void
check_unused(const CatalogModel *model)
{
	char	   *gallery = catalog_gallery_of_owner(model->id, 0, 0);

	if (gallery != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("model \"%s\" is used by gallery \"%s\"",
						NameStr(model->name), gallery),
				 errhint("Run similarity.drop_gallery() for its galleries first.")));
}

/*
 * drop_model(model), for the model's owner, with all that belongs to it.  An
 * ERROR while another session trains, deploys or drops it, or a gallery of the
 * owner uses it.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(drop_model);
Datum
drop_model(PG_FUNCTION_ARGS)
{
	CatalogModel model;

	model_require_writable("similarity.drop_model()");
	catalog_get_model(text_to_cstring(PG_GETARG_TEXT_PP(0)), &model);
	catalog_require_owner(&model);
	catalog_lock_model(&model, AccessExclusiveLock, false);
	SPI_connect();
	catalog_lock_versions(model.id, 0);
	check_unused(&model);
	catalog_delete_model(model.id);
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---- deployment ---- */

void
define_get_version(const CatalogModel *model, int id, CatalogVersion *version)
{
	catalog_get_version(id, version);
	if (version->model != model->id)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("version %d is not one of model \"%s\"", id,
						NameStr(model->name)),
				 errhint("similarity.model_versions lists the versions of each model.")));
}

int
define_lock_version(FunctionCallInfo fcinfo, LOCKMODE mode, CatalogModel *model)
{
	int			id = model_version_argument(PG_GETARG_INT64(1));
	CatalogVersion version;

	catalog_get_model(text_to_cstring(PG_GETARG_TEXT_PP(0)), model);
	catalog_require_owner(model);
	define_get_version(model, id, &version);
	catalog_lock_model(model, mode, false);
	return id;
}

/*
 * deploy(model, version), for the model's owner: a finished version of this
 * model, and no gallery of the owner holds another.
 */
PGDLLEXPORT PG_FUNCTION_INFO_V1(deploy);
Datum
deploy(PG_FUNCTION_ARGS)
{
	CatalogModel model;
	int			id;

	model_require_writable("similarity.deploy()");
	id = define_lock_version(fcinfo, ShareUpdateExclusiveLock, &model);
	SPI_connect();
	if (!version_deploy(&model, id))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("version %d of model \"%s\" cannot be deployed", id,
						NameStr(model.name)),
				 errdetail("A gallery of the model holds embeddings of another version."),
				 errhint("CALL similarity.reembed(%s, %d) re-embeds its rows and deploys the version.", quote_literal_cstr(NameStr(model.name)), id)));
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---- for galleries ---- */

void
model_lock_version(const char *name, int version)
{
	CatalogModel model;
	CatalogVersion entry;

	catalog_get_model(name, &model);
	catalog_require_owner(&model);
	define_get_version(&model, version, &entry);
	catalog_lock_model(&model, ExclusiveLock, true);
}

void
model_unlock(const char *name)
{
	CatalogModel model;

	if (catalog_find_model(name, &model))
		catalog_unlock_model(&model, ExclusiveLock);
}

void
model_deploy(const char *name, int version)
{
	CatalogModel model;

	catalog_get_model(name, &model);
	if (!version_deploy(&model, version))
		elog(ERROR, "a gallery of model \"%s\" holds another version", name);
}
