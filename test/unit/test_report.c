/*
 * test_report.c
 *	  Escaping, growing, sizes and shapes of src/report.
 */
#include <limits.h>
#include <math.h>

#include "report/section.h"
#include "unit.h"

static Arena *arena;
static ReportText text;
static Status status;

static void
begin(void)
{
	if (arena == NULL)
		arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	arena_reset(arena);
	report_text_init(&text, arena);
	status_clear(&status);
}

static int
count_of(const char *haystack, const char *needle)
{
	int			n = 0;

	while ((haystack = strstr(haystack, needle)) != NULL)
	{
		n++;
		haystack += strlen(needle);
	}
	return n;
}

static int
one_column(const char *character)
{
	return 1;
}

/* As terminals have it: two for a wide letter, none for a mark above one */
static int
some_columns(const char *character)
{
	if (strncmp(character, "字", 3) == 0)
		return 2;
	return strncmp(character, "\xCC\x81", 2) == 0 ? 0 : 1;
}

static ReportImage
gray(const uint8_t *pixels, int height, int width)
{
	ReportImage image = {0};

	CHECK(report_image_set(&image, pixels, (size_t) height * width,
						   height, width, 1, &status));
	return image;
}

/* A text of any size survives growing. */
static void
test_growth(void)
{
	begin();
	for (int i = 0; i < 10000; i++)
		report_appendf(&text, "%d,", i % 10);
	CHECK(report_text_finish(&text, &status));
	CHECK(text.length == 20000);
	CHECK(strlen(text.data) == 20000);
	CHECK(count_of(text.data, "0,1,2,3,4,5,6,7,8,9,") == 1000);
}

static void
test_empty(void)
{
	begin();
	CHECK(report_text_finish(&text, &status));
	CHECK_TEXT(text.data, "");
}

/* Out of memory at any point ends in one failure and no crash. */
static void
test_out_of_memory(void)
{
	const ReportFile file = {"image/png", "abc", 3};
	int			failures = 0;

	for (int n = 1; n < 10; n++)
	{
		ReportItem	item = {.file = &file,.label = "a",.note = "b"};

		begin();
		arena_fail_at(arena, n);
		report_append_head(&text, "t", "s", NULL, 0);
		report_append_row_begin(&text, &item);
		report_append_neighbor(&text, &item);
		report_append_row_end(&text);
		report_append_tail(&text);
		if (!report_text_finish(&text, &status))
		{
			failures++;
			CHECK(status.code == STATUS_OUT_OF_MEMORY);
		}
		arena_fail_at(arena, 0);
	}
	CHECK(failures > 0 && failures < 9);
}

