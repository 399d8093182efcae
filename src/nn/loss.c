/*
 * loss.c
 *	  From a batch of embeddings to a loss and its gradient.
 *
 * The way of a batch: rows are scaled to length 1 if the loss wants that, D is
 * made, the loss gives a number and G, and the same steps lead back to dL/dx.
 * When an interrupt arrives the number is worthless, NaN or not; the caller
 * looks.
 */
#include "nn/loss.h"

#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "nn/pairwise.h"

/*
 * Keys that the matrix has room for.  A memory smaller than the batch is none:
 * XBM would cut the batch itself.
 */
static int
loss_capacity(const NnLossType *type, const Params *params, int n)
{
	int			memory = 0;

	if (type->kind == NN_LOSS_PAIRWISE)
		memory = (int) params_number(params, NN_PAIR_MEMORY_SIZE);
	return memory > n ? memory : n;
}

/*
 * Elements of the matrix: rows by keys or proxies, or the square of dimensions
 * for losses that correlate them; the metrics need rows by rows.
 */
static size_t
matrix_size(const NnLossType *type, int capacity, int n, int dims, int classes)
{
	size_t		keys = (size_t) (capacity > classes ? capacity : classes);
	size_t		size = (size_t) n * keys;
	size_t		square = (size_t) dims * dims;

	return type->kind == NN_LOSS_VIEWS && square > size ? square : size;
}

/*
 * NnBatch.row: a number for each key or row; barlow wants two for each
 * dimension.
 */
static size_t
row_size(size_t keys, int dims)
{
	return keys > 2 * (size_t) dims ? keys : 2 * (size_t) dims;
}

/* Pieces in the order of nn_loss_work */
size_t
nn_loss_work_size(const NnLossType *type, const Params *params, int n, int dims,
				  int classes)
{
	size_t		capacity = (size_t) loss_capacity(type, params, n);
	size_t		proxies = nn_loss_proxies(type, params, classes);
	size_t		keys = capacity > proxies ? capacity : proxies;
	size_t		numbers = capacity * dims + (size_t) n * dims +
	2 * matrix_size(type, (int) capacity, n, dims, (int) proxies) +
	n + proxies + row_size(keys, dims) + 2 * proxies * dims;

	return numbers * sizeof(double) + keys * sizeof(int32_t) + n * sizeof(int) + 2 * keys;
}

bool
nn_loss_work(Arena *arena, const NnLossType *type, const Params *params, int n,
			 int dims, int classes, NnLossWork *work)
{
	size_t		capacity = (size_t) loss_capacity(type, params, n);
	size_t		proxies = nn_loss_proxies(type, params, classes);
	size_t		keys = capacity > proxies ? capacity : proxies;
	size_t		square = matrix_size(type, (int) capacity, n, dims,
									 (int) proxies);

	memset(work, 0, sizeof(*work));
	work->normalize = type->unit_rows;
	work->capacity = (int) capacity;
	work->classes = proxies > 0 ? classes : 0;
	work->nproxies = (int) proxies;
	work->x = arena_alloc_array(arena, capacity * dims, sizeof(double));
	work->dx = arena_alloc_array(arena, (size_t) n * dims, sizeof(double));
	work->matrix = arena_alloc_array(arena, square, sizeof(double));
	work->dmatrix = arena_alloc_array(arena, square, sizeof(double));
	work->lengths = arena_alloc_array(arena, n + proxies, sizeof(double));
	work->row = arena_alloc_array(arena, row_size(keys, dims), sizeof(double));
	work->proxies = arena_alloc_array(arena, proxies * dims, sizeof(double));
	work->dproxies = arena_alloc_array(arena, proxies * dims, sizeof(double));
	work->key_labels = arena_alloc_array(arena, keys, sizeof(int32_t));
	work->picks = arena_alloc_array(arena, n, sizeof(int));
	work->masks = arena_alloc_array(arena, 2 * keys, 1);
	return work->x != NULL && work->dx != NULL && work->matrix != NULL &&
		work->dmatrix != NULL && work->lengths != NULL && work->row != NULL &&
		work->proxies != NULL && work->dproxies != NULL &&
		work->key_labels != NULL &&
		work->picks != NULL && work->masks != NULL;
}

/*
 * The memory is XBM's (Wang et al., 2020, as TensorFlow Similarity has it):
 * [batch, memory][:memory_size], newest first.  What the last batch saw as
 * keys is what the next one finds behind its own rows.  Steps count from 1
 * there; rows of the first warmup_steps steps are not kept.
 */
