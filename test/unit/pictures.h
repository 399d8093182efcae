/*
 * pictures.h
 *	  Files of the tests, made by the libraries themselves.
 */
#ifndef PICTURES_H
#define PICTURES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

typedef struct File
{
	uint8_t    *bytes;
	size_t		size;
} File;

/* ---- JPEG ---- */

typedef struct JpegOptions
{
	J_COLOR_SPACE samples;		/* JCS_GRAYSCALE, JCS_RGB or JCS_CMYK */
	J_COLOR_SPACE stored;
	bool		progressive;
	bool		subsampled;		/* colors at half the size */
	int			quality;
	int			restart;		/* rows of blocks between restart markers */
	int			orientation;	/* 0: nothing is said */
	bool		big_endian;
} JpegOptions;

static void
put_number(uint8_t *out, uint32_t value, int n, bool big_endian)
{
	for (int i = 0; i < n; i++)
		out[big_endian ? n - 1 - i : i] = (uint8_t) (value >> 8 * i);
}

#define TIFF_SIZE (8 + 2 + 24 + 4)

/* A directory of two entries, of which the second is the orientation */
static void
put_orientation(uint8_t *tiff, int orientation, bool big)
{
	memset(tiff, 0, TIFF_SIZE);
	memcpy(tiff, big ? "MM" : "II", 2);
	put_number(tiff + 2, 42, 2, big);
	put_number(tiff + 4, 8, 4, big);
	put_number(tiff + 8, 2, 2, big);
	put_number(tiff + 10, 0x0100, 2, big);
	put_number(tiff + 12, 4, 2, big);
	put_number(tiff + 22, 0x0112, 2, big);
	put_number(tiff + 24, 3, 2, big);
	put_number(tiff + 26, 1, 4, big);
	put_number(tiff + 30, (uint32_t) orientation, 2, big);
}

static void
write_orientation(j_compress_ptr jpeg, const JpegOptions *options)
{
	uint8_t		exif[6 + TIFF_SIZE] = "Exif\0\0";

	put_orientation(exif + 6, options->orientation, options->big_endian);
	jpeg_write_marker(jpeg, JPEG_APP0 + 1, exif, sizeof(exif));
}

static File
jpeg_file(const uint8_t *pixels, int width, int height,
		  const JpegOptions *options)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	unsigned char *bytes = NULL;
	unsigned long size = 0;
	int			channels = options->samples == JCS_GRAYSCALE ? 1 :
	options->samples == JCS_RGB ? 3 : 4;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &bytes, &size);
	jpeg.image_width = (JDIMENSION) width;
	jpeg.image_height = (JDIMENSION) height;
	jpeg.input_components = channels;
	jpeg.in_color_space = options->samples;
	jpeg_set_defaults(&jpeg);
	jpeg_set_colorspace(&jpeg, options->stored);
	jpeg_set_quality(&jpeg, options->quality, TRUE);
	jpeg.optimize_coding = TRUE;
	jpeg.restart_in_rows = options->restart;
	for (int i = 0; !options->subsampled && i < jpeg.num_components; i++)
		jpeg.comp_info[i].h_samp_factor = jpeg.comp_info[i].v_samp_factor = 1;
	if (options->progressive)
		jpeg_simple_progression(&jpeg);
	jpeg_start_compress(&jpeg, TRUE);
	if (options->orientation > 0)
		write_orientation(&jpeg, options);
	for (int y = 0; y < height; y++)
	{
		JSAMPROW	row = (JSAMPROW) pixels + (size_t) y * width * channels;

		jpeg_write_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	return (File)
	{
		bytes, size
	};
}

/* ---- PNG ---- */

typedef struct PngOptions
{
	int			color_type;
	int			depth;
	bool		interlaced;
	const		png_color *palette;
	int			colors;
	const uint8_t *palette_alpha;
	int			alphas;
	const		png_color_16 *transparent;	/* of gray or RGB */
	int			orientation;	/* 0: nothing is said */
	bool		orientation_last;	/* behind the pixels */
} PngOptions;

static void
png_append(png_structp png, png_bytep bytes, size_t n)
{
	File	   *file = png_get_io_ptr(png);

	file->bytes = realloc(file->bytes, file->size + n);
	memcpy(file->bytes + file->size, bytes, n);
	file->size += n;
}

static void
png_flushed(png_structp png)
{
}

/* Rows are packed as the file has them, stride bytes each. */
static File
png_file(const uint8_t *rows, int width, int height, size_t stride,
		 const PngOptions *options)
{
	File		file = {NULL, 0};
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL,
											  NULL);
	png_infop	info = png_create_info_struct(png);
	png_bytep  *pointers = malloc(sizeof(png_bytep) * (size_t) height);
	uint8_t		exif[TIFF_SIZE];

	png_set_write_fn(png, &file, png_append, png_flushed);
	png_set_IHDR(png, info, (png_uint_32) width, (png_uint_32) height,
				 options->depth, options->color_type,
				 options->interlaced ? PNG_INTERLACE_ADAM7 :
				 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
				 PNG_FILTER_TYPE_DEFAULT);
	if (options->palette != NULL)
		png_set_PLTE(png, info, options->palette, options->colors);
	if (options->palette_alpha != NULL || options->transparent != NULL)
		png_set_tRNS(png, info, options->palette_alpha,
					 options->palette_alpha ? options->alphas : 1,
					 options->transparent);
	for (int y = 0; y < height; y++)
		pointers[y] = (png_bytep) rows + (size_t) y * stride;
	put_orientation(exif, options->orientation, true);
	png_write_info(png, info);
	if (options->orientation > 0 && !options->orientation_last)
		png_write_chunk(png, (png_const_bytep) "eXIf", exif, TIFF_SIZE);
	png_write_image(png, pointers);
	if (options->orientation > 0 && options->orientation_last)
		png_write_chunk(png, (png_const_bytep) "eXIf", exif, TIFF_SIZE);
	png_write_end(png, info);
	png_destroy_write_struct(&png, &info);
	free(pointers);
	return file;
}

/* Bytes of gray or RGB */
static inline File
png_of(const uint8_t *pixels, int width, int height, int channels)
{
	PngOptions	options = {
		.color_type = channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
		.depth = 8
	};

	return png_file(pixels, width, height, (size_t) width * channels, &options);
}

#endif							/* PICTURES_H */
