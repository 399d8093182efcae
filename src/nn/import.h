/*
 * import.h
 *	  Weights of a graph out of a file of tensors that somebody else wrote.
 */
#ifndef NN_IMPORT_H
#define NN_IMPORT_H

#include "nn/nn.h"
#include "nn/safetensors.h"

/*
 * Fill the weights of a graph, nn_graph_weights() of them.  If a tensor of the
 * file has a name of ours, all are found by name, else in the order of
 * safetensors_sort().  torch: kernels are laid out as PyTorch does.  The file's
 * list of tensors is changed.  Numbers need not be finite.
 */
extern bool nn_import_weights(SafeTensors *file, const NnGraph *graph, bool torch,
							  real *weights, Status *status);

#endif							/* NN_IMPORT_H */
