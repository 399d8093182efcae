/*
 * gallery_input.c
 *	  From what a user gives to embeddings of the gallery.
 *
 * A value of type embedding is taken as it is: operators check dimensions and
 * model version.  Everything else runs through the gallery's model, in the
 * gallery's version, whatever is deployed.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "gallery/gallery.h"
#include "gallery/gallery_input.h"
#include "model/model.h"

static bool
is_raw(Oid type)
{
	return getBaseType(type) != embedding_type_oid();
}

void
gallery_require_input(const Gallery *gallery, Oid type)
{
	if (!is_raw(type))
		return;
	if (gallery->model == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("gallery \"%s\" has no model to embed its input",
						gallery->name),
				 errhint("Give values of type embedding, or create the gallery with a model.")));
	model_require_usage(gallery->model);
}

Embedding *
gallery_embed(const Gallery *gallery, Datum input, Oid type)
{
	if (is_raw(type))
		return model_embed(gallery->version, input, type);
	return embedding_check(DatumGetEmbedding(input));
}

void
gallery_embed_many(const Gallery *gallery, const Datum *inputs, Oid type,
				   int n, ModelInputContext describe, void *arg,
				   Embedding **out)
{
	if (is_raw(type))
	{
		model_embed_many(gallery->version, inputs, type, n, describe, arg, out);
		return;
	}
	for (int i = 0; i < n; i++)
		out[i] = embedding_check(DatumGetEmbedding(inputs[i]));
}

Datum
gallery_column_value(Embedding *embedding, Oid type, int32 typmod)
{
	Oid			base = getBaseTypeAndTypmod(type, &typmod);
	Datum		value = PointerGetDatum(embedding_coerce(embedding, typmod));

	if (base != type)
		domain_check(value, false, type, NULL, NULL);
	return value;
}
