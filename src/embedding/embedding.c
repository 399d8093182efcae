/*
 * embedding.c
 *	  Making and checking values of type embedding.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "embedding/embedding.h"
#include "server/catalog.h"
#include "server/compat.h"

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
	e->kind = ELEMENT_FLOAT;
	e->scale = 1;
	return e;
}

/* The unused bits of a bit value's last byte must not count as differences. */
static bool
has_clean_end(const Embedding *e)
{
	return e->kind != ELEMENT_BIT ||
		element_is_sound(ELEMENT_BIT, embedding_elements(e), 1, e->dims);
}

Embedding *
embedding_check(Embedding *e)
{
	Size		size = VARSIZE(e);

	if (size <= EMBEDDING_HEADER_SIZE || e->kind >= ELEMENT_KINDS ||
		e->dims < 1 || e->dims > EMBEDDING_MAX_DIMS ||
		size != embedding_size(e->kind, e->dims) ||
		!element_scale_is_sound(e->kind, e->scale) || !has_clean_end(e))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("value of type embedding is corrupted"),
				 errdetail("Its header does not agree with its size of %zu bytes.",
						   size)));
	return e;
}

void
embedding_decode(const Embedding *e, float *out)
{
	element_decode(e->kind, embedding_elements(e), e->scale, e->dims, out);
}

const float *
embedding_floats(const Embedding *e, float *scratch)
{
	if (e->kind == ELEMENT_FLOAT)
		return e->x;
	if (scratch == NULL)
		scratch = palloc(sizeof(float) * e->dims);
	embedding_decode(e, scratch);
	return scratch;
}

Embedding *
embedding_convert(Embedding *e, ElementKind kind)
{
	Embedding  *result;
	const float *x;
	size_t		done;

	if (e->kind == kind)
		return e;
	result = palloc(embedding_size(kind, e->dims));
	memcpy(result, e, EMBEDDING_HEADER_SIZE);
	SET_VARSIZE(result, embedding_size(kind, e->dims));
	result->kind = kind;
	x = embedding_floats(e, NULL);
	done = element_encode(kind, x, e->dims, result->x, &result->scale);
	if (done < e->dims)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%g\" is out of range for %s precision of type embedding",
						x[done], element_name(kind)),
				 errdetail("Element %zu is beyond 65504, the largest half.",
						   done + 1)));
	if (x != e->x)
		pfree(unconstify(float *, x));
	return result;
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
			 errdetail("One was made by model version %d, the other by %d.", a,
					   b),
			 errhint("Embed both with the same version; similarity.model_versions lists them.")));
}

void
embedding_merge_model(int *model, const Embedding *e)
{
	if (*model != 0 && e->model != 0 && e->model != *model)
		embedding_raise_model_mismatch(*model, e->model);
	if (e->model != 0)
		*model = e->model;
}

void
embedding_check_finite(const Embedding *e)
{
	for (int i = 0; i < e->dims; i++)
	{
		if (!isfinite(e->x[i]))
			ereport(ERROR,
					(errcode(isnan(e->x[i]) ? ERRCODE_DATA_EXCEPTION :
							 ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("%s is not allowed in embedding",
							isnan(e->x[i]) ? "NaN" : "infinity"),
					 isnan(e->x[i]) ?
					 errdetail("Element %d is not a number.", i + 1) :
					 errdetail("Element %d is beyond 3.4e38, the largest real.", i + 1)));
	}
}

static Oid
type_in_schema(Oid schema)
{
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum("embedding"),
						   ObjectIdGetDatum(schema));
}

/*
 * The type, and the extension's schema; either is invalid if it is not there.  No
 * syscache has extensions.  The schema of one does not change; another one,
 * created after it was dropped, has another type.
 */
static Oid
find_type(Oid *schema)
{
	static Oid	known_schema = InvalidOid;
	static Oid	known_type = InvalidOid;
	Oid			owner;

	if (!OidIsValid(known_type) || type_in_schema(known_schema) != known_type)
	{
		if (!catalog_extension(&owner, &known_schema))
			known_schema = InvalidOid;
		known_type = type_in_schema(known_schema);
	}
	*schema = known_schema;
	return known_type;
}

Oid
embedding_type_oid(void)
{
	Oid			schema;
	Oid			type = find_type(&schema);

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type \"embedding\" does not exist"),
				 errhint("Run CREATE EXTENSION similarity in this database.")));
	return type;
}

const char *
embedding_schema_name(void)
{
	Oid			schema;

	(void) find_type(&schema);
	return get_namespace_name(schema);
}
