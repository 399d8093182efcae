/*
 * layout.h
 *	  Points of a graph laid out in the plane, as UMAP does.
 */
#ifndef PROJECTION_LAYOUT_H
#define PROJECTION_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/threads.h"
#include "projection/fuzzy_graph.h"

typedef struct LayoutOptions
{
	double		a;				/* the curve of curve.h */
	double		b;
	int			epochs;
	uint64_t	seed;
} LayoutOptions;

typedef struct Layout
{
	const FuzzyGraph *graph;
	LayoutOptions options;
	float	   *y;				/* n x 2: where points stand; the caller's */
	float	   *moved;			/* n x 2: where those of a batch will */
	float		strongest;		/* weight */
	int			epoch;			/* epochs that are done */
} Layout;

/* Begin where y says; graph and y stay with the caller. */
extern bool layout_begin(Arena *arena, const FuzzyGraph *graph, float *y,
						 LayoutOptions options, Layout *layout,
						 Status *status);

/*
 * The next epoch: called until layout->epoch is options.epochs.  The same bits
 * for any number of threads.  Stopped by an interrupt as base/interrupt.h has
 * it.
 */
extern void layout_step(Layout *layout, ThreadPool *pool);

extern size_t layout_bytes(size_t n);

#endif							/* PROJECTION_LAYOUT_H */
