/*
 * gallery_sample.h
 *	  Some of a gallery's own rows, chosen at random by a seed.
 */
#ifndef EVALUATE_GALLERY_SAMPLE_H
#define EVALUATE_GALLERY_SAMPLE_H

#include "postgres.h"

#include "gallery/gallery.h"

/* Rows that are there already: of a query, or of the gallery itself */
typedef struct LabeledItems
{
	int			n;
	Embedding  *const *embeddings;
	char	   *const *labels;	/* NULL: an item without one, left out */
	bool		own;			/* of the gallery */
} LabeledItems;

/*
 * An expression over the row t of its table that puts rows in an order by
 * chance: a hash of the key, or of the embedding where there is no key or the
 * role may not read it.
 */
extern char *gallery_sample_order(const Gallery *gallery, int64 seed);

/*
 * The text of a query (input, label) of at most so many rows, those that have
 * an embedding and a label: the input is the embedding.  Each has the same
 * chance.  The choice depends on the seed and the rows' keys, or without a key
 * on their embeddings, and not on where they stand in the table.
 */
extern char *gallery_sample_query(const Gallery *gallery, int64 rows,
								  int64 seed);

/* How many rows it chooses from, as the current role sees them */
extern int64 gallery_labeled_rows(const Gallery *gallery);

/* The same of rows with an embedding, whatever their label */
extern int64 gallery_embedded_rows(const Gallery *gallery);

#endif							/* EVALUATE_GALLERY_SAMPLE_H */
