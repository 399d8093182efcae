/*
 * cursor.c
 *	  The extension's own cursors.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "server/cursor.h"

static SPIPlanPtr
prepare(const char *sql, int nargs, Oid *types, int options)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, nargs, types, options);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s",
			 SPI_result_code_string(SPI_result));
	return plan;
}

SPIPlanPtr
cursor_prepare(const char *sql, int nargs, Oid *types)
{
	return prepare(sql, nargs, types, 0);
}

SPIPlanPtr
cursor_prepare_generic(const char *sql, int nargs, Oid *types)
{
	return prepare(sql, nargs, types, CURSOR_OPT_GENERIC_PLAN);
}

Portal
cursor_open(SPIPlanPtr plan, bool read_only)
{
	Portal		cursor = SPI_cursor_open(NULL, plan, NULL, NULL, read_only);

	PinPortal(cursor);
	return cursor;
}

/* Four times as many rows as last time, if they fit */
void
cursor_fetch(Portal cursor, int most, CursorPace *pace)
{
	MemoryContext caller = CurrentMemoryContext;
	int			rows = Max(pace->rows, 1);
	Size		bytes;

	SPI_cursor_fetch(cursor, true, Min(rows, most));
	MemoryContextSwitchTo(caller);	/* SPI leaves its own */
	bytes = MemoryContextMemAllocated(SPI_tuptable->tuptabcxt, true) / rows;
	pace->rows = (int) Max(Min(Min(4 * (Size) rows, most),
							   (Size) work_mem * 1024 / Max(bytes, 1)), 1);
}

double
cursor_rows(Portal cursor)
{
	const PlannedStmt *statement = linitial_node(PlannedStmt, cursor->stmts);

	return statement->planTree == NULL ? 0 : statement->planTree->plan_rows;
}

void
cursor_close(Portal cursor)
{
	UnpinPortal(cursor);
	SPI_cursor_close(cursor);
}
