/*
 * copy_rows.c
 *	  Rows of a table on their way to its copy.
 *
 * Values are taken as they are stored, as CLUSTER takes them, and only the
 * embeddings are computed: nothing is cast, and no statement is made of names.
 * What can still run code of the table's owner (operators of the primary key,
 * expressions of indexes, generated columns, CHECK constraints) runs as the
 * owner.  The network runs as the caller, whose model it is.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "gallery/gallery_input.h"
#include "model/model.h"
#include "reembed/reembed.h"
#include "server/catalog.h"
#include "server/compat.h"
#include "server/role.h"

/* Rows in hand at once */
#define BLOCK_ROWS 512

typedef struct Work
{
	Copy	   *copy;
	Relation	table;
	Relation	side;
	Relation	index;			/* the table's primary key */
	MemoryContext caller;
	MemoryContext context;		/* of the block of rows in hand */
	int			n;
	HeapTuple	rows[BLOCK_ROWS];
} Work;

/* ---- begin and end ---- */

/*
 * The copy is described by what the catalog recorded when it was begun: what
 * the owner has changed since is an error and not a wrong copy.
 */
static void
begin_work(Work *work, Copy *copy)
{
	Oid			key;

	work->copy = copy;
	work->n = 0;
	copy_open(copy, &work->table, &work->side);
	key = primary_key_index(work->table);
	if (!OidIsValid(key))
		copy_raise_changed(copy);
	work->index = index_open(key, AccessShareLock);
	if (work->index->rd_index->indnkeyatts != 1 ||
		work->index->rd_index->indkey.values[0] != copy->key)
		copy_raise_changed(copy);
	work->context = AllocSetContextCreate(CurrentMemoryContext,
										  "rows to be copied",
										  ALLOCSET_DEFAULT_SIZES);
	work->caller = CurrentMemoryContext;
	/* what this transaction has written, and others until now */
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
}

static void
end_work(Work *work)
{
	PopActiveSnapshot();
	MemoryContextDelete(work->context);
	index_close(work->index, NoLock);
	table_close(work->side, NoLock);
	table_close(work->table, NoLock);
}

/*
 * Keys are written as text and read again, whatever the owner's settings say
 * of dates and numbers.
 */
static void
act_as_owner(RoleFrame *frame, const Work *work)
{
	role_enter(frame, work->table->rd_rel->relowner);
	portable_text();
}

/* ---- keys ---- */

static Form_pg_attribute
key_column(const Work *work)
{
	return TupleDescAttr(RelationGetDescr(work->table), work->copy->key - 1);
}

/* Where the copy has come to, for similarity.reembedding and a later call */
static char *
key_to_text(const Work *work, HeapTuple row)
{
	Oid			output;
	bool		isvarlena;
	bool		isnull;
	Datum		key = heap_getattr(row, work->copy->key,
								   RelationGetDescr(work->table), &isnull);

	if (isnull)
		copy_raise_changed(work->copy);
	getTypeOutputInfo(key_column(work)->atttypid, &output, &isvarlena);
	return OidOutputFunctionCall(output, key);
}

/* The key is or was in the table: a domain has nothing to say. */
static Datum
key_from_text(const Work *work, char *text)
{
	Oid			input;
	Oid			parameter;

	getTypeInputInfo(getBaseType(key_column(work)->atttypid), &input,
					 &parameter);
	return OidInputFunctionCall(input, text, parameter, -1);
}

/* column OPERATOR key, by the operators of the primary key */
static SysScanDesc
begin_scan(const Work *work, Relation relation, Relation index,
		   StrategyNumber strategy, const Datum *key)
{
	const Relation own = work->index;
	Oid			type = own->rd_opcintype[0];
	Oid			operator = get_opfamily_member(own->rd_opfamily[0], type, type,
											   strategy);
	ScanKeyData condition;

	if (key != NULL)
		ScanKeyEntryInitialize(&condition, 0, work->copy->key, strategy,
							   InvalidOid, own->rd_indcollation[0],
							   get_opcode(operator), *key);
	return systable_beginscan_ordered(relation, index, GetActiveSnapshot(),
									  key == NULL ? 0 : 1, &condition);
}

