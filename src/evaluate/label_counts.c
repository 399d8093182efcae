/*
 * label_counts.c
 *	  How many rows of a gallery have each label.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"

#include "evaluate/label_counts.h"
#include "server/budget.h"
#include "server/cursor.h"

/* Labels counted at a time */
#define COUNTED_ROWS 256

static void
add_count(LabelCounts *counts, int code, int64 rows)
{
	if (code >= counts->n)
	{
		int			n = Max(Max(2 * counts->n, 256), code + 1);

		budget_require(BUDGET_MAINTENANCE, n * sizeof(int64),
					   "the counts of the labels",
					   "use a gallery of fewer labels");
		counts->rows = counts->n == 0 ? palloc(sizeof(int64) * n) :
			repalloc_huge(counts->rows, sizeof(int64) * n);
		memset(counts->rows + counts->n, 0, sizeof(int64) * (n - counts->n));
		counts->n = n;
	}
	/* labels that differ may have one text, as numeric 1 and 1.0 do not */
	counts->rows[code] += rows;
	counts->largest = Max(counts->largest, counts->rows[code]);
}

void
label_counts_read(LabelCounts *counts, const Gallery *gallery, Labels *labels)
{
	char	   *sql = psprintf("SELECT t.%s, pg_catalog.count(*) FROM %s t"
							   " WHERE t.%s IS NOT NULL AND t.%s IS NOT NULL GROUP BY 1",
							   quote_identifier(gallery->label),
							   gallery->relation,
							   quote_identifier(gallery->embedding),
							   quote_identifier(gallery->label));
	SPIPlanPtr	plan = cursor_prepare(sql, 0, NULL);
	Portal		portal;
	CursorPace	pace = {0};

	portal = cursor_open(plan, true);
	for (;;)
	{
		SPITupleTable *table;

		cursor_fetch(portal, COUNTED_ROWS, &pace);
		table = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < table->numvals; i++)
		{
			char	   *label = labels_of_column(table, i, 1);
			bool		isnull;

			add_count(counts, labels_code(labels, label),
					  DatumGetInt64(SPI_getbinval(table->vals[i],
												  table->tupdesc, 2, &isnull)));
			pfree(label);
		}
		SPI_freetuptable(table);
	}
	cursor_close(portal);
	SPI_freeplan(plan);
}
