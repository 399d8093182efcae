/*
 * image.c
 *	  Checking and shrinking images.
 */
#include "report/report.h"

bool
report_image_set(ReportImage *image, const void *bytes, size_t size,
				 int height, int width, int channels, Status *status)
{
	size_t		needed;

	if (height < 1 || height > REPORT_MAX_SIDE ||
		width < 1 || width > REPORT_MAX_SIDE)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "height and width of an image must be between 1 and %d",
						   REPORT_MAX_SIDE);
	if (channels != 1 && channels != 3)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "an image must have 1 or 3 channels, not %d",
						   channels);

	/* Cannot overflow within these limits. */
	needed = (size_t) height * width * channels;
	if (size != needed)
	{
		status_fail(status, STATUS_SHAPE_MISMATCH,
					"image has %zu bytes, but %d x %d x %d needs %zu",
					size, height, width, channels, needed);
		return status_hint(status,
						   "Pixels are one byte a channel, row by row.");
	}
	image->pixels = bytes;
	image->height = height;
	image->width = width;
	image->channels = channels;
	return true;
}

/* The half-open range of n pixels that cell i of cells covers, never empty. */
static void
cell_range(int n, int i, int cells, int *begin, int *end)
{
	*begin = (int) ((long) n * i / cells);
	*end = (int) ((long) n * (i + 1) / cells);
	if (*end <= *begin)
		*end = *begin + 1;
}

void
report_image_cell(const ReportImage *image, int width, int height,
				  int x, int y, uint8_t rgb[3])
{
	unsigned long sum[3] = {0, 0, 0};
	unsigned long count;
	int			x0,
				x1,
				y0,
				y1;

	cell_range(image->width, x, width, &x0, &x1);
	cell_range(image->height, y, height, &y0, &y1);
	for (int row = y0; row < y1; row++)
		for (int column = x0; column < x1; column++)
		{
			size_t		pixel = (size_t) row * image->width + column;

			for (int c = 0; c < image->channels; c++)
				sum[c] += image->pixels[pixel * image->channels + c];
		}
	count = (unsigned long) (y1 - y0) * (x1 - x0);
	for (int c = 0; c < 3; c++)
		rgb[c] = (uint8_t) ((sum[image->channels == 3 ? c :
								 0] + count / 2) / count);
}