static void
test_escaping(void)
{
	begin();
	report_append_html(&text, "<script>alert(\"1\" & '2')</script>");
	CHECK_TEXT(text.data,
			   "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
	begin();
	report_append_html(&text, "groß \U0001F469\u200D\U0001F52C");
	CHECK_TEXT(text.data, "gro&#xDF; &#x1F469;&#x200D;&#x1F52C;");
	/* controls, the direction, tags, and bytes that are no UTF-8 */
	begin();
	report_append_html(&text, "a\001\177\xC2\x9B" "b \u202Egpj.exe\u202C\u2066\uFEFF\U000E0041. \xFF\xC0\x80\xED\xA0\x80\xE5\xAD");
	CHECK_TEXT(text.data, "a   b gpj.exe. &#xFFFD;&#xFFFD;&#xFFFD;&#xFFFD;&#xFFFD;&#xFFFD;&#xFFFD;&#xFFFD;");
}

/* Nothing that a user says becomes markup, wherever it stands. */
static void
test_page_is_escaped(void)
{
	const char *evil = "\"><script>x</script>";
	ReportFact	fact = {evil, evil};
	const ReportFile file = {"image/png", "abc", 3};
	ReportItem	item = {
		.file = &file,.label = evil,.note = evil,.mark = REPORT_WRONG
	};

	begin();
	report_append_head(&text, evil, evil, &fact, 1);
	report_append_row_begin(&text, &item);
	report_append_neighbor(&text, &item);
	report_append_row_end(&text);
	report_append_tail(&text);
	CHECK(report_text_finish(&text, &status));
	CHECK(strstr(text.data, "<script") == NULL);
	CHECK(count_of(text.data, "&lt;script&gt;") == 11);
	CHECK(count_of(text.data, "<figure") == 2);
	CHECK(count_of(text.data, "&#10007;") == 2);
	for (const char *c = text.data; *c != '\0'; c++)
		CHECK((unsigned char) *c < 128);
}

static void
test_bad_shapes(void)
{
	ReportImage image;
	uint8_t		pixels[12] = {0};

	begin();
	CHECK(!report_image_set(&image, pixels, 12, 0, 12, 1, &status));
	CHECK(status.code == STATUS_INVALID_VALUE);
	CHECK(!report_image_set(&image, pixels, 12, -3, -4, 1, &status));
	CHECK(!report_image_set(&image, pixels, 12, REPORT_MAX_SIDE + 1, 1, 1,
							&status));
	CHECK(!report_image_set(&image, pixels, 12, 2, 3, 2, &status));
	CHECK(status.code == STATUS_INVALID_VALUE);
	CHECK(!report_image_set(&image, pixels, 12, 3, 3, 1, &status));
	CHECK(status.code == STATUS_SHAPE_MISMATCH);
	CHECK_TEXT(status.message, "image has 12 bytes, but 3 x 3 x 1 needs 9");
	CHECK(report_image_set(&image, pixels, 12, 2, 2, 3, &status));
}

/* Shrinking takes the mean of what a cell covers. */
static void
test_cells(void)
{
	const uint8_t pixels[] = {
		0, 100, 10, 10,
		100, 200, 10, 13,
	};
	const uint8_t rgb_pixels[] = {1, 2, 3, 5, 6, 7};
	ReportImage image;
	uint8_t		rgb[3];

	begin();
	image = gray(pixels, 2, 4);
	report_image_cell(&image, 2, 1, 0, 0, rgb);
	CHECK(rgb[0] == 100 && rgb[1] == 100 && rgb[2] == 100);
	report_image_cell(&image, 2, 1, 1, 0, rgb);
	CHECK(rgb[0] == 11);
	report_image_cell(&image, 4, 2, 3, 1, rgb);
	CHECK(rgb[0] == 13);
	CHECK(report_image_set(&image, rgb_pixels, 6, 1, 2, 3, &status));
	report_image_cell(&image, 1, 1, 0, 0, rgb);
	CHECK(rgb[0] == 3 && rgb[1] == 4 && rgb[2] == 5);
}

/* Two pixels a character; an odd last line has one. */
static void
test_plain_picture(void)
{
	const uint8_t pixels[] = {
		255, 255, 0, 130, 0,
		255, 0, 255, 130, 0,
		255, 0, 0, 60, 0,
	};
	ReportImage image;
	ReportItem	item = {0};

	begin();
	image = gray(pixels, 3, 5);
	item.image = &image;
	CHECK(report_strip(&text, &item, 1, false, 80, REPORT_PLAIN, one_column,
					   &status));
	CHECK_TEXT(text.data, "█▀▄▒\n▀\n");
	begin();
	CHECK(report_strip(&text, &item, 1, false, 80, REPORT_ASCII, one_column,
					   &status));
	CHECK_TEXT(text.data, "#+++\n#  .\n");
}

static void
test_strip(void)
{
	const uint8_t white[] = {255, 255, 255, 255};
	ReportImage image;
	ReportItem	items[3] = {
		{.label = "query"},
		{.label = "right",.note = "0.1",.mark = REPORT_RIGHT},
		{.label = "a label that is too long",.note = "0.2",.mark = REPORT_WRONG},
	};

	begin();
	image = gray(white, 2, 2);
	items[0].image = items[1].image = &image;
	CHECK(report_strip(&text, items, 3, true, 42, REPORT_PLAIN, one_column,
					   &status));
	CHECK_TEXT(text.data,
			   "██              ██\n"
			   "query           ✓ right       ✗ a label t…\n"
			   "                0.1           0.2\n");
	begin();
	CHECK(report_strip(&text, items, 3, true, 42, REPORT_ASCII, one_column,
					   &status));
	CHECK_TEXT(text.data,
			   "##              ##\n"
			   "query           = right       x a label t~\n"
			   "                0.1           0.2\n");
}

/* Captions cannot smuggle control characters into the terminal. */
static void
test_captions_are_clean(void)
{
	ReportItem	item = {.label = "a\033[31m\nb\177"};

	begin();
	CHECK(report_strip(&text, &item, 1, false, 80, REPORT_PLAIN, one_column,
					   &status));
	CHECK_TEXT(text.data, "a [31m b\n");
	begin();
	item.label = "C1\xC2\x9B" "31m\xC2\x85. \u202Egpj\u2066\u200B\uFEFF\U000E0041\u061C.";
	CHECK(report_strip(&text, &item, 1, false, 80, REPORT_PLAIN, one_column,
					   &status));
	CHECK_TEXT(text.data, "C1 31m .  gpj…\n");
	begin();
	item.label = "\xFFz\xC0\x80\xE5";
	CHECK(report_strip(&text, &item, 1, false, 80, REPORT_PLAIN, one_column,
					   &status));
	CHECK_TEXT(text.data, "\uFFFDz\uFFFD\uFFFD\uFFFD\n");
	begin();
	CHECK(report_strip(&text, &item, 1, false, 80, REPORT_ASCII, one_column,
					   &status));
	CHECK_TEXT(text.data, "?z???\n");
}

/* Captions end where columns end, however many bytes that is. */
static void
test_captions_have_a_width(void)
{
	ReportItem	items[2] = {{.label = "字字字字字字字字"}, {.label = "next"}};

	begin();
	CHECK(report_strip(&text, items, 2, false, 80, REPORT_PLAIN, some_columns,
					   &status));
	CHECK_TEXT(text.data, "字字字字字字…   next\n");
	begin();
	items[0].label = "e\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81.";
	CHECK(report_strip(&text, items, 2, false, 80, REPORT_PLAIN, some_columns,
					   &status));
	CHECK_TEXT(text.data, "e\xCC\x81\xCC\x81\xCC\x81\xCC\x81.              next\n");
}

/* One picture that cannot be drawn costs the others nothing. */
static void
test_missing_pictures(void)
{
	const uint8_t white[] = {255, 255, 255, 255};
	ReportImage image;
	ReportItem	items[2] = {{.label = "a",.missing = "<3 bytes>"}, {.label = "b"}};

	begin();
	image = gray(white, 2, 2);
	items[1].image = &image;
	CHECK(report_strip(&text, items, 2, false, 80, REPORT_PLAIN, one_column,
					   &status));
	CHECK_TEXT(text.data, "<3 bytes>       ██\na               b\n");
	begin();
	CHECK(report_strip(&text, items, 1, false, 80, REPORT_PLAIN, one_column,
					   &status));
	CHECK_TEXT(text.data, "<3 bytes>\na\n");
	begin();
	report_append_neighbor(&text, &items[0]);
	CHECK(strstr(text.data, "<span class=\"none\">&lt;3 bytes&gt;</span>") != NULL);
}

static void
test_colors(void)
{
	const uint8_t pixels[] = {255, 0, 0, 10, 20, 30};
	const uint8_t gray_pixels[] = {0, 255};
	ReportImage image;
	ReportItem	item = {0};

	begin();
	CHECK(report_image_set(&image, pixels, 6, 2, 1, 3, &status));
	item.image = &image;
	CHECK(report_strip(&text, &item, 1, false, 80, REPORT_TRUECOLOR, one_column,
					   &status));
	CHECK(strstr(text.data, "\033[38;2;255;0;0m\033[48;2;10;20;30m▀\033[0m") == text.data);
	begin();
	image = gray(gray_pixels, 2, 1);
	CHECK(report_strip(&text, &item, 1, false, 80, REPORT_COLOR256, one_column,
					   &status));
	CHECK(strstr(text.data, "\033[38;5;16m\033[48;5;231m▀\033[0m") == text.data);
}

static void
test_too_narrow(void)
{
	ReportItem	items[4] = {{.label = "a"}, {.label = "b"}, {.label = "c"}, {.label = "d"}};

	begin();
	CHECK(report_strip(&text, items, 4, false, 38, REPORT_PLAIN, one_column,
					   &status));
	CHECK(!report_strip(&text, items, 4, false, 37, REPORT_PLAIN, one_column,
						&status));
	CHECK(status.code == STATUS_INVALID_VALUE);
	CHECK(!report_strip(&text, items, 4, false, -1, REPORT_PLAIN, one_column,
						&status));
	CHECK(!report_strip(&text, items, 4, false, INT_MIN, REPORT_PLAIN,
						one_column, &status));
	CHECK(!report_strip(&text, items, 0, false, 80, REPORT_PLAIN, one_column,
						&status));
	CHECK(!report_strip(&text, items, 4, false, REPORT_MAX_COLUMNS + 1,
						REPORT_PLAIN, one_column, &status));
}

/* As it is, whatever its length leaves of the last three bytes */
/* Nothing in a string ends the script's element, or leaves ASCII. */
static void
test_json(void)
{
	char		count[REPORT_COUNT_SIZE];

	begin();
	report_json_string(&text, "</script><!--&'\"\\");
	CHECK(strcmp(text.data, "\"\\u003C/script\\u003E\\u003C!--\\u0026\\u0027\\u0022\\u005C\"") == 0);
	begin();
	report_json_string(&text, "a\001\n\u202Eb \u05D0 \U0001F469\u200D \xFF");
	CHECK(strcmp(text.data, "\"a  b \\u05D0 \\uD83D\\uDC69\\u200D \\uFFFD\"") == 0);
	begin();
	report_json_string(&text, NULL);
	report_json_number(&text, NAN);
	report_json_number(&text, -INFINITY);
	report_json_number(&text, .1f);
	CHECK(strcmp(text.data, "nullnullnull0.100000001") == 0);
	CHECK(strcmp(report_count(count, 1234567), "1,234,567") == 0);
	CHECK(strcmp(report_count(count, -999), "-999") == 0);
	CHECK(strcmp(report_count(count, INT64_MIN), "-9,223,372,036,854,775,808") == 0);
}

static void
test_file(void)
{
	static const char *const expected[] = {
		"data:image/jpeg;base64,", "data:image/jpeg;base64,/w==",
		"data:image/jpeg;base64,/9g=", "data:image/jpeg;base64,/9j+"
	};

	const ReportFile endless = {"image/png", NULL, SIZE_MAX};

	for (int n = 0; n <= 3; n++)
	{
		ReportFile	file = {"image/jpeg", "\xFF\xD8\xFE", (size_t) n};
		ReportItem	item = {.file = &file,.label = "a<b"};

		begin();
		report_append_file(&text, &file);
		CHECK_TEXT(text.data, expected[n]);
		CHECK(report_file_size(&file) == text.length);
		report_append_row_begin(&text, &item);
		CHECK(strstr(text.data, "<img alt=\"a&lt;b\" src=\"data:image/jpeg;base64,") != NULL);
		file.coarse = true;
		report_append_row_begin(&text, &item);
		CHECK(strstr(text.data, "<img class=\"coarse\" alt=\"a&lt;b\"") != NULL);
		CHECK(report_item_size(&item) > report_file_size(&file));
	}
	CHECK(report_file_size(&endless) == SIZE_MAX);
}

/* What lies beyond the cut point says so in words, too; bars have one scale. */
static void
test_grid(void)
{
	ReportItem	item = {
		.label = "a",.mark = REPORT_WRONG,.beyond = true,.has_bar = true,.distance = .5
	};

	begin();
	report_append_grid_begin(&text, 2, .25);
	report_append_neighbor(&text, &item);
	CHECK_TEXT(text.data, "<div class=\"grid cut\" style=\"--scale:2;--cut:0.25\">\n"
			   "<figure class=\"wrong beyond\"><span class=\"none\"></span><figcaption><b>? &#10007; <bdi>a</bdi></b>"
			   "<small>beyond the cut point</small><span class=\"bar\" style=\"--d:0.5\"><i></i></span></figcaption></figure>\n");
	begin();
	report_append_grid_begin(&text, 0, NAN);
	CHECK_TEXT(text.data, "<div class=\"grid\" style=\"--scale:1\">\n");
}

/* A page names its own scripts, each once and no other. */
static void
test_policy(void)
{
	const ReportSection section = {"audit", "Audit", "audit.js"};
	const ReportPage page = {.title = "t",.subtitle = "s",.sections = &section,.nsections = 1};
	char		policy[512];

	begin();
	report_page_begin(&text, &page);
	snprintf(policy, sizeof(policy), "style-src 'sha256-%s'; style-src-attr 'unsafe-inline'; script-src 'sha256-%s' 'sha256-%s'; img-src data:;",
			 report_web_hash("page.css"), report_web_hash("page.js"),
			 report_web_hash("audit.js"));
	CHECK(strstr(text.data, policy) != NULL);
	CHECK(strlen(report_web_hash("page.js")) == 44);
	CHECK(report_web_hash("no such file") == NULL);
	begin();
	report_append_head(&text, "t", "s", NULL, 0);
	CHECK(strstr(text.data, "script-src 'none'; img-src data:;") != NULL);
}

/* Whoever has a limit asks before a picture is drawn. */
static void
test_item_size(void)
{
	static uint8_t bytes[40000];
	const ReportFile file = {"image/png", bytes, sizeof(bytes)};
	ReportItem	items[] = {
		{.label = "",.note = ""},
		{.label = "\"'<>&\"'<>&\"'<>&",.note = "\"\"\"",.mark = REPORT_WRONG},
		{.file = &file,.label = "\"'<>&\"'<>&\"'<>&",.note = "\"\"\"",.mark = REPORT_RIGHT,.beyond = true,.has_bar = true,.distance = 1.23456e-300},
	};

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
	{
		begin();
		report_append_row_begin(&text, &items[i]);
		CHECK(text.length <= report_item_size(&items[i]));
		begin();
		report_append_neighbor(&text, &items[i]);
		CHECK(text.length <= report_item_size(&items[i]));
		/* at once, with no second place */
		CHECK(arena_used(arena) < report_item_size(&items[i]) + 70000);
	}
}

int
main(void)
{
	RUN(test_growth);
	RUN(test_empty);
	RUN(test_out_of_memory);
	RUN(test_escaping);
	RUN(test_page_is_escaped);
	RUN(test_bad_shapes);
	RUN(test_cells);
	RUN(test_plain_picture);
	RUN(test_strip);
	RUN(test_captions_are_clean);
	RUN(test_captions_have_a_width);
	RUN(test_missing_pictures);
	RUN(test_colors);
	RUN(test_too_narrow);
	RUN(test_json);
	RUN(test_file);
	RUN(test_grid);
	RUN(test_policy);
	RUN(test_item_size);
	arena_destroy(arena);
	return unit_done();
}
