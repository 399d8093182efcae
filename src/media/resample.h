/*
 * resample.h
 *	  From rows of a picture to one of another size, row by row.
 *
 * A box of the source becomes the whole result.  Its edges may lie between
 * samples, within the source (the rest is cut off) or beyond it (there is
 * background).
 */
#ifndef MEDIA_RESAMPLE_H
#define MEDIA_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

typedef enum ResampleKernel
{
	RESAMPLE_NEAREST,
	RESAMPLE_BILINEAR,			/* two neighbors */
	RESAMPLE_ANTIALIASED		/* as wide as the step between results */
} ResampleKernel;

/* One of the two directions */
typedef struct ResampleAxis
{
	int			samples;		/* of the source */
	double		extent;			/* the source's in samples: <= samples, less
								 * where the last one is cut off */
	double		begin;			/* of the box, in samples, */
	double		length;			/* as it is seen: from the other end if */
	bool		mirrored;
	int			outputs;
} ResampleAxis;

typedef struct Resampler Resampler;

/*
 * In arena.  Outputs are in the order of the source also where it is mirrored,
 * which matters only to what the box is and whom a tie goes to.
 */
extern Resampler *resampler_create(Arena *arena, ResampleKernel kernel,
								   const ResampleAxis *x,
								   const ResampleAxis *y, int channels,
								   const uint8_t *background, Status *status);

/* Bytes of the arena that it takes at most */
extern size_t resampler_memory(const ResampleAxis *x, const ResampleAxis *y,
							   int channels);

/* Rows come in their order, each once. */
extern void resampler_row(Resampler *resampler, int y, const uint8_t *pixels);

/* y outputs x x outputs x channels, when all rows were there */
extern const float *resampler_result(const Resampler *resampler);

#endif							/* MEDIA_RESAMPLE_H */
