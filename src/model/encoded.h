/*
 * encoded.h
 *	  JPEG and PNG files as inputs of models whose input is a picture.
 */
#ifndef MODEL_ENCODED_H
#define MODEL_ENCODED_H

#include "postgres.h"

#include "media/media.h"
#include "model/input.h"

/*
 * Is the input a picture: height x width x channels, 1 or 3, or height x width?
 * Then these are set.
 */
extern bool encoded_shape(const NnGraph *graph, int *height, int *width,
						  int *channels);

/* Do bytes begin as a JPEG or PNG file does? */
extern bool encoded_has_signature(const void *bytes, Size size);

/*
 * Are these bytes a file that is to be decoded, and not the pixels themselves?
 * By their signature, if the model's input is a picture.  Bytes of exactly its
 * size are pixels, unless the whole header is that of a file.
 */
extern bool encoded_is_file(const InputTarget *target, const void *bytes,
							Size size);

/*
 * The pixels of a file, as many as the model takes, palloc'd.  ERROR for a file
 * that is damaged, or that takes more than the target's budget.
 */
extern uint8 *encoded_pixels(const InputTarget *target, const void *bytes,
							 Size size);

/* Pixels of a given size, of what is not an input */
extern uint8 *encoded_resized(const void *bytes, Size size,
							  const MediaSpec *spec, Budget budget,
							  int height, int width, int channels);

/* What to add to an error about bytes that are not of the model's size: a hint */
extern int	encoded_hint(const InputTarget *target, const void *bytes,
						 Size size);

#endif							/* MODEL_ENCODED_H */
