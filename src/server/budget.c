/*
 * budget.c
 *	  Memory whose size a user's numbers decide.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "server/budget.h"
#include "server/errors.h"
#include "server/guc.h"

static const struct
{
	const char *setting;
	const int  *kilobytes;
}			budgets[] = {
	[BUDGET_CACHE] = {"similarity.cache_memory", &guc_cache_memory},
	[BUDGET_MAINTENANCE] = {"maintenance_work_mem", &maintenance_work_mem},
	[BUDGET_TRAINING] = {"similarity.training_memory", &guc_training_memory},
};

Size
budget_bytes(Budget budget)
{
	return (Size) *budgets[budget].kilobytes * 1024;
}

/* "1234 kB", rounded up; in MB if that is long */
static char *
amount(Size bytes)
{
	Size		kilobytes = bytes / 1024 + (bytes % 1024 > 0);

	return kilobytes < 100000 ? psprintf("%zu kB", kilobytes) :
		psprintf("%zu MB", kilobytes / 1024);
}

void
budget_require(Budget budget, Size needed, const char *what,
			   const char *instead)
{
	const char *setting = budgets[budget].setting;

	if (needed <= budget_bytes(budget))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("%s need %s of memory, more than %s", what, amount(needed),
					setting), errdetail("It is %s.",
										amount(budget_bytes(budget))),
			 errhint("Raise %s, or %s.", setting, instead)));
}

void
budget_require_more(Budget budget, MemoryContext context, Size more,
					const char *what, const char *instead)
{
	budget_require(budget, budget_sum(MemoryContextMemAllocated(context, false),
									  more), what, instead);
}

void
budget_raise_status(Budget budget, const Arena *arena, const Status *status,
					const char *what, const char *instead)
{
	const char *setting = budgets[budget].setting;

	if (status->code != STATUS_OUT_OF_MEMORY || !arena_over_budget(arena))
		raise_status(status);
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("%s need more memory than %s", what, setting),
			 errdetail("It is %s.", amount(budget_bytes(budget))),
			 errhint("Raise %s, or %s.", setting, instead)));
}
