/*
 * transfer.c
 *	  What becomes of models and versions: drop_version, copy_model,
 *	  export_model and import_model.
 *
 * Exported is one safetensors file: the tensors in their order as F32, and in
 * its metadata the architecture, so that the file alone makes the model again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "model/architecture.h"
#include "model/model.h"
#include "model/models.h"
#include "model/version_id.h"
#include "model/versions.h"
#include "nn/import.h"
#include "server/arguments.h"
#include "server/catalog.h"
#include "server/catalog_dependents.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/schema_right.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(drop_version);
PGDLLEXPORT PG_FUNCTION_INFO_V1(copy_model);
PGDLLEXPORT PG_FUNCTION_INFO_V1(export_model);
PGDLLEXPORT PG_FUNCTION_INFO_V1(import_model);

/* ---- drop_version ---- */

static void
check_version_unused(const CatalogModel *model, int version)
{
	char	   *gallery;
	int			deployed;

	/* a deployment may have ended between our snapshot and our lock */
	PushActiveSnapshot(GetLatestSnapshot());
	deployed = catalog_deployed_version(model);
	PopActiveSnapshot();
	if (deployed == version)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("version %d of model \"%s\" is deployed", version,
						NameStr(model->name)),
				 errhint("Deploy another version first, or drop the model.")));
	gallery = catalog_gallery_of_owner(model->id, version, 0);
	if (gallery != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("version %d of model \"%s\" is used by gallery \"%s\"",
						version, NameStr(model->name), gallery)));
}

/*
 * drop_version(model, version), for the model's owner: neither deployed nor
 * held by a gallery of the owner
 */
Datum
drop_version(PG_FUNCTION_ARGS)
{
	CatalogModel model;
	int			id;

	model_require_writable("similarity.drop_version()");
	id = define_lock_version(fcinfo, AccessExclusiveLock, &model);
	SPI_connect();
	catalog_lock_versions(model.id, id);
	check_version_unused(&model, id);
	catalog_delete_version(id);
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---- a version's architecture and weights ---- */

/* The version asked for in argument n, else the deployed one; 0 without any. */
static int
version_argument(FunctionCallInfo fcinfo, int n, const CatalogModel *model)
{
	CatalogVersion version;

	if (PG_ARGISNULL(n))
		return catalog_deployed_version(model);
	define_get_version(model, model_version_argument(PG_GETARG_INT64(n)),
					   &version);
	return version.id;
}

/* A model that this command has stored: the statement's snapshot is older. */
static void
get_new_model(const char *name, CatalogModel *model)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	catalog_get_model(name, model);
	PopActiveSnapshot();
}

/* ---- copy_model ---- */

static void
copy_version(const CatalogModel *copy, int version, bool is_owner)
{
	CatalogArgs args = {0};
	int			id = version_id_new();

	catalog_arg_int(&args, id);
	catalog_arg_int(&args, copy->id);
	catalog_arg_int(&args, version);
	catalog_arg(&args, BOOLOID, BoolGetDatum(is_owner), false);
	/* one statement: the version may be dropped meanwhile */
	catalog_run("WITH weights AS (INSERT INTO _similarity.model_weights (version, tensor, part, shape, checksum, data) "
				"SELECT $1, tensor, part, shape, checksum, data FROM _similarity.model_weights "
				"WHERE version OPERATOR(pg_catalog.=) $3) "
				"INSERT INTO _similarity.model_version (id, model, fingerprint, metrics) "
				"SELECT $1, $2, fingerprint, CASE WHEN $4 THEN metrics"
				" ELSE metrics OPERATOR(pg_catalog.-) '{rows,spilled_rows,cached_features,classes,planned_bytes,validation}'::pg_catalog.text[] END "
				"FROM _similarity.model_version "
				"WHERE id OPERATOR(pg_catalog.=) $3", &args);
	version_deploy(copy, id);
}

static void
copy_definition(const CatalogModel *model, const char *name)
{
	CatalogArgs args = {0};
	const char *entry = psprintf("model \"%s\"", NameStr(model->name));
	Jsonb	   *image = catalog_model_image(model);
	Datum		input;
	Datum		layers;

	(void) catalog_model_graph(model,
							   memory_arena(CurrentMemoryContext,
											ARENA_NO_BUDGET), NULL);
	catalog_arg_int(&args, model->id);
	catalog_run("SELECT input, layers FROM _similarity.model WHERE id OPERATOR(pg_catalog.=) $1", &args);
	input = catalog_column_datum(0, 1, INT4ARRAYOID, entry);
	layers = catalog_column_datum(0, 2, JSONBOID, entry);
	define_store(name, DatumGetArrayTypeP(input), DatumGetJsonbP(layers),
				 image, model->dims);
}

