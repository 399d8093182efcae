/*
 * budget.c
 *	  Memory whose size a user's numbers decide.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "server/budget.h"
#include "server/guc.h"

static const struct
{
	const char *setting;
	const int  *kilobytes;
}			budgets[] = {
	[BUDGET_CACHE] = {"similarity.cache_memory", &guc_cache_memory},
	[BUDGET_MAINTENANCE] = {"maintenance_work_mem", &maintenance_work_mem},
};

Size
budget_bytes(Budget budget)
{
	return (Size) *budgets[budget].kilobytes * 1024;
}

static double
megabytes(Size bytes)
{
	return (double) bytes / (1024 * 1024);
}

void
budget_require(Budget budget, Size needed, const char *what, const char *instead)
{
	const char *setting = budgets[budget].setting;

	if (needed <= budget_bytes(budget))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("%s need %.1f MB of memory, more than %s", what, megabytes(needed), setting),
			 errdetail("It is %.1f MB.", megabytes(budget_bytes(budget))),
			 errhint("Raise %s, or %s.", setting, instead)));
}

void
budget_require_more(Budget budget, MemoryContext context, Size more, const char *what, const char *instead)
{
	budget_require(budget, budget_sum(MemoryContextMemAllocated(context, false), more), what, instead);
}
