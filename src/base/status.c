/*
 * status.c
 *	  Recording failures of the pure rooms.
 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

void
status_clear(Status *status)
{
	status->code = STATUS_SUCCESS;
	status->message[0] = '\0';
	status->detail[0] = '\0';
	status->hint[0] = '\0';
}

bool
status_fail(Status *status, StatusCode code, const char *format,...)
{
	va_list		args;

	status_clear(status);
	status->code = code;
	va_start(args, format);
	vsnprintf(status->message, sizeof(status->message), format, args);
	va_end(args);
	return false;
}

bool
status_out_of_memory(Status *status, const char *purpose)
{
	return status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory%s%s",
					   purpose != NULL ? " " : "", purpose != NULL ? purpose :
					   "");
}

bool
status_detail(Status *status, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(status->detail, sizeof(status->detail), format, args);
	va_end(args);
	return false;
}

bool
status_hint(Status *status, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(status->hint, sizeof(status->hint), format, args);
	va_end(args);
	return false;
}
