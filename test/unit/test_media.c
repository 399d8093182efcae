/*
 * test_media.c
 *	  Decoding and turning of src/media, and what is wrong with files.
 */
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/random.h"
#include "media_case.h"

/* ---- what bytes are ---- */

static void
test_formats(void)
{
	MediaInfo	info;

	CHECK(media_format("\xFF\xD8\xFF\xE0", 4) == MEDIA_JPEG);
	CHECK(media_format("\xFF\xD8", 2) == MEDIA_UNKNOWN);
	CHECK(media_format("\x89PNG\r\n\x1A\n", 8) == MEDIA_PNG);
	CHECK(media_format("\x89PNG\r\n\x1A\n", 7) == MEDIA_UNKNOWN);
	CHECK(media_format("", 0) == MEDIA_UNKNOWN);
	CHECK_TEXT(media_foreign_format("GIF89a", 6), "GIF");
	CHECK_TEXT(media_foreign_format("RIFF\1\2\3\4WEBPVP8 ", 16), "WebP");
	CHECK_TEXT(media_foreign_format("\0\0\0\x18" "ftypheic", 12), "HEIC");
	CHECK(media_foreign_format("\0\0\0\0", 4) == NULL);

	CHECK(!media_info("GIF89a", 6, &info, &status));
	CHECK(status.code == STATUS_BAD_BINARY);
	CHECK_TEXT(status.message, "picture is neither JPEG nor PNG");
	CHECK_TEXT(status.detail, "Its 6 bytes begin as those of a GIF file do.");
}

static void
check_info(File file, int width, int height, int channels, int depth)
{
	MediaInfo	info;

	CHECK(media_info(file.bytes, file.size, &info, &status));
	CHECK(info.width == width && info.height == height);
	CHECK(info.channels == channels && info.bit_depth == depth);
	CHECK(info.orientation == 1);
}

/* ---- JPEG ---- */

#define SIDE 40

/* Four inks of RGB: all the black that there can be is in the fourth. */
static void
to_cmyk(const uint8_t *rgb, uint8_t *cmyk, int n, bool inverted)
{
	for (int i = 0; i < n; i++, rgb += 3, cmyk += 4)
	{
		int			white = rgb[0] > rgb[1] ? rgb[0] : rgb[1];

		white = white > rgb[2] ? white : rgb[2];
		for (int c = 0; c < 3; c++)
			cmyk[c] = (uint8_t) (white == 0 ? 255 :
								 (rgb[c] * 255 + white / 2) / white);
		cmyk[3] = (uint8_t) white;
		for (int c = 0; !inverted && c < 4; c++)
			cmyk[c] = 255 - cmyk[c];
	}
}

static void
check_jpeg(const uint8_t *pixels, const JpegOptions *options,
		   const uint8_t *rgb, int stored_channels, int tolerance)
{
	File		file = jpeg_file(pixels, SIDE, SIDE - 3, options);
	const uint8_t *got;
	int			n = SIDE * (SIDE - 3);

	check_info(file, SIDE, SIDE - 3, stored_channels, 8);
	got = read_file(file, 3);
	CHECK(got != NULL && difference(got, rgb, 3 * (size_t) n) <= tolerance);
	got = read_file(file, 1);
	CHECK(got != NULL);
	for (int i = 0; got != NULL && i < n; i++)
		if (abs(got[i] - gray_of(rgb[3 * i], rgb[3 * i + 1],
								 rgb[3 * i + 2])) > tolerance)
		{
			CHECK(!"gray is that of the colors");
			break;
		}
	free(file.bytes);
}

