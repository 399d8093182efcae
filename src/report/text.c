/*
 * text.c
 *	  A string that grows in an arena.
 *
 * Capacity doubles, so that what is left behind in the arena is at most as
 * large as the text.  A failure is remembered and reported once at the end:
 * code that writes a page is not interrupted by checks.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "report/character.h"
#include "report/report.h"

#define TEXT_INITIAL 1024

void
report_text_init(ReportText *text, Arena *arena)
{
	memset(text, 0, sizeof(*text));
	text->arena = arena;
}

/* Make room for n more bytes and the NUL. */
static bool
text_reserve(ReportText *text, size_t n)
{
	size_t		needed;
	size_t		capacity;
	char	   *data;

	if (text->failed)
		return false;
	if (!size_add(text->length, n, &needed) || !size_add(needed, 1, &needed) ||
		!size_mul(text->capacity, 2, &capacity))
	{
		text->failed = true;
		return false;
	}
	if (needed <= text->capacity)
		return true;
	if (capacity < needed)
		capacity = needed < TEXT_INITIAL ? TEXT_INITIAL : needed;
	data = arena_alloc(text->arena, capacity);
	if (data == NULL)
	{
		text->failed = true;
		return false;
	}
	if (text->length > 0)
		memcpy(data, text->data, text->length);
	data[text->length] = '\0';
	text->data = data;
	text->capacity = capacity;
	return true;
}

void
report_text_reserve(ReportText *text, size_t n)
{
	text_reserve(text, n);
}

void
report_append_bytes(ReportText *text, const char *bytes, size_t n)
{
	if (!text_reserve(text, n))
		return;
	memcpy(text->data + text->length, bytes, n);
	text->length += n;
	text->data[text->length] = '\0';
}

void
report_append(ReportText *text, const char *string)
{
	report_append_bytes(text, string, strlen(string));
}

void
report_append_repeat(ReportText *text, const char *string, int n)
{
	for (int i = 0; i < n; i++)
		report_append(text, string);
}

void
report_appendf(ReportText *text, const char *format,...)
{
	va_list		args;
	int			n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		text->failed = true;
	if (n < 0 || !text_reserve(text, n))
		return;
	va_start(args, format);
	vsnprintf(text->data + text->length, (size_t) n + 1, format, args);
	va_end(args);
	text->length += n;
}

static const char *
html_entity(char c)
{
	switch (c)
	{
		case '&':
			return "&amp;";
		case '<':
			return "&lt;";
		case '>':
			return "&gt;";
		case '"':
			return "&quot;";
		case '\'':
			return "&#39;";
	}
	return NULL;
}

void
report_append_html(ReportText *text, const char *string)
{
	uint32_t	code;

	for (; *string != '\0'; string += report_character(string, &code))
	{
		const char *entity = html_entity(*string);

		report_character(string, &code);
		if (entity != NULL)
			report_append(text, entity);
		else if (code == REPORT_NO_CHARACTER)
			report_append(text, "&#xFFFD;");
		else if (report_is_control(code))
			report_append(text, " ");
		else if (report_is_hidden(code))
			continue;
		else if (code < 0x80)
			report_append_bytes(text, string, 1);
		else
			report_appendf(text, "&#x%X;", (unsigned) code);
	}
}

bool
report_text_finish(ReportText *text, Status *status)
{
	if (!text_reserve(text, 0))
		return status_out_of_memory(status, "while writing a report");
	return true;
}
