/*
 * html_page.c
 *	  Rows of a page: an item and its neighbors.
 */
#include "report/report.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/size.h"

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
		case REPORT_UNKNOWN:
			break;
	}
	return "unmarked";
}

/* Pixels are seen as such; a photograph is not. */
static void
append_image(ReportText *body, const ReportItem *item)
{
	report_append(body, item->file->coarse ? "<img class=\"coarse\" alt=\"" :
				  "<img alt=\"");
	report_append_html(body, item->label ? item->label : "");
	report_append(body, "\" src=\"");
	report_append_file(body, item->file);
	report_append(body, "\">");
}

static void
append_figure(ReportText *body, const ReportItem *item, const char *class)
{
	const char *label = item->label ? item->label : "";

	report_appendf(body, "<figure class=\"%s%s\">", class,
				   item->beyond ? " beyond" : "");
	if (item->file != NULL)
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
	if (item->beyond)
		report_append(body, "? ");
	if (item->mark != REPORT_UNMARKED)
		report_append(body, item->mark == REPORT_RIGHT ? "&#10003; " :
					  "&#10007; ");
	report_append_isolated(body, label);
	report_append(body, "</b>");
	if (item->note != NULL)
	{
		report_append(body, "<small>");
		report_append_html(body, item->note);
		report_append(body, "</small>");
	}
	if (item->beyond)
		report_append(body, "<small>beyond the cut point</small>");
	if (item->has_bar)
		report_appendf(body, "<span class=\"bar\" style=\"--d:%.6g\"><i></i></span>",
					   item->distance);
	report_append(body, "</figcaption></figure>\n");
}

/* Tags and marks of an item, and the longest entity of a character */
#define ITEM_TAGS 320
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
	return item->file == NULL ||
		size_add(size, report_file_size(item->file), &size) ? size : SIZE_MAX;
}

void
report_append_grid_begin(ReportText *text, double farthest, double cut)
{
	report_appendf(text, "<div class=\"grid%s\" style=\"--scale:%.6g",
				   isfinite(cut) ? " cut" : "", farthest > 0 ? farthest : 1);
	if (isfinite(cut))
		report_appendf(text, ";--cut:%.6g", cut);
	report_append(text, "\">\n");
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
