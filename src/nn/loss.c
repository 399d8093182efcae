/*
 * loss.c
 *	  What pairwise losses share: masks, mining, the way from embeddings to
 *	  a loss and back.
 */
#include "nn/loss.h"

#include <math.h>
#include <string.h>

#include "nn/distance.h"

/* What an empty mask is away from the row's extreme */
#define EMPTY_MASK_OFFSET 1e-6

static const NnLossType *const loss_types[] = {
	&nn_loss_multi_similarity, &nn_loss_triplet, NULL
};

const NnLossType *
nn_loss_type_at(int i)
{
	return loss_types[i];
}

const NnDescription *
nn_loss_description(const NnLossType *type)
{
	return &type->description;
}

static const NnDescription *
description_at(int i)
{
	return loss_types[i] == NULL ? NULL : &loss_types[i]->description;
}

const NnLossType *
nn_loss_type(const char *name, Status *status)
{
	for (int i = 0; loss_types[i] != NULL; i++)
	{
		if (strcmp(loss_types[i]->description.name, name) == 0)
			return loss_types[i];
	}
	nn_fail_unknown(status, "loss", name, description_at);
	return NULL;
}

/* The lowest index of sign * distance's largest value under a mask, or -1 */
static int
extreme(const NnAnchor *anchor, const uint8_t *mask, double sign)
{
	int			best = -1;

	for (int j = 0; j < anchor->n; j++)
	{
		if ((mask == NULL || mask[j]) &&
			(best < 0 || sign * anchor->distance[j] > sign * anchor->distance[best]))
			best = j;
	}
	return best;
}

static NnPick
pick(const NnAnchor *anchor, const uint8_t *mask, double sign)
{
	int			index = extreme(anchor, mask, sign);
	NnPick		result = {.index = index,.found = index >= 0};

	if (result.found)
	{
		result.value = anchor->distance[index];
		return result;
	}
	result.index = extreme(anchor, NULL, -sign);
	result.value = anchor->distance[result.index] - sign * EMPTY_MASK_OFFSET;
	return result;
}

NnPick
nn_farthest(const NnAnchor *anchor, const uint8_t *mask)
{
	return pick(anchor, mask, 1);
}

NnPick
nn_nearest(const NnAnchor *anchor, const uint8_t *mask)
{
	return pick(anchor, mask, -1);
}

size_t
nn_loss_work_size(int n, int dims)
{
	size_t		rows = (size_t) n;

	return 2 * rows * (size_t) dims * sizeof(double) +
		2 * rows * rows * sizeof(double) + 2 * rows;
}

bool
nn_loss_work(Arena *arena, int n, int dims, NnLossWork *work)
{
	size_t		rows = (size_t) n;

	work->x = arena_alloc_array(arena, rows * (size_t) dims, sizeof(double));
	work->dx = arena_alloc_array(arena, rows * (size_t) dims, sizeof(double));
	work->matrix = arena_alloc_array(arena, rows * rows, sizeof(double));
	work->dmatrix = arena_alloc_array(arena, rows * rows, sizeof(double));
	work->masks = arena_alloc_array(arena, 2 * rows, 1);
	return work->x != NULL && work->dx != NULL && work->matrix != NULL &&
		work->dmatrix != NULL && work->masks != NULL;
}

/* Anchor i of the batch; its masks are valid until the next call. */
static NnAnchor
make_anchor(const int32_t *labels, int n, int i, const NnLossWork *work)
{
	uint8_t    *positive = work->masks;
	uint8_t    *negative = work->masks + n;

	for (int j = 0; j < n; j++)
	{
		positive[j] = labels[j] == labels[i] && j != i;
		negative[j] = labels[j] != labels[i];
	}
	return (NnAnchor)
	{
		n, work->matrix + (size_t) i * n, positive, negative, work->dmatrix + (size_t) i * n
	};
}

double
nn_loss_compute(const NnLossType *type, const Params *params,
				const int32_t *labels, int n, int dims, NnLossWork *work)
{
	NnDistance	distance = (NnDistance) params_number(params, 0);
	double		sum = 0;

	nn_distances(distance, work->x, n, dims, work->matrix);
	memset(work->dmatrix, 0, (size_t) n * n * sizeof(double));
	for (int i = 0; i < n; i++)
	{
		NnAnchor	anchor = make_anchor(labels, n, i, work);

		sum += type->anchor(params, &anchor, 1.0 / n);
	}
	nn_distances_backward(distance, work->x, n, dims, work->matrix, work->dmatrix, work->dx);
	return sum / n;
}

void
nn_loss_extremes(const int32_t *labels, int n, const NnLossWork *work,
				 double *positive, double *negative)
{
	int			positives = 0;
	int			negatives = 0;

	*positive = 0;
	*negative = 0;
	for (int i = 0; i < n; i++)
	{
		NnAnchor	anchor = make_anchor(labels, n, i, work);
		NnPick		farthest = nn_farthest(&anchor, anchor.positive);
		NnPick		nearest = nn_nearest(&anchor, anchor.negative);

		*positive += farthest.found ? farthest.value : 0;
		*negative += nearest.found ? nearest.value : 0;
		positives += farthest.found;
		negatives += nearest.found;
	}
	*positive = positives > 0 ? *positive / positives : NAN;
	*negative = negatives > 0 ? *negative / negatives : NAN;
}
