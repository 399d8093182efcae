/*
 * lookup.h
 *	  The k rows of a gallery nearest to an embedding.
 */
#ifndef GALLERY_LOOKUP_H
#define GALLERY_LOOKUP_H

#include "postgres.h"

#include "executor/spi.h"

#include "gallery/gallery.h"

typedef enum NeighborColumns
{
	NEIGHBOR_LABELS,			/* label and distance */
	NEIGHBOR_KEYS,				/* and key */
	NEIGHBOR_ITEMS,				/* and key, id, item */
	NEIGHBOR_IMAGES,			/* and image instead */
	NEIGHBOR_CARDS				/* and image and key; a key that the role may
								 * not read is NULL */
} NeighborColumns;

/* Columns of a row found */
#define NEIGHBOR_LABEL 1
#define NEIGHBOR_DISTANCE 2
#define NEIGHBOR_KEY 3
#define NEIGHBOR_ID 4
#define NEIGHBOR_ITEM 5
#define NEIGHBOR_IMAGE 3
#define NEIGHBOR_CARD_KEY 4

/* A prepared search for the k nearest rows. */
extern SPIPlanPtr neighbors_prepare(const Gallery *gallery,
									NeighborColumns columns, int k);

/*
 * The same from the plans that the session keeps, valid until user is reset or
 * deleted
 */
extern SPIPlanPtr neighbors_kept(const Gallery *gallery,
								 NeighborColumns columns, int k,
								 MemoryContext user);

/* The same among the rows with a label, or among those without. */
extern SPIPlanPtr neighbors_prepare_some(const Gallery *gallery,
										 NeighborColumns columns,
										 bool labeled, int k);

/* A row found, as long as the function runs that it was given to */
typedef struct NeighborRow
{
	int			rank;			/* from 0 */
	TupleTableSlot *slot;
} NeighborRow;

typedef void (*NeighborFunction) (void *state, const NeighborRow *row);

/*
 * Call function for each of the rows nearest to query, nearest first, in a
 * memory context that is reset after each: rows are never together in memory.
 * Returns how many they are.
 */
extern int	neighbors_find(SPIPlanPtr plan, const Embedding *query,
						   NeighborFunction function, void *state);

/* A column of a row, which must be of this type or a domain over it. */
extern Datum neighbor_value(const NeighborRow *row, int column, Oid type,
							bool *isnull);

/* Label and key as text; NULL for NULL */
extern char *neighbor_label(const NeighborRow *row);
extern char *neighbor_key(const NeighborRow *row);
extern char *neighbor_card_key(const NeighborRow *row);

/* Distance of a row; NaN if it has none. */
extern double neighbor_distance(const NeighborRow *row);

/* A row of NEIGHBOR_ITEMS as rank, label, distance, key, id, item. */
#define NEIGHBOR_VALUES 6
extern void neighbor_values(const NeighborRow *row, Datum *values, bool *nulls);

#endif							/* GALLERY_LOOKUP_H */
