/*
 * section.c
 *	  Pages of several sections.
 */
#include "report/section.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/character.h"

/* ---- the page ---- */

/* Names for page.js and what the sections need, and how many */
static int
page_scripts(const ReportPage *page, const char **names)
{
	int			n = 0;

	names[n++] = "page.js";
	for (int i = 0; i < page->nsections; i++)
		if (page->sections[i].script != NULL)
			names[n++] = page->sections[i].script;
	return n;
}

/*
 * Nothing is fetched, whatever a page may hold, and nothing runs but the scripts
 * of web/, each named by its hash.  The numbers of bars and cells are attributes
 * of style.
 */
static void
append_policy(ReportText *text, const char *const *scripts, int nscripts)
{
	report_append(text, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-");
	report_append(text, report_web_hash("page.css"));
	report_append(text, "'; style-src-attr 'unsafe-inline'; script-src ");
	for (int i = 0; i < nscripts; i++)
		report_appendf(text, "%s'sha256-%s'", i > 0 ? " " : "",
					   report_web_hash(scripts[i]));
	report_append(text, nscripts == 0 ? "'none'" : "");
	report_append(text, "; img-src data:; base-uri 'none'; form-action 'none'\">\n");
}

void
report_append_isolated(ReportText *text, const char *string)
{
	report_append(text, "<bdi>");
	report_append_html(text, string);
	report_append(text, "</bdi>");
}

void
report_append_facts(ReportText *text, const ReportFact *facts, int nfacts)
{
	if (nfacts == 0)
		return;
	report_append(text, "<dl>\n");
	for (int i = 0; i < nfacts; i++)
	{
		report_append(text, "<div><dt>");
		report_append_html(text, facts[i].name);
		report_append(text, "</dt><dd>");
		report_append_isolated(text, facts[i].value);
		report_append(text, "</dd></div>\n");
	}
	report_append(text, "</dl>\n");
}

static void
append_head(ReportText *text, const char *title, const char *subtitle,
			const ReportFact *facts, int nfacts, const char *const *scripts,
			int nscripts)
{
	report_append(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
	append_policy(text, scripts, nscripts);
	report_append(text, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
	report_append_html(text, title);
	report_append(text, "</title>\n<style>\n");
	report_append(text, report_web_asset("page.css"));
	report_append(text, "</style>\n</head>\n<body>\n<main>\n<h1>");
	report_append_isolated(text, title);
	report_append(text, "</h1>\n<p class=\"subtitle\">");
	report_append_html(text, subtitle);
	report_append(text, "</p>\n");
	report_append_facts(text, facts, nfacts);
}

void
report_append_head(ReportText *text, const char *title, const char *subtitle,
				   const ReportFact *facts, int nfacts)
{
	append_head(text, title, subtitle, facts, nfacts, NULL, 0);
}

void
report_append_tail(ReportText *text)
{
	report_append(text, "</main>\n</body>\n</html>\n");
}

static void
append_contents(ReportText *text, const ReportPage *page)
{
	report_append(text, "<nav aria-label=\"Contents\">\n<ol>\n");
	for (int i = 0; i < page->nsections; i++)
	{
		report_appendf(text, "<li><a href=\"#%s\">", page->sections[i].id);
		report_append_html(text, page->sections[i].title);
		report_append(text, "</a></li>\n");
	}
	report_append(text, "</ol>\n</nav>\n");
}

void
report_page_begin(ReportText *text, const ReportPage *page)
{
	const char *scripts[REPORT_MAX_SECTIONS + 1];
	int			n = page_scripts(page, scripts);

	append_head(text, page->title, page->subtitle, page->facts, page->nfacts,
				scripts, n);
	if (page->nsections > 1)
		append_contents(text, page);
}

static void
append_script(ReportText *text, const char *name)
{
	report_append(text, "<script>\n");
	report_append(text, report_web_asset(name));
	report_append(text, "</script>\n");
}

void
report_page_end(ReportText *text, const ReportPage *page)
{
	const char *scripts[REPORT_MAX_SECTIONS + 1];
	int			n = page_scripts(page, scripts);

	for (int i = 0; i < n; i++)
		append_script(text, scripts[i]);
	report_append_tail(text);
}

/* ---- sections ---- */

void
report_section_begin(ReportText *text, const ReportSection *section,
					 const char *basis)
{
	report_appendf(text, "<section class=\"part\" id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">",
				   section->id, section->id, section->id);
	report_append_html(text, section->title);
	report_append(text, "</h2>\n");
	if (basis == NULL)
		return;
	report_append(text, "<p class=\"basis\">");
	report_append_isolated(text, basis);
	report_append(text, "</p>\n");
}

void
report_section_end(ReportText *text)
{
	report_append(text, "</section>\n");
}

void
report_append_note(ReportText *text, const char *sentence)
{
	report_append(text, "<p class=\"note\">");
	report_append_html(text, sentence);
	report_append(text, "</p>\n");
}

void
report_append_figure(ReportText *text, const ReportSection *section,
					 const char *name)
{
	report_appendf(text, "<div class=\"figure\" id=\"%s-%s\"><noscript>This figure is drawn by a script of this page.</noscript></div>\n",
				   section->id, name);
}

/* ---- tables ---- */

void
report_table_begin(ReportText *text, const char *summary,
				   const char *const *columns, int n)
{
	if (summary != NULL)
	{
		report_append(text, "<details><summary>");
		report_append_html(text, summary);
		report_append(text, "</summary>\n");
	}
	report_append(text, "<div class=\"scroll\"><table>\n<thead><tr>");
	for (int i = 0; i < n; i++)
	{
		report_append(text, "<th scope=\"col\">");
		report_append_html(text, columns[i]);
		report_append(text, "</th>");
	}
	report_append(text, "</tr></thead>\n<tbody>");
}

void
report_table_row(ReportText *text)
{
	report_append(text, "\n<tr>");
}

void
report_table_text(ReportText *text, const char *value)
{
	report_append(text, "<td>");
	report_append_isolated(text, value);
	report_append(text, "</td>");
}

void
report_table_number(ReportText *text, double value)
{
	char		count[REPORT_COUNT_SIZE];

	report_append(text, "<td class=\"number\">");
	if (!isfinite(value))
		report_append(text, "&#8211;");
	else if (value == rint(value) && fabs(value) < 1e15)
		report_append(text, report_count(count, (int64_t) value));
	else
		report_appendf(text, fabs(value) < 1e-4 || fabs(value) >= 1e9 ?
					   "%.3g" : "%.4f", value);
	report_append(text, "</td>");
}

void
report_table_end(ReportText *text, bool details)
{
	report_append(text, "\n</tbody></table></div>\n");
	if (details)
		report_append(text, "</details>\n");
}

/* ---- data ---- */

void
report_data_begin(ReportText *text, const ReportSection *section,
				  const char *name)
{
	report_appendf(text, "<script type=\"application/json\" data-section=\"%s\" data-name=\"%s\">",
				   section->id, name);
}

void
report_data_end(ReportText *text)
{
	report_append(text, "</script>\n");
}

/* \uXXXX, beyond the first plane as two of them */
static void
append_escape(ReportText *text, uint32_t code)
{
	if (code >= 0x10000)
	{
		report_appendf(text, "\\u%04X", 0xD800 + ((code - 0x10000) >> 10));
		code = 0xDC00 + ((code - 0x10000) & 0x3FF);
	}
	report_appendf(text, "\\u%04X", code);
}

static bool
is_plain(uint32_t code)
{
	return code >= 0x20 && code < 0x7F && strchr("\"\\<>&'", (int) code) == NULL;
}

void
report_json_string(ReportText *text, const char *string)
{
	uint32_t	code;

	if (string == NULL)
	{
		report_append(text, "null");
		return;
	}
	report_append(text, "\"");
	for (; *string != '\0'; string += report_character(string, &code))
	{
		report_character(string, &code);
		if (code == REPORT_NO_CHARACTER)
			append_escape(text, 0xFFFD);
		else if (report_is_control(code))
			report_append(text, " ");
		else if (report_is_hidden(code))
			continue;
		else if (is_plain(code))
			report_append_bytes(text, string, 1);
		else
			append_escape(text, code);
	}
	report_append(text, "\"");
}

void
report_json_digits(ReportText *text, double value, int digits)
{
	if (isfinite(value))
		report_appendf(text, "%.*g", digits, value);
	else
		report_append(text, "null");
}

void
report_json_number(ReportText *text, double value)
{
	report_json_digits(text, value, 9);
}

void
report_json_picture(ReportText *text, const ReportItem *item)
{
	if (item->file == NULL)
	{
		report_append(text, "null");
		return;
	}
	report_append(text, "\"");
	report_append_file(text, item->file);
	report_append(text, "\"");
}

/* size bytes each, the least first whatever the machine has first */
static void
append_numbers(ReportText *text, const void *values, size_t n, size_t size)
{
	const uint8_t *bytes = values;
	const uint16_t one = 1;
	bool		little = *(const uint8_t *) &one == 1;
	uint8_t		piece[3 * 256]; /* a multiple of 3 and of 4 */

	report_append(text, "\"");
	report_text_reserve(text, n * size / 3 * 4 + 4);
	for (size_t begin = 0; begin < n * size; begin += sizeof(piece))
	{
		size_t		count = n * size - begin < sizeof(piece) ?
		n * size - begin : sizeof(piece);

		for (size_t i = 0; i < count; i++)
			piece[i] = bytes[little ? begin + i :
							 begin + i / size * size + size - 1 - i % size];
		report_append_base64(text, piece, count);
	}
	report_append(text, "\"");
}

void
report_json_uint16s(ReportText *text, const uint16_t *values, size_t n)
{
	append_numbers(text, values, n, sizeof(*values));
}

void
report_json_floats(ReportText *text, const float *values, size_t n)
{
	append_numbers(text, values, n, sizeof(*values));
}

char *
report_count(char buffer[REPORT_COUNT_SIZE], int64_t n)
{
	char		digits[24];
	int			length;
	char	   *out = buffer;

	snprintf(digits, sizeof(digits), "%lld", (long long) n);
	length = (int) strlen(digits);
	for (int i = 0; i < length; i++)
	{
		*out++ = digits[i];
		if (digits[i] != '-' && i < length - 1 && (length - 1 - i) % 3 == 0)
			*out++ = ',';
	}
	*out = '\0';
	return buffer;
}
