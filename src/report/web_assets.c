/*
 * web_assets.c
 *	  The files of web/, by name.
 *
 * The build writes web_assets.inc.
 */
#include "report/section.h"

#include <string.h>

static const struct
{
	const char *name;
	const char *text;
}			assets[] = {
#include "report/web_assets.inc"
};

const char *
report_web_asset(const char *name)
{
	for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
	{
		if (strcmp(assets[i].name, name) == 0)
			return assets[i].text;
	}
	return NULL;
}
