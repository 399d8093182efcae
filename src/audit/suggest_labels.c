/*
 * suggest_labels.c
 *	  suggest_labels(): which rows of a gallery to label next.
 *
 * Of rows without label those about which their labeled neighbors agree least,
 * each for many like it; where every row has a label, those whose label is
 * most doubtful (eval/label_choice.h).
 */
#include "postgres.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "audit/audit.h"
#include "eval/label_choice.h"
#include "gallery/gallery_arguments.h"
#include "server/arguments.h"
#include "server/budget.h"
#include "server/call.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/stop.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(gallery_suggest_labels);

/* Labeled neighbors that say what a row is, unless the caller says otherwise */
#define VOTERS 10

/* Rows that one is chosen for */
#define COVERED 50

typedef struct Suggestions
{
	AuditedRows *rows;
	EvalNeighbors neighbors;	/* of candidates, among candidates */
	float	   *weights;		/* of each row; 0: it is none */
	int		   *suggested;		/* labels' codes */
	float	   *sure;			/* of the suggestion, 0 .. 1 */
	Arena	   *arena;
} Suggestions;

static void
allocate_suggestions(Suggestions *suggestions)
{
	Size		n = suggestions->rows->n;

	budget_require(BUDGET_MAINTENANCE,
				   budget_product(n, 2 * sizeof(float) + sizeof(int) +
								  sizeof(uint32) + EVAL_AUDIT_BYTES +
								  EVAL_CHOICE_BYTES),
				   "the weights of the rows", "use fewer rows");
	suggestions->arena = memory_arena(CurrentMemoryContext, ARENA_NO_BUDGET);
	suggestions->weights = palloc_extended(n * sizeof(float),
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	suggestions->sure = palloc_extended(n * sizeof(float),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	suggestions->suggested = palloc_extended(n * sizeof(int), MCXT_ALLOC_HUGE);
}

/* What labeled neighbors say of rows without label */
static void
weigh_unlabeled(Suggestions *suggestions, int k, bool exact)
{
	AuditedRows *rows = suggestions->rows;
	EvalNeighbors voters;
	EvalOpinion *opinions;
	Status		status;
	bool		done;

	audited_rows_neighbors(rows, ROWS_UNLABELED, ROWS_LABELED, k, exact,
						   &voters);
	audited_rows_neighbors(rows, ROWS_UNLABELED, ROWS_UNLABELED, COVERED,
						   exact, &suggestions->neighbors);
	done = eval_opinions(rows->labels, labels_count(rows->names), &voters,
						 suggestions->arena, &opinions, &status);
	check_interrupts();
	if (!done)
		raise_status(&status);
	for (size_t i = 0; i < rows->n; i++)
	{
		suggestions->suggested[i] = opinions[i].suggested;
		suggestions->sure[i] = opinions[i].share;
		if (rows->labels[i] == NO_LABEL)
			suggestions->weights[i] = (float)
				eval_unknown(&suggestions->neighbors, i, opinions[i].margin,
							 voters.count[i] > 0 ? voters.nearest[i] : 0);
	}
}

/* How sure it is that labels are wrong */
static void
weigh_labeled(Suggestions *suggestions, bool exact)
{
	LabelAudit *audit = label_audit_rows(suggestions->rows, AUDIT_K_CHOSEN,
										 exact, NULL);

	suggestions->neighbors = audit->neighbors;
	for (size_t i = 0; i < suggestions->rows->n; i++)
	{
		suggestions->suggested[i] = audit->verdicts[i].suggested;
		suggestions->sure[i] = audit->verdicts[i].sure;
		suggestions->weights[i] = audit->verdicts[i].sure;
	}
}

#define SUGGESTION_VALUES 5

static void
put_suggestion(FunctionCallInfo fcinfo, const Suggestions *suggestions,
			   int rank, size_t row)
{
	const AuditedRows *rows = suggestions->rows;
	Datum		values[SUGGESTION_VALUES] = {0};
	bool		nulls[SUGGESTION_VALUES] = {false};

	values[0] = Int32GetDatum(rank);
	audit_put_text(rows->keys[row], &values[1], &nulls[1]);
	audit_put_text(labels_text(rows->names, rows->labels[row]), &values[2],
				   &nulls[2]);
	audit_put_text(labels_text(rows->names, suggestions->suggested[row]), &values[3],
				   &nulls[3]);
	values[4] = Float8GetDatum(suggestions->sure[row]);
	put_result_row(fcinfo, values, nulls);
}

static void
put_suggestions(FunctionCallInfo fcinfo, const Suggestions *suggestions,
				size_t want)
{
	Size		n = Min(want, suggestions->rows->n);
	uint32	   *chosen = palloc_extended(n * sizeof(uint32), MCXT_ALLOC_HUGE);
	size_t		found;
	Status		status;
	bool		done = eval_choose_rows(&suggestions->neighbors,
										suggestions->weights, n, suggestions->arena,
										chosen, &found, &status);

	check_interrupts();
	if (!done)
		raise_status(&status);
	for (size_t i = 0; i < found; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_suggestion(fcinfo, suggestions, (int) i + 1, chosen[i]);
	}
}

/*
 * suggest_labels(gallery, n, k, exact): rights and errors as audit().  n is at
 * least 1.
 */
Datum
gallery_suggest_labels(PG_FUNCTION_ARGS)
{
	char	   *name = argument_text(fcinfo, 0, "gallery");
	int			want = argument_bigint(fcinfo, 1, "n", 1, INT_MAX);
	int			k = k_argument(fcinfo, 2, VOTERS);
	bool		exact = argument_boolean_or(fcinfo, 3, true);
	Suggestions suggestions = {0};
	Gallery    *gallery;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	gallery = gallery_open(name);
	suggestions.rows = audited_rows_read(gallery, CALL_AUDIT);
	allocate_suggestions(&suggestions);
	if (suggestions.rows->labeled < suggestions.rows->n)
		weigh_unlabeled(&suggestions, k, exact);
	else
		weigh_labeled(&suggestions, exact);
	put_suggestions(fcinfo, &suggestions, (size_t) want);
	audited_rows_close(suggestions.rows);
	gallery_close(gallery);
	SPI_finish();
	return (Datum) 0;
}
