/*
 * user_query.h
 *	  Queries that users give as text: one SELECT of (input, label), read as
 *	  the invoker, once and forward.
 *
 *		query = user_query_open("source", text, QUERY_LABELS, read_only);
 *		while (user_query_next(query, rows))
 *			... user_query_input(query), user_query_label(query) ...
 *
 * SPI must be connected.  Functions of users run inside of the query; its
 * cursor is one that they cannot close (cursor.h).
 */
#ifndef SERVER_USER_QUERY_H
#define SERVER_USER_QUERY_H

#include "postgres.h"

#include "executor/spi.h"
#include "server/call_progress.h"
#include "server/compat.h"
#include "server/cursor.h"

typedef enum QueryKind
{
	QUERY_LABELS,				/* (input, label) */
	QUERY_INPUTS,				/* (input), or (input, anything) */
	QUERY_SOME_LABELS,			/* (input) or (input, label), labels may be
								 * NULL */
	QUERY_CATEGORIES,			/* (input, label, category) */
	QUERY_KEYS,					/* (input, key) */
	QUERY_REPORT,				/* (input, label) or (input, label, image),
								 * labels may be NULL */
	QUERY_SAMPLE				/* (input, label, image, key) of rows of a
								 * gallery, all but input may be NULL */
} QueryKind;

typedef struct UserQuery
{
	const char *name;			/* "source query", for messages */
	const char *text;
	QueryKind	kind;
	int			columns;		/* that are read */
	Oid			type;			/* of input */
	uint64		row;			/* that is read, or was last, from 1 */

	CallProgress *progress;		/* is told of the rows; may be NULL */

	/* inside of user_query.c */
	Portal		cursor;
	CursorPace	pace;
	SPITupleTable *table;		/* the last that was fetched, */
	uint64		taken;			/* so many of its rows read, */
	List	   *held;			/* and those before it */
	Size		fetched;		/* bytes fetched since the last release */
	bool		in_row;			/* or is the query running? */
} UserQuery;

/*
 * Open the query that is the argument of this name.  ERROR unless it is one
 * SELECT that changes nothing and returns the columns of its kind; whether the
 * type of input will do is for the caller to say.  read_only: it sees what the
 * calling statement sees, and not what has changed since.
 */
extern UserQuery *user_query_open(const char *argument, const char *text,
								  QueryKind kind, bool read_only);

/* Reading its rows is a phase of a call. */
extern void user_query_progress(UserQuery *query, CallProgress *progress,
								CallPhase phase);

/*
 * Go to the next row, fetching at most so many at a time; false at the end,
 * where the cursor is closed.  Values of rows stay until user_query_release().
 */
extern bool user_query_next(UserQuery *query, int most);

/* Free what rows before this one point into. */
extern void user_query_release(UserQuery *query);

/* Of the row: ERROR if it is NULL */
extern Datum user_query_input(const UserQuery *query);

/* The second column as labels.h reads it; NULL for NULL, which only kinds
 * take whose labels may be */
extern char *user_query_label(const UserQuery *query);

/* The category of QUERY_CATEGORIES, as a label is read; ERROR if it is NULL */
extern char *user_query_category(const UserQuery *query);

/* The fourth column, as a label is read; NULL for NULL */
extern char *user_query_key(const UserQuery *query);

/* The third column if it is there and not NULL */
extern bool user_query_image(const UserQuery *query, Datum *image);

/* Read no more of it; needed only before the end. */
extern void user_query_close(UserQuery *query);

/* ERROR: there was no row, or none that was wanted (" of the known classes"). */
pg_noreturn extern void user_query_raise_empty(const UserQuery *query,
											   const char *wanted);

/*
 * Error context, its argument a UserQuery: the row that is read; while the
 * query runs, its text, as SPI tells it where it opens a cursor but not where
 * it fetches.
 */
extern void user_query_error_context(void *arg);

#endif							/* SERVER_USER_QUERY_H */
