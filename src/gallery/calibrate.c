/*
 * calibrate.c
 *	  calibrate(): find the distances beyond which a neighbour is no match,
 *	  and store them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "context.h"
#include "errors.h"
#include "eval/drift.h"
#include "gallery/gallery.h"
#include "model/model.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_calibrate);
PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_calibration_status);

/* ---- targets: {"name": value, ...} ---- */

typedef struct Target
{
	char	   *name;
	double		value;
	bool		reached;
	size_t		threshold;		/* on the curve, if reached */
} Target;

typedef struct Targets
{
	int			n;
	Target	   *target;			/* the first is "optimal" */
} Targets;

static void
raise_target(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("target \"%s\" must be a number from 0 to 1", name)));
}

static double
target_value(const char *name, const JsonbValue *value)
{
	double		number;

	if (value->type != jbvNumeric)
		raise_target(name);
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	if (!(number >= 0 && number <= 1))
		raise_target(name);
	return number;
}

static void
add_target(Targets *targets, char *name, double value)
{
	Target	   *target = &targets->target[targets->n++];

	target->name = name;
	target->value = value;
}

static void
add_named_target(Targets *targets, const JsonbValue *key, const JsonbValue *value)
{
	char	   *name = pnstrdup(key->val.string.val, key->val.string.len);

	if (name[0] == '\0' || strcmp(name, "optimal") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a target cannot be named \"%s\"", name),
				 errdetail("The cut point \"optimal\" is always made.")));
	add_target(targets, name, target_value(name, value));
}

static Targets *
targets_from_jsonb(Jsonb *jsonb)
{
	Targets    *targets = palloc0(sizeof(Targets));
	JsonbIterator *iterator;
	JsonbValue	key;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("targets must be an object of names and values"),
				 errhint("For example: {\"sure\": 0.99}.")));
	targets->target = palloc0(sizeof(Target) * (JB_ROOT_COUNT(jsonb) + 1));
	add_target(targets, "optimal", 0);
	iterator = JsonbIteratorInit(&jsonb->root);
	(void) JsonbIteratorNext(&iterator, &key, true);
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		(void) JsonbIteratorNext(&iterator, &value, true);
		add_named_target(targets, &key, &value);
	}
	return targets;
}

/* ---- the pass ---- */

typedef struct CalibrationPass
{
	Matches    *matches;
	int64		n;				/* distances of all neighbours */
	int64		size;
	double	   *distances;
} CalibrationPass;

static void
add_calibration_row(void *state, int label, const int *labels, const double *distances, int n)
{
	CalibrationPass *pass = state;

	matches_add(pass->matches, label, labels, distances, n);
	if (pass->n + n > pass->size)
	{
		pass->size = 2 * (pass->n + n);
		pass->distances = repalloc_huge(pass->distances, sizeof(double) * pass->size);
	}
	memcpy(pass->distances + pass->n, distances, sizeof(double) * n);
	pass->n += n;
}

static void
compute_curve(CalibrationPass *pass, EvalCurve *curve)
{
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	size_t		n = eval_thresholds(pass->distances, pass->n);
	Status		status;

	status_clear(&status);
	if (!eval_curve(pass->matches->distances, pass->matches->hits, pass->matches->n,
					pass->distances, n, arena, curve, &status))
		raise_status(&status);
}

static void
choose_cutpoints(Targets *targets, const EvalCurve *curve, EvalMetric metric)
{
	double		best;

	targets->target[0].threshold = eval_optimal(curve, metric);
	targets->target[0].reached = true;
	best = curve->metric[metric][targets->target[0].threshold];
	for (int i = 1; i < targets->n; i++)
	{
		Target	   *target = &targets->target[i];

		target->reached = eval_target(curve, metric, target->value, &target->threshold);
		if (!target->reached)
			ereport(NOTICE,
					(errmsg("target \"%s\" is not reached and gets no cut point", target->name),
					 errdetail("The best %s is %g, the target %g.",
							   eval_metric_name(metric), best, target->value)));
	}
}

/* ---- the gallery as it was ---- */

/* What tells whether a gallery is what it was: its rows and a sum of hashes. */
typedef struct Contents
{
	int64		rows;
	Datum		hash;			/* numeric */
} Contents;

