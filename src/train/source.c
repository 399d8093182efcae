/*
 * source.c
 *	  Training data: from the user's query to rows.
 *
 * The query is the user's text and runs as the user: nothing here may be
 * called under the extension owner's id.  It is read once, forward, a few
 * hundred rows at a time.  A row keeps the type it was stored in, since bytes
 * take a quarter of the floats they become.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/varlena.h"

#include "base/random.h"
#include "model/input.h"
#include "model/model.h"
#include "server/compat.h"
#include "server/cursor.h"
#include "server/query_text.h"
#include "train/source.h"

#define FETCH_ROWS 256
#define FIRST_LABELS 1024

/* Class numbers by the label's text */
typedef struct ClassEntry
{
	char	   *label;
	int32		number;
	char		status;			/* for simplehash */
} ClassEntry;

#define SH_PREFIX class
#define SH_ELEMENT_TYPE ClassEntry
#define SH_KEY_TYPE char *
#define SH_KEY label
#define SH_HASH_KEY(table, key) string_hash(key, SIZE_MAX)
#define SH_EQUAL(table, a, b) (strcmp((a), (b)) == 0)
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

typedef struct Reader
{
	const SourceRequest *request;
	SourceRows *rows;
	MemoryContext context;		/* of rows */
	MemoryContext row_context;	/* of one row's detoasted values */
	class_hash *classes;
	bool		known_only;		/* skip rows of other classes */
	uint64		position;		/* of the row being read, from 1 */
	bool		in_row;			/* for error messages: reading a row, or
								 * running the query? */
	InputKind	kind;
	InputShape	shape;			/* of the first row's array */
	FmgrInfo	label_output;
	uint32		labels_size;	/* allocated */
	int			classes_size;
} Reader;

/* ---- columns ---- */

static char *
describe_columns(TupleDesc columns)
{
	StringInfoData buffer;

	initStringInfo(&buffer);
	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		appendStringInfo(&buffer, "%s%s %s", i > 0 ? ", " : "",
						 quote_identifier(NameStr(column->attname)),
						 format_type_be(column->atttypid));
	}
	return buffer.data;
}

static InputKind
check_input_type(const char *what, TupleDesc columns)
{
	Form_pg_attribute column = TupleDescAttr(columns, 0);
	InputKind	kind;

	if (!input_kind_of(getBaseType(column->atttypid), &kind))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of the %s query has type %s, which is not an input",
						NameStr(column->attname), what, format_type_be(column->atttypid)),
				 errdetail("The first column must be bytea, an array of numbers or embedding; the query returns (%s).",
						   describe_columns(columns))));
	return kind;
}

static void
check_columns(Reader *reader, TupleDesc columns)
{
	Oid			output;
	bool		isvarlena;

	if (columns->natts != 2 && !(reader->request->unlabeled && columns->natts == 1))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("%s query must return 2 columns, the input and its label, not %d",
						reader->request->what, columns->natts),
				 columns->natts > 0 ?
				 errdetail("It returns (%s).", describe_columns(columns)) : 0));
	reader->kind = check_input_type(reader->request->what, columns);
	reader->rows->element = input_element(reader->kind);
	if (reader->request->unlabeled)
		return;
	getTypeOutputInfo(TupleDescAttr(columns, 1)->atttypid, &output, &isvarlena);
	fmgr_info_cxt(output, &reader->label_output, reader->context);
}

/* ---- query ---- */

/* Errors of the user's text come with its context from SPI. */
static SPIPlanPtr
prepare_query(const char *what, const char *query)
{
	SPIPlanPtr	plan;
	List	   *sources;
	CachedPlanSource *source;

	check_query_text(what, "input, label", query);
	plan = SPI_prepare(query, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	sources = SPI_plan_get_plan_sources(plan);
	if (list_length(sources) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one SELECT query", what)));
	source = linitial(sources);
	if (list_length(source->query_list) != 1 ||
		linitial_node(Query, source->query_list)->commandType != CMD_SELECT ||
		linitial_node(Query, source->query_list)->hasModifyingCTE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one SELECT query, not %s",
						what, source->commandTag == CMDTAG_SELECT ? "one that writes" :
						GetCommandTagName(source->commandTag))));
	return plan;
}

/* ---- labels ---- */

