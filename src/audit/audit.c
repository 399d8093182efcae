/*
 * audit.c
 *	  audit(): which labels of a gallery do the neighbors contradict?
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "audit/audit.h"
#include "embedding/embedding.h"
#include "gallery/gallery_arguments.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/call.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/stop.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_audit);

/* ---- the audit ---- */

/* Where the median distance is that of squares, so is a tenth of it. */
static bool
has_squared_distances(const EmbeddingMetric *metric)
{
	return metric->kind == NEIGHBOR_COSINE ||
		metric->kind == NEIGHBOR_L2_SQUARED;
}

static void
judge_rows(LabelAudit *audit, bool choose_k, Arena *arena)
{
	const AuditedRows *rows = audit->rows;
	int			nlabels = labels_count(rows->names);
	EvalNeighbors voters = audit->neighbors;
	Status		status;
	bool		done = !choose_k ||
	eval_audit_voters(rows->labels, nlabels, &audit->neighbors, arena,
					  &voters, &status);

	done = done && eval_audit(rows->labels, nlabels, &voters, arena,
							  &audit->verdicts, &audit->rate, &status);
	check_interrupts();
	if (!done)
		raise_status(&status);
}

LabelAudit *
label_audit_rows(AuditedRows *rows, int k, bool exact,
				 const double *duplicate_distance)
{
	LabelAudit *audit = palloc0(sizeof(LabelAudit));
	Arena	   *arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	Status		status;

	audit->rows = rows;
	budget_require(BUDGET_MAINTENANCE,
				   budget_product(audit->rows->n,
								  EVAL_AUDIT_BYTES + sizeof(size_t)),
				   "the verdicts of the rows", "use fewer rows");
	audited_rows_neighbors(audit->rows, ROWS_LABELED, ROWS_LABELED,
						   k == AUDIT_K_CHOSEN ? AUDIT_K : k, exact,
						   &audit->neighbors);
	judge_rows(audit, k == AUDIT_K_CHOSEN, arena);
	if (duplicate_distance != NULL)
		audit->duplicate_distance = *duplicate_distance;
	else if (!eval_duplicate_distance(&audit->neighbors,
									  has_squared_distances(rows->gallery->distance),
									  arena, &audit->duplicate_distance,
									  &status))
		raise_status(&status);
	return audit;
}

bool
label_audit_fits(int64 rows, int k)
{
	Size		bytes = Max(eval_neighbors_bytes(k),
							EVAL_AUDIT_BYTES + sizeof(size_t));

	return budget_product(rows, bytes) <= budget_bytes(BUDGET_MAINTENANCE);
}

bool
audit_has_duplicate(const LabelAudit *audit, size_t row)
{
	return audit->neighbors.count[row] > 0 &&
		audit->neighbors.nearest[row] <= audit->duplicate_distance;
}

static int
compare_suspects(const void *a, const void *b, void *state)
{
	const EvalVerdict *verdicts = state;
	size_t		x = *(const size_t *) a;
	size_t		y = *(const size_t *) b;

	if (verdicts[x].sure != verdicts[y].sure)
		return verdicts[x].sure > verdicts[y].sure ? -1 : 1;
	return x < y ? -1 : 1;
}

size_t *
audit_suspects(const LabelAudit *audit, double least_sure, bool duplicates,
			   size_t *n)
{
	const AuditedRows *rows = audit->rows;
	size_t	   *suspects = palloc_extended(sizeof(size_t) * rows->n,
										   MCXT_ALLOC_HUGE);

	*n = 0;
	for (size_t row = 0; row < rows->n; row++)
		if (rows->labels[row] != NO_LABEL &&
			(audit->verdicts[row].sure >= least_sure ||
			 (duplicates && audit_has_duplicate(audit, row))))
			suspects[(*n)++] = row;
	qsort_interruptible(suspects, *n, sizeof(size_t), compare_suspects,
						audit->verdicts);
	return suspects;
}

/* ---- the function ---- */

void
audit_put_text(const char *text, Datum *value, bool *null)
{
	*null = text == NULL;
	*value = text == NULL ? 0 : CStringGetTextDatum(text);
}

#define AUDIT_VALUES 6

static void
put_audited_row(FunctionCallInfo fcinfo, const LabelAudit *audit, size_t row)
{
	const AuditedRows *rows = audit->rows;
	const EvalVerdict *verdict = &audit->verdicts[row];
	size_t		first = row * (size_t) audit->neighbors.k;
	Datum		values[AUDIT_VALUES] = {0};
	bool		nulls[AUDIT_VALUES] = {false};

	audit_put_text(rows->keys[row], &values[0], &nulls[0]);
	audit_put_text(labels_text(rows->names, rows->labels[row]), &values[1],
				   &nulls[1]);
	audit_put_text(labels_text(rows->names, verdict->suggested), &values[2],
				   &nulls[2]);
	values[3] = Float8GetDatum(verdict->sure);
	nulls[4] = nulls[5] = !audit_has_duplicate(audit, row);
	if (!nulls[4])
	{
		audit_put_text(rows->keys[audit->neighbors.row[first]], &values[4],
					   &nulls[4]);
		values[5] = Float8GetDatum(audit->neighbors.nearest[row]);
	}
	put_result_row(fcinfo, values, nulls);
}

static double
share_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	double		share;

	argument_require(fcinfo, n, name);
	share = PG_GETARG_FLOAT8(n);
	if (!(share >= 0 && share <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 0 and 1, not %g", name, share)));
	return share;
}

static const double *
distance_argument(FunctionCallInfo fcinfo, int n, const char *name,
				  double *distance)
{
	if (PG_ARGISNULL(n))
		return NULL;
	*distance = PG_GETARG_FLOAT8(n);
	if (isnan(*distance))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a number, not NaN", name)));
	return distance;
}

/*
 * audit(gallery, k, least_sure, duplicate_distance, exact).
 *
 * Needs SELECT on the gallery's columns (42501) and writes nothing.  k is
 * between 1 and EVAL_MAX_K, or NULL: chosen; least_sure between 0 and 1
 * (22023).  55000 if the gallery is empty or its rows have no key where one is
 * needed; 54000 if the rows with their neighbors exceed maintenance_work_mem.
 */
Datum
gallery_audit(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	int			k = PG_ARGISNULL(1) ? AUDIT_K_CHOSEN : k_argument(fcinfo, 1, 0);
	double		least_sure = share_argument(fcinfo, 2, "least_sure");
	double		distance;
	const double *given = distance_argument(fcinfo, 3, "duplicate_distance",
											&distance);
	bool		exact = argument_boolean_or(fcinfo, 4, true);
	Gallery    *gallery;
	LabelAudit *audit;
	size_t	   *suspects;
	size_t		n;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	gallery = gallery_open(name);
	audit = label_audit_rows(audited_rows_read(gallery, CALL_AUDIT), k, exact,
							 given);
	suspects = audit_suspects(audit, least_sure, true, &n);
	for (size_t i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_audited_row(fcinfo, audit, suspects[i]);
	}
	audited_rows_close(audit->rows);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}
