/*
 * loss.h
 *	  Losses inside the engine.
 *
 * A pairwise loss reads the matrix of distances within a batch and the labels,
 * and gives a number and the gradient of each distance.  Rows of the matrix
 * are anchors.  All in double.
 */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include "nn/layer.h"

/* One anchor's view of the batch */
typedef struct NnAnchor
{
	int			n;
	const double *distance;		/* to each row of the batch */
	const uint8_t *positive;	/* 1: same class, another row */
	const uint8_t *negative;	/* 1: another class */
	double	   *gradient;		/* of each distance, to be added to */
} NnAnchor;

struct NnLossType
{
	NnDescription description;	/* the first parameter is "distance" */

	/* Loss of one anchor; its gradient is multiplied by scale. */
	double		(*anchor) (const Params *params, const NnAnchor *anchor, double scale);
};

extern const NnLossType nn_loss_multi_similarity;
extern const NnLossType nn_loss_triplet;

#define NN_LOSS_DISTANCE \
	{.name = "distance",.type = PARAM_CHOICE,.choices = nn_distance_names, \
	.comment = "distance between embeddings"}

/* A distance that was picked out of an anchor's row */
typedef struct NnPick
{
	double		value;
	int			index;			/* where its gradient goes */
	bool		found;			/* false: the mask was empty */
} NnPick;

/*
 * Farthest and nearest row under a mask, the lowest index of equal ones.  As
 * TensorFlow Similarity has it, an empty mask gives the row's minimum minus
 * 1e-6 (maximum plus 1e-6).
 */
extern NnPick nn_farthest(const NnAnchor *anchor, const uint8_t *mask);
extern NnPick nn_nearest(const NnAnchor *anchor, const uint8_t *mask);

/* Working memory of nn_loss_compute for batches of n rows */
typedef struct NnLossWork
{
	double	   *x;				/* n x dims */
	double	   *dx;
	double	   *matrix;			/* n x n */
	double	   *dmatrix;
	uint8_t    *masks;			/* 2 x n */
} NnLossWork;

extern bool nn_loss_work(Arena *arena, int n, int dims, NnLossWork *work);
extern size_t nn_loss_work_size(int n, int dims);

/*
 * Loss of n embeddings: the mean over all of them as anchors.  work->x holds
 * the embeddings; on return work->dx is their gradient and work->matrix the
 * distances.
 */
extern double nn_loss_compute(const NnLossType *type, const Params *params,
							  const int32_t *labels, int n, int dims, NnLossWork *work);

/* Mean over anchors of the farthest positive's and nearest negative's distance */
extern void nn_loss_extremes(const int32_t *labels, int n, const NnLossWork *work,
							 double *positive, double *negative);

#endif							/* NN_LOSS_H */
