/*
 * layer.h
 *	  What a layer is inside the engine.
 *
 * A layer type is a table of functions; a layer is a type with parameters,
 * shapes and its place in the weights.  Tensors are NHWC; a batch of n rows
 * is n times layer->inputs (outputs) numbers, densely packed.
 *
 * Backward hands each piece of the weights' gradient to pass->sink as soon as
 * nothing in this step reads those weights again: training's sink is the
 * optimiser, which so finds gradient and weights in the cache, and the
 * gradient of the whole model never exists.  Pieces are disjoint, and workers
 * call the sink at the same time.
 */
#ifndef NN_LAYER_H
#define NN_LAYER_H

#include "base/random.h"
#include "nn/nn.h"

typedef enum NnActivation
{
	NN_LINEAR,
	NN_RELU,
	NN_SIGMOID,
	NN_TANH
} NnActivation;

#define NN_LAYER_TENSORS 2

typedef struct NnTensor
{
	const char *name;			/* "kernel" */
	NnShape		shape;
	size_t		offset;			/* in the model's weights */
	size_t		count;
} NnTensor;

/* A window that slides over an image: convolution and pooling. */
typedef struct NnWindow
{
	int			height;			/* of the input */
	int			width;
	int			channels;
	int			kernel_height;
	int			kernel_width;
	int			stride_y;
	int			stride_x;
	int			pad_top;
	int			pad_left;
	int			out_height;
	int			out_width;
} NnWindow;

typedef struct NnLayer
{
	const NnLayerType *type;
	char		name[NN_NAME_SIZE];
	int			number;			/* position in the graph */
	Params		params;
	NnShape		input;
	NnShape		output;
	size_t		inputs;			/* numbers of one row */
	size_t		outputs;
	NnActivation activation;
	NnWindow	window;			/* of layers that have one */
	int			ntensors;
	NnTensor	tensors[NN_LAYER_TENSORS];
} NnLayer;

typedef void (*NnSink) (void *context, size_t offset, size_t count, const real *gradient);

/* One forward or backward pass over n rows. */
typedef struct NnPass
{
	int			n;
	bool		training;
	uint64_t	seed;			/* of dropout */
	uint64_t	step;
	ThreadPool *pool;			/* NULL: the caller alone */
	const real *weights;
	real	   *scratch;		/* scratch_size numbers for each worker */
	size_t		scratch_size;
	NnSink		sink;
	void	   *sink_context;
} NnPass;

struct NnLayerType
{
	NnDescription description;
	bool		in_place;		/* output is the input under another shape */

	/* Infer output, tensors and geometry from layer->input. */
	bool		(*shape) (NnLayer *layer, Status *status);

	/* First weights; NULL if the layer has none. */
	void		(*init) (const NnLayer *layer, Random *random, real *weights);

	/* Numbers of scratch that one worker needs for n rows; NULL: none. */
	size_t		(*scratch) (const NnLayer *layer, int n);

	/* Numbers kept for each row from forward to backward; NULL: none. */
	size_t		(*saved) (const NnLayer *layer);

	/* saved is NULL outside of training. */
	void		(*forward) (const NnLayer *layer, const NnPass *pass,
							const real *in, real *out, real *saved);

	/* dout may be overwritten; din is NULL when nobody reads it. */
	void		(*backward) (const NnLayer *layer, const NnPass *pass,
							 const real *in, const real *out,
							 const real *saved, real *dout, real *din);
};

extern const NnLayerType nn_layer_conv2d;
extern const NnLayerType nn_layer_dense;
extern const NnLayerType nn_layer_dropout;
extern const NnLayerType nn_layer_flatten;
extern const NnLayerType nn_layer_max_pooling2d;
extern const NnLayerType nn_layer_metric_embedding;
extern const NnLayerType nn_layer_rescaling;

/* Words for parameter tables */
extern const char *const nn_activation_names[];
extern const char *const nn_padding_names[];

/* Biggest sizes of a model, far above what is useful and below overflow. */
#define NN_MAX_ROW ((size_t) 1 << 27)
#define NN_MAX_WEIGHTS ((size_t) 1 << 30)

/*
 * There is no kind ("loss") of that name: a status whose hint lists what
 * at() gives.  Returns false.
 */
extern bool nn_fail_unknown(Status *status, const char *kind, const char *name,
							const NnDescription *(*at) (int i));

/* Numbers in a shape; false if above NN_MAX_WEIGHTS. */
extern bool nn_shape_count(const NnShape *shape, size_t *count);

/* "28x28x1" into text; returns text */
extern const char *nn_shape_text(const NnShape *shape, char *text, size_t size);

/* Add a tensor to a layer; its offset is set by the graph. */
extern bool nn_add_tensor(NnLayer *layer, const char *name, NnShape shape, Status *status);

/* Fill layer->window and the output's height and width. */
extern bool nn_window_shape(NnLayer *layer, ParamValue kernel, ParamValue strides,
							bool same, Status *status);

/* Keras' glorot_uniform */
extern void nn_glorot_uniform(Random *random, size_t fan_in, size_t fan_out,
							  size_t count, real *out);

/* out = f(out), n numbers; dout = dout * f'(x) from out = f(x) */
extern void nn_activate(NnActivation activation, size_t n, real *out);
extern void nn_activate_backward(NnActivation activation, size_t n,
								 const real *out, real *dout);

/* The piece of a layer's weights that a tensor is */
static inline const real *
nn_tensor(const NnLayer *layer, const NnPass *pass, int i)
{
	return pass->weights + layer->tensors[i].offset;
}

static inline real *
nn_scratch(const NnPass *pass, int worker)
{
	return pass->scratch + (size_t) worker * pass->scratch_size;
}

/* ---- inside of a graph, for infer.c and train.c ---- */

struct NnGraph
{
	NnShape		input;
	size_t		inputs;
	int			nlayers;
	NnLayer    *layers;
	size_t		weights;
};

/* Most scratch that a layer of the graph needs per worker for n rows. */
extern size_t nn_graph_scratch(const NnGraph *graph, int n);

/* Most numbers of a row between two layers. */
extern size_t nn_graph_widest(const NnGraph *graph);

/* Rows as stored into a dense batch of numbers. */
extern void nn_gather(const NnGraph *graph, NnElement element,
					  const void *const *rows, int n, real *out);

/*
 * Denormal numbers as zero on this thread: Adam's moments of dead units decay
 * into them, and processors compute with them very slowly.  Returns what to
 * restore.
 */
extern unsigned nn_flush_denormals(void);
extern void nn_restore_denormals(unsigned saved);

#endif							/* NN_LAYER_H */
