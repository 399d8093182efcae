/*
 * caption.c
 *	  Colors and captions of what is drawn in a terminal.
 */
#include <string.h>

#include "report/caption.h"
#include "report/character.h"

/* ---- colors ---- */

bool
report_has_colors(ReportStyle style)
{
	return style == REPORT_COLOR256 || style == REPORT_TRUECOLOR;
}

int
report_brightness(const uint8_t rgb[3])
{
	return (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000;
}

/* xterm's palette: a cube of 6 x 6 x 6 colors and 24 grays, 8 .. 238. */
static int
palette_index(const uint8_t rgb[3])
{
	int			gray = rgb[0];

	if (rgb[0] != rgb[1] || rgb[1] != rgb[2])
		return 16 + 36 * ((rgb[0] * 5 + 127) / 255) +
			6 * ((rgb[1] * 5 + 127) / 255) + (rgb[2] * 5 + 127) / 255;
	if (gray < 4)
		return 16;
	if (gray > 246)
		return 231;
	gray = (gray - 3) / 10;
	return 232 + (gray > 23 ? 23 : gray);
}

void
report_append_color(ReportText *text, ReportStyle style, int layer,
					const uint8_t rgb[3])
{
	if (style == REPORT_TRUECOLOR)
		report_appendf(text, "\033[%d;2;%d;%d;%dm", layer, rgb[0], rgb[1],
					   rgb[2]);
	else if (style == REPORT_COLOR256)
		report_appendf(text, "\033[%d;5;%dm", layer, palette_index(rgb));
}

void
report_end_color(ReportText *text, ReportStyle style)
{
	if (report_has_colors(style))
		report_append(text, "\033[0m");
}

/* ---- captions ---- */

/* What is shown for a character, and the columns that takes */
static int
shown_character(const char *c, ReportStyle style, ReportColumns columns_of,
				const char **shown, int *bytes)
{
	uint32_t	code;

	*shown = c;
	*bytes = report_character(c, &code);
	if (code != REPORT_NO_CHARACTER && !report_is_control(code) &&
		!report_is_format(code))
		return columns_of(c);
	*shown = code != REPORT_NO_CHARACTER ? " " :
		style == REPORT_ASCII ? "?" : "\xEF\xBF\xBD";
	return 1;
}

long
report_caption_columns(const char *caption, ReportStyle style,
					   ReportColumns columns_of)
{
	long		columns = 0;
	const char *shown;
	int			bytes;

	for (; *caption != '\0'; caption += bytes)
		columns += shown_character(caption, style, columns_of, &shown, &bytes);
	return columns;
}

/* Marks above one letter, more of which would climb over the lines */
#define MAX_MARKS 4

void
report_append_caption(ReportText *text, const char *caption, int width,
					  ReportStyle style, ReportColumns columns_of)
{
	bool		too_long = report_caption_columns(caption, style,
												  columns_of) > width;
	int			column = 0;
	int			marks = 0;
	const char *shown;
	int			bytes;

	for (; *caption != '\0'; caption += bytes)
	{
		int			columns = shown_character(caption, style, columns_of,
											  &shown, &bytes);

		if (too_long && column + columns > width - 1)
			break;
		column += columns;
		marks = columns == 0 ? marks + 1 : 0;
		if (marks <= MAX_MARKS)
			report_append_bytes(text, shown, shown == caption ? (size_t) bytes :
								strlen(shown));
	}
	if (too_long)
		report_append(text, style == REPORT_ASCII ? "~" : "…");
	report_append_repeat(text, " ", width - column - too_long);
}

void
report_end_line(ReportText *text)
{
	while (!text->failed && text->length > 0 &&
		   text->data[text->length - 1] == ' ')
		text->data[--text->length] = '\0';
	report_append(text, "\n");
}
