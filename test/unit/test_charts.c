/*
 * test_charts.c
 *	  Curves, matrices and histograms of src/report: widths, shares, extremes.
 */
#include <limits.h>

#include "report/chart.h"
#include "unit.h"

static Arena *arena;
static ReportText text;
static Status status;

static int
one_column(const char *character)
{
	return (*character & 0xC0) == 0x80 ? 0 : 1;
}

static ReportCanvas
canvas(int columns, ReportStyle style)
{
	if (arena == NULL)
		arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	arena_reset(arena);
	report_text_init(&text, arena);
	status_clear(&status);
	return (ReportCanvas)
	{
		&text, columns, style, one_column
	};
}

/* Characters of the widest line, of UTF-8 */
static int
widest(const char *lines)
{
	int			most = 0;
	int			width = 0;

	for (; *lines != '\0'; lines++)
	{
		width = *lines == '\n' ? 0 : width + ((*lines & 0xC0) != 0x80);
		most = width > most ? width : most;
	}
	return most;
}

static int
lines_of(const char *lines)
{
	int			n = 0;

	for (; *lines != '\0'; lines++)
		n += *lines == '\n';
	return n;
}

static void
test_sparklines(void)
{
	ReportCanvas c = canvas(80, REPORT_PLAIN);
	double		values[100];

	for (int i = 0; i < 8; i++)
		values[i] = i;
	CHECK(report_append_sparkline(&c, values, 8, 80) == 8);
	CHECK_TEXT(text.data, "▁▂▃▄▅▆▇█");

	c = canvas(80, REPORT_ASCII);
	for (int i = 0; i < 100; i++)
		values[i] = i;
	CHECK(report_append_sparkline(&c, values, 100, 10) == 10);
	CHECK_TEXT(text.data, "0123456789");
}

/* Nothing but one value, values that are none, and a difference that overflows */
static void
test_odd_sparklines(void)
{
	const double flat[] = {3, 3, 3};
	const double gaps[] = {0, NAN, INFINITY, 9};
	const double none[] = {NAN};
	const double wide[] = {-1.7e308, 0, 1.7e308};
	ReportCanvas c = canvas(80, REPORT_ASCII);

	report_append_sparkline(&c, flat, 3, 80);
	report_append(&text, "|");
	report_append_sparkline(&c, gaps, 4, 80);
	report_append(&text, "|");
	report_append_sparkline(&c, none, 1, 80);
	report_append(&text, "|");
	report_append_sparkline(&c, wide, 3, 80);
	CHECK_TEXT(text.data, "000|0  9| |059");
}

#define MANY 300

static char names[MANY][8];
static const char *labels[MANY];
static ReportCell cells[MANY * 3];

/* n labels of ten items, one of which is for the next label */
static ReportMatrix
ring(int n)
{
	for (int i = 0; i < n; i++)
	{
		snprintf(names[i], sizeof(names[i]), "name%d", i);
		labels[i] = names[i];
		cells[2 * i] = (ReportCell)
		{
			i, i, 9
		};
		cells[2 * i + 1] = (ReportCell)
		{
			i, (i + 1) % n, 1
		};
	}
	return (ReportMatrix)
	{
		.n = n,.labels = labels,.cells = cells,.ncells = (size_t) n * 2,
			.arena = arena
	};
}

static void
test_matrix(void)
{
	ReportCanvas c = canvas(60, REPORT_ASCII);
	ReportMatrix matrix = ring(3);

	CHECK(report_matrix(&c, &matrix, &status));
	CHECK_TEXT(text.data,
			   "      name0 name1 name2    right\n"
			   "name0 #   9 +   1     .   90.0 %\n"
			   "name1     . #   9 +   1   90.0 %\n"
			   "name2 +   1     . #   9   90.0 %\n"
			   "\nMost often taken for another:\n"
			   "      1 of 10 (10.0 %)  name0 for name1\n"
			   "      1 of 10 (10.0 %)  name1 for name2\n"
			   "      1 of 10 (10.0 %)  name2 for name0\n");
}

/* However many labels and however few columns: no line is longer. */
static void
test_matrix_widths(void)
{
	const ReportStyle styles[] = {REPORT_PLAIN, REPORT_ASCII};

	for (int n = 1; n <= MANY; n += n < 20 ? 1 : 93)
		for (int columns = REPORT_MIN_CHART; columns < 400; columns += 17)
			for (int unknown = 0; unknown < 2; unknown++)
			{
				ReportCanvas c = canvas(columns, styles[unknown]);
				ReportMatrix matrix = ring(n);

				matrix.unknown = unknown;
				CHECK(report_matrix(&c, &matrix, &status));
				CHECK(widest(text.data) <= columns);
			}
}

