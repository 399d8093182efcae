/*
 * versions.h
 *	  Finished versions of a model: weights into the catalog and out of it.
 *
 * A version comes into being whole: version_store() writes its row and all of
 * its weights, and nothing changes them afterwards.  Weights are stored tensor
 * by tensor as parts (server/parts.h) of little-endian float4.
 */
#ifndef MODEL_VERSIONS_H
#define MODEL_VERSIONS_H

#include "postgres.h"

#include "model/model_catalog.h"
#include "nn/nn.h"
#include "utils/jsonb.h"

/* Hand over n weights of a tensor from the first on; called for all of them in their order. */
typedef void (*WeightsSource) (void *state, const NnTensorInfo *tensor,
							   size_t first, size_t n, float *out);

/* The source whose state is the array of all weights */
extern void weights_of_array(void *weights, const NnTensorInfo *tensor,
							 size_t first, size_t n, float *out);

/*
 * Store a finished version of a model and return its id.  metrics may be NULL
 * ({}).  The caller has checked that the current role owns the model; SPI must
 * be connected.  ERROR if a weight is not finite or ids are used up.
 */
extern int	version_store(const CatalogModel *model, const NnGraph *graph,
						  WeightsSource source, void *state, Jsonb *metrics);

/*
 * Read the weights of a version into nn_graph_weights(graph) floats.
 * ERRCODE_DATA_CORRUPTED if a tensor is missing or has another shape, size or
 * checksum, if all together have another fingerprint, or if a weight is not
 * finite.
 */
extern void version_load(const CatalogVersion *version, const NnGraph *graph,
						 float *weights);

/*
 * Let embed(model, ...) use this version from now on.  SPI must be connected;
 * the caller has checked ownership.  Returns false and changes nothing if a
 * gallery of the model holds another version.
 */
extern bool version_deploy(const CatalogModel *model, int version);

#endif							/* MODEL_VERSIONS_H */
