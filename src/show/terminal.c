/*
 * terminal.c
 *	  Lines of text for a terminal: how wide, in which style, in which encoding.
 */
#include "postgres.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "server/arguments.h"
#include "server/budget.h"
#include "server/call.h"
#include "server/context.h"
#include "server/guc.h"
#include "show/show.h"
#include "show/terminal.h"

StaticAssertDecl((int) STYLE_PLAIN == (int) REPORT_PLAIN &&
				 (int) STYLE_COLOR256 == (int) REPORT_COLOR256 &&
				 (int) STYLE_TRUECOLOR == (int) REPORT_TRUECOLOR &&
				 (int) STYLE_ASCII == (int) REPORT_ASCII,
				 "the setting names the styles of the room report");
StaticAssertDecl(GUC_MAX_COLUMNS == REPORT_MAX_COLUMNS,
				 "the setting is as wide as a terminal may be");

/* By ReportStyle */
static const char *const style_names[] = {
	"plain", "color256", "truecolor", "ascii"
};

/* What does not convert, as SQL_ASCII, holds everything. */
static bool
encoding_has_blocks(void)
{
	return GetDatabaseEncoding() == PG_UTF8 ||
		GetDatabaseEncoding() == PG_SQL_ASCII;
}

static ReportStyle
checked_style(ReportStyle style)
{
	if (style == REPORT_ASCII || encoding_has_blocks())
		return style;
	if (style == REPORT_PLAIN)
		return REPORT_ASCII;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("style \"%s\" needs a database in UTF8, not %s",
					style_names[style], GetDatabaseEncodingName()),
			 errhint("Style ascii is for every encoding.")));
}

ReportStyle
terminal_style(FunctionCallInfo fcinfo, int n)
{
	char	   *style = argument_text_or_null(fcinfo, n);

	if (style == NULL)
		return checked_style((ReportStyle) guc_style);
	for (int i = 0; i < lengthof(style_names); i++)
		if (strcmp(style, style_names[i]) == 0)
			return checked_style((ReportStyle) i);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized style \"%s\"", style),
			 errhint("Valid values are plain, color256, truecolor and ascii.")));
}

int
terminal_columns(FunctionCallInfo fcinfo, int n, int initial)
{
	if (!PG_ARGISNULL(n))
		return PG_GETARG_INT32(n);
	return guc_columns > 0 ? guc_columns : initial;
}

int
terminal_columns_of(const char *character)
{
	return Max(pg_encoding_dsplen(PG_UTF8, character), 0);
}

ReportCanvas
terminal_canvas(FunctionCallInfo fcinfo, int columns, int style)
{
	ReportCanvas canvas = {
		.text = palloc(sizeof(ReportText)),
		.columns = terminal_columns(fcinfo, columns, TERMINAL_COLUMNS),
		.style = terminal_style(fcinfo, style),
		.columns_of = terminal_columns_of
	};

	report_text_init(canvas.text,
					 memory_arena(CurrentMemoryContext,
								  budget_bytes(BUDGET_MAINTENANCE)));
	return canvas;
}

void
terminal_put(FunctionCallInfo fcinfo, const ReportText *text)
{
	const char *lines = text->data;

	while (*lines != '\0')
	{
		const char *end = strchrnul(lines, '\n');
		char	   *line = picture_server_text(pnstrdup(lines, end - lines),
											   end - lines);
		Datum		value = CStringGetTextDatum(line);
		bool		isnull = false;

		put_result_row(fcinfo, &value, &isnull);
		lines = *end == '\0' ? end : end + 1;
	}
}