/* Rows, embeddings or labels that changed change the sum of their hashes. */
static Contents
read_contents(const Gallery *gallery)
{
	const char *column = quote_identifier(gallery->embedding);
	char	   *sql = psprintf("SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(%s.embedding_hash_extended(t.%s,"
							   " pg_catalog.hashtextextended(coalesce(t.%s::pg_catalog.text COLLATE \"C\", ''), 0))), 0)"
							   " FROM %s t WHERE t.%s IS NOT NULL",
							   quote_identifier(embedding_schema_name()), column,
							   quote_identifier(gallery->label), gallery->relation, column);
	Contents	contents;
	MemoryContext caller = CurrentMemoryContext;
	bool		isnull;

	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "the rows of a gallery could not be read");
	MemoryContextSwitchTo(caller);
	contents.rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	contents.hash = datumCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull), false, -1);
	SPI_freetuptable(SPI_tuptable);
	return contents;
}

/* ---- storing ---- */

static Datum
float_array(const double *values, size_t n)
{
	Datum	   *datums;

	if (n > MaxAllocSize / sizeof(Datum))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("calibration curve is too long"),
				 errdetail("It has %zu different distances.", n)));
	datums = palloc(sizeof(Datum) * n);
	for (size_t i = 0; i < n; i++)
		datums[i] = Float8GetDatum(values[i]);
	return PointerGetDatum(construct_array(datums, (int) n, FLOAT8OID, sizeof(float8),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Calibrations of one gallery take turns; the last one stays. */
static void
forget_calibration(const Gallery *gallery)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, gallery->id);
	if (catalog_run("SELECT FROM similarity.gallery WHERE id OPERATOR(pg_catalog.=) $1 FOR UPDATE", &args) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("gallery \"%s\" does not exist", gallery->name)));
	catalog_run("DELETE FROM similarity.calibration WHERE gallery OPERATOR(pg_catalog.=) $1", &args);
}

/* Most distances of matches that a calibration keeps, evenly chosen */
#define MAX_MATCHED 10000

static Datum
matched_distances(const Matches *matches)
{
	size_t		n = Min(matches->n, MAX_MATCHED);
	double	   *all = palloc_extended(sizeof(double) * matches->n, MCXT_ALLOC_HUGE);
	double	   *chosen = palloc(sizeof(double) * n);

	memcpy(all, matches->distances, sizeof(double) * matches->n);
	eval_sort(all, matches->n);
	for (size_t i = 0; i < n; i++)
		chosen[i] = all[n == 1 ? 0 : i * (matches->n - 1) / (n - 1)];
	return float_array(chosen, n);
}

static void
store_calibration(const Gallery *gallery, const Contents *contents, const Matches *matches,
				  int k, EvalMetric metric, const EvalCurve *curve)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, gallery->id);
	catalog_arg_text(&args, eval_matcher_name(matches->matcher));
	catalog_arg_int(&args, k);
	catalog_arg_text(&args, eval_metric_name(metric));
	catalog_arg_bigint(&args, matches->n);
	catalog_arg(&args, FLOAT8ARRAYOID, float_array(curve->distance, curve->n), false);
	for (int m = 0; m < EVAL_METRICS; m++)
		catalog_arg(&args, FLOAT8ARRAYOID, float_array(curve->metric[m], curve->n), false);
	catalog_arg(&args, INT4OID, Int32GetDatum(gallery->version), gallery->model == NULL);
	catalog_arg_bigint(&args, contents->rows);
	catalog_arg(&args, NUMERICOID, contents->hash, false);
	catalog_arg(&args, FLOAT8ARRAYOID, matched_distances(matches), false);
	catalog_run("INSERT INTO similarity.calibration (gallery, matcher, k, metric, queries, distance,"
				" \"precision\", recall, f1, binary_accuracy, npv, fpr, version, gallery_rows, gallery_hash, matched)"
				" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)", &args);
}

static void
store_cutpoint(const Gallery *gallery, const Target *target, int position,
			   EvalMetric metric, const EvalCurve *curve)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, gallery->id);
	catalog_arg_text(&args, target->name);
	catalog_arg_int(&args, position);
	catalog_arg_float(&args, curve->metric[metric][target->threshold]);
	catalog_arg_float(&args, curve->distance[target->threshold]);
	for (int m = 0; m < EVAL_METRICS; m++)
		catalog_arg_float(&args, curve->metric[m][target->threshold]);
	catalog_run("INSERT INTO similarity.cutpoint (gallery, name, position, value, distance,"
				" \"precision\", recall, f1, binary_accuracy, npv, fpr)"
				" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", &args);
}

