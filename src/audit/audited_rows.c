/*
 * audited_rows.c
 *	  The rows of a gallery, read once, and their neighbors among each other.
 *
 * The table is read by one cursor, as the invoker, so that privileges, row
 * security and visibility are PostgreSQL's, and functions of views and
 * policies run once.  A second reading need not give the rows in the same
 * order, so embeddings are spooled: each pass of the search, of as many queries
 * as maintenance_work_mem holds, reads the spool and not the table.
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "access/tupdesc.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "audit/audited_rows.h"
#include "embedding/exact_search.h"
#include "gallery/lookup.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/cursor.h"
#include "server/errors.h"

/* Rows of the table that are fetched together, at most */
#define FETCHED_ROWS 512

/* What a row takes in the arrays, beside its key's bytes */
#define ROW_BYTES (sizeof(int) + sizeof(char *))

/* ---- reading ---- */

static const char *
row_key_column(const Gallery *gallery)
{
	if (gallery->key != NULL)
		return quote_identifier(gallery->key);
	if (get_rel_relkind(gallery->relid) == RELKIND_VIEW)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("gallery \"%s\" has no key that tells its rows apart",
						gallery->name),
				 errhint("Create the gallery again with key => the name of a column.")));
	return "ctid";
}

bool
audited_rows_readable(const Gallery *gallery)
{
	if (gallery->key != NULL)
		return gallery_may_read(gallery->relid,
								get_attnum(gallery->relid, gallery->key));
	return get_rel_relkind(gallery->relid) != RELKIND_VIEW &&
		gallery_may_read(gallery->relid, SelfItemPointerAttributeNumber);
}

static Portal
open_gallery_rows(const Gallery *gallery)
{
	const char *column = quote_identifier(gallery->embedding);
	char	   *sql = psprintf("SELECT t.%s, t.%s, t.%s FROM %s t WHERE t.%s IS NOT NULL",
							   quote_identifier(gallery->label),
							   row_key_column(gallery), column, gallery->relation,
							   column);

	return gallery_open_rows(gallery, sql, 3);
}

static void
require_bytes(const AuditedRows *rows, Size more)
{
	budget_require(BUDGET_MAINTENANCE, budget_sum(rows->bytes, more),
				   "labels and keys of the rows", "use fewer rows");
}

static void
grow_rows(AuditedRows *rows)
{
	size_t		size = Max(2 * rows->size, 1024);

	require_bytes(rows, budget_product(size - rows->size, ROW_BYTES));
	rows->bytes += (size - rows->size) * ROW_BYTES;
	rows->labels = rows->size == 0 ?
		palloc(sizeof(int) * size) :
		repalloc_huge(rows->labels, sizeof(int) * size);
	rows->keys = rows->size == 0 ?
		palloc(sizeof(char *) * size) :
		repalloc_huge(rows->keys, sizeof(char *) * size);
	rows->size = size;
}

static void
spool_embedding(AuditedRows *rows, Datum value)
{
	Embedding  *e = embedding_check(DatumGetEmbedding(value));
	Datum		flat = PointerGetDatum(e);
	bool		isnull = false;

	tuplestore_putvalues(rows->spool, rows->slot->tts_tupleDescriptor, &flat,
						 &isnull);
	if (PointerGetDatum(e) != value)
		pfree(e);
}

/* A key may be NULL, unless it is a primary key. */
static char *
take_key(AuditedRows *rows, SPITupleTable *table, int row)
{
	char	   *key = labels_of_column(table, row, 2);
	Size		bytes = key == NULL ? 0 : strlen(key) + 1;
	char	   *kept;

	if (key == NULL)
		return NULL;
	require_bytes(rows, bytes);
	kept = MemoryContextStrdup(rows->context, key);
	rows->bytes += GetMemoryChunkSpace(kept);
	pfree(key);
	return kept;
}

