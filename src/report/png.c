/*
 * png.c
 *	  Images as PNG inside a data: URI.
 *
 * Pixels are stored, not compressed (deflate's block type 0): that needs no
 * library, every browser reads it, and a 28 x 28 picture is 1.2 kB of text.
 */
#include "report/report.h"

#define STORED_MAX 65535		/* bytes of one stored block */

/* A stream of bytes that is written as base64 with running checksums. */
typedef struct PngWriter
{
	ReportText *text;
	uint32_t	crc;			/* of the chunk */
	uint32_t	adler_low;		/* of the image data */
	uint32_t	adler_high;
	uint8_t		group[3];		/* base64 takes three bytes at a time */
	int			ngroup;
} PngWriter;

static const char base64_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
flush_group(PngWriter *png)
{
	uint32_t	bits = (uint32_t) png->group[0] << 16 | png->group[1] << 8 | png->group[2];
	char		out[4];

	for (int i = 0; i < 4; i++)
		out[i] = i <= png->ngroup ? base64_digits[bits >> (18 - 6 * i) & 63] :
			'=';
	report_append_bytes(png->text, out, 4);
	png->group[0] = png->group[1] = png->group[2] = 0;
	png->ngroup = 0;
}

static void
put_byte(PngWriter *png, uint8_t byte)
{
	png->crc ^= byte;
	for (int bit = 0; bit < 8; bit++)
		png->crc = png->crc >> 1 ^ (png->crc & 1 ? 0xEDB88320 : 0);
	png->group[png->ngroup++] = byte;
	if (png->ngroup == 3)
		flush_group(png);
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

static const char uri_scheme[] = "data:image/png;base64,";

/* The signature, and three chunks with 12 bytes each beside what they hold */
size_t
report_png_size(const ReportImage *image)
{
	size_t		bytes = 8 + 3 * 12 + 13 + stream_size(data_size(image));

	return sizeof(uri_scheme) - 1 + (bytes + 2) / 3 * 4;
}

void
report_append_png(ReportText *text, const ReportImage *image)
{
	PngWriter	png = {.text = text,.adler_low = 1};

	report_append(text, uri_scheme);
	put_header(&png, image);
	put_pixels(&png, image);
	begin_chunk(&png, "IEND", 0);
	end_chunk(&png);
	if (png.ngroup > 0)
		flush_group(&png);
}
