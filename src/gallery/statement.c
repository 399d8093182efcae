/*
 * statement.c
 *	  What repeated calls of lookup() and match() in one statement share.
 *
 * "items, similarity.match('wardrobe', image)" calls match() for every item.
 * Reading the catalog and planning the search would cost more than the search
 * itself, so that the first call leaves both in fn_extra, which lives as long
 * as the statement.  The functions are STABLE: nothing they read changes
 * during the statement, and a saved plan notices when the table does.  The next
 * statement reads the catalog again, and finds the plans of both in
 * server/plan_cache.c.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/memutils.h"

#include "gallery/gallery.h"
#include "gallery/lookup.h"
#include "gallery/statement.h"

static Search *
search_create(MemoryContext parent, const char *name)
{
	MemoryContext context = AllocSetContextCreate(parent, "gallery search",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Search	   *search = palloc0(sizeof(Search));

	search->context = context;
	search->plan_user = AllocSetContextCreate(context, "gallery search plan",
											  ALLOCSET_SMALL_SIZES);
	search->name = pstrdup(name);
	search->gallery = gallery_open(name);
	MemoryContextSwitchTo(caller);
	return search;
}

Search *
search_begin(FunctionCallInfo fcinfo, const char *name)
{
	Search	   *search = fcinfo->flinfo->fn_extra;

	if (search != NULL && strcmp(search->name, name) == 0)
	{
		gallery_reopen(search->gallery);
		return search;
	}
	fcinfo->flinfo->fn_extra = NULL;
	if (search != NULL)
		MemoryContextDelete(search->context);
	search = search_create(fcinfo->flinfo->fn_mcxt, name);
	fcinfo->flinfo->fn_extra = search;
	return search;
}

const Calibration *
search_calibration(Search *search)
{
	MemoryContext caller;

	if (search->calibration == NULL)
	{
		caller = MemoryContextSwitchTo(search->context);
		search->calibration = gallery_calibration(search->gallery);
		MemoryContextSwitchTo(caller);
	}
	return search->calibration;
}

SPIPlanPtr
search_plan(Search *search, NeighborColumns columns, int k)
{
	if (search->plan != NULL && search->columns == columns && search->k == k)
		return search->plan;
	search->plan = NULL;
	MemoryContextReset(search->plan_user);
	search->plan = neighbors_kept(search->gallery, columns, k,
								  search->plan_user);
	search->columns = columns;
	search->k = k;
	return search->plan;
}
