/*
 * budget.h
 *	  Memory whose size a user's numbers decide.
 *
 * None of it is taken without a budget, which is a setting.  Where work can be
 * cut into passes or pieces, these are made to fit; where it cannot, it is
 * refused before it is begun, with the size and the setting named.
 */
#ifndef SERVER_BUDGET_H
#define SERVER_BUDGET_H

#include "postgres.h"

#include "base/arena.h"
#include "base/size.h"
#include "base/status.h"
#include "server/compat.h"

typedef enum Budget
{
	BUDGET_CACHE,				/* similarity.cache_memory */
	BUDGET_MAINTENANCE,			/* maintenance_work_mem */
	BUDGET_TRAINING				/* similarity.training_memory */
} Budget;

extern Size budget_bytes(Budget budget);

/*
 * ERROR if what needs more than the budget: "what need 71680 kB of memory,
 * more than maintenance_work_mem".  instead says in the hint, beside raising the
 * setting, what else helps ("use fewer items").
 */
extern void budget_require(Budget budget, Size needed, const char *what,
						   const char *instead);

/* The same of what a context holds, without its children, and more to come */
extern void budget_require_more(Budget budget, MemoryContext context, Size more,
								const char *what, const char *instead);

/*
 * As raise_status() of what worked in an arena of a budget; if that was full, the
 * error names the setting.
 */
pg_noreturn extern void budget_raise_status(Budget budget, const Arena *arena,
											const Status *status,
											const char *what,
											const char *instead);

/* Products and sums that are SIZE_MAX, and so beyond every budget, if they overflow */
static inline Size
budget_product(Size a, Size b)
{
	Size		product;

	return size_mul(a, b, &product) ? product : SIZE_MAX;
}

static inline Size
budget_sum(Size a, Size b)
{
	Size		sum;

	return size_add(a, b, &sum) ? sum : SIZE_MAX;
}

#endif							/* SERVER_BUDGET_H */
