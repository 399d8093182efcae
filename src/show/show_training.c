/*
 * show_training.c
 *	  The trainings of a model as curves in the terminal.
 *
 * What is read are the views that everybody reads, as the caller: who may only
 * use a model sees its losses, and nothing of its owner's rows.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "model/model.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "show/show.h"
#include "show/terminal.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(show_training);

#define MAX_RUNS 100
#define INDENT "  "

/* A curve, and the column of the query below that it is */
typedef struct Curve
{
	const char *name;
	int			column;
	double		unit;			/* what is shown is so many times the value */
	const char *suffix;
} Curve;

enum
{
	RUN = 1, STATE, VERSION, DEPLOYED, LOSS_NAME, EPOCH, VERDICT, LOSS,
	POSITIVE, NEGATIVE, GAP, GRADIENT, RATE, RECALL, RECALL_KNOWN,
	RECALL_UNKNOWN
};

static const Curve curves[] = {
	{"loss", LOSS, 1, ""},
	{"positive distance", POSITIVE, 1, ""},
	{"negative distance", NEGATIVE, 1, ""},
	{"gap between them", GAP, 1, ""},
	{"gradient norm", GRADIENT, 1, ""},
	{"learning rate", RATE, 1, ""},
	{"recall@1", RECALL, 100, " %"},
	{"  of known classes", RECALL_KNOWN, 100, " %"},
	{"  of unknown classes", RECALL_UNKNOWN, 100, " %"}
};

/* In the order of the enumeration */
static const char *const log_query =
"SELECT l.run, r.state, r.version, r.version OPERATOR(pg_catalog.=) m.deployed_version,"
" r.options OPERATOR(pg_catalog.->>) 'loss', l.epoch, l.verdict, l.loss, l.avg_positive, l.avg_negative,"
" l.dist_gap, l.gradient_norm, l.learning_rate,"
" (l.validation OPERATOR(pg_catalog.->>) 'recall@1')::pg_catalog.float8,"
" (l.validation OPERATOR(pg_catalog.->>) 'recall@1_known_classes')::pg_catalog.float8,"
" (l.validation OPERATOR(pg_catalog.->>) 'recall@1_unknown_classes')::pg_catalog.float8"
" FROM similarity.training_log l JOIN similarity.models m ON m.model OPERATOR(pg_catalog.=) l.model"
" LEFT JOIN similarity.training_runs r ON r.run OPERATOR(pg_catalog.=) l.run"
" WHERE l.model OPERATOR(pg_catalog.=) $1 AND l.run OPERATOR(pg_catalog.=) ANY (ARRAY("
"SELECT DISTINCT n.run FROM similarity.training_log n WHERE n.model OPERATOR(pg_catalog.=) $1 ORDER BY n.run DESC LIMIT $2))"
" ORDER BY l.run, l.epoch";

/* ---- values ---- */

static double
metric_value(uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? NAN : DatumGetFloat8(value);
}

static char *
text_of(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

/* The first row after begin that is of another run */
static uint64
end_of_run(uint64 begin)
{
	char	   *run = text_of(begin, RUN);
	uint64		end = begin + 1;

	while (end < SPI_processed && strcmp(text_of(end, RUN), run) == 0)
		end++;
	return end;
}

/* ---- lines ---- */

static void
append_title(const ReportCanvas *canvas, const char *model, uint64 begin,
			 uint64 end)
{
	ReportText *text = canvas->text;
	char	   *state = text_of(begin, STATE);
	char	   *version = text_of(begin, VERSION);
	char	   *deployed = text_of(begin, DEPLOYED);
	char	   *loss = text_of(begin, LOSS_NAME);

	report_appendf(text, "%s, run %s", picture_utf8(model),
				   text_of(begin, RUN));
	if (state != NULL)
		report_appendf(text, ", %s", state);
	if (version != NULL)
		report_appendf(text, ", version %s%s", version,
					   deployed != NULL && strcmp(deployed, "t") == 0 ?
					   " (deployed)" : "");
	if (loss != NULL)
		report_appendf(text, ", loss %s", picture_utf8(loss));
	report_appendf(text, ", " UINT64_FORMAT " epoch%s\n", end - begin,
				   end - begin == 1 ? "" : "s");
}

/* The name, the first and the last value, and what lies between */
static void
append_curve(const ReportCanvas *canvas, const Curve *curve, uint64 begin,
			 uint64 end)
{
	int			n = (int) (end - begin);
	double	   *values = palloc(sizeof(double) * n);
	int			first = n;
	int			last = -1;
	char	   *head;

	for (int i = 0; i < n; i++)
	{
		values[i] = metric_value(begin + (uint64) i, curve->column) * curve->unit;
		if (isfinite(values[i]))
		{
			first = Min(first, i);
			last = i;
		}
	}
	if (last < 0)
		return;					/* nobody logged it, or may see it */
	head = psprintf(INDENT "%-20s %9.4g%s to %9.4g%s  ", curve->name,
					values[first], curve->suffix, values[last], curve->suffix);
	report_append(canvas->text, head);
	report_append_sparkline(canvas, values, n,
							canvas->columns - (int) strlen(head));
	report_append(canvas->text, "\n");
}

static void
append_run(const ReportCanvas *canvas, const char *model, uint64 begin,
		   uint64 end)
{
	char	   *verdict = text_of(end - 1, VERDICT);

	append_title(canvas, model, begin, end);
	for (int i = 0; i < lengthof(curves); i++)
		append_curve(canvas, &curves[i], begin, end);
	if (verdict != NULL)
		report_appendf(canvas->text, INDENT "%s\n", picture_utf8(verdict));
}

/* The columns that hold numbers of the runs asked for */
static void
read_log(const char *model, int runs)
{
	Oid			types[] = {TEXTOID, INT4OID};
	Datum		arguments[] = {CStringGetTextDatum(model), Int32GetDatum(runs)};

	if (SPI_execute_with_args(log_query, 2, types, arguments, NULL, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "the training log could not be read");
}

static void
show_runs(const ReportCanvas *canvas, const char *model, int runs)
{
	read_log(model, runs);
	if (SPI_processed == 0)
		report_appendf(canvas->text, "%s has no training log.\n",
					   picture_utf8(model));
	for (uint64 begin = 0; begin < SPI_processed;)
	{
		uint64		end = end_of_run(begin);

		CHECK_FOR_INTERRUPTS();
		report_append(canvas->text, begin == 0 ? "" : "\n");
		append_run(canvas, model, begin, end);
		begin = end;
	}
}

/*
 * show_training(model, runs, columns, style): the last so many runs with a log,
 * the newest last.  Needs USAGE of the model (42501); what only its owner may
 * see is shown to its owner.
 */
Datum
show_training(PG_FUNCTION_ARGS)
{
	char	   *model = argument_text(fcinfo, 0, "model");
	int			runs = argument_bigint(fcinfo, 1, "runs", 1, MAX_RUNS);
	ReportCanvas canvas;
	Status		status;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	SPI_connect();
	model_require_usage(model);
	canvas = terminal_canvas(fcinfo, 2, 3);
	if (!report_canvas_check(&canvas, &status))
		raise_status(&status);
	show_runs(&canvas, model, runs);
	if (!report_text_finish(canvas.text, &status))
		raise_status(&status);
	terminal_put(fcinfo, canvas.text);
	SPI_finish();
	return (Datum) 0;
}
