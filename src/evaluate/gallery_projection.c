/*
 * gallery_projection.c
 *	  projection(): rows of a gallery, or embeddings of an array, as points in
 *	  the plane.
 *
 * Of a larger gallery it takes the rows whose hashes are the smallest: each has
 * the same chance, and the choice does not depend on where they stand.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "evaluate/gallery_sample.h"
#include "evaluate/projector.h"
#include "gallery/gallery.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/call.h"
#include "server/context.h"
#include "server/cursor.h"
#include "server/labels.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_projection);
PGDLLEXPORT PG_FUNCTION_INFO_V1(embeddings_projection);

/* ---- arguments ---- */

static double
number_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	argument_require(fcinfo, n, name);
	return PG_GETARG_FLOAT8(n);
}

/* Arguments n ...: seed, neighbors, min_dist, spread, epochs */
static UmapOptions
options_arguments(FunctionCallInfo fcinfo, int n)
{
	UmapOptions options = umap_defaults;

	argument_require(fcinfo, n, "seed");
	options.seed = (uint64_t) PG_GETARG_INT64(n);
	options.neighbors = argument_integer(fcinfo, n + 1, "neighbors", 2,
										 UMAP_MAX_NEIGHBORS);
	options.min_dist = number_argument(fcinfo, n + 2, "min_dist");
	options.spread = number_argument(fcinfo, n + 3, "spread");
	if (!PG_ARGISNULL(n + 4))
		options.epochs = argument_integer(fcinfo, n + 4, "epochs", 1,
										  UMAP_MAX_EPOCHS);
	if (!(options.spread > 0 && options.spread <= 1000))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("spread must be above 0 and at most 1000, not %g",
						options.spread)));
	if (!(options.min_dist >= 0 && options.min_dist <= options.spread))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("min_dist must be between 0 and spread, not %g",
						options.min_dist)));
	return options;
}

/* ---- rows of a gallery ---- */

typedef struct ProjectedRows
{
	MemoryContext context;		/* of what follows */
	int			n;
	int			size;
	Embedding **embeddings;
	char	  **labels;
	char	  **keys;
} ProjectedRows;

static Portal
open_rows(const Gallery *gallery, int most, int64 seed)
{
	const char *embedding = quote_identifier(gallery->embedding);
	char	   *key = gallery->key == NULL ? "NULL::pg_catalog.text" :
	psprintf("t.%s", quote_identifier(gallery->key));
	char	   *sql = psprintf("SELECT %s, t.%s, t.%s FROM %s t WHERE t.%s IS NOT NULL ORDER BY %s LIMIT %d",
							   key, quote_identifier(gallery->label),
							   embedding, gallery->relation, embedding,
							   gallery_sample_order(gallery, seed), most);

	return gallery_open_rows(gallery, sql, 3);
}

static void
make_points_room(ProjectedRows *rows, int most)
{
	if (rows->n < rows->size)
		return;
	rows->size = rows->size == 0 ? Min(256, most) : Min(2 * rows->size, most);
	rows->embeddings = repalloc_huge(rows->embeddings,
									 sizeof(Embedding *) * rows->size);
	rows->labels = repalloc_huge(rows->labels, sizeof(char *) * rows->size);
	rows->keys = repalloc_huge(rows->keys, sizeof(char *) * rows->size);
}

static char *
keep_text(char *text)
{
	return text == NULL ? NULL : pstrdup(text);
}

static void
keep_projected_row(ProjectedRows *rows, SPITupleTable *table, int row,
				   int most)
{
	bool		isnull;
	Datum		value = SPI_getbinval(table->vals[row], table->tupdesc, 3,
									  &isnull);
	char	   *key = labels_of_column(table, row, 1);
	char	   *label = labels_of_column(table, row, 2);
	Size		size = toast_raw_datum_size(value) +
	(key == NULL ? 0 : strlen(key)) + (label == NULL ? 0 : strlen(label));
	MemoryContext caller = MemoryContextSwitchTo(rows->context);

	budget_require_more(BUDGET_MAINTENANCE, rows->context, size,
						"rows to be projected", "project fewer");
	make_points_room(rows, most);
	rows->embeddings[rows->n] = embedding_check((Embedding *) PG_DETOAST_DATUM_COPY(value));
	rows->keys[rows->n] = keep_text(key);
	rows->labels[rows->n] = keep_text(label);
	rows->n++;
	MemoryContextSwitchTo(caller);
	if (key != NULL)
		pfree(key);
	if (label != NULL)
		pfree(label);
}

