/*
 * encoded.h
 *	  JPEG and PNG files as inputs of models whose input is a picture.
 *
 * A picture is height x width x channels, with 1 or 3 channels, or height x
 * width.  A file is told by its signature.  Bytes of exactly the model's size
 * are pixels unless a whole header can be read from them: among thousands of
 * photographs one may have just that size, and pixels that are a valid header
 * do not happen.  Decoded pixels are bytes, as raw ones are, so that what a
 * training keeps is no larger.
 *
 * Where many rows are at hand (embed_batch(), the items of a query, the rows
 * of a training) their files are decoded on similarity.threads, or one by one
 * if all threads together would need more memory than there is; an error names
 * the first row that cannot be, whichever thread came first to one.  embed()
 * remembers a file by its bytes, and does not decode it again for the same
 * row.  sample_batch() knows no model: it hands out files as they are.
 */
#ifndef MODEL_ENCODED_H
#define MODEL_ENCODED_H

#include "postgres.h"

#include "base/threads.h"
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

typedef struct EncodedFile
{
	const void *bytes;
	Size		size;
	uint8	   *pixels;			/* room for as many as the model takes */
	int			row;			/* what current is while it is dealt with */
} EncodedFile;

/*
 * Decode files, on a pool or, if it is NULL or they would take more than the
 * target's budget together, one by one.  ERROR for the first that is damaged, or
 * that alone takes more than that.  current is set for error contexts: a file's
 * row, or -1.
 */
extern void encoded_decode(const InputTarget *target, const EncodedFile *files,
						   int n, ThreadPool *pool, int *current);

/*
 * Pixels of a given size, palloc'd, of a file that is not an input.  ERROR as for
 * those.
 */
extern uint8 *encoded_resized(const void *bytes, Size size,
							  const MediaSpec *spec, Budget budget,
							  int height, int width, int channels);

/* What to add to an error about bytes that are not of the model's size: a hint */
extern int	encoded_hint(const InputTarget *target, const void *bytes,
						 Size size);

#endif							/* MODEL_ENCODED_H */