static void
test_jpeg_colors(void)
{
	static uint8_t rgb[3 * SIDE * SIDE];
	static uint8_t gray[SIDE * SIDE];
	static uint8_t gray_rgb[3 * SIDE * SIDE];
	static uint8_t cmyk[4 * SIDE * SIDE];

	paint(rgb, SIDE, SIDE, 3);
	for (int i = 0; i < SIDE * SIDE; i++)
	{
		gray[i] = rgb[3 * i];
		memset(gray_rgb + 3 * i, gray[i], 3);
	}
	for (int progressive = 0; progressive < 2; progressive++)
		for (int restart = 0; restart < 2; restart++)
		{
			JpegOptions options = {
				.samples = JCS_GRAYSCALE,.stored = JCS_GRAYSCALE,
				.progressive = progressive,.restart = restart,.quality = 98
			};

			check_jpeg(gray, &options, gray_rgb, 1, 4);
			options.samples = JCS_RGB;
			options.stored = JCS_YCbCr;
			check_jpeg(rgb, &options, rgb, 3, 6);
			options.subsampled = true;
			check_jpeg(rgb, &options, rgb, 3, 12);
			options.stored = JCS_RGB;
			check_jpeg(rgb, &options, rgb, 3, 6);
			/* with Adobe's marker, which the library writes: inverted inks */
			options.samples = JCS_CMYK;
			options.stored = JCS_CMYK;
			options.subsampled = false;
			to_cmyk(rgb, cmyk, SIDE * SIDE, true);
			check_jpeg(cmyk, &options, rgb, 4, 8);
			options.stored = JCS_YCCK;
			check_jpeg(cmyk, &options, rgb, 4, 10);
		}
}

/* The same file without the marker says what the inks are. */
static void
test_jpeg_ink(void)
{
	static uint8_t rgb[3 * SIDE * SIDE];
	static uint8_t cmyk[4 * SIDE * SIDE];
	JpegOptions options = {
		.samples = JCS_CMYK,.stored = JCS_CMYK,.quality = 98
	};
	const uint8_t *got;
	uint8_t    *marker;
	File		file;

	paint(rgb, SIDE, SIDE, 3);
	to_cmyk(rgb, cmyk, SIDE * SIDE, false);
	file = jpeg_file(cmyk, SIDE, SIDE, &options);
	marker = memmem(file.bytes, file.size, "Adobe", 5);
	CHECK(marker != NULL);
	if (marker != NULL)
		memcpy(marker, "Nobody", 5);
	got = read_file(file, 3);
	CHECK(got != NULL && difference(got, rgb, sizeof(rgb)) <= 8);
	free(file.bytes);
}

/* The picture in a file of the format that has the orientation */
static File
oriented_file(MediaFormat format, const uint8_t *rgb, int width, int height, int o)
{
	JpegOptions jpeg = {
		.samples = JCS_RGB,.stored = JCS_YCbCr,.quality = 95,
		.orientation = o,.big_endian = o % 2
	};
	PngOptions	png = {
		.color_type = PNG_COLOR_TYPE_RGB,.depth = 8,
		.orientation = o,.orientation_last = o % 2,.interlaced = o > 4
	};

	return format == MEDIA_JPEG ? jpeg_file(rgb, width, height, &jpeg) :
		png_file(rgb, width, height, 3 * (size_t) width, &png);
}

static void
check_orientations(MediaFormat format)
{
	static uint8_t rgb[3 * SIDE * SIDE];
	uint8_t		upright[3 * SIDE * SIDE];
	const int	width = 31;
	const int	height = 18;

	paint(rgb, width, height, 3);
	for (int o = 0; o <= 9; o++)
	{
		const uint8_t *got;
		MediaInfo	info;
		File		file;

		file = oriented_file(format, rgb, width, height, o);
		CHECK(media_info(file.bytes, file.size, &info, &status));
		CHECK(info.orientation == (o < 1 || o > 8 ? 1 : o));
		CHECK(info.width == width && info.height == height);
		CHECK(media_shown_width(&info) ==
			  (o > 4 && o < 9 ? height : width));
		got = read_file(file, 3);
		CHECK(got != NULL);
		if (o == 0)
			memcpy(upright, got, 3 * (size_t) width * height);
		/* where EXIF 2.3 says the first row and column are seen */
		for (int y = 0; y < height; y++)
			for (int x = 0; x < width; x++)
			{
				int			flip_x = width - 1 - x;
				int			flip_y = height - 1 - y;
				const int	seen[9][3] = {	/* column, row, width */
					{x, y, width}, {x, y, width}, {flip_x, y, width},
					{flip_x, flip_y, width}, {x, flip_y, width}, {y, x, height},
					{flip_y, x, height}, {flip_y, flip_x, height},
					{y, flip_x, height}
				};
				const int  *at = seen[o > 8 ? 0 : o];

				if (memcmp(got + 3 * (at[1] * at[2] + at[0]),
						   upright + 3 * (y * width + x), 3) != 0)
				{
					CHECK(!"the pixel is where the orientation says");
					x = y = SIDE;
				}
			}
		free(file.bytes);
	}
}

