/*
 * terminal.h
 *	  Lines of text for a terminal: how wide, in which style, in which encoding.
 *
 * The server does not know the terminal: who knows it says so in an argument, or
 * for a session in similarity.columns and similarity.style.
 */
#ifndef SHOW_TERMINAL_H
#define SHOW_TERMINAL_H

#include "postgres.h"

#include "fmgr.h"

#include "report/chart.h"
#include "report/report.h"

/* Where nobody says how wide it is */
#define TERMINAL_COLUMNS 120

/* The argument "columns": NULL is the setting, or initial. */
extern int	terminal_columns(FunctionCallInfo fcinfo, int n, int initial);

/*
 * The argument "style": NULL is the setting.  In an encoding without blocks
 * plain is ascii, and ERROR for colors.
 */
extern ReportStyle terminal_style(FunctionCallInfo fcinfo, int n);

/* Columns that a character of UTF-8 takes */
extern int	terminal_columns_of(const char *character);

/*
 * What charts are drawn on, in the current memory context; the text grows up to
 * maintenance_work_mem.
 */
extern ReportCanvas terminal_canvas(FunctionCallInfo fcinfo, int columns,
									int style);

/* Each line of a text is a row of the result, which is a set of text. */
extern void terminal_put(FunctionCallInfo fcinfo, const ReportText *text);

#endif							/* SHOW_TERMINAL_H */
