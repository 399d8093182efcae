/*
 * nn.h
 *	  The engine as the server rooms see it: from a specification to a graph,
 *	  from a graph to embeddings, and training steps.
 *
 * Life of a model: the server fills an NnSpec from jsonb; nn_graph_create()
 * checks it and infers shapes; nn_init_weights() makes the first weights; an
 * NnTrainer changes them step by step; an NnInfer turns rows into embeddings.
 * All of it lives in arenas that the caller hands over; nothing here blocks,
 * allocates behind the arena's back or knows PostgreSQL.
 *
 * Tensors are NHWC, batch outermost, densely packed.  Weights of a model are
 * one array of floats; nn_graph_tensor() says which part is which.
 */
#ifndef NN_NN_H
#define NN_NN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/params.h"
#include "base/status.h"
#include "base/threads.h"
#include "nn/real.h"

#define NN_MAX_RANK 4			/* of a shape without the batch dimension */
#define NN_MAX_LAYERS 512
#define NN_NAME_SIZE 64

typedef struct NnShape
{
	int			rank;
	int			dim[NN_MAX_RANK];
} NnShape;

/*
 * Kinds of things with a name and parameters, as tables for look-up and for
 * the SQL functions that list them.  All tables end with a NULL name.
 */
typedef struct NnLayerType NnLayerType;
typedef struct NnLossType NnLossType;
typedef struct NnOptimizerType NnOptimizerType;
typedef struct NnScheduleType NnScheduleType;
typedef struct NnMethodType NnMethodType;

typedef struct NnDescription
{
	const char *name;
	const ParamSpec *params;
	const char *comment;		/* one line for users, with the source */
} NnDescription;

/* NULL and a status whose hint lists the accepted names if there is none. */
extern const NnLayerType *nn_layer_type(const char *name, Status *status);
extern const NnLossType *nn_loss_type(const char *name, Status *status);
extern const NnOptimizerType *nn_optimizer_type(const char *name,
												Status *status);
extern const NnScheduleType *nn_schedule_type(const char *name, Status *status);
extern const NnMethodType *nn_method_type(const char *name, Status *status);

/* The i-th of each kind, NULL after the last. */
extern const NnLayerType *nn_layer_type_at(int i);
extern const NnLossType *nn_loss_type_at(int i);
extern const NnOptimizerType *nn_optimizer_type_at(int i);
extern const NnScheduleType *nn_schedule_type_at(int i);
extern const NnMethodType *nn_method_type_at(int i);

extern const NnDescription *nn_layer_description(const NnLayerType *type);
extern const NnDescription *nn_loss_description(const NnLossType *type);
extern const NnDescription *nn_optimizer_description(const NnOptimizerType *type);
extern const NnDescription *nn_schedule_description(const NnScheduleType *type);
extern const NnDescription *nn_method_description(const NnMethodType *type);

/* Do parameters that are valid by themselves go together? */
extern bool nn_schedule_check(const NnScheduleType *type, const Params *params,
							  int64_t total_steps, Status *status);
extern bool nn_optimizer_check(const Params *params, Status *status);

/* What a loss reads */
typedef enum NnLossKind
{
	NN_LOSS_PAIRWISE,			/* distances between the rows of a batch */
	NN_LOSS_PROXY,				/* rows and a trainable vector for each class */
	NN_LOSS_VIEWS				/* pairs of rows; labels do not matter */
} NnLossKind;

extern NnLossKind nn_loss_kind(const NnLossType *type);

/* How many proxies a proxy loss has for each class; 0: it is none */
extern int	nn_loss_centers(const NnLossType *type, const Params *params);

/* Does it compare rows with those of earlier batches? */
extern bool nn_loss_remembers(const NnLossType *type, const Params *params);

/* False where the lengths of embeddings matter (barlow, vicreg) */
extern bool nn_loss_normalizes(const NnLossType *type);

/* ---- specification and graph ---- */

/* The name that layers read the model's input by */
#define NN_INPUT_NAME "input"
#define NN_MAX_SOURCES 16

