/*
 * media_case.h
 *	  Pictures under test: read as a model reads them, and compared.
 */
#ifndef MEDIA_CASE_H
#define MEDIA_CASE_H

#include "media/media.h"
#include "pictures.h"
#include "unit.h"

static Arena *arena;
static Status status;

static const MediaSpec plain = {.antialias = true,.background = {255, 255, 255}};

/* NULL if it fails; height and width 0: of the picture itself */
static const uint8_t *
read_as(File file, const MediaSpec *spec, int height, int width, int channels)
{
	MediaInfo	info;

	if (arena == NULL)
		arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	arena_reset(arena);
	status_clear(&status);
	if (!media_info(file.bytes, file.size, &info, &status))
		return NULL;
	return media_read(file.bytes, file.size, spec,
					  height > 0 ? height : media_shown_height(&info),
					  width > 0 ? width : media_shown_width(&info), channels,
					  arena, &status);
}

static const uint8_t *
read_file(File file, int channels)
{
	return read_as(file, &plain, 0, 0, channels);
}

static int
gray_of(int r, int g, int b)
{
	return (int) (0.299 * r + 0.587 * g + 0.114 * b + 0.5);
}

/* The largest difference of n bytes */
static int
difference(const uint8_t *a, const uint8_t *b, size_t n)
{
	int			most = 0;

	for (size_t i = 0; i < n; i++)
		if (abs(a[i] - b[i]) > most)
			most = abs(a[i] - b[i]);
	return most;
}

/* Smooth, and different in all corners and channels */
static void
paint(uint8_t *out, int width, int height, int channels)
{
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			for (int c = 0; c < channels; c++)
			{
				double		u = (double) x / width;
				double		v = (double) y / height;
				double		waves = 40 * sin(5 * u + 3 * v * (c + 1));

				*out++ = (uint8_t) (60 + 100 * u + 50 * v + waves * (1 - u));
			}
}

#endif							/* MEDIA_CASE_H */
