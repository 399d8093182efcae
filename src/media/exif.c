/*
 * exif.c
 *	  The orientation that a camera wrote beside a picture.
 *
 * EXIF 2.3: a TIFF file, whose first directory has the orientation among its
 * entries of 12 bytes: tag, type, count, value.  In JPEG files the six bytes
 * "Exif\0\0" stand before it, in PNG files nothing.
 */
#include "media/exif.h"

#include <stdbool.h>
#include <string.h>

#define ORIENTATION_TAG 0x0112
#define TYPE_SHORT 3
#define ENTRY_SIZE 12

typedef struct Tiff
{
	const uint8_t *data;
	size_t		size;
	bool		big_endian;
} Tiff;

/* n bytes at an offset; 0 where the data end before, which is of no meaning */
static uint32_t
tiff_number(const Tiff *tiff, size_t offset, int n)
{
	uint32_t	value = 0;

	if (offset > tiff->size || tiff->size - offset < (size_t) n)
		return 0;
	for (int i = 0; i < n; i++)
		value = value << 8 | tiff->data[offset + (tiff->big_endian ? i :
												  n - 1 - i)];
	return value;
}

int
exif_orientation_png(const uint8_t *data, size_t size)
{
	Tiff		tiff = {.data = data,.size = size};
	uint32_t	directory;
	uint32_t	entries;

	if (size < 8)
		return 0;
	tiff.big_endian = data[0] == 'M';
	if (tiff_number(&tiff, 2, 2) != 42)
		return 0;
	directory = tiff_number(&tiff, 4, 4);
	entries = tiff_number(&tiff, directory, 2);
	for (uint32_t i = 0; i < entries; i++)
	{
		size_t		entry = (size_t) directory + 2 + (size_t) i * ENTRY_SIZE;
		uint32_t	value = tiff_number(&tiff, entry + 8, 2);

		if (tiff_number(&tiff, entry, 2) == ORIENTATION_TAG &&
			tiff_number(&tiff, entry + 2, 2) == TYPE_SHORT)
			return value <= 8 ? (int) value : 0;
	}
	return 0;
}

int
exif_orientation_jpeg(const uint8_t *data, size_t size)
{
	if (size < 6 || memcmp(data, "Exif\0\0", 6) != 0)
		return 0;
	return exif_orientation_png(data + 6, size - 6);
}
