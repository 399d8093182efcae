/*
 * layer.h
 *	  What a layer is inside the engine.
 *
 * A layer type is a table of functions; a layer is a type with parameters,
 * shapes and its place in the weights.  Tensors are NHWC; a batch of n rows
 * is n times layer->inputs (outputs) elements, densely packed.
 *
 * Backward hands each piece of the weights' gradient to pass->sink as soon as
 * nothing in this step reads those weights again: training's sink is the
 * optimizer, which so finds gradient and weights in the cache, and the
 * gradient of the whole model never exists.  Pieces are disjoint, and workers
 * call the sink at the same time.
 *
 * Comments of layers write shapes as they lie in memory, outermost first:
 *   n             rows of the batch
 *   T x D         tokens of an input sequence, and their channels
 *   H x W x C     height, width and channels of an input image
 *   Ho x Wo x F   the same of an output image, F being filters
 *   X, Y, Z       input, output, and what goes into the activation: Y = f(Z)
 *   dX, dY, dZ    gradients of the loss by them, shaped as they are
 * dout comes in as dY and dout's memory holds dZ once the activation's
 * derivative has been applied; din is dX.
 */
#ifndef NN_LAYER_H
#define NN_LAYER_H

#include "base/random.h"
#include "nn/nn.h"

typedef enum NnActivation
{
	NN_LINEAR,
	NN_RELU,
	NN_RELU6,
	NN_LEAKY_RELU,
	NN_GELU,
	NN_SILU,
	NN_SIGMOID,
	NN_HARD_SIGMOID,
	NN_HARD_SWISH,
	NN_TANH,
	NN_SOFTMAX
} NnActivation;

/* Zeros that a window may reach over, as nn_padding_names has them */
typedef enum NnPadding
{
	NN_VALID,
	NN_SAME,
	NN_SYMMETRIC
} NnPadding;

typedef enum NnInitializer
{
	NN_GLOROT_UNIFORM,
	NN_GLOROT_NORMAL,
	NN_HE_UNIFORM,
	NN_HE_NORMAL,
	NN_LECUN_UNIFORM,
	NN_LECUN_NORMAL
} NnInitializer;

#define NN_LAYER_TENSORS 8

typedef struct NnTensor
{
	const char *name;			/* "kernel" */
	NnShape		shape;
	size_t		offset;			/* in the model's weights */
	size_t		count;
	bool		state;			/* not trained: the layer's own averages */
	bool		given;			/* state that is as the parameters say */
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

/* Where tap of the window at output pixel p lies in the image; -1: outside */
static inline long
nn_window_position(const NnWindow *w, int p, int tap)
{
	int			y = p / w->out_width * w->stride_y + tap / w->kernel_width -
	w->pad_top;
	int			x = p % w->out_width * w->stride_x + tap % w->kernel_width -
	w->pad_left;

	if (y < 0 || y >= w->height || x < 0 || x >= w->width)
		return -1;
	return ((long) y * w->width + x) * w->channels;
}

/* A source of a layer that is not a layer: the model's input */
#define NN_INPUT (-1)

typedef struct NnLayer
{
	const NnLayerType *type;
	char		name[NN_NAME_SIZE];
	int			number;			/* position in the graph */
	int			stream;			/* of its random numbers: the number in the
								 * whole model */
	Params		params;
	int			nsources;
	const int  *sources;		/* numbers of the layers that it reads */
	const NnShape *shapes;		/* of what it reads */
	NnShape		input;			/* the first of them */
	NnShape		output;
	size_t		inputs;			/* numbers of one row of the first */
	size_t		outputs;
	int			consumers;		/* how often its output is read */
	bool		reads_in;		/* backward reads in, */
	bool		reads_out;		/* backward reads out */
	bool		kept;			/* the loss reads its output */
	bool		masked;			/* whoever reads its output puts the
								 * derivative of its activation into the
								 * gradient */
	double		rate;			/* factor of the learning rate; 0: frozen */
	bool		trained;		/* it or something it reads has weights to
								 * train */
	bool		random;			/* no two steps of training are alike */
	size_t		skipped;		/* weights of frozen layers before it */
	NnActivation activation;
	NnWindow	window;			/* of layers that have one */
	size_t		ids_at;			/* of those that read ids: where they are in a
								 * row of the model's input */
	int			ntensors;
	NnTensor	tensors[NN_LAYER_TENSORS];
} NnLayer;

typedef void (*NnSink) (void *context, size_t offset, size_t count,
						const real *gradient);

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
	real	   *const *prepared;	/* by layer, in inference; else NULL */
	NnSink		sink;
	void	   *sink_context;
} NnPass;

/* Where a layer may put its output and its gradients */
typedef enum NnPlace
{
	NN_APART,					/* nowhere near */
	NN_GRADIENT_IN_PLACE,		/* din may be dout */
	NN_IN_PLACE,				/* that, and out may be in */
	NN_VIEW						/* that, and the numbers stay as they are */
} NnPlace;

