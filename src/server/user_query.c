/*
 * user_query.c
 *	  Queries that users give as text.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/varlena.h"

#include "server/cursor.h"
#include "server/labels.h"
#include "server/user_query.h"

typedef struct KindColumns
{
	const char *columns;		/* as an example names them */
	const char *returns;		/* as a message names them */
	int			least;
	int			most;
	const char *second;
} KindColumns;

static const KindColumns kinds[] = {
	[QUERY_LABELS] = {"input, label", "(input, label)", 2, 2, "label"},
	[QUERY_INPUTS] = {"input", "(input) or (input, label)", 1, 2, "label"},
	[QUERY_SOME_LABELS] = {"input", "(input) or (input, label)", 1, 2, "label"},
	[QUERY_CATEGORIES] = {"input, label, category", "(input, label, category)", 3, 3, "label"},
	[QUERY_KEYS] = {"input, key", "(input, key)", 2, 2, "key"},
	[QUERY_REPORT] = {"input, label", "(input, label) or (input, label, image)", 2, 3, "label"},
	[QUERY_SAMPLE] = {"input, label, image, key", "(input, label, image, key)", 4, 4, "label"},
};

/* ---- the text ---- */

/*
 * Only what cannot be a query: SELECT'a' has no blank either.
 */
static bool
is_name(const char *text)
{
	const char *start = text +strspn(text, " \t\n\r\f");
	char	   *copy = pstrdup(text);
	List	   *names;

	return strpbrk(text, "(){}[];,'*") == NULL &&
		(*start == '"' || strchr(start, '"') == NULL) &&
		SplitIdentifierString(copy, '.', &names) && names != NIL;
}

static void
require_query(const char *argument, const char *columns, const char *text)
{
	if (is_name(text))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"%s\" must be a query, not a name",
						argument),
				 errhint("Name the columns: 'SELECT %s FROM %s'.", columns,
						 text)));
}

/* One SELECT that writes nothing and locks no rows */
static bool
is_plain_select(SPIPlanPtr plan)
{
	CachedPlanSource *source;
	Query	   *query;

	if (!SPI_is_cursor_plan(plan))
		return false;
	source = linitial(SPI_plan_get_plan_sources(plan));
	query = linitial_node(Query, source->query_list);
	return source->commandTag == CMDTAG_SELECT && !query->hasModifyingCTE &&
		query->rowMarks == NIL;
}

static SPIPlanPtr
prepare(const UserQuery *query)
{
	SPIPlanPtr	plan = cursor_prepare(query->text, 0, NULL);

	if (!is_plain_select(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a single read-only SELECT",
						query->name),
				 errhint("For example: SELECT %s FROM items.",
						 kinds[query->kind].columns)));
	return plan;
}

/* ---- its columns ---- */

static char *
describe_columns(TupleDesc desc)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		appendStringInfo(&buffer, "%s%s %s", i > 0 ? ", " : "",
						 quote_identifier(NameStr(column->attname)),
						 format_type_be(column->atttypid));
	}
	return buffer.data;
}

static bool
has_image(const UserQuery *query)
{
	return (query->kind == QUERY_REPORT && query->columns == 3) ||
		query->kind == QUERY_SAMPLE;
}

static void
check_columns(UserQuery *query, TupleDesc desc)
{
	const KindColumns *kind = &kinds[query->kind];

	if (desc->natts < kind->least || desc->natts > kind->most)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s must return %s", query->name, kind->returns),
				 desc->natts > 0 ?
				 errdetail("It returns (%s).", describe_columns(desc)) : 0));
	query->columns = query->kind == QUERY_INPUTS ? 1 : desc->natts;
	query->type = SPI_gettypeid(desc, 1);
	if (has_image(query) &&
		getBaseType(SPI_gettypeid(desc, 3)) != BYTEAOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("image of the %s is of type %s, not bytea", query->name,
						format_type_be(SPI_gettypeid(desc, 3)))));
}

