/*
 * report.h
 *	  Pictures for the terminal and HTML pages.
 *
 * Everything is appended to a ReportText, a string that grows in an arena.
 * Texts in and out are UTF-8.  Labels, names and numbers of users go through
 * report_append_html() wherever they enter a page.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* ---- growing text ---- */

/* After a failure to grow, appending does nothing until report_text_finish. */
typedef struct ReportText
{
	Arena	   *arena;
	char	   *data;			/* NUL-terminated once something was appended */
	size_t		length;
	size_t		capacity;
	bool		failed;
} ReportText;

extern void report_text_init(ReportText *text, Arena *arena);
extern void report_append(ReportText *text, const char *string);
extern void report_append_bytes(ReportText *text, const char *bytes, size_t n);

/* Make room for n more bytes at once, exactly if they are many. */
extern void report_text_reserve(ReportText *text, size_t n);
extern void report_append_repeat(ReportText *text, const char *string, int n);
extern void report_appendf(ReportText *text, const char *format,...)
			__attribute__((format(printf, 2, 3)));

/*
 * With & < > " ' written as entities: safe as text and inside quotes.  What is not
 * ASCII is written as a reference, so that the page is the same in any encoding;
 * control characters become blanks, characters that are not seen are left out, and
 * what is not UTF-8 is the sign for it.
 */
extern void report_append_html(ReportText *text, const char *string);

/* The same in an element of its own: what runs from right to left turns nothing around it. */
extern void report_append_isolated(ReportText *text, const char *string);

/* False and STATUS_OUT_OF_MEMORY if the text is not complete. */
extern bool report_text_finish(ReportText *text, Status *status);

/* ---- images ---- */

#define REPORT_MAX_SIDE 4096

/* height x width x channels bytes, 0 dark .. 255 bright; gray or RGB. */
typedef struct ReportImage
{
	const uint8_t *pixels;
	int			height;
	int			width;
	int			channels;		/* 1 or 3 */
} ReportImage;

/* Check a shape and that the bytes fill it; pixels are used in place. */
extern bool report_image_set(ReportImage *image, const void *bytes, size_t size,
							 int height, int width, int channels,
							 Status *status);

/*
 * Color of one cell of an image that is shown in width x height cells: the
 * mean of the pixels the cell covers.  rgb receives three equal numbers for
 * gray images.
 */
extern void report_image_cell(const ReportImage *image, int width, int height,
							  int x, int y, uint8_t rgb[3]);

extern void report_append_base64(ReportText *text, const void *bytes, size_t n);

/* An encoded picture, which every browser decodes itself */
typedef struct ReportFile
{
	const char *type;			/* "image/jpeg" */
	const void *bytes;
	size_t		size;
	bool		coarse;			/* its pixels are to be seen as such */
} ReportFile;

/* The file as "data:image/jpeg;base64,...", and how many bytes that takes. */
extern size_t report_file_size(const ReportFile *file);
extern void report_append_file(ReportText *text, const ReportFile *file);

/* ---- items: an image with what is known of it ---- */

typedef enum ReportMark
{
	REPORT_UNMARKED,
	REPORT_RIGHT,
	REPORT_WRONG,
	REPORT_UNKNOWN				/* too far to say, in a terminal */
} ReportMark;

typedef struct ReportItem
{
	const ReportImage *image;	/* in a terminal; NULL: there is none */
	const ReportFile *file;		/* on pages; NULL: there is none */
	const char *label;
	const char *note;			/* second line, e.g. the distance */
	const char *missing;		/* without both: what stands in its place, or
								 * NULL */
	ReportMark	mark;
	bool		beyond;			/* on pages: farther than the cut point */
	bool		has_bar;		/* on pages: a bar as long as the distance */
	double		distance;
} ReportItem;

/* ---- terminal ---- */

typedef enum ReportStyle
{
	REPORT_PLAIN,				/* blocks and shades in the terminal's color */
	REPORT_COLOR256,			/* escapes for 256 colors */
	REPORT_TRUECOLOR,			/* escapes for 24-bit colors */
	REPORT_ASCII				/* signs of ASCII, for every encoding */
} ReportStyle;

/* Columns that a character of UTF-8 takes in a terminal: 0, 1 or 2 */
typedef int (*ReportColumns) (const char *character);

/*
 * n items side by side, label and note under each, in at most columns
 * characters; the first is set apart if lead.  Lines end with a newline.
 * Images are shrunk to fit and never enlarged.  In labels and notes, whatever would
 * move the cursor or change what is seen is a blank.  Fails if columns do not
 * allow REPORT_MIN_CELL characters for each.
 */
#define REPORT_MIN_CELL 8
#define REPORT_MAX_COLUMNS 4096

extern bool report_strip(ReportText *text, const ReportItem *items, int n,
						 bool lead, int columns, ReportStyle style,
						 ReportColumns columns_of, Status *status);

/* ---- HTML ---- */

typedef struct ReportFact
{
	const char *name;
	const char *value;
} ReportFact;

/*
 * A self-contained page: its head, rows, its tail.  A row is one query with its
 * neighbors, which is its first item and then each of them.  Where rows have bars
 * they stand in a grid, <div> to </div>: the bar of the farthest is as long as
 * they get, and a line in each marks the cut point, unless that is NaN.
 */
extern void report_append_head(ReportText *text, const char *title,
							   const char *subtitle, const ReportFact *facts,
							   int nfacts);
extern void report_append_grid_begin(ReportText *text, double farthest,
									 double cut);
extern void report_append_row_begin(ReportText *text, const ReportItem *query);
extern void report_append_neighbor(ReportText *text,
								   const ReportItem *neighbor);
extern void report_append_row_end(ReportText *text);
extern void report_append_tail(ReportText *text);

/* At least the bytes that an item takes in a page, SIZE_MAX if that overflows */
extern size_t report_item_size(const ReportItem *item);

#endif							/* REPORT_REPORT_H */
