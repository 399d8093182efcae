/*
 * label_counts.h
 *	  How many rows of a gallery have each label.
 */
#ifndef EVALUATE_LABEL_COUNTS_H
#define EVALUATE_LABEL_COUNTS_H

#include "postgres.h"

#include "gallery/gallery.h"
#include "server/labels.h"

typedef struct LabelCounts
{
	int64	   *rows;			/* by label code */
	int			n;				/* codes below this */
	int64		largest;
} LabelCounts;

/*
 * Rows with an embedding and a label: R of the metrics of retrieval.  Their
 * labels get the next codes.  counts is zeroed at first.
 */
extern void label_counts_read(LabelCounts *counts, const Gallery *gallery,
							  Labels *labels);

/* 0 for a label that no row has */
static inline int64
label_counts_of(const LabelCounts *counts, int code)
{
	return code >= 0 && code < counts->n ? counts->rows[code] : 0;
}

#endif							/* EVALUATE_LABEL_COUNTS_H */
