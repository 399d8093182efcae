/*
 * picture.c
 *	  The picture of an item: raw pixels, or a JPEG or PNG file.
 *
 * A terminal gets a small picture of a file.  A page gets the file itself, which
 * a browser decodes, unless it is large: then a small picture too.  What cannot
 * be shown is a mark in its place.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "media/media.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/stop.h"
#include "show/show.h"

/* Sides of a small picture; a page shows it at 112 pixels, of maybe two each. */
#define SMALL_SIDE 224

/* About what a small picture takes */
#define MAX_PAGE_FILE (150 * 1024)

bool
picture_is_file(const Gallery *gallery, const bytea *bytes)
{
	Size		size = VARSIZE_ANY_EXHDR(bytes);
	Size		pixels = (Size) gallery->height * gallery->width *
	gallery->channels;
	MediaInfo	info;
	Status		status;

	/* pixels may begin as a file does, but hold no header */
	return media_format(VARDATA_ANY(bytes), size) != MEDIA_UNKNOWN &&
		(size != pixels ||
		 media_info(VARDATA_ANY(bytes), size, &info, &status));
}

/* Fit a picture of another size into a square, in its own shape. */
static void
choose_small_size(const MediaInfo *info, ReportImage *image)
{
	int			height = media_shown_height(info);
	int			width = media_shown_width(info);
	int			longer = Max(height, width);
	int			side = Min(longer, SMALL_SIDE);

	image->height = Max((int) ((int64) height * side / longer), 1);
	image->width = Max((int) ((int64) width * side / longer), 1);
	image->channels = info->channels < 3 ? 1 : 3;
}

/* The default spec stretches, to a size that is of the picture's own shape. */
static bool
decode_small(const void *bytes, Size size, const MediaInfo *info,
			 ReportImage *image, Status *status)
{
	MediaSpec	spec;
	Size		needed;

	choose_small_size(info, image);
	needed = media_memory(info, image->height, image->width, image->channels);
	if (needed > budget_bytes(BUDGET_MAINTENANCE))
	{
		status_fail(status, STATUS_TOO_LARGE,
					"%s picture of %d x %d pixels needs more memory than maintenance_work_mem",
					media_format_name(info->format), info->width, info->height);
		status_detail(status, "It needs %zu kB.", needed / 1024);
		return status_hint(status,
						   "Raise maintenance_work_mem, or use a smaller picture.");
	}
	media_spec_default(&spec);
	image->pixels = media_read(bytes, size, &spec, image->height, image->width,
							   image->channels,
							   memory_arena(CurrentMemoryContext,
											ARENA_NO_BUDGET), status);
	check_interrupts();
	return image->pixels != NULL;
}

static ReportFile *
page_file(const void *bytes, Size size, MediaFormat format)
{
	ReportFile *file = palloc(sizeof(ReportFile));

	file->type = format == MEDIA_JPEG ? "image/jpeg" : "image/png";
	file->bytes = bytes;
	file->size = size;
	return file;
}

static bool
set_file(ReportItem *item, const void *bytes, Size size, PictureUse use,
		 Status *status)
{
	ReportImage *image = palloc(sizeof(ReportImage));
	MediaInfo	info;

	/* on a page too: what is damaged, or too much, is not left to a browser */
	if (!media_info(bytes, size, &info, status) ||
		!decode_small(bytes, size, &info, image, status))
		return false;
	if (use == PICTURE_PAGE && size <= MAX_PAGE_FILE)
		item->file = page_file(bytes, size, info.format);
	else
		item->image = image;
	return true;
}

static bool
set_pixels(ReportItem *item, const Gallery *gallery, const void *bytes,
		   Size size, Status *status)
{
	ReportImage *image = palloc(sizeof(ReportImage));

	if (!report_image_set(image, bytes, size, gallery->height, gallery->width,
						  gallery->channels, status))
		return false;
	item->image = image;
	return true;
}

bool
picture_set(ReportItem *item, const Gallery *gallery, const bytea *bytes,
			PictureUse use, Status *status)
{
	const void *data = VARDATA_ANY(bytes);
	Size		size = VARSIZE_ANY_EXHDR(bytes);

	if (picture_is_file(gallery, bytes))
		return set_file(item, data, size, use, status);
	return set_pixels(item, gallery, data, size, status);
}

void
picture_set_or_mark(ReportItem *item, const Gallery *gallery,
					const bytea *bytes, PictureUse use)
{
	Status		status;
	Size		size;

	if (bytes == NULL || picture_set(item, gallery, bytes, use, &status))
		return;
	size = VARSIZE_ANY_EXHDR(bytes);
	if (!picture_is_file(gallery, bytes))
		item->missing = psprintf("%zu byte%s", size, size == 1 ? "" : "s");
	else
		item->missing = psprintf("%s: %s",
								 media_format_name(media_format(VARDATA_ANY(bytes),
																size)),
								 status.code == STATUS_TOO_LARGE ?
								 "too large" : "damaged");
}

const bytea *
picture_of_input(const Gallery *gallery, Datum input, Oid type)
{
	bytea	   *bytes;

	if (getBaseType(type) != BYTEAOID)
		return NULL;
	bytes = DatumGetByteaPP(input);
	if (picture_is_file(gallery, bytes) ||
		(gallery->height > 0 &&
		 VARSIZE_ANY_EXHDR(bytes) == (Size) gallery->height * gallery->width * gallery->channels))
		return bytes;
	return NULL;
}