static void
take_table_row(AuditedRows *rows, SPITupleTable *table, int row)
{
	bool		isnull;
	Datum		value = SPI_getbinval(table->vals[row], table->tupdesc, 3,
									  &isnull);
	char	   *label = labels_of_column(table, row, 1);

	if (rows->n == rows->size)
		grow_rows(rows);
	rows->labels[rows->n] = labels_code_of_row(rows->names, label);
	rows->keys[rows->n] = take_key(rows, table, row);
	rows->labeled += rows->labels[rows->n] != NO_LABEL;
	spool_embedding(rows, value);
	rows->n++;
	if (label)
		pfree(label);
}

static void
read_table(AuditedRows *rows)
{
	Portal		portal = open_gallery_rows(rows->gallery);
	CursorPace	pace = {0};

	call_progress_phase(&rows->progress, PHASE_READING, cursor_rows(portal));
	for (;;)
	{
		SPITupleTable *table;
		int			n;

		CHECK_FOR_INTERRUPTS();
		cursor_fetch(portal, FETCHED_ROWS, &pace);
		table = SPI_tuptable;
		n = (int) SPI_processed;
		for (int i = 0; i < n; i++)
			take_table_row(rows, table, i);
		SPI_freetuptable(table);
		if (n == 0)
			break;
		call_progress(&rows->progress, (int64) rows->n);
	}
	cursor_close(portal);
}

static TupleTableSlot *
spool_slot(void)
{
	TupleDesc	desc = CreateTemplateTupleDesc(1);

	TupleDescInitEntry(desc, 1, "embedding", embedding_type_oid(), -1, 0);
	return MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
}

AuditedRows *
audited_rows_read(const Gallery *gallery, CallKind call)
{
	AuditedRows *rows = palloc0(sizeof(AuditedRows));

	rows->gallery = gallery;
	rows->context = CurrentMemoryContext;
	rows->names = labels_create(BUDGET_MAINTENANCE);
	rows->slot = spool_slot();
	rows->spool = tuplestore_begin_heap(false, false, work_mem);
	tuplestore_set_eflags(rows->spool, EXEC_FLAG_REWIND);
	rows->pointer = tuplestore_alloc_read_pointer(rows->spool,
												  EXEC_FLAG_REWIND);
	call_progress_begin(&rows->progress, call, gallery->relid, 0);
	read_table(rows);
	if (rows->n == 0)
		gallery_raise_empty(gallery);
	return rows;
}

void
audited_rows_close(AuditedRows *rows)
{
	ExecDropSingleTupleTableSlot(rows->slot);
	tuplestore_end(rows->spool);
	call_progress_end(&rows->progress);
}

/* ---- the spool ---- */

static bool
is_of(const AuditedRows *rows, size_t row, RowKind kind)
{
	return (rows->labels[row] != NO_LABEL) == (kind == ROWS_LABELED);
}

/*
 * The embedding of the next row, in the slot until the next call.  The slot
 * frees the row then, so it must not end with the caller's context before.
 */
static Datum
next_embedding(AuditedRows *rows)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->context);
	bool		isnull;

	if (!tuplestore_gettupleslot(rows->spool, true, false, rows->slot))
		elog(ERROR, "rows of gallery \"%s\" are missing from its spool",
			 rows->gallery->name);
	MemoryContextSwitchTo(caller);
	return slot_getattr(rows->slot, 1, &isnull);
}

typedef struct WantedRow
{
	size_t		row;
	size_t		place;
} WantedRow;

static int
compare_wanted(const void *a, const void *b)
{
	size_t		x = ((const WantedRow *) a)->row;
	size_t		y = ((const WantedRow *) b)->row;

	return (x > y) - (x < y);
}

Embedding **
audited_rows_embeddings(AuditedRows *rows, const size_t *which, size_t n)
{
	Embedding **found = palloc(sizeof(Embedding *) * Max(n, 1));
	WantedRow  *wanted = palloc(sizeof(WantedRow) * Max(n, 1));
	size_t		row = 0;

	for (size_t i = 0; i < n; i++)
		wanted[i] = (WantedRow)
	{
		which[i], i
	};
	qsort(wanted, n, sizeof(WantedRow), compare_wanted);
	tuplestore_select_read_pointer(rows->spool, 0);
	tuplestore_rescan(rows->spool);
	for (size_t i = 0; i < n; row++)
	{
		Datum		value = next_embedding(rows);

		if (row == wanted[i].row)
			found[wanted[i++].place] = (Embedding *) PG_DETOAST_DATUM_COPY(value);
	}
	pfree(wanted);
	return found;
}

