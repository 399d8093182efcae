/*
 * query_text.h
 *	  Queries that users give as text.
 */
#ifndef SERVER_QUERY_TEXT_H
#define SERVER_QUERY_TEXT_H

#include "postgres.h"


/*
 * ERROR with a hint if a query that a user gave is a name, as of a table; what
 * is the argument's name, columns what the query shall return.
 */
extern void check_query_text(const char *what, const char *columns, const char *query);

#endif							/* SERVER_QUERY_TEXT_H */
