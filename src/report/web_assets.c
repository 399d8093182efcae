/*
 * web_assets.c
 *	  The files of web/, by name.
 *
 * The build writes web_assets.inc.
 */
#include "report/section.h"

#include <string.h>

static const struct Asset
{
	const char *name;
	const char *hash;
	const char *text;
}			assets[] = {
#include "report/web_assets.inc"
};

static const struct Asset *
find_asset(const char *name)
{
	for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++)
	{
		if (strcmp(assets[i].name, name) == 0)
			return &assets[i];
	}
	return NULL;
}

const char *
report_web_asset(const char *name)
{
	const struct Asset *asset = find_asset(name);

	return asset == NULL ? NULL : asset->text;
}

const char *
report_web_hash(const char *name)
{
	const struct Asset *asset = find_asset(name);

	return asset == NULL ? NULL : asset->hash;
}
