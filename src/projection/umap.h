/*
 * umap.h
 *	  A neighbor embedding in the manner of UMAP, step by step:
 *
 *		umap = umap_create(arena, scratch, pool, &points, &options, &status);
 *		while (umap_step(umap, &status))
 *			... umap_done(umap) of 1 is done; answer interrupts ...
 *		if (umap_done(umap) < 1)
 *			... status says why ...
 *		umap_coordinates(umap)
 *
 * The picture is the same for the same points, options and seed, whatever the
 * number of threads.
 */
#ifndef PROJECTION_UMAP_H
#define PROJECTION_UMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/threads.h"
#include "projection/neighbor_lists.h"

#define UMAP_MAX_POINTS 1000000
#define UMAP_MAX_NEIGHBORS 200
#define UMAP_MAX_EPOCHS 10000

typedef struct UmapOptions
{
	int			neighbors;		/* 2 .. UMAP_MAX_NEIGHBORS */
	double		min_dist;		/* 0 .. spread */
	double		spread;			/* above 0 */
	int			epochs;			/* 0: 500 up to 10,000 points, else 200 */
	uint64_t	seed;
} UmapOptions;

/* 15, .1, 1, 0, 42 */
extern const UmapOptions umap_defaults;

typedef struct Umap Umap;

/* Points stay with the caller; scratch is reset in each step. */
extern Umap *umap_create(Arena *arena, Arena *scratch, ThreadPool *pool,
						 const Points *points, const UmapOptions *options,
						 Status *status);

/*
 * Some 10 to 1000 ms of work; false at the end and on failure.  Stopped by an
 * interrupt as base/interrupt.h has it.
 */
extern bool umap_step(Umap *umap, Status *status);

/* How much of the work is done, 1 at the end */
extern double umap_done(const Umap *umap);

/* n x 2, when all is done */
extern const float *umap_coordinates(const Umap *umap);

/* The nearest of each point: as many as neighbors says */
extern const NeighborLists *umap_neighbors(const Umap *umap);

/* What umap_create() and the steps take of arena and of scratch at most */
extern size_t umap_bytes(size_t n, const UmapOptions *options);
extern size_t umap_scratch_bytes(size_t dims, const UmapOptions *options,
								 int nthreads);

#endif							/* PROJECTION_UMAP_H */
