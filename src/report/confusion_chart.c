/*
 * confusion_chart.c
 *	  A matrix of confusion: what items are, and what they are said to be.
 *
 *		              0     1     2  none  right
 *		   shoe  ▓  812 ░   3     ·     ·   99.6 %
 *
 * A cell is shaded by the root of its share of the row: a confusion of a few
 * percent is what one looks for, and would not be seen beside the diagonal.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "report/caption.h"
#include "report/chart.h"

#define MAX_NAME 20				/* columns of a label before its row */
#define SHARE 9					/* columns of "  100.0 %" */
#define MAX_CELL 12				/* columns, headers included */
#define MAX_CONFUSIONS 5		/* pairs told at the end */
#define SHADES 5				/* none, and four */

typedef struct Shape
{
	int			shown;			/* labels */
	int			columns;		/* and none of these */
	int			name;			/* columns of a label */
	int			cell;			/* columns of a cell, with its gap */
	bool		numbers;		/* or shades alone */
} Shape;

typedef struct Drawing
{
	const ReportCanvas *canvas;
	const ReportMatrix *matrix;
	int64_t    *total;			/* items of each label, */
	int64_t    *wrong;			/* those said to be another, or none */
	int64_t    *taken;			/* and those of others said to be it */
	int		   *place;			/* of each label; -1: it is not shown */
	int		   *order;			/* the labels shown */
	int64_t    *counts;			/* shown x (shown + 1), the last is none */
	Shape		shape;
} Drawing;

/* ---- counting ---- */

static void *
zeroed(const ReportMatrix *matrix, size_t n, size_t size, Status *status)
{
	size_t		bytes;
	void	   *data = size_mul(n, size, &bytes) ?
	arena_alloc(matrix->arena, bytes) : NULL;

	if (data == NULL)
		status_out_of_memory(status, "for a matrix of confusion");
	else
		memset(data, 0, bytes);
	return data;
}

static bool
count_drawn_labels(Drawing *drawing, Status *status)
{
	const ReportMatrix *matrix = drawing->matrix;
	size_t		n = (size_t) matrix->n;

	if (!(drawing->total = zeroed(matrix, n, sizeof(int64_t), status)) ||
		!(drawing->wrong = zeroed(matrix, n, sizeof(int64_t), status)) ||
		!(drawing->taken = zeroed(matrix, n, sizeof(int64_t), status)) ||
		!(drawing->place = zeroed(matrix, n, sizeof(int), status)) ||
		!(drawing->order = zeroed(matrix, n, sizeof(int), status)))
		return false;
	for (size_t i = 0; i < matrix->ncells; i++)
	{
		const ReportCell *cell = &matrix->cells[i];

		drawing->total[cell->label] += cell->count;
		if (cell->predicted == cell->label)
			continue;
		drawing->wrong[cell->label] += cell->count;
		if (cell->predicted != REPORT_NONE)
			drawing->taken[cell->predicted] += cell->count;
	}
	return true;
}

static int
digits_of(int64_t n)
{
	return snprintf(NULL, 0, "%lld", (long long) n);
}

static int
name_columns(const Drawing *drawing)
{
	const ReportCanvas *canvas = drawing->canvas;
	long		most = 4;

	for (int i = 0; i < drawing->matrix->n; i++)
	{
		long		columns = report_caption_columns(drawing->matrix->labels[i],
													 canvas->style,
													 canvas->columns_of);

		most = columns > most ? columns : most;
	}
	return most < MAX_NAME ? (int) most : MAX_NAME;
}

static int64_t
largest_count(const ReportMatrix *matrix)
{
	int64_t		largest = 0;

	for (size_t i = 0; i < matrix->ncells; i++)
		if (matrix->cells[i].count > largest)
			largest = matrix->cells[i].count;
	return largest;
}

