/*
 * knn.c
 *	  similarity.knn(): the exact k nearest rows of many queries.
 *
 * Queries are taken in passes, of as many as maintenance_work_mem holds with
 * their candidates.  In a pass the table is read once by a cursor over "SELECT
 * tableoid, ctid, column", run as the invoker, so that privileges, row security
 * and visibility are PostgreSQL's; all passes have one snapshot.  Blocks of rows
 * go to exact_search.h, which computes on the thread pool; the main thread reads
 * and answers interrupts in between.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "embedding/exact_search.h"
#include "server/call_progress.h"
#include "server/compat.h"
#include "server/context.h"
#include "server/cursor.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(similarity_knn);

/* Tables of a partitioned one: what the upper bits of a row's number hold */
#define MAX_PARTS 65536

typedef struct Knn
{
	/* the queries */
	int			nqueries;
	Embedding **queries;
	int			most;			/* of a pass */
	const EmbeddingMetric *metric;
	int			k;
	ThreadPool *pool;

	/* those of a pass */
	int			first;
	int			n;
	ExactSearch *search;
	MemoryContext pass_context;

	/* the table */
	SPIPlanPtr	plan;
	Portal		portal;
	Oid		   *parts;
	int			nparts;

	CallProgress progress;
	int64		rows;			/* of the table, of all passes so far */
} Knn;

/* ---- queries ---- */

/* Checked, and where they stand in the array */
static void
read_queries(Knn *knn, ArrayType *array)
{
	Datum	   *values;
	bool	   *nulls;
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	int			model = 0;

	if (n > NEIGHBOR_MAX_QUERIES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many queries: %d, at most %d", n,
						NEIGHBOR_MAX_QUERIES)));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  &values, &nulls, &knn->nqueries);
	knn->queries = palloc(sizeof(Embedding *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		Embedding  *e;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("query %d is null", i + 1)));
		e = embedding_check(DatumGetEmbedding(values[i]));
		knn->queries[i] = e;
		embedding_check_dims(knn->queries[0], e);
		embedding_merge_model(&model, e);
	}
	if (n > 0)
		knn->most = exact_search_affordable(knn->metric, knn->queries[0]->dims,
											knn->k, 0);
	pfree(values);
	pfree(nulls);
}

/* ---- the table ---- */

static void
require_knn_column(Oid relid, const char *column)
{
	AttrNumber	attnum = get_attnum(relid, column);
	Oid			type;

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column, get_rel_name(relid))));
	type = get_atttype(relid, attnum);
	if (getBaseType(type) != embedding_type_oid())
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" is of type %s, not embedding",
						column, get_rel_name(relid), format_type_be(type))));
}

/* Rows are told by their tid: a view has none. */
static void
require_knn_table(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	if (kind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or materialized view",
						get_rel_name(relid))));
}

static void
prepare_table(Knn *knn, Oid relid, const char *column)
{
	StringInfoData sql;

	LockRelationOid(relid, AccessShareLock);
	require_knn_table(relid);
	require_knn_column(relid, column);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT tableoid, ctid, %s FROM %s",
					 quote_identifier(column),
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
												get_rel_name(relid)));
	knn->plan = cursor_prepare(sql.data, 0, NULL);
	knn->parts = palloc(sizeof(Oid) * MAX_PARTS);
}

/* Position of a table among those met; rows of one come together. */
static int
part_number(Knn *knn, Oid relid)
{
	for (int i = knn->nparts - 1; i >= 0; i--)
		if (knn->parts[i] == relid)
			return i;
	if (knn->nparts == MAX_PARTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("table has more than %d partitions with rows",
						MAX_PARTS)));
	knn->parts[knn->nparts] = relid;
	return knn->nparts++;
}

static uint64
pack_id(int part, ItemPointer tid)
{
	return (uint64) part << 48 | (uint64) ItemPointerGetBlockNumberNoCheck(tid) << 16 |
		ItemPointerGetOffsetNumberNoCheck(tid);
}

static void
unpack_tid(uint64 id, ItemPointer tid)
{
	ItemPointerSet(tid, (BlockNumber) (id >> 16), (OffsetNumber) id);
}

/* ---- the pass ---- */

static uint64
row_id(Knn *knn, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		part = SPI_getbinval(tuple, desc, 1, &isnull);
	Datum		tid = SPI_getbinval(tuple, desc, 2, &isnull);

	return pack_id(part_number(knn, DatumGetObjectId(part)),
				   (ItemPointer) DatumGetPointer(tid));
}

