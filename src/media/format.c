/*
 * format.c
 *	  What bytes are, by their first ones; headers.
 */
#include <string.h>

#include "media/decoder.h"

typedef struct Signature
{
	size_t		offset;
	size_t		length;
	const char *bytes;
	const char *name;
} Signature;

static bool
matches(const Signature *signature, const void *bytes, size_t size)
{
	return size >= signature->offset + signature->length &&
		memcmp((const char *) bytes + signature->offset, signature->bytes,
			   signature->length) == 0;
}

MediaFormat
media_format(const void *bytes, size_t size)
{
	static const Signature jpeg = {0, 3, "\xFF\xD8\xFF", "JPEG"};
	static const Signature png = {0, 8, "\x89PNG\r\n\x1A\n", "PNG"};

	if (matches(&jpeg, bytes, size))
		return MEDIA_JPEG;
	return matches(&png, bytes, size) ? MEDIA_PNG : MEDIA_UNKNOWN;
}

const char *
media_format_name(MediaFormat format)
{
	static const char *const names[] = {
		[MEDIA_UNKNOWN] = "unknown",
		[MEDIA_JPEG] = "JPEG",
		[MEDIA_PNG] = "PNG"
	};

	return names[format];
}

const char *
media_foreign_format(const void *bytes, size_t size)
{
	static const Signature foreign[] = {
		{0, 4, "GIF8", "GIF"},
		{8, 4, "WEBP", "WebP"},
		{4, 8, "ftypheic", "HEIC"},
		{4, 8, "ftypmif1", "HEIF"},
		{4, 8, "ftypavif", "AVIF"},
		{0, 4, "II*\0", "TIFF"},
		{0, 4, "MM\0*", "TIFF"},
		{0, 12, "\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"},
		{0, 2, "BM", "BMP"}
	};

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (matches(&foreign[i], bytes, size))
			return foreign[i].name;
	return NULL;
}

bool
media_info(const void *bytes, size_t size, MediaInfo *info, Status *status)
{
	const char *foreign;

	switch (media_format(bytes, size))
	{
		case MEDIA_JPEG:
			return decode_jpeg_header(bytes, size, info, status);
		case MEDIA_PNG:
			return decode_png_header(bytes, size, info, status);
		default:
			break;
	}
	foreign = media_foreign_format(bytes, size);
	status_fail(status, STATUS_BAD_BINARY, "picture is neither JPEG nor PNG");
	if (foreign == NULL)
		return status_detail(status, "It has %zu bytes.", size);
	return status_detail(status, "Its %zu bytes begin as those of a %s file do.",
						 size, foreign);
}

/* EXIF's orientations from 5 on lie on their side. */
int
media_shown_height(const MediaInfo *info)
{
	return info->orientation > 4 ? info->width : info->height;
}

int
media_shown_width(const MediaInfo *info)
{
	return info->orientation > 4 ? info->height : info->width;
}

/* ---- what both decoders need ---- */

bool
decoder_set_size(MediaInfo *info, uint32_t width, uint32_t height,
				 Status *status)
{
	if (width > MEDIA_MAX_SIDE || height > MEDIA_MAX_SIDE)
	{
		status_fail(status, STATUS_TOO_LARGE,
					"picture of %u x %u pixels is too large", width, height);
		return status_detail(status, "A side has at most %d pixels.",
							 MEDIA_MAX_SIDE);
	}
	info->width = (int) width;
	info->height = (int) height;
	return true;
}

/* In fixed point; the weights' sum is 65536, so that gray stays what it is. */
void
decoder_gray_row(const uint8_t *rgb, uint8_t *gray, int width)
{
	for (int x = 0; x < width; x++, rgb += 3)
		gray[x] = (uint8_t) ((19595u * rgb[0] + 38470u * rgb[1] +
							  7471u * rgb[2] + 32768u) >> 16);
}

bool
decoder_interrupted(Status *status)
{
	return status_fail(status, STATUS_UNAVAILABLE, "decoding was interrupted");
}
