/*
 * fuzz_picture.c
 *	  Pictures: a byte that says how to resize, then the bytes of a file.  What
 *	  the header allows is decoded, within a budget; a picture of the wanted
 *	  size comes out, or a failure that says what is wrong.
 *
 * Checksums of PNG chunks are made right before, or no change would get far.
 */
#include "fuzz.h"
#include "media/media.h"

#define MOST_MEMORY ((size_t) 16 * 1024 * 1024)

static uint32_t
get_number(const uint8_t *bytes)
{
	return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 |
		(uint32_t) bytes[2] << 8 | bytes[3];
}

static uint32_t
crc32(const uint8_t *bytes, size_t n)
{
	uint32_t	crc = 0xFFFFFFFF;

	for (size_t i = 0; i < n; i++)
	{
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
	}
	return ~crc;
}

/* Length, type, contents, checksum of type and contents */
static void
mend_checksums(uint8_t *file, size_t size)
{
	for (size_t at = 8; size - at >= 12;)
	{
		size_t		length = get_number(file + at);
		uint32_t	crc;

		if (length > size - at - 12)
			break;
		crc = crc32(file + at + 4, length + 4);
		for (int i = 0; i < 4; i++)
			file[at + 8 + length + i] = (uint8_t) (crc >> (24 - 8 * i));
		at += length + 12;
	}
}

static void
set_spec(MediaSpec *spec, int how)
{
	media_spec_default(spec);
	spec->resize = (MediaResize) (how % 4);
	spec->interpolation = (MediaInterpolation) (how / 4 % 2);
	spec->antialias = how / 8 % 2 == 0;
}

static void
read_picture(const uint8_t *file, size_t size, int how)
{
	Arena	   *arena = arena_create(&arena_malloc_source, MOST_MEMORY);
	int			height = how / 16 % 2 == 0 ? 5 : 33;
	int			channels = how / 32 % 2 == 0 ? 3 : 1;
	volatile uint8_t sum = 0;
	uint8_t    *pixels;
	MediaSpec	spec;
	Status		status;

	status_clear(&status);
	set_spec(&spec, how);
	pixels = media_read(file, size, &spec, height, 7, channels, arena, &status);
	if (pixels == NULL)
		MUST(status.code != STATUS_SUCCESS && status.message[0] != '\0');
	for (int i = 0; pixels != NULL && i < height * 7 * channels; i++)
		sum += pixels[i];
	arena_destroy(arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t    *file;
	MediaInfo	info;
	Status		status;

	if (size < 1)
		return 0;
	status_clear(&status);
	file = malloc(size);
	memcpy(file, data + 1, size - 1);
	if (media_format(file, size - 1) == MEDIA_PNG)
		mend_checksums(file, size - 1);
	if (media_info(file, size - 1, &info, &status))
	{
		MUST(info.width > 0 && info.width <= MEDIA_MAX_SIDE);
		MUST(info.height > 0 && info.height <= MEDIA_MAX_SIDE);
		MUST(info.orientation >= 1 && info.orientation <= 8);
		MUST(media_format_name(info.format)[0] != '\0');
		if (info.memory <= MOST_MEMORY)
			read_picture(file, size - 1, data[0]);
	}
	else
		MUST(status.code != STATUS_SUCCESS && status.message[0] != '\0');
	free(file);
	return 0;
}
