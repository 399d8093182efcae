/*
 * import_names.h
 *	  Which tensors of a file are those of a graph, by their names.
 */
#ifndef NN_IMPORT_NAMES_H
#define NN_IMPORT_NAMES_H

#include "nn/import.h"

/* The tensor's own name, behind that of its layer */
extern const char *nn_import_own_name(const NnTensorInfo *tensor);

/*
 * Fill import->source, third and prefix; *found: how many tensors of the graph
 * the file has.  Fails where two prefixes would do, or without memory.
 */
extern bool nn_import_names(NnImport *import, const SafeTensors *file,
							int *found, Arena *arena, Status *status);

#endif							/* NN_IMPORT_NAMES_H */
