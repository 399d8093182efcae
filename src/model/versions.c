/*
 * versions.c
 *	  Finished versions of a model: weights into the catalog and out of it.
 *
 * What is read back is not trusted: somebody may have edited a dump, and a
 * wrong size would let the network read beyond the array.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

#include "base/random.h"
#include "model/architecture.h"
#include "model/version_id.h"
#include "model/versions.h"
#include "server/catalog.h"
#include "server/catalog_dependents.h"
#include "server/catalog_scan.h"
#include "server/catalog_tables.h"
#include "server/compat.h"
#include "server/parts.h"

StaticAssertDecl(sizeof(real) == sizeof(float4),
				 "the server computes in float4");

#define WEIGHTS_HINT "Restore the weights from a dump, or train the model again."

static void
swap_to_little_endian(uint32 *words, size_t count)
{
#ifdef WORDS_BIGENDIAN
	for (size_t i = 0; i < count; i++)
		words[i] = pg_bswap32(words[i]);
#endif
}

/* The fingerprint of a version is a chain over the checksums of its parts. */
static uint64
extend_fingerprint(uint64 fingerprint, uint32 crc)
{
	return random_hash(&crc, sizeof(crc), fingerprint);
}

static char *
corrupted_weights(int version)
{
	return psprintf("weights of model version %d are corrupted", version);
}

/* A tensor's bytes */
static Parts
tensor_parts(const char *error, const NnTensorInfo *tensor)
{
	Parts		parts = {error, "Tensor", tensor->name, WEIGHTS_HINT, tensor->count * sizeof(float4)};

	return parts;
}

/* ---- storing ---- */

void
weights_of_array(void *weights, const NnTensorInfo *tensor, size_t first,
				 size_t n, float *out)
{
	memcpy(out, (const float *) weights + tensor->offset + first,
		   n * sizeof(float));
}

static void
check_finite(const CatalogModel *model, const float *weights, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (!isfinite(weights[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("weights of model \"%s\" are not finite",
							NameStr(model->name))));
	}
}

typedef struct Storing
{
	const CatalogModel *model;
	int			version;
	WeightsSource source;
	void	   *state;
} Storing;

static uint32
store_part(const Storing *storing, const Parts *part,
		   const NnTensorInfo *tensor)
{
	size_t		count = part->length / sizeof(float4);
	bytea	   *data = parts_allocate(part);
	uint32		crc;
	CatalogArgs args = {0};

	storing->source(storing->state, tensor, part->offset / sizeof(float4),
					count, (float *) VARDATA(data));
	check_finite(storing->model, (float *) VARDATA(data), count);
	swap_to_little_endian((uint32 *) VARDATA(data), count);

	catalog_arg_int(&args, storing->version);
	catalog_arg_text(&args, tensor->name);
	crc = parts_add_arguments(part, data, &args);
	catalog_arg(&args, INT4ARRAYOID,
				PointerGetDatum(spec_shape_array(&tensor->shape)), false);
	catalog_write("model_weights",
				  "INSERT INTO _similarity.model_weights (version, tensor, part, checksum, data, shape) "
				  "VALUES ($1, $2, $3, $4, $5, $6)", &args);
	pfree(data);
	return crc;
}

static void
store_version(const CatalogModel *model, int version, Jsonb *metrics)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, version);
	catalog_arg_int(&args, model->id);
	catalog_arg(&args, JSONBOID, PointerGetDatum(metrics), metrics == NULL);
	catalog_write("model_version",
				  "INSERT INTO _similarity.model_version (id, model, fingerprint, metrics) "
				  "VALUES ($1, $2, 0, coalesce($3, '{}'))", &args);
}

static void
store_fingerprint(int version, uint64 fingerprint)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, version);
	catalog_arg_bigint(&args, (int64) fingerprint);
	catalog_write("model_version",
				  "UPDATE _similarity.model_version SET fingerprint = $2 "
				  "WHERE id OPERATOR(pg_catalog.=) $1", &args);
}

int
version_store(const CatalogModel *model, const NnGraph *graph,
			  WeightsSource source, void *state, Jsonb *metrics)
{
	const Storing storing = {model, version_id_new(), source, state};
	uint64		fingerprint = 0;

	store_version(model, storing.version, metrics);
	for (int i = 0; i < nn_graph_tensors(graph); i++)
	{
		NnTensorInfo tensor;
		Parts		part;

		nn_graph_tensor(graph, i, &tensor);
		part = tensor_parts(NULL, &tensor);
		while (parts_next(&part))
			fingerprint = extend_fingerprint(fingerprint,
											 store_part(&storing, &part,
														&tensor));
	}
	store_fingerprint(storing.version, fingerprint);
	return storing.version;
}

