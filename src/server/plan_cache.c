/*
 * plan_cache.c
 *	  Plans that a session keeps for its next calls.
 *
 * Plans stand in a list, the last used first, and the last ones go when there
 * are too many.  A plan in use stays: a statement may run functions of users
 * that call us again.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

#include "server/cursor.h"
#include "server/plan_cache.h"

#define MOST_PLANS 64
#define MOST_BYTES ((Size) 8 * 1024 * 1024)

typedef struct KeptPlan
{
	dlist_node	node;
	uint32		hash;			/* of key */
	char	   *key;
	SPIPlanPtr	plan;
	int			users;
} KeptPlan;

static dlist_head plans = DLIST_STATIC_INIT(plans);
static MemoryContext plans_context = NULL;

/* What EXPLAIN (SETTINGS) shows is what decides about plans. */
static void
append_settings(StringInfo key)
{
	int			n;
	struct config_generic **settings = get_explain_guc_options(&n);

	for (int i = 0; i < n; i++)
	{
		char	   *value = GetConfigOptionByName(settings[i]->name, NULL,
												  false);

		appendStringInfo(key, "%s=%s\n", settings[i]->name, value);
		pfree(value);
	}
	pfree(settings);
}

static char *
make_key(const char *sql, int nargs, const Oid *types, int variant)
{
	StringInfoData key;

	initStringInfo(&key);
	appendStringInfo(&key, "%u %d", GetUserId(), variant);
	for (int i = 0; i < nargs; i++)
		appendStringInfo(&key, " %u", types[i]);
	appendStringInfo(&key, "\n%s\n", sql);
	append_settings(&key);
	return key.data;
}

static KeptPlan *
find_plan(const char *key, uint32 hash)
{
	dlist_iter	i;

	dlist_foreach(i, &plans)
	{
		KeptPlan   *kept = dlist_container(KeptPlan, node, i.cur);

		if (kept->hash == hash && strcmp(kept->key, key) == 0)
			return kept;
	}
	return NULL;
}

/* ---- how many, and how large ---- */

static Size
plan_bytes(const KeptPlan *kept)
{
	Size		bytes = strlen(kept->key);
	ListCell   *cell;

	foreach(cell, SPI_plan_get_plan_sources(kept->plan))
	{
		const CachedPlanSource *source = lfirst(cell);

		bytes += MemoryContextMemAllocated(source->context, true);
		if (source->gplan != NULL)
			bytes += MemoryContextMemAllocated(source->gplan->context, true);
	}
	return bytes;
}

static void
drop_plan(KeptPlan *kept)
{
	dlist_delete(&kept->node);
	SPI_freeplan(kept->plan);
	pfree(kept->key);
	pfree(kept);
}

/* Make room for one more. */
static void
drop_old_plans(void)
{
	int			n = 0;
	Size		bytes = 0;
	dlist_mutable_iter i;

	dlist_foreach_modify(i, &plans)
	{
		KeptPlan   *kept = dlist_container(KeptPlan, node, i.cur);

		bytes += plan_bytes(kept);
		if ((++n >= MOST_PLANS || bytes > MOST_BYTES) && kept->users == 0)
			drop_plan(kept);
	}
}

/* ---- keeping ---- */

static KeptPlan *
keep_plan(SPIPlanPtr plan, const char *key, uint32 hash)
{
	KeptPlan   *kept;

	if (plans_context == NULL)
		plans_context = AllocSetContextCreate(CacheMemoryContext,
											  "similarity plans",
											  ALLOCSET_SMALL_SIZES);
	kept = MemoryContextAllocZero(plans_context, sizeof(KeptPlan));
	kept->hash = hash;
	kept->key = MemoryContextStrdup(plans_context, key);
	kept->plan = plan;
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_keepplan failed");
	dlist_push_head(&plans, &kept->node);
	return kept;
}

static KeptPlan *
create_plan(const char *sql, int nargs, Oid *types, const char *key,
			uint32 hash)
{
	SPIPlanPtr	plan = cursor_prepare_generic(sql, nargs, types);

	drop_old_plans();
	return keep_plan(plan, key, hash);
}

static void
leave_plan(void *kept)
{
	((KeptPlan *) kept)->users--;
}

SPIPlanPtr
plan_cache_get(const char *sql, int nargs, Oid *types, int variant,
			   MemoryContext user)
{
	MemoryContextCallback *leave = MemoryContextAlloc(user, sizeof(MemoryContextCallback));
	char	   *key = make_key(sql, nargs, types, variant);
	uint32		hash = hash_bytes((const unsigned char *) key,
								  (int) strlen(key));
	KeptPlan   *kept = find_plan(key, hash);

	if (kept == NULL)
		kept = create_plan(sql, nargs, types, key, hash);
	dlist_move_head(&plans, &kept->node);
	pfree(key);
	leave->func = leave_plan;
	leave->arg = kept;
	kept->users++;
	MemoryContextRegisterResetCallback(user, leave);
	return kept->plan;
}