typedef struct NnLayerSpec
{
	const NnLayerType *type;
	char		name[NN_NAME_SIZE]; /* empty: named as Keras does, "conv2d",
									 * "conv2d_1", ... */
	Params		params;
	bool		frozen;			/* training leaves it as it is */
	int			nsources;		/* 0: it reads the layer before */
	const char *sources[NN_MAX_SOURCES];	/* names of layers before it */
} NnLayerSpec;

typedef struct NnSpec
{
	NnShape		input;			/* of one row, e.g. 28 x 28 x 1 */
	int			nlayers;
	NnLayerSpec *layers;		/* each reads layers before it */
} NnSpec;

typedef struct NnGraph NnGraph;

/* Check a specification; failures name the layer, the shapes and the fix. */
extern NnGraph *nn_graph_create(Arena *arena, const NnSpec *spec,
								Status *status);

typedef struct NnLayerInfo
{
	const char *name;
	const char *type;
	NnShape		output;
	size_t		parameters;		/* weights of this layer */
	size_t		untrained;		/* those of them that are state or frozen */
	bool		frozen;
	int			nsources;
} NnLayerInfo;

extern int	nn_graph_layers(const NnGraph *graph);
extern void nn_graph_layer(const NnGraph *graph, int i, NnLayerInfo *info);

/* Name of what layer i reads as its k-th input */
extern const char *nn_graph_source(const NnGraph *graph, int i, int k);

typedef struct NnTensorInfo
{
	char		name[2 * NN_NAME_SIZE]; /* "conv2d_1/kernel" */
	NnShape		shape;
	size_t		offset;			/* in floats from the start of the weights */
	size_t		count;
	int			layer;			/* its number */
	bool		trainable;		/* neither state nor frozen */
	bool		given;			/* by the layer's parameters, for good */
} NnTensorInfo;

extern int	nn_graph_tensors(const NnGraph *graph);
extern void nn_graph_tensor(const NnGraph *graph, int i, NnTensorInfo *info);

/* Floats in the weights array. */
extern size_t nn_graph_weights(const NnGraph *graph);

/* Shape of one input row, its count of numbers, and those of one embedding. */
extern NnShape nn_graph_input(const NnGraph *graph);
extern size_t nn_graph_inputs(const NnGraph *graph);
extern int	nn_graph_outputs(const NnGraph *graph);

/*
 * Which layers a training changes, and how fast.  A pattern is a layer's name,
 * in which * stands for any characters and ? for one.  A layer follows the rule
 * that is its name, else the longest pattern that matches it, of equally long
 * ones the last; without any it stays as the specification has it.  Fails if
 * a pattern matches no layer.
 */
typedef struct NnRateRule
{
	const char *pattern;
	double		rate;			/* factor of the learning rate; 0: frozen */
} NnRateRule;

extern bool nn_graph_set_rates(NnGraph *graph, const NnRateRule *rules, int n,
							   Status *status);

/* Is there anything to train? */
extern bool nn_graph_is_trained(const NnGraph *graph);

/*
 * Cut a graph behind its frozen layers.  The prefix gives the features of a
 * row, which no training changes, and the head, whose input they are, reads
 * nothing else; both use the weights of the whole.  False, with a status if
 * memory ends: there is no one place to cut, no frozen weight before it, or
 * something random or moving in the prefix.
 */
extern bool nn_graph_split(Arena *arena, const NnGraph *graph, NnGraph **prefix,
						   NnGraph **head, Status *status);

/* Fresh weights by each layer's initializer (Keras' glorot_uniform, zeros). */
extern void nn_init_weights(const NnGraph *graph, uint64_t seed, real *weights);

/* ---- learning without labels ---- */

/*
 * A graph and, on its last layer, the heads of a method, by which its loss
 * sees embeddings: a projector, and a predictor where it has one.  Weights of
 * the graph come first and lie as they do there; layers are as frozen as
 * there, and heads never are.
 */
extern NnGraph *nn_method_graph(Arena *arena, const NnGraph *graph,
								const NnMethodType *type,
								const Params *params, Status *status);

/* What it does with rows that have a label: their share, their loss' weight */
extern double nn_method_labeled_share(const Params *params);
extern double nn_method_label_weight(const Params *params);

