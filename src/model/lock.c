/*
 * lock.c
 *	  The lock on a model's future: train, deploy and drop_model.
 *
 * PostgreSQL keeps a session's locks when a transaction aborts; a training
 * that fails must not keep its own until the client disconnects.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/snapmgr.h"

#include "model/catalog.h"
#include "model/catalog_scan.h"

/* The lock held for the session; mode is NoLock while there is none. */
static LOCKTAG session_tag;
static LOCKMODE session_mode = NoLock;

static void
release_session_lock(void)
{
	if (session_mode != NoLock)
		LockRelease(&session_tag, session_mode, true);
	session_mode = NoLock;
}

static void
release_at_abort(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		release_session_lock();
}

static void
keep_session_lock(const LOCKTAG *tag, LOCKMODE mode)
{
	static bool registered = false;

	if (!registered)
		RegisterXactCallback(release_at_abort, NULL);
	registered = true;
	session_tag = *tag;
	session_mode = mode;
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
				 errmsg("model \"%s\" was dropped and created anew", NameStr(model->name))));
}

void
catalog_lock_model(const CatalogModel *model, LOCKMODE mode, bool session)
{
	LOCKTAG		tag;

	if (session && session_mode != NoLock)
		elog(ERROR, "a model is locked for this session already");
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, catalog_table("model"), model->id, 0);
	if (LockAcquire(&tag, mode, session, true) == LOCKACQUIRE_NOT_AVAIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("model \"%s\" is being trained, deployed or dropped by another session",
						NameStr(model->name)),
				 errhint("similarity.training_runs shows trainings.")));
	if (session)
		keep_session_lock(&tag, mode);
	check_existence(model);
}

void
catalog_unlock_model(const CatalogModel *model, LOCKMODE mode)
{
	release_session_lock();
}