/* Numbers where they fit; else shades of two columns, or of one */
static void
choose_cells(Drawing *drawing)
{
	Shape	   *shape = &drawing->shape;
	int			extra = drawing->matrix->unknown;
	int			number = digits_of(largest_count(drawing->matrix)) + 2;
	int			room;
	int			each;

	shape->shown = drawing->matrix->n;
	shape->columns = shape->shown + extra;
	shape->name = name_columns(drawing);
	room = drawing->canvas->columns - shape->name - 1 - SHARE;
	each = room / shape->columns;
	number = number < 5 ? 5 : number;
	shape->numbers = each >= number;
	if (shape->numbers)
	{
		shape->cell = shape->name + 1 > number ? shape->name + 1 : number;
		shape->cell = shape->cell < MAX_CELL ? shape->cell : MAX_CELL;
		shape->cell = shape->cell < number ? number : shape->cell;
		shape->cell = shape->cell < each ? shape->cell : each;
		return;
	}
	/* with the number of its line before each name */
	room -= digits_of(drawing->matrix->n) + 1;
	shape->cell = room / shape->columns >= 2 ? 2 : 1;
	if (shape->columns > room / shape->cell)
		shape->columns = room / shape->cell;
	shape->shown = shape->columns - extra;
}

/* A label, by how often it is confused */
typedef struct Confused
{
	int64_t		errors;
	int			label;
} Confused;

static int
by_errors(const void *a, const void *b)
{
	const Confused *x = a;
	const Confused *y = b;

	if (x->errors != y->errors)
		return x->errors > y->errors ? -1 : 1;
	return x->label - y->label;
}

static bool
choose_labels(Drawing *drawing, Status *status)
{
	int			n = drawing->matrix->n;
	int			shown = drawing->shape.shown;
	Confused   *confused = zeroed(drawing->matrix, (size_t) n,
								  sizeof(Confused), status);

	if (confused == NULL)
		return false;
	for (int i = 0; i < n; i++)
	{
		confused[i].label = i;
		confused[i].errors = drawing->wrong[i] + drawing->taken[i];
		drawing->place[i] = -1;
	}
	if (shown < n)
		qsort(confused, (size_t) n, sizeof(Confused), by_errors);
	for (int i = 0; i < shown; i++)
		drawing->place[confused[i].label] = 0;
	for (int i = 0, place = 0; i < n; i++)
		if (drawing->place[i] == 0)
		{
			drawing->order[place] = i;
			drawing->place[i] = place++;
		}
	return true;
}

static bool
fill_counts(Drawing *drawing, Status *status)
{
	const ReportMatrix *matrix = drawing->matrix;
	size_t		shown = (size_t) drawing->shape.shown;

	drawing->counts = zeroed(matrix, shown * (shown + 1), sizeof(int64_t),
							 status);
	if (drawing->counts == NULL)
		return false;
	for (size_t i = 0; i < matrix->ncells; i++)
	{
		const ReportCell *cell = &matrix->cells[i];
		int			row = drawing->place[cell->label];
		int			column = cell->predicted == REPORT_NONE ? (int) shown :
		drawing->place[cell->predicted];

		if (row >= 0 && column >= 0)
			drawing->counts[(size_t) row * (shown + 1) + (size_t) column] +=
				cell->count;
	}
	return true;
}

/* ---- drawing ---- */

/* Blue for what is right, vermillion for what is not, gray for none */
static const uint8_t cell_colors[3][3] = {
	{0, 114, 178}, {213, 94, 0}, {128, 128, 128}
};

static int
shade_of(double share)
{
	int			shade = (int) ceil(sqrt(share) * (SHADES - 1));

	return shade < SHADES ? shade : SHADES - 1;
}

static const char *
shade_sign(const Drawing *drawing, int shade)
{
	static const char *const shades[SHADES] = {" ", "░", "▒", "▓", "█"};
	static const char *const signs[SHADES] = {" ", ".", "+", "*", "#"};

	return (drawing->canvas->style == REPORT_ASCII ? signs : shades)[shade];
}

/* The color of a cell as its background, and what is read on it */
static void
append_background(const Drawing *drawing, int row, int column, double share)
{
	const ReportCanvas *canvas = drawing->canvas;
	int			kind = column == row ? 0 : column < drawing->shape.shown ? 1 : 2;
	double		strength = 0.25 + 0.75 * sqrt(share);
	uint8_t		background[3];
	uint8_t		ink[3];

	for (int c = 0; c < 3; c++)
		background[c] = (uint8_t) (cell_colors[kind][c] * strength);
	memset(ink, report_brightness(background) < 128 ? 255 : 0, sizeof(ink));
	report_append_color(canvas->text, canvas->style, 48, background);
	report_append_color(canvas->text, canvas->style, 38, ink);
}

