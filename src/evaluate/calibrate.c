/*
 * calibrate.c
 *	  calibrate(): find the distances beyond which a neighbor is no match,
 *	  and store them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "eval/drift.h"
#include "evaluate/doubt.h"
#include "evaluate/evaluate_pass.h"
#include "gallery/embedded_query.h"
#include "gallery/gallery.h"
#include "gallery/gallery_arguments.h"
#include "model/model.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/call.h"
#include "server/call_progress.h"
#include "server/catalog.h"
#include "server/context.h"
#include "server/cursor.h"
#include "server/errors.h"
#include "server/labels.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_calibrate);
PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_calibration_status);

/* ---- targets: {"name": value, ...} ---- */

#define MAX_TARGETS 1000

typedef struct Target
{
	char	   *name;
	double		value;
	bool		reached;
	double		distance;		/* if reached: of its cut point, */
	double		metric[EVAL_METRICS];	/* and the metrics there */
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
add_named_target(Targets *targets, const JsonbValue *key,
				 const JsonbValue *value)
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
	if (JB_ROOT_COUNT(jsonb) > MAX_TARGETS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are %d targets, at most %d are allowed",
						(int) JB_ROOT_COUNT(jsonb), MAX_TARGETS)));
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
	int64		n;				/* distances of all neighbors */
	int64		size;
	double	   *distances;
} CalibrationPass;

static void
add_calibration_row(void *state, int label, const int *labels,
					const double *distances, int n)
{
	CalibrationPass *pass = state;

	int			drop = pass->matches->drop_closest ? 1 : 0;

	matches_add(pass->matches, label, labels, distances, n);
	n -= drop;
	if (pass->n + n > pass->size)
	{
		pass->size = 2 * (pass->n + n);
		budget_require(BUDGET_MAINTENANCE, pass->size * sizeof(double),
					   "the distances of the neighbors",
					   "use fewer items or a smaller k");
		pass->distances = repalloc_huge(pass->distances,
										sizeof(double) * pass->size);
	}
	memcpy(pass->distances + pass->n, distances + drop, sizeof(double) * n);
	pass->n += n;
}

/*
 * Distances of a curve, at most: of more every n-th is tried, so that a cut
 * point is off by at most a 250,000th of the distances, and the curve, which is
 * one row of a table, fits into maintenance_work_mem as it is by default.  What
 * it takes for each with its counts, as arrays and as that row, and what each
 * match does.
 */
#define MAX_CURVE 250000
#define CURVE_BYTES (4 * sizeof(int64) + (1 + EVAL_METRICS) * 3 * sizeof(double))
#define ANSWER_BYTES (2 * sizeof(double))

static void
compute_curve(CalibrationPass *pass, EvalCurve *curve)
{
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	size_t		n = eval_thresholds(pass->distances, pass->n, MAX_CURVE);
	Status		status;

	budget_require(BUDGET_MAINTENANCE,
				   n * CURVE_BYTES + pass->matches->n * ANSWER_BYTES,
				   "the points of the calibration curve",
				   "use fewer items or a smaller k");
	if (!eval_curve(pass->matches->distances, pass->matches->hits,
					pass->matches->n, pass->distances, n, arena, curve,
					&status))
		raise_status(&status);
}

/* The cut point of a target at a place of the curve */
static void
set_cutpoint(Target *target, const EvalCurve *curve, size_t place)
{
	target->reached = true;
	target->distance = curve->distance[place];
	for (int m = 0; m < EVAL_METRICS; m++)
		target->metric[m] = curve->metric[m][place];
}

/* A cut point that accepts none of the matches, nor any other */
static void
set_cutpoint_of_nothing(Target *target, const Matches *matches)
{
	const double nothing = EVAL_ACCEPT_NOTHING;
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	EvalCurve	curve;
	Status		status;

	if (!eval_curve(matches->distances, matches->hits, matches->n, &nothing, 1,
					arena, &curve, &status))
		raise_status(&status);
	set_cutpoint(target, &curve, 0);
	arena_destroy(arena);
}

static void
tell_not_reached(const Target *target, const char *detail)
{
	ereport(NOTICE,
			(errmsg("target \"%s\" is not reached and gets no cut point",
					target->name), errdetail_internal("%s", detail)));
}

/*
 * Is a cut point at that place believed?  Of doubtful items only if it accepts
 * at least as many right matches as wrong ones.
 */
