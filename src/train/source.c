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

#include "catalog/pg_type.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/random.h"
#include "model/encoded.h"
#include "model/input.h"
#include "model/model.h"
#include "server/compat.h"
#include "server/user_query.h"
#include "train/source.h"

#define FETCH_ROWS 256
#define FIRST_LABELS 1024

/*
 * Files of pictures wait for others, to be decoded together on the pool, and what
 * comes after them waits too: rows keep their order.
 */
#define MAX_WAITING 256
#define MAX_WAITING_BYTES (32 * 1024 * 1024)

typedef struct Waiting
{
	MemoryContext context;
	int			n;
	Size		bytes;
	InputRow	rows[MAX_WAITING];
	uint64		numbers[MAX_WAITING];	/* of the query */
	int			current;		/* that is decoded, or -1 */
} Waiting;

typedef struct Reader
{
	const SourceRequest *request;
	SourceRows *rows;
	MemoryContext context;		/* of rows */
	MemoryContext row_context;	/* of one row's detoasted values */
	UserQuery  *query;
	bool		known_only;		/* skip rows of other classes */
	InputKind	kind;
	InputShape	shape;			/* of the first row's array */
	uint32		pieces;			/* of files so far */
	Waiting    *waiting;
	uint32		labels_size;	/* allocated */
	Labels	   *categories;		/* or NULL */
	int			categories_size;	/* classes that have a place for one */
} Reader;

/* ---- labels ---- */

/*
 * The code of a label, which is made one if it is new; its memory is counted.
 */
static int32
add_class(Reader *reader, const char *label)
{
	Labels	   *classes = reader->rows->classes;
	Size		before = labels_bytes(classes);
	int			code = labels_code(classes, label);

	reader->request->memory->labels += labels_bytes(classes) - before;
	return code;
}

/* They get the first codes, in their order; rows of others are skipped. */
static void
add_known_classes(Reader *reader, ArrayType *known)
{
	Datum	   *labels;
	int			n;

	if (ARR_HASNULL(known) && array_contains_nulls(known))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("known_classes must not contain nulls")));
	deconstruct_array(known, TEXTOID, -1, false, TYPALIGN_INT, &labels, NULL,
					  &n);
	for (int i = 0; i < n; i++)
		(void) add_class(reader, TextDatumGetCString(labels[i]));
	reader->known_only = true;
}

/* The class of a row, or NO_LABEL if it has none or rows of it are skipped */
static int32
read_label(Reader *reader)
{
	const char *label;

	if (reader->query->columns < 2)
		return NO_LABEL;
	label = user_query_label(reader->query);
	if (label == NULL)
		return NO_LABEL;
	return reader->known_only ? labels_find(reader->rows->classes, label) :
		add_class(reader, label);
}

/* ---- categories ---- */

/* A place for the category of each class up to this one */
static void
reserve_category(Reader *reader, int32 class)
{
	SourceRows *rows = reader->rows;
	int			size = reader->categories_size;

	if (class < size)
		return;
	size = Max(2 * size, class + 1);
	rows->categories = rows->categories == NULL ?
		MemoryContextAllocHuge(reader->context, sizeof(int32) * (Size) size) :
		repalloc_huge(rows->categories, sizeof(int32) * (Size) size);
	for (int i = reader->categories_size; i < size; i++)
		rows->categories[i] = NO_LABEL;
	reader->request->memory->labels +=
		sizeof(int32) * (Size) (size - reader->categories_size);
	reader->categories_size = size;
}

/* A class has one category: that of its first row is that of all. */
static void
read_category(Reader *reader, int32 class)
{
	const char *text = user_query_category(reader->query);
	Size		before = labels_bytes(reader->categories);
	int32		category = labels_code(reader->categories, text);
	int32	   *of_class;

	reader->request->memory->labels += labels_bytes(reader->categories) - before;
	reserve_category(reader, class);
	of_class = &reader->rows->categories[class];
	if (*of_class != NO_LABEL && *of_class != category)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("class \"%s\" is of two categories, \"%s\" and \"%s\"",
						labels_text(reader->rows->classes, class),
						labels_text(reader->categories, *of_class), text)));
	*of_class = category;
}

/* Rows of a class that are kept so far */
static int64
class_rows(const SourceRows *rows, int32 code)
{
	return labels_uses(rows->classes)[code].items;
}

/* A name that no row has is a misspelling rather than a wish. */
static void
check_known_classes(const Reader *reader)
{
	const SourceRows *rows = reader->rows;

	for (int i = 0; i < labels_count(rows->classes); i++)
	{
		if (class_rows(rows, i) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("known class \"%s\" has no rows in the %s",
							labels_text(rows->classes, i),
							reader->query->name)));
	}
}

/* ---- rows ---- */

/* The first row has said what arrays look like. */
static void
check_shape(const Reader *reader, const InputRow *input)
{
	if (!input_shapes_equal(&reader->shape, &input->shape))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("input has shape %s, but that of the first row has %s",
						input_shape_text(&input->shape),
						input_shape_text(&reader->shape)),
				 errhint("All inputs of a training must have the same shape.")));
}