static void
append_number(const Drawing *drawing, int64_t count, double share)
{
	const ReportCanvas *canvas = drawing->canvas;
	int			width = drawing->shape.cell - 1;

	if (count == 0)
	{
		report_append_repeat(canvas->text, " ", width - 1);
		report_append(canvas->text, canvas->style == REPORT_ASCII ? "." : "·");
		return;
	}
	report_append(canvas->text, report_has_colors(canvas->style) ? " " :
				  shade_sign(drawing, shade_of(share)));
	report_appendf(canvas->text, "%*lld", width - 1, (long long) count);
}

static void
append_total(const Drawing *drawing, int row, int column, int64_t total)
{
	const ReportCanvas *canvas = drawing->canvas;
	size_t		width = (size_t) drawing->shape.shown + 1;
	int64_t		count = drawing->counts[(size_t) row * width + (size_t) column];
	double		share = total == 0 ? 0 : (double) count / (double) total;
	bool		colored = count > 0 && report_has_colors(canvas->style);

	if (drawing->shape.numbers)
		report_append(canvas->text, " ");
	if (colored)
		append_background(drawing, row, column, share);
	if (drawing->shape.numbers)
		append_number(drawing, count, share);
	else
		report_append_repeat(canvas->text, colored ? " " :
							 shade_sign(drawing, shade_of(share)),
							 drawing->shape.cell);
	if (colored)
		report_end_color(canvas->text, canvas->style);
}

static void
append_drawn_row(const Drawing *drawing, int row)
{
	const ReportCanvas *canvas = drawing->canvas;
	const Shape *shape = &drawing->shape;
	int			label = drawing->order[row];
	int64_t		total = drawing->total[label];

	if (!shape->numbers)
		report_appendf(canvas->text, "%*d ", digits_of(drawing->matrix->n),
					   label + 1);
	report_append_caption(canvas->text, drawing->matrix->labels[label],
						  shape->name, canvas->style, canvas->columns_of);
	if (!shape->numbers)
		report_append(canvas->text, " ");
	for (int column = 0; column < shape->columns; column++)
		append_total(drawing, row, column, total);
	if (total > 0)
		report_appendf(canvas->text, "%*.1f %%", SHARE - 2,
					   100.0 * (double) (total - drawing->wrong[label]) /
					   (double) total);
	report_end_line(canvas->text);
}

/* Names above numbers, cut to what is there */
static void
append_names(const Drawing *drawing)
{
	const ReportCanvas *canvas = drawing->canvas;
	const Shape *shape = &drawing->shape;
	int			width = shape->cell - 1;

	report_append_repeat(canvas->text, " ", shape->name);
	for (int column = 0; column < shape->columns; column++)
	{
		const char *name = column == shape->shown ? "none" :
		drawing->matrix->labels[drawing->order[column]];
		long		columns = report_caption_columns(name, canvas->style,
													 canvas->columns_of);
		int			used = columns < width ? (int) columns : width;

		report_append_repeat(canvas->text, " ", 1 + width - used);
		report_append_caption(canvas->text, name, used, canvas->style,
							  canvas->columns_of);
	}
	report_appendf(canvas->text, "%*s", SHARE, "right");
	report_end_line(canvas->text);
}

/* Numbers of lines above shades, from top to bottom */
static void
append_line_numbers(const Drawing *drawing)
{
	const ReportCanvas *canvas = drawing->canvas;
	const Shape *shape = &drawing->shape;
	int			digits = digits_of(drawing->matrix->n);

	for (int line = 0, power = (int) pow(10, digits - 1); line < digits;
		 line++, power /= 10)
	{
		report_append_repeat(canvas->text, " ", digits + 1 + shape->name + 1);
		for (int column = 0; column < shape->columns; column++)
		{
			int			number = column == shape->shown ? 0 :
			drawing->order[column] + 1;

			report_append(canvas->text, shape->cell == 2 ? " " : "");
			if (column == shape->shown)
				report_append(canvas->text, line == digits - 1 ? "?" : " ");
			else if (number < power)
				report_append(canvas->text, " ");
			else
				report_appendf(canvas->text, "%d", number / power % 10);
		}
		if (line == digits - 1)
			report_appendf(canvas->text, "%*s", SHARE, "right");
		report_end_line(canvas->text);
	}
}