/*
 * copy_model(model, name, version): needs usage of the model and CREATE on
 * schema similarity.  Without a version it copies the deployed one, if there is
 * any; only the owner's copy tells what the training read.
 */
Datum
copy_model(PG_FUNCTION_ARGS)
{
	CatalogModel model;
	CatalogModel copy;
	char	   *name;
	int			version;

	model_require_writable("similarity.copy_model()");
	require_create_right(GetUserId());
	argument_require(fcinfo, 0, "model");
	argument_require(fcinfo, 1, "name");
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	catalog_get_model(text_to_cstring(PG_GETARG_TEXT_PP(0)), &model);
	catalog_require_usage(&model);
	version = version_argument(fcinfo, 2, &model);
	define_check_name(name);
	SPI_connect();
	copy_definition(&model, name);
	if (version != 0)
	{
		get_new_model(name, &copy);
		copy_version(&copy, version, model_is_owner(NameStr(model.name)));
	}
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---- export_model ---- */

static char *
catalog_column(const CatalogModel *model, const char *sql)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, model->id);
	catalog_run(sql, &args);
	return catalog_column_text(0, 1,
							   psprintf("model \"%s\"", NameStr(model->name)));
}

static void
append_tensor(StringInfo header, const NnTensorInfo *tensor)
{
	appendStringInfoString(header, ", ");
	escape_json(header, tensor->name);
	appendStringInfoString(header, ": {\"dtype\": \"F32\", \"shape\": [");
	for (int i = 0; i < tensor->shape.rank; i++)
		appendStringInfo(header, "%s%d", i > 0 ? ", " : "",
						 tensor->shape.dim[i]);
	appendStringInfo(header, "], \"data_offsets\": [%zu, %zu]}",
					 tensor->offset * sizeof(float),
					 (tensor->offset + tensor->count) * sizeof(float));
}

/* The header is UTF-8 in any database. */
static void
convert_to_utf8(StringInfo text)
{
	char	   *utf8 = pg_server_to_any(text->data, text->len, PG_UTF8);

	if (utf8 == text->data)
		return;
	resetStringInfo(text);
	appendStringInfoString(text, utf8);
}

/* The header, with blanks to a multiple of 8 bytes */
static void
build_header(StringInfo header, const CatalogModel *model, const NnGraph *graph)
{
	Jsonb	   *image = catalog_model_image(model);

	initStringInfo(header);
	appendStringInfoString(header,
						   "{\"__metadata__\": {\"format\": \"similarity\", \"input\": ");
	escape_json(header, catalog_column(model,
									   "SELECT input FROM _similarity.model WHERE id OPERATOR(pg_catalog.=) $1"));
	appendStringInfoString(header, ", \"layers\": ");
	escape_json(header, catalog_column(model,
									   "SELECT layers FROM _similarity.model WHERE id OPERATOR(pg_catalog.=) $1"));
	if (image != NULL)
	{
		appendStringInfoString(header, ", \"image\": ");
		escape_json(header, JsonbToCString(NULL, &image->root,
										   VARSIZE(image)));
	}
	appendStringInfoChar(header, '}');
	for (int i = 0; i < nn_graph_tensors(graph); i++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(graph, i, &tensor);
		append_tensor(header, &tensor);
	}
	appendStringInfoChar(header, '}');
	convert_to_utf8(header);
	while (header->len % 8 != 0)
		appendStringInfoChar(header, ' ');
}

static void
put_little_endian(char *out, uint64 value, int n)
{
	for (int i = 0; i < n; i++)
		out[i] = (char) (value >> 8 * i);
}

/* Weights brought into the file's order of bytes between interrupts */
#define SWAPPED_AT_ONCE (1024 * 1024)

