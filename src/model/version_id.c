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

#include "model/catalog.h"
#include "model/catalog_scan.h"
#include "model/version_id.h"

/* Nobody else may use it until we end; is it still free? */
static bool
claim(int id)
{
	LOCKTAG		tag;
	CatalogVersion version;
	bool		taken;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, catalog_table("model_version"), id, 0);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	PushActiveSnapshot(GetLatestSnapshot());
	taken = catalog_find_version(id, &version);
	PopActiveSnapshot();
	return !taken;
}

static void
reuse(int id)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, id);
	if (catalog_run("DELETE FROM _similarity.retired_version WHERE id OPERATOR(pg_catalog.=) $1", &args) > 0)
		ereport(WARNING,
				(errmsg("id %d of a version that was dropped is given again", id),
				 errdetail("All ids have been used.  Values of the former version that are still stored count as values of the new one."),
				 errhint("Embed them anew.")));
}

int
version_id_new(void)
{
	CatalogArgs args = {0};
	SPITupleTable *candidates;
	uint64		n;
	int			id = 0;

	n = catalog_run("SELECT i FROM pg_catalog.generate_series(1, 32767) i"
					" LEFT JOIN _similarity.retired_version r ON r.id OPERATOR(pg_catalog.=) i"
					" WHERE NOT EXISTS (SELECT FROM _similarity.model_version v WHERE v.id OPERATOR(pg_catalog.=) i)"
					" ORDER BY r.retired NULLS FIRST, i", &args);
	candidates = SPI_tuptable;
	for (uint64 row = 0; row < n && id == 0; row++)
	{
		bool		isnull;
		int			candidate = DatumGetInt32(SPI_getbinval(candidates->vals[row], candidates->tupdesc, 1, &isnull));

		if (claim(candidate))
			id = candidate;
	}
	SPI_freetuptable(candidates);
	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a database cannot have more than 32767 model versions"),
				 errhint("Drop versions that are not needed, with similarity.drop_version().")));
	reuse(id);
	return id;
}