static void
test_orientation(void)
{
	check_orientations(MEDIA_JPEG);
	check_orientations(MEDIA_PNG);
}

/* ---- PNG ---- */

static uint32_t
get_sample(const uint8_t *row, int i, int depth)
{
	if (depth == 16)
		return (uint32_t) (row[2 * i] << 8 | row[2 * i + 1]);
	if (depth == 8)
		return row[i];
	return row[i * depth / 8] >> (8 - depth - i * depth % 8) &
		((1u << depth) - 1);
}

static void
set_sample(uint8_t *row, int i, int depth, uint32_t value)
{
	if (depth == 16)
	{
		row[2 * i] = (uint8_t) (value >> 8);
		row[2 * i + 1] = (uint8_t) value;
	}
	else
		row[i * depth / 8] |= (uint8_t) (value << (8 - depth - i * depth % 8));
}

/* A sample as a byte, as the PNG specification scales it */
static int
byte_of(uint32_t sample, int depth)
{
	uint32_t	most = (1u << depth) - 1;

	return (int) ((sample * 255.0) / most + 0.5);
}

static const uint8_t background[3] = {200, 100, 50};

static int
over(int sample, int alpha, int below)
{
	return (sample * alpha + below * (255 - alpha) + 127) / 255;
}

#define PNG_WIDTH 19
#define PNG_HEIGHT 13

/* What a pixel must be, by the file's samples */
static void
expected_pixel(const PngOptions *options, const uint8_t *row, int x,
			   uint8_t *rgb)
{
	int			type = options->color_type;
	int			depth = options->depth;
	int			channels = type == PNG_COLOR_TYPE_PALETTE ||
	type == PNG_COLOR_TYPE_GRAY ? 1 : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2 :
	type == PNG_COLOR_TYPE_RGB ? 3 : 4;
	uint32_t	sample[4];
	int			alpha = 255;

	for (int c = 0; c < channels; c++)
		sample[c] = get_sample(row, x * channels + c, depth);
	if (type == PNG_COLOR_TYPE_PALETTE)
	{
		const		png_color *color = &options->palette[sample[0]];

		rgb[0] = color->red;
		rgb[1] = color->green;
		rgb[2] = color->blue;
		if (options->palette_alpha != NULL &&
			sample[0] < (uint32_t) options->alphas)
			alpha = options->palette_alpha[sample[0]];
	}
	else
		for (int c = 0; c < 3; c++)
			rgb[c] = (uint8_t) byte_of(sample[channels > 2 ? c : 0], depth);
	if (channels % 2 == 0)
		alpha = byte_of(sample[channels - 1], depth);
	if (options->transparent != NULL &&
		(channels == 1 ? sample[0] == options->transparent->gray :
		 sample[0] == options->transparent->red &&
		 sample[1] == options->transparent->green &&
		 sample[2] == options->transparent->blue))
		alpha = 0;
	for (int c = 0; c < 3; c++)
		rgb[c] = (uint8_t) over(rgb[c], alpha, background[c]);
}

