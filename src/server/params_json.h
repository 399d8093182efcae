/*
 * params_json.h
 *	  From a jsonb object to Params.
 */
#ifndef SERVER_PARAMS_JSON_H
#define SERVER_PARAMS_JSON_H

#include "postgres.h"

#include "base/params.h"
#include "utils/jsonb.h"

/*
 * Fill params from a jsonb object: defaults, then each key.  owner names the
 * thing in messages ('loss "triplet"') and must live as long as params.
 * ERROR, with a hint that lists what is accepted, if json is not an object, a
 * key is unknown, a value has the wrong type or is out of range, or a required
 * parameter is missing.  NULL counts as {}.  Keys in the NULL-terminated list
 * skip are left to the caller; NULL: none.
 */
extern void params_from_jsonb(Params *params, const char *owner,
							  const ParamSpec *specs, Jsonb *json,
							  const char *const *skip);

/*
 * What {"name": {parameters}} names, and its parameters, palloc'd; false unless
 * the container is an object with one key.
 */
extern bool params_named(JsonbContainer *container, char **name,
						 Jsonb **params);

#endif							/* SERVER_PARAMS_JSON_H */
