/*
 * embedding.c
 *	  Making and checking values of type embedding.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "embedding/embedding.h"
#include "kernel/distance.h"

Embedding *
embedding_new(int dims)
{
	Embedding  *e;

	if (dims < 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("embedding must have at least 1 dimension")));
	if (dims > EMBEDDING_MAX_DIMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("embedding cannot have more than %d dimensions",
						EMBEDDING_MAX_DIMS)));
	e = palloc0(EMBEDDING_SIZE(dims));
	SET_VARSIZE(e, EMBEDDING_SIZE(dims));
	e->dims = dims;
	e->kind = EMBEDDING_FLOAT;
	e->scale = 1;
	return e;
}

Embedding *
embedding_check(Embedding *e)
{
	Size		size = VARSIZE(e);

	if (size < EMBEDDING_SIZE(1) || e->kind != EMBEDDING_FLOAT ||
		e->dims < 1 || e->dims > EMBEDDING_MAX_DIMS ||
		size != EMBEDDING_SIZE(e->dims))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("value of type embedding is corrupted"),
				 errdetail("Its header does not agree with its size of %zu bytes.",
						   size)));
	return e;
}

void
embedding_check_dims(const Embedding *a, const Embedding *b)
{
	if (a->dims != b->dims)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("different numbers of dimensions: %d and %d",
						a->dims, b->dims)));
}

void
embedding_check_pair(const Embedding *a, const Embedding *b)
{
	embedding_check_dims(a, b);
	if (a->model != b->model && a->model != 0 && b->model != 0)
		embedding_raise_model_mismatch(a->model, b->model);
}

void
embedding_raise_model_mismatch(int a, int b)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("embeddings of different model versions cannot be compared"),
			 errdetail("One was made by model version %d, the other by %d.", a, b),
			 errhint("Embed both with the same version; similarity.model_versions lists them.")));
}

void
embedding_check_finite(const Embedding *e)
{
	for (int i = 0; i < e->dims; i++)
	{
		if (!isfinite(e->x[i]))
			ereport(ERROR,
					(errcode(isnan(e->x[i]) ? ERRCODE_DATA_EXCEPTION : ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("%s is not allowed in embedding",
							isnan(e->x[i]) ? "NaN" : "infinity"),
					 errdetail("Element %d is not a finite number.", i + 1)));
	}
}

/* The schema the extension was created in; the type stands there. */
static Oid
extension_schema(void)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	Oid			schema = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum("similarity"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return schema;
}

Oid
embedding_type_oid(void)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
									   CStringGetDatum("embedding"),
									   ObjectIdGetDatum(extension_schema()));

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type \"embedding\" does not exist"),
				 errhint("Run CREATE EXTENSION similarity in this database.")));
	return type;
}

Oid
embedding_array_type_oid(void)
{
	return get_array_type(embedding_type_oid());
}

const char *
embedding_schema_name(void)
{
	return get_namespace_name(extension_schema());
}

double
embedding_l2_distance(const Embedding *a, const Embedding *b)
{
	return sqrt(kernel_l2_squared_distance(a->x, b->x, a->dims));
}

double
embedding_cosine_distance(const Embedding *a, const Embedding *b)
{
	return kernel_cosine_distance(a->x, b->x, a->dims);
}

double
embedding_negative_inner_product(const Embedding *a, const Embedding *b)
{
	return -kernel_inner_product(a->x, b->x, a->dims);
}

double
embedding_l1_distance(const Embedding *a, const Embedding *b)
{
	return kernel_l1_distance(a->x, b->x, a->dims);
}