/* Rows without embedding are passed over. */
static bool
take_table_block(Knn *knn)
{
	SPITupleTable *table;
	uint64		fetched;

	CHECK_FOR_INTERRUPTS();
	SPI_cursor_fetch(knn->portal, true, exact_search_block(knn->search));
	fetched = SPI_processed;
	table = SPI_tuptable;
	for (uint64 i = 0; i < fetched; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(table->vals[i], table->tupdesc, 3,
										  &isnull);

		if (!isnull)
			exact_search_add(knn->search, value,
							 row_id(knn, table->vals[i], table->tupdesc), true);
	}
	exact_search_flush(knn->search);
	SPI_freetuptable(table);
	knn->rows += (int64) fetched;
	call_progress(&knn->progress, knn->rows);
	return fetched > 0;
}

/* ---- the result ---- */

static void
return_neighbors(Knn *knn, ReturnSetInfo *result)
{
	for (int q = 0; q < knn->n; q++)
	{
		int			n;
		const Neighbor *found = exact_search_found(knn->search, q, &n);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
		{
			Datum		values[5];
			bool		nulls[5] = {false};
			ItemPointerData tid;

			unpack_tid(found[i].id, &tid);
			values[0] = Int32GetDatum(knn->first + q + 1);
			values[1] = Int32GetDatum(i + 1);
			values[2] = PointerGetDatum(&tid);
			values[3] = Float8GetDatum(found[i].distance);
			values[4] = ObjectIdGetDatum(knn->parts[found[i].id >> 48]);
			tuplestore_putvalues(result->setResult, result->setDesc, values,
								 nulls);
		}
	}
}

/* The neighbors of the next n queries */
static void
run_pass(Knn *knn, ReturnSetInfo *result)
{
	MemoryContext caller = MemoryContextSwitchTo(knn->pass_context);

	knn->search = exact_search_begin(knn->metric, knn->pool,
									 knn->queries + knn->first, knn->n, knn->k);
	knn->portal = cursor_open(knn->plan, true);
	if (knn->first == 0)
		call_progress_phase(&knn->progress, PHASE_COMPARING,
							cursor_rows(knn->portal) *
							((knn->nqueries - 1) / knn->most + 1));
	while (take_table_block(knn))
		continue;
	cursor_close(knn->portal);
	exact_search_finish(knn->search);
	MemoryContextSwitchTo(knn->pass_context);	/* SPI leaves its own */
	return_neighbors(knn, result);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(knn->pass_context);
}

/*
 * knn(relation, column, queries, k, metric): reads the table by SQL as the
 * caller, with the caller's rights and row security.  k is 1 to 10,000; queries
 * must have one number of dimensions, and a table whose rows have another is an
 * ERROR.
 */
Datum
similarity_knn(PG_FUNCTION_ARGS)
{
	const EmbeddingMetric *metric =
	embedding_metric(text_to_cstring(PG_GETARG_TEXT_PP(4)), true);
	int64		k = PG_GETARG_INT64(3);
	MemoryContext context;
	MemoryContext previous;
	Knn		   *knn;

	if (k < 1 || k > NEIGHBOR_MAX_K)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be between 1 and %d, not %lld", NEIGHBOR_MAX_K,
						(long long) k)));
	InitMaterializedSRF(fcinfo, 0);
	context = AllocSetContextCreate(CurrentMemoryContext, "knn",
									ALLOCSET_DEFAULT_SIZES);
	previous = MemoryContextSwitchTo(context);
	knn = palloc0(sizeof(Knn));
	knn->metric = metric;
	knn->k = (int) k;
	knn->pass_context = AllocSetContextCreate(context, "knn pass",
											  ALLOCSET_DEFAULT_SIZES);
	read_queries(knn, PG_GETARG_ARRAYTYPE_P(2));
	MemoryContextSwitchTo(previous);

	SPI_connect();
	MemoryContextSwitchTo(context);
	prepare_table(knn, PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	call_progress_begin(&knn->progress, CALL_KNN, PG_GETARG_OID(0), 0);
	knn->pool = knn->nqueries > 0 ? memory_pool(context) : NULL;
	for (; knn->first < knn->nqueries; knn->first += knn->n)
	{
		knn->n = Min(knn->most, knn->nqueries - knn->first);
		run_pass(knn, (ReturnSetInfo *) fcinfo->resultinfo);
	}
	SPI_finish();
	call_progress_end(&knn->progress);
	MemoryContextDelete(context);
	return (Datum) 0;
}
