/*
 * test_media_resize.c
 *	  Resizing of src/media, beside its definition and Keras' boxes.
 */
#include "base/random.h"
#include "media_case.h"

/* ---- sizes ---- */

typedef struct Box
{
	double		x;
	double		y;
	double		width;
	double		height;
} Box;

static double
pixel_at(const uint8_t *pixels, int width, int height, int channels, int x,
		 int y, int c, const uint8_t *below)
{
	if (x < 0 || y < 0 || x >= width || y >= height)
		return below[c];
	return pixels[((size_t) y * width + x) * channels + c];
}

/* tf.image.resize() of the box, as its definition has it, pixel by pixel */
static double
resized(const uint8_t *pixels, int width, int height, int channels,
		const Box *box, int out_width, int out_height, int x, int y, int c,
		bool antialias, const uint8_t *below)
{
	double		step_x = box->width / out_width;
	double		step_y = box->height / out_height;
	double		reach_x = antialias && step_x > 1 ? step_x : 1;
	double		reach_y = antialias && step_y > 1 ? step_y : 1;
	double		total = 0;
	double		sum = 0;

	for (int j = 0; j < (int) box->height; j++)
		for (int i = 0; i < (int) box->width; i++)
		{
			double		far_x = fabs(i + 0.5 - (x + 0.5) * step_x) / reach_x;
			double		far_y = fabs(j + 0.5 - (y + 0.5) * step_y) / reach_y;
			double		weight = fmax(1 - far_x, 0) * fmax(1 - far_y, 0);

			total += weight;
			sum += weight * pixel_at(pixels, width, height, channels,
									 (int) box->x + i, (int) box->y + j, c,
									 below);
		}
	return sum / total;
}

/* Keras' boxes: smart_resize(), Resizing(pad_to_aspect_ratio), CenterCrop */
static Box
box_of(MediaResize mode, int width, int height, int out_width, int out_height)
{
	int			other_width = (int) ((double) (height * out_width) / out_height);
	int			other_height = (int) ((double) (width * out_height) / out_width);
	Box			box = {0, 0, width, height};

	other_width = other_width > 1 ? other_width : 1;
	other_height = other_height > 1 ? other_height : 1;
	if (mode == MEDIA_CENTER_CROP && height >= out_height && width >= out_width)
		return (Box)
	{
		(width - out_width) / 2, (height - out_height) / 2, out_width, out_height
	};
	if (mode == MEDIA_CROP_TO_ASPECT_RATIO || mode == MEDIA_CENTER_CROP)
	{
		box.width = fmin(width, other_width);
		box.height = fmin(height, other_height);
		box.x = (int) ((width - box.width) / 2);
		box.y = (int) ((height - box.height) / 2);
	}
	if (mode == MEDIA_PAD_TO_ASPECT_RATIO)
	{
		box.width = fmax(width, other_width);
		box.height = fmax(height, other_height);
		box.x = -(int) ((box.width - width) / 2);
		box.y = -(int) ((box.height - height) / 2);
	}
	return box;
}

static void
check_resize(const MediaSpec *spec, int width, int height, int channels,
			 int out_width, int out_height)
{
	static uint8_t pixels[3 * 64 * 64];
	Box			box = box_of(spec->resize, width, height, out_width,
							 out_height);
	uint8_t		below[3];
	const uint8_t *got;
	double		worst = 0;
	File		file;

	memcpy(below, spec->background, 3);
	if (channels == 1)
		below[0] = (uint8_t) gray_of(below[0], below[1], below[2]);
	for (int i = 0; i < width * height * channels; i++)
		pixels[i] = (uint8_t) random_hash(&i, sizeof(i), width);
	file = png_of(pixels, width, height, channels);
	got = read_as(file, spec, out_height, out_width, channels);
	CHECK(got != NULL);
	for (int i = 0; got != NULL && i < out_width * out_height * channels; i++)
	{
		int			x = i / channels % out_width;
		int			y = i / channels / out_width;
		double		expected = spec->interpolation == MEDIA_NEAREST ?
		pixel_at(pixels, width, height, channels,
				 (int) (box.x + floor((x + 0.5) * box.width / out_width)),
				 (int) (box.y + floor((y + 0.5) * box.height / out_height)),
				 i % channels, below) :
		resized(pixels, width, height, channels, &box, out_width, out_height, x,
				y, i % channels, spec->antialias, below);

		worst = fmax(worst, fabs(got[i] - expected));
	}
	CHECK(worst <= 0.501);
	free(file.bytes);
}

