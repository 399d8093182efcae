/*
 * import.h
 *	  Weights of a graph out of a file of tensors that somebody else wrote.
 *
 * A layout is how a library names tensors and orders dimensions: Keras by
 * layer and part as we do ("dense/kernel"; Keras 2 adds ":0"), PyTorch,
 * torchvision and timm by layer and role ("layer1.0.conv1.weight",
 * running_mean).  Tensors are taken by these names, or ours, wherever the file
 * has any of them, so that a network whose layers have the file's names needs
 * no list of names.
 *
 * Where a file has the first of these names behind a prefix only ("module.",
 * "backbone."), names are looked for behind that prefix first.
 *
 * If a file has no known name, its tensors are taken in the order of its
 * names, unless the layout is torchvision or timm: by the part up to the last
 * "." or "/", numbers as numbers ("conv2" before "conv10"), and within a layer
 * weight, bias, running_mean, running_var; PyTorch's num_batches_tracked is
 * left out.  (Writers sort tensors by type and name, so that the order of a
 * file says nothing.)  That is the order of layers if they are numbered, as in
 * nn.Sequential, or named alphabetically.  There must then be as many tensors
 * as the graph has.
 *
 * Each shape must fit.  All layouts but Keras' turn units x inputs and OIHW
 * into ours; they cannot know that a dense layer after flatten() reads
 * channels first there: end convolutions with global pooling, or permute the
 * rows of that layer before writing.  A dense layer of the file may be a
 * convolution of 1 x 1 here, and Keras' kernels of attention have a dimension
 * of heads.  F64, F16 and BF16 become F32.
 *
 * A position_embedding over the patches of a picture may come from a picture of
 * another size: it is resized, and what is before the patches (a class token)
 * is taken as it is.  The file's patches must be a square (import_positions.c).
 */
#ifndef NN_IMPORT_H
#define NN_IMPORT_H

#include "nn/nn.h"
#include "nn/safetensors.h"

/*
 * How a library names tensors and lays kernels out.  torchvision and timm are
 * PyTorch, in files that are never taken by the order of their names.
 */
typedef enum NnLayout
{
	NN_LAYOUT_KERAS,
	NN_LAYOUT_TORCH,
	NN_LAYOUT_TORCHVISION,
	NN_LAYOUT_TIMM
} NnLayout;

#define NN_LAYOUTS "keras, torch, torchvision and timm"

/* False if there is none of that name */
extern bool nn_layout(const char *name, NnLayout *layout);

/* Positions of a picture of another size */
typedef struct NnPositions
{
	int			side;			/* the file has side x side patches */
	int			height;			/* the graph these */
	int			width;
	real	   *numbers;		/* as the graph's tensor; NULL: not resized */
} NnPositions;

/* A file whose tensors fit those of a graph */
typedef struct NnImport
{
	const NnGraph *graph;
	NnLayout	layout;
	const SafeTensor **source;	/* of each of the graph's tensors; NULL: none */
	int		   *third;			/* which third of the source it is; -1: all */
	NnPositions *positions;		/* of each of the graph's tensors */
	const char *prefix;			/* of names in the file, not terminated */
	int			prefix_length;
	real	   *fresh;			/* weights of layers without sources */
	int			nsurplus;
	const SafeTensor **surplus; /* tensors that the graph has no use for */
} NnImport;

/*
 * Find the graph's tensors in the file: by our names ("conv2d/kernel"), or
 * those that the layout makes of the layers' names ("conv2d.weight"); if the
 * file has none of them, in the order of safetensors_sort().  PyTorch's files
 * may have kernels of queries, keys and values as one tensor ("attn.qkv.weight").
 *
 * A file of export_model(), or in order, must have all tensors and no more.
 * Of another one the head may be missing, all layers behind the last one that
 * is in the file: they get first weights.  What else is missing is an error.
 * The file's list of tensors is changed, and must live as long as the import.
 */
extern bool nn_import_begin(NnImport *import, SafeTensors *file,
							const NnGraph *graph, NnLayout layout,
							Arena *arena, Status *status);

/* Elements of a tensor of the graph from the first; they may be not finite. */
extern void nn_import_read(const NnImport *import, const NnTensorInfo *tensor,
						   size_t first, size_t n, float *out);

/* Is tensor number i of the graph of a head that starts from first weights? */
extern bool nn_import_is_fresh(const NnImport *import, int i);

#endif							/* NN_IMPORT_H */