/* ---- reading ---- */

/* Whatever a block needs is gone with it, however many there are. */
static void
begin_block(Work *work)
{
	work->n = 0;
	MemoryContextSwitchTo(work->context);
}

static void
end_block(Work *work)
{
	MemoryContextSwitchTo(work->caller);
	MemoryContextReset(work->context);
}

/* The next rows in the order of keys, at most limit */
static void
read_next(Work *work, int limit)
{
	RoleFrame	owner;
	Datum		after;
	bool		begun = work->copy->last_key != NULL;
	SysScanDesc scan;
	HeapTuple	row;

	act_as_owner(&owner, work);
	if (begun)
		after = key_from_text(work, work->copy->last_key);
	scan = begin_scan(work, work->table, work->index, BTGreaterStrategyNumber,
					  begun ? &after : NULL);
	while (work->n < limit &&
		   HeapTupleIsValid(row = systable_getnext_ordered(scan,
														   ForwardScanDirection)))
		work->rows[work->n++] = heap_copytuple(row);
	systable_endscan_ordered(scan);
	if (work->n > 0)
	{
		char	   *last = key_to_text(work, work->rows[work->n - 1]);

		work->copy->last_key = MemoryContextStrdup(work->caller, last);
	}
	role_leave(&owner);
}

/* The row of this key, if it is there */
static void
read_key(Work *work, Datum key)
{
	SysScanDesc scan = begin_scan(work, work->table, work->index,
								  BTEqualStrategyNumber, &key);
	HeapTuple	row = systable_getnext_ordered(scan, ForwardScanDirection);

	if (HeapTupleIsValid(row))
		work->rows[work->n++] = heap_copytuple(row);
	systable_endscan_ordered(scan);
}

/* ---- embedding ---- */

/* Rows are named by where they are: a key's output may be a user's code. */
static void
describe_row(const Work *work, int row)
{
	const ItemPointerData *at = &work->rows[row]->t_self;

	errcontext("row with ctid (%u,%u) of table %s",
			   ItemPointerGetBlockNumber(at), ItemPointerGetOffsetNumber(at),
			   work->copy->relation);
}

static void
raise_no_input(const Work *work, const CopyColumn *column, int row)
{
	TupleDesc	desc = RelationGetDescr(work->table);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("a row of table %s has an embedding but no input",
					work->copy->relation),
			 errdetail("Column \"%s\" is to be computed from column \"%s\".",
					   NameStr(TupleDescAttr(desc,
											 column->embedding - 1)->attname),
					   NameStr(TupleDescAttr(desc,
											 column->input - 1)->attname)),
			 describe_row(work, row)));
}

/* Input number input of a column is that of the row rows[input]. */
typedef struct ColumnInputs
{
	const Work *work;
	int			rows[BLOCK_ROWS];
} ColumnInputs;

static void
input_error_context(void *arg, int input)
{
	const ColumnInputs *inputs = arg;

	describe_row(inputs->work, inputs->rows[input]);
}

/* The new embedding of each row that has one; else NULL */
static Embedding **
embed_column(const Work *work, const CopyColumn *column)
{
	TupleDesc	desc = RelationGetDescr(work->table);
	Embedding **embeddings = palloc0(sizeof(Embedding *) * work->n);
	Embedding **computed = palloc(sizeof(Embedding *) * work->n);
	Datum	   *inputs = palloc(sizeof(Datum) * work->n);
	ColumnInputs column_inputs = {work};
	int			n = 0;
	bool		isnull;

	for (int i = 0; i < work->n; i++)
	{
		if (heap_attisnull(work->rows[i], column->embedding, desc))
			continue;
		inputs[n] = heap_getattr(work->rows[i], column->input, desc, &isnull);
		if (isnull)
			raise_no_input(work, column, i);
		column_inputs.rows[n++] = i;
	}
	model_embed_many(work->copy->version, inputs,
					 TupleDescAttr(desc, column->input - 1)->atttypid, n,
					 input_error_context, &column_inputs, computed);
	for (int i = 0; i < n; i++)
		embeddings[column_inputs.rows[i]] = computed[i];
	return embeddings;
}