/* ---- what is confused most often ---- */

#define TAKEN " for "
#define MIN_NAME 4

static bool
comes_before(const ReportCell *a, const ReportCell *b)
{
	if (a->count != b->count)
		return a->count > b->count;
	return a->label != b->label ? a->label < b->label :
		a->predicted < b->predicted;
}

/* The most frequent wrong cells, most frequent first; returns how many */
static int
most_confused(const ReportMatrix *matrix, const ReportCell **most)
{
	int			n = 0;

	for (size_t i = 0; i < matrix->ncells; i++)
	{
		const ReportCell *cell = &matrix->cells[i];
		int			place = n;

		if (cell->predicted == cell->label || cell->predicted == REPORT_NONE)
			continue;
		while (place > 0 && comes_before(cell, most[place - 1]))
			place--;
		if (place == MAX_CONFUSIONS)
			continue;
		n = n < MAX_CONFUSIONS ? n + 1 : n;
		memmove(most + place + 1, most + place,
				sizeof(*most) * (size_t) (n - 1 - place));
		most[place] = cell;
	}
	return n;
}

static void
append_confusion(const Drawing *drawing, const ReportCell *cell)
{
	const ReportCanvas *canvas = drawing->canvas;
	const char *names[2] = {
		drawing->matrix->labels[cell->label],
		drawing->matrix->labels[cell->predicted]
	};
	int64_t		total = drawing->total[cell->label];
	char		head[80];
	int			room;

	snprintf(head, sizeof(head), "%7lld of %lld (%.1f %%)  ",
			 (long long) cell->count, (long long) total,
			 100.0 * (double) cell->count / (double) total);
	report_append(canvas->text, head);
	room = (canvas->columns - (int) strlen(head) - (int) strlen(TAKEN)) / 2;
	room = room > MAX_NAME ? MAX_NAME : room < MIN_NAME ? MIN_NAME : room;
	for (int i = 0; i < 2; i++)
	{
		long		columns = report_caption_columns(names[i], canvas->style,
													 canvas->columns_of);

		report_append(canvas->text, i == 0 ? "" : TAKEN);
		report_append_caption(canvas->text, names[i],
							  columns < room ? (int) columns : room,
							  canvas->style, canvas->columns_of);
	}
	report_end_line(canvas->text);
}

static void
append_tail(const Drawing *drawing)
{
	const ReportCell *most[MAX_CONFUSIONS + 1];
	int			n = most_confused(drawing->matrix, most);
	const ReportCanvas *canvas = drawing->canvas;

	if (drawing->shape.shown < drawing->matrix->n)
		report_appendf(canvas->text,
					   "%d of %d labels, the most confused.\n",
					   drawing->shape.shown, drawing->matrix->n);
	if (n > 0)
		report_append(canvas->text, "\nMost often taken for another:\n");
	for (int i = 0; i < n; i++)
		append_confusion(drawing, most[i]);
}

bool
report_matrix(const ReportCanvas *canvas, const ReportMatrix *matrix,
			  Status *status)
{
	Drawing		drawing = {.canvas = canvas,.matrix = matrix};

	if (!report_canvas_check(canvas, status) ||
		!count_drawn_labels(&drawing, status))
		return false;
	choose_cells(&drawing);
	if (!choose_labels(&drawing, status) || !fill_counts(&drawing, status))
		return false;
	if (drawing.shape.numbers)
		append_names(&drawing);
	else
		append_line_numbers(&drawing);
	for (int row = 0; row < drawing.shape.shown; row++)
		append_drawn_row(&drawing, row);
	append_tail(&drawing);
	return report_text_finish(canvas->text, status);
}
