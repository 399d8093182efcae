/*
 * model.h
 *	  What other server rooms may call of the model room.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "postgres.h"

#include "embedding/embedding.h"

/*
 * The deployed version (1 .. 32767) of a model.  ERROR if there is no such
 * model, if the current role may not use it, or if it has no finished version.
 */
extern int	model_deployed_version(const char *model);

/* Number of dimensions of a version's embeddings. */
extern int	model_version_dims(int version);

/* Is this a type of inputs?  bytea, an array of numbers, embedding, domains over them */
extern bool model_takes_input(Oid type);

/* ERROR unless it is; query names the user's query whose first column is of it. */
extern void model_require_input_column(const char *query, Oid type);

/*
 * An input from its text, and which of these types that is: bytea if it begins
 * with \x, double precision[] with {, embedding with [; ERROR otherwise.
 */
extern Datum model_input_from_text(const char *input, Oid *type);

/* A version's number as clients send it; ERROR if there can be none of it */
extern int	model_version_argument(int64 version);

/*
 * Embed one input (of a type that model_takes_input()) with a finished
 * version.  Result is palloc'd and carries the tag.
 */
extern Embedding *model_embed(int version, Datum input, Oid type);

/* Adds to the context of an error which input was being read. */
typedef void (*ModelInputContext) (void *arg, int input);

/* Run the network on n inputs at once: out[i] is palloc'd. */
extern void model_embed_many(int version, const Datum *inputs, Oid type, int n,
							 ModelInputContext describe, void *arg,
							 Embedding **out);

/* ERROR in the name of a function that writes, where nothing can be: on a standby, in a read-only transaction. */
extern void model_require_writable(const char *function);

/* May the current role use (USAGE) or change (OWNER) the model?  ERROR if not. */
extern void model_require_usage(const char *model);
extern void model_require_owner(const char *model);
extern bool model_is_owner(const char *model);

/*
 * Keep others from training, deploying and dropping a model until
 * model_unlock() or an error, over commits.  ERROR unless the current role owns
 * the model and version is one of its versions.
 */
extern void model_lock_version(const char *model, int version);
extern void model_unlock(const char *model);

/* Deploy a version that every gallery of the model holds. */
extern void model_deploy(const char *model, int version);

#endif							/* MODEL_MODEL_H */
