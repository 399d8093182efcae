/*
 * projector.h
 *	  Embeddings as points in the plane.
 *
 *		projector = projector_create(items, n, metric, &options, &progress);
 *		projector_run(projector, PROJECTION_UMAP)
 *
 * Everything is in the memory context that was current at the beginning, is
 * asked for then, and takes maintenance_work_mem at most with the items.
 */
#ifndef EVALUATE_PROJECTOR_H
#define EVALUATE_PROJECTOR_H

#include "postgres.h"

#include "embedding/embedding.h"
#include "projection/umap.h"
#include "server/call_progress.h"

/* In the order of their names in projector.c */
typedef enum ProjectionMethod
{
	PROJECTION_UMAP,
	PROJECTION_PCA
} ProjectionMethod;

/* 22023 that lists the names if it is none */
extern ProjectionMethod projection_method(const char *name);

/* Most points of a projection */
#define PROJECTION_MAX_ROWS UMAP_MAX_POINTS

typedef struct Projector Projector;

/* What n items take, beside themselves */
extern Size projector_bytes(int n, int dims, const UmapOptions *options);

/*
 * Of n >= 1 items of one dimension and tag, else ERROR; they stay with the caller.
 * 54000 if the work on them, for all methods, exceeds maintenance_work_mem with
 * the bytes that are taken of it already.
 */
extern Projector *projector_create(Embedding *const *items, int n,
								   const EmbeddingMetric *metric,
								   const UmapOptions *options, Size taken,
								   CallProgress *progress);

/* n x 2; with the cosine distance, of items brought to length 1 */
extern const float *projector_run(Projector *projector,
								  ProjectionMethod method);

/* The part of the variance along each of the two axes of PROJECTION_PCA */
extern const double *projector_variance(const Projector *projector);

/* The nearest items of each by the metric, after PROJECTION_UMAP */
extern const NeighborLists *projector_neighbors(const Projector *projector);

/*
 * How far neighborhoods of k are kept, by Euclidean distances of what was
 * projected, measured at some 1000 items; NaN if there are too few.
 */
extern double projector_trustworthiness(Projector *projector, const float *xy,
										int k);

#endif							/* EVALUATE_PROJECTOR_H */
