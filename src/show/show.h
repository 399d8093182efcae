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

/* Where a picture is shown */
typedef enum PictureUse
{
	PICTURE_TERMINAL,
	PICTURE_PAGE
} PictureUse;

/* Are these bytes a JPEG or PNG file, and not pixels of the gallery's shape? */
extern bool picture_is_file(const Gallery *gallery, const bytea *bytes);

/*
 * Put the picture of an item: raw pixels of the gallery's shape, or a file of any
 * size.  The item then refers to bytes, or to what was decoded into the current
 * memory context.
 */
extern bool picture_set(ReportItem *item, const Gallery *gallery,
						const bytea *bytes, PictureUse use, Status *status);

/* The same; what cannot be shown is named in its place, and NULL is none. */
extern void picture_set_or_mark(ReportItem *item, const Gallery *gallery,
								const bytea *bytes, PictureUse use);

/* The query's label or NULL, and its picture or NULL */
extern ReportItem picture_query(const Gallery *gallery, const char *label,
								const bytea *image, PictureUse use);

/*
 * A neighbor (of NEIGHBOR_IMAGES or NEIGHBOR_CARDS) of a query of that label, in the current memory
 * context.
 */
extern ReportItem picture_neighbor(const Gallery *gallery,
								   const NeighborRow *row,
								   const char *query_label, PictureUse use);

/*
 * The picture of an input, if it is a JPEG or PNG file, or bytes of the size of
 * the gallery's images; else NULL.
 */
extern const bytea *picture_of_input(const Gallery *gallery, Datum input,
									 Oid type);

/* A PNG file as it is, on a page */
extern ReportFile *picture_png(const void *bytes, Size size);

/* An image as it stands on a page, no side longer than side */
extern ReportFile *picture_on_page(const ReportImage *image, int side);

/* The cut point that match() takes unless told otherwise; NULL: there is none. */
extern const Cutpoint *usual_cutpoint(const Gallery *gallery);

/* Is a neighbor farther than that? */
extern bool is_beyond_cutpoint(const Cutpoint *cutpoint,
							   const NeighborRow *row);

/* A label as UTF-8, and text in the server's encoding */
extern char *picture_utf8(const char *string);
extern char *picture_server_text(const char *utf8, size_t length);

#endif							/* SHOW_SHOW_H */
