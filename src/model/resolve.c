/*
 * resolve.c
 *	  From the model that a call names to the version that it runs.
 *
 * A query may call embed() for each row, mostly with one model, and the
 * look-ups cost as much as a small network.  Under one snapshot they give the
 * same answer, so the last answer is kept together with what identifies the
 * snapshot: transaction, command, and the transactions it sees.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/snapmgr.h"

#include "model/resolve.h"
#include "model/restore.h"
#include "server/compat.h"
#include "server/dump.h"

typedef struct Moment
{
	LocalTransactionId transaction;
	Oid			user;
	CommandId	command;
	TransactionId xmin;
	TransactionId xmax;
	uint32		xcnt;
	int32		subxcnt;
} Moment;

/* The last answer; version.id is 0 while there is none. */
static struct
{
	Moment		moment;
	bool		by_name;
	char		name[NAMEDATALEN];
	CatalogVersion version;
}			last;

/* False if there is no snapshot to tell. */
static bool
current_moment(Moment *moment)
{
	Snapshot	snapshot;

	if (!ActiveSnapshotSet())
		return false;
	snapshot = GetActiveSnapshot();
	memset(moment, 0, sizeof(*moment));
	moment->transaction = my_local_xid();
	moment->user = GetUserId();
	moment->command = snapshot->curcid;
	moment->xmin = snapshot->xmin;
	moment->xmax = snapshot->xmax;
	moment->xcnt = snapshot->xcnt;
	moment->subxcnt = snapshot->subxcnt;
	return true;
}

static bool
is_last_moment(void)
{
	Moment		now;

	return last.version.id != 0 && current_moment(&now) &&
		memcmp(&now, &last.moment, sizeof(Moment)) == 0;
}

static void
remember(const char *name, const CatalogVersion *version)
{
	last.version.id = 0;

	if (!current_moment(&last.moment))
		return;
	last.by_name = name != NULL;

	if (name != NULL)
		strlcpy(last.name, name, NAMEDATALEN);
	last.version = *version;
}

CatalogVersion
resolve_model(const char *name)
{
	CatalogModel model;
	CatalogVersion version;
	int			id;

	if (is_last_moment() && last.by_name && strcmp(last.name, name) == 0)
		return last.version;

	catalog_get_model(name, &model);
	catalog_require_usage(&model);
	id = catalog_deployed_version(&model);
	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no deployed version", name),
				 errhint("Train it with CALL similarity.train(...).")));
	catalog_get_version(id, &version);
	remember(name, &version);
	return version;
}

CatalogVersion
resolve_version(int id)
{
	CatalogModel model;
	CatalogVersion version;

	if (is_last_moment() && !last.by_name && last.version.id == id)
		return last.version;

	if (loading_dump())
		restore_await_version(id);
	catalog_get_version(id, &version);
	catalog_get_model_by_id(version.model, &model);
	catalog_require_usage_of_version(&model, id);
	remember(NULL, &version);
	return version;
}
