/*
 * decoder_png.c
 *	  PNG files by libpng.
 *
 * The library reports errors by a call that must not return: here it jumps back
 * to guarded().  No code but the library's and this file's is between the two,
 * and what the library allocated is freed by png_destroy_read_struct().
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "base/interrupt.h"
#include "media/decoder.h"
#include "media/exif.h"

/* What the library takes for each column: rows of at most 64 bits a pixel */
#define BYTES_PER_COLUMN 48
#define INFLATE_MEMORY (256 * 1024)

typedef struct PngDecoder
{
	png_structp png;
	png_infop	head;
	jmp_buf		jump;
	const uint8_t *file;
	size_t		size;
	const uint8_t *bytes;		/* what comes next of it */
	size_t		left;			/* of them, not read yet */
	bool		starved;		/* the library did not get memory */
	int			pixel;			/* bytes of one as rows are read: gray, RGB or
								 * RGBA */
	const DecodeRequest *request;	/* NULL: only the header is wanted */
	MediaInfo  *info;
	Arena	   *arena;
	Status	   *status;
} PngDecoder;

/* ---- what the library calls ---- */

/* Leave the library with a failure that is recorded in the status. */
static void
__attribute__((noreturn))
leave(PngDecoder *decoder)
{
	longjmp(decoder->jump, 1);
}

/* The library's errors do not tell what is lacking from what is wrong. */
static png_voidp
on_allocate(png_structp png, png_alloc_size_t n)
{
	PngDecoder *decoder = png_get_mem_ptr(png);
	void	   *memory = malloc(n);

	if (memory == NULL)
		decoder->starved = true;
	return memory;
}

static void
on_free(png_structp png, png_voidp memory)
{
	free(memory);
}

static void
__attribute__((noreturn))
on_error(png_structp png, png_const_charp message)
{
	PngDecoder *decoder = png_get_error_ptr(png);

	if (decoder->starved)
	{
		status_out_of_memory(decoder->status, "while decoding a picture");
		leave(decoder);
	}
	status_fail(decoder->status, STATUS_BAD_BINARY,
				"PNG picture cannot be decoded");
	status_detail(decoder->status, "The decoder says: %s.", message);
	leave(decoder);
}

static void
on_warning(png_structp png, png_const_charp message)
{
}

static void
on_read(png_structp png, png_bytep out, size_t n)
{
	PngDecoder *decoder = png_get_io_ptr(png);

	if (n > decoder->left)
	{
		status_fail(decoder->status, STATUS_BAD_BINARY,
					"PNG picture ends early");
		status_detail(decoder->status,
					  "All of its %zu bytes were read, and more should follow.",
					  decoder->size);
		leave(decoder);
	}
	memcpy(out, decoder->bytes, n);
	decoder->bytes += n;
	decoder->left -= n;
}

/* ---- header ---- */

static bool
has_alpha(const PngDecoder *decoder)
{
	return (png_get_color_type(decoder->png,
							   decoder->head) & PNG_COLOR_MASK_ALPHA) != 0 ||
		png_get_valid(decoder->png, decoder->head, PNG_INFO_tRNS) != 0;
}

static bool
has_color(const PngDecoder *decoder)
{
	return (png_get_color_type(decoder->png,
							   decoder->head) & PNG_COLOR_MASK_COLOR) != 0;
}

static bool
is_interlaced(const PngDecoder *decoder)
{
	return png_get_interlace_type(decoder->png,
								  decoder->head) != PNG_INTERLACE_NONE;
}

/* A row in memory has room for what is read, and for the RGB it may become. */
static size_t
decoded_row_bytes(const PngDecoder *decoder)
{
	return (size_t) decoder->info->width * (decoder->pixel == 4 ? 4 : 3);
}

/* Interlaced files need the whole picture; sides bound the products. */
static size_t
png_memory(const PngDecoder *decoder)
{
	size_t		rows = is_interlaced(decoder) ?
	(size_t) decoder->info->height : 1;

	return INFLATE_MEMORY +
		(size_t) decoder->info->width * BYTES_PER_COLUMN +
		rows * decoded_row_bytes(decoder);
}

static uint32_t
big_endian_number(const uint8_t *bytes)
{
	return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 |
		(uint32_t) bytes[2] << 8 | bytes[3];
}

/*
 * A chunk is the length of its data, a type of four letters, the data, and a
 * sum.  The library hands eXIf out when it comes to it, which may be behind the
 * pixels; but rows are placed by the orientation as they come.
 */
static int
png_orientation(const uint8_t *bytes, size_t size)
{
	for (size_t at = 8; size - at >= 12;)
	{
		size_t		length = big_endian_number(bytes + at);

		if (length > size - at - 12)
			break;
		if (memcmp(bytes + at + 4, "eXIf", 4) == 0)
		{
			int			found = exif_orientation_png(bytes + at + 8, length);

			return found > 0 ? found : 1;
		}
		at += length + 12;
	}
	return 1;
}

