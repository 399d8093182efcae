/*
 * html_page.c
 *	  HTML pages: one self-contained file, light and dark, no script.
 */
#include "report/report.h"

#include <stdint.h>
#include <string.h>

#include "base/size.h"

static const char style_sheet[] =
":root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--text:#1b1f24;--quiet:#667085;"
"--line:#e3e6eb;--right:#12805c;--wrong:#c4320a;--lead:#2457c5}\n"
"@media(prefers-color-scheme:dark){:root{--ground:#101214;--card:#1a1d21;--text:#e8eaed;"
"--quiet:#98a2b3;--line:#2c3138;--right:#3ecf8e;--wrong:#ff7a59;--lead:#7aa2ff}}\n"
"*{box-sizing:border-box}\n"
"body{margin:0;background:var(--ground);color:var(--text);"
"font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
"main{max-width:1120px;margin:0 auto;padding:40px 24px 64px}\n"
"h1{margin:0;font-size:28px;font-weight:650;letter-spacing:-.02em}\n"
".subtitle{margin:4px 0 24px;color:var(--quiet)}\n"
"dl{display:flex;flex-wrap:wrap;gap:12px;margin:0 0 28px}\n"
"dl div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:10px 16px}\n"
"dt{color:var(--quiet);font-size:12px}\n"
"dd{margin:0;font-size:18px;font-weight:600;font-variant-numeric:tabular-nums}\n"
".row{display:flex;align-items:flex-start;gap:12px;overflow-x:auto;background:var(--card);"
"border:1px solid var(--line);border-radius:12px;padding:14px;margin:0 0 12px}\n"
"figure{margin:0;flex:0 0 112px;width:112px}\n"
"figure.query{padding-right:14px;border-right:1px solid var(--line);flex-basis:127px;width:127px}\n"
"img,.none{display:block;width:112px;height:112px;object-fit:contain;image-rendering:pixelated;"
"background:#000;border-radius:8px}\n"
"img.file{image-rendering:auto}\n"
".none{background:var(--ground);color:var(--quiet);font-size:12px;line-height:112px;text-align:center}\n"
"figcaption{margin-top:6px;font-size:13px;line-height:1.35;overflow-wrap:anywhere}\n"
"figcaption b{font-weight:600}\n"
"figcaption small{display:block;color:var(--quiet);font-variant-numeric:tabular-nums}\n"
".query b{color:var(--lead)}\n"
".right b{color:var(--right)}\n"
".wrong b{color:var(--wrong)}\n"
".wrong img{outline:3px solid var(--wrong);outline-offset:-3px}\n";

static const char *
item_class(const ReportItem *item)
{
	switch (item->mark)
	{
		case REPORT_RIGHT:
			return "right";
		case REPORT_WRONG:
			return "wrong";
		case REPORT_UNMARKED:
			break;
	}
	return "unmarked";
}

/* What a user wrote from right to left turns nothing around it. */
static void
append_isolated(ReportText *text, const char *string)
{
	report_append(text, "<bdi>");
	report_append_html(text, string);
	report_append(text, "</bdi>");
}

/* Pixels are seen as such; a photograph is not. */
static void
append_image(ReportText *body, const ReportItem *item)
{
	report_append(body, item->file != NULL ? "<img class=\"file\" alt=\"" :
				  "<img alt=\"");
	report_append_html(body, item->label ? item->label : "");
	report_append(body, "\" src=\"");
	if (item->file != NULL)
		report_append_file(body, item->file);
	else
		report_append_png(body, item->image);
	report_append(body, "\">");
}

static void
append_figure(ReportText *body, const ReportItem *item, const char *class)
{
	const char *label = item->label ? item->label : "";

	report_appendf(body, "<figure class=\"%s\">", class);
	if (item->image != NULL || item->file != NULL)
		append_image(body, item);
	else
	{
		report_append(body, "<span class=\"none\">");
		report_append_html(body, item->missing ? item->missing : "");
		report_append(body, "</span>");
	}

	/*
	 * Marks are signs as well as colors, and references: the page must fit
	 * into any encoding.
	 */
	report_append(body, "<figcaption><b>");
	if (item->mark != REPORT_UNMARKED)
		report_append(body, item->mark == REPORT_RIGHT ? "&#10003; " :
					  "&#10007; ");
	append_isolated(body, label);
	report_append(body, "</b>");
	if (item->note != NULL)
	{
		report_append(body, "<small>");
		report_append_html(body, item->note);
		report_append(body, "</small>");
	}
	report_append(body, "</figcaption></figure>\n");
}

/* Tags and marks of an item, and the longest entity of a character */
#define ITEM_TAGS 256
#define ENTITY_LENGTH 6

/* The label stands in the caption and, beside a picture, in its description. */
size_t
report_item_size(const ReportItem *item)
{
	size_t		characters = 2 * strlen(item->label ? item->label :
										"") + strlen(item->note ? item->note :
													 "");
	size_t		size;

	if (!size_mul(characters, ENTITY_LENGTH, &size) ||
		!size_add(size, ITEM_TAGS, &size))
		return SIZE_MAX;
	if (item->file != NULL)
		return size_add(size, report_file_size(item->file), &size) ? size :
			SIZE_MAX;
	return item->image == NULL ||
		size_add(size, report_png_size(item->image), &size) ? size : SIZE_MAX;
}

void
report_append_row_begin(ReportText *text, const ReportItem *query)
{
	report_text_reserve(text, report_item_size(query));
	report_append(text, "<section class=\"row\">\n");
	append_figure(text, query, "query");
}

void
report_append_neighbor(ReportText *text, const ReportItem *neighbor)
{
	report_text_reserve(text, report_item_size(neighbor));
	append_figure(text, neighbor, item_class(neighbor));
}

void
report_append_row_end(ReportText *text)
{
	report_append(text, "</section>\n");
}

static void
append_facts(ReportText *text, const ReportFact *facts, int nfacts)
{
	if (nfacts == 0)
		return;
	report_append(text, "<dl>\n");
	for (int i = 0; i < nfacts; i++)
	{
		report_append(text, "<div><dt>");
		report_append_html(text, facts[i].name);
		report_append(text, "</dt><dd>");
		append_isolated(text, facts[i].value);
		report_append(text, "</dd></div>\n");
	}
	report_append(text, "</dl>\n");
}

void
report_append_head(ReportText *text, const char *title, const char *subtitle,
				   const ReportFact *facts, int nfacts)
{
	report_append(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
				  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
	report_append_html(text, title);
	report_append(text, "</title>\n<style>\n");
	report_append(text, style_sheet);
	report_append(text, "</style>\n</head>\n<body>\n<main>\n<h1>");
	append_isolated(text, title);
	report_append(text, "</h1>\n<p class=\"subtitle\">");
	report_append_html(text, subtitle);
	report_append(text, "</p>\n");
	append_facts(text, facts, nfacts);
}

void
report_append_tail(ReportText *text)
{
	report_append(text, "</main>\n</body>\n</html>\n");
}
