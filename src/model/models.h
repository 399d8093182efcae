/*
 * models.h
 *	  What the functions that make models and versions share.
 */
#ifndef MODEL_MODELS_H
#define MODEL_MODELS_H

#include "postgres.h"

#include "fmgr.h"
#include "model/model_catalog.h"
#include "utils/array.h"
#include "utils/jsonb.h"

/* ERROR unless a new model may have this name. */
extern void define_check_name(const char *name);

/*
 * A model that the current role owns; its layers, and image, which may be NULL,
 * have been checked.  SPI.
 */
extern void define_store(const char *name, ArrayType *input, Jsonb *layers,
						 Jsonb *image, int dims);

/* A version of this model; ERROR if it is another one's or does not exist. */
extern void define_get_version(const CatalogModel *model, int id,
							   CatalogVersion *version);

/*
 * Of a function's arguments model and version: lock the model, which the current
 * role must own, and return the version, which must be one of its.
 */
extern int	define_lock_version(FunctionCallInfo fcinfo, LOCKMODE mode,
								CatalogModel *model);

#endif							/* MODEL_MODELS_H */