static bool
is_believed(const EvalCurve *curve, size_t place, bool doubtful)
{
	return !doubtful || curve->counts.tp[place] >= curve->counts.fp[place];
}

static void
choose_target(Target *target, const EvalCurve *curve, EvalMetric metric,
			  const double *best, bool doubtful)
{
	size_t		place;

	if (best == NULL)
		tell_not_reached(target, "No item is matched correctly.");
	else if (!eval_target(curve, metric, target->value, &place))
		tell_not_reached(target, psprintf("The best %s is %g, the target %g.",
										  eval_metric_name(metric), *best,
										  target->value));
	else if (!is_believed(curve, place, doubtful))
		tell_not_reached(target,
						 psprintf("Within %g, more matches are wrong than right.", curve->distance[place]));
	else
		set_cutpoint(target, curve, place);
}

static void
choose_cutpoints(Targets *targets, const Labels *labels, const Matches *matches,
				 const EvalCurve *curve, EvalMetric metric, bool told)
{
	bool		doubtful = doubt_is_grave(labels, matches);
	size_t		place;
	bool		any = eval_optimal(curve, metric, &place);
	bool		accepted = any && is_believed(curve, place, doubtful);

	doubt_calibration(labels, matches, curve, any ? &place : NULL, accepted,
					  told);
	if (accepted)
		set_cutpoint(&targets->target[0], curve, place);
	else
		set_cutpoint_of_nothing(&targets->target[0], matches);
	for (int i = 1; i < targets->n; i++)
		choose_target(&targets->target[i], curve, metric,
					  any ? &curve->metric[metric][place] : NULL, doubtful);
}

/* ---- the gallery as it was ---- */

/* Fingerprint of a gallery: its number of rows and a sum of hashes */
typedef struct Contents
{
	int64		rows;
	uint64		hash;			/* modulo 2^64 */
} Contents;

/* Rows that are hashed between two looks at the clock */
#define HASHED_ROWS 1000

/* A query of the hash of each row, of its embedding and label */
static Portal
open_hashes(const Gallery *gallery)
{
	const char *column = quote_identifier(gallery->embedding);
	char	   *sql = psprintf("SELECT %s.embedding_hash_extended(t.%s,"
							   " pg_catalog.hashtextextended(pg_catalog.format('%%s', t.%s) COLLATE \"C\", 0))"
							   " FROM %s t WHERE t.%s IS NOT NULL",
							   quote_identifier(embedding_schema_name()),
							   column,
							   quote_identifier(gallery->label),
							   gallery->relation, column);

	return gallery_open_rows(gallery, sql, 0);
}

/* A changed row, embedding or label changes the sum of hashes. */
static Contents
read_contents(const Gallery *gallery)
{
	Contents	contents = {0};
	CallProgress progress;
	CursorPace	pace = {0};
	RoleFrame	reader;
	Portal		cursor;
	uint64		n;

	call_progress_begin(&progress, CALL_CALIBRATION, gallery->relid, 0);
	cursor = open_hashes(gallery);
	call_progress_phase(&progress, PHASE_READING, cursor_rows(cursor));
	gallery_enter(gallery, &reader);
	do
	{
		bool		isnull;

		cursor_fetch(cursor, HASHED_ROWS, &pace);
		n = SPI_processed;
		for (uint64 i = 0; i < n; i++)
			contents.hash += DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
														 SPI_tuptable->tupdesc,
														 1, &isnull));
		contents.rows += n;
		SPI_freetuptable(SPI_tuptable);
		call_progress(&progress, contents.rows);
	} while (n > 0);
	cursor_close(cursor);
	gallery_leave(gallery, &reader);
	call_progress_end(&progress);
	return contents;
}

/* As the catalog has it */
static Datum
hash_as_numeric(const Contents *contents)
{
	return DirectFunctionCall1(int8_numeric,
							   Int64GetDatum((int64) contents->hash));
}

/* ---- storing ---- */

static Datum
float_array(const double *values, size_t n)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + n * sizeof(float8);
	ArrayType  *array = palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->elemtype = FLOAT8OID;
	ARR_DIMS(array)[0] = (int) n;
	ARR_LBOUND(array)[0] = 1;
	memcpy(ARR_DATA_PTR(array), values, n * sizeof(float8));
	return PointerGetDatum(array);
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
	catalog_run("WITH cutpoints AS (DELETE FROM similarity.cutpoint WHERE gallery OPERATOR(pg_catalog.=) $1)"
				" DELETE FROM similarity.calibration WHERE gallery OPERATOR(pg_catalog.=) $1", &args);
}

