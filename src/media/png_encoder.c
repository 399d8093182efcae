/*
 * png_encoder.c
 *	  PNG files by libpng's simplified interface, which returns its errors.
 */
#include <string.h>

#include <png.h>

#include "media/media.h"

static void
describe_png(png_image * image, int height, int width, int channels)
{
	memset(image, 0, sizeof(*image));
	image->version = PNG_IMAGE_VERSION;
	image->height = (png_uint_32) height;
	image->width = (png_uint_32) width;
	image->format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
}

size_t
media_png_bound(int height, int width, int channels)
{
	png_image	image;

	describe_png(&image, height, width, channels);
	return PNG_IMAGE_PNG_SIZE_MAX(image);
}

uint8_t *
media_write_png(const uint8_t *pixels, int height, int width, int channels,
				Arena *arena, size_t *size, Status *status)
{
	png_image	image;
	png_alloc_size_t written = media_png_bound(height, width, channels);
	uint8_t    *file = arena_alloc(arena, written);

	if (file == NULL)
	{
		status_out_of_memory(status, "while a picture was written");
		return NULL;
	}
	describe_png(&image, height, width, channels);
	if (!png_image_write_to_memory(&image, file, &written, 0, pixels, 0, NULL))
	{
		status_fail(status, STATUS_UNAVAILABLE, "PNG picture cannot be written");
		status_detail(status, "The encoder says: %s.", image.message);
		return NULL;
	}
	*size = written;
	return file;
}