/* The weights are read where they will stand in the file. */
static bytea *
build_file(const StringInfo header, const NnGraph *graph,
		   const CatalogVersion *version)
{
	size_t		count = nn_graph_weights(graph);
	size_t		size = VARHDRSZ + 8 + header->len + count * sizeof(float);
	bytea	   *file;
	float	   *weights;

	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("model is too large for one bytea"),
				 errdetail("The file would have %zu bytes.", size)));
	file = palloc(size);
	SET_VARSIZE(file, size);
	put_little_endian(VARDATA(file), header->len, 8);
	memcpy(VARDATA(file) + 8, header->data, header->len);
	weights = (float *) (VARDATA(file) + 8 + header->len);
	version_load(version, graph, weights);
	for (size_t i = 0; i < count; i++)
	{
		uint32		bits;

		if (i % SWAPPED_AT_ONCE == 0)
			CHECK_FOR_INTERRUPTS();
		memcpy(&bits, &weights[i], sizeof(bits));
		put_little_endian((char *) &weights[i], bits, sizeof(bits));
	}
	return file;
}

/*
 * export_model(model, version), for whoever may use the model: the deployed
 * version unless one is named.  A file beyond 1 GB is an ERROR before weights
 * are read.
 */
Datum
export_model(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	CatalogModel model;
	CatalogVersion version;
	NnGraph    *graph;
	StringInfoData header;
	bytea	   *file;
	int			id;

	argument_require(fcinfo, 0, "model");
	catalog_get_model(text_to_cstring(PG_GETARG_TEXT_PP(0)), &model);
	catalog_require_usage(&model);
	id = version_argument(fcinfo, 1, &model);
	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no finished version",
						NameStr(model.name))));
	catalog_get_version(id, &version);
	SPI_connect();
	graph = catalog_model_graph(&model,
								memory_arena(CurrentMemoryContext,
											 ARENA_NO_BUDGET), NULL);
	build_header(&header, &model, graph);
	MemoryContextSwitchTo(caller);
	file = build_file(&header, graph, &version);
	SPI_finish();
	PG_RETURN_BYTEA_P(file);
}

/* ---- import_model ---- */

/* Names and metadata of a file as this database writes text; ERROR if it cannot, or if they are not UTF-8. */
static void
convert_from_utf8(SafeTensors *file)
{
	for (int i = 0; i < file->n; i++)
		file->tensors[i].name = pg_any_to_server(file->tensors[i].name,
												 strlen(file->tensors[i].name),
												 PG_UTF8);
	for (int i = 0; i < file->nmetadata; i++)
		file->metadata[i].value = pg_any_to_server(file->metadata[i].value,
												   strlen(file->metadata[i].value), PG_UTF8);
}

/* A source of weights: they are never all in memory beside the file. */
static void
weights_of_file(void *state, const NnTensorInfo *tensor, size_t first, size_t n,
				float *out)
{
	nn_import_read(state, tensor, first, n, out);
}

/* Argument n as a Datum, else the text of the metadata by that name read. */
static Datum
architecture(FunctionCallInfo fcinfo, int n, const SafeTensors *file,
			 const char *key)
{
	const char *value = safetensors_metadata(file, key);

	if (!PG_ARGISNULL(n))
		return PG_GETARG_DATUM(n);
	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be null for this file", key),
				 errdetail("Only files of export_model hold an architecture.")));
	if (strcmp(key, "input") != 0)
		return DirectFunctionCall1(jsonb_in, CStringGetDatum(value));
	return OidFunctionCall3(F_ARRAY_IN, CStringGetDatum(value),
							ObjectIdGetDatum(INT4OID), Int32GetDatum(-1));
}

/* The same of image, which a file need not have */
static Jsonb *
image_argument(FunctionCallInfo fcinfo, int n, const SafeTensors *file)
{
	if (PG_ARGISNULL(n) && safetensors_metadata(file, "image") == NULL)
		return NULL;
	return DatumGetJsonbP(architecture(fcinfo, n, file, "image"));
}

static NnLayout
layout_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *name;
	NnLayout	layout;

	argument_require(fcinfo, n, "layout");
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (!nn_layout(name, &layout))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized layout \"%s\"", name),
				 errhint("Valid values are %s.", NN_LAYOUTS)));
	return layout;
}

static void
append_name(StringInfo list, const char *name)
{
	appendStringInfo(list, "%s\"%s\"", list->len > 0 ? ", " : "", name);
}

