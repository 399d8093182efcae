/*
 * augmentation.h
 *	  Augmented pictures of a batch: from the user's pipeline to the inputs
 *	  of a step.
 *
 * Pictures are changed as they were stored, before the step, on all threads, a
 * picture each at a time: the pipeline sees what the model's input is, since
 * files were decoded and resized when rows were read.  What is drawn depends on
 * seed, row, step and place in the batch alone, so that nothing of it is in a
 * checkpoint, and the same for any number of threads.  Places 1, 3, ... are
 * first views and 2, 4, ... second ones, as losses of pairs take them.
 *
 * Of rows that are no bytes the least and the greatest number are black and
 * white.  "mixup" takes the next row of the same class in the batch, and is
 * refused where each row is a class.  Frozen layers run in each step then,
 * since what they see changes.
 */
#ifndef TRAIN_AUGMENTATION_H
#define TRAIN_AUGMENTATION_H

#include "postgres.h"

#include "base/threads.h"
#include "media/augment.h"
#include "train/source.h"
#include "utils/jsonb.h"

/* A pipeline as the user wrote it, checked; what pictures it is for is open. */
typedef struct AugmentSteps
{
	int			nsteps;
	AugmentStep steps[AUGMENT_MAX_STEPS];
} AugmentSteps;

/*
 * "name", {"name": {parameters}} or an array of these, palloc'd.  ERROR, with
 * a hint that lists what is accepted, for anything else.
 */
extern AugmentSteps *augmentation_read(Jsonb *json);

/* Height, width and channels of an input that is a picture, else ERROR */
extern void augmentation_require_picture(const NnShape *shape,
										 AugmentFormat *format);

/* Does it mix rows of a class?  Not for rows that are classes of their own. */
extern bool augmentation_mixes(const AugmentSteps *steps);

/* Changes the rows of batches */
typedef struct RowAugmenter RowAugmenter;

/* Views that are kept at the same time */
#define AUGMENTER_VIEWS 2

/* View of a batch whose neighbors are two views of the same: 0, 1, 0, 1, ... */
#define AUGMENTER_ALTERNATE (-1)

typedef struct AugmenterRequest
{
	const AugmentSteps *steps;
	const NnGraph *graph;		/* its input must be a picture, else ERROR */
	ThreadPool *pool;			/* NULL: the caller alone */
	uint64		seed;
	int			max_batch;
	int			nviews;			/* kept at once: 1 .. AUGMENTER_VIEWS */
	TrainingMemory *memory;		/* what it takes is counted in batch */
} AugmenterRequest;

/* In context.  Before rows are read, so that its memory is counted. */
extern RowAugmenter *augmenter_create(MemoryContext context,
									  const AugmenterRequest *request);

/*
 * Once they are: rows that are no bytes say what is black and white, the least
 * and the greatest of their numbers.
 */
extern void augmenter_begin(RowAugmenter *augmenter, const SourceRows *rows);

/*
 * Replace inputs[i], row numbers[i] as rows_fetch() gave it, by its view at that
 * step (0, 1, ... or AUGMENTER_ALTERNATE), n <= max_batch.  They are valid
 * until the same view is filled again (AUGMENTER_ALTERNATE counts as 0).  The
 * same bits for the same seed, step, row, position and view, whatever the
 * number of threads; nothing need be stored to go on at a later step.  The
 * caller checks interrupts after it.
 *
 * classes are those of the rows, by which a step "mixup" finds a partner; NULL:
 * there are none, and then "mixup" must have been refused.
 */
extern void augmenter_fill(RowAugmenter *augmenter, const uint32 *numbers,
						   const int32 *classes, int n, uint64 step, int view,
						   const void **inputs);

#endif							/* TRAIN_AUGMENTATION_H */