static void
check_png(const PngOptions *options, int channels, int info_channels)
{
	MediaSpec	spec = plain;
	uint8_t		rows[PNG_HEIGHT][PNG_WIDTH * 8] = {{0}};
	uint8_t		expected[3 * PNG_WIDTH * PNG_HEIGHT];
	const uint8_t *got;
	File		file;

	memcpy(spec.background, background, 3);
	for (int y = 0; y < PNG_HEIGHT; y++)
		for (int i = 0; i < PNG_WIDTH * channels; i++)
		{
			uint32_t	most = (1u << options->depth) - 1;
			uint32_t	sample = random_hash(&i, sizeof(i), y) & most;

			if (options->palette != NULL)
				sample %= options->colors;
			/* the transparent one must come */
			if (options->transparent != NULL && i < 3)
				sample = channels == 1 || i == 0 ? options->transparent->red :
					i == 1 ? options->transparent->green :
					options->transparent->blue;
			set_sample(rows[y], i, options->depth, sample);
		}
	for (int i = 0; i < PNG_WIDTH * PNG_HEIGHT; i++)
		expected_pixel(options, rows[i / PNG_WIDTH], i % PNG_WIDTH,
					   expected + 3 * i);
	file = png_file(rows[0], PNG_WIDTH, PNG_HEIGHT, sizeof(rows[0]), options);
	check_info(file, PNG_WIDTH, PNG_HEIGHT, info_channels, options->depth);
	got = read_as(file, &spec, 0, 0, 3);
	/* 16 bits are rounded once more where they are transparent */
	CHECK(got != NULL && difference(got, expected, sizeof(expected)) <=
		  (options->depth == 16));
	got = read_as(file, &spec, 0, 0, 1);
	CHECK(got != NULL);
	for (int i = 0; got != NULL && i < PNG_WIDTH * PNG_HEIGHT; i++)
		if (abs(got[i] - gray_of(expected[3 * i], expected[3 * i + 1],
								 expected[3 * i + 2])) > 1)
		{
			CHECK(!"gray is that of the colors");
			break;
		}
	free(file.bytes);
}

static void
test_png_types(void)
{
	static const struct
	{
		int			type;
		int			channels;
		int			first_depth;	/* and its doubles up to the last */
		int			last_depth;
	}			types[] = {
		{PNG_COLOR_TYPE_GRAY, 1, 1, 16},
		{PNG_COLOR_TYPE_GRAY_ALPHA, 2, 8, 16},
		{PNG_COLOR_TYPE_RGB, 3, 8, 16},
		{PNG_COLOR_TYPE_RGB_ALPHA, 4, 8, 16}
	};

	for (int t = 0; t < 4; t++)
		for (int depth = types[t].first_depth; depth <= types[t].last_depth;
			 depth *= 2)
			for (int interlaced = 0; interlaced < 2; interlaced++)
			{
				uint16_t	most = (uint16_t) ((1u << depth) - 1);
				png_color_16 color = {0, most, most / 2, most / 3, most};
				PngOptions	options = {
					.color_type = types[t].type,.depth = depth,
					.interlaced = interlaced
				};

				check_png(&options, types[t].channels, types[t].channels);
				options.transparent = &color;
				if (types[t].channels % 2 == 1)
					check_png(&options, types[t].channels,
							  types[t].channels + 1);
			}
}

static void
test_png_palettes(void)
{
	png_color	palette[256];
	uint8_t		alpha[256];

	for (int i = 0; i < 256; i++)
	{
		palette[i] = (png_color)
		{
			(png_byte) (i * 7), (png_byte) (255 - i), (png_byte) (i * 31)
		};
		alpha[i] = (uint8_t) (i * 11);
	}
	for (int depth = 1; depth <= 8; depth *= 2)
		for (int interlaced = 0; interlaced < 2; interlaced++)
		{
			PngOptions	options = {
				.color_type = PNG_COLOR_TYPE_PALETTE,.depth = depth,
				.interlaced = interlaced,.palette = palette,
				.colors = depth == 8 ? 200 : 1 << depth
			};

			check_png(&options, 1, 3);
			options.palette_alpha = alpha;
			options.alphas = options.colors - 1;
			check_png(&options, 1, 4);
		}
}

/* ---- what is wrong ---- */

