/*
 * strip.c
 *	  Images side by side in a terminal.
 *
 * A character cell is about twice as high as wide, so one cell shows two
 * pixels, the upper and the lower half.  With colors the half block takes
 * one as foreground and one as background.  Without, a cell whose halves are
 * alike is shaded, and an edge of the picture is a half block in the
 * terminal's own color.  In ASCII a cell has the mean of its two pixels.
 */
#include <string.h>

#include "report/caption.h"
#include "report/report.h"

#define GAP 2					/* blank columns between items */
#define LEAD_GAP 2				/* further ones after the first item */
#define WORD_CELL 14			/* columns that a label likes to have */

typedef struct Strip
{
	ReportText *text;
	const ReportItem *items;
	int			n;
	bool		lead;
	int			cell;			/* columns of one item */
	ReportStyle style;
	ReportColumns columns_of;
} Strip;

/* Columns and pixel rows that an image takes in a cell. */
static void
picture_size(const ReportImage *image, int cell, int *width, int *height)
{
	*width = image->width < cell ? image->width : cell;
	*height = (int) (((long) image->height * *width + image->width / 2) / image->width);
	if (*height < 1)
		*height = 1;
}

static int
picture_lines(const ReportImage *image, int cell)
{
	int			width,
				height;

	if (image == NULL)
		return 0;
	picture_size(image, cell, &width, &height);
	return (height + 1) / 2;
}

static const char *
ascii_cell(int top, int bottom)
{
	static const char *const shades[] = {" ", ".", "+", "*", "#"};

	return shades[((top + bottom) / 2 * 5) / 256];
}

static const char *
plain_cell(int top, int bottom)
{
	static const char *const shades[] = {" ", "░", "▒", "▓", "█"};
	const int	dark = 64;		/* nearly empty */
	const int	ink = 96;		/* clearly drawn */

	if (top < dark && bottom >= ink)
		return "▄";
	if (bottom < dark && top >= ink)
		return "▀";
	return shades[((top + bottom) / 2 * 5) / 256];
}

/* One character: two pixels, or one where an odd height ends. */
static void
append_cell(const Strip *strip, const ReportImage *image, int width,
			int height, int x, int line)
{
	bool		whole = 2 * line + 1 < height;
	uint8_t		top[3];
	uint8_t		bottom[3] = {0, 0, 0};

	report_image_cell(image, width, height, x, 2 * line, top);
	if (whole)
		report_image_cell(image, width, height, x, 2 * line + 1, bottom);
	if (strip->style == REPORT_ASCII)
		report_append(strip->text,
					  ascii_cell(report_brightness(top),
								 report_brightness(whole ? bottom : top)));
	if (strip->style == REPORT_PLAIN)
		report_append(strip->text,
					  plain_cell(report_brightness(top), report_brightness(bottom)));
	if (!report_has_colors(strip->style))
		return;
	report_append_color(strip->text, strip->style, 38, top);
	if (whole)
		report_append_color(strip->text, strip->style, 48, bottom);
	report_append(strip->text, "▀");
}

static void
append_caption(const Strip *strip, const char *caption, int width)
{
	report_append_caption(strip->text, caption, width, strip->style,
						  strip->columns_of);
}

/* Each function below writes one line of one item, strip->cell wide. */
typedef void (*LineOfItem) (const Strip *strip, const ReportItem *item,
							int line);

static void
append_picture(const Strip *strip, const ReportItem *item, int line)
{
	int			width = 0;
	int			height = 0;

	if (item->image != NULL)
		picture_size(item->image, strip->cell, &width, &height);
	if (item->image == NULL && item->missing != NULL && line == 0)
	{
		append_caption(strip, item->missing, strip->cell);
		return;
	}
	if (2 * line >= height)
	{
		report_append_repeat(strip->text, " ", strip->cell);
		return;
	}
	for (int x = 0; x < width; x++)
		append_cell(strip, item->image, width, height, x, line);
	if (report_has_colors(strip->style))
		report_end_color(strip->text, strip->style);
	report_append_repeat(strip->text, " ", strip->cell - width);
}

static void
append_label(const Strip *strip, const ReportItem *item, int line)
{
	static const char *const marks[] = {"", "✓ ", "✗ ", "? "};
	static const char *const ascii_marks[] = {"", "= ", "x ", "? "};
	static const char *const colors[] = {"", "\033[32m", "\033[1;31m", "\033[33m"};
	bool		marked = item->mark != REPORT_UNMARKED;
	bool		colored = marked && report_has_colors(strip->style);

	if (colored)
		report_append(strip->text, colors[item->mark]);
	report_append(strip->text,
				  (strip->style == REPORT_ASCII ? ascii_marks :
				   marks)[item->mark]);
	append_caption(strip, item->label ? item->label : "",
				   strip->cell - (marked ? 2 : 0));
	if (colored)
		report_end_color(strip->text, strip->style);
}

static void
append_note(const Strip *strip, const ReportItem *item, int line)
{
	append_caption(strip, item->note ? item->note : "", strip->cell);
}

/* One line through all items, without blanks at its end. */
static void
append_line(const Strip *strip, LineOfItem of_item, int line)
{
	ReportText *text = strip->text;

	for (int i = 0; i < strip->n; i++)
	{
		if (i > 0)
			report_append_repeat(text, " ", GAP);
		if (i == 1 && strip->lead)
			report_append_repeat(text, " ", LEAD_GAP);
		of_item(strip, &strip->items[i], line);
	}
	report_end_line(text);
}

/* Wide enough for the pictures and a word, within what is available. */
static int
choose_cell(const ReportItem *items, int n, int available)
{
	int			cell = WORD_CELL;

	for (int i = 0; i < n; i++)
		if (items[i].image != NULL && items[i].image->width > cell)
			cell = items[i].image->width;
	return cell < available ? cell : available;
}

static void
append_lines(const Strip *strip)
{
	bool		labels = false;
	bool		notes = false;
	int			lines = 0;

	for (int i = 0; i < strip->n; i++)
	{
		const ReportItem *item = &strip->items[i];
		int			item_lines = item->image ?
		picture_lines(item->image, strip->cell) : item->missing != NULL;

		lines = item_lines > lines ? item_lines : lines;
		labels = labels || item->label != NULL || item->mark != REPORT_UNMARKED;
		notes = notes || item->note != NULL;
	}
	for (int line = 0; line < lines; line++)
		append_line(strip, append_picture, line);
	if (labels)
		append_line(strip, append_label, 0);
	if (notes)
		append_line(strip, append_note, 0);
}

bool
report_strip(ReportText *text, const ReportItem *items, int n, bool lead,
			 int columns, ReportStyle style, ReportColumns columns_of,
			 Status *status)
{
	Strip		strip = {text, items, n, lead, 0, style, columns_of};
	int			available;

	if (n < 1 || n > REPORT_MAX_COLUMNS || columns > REPORT_MAX_COLUMNS)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "a strip has 1 to %d images in at most %d columns",
						   REPORT_MAX_COLUMNS, REPORT_MAX_COLUMNS);
	available = columns < 1 ? 0 :
		(columns - GAP * (n - 1) - (lead && n > 1 ? LEAD_GAP : 0)) / n;
	if (available < REPORT_MIN_CELL)
	{
		status_fail(status, STATUS_INVALID_VALUE,
					"%d columns are too few for %d images", columns, n);
		return status_hint(status,
						   "Each image needs %d columns and a gap of %d.",
						   REPORT_MIN_CELL, GAP);
	}
	strip.cell = choose_cell(items, n, available);
	append_lines(&strip);
	return report_text_finish(text, status);
}
