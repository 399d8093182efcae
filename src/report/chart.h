/*
 * chart.h
 *	  Numbers drawn as text: curves, matrices of confusion, histograms.
 *
 * As strips are (report.h): lines that end with a newline, in at most columns
 * characters.  What is drawn is told by numbers and places as well as by shades
 * and colors.
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "report/report.h"

typedef struct ReportCanvas
{
	ReportText *text;
	int			columns;		/* of the terminal: REPORT_MIN_CHART or more */
	ReportStyle style;
	ReportColumns columns_of;
} ReportCanvas;

#define REPORT_MIN_CHART 40

/* False and STATUS_INVALID_VALUE if it is too narrow, or too wide. */
extern bool report_canvas_check(const ReportCanvas *canvas, Status *status);

/*
 * n values from left to right, in one line of at most width characters: eight
 * heights of bars, in ASCII the digits 0 to 9, between the least and the greatest
 * value.  Beyond width characters, each is the mean of several values.  What is
 * not finite is a blank.  Ends without a newline and returns the characters.
 */
extern int	report_append_sparkline(const ReportCanvas *canvas,
									const double *values, int n, int width);

/* ---- confusion ---- */

#define REPORT_NONE (-1)		/* said to be none of these */

typedef struct ReportCell
{
	int			label;			/* 0 .. n - 1: what items are */
	int			predicted;		/* and what they are said to be, or none */
	int64_t		count;
} ReportCell;

typedef struct ReportMatrix
{
	int			n;				/* labels, at least 1 */
	const char *const *labels;	/* in the order in which they are shown */
	const ReportCell *cells;	/* no two of the same place */
	size_t		ncells;
	bool		unknown;		/* show what is said to be none of these */
	Arena	   *arena;			/* for what is counted */
} ReportMatrix;

/*
 * A row for each label with the counts of what its items are said to be, shaded
 * by their share of the row, and the share that is right; then the pairs that
 * are confused most often.  Labels that do not fit with numbers are shown
 * without; of those that do not fit at all, the most confused are shown.
 */
extern bool report_matrix(const ReportCanvas *canvas,
						  const ReportMatrix *matrix, Status *status);

/* ---- distances ---- */

/* What is counted: pairs of the same label, and pairs of different ones */
#define REPORT_PAIRS 2

typedef struct ReportCut
{
	const char *name;
	double		distance;
} ReportCut;

typedef struct ReportHistogram
{
	int			n;				/* bins */
	const double *edges;		/* n + 1, ascending */
	const int64_t *counts[REPORT_PAIRS];	/* of n bins */
	const ReportCut *cuts;		/* ascending by distance */
	int			ncuts;
} ReportHistogram;

/*
 * A line for each bin from that of the least distance on, with two bars: the
 * shares of the pairs of the same label and of different ones; each cut point
 * stands as a line where it belongs.
 */
extern bool report_histogram(const ReportCanvas *canvas,
							 const ReportHistogram *histogram, Status *status);

#endif							/* REPORT_CHART_H */
