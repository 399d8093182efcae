/*
 * page_tables.c
 *	  What views and functions of the extension return, as data of a page.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "pages/page_tables.h"
#include "show/show.h"

/* Digits that tell doubles apart for whoever compares */
#define DIGITS 15

SPITupleTable *
page_select(const char *sql, Oid type, Datum value)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[1] = {type};
	Datum		values[1] = {value};
	int			result = SPI_execute_with_args(sql, 1, types, values, NULL,
											   true, 0);

	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_with_args failed: %s",
			 SPI_result_code_string(result));
	MemoryContextSwitchTo(caller);
	return SPI_tuptable;
}

bool
page_is_null(const SPITupleTable *table, uint64 row, int column)
{
	bool		isnull;

	(void) SPI_getbinval(table->vals[row], table->tupdesc, column, &isnull);
	return isnull;
}

static bool
is_number_type(Oid type)
{
	return type == FLOAT8OID || type == INT4OID || type == INT8OID;
}

double
page_number(const SPITupleTable *table, uint64 row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(table->vals[row], table->tupdesc, column,
									  &isnull);

	if (isnull)
		return NAN;
	switch (SPI_gettypeid(table->tupdesc, column))
	{
		case FLOAT8OID:
			return DatumGetFloat8(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return (double) DatumGetInt64(value);
	}
	elog(ERROR, "column %d is no number", column);
}

char *
page_text(const SPITupleTable *table, uint64 row, int column)
{
	char	   *value = SPI_getvalue(table->vals[row], table->tupdesc, column);

	return value == NULL ? NULL : picture_utf8(value);
}

static void
put_column(ReportText *out, const SPITupleTable *table, int column)
{
	bool		number = is_number_type(SPI_gettypeid(table->tupdesc, column));

	report_json_string(out, SPI_fname(table->tupdesc, column));
	report_append(out, ":[");
	for (uint64 row = 0; row < table->numvals; row++)
	{
		if (row > 0)
			report_append(out, ",");
		if (number)
			report_json_digits(out, page_number(table, row, column), DIGITS);
		else
			report_json_string(out, page_text(table, row, column));
	}
	report_append(out, "]");
}

void
page_put_columns(ReportText *out, const SPITupleTable *table)
{
	report_append(out, "{");
	for (int column = 1; column <= table->tupdesc->natts; column++)
	{
		if (column > 1)
			report_append(out, ",");
		put_column(out, table, column);
	}
	report_append(out, "}");
}

void
page_put_table(ReportText *out, const ReportSection *section, const char *name,
			   const SPITupleTable *table)
{
	report_data_begin(out, section, name);
	page_put_columns(out, table);
	report_data_end(out);
}

void
page_put_numbers(ReportText *out, const char *name, const double *values,
				 size_t n)
{
	report_json_string(out, name);
	report_append(out, ":[");
	for (size_t i = 0; i < n; i++)
	{
		if (i > 0)
			report_append(out, ",");
		report_json_digits(out, values[i], DIGITS);
	}
	report_append(out, "]");
}

void
page_put_counts(ReportText *out, const char *name, const int64 *counts,
				size_t n)
{
	report_json_string(out, name);
	report_append(out, ":[");
	for (size_t i = 0; i < n; i++)
		report_appendf(out, "%s%lld", i > 0 ? "," : "", (long long) counts[i]);
	report_append(out, "]");
}