/*
 * What each function may rely on:
 *   - forward and backward of one step get the same in, out and saved;
 *     unless reads_in or reads_out is false: then another layer may have
 *     overwritten in or out by the time of backward.
 *   - A layer with place NN_APART gets out and din apart from in and dout.
 *   - scratch is shared by all layers of a pass, and holds nothing from one
 *     call to the next.
 *   - When an interrupt is pending a function may return early.  What it
 *     wrote is then thrown away with the whole pass.
 */
struct NnLayerType
{
	NnDescription description;
	NnPlace		place;
	bool		reads_ids;		/* numbers of the model's input that choose
								 * rows of a table; see nn_check_ids() */

	/*
	 * Infer output, tensors, geometry, reads_in and reads_out (true unless
	 * said otherwise) from layer->input, or shapes if it merges.
	 */
	bool		(*shape) (NnLayer *layer, Status *status);

	/* First weights; NULL if the layer has none. */
	void		(*init) (const NnLayer *layer, Random *random, real *weights);

	/* Elements of scratch that one worker needs for n rows; NULL: none. */
	size_t		(*scratch) (const NnLayer *layer, int n);

	/*
	 * Elements that inference over up to n rows keeps of the layer's weights
	 * in another form, and what makes them; NULL: none.
	 */
	size_t		(*prepared) (const NnLayer *layer, int n);
	void		(*prepare) (const NnLayer *layer, const NnPass *pass,
							real *prepared);

	/* Elements kept for n rows from forward to backward; NULL: none. */
	size_t		(*saved) (const NnLayer *layer, int n);

	/*
	 * saved is NULL outside of training, and of layers that need no backward.
	 */
	void		(*forward) (const NnLayer *layer, const NnPass *pass,
							const real *in, real *out, real *saved);

	/* dout may be overwritten; din is NULL when nobody reads it. */
	void		(*backward) (const NnLayer *layer, const NnPass *pass,
							 const real *in, const real *out,
							 const real *saved, real *dout, real *din);

	/*
	 * What layers of two and more inputs have instead: forward, and the
	 * gradient of input number i.
	 */
	void		(*merge) (const NnLayer *layer, const NnPass *pass,
						  const real *const *in, real *out);
	void		(*unmerge) (const NnLayer *layer, const NnPass *pass,
							const real *const *in, const real *dout, int i,
							real *din);

	/*
	 * A step had a finite loss: what forward saved goes into the layer's
	 * state; NULL: it has none that training changes.
	 */
	void		(*update_state) (const NnLayer *layer, const NnPass *pass,
								 const real *saved, real *weights);
};

extern const NnLayerType nn_layer_activation;
extern const NnLayerType nn_layer_add;
extern const NnLayerType nn_layer_average_pooling2d;
extern const NnLayerType nn_layer_batch_normalization;
extern const NnLayerType nn_layer_class_token;
extern const NnLayerType nn_layer_concatenate;
extern const NnLayerType nn_layer_conv2d;
extern const NnLayerType nn_layer_dense;
extern const NnLayerType nn_layer_depthwise_conv2d;
extern const NnLayerType nn_layer_dropout;
extern const NnLayerType nn_layer_embedding;
extern const NnLayerType nn_layer_embedding_bag;
extern const NnLayerType nn_layer_flatten;
extern const NnLayerType nn_layer_generalized_mean_pooling1d;
extern const NnLayerType nn_layer_generalized_mean_pooling2d;
extern const NnLayerType nn_layer_global_average_pooling2d;
extern const NnLayerType nn_layer_global_max_pooling2d;
extern const NnLayerType nn_layer_layer_normalization;
extern const NnLayerType nn_layer_layer_scale;
extern const NnLayerType nn_layer_max_pooling2d;
extern const NnLayerType nn_layer_metric_embedding;
extern const NnLayerType nn_layer_multi_head_attention;
extern const NnLayerType nn_layer_multiply;
extern const NnLayerType nn_layer_normalization;
extern const NnLayerType nn_layer_position_embedding;
extern const NnLayerType nn_layer_rescaling;
extern const NnLayerType nn_layer_reshape;
extern const NnLayerType nn_layer_select;
extern const NnLayerType nn_layer_zero_padding2d;

/* Words for parameter tables */
extern const char *const nn_activation_names[];
extern const char *const nn_padding_names[];
extern const char *const nn_initializer_names[];

#define NN_INITIALIZER_PARAM \
	{.name = "kernel_initializer",.type = PARAM_CHOICE,.choices = nn_initializer_names, \
	.comment = "how the first weights are drawn"}

#define NN_PADDING_PARAM \
	{.name = "padding",.type = PARAM_CHOICE,.choices = nn_padding_names, \
	.comment = "how far windows reach over the edge: valid: not at all; same: outputs are input / strides, an odd row is at the bottom and right; symmetric: (size - 1) / 2 on each side"}

