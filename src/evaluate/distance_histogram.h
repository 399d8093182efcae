/*
 * distance_histogram.h
 *	  How far apart rows of one label are, and rows of different labels.
 */
#ifndef EVALUATE_DISTANCE_HISTOGRAM_H
#define EVALUATE_DISTANCE_HISTOGRAM_H

#include "postgres.h"

#include "eval/pair_histogram.h"
#include "evaluate/gallery_sample.h"

/*
 * Items with a label are compared with rows of the gallery that have one, each
 * with each.  Without a query the items are those rows themselves, and none is
 * compared with itself.
 */
typedef struct DistanceHistogram
{
	EvalHistogram bins;
	int64		items;			/* that were compared, */
	int64		all_items;		/* and of how many they are a sample */
	int64		rows;
	int64		all_rows;
} DistanceHistogram;

/* What is read and compared unless somebody wants more */
#define DISTANCE_SAMPLE 2000
#define DISTANCE_BINS 50

/*
 * At most so many items and so many rows, 2 or more, chosen at random by a
 * seed, and so few that they fit into maintenance_work_mem.
 *
 * query is one of (input, label) or (input, label, image), whose labels may be
 * NULL; it runs as the caller, and 22023 if it has no row.  NULL: the gallery's
 * own rows.
 *
 * Returns NULL if no pair has a distance: there are no rows with a label, or
 * they are zero vectors under cosine.
 */
extern DistanceHistogram *distance_histogram(const Gallery *gallery,
											 const char *query, int most,
											 int64 seed, int bins);

/* The same of items that are there; own ones are the rows as well. */
extern DistanceHistogram *distance_histogram_of(const Gallery *gallery,
												const LabeledItems *items,
												int most, int64 seed,
												int bins);

#endif							/* EVALUATE_DISTANCE_HISTOGRAM_H */
