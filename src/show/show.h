/*
 * show.h
 *	  Items with their pictures, for terminal and page.
 */
#ifndef SHOW_SHOW_H
#define SHOW_SHOW_H

#include "postgres.h"

#include "gallery/gallery.h"
#include "report/report.h"

/* An item to show with its neighbours, all in the current memory context. */
typedef struct Pictures
{
	ReportItem *items;			/* items[0] is the query */
	int			n;				/* neighbours: items 1 .. n */
} Pictures;

/*
 * The query with what plan (of NEIGHBOR_IMAGES) finds for it.  label is the
 * query's or NULL; image is its pixels or NULL.
 */
extern Pictures pictures_find(const Gallery *gallery, SPIPlanPtr plan, const Embedding *query,
							  const char *label, const bytea *image);

/*
 * The pixels of an input, if it is bytes of the size of the gallery's images;
 * else NULL.
 */
extern const bytea *picture_of_input(const Gallery *gallery, Datum input, Oid type);

/* A label as UTF-8 and a complete text in the server's encoding. */
extern char *picture_utf8(const char *string);
extern text *picture_result(const char *utf8, size_t length);

#endif							/* SHOW_SHOW_H */