/* A few small files of each kind */
static File
some_file(int i)
{
	static uint8_t rgb[3 * SIDE * SIDE];
	JpegOptions options = {
		.samples = JCS_RGB,.stored = JCS_YCbCr,.quality = 80,
		.progressive = i == 1,.restart = i == 2,.orientation = i == 2 ? 6 : 0
	};
	PngOptions	png = {
		.color_type = PNG_COLOR_TYPE_RGB,.depth = 8,.interlaced = i == 4
	};

	paint(rgb, SIDE, SIDE, 3);
	return i < 3 ? jpeg_file(rgb, SIDE, SIDE, &options) :
		png_file(rgb, SIDE, SIDE, 3 * SIDE, &png);
}

#define SOME_FILES 5

static void
test_truncated(void)
{
	for (int i = 0; i < SOME_FILES; i++)
	{
		File		file = some_file(i);

		CHECK(read_file(file, 3) != NULL);
		for (size_t size = 0; size < file.size; size++)
		{
			/* of its own, so that a sanitizer sees what is read beyond it */
			File		part = {malloc(size > 0 ? size : 1), size};

			memcpy(part.bytes, file.bytes, size);
			if (read_as(part, &plain, 8, 8, 3) != NULL ||
				status.code != STATUS_BAD_BINARY || status.message[0] == '\0')
			{
				CHECK(!"a file that ends early is refused");
				size = file.size;
			}
			free(part.bytes);
		}
		free(file.bytes);
	}
}

/* Whatever changes, the answer is a picture or what is wrong. */
static void
test_damaged(void)
{
	for (int i = 0; i < SOME_FILES; i++)
	{
		File		file = some_file(i);
		int			refused = 0;

		for (size_t at = 0; at < file.size; at++)
		{
			uint8_t		saved = file.bytes[at];

			file.bytes[at] ^= (uint8_t) (1 + random_hash(&at, sizeof(at), i) % 255);
			if (read_as(file, &plain, 8, 8, 3) == NULL)
			{
				refused++;
				CHECK(status.code == STATUS_BAD_BINARY ||
					  status.code == STATUS_TOO_LARGE);
				CHECK(status.message[0] != '\0');
			}
			file.bytes[at] = saved;
		}

		/*
		 * Every byte of a PNG is under a checksum or a signature; newer
		 * libpng lets the checksum of its empty last chunk be.
		 */
		CHECK(i < 3 ? refused > 100 : refused >= (int) file.size - 4);
		free(file.bytes);
	}
}

static void
test_garbage(void)
{
	static const char *const bytes[] = {
		"\xFF\xD8\xFF", "\xFF\xD8\xFF\xD9", "\xFF\xD8\xFF\xDA\0\x08\1\1\0\0?\0",
		"\x89PNG\r\n\x1A\n", "\x89PNG\r\n\x1A\n\0\0\0\rIHDR"
	};
	static const size_t sizes[] = {3, 4, 12, 8, 16};

	for (int i = 0; i < 5; i++)
	{
		File		file = {(uint8_t *) bytes[i], sizes[i]};

		CHECK(read_file(file, 3) == NULL);
		CHECK(status.code == STATUS_BAD_BINARY);
	}
}

static void
set_png_size(File file, uint32_t width, uint32_t height)
{
	uint32_t	crc;

	put_number(file.bytes + 16, width, 4, true);
	put_number(file.bytes + 20, height, 4, true);
	/* the checksum of the header's type and contents, bit by bit */
	crc = 0xFFFFFFFF;
	for (int i = 12; i < 29; i++)
	{
		crc ^= file.bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
	}
	put_number(file.bytes + 29, ~crc, 4, true);
}

