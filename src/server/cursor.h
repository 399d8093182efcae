/*
 * cursor.h
 *	  The extension's own cursors.
 *
 * Between two fetches, and inside of one, code of users runs: functions of
 * their queries, of views, of policies.  It may CLOSE ALL.  A cursor opened
 * here is pinned until cursor_close(), so that this is an error and not the
 * end of a portal that is still read.
 */
#ifndef SERVER_CURSOR_H
#define SERVER_CURSOR_H

#include "postgres.h"

#include "executor/spi.h"

/*
 * SPI_prepare(), which gives no plan only to a call that is wrong.  Errors of
 * the statement come with its text as their context.
 */
extern SPIPlanPtr cursor_prepare(const char *sql, int nargs, Oid *types);

/* The same for a plan that no argument's value changes */
extern SPIPlanPtr cursor_prepare_generic(const char *sql, int nargs,
										 Oid *types);

/* SPI_cursor_open() of a plan without arguments, pinned.  SPI must be connected. */
extern Portal cursor_open(SPIPlanPtr plan, bool read_only);

/*
 * SPI_cursor_fetch() of at most so many rows, and of fewer if rows are large:
 * what is fetched together takes about work_mem.  The first comes alone, since
 * nothing is known of it.  A pace is zeroed at first.
 */
typedef struct CursorPace
{
	int			rows;			/* of the next fetch; 0 at first */
} CursorPace;

extern void cursor_fetch(Portal cursor, int most, CursorPace *pace);

/* How many rows the planner expects of it */
extern double cursor_rows(Portal cursor);

/* Every cursor must be closed; an error closes it by itself. */
extern void cursor_close(Portal cursor);

#endif							/* SERVER_CURSOR_H */