void
nn_loss_next_batch(const NnLossType *type, const Params *params, int n,
				   int dims, NnLossWork *work)
{
	int			keep = 0;

	if (type->kind == NN_LOSS_PAIRWISE &&
		(double) work->steps > params_number(params, NN_PAIR_WARMUP_STEPS))
	{
		keep = (int) params_number(params, NN_PAIR_MEMORY_SIZE) - n;
		if (keep > work->nkeys)
			keep = work->nkeys;
		if (keep < 0)
			keep = 0;
	}
	memmove(work->x + (size_t) n * dims, work->x,
			(size_t) keep * dims * sizeof(double));
	memmove(work->key_labels + n, work->key_labels,
			(size_t) keep * sizeof(int32_t));
	work->nkeys = n + keep;
	work->steps++;
}

static NnBatch
make_batch(const int32_t *labels, int n, int nkeys, int dims,
		   const NnLossWork *work)
{
	return (NnBatch)
	{
		.n = n,.nkeys = nkeys,.dims = dims,.labels = labels,.key_labels =
			work->key_labels,
			.matrix = work->matrix,.dmatrix = work->dmatrix,.row = work->row,
			.picks = work->picks,.masks = work->masks
	};
}

/*
 * L = scale x sum of all anchors' terms, and G likewise.  The scale is known
 * only when all terms are, so that anchors add to G unscaled.
 */
static double
reduce_anchors(const NnLossType *type, const Params *params,
			   const NnBatch *batch, NnReduction reduction)
{
	NnTally		tally = {0};
	double		scale;

	if (type->begin != NULL)
		type->begin(params, batch);
	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
	{
		NnAnchor	anchor = nn_anchor(batch, i);

		type->anchor(params, &anchor, &tally);
	}
	scale = nn_reduction_scale(reduction, &tally);
	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
		for (int j = 0; j < batch->nkeys; j++)
			batch->dmatrix[(size_t) i * batch->nkeys + j] *= scale;
	return tally.sum * scale;
}

static double
compute_matrix(const NnLossType *type, const Params *params,
			   const NnBatch *batch, NnReduction reduction)
{
	for (int i = 0; i < batch->n && !interrupt_pending(); i++)
		memset(batch->dmatrix + (size_t) i * batch->nkeys, 0,
			   (size_t) batch->nkeys * sizeof(double));
	if (type->matrix != NULL)
		return type->matrix(params, batch);
	return reduce_anchors(type, params, batch, reduction);
}

/*
 * L of x [n][dims] against the keys: x itself, then the memory behind it, in
 * one piece.  Gradients reach the first n keys and are added to the anchors'
 * own.
 */
static double
compute_pairs(const NnLossType *type, const Params *params,
			  const int32_t *labels, int n, int dims, NnLossWork *work)
{
	NnDistance	distance = (NnDistance) params_number(params, NN_PAIR_DISTANCE);
	NnReduction reduction = (NnReduction) params_number(params,
														NN_PAIR_REDUCTION);
	NnBatch		batch;
	double		loss;

	if (work->nkeys < n)
		work->nkeys = n;
	memcpy(work->key_labels, labels, (size_t) n * sizeof(int32_t));
	batch = make_batch(labels, n, work->nkeys, dims, work);
	nn_distances(distance, work->x, n, work->x, work->nkeys, dims,
				 work->matrix);
	if (interrupt_pending())
		return NAN;
	loss = compute_matrix(type, params, &batch, reduction);
	nn_distances_backward(distance, work->x, n, work->x, work->nkeys, dims,
						  work->matrix, work->dmatrix, work->dx, work->dx, n);
	return loss;
}

/*
 * L of unit rows against unit proxies [nproxies][dims]; D holds cosines.
 * dproxies is the gradient of the proxies before they were scaled.
 */
static double
compute_proxies(const NnLossType *type, const Params *params,
				const int32_t *labels, int n, int dims, NnLossWork *work)
{
	NnReduction reduction = (NnReduction) params_number(params,
														NN_PROXY_REDUCTION);
	int			proxies = work->nproxies;
	int			centers = nn_loss_centers(type, params);
	NnBatch		batch;
	double		loss;

	for (int c = 0; c < proxies; c++)
		work->key_labels[c] = c / centers;
	batch = make_batch(labels, n, proxies, dims, work);
	nn_normalize_rows(work->proxies, proxies, dims, work->lengths + n);
	nn_distances(NN_INNER_PRODUCT, work->x, n, work->proxies, proxies, dims,
				 work->matrix);
	if (interrupt_pending())
		return NAN;
	loss = compute_matrix(type, params, &batch, reduction);
	interrupt_zero(work->dproxies, (size_t) proxies * dims * sizeof(double));
	nn_distances_backward(NN_INNER_PRODUCT, work->x, n, work->proxies, proxies,
						  dims, work->matrix, work->dmatrix, work->dx,
						  work->dproxies, proxies);
	nn_normalize_rows_backward(work->proxies, proxies, dims, work->lengths + n,
							   work->dproxies);
	return loss;
}

