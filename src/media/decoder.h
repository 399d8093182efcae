/*
 * decoder.h
 *	  The two decoders as the rest of the room sees them.
 */
#ifndef MEDIA_DECODER_H
#define MEDIA_DECODER_H

#include "media/media.h"

/*
 * Rows come from top to bottom as they are stored, each once: bytes, 1 or 3
 * channels.  They are valid during the call.
 */
typedef struct DecodeRequest
{
	int			channels;
	int			eighths;		/* JPEG: 8, 4, 2 or 1 of the size, rounded up */
	const uint8_t *background;	/* RGB under transparency */
	void		(*row) (void *state, int y, const uint8_t *pixels);
	void	   *state;
} DecodeRequest;

extern bool decode_jpeg_header(const uint8_t *bytes, size_t size, MediaInfo *info,
							   Status *status);
extern bool decode_jpeg(const uint8_t *bytes, size_t size,
						const DecodeRequest *request, Arena *arena,
						Status *status);

extern bool decode_png_header(const uint8_t *bytes, size_t size, MediaInfo *info,
							  Status *status);
extern bool decode_png(const uint8_t *bytes, size_t size,
					   const DecodeRequest *request, Arena *arena,
					   Status *status);

/* Set the sides, unless they are beyond MEDIA_MAX_SIDE. */
extern bool decoder_set_size(MediaInfo *info, uint32_t width, uint32_t height,
							 Status *status);

/* Rows of RGB to gray, as JPEG weighs them (ITU-R BT.601) */
extern void decoder_gray_row(const uint8_t *rgb, uint8_t *gray, int width);

/* The failure of whoever found an interrupt pending: it is never seen. */
extern bool decoder_interrupted(Status *status);

#endif							/* MEDIA_DECODER_H */
