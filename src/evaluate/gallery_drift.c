/*
 * gallery_drift.c
 *	  drift(): are the distances of new items those of the calibration?
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "eval/drift.h"
#include "evaluate/doubt.h"
#include "evaluate/evaluate_pass.h"
#include "gallery/embedded_query.h"
#include "gallery/gallery.h"
#include "server/arguments.h"
#include "server/labels.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_drift);

static void
add_match(void *state, int label, const int *labels, const double *distances,
		  int n)
{
	matches_add(state, label, labels, distances, n);
}

/* Distances of the matches of the items of query, ascending */
static Matches *
new_matches(const Gallery *gallery, const char *query,
			const Calibration *calibration)
{
	Matches    *matches = matches_create(calibration->matcher, false);
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	Pass	   *pass = gallery_pass(gallery, query, QUERY_INPUTS, true,
									calibration->k, labels, add_match, matches);

	doubt_items(gallery, pass, labels, false);
	eval_sort(matches->distances, matches->n);
	return matches;
}

#define DRIFT_VALUES 11

static void
put_drift(ReturnSetInfo *result, const Calibration *calibration,
		  const Matches *now, const Cutpoint *cutpoint)
{
	const double *then = calibration->matched;
	double		ks = eval_ks_distance(now->distances, now->n, then,
									  calibration->nmatched);
	Datum		values[DRIFT_VALUES];
	bool		nulls[DRIFT_VALUES] = {false};

	values[0] = Int64GetDatum(now->n);
	values[1] = Int64GetDatum(calibration->queries);
	values[2] = Float8GetDatum(ks);
	values[3] = Float8GetDatum(eval_ks_probability(ks, now->n,
												   calibration->nmatched));
	values[4] = Float8GetDatum(eval_quantile(now->distances, now->n, 0.5));
	values[5] = Float8GetDatum(eval_quantile(then, calibration->nmatched, 0.5));
	values[6] = Float8GetDatum(eval_quantile(now->distances, now->n, 0.9));
	values[7] = Float8GetDatum(eval_quantile(then, calibration->nmatched, 0.9));
	values[8] = Float8GetDatum(eval_share_beyond(now->distances, now->n,
												 cutpoint->distance));
	values[9] = Float8GetDatum(eval_share_beyond(then, calibration->nmatched,
												 cutpoint->distance));
	values[10] = CStringGetTextDatum(cutpoint->name);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * drift(gallery, query, cutpoint).
 *
 * Needs SELECT on the gallery's columns, or the gallery's owner where
 * row-level security or a view may hide rows (42501): the calibration was made
 * of all.  55000 if the gallery is not calibrated or has another version,
 * 42704 for a cut point that it does not have.  Writes nothing; the query runs
 * as the caller and must be one read-only SELECT (22023).
 */
Datum
gallery_drift(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	char	   *query = argument_text(fcinfo, 1, "query");
	char	   *cutpoint = argument_text(fcinfo, 2, "cutpoint");
	Gallery    *gallery;
	Calibration *calibration;
	const Cutpoint *chosen;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	gallery = gallery_open(name);
	gallery_require_all_rows(gallery);
	calibration = gallery_calibration(gallery);
	chosen = calibration_cutpoint(calibration, gallery, cutpoint);
	cutpoint_check(gallery, chosen);
	put_drift((ReturnSetInfo *) fcinfo->resultinfo, calibration,
			  new_matches(gallery, query, calibration), chosen);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}
