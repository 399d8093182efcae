/*
 * model_catalog.c
 *	  The catalog tables of models: look-ups and privileges.
 *
 * The tables are closed to everybody but the extension's owner.  The functions
 * here check what the current role may do by the rows themselves (owner,
 * model_grant) and then read directly.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

#include "model/architecture.h"
#include "model/model_catalog.h"
#include "server/catalog_scan.h"
#include "server/catalog_tables.h"
#include "server/dump.h"

/* ---- look-ups ---- */

static const char *
model_entry(const CatalogModel *model)
{
	return psprintf("model \"%s\"", NameStr(model->name));
}

static bool
read_model(const char *index, ScanKey key, CatalogModel *model)
{
	CatalogScan scan;
	bool		found;

	catalog_scan_begin(&scan, "model", index, 1, key);
	found = catalog_scan_next(&scan);
	if (found)
	{
		model->id = DatumGetInt32(catalog_scan_value(&scan, MODEL_ID, INT4OID));
		model->name = *DatumGetName(catalog_scan_value(&scan, MODEL_NAME,
													   NAMEOID));
		model->owner = catalog_scan_oid(&scan, MODEL_OWNER);
		model->dims = DatumGetInt32(catalog_scan_value(&scan, MODEL_DIMS,
													   INT4OID));
		if (model->dims < 1 || model->dims > EMBEDDING_MAX_DIMS)
			catalog_raise_damaged(model_entry(model),
								  psprintf("It says %d dimensions.",
										   model->dims));
	}
	catalog_scan_end(&scan);
	return found;
}

bool
catalog_find_model(const char *name, CatalogModel *model)
{
	NameData	key_name;
	ScanKeyData key;

	if (strlen(name) >= NAMEDATALEN)
		return false;
	namestrcpy(&key_name, name);
	ScanKeyInit(&key, MODEL_NAME, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(&key_name));
	return read_model("model_name_key", &key, model);
}

void
catalog_get_model(const char *name, CatalogModel *model)
{
	if (!catalog_find_model(name, model))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" does not exist", name),
				 errhint("similarity.models lists the models that you may use.")));
}

static bool
find_model_by_id(int32 id, CatalogModel *model)
{
	ScanKeyData key;

	ScanKeyInit(&key, MODEL_ID, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(id));
	return read_model("model_pkey", &key, model);
}

void
catalog_get_model_by_id(int32 id, CatalogModel *model)
{
	if (!find_model_by_id(id, model))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model with id %d does not exist", id)));
}

bool
catalog_find_version(int id, CatalogVersion *version)
{
	ScanKeyData key;
	CatalogScan scan;
	bool		found;

	if (id < 1 || id > EMBEDDING_MAX_MODEL)
		return false;
	ScanKeyInit(&key, MODEL_VERSION_ID, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(id));
	catalog_scan_begin(&scan, "model_version", "model_version_pkey", 1, &key);
	found = catalog_scan_next(&scan);
	if (found)
	{
		version->id = id;
		version->model = DatumGetInt32(catalog_scan_value(&scan,
														  MODEL_VERSION_MODEL,
														  INT4OID));
		version->fingerprint = DatumGetInt64(catalog_scan_value(&scan,
																MODEL_VERSION_FINGERPRINT, INT8OID));
	}
	catalog_scan_end(&scan);
	return found;
}

void
catalog_get_version(int id, CatalogVersion *version)
{
	if (!catalog_find_version(id, version))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model version %d does not exist", id),
				 errhint("similarity.model_versions lists the versions that you may use.")));
}

/* While a dump is being loaded, versions may come after deployments. */
static void
check_deployed(const CatalogModel *model, int id)
{
	CatalogVersion version;

	if (loading_dump())
		return;
	if (!catalog_find_version(id, &version) || version.model != model->id)
		catalog_raise_damaged(psprintf("the deployment of model \"%s\"",
									   NameStr(model->name)),
							  psprintf("Version %d is not one of the model.",
									   id));
}

int
catalog_deployed_version(const CatalogModel *model)
{
	ScanKeyData key;
	CatalogScan scan;
	int			version = 0;

	ScanKeyInit(&key, DEPLOYMENT_MODEL, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(model->id));
	catalog_scan_begin(&scan, "deployment", "deployment_pkey", 1, &key);
	if (catalog_scan_next(&scan))
		version = DatumGetInt32(catalog_scan_value(&scan, DEPLOYMENT_VERSION,
												   INT4OID));
	catalog_scan_end(&scan);
	if (version != 0)
		check_deployed(model, version);
	return version;
}

/* Is an error of spec_graph() one of what it was given, and not of the machine? */
static bool
is_of_input(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION) ||
		sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

static Jsonb *
scan_image(CatalogScan *scan)
{
	if (catalog_scan_isnull(scan, MODEL_IMAGE))
		return NULL;
	return DatumGetJsonbPCopy(catalog_scan_value(scan, MODEL_IMAGE, JSONBOID));
}