static void
read_points(const Gallery *gallery, int most, int64 seed, ProjectedRows *rows,
			CallProgress *progress)
{
	Portal		portal = open_rows(gallery, most, seed);
	CursorPace	pace = {0};

	rows->embeddings = palloc(sizeof(Embedding *));
	rows->labels = palloc(sizeof(char *));
	rows->keys = palloc(sizeof(char *));
	call_progress_phase(progress, PHASE_READING, 0);
	for (;;)
	{
		SPITupleTable *table;
		uint64		fetched;

		CHECK_FOR_INTERRUPTS();
		cursor_fetch(portal, 1000, &pace);
		fetched = SPI_processed;
		table = SPI_tuptable;
		for (uint64 i = 0; i < fetched; i++)
			keep_projected_row(rows, table, (int) i, most);
		SPI_freetuptable(table);
		if (fetched == 0)
			break;
		call_progress(progress, rows->n);
	}
	cursor_close(portal);
}

static void
put_text(char *text, Datum *value, bool *isnull)
{
	*isnull = text == NULL;

	if (text !=NULL)
		*value = CStringGetTextDatum(text);
}

static void
put_point_rows(FunctionCallInfo fcinfo, const ProjectedRows *rows, const float *xy)
{
	for (int i = 0; i < rows->n; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {false};

		CHECK_FOR_INTERRUPTS();
		put_text(rows->keys[i], &values[0], &nulls[0]);
		put_text(rows->labels[i], &values[1], &nulls[1]);
		values[2] = Float8GetDatum(xy[2 * i]);
		values[3] = Float8GetDatum(xy[2 * i + 1]);
		put_result_row(fcinfo, values, nulls);
		for (int j = 0; j < 2; j++)
			if (!nulls[j])
				pfree(DatumGetPointer(values[j]));
	}
}

/*
 * projection(gallery, method, rows, seed, neighbors, min_dist, spread, epochs):
 * reads the table as the caller, with its privileges and row security.  55000
 * if it has no row with an embedding.
 */
Datum
gallery_projection(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	ProjectionMethod method = projection_method(argument_text(fcinfo, 1,
															  "method"));
	int			most = argument_integer(fcinfo, 2, "rows", 1,
										PROJECTION_MAX_ROWS);
	UmapOptions options = options_arguments(fcinfo, 3);
	ProjectedRows rows = {NULL};
	CallProgress progress;
	Gallery    *gallery;
	Projector  *projector;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	gallery = gallery_open(name);
	rows.context = AllocSetContextCreate(CurrentMemoryContext, "projected rows",
										 ALLOCSET_DEFAULT_SIZES);
	call_progress_begin(&progress, CALL_PROJECTION, gallery->relid, 0);
	read_points(gallery, most, (int64) options.seed, &rows, &progress);
	if (rows.n == 0)
		gallery_raise_empty(gallery);
	projector = projector_create(rows.embeddings, rows.n, gallery->distance,
								 &options,
								 MemoryContextMemAllocated(rows.context, false),
								 &progress);
	put_point_rows(fcinfo, &rows, projector_run(projector, method));
	call_progress_end(&progress);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}

/* ---- embeddings of an array ---- */

static Embedding **
embeddings_argument(FunctionCallInfo fcinfo, int *n)
{
	ArrayType  *array;
	Embedding **items;
	Datum	   *values;
	bool	   *nulls;

	argument_require(fcinfo, 0, "embeddings");
	array = PG_GETARG_ARRAYTYPE_P(0);
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (*n > PROJECTION_MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many embeddings: %d, at most %d", *n,
						PROJECTION_MAX_ROWS)));
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  &values, &nulls, n);
	items = palloc(sizeof(Embedding *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("embedding %d is null", i + 1)));
		items[i] = embedding_check(DatumGetEmbedding(values[i]));
	}
	return items;
}

/*
 * projection(embeddings, method, distance, seed, neighbors, min_dist, spread,
 * epochs): items are numbered from 1.
 */
Datum
embeddings_projection(PG_FUNCTION_ARGS)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "projection",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;
	int			n;
	Embedding **items;
	ProjectionMethod method = projection_method(argument_text(fcinfo, 1,
															  "method"));
	const EmbeddingMetric *metric = embedding_metric(argument_text(fcinfo, 2,
																   "distance"),
													 false);
	UmapOptions options = options_arguments(fcinfo, 3);
	CallProgress progress;

	InitMaterializedSRF(fcinfo, 0);
	caller = MemoryContextSwitchTo(context);
	items = embeddings_argument(fcinfo, &n);
	if (n > 0)
	{
		Projector  *projector;
		const float *xy;

		call_progress_begin(&progress, CALL_PROJECTION, InvalidOid, 0);
		projector = projector_create(items, n, metric, &options,
									 budget_product(n, sizeof(Embedding *)),
									 &progress);
		xy = projector_run(projector, method);
		for (int i = 0; i < n; i++)
		{
			Datum		values[3] = {
				Int32GetDatum(i + 1), Float8GetDatum(xy[2 * i]),
				Float8GetDatum(xy[2 * i + 1])
			};
			bool		nulls[3] = {false};

			put_result_row(fcinfo, values, nulls);
		}
		call_progress_end(&progress);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return (Datum) 0;
}
