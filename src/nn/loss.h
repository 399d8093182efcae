/*
 * loss.h
 *	  Losses inside the engine.
 *
 * There are three kinds.  A pairwise loss reads the matrix of distances
 * between the rows of a batch, the anchors, and keys: the batch itself and,
 * with cross-batch memory, rows of earlier batches.  A proxy loss reads the
 * cosines of rows and proxies, one trainable vector for each class.  A loss of
 * two views reads rows in pairs.  All give a number and a gradient, in double.
 *
 * Shapes, in double: embeddings x [n][dims]; matrix D and its gradient dL/dD,
 * G in comments, [n][nkeys].  A pairwise or proxy loss only ever reads D,
 * labels and parameters: pairwise.c turns G into dL/dx, by two products where
 * D is one.  In comments P and N are the positives and negatives of an anchor,
 * d or d_j its distance to key j, and [x]+ is max(x, 0).
 *
 * Reductions: "mean" over all terms, those of anchors without a loss included,
 * as in Keras; "nonzero", the mean over terms above zero; "sum".  A term is an
 * anchor's loss, or one triplet where mining takes "all", one positive pair of
 * nt_xent.  contrastive and threshold_consistent_margin reduce positive and
 * negative pairs apart, and proxy_anchor proxies with rows and all proxies.
 * Losses of two views have reductions of their own (loss_views.c).
 *
 * Cross-batch memory (Wang et al., 2020): with memory_size the keys are [batch,
 * rows of earlier batches], cut at memory_size, never below the batch.  The
 * gradient reaches the batch as anchors and as keys, earlier rows are constants.
 * The first warmup_steps steps leave nothing behind.  The memory starts empty.
 *
 * Proxies start as random directions and have moments of the same optimizer,
 * clipped as a tensor of their own; their learning rate is
 * proxy_learning_rate_multiplier times the weights' (10 by default: with Adam's
 * 0.001 that is the rate of the Proxy-Anchor paper).  They end with the training.
 */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include "nn/layer.h"

typedef struct NnLossWork NnLossWork;

/* The matrix of a pairwise or proxy loss */
typedef struct NnBatch
{
	int			n;				/* anchors */
	int			nkeys;			/* the first n keys of a pairwise loss are the
								 * anchors themselves */
	int			dims;
	const int32_t *labels;		/* n */
	const int32_t *key_labels;	/* nkeys; of proxies their classes */
	const double *matrix;		/* n x nkeys: distances, or cosines of proxies */
	double	   *dmatrix;		/* gradient, to be added to */
	double	   *row;			/* as many numbers as anchors or keys to work
								 * with */
	int		   *picks;			/* n */
	uint8_t    *masks;			/* 2 x nkeys */
} NnBatch;

/* One anchor's view of the batch */
typedef struct NnAnchor
{
	const NnBatch *batch;
	int			index;
	int			n;				/* keys */
	const double *distance;		/* to each key */
	const uint8_t *positive;	/* 1: same class, another row */
	const uint8_t *negative;	/* 1: another class */
	double	   *gradient;		/* of each distance, to be added to */
} NnAnchor;

/* Terms of a loss, as reductions need them */
typedef struct NnTally
{
	double		sum;
	double		terms;
	double		nonzero;		/* terms above 0 */
} NnTally;

struct NnLossType
{
	NnDescription description;
	NnLossKind	kind;
	bool		unit_rows;		/* rows are always scaled to length 1 first */
	bool		reads_lengths;	/* rows are not meant to be of length 1 */
	bool		predicts;		/* of two views, the first rows are constant
								 * targets, the second predictions of them */

	/*
	 * Pairwise: terms of one anchor, each counted by nn_tally() and with its
	 * gradient added unscaled.  begin, which may be NULL, is called before
	 * the first anchor.
	 */
	void		(*begin) (const Params *params, const NnBatch *batch);
	void		(*anchor) (const Params *params, const NnAnchor *anchor,
						   NnTally *tally);