/* What create_model() would have refused */
static NnGraph *
stored_graph(const CatalogModel *model, Arena *arena, CatalogScan *scan,
			 MediaSpec *image)
{
	ArrayType  *input = DatumGetArrayTypeP(catalog_scan_value(scan, MODEL_INPUT,
															  INT4ARRAYOID));
	Jsonb	   *layers = DatumGetJsonbP(catalog_scan_value(scan, MODEL_LAYERS,
														   JSONBOID));
	Jsonb	   *given = scan_image(scan);
	MediaSpec	spec;
	MemoryContext caller = CurrentMemoryContext;
	NnGraph    *graph;

	PG_TRY();
	{
		graph = spec_graph(arena, input, layers);
		spec_image(&spec, graph, given);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		if (!is_of_input(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		catalog_raise_damaged(model_entry(model), error->message);
	}
	PG_END_TRY();
	if (image != NULL)
		*image = spec;
	return graph;
}

static bool
scan_model(CatalogScan *scan, const CatalogModel *model)
{
	ScanKeyData key;

	ScanKeyInit(&key, MODEL_ID, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(model->id));
	catalog_scan_begin(scan, "model", "model_pkey", 1, &key);
	return catalog_scan_next(scan);
}

NnGraph *
catalog_model_graph(const CatalogModel *model, Arena *arena, MediaSpec *image)
{
	CatalogScan scan;
	NnGraph    *graph = NULL;

	if (scan_model(&scan, model))
		graph = stored_graph(model, arena, &scan, image);
	catalog_scan_end(&scan);
	if (graph == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" does not exist", NameStr(model->name))));
	if (nn_graph_outputs(graph) != model->dims)
		catalog_raise_damaged(model_entry(model),
							  psprintf("It says %d dimensions, but its layers give %d.",
									   model->dims,
									   nn_graph_outputs(graph)));
	return graph;
}

Jsonb *
catalog_model_image(const CatalogModel *model)
{
	CatalogScan scan;
	Jsonb	   *image = scan_model(&scan, model) ? scan_image(&scan) : NULL;

	catalog_scan_end(&scan);
	return image;
}

/* ---- privileges ---- */

static bool
is_owner(const CatalogModel *model)
{
	return has_privs_of_role(GetUserId(), model->owner);
}

static bool
is_granted(const CatalogModel *model)
{
	ScanKeyData key;
	CatalogScan scan;
	bool		granted = false;

	ScanKeyInit(&key, MODEL_GRANT_MODEL, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(model->id));
	catalog_scan_begin(&scan, "model_grant", "model_grant_model_idx", 1, &key);
	while (!granted && catalog_scan_next(&scan))
		granted = catalog_scan_isnull(&scan, MODEL_GRANT_GRANTEE) ||
			has_privs_of_role(GetUserId(),
							  catalog_scan_oid(&scan, MODEL_GRANT_GRANTEE));
	catalog_scan_end(&scan);
	return granted;
}

void
catalog_require_owner(const CatalogModel *model)
{
	if (!is_owner(model))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of model \"%s\"",
						NameStr(model->name))));
}

void
catalog_require_usage(const CatalogModel *model)
{
	if (!is_owner(model) && !is_granted(model))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for model \"%s\"",
						NameStr(model->name)),
				 errhint("Its owner can run similarity.grant_usage(%s, %s).",
						 quote_literal_cstr(NameStr(model->name)),
						 quote_literal_cstr(GetUserNameFromId(GetUserId(),
															  false)))));
}

void
catalog_require_usage_of_version(const CatalogModel *model, int version)
{
	if (!is_owner(model) && !is_granted(model))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for model version %d", version),
				 errhint("similarity.model_versions lists the versions that you may use.")));
}

/* The rows of a table come all at once: one tells that the others are there. */
static bool
has_weights(int version)
{
	ScanKeyData key;
	CatalogScan scan;
	bool		found;

	ScanKeyInit(&key, MODEL_WEIGHTS_VERSION, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(version));
	catalog_scan_begin(&scan, "model_weights", "model_weights_pkey", 1, &key);
	found = catalog_scan_next(&scan);
	catalog_scan_end(&scan);
	return found;
}

bool
catalog_version_is_there(int id)
{
	CatalogVersion version;
	CatalogModel model;

	return catalog_find_version(id, &version) &&
		find_model_by_id(version.model, &model) &&
		(version.fingerprint == 0 || has_weights(id));
}

bool
catalog_version_is_usable(int id)
{
	CatalogVersion version;
	CatalogModel model;

	return catalog_version_is_there(id) && catalog_find_version(id, &version) &&
		find_model_by_id(version.model, &model) &&
		(is_owner(&model) || is_granted(&model));
}

void
model_require_usage(const char *model)
{
	CatalogModel entry;

	catalog_get_model(model, &entry);
	catalog_require_usage(&entry);
}

bool
model_is_owner(const char *model)
{
	CatalogModel entry;

	return catalog_find_model(model, &entry) && is_owner(&entry);
}

void
model_require_owner(const char *model)
{
	CatalogModel entry;

	catalog_get_model(model, &entry);
	catalog_require_owner(&entry);
}
