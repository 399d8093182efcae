/*
 * section_training.c
 *	  How the model of a gallery, or any model, was trained: the logs of its
 *	  trainings.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "model/model.h"
#include "pages/page_tables.h"
#include "pages/pages.h"
#include "show/show.h"

/* Of each training so many steps, evenly chosen */
#define MAX_STEPS "500"

/* The last trainings that have a log; the rest is counted */
#define MAX_RUNS "40"

#define LAST_RUNS \
	" (SELECT DISTINCT e.run FROM similarity.training_log e" \
	" WHERE e.model OPERATOR(pg_catalog.=) $1 ORDER BY e.run DESC LIMIT " MAX_RUNS ")"

/* Columns of runs */
enum
{
	RUN = 1, VERSION, STATE, LOSS_NAME, MESSAGE, STARTED, EPOCHS, LOSS, VERDICT
};

/* What training_runs says is for owners: others see the log alone. */
static const char runs_query[] =
"SELECT l.run, r.version, r.state, r.options OPERATOR(pg_catalog.->>) 'loss' AS loss_name, r.message,"
" pg_catalog.to_char(r.started, 'YYYY-MM-DD HH24:MI TZ') AS started, l.epochs, l.loss, l.verdict"
" FROM (SELECT e.run, pg_catalog.count(*) AS epochs,"
" (pg_catalog.array_agg(e.loss ORDER BY e.epoch DESC))[1] AS loss,"
" (pg_catalog.array_agg(e.verdict ORDER BY e.epoch DESC))[1] AS verdict"
" FROM similarity.training_log e WHERE e.model OPERATOR(pg_catalog.=) $1 GROUP BY e.run"
" ORDER BY e.run DESC LIMIT " MAX_RUNS ") l"
" LEFT JOIN similarity.training_runs r ON r.run OPERATOR(pg_catalog.=) l.run ORDER BY l.run";

static const char count_query[] =
"SELECT pg_catalog.count(DISTINCT e.run) FROM similarity.training_log e WHERE e.model OPERATOR(pg_catalog.=) $1";

static const char epochs_query[] =
"SELECT e.run, e.epoch, e.loss, e.learning_rate, e.avg_positive, e.min_positive, e.max_positive,"
" e.avg_negative, e.min_negative, e.max_negative, e.gradient_norm, e.images_per_second, e.verdict"
" FROM similarity.training_log e WHERE e.model OPERATOR(pg_catalog.=) $1"
" AND e.run OPERATOR(pg_catalog.=) ANY (SELECT r.run FROM" LAST_RUNS " r) ORDER BY e.run, e.epoch";

static const char validation_query[] =
"SELECT e.run, e.epoch, v.key AS metric, (v.value OPERATOR(pg_catalog.#>>) '{}')::pg_catalog.float8 AS value"
" FROM similarity.training_log e, pg_catalog.jsonb_each(e.validation) v WHERE e.model OPERATOR(pg_catalog.=) $1"
" AND pg_catalog.jsonb_typeof(v.value) OPERATOR(pg_catalog.=) 'number'"
" AND e.run OPERATOR(pg_catalog.=) ANY (SELECT r.run FROM" LAST_RUNS " r) ORDER BY e.run, v.key COLLATE \"C\", e.epoch";

/* The first, the last and every so many of them */
static const char steps_query[] =
"SELECT s.run, s.step, s.loss, s.learning_rate, s.avg_positive, s.avg_negative, s.gradient_norm"
" FROM (SELECT t.*, pg_catalog.row_number() OVER (PARTITION BY t.run ORDER BY t.step) AS place,"
" pg_catalog.count(*) OVER (PARTITION BY t.run) AS steps FROM similarity.training_steps t"
" WHERE t.model OPERATOR(pg_catalog.=) $1"
" AND t.run OPERATOR(pg_catalog.=) ANY (SELECT r.run FROM" LAST_RUNS " r)) s"
" WHERE s.place OPERATOR(pg_catalog.=) s.steps OR (s.place OPERATOR(pg_catalog.-) 1)"
" OPERATOR(pg_catalog.%) ((s.steps OPERATOR(pg_catalog.+) " MAX_STEPS " OPERATOR(pg_catalog.-) 1)"
" OPERATOR(pg_catalog./) " MAX_STEPS ") OPERATOR(pg_catalog.=) 0"
" ORDER BY s.run, s.step";

static SPITupleTable *
select_of_model(const PageContext *context, const char *sql)
{
	return page_select(sql, TEXTOID, CStringGetTextDatum(context->model));
}

static void
put_training_data(ReportText *out, PageContext *context, const char *name,
				  const char *sql)
{
	SPITupleTable *table = select_of_model(context, sql);

	page_put_table(out, context->section, name, table);
	SPI_freetuptable(table);
	page_flush(context, out);
}

/* ---- what a page says without its script ---- */

static void
put_text_or_dash(ReportText *out, const SPITupleTable *table, uint64 row,
				 int column)
{
	char	   *text = page_text(table, row, column);

	report_table_text(out, text ? text : "");
}

static void
put_runs(ReportText *out, const SPITupleTable *table)
{
	static const char *const columns[] = {"training", "version", "state", "loss function", "started", "epochs", "last loss", "verdict"};

	report_table_begin(out, NULL, columns, lengthof(columns));
	for (uint64 i = 0; i < table->numvals; i++)
	{
		report_table_row(out);
		report_table_number(out, page_number(table, i, RUN));
		report_table_number(out, page_number(table, i, VERSION));
		put_text_or_dash(out, table, i, STATE);
		put_text_or_dash(out, table, i, LOSS_NAME);
		put_text_or_dash(out, table, i, STARTED);
		report_table_number(out, page_number(table, i, EPOCHS));
		report_table_number(out, page_number(table, i, LOSS));
		put_text_or_dash(out, table, i, VERDICT);
	}
	report_table_end(out, false);
}

/* What the figures stand on, and which version's training comes first */
static void
put_basis(ReportText *out, PageContext *context, uint64 shown)
{
	SPITupleTable *table = select_of_model(context, count_query);
	int64		all = (int64) page_number(table, 0, 1);

	SPI_freetuptable(table);
	report_append_note(out,
					   psprintf("%s training%s of model %s that left a log%s.",
								all == 1 ? "The only" : all > shown ?
								psprintf("The last %s of %s", page_count(shown),
										 page_count(all)) :
								psprintf("All %s", page_count(all)),
								all == 1 ? "" : "s",
								picture_utf8(context->model),
								context->gallery == NULL ? "" :
								psprintf("; the gallery holds version %d",
										 context->gallery->version)));
	report_data_begin(out, context->section, "version");
	report_json_number(out, context->gallery == NULL ? NAN :
					   context->gallery->version);
	report_data_end(out);
}

/* ---- the section ---- */

void
training_section(ReportText *out, PageContext *context)
{
	SPITupleTable *runs;

	if (context->model == NULL)
	{
		report_append_note(out, "The gallery has no model: its embeddings come from elsewhere.");
		return;
	}
	if (context->gallery == NULL)
		model_require_usage(context->model);
	runs = select_of_model(context, runs_query);
	if (runs->numvals == 0)
	{
		report_append_note(out, "There is no log of a training of this model that you may see: it was imported, or never trained.");
		return;
	}
	put_basis(out, context, runs->numvals);
	put_runs(out, runs);
	page_put_table(out, context->section, "runs", runs);
	SPI_freetuptable(runs);
	put_training_data(out, context, "epochs", epochs_query);
	put_training_data(out, context, "validation", validation_query);
	put_training_data(out, context, "steps", steps_query);
	report_append_figure(out, context->section, "curves");
}
