/*
 * import.h
 *	  Weights of a graph out of a file of tensors that somebody else wrote.
 */
#ifndef NN_IMPORT_H
#define NN_IMPORT_H

#include "nn/nn.h"
#include "nn/safetensors.h"

/* A file whose tensors fit those of a graph */
typedef struct NnImport
{
	const NnGraph *graph;
	bool		torch;
	const SafeTensor **source;	/* of each of the graph's tensors */
} NnImport;

/*
 * Find the graph's tensors in the file.  If a tensor of the file has a name of
 * ours, all are found by name, else in the order of safetensors_sort().
 * torch: kernels are laid out as PyTorch does.  The file's list of tensors is
 * changed, and must live as long as the import.
 */
extern bool nn_import_begin(NnImport *import, SafeTensors *file,
							const NnGraph *graph, bool torch, Arena *arena,
							Status *status);

/* Elements of a tensor of the graph from the first; they may be not finite. */
extern void nn_import_read(const NnImport *import, const NnTensorInfo *tensor,
						   size_t first, size_t n, float *out);

#endif							/* NN_IMPORT_H */