/* What names had before them, and positions that are not those of the file */
static void
report_changes(const NnImport *import)
{
	if (import->prefix_length > 0)
		ereport(NOTICE,
				(errmsg("tensors of the file were found behind \"%s\"",
						pnstrdup(import->prefix, import->prefix_length))));
	for (int i = 0; i < nn_graph_tensors(import->graph); i++)
	{
		const NnPositions *positions = &import->positions[i];
		NnTensorInfo tensor;

		if (positions->numbers == NULL)
			continue;
		nn_graph_tensor(import->graph, i, &tensor);
		ereport(NOTICE,
				(errmsg("\"%s\" of the file was resized from %d x %d to %d x %d patches",
						tensor.name, positions->side, positions->side,
						positions->height, positions->width)));
	}
}

/* What of the model is not of the file, and what of the file is nowhere */
static void
report_parts(const NnImport *import)
{
	StringInfoData fresh;
	StringInfoData surplus;

	initStringInfo(&fresh);
	initStringInfo(&surplus);
	for (int i = 0; i < nn_graph_tensors(import->graph); i++)
	{
		NnTensorInfo tensor;

		nn_graph_tensor(import->graph, i, &tensor);
		if (nn_import_is_fresh(import, i))
			append_name(&fresh, tensor.name);
	}
	for (int i = 0; i < import->nsurplus; i++)
		append_name(&surplus, import->surplus[i]->name);
	if (surplus.len > 0)
		ereport(NOTICE,
				(errmsg_plural("%d tensor of the file is not used",
							   "%d tensors of the file are not used",
							   import->nsurplus, import->nsurplus),
				 errdetail("%s", surplus.data)));
	if (fresh.len > 0)
		ereport(NOTICE,
				(errmsg("the head is not in the file and starts from fresh weights"),
				 errdetail("%s", fresh.data),
				 errhint("Train it, or import without a head for the features themselves.")));
}

/* Make the model and its only version; returns the version's id. */
static int
store_import(const char *name, ArrayType *input, Jsonb *layers, Jsonb *image,
			 NnImport *import)
{
	CatalogModel model;
	int			version;

	SPI_connect();
	define_store(name, input, layers, image, nn_graph_outputs(import->graph));
	get_new_model(name, &model);
	version = version_store(&model, import->graph, weights_of_file, import,
							NULL);
	version_deploy(&model, version);
	SPI_finish();
	return version;
}

/*
 * import_model(name, file, input, layers, layout, image): needs CREATE on schema
 * similarity.  The file is not trusted: nn/safetensors and nn/import check
 * every size, name and shape, and nothing is stored unless all of it fits.
 */
Datum
import_model(PG_FUNCTION_ARGS)
{
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	char	   *name;
	bytea	   *bytes;
	NnGraph    *graph;
	NnImport	import;
	NnLayout	layout = layout_argument(fcinfo, 4);
	ArrayType  *input;
	Jsonb	   *layers;
	Jsonb	   *image;
	MediaSpec	spec;
	SafeTensors file;
	Status		status;

	model_require_writable("similarity.import_model()");
	require_create_right(GetUserId());
	argument_require(fcinfo, 0, "name");
	argument_require(fcinfo, 1, "file");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bytes = PG_GETARG_BYTEA_PP(1);
	define_check_name(name);
	if (!safetensors_open((const uint8_t *) VARDATA_ANY(bytes),
						  VARSIZE_ANY_EXHDR(bytes), arena, &file, &status))
		raise_status(&status);
	convert_from_utf8(&file);
	input = DatumGetArrayTypeP(architecture(fcinfo, 2, &file, "input"));
	layers = DatumGetJsonbP(architecture(fcinfo, 3, &file, "layers"));
	image = image_argument(fcinfo, 5, &file);
	graph = spec_graph(arena, input, layers);
	spec_image(&spec, graph, image);
	if (nn_graph_weights(graph) > VARSIZE_ANY_EXHDR(bytes))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("file has fewer weights than the architecture"),
				 errdetail("The architecture has %zu weights, the file %zu bytes.",
						   nn_graph_weights(graph),
						   (size_t) VARSIZE_ANY_EXHDR(bytes))));
	if (!nn_import_begin(&import, &file, graph, layout, arena, &status))
		raise_status(&status);
	report_parts(&import);
	report_changes(&import);
	PG_RETURN_INT32(store_import(name, input, layers, image, &import));
}