UserQuery *
user_query_open(const char *argument, const char *text, QueryKind kind,
				bool read_only)
{
	UserQuery  *query = palloc0(sizeof(UserQuery));
	SPIPlanPtr	plan;

	query->name = strcmp(argument, "query") == 0 ? argument :
		psprintf("%s query", argument);
	query->text = text;

	query->kind = kind;
	require_query(argument, kinds[kind].columns, text);
	plan = prepare(query);
	query->cursor = cursor_open(plan, read_only);
	SPI_freeplan(plan);
	check_columns(query, query->cursor->tupDesc);
	return query;
}

void
user_query_progress(UserQuery *query, CallProgress *progress, CallPhase phase)
{
	query->progress = progress;
	call_progress_phase(progress, phase, cursor_rows(query->cursor));
}

/* ---- its rows ---- */

/* What was fetched before is held until it is released. */
static bool
fetch_rows(UserQuery *query, int most)
{
	MemoryContext caller = MemoryContextSwitchTo(GetMemoryChunkContext(query));

	if (query->table != NULL)
		query->held = lappend(query->held, query->table);
	MemoryContextSwitchTo(caller);
	query->in_row = false;
	if (query->progress != NULL)
		call_progress(query->progress, (int64) query->row);
	cursor_fetch(query->cursor, most, &query->pace);
	query->table = SPI_tuptable;
	query->taken = 0;
	query->fetched += MemoryContextMemAllocated(query->table->tuptabcxt, true);
	return query->table->numvals > 0;
}

void
user_query_close(UserQuery *query)
{
	if (query->cursor != NULL)
		cursor_close(query->cursor);
	query->cursor = NULL;
}

bool
user_query_next(UserQuery *query, int most)
{
	if (query->cursor == NULL)
		return false;
	if ((query->table == NULL || query->taken == query->table->numvals) &&
		!fetch_rows(query, most))
	{
		user_query_close(query);
		return false;
	}
	query->taken++;
	query->row++;
	query->in_row = true;
	return true;
}

void
user_query_release(UserQuery *query)
{
	ListCell   *cell;

	foreach(cell, query->held)
		SPI_freetuptable(lfirst(cell));
	list_free(query->held);
	query->held = NIL;
	query->fetched = 0;
}

static void
raise_null(const UserQuery *query, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s is null in row " UINT64_FORMAT " of the %s",
					column, query->row, query->name)));
}

Datum
user_query_input(const UserQuery *query)
{
	bool		isnull;
	Datum		input = SPI_getbinval(query->table->vals[query->taken - 1],
									  query->table->tupdesc, 1, &isnull);

	if (isnull)
		raise_null(query, "input");
	return input;
}

char *
user_query_label(const UserQuery *query)
{
	char	   *label = labels_of_column(query->table, (int) query->taken - 1,
										 2);

	if (label == NULL && query->kind != QUERY_REPORT &&
		query->kind != QUERY_SAMPLE &&
		query->kind != QUERY_SOME_LABELS)
		raise_null(query, kinds[query->kind].second);
	return label;
}

char *
user_query_category(const UserQuery *query)
{
	char	   *category = labels_of_column(query->table,
											(int) query->taken - 1, 3);

	if (category == NULL)
		raise_null(query, "category");
	return category;
}

char *
user_query_key(const UserQuery *query)
{
	return labels_of_column(query->table, (int) query->taken - 1, 4);
}

bool
user_query_image(const UserQuery *query, Datum *image)
{
	bool		isnull = true;

	if (has_image(query))
		*image = SPI_getbinval(query->table->vals[query->taken - 1],
							   query->table->tupdesc, 3, &isnull);
	return !isnull;
}

void
user_query_raise_empty(const UserQuery *query, const char *wanted)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s returned no rows%s", query->name, wanted)));
}

void
user_query_error_context(void *arg)
{
	const UserQuery *query = arg;

	if (query->in_row)
		errcontext("row " UINT64_FORMAT " of the %s", query->row, query->name);
	else
		errcontext("SQL statement \"%s\"", query->text);
}
