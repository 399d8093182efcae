/*
 * data_uri.c
 *	  Images, as PNG, and encoded pictures inside a data: URI.
 *
 * Pixels are stored, not compressed (deflate's block type 0): that needs no
 * library, every browser reads it, and a 28 x 28 picture is 1.2 kB of text.
 */
#include <stdint.h>
#include <string.h>

#include "base/size.h"
#include "report/report.h"

/* ---- base64 ---- */

/* Three bytes at a time become four digits. */
typedef struct Base64
{
	ReportText *text;
	uint8_t		group[3];
	int			ngroup;
} Base64;

static const char base64_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
flush_group(Base64 *base64)
{
	const uint8_t *group = base64->group;
	uint32_t	bits = (uint32_t) group[0] << 16 | group[1] << 8 | group[2];
	char		out[4];

	for (int i = 0; i < 4; i++)
		out[i] = i <= base64->ngroup ?
			base64_digits[bits >> (18 - 6 * i) & 63] : '=';
	report_append_bytes(base64->text, out, 4);
	memset(base64->group, 0, 3);
	base64->ngroup = 0;
}

static void
put_digits(Base64 *base64, uint8_t byte)
{
	base64->group[base64->ngroup++] = byte;
	if (base64->ngroup == 3)
		flush_group(base64);
}

static void
end_digits(Base64 *base64)
{
	if (base64->ngroup > 0)
		flush_group(base64);
}

void
report_append_base64(ReportText *text, const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;
	Base64		base64 = {.text = text};

	for (size_t i = 0; i < n; i++)
		put_digits(&base64, byte[i]);
	end_digits(&base64);
}

/* ---- files ---- */

static const char before_type[] = "data:";
static const char after_type[] = ";base64,";

size_t
report_file_size(const ReportFile *file)
{
	size_t		head = strlen(file->type) + sizeof(before_type) +
	sizeof(after_type) - 2;
	size_t		size;

	if (!size_mul(file->size / 3 + (file->size % 3 != 0), 4, &size) ||
		!size_add(size, head, &size))
		return SIZE_MAX;
	return size;
}

void
report_append_file(ReportText *text, const ReportFile *file)
{
	report_append(text, before_type);
	report_append(text, file->type);
	report_append(text, after_type);
	report_append_base64(text, file->bytes, file->size);
}

/* ---- PNG ---- */

#define STORED_MAX 65535		/* bytes of one stored block */

/* A stream of bytes that is written as base64 with running checksums. */
typedef struct PngWriter
{
	Base64		base64;
	uint32_t	crc;			/* of the chunk */
	uint32_t	adler_low;		/* of the image data */
	uint32_t	adler_high;
} PngWriter;

static void
put_byte(PngWriter *png, uint8_t byte)
{
	png->crc ^= byte;
	for (int bit = 0; bit < 8; bit++)
		png->crc = png->crc >> 1 ^ (png->crc & 1 ? 0xEDB88320 : 0);
	put_digits(&png->base64, byte);
}

static void
put_uint32(PngWriter *png, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put_byte(png, (uint8_t) (value >> shift));
}

/* A byte of the image data, which the second checksum covers too. */
static void
put_data(PngWriter *png, uint8_t byte)
{
	put_byte(png, byte);
	png->adler_low = (png->adler_low + byte) % 65521;
	png->adler_high = (png->adler_high + png->adler_low) % 65521;
}

static void
begin_chunk(PngWriter *png, const char *type, uint32_t length)
{
	put_uint32(png, length);
	png->crc = 0xFFFFFFFF;
	for (int i = 0; i < 4; i++)
		put_byte(png, (uint8_t) type[i]);
}

static void
end_chunk(PngWriter *png)
{
	put_uint32(png, png->crc ^ 0xFFFFFFFF);
}

static void
put_header(PngWriter *png, const ReportImage *image)
{
	static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

	for (int i = 0; i < 8; i++)
		put_byte(png, signature[i]);
	begin_chunk(png, "IHDR", 13);
	put_uint32(png, image->width);
	put_uint32(png, image->height);
	put_byte(png, 8);			/* bits a channel */
	put_byte(png, image->channels == 3 ? 2 : 0);	/* RGB or gray */
	put_byte(png, 0);			/* compression: deflate */
	put_byte(png, 0);			/* filter: one byte before each row says */
	put_byte(png, 0);			/* interlace: none */
	end_chunk(png);
}

/* The i-th byte of the data: each row is preceded by its filter, 0 = none. */
static uint8_t
data_byte(const ReportImage *image, size_t row_size, size_t i)
{
	size_t		row = i / (row_size + 1);
	size_t		column = i % (row_size + 1);

	return column == 0 ? 0 : image->pixels[row * row_size + column - 1];
}

/* Each row and its filter */
static size_t
data_size(const ReportImage *image)
{
	return ((size_t) image->width * image->channels + 1) * image->height;
}

/* zlib's header, 5 bytes before each block, the data, the checksum */
static size_t
stream_size(size_t size)
{
	return 2 + 5 * ((size + STORED_MAX - 1) / STORED_MAX) + size + 4;
}

static void
put_pixels(PngWriter *png, const ReportImage *image)
{
	size_t		row_size = (size_t) image->width * image->channels;
	size_t		size = data_size(image);

	begin_chunk(png, "IDAT", (uint32_t) stream_size(size));
	put_byte(png, 0x78);
	put_byte(png, 0x01);
	for (size_t start = 0; start < size; start += STORED_MAX)
	{
		size_t		n = size - start < STORED_MAX ? size - start : STORED_MAX;

		put_byte(png, start + n == size);
		put_byte(png, n & 0xFF);
		put_byte(png, n >> 8);
		put_byte(png, ~n & 0xFF);
		put_byte(png, ~n >> 8 & 0xFF);
		for (size_t i = start; i < start + n; i++)
			put_data(png, data_byte(image, row_size, i));
	}
	put_uint32(png, png->adler_high << 16 | png->adler_low);
	end_chunk(png);
}

static const char png_type[] = "image/png";

/* The signature, and three chunks with 12 bytes each beside what they hold */
size_t
report_png_size(const ReportImage *image)
{
	ReportFile	file = {
		.type = png_type,
		.size = 8 + 3 * 12 + 13 + stream_size(data_size(image))
	};

	return report_file_size(&file);
}

void
report_append_png(ReportText *text, const ReportImage *image)
{
	PngWriter	png = {.base64.text = text,.adler_low = 1};

	report_append(text, before_type);
	report_append(text, png_type);
	report_append(text, after_type);
	put_header(&png, image);
	put_pixels(&png, image);
	begin_chunk(&png, "IEND", 0);
	end_chunk(&png);
	end_digits(&png.base64);
}
