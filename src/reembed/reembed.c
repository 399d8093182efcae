/*
 * reembed.c
 *	  reembed(): give all galleries of a model the embeddings of another
 *	  version, while they are used.
 *
 * Each table is copied with the new embeddings in transactions of some
 * thousand rows, its indexes are built on the copy, and changes made meanwhile
 * are taken over.  One last transaction locks the tables, takes over the rest,
 * exchanges storage, and deploys the version.  What was done stays when the
 * call ends early: the next one goes on with it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "model/model.h"
#include "reembed/reembed.h"
#include "server/arguments.h"
#include "server/call.h"
#include "server/call_progress.h"
#include "server/compat.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_reembed);
PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_reembed_cancel);

/* Keys of as many changes are together in memory. */
#define MAX_BATCH_ROWS 100000

typedef struct Reembed
{
	MemoryContext context;		/* of what outlives a transaction */
	char	   *model;
	int			version;
	int			batch_rows;
	int			rows_per_second;	/* 0: no limit */
	List	   *copies;			/* of Copy */
} Reembed;

/* ---- galleries and their tables ---- */

static AttrNumber
key_of_relation(Oid relid)
{
	char	   *key = gallery_primary_key(relid);

	return key == NULL ? 0 : get_attnum(relid, key);
}

static Copy *
copy_of_relation(Reembed *reembed, const Gallery *gallery)
{
	ListCell   *cell;
	Copy	   *copy;

	foreach(cell, reembed->copies)
	{
		copy = lfirst(cell);
		if (copy->relid == gallery->relid)
			return copy;
	}
	copy = palloc0(sizeof(Copy));
	copy->relid = gallery->relid;
	copy->relation = pstrdup(gallery->relation);
	copy->version = reembed->version;
	copy->key = key_of_relation(copy->relid);
	reembed->copies = lappend(reembed->copies, copy);
	return copy;
}

static void
add_column(Copy *copy, const Gallery *gallery)
{
	CopyColumn	column = {get_attnum(gallery->relid, gallery->embedding), get_attnum(gallery->relid, gallery->input)};

	if (column.input <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table %s does not exist",
						gallery->input, gallery->relation),
				 errhint("If it was renamed, run similarity.attach() again.")));
	for (int i = 0; i < copy->ncolumns; i++)
	{
		if (copy->columns[i].embedding != column.embedding)
			continue;
		if (copy->columns[i].input != column.input)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("galleries of column \"%s\" of table %s have different input columns",
							gallery->embedding, gallery->relation)));
		return;
	}
	copy->columns = copy->ncolumns == 0 ? palloc(sizeof(CopyColumn)) :
		repalloc(copy->columns, sizeof(CopyColumn) * (copy->ncolumns + 1));
	copy->columns[copy->ncolumns++] = column;
}

static void
add_gallery(Reembed *reembed, const char *name)
{
	Gallery    *gallery = gallery_find(name);

	gallery_resolve(gallery);
	if (gallery->version == reembed->version)
		return;
	if (gallery->input == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("gallery \"%s\" has no input column", name),
				 errhint("Run similarity.attach(%s, ...) with the name of the input column.", quote_literal_cstr(name))));
	add_column(copy_of_relation(reembed, gallery), gallery);
}

static int
compare_relids(const ListCell *a, const ListCell *b)
{
	Oid			x = ((const Copy *) lfirst(a))->relid;
	Oid			y = ((const Copy *) lfirst(b))->relid;

	return (x > y) - (x < y);
}

/* The tables of the model's galleries, in the order in which they are locked */
static void
find_copies(Reembed *reembed)
{
	MemoryContext caller = MemoryContextSwitchTo(reembed->context);
	char	  **names;
	int			n = gallery_names_of_model(reembed->model, &names);

	reembed->copies = NIL;
	for (int i = 0; i < n; i++)
		add_gallery(reembed, names[i]);
	list_sort(reembed->copies, compare_relids);
	MemoryContextSwitchTo(caller);
}

/* ---- transactions ---- */

static void
commit(void)
{
	Assert(!InSecurityRestrictedOperation());
	SPI_commit();
	EnsurePortalSnapshotExists();
}

