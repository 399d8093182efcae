/*
 * media.h
 *	  Encoded pictures: what they are, and how they become what a model takes.
 *
 * JPEG and PNG files are read from memory.  Sizes are known from the header
 * before anything is allocated for pixels: whoever has a budget asks
 * media_info() first.  Bytes come from anywhere and are trusted in nothing.
 */
#ifndef MEDIA_MEDIA_H
#define MEDIA_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/params.h"
#include "base/status.h"

/* JPEG allows no more, and nobody has a PNG that is larger. */
#define MEDIA_MAX_SIDE 65500

typedef enum MediaFormat
{
	MEDIA_UNKNOWN,
	MEDIA_JPEG,
	MEDIA_PNG
} MediaFormat;

/* What bytes are by their first ones; nothing more is looked at. */
extern MediaFormat media_format(const void *bytes, size_t size);

/* "JPEG", "PNG" */
extern const char *media_format_name(MediaFormat format);

/* "GIF", "WebP", ... of pictures that cannot be decoded; NULL for all others */
extern const char *media_foreign_format(const void *bytes, size_t size);

typedef struct MediaInfo
{
	MediaFormat format;
	int			width;			/* as stored: orientation may swap them */
	int			height;
	int			channels;		/* 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and
								 * alpha, or CMYK; a palette counts as its
								 * colors */
	int			bit_depth;		/* of a channel, or of a palette's index */
	int			orientation;	/* EXIF's 1 .. 8; 1 if the file says nothing */
	size_t		memory;			/* bytes that the decoder takes at most */
} MediaInfo;

/*
 * Read the header; what follows it may still be damaged or missing.  Fails with
 * STATUS_BAD_BINARY unless it is that of a JPEG or PNG file, and with
 * STATUS_TOO_LARGE for more than MEDIA_MAX_SIDE.
 */
extern bool media_info(const void *bytes, size_t size, MediaInfo *info,
					   Status *status);

/* Height and width as the picture is to be seen */
extern int	media_shown_height(const MediaInfo *info);
extern int	media_shown_width(const MediaInfo *info);

typedef enum MediaResize
{
	MEDIA_STRETCH,				/* all of it, whatever becomes of its shape */
	MEDIA_CROP_TO_ASPECT_RATIO, /* the largest middle part of the wanted shape */
	MEDIA_PAD_TO_ASPECT_RATIO,	/* all of it, in the middle of a background */
	MEDIA_CENTER_CROP			/* the middle, not resized; as
								 * CROP_TO_ASPECT_RATIO if it is too small */
} MediaResize;

typedef enum MediaInterpolation
{
	MEDIA_BILINEAR,
	MEDIA_NEAREST
} MediaInterpolation;

/* How a picture of any size becomes one of the size that is wanted */
typedef struct MediaSpec
{
	MediaResize resize;
	MediaInterpolation interpolation;
	bool		antialias;		/* bilinear sees all pixels when it shrinks */
	uint8_t		background[3];	/* under transparency, and beside what is
								 * padded */
} MediaSpec;

/* The same as parameters: resize, interpolation, antialias, background */
extern const ParamSpec media_params[];
extern bool media_spec_read(MediaSpec *spec, const Params *params,
							Status *status);

/* "crop_to_aspect_ratio, bilinear, antialias, background 255 255 255" */
#define MEDIA_SPEC_TEXT 128
extern void media_spec_text(const MediaSpec *spec, char *text, size_t size);

/* What a user gets who says nothing */
extern void media_spec_default(MediaSpec *spec);

/* Bytes that media_read() takes at most, of them those of its result */
extern size_t media_memory(const MediaInfo *info, int height, int width,
						   int channels);

/*
 * Decode a picture, turn it upright, and bring it to height x width x channels
 * bytes, 1 or 3 channels, in arena.  Sides are 1 .. MEDIA_MAX_SIDE.  NULL if
 * the file is damaged or ends early: STATUS_BAD_BINARY; and once an interrupt
 * is pending, which the caller then answers.
 */
extern uint8_t *media_read(const void *bytes, size_t size,
						   const MediaSpec *spec, int height, int width,
						   int channels, Arena *arena, Status *status);

/*
 * The file of a picture of 1 or 3 channels, in arena, which needs at most as much
 * as the bound.
 */
extern size_t media_png_bound(int height, int width, int channels);
extern uint8_t *media_write_png(const uint8_t *pixels, int height, int width,
								int channels, Arena *arena, size_t *size,
								Status *status);

/* The same as JPEG, for photographs: smaller, and not every pixel as it was */
extern uint8_t *media_write_jpeg(const uint8_t *pixels, int height, int width,
								 int channels, Arena *arena, size_t *size,
								 Status *status);

#endif							/* MEDIA_MEDIA_H */