static void
test_resize(void)
{
	static const int sizes[][4] = {
		{7, 5, 7, 5}, {4, 4, 2, 2}, {50, 37, 22, 22}, {37, 50, 22, 22},
		{9, 9, 31, 31}, {64, 3, 5, 20}, {1, 1, 3, 2}, {61, 1, 7, 1},
		{20, 30, 20, 21}, {33, 64, 11, 64}
	};

	for (int mode = MEDIA_STRETCH; mode <= MEDIA_CENTER_CROP; mode++)
		for (int kernel = 0; kernel < 3; kernel++)
			for (int i = 0; i < (int) (sizeof(sizes) / sizeof(sizes[0])); i++)
			{
				MediaSpec	spec = {
					.resize = mode,.antialias = kernel == 0,
					.interpolation = kernel == 2 ? MEDIA_NEAREST :
					MEDIA_BILINEAR,
					.background = {10, 20, 30}
				};

				check_resize(&spec, sizes[i][0], sizes[i][1],
							 i % 2 == 0 ? 3 : 1, sizes[i][2], sizes[i][3]);
			}
}

/* Four pixels to two: each sees three, of weights 3, 3 and 1 */
static void
test_antialias(void)
{
	const uint8_t row[] = {0, 70, 140, 210};
	File		file = png_of(row, 4, 1, 1);
	const uint8_t *got = read_as(file, &plain, 1, 2, 1);

	CHECK(got != NULL && got[0] == (3 * 0 + 3 * 70 + 140) / 7 &&
		  got[1] == (70 + 3 * 140 + 3 * 210) / 7);
	free(file.bytes);
}

/* In every orientation the result is that of the upright picture. */
static void
test_resize_turned(void)
{
	static uint8_t rgb[3 * 64 * 64];
	const int	width = 60;
	const int	height = 41;

	paint(rgb, width, height, 3);
	for (int mode = MEDIA_STRETCH; mode <= MEDIA_CENTER_CROP; mode++)
		for (int nearest = 0; nearest < 2; nearest++)
			for (int o = 1; o <= 8; o++)
			{
				MediaSpec	spec = {
					.resize = mode,.antialias = true,
					.interpolation = nearest ? MEDIA_NEAREST : MEDIA_BILINEAR
				};
				JpegOptions options = {
					.samples = JCS_RGB,.stored = JCS_YCbCr,.quality = 95,
					.orientation = o
				};
				File		file = jpeg_file(rgb, width, height, &options);
				const uint8_t *got = read_file(file, 3);
				File		upright = png_of(got, o > 4 ? height : width,
											 o > 4 ? width : height, 3);
				uint8_t		expected[3 * 24 * 16];

				got = read_as(upright, &spec, 24, 16, 3);
				CHECK(got != NULL);
				memcpy(expected, got, sizeof(expected));
				got = read_as(file, &spec, 24, 16, 3);
				CHECK(got != NULL &&
					  difference(got, expected, sizeof(expected)) <= 1);
				free(file.bytes);
				free(upright.bytes);
			}
}

/*
 * Decoded at a half, a quarter or an eighth it looks the same, at the edges of
 * what is padded too.
 */
static void
test_scaled_decoding(void)
{
	const int	width = 643;
	const int	height = 481;
	uint8_t    *rgb = malloc(3 * (size_t) width * height);

	paint(rgb, width, height, 3);
	for (int o = 1; o <= 8; o++)
		for (int side = 150; side >= 16; side /= 2)
		{
			JpegOptions options = {
				.samples = JCS_RGB,.stored = JCS_YCbCr,.quality = 95,
				.orientation = o
			};
			MediaSpec	spec = plain;
			File		file = jpeg_file(rgb, width, height, &options);
			File		upright;	/* a PNG is not scaled */
			uint8_t    *expected = malloc(3 * (size_t) side * side);
			const uint8_t *got = read_file(file, 3);

			spec.resize = o % 2 == 0 ?
				MEDIA_CROP_TO_ASPECT_RATIO : MEDIA_PAD_TO_ASPECT_RATIO;
			upright = png_of(got, o > 4 ? height : width,
							 o > 4 ? width : height, 3);
			got = read_as(upright, &spec, side, side, 3);
			CHECK(got != NULL);
			memcpy(expected, got, 3 * (size_t) side * side);
			got = read_as(file, &spec, side, side, 3);
			CHECK(got != NULL &&
				  difference(got, expected, 3 * (size_t) side * side) <= 6);
			free(expected);
			free(file.bytes);
			free(upright.bytes);
		}
	free(rgb);
}

int
main(void)
{
	RUN(test_resize);
	RUN(test_antialias);
	RUN(test_resize_turned);
	RUN(test_scaled_decoding);
	arena_destroy(arena);
	return unit_done();
}
