/*
 * page_tables.h
 *	  What views and functions of the extension return, as data of a page.
 */
#ifndef PAGES_PAGE_TABLES_H
#define PAGES_PAGE_TABLES_H

#include "postgres.h"

#include "executor/spi.h"

#include "report/section.h"

/*
 * The rows of a query of ours with one argument, as the caller sees them.  All
 * names in it are qualified.
 */
extern SPITupleTable *page_select(const char *sql, Oid type, Datum value);

/* A value of it; columns count from 1 */
extern bool page_is_null(const SPITupleTable *table, uint64 row, int column);

/* An integer, a bigint or a double precision; NaN for NULL */
extern double page_number(const SPITupleTable *table, uint64 row, int column);

/* Anything as UTF-8; NULL for NULL */
extern char *page_text(const SPITupleTable *table, uint64 row, int column);

/*
 * The block of data of that name: {"column": [value, ...], ...}, where numbers
 * are numbers and everything else is text.
 */
extern void page_put_table(ReportText *out, const ReportSection *section,
						   const char *name, const SPITupleTable *table);

/* The same within a block */
extern void page_put_columns(ReportText *out, const SPITupleTable *table);

/* "name": [value, ...] within a block */
extern void page_put_numbers(ReportText *out, const char *name,
							 const double *values, size_t n);
extern void page_put_counts(ReportText *out, const char *name,
							const int64 *counts, size_t n);

#endif							/* PAGES_PAGE_TABLES_H */