static void
read_picture_header(PngDecoder *decoder)
{
	MediaInfo  *info = decoder->info;

	decoder->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, decoder,
											on_error, on_warning, decoder,
											on_allocate, on_free);
	if (decoder->png != NULL)
		decoder->head = png_create_info_struct(decoder->png);
	if (decoder->head == NULL)
	{
		status_out_of_memory(decoder->status, "while decoding a picture");
		leave(decoder);
	}
	png_set_read_fn(decoder->png, decoder, on_read);
	/* sides are checked below, where the failure can say what they are */
	png_set_user_limits(decoder->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
	/* nothing beside the picture: texts and profiles may be bombs */
	png_set_keep_unknown_chunks(decoder->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_read_info(decoder->png, decoder->head);
	if (!decoder_set_size(info, png_get_image_width(decoder->png, decoder->head),
						  png_get_image_height(decoder->png, decoder->head),
						  decoder->status))
		leave(decoder);
	info->format = MEDIA_PNG;
	info->channels = (has_color(decoder) ? 3 : 1) + has_alpha(decoder);
	info->bit_depth = png_get_bit_depth(decoder->png, decoder->head);
	info->orientation = png_orientation(decoder->file, decoder->size);
	decoder->pixel = has_alpha(decoder) ? 4 : has_color(decoder) ? 3 : 1;
	info->memory = png_memory(decoder);
}

/* ---- pixels ---- */

/* Whatever the file has becomes bytes of gray, RGB or RGBA. */
static void
set_transformations(PngDecoder *decoder)
{
	png_set_expand(decoder->png);
	png_set_scale_16(decoder->png);
	if (has_alpha(decoder))
		png_set_gray_to_rgb(decoder->png);
}

/* In place */
static void
put_over_background(uint8_t *row, int width, const uint8_t *background)
{
	for (int x = 0; x < width; x++)
	{
		const uint8_t *rgba = row + 4 * (size_t) x;
		int			alpha = rgba[3];
		uint8_t		rgb[3];

		for (int c = 0; c < 3; c++)
			rgb[c] = (uint8_t) ((rgba[c] * alpha +
								 background[c] * (255 - alpha) + 127) / 255);
		memcpy(row + 3 * (size_t) x, rgb, 3);
	}
}

/* In place, from the last pixel on: a row has room for the channels wanted. */
static void
gray_to_rgb(uint8_t *row, int width)
{
	for (int x = width - 1; x >= 0; x--)
		memset(row + 3 * (size_t) x, row[x], 3);
}

static void
hand_out(const PngDecoder *decoder, int y, uint8_t *row)
{
	const DecodeRequest *request = decoder->request;
	int			width = decoder->info->width;

	if (decoder->pixel == 4)
		put_over_background(row, width, request->background);
	if (decoder->pixel == 1 && request->channels == 3)
		gray_to_rgb(row, width);
	if (decoder->pixel > 1 && request->channels == 1)
		decoder_gray_row(row, row, width);
	request->row(request->state, y, row);
}

static uint8_t *
allocate_rows(PngDecoder *decoder, int rows)
{
	uint8_t    *out = arena_alloc_array(decoder->arena, (size_t) rows,
										decoded_row_bytes(decoder));

	if (out == NULL)
	{
		status_out_of_memory(decoder->status, "while decoding a picture");
		leave(decoder);
	}
	return out;
}

static void
read_png_row(PngDecoder *decoder, uint8_t *row)
{
	if (interrupt_pending())
	{
		decoder_interrupted(decoder->status);
		leave(decoder);
	}
	png_read_row(decoder->png, row, NULL);
}

static void
read_picture_rows(PngDecoder *decoder)
{
	int			height = decoder->info->height;
	size_t		stride = is_interlaced(decoder) ? decoded_row_bytes(decoder) : 0;
	int			passes;
	uint8_t    *rows;

	set_transformations(decoder);
	passes = png_set_interlace_handling(decoder->png);
	png_read_update_info(decoder->png, decoder->head);
	rows = allocate_rows(decoder, stride > 0 ? height : 1);
	/* each pass adds its pixels to the rows of those before */
	for (int pass = 1; pass < passes; pass++)
		for (int y = 0; y < height; y++)
			read_png_row(decoder, rows + stride * y);
	for (int y = 0; y < height; y++)
	{
		read_png_row(decoder, rows + stride * y);
		hand_out(decoder, y, rows + stride * y);
	}
	/* to the end of the file, which must be there */
	png_read_end(decoder->png, NULL);
}

/* ---- both ---- */

/* False if the library, or what it called, gave up: the status says why. */
static bool
guarded(PngDecoder *decoder)
{
	if (setjmp(decoder->jump) != 0)
		return false;
	read_picture_header(decoder);
	if (decoder->request != NULL)
		read_picture_rows(decoder);
	return true;
}

static bool
run_png(PngDecoder *decoder)
{
	bool		done = guarded(decoder);

	png_destroy_read_struct(&decoder->png, &decoder->head, NULL);
	return done;
}

bool
decode_png_header(const uint8_t *bytes, size_t size, MediaInfo *info, Status *status)
{
	PngDecoder	decoder = {
		.file = bytes,.size = size,.bytes = bytes,.left = size,.info = info,.status = status
	};

	return run_png(&decoder);
}

bool
decode_png(const uint8_t *bytes, size_t size, const DecodeRequest *request,
		   Arena *arena, Status *status)
{
	MediaInfo	info;
	PngDecoder	decoder = {
		.file = bytes,.size = size,.bytes = bytes,.left = size,.info = &info,.status = status,
		.request = request,.arena = arena
	};

	return run_png(&decoder);
}
