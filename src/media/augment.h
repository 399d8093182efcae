/*
 * augment.h
 *	  Random changes of pictures that leave what they show: an ordered list of
 *	  steps, each with parameters and a probability.
 *
 * A picture is height x width x 1 or 3, of bytes or floats, and keeps its size
 * and type.  What is drawn for it is a function of its key alone: any thread
 * may change any picture of a batch, in any order, and the bits are the same.
 */
#ifndef MEDIA_AUGMENT_H
#define MEDIA_AUGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/params.h"
#include "base/status.h"

/* A kind of step, or a preset, which stands for several steps */
typedef struct AugmentStepType AugmentStepType;

/* NULL and a status whose hint lists the names if there is none */
extern const AugmentStepType *augment_step_type(const char *name,
												Status *status);

/* The i-th, NULL after the last */
extern const AugmentStepType *augment_step_type_at(int i);

extern const char *augment_step_name(const AugmentStepType *type);
extern const char *augment_step_comment(const AugmentStepType *type);
extern const ParamSpec *augment_step_params(const AugmentStepType *type);

typedef struct AugmentStep
{
	const AugmentStepType *type;
	Params		params;
} AugmentStep;

/* Steps of a pipeline, once its presets are replaced by theirs */
#define AUGMENT_MAX_STEPS 32

/* What all pictures of a pipeline are */
typedef struct AugmentFormat
{
	int			height;
	int			width;
	int			channels;		/* 1 gray, 3 RGB */
	bool		floats;			/* else bytes, 0 .. 255 */
	float		low;			/* of floats: black, */
	float		high;			/* and white, > low; what is beyond becomes
								 * these */
} AugmentFormat;

typedef struct Augmentation Augmentation;

/*
 * Do parameters that are valid by themselves go together?  What does not
 * depend on pictures is checked here.
 */
extern bool augment_check(const AugmentStep *steps, int nsteps,
						  Status *status);

/* Steps that were checked, for pictures of a format, in arena */
extern Augmentation *augment_create(Arena *arena, const AugmentStep *steps,
									int nsteps, const AugmentFormat *format,
									Status *status);

/* Does it mix pictures?  Then each needs a partner. */
extern bool augment_mixes(const AugmentStep *steps, int nsteps);

/* Bytes that a thread needs beside the pictures, aligned to 16 */
extern size_t augment_scratch(const AugmentFormat *format);

/* What names a picture's random numbers */
typedef struct AugmentKey
{
	uint64_t	seed;
	uint64_t	row;
	uint64_t	time;			/* step or epoch */
	uint32_t	place;			/* tells apart the same row at the same time */
	uint32_t	view;			/* 0, 1, ...: steps may be for even or odd
								 * views alone */
} AugmentKey;

/*
 * Change in, of the format, into out, which is another one.  partner is the
 * picture that it may be mixed with; NULL: none, and it is not mixed.
 */
extern void augment_picture(const Augmentation *augmentation,
							const AugmentKey *key, const void *in,
							const void *partner, void *out, void *scratch);

#endif							/* MEDIA_AUGMENT_H */
