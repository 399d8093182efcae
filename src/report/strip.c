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

#include "report/character.h"
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

static int
brightness(const uint8_t rgb[3])
{
	return (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000;
}

static bool
has_colors(ReportStyle style)
{
	return style == REPORT_COLOR256 || style == REPORT_TRUECOLOR;
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

/* layer: 38 for the foreground, 48 for the background */
static void
append_color(ReportText *text, ReportStyle style, int layer,
			 const uint8_t rgb[3])
{
	if (style == REPORT_TRUECOLOR)
		report_appendf(text, "\033[%d;2;%d;%d;%dm", layer, rgb[0], rgb[1],
					   rgb[2]);
	else
		report_appendf(text, "\033[%d;5;%dm", layer, palette_index(rgb));
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
					  ascii_cell(brightness(top),
								 brightness(whole ? bottom : top)));
	if (strip->style == REPORT_PLAIN)
		report_append(strip->text,
					  plain_cell(brightness(top), brightness(bottom)));
	if (!has_colors(strip->style))
		return;
	append_color(strip->text, strip->style, 38, top);
	if (whole)
		append_color(strip->text, strip->style, 48, bottom);
	report_append(strip->text, "▀");
}

/* Each function below writes one line of one item, strip->cell wide. */
typedef void (*LineOfItem) (const Strip *strip, const ReportItem *item,
							int line);

/* What is shown for a character, and the columns that takes */
static int
shown_character(const Strip *strip, const char *c, const char **shown,
				int *bytes)
{
	uint32_t	code;

	*shown = c;
	*bytes = report_character(c, &code);
	if (code != REPORT_NO_CHARACTER && !report_is_control(code) &&
		!report_is_format(code))
		return strip->columns_of(c);
	*shown = code != REPORT_NO_CHARACTER ? " " : strip->style == REPORT_ASCII ? "?" : "\xEF\xBF\xBD";
	return 1;
}

static long
caption_columns(const Strip *strip, const char *caption)
{
	long		columns = 0;
	const char *shown;
	int			bytes;

	for (; *caption != '\0'; caption += bytes)
		columns += shown_character(strip, caption, &shown, &bytes);
	return columns;
}

/* Marks above one letter, more of which would climb over the lines */
#define MAX_MARKS 4

/*
 * As much of a caption as width columns hold, padded; what would move the
 * cursor or change what is seen is a blank, a caption that is too long ends with
 * an ellipsis.
 */
static void
append_padded(const Strip *strip, const char *caption, int width)
{
	ReportText *text = strip->text;
	bool		too_long = caption_columns(strip, caption) > width;
	int			column = 0;
	int			marks = 0;
	const char *shown;
	int			bytes;

	for (; *caption != '\0'; caption += bytes)
	{
		int			columns = shown_character(strip, caption, &shown, &bytes);

		if (too_long && column + columns > width - 1)
			break;
		column += columns;
		marks = columns == 0 ? marks + 1 : 0;
		if (marks <= MAX_MARKS)
			report_append_bytes(text, shown, shown == caption ? (size_t) bytes :
								strlen(shown));
	}
	if (too_long)
		report_append(text, strip->style == REPORT_ASCII ? "~" : "…");
	report_append_repeat(text, " ", width - column - too_long);
}

static void
append_picture(const Strip *strip, const ReportItem *item, int line)
{
	int			width = 0;
	int			height = 0;

	if (item->image != NULL)
		picture_size(item->image, strip->cell, &width, &height);
	if (item->image == NULL && item->missing != NULL && line == 0)
	{
		append_padded(strip, item->missing, strip->cell);
		return;
	}
	if (2 * line >= height)
	{
		report_append_repeat(strip->text, " ", strip->cell);
		return;
	}
	for (int x = 0; x < width; x++)
		append_cell(strip, item->image, width, height, x, line);
	if (has_colors(strip->style))
		report_append(strip->text, "\033[0m");
	report_append_repeat(strip->text, " ", strip->cell - width);
}

static void
append_label(const Strip *strip, const ReportItem *item, int line)
{
	static const char *const marks[] = {"", "✓ ", "✗ "};
	static const char *const ascii_marks[] = {"", "= ", "x "};
	static const char *const colors[] = {"", "\033[32m", "\033[1;31m"};
	bool		marked = item->mark != REPORT_UNMARKED;
	bool		colored = marked && has_colors(strip->style);

	if (colored)
		report_append(strip->text, colors[item->mark]);
	report_append(strip->text,
				  (strip->style == REPORT_ASCII ? ascii_marks :
				   marks)[item->mark]);
	append_padded(strip, item->label ? item->label : "",
				  strip->cell - (marked ? 2 : 0));
	if (colored)
		report_append(strip->text, "\033[0m");
}

static void
append_note(const Strip *strip, const ReportItem *item, int line)
{
	append_padded(strip, item->note ? item->note : "", strip->cell);
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
	while (!text->failed && text->length > 0 &&
		   text->data[text->length - 1] == ' ')
		text->data[--text->length] = '\0';
	report_append(text, "\n");
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
