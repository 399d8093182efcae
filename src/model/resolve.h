/*
 * resolve.h
 *	  From the model that a call names to the version that it runs.
 */
#ifndef MODEL_RESOLVE_H
#define MODEL_RESOLVE_H

#include "postgres.h"

#include "model/model_catalog.h"

/*
 * The deployed version of a model, or the version of an id, after a check that
 * the current role may use the model.  ERRCODE_UNDEFINED_OBJECT if there is no
 * such model or version, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the model
 * has none.  Answers from memory while the snapshot is the same.
 */
extern CatalogVersion resolve_model(const char *name);
extern CatalogVersion resolve_version(int id);

#endif							/* MODEL_RESOLVE_H */
