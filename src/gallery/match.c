/*
 * match.c
 *	  match(): the label of an item, or "none of these".
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "gallery/gallery.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_match);

/* The match of query among its k nearest; labels receives their names. */
static EvalMatch
find_match(Search *search, const Embedding *query, int k, EvalMatcher matcher, Labels *labels)
{
	int			n = neighbors_find(search_plan(search, NEIGHBOR_LABELS, k), query);
	int		   *codes = palloc(sizeof(int) * Max(n, 1));
	double	   *distances = palloc(sizeof(double) * Max(n, 1));

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("gallery \"%s\" is empty", search->gallery->name),
				 errdetail("Table %s has no row with an embedding.", search->gallery->relation)));
	for (int i = 0; i < n; i++)
	{
		codes[i] = labels_code(labels, labels_of_column(SPI_tuptable, i, NEIGHBOR_LABEL));
		distances[i] = neighbors_distance(SPI_tuptable, i);
	}
	SPI_freetuptable(SPI_tuptable);
	return eval_match(matcher, codes, distances, n);
}

static void
put_match(ReturnSetInfo *result, EvalMatch match, const Labels *labels, const Cutpoint *cutpoint)
{
	const char *label = match.distance <= cutpoint->distance ? labels_text(labels, match.label) : NULL;
	Datum		values[4];
	bool		nulls[4] = {false};

	nulls[0] = label == NULL;
	values[0] = label ? CStringGetTextDatum(label) : 0;
	values[1] = Float8GetDatum(match.distance);
	values[2] = CStringGetTextDatum(cutpoint->name);
	values[3] = Float8GetDatum(cutpoint->distance);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
match_input(FunctionCallInfo fcinfo, Search *search)
{
	const Gallery *gallery = search->gallery;
	Oid			type = input_argument_type(fcinfo, 1);
	const Calibration *calibration = search_calibration(search);
	const Cutpoint *cutpoint = calibration_cutpoint(calibration, gallery,
													text_argument(fcinfo, 2, "cutpoint"));
	int			k = k_argument(fcinfo, 3, calibration->k);
	EvalMatcher matcher = matcher_argument(fcinfo, 4, calibration->matcher);
	Labels	   *labels = labels_create();
	Embedding  *query;

	gallery_require_input(gallery, type);
	query = gallery_embed(gallery, PG_GETARG_DATUM(1), type);
	put_match((ReturnSetInfo *) fcinfo->resultinfo,
			  find_match(search, query, k, matcher, labels), labels, cutpoint);
}

/* match(gallery, input, cutpoint, k, matcher); no row for a NULL input */
Datum
gallery_match(PG_FUNCTION_ARGS)
{
	char	   *name = text_argument(fcinfo, 0, "gallery");

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(1))
		return (Datum) 0;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	match_input(fcinfo, search_begin(fcinfo, name));
	SPI_finish();
	return (Datum) 0;
}