/* Sleep so long that n rows took as long as they should. */
static void
throttle(const Reembed *reembed, int64 n, TimestampTz begun)
{
	int64		wanted;
	int64		elapsed;

	CHECK_FOR_INTERRUPTS();
	if (reembed->rows_per_second == 0)
		return;
	wanted = n * 1000 / reembed->rows_per_second;
	while ((elapsed = TimestampDifferenceMilliseconds(begun,
													  GetCurrentTimestamp())) < wanted)
	{
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 wanted - elapsed, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* copy_rows or copy_changes in a context of its own, which what it sets outlives */
static int64
copy_some(const Reembed *reembed, Copy *copy,
		  int64 (*step) (Copy *copy, int limit))
{
	MemoryContext scratch = AllocSetContextCreate(reembed->context,
												  "reembed batch",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	int64		n = step(copy, reembed->batch_rows);

	MemoryContextSwitchTo(reembed->context);
	copy->last_key = copy->last_key ? pstrdup(copy->last_key) : NULL;
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return n;
}

/* As the last ANALYZE or VACUUM found it */
static double
rows_of_table(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows = 0;

	if (HeapTupleIsValid(tuple))
	{
		rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
	}
	return rows;
}

static void
fill(const Reembed *reembed, Copy *copy)
{
	CallProgress progress;
	int64		done = 0;

	call_progress_begin(&progress, CALL_REEMBED, copy->relid, 0);
	call_progress_phase(&progress, PHASE_COPYING, rows_of_table(copy->relid));
	while (!copy->filled)
	{
		TimestampTz begun = GetCurrentTimestamp();
		int64		n = copy_some(reembed, copy, copy_rows);

		commit();
		call_progress(&progress, done += n);
		throttle(reembed, n, begun);
	}
	call_progress_end(&progress);
}

static void
build_indexes(Copy *copy)
{
	bool		built;

	do
	{
		built = indexes_build_next(copy);
		commit();
		CHECK_FOR_INTERRUPTS();
	} while (built);
}

/* Until few changes wait, or as many come as are taken */
static void
prepare_copy(const Reembed *reembed, Copy *copy)
{
	int64		n;

	do
	{
		/* again, if the table was emptied or rewritten */
		fill(reembed, copy);
		build_indexes(copy);
		n = copy_some(reembed, copy, copy_changes);
		commit();
		CHECK_FOR_INTERRUPTS();
	} while (n == reembed->batch_rows || !copy->filled);
}

/* ---- the last transaction ---- */

static bool
same_columns(const Copy *a, const Copy *b)
{
	bool		same = a->relid == b->relid && a->key == b->key &&
	a->ncolumns == b->ncolumns;

	for (int i = 0; same && i < a->ncolumns; i++)
		same = a->columns[i].embedding == b->columns[i].embedding &&
			a->columns[i].input == b->columns[i].input;
	return same;
}

/* Nothing may have changed that the copies do not know. */
static void
check_copies(const Reembed *reembed)
{
	Reembed		now = *reembed;
	bool		same;

	model_require_owner(reembed->model);
	find_copies(&now);
	same = list_length(now.copies) == list_length(reembed->copies);
	for (int i = 0; same && i < list_length(now.copies); i++)
		same = same_columns(list_nth(now.copies, i),
							list_nth(reembed->copies, i));
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("galleries of model \"%s\" or their tables changed while they were re-embedded", reembed->model),
				 errhint("CALL similarity.reembed() again.")));
}

/* The table is locked: this comes to an end. */
static void
take_the_rest(const Reembed *reembed, Copy *copy)
{
	int64		n;

	do
	{
		while (!copy->filled)
			copy_some(reembed, copy, copy_rows);
		while (indexes_build_next(copy))
			continue;
		n = copy_some(reembed, copy, copy_changes);
	} while (n > 0 || !copy->filled);
}

static void
finish(Reembed *reembed)
{
	ListCell   *cell;

	foreach(cell, reembed->copies)
	{
		const Copy *copy = lfirst(cell);

		LockRelationOid(copy->relid, AccessExclusiveLock);
		LockRelationOid(copy->side, AccessExclusiveLock);
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	check_copies(reembed);
	foreach(cell, reembed->copies)
		take_the_rest(reembed, lfirst(cell));
	foreach(cell, reembed->copies)
		swap_storage(lfirst(cell));
	gallery_set_versions(reembed->model, reembed->version);
	model_deploy(reembed->model, reembed->version);
	PopActiveSnapshot();
}

/* ---- the procedure ---- */

static void
check_all(const Reembed *reembed)
{
	ListCell   *cell;

	foreach(cell, reembed->copies)
		copy_check(lfirst(cell));
}

static void
prepare_all(Reembed *reembed)
{
	ListCell   *cell;

	foreach(cell, reembed->copies)
	{
		MemoryContext caller = MemoryContextSwitchTo(reembed->context);

		PushActiveSnapshot(GetTransactionSnapshot());
		copy_begin(lfirst(cell));
		PopActiveSnapshot();
		MemoryContextSwitchTo(caller);
		commit();
	}
	foreach(cell, reembed->copies)
		prepare_copy(reembed, lfirst(cell));
	/* the first may have fallen behind while the last was copied */
	foreach(cell, reembed->copies)
		prepare_copy(reembed, lfirst(cell));
}

static void
read_reembed_arguments(Reembed *reembed, FunctionCallInfo fcinfo)
{
	reembed->model = argument_text(fcinfo, 0, "model");
	argument_require(fcinfo, 1, "version");
	reembed->version = model_version_argument(PG_GETARG_INT64(1));
	reembed->batch_rows = PG_ARGISNULL(2) ? 1000 : PG_GETARG_INT32(2);
	reembed->rows_per_second = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	if (reembed->batch_rows < 1 || reembed->batch_rows > MAX_BATCH_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch_rows must be between 1 and %d, not %d",
						MAX_BATCH_ROWS, reembed->batch_rows)));
	if (!PG_ARGISNULL(3) && reembed->rows_per_second < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rows_per_second must be at least 1, not %d",
						reembed->rows_per_second)));
}