static Embedding ***
embed_columns(const Work *work)
{
	Embedding ***columns = palloc(sizeof(Embedding **) * work->copy->ncolumns);

	for (int c = 0; c < work->copy->ncolumns; c++)
		columns[c] = embed_column(work, &work->copy->columns[c]);
	return columns;
}

/* ---- writing ---- */

typedef struct Writer
{
	EState	   *estate;
	ResultRelInfo *table;		/* for its constraints */
	ResultRelInfo *side;
	TupleTableSlot *slot;
} Writer;

static ResultRelInfo *
result_relation(Relation relation)
{
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, relation, 0, NULL, 0);
	result->ri_TrigDesc = NULL; /* nothing fires for a copy */
	return result;
}

static void
begin_writing(Writer *writer, const Work *work)
{
	writer->estate = CreateExecutorState();
	writer->table = result_relation(work->table);
	writer->side = result_relation(work->side);
	ExecOpenIndices(writer->side, false);
	writer->slot = MakeSingleTupleTableSlot(RelationGetDescr(work->side),
											&TTSOpsVirtual);
}

static void
end_writing(Writer *writer)
{
	ExecDropSingleTupleTableSlot(writer->slot);
	ExecCloseIndices(writer->side);
	FreeExecutorState(writer->estate);
}

/* The row as it will be in the copy, in the slot */
static void
form_row(Writer *writer, const Work *work, int row, Embedding ***embeddings)
{
	TupleDesc	desc = RelationGetDescr(work->table);
	TupleTableSlot *slot = writer->slot;

	ExecClearTuple(slot);
	heap_deform_tuple(work->rows[row], desc, slot->tts_values,
					  slot->tts_isnull);
	for (int i = 0; i < desc->natts; i++)
		slot->tts_isnull[i] |= TupleDescAttr(desc, i)->attisdropped;
	for (int c = 0; c < work->copy->ncolumns; c++)
	{
		int			i = work->copy->columns[c].embedding - 1;
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(work->side),
												 i);

		if (embeddings[c][row] != NULL)
			slot->tts_values[i] = gallery_column_value(embeddings[c][row],
													   column->atttypid,
													   column->atttypmod);
	}
	ExecStoreVirtualTuple(slot);
	if (desc->constr != NULL && desc->constr->has_generated_stored)
		ExecComputeStoredGenerated(writer->table, writer->estate, slot,
								   CMD_INSERT);
	if (desc->constr != NULL)
		ExecConstraints(writer->table, slot, writer->estate);
}

/* The network runs before the role is changed: it is the caller's model. */
static void
write_rows(Work *work)
{
	RoleFrame	owner;
	Writer		writer;
	Embedding ***embeddings;

	if (work->n == 0)
		return;
	embeddings = embed_columns(work);
	act_as_owner(&owner, work);
	begin_writing(&writer, work);
	for (int i = 0; i < work->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		form_row(&writer, work, i, embeddings);
		ExecSimpleRelationInsert(writer.side, writer.estate, writer.slot);
		ResetPerTupleExprContext(writer.estate);
	}
	end_writing(&writer);
	role_leave(&owner);
}

/*
 * limit bounds what one transaction writes.  Fewer rows than asked for: the end
 * of the table was reached.
 */
int64
copy_rows(Copy *copy, int limit)
{
	Work		work;
	int64		n = 0;

	begin_work(&work, copy);
	do
	{
		begin_block(&work);
		read_next(&work, Min(limit - n, BLOCK_ROWS));
		write_rows(&work);
		n += work.n;
		end_block(&work);
	} while (work.n > 0 && n < limit);
	end_work(&work);
	copy->filled = n < limit;
	copy_progress(copy);
	return n;
}

/* ---- changes ---- */

