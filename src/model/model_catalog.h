/*
 * model_catalog.h
 *	  The catalog tables of models: look-ups and privileges.
 *
 * Reading a model, a version or a deployment goes straight to the table and
 * sees what the active snapshot sees.  Everything else is SQL through
 * catalog_run() of server/catalog.h, which needs SPI connected.
 */
#ifndef MODEL_MODEL_CATALOG_H
#define MODEL_MODEL_CATALOG_H

#include "postgres.h"

#include "media/media.h"
#include "model/model.h"
#include "nn/nn.h"
#include "server/catalog.h"
#include "storage/lockdefs.h"
#include "utils/jsonb.h"

typedef struct CatalogModel
{
	int32		id;				/* never reused */
	NameData	name;
	Oid			owner;			/* a role; InvalidOid or gone: superusers' */
	int			dims;			/* of its embeddings */
} CatalogModel;

/* A finished version; its row and its weights never change. */
typedef struct CatalogVersion
{
	int			id;				/* 1 .. 32767 */
	int32		model;
	int64		fingerprint;	/* of its weights */
} CatalogVersion;

/* False if there is none, or ERRCODE_UNDEFINED_OBJECT.  No privilege check. */
extern bool catalog_find_model(const char *name, CatalogModel *model);
extern void catalog_get_model(const char *name, CatalogModel *model);
extern void catalog_get_model_by_id(int32 id, CatalogModel *model);
extern void catalog_get_version(int id, CatalogVersion *version);
extern bool catalog_find_version(int id, CatalogVersion *version);

/* Is the version there, whole; and may the current role use it? */
extern bool catalog_version_is_there(int id);
extern bool catalog_version_is_usable(int id);

/* The deployed version, 0 if there is none. */
extern int	catalog_deployed_version(const CatalogModel *model);

/*
 * The layer graph of a model, in arena, and how it takes pictures, if image is
 * not NULL; checked as at create_model.
 */
extern NnGraph *catalog_model_graph(const CatalogModel *model, Arena *arena,
									MediaSpec *image);

/* The image of create_model as it was given, palloc'd; NULL if it was not */
extern Jsonb *catalog_model_image(const CatalogModel *model);

/*
 * ERRCODE_INSUFFICIENT_PRIVILEGE unless the current role owns the model (has
 * the privileges of its owner, or is superuser); may use it (owns it, or it
 * or PUBLIC was granted usage).
 */
extern void catalog_require_owner(const CatalogModel *model);
extern void catalog_require_usage(const CatalogModel *model);

/* The same for who names a version, which does not tell whose model it is of. */
extern void catalog_require_usage_of_version(const CatalogModel *model,
											 int version);

/*
 * Heavyweight lock on a model's future: ShareUpdateExclusiveLock by deploy,
 * AccessExclusiveLock by drop_model, ExclusiveLock by train: they all exclude
 * each other.  ERRCODE_OBJECT_IN_USE at once if somebody else holds it,
 * ERRCODE_UNDEFINED_OBJECT if the model was concurrently dropped.
 *
 * session = false: held to the end of the transaction.  session = true (train
 * outside of a transaction block): held over commits until
 * catalog_unlock_model() or the next abort of a transaction.
 */
extern void catalog_lock_model(const CatalogModel *model, LOCKMODE mode,
							   bool session);
extern void catalog_unlock_model(const CatalogModel *model, LOCKMODE mode);

#endif							/* MODEL_MODEL_CATALOG_H */
