/*
 * shards.c
 *	  Partitions of a gallery's table that lie on other servers.
 *
 * PostgreSQL does not pass a LIMIT on to the partitions of a table, and merges
 * sorted partitions one after the other.  A search that names each partition
 * has its LIMIT done there, and asks all servers at the same time.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

#include "gallery/gallery.h"

/*
 * Would reading it by its own name give what reading it as a partition gives?
 * The right to read the parent is none to read the partition, and each has row
 * security of its own.
 */
static bool
may_be_named(Oid relid)
{
	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

static char *
qualified_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

List *
gallery_shards(const Gallery *gallery)
{
	List	   *shards = NIL;
	bool		foreign = false;
	List	   *relids;
	ListCell   *cell;

	if (get_rel_relkind(gallery->relid) != RELKIND_PARTITIONED_TABLE)
		return NIL;
	relids = find_all_inheritors(gallery->relid, AccessShareLock, NULL);
	foreach(cell, relids)
	{
		Oid			relid = lfirst_oid(cell);
		char		kind = get_rel_relkind(relid);

		if (!may_be_named(relid))
			return NIL;
		if (kind == RELKIND_PARTITIONED_TABLE)
			continue;
		foreign |= kind == RELKIND_FOREIGN_TABLE;
		shards = lappend(shards, qualified_name(relid));
	}
	return foreign ? shards : NIL;
}
