/*
 * sparkline.c
 *	  A curve in one line of text.
 */
#include <math.h>

#include "report/chart.h"

#define HEIGHTS 8				/* blocks of one eighth to a whole */
#define DIGITS 10

bool
report_canvas_check(const ReportCanvas *canvas, Status *status)
{
	if (canvas->columns >= REPORT_MIN_CHART &&
		canvas->columns <= REPORT_MAX_COLUMNS)
		return true;
	return status_fail(status, STATUS_INVALID_VALUE,
					   "a chart takes %d to %d columns, not %d",
					   REPORT_MIN_CHART, REPORT_MAX_COLUMNS, canvas->columns);
}

/* Mean of the finite values of one character; NaN: there is none */
static double
spark_mean(const double *values, int begin, int end)
{
	double		sum = 0;
	int			n = 0;

	for (int i = begin; i < end; i++)
		if (isfinite(values[i]))
		{
			sum += values[i];
			n++;
		}
	return n > 0 ? sum / n : NAN;
}

/* Where a value stands between the least and the greatest: 0 .. levels - 1 */
static int
spark_level(double value, double least, double greatest, int levels)
{
	int			level;

	/* the difference of two finite numbers need not be */
	if (!(greatest > least))
		return 0;
	level = (int) ((value / 2 - least / 2) / (greatest / 2 - least / 2) * levels);
	return level < levels ? level : levels - 1;
}

static void
append_level(const ReportCanvas *canvas, double value, double least,
			 double greatest)
{
	static const char *const bars[HEIGHTS] = {
		"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"
	};

	if (!isfinite(value))
		report_append(canvas->text, " ");
	else if (canvas->style == REPORT_ASCII)
		report_appendf(canvas->text, "%d",
					   spark_level(value, least, greatest, DIGITS));
	else
		report_append(canvas->text,
					  bars[spark_level(value, least, greatest, HEIGHTS)]);
}

int
report_append_sparkline(const ReportCanvas *canvas, const double *values, int n,
						int width)
{
	int			characters = n < width ? n : width;
	double		least = INFINITY;
	double		greatest = -INFINITY;

	for (int i = 0; i < n; i++)
		if (isfinite(values[i]))
		{
			least = fmin(least, values[i]);
			greatest = fmax(greatest, values[i]);
		}
	for (int i = 0; i < characters; i++)
		append_level(canvas,
					 spark_mean(values, (int) ((int64_t) n * i / characters),
								(int) ((int64_t) n * (i + 1) / characters)),
					 least, greatest);
	return characters;
}