/*
 * Files of pictures that are not decoded have any length: they are cut into
 * pieces, which are rows of a store.
 */
#define PIECE_SIZE 1024

typedef struct FilePlace
{
	uint32		piece;			/* the first */
	uint32		size;
} FilePlace;

/* What the store keeps of a file's row: where its pieces begin */
static const void *
append_file(Reader *reader, const InputRow *input)
{
	FilePlace  *place = palloc0(sizeof(FilePlace));

	place->piece = reader->pieces;
	place->size = (uint32) input->size;
	for (Size i = 0; i < input->size; i += PIECE_SIZE, reader->pieces++)
	{
		char		piece[PIECE_SIZE] = {0};

		memcpy(piece, (const char *) input->data + i,
			   Min(input->size - i, PIECE_SIZE));
		rows_append(reader->rows->files, piece);
	}
	return place;
}

bytea *
source_file(const SourceRows *rows, const void *row)
{
	const FilePlace *place = row;
	bytea	   *file = palloc(VARHDRSZ + place->size);

	SET_VARSIZE(file, VARHDRSZ + place->size);
	for (uint32 i = 0; i < place->size; i += PIECE_SIZE)
	{
		uint32		number = place->piece + i / PIECE_SIZE;
		const void *piece;

		rows_fetch(rows->files, &number, 1, &piece);
		memcpy(VARDATA(file) + i, piece, Min(place->size - i, PIECE_SIZE));
	}
	return file;
}

/* The first row says how many bytes one has. */
static void
begin_rows(Reader *reader, const InputRow *input)
{
	SourceRows *rows = reader->rows;
	bool		files = reader->kind == INPUT_BYTES &&
	reader->request->target.graph == NULL &&
	encoded_has_signature(input->data, input->size);

	if (input->size == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("input must not be empty")));
	reader->shape = input->shape;
	if (files)
		rows->files = rows_create(reader->context, PIECE_SIZE, 1,
								  reader->request->memory);
	rows->row_size = files ? sizeof(FilePlace) : input->size;
	rows->store = rows_create(reader->context, rows->row_size,
							  reader->request->max_fetch,
							  reader->request->memory);
}

/* Decode the files that wait, all at once, and store their rows in order. */
static void
store_waiting(Reader *reader)
{
	Waiting    *waiting = reader->waiting;
	MemoryContext old = MemoryContextSwitchTo(waiting->context);

	inputs_decode(waiting->rows, waiting->n, &reader->request->target,
				  reader->request->pool, &waiting->current);
	for (int i = 0; i < waiting->n; i++)
		rows_append(reader->rows->store, waiting->rows[i].data);
	MemoryContextSwitchTo(old);
	MemoryContextReset(waiting->context);
	waiting->n = 0;
	waiting->bytes = 0;
}

/* A copy, since the query's row is gone with the next one */
static void
let_wait(Reader *reader, const InputRow *input)
{
	Waiting    *waiting = reader->waiting;
	MemoryContext old = MemoryContextSwitchTo(waiting->context);
	InputRow   *row = &waiting->rows[waiting->n];

	*row = *input;
	waiting->bytes += input_keep(row) + row->size;
	waiting->numbers[waiting->n++] = reader->query->row;
	MemoryContextSwitchTo(old);
	if (waiting->n == MAX_WAITING || waiting->bytes >= MAX_WAITING_BYTES)
		store_waiting(reader);
}

/* An error of a file names its row, not the one that is being read. */
static void
waiting_error_context(void *arg)
{
	const Reader *reader = arg;
	const Waiting *waiting = reader->waiting;

	if (waiting->current < 0)
		user_query_error_context(reader->query);
	else
		errcontext("row " UINT64_FORMAT " of the %s",
				   waiting->numbers[waiting->current], reader->query->name);
}

/* Detoasted into the row's context if need be */
static void
read_input(Reader *reader)
{
	InputRow	input;

	input_open(&input, &reader->request->target, reader->kind,
			   user_query_input(reader->query));
	if (reader->rows->store == NULL)
		begin_rows(reader, &input);
	if (reader->rows->files != NULL)
	{
		rows_append(reader->rows->store, append_file(reader, &input));
		return;
	}
	check_shape(reader, &input);
	if (input.data == NULL || reader->waiting->n > 0)
		let_wait(reader, &input);
	else
		rows_append(reader->rows->store, input.data);
}

/*
 * Memory is counted before it is taken, so that a budget that is too small
 * stops the training at the row that exceeds it.
 */
