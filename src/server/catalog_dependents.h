/*
 * catalog_dependents.h
 *	  What hangs on a model, a version or a role, in the tables of every room.
 *
 * These are the only statements that name tables of a room above: whoever
 * deletes a model need not know who keeps something about it.  SPI must be
 * connected; the caller has checked privileges.
 */
#ifndef SERVER_CATALOG_DEPENDENTS_H
#define SERVER_CATALOG_DEPENDENTS_H

#include "postgres.h"

#include "server/catalog.h"

/*
 * Wait for whoever is making a gallery of the model's version (0: of any of its
 * versions, or granting the model), and keep others from it; then see whether
 * there is one.
 */
extern void catalog_lock_versions(int32 model, int version);

/*
 * Name of a gallery that keeps the model's owner from dropping its version (0:
 * any), or from deploying another one (than other; 0: none), or NULL.  Galleries
 * of strangers, whose role the model's owner has not, keep nobody from anything.
 * SPI must be connected.
 */
extern char *catalog_gallery_of_owner(int32 model, int version, int other);

/*
 * Delete a version or a model and all that belongs to it.  Galleries that still
 * hold it have no model from then on.
 */
extern void catalog_delete_version(int version);
extern void catalog_delete_model(int32 model);

/*
 * Of roles, an array of OIDs as $1: the first model or gallery that they own,
 * as a phrase (NULL: they own none); delete their galleries.
 */
extern char *catalog_owned_by(const CatalogArgs *roles);
extern void catalog_delete_galleries_of(const CatalogArgs *roles);

/* Give what the role $1 owns to the role $2. */
extern void catalog_reassign_owned(const CatalogArgs *roles);

/* Of relations that are gone, an array of OIDs as $1: their galleries and re-embeddings */
extern void catalog_forget_relations(const CatalogArgs *relations);

#endif							/* SERVER_CATALOG_DEPENDENTS_H */
