/*
 * loss_parts.c
 *	  What losses are made of: the table of them, masks, mining, sums of
 *	  exponentials, reductions.
 */
#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "nn/loss.h"

/* What an empty mask is away from the row's extreme */
#define EMPTY_MASK_OFFSET 1e-6

/* As metric_embedding: a row without length stays zero */
#define MIN_SQUARED_LENGTH 1e-12

static const NnLossType *const loss_types[] = {
	&nn_loss_arcface, &nn_loss_barlow, &nn_loss_circle, &nn_loss_contrastive,
	&nn_loss_cosface, &nn_loss_lifted_structure, &nn_loss_multi_similarity,
	&nn_loss_multiple_negatives_ranking, &nn_loss_normalized_softmax,
	&nn_loss_nt_xent, &nn_loss_pn, &nn_loss_proxy_anchor, &nn_loss_proxy_nca,
	&nn_loss_simclr, &nn_loss_simsiam, &nn_loss_soft_nearest_neighbor,
	&nn_loss_sub_center_arcface, &nn_loss_sup_con,
	&nn_loss_threshold_consistent_margin, &nn_loss_triplet, &nn_loss_vicreg,
	NULL
};

const char *const nn_reduction_names[] = {"mean", "nonzero", "sum", NULL};

/* ---- the table ---- */

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

NnLossKind
nn_loss_kind(const NnLossType *type)
{
	return type->kind;
}

int
nn_loss_centers(const NnLossType *type, const Params *params)
{
	if (type->kind != NN_LOSS_PROXY)
		return 0;
	return type->centers == NULL ? 1 : type->centers(params);
}

size_t
nn_loss_proxies(const NnLossType *type, const Params *params, int classes)
{
	if (type->prototypes != NULL)
		return (size_t) type->prototypes(params);
	return (size_t) classes * (size_t) nn_loss_centers(type, params);
}

bool
nn_loss_remembers(const NnLossType *type, const Params *params)
{
	return type->kind == NN_LOSS_PAIRWISE &&
		params_number(params, NN_PAIR_MEMORY_SIZE) > 0;
}

bool
nn_loss_normalizes(const NnLossType *type)
{
	return !type->reads_lengths;
}

static const NnDescription *
loss_at(int i)
{
	return loss_types[i] == NULL ? NULL : &loss_types[i]->description;
}

const NnLossType *
nn_loss_type(const char *name, Status *status)
{
	int			i = nn_type_index("loss", name, loss_at, status);

	return i < 0 ? NULL : loss_types[i];
}

/* ---- anchors and mining ---- */

/*
 * P is same label and another row, N is another label; as TensorFlow
 * Similarity's build_masks with remove_diagonal.  Keys of the memory are never
 * the anchor.
 */
NnAnchor
nn_anchor(const NnBatch *batch, int i)
{
	uint8_t    *positive = batch->masks;
	uint8_t    *negative = batch->masks + batch->nkeys;

	for (int j = 0; j < batch->nkeys; j++)
	{
		bool		same = batch->key_labels[j] == batch->labels[i];

		positive[j] = same && j != i;
		negative[j] = !same;
	}
	return (NnAnchor)
	{
		.batch = batch,.index = i,.n = batch->nkeys,
			.distance = batch->matrix + (size_t) i * batch->nkeys,
			.positive = positive,.negative = negative,
			.gradient = batch->dmatrix + (size_t) i * batch->nkeys
	};
}

/* The lowest index of sign * distance's largest value under a mask, or -1 */
static int
extreme(const NnAnchor *anchor, const uint8_t *mask, double sign)
{
	int			best = -1;

	for (int j = 0; j < anchor->n; j++)
	{
		if ((mask == NULL || mask[j]) &&
			(best < 0 ||
			 sign * anchor->distance[j] > sign * anchor->distance[best]))
			best = j;
	}
	return best;
}

/*
 * As masked_max and masked_min of TensorFlow Similarity: an empty mask gives
 * the opposite extreme of the row, 1e-6 beyond, and its index for the
 * gradient.
 */
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

/* ---- numbers ---- */

double
nn_reduction_scale(NnReduction reduction, const NnTally *tally)
{
	double		terms = reduction == NN_MEAN ? tally->terms : tally->nonzero;

	if (reduction == NN_SUM)
		return 1;
	return terms > 0 ? 1 / terms : 0;
}

/*
 * The largest exponent is taken out, over the mask only; with offset 1 the 1
 * is e^0 and takes part in that.
 */
double
nn_log_sum_exp(double *x, const uint8_t *mask, int n, double offset)
{
	double		largest = offset > 0 ? 0 : -INFINITY;
	double		sum;

	for (int j = 0; j < n; j++)
	{
		if (mask == NULL || mask[j])
			largest = fmax(largest, x[j]);
	}
	sum = offset > 0 ? exp(-largest) : 0;
	for (int j = 0; j < n; j++)
	{
		x[j] = mask == NULL || mask[j] ? exp(x[j] - largest) : 0;
		sum += x[j];
	}
	for (int j = 0; j < n && sum > 0; j++)
		x[j] /= sum;
	return sum > 0 ? log(sum) + largest : -INFINITY;
}

/* As x + ln(1 + e^-x) for positive x: e^x may overflow. */
double
nn_softplus(double x, double *slope)
{
	*slope = 1 / (1 + exp(-x));
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* x = z / l with l = max(|z|, 1e-6), as metric_embedding */
void
nn_normalize_rows(double *x, int n, int dims, double *lengths)
{
	for (int i = 0; i < n && !interrupt_pending(); i++)
	{
		double	   *row = x + (size_t) i * dims;
		double		sum = 0;

		for (int d = 0; d < dims; d++)
			sum += row[d] * row[d];
		lengths[i] = sqrt(fmax(sum, MIN_SQUARED_LENGTH));
		for (int d = 0; d < dims; d++)
			row[d] /= lengths[i];
	}
}

/*
 * dz = (dx - x (x . dx)) / l; where l was clipped it does not depend on z, and
 * dz = dx / l.
 */
void
nn_normalize_rows_backward(const double *x, int n, int dims,
						   const double *lengths, double *dx)
{
	for (int i = 0; i < n && !interrupt_pending(); i++)
	{
		const double *row = x + (size_t) i * dims;
		double	   *drow = dx + (size_t) i * dims;
		bool		clipped = lengths[i] <= sqrt(MIN_SQUARED_LENGTH);
		double		dot = 0;

		for (int d = 0; d < dims && !clipped; d++)
			dot += row[d] * drow[d];
		for (int d = 0; d < dims; d++)
			drow[d] = (drow[d] - dot * row[d]) / lengths[i];
	}
}
