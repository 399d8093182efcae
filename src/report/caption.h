/*
 * caption.h
 *	  What everything that is drawn in a terminal has in common.
 */
#ifndef REPORT_CAPTION_H
#define REPORT_CAPTION_H

#include "report/report.h"

extern bool report_has_colors(ReportStyle style);

/*
 * Colors of what follows; layer: 38 for the foreground, 48 for the background.
 * Nothing in a style without colors.
 */
extern void report_append_color(ReportText *text, ReportStyle style, int layer,
								const uint8_t rgb[3]);
extern void report_end_color(ReportText *text, ReportStyle style);

/* 0 dark .. 255 bright, as an eye sees it */
extern int	report_brightness(const uint8_t rgb[3]);

/*
 * As much of a text as width columns hold, padded; what would move the cursor or
 * change what is seen is a blank, a text that is too long ends with an ellipsis.
 */
extern void report_append_caption(ReportText *text, const char *caption,
								  int width, ReportStyle style,
								  ReportColumns columns_of);

/* Columns that a text takes by itself */
extern long report_caption_columns(const char *caption, ReportStyle style,
								   ReportColumns columns_of);

/* A newline, and no blanks before it */
extern void report_end_line(ReportText *text);

#endif							/* REPORT_CAPTION_H */
