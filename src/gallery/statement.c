/*
 * statement.c
 *	  What repeated calls of lookup() and match() in one statement share.
 *
 * "items, similarity.match('wardrobe', image)" calls match() for every item.
 * Reading the catalog and planning the search would cost more than the search
 * itself, so that the first call leaves both in fn_extra, which lives as long
 * as the statement.  The functions are STABLE: nothing they read changes
 * during the statement, and a saved plan notices when the table does.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/memutils.h"

#include "gallery/gallery.h"
#include "gallery/lookup.h"
#include "gallery/statement.h"

/* A saved plan outlives everything; this ends it with the statement. */
static void
free_plan(void *arg)
{
	Search	   *search = arg;

	if (search->plan != NULL)
		SPI_freeplan(search->plan);
	search->plan = NULL;
}

static Search *
search_create(MemoryContext parent, const char *name)
{
	MemoryContext context = AllocSetContextCreate(parent, "gallery search",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Search	   *search = palloc0(sizeof(Search));
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = free_plan;
	callback->arg = search;
	MemoryContextRegisterResetCallback(context, callback);
	search->context = context;
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
	SPIPlanPtr	plan;

	if (search->plan != NULL && search->columns == columns && search->k == k)
		return search->plan;
	free_plan(search);
	plan = neighbors_prepare(search->gallery, columns, k);
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "SPI_keepplan failed");
	search->plan = plan;
	search->columns = columns;
	search->k = k;
	return plan;
}