/* Most distances of matches that a calibration keeps, evenly chosen */
#define MAX_MATCHED 10000

static Datum
matched_distances(const Matches *matches)
{
	double	   *all = palloc_extended(sizeof(double) * matches->n,
									  MCXT_ALLOC_HUGE);

	memcpy(all, matches->distances, sizeof(double) * matches->n);
	eval_sort(all, matches->n);
	return float_array(all, eval_choose(all, matches->n, MAX_MATCHED));
}

static void
store_calibration(const Gallery *gallery, const Contents *contents,
				  const Matches *matches, int k, EvalMetric metric,
				  const EvalCurve *curve)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, gallery->id);
	catalog_arg_text(&args, eval_matcher_name(matches->matcher));
	catalog_arg_int(&args, k);
	catalog_arg_text(&args, eval_metric_name(metric));
	catalog_arg_bigint(&args, matches->n);
	catalog_arg(&args, FLOAT8ARRAYOID, float_array(curve->distance, curve->n),
				false);
	for (int m = 0; m < EVAL_METRICS; m++)
		catalog_arg(&args, FLOAT8ARRAYOID,
					float_array(curve->metric[m], curve->n), false);
	catalog_arg(&args, INT4OID, Int32GetDatum(gallery->version),
				gallery->model == NULL);
	catalog_arg_bigint(&args, contents->rows);
	catalog_arg(&args, NUMERICOID, hash_as_numeric(contents), false);
	catalog_arg(&args, FLOAT8ARRAYOID, matched_distances(matches), false);
	catalog_run("INSERT INTO similarity.calibration (gallery, matcher, k, metric, queries, distance,"
				" \"precision\", recall, f1, binary_accuracy, npv, fpr, version, gallery_rows, gallery_hash, matched)"
				" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)", &args);
}

static void
store_cutpoint(const Gallery *gallery, const Target *target, int position,
			   EvalMetric metric)
{
	CatalogArgs args = {0};

	catalog_arg_int(&args, gallery->id);
	catalog_arg_text(&args, target->name);
	catalog_arg_int(&args, position);
	catalog_arg_float(&args, target->metric[metric]);
	catalog_arg_float(&args, target->distance);
	for (int m = 0; m < EVAL_METRICS; m++)
		catalog_arg_float(&args, target->metric[m]);
	catalog_run("INSERT INTO similarity.cutpoint (gallery, name, position, value, distance,"
				" \"precision\", recall, f1, binary_accuracy, npv, fpr)"
				" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
				&args);
}

