/*
 * decoder_jpeg.c
 *	  JPEG files by libjpeg-turbo.
 *
 * The library reports errors by a call that must not return: here it jumps back
 * to guarded().  No code but the library's and this file's is between the two,
 * and what the library allocated is freed by jpeg_destroy_decompress().
 */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/interrupt.h"
#include "media/decoder.h"
#include "media/exif.h"

/* Progressive files have about ten; a scan takes time, but hardly any bytes. */
#define MAX_SCANS 500

/* What the library takes for each column: rows of blocks, before and after */
#define BYTES_PER_COLUMN 512

typedef struct JpegDecoder
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	jmp_buf		jump;
	size_t		size;			/* of the file */
	const DecodeRequest *request;	/* NULL: only the header is wanted */
	MediaInfo  *info;
	Arena	   *arena;
	Status	   *status;
} JpegDecoder;

/* ---- what the library calls ---- */

/* Leave the library with a failure that is recorded in the status. */
static void
__attribute__((noreturn))
leave(JpegDecoder *decoder)
{
	longjmp(decoder->jump, 1);
}

static void
damaged(JpegDecoder *decoder)
{
	char		text[JMSG_LENGTH_MAX];

	if (decoder->errors.msg_code == JERR_OUT_OF_MEMORY)
	{
		status_out_of_memory(decoder->status, "while decoding a picture");
		leave(decoder);
	}
	decoder->errors.format_message((j_common_ptr) & decoder->jpeg, text);
	status_fail(decoder->status, STATUS_BAD_BINARY,
				"JPEG picture cannot be decoded");
	status_detail(decoder->status, "The decoder says: %s.", text);
	leave(decoder);
}

static void
on_error(j_common_ptr jpeg)
{
	damaged((JpegDecoder *) jpeg->client_data);
}

/*
 * The library goes on where data are missing or wrong and makes up the rest:
 * that is a failure here.  Only what harms no pixel is let pass.
 */
static void
on_message(j_common_ptr jpeg, int level)
{
	switch (jpeg->err->msg_code)
	{
		case JWRN_ADOBE_XFORM:
		case JWRN_BOGUS_PROGRESSION:
		case JWRN_EXTRANEOUS_DATA:
		case JWRN_JFIF_MAJOR:
			break;
		default:
			if (level < 0)
				damaged((JpegDecoder *) jpeg->client_data);
	}
}

static void
on_output(j_common_ptr jpeg)
{
}

/* Between rows of blocks, in every scan */
static void
on_progress(j_common_ptr jpeg)
{
	JpegDecoder *decoder = (JpegDecoder *) jpeg->client_data;

	if (interrupt_pending())
	{
		decoder_interrupted(decoder->status);
		leave(decoder);
	}
	if (decoder->jpeg.input_scan_number <= MAX_SCANS)
		return;
	status_fail(decoder->status, STATUS_BAD_BINARY,
				"JPEG picture has more than %d scans", MAX_SCANS);
	leave(decoder);
}

static void
source_nothing(j_decompress_ptr jpeg)
{
}

/* All bytes were there from the beginning. */
static boolean
source_empty(j_decompress_ptr jpeg)
{
	JpegDecoder *decoder = (JpegDecoder *) jpeg->client_data;

	status_fail(decoder->status, STATUS_BAD_BINARY, "JPEG picture ends early");
	status_detail(decoder->status,
				  "All of its %zu bytes were read, and more should follow.",
				  decoder->size);
	leave(decoder);
}

static void
source_skip(j_decompress_ptr jpeg, long bytes)
{
	if (bytes <= 0)
		return;
	if ((size_t) bytes > jpeg->src->bytes_in_buffer)
		source_empty(jpeg);
	jpeg->src->next_input_byte += bytes;
	jpeg->src->bytes_in_buffer -= (size_t) bytes;
}

/* ---- header ---- */

static int
orientation(const struct jpeg_decompress_struct *jpeg)
{
	for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker != NULL;
		 marker = marker->next)
	{
		int			found = exif_orientation_jpeg(marker->data,
												  marker->data_length);

		if (found > 0)
			return found;
	}
	return 1;
}

static size_t
round_up_to(size_t n, size_t multiple)
{
	return (n + multiple - 1) / multiple * multiple;
}

/* Files of several scans keep all coefficients; sides bound the products. */
static size_t
jpeg_memory(struct jpeg_decompress_struct *jpeg)
{
	size_t		bytes = (size_t) jpeg->image_width * BYTES_PER_COLUMN;

	for (int i = 0; jpeg_has_multiple_scans(jpeg) && i < jpeg->num_components;
		 i++)
	{
		const		jpeg_component_info *component = &jpeg->comp_info[i];

		bytes += round_up_to(component->width_in_blocks, component->h_samp_factor) *
			round_up_to(component->height_in_blocks, component->v_samp_factor) *
			sizeof(JBLOCK);
	}
	return bytes;
}

