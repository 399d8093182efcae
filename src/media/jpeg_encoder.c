/*
 * jpeg_encoder.c
 *	  JPEG files by libjpeg-turbo, of small pictures to look at.
 *
 * As in decoder_jpeg.c the library's errors jump back to guarded(), and no code
 * but the library's is between the two.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "media/media.h"

/* Of 100: hardly to be told from the original */
#define QUALITY 85

typedef struct JpegEncoder
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	jmp_buf		jump;
	const uint8_t *pixels;
	unsigned char *file;		/* the library's, by malloc() */
	unsigned long size;
	char		message[JMSG_LENGTH_MAX];
} JpegEncoder;

static void
on_error(j_common_ptr jpeg)
{
	JpegEncoder *encoder = jpeg->client_data;

	encoder->errors.format_message(jpeg, encoder->message);
	longjmp(encoder->jump, 1);
}

static void
on_output(j_common_ptr jpeg)
{
}

static void
encode(JpegEncoder *encoder, int height, int width, int channels)
{
	struct jpeg_compress_struct *jpeg = &encoder->jpeg;

	jpeg_create_compress(jpeg);
	jpeg_mem_dest(jpeg, &encoder->file, &encoder->size);
	jpeg->image_height = (JDIMENSION) height;
	jpeg->image_width = (JDIMENSION) width;
	jpeg->input_components = channels;
	jpeg->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(jpeg);
	jpeg_set_quality(jpeg, QUALITY, TRUE);
	jpeg->optimize_coding = TRUE;
	jpeg_start_compress(jpeg, TRUE);
	while (jpeg->next_scanline < jpeg->image_height)
	{
		JSAMPROW	row = (JSAMPROW) (encoder->pixels +
									  (size_t) jpeg->next_scanline *
									  width * channels);

		jpeg_write_scanlines(jpeg, &row, 1);
	}
	jpeg_finish_compress(jpeg);
}

static bool
guarded(JpegEncoder *encoder, int height, int width, int channels)
{
	if (setjmp(encoder->jump) != 0)
		return false;
	encode(encoder, height, width, channels);
	return true;
}

/* From the library's memory to ours */
static uint8_t *
take_file(const JpegEncoder *encoder, Arena *arena, size_t *size,
		  Status *status)
{
	uint8_t    *file = arena_alloc(arena, encoder->size);

	if (file == NULL)
	{
		status_out_of_memory(status, "while a picture was written");
		return NULL;
	}
	*size = encoder->size;
	return memcpy(file, encoder->file, encoder->size);
}

uint8_t *
media_write_jpeg(const uint8_t *pixels, int height, int width, int channels,
				 Arena *arena, size_t *size, Status *status)
{
	JpegEncoder encoder;
	uint8_t    *file = NULL;

	memset(&encoder, 0, sizeof(encoder));
	encoder.jpeg.err = jpeg_std_error(&encoder.errors);
	encoder.jpeg.client_data = &encoder;
	encoder.errors.error_exit = on_error;
	encoder.errors.output_message = on_output;
	encoder.pixels = pixels;
	if (guarded(&encoder, height, width, channels))
		file = take_file(&encoder, arena, size, status);
	else
	{
		status_fail(status, STATUS_UNAVAILABLE,
					"JPEG picture cannot be written");
		status_detail(status, "The encoder says: %s.", encoder.message);
	}
	jpeg_destroy_compress(&encoder.jpeg);
	free(encoder.file);
	return file;
}
