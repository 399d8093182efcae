/*
 * query_text.c
 *	  Queries that users give as text.
 */
#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/varlena.h"

#include "server/query_text.h"

/*
 * Only what cannot be a query: SELECT'a' has no blank either.
 */
static bool
is_name(const char *query)
{
	const char *start = query + strspn(query, " \t\n\r\f");
	char	   *copy = pstrdup(query);
	List	   *names;

	return strpbrk(query, "(){}[];,'*") == NULL && (*start == '"' || strchr(start, '"') == NULL) &&
		SplitIdentifierString(copy, '.', &names) && names != NIL;
}

void
check_query_text(const char *what, const char *columns, const char *query)
{
	if (is_name(query))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"%s\" must be a query, not a name", what),
				 errhint("Name the columns: 'SELECT %s FROM %s'.", columns, query)));
}
