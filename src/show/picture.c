/*
 * picture.c
 *	  The picture of an item: raw pixels, or a JPEG or PNG file.
 *
 * A terminal gets a small picture.  A page gets a file: the stored one, which a
 * browser decodes, if it is small, else one of a small picture.  What cannot be
 * shown is a mark in its place.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

#include "media/media.h"
#include "server/budget.h"
#include "server/context.h"
#include "server/errors.h"
#include "server/stop.h"
#include "show/show.h"

/* Sides of a small picture; a page shows it at 112 pixels. */
#define SMALL_SIDE 224
#define PAGE_SIDE 128

/* About what the file of a small picture takes */
#define MAX_PAGE_FILE (6 * 1024)

/*
 * A picture whose sides are shorter is enlarged, and its pixels seen as such:
 * on every page, see also picture() of report/web/page.js.
 */
#define COARSE_SIDE 64

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
choose_small_size(const MediaInfo *info, int side, ReportImage *image)
{
	int			height = media_shown_height(info);
	int			width = media_shown_width(info);
	int			longer = Max(height, width);

	side = Min(longer, side);
	image->height = Max((int) ((int64) height * side / longer), 1);
	image->width = Max((int) ((int64) width * side / longer), 1);
	image->channels = info->channels < 3 ? 1 : 3;
}

/* The default spec stretches, to a size that is of the picture's own shape. */
static bool
decode_small(const void *bytes, Size size, const MediaInfo *info, int side,
			 ReportImage *image, Status *status)
{
	MediaSpec	spec;
	Size		needed;

	choose_small_size(info, side, image);
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

/* ---- files of pages ---- */

static ReportFile *
page_file(const char *type, const void *bytes, Size size, int height,
		  int width)
{
	ReportFile *file = palloc(sizeof(ReportFile));

	file->type = type;
	file->bytes = bytes;
	file->size = size;
	file->coarse = Max(height, width) < COARSE_SIDE;
	return file;
}

ReportFile *
picture_png(const void *bytes, Size size)
{
	MediaInfo	info;
	Status		status;

	if (!media_info(bytes, size, &info, &status))
		raise_status(&status);
	return page_file("image/png", bytes, size, info.height, info.width);
}

/* media_write_png or media_write_jpeg */
typedef uint8_t *(*WriteImage) (const uint8_t *pixels, int height, int width,
								int channels, Arena *arena, size_t *size,
								Status *status);

static ReportFile *
write_image(WriteImage write, const char *type, const ReportImage *image)
{
	Status		status;
	size_t		size;
	uint8	   *bytes = write(image->pixels, image->height, image->width,
							  image->channels,
							  memory_arena(CurrentMemoryContext,
										   ARENA_NO_BUDGET), &size, &status);

	if (bytes == NULL)
		raise_status(&status);
	return page_file(type, bytes, size, image->height, image->width);
}

/* An image of another size in its own shape: each pixel a mean */
static ReportImage
shrink(const ReportImage *image, int side)
{
	int			longer = Max(image->height, image->width);
	ReportImage small = {
		.height = Max(image->height * side / longer, 1),
		.width = Max(image->width * side / longer, 1),
		.channels = image->channels
	};
	uint8	   *pixels = palloc(small.height * small.width * small.channels);

	small.pixels = pixels;
	for (int y = 0; y < small.height; y++)
		for (int x = 0; x < small.width; x++)
		{
			uint8		rgb[3];

			report_image_cell(image, small.width, small.height, x, y, rgb);
			memcpy(pixels, rgb, small.channels);
			pixels += small.channels;
		}
	return small;
}

/* What has few pixels keeps each of them; a photograph need not. */
ReportFile *
picture_on_page(const ReportImage *image, int side)
{
	ReportImage small = *image;
	ReportFile *png;
	ReportFile *jpeg;

	if (Max(image->height, image->width) > side)
		small = shrink(image, side);
	png = write_image(media_write_png, "image/png", &small);
	if (png->coarse || png->size <= MAX_PAGE_FILE)
		return png;
	jpeg = write_image(media_write_jpeg, "image/jpeg", &small);
	return jpeg->size < png->size ? jpeg : png;
}

/* ---- an item's picture ---- */

static bool
set_file(ReportItem *item, const void *bytes, Size size, PictureUse use,
		 Status *status)
{
	ReportImage *image = palloc(sizeof(ReportImage));
	int			side = use == PICTURE_PAGE ? PAGE_SIDE : SMALL_SIDE;
	MediaInfo	info;

	/* on a page too: what is damaged, or too much, is not left to a browser */
	if (!media_info(bytes, size, &info, status) ||
		!decode_small(bytes, size, &info, side, image, status))
		return false;
	if (use == PICTURE_TERMINAL)
		item->image = image;
	else if (size <= MAX_PAGE_FILE)
		item->file = page_file(info.format == MEDIA_JPEG ? "image/jpeg" :
							   "image/png", bytes, size, image->height,
							   image->width);
	else if (info.format == MEDIA_JPEG)
		item->file = write_image(media_write_jpeg, "image/jpeg", image);
	else
		item->file = picture_on_page(image, side);
	return true;
}

static bool
set_pixels(ReportItem *item, const Gallery *gallery, const void *bytes,
		   Size size, PictureUse use, Status *status)
{
	ReportImage *image = palloc(sizeof(ReportImage));

	if (!report_image_set(image, bytes, size, gallery->height, gallery->width,
						  gallery->channels, status))
		return false;
	if (use == PICTURE_TERMINAL)
		item->image = image;
	else
		item->file = picture_on_page(image, PAGE_SIDE);
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
	return set_pixels(item, gallery, data, size, use, status);
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