/* Biggest sizes of a model, far above what is useful and below overflow. */
#define NN_MAX_ROW ((size_t) 1 << 27)
#define NN_MAX_WEIGHTS ((size_t) 1 << 30)

/*
 * The number of the type called name among those that at(i) describes, i from
 * 0 until it gives NULL; or -1 and a status that says which names there are.
 * kind is for the message: "loss".
 */
extern int	nn_type_index(const char *kind, const char *name,
						  const NnDescription *(*at) (int i), Status *status);

/* Elements of a shape; false if above NN_MAX_WEIGHTS. */
extern bool nn_shape_count(const NnShape *shape, size_t *count);

/* "28x28x1" into text; returns text */
extern const char *nn_shape_text(const NnShape *shape, char *text, size_t size);

/* Where a select layer's output begins in its input */
extern size_t nn_selected_at(const NnLayer *layer);

/* Add a tensor to a layer; its offset is set by the graph. */
extern bool nn_add_tensor(NnLayer *layer, const char *name, NnShape shape,
						  Status *status);

/* The same, of numbers that the optimizer leaves alone */
extern bool nn_add_state(NnLayer *layer, const char *name, NnShape shape,
						 Status *status);

/* Fail unless layer->input is height x width x channels. */
extern bool nn_need_image(const NnLayer *layer, Status *status);

/* Fail unless layer->input is tokens x channels. */
extern bool nn_need_sequence(const NnLayer *layer, Status *status);

/* Heads of a multi_head_attention; 0 for other layers. */
extern int	nn_attention_heads(const NnLayer *layer);

/* The last dimension of a shape, along which channels lie */
static inline int
nn_channels(const NnShape *shape)
{
	return shape->dim[shape->rank - 1];
}

/* A shape function: the output is shaped as the input. */
extern bool nn_same_shape(NnLayer *layer, Status *status);

/* Fill layer->window and the output's height and width. */
extern bool nn_window_shape(NnLayer *layer, ParamValue kernel,
							ParamValue strides, NnPadding padding,
							Status *status);

/* First weights as Keras draws them */
extern void nn_initialize(NnInitializer initializer, Random *random,
						  size_t fan_in, size_t fan_out, size_t count,
						  real *out);

/* Does the gradient need what went in, rather than what came out? */
extern bool nn_activation_reads_input(NnActivation activation);

/*
 * x = f(x) for rows of width numbers, the channels, along which softmax goes;
 * dout = dout * f'(x) from x before, which is NULL unless
 * nn_activation_reads_input(), and out = f(x).
 */
extern void nn_activate(NnActivation activation, size_t rows, size_t width,
						real *x);
extern void nn_activate_backward(NnActivation activation, size_t rows,
								 size_t width, const real *before,
								 const real *out, real *dout);

/*
 * Set the activation of a layer that ends with one, and what its backward
 * reads; and its saved: what went into the activation, if that is needed.
 */
extern void nn_set_activation(NnLayer *layer, NnActivation activation);
extern size_t nn_saved_before(const NnLayer *layer, int n);

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

/* The layer's weights as prepare left them; NULL outside of inference */
static inline const real *
nn_prepared(const NnLayer *layer, const NnPass *pass)
{
	return pass->prepared == NULL ? NULL : pass->prepared[layer->number];
}

/* ---- inside of a graph, for infer.c and trainer.c ---- */

struct NnGraph
{
	NnShape		input;
	size_t		inputs;
	int			input_consumers;
	int			nlayers;
	NnLayer    *layers;
	size_t		weights;
	size_t		unfrozen;		/* those of layers that are not frozen, one
								 * layer after the other: what has moments and
								 * gradients.  A weight at offset is the
								 * (offset - skipped)-th of them */
	int			embedding;		/* the layer that gives embeddings: the last,
								 * or the last below the heads of a method */
	int			projector;		/* the last layer of a projector, or -1 */
};

/*
 * A graph and further layers on its last one, the first nprojector of which
 * are a projector
 */
extern NnGraph *nn_graph_extend(Arena *arena, const NnGraph *graph,
								const NnLayerSpec *layers, int n,
								int nprojector, Status *status);

/* Does training change the layer's state? */
static inline bool
nn_state_moves(const NnLayer *layer)
{
	return layer->type->update_state != NULL && layer->rate > 0;
}

/* Numbers that a training keeps from forward for n rows, for whom it does */
extern size_t nn_layer_saved(const NnLayer *layer, int n);

/* First weights of layer number i, as nn_init_weights() makes them */
extern void nn_init_layer(const NnGraph *graph, int i, uint64_t seed,
						  real *weights);

/*
 * Does the loss give a gradient of the layer's output beside what comes from
 * those that read it?  That of embeddings, below heads.
 */
static inline bool
nn_is_graded(const NnGraph *graph, int i)
{
	return i == graph->embedding && i < graph->nlayers - 1 &&
		graph->layers[i].trained;
}

/* Most scratch that a layer of the graph needs per worker for n rows. */
extern size_t nn_graph_scratch(const NnGraph *graph, int n);

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
