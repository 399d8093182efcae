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

#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "gallery/gallery_input.h"
#include "gallery/labels.h"
#include "gallery/lookup.h"
#include "gallery/match.h"
#include "gallery/statement.h"
#include "server/arguments.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_match);

/* ---- evidence: the keys of the rows that gave the label ---- */

static Datum
evidence(SPITupleTable *table, const int *codes, int n, EvalMatcher matcher, int label)
{
	ArrayBuildState *keys = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	int			considered = matcher == EVAL_MATCH_NEAREST ? 1 : n;

	for (int i = 0; i < considered; i++)
	{
		char	   *key;

		if (codes[i] != label)
			continue;
		key = SPI_getvalue(table->vals[i], table->tupdesc, NEIGHBOR_KEY);
		accumArrayResult(keys, key ? CStringGetTextDatum(key) : 0, key == NULL,
						 TEXTOID, CurrentMemoryContext);
	}
	return makeArrayResult(keys, CurrentMemoryContext);
}

void
match_values(const Gallery *gallery, SPIPlanPtr plan, const Embedding *query, EvalMatcher matcher,
			 const Cutpoint *cutpoint, Datum *values, bool *nulls)
{
	int			n = neighbors_find(plan, query);
	SPITupleTable *table = SPI_tuptable;
	Labels	   *labels = labels_create();
	int		   *codes = palloc(sizeof(int) * Max(n, 1));
	double	   *distances = palloc(sizeof(double) * Max(n, 1));
	EvalMatch	match;
	const char *label;
	bool		accepted;

	if (n == 0)
		gallery_raise_empty(gallery);
	for (int i = 0; i < n; i++)
	{
		codes[i] = labels_code(labels, labels_of_column(table, i, NEIGHBOR_LABEL));
		distances[i] = neighbors_distance(table, i);
	}
	match = eval_match(matcher, codes, distances, n);
	accepted = eval_accepts(match.distance, cutpoint->distance);
	label = accepted ? labels_text(labels, match.label) : NULL;
	nulls[0] = label == NULL;
	values[0] = label ? CStringGetTextDatum(label) : 0;
	values[1] = Float8GetDatum(match.distance);
	values[2] = CStringGetTextDatum(cutpoint->name);
	values[3] = Float8GetDatum(cutpoint->distance);
	nulls[4] = gallery->key == NULL;
	values[4] = gallery->key ? evidence(table, codes, n, matcher, match.label) : 0;
	values[5] = BoolGetDatum(accepted);
	SPI_freetuptable(table);
}

static void
match_input(FunctionCallInfo fcinfo, Search *search)
{
	const Gallery *gallery = search->gallery;
	Oid			type;
	Datum		input = input_argument(fcinfo, 1, &type);
	const Calibration *calibration = search_calibration(search);
	const Cutpoint *cutpoint = calibration_cutpoint(calibration, gallery,
													argument_text(fcinfo, 2, "cutpoint"));
	int			k = k_argument(fcinfo, 3, calibration->k);
	EvalMatcher matcher = matcher_argument(fcinfo, 4, calibration->matcher);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[MATCH_VALUES];
	bool		nulls[MATCH_VALUES] = {false};

	gallery_require_input(gallery, type);
	match_values(gallery, search_plan(search, NEIGHBOR_KEYS, k),
				 gallery_embed(gallery, input, type), matcher, cutpoint, values, nulls);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* match(gallery, input, cutpoint, k, matcher); no row for a NULL input */
Datum
gallery_match(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	Search	   *search;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(1))
		return (Datum) 0;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	search = search_begin(fcinfo, name);
	match_input(fcinfo, search);
	gallery_close(search->gallery);
	SPI_finish();
	return (Datum) 0;
}