static int32
add_class(Reader *reader, const char *label)
{
	SourceRows *rows = reader->rows;
	ClassEntry *entry;
	bool		found;
	char	   *copy = MemoryContextStrdup(reader->context, label);

	if (rows->nclasses == reader->classes_size)
	{
		reader->classes_size *= 2;
		rows->classes = repalloc_huge(rows->classes,
									  sizeof(char *) * (Size) reader->classes_size);
		rows->examples = repalloc_huge(rows->examples,
									   sizeof(uint32) * (Size) reader->classes_size);
	}
	entry = class_insert(reader->classes, copy, &found);
	if (found)
		pfree(copy);
	else
	{
		entry->number = rows->nclasses;
		rows->examples[rows->nclasses] = 0;
		rows->classes[rows->nclasses++] = copy;
		reader->request->memory->labels += strlen(copy) + 1 + sizeof(char *) + sizeof(uint32) +
			sizeof(ClassEntry);
	}
	return entry->number;
}

static void
add_known_classes(Reader *reader, ArrayType *known)
{
	Datum	   *labels;
	int			n;

	if (ARR_HASNULL(known) && array_contains_nulls(known))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("known_classes must not contain nulls")));
	deconstruct_array(known, TEXTOID, -1, false, TYPALIGN_INT, &labels, NULL, &n);
	for (int i = 0; i < n; i++)
		(void) add_class(reader, TextDatumGetCString(labels[i]));
	reader->known_only = true;
}

/* The class number of a label, or -1 if its rows are not wanted */
static int32
read_label(Reader *reader, HeapTuple tuple, TupleDesc columns)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, columns, 2, &isnull);
	char	   *label;
	ClassEntry *entry;

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("label must not be null")));
	label = OutputFunctionCall(&reader->label_output, value);
	entry = class_lookup(reader->classes, label);
	if (entry != NULL)
		return entry->number;
	return reader->known_only ? -1 : add_class(reader, label);
}

static void
check_known_classes(const char *what, const SourceRows *rows)
{
	for (int i = 0; i < rows->nclasses; i++)
	{
		if (rows->examples[i] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("known class \"%s\" has no rows in the %s query",
							rows->classes[i], what)));
	}
}

/* ---- rows ---- */

static void
check_shape(const Reader *reader, const InputRow *input)
{
	if (!input_shapes_equal(&reader->shape, &input->shape))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("input has shape %s, but that of the first row has %s",
						input_shape_text(&input->shape), input_shape_text(&reader->shape)),
				 errhint("All inputs of a training must have the same shape.")));
}

/* The first row says how many bytes one has. */
static void
begin_rows(Reader *reader, const InputRow *input)
{
	SourceRows *rows = reader->rows;

	if (input->size == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("input must not be empty")));
	reader->shape = input->shape;
	rows->row_size = input->size;
	rows->store = rows_create(reader->context, input->size, reader->request->max_fetch,
							  reader->request->memory);
}

/* Detoasted into the row's context if need be */
static const void *
read_input(Reader *reader, HeapTuple tuple, TupleDesc columns)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, columns, 1, &isnull);
	InputRow	input;

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("input must not be null")));
	input_read(&input, reader->request->graph, reader->kind, value);
	if (reader->rows->store == NULL)
		begin_rows(reader, &input);
	check_shape(reader, &input);
	return input.data;
}

static void
append_row(Reader *reader, const void *input, int32 label)
{
	SourceRows *rows = reader->rows;
	TrainingMemory *memory = reader->request->memory;

	/* the label, and the sampler's row number */
	memory->labels += reader->request->unlabeled ? 0 : sizeof(int32) + sizeof(uint32);
	memory->nrows = reader->position;
	memory_check(memory);
	if (rows->nrows >= PG_INT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("training takes at most %d rows", PG_INT32_MAX / 2)));
	rows_append(rows->store, input);
	if (!reader->request->unlabeled)
	{
		if (rows->nrows == reader->labels_size)
		{
			reader->labels_size *= 2;
			rows->labels = repalloc_huge(rows->labels, sizeof(int32) * reader->labels_size);
		}
		rows->labels[rows->nrows] = label;
		rows->examples[label]++;
	}
	rows->nrows++;
}

/* Is a row of this class, or any if there are no labels, wanted? */
static bool
is_wanted(const Reader *reader, int32 label)
{
	int			most = reader->request->max_examples;

	if (reader->request->unlabeled)
		return true;
	return label >= 0 && (most == 0 || reader->rows->examples[label] < (uint32) most);
}

