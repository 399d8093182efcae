/*
 * histogram_chart.c
 *	  Distances of pairs of the same label and of different labels, as bars.
 *
 *		distance  same label (812)             different labels (7300)
 *		     0.1  ████████████████ 40.0 %
 *		     0.2  ██████ 15.2 %                ▏ 0.1 %
 *		 0.22  ------ cut point optimal -------------------
 *		     0.3                               ███████ 18.0 %
 */
#include <stdio.h>

#include "report/caption.h"
#include "report/chart.h"

#define EDGE 10					/* columns of a distance */
#define GAP 2
#define SHARE 8					/* of " 100.0 %" */
#define EIGHTHS 8

/* Blue and vermillion, of the palette that the color-blind tell apart */
static const uint8_t pair_colors[REPORT_PAIRS][3] = {{86, 180, 233}, {213, 94, 0}};
static const char *const pair_names[REPORT_PAIRS] = {
	"same label", "different labels"
};

typedef struct Bars
{
	const ReportCanvas *canvas;
	const ReportHistogram *histogram;
	int			width;			/* columns of the longest bar */
	int64_t		total[REPORT_PAIRS];
	double		longest;		/* share */
} Bars;

static double
share_of(const Bars *bars, int pair, int bin)
{
	int64_t		total = bars->total[pair];

	return total == 0 ? 0 :
		(double) bars->histogram->counts[pair][bin] / (double) total;
}

static void
measure_bars(Bars *bars)
{
	const ReportHistogram *histogram = bars->histogram;

	for (int pair = 0; pair < REPORT_PAIRS; pair++)
		for (int i = 0; i < histogram->n; i++)
			bars->total[pair] += histogram->counts[pair][i];
	for (int pair = 0; pair < REPORT_PAIRS; pair++)
		for (int i = 0; i < histogram->n; i++)
			if (share_of(bars, pair, i) > bars->longest)
				bars->longest = share_of(bars, pair, i);
}

/* A bar and its share: something is shown of whatever is there. */
static void
append_bar(const Bars *bars, int pair, int bin)
{
	static const char *const parts[EIGHTHS] = {
		"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"
	};
	const ReportCanvas *canvas = bars->canvas;
	ReportText *text = canvas->text;
	double		share = share_of(bars, pair, bin);
	int			eighths = (int) (share / bars->longest * bars->width * EIGHTHS);
	char		number[16];
	int			used;

	if (bars->histogram->counts[pair][bin] == 0)
	{
		report_append_repeat(text, " ", bars->width + SHARE);
		return;
	}
	if (eighths == 0)
		eighths = 1;
	if (canvas->style == REPORT_ASCII)
		eighths = (eighths + EIGHTHS - 1) / EIGHTHS * EIGHTHS;
	used = eighths / EIGHTHS;
	report_append_color(text, canvas->style, 38, pair_colors[pair]);
	report_append_repeat(text, canvas->style == REPORT_ASCII ? "#" : "█", used);
	report_append(text, parts[eighths % EIGHTHS]);
	report_end_color(text, canvas->style);
	used += eighths % EIGHTHS > 0;
	used += snprintf(number, sizeof(number), " %4.1f %%", 100 * share);
	report_append(text, number);
	report_append_repeat(text, " ", bars->width + SHARE - used);
}

static void
append_header(const Bars *bars)
{
	const ReportCanvas *canvas = bars->canvas;

	report_appendf(canvas->text, "%*s", EDGE, "distance");
	for (int pair = 0; pair < REPORT_PAIRS; pair++)
	{
		char		header[64];

		snprintf(header, sizeof(header), "%s (%lld)", pair_names[pair],
				 (long long) bars->total[pair]);
		report_append_repeat(canvas->text, " ", GAP);
		report_append_caption(canvas->text, header, bars->width + SHARE,
							  canvas->style, canvas->columns_of);
	}
	report_end_line(canvas->text);
}

static void
append_bin(const Bars *bars, int bin)
{
	ReportText *text = bars->canvas->text;

	report_appendf(text, "%*.6g", EDGE, bars->histogram->edges[bin]);
	for (int pair = 0; pair < REPORT_PAIRS; pair++)
	{
		report_append_repeat(text, " ", GAP);
		append_bar(bars, pair, bin);
	}
	report_end_line(text);
}

/* A rule through both columns that names the cut point */
static void
append_cut(const Bars *bars, const ReportCut *cut)
{
	const ReportCanvas *canvas = bars->canvas;
	ReportText *text = canvas->text;
	const char *dash = canvas->style == REPORT_ASCII ? "-" : "─";
	int			room = GAP + 2 * (bars->width + SHARE);
	int			name = (int) report_caption_columns(cut->name, canvas->style,
													canvas->columns_of);
	int			most = room - 20;

	report_appendf(text, "%*.6g", EDGE, cut->distance);
	report_append_repeat(text, " ", GAP);
	report_append_repeat(text, dash, 3);
	report_append(text, " cut point ");
	if (name > most)
		name = most;
	report_append_caption(text, cut->name, name, canvas->style,
						  canvas->columns_of);
	report_append(text, " ");
	report_append_repeat(text, dash, room - 15 - name);
	report_end_line(text);
}

bool
report_histogram(const ReportCanvas *canvas, const ReportHistogram *histogram,
				 Status *status)
{
	Bars		bars = {.canvas = canvas,.histogram = histogram};
	int			cut = 0;

	if (!report_canvas_check(canvas, status))
		return false;
	bars.width = (canvas->columns - EDGE - REPORT_PAIRS * (GAP + SHARE)) /
		REPORT_PAIRS;
	measure_bars(&bars);
	append_header(&bars);
	for (int i = 0; i < histogram->n; i++)
	{
		for (; cut < histogram->ncuts &&
			 histogram->cuts[cut].distance < histogram->edges[i]; cut++)
			append_cut(&bars, &histogram->cuts[cut]);
		append_bin(&bars, i);
	}
	for (; cut < histogram->ncuts; cut++)
		append_cut(&bars, &histogram->cuts[cut]);
	return report_text_finish(canvas->text, status);
}