/*
 * reembed(model, version, batch_rows, rows_per_second), for the owner of the
 * model and of the tables of its galleries.  Outside of a transaction block and
 * under READ COMMITTED only, since it commits and must see what others have.
 */
Datum
gallery_reembed(PG_FUNCTION_ARGS)
{
	Reembed		reembed = {CurrentMemoryContext};

	model_require_writable("similarity.reembed()");
	if (call_is_atomic(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("similarity.reembed cannot run inside a transaction block"),
				 errdetail("It commits as it goes.")));
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("similarity.reembed needs transactions of isolation level READ COMMITTED"),
				 errhint("SET default_transaction_isolation = 'read committed'.")));
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	reembed.context = AllocSetContextCreate(CurrentMemoryContext, "reembed",
											ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(reembed.context);
	read_reembed_arguments(&reembed, fcinfo);
	/* the portal's is as old as the DO block, which may have made a gallery */
	PushActiveSnapshot(GetTransactionSnapshot());
	model_lock_version(reembed.model, reembed.version);
	find_copies(&reembed);
	check_all(&reembed);
	PopActiveSnapshot();
	prepare_all(&reembed);
	finish(&reembed);
	SPI_commit();
	model_unlock(reembed.model);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * reembed_cancel(model), for the owner of the model and of the tables of its
 * galleries: drops what a reembed that did not finish has made
 */
Datum
gallery_reembed_cancel(PG_FUNCTION_ARGS)
{
	char	   *model = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	  **names;
	int			n;

	model_require_writable("similarity.reembed_cancel()");
	SPI_connect();
	model_require_owner(model);
	n = gallery_names_of_model(model, &names);
	for (int i = 0; i < n; i++)
	{
		Gallery    *gallery = gallery_find(names[i]);

		gallery_resolve(gallery);
		if (!class_ownercheck(gallery->relid, GetUserId()))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, gallery->table);
		copy_end(gallery->relid);
	}
	SPI_finish();
	PG_RETURN_VOID();
}
