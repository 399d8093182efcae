/*
 * version_id.c
 *	  Ids for new versions.
 *
 * An id is the tag of embeddings, 15 bits, and tables of users may hold values
 * of a version that is gone.  Therefore ids of dropped versions are kept in
 * retired_version and given last.  A sequence would lose the ids of whatever is
 * rolled back; a counter in a table would make one transaction wait for the end
 * of another.  Instead each id is claimed by a lock that nobody waits for.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/snapmgr.h"

#include "model/model_catalog.h"
#include "model/version_id.h"
#include "server/catalog.h"
#include "server/catalog_scan.h"

#define LAST_ID 32767			/* 15 bits */

/* Nobody else may use it until we end; is it still free? */
static bool
claim(int id)
{
	LOCKTAG		tag;
	CatalogVersion version;
	bool		taken;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, catalog_table("model_version"), id,
					   0);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	PushActiveSnapshot(GetLatestSnapshot());
	taken = catalog_find_version(id, &version);
	PopActiveSnapshot();
	return !taken;
}

/* The least id that no version ever had and nobody is about to use; 0: none */
static int
claim_unused(void)
{
	CatalogArgs args = {0};
	bool		used[LAST_ID + 1] = {false};
	uint64		n = catalog_run("SELECT id FROM _similarity.model_version"
								" UNION ALL SELECT id FROM _similarity.retired_version", &args);

	for (uint64 row = 0; row < n; row++)
	{
		int			id = catalog_column_int(row, 1, "a version");

		if (id >= 1 && id <= LAST_ID)
			used[id] = true;
	}
	SPI_freetuptable(SPI_tuptable);
	for (int id = 1; id <= LAST_ID; id++)
		if (!used[id] && claim(id))
			return id;
	return 0;
}

/* The id of the version that was dropped first and that nobody is about to use; 0: none */
static int
claim_retired(void)
{
	CatalogArgs args = {0};
	uint64		n = catalog_run("SELECT id FROM _similarity.retired_version ORDER BY retired, id", &args);
	int			id = 0;

	for (uint64 row = 0; row < n && id == 0; row++)
	{
		int			retired = catalog_column_int(row, 1, "a retired version");

		if (retired >= 1 && retired <= LAST_ID && claim(retired))
			id = retired;
	}
	SPI_freetuptable(SPI_tuptable);
	return id;
}

static void
tell_reuse(int id)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, id);
	catalog_run("DELETE FROM _similarity.retired_version WHERE id OPERATOR(pg_catalog.=) $1", &args);
	ereport(WARNING,
			(errmsg("id %d of a dropped model version is reused", id),
			 errdetail("All ids have been used.  Values of the former version that are still stored count as values of the new one."),
			 errhint("Embed the rows again whose values are older than this version.")));
}

int
version_id_new(void)
{
	int			id = claim_unused();

	if (id != 0)
		return id;
	id = claim_retired();
	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a database cannot have more than %d model versions",
						LAST_ID),
				 errhint("Drop versions that are not needed, with similarity.drop_version().")));
	tell_reuse(id);
	return id;
}