/* The loss of two views that a method minimizes */
extern const NnLossType *nn_method_loss(const NnMethodType *type);

/*
 * All parameters of a method, those of its heads and then those of its loss;
 * and the loss' own values out of such.
 */
extern void nn_method_specs(const NnMethodType *type,
							ParamSpec specs[PARAMS_MAX + 1]);
extern void nn_method_loss_params(const NnMethodType *type,
								  const Params *params, Params *loss_params);

/* ---- rows ---- */

/* What a row of input is stored as; rows stay in this form until used. */
typedef enum NnElement
{
	NN_UINT8,					/* one byte a number, 0 .. 255 */
	NN_FLOAT32
} NnElement;

/*
 * Are the numbers of a row, as it is stored, ids where layers take them for
 * such?  The status says which is not.
 */
extern bool nn_check_ids(const NnGraph *graph, NnElement element,
						 const void *row, Status *status);

/* Bytes of one row. */
extern size_t nn_row_size(const NnGraph *graph, NnElement element);

/* Row number i, as stored; it need not stay until the next one is asked for. */
typedef const void *(*NnRowSource) (void *context, size_t i);

/*
 * Before training: what layers learn from n rows alone, the mean and variance
 * of normalization, into the weights.
 */
extern bool nn_adapt(Arena *arena, const NnGraph *graph, NnElement element,
					 NnRowSource source, void *context, size_t n, real *weights,
					 Status *status);

/* ---- inference ---- */

typedef struct NnInfer NnInfer;

/* Bytes that nn_infer_create will take from its arena. */
extern size_t nn_infer_memory(const NnGraph *graph, int max_batch,
							  int nthreads);

/*
 * weights is used in place and must stay as it is; pool may be NULL (no thread
 * then).
 * gemm_load() must have succeeded.
 */
extern NnInfer *nn_infer_create(Arena *arena, const NnGraph *graph,
								const real *weights, int max_batch,
								ThreadPool *pool, Status *status);

/* Embed n rows, 1 <= n <= max_batch, into n x nn_graph_outputs() floats. */
extern void nn_infer_run(NnInfer *infer, NnElement element,
						 const void *const *rows, int n, float *out);

/* ---- training ---- */

typedef struct NnTrainOptions
{
	const NnLossType *loss;
	Params		loss_params;
	const NnOptimizerType *optimizer;
	Params		optimizer_params;
	const NnScheduleType *schedule; /* NULL: constant */
	Params		schedule_params;
	int64_t		total_steps;	/* of the whole training, for schedules */
	int			classes;		/* labels are below it; for proxy losses */
	int			max_batch;
	const NnMethodType *method; /* NULL: none.  Else the graph is
								 * nn_method_graph()'s, and the loss the
								 * method's */
	Params		method_params;

	/*
	 * Beside a method: a pairwise loss without memory of the embeddings of
	 * rows that have a class (nn_trainer_set_classes()), times a weight;
	 * NULL: none
	 */
	const NnLossType *class_loss;
	Params		class_loss_params;
	double		class_loss_weight;
	uint64_t	seed;			/* of dropout and of first proxies */
	ThreadPool *pool;			/* may be NULL */
} NnTrainOptions;

typedef struct NnTrainer NnTrainer;

typedef struct NnStepStats
{
	double		loss;
	double		learning_rate;
	double		gradient_norm;	/* of the weights' gradient, before clipping */

	/*
	 * Over the anchors of this batch: the farthest positive's distance, NaN
	 * if no anchor has one; the nearest negative's likewise.
	 */
	double		avg_positive;
	double		min_positive;
	double		max_positive;
	double		avg_negative;
	double		min_negative;
	double		max_negative;

	/*
	 * |min_negative - max_positive|, as TensorFlow Similarity has it: no sign
	 * tells whether they overlap
	 */
	double		dist_gap;
} NnStepStats;

/*
 * What the means of some steps say of a training that goes wrong without an
 * error, for people; NULL: nothing.
 */
extern const char *nn_verdict(const NnLossType *type, const Params *params,
							  const NnStepStats *mean);