/* Fills work->dx, and dproxies of a proxy loss, whatever they held before. */
double
nn_loss_compute(const NnLossType *type, const Params *params,
				const int32_t *labels, int n, int dims, NnLossWork *work)
{
	double		loss;

	if (work->normalize)
		nn_normalize_rows(work->x, n, dims, work->lengths);
	switch (type->kind)
	{
		case NN_LOSS_PAIRWISE:
			loss = compute_pairs(type, params, labels, n, dims, work);
			break;
		case NN_LOSS_PROXY:
			loss = compute_proxies(type, params, labels, n, dims, work);
			break;
		default:
			interrupt_zero(work->dx, (size_t) n * dims * sizeof(double));
			loss = type->views(params, n / 2, dims, work);
			break;
	}
	if (work->normalize)
		nn_normalize_rows_backward(work->x, n, dims, work->lengths, work->dx);
	return loss;
}

/* ---- training metrics ---- */

typedef struct Extremes
{
	double		sum;
	double		min;
	double		max;
	int			count;
} Extremes;

static void
extremes_add(Extremes *extremes, const NnPick *pick)
{
	if (!pick->found)
		return;
	extremes->sum += pick->value;
	extremes->min = fmin(extremes->min, pick->value);
	extremes->max = fmax(extremes->max, pick->value);
	extremes->count++;
}

/*
 * D of the batch alone: the first n keys, whatever the memory holds.  A
 * pairwise loss without memory has left it where it is wanted.
 */
static void
batch_distances(const NnLossType *type, const Params *params, int n, int dims,
				NnLossWork *work)
{
	NnDistance	distance = NN_COSINE;

	if (type->kind == NN_LOSS_PAIRWISE)
		distance = (NnDistance) params_number(params, NN_PAIR_DISTANCE);
	if (type->kind != NN_LOSS_PAIRWISE || work->nkeys != n)
		nn_distances(distance, work->x, n, work->x, n, dims, work->matrix);
}

/*
 * TensorFlow Similarity's DistanceMetric and dist_gap for hard mining, but
 * over anchors that have a positive (negative) only.
 */
void
nn_loss_stats(const NnLossType *type, const Params *params,
			  const int32_t *labels,
			  int n, int dims, NnLossWork *work, NnStepStats *stats)
{
	Extremes	positive = {0, INFINITY, -INFINITY, 0};
	Extremes	negative = {0, INFINITY, -INFINITY, 0};
	NnBatch		batch = make_batch(labels, n, n, dims, work);

	batch.key_labels = labels;
	batch_distances(type, params, n, dims, work);
	for (int i = 0; i < n && !interrupt_pending(); i++)
	{
		NnAnchor	anchor = nn_anchor(&batch, i);
		NnPick		farthest = nn_farthest(&anchor, anchor.positive);
		NnPick		nearest = nn_nearest(&anchor, anchor.negative);

		extremes_add(&positive, &farthest);
		extremes_add(&negative, &nearest);
	}
	stats->avg_positive = positive.count > 0 ? positive.sum / positive.count :
		NAN;
	stats->min_positive = positive.count > 0 ? positive.min : NAN;
	stats->max_positive = positive.count > 0 ? positive.max : NAN;
	stats->avg_negative = negative.count > 0 ? negative.sum / negative.count :
		NAN;
	stats->min_negative = negative.count > 0 ? negative.min : NAN;
	stats->max_negative = negative.count > 0 ? negative.max : NAN;
	stats->dist_gap = fabs(stats->min_negative - stats->max_positive);
}

/* ---- a loss by itself ---- */

/*
 * The code that trains, applied to the caller's rows, without a memory of
 * earlier batches.
 */
bool
nn_loss_evaluate(Arena *arena, const NnLossRequest *request, double *value,
				 double *dx, double *dsecond, Status *status)
{
	const NnLossType *type = request->type;
	bool		proxies = type->kind == NN_LOSS_PROXY;
	int			n = type->kind == NN_LOSS_VIEWS ? 2 * request->n : request->n;
	size_t		count = (size_t) request->n * request->dims;
	size_t		second = (size_t) request->nsecond * request->dims;
	NnLossWork	work;

	if (!nn_loss_work(arena, type, request->params, n, request->dims,
					  proxies ? request->nsecond / nn_loss_centers(type, request->params) : 0,
					  &work))
		return status_out_of_memory(status, NULL);
	work.normalize |= request->normalize;
	memcpy(work.x, request->x, count * sizeof(double));
	if (second > 0)
		memcpy(proxies ? work.proxies : work.x + count, request->second,
			   second * sizeof(double));
	*value = nn_loss_compute(type, request->params, request->labels, n, request->dims, &work);
	memcpy(dx, work.dx, count * sizeof(double));
	if (second > 0)
		memcpy(dsecond, proxies ? work.dproxies : work.dx + count,
			   second * sizeof(double));
	return true;
}