static void
read_picture_header(JpegDecoder *decoder)
{
	struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
	MediaInfo  *info = decoder->info;

	jpeg_create_decompress(jpeg);
	decoder->source.init_source = source_nothing;
	decoder->source.fill_input_buffer = source_empty;
	decoder->source.skip_input_data = source_skip;
	decoder->source.resync_to_restart = jpeg_resync_to_restart;
	decoder->source.term_source = source_nothing;
	jpeg->src = &decoder->source;
	decoder->progress.progress_monitor = on_progress;
	jpeg->progress = &decoder->progress;
	jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
	jpeg_read_header(jpeg, TRUE);
	if (!decoder_set_size(info, jpeg->image_width, jpeg->image_height,
						  decoder->status))
		leave(decoder);
	info->format = MEDIA_JPEG;
	info->channels = jpeg->num_components;
	info->bit_depth = jpeg->data_precision;
	info->orientation = orientation(jpeg);
	info->memory = jpeg_memory(jpeg);
}

/* ---- pixels ---- */

static bool
is_cmyk(const struct jpeg_decompress_struct *jpeg)
{
	return jpeg->jpeg_color_space == JCS_CMYK ||
		jpeg->jpeg_color_space == JCS_YCCK;
}

static void
choose_colors(JpegDecoder *decoder)
{
	struct jpeg_decompress_struct *jpeg = &decoder->jpeg;

	switch (jpeg->jpeg_color_space)
	{
		case JCS_GRAYSCALE:
		case JCS_YCbCr:
		case JCS_RGB:
			jpeg->out_color_space = decoder->request->channels == 1 ?
				JCS_GRAYSCALE : JCS_RGB;
			break;
		case JCS_CMYK:
		case JCS_YCCK:
			jpeg->out_color_space = JCS_CMYK;
			break;
		default:
			status_fail(decoder->status, STATUS_BAD_BINARY,
						"JPEG picture has %d channels of unknown colors",
						jpeg->num_components);
			leave(decoder);
	}
}

/*
 * In place.  Adobe's programs store ink inverted, and nearly all others as they
 * do; a file without their marker is taken at its word.
 */
static void
cmyk_to_rgb(uint8_t *row, int width, bool inverted)
{
	uint8_t		flip = inverted ? 0 : 255;

	for (int x = 0; x < width; x++)
	{
		const uint8_t *cmyk = row + 4 * (size_t) x;
		int			k = cmyk[3] ^ flip;
		uint8_t		rgb[3];

		for (int c = 0; c < 3; c++)
			rgb[c] = (uint8_t) (((cmyk[c] ^ flip) * k + 127) / 255);
		memcpy(row + 3 * (size_t) x, rgb, 3);
	}
}

static void
read_picture_rows(JpegDecoder *decoder)
{
	struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
	const DecodeRequest *request = decoder->request;
	bool		cmyk = is_cmyk(jpeg);
	JSAMPROW	row;

	choose_colors(decoder);
	jpeg->scale_num = (unsigned) request->eighths;
	jpeg->scale_denom = 8;
	jpeg_start_decompress(jpeg);
	row = arena_alloc_array(decoder->arena, jpeg->output_width,
							(size_t) jpeg->output_components);
	if (row == NULL)
	{
		status_out_of_memory(decoder->status, "while decoding a picture");
		leave(decoder);
	}
	while (jpeg->output_scanline < jpeg->output_height)
	{
		int			y = (int) jpeg->output_scanline;

		jpeg_read_scanlines(jpeg, &row, 1);
		if (cmyk)
			cmyk_to_rgb(row, (int) jpeg->output_width, jpeg->saw_Adobe_marker);
		if (cmyk && request->channels == 1)
			decoder_gray_row(row, row, (int) jpeg->output_width);
		request->row(request->state, y, row);
	}
	/* to the end of the file, which must be there */
	jpeg_finish_decompress(jpeg);
}

/* ---- both ---- */

/* False if the library, or what it called, gave up: the status says why. */
static bool
guarded(JpegDecoder *decoder)
{
	if (setjmp(decoder->jump) != 0)
		return false;
	read_picture_header(decoder);
	if (decoder->request != NULL)
		read_picture_rows(decoder);
	return true;
}

static bool
run_jpeg(JpegDecoder *decoder, const uint8_t *bytes, size_t size)
{
	bool		done;

	decoder->jpeg.err = jpeg_std_error(&decoder->errors);
	decoder->errors.error_exit = on_error;
	decoder->errors.emit_message = on_message;
	decoder->errors.output_message = on_output;
	decoder->jpeg.client_data = decoder;
	decoder->source.next_input_byte = bytes;
	decoder->source.bytes_in_buffer = size;
	decoder->size = size;
	done = guarded(decoder);
	jpeg_destroy_decompress(&decoder->jpeg);
	return done;
}

bool
decode_jpeg_header(const uint8_t *bytes, size_t size, MediaInfo *info, Status *status)
{
	JpegDecoder decoder = {.info = info,.status = status};

	return run_jpeg(&decoder, bytes, size);
}

bool
decode_jpeg(const uint8_t *bytes, size_t size, const DecodeRequest *request,
			Arena *arena, Status *status)
{
	MediaInfo	info;
	JpegDecoder decoder = {
		.info = &info,.status = status,.request = request,.arena = arena
	};

	return run_jpeg(&decoder, bytes, size);
}