/* ---- loading ---- */

static bool
same_shape(ArrayType *stored, const NnShape *shape)
{
	return ARR_NDIM(stored) == 1 && !ARR_HASNULL(stored) &&
		ARR_ELEMTYPE(stored) == INT4OID && ARR_DIMS(stored)[0] == shape->rank &&
		memcmp(ARR_DATA_PTR(stored), shape->dim,
			   shape->rank * sizeof(int32)) == 0;
}

/* Copy one part's bytes where they belong, checked. */
static uint32
take_part(const Parts *part, const NnTensorInfo *tensor, CatalogScan *scan,
		  float *weights)
{
	float	   *target = weights + tensor->offset;
	float	   *taken = target + part->offset / sizeof(float4);
	size_t		count = part->length / sizeof(float4);
	uint32		crc;

	if (!same_shape(DatumGetArrayTypeP(catalog_scan_value(scan,
														  MODEL_WEIGHTS_SHAPE,
														  INT4ARRAYOID)),
					&tensor->shape))
		parts_raise_corrupted(part, "has another shape");
	crc = parts_take(part, catalog_scan_value(scan, MODEL_WEIGHTS_DATA,
											  BYTEAOID),
					 DatumGetInt64(catalog_scan_value(scan,
													  MODEL_WEIGHTS_CHECKSUM,
													  INT8OID)), target);
	swap_to_little_endian((uint32 *) taken, count);
	for (size_t i = 0; i < count; i++)
	{
		if (!isfinite(taken[i]))
			parts_raise_corrupted(part, "has a number that is not finite");
	}
	return crc;
}

static uint32
load_part(int version, const Parts *part, const NnTensorInfo *tensor,
		  float *weights)
{
	text	   *name = cstring_to_text(tensor->name);
	CatalogScan scan;
	ScanKeyData keys[3];
	uint32		crc;

	ScanKeyInit(&keys[0], MODEL_WEIGHTS_VERSION, BTEqualStrategyNumber,
				F_INT4EQ, Int32GetDatum(version));
	ScanKeyInit(&keys[1], MODEL_WEIGHTS_TENSOR, BTEqualStrategyNumber, F_TEXTEQ,
				PointerGetDatum(name));
	ScanKeyInit(&keys[2], MODEL_WEIGHTS_PART, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(part->number));
	keys[1].sk_collation = DEFAULT_COLLATION_OID;
	catalog_scan_begin(&scan, "model_weights", "model_weights_pkey", 3, keys);
	if (!catalog_scan_next(&scan))
		parts_raise_corrupted(part, "is missing or incomplete");
	crc = take_part(part, tensor, &scan, weights);
	catalog_scan_end(&scan);
	return crc;
}

void
version_load(const CatalogVersion *version, const NnGraph *graph,
			 float *weights)
{
	char	   *error = corrupted_weights(version->id);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "weights of a model",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	uint64		fingerprint = 0;

	for (int i = 0; i < nn_graph_tensors(graph); i++)
	{
		NnTensorInfo tensor;
		Parts		part;

		nn_graph_tensor(graph, i, &tensor);
		part = tensor_parts(error, &tensor);
		while (parts_next(&part))
		{
			fingerprint = extend_fingerprint(fingerprint,
											 load_part(version->id, &part,
													   &tensor, weights));
			MemoryContextReset(scratch);
		}
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	if ((int64) fingerprint != version->fingerprint)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%s", error),
				 errdetail("They do not match the version's fingerprint."),
				 errhint(WEIGHTS_HINT)));
	pfree(error);
}

/* ---- deployment ---- */

bool
version_deploy(const CatalogModel *model, int version)
{
	CatalogArgs args = {0};

	if (catalog_gallery_of_owner(model->id, 0, version) != NULL)
		return false;
	catalog_arg_int(&args, model->id);
	catalog_arg_int(&args, version);
	if (catalog_run("INSERT INTO _similarity.deployment (model, version) "
					"SELECT model, id FROM _similarity.model_version "
					"WHERE model OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2 FOR KEY SHARE "
					"ON CONFLICT (model) DO UPDATE SET version = $2, deployed = pg_catalog.now()", &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model version %d does not exist", version)));
	return true;
}
