/*
 * match.c
 *	  match(): the label of an item, or "none of these".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "gallery/gallery_input.h"
#include "gallery/lookup.h"
#include "gallery/match.h"
#include "gallery/statement.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/call.h"
#include "server/labels.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_match);

StaticAssertDecl(NO_LABEL == EVAL_NO_LABEL,
				 "labels without a code are one for all");

/* ---- the neighbors of a query: what a match reads of them ---- */

typedef struct Neighbors
{
	MemoryContext context;		/* of everything here */
	const Gallery *gallery;
	EvalMatcher matcher;
	Labels	   *labels;
	int			n;
	int			size;
	int		   *codes;
	double	   *distances;
	char	  **keys;			/* of the rows that may be evidence; NULL:
								 * SQL's NULL */
} Neighbors;

/* Keys of all rows count until it is known which label they give. */
static bool
may_be_evidence(const Neighbors *neighbors, int rank)
{
	return neighbors->gallery->key != NULL &&
		(rank == 0 || neighbors->matcher != EVAL_MATCH_NEAREST);
}

static void
grow_neighbors(Neighbors *neighbors)
{
	neighbors->size *= 2;
	neighbors->codes = repalloc(neighbors->codes,
								sizeof(int) * neighbors->size);
	neighbors->distances = repalloc(neighbors->distances,
									sizeof(double) * neighbors->size);
	neighbors->keys = repalloc(neighbors->keys,
							   sizeof(char *) * neighbors->size);
}

static char *
copy_key(const Neighbors *neighbors, const char *key)
{
	if (key == NULL)
		return NULL;
	budget_require_more(BUDGET_MAINTENANCE, neighbors->context, strlen(key),
						"the keys of the neighbors", "use a smaller k");
	return MemoryContextStrdup(neighbors->context, key);
}

static void
add_neighbor(void *state, const NeighborRow *row)
{
	Neighbors  *neighbors = state;

	if (row->rank == neighbors->size)
		grow_neighbors(neighbors);
	neighbors->codes[row->rank] = labels_code(neighbors->labels,
											  neighbor_label(row));
	neighbors->distances[row->rank] = neighbor_distance(row);
	neighbors->keys[row->rank] = may_be_evidence(neighbors, row->rank) ?
		copy_key(neighbors, neighbor_key(row)) : NULL;
}

/* In a context of their own, which becomes the current one */
static Neighbors *
find_neighbors(const Gallery *gallery, SPIPlanPtr plan, const Embedding *query,
			   EvalMatcher matcher)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "neighbors of a match",
												  ALLOCSET_DEFAULT_SIZES);
	Neighbors  *neighbors;

	MemoryContextSwitchTo(context);
	neighbors = palloc0(sizeof(Neighbors));
	neighbors->context = context;
	neighbors->gallery = gallery;
	neighbors->matcher = matcher;
	neighbors->labels = labels_create(BUDGET_MAINTENANCE);
	neighbors->size = 16;
	neighbors->codes = palloc(sizeof(int) * neighbors->size);
	neighbors->distances = palloc(sizeof(double) * neighbors->size);
	neighbors->keys = palloc(sizeof(char *) * neighbors->size);
	neighbors->n = neighbors_find(plan, query, add_neighbor, neighbors);
	if (neighbors->n == 0)
		gallery_raise_empty(gallery);
	return neighbors;
}

/* ---- evidence: the keys of the rows that gave the label ---- */

static Datum
evidence(const Neighbors *neighbors, int label)
{
	ArrayBuildState *keys = initArrayResult(TEXTOID, CurrentMemoryContext,
											false);
	int			considered = neighbors->matcher == EVAL_MATCH_NEAREST ? 1 :
	neighbors->n;

	for (int i = 0; i < considered; i++)
	{
		const char *key = neighbors->keys[i];

		if (neighbors->codes[i] == label)
			accumArrayResult(keys, key ? CStringGetTextDatum(key) : 0,
							 key == NULL, TEXTOID, CurrentMemoryContext);
	}
	return makeArrayResult(keys, CurrentMemoryContext);
}

void
match_values(const Gallery *gallery, SPIPlanPtr plan, const Embedding *query,
			 EvalMatcher matcher, const Cutpoint *cutpoint, Datum *values,
			 bool *nulls)
{
	MemoryContext caller = CurrentMemoryContext;
	Neighbors  *neighbors = find_neighbors(gallery, plan, query, matcher);
	EvalMatch	match = eval_match(matcher, neighbors->codes,
								   neighbors->distances, neighbors->n);
	bool		accepted = eval_accepts(match.distance, cutpoint->distance);
	const char *label = accepted ? labels_text(neighbors->labels, match.label) :
	NULL;

	MemoryContextSwitchTo(caller);
	nulls[0] = label == NULL;
	values[0] = label ? CStringGetTextDatum(label) : 0;
	values[1] = Float8GetDatum(match.distance);
	values[2] = CStringGetTextDatum(cutpoint->name);
	values[3] = Float8GetDatum(cutpoint->distance);
	nulls[4] = gallery->key == NULL;
	values[4] = gallery->key ? evidence(neighbors, match.label) : 0;
	values[5] = BoolGetDatum(accepted);
	MemoryContextDelete(neighbors->context);
}

static void
match_input(FunctionCallInfo fcinfo, Search *search)
{
	const Gallery *gallery = search->gallery;
	Oid			type;
	Datum		input = input_argument(fcinfo, 1, &type);
	const Calibration *calibration = search_calibration(search);
	const Cutpoint *cutpoint = calibration_cutpoint(calibration, gallery,
													argument_text(fcinfo, 2,
																  "cutpoint"));
	int			k = k_argument(fcinfo, 3, calibration->k);
	EvalMatcher matcher = matcher_argument(fcinfo, 4, calibration->matcher);
	Datum		values[MATCH_VALUES];
	bool		nulls[MATCH_VALUES] = {false};

	gallery_require_input(gallery, type);
	match_values(gallery, search_plan(search, NEIGHBOR_KEYS, k),
				 gallery_embed(gallery, input, type), matcher, cutpoint, values,
				 nulls);
	put_result_row(fcinfo, values, nulls);
}

/*
 * match(gallery, input, cutpoint, k, matcher): one row, none for a null input.
 *
 * Needs SELECT on the gallery's columns, and USAGE on its model for raw input
 * (42501); a calibration of the version that the gallery holds (55000) with
 * the cut point (42704); at least one row with an embedding (55000).  Writes
 * nothing: it works in read-only transactions and on a standby.
 */
Datum
gallery_match(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	Search	   *search;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(1))
		return (Datum) 0;
	SPI_connect();
	search = search_begin(fcinfo, name);
	match_input(fcinfo, search);
	gallery_close(search->gallery);
	SPI_finish();
	return (Datum) 0;
}
