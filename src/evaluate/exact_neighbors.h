/*
 * exact_neighbors.h
 *	  The true neighbors of many queries.
 */
#ifndef EVALUATE_EXACT_NEIGHBORS_H
#define EVALUATE_EXACT_NEIGHBORS_H

#include "postgres.h"

#include "gallery/gallery.h"
#include "server/call_progress.h"
#include "server/labels.h"

typedef struct Exact Exact;

/* As PassFunction, with the item itself */
typedef void (*ExactFunction) (void *state, const Embedding *query, int label,
							   const int *labels, const double *distances,
							   int n);

/* Queries are answered in their order, some of them in exact_add(). */
extern Exact *exact_create(const Gallery *gallery, int k, Labels *labels,
						   ExactFunction function, void *state,
						   CallProgress *progress);
extern void exact_add(Exact *exact, int label, const Embedding *query);

/* Answer those that wait. */
extern void exact_run(Exact *exact);

#endif							/* EVALUATE_EXACT_NEIGHBORS_H */
