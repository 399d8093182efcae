/*
 * cursor.c
 *	  The extension's own cursors.
 */
#include "postgres.h"

#include "utils/portal.h"

#include "server/cursor.h"

Portal
cursor_open(SPIPlanPtr plan, bool read_only)
{
	Portal		cursor = SPI_cursor_open(NULL, plan, NULL, NULL, read_only);

	PinPortal(cursor);
	return cursor;
}

void
cursor_close(Portal cursor)
{
	UnpinPortal(cursor);
	SPI_cursor_close(cursor);
}
