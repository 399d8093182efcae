/*
 * exif.h
 *	  The orientation that a camera wrote beside a picture.
 */
#ifndef MEDIA_EXIF_H
#define MEDIA_EXIF_H

#include <stddef.h>
#include <stdint.h>

/*
 * 1 .. 8 from the contents of an APP1 marker of a JPEG file, or of a chunk eXIf
 * of a PNG file; 0 if they are not EXIF's or say nothing of it.
 */
extern int	exif_orientation_jpeg(const uint8_t *data, size_t size);
extern int	exif_orientation_png(const uint8_t *data, size_t size);

#endif							/* MEDIA_EXIF_H */
