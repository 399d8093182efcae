/*
 * compat.h
 *	  Every difference between PostgreSQL versions.
 *
 * No other file asks for PG_VERSION_NUM.
 */
#ifndef SERVER_COMPAT_H
#define SERVER_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "similarity needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "catalog/pg_class.h"
#include "varatt.h"
#define class_ownercheck(class, role) object_ownercheck(RelationRelationId, class, role)
#define namespace_aclcheck(schema, role, mode) object_aclcheck(NamespaceRelationId, schema, role, mode)
#else
#define class_ownercheck(class, role) pg_class_ownercheck(class, role)
#define namespace_aclcheck(schema, role, mode) pg_namespace_aclcheck(schema, role, mode)
#endif

#if PG_VERSION_NUM >= 180000
#define vacuum_delay() vacuum_delay_point(false)
#else
#define vacuum_delay() vacuum_delay_point()
#endif

/* old_snapshot_threshold ended with 16. */
#if PG_VERSION_NUM >= 170000
#define check_old_snapshot(snapshot, relation, page) ((void) 0)
#else
#define check_old_snapshot(snapshot, relation, page) TestForOldSnapshot(snapshot, relation, page)
#endif

/* Read so many bytes of a BufFile, or fail. */
#if PG_VERSION_NUM >= 160000
#define read_temporary_file(file, data, size) BufFileReadExact(file, data, size)
#else
#define read_temporary_file(file, data, size) \
	do \
	{ \
		if (BufFileRead(file, data, size) != (size)) \
			ereport(ERROR, \
					(errcode_for_file_access(), \
					 errmsg("could not read from a temporary file: %m"))); \
	} while (0)
#endif

/* May member make role the owner of something? */
#if PG_VERSION_NUM < 160000
#define check_can_set_role(member, role) check_is_member_of_role(member, role)
#endif

/* The file of a relation */
#if PG_VERSION_NUM >= 160000
#define relation_file(relation) ((relation)->rd_locator)
#else
#define relation_file(relation) ((relation)->rd_node)
#endif

/* The i-th session of those that pgstat shows, from 1 */
#if PG_VERSION_NUM >= 160000
#define backend_status(i) pgstat_get_local_beentry_by_index(i)
#else
#define backend_status(i) pgstat_fetch_stat_local_beentry(i)
#endif

/* Every setting there is, and their number */
#if PG_VERSION_NUM >= 160000
#define all_settings(n) get_guc_variables(n)
#else
#define all_settings(n) (*(n) = GetNumConfigOptions(), get_guc_variables())
#endif

/* Run a portal to its end as a statement of its own. */
#if PG_VERSION_NUM >= 180000
#define run_portal(portal, receiver) \
	(void) PortalRun(portal, FETCH_ALL, true, receiver, receiver, NULL)
#else
#define run_portal(portal, receiver) \
	(void) PortalRun(portal, FETCH_ALL, true, true, receiver, receiver, NULL)
#endif

/* Local transaction id of this backend */
#if PG_VERSION_NUM >= 170000
#define my_local_xid() (MyProc->vxid.lxid)
#else
#define my_local_xid() (MyProc->lxid)
#endif

/* CREATE INDEX of a statement made from another index, without the checks for users */
#if PG_VERSION_NUM >= 160000
#define define_index(relid, statement) \
	DefineIndex(relid, statement, InvalidOid, InvalidOid, InvalidOid, -1, false, false, false, false, true)
#else
#define define_index(relid, statement) \
	DefineIndex(relid, statement, InvalidOid, InvalidOid, InvalidOid, false, false, false, false, true)
#endif

/* What such a statement may enforce that PostgreSQL 15 did not know */
#if PG_VERSION_NUM >= 180000
#define clear_new_index_constraints(statement) ((statement)->iswithoutoverlaps = false)
#else
#define clear_new_index_constraints(statement) ((void) 0)
#endif

/*
 * A path that is none: since 18 one without what is switched off is taken at any
 * cost, and a sequential scan that is counts 1.
 */
#if PG_VERSION_NUM >= 180000
#define refuse_path(path) ((path)->disabled_nodes = 2)
#else
#define refuse_path(path) ((void) 0)
#endif

/* A function that never returns: a prefix since 18 */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* The next value of a sort of datums, in memory of the caller's; false at the end */
#if PG_VERSION_NUM >= 160000
#define next_sorted_datum(sort, value, isnull) tuplesort_getdatum(sort, true, true, value, isnull, NULL)
#else
#define next_sorted_datum(sort, value, isnull) tuplesort_getdatum(sort, true, value, isnull, NULL)
#endif

/* The index of a primary key that is never deferred */
#if PG_VERSION_NUM >= 180000
#define primary_key_index(relation) RelationGetPrimaryKeyIndex(relation, false)
#else
#define primary_key_index(relation) RelationGetPrimaryKeyIndex(relation)
#endif

/* ---- exchange of the storage of two relations, as CLUSTER does it ---- */

#define SWAP(type, a, b) \
	do { type swap_t = (a); (a) = (b); (b) = swap_t; } while (0)

/* Pages of a relation that are all frozen: a statistic of pg_class since 18 */
#if PG_VERSION_NUM >= 180000
#define SWAP_FROZEN_PAGES(a, b) SWAP(int32, (a)->relallfrozen, (b)->relallfrozen)
#else
#define SWAP_FROZEN_PAGES(a, b) ((void) 0)
#endif

/* Before 17 the cached handle of a relation's file could outlive the exchange. */
#if PG_VERSION_NUM >= 170000
#define close_file_handle(relid) ((void) 0)
#else
#define close_file_handle(relid) RelationCloseSmgrByOid(relid)
#endif

#endif							/* SERVER_COMPAT_H */
