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
	NEIGHBOR_IMAGES				/* and image instead */
} NeighborColumns;

/* Columns of SPI_tuptable after neighbors_find(). */
#define NEIGHBOR_LABEL 1
#define NEIGHBOR_DISTANCE 2
#define NEIGHBOR_KEY 3
#define NEIGHBOR_ID 4
#define NEIGHBOR_ITEM 5
#define NEIGHBOR_IMAGE 3

/* A prepared search for the k nearest rows. */
extern SPIPlanPtr neighbors_prepare(const Gallery *gallery, NeighborColumns columns, int k);

/*
 * The rows nearest to query are in SPI_tuptable, nearest first; returns how
 * many.  The caller frees the table.
 */
extern int	neighbors_find(SPIPlanPtr plan, const Embedding *query);

/* A column of a row, which must be of this type or a domain over it. */
extern Datum neighbors_value(SPITupleTable *table, int row, int column, Oid type, bool *isnull);

/* Distance of a row; NaN if it has none. */
extern double neighbors_distance(SPITupleTable *table, int row);

/* A row of NEIGHBOR_ITEMS as rank, label, distance, key, id, item. */
#define NEIGHBOR_VALUES 6
extern void neighbor_values(SPITupleTable *table, int row, Datum *values, bool *nulls);

#endif							/* GALLERY_LOOKUP_H */