/* Bytes that nn_trainer_create will take from its arena. */
extern size_t nn_trainer_memory(const NnGraph *graph,
								const NnTrainOptions *options);

/* weights is changed in place by each step. */
extern NnTrainer *nn_trainer_create(Arena *arena, const NnGraph *graph,
									const NnTrainOptions *options,
									real *weights, Status *status);

/*
 * One step on n rows, 1 <= n <= max_batch, with their labels (any integers;
 * equal means same class; 0 .. classes - 1 for proxy losses).  A loss of pairs
 * takes rows 0 and 1, 2 and 3, ... as such.  Fails with STATUS_DIVERGED,
 * weights untouched, when the loss is not finite.
 */
extern bool nn_trainer_step(NnTrainer *trainer, NnElement element,
							const void *const *rows, const int32_t *labels,
							int n, NnStepStats *stats, Status *status);

/*
 * The classes of the next step's rows for options.class_loss, -1 where none is
 * known; they must stay until it has been made.
 */
extern void nn_trainer_set_classes(NnTrainer *trainer, const int32_t *classes);

/*
 * All that steps change beside the weights, as parts of memory with names: who
 * keeps them and the weights can go on as if nothing had happened.  Counters
 * come first; to restore, set them, ask for the parts again, since sizes follow
 * from counters, and fill the others.
 */
#define NN_COUNTERS 3
#define NN_STATE_PARTS 13

typedef struct NnStatePart
{
	const char *name;
	void	   *data;
	size_t		size;			/* bytes */
} NnStatePart;

extern int	nn_trainer_state(NnTrainer *trainer, NnStatePart *parts);
extern bool nn_trainer_set_counters(NnTrainer *trainer,
									const int64_t *counters);

/* Steps made so far. */
extern int64_t nn_trainer_steps(const NnTrainer *trainer);

/*
 * Loss of n embeddings of so many numbers and its gradients, in double.  A
 * proxy loss reads nsecond proxies from second, those of a class next to each
 * other, and labels are below the number of classes; a
 * loss of pairs reads each row's partner, nsecond being n.  normalize: rows
 * are scaled to length 1 first.  dsecond is as large as second.  False if
 * memory ends.
 */
typedef struct NnLossRequest
{
	const NnLossType *type;
	const Params *params;
	bool		normalize;
	int			n;
	int			dims;
	int			nsecond;		/* 0 for pairwise losses */
	const int32_t *labels;
	const double *x;
	const double *second;
} NnLossRequest;

extern bool nn_loss_evaluate(Arena *arena, const NnLossRequest *request,
							 double *value, double *dx, double *dsecond,
							 Status *status);

/* ---- which rows make a batch ---- */

/*
 * Class-balanced batches are those of TensorFlow Similarity's
 * MultiShotMemorySampler.  single_shot: every row is a class of its own, drawn
 * with replacement, and comes examples_per_class times, as its
 * SingleShotMemorySampler has it; labeled of them are drawn from the rows whose
 * label is not -1.  With categories the classes of a batch come
 * from categories_per_batch of them in equal parts, so that negatives are of
 * the same kind; what these have too few of comes from others.
 */
typedef struct NnSamplerOptions
{
	int			classes_per_batch;
	int			examples_per_class;
	uint64_t	seed;
	bool		single_shot;
	int			labeled;		/* 0: labels are not read */
	const int32_t *categories;	/* of each class, 0 .. ncategories - 1; NULL:
								 * none.  Must stay */
	int			ncategories;
	int			categories_per_batch;
} NnSamplerOptions;

typedef struct NnSampler NnSampler;

/*
 * labels are 0 .. nclasses-1, one per row; a row whose label is -1 is never
 * drawn.  Fails when classes_per_batch exceeds the classes that have rows or
 * when only one class has rows.
 */
extern NnSampler *nn_sampler_create(Arena *arena, const int32_t *labels,
									size_t nrows, int nclasses,
									const NnSamplerOptions *options,
									Status *status);

/* Fill classes_per_batch * examples_per_class row numbers, class by class. */
extern void nn_sampler_next(NnSampler *sampler, uint32_t *rows);

#endif							/* NN_NN_H */