	/*
	 * The loss of an anchor whose positives are as far away as its negatives;
	 * NULL: it depends on how far, or on how many there are.
	 */
	double		(*equal) (const Params *params);

	/* The whole matrix at once, its reduction included: instead of anchor */
	double		(*matrix) (const Params *params, const NnBatch *batch);

	/* Proxies of a class, which lie next to each other; NULL: 1 */
	int			(*centers) (const Params *params);

	/* How many proxies a loss of two views has; NULL: none */
	int			(*prototypes) (const Params *params);

	/* Two views: work->x has n rows and then their n partners */
	double		(*views) (const Params *params, int n, int dims,
						  NnLossWork *work);
};

/* Common parameters of a kind of losses, before each loss's own */
enum
{
	NN_PAIR_DISTANCE, NN_PAIR_REDUCTION, NN_PAIR_MEMORY_SIZE,
	NN_PAIR_WARMUP_STEPS, NN_PAIR_OWN
};

enum
{
	NN_PROXY_REDUCTION, NN_PROXY_RATE, NN_PROXY_OWN
};

typedef enum NnReduction
{
	NN_MEAN, NN_NONZERO, NN_SUM
} NnReduction;

extern const char *const nn_reduction_names[];

#define NN_REDUCTION_PARAM(default_reduction) \
	{.name = "reduction",.type = PARAM_CHOICE,.choices = nn_reduction_names,.initial = (default_reduction), \
	.comment = "mean over all terms, over those above zero, or their sum"}

#define NN_PAIR_PARAMS(default_distance, default_reduction) \
	{.name = "distance",.type = PARAM_CHOICE,.choices = nn_distance_names,.initial = (default_distance), \
	.comment = "distance between embeddings"}, \
	NN_REDUCTION_PARAM(default_reduction), \
	{.name = "memory_size",.type = PARAM_INTEGER,.minimum = 0,.maximum = 1000000, \
	.comment = "keys with cross-batch memory, this batch included (Wang et al., 2020); 0: none"}, \
	{.name = "warmup_steps",.type = PARAM_INTEGER,.minimum = 0,.maximum = 2147483647, \
	.comment = "first steps, whose rows the memory does not keep"}

#define NN_PROXY_PARAMS \
	NN_REDUCTION_PARAM(NN_MEAN), \
	{.name = "proxy_learning_rate_multiplier",.type = PARAM_REAL,.initial = 10,.minimum = 0,.maximum = 1e6, \
	.comment = "times the learning rate is the proxies' learning rate"}

extern const NnLossType nn_loss_arcface;
extern const NnLossType nn_loss_barlow;
extern const NnLossType nn_loss_byol;
extern const NnLossType nn_loss_circle;
extern const NnLossType nn_loss_contrastive;
extern const NnLossType nn_loss_cosface;
extern const NnLossType nn_loss_lifted_structure;
extern const NnLossType nn_loss_multi_similarity;
extern const NnLossType nn_loss_multiple_negatives_ranking;
extern const NnLossType nn_loss_normalized_softmax;
extern const NnLossType nn_loss_nt_xent;
extern const NnLossType nn_loss_pn;
extern const NnLossType nn_loss_proxy_anchor;
extern const NnLossType nn_loss_proxy_nca;
extern const NnLossType nn_loss_simclr;
extern const NnLossType nn_loss_simsiam;
extern const NnLossType nn_loss_soft_nearest_neighbor;
extern const NnLossType nn_loss_sub_center_arcface;
extern const NnLossType nn_loss_sup_con;
extern const NnLossType nn_loss_swav;
extern const NnLossType nn_loss_threshold_consistent_margin;
extern const NnLossType nn_loss_triplet;
extern const NnLossType nn_loss_vicreg;

/* ---- what losses are made of ---- */

static inline void
nn_tally(NnTally *tally, double value)
{
	tally->sum += value;
	tally->terms += 1;
	tally->nonzero += value > 0;
}

/* 1 / terms, 1 / nonzero or 1 as the reduction says; 0 instead of 1 / 0 */
extern double nn_reduction_scale(NnReduction reduction, const NnTally *tally);

