/*
 * show.h
 *	  Items with their pictures, for terminal and page.
 */
#ifndef SHOW_SHOW_H
#define SHOW_SHOW_H

#include "postgres.h"

#include "gallery/gallery.h"
#include "gallery/lookup.h"
#include "report/report.h"

/* The query's label or NULL, and its pixels or NULL */
extern ReportItem picture_query(const Gallery *gallery, const char *label,
								const bytea *image);

/*
 * A neighbor (of NEIGHBOR_IMAGES) of a query of that label, in the current memory
 * context.
 */
extern ReportItem picture_neighbor(const Gallery *gallery,
								   const NeighborRow *row,
								   const char *query_label);

/*
 * The pixels of an input, if it is bytes of the size of the gallery's images;
 * else NULL.
 */
extern const bytea *picture_of_input(const Gallery *gallery, Datum input,
									 Oid type);

/* A label as UTF-8, and text in the server's encoding */
extern char *picture_utf8(const char *string);
extern char *picture_server_text(const char *utf8, size_t length);

#endif							/* SHOW_SHOW_H */
