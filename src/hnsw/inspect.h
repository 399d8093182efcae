/*
 * inspect.h
 *	  What the functions that look into an index share.
 */
#ifndef HNSW_INSPECT_H
#define HNSW_INSPECT_H

#include "hnsw/index.h"
#include "server/role.h"
#include "utils/snapshot.h"

/* The indexes of the partitions of a partitioned index; of any other, itself */
extern List *hnsw_index_parts(Oid oid);

/* An index and its table, and whom the caller was */
typedef struct HnswOpened
{
	Relation	heap;
	Relation	index;
	bool		is_owner;		/* is the caller the index's owner? */
	bool		acting;			/* after hnsw_act_as_owner() */
	RoleFrame	role;
} HnswOpened;

/* Lock the table before the index, as everybody does. */
extern HnswOpened hnsw_open_with_table(Oid oid);

/*
 * ERRCODE_INSUFFICIENT_PRIVILEGE unless the current role may read the table,
 * and row-level security hides none of its rows.
 */
extern void hnsw_require_all_rows(Oid table);
extern bool hnsw_sees_all_rows(Oid table);

/*
 * Become the table's owner, restricted, for as long as expressions of the
 * index are evaluated: they are not the caller's.
 */
extern void hnsw_act_as_owner(HnswOpened *opened);

/* ERROR if the index need not have what the snapshot sees. */
extern void hnsw_require_usable(const HnswOpened *opened, Snapshot snapshot);

extern void hnsw_close_with_table(HnswOpened *opened);

#endif							/* HNSW_INSPECT_H */
