/*
 * bench_media.c
 *	  Pictures a second of one core: from a file to what a model takes, beside
 *	  what the library alone takes to decode it; and augmented.
 *
 * Pictures are waves with noise at several scales, whose files are about as
 * large as those of photographs.
 */

#include "base/random.h"
#include "media/augment.h"
#include "media/media.h"

#include "bench.h"
#include "../unit/pictures.h"

#define SECONDS 2.0

/* -1 .. 1, the same within a square of that side */
static double
noise(int x, int y, int side, int c)
{
	int			cell[3] = {x / side, y / side, c};

	return (double) (random_hash(cell, sizeof(cell), side) % 2001) / 1000 - 1;
}

static uint8_t *
photograph(int width, int height)
{
	uint8_t    *pixels = malloc(3 * (size_t) width * height);
	uint8_t    *out = pixels;

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			for (int c = 0; c < 3; c++)
				*out++ = (uint8_t) (128 + 50 * noise(x, y, 61, 0) +
									30 * noise(x, y, 17, c) +
									15 * noise(x, y, 5, 3) +
									6 * noise(x, y, 1, 4));
	return pixels;
}

/* The library, full size, rows thrown away */
static void
decode_only(File file)
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	static uint8_t row[3 * 8192];
	JSAMPROW	rows = row;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, file.bytes, file.size);
	jpeg_read_header(&jpeg, TRUE);
	jpeg_start_decompress(&jpeg);
	while (jpeg.output_scanline < jpeg.output_height)
		jpeg_read_scanlines(&jpeg, &rows, 1);
	jpeg_finish_decompress(&jpeg);
	jpeg_destroy_decompress(&jpeg);
}

static void
read_picture(File file, const MediaSpec *spec, int side, Arena *arena)
{
	Status		status;

	arena_reset(arena);
	if (media_read(file.bytes, file.size, spec, side, side, 3, arena,
				   &status) == NULL)
	{
		fprintf(stderr, "%s\n", status.message);
		exit(1);
	}
}

/* spec NULL: the library alone */
static double
rate(File file, const MediaSpec *spec, int side)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	double		start = now(CLOCK_PROCESS_CPUTIME_ID);
	int			n = 0;

	for (; now(CLOCK_PROCESS_CPUTIME_ID) - start < SECONDS; n++)
		if (spec == NULL)
			decode_only(file);
		else
			read_picture(file, spec, side, arena);
	arena_destroy(arena);
	return n / (now(CLOCK_PROCESS_CPUTIME_ID) - start);
}

static void
bench(const char *name, File file, int side)
{
	double		alone = media_format(file.bytes, file.size) == MEDIA_JPEG ?
	rate(file, NULL, side) : 0;
	MediaSpec	spec;
	double		whole;

	media_spec_default(&spec);
	whole = rate(file, &spec, side);
	printf("%-28s %5zu kB  to %3d: %6.0f a second", name, file.size / 1024,
		   side, whole);
	if (alone > 0)
		printf(", %.2f x the library's decoding alone (%.0f)", whole / alone,
			   alone);
	printf("\n");
}

static void
bench_jpeg(int width, int height, bool progressive, int side)
{
	JpegOptions options = {
		.samples = JCS_RGB,.stored = JCS_YCbCr,.subsampled = true,
		.quality = 90,.progressive = progressive
	};
	uint8_t    *pixels = photograph(width, height);
	char		name[64];

	snprintf(name, sizeof(name), "JPEG %d x %d%s", width, height,
			 progressive ? " progressive" : "");
	bench(name, jpeg_file(pixels, width, height, &options), side);
	free(pixels);
}

/* At its defaults and always; color_jitter as strong as SimCLR's */
static AugmentStep
step_of(const AugmentStepType *type)
{
	AugmentStep step = {.type = type};
	Status		status;

	params_init(&step.params, "", augment_step_params(type));
	(void) params_set_number(&step.params, "probability", 1, &status);
	(void) params_set_number(&step.params, "brightness", 0.8, &status);
	(void) params_set_number(&step.params, "contrast", 0.8, &status);
	(void) params_set_number(&step.params, "saturation", 0.8, &status);
	(void) params_set_number(&step.params, "hue", 0.2, &status);
	return step;
}

static double
augment_rate(const AugmentStepType *type, const AugmentFormat *format,
			 const uint8_t *pixels)
{
	Arena	   *arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	AugmentStep step = step_of(type);
	AugmentKey	key = {.seed = 1};
	uint8_t    *out = malloc((size_t) format->height * format->width * 3);
	Status		status;
	Augmentation *augmentation = augment_create(arena, &step, 1, format,
												&status);
	void	   *scratch = malloc(augment_scratch(format));
	double		start = now(CLOCK_PROCESS_CPUTIME_ID);
	double		seconds;

	for (; now(CLOCK_PROCESS_CPUTIME_ID) - start < SECONDS / 10; key.row++)
		augment_picture(augmentation, &key, pixels, pixels, out, scratch);
	seconds = now(CLOCK_PROCESS_CPUTIME_ID) - start;
	free(scratch);
	free(out);
	arena_destroy(arena);
	return (double) key.row / seconds;
}

static void
bench_augment(void)
{
	static const AugmentFormat formats[] = {
		{.height = 28,.width = 28,.channels = 1},
		{.height = 64,.width = 64,.channels = 3},
		{.height = 224,.width = 224,.channels = 3}
	};
	uint8_t    *pixels = photograph(224, 224);
	const AugmentStepType *type;

	printf("%-20s %12s %12s %12s a second\n", "augmented by", "28 x 28 x 1",
		   "64 x 64 x 3", "224 x 224 x 3");
	for (int i = 0; (type = augment_step_type_at(i)) != NULL; i++)
	{
		printf("%-20s", augment_step_name(type));
		for (int f = 0; f < 3; f++)
			printf(" %12.0f", augment_rate(type, &formats[f], pixels));
		printf("\n");
	}
	free(pixels);
}

int
main(void)
{
	uint8_t    *pixels = photograph(500, 375);

	bench_jpeg(100, 100, false, 64);
	bench_jpeg(500, 375, false, 224);
	bench_jpeg(500, 375, true, 224);
	bench_jpeg(4000, 3000, false, 224);
	bench("PNG 500 x 375", png_of(pixels, 500, 375, 3), 224);
	free(pixels);
	bench_augment();
	return 0;
}