/* The header tells what a picture takes before anything is allocated. */
static void
test_sizes(void)
{
	MediaInfo	info;
	File		file = some_file(4);

	set_png_size(file, MEDIA_MAX_SIDE + 1, 1);
	CHECK(!media_info(file.bytes, file.size, &info, &status));
	CHECK(status.code == STATUS_TOO_LARGE);
	CHECK_TEXT(status.message, "picture of 65501 x 1 pixels is too large");
	set_png_size(file, 0x7FFFFFFF, 0x7FFFFFFF);
	CHECK(!media_info(file.bytes, file.size, &info, &status));
	CHECK(status.code == STATUS_TOO_LARGE);
	/* interlaced: all of it at once */
	set_png_size(file, 60000, 50000);
	CHECK(media_info(file.bytes, file.size, &info, &status));
	CHECK(info.memory > (size_t) 3 * 60000 * 50000);
	CHECK(info.memory < (size_t) 4 * 60000 * 50000);
	free(file.bytes);
	/* a row at a time */
	file = some_file(3);
	set_png_size(file, 60000, 50000);
	CHECK(media_info(file.bytes, file.size, &info, &status));
	CHECK(info.memory < (size_t) 100 * 60000);
	free(file.bytes);
}

static void
test_memory(void)
{
	for (int i = 0; i < SOME_FILES; i++)
	{
		File		file = some_file(i);
		MediaInfo	info;
		Arena	   *small;
		bool		done = false;

		CHECK(media_info(file.bytes, file.size, &info, &status));
		small = arena_create(&arena_malloc_source,
							 media_memory(&info, 30, 20, 3));
		CHECK(media_read(file.bytes, file.size, &plain, 30, 20, 3, small,
						 &status) != NULL);
		arena_destroy(small);
		for (int n = 1; !done && n < 1000; n++)
		{
			small = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
			arena_fail_at(small, n);
			done = media_read(file.bytes, file.size, &plain, 30, 20, 3, small,
							  &status) != NULL;
			CHECK(done || status.code == STATUS_OUT_OF_MEMORY);
			arena_destroy(small);
		}
		CHECK(done);
		free(file.bytes);
	}
}

#ifndef __SANITIZE_ADDRESS__
/*
 * The code of a reading for which malloc() has so many bytes left, in a process
 * of its own that has used up all others
 */
static int
starved_code(File file, size_t left)
{
	int			code = -1;
	pid_t		child = fork();

	if (child == 0)
	{
		struct rlimit none = {0, 0};
		void	   *(*volatile get) (size_t) = malloc;	/* not optimized away */
		void	   *rest;

		mallopt(M_MMAP_THRESHOLD, 32 << 20);
		mallopt(M_TRIM_THRESHOLD, -1);
		rest = get(left);
		setrlimit(RLIMIT_AS, &none);
		for (size_t n = 4 << 20; n > 0; n /= 2)
			while (get(n) != NULL)
				;
		free(rest);
		_exit(read_as(file, &plain, 30, 20, 3) != NULL ? 0 : status.code);
	}
	waitpid(child, &code, 0);
	return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}
#endif

/* That memory is lacking is not taken for damage of the file. */
static void
test_starved(void)
{
#ifndef __SANITIZE_ADDRESS__
	for (int i = 0; i < SOME_FILES; i++)
	{
		File		file = some_file(i);
		int			code = STATUS_OUT_OF_MEMORY;

		for (size_t left = 2048; left < 1 << 20; left += left / 4)
		{
			code = starved_code(file, left);
			CHECK(code == 0 || code == STATUS_OUT_OF_MEMORY);
		}
		CHECK(code == 0);
		free(file.bytes);
	}
#endif
}

static void
test_interrupt(void)
{
	static const volatile sig_atomic_t pending = 1;
	static const volatile sig_atomic_t quiet = 0;

	for (int i = 0; i < SOME_FILES; i++)
	{
		File		file = some_file(i);

		interrupt_watch(&pending, &quiet);
		CHECK(read_file(file, 3) == NULL);
		interrupt_watch(&quiet, &quiet);
		CHECK(read_file(file, 3) != NULL);
		free(file.bytes);
	}
}

/* ---- the spec ---- */

