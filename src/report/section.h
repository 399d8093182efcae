/*
 * section.h
 *	  Pages of several sections, with a style sheet and scripts of our own.
 *
 *		report_page_begin(text, &page);
 *		report_section_begin(text, &page.sections[0], basis);
 *			report_append_facts(...), pictures (report.h), HTML of one's own,
 *			report_data_begin(...), report_json_...(...), report_data_end(text)
 *		report_section_end(text);
 *		report_page_end(text, &page);
 *
 * What a user wrote enters a page by report_append_html() or report_json_string()
 * and in no other way; both leave nothing that a browser takes for markup, and
 * only ASCII.  Texts in are UTF-8.
 */
#ifndef REPORT_SECTION_H
#define REPORT_SECTION_H

#include "report/report.h"

/* ---- the page ---- */

typedef struct ReportSection
{
	const char *id;				/* of the element, and of the data blocks */
	const char *title;
	const char *script;			/* a file of web/, or NULL */
} ReportSection;

typedef struct ReportPage
{
	const char *title;
	const char *subtitle;
	const ReportFact *facts;
	int			nfacts;
	const ReportSection *sections;	/* a table of contents if several */
	int			nsections;		/* at most REPORT_MAX_SECTIONS */
} ReportPage;

#define REPORT_MAX_SECTIONS 32

/* A file of web/ as text, or NULL */
extern const char *report_web_asset(const char *name);

/*
 * SHA-256 in base64 of an element that holds a newline and this file: what a
 * Content-Security-Policy names it by; or NULL
 */
extern const char *report_web_hash(const char *name);

/*
 * Head and title, with a Content-Security-Policy that lets nothing be fetched and
 * none but our scripts run; at the end page.js once and the scripts of the
 * sections.
 */
extern void report_page_begin(ReportText *text, const ReportPage *page);
extern void report_page_end(ReportText *text, const ReportPage *page);

/*
 * A section with its heading.  basis says what its figures stand on: "2,000 of
 * 60,000 rows, model m version 3"; NULL: nothing to be said.
 */
extern void report_section_begin(ReportText *text, const ReportSection *section,
								 const char *basis);
extern void report_section_end(ReportText *text);

/* A sentence of ours: what was left out, or why there is nothing to show */
extern void report_append_note(ReportText *text, const char *sentence);

/* Numbers with their names, side by side */
extern void report_append_facts(ReportText *text, const ReportFact *facts,
								int nfacts);

/*
 * An empty element <div class="figure" id="SECTION-NAME">, which the section's
 * script fills; without script it says that figures need one.
 */
extern void report_append_figure(ReportText *text, const ReportSection *section,
								 const char *name);

/* ---- tables: what a figure shows, readable without it ---- */

/* In <details> that a reader opens; summary NULL: a table in plain sight */
extern void report_table_begin(ReportText *text, const char *summary,
							   const char *const *columns, int n);
extern void report_table_row(ReportText *text);
extern void report_table_text(ReportText *text, const char *value);
extern void report_table_number(ReportText *text, double value);
extern void report_table_end(ReportText *text, bool details);

/* ---- data: JSON that the section's script finds as data.NAME ---- */

extern void report_data_begin(ReportText *text, const ReportSection *section,
							  const char *name);
extern void report_data_end(ReportText *text);

/*
 * Values.  A string is written with < > & ' and all that is not ASCII as \uXXXX,
 * control characters as blanks, characters that are not seen left out, as in
 * report_append_html(); NULL is null.  A number has as many digits as float4
 * needs (%.9g for double_digits 9); what is not finite is null.
 */
extern void report_json_string(ReportText *text, const char *string);
extern void report_json_number(ReportText *text, double value);
extern void report_json_digits(ReportText *text, double value, int digits);

/* The picture of an item as a string that is a data: URI; null without one */
extern void report_json_picture(ReportText *text, const ReportItem *item);

/*
 * Many numbers as a string, base64 of their little-endian bytes, which the
 * script reads by page.unpack()
 */
extern void report_json_uint16s(ReportText *text, const uint16_t *values,
								size_t n);
extern void report_json_floats(ReportText *text, const float *values,
							   size_t n);

/* "60,000" into buffer, which is returned */
#define REPORT_COUNT_SIZE 32
extern char *report_count(char buffer[REPORT_COUNT_SIZE], int64_t n);

#endif							/* REPORT_SECTION_H */