/* A distance that was picked out of an anchor's row */
typedef struct NnPick
{
	double		value;
	int			index;			/* where its gradient goes */
	bool		found;			/* false: the mask was empty */
} NnPick;

/*
 * Farthest and nearest key under a mask, the lowest index of equal ones.  As
 * TensorFlow Similarity has it, an empty mask gives the row's minimum minus
 * 1e-6 (maximum plus 1e-6).
 */
extern NnPick nn_farthest(const NnAnchor *anchor, const uint8_t *mask);
extern NnPick nn_nearest(const NnAnchor *anchor, const uint8_t *mask);

/* Anchor i; its masks are valid until the next call. */
extern NnAnchor nn_anchor(const NnBatch *batch, int i);

/*
 * ln(offset + sum over keys under the mask of e^x), without overflow; x
 * becomes each key's share of that sum, its derivative, and 0 elsewhere.
 * mask NULL: all keys.  offset is 0 or 1; -infinity if the sum is 0.
 */
extern double nn_log_sum_exp(double *x, const uint8_t *mask, int n,
							 double offset);

/* ln(1 + e^x) and its derivative */
extern double nn_softplus(double x, double *slope);

/* All proxies of a loss, for so many classes; 0: it has none */
extern size_t nn_loss_proxies(const NnLossType *type, const Params *params,
							  int classes);

/* Scale n rows to length 1; lengths gets what they had. */
extern void nn_normalize_rows(double *x, int n, int dims, double *lengths);

/* Gradient of unit rows into that of the rows before; in place */
extern void nn_normalize_rows_backward(const double *x, int n, int dims,
									   const double *lengths, double *dx);

/* ---- computing ---- */

/* Working memory of nn_loss_compute, and the state of a training */
struct NnLossWork
{
	bool		normalize;		/* rows are scaled to length 1 first */
	int			capacity;		/* keys */
	int			nkeys;			/* of the last batch */
	int64_t		steps;			/* begun */
	int			classes;		/* that have proxies */
	int			nproxies;
	double	   *x;				/* capacity x dims: the batch, then the memory */
	double	   *dx;				/* as many rows as the batch */
	double	   *matrix;
	double	   *dmatrix;
	double	   *lengths;		/* of rows, then of proxies */
	double	   *row;
	double	   *proxies;		/* nproxies x dims, scaled by nn_loss_compute */
	double	   *dproxies;
	int32_t    *key_labels;
	int		   *picks;
	uint8_t    *masks;
};

/*
 * For batches of at most n rows; classes counts for proxy losses only.  False
 * if memory ends.  The work starts with normalize as the loss has it in
 * training.
 */
extern bool nn_loss_work(Arena *arena, const NnLossType *type,
						 const Params *params, int n, int dims, int classes,
						 NnLossWork *work);
extern size_t nn_loss_work_size(const NnLossType *type, const Params *params,
								int n, int dims, int classes);

/*
 * Make room for the next batch of n rows in front of the memory: to be called
 * before work->x is filled, when batches follow each other.
 */
extern void nn_loss_next_batch(const NnLossType *type, const Params *params,
							   int n, int dims, NnLossWork *work);

/*
 * Loss of n embeddings, which work->x holds, and for proxy losses of
 * work->proxies.  On return work->dx and dproxies are their gradients.
 */
extern double nn_loss_compute(const NnLossType *type, const Params *params,
							  const int32_t *labels, int n, int dims,
							  NnLossWork *work);

/*
 * Distances of a batch, after nn_loss_compute: for each anchor that of the
 * farthest positive and of the nearest negative.  Fills the means and extremes
 * of stats, NaN where no anchor has one.  Cosine where the loss knows no
 * distance.
 */
extern void nn_loss_stats(const NnLossType *type, const Params *params,
						  const int32_t *labels, int n, int dims,
						  NnLossWork *work, NnStepStats *stats);

#endif							/* NN_LOSS_H */