/* ---- true neighbors ---- */

typedef struct Pass
{
	AuditedRows *rows;
	RowKind		of;
	RowKind		among;
	EvalNeighbors *neighbors;
	MemoryContext context;		/* of a pass */
	size_t		next;			/* row that the next pass begins with */
	size_t	   *numbers;		/* of the queries of this one */
	Embedding **queries;
	int			n;
	int64		compared;		/* rows, of all passes */
} Pass;

/* The next rows of the kind, as many as a pass takes; false if there is none */
static bool
take_queries(Pass *pass)
{
	AuditedRows *rows = pass->rows;
	int			most = 1;

	tuplestore_select_read_pointer(rows->spool, 0);
	pass->n = 0;
	while (pass->next < rows->n && pass->n < most)
	{
		Datum		value = next_embedding(rows);
		size_t		row = pass->next++;
		Embedding  *e;

		if (!is_of(rows, row, pass->of))
			continue;
		e = (Embedding *) PG_DETOAST_DATUM_COPY(value);
		if (pass->n == 0)
		{
			most = exact_search_affordable(rows->gallery->distance, e->dims,
										   pass->neighbors->k + 1,
										   VARSIZE(e) + 64);
			pass->numbers = palloc_extended(sizeof(size_t) * most,
											MCXT_ALLOC_HUGE);
			pass->queries = palloc_extended(sizeof(Embedding *) * most,
											MCXT_ALLOC_HUGE);
		}
		pass->numbers[pass->n] = row;
		pass->queries[pass->n++] = e;
	}
	return pass->n > 0;
}

/* The first pass tells how many rows one takes, and so how many there are. */
static void
begin_comparing(Pass *pass)
{
	double		n = (double) pass->rows->n;

	if (pass->compared == 0)
		call_progress_phase(&pass->rows->progress, PHASE_COMPARING,
							n * ceil(n / (double) pass->next));
}

/* Compare all rows of the other kind with the queries. */
static void
compare_rows(Pass *pass, ExactSearch *search)
{
	AuditedRows *rows = pass->rows;

	tuplestore_select_read_pointer(rows->spool, rows->pointer);
	tuplestore_rescan(rows->spool);
	for (size_t row = 0; row < rows->n; row++)
	{
		Datum		value = next_embedding(rows);

		if (is_of(rows, row, pass->among))
			exact_search_add(search, value, row, false);
		if (row % 64 == 0)
			call_progress(&rows->progress, pass->compared + (int64) row);
	}
	pass->compared += (int64) rows->n;
	exact_search_finish(search);
}

static void
take_found(Pass *pass, ExactSearch *search)
{
	for (int q = 0; q < pass->n; q++)
	{
		int			n;
		const Neighbor *found = exact_search_found(search, q, &n);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
			eval_neighbors_add(pass->neighbors, pass->numbers[q], found[i].id,
							   found[i].distance);
	}
}