static void
read_row(Reader *reader, HeapTuple tuple, TupleDesc columns)
{
	MemoryContext old = MemoryContextSwitchTo(reader->row_context);
	int32		label = 0;

	reader->position++;
	reader->in_row = true;
	if (!reader->request->unlabeled)
		label = read_label(reader, tuple, columns);
	if (is_wanted(reader, label))
		append_row(reader, read_input(reader, tuple, columns), label);
	reader->in_row = false;
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row_context);
}

/* Which row it is; else what SPI adds when it opens a cursor, but not when it fetches */
static void
add_context(void *arg)
{
	const Reader *reader = arg;

	if (reader->in_row)
		errcontext("row " UINT64_FORMAT " of the %s query", reader->position, reader->request->what);
	else
		errcontext("SQL statement \"%s\"", reader->request->query);
}

static void
read_all(Reader *reader, SPIPlanPtr plan)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = add_context,
		.arg = reader
	};
	Portal		cursor = cursor_open(plan, false);
	CursorPace	pace = {0};
	uint64		fetched;

	error_context_stack = &callback;
	do
	{
		SPITupleTable *table;

		cursor_fetch(cursor, FETCH_ROWS, &pace);
		fetched = SPI_processed;
		table = SPI_tuptable;
		for (uint64 i = 0; i < fetched; i++)
			read_row(reader, table->vals[i], table->tupdesc);
		SPI_freetuptable(table);
	} while (fetched > 0);
	cursor_close(cursor);
	error_context_stack = callback.previous;
}

static void
init_reader(Reader *reader, MemoryContext context, const SourceRequest *request)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	reader->request = request;
	reader->context = context;
	reader->row_context = AllocSetContextCreate(CurrentMemoryContext, "similarity source row",
												ALLOCSET_DEFAULT_SIZES);
	reader->classes = class_create(context, 16, NULL);
	reader->classes_size = 16;
	reader->labels_size = FIRST_LABELS;
	reader->rows = palloc0(sizeof(SourceRows));
	if (request->unlabeled)
	{
		MemoryContextSwitchTo(old);
		return;
	}
	reader->rows->labels = palloc(sizeof(int32) * FIRST_LABELS);
	reader->rows->classes = palloc(sizeof(char *) * (Size) reader->classes_size);
	reader->rows->examples = palloc(sizeof(uint32) * (Size) reader->classes_size);
	if (request->known_classes != NULL)
		add_known_classes(reader, request->known_classes);
	MemoryContextSwitchTo(old);
}

/*
 * A large table may be read from its middle, where another scan is; then two
 * runs over the same table would see its rows in another order and train
 * other weights.  The setting is local to the query.
 */
static int
begin_stable_order(void)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("synchronize_seqscans", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

SourceRows *
source_read(MemoryContext context, const SourceRequest *request)
{
	Reader		reader = {0};
	SPIPlanPtr	plan;
	int			level;

	init_reader(&reader, context, request);
	EnsurePortalSnapshotExists();
	plan = prepare_query(request->what, request->query);
	check_columns(&reader, ((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan)))->resultDesc);
	level = begin_stable_order();
	read_all(&reader, plan);
	AtEOXact_GUC(true, level);
	SPI_freeplan(plan);
	if (reader.rows->nrows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s query returned no rows%s", request->what,
						reader.position > 0 ? " of the known classes" : "")));
	if (reader.known_only)
		check_known_classes(request->what, reader.rows);
	reader.rows->by_label = reader.classes;
	if (request->unlabeled)
		reader.rows->nclasses = (int) reader.rows->nrows;
	MemoryContextDelete(reader.row_context);
	return reader.rows;
}

bool
source_has_class(const SourceRows *rows, const char *label)
{
	return rows->by_label != NULL && class_lookup(rows->by_label, unconstify(char *, label)) != NULL;
}

uint64
source_hash(const SourceRows *rows)
{
	uint64		hash = rows_hash(rows->store);

	for (int i = 0; rows->classes != NULL && i < rows->nclasses; i++)
		hash = random_hash(rows->classes[i], strlen(rows->classes[i]) + 1, hash);
	if (rows->classes != NULL)
		hash = random_hash(rows->labels, sizeof(int32) * (Size) rows->nrows, hash);
	return hash;
}
