/*
 * json_object.h
 *	  Building a jsonb object, key by key.
 *
 * Keys may come in any order and must differ.  Everything is allocated in
 * CurrentMemoryContext.
 */
#ifndef SERVER_JSON_OBJECT_H
#define SERVER_JSON_OBJECT_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/jsonb.h"

typedef struct JsonObject
{
	JsonbParseState *state;
} JsonObject;

extern void json_begin(JsonObject *object);
extern Jsonb *json_end(JsonObject *object);

extern void json_null(JsonObject *object, const char *key);
extern void json_integer(JsonObject *object, const char *key, int64 value);

/* As printf prints it by this format; null if it is not finite */
extern void json_number(JsonObject *object, const char *key, const char *format,
						double value);

/* NULL gives null. */
extern void json_text(JsonObject *object, const char *key, const char *value);
extern void json_jsonb(JsonObject *object, const char *key, Jsonb *value);

/* An array of type text[] without nulls, of one dimension */
extern void json_texts(JsonObject *object, const char *key, ArrayType *array);

#endif							/* SERVER_JSON_OBJECT_H */
