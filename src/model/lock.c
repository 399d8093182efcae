/*
 * lock.c
 *	  The lock on a model's future: train, deploy and drop_model.
 *
 * A training that commits as it goes holds it for the session.  PostgreSQL
 * lets go of such a lock, as of VACUUM's, when a transaction aborts.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/snapmgr.h"

#include "model/model.h"
#include "model/model_catalog.h"
#include "server/catalog_scan.h"

static void
set_tag(LOCKTAG *tag, const CatalogModel *model)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, catalog_table("model"), model->id,
					   0);
}

/* Somebody may have dropped the model between look-up and lock. */
static void
check_existence(const CatalogModel *model)
{
	CatalogModel now;

	PushActiveSnapshot(GetLatestSnapshot());
	catalog_get_model(NameStr(model->name), &now);
	PopActiveSnapshot();
	if (now.id != model->id)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" was dropped and re-created",
						NameStr(model->name))));
}

void
model_require_writable(const char *function)
{
	PreventCommandDuringRecovery(function);
	PreventCommandIfReadOnly(function);
}

void
catalog_lock_model(const CatalogModel *model, LOCKMODE mode, bool session)
{
	LOCKTAG		tag;

	set_tag(&tag, model);
	if (LockAcquire(&tag, mode, session, true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("model \"%s\" is being trained, deployed or dropped by another session",
						NameStr(model->name)),
				 errhint("similarity.training_runs shows trainings.")));
	check_existence(model);
}

void
catalog_unlock_model(const CatalogModel *model, LOCKMODE mode)
{
	LOCKTAG		tag;

	set_tag(&tag, model);
	LockRelease(&tag, mode, true);
}