static void
put_cutpoint(ReturnSetInfo *result, const Target *target, EvalMetric metric, const EvalCurve *curve)
{
	Datum		values[3 + EVAL_METRICS];
	bool		nulls[3 + EVAL_METRICS] = {false};

	values[0] = CStringGetTextDatum(target->name);
	values[1] = Float8GetDatum(curve->metric[metric][target->threshold]);
	values[2] = Float8GetDatum(curve->distance[target->threshold]);
	for (int m = 0; m < EVAL_METRICS; m++)
		values[3 + m] = Float8GetDatum(curve->metric[m][target->threshold]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* ---- calibrate ---- */

static EvalMetric
metric_argument(FunctionCallInfo fcinfo, int n)
{
	EvalMetric	metric;
	Status		status;

	status_clear(&status);
	if (!eval_metric_by_name(text_argument(fcinfo, n, "calibration_metric"), &metric, &status))
		raise_status(&status);
	return metric;
}

static Targets *
targets_argument(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"targets\" must not be null")));
	return targets_from_jsonb(PG_GETARG_JSONB_P(n));
}

static void
calibrate(ReturnSetInfo *result, const Gallery *gallery, const char *query,
		  Targets *targets, int k, EvalMetric metric, EvalMatcher matcher)
{
	CalibrationPass pass = {matches_create(matcher), 0, 1024, palloc(sizeof(double) * 1024)};
	EvalCurve	curve;
	Contents	contents;

	gallery_pass(gallery, query, QUERY_LABELS, true, k, labels_create(), add_calibration_row, &pass);
	contents = read_contents(gallery);
	compute_curve(&pass, &curve);
	choose_cutpoints(targets, &curve, metric);
	forget_calibration(gallery);
	store_calibration(gallery, &contents, pass.matches, k, metric, &curve);
	for (int i = 0; i < targets->n; i++)
	{
		const Target *target = &targets->target[i];

		if (target->reached)
		{
			store_cutpoint(gallery, target, i, metric, &curve);
			put_cutpoint(result, target, metric, &curve);
		}
	}
}

/* calibrate(gallery, query, targets, k, calibration_metric, matcher) */
Datum
gallery_calibrate(PG_FUNCTION_ARGS)
{
	char	   *name = text_argument(fcinfo, 0, "gallery");
	char	   *query = text_argument(fcinfo, 1, "query");
	Targets    *targets = targets_argument(fcinfo, 2);
	int			k = k_argument(fcinfo, 3, 1);
	EvalMetric	metric = metric_argument(fcinfo, 4);
	EvalMatcher matcher = matcher_argument(fcinfo, 5, EVAL_MATCH_NEAREST);
	Gallery    *gallery;

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	gallery = gallery_open(name);
	gallery_require_owner(gallery);
	calibrate((ReturnSetInfo *) fcinfo->resultinfo, gallery, query, targets, k, metric, matcher);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}

/* ---- calibration_status ---- */

static const char *
describe_change(bool version, bool contents)
{
	if (version && contents)
		return "model version and rows changed";
	if (version)
		return "model version changed";
	return contents ? "rows changed" : NULL;
}

static void
put_status(FunctionCallInfo fcinfo, const Gallery *gallery)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Contents	contents = read_contents(gallery);
	CatalogArgs args = {0};
	HeapTuple	row;
	TupleDesc	desc;
	bool		moved;
	bool		renewed;
	Datum		values[7];
	bool		nulls[7] = {false};
	const char *change;

	catalog_arg_int(&args, gallery->id);
	catalog_arg(&args, NUMERICOID, contents.hash, false);
	if (catalog_execute("SELECT c.calibrated, c.queries, c.version, c.gallery_rows,"
						" c.gallery_hash OPERATOR(pg_catalog.<>) $2"
						" FROM similarity.calibration c WHERE c.gallery OPERATOR(pg_catalog.=) $1",
						args.n, args.types, args.values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the calibration could not be read");
	if (SPI_processed == 0)
		return;					/* never calibrated: no row */
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	for (int i = 0; i < 4; i++)
		values[i < 3 ? i : 4] = SPI_getbinval(row, desc, i + 1, &nulls[i < 3 ? i : 4]);
	nulls[3] = gallery->model == NULL;
	values[3] = Int32GetDatum(gallery->version);
	values[5] = Int64GetDatum(contents.rows);
	moved = DatumGetInt64(values[4]) != contents.rows || DatumGetBool(SPI_getbinval(row, desc, 5, &nulls[6]));
	renewed = nulls[2] != nulls[3] || (!nulls[2] && DatumGetInt32(values[2]) != gallery->version);
	change = describe_change(renewed, moved);
	nulls[6] = change == NULL;
	values[6] = change ? CStringGetTextDatum(change) : 0;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* calibration_status(gallery) */
Datum
gallery_calibration_status(PG_FUNCTION_ARGS)
{
	char	   *name = text_argument(fcinfo, 0, "gallery");
	Gallery    *gallery;

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	gallery = gallery_open(name);
	put_status(fcinfo, gallery);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}