/* Keys out of the queue, as text; returns how many changes */
static int64
take_changes(const Copy *copy, int limit, Datum **keys, int *nkeys)
{
	CatalogArgs args = {0};
	MemoryContext caller = CurrentMemoryContext;
	const char *entry = psprintf("the copy of table %s", copy->relation);
	int64		n;

	catalog_arg(&args, OIDOID, ObjectIdGetDatum(copy->relid), false);
	catalog_arg_int(&args, limit);
	catalog_run("WITH taken AS (DELETE FROM similarity.reembed_queue WHERE id OPERATOR(pg_catalog.=) ANY"
				" (ARRAY(SELECT q.id FROM similarity.reembed_queue q WHERE q.relation OPERATOR(pg_catalog.=) $1"
				" ORDER BY q.id LIMIT $2)) RETURNING key)"
				" SELECT pg_catalog.count(*), pg_catalog.array_agg(DISTINCT key) FROM taken", &args);
	MemoryContextSwitchTo(caller);
	n = catalog_column_bigint(0, 1, entry);
	*nkeys = 0;
	if (!catalog_column_isnull(0, 2))
		deconstruct_array(DatumGetArrayTypePCopy(catalog_column_datum(0, 2,
																	  TEXTARRAYOID, entry)), TEXTOID, -1, false, TYPALIGN_INT, keys, NULL, nkeys);
	SPI_freetuptable(SPI_tuptable);
	return n;
}

/*
 * By the primary key's own operator class, for which 1.0 and 1.00 are one key
 */
static int
compare_keys(const void *a, const void *b, void *arg)
{
	const Work *work = arg;

	return DatumGetInt32(FunctionCall2Coll(index_getprocinfo(work->index, 1,
															 BTORDER_PROC),
										   work->index->rd_indcollation[0],
										   *(const Datum *) a, *(const Datum *) b));
}

/* Keys from text, each once: texts that differ may be the same key. */
static int
parse_keys(const Work *work, Datum *keys, int n)
{
	int			distinct = 0;

	for (int i = 0; i < n; i++)
		keys[i] = key_from_text(work, TextDatumGetCString(keys[i]));
	qsort_arg(keys, n, sizeof(Datum), compare_keys, unconstify(Work *, work));
	for (int i = 0; i < n; i++)
		if (distinct == 0 ||
			compare_keys(&keys[distinct - 1], &keys[i],
						 unconstify(Work *, work)) != 0)
			keys[distinct++] = keys[i];
	return distinct;
}

/* One row at most: the index that is scanned is a copy of the primary key. */
static void
delete_key(const Work *work, Relation index, Datum key)
{
	SysScanDesc scan = begin_scan(work, work->side, index,
								  BTEqualStrategyNumber, &key);
	HeapTuple	row;

	while (HeapTupleIsValid(row = systable_getnext_ordered(scan,
														   ForwardScanDirection)))
		simple_table_tuple_delete(work->side, &row->t_self,
								  GetActiveSnapshot());
	systable_endscan_ordered(scan);
}

/* By the copy's index that corresponds to the primary key */
static void
delete_keys(const Work *work, const Datum *keys, int n)
{
	Relation	index = index_open(indexes_of_key(work->copy, work->table,
												  work->side),
								   RowExclusiveLock);

	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		delete_key(work, index, keys[i]);
	}
	index_close(index, NoLock);
}

/* Delete the rows of keys from the copy, and copy those that are there. */
static void
replace_rows(Work *work, Datum *keys, int n)
{
	RoleFrame	owner;

	act_as_owner(&owner, work);
	n = parse_keys(work, keys, n);
	delete_keys(work, keys, n);
	role_leave(&owner);
	for (int i = 0; i < n;)
	{
		begin_block(work);
		act_as_owner(&owner, work);
		for (; i < n && work->n < BLOCK_ROWS; i++)
			read_key(work, keys[i]);
		role_leave(&owner);
		write_rows(work);
		end_block(work);
	}
}

int64
copy_changes(Copy *copy, int limit)
{
	Work		work;
	Datum	   *keys;
	int			nkeys;
	int64		n;

	/*
	 * first the queue, then the table: what changes in between is queued once
	 * more
	 */
	n = take_changes(copy, limit, &keys, &nkeys);
	begin_work(&work, copy);
	if (copy->filled)
		replace_rows(&work, keys, nkeys);
	end_work(&work);
	return n;
}