static void
find_exactly(AuditedRows *rows, RowKind of, RowKind among,
			 EvalNeighbors *neighbors)
{
	Pass		pass = {rows, of, among, neighbors};
	MemoryContext caller = CurrentMemoryContext;

	tuplestore_select_read_pointer(rows->spool, 0);
	tuplestore_rescan(rows->spool);
	pass.context = AllocSetContextCreate(caller, "neighbors of rows",
										 ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(pass.context);
	while (take_queries(&pass))
	{
		ExactSearch *search = exact_search_begin(rows->gallery->distance,
												 memory_pool(pass.context),
												 pass.queries, pass.n,
												 neighbors->k + 1);

		begin_comparing(&pass);
		compare_rows(&pass, search);
		take_found(&pass, search);
		MemoryContextReset(pass.context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(pass.context);
}

/* ---- neighbors of look-ups ---- */

typedef struct KeyedRow
{
	const char *key;
	size_t		row;
} KeyedRow;

static uint32
hash_key(const void *key, Size size)
{
	const char *text = *(const char *const *) key;

	return hash_bytes((const unsigned char *) text, strlen(text));
}

static int
compare_row_keys(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Rows by their keys */
static HTAB *
index_keys(const AuditedRows *rows)
{
	HASHCTL		control = {0};
	HTAB	   *index;

	require_bytes(rows, budget_product(rows->n, 3 * sizeof(KeyedRow)));
	control.keysize = sizeof(char *);
	control.entrysize = sizeof(KeyedRow);
	control.hash = hash_key;
	control.match = compare_row_keys;
	control.hcxt = CurrentMemoryContext;
	index = hash_create("keys of rows", (long) rows->n, &control,
						HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	for (size_t row = 0; row < rows->n; row++)
	{
		if (rows->keys[row] != NULL)
		{
			KeyedRow   *entry = hash_search(index, &rows->keys[row],
											HASH_ENTER, NULL);

			entry->row = row;
		}
	}
	return index;
}

typedef struct Finding
{
	HTAB	   *index;
	size_t		row;			/* whose neighbors are found */
	EvalNeighbors *neighbors;
} Finding;

/* A row that came after the table was read is nobody's neighbor. */
static void
take_looked_up(void *state, const NeighborRow *found)
{
	Finding    *finding = state;
	char	   *key = neighbor_key(found);
	const KeyedRow *entry = key == NULL ? NULL :
	hash_search(finding->index, &key, HASH_FIND, NULL);

	if (entry != NULL)
		eval_neighbors_add(finding->neighbors, finding->row, entry->row,
						   neighbor_distance(found));
}

static void
find_by_index(AuditedRows *rows, RowKind of, RowKind among,
			  EvalNeighbors *neighbors)
{
	Finding		finding = {index_keys(rows), 0, neighbors};
	SPIPlanPtr	plan = neighbors_prepare_some(rows->gallery, NEIGHBOR_KEYS,
											  among == ROWS_LABELED,
											  neighbors->k + 1);

	tuplestore_select_read_pointer(rows->spool, 0);
	tuplestore_rescan(rows->spool);
	call_progress_phase(&rows->progress, PHASE_LOOKING_UP, (double) rows->n);
	for (finding.row = 0; finding.row < rows->n; finding.row++)
	{
		Embedding  *query = DatumGetEmbedding(next_embedding(rows));

		if (is_of(rows, finding.row, of))
			neighbors_find(plan, query, take_looked_up, &finding);
		call_progress(&rows->progress, (int64) finding.row);
	}
	SPI_freeplan(plan);
	hash_destroy(finding.index);
}

static void
require_key(const Gallery *gallery)
{
	if (gallery->key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("look-ups by an index need a key, and gallery \"%s\" has none",
						gallery->name),
				 errhint("Create the gallery again with key => the name of a column, or use exact => true.")));
}

void
audited_rows_neighbors(AuditedRows *rows, RowKind of, RowKind among, int k,
					   bool exact, EvalNeighbors *neighbors)
{
	Size		bytes;
	Arena	   *arena;
	Status		status;

	/* a row has no more neighbors than there are others */
	k = (int) Min((size_t) k, Max(rows->n - 1, 1));
	bytes = budget_product(rows->n, eval_neighbors_bytes(k));
	budget_require(BUDGET_MAINTENANCE, bytes, "the neighbors of the rows",
				   "use a smaller k or fewer rows");
	arena = memory_arena(rows->context, ARENA_NO_BUDGET);
	if (!eval_neighbors_create(neighbors, rows->n, k, arena, &status))
		raise_status(&status);
	if (exact)
		find_exactly(rows, of, among, neighbors);
	else
	{
		require_key(rows->gallery);
		find_by_index(rows, of, among, neighbors);
	}
}
