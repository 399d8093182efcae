/*
 * lookup_all.c
 *	  lookup_all() and match_all(): the items of a query at once.
 *
 * The query gives (input, key); its rows are embedded a batch at a time and
 * searched by one plan.  Rows of the result carry the key as text, so that
 * they can be joined with what the query read.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "gallery/embedded_query.h"
#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "gallery/lookup.h"
#include "gallery/match.h"
#include "server/arguments.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_lookup_all);
PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_match_all);

/* Called for each row of the query, in a context that is reset after it. */
typedef void (*RowFunction) (void *state, const char *key,
							 const Embedding *query);

static void
for_each_row(const Gallery *gallery, const char *query, RowFunction function,
			 void *state)
{
	LabeledRows *source = query_open(gallery, query, QUERY_KEYS,
									 CALL_LOOKUP_ALL);
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "query row",
												  ALLOCSET_DEFAULT_SIZES);
	const LabeledBatch *batch;

	while ((batch = query_next(source))->n > 0)
	{
		for (int i = 0; i < batch->n; i++)
		{
			MemoryContext previous = MemoryContextSwitchTo(scratch);

			call_progress(&source->progress, source->rows + i);
			function(state, batch->labels[i], batch->embeddings[i]);
			MemoryContextSwitchTo(previous);
			MemoryContextReset(scratch);
		}
	}
	query_close(source);
}

/* ---- lookup_all ---- */

typedef struct LookupAll
{
	ReturnSetInfo *result;
	SPIPlanPtr	plan;
	Datum		key;			/* of the row of the query */
} LookupAll;

static void
put_keyed_neighbor(void *state, const NeighborRow *row)
{
	const LookupAll *lookup = state;
	Datum		values[1 + NEIGHBOR_VALUES] = {lookup->key};
	bool		nulls[1 + NEIGHBOR_VALUES] = {false};

	neighbor_values(row, values + 1, nulls + 1);
	tuplestore_putvalues(lookup->result->setResult, lookup->result->setDesc,
						 values, nulls);
}

static void
lookup_row(void *state, const char *key, const Embedding *query)
{
	LookupAll  *lookup = state;

	lookup->key = CStringGetTextDatum(key);
	neighbors_find(lookup->plan, query, put_keyed_neighbor, lookup);
}

/*
 * lookup_all(gallery, query, k).
 *
 * Needs SELECT on the gallery's columns, and USAGE on its model if the query
 * gives raw input (42501).  The query runs as the caller and must be one
 * read-only SELECT of (input, key) without nulls (22023, 42804, 22004).  An
 * empty gallery has no neighbors, and no error.
 */
Datum
gallery_lookup_all(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	char	   *query = argument_text(fcinfo, 1, "query");
	int			k = k_argument(fcinfo, 2, 5);
	LookupAll	lookup;
	Gallery    *gallery;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	gallery = gallery_open(name);
	lookup.result = (ReturnSetInfo *) fcinfo->resultinfo;
	lookup.plan = neighbors_prepare(gallery, NEIGHBOR_ITEMS, k);
	for_each_row(gallery, query, lookup_row, &lookup);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}

/* ---- match_all ---- */

typedef struct MatchAll
{
	ReturnSetInfo *result;
	const Gallery *gallery;
	SPIPlanPtr	plan;
	EvalMatcher matcher;
	const Cutpoint *cutpoint;
} MatchAll;

static void
match_row(void *state, const char *key, const Embedding *query)
{
	MatchAll   *match = state;
	Datum		values[1 + MATCH_VALUES];
	bool		nulls[1 + MATCH_VALUES] = {false};

	values[0] = CStringGetTextDatum(key);
	match_values(match->gallery, match->plan, query, match->matcher,
				 match->cutpoint, values + 1, nulls + 1);
	tuplestore_putvalues(match->result->setResult, match->result->setDesc,
						 values, nulls);
}

/*
 * match_all(gallery, query, cutpoint, k, matcher): the same, and a calibration
 * with the cut point (55000, 42704).  An empty gallery is an error (55000).
 */
Datum
gallery_match_all(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	char	   *query = argument_text(fcinfo, 1, "query");
	char	   *cutpoint = argument_text(fcinfo, 2, "cutpoint");
	Calibration *calibration;
	MatchAll	match;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	match.gallery = gallery_open(name);
	calibration = gallery_calibration(match.gallery);
	match.result = (ReturnSetInfo *) fcinfo->resultinfo;
	match.cutpoint = calibration_cutpoint(calibration, match.gallery, cutpoint);
	cutpoint_check(match.gallery, match.cutpoint);
	match.matcher = matcher_argument(fcinfo, 4, calibration->matcher);
	match.plan = neighbors_prepare(match.gallery, NEIGHBOR_KEYS,
								   k_argument(fcinfo, 3, calibration->k));
	for_each_row(match.gallery, query, match_row, &match);
	gallery_close(match.gallery);
	SPI_finish();
	return (Datum) 0;
}