static void
append_row(Reader *reader, int32 label)
{
	SourceRows *rows = reader->rows;
	TrainingMemory *memory = reader->request->memory;

	/* the label, and the sampler's row number */
	memory->labels += reader->request->unlabeled ? 0 :
		sizeof(int32) + sizeof(uint32);
	memory->nrows = reader->query->row;
	memory_check(memory);
	if (rows->nrows >= PG_INT32_MAX / 2)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("training takes at most %d rows", PG_INT32_MAX / 2)));
	read_input(reader);
	if (!reader->request->unlabeled)
	{
		if (rows->nrows == reader->labels_size)
		{
			reader->labels_size *= 2;
			rows->labels = repalloc_huge(rows->labels,
										 sizeof(int32) * reader->labels_size);
		}
		rows->labels[rows->nrows] = label;
		if (label != NO_LABEL)
		{
			labels_add_item(rows->classes, label);
			rows->labeled++;
		}
	}
	rows->nrows++;
}

/* Do we keep a row of this class?  Without labels, every row. */
static bool
is_wanted(const Reader *reader, int32 label)
{
	int			most = reader->request->max_examples;

	if (reader->request->unlabeled || reader->request->some_labels)
		return true;
	return label != NO_LABEL &&
		(most == 0 || class_rows(reader->rows, label) < most);
}

static void
read_row(Reader *reader)
{
	MemoryContext old = MemoryContextSwitchTo(reader->row_context);
	int32		label = 0;

	if (!reader->request->unlabeled)
		label = read_label(reader);
	if (reader->categories != NULL && label != NO_LABEL)
		read_category(reader, label);
	if (is_wanted(reader, label))
		append_row(reader, label);
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row_context);
}

static void
read_all(Reader *reader)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = waiting_error_context,
		.arg = reader
	};

	error_context_stack = &callback;
	while (user_query_next(reader->query, FETCH_ROWS))
	{
		read_row(reader);
		user_query_release(reader->query);
	}
	if (reader->waiting->n > 0)
		store_waiting(reader);
	error_context_stack = callback.previous;
}

static void
init_reader(Reader *reader, MemoryContext context, const SourceRequest *request)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	reader->request = request;
	reader->context = context;
	reader->row_context = AllocSetContextCreate(CurrentMemoryContext,
												"similarity source row",
												ALLOCSET_DEFAULT_SIZES);
	reader->waiting = palloc0(sizeof(Waiting));
	reader->waiting->context = AllocSetContextCreate(CurrentMemoryContext,
													 "similarity source files",
													 ALLOCSET_DEFAULT_SIZES);
	reader->waiting->current = -1;
	reader->rows = palloc0(sizeof(SourceRows));
	if (!request->unlabeled)
	{
		reader->labels_size = FIRST_LABELS;
		reader->rows->labels = palloc(sizeof(int32) * FIRST_LABELS);
		reader->rows->classes = labels_create(BUDGET_TRAINING);
		if (request->categories)
			reader->categories = labels_create(BUDGET_TRAINING);
		if (request->known_classes != NULL)
			add_known_classes(reader, request->known_classes);
	}
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

	(void) set_config_option("synchronize_seqscans", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* Query and columns are checked before the first row is asked for. */
static void
open_query(Reader *reader)
{
	const SourceRequest *request = reader->request;

	EnsurePortalSnapshotExists();
	reader->query = user_query_open(request->what, request->query,
									request->unlabeled ? QUERY_INPUTS :
									request->some_labels ? QUERY_SOME_LABELS :
									request->categories ? QUERY_CATEGORIES :
									QUERY_LABELS, false);
	model_require_input_column(reader->query->name, reader->query->type);
	if (request->progress != NULL)
		user_query_progress(reader->query, request->progress, request->phase);
	reader->kind = input_kind(reader->query->type);
	reader->rows->element = input_element(reader->kind);
}

SourceRows *
source_read(MemoryContext context, const SourceRequest *request)
{
	Reader		reader = {0};
	SourceRows *rows;
	int			level;

	init_reader(&reader, context, request);
	rows = reader.rows;
	level = begin_stable_order();
	open_query(&reader);
	read_all(&reader);
	AtEOXact_GUC(true, level);
	if (rows->nrows == 0)
		user_query_raise_empty(reader.query,
							   reader.query->row > 0 ? " of the known classes" :
							   "");
	if (reader.known_only)
		check_known_classes(&reader);
	rows->nclasses = request->unlabeled ? (int) rows->nrows :
		labels_count(rows->classes);
	if (request->categories)
		rows->ncategories = labels_count(reader.categories);
	MemoryContextDelete(reader.row_context);
	MemoryContextDelete(reader.waiting->context);
	pfree(reader.waiting);
	return rows;
}

/*
 * Of inputs, labels and categories in their order: what a resumed training
 * must find as it was
 */
uint64
source_hash(const SourceRows *rows)
{
	uint64		hash = rows_hash(rows->store);

	for (int i = 0; rows->classes != NULL && i < rows->nclasses; i++)
	{
		const char *label = labels_text(rows->classes, i);

		hash = random_hash(label, strlen(label) + 1, hash);
	}
	if (rows->classes != NULL)
		hash = random_hash(rows->labels, sizeof(int32) * (Size) rows->nrows,
						   hash);
	if (rows->categories != NULL)
		hash = random_hash(rows->categories,
						   sizeof(int32) * (Size) rows->nclasses, hash);
	return hash;
}