static void
test_spec(void)
{
	MediaSpec	spec;
	Params		params;
	double		color[] = {1, 2, 3};

	media_spec_default(&spec);
	CHECK(spec.resize == MEDIA_STRETCH && spec.antialias);
	CHECK(spec.interpolation == MEDIA_BILINEAR);
	CHECK(spec.background[0] == 255 && spec.background[2] == 255);

	params_init(&params, "image", media_params);
	CHECK(params_set_text(&params, "resize", "center_crop", &status));
	CHECK(params_set_text(&params, "interpolation", "nearest", &status));
	CHECK(params_set_boolean(&params, "antialias", false, &status));
	CHECK(params_set_list(&params, "background", color, 3, &status));
	CHECK(media_spec_read(&spec, &params, &status));
	CHECK(spec.resize == MEDIA_CENTER_CROP && !spec.antialias);
	CHECK(spec.interpolation == MEDIA_NEAREST);
	CHECK(spec.background[0] == 1 && spec.background[2] == 3);

	CHECK(params_set_list(&params, "background", color, 2, &status));
	CHECK(!media_spec_read(&spec, &params, &status));
	CHECK_TEXT(status.message,
			   "parameter \"background\" of image must have 1 or 3 numbers, not 2");
	CHECK(params_set_number(&params, "background", 7, &status));
	CHECK(media_spec_read(&spec, &params, &status));
	CHECK(spec.background[0] == 7 && spec.background[2] == 7);
}

/* What is written is what is read, in fewer bytes than the bound. */
static void
test_png_written(void)
{
	static const int sides[][2] = {{1, 1}, {7, 300}, {64, 48}};
	static uint8_t pixels[300 * 64 * 3];
	Arena	   *own = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);

	for (int channels = 1; channels <= 3; channels += 2)
		for (int i = 0; i < 3; i++)
		{
			int			height = sides[i][0];
			int			width = sides[i][1];
			File		file;
			const uint8_t *got;

			paint(pixels, width, height, channels);
			file.bytes = media_write_png(pixels, height, width, channels, own,
										 &file.size, &status);
			CHECK(file.bytes != NULL);
			CHECK(file.size <= media_png_bound(height, width, channels));
			got = read_file(file, channels);
			CHECK(got != NULL);
			CHECK(memcmp(got, pixels, (size_t) height * width * channels) == 0);
		}
	arena_destroy(own);
}

/* JPEG files that are written look like the picture, and need less than it. */
static void
test_jpeg_written(void)
{
	Arena	   *own = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	uint8_t		pixels[40 * 61 * 3];

	for (int channels = 1; channels <= 3; channels += 2)
	{
		File		file;
		const uint8_t *got;

		for (int i = 0; i < 40 * 61; i++)
			for (int c = 0; c < channels; c++)
				pixels[i * channels + c] = (uint8_t) (2 * (i % 61) + 2 * (i / 61) + 10 * c);
		file.bytes = media_write_jpeg(pixels, 40, 61, channels, own,
									  &file.size, &status);
		CHECK(file.bytes != NULL && media_format(file.bytes, file.size) == MEDIA_JPEG);
		CHECK(file.size < (size_t) 40 * 61 * channels);
		got = read_file(file, channels);
		CHECK(got != NULL);
		for (int i = 0; i < 40 * 61 * channels; i++)
			CHECK(abs(got[i] - pixels[i]) <= 12);
		arena_fail_at(own, 1);
		CHECK(media_write_jpeg(pixels, 40, 61, channels, own, &file.size,
							   &status) == NULL);
		CHECK(status.code == STATUS_OUT_OF_MEMORY);
		arena_fail_at(own, 0);
	}
	arena_destroy(own);
}

int
main(void)
{
	RUN(test_formats);
	RUN(test_jpeg_colors);
	RUN(test_jpeg_ink);
	RUN(test_orientation);
	RUN(test_png_types);
	RUN(test_png_palettes);
	RUN(test_png_written);
	RUN(test_jpeg_written);
	RUN(test_truncated);
	RUN(test_damaged);
	RUN(test_garbage);
	RUN(test_sizes);
	RUN(test_memory);
	RUN(test_starved);
	RUN(test_interrupt);
	RUN(test_spec);
	arena_destroy(arena);
	return unit_done();
}
