/*
 * import_positions.h
 *	  Position embeddings of a picture of one size for one of another.
 */
#ifndef NN_IMPORT_POSITIONS_H
#define NN_IMPORT_POSITIONS_H

#include "nn/import.h"

/*
 * Can the source be resized to the tensor?  It can if that is of a
 * position_embedding whose tokens are the H x W pixels of a layer, and maybe
 * others before them, and the source has as many others and a square of
 * patches.
 */
extern bool nn_positions_fit(const NnGraph *graph, const NnTensorInfo *tensor,
							 const SafeTensor *source, NnPositions *positions);

/* Compute positions->numbers; fails without memory. */
extern bool nn_positions_resize(NnPositions *positions,
								const NnTensorInfo *tensor,
								const SafeTensor *source, Arena *arena,
								Status *status);

#endif							/* NN_IMPORT_POSITIONS_H */