/* Where not all fit, those are shown that are confused. */
static void
test_matrix_selects(void)
{
	ReportCanvas c = canvas(60, REPORT_ASCII);
	ReportMatrix matrix = ring(MANY);

	cells[2 * 250 + 1] = (ReportCell)
	{
		250, 299, 1000000
	};
	CHECK(report_matrix(&c, &matrix, &status));
	CHECK(strstr(text.data, "251 name250") != NULL);
	CHECK(strstr(text.data, "300 name299") != NULL);
	CHECK(strstr(text.data, "name200") == NULL);
	CHECK(strstr(text.data, " of 300 labels, the most confused.") != NULL);
	CHECK(strstr(text.data, "1000000 of 1000009 (100.0 %)  name250 for name299") != NULL);
}

/* What is said to be none is not right, and not confused with a label. */
static void
test_matrix_none(void)
{
	ReportCanvas c = canvas(60, REPORT_ASCII);
	ReportMatrix matrix = ring(1);

	cells[0] = (ReportCell)
	{
		0, 0, 1
	};
	cells[1] = (ReportCell)
	{
		0, REPORT_NONE, 3
	};
	matrix.unknown = true;
	CHECK(report_matrix(&c, &matrix, &status));
	CHECK_TEXT(text.data,
			   "      name0  none    right\n"
			   "name0 +   1 #   3   25.0 %\n");
}

static void
test_matrix_refuses(void)
{
	ReportCanvas c = canvas(REPORT_MIN_CHART - 1, REPORT_ASCII);
	ReportMatrix matrix = ring(2);
	Arena	   *small = arena_create(&arena_malloc_source, 100);

	CHECK(!report_matrix(&c, &matrix, &status));
	CHECK(status.code == STATUS_INVALID_VALUE);
	c = canvas(80, REPORT_ASCII);
	matrix = ring(MANY);
	matrix.arena = small;
	CHECK(!report_matrix(&c, &matrix, &status));
	CHECK(status.code == STATUS_OUT_OF_MEMORY);
	arena_destroy(small);
}

static const double edges[] = {0, 0.5, 1, 1.5};
static const int64_t same[] = {3, 1, 0};
static const int64_t different[] = {0, 2, 2};

static ReportHistogram
histogram(const ReportCut *cuts, int n)
{
	return (ReportHistogram)
	{
		3, edges,
		{
			same, different
		}, cuts, n
	};
}

/* Shares of each side, and cut points where they belong, infinite ones too */
static void
test_histogram(void)
{
	const ReportCut cuts[] = {{"never", -INFINITY}, {"optimal", 0.75}, {"all", 9}};
	ReportCanvas c = canvas(60, REPORT_ASCII);
	ReportHistogram h = histogram(cuts, 3);

	CHECK(report_histogram(&c, &h, &status));
	CHECK_TEXT(text.data,
			   "  distance  same label (4)           different labels (4)\n"
			   "      -inf  --- cut point never ----------------------------\n"
			   "         0  ############### 75.0 %\n"
			   "       0.5  ##### 25.0 %             ########## 50.0 %\n"
			   "      0.75  --- cut point optimal --------------------------\n"
			   "         1                           ########## 50.0 %\n"
			   "         9  --- cut point all ------------------------------\n");
}

/* Whatever is counted is seen, and whatever the width, no line is longer. */
static void
test_histogram_widths(void)
{
	const int64_t much[] = {1000000, 1, 0};
	const ReportCut cut = {"a name that is much longer than the line that is to hold it is", 0.2};

	for (int columns = REPORT_MIN_CHART; columns < 300; columns += 7)
	{
		ReportCanvas c = canvas(columns, REPORT_PLAIN);
		ReportHistogram h = histogram(&cut, 1);

		h.counts[0] = much;
		CHECK(report_histogram(&c, &h, &status));
		CHECK(widest(text.data) <= columns);
		CHECK(lines_of(text.data) == 5);
		CHECK(strstr(text.data, "▏  0.0 %") != NULL);
	}
}

int
main(void)
{
	RUN(test_sparklines);
	RUN(test_odd_sparklines);
	RUN(test_matrix);
	RUN(test_matrix_widths);
	RUN(test_matrix_selects);
	RUN(test_matrix_none);
	RUN(test_matrix_refuses);
	RUN(test_histogram);
	RUN(test_histogram_widths);
	arena_destroy(arena);
	return unit_done();
}