static void
put_cutpoint(ReturnSetInfo *result, const Target *target, EvalMetric metric)
{
	Datum		values[3 + EVAL_METRICS];
	bool		nulls[3 + EVAL_METRICS] = {false};

	values[0] = CStringGetTextDatum(target->name);
	values[1] = Float8GetDatum(target->metric[metric]);
	values[2] = Float8GetDatum(target->distance);
	for (int m = 0; m < EVAL_METRICS; m++)
		values[3 + m] = Float8GetDatum(target->metric[m]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* ---- calibrate ---- */

static EvalMetric
metric_argument(FunctionCallInfo fcinfo, int n)
{
	EvalMetric	metric;
	Status		status;

	if (!eval_metric_by_name(argument_text(fcinfo, n, "calibration_metric"),
							 &metric, &status))
		raise_status(&status);
	return metric;
}

static Targets *
targets_argument(FunctionCallInfo fcinfo, int n)
{
	argument_require(fcinfo, n, "targets");
	return targets_from_jsonb(PG_GETARG_JSONB_P(n));
}

static void
calibrate(ReturnSetInfo *result, const Gallery *gallery, const char *query,
		  Targets *targets, int k, EvalMetric metric, Matches *matches)
{
	CalibrationPass pass = {matches, 0, 1024, palloc(sizeof(double) * 1024)};
	Labels	   *labels = labels_create(BUDGET_MAINTENANCE);
	Pass	   *search;
	EvalCurve	curve;
	Contents	contents;
	bool		told;

	search = gallery_pass(gallery, query, QUERY_LABELS, true,
						  matches_depth(matches, k), labels,
						  add_calibration_row, &pass);
	contents = read_contents(gallery);
	told = doubt_items(gallery, search, labels, matches->drop_closest);
	doubt_matches(gallery, matches);
	compute_curve(&pass, &curve);
	choose_cutpoints(targets, labels, matches, &curve, metric, told);
	forget_calibration(gallery);
	store_calibration(gallery, &contents, matches, k, metric, &curve);
	for (int i = 0; i < targets->n; i++)
	{
		const Target *target = &targets->target[i];

		if (target->reached)
		{
			store_cutpoint(gallery, target, i, metric);
			put_cutpoint(result, target, metric);
		}
	}
}

/*
 * calibrate(gallery, query, targets, k, calibration_metric, matcher,
 * drop_closest).
 *
 * Arguments first (22004, 22023, 42704); not in a read-only transaction
 * (25006).  Needs the gallery's owner (42501), as whom the table is read; the
 * query runs as the caller.  The query must be one read-only SELECT of (input,
 * label) without nulls; an error anywhere, a target out of reach aside, leaves
 * the last calibration as it was.
 */
Datum
gallery_calibrate(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	char	   *query = argument_text(fcinfo, 1, "query");
	Targets    *targets = targets_argument(fcinfo, 2);
	int			k = k_argument(fcinfo, 3, 1);
	EvalMetric	metric = metric_argument(fcinfo, 4);
	EvalMatcher matcher = matcher_argument(fcinfo, 5, EVAL_MATCH_NEAREST);
	bool		drop_closest = argument_boolean_or(fcinfo, 6, false);
	Gallery    *gallery;

	model_require_writable("similarity.calibrate()");
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	gallery = gallery_open(name);
	gallery_read_as_owner(gallery);
	calibrate((ReturnSetInfo *) fcinfo->resultinfo, gallery, query, targets, k,
			  metric, matches_create(matcher, drop_closest));
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
	Contents	contents = read_contents(gallery);
	CatalogArgs args = {0};
	const char *entry = psprintf("the calibration of gallery \"%s\"",
								 gallery->name);
	bool		moved;
	bool		renewed;
	Datum		values[8];
	bool		nulls[8] = {false};
	const char *change;
	const char *problem;

	catalog_arg_int(&args, gallery->id);
	catalog_arg(&args, NUMERICOID, hash_as_numeric(&contents), false);
	if (catalog_read("SELECT c.calibrated, c.queries, c.version, c.gallery_rows,"
					 " c.gallery_hash OPERATOR(pg_catalog.<>) $2, p.distance, p.\"precision\""
					 " FROM similarity.calibration c JOIN similarity.cutpoint p"
					 " ON p.gallery OPERATOR(pg_catalog.=) c.gallery AND p.name OPERATOR(pg_catalog.=) 'optimal'"
					 " WHERE c.gallery OPERATOR(pg_catalog.=) $1",
					 &args) == 0)
		return;					/* never calibrated: no row */
	values[0] = catalog_column_datum(0, 1, TIMESTAMPTZOID, entry);
	values[1] = Int64GetDatum(catalog_column_bigint(0, 2, entry));
	nulls[2] = catalog_column_isnull(0, 3);
	values[2] = Int32GetDatum(catalog_column_int_or_zero(0, 3, entry));
	values[4] = Int64GetDatum(catalog_column_bigint(0, 4, entry));
	nulls[3] = gallery->model == NULL;
	values[3] = Int32GetDatum(gallery->version);
	values[5] = Int64GetDatum(contents.rows);
	moved = DatumGetInt64(values[4]) != contents.rows ||
		DatumGetBool(catalog_column_datum(0, 5, BOOLOID, entry));
	renewed = nulls[2] != nulls[3] ||
		(!nulls[2] && DatumGetInt32(values[2]) != gallery->version);
	change = describe_change(renewed, moved);
	nulls[6] = change == NULL;
	values[6] = change ? CStringGetTextDatum(change) : 0;
	problem = doubt_of_calibration(DatumGetInt64(values[1]),
								   catalog_column_float(0, 6, entry),
								   catalog_column_float(0, 7, entry));
	nulls[7] = problem == NULL;
	values[7] = problem ? CStringGetTextDatum(problem) : 0;
	put_result_row(fcinfo, values, nulls);
}

/*
 * calibration_status(gallery): no row if it was never calibrated.
 *
 * Reads all of the gallery's table, as the caller: rights are those of
 * drift().
 */
Datum
gallery_calibration_status(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	Gallery    *gallery;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	gallery = gallery_open(name);
	gallery_require_all_rows(gallery);
	put_status(fcinfo, gallery);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}
