/*
 * test_augment.c
 *	  Augmentation of pictures: each step against its definition.
 */
#include "media/augment.h"
#include "media/augment_step.h"
#include "unit.h"

#define MAX_SIDE 64
#define MAX_NUMBERS (MAX_SIDE * MAX_SIDE * 3)

static Arena *arena;
static Status status;

/* ---- planes, by the functions that steps are made of ---- */

static float buffers[2][MAX_NUMBERS];
static float row[MAX_SIDE + 2 * PLANES_MAX_RADIUS];
static float before[MAX_NUMBERS];

/* A picture of noise, which before keeps */
static Planes
noise(int height, int width, int channels)
{
	Planes		planes = {
		.height = height,.width = width,.channels = channels,
		.pixels = buffers[0],.other = buffers[1],.row = row
	};
	Random		random;

	random_init(&random, (uint64_t) height, (uint64_t) width);
	for (int i = 0; i < height * width * channels; i++)
		before[i] = planes.pixels[i] = (float) random_uniform(&random);
	return planes;
}

static size_t
count(const Planes *planes)
{
	return planes_area(planes) * planes->channels;
}

/* The largest difference from the picture as it was */
static double
change(const Planes *planes)
{
	double		most = 0;

	for (size_t i = 0; i < count(planes); i++)
		most = fmax(most, fabs(planes->pixels[i] - before[i]));
	return most;
}

static float
was(const Planes *planes, int c, int y, int x)
{
	return before[(c * planes->height + y) * planes->width + x];
}

static float
is(const Planes *planes, int c, int y, int x)
{
	return planes->pixels[(c * planes->height + y) * planes->width + x];
}

static bool
all_within(const Planes *planes)
{
	for (size_t i = 0; i < count(planes); i++)
		if (!(planes->pixels[i] >= 0 && planes->pixels[i] <= 1))
			return false;
	return true;
}

static double
mean_of(const float *x, size_t n)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return sum / (double) n;
}

static const Fill edge = {.edge = true};
static const Fill black = {.value = 0};

static void
test_flips(void)
{
	Planes		planes = noise(7, 9, 3);

	planes_flip_horizontal(&planes);
	CHECK(is(&planes, 2, 3, 1) == was(&planes, 2, 3, 7));
	planes_flip_horizontal(&planes);
	CHECK(change(&planes) == 0);
	planes_flip_vertical(&planes);
	CHECK(is(&planes, 1, 0, 4) == was(&planes, 1, 6, 4));
	planes_flip_vertical(&planes);
	CHECK(change(&planes) == 0);
}

static void
test_parameters_that_change_nothing(void)
{
	Planes		planes = noise(8, 12, 3);

	planes_brighten(&planes, 1);
	planes_contrast(&planes, 1);
	planes_saturate(&planes, 1);
	planes_turn_hue(&planes, 0);
	planes_turn_hue(&planes, 1);
	planes_sharpen(&planes, 1);
	planes_blur(&planes, 0);
	planes_solarize_add(&planes, 0);
	planes_crop(&planes, 0, 0, 12, 8);
	planes_shift(&planes, 0, 0, black);
	planes_rotate(&planes, 0, black);
	planes_rotate(&planes, 360, edge);
	planes_erase(&planes, 3, 3, 3, 5, NULL);
	CHECK(change(&planes) < 1e-5);
}

static void
test_brightness_and_contrast(void)
{
	Planes		planes = noise(16, 16, 3);
	double		mean;

	planes_brighten(&planes, 0.5f);
	for (int x = 0; x < 16; x++)
		CHECK_NEAR(is(&planes, 1, 5, x), 0.5 * was(&planes, 1, 5, x), 1e-6);
	planes = noise(16, 16, 3);
	mean = mean_of(before + 256, 256);
	planes_contrast(&planes, 0.25f);
	CHECK_NEAR(mean_of(planes.pixels + 256, 256), mean, 1e-5);
	CHECK_NEAR(is(&planes, 1, 5, 6), mean + 0.25 * (was(&planes, 1, 5, 6) - mean), 1e-5);
	planes_contrast(&planes, 0);
	CHECK_NEAR(is(&planes, 1, 0, 0), mean, 1e-5);
	planes_brighten(&planes, 10);
	CHECK(all_within(&planes));
	CHECK(is(&planes, 1, 0, 0) == 1);
}

static double
luma(const float *x, size_t area, size_t i)
{
	return 0.299 * x[i] + 0.587 * x[area + i] + 0.114 * x[2 * area + i];
}

static void
test_gray_and_saturation(void)
{
	Planes		planes = noise(9, 9, 3);

	planes_gray(&planes);
	for (size_t i = 0; i < 81; i++)
	{
		CHECK_NEAR(planes.pixels[i], luma(before, 81, i), 1e-6);
		CHECK(planes.pixels[i] == planes.pixels[162 + i]);
	}
	planes = noise(9, 9, 3);
	planes_saturate(&planes, 0);
	for (size_t i = 0; i < 81; i++)
		CHECK_NEAR(planes.pixels[81 + i], luma(before, 81, i), 1e-6);
	planes = noise(9, 9, 3);
	planes_saturate(&planes, 0.5f);
	for (size_t i = 0; i < 81; i++)
		CHECK_NEAR(luma(planes.pixels, 81, i), luma(before, 81, i), 1e-5);
}

/* A third of a turn makes red green, green blue and blue red. */
static void
test_hue(void)
{
	Planes		planes = noise(16, 16, 3);

	planes_turn_hue(&planes, 1.0f / 3);
	for (size_t i = 0; i < 256; i++)
	{
		CHECK_NEAR(planes.pixels[256 + i], before[i], 1e-5);
		CHECK_NEAR(planes.pixels[512 + i], before[256 + i], 1e-5);
		CHECK_NEAR(planes.pixels[i], before[512 + i], 1e-5);
	}
	planes_turn_hue(&planes, -1.0f / 3);
	CHECK(change(&planes) < 1e-5);
	for (int i = 0; i < 10; i++)
		planes_turn_hue(&planes, 0.1f);
	CHECK(change(&planes) < 1e-4);
	planes_turn_hue(&planes, 0.17f);
	for (size_t i = 0; i < 256; i++)
	{
		const float *x = planes.pixels;
		double		high = fmax(before[i], fmax(before[256 + i], before[512 + i]));

		CHECK_NEAR(fmax(x[i], fmax(x[256 + i], x[512 + i])), high, 1e-5);
	}
}

static void
test_gray_pictures_have_no_colors(void)
{
	Planes		planes = noise(8, 8, 1);

	planes_gray(&planes);
	planes_saturate(&planes, 0);
	planes_turn_hue(&planes, 0.3f);
	CHECK(change(&planes) == 0);
}

static void
test_levels(void)
{
	Planes		planes = noise(8, 8, 1);

	planes_invert(&planes);
	CHECK_NEAR(is(&planes, 0, 2, 2), 1 - was(&planes, 0, 2, 2), 1e-6);
	planes = noise(8, 8, 1);
	planes_solarize(&planes, 0.5f);
	for (int i = 0; i < 64; i++)
		CHECK_NEAR(planes.pixels[i], fmin(before[i], 1 - before[i]), 1e-6);
	planes = noise(8, 8, 1);
	planes_solarize_add(&planes, 0.25f);
	for (int i = 0; i < 64; i++)
		CHECK_NEAR(planes.pixels[i], before[i] < 0.5 ? before[i] + 0.25 : before[i], 1e-6);
	planes = noise(8, 8, 1);
	planes_posterize(&planes, 1);
	for (int i = 0; i < 64; i++)
		CHECK_NEAR(planes.pixels[i], before[i] * 255 < 127.5 ? 0 : 128.0 / 255, 1e-6);
	planes = noise(8, 8, 1);
	planes_posterize(&planes, 8);
	CHECK(change(&planes) <= 0.5 / 255 + 1e-6);
	planes_brighten(&planes, 0.5f);
	planes_autocontrast(&planes);
	planes_brighten(&planes, 1);
	CHECK(all_within(&planes));
	CHECK(change(&planes) < 0.05);
}

/* Of different numbers, ranks */
static void
test_equalize(void)
{
	Planes		planes = noise(16, 16, 1);
	int			low = 0;

	for (int i = 0; i < 256; i++)
		planes.pixels[i] = (float) (i * i) / (255 * 255);
	planes_equalize(&planes);
	CHECK(planes.pixels[0] == 0);
	CHECK(planes.pixels[255] == 1);
	for (int i = 0; i < 256; i++)
		low += planes.pixels[i] < 0.5f;
	CHECK(abs(low - 128) < 10);
	for (int i = 0; i < 256; i++)
		planes.pixels[i] = 0.25f;
	planes_equalize(&planes);
	CHECK(planes.pixels[7] == 0.25f);
}

static void
test_sharpness(void)
{
	Planes		planes = noise(5, 5, 1);
	double		smooth = 4 * was(&planes, 0, 2, 2);

	for (int y = 1; y < 4; y++)
		for (int x = 1; x < 4; x++)
			smooth += was(&planes, 0, y, x);
	planes_sharpen(&planes, 0);
	CHECK_NEAR(is(&planes, 0, 2, 2), smooth / 13, 1e-6);
	CHECK(is(&planes, 0, 0, 2) == was(&planes, 0, 0, 2));
}

/* A point becomes a bell; what is even stays even. */
static void
test_blur(void)
{
	Planes		planes = noise(33, 33, 1);

	memset(planes.pixels, 0, sizeof(buffers[0]));
	planes.pixels[16 * 33 + 16] = 1;
	planes_blur(&planes, 1.5f);
	CHECK_NEAR(mean_of(planes.pixels, 1089) * 1089, 1, 1e-5);
	CHECK_NEAR(is(&planes, 0, 16, 17) / is(&planes, 0, 16, 16),
			   exp(-1 / (2 * 1.5 * 1.5)), 1e-5);
	CHECK_NEAR(is(&planes, 0, 14, 19) / is(&planes, 0, 16, 16),
			   exp(-13 / (2 * 1.5 * 1.5)), 1e-5);
	for (int i = 0; i < 1089; i++)
		planes.pixels[i] = 0.75f;
	planes_blur(&planes, 9);
	for (int i = 0; i < 1089; i++)
		CHECK_NEAR(planes.pixels[i], 0.75, 1e-5);
}

/* A crop of a plane of steady slope is one of less slope. */
static void
test_crop(void)
{
	Planes		planes = noise(16, 16, 3);

	for (int c = 0; c < 3; c++)
		for (int y = 0; y < 16; y++)
			for (int x = 0; x < 16; x++)
				planes.pixels[(c * 16 + y) * 16 + x] =
					(float) ((x + 0.5) * (c + 1) + (y + 0.5)) / 100;
	planes_crop(&planes, 3.25, 5, 8, 4);
	for (int c = 0; c < 3; c++)
		for (int y = 0; y < 16; y++)
			for (int x = 0; x < 16; x++)
				CHECK_NEAR(is(&planes, c, y, x),
						   ((3.25 + (x + 0.5) / 2) * (c + 1) + 5 + (y + 0.5) / 4) / 100,
						   1e-5);
	planes = noise(16, 16, 1);
	planes_crop(&planes, 12, 12, 4, 4);
	CHECK(all_within(&planes));
	CHECK(is(&planes, 0, 15, 15) == was(&planes, 0, 15, 15));
}

static void
test_shift(void)
{
	Planes		planes = noise(6, 8, 2);

	planes_shift(&planes, 2, -1, black);
	CHECK(is(&planes, 1, 0, 5) == was(&planes, 1, 1, 3));
	CHECK(is(&planes, 1, 0, 1) == 0);
	CHECK(is(&planes, 1, 5, 5) == 0);
	planes = noise(6, 8, 2);
	planes_shift(&planes, -3, 2, edge);
	CHECK(is(&planes, 0, 0, 7) == was(&planes, 0, 0, 7));
	CHECK(is(&planes, 0, 4, 1) == was(&planes, 0, 2, 4));
	planes_shift(&planes, 100 % 8, 6, black);
	CHECK(mean_of(planes.pixels, count(&planes)) == 0);
}

static void
test_rotation(void)
{
	Planes		planes = noise(9, 9, 3);

	planes_rotate(&planes, 90, black);
	/* what is below goes to the right */
	CHECK_NEAR(is(&planes, 0, 4, 8), was(&planes, 0, 8, 4), 1e-5);
	CHECK_NEAR(is(&planes, 2, 1, 2), was(&planes, 2, 2, 7), 1e-5);
	for (int i = 0; i < 3; i++)
		planes_rotate(&planes, 90, black);
	CHECK(change(&planes) < 1e-4);
	planes = noise(9, 9, 1);
	planes_rotate(&planes, 45, black);
	CHECK(is(&planes, 0, 0, 0) == 0);
	CHECK_NEAR(is(&planes, 0, 4, 4), was(&planes, 0, 4, 4), 1e-5);
	planes_rotate(&planes, 33, edge);
	CHECK(all_within(&planes));
}

static void
test_erasing(void)
{
	Planes		planes = noise(8, 8, 3);
	float		white = 1;
	double		mean = mean_of(before + 64, 64);

	planes_erase(&planes, 2, -3, 5, 4, &white);
	CHECK(is(&planes, 1, 0, 2) == 1);
	CHECK(is(&planes, 1, 3, 4) == 1);
	CHECK(is(&planes, 1, 4, 4) == was(&planes, 1, 4, 4));
	CHECK(is(&planes, 1, 3, 5) == was(&planes, 1, 3, 5));
	planes = noise(8, 8, 3);
	planes_erase(&planes, 6, 6, 20, 20, NULL);
	CHECK_NEAR(is(&planes, 1, 7, 7), mean, 1e-6);
}

/* ---- pipelines ---- */

static AugmentStep
step(const char *name)
{
	AugmentStep made = {.type = augment_step_type(name, &status)};

	params_init(&made.params, name, augment_step_params(made.type));
	return made;
}

static AugmentStep
with(AugmentStep made, const char *parameter, double value)
{
	CHECK(params_set_number(&made.params, parameter, value, &status));
	return made;
}

static const AugmentFormat color = {.height = 32,.width = 24,.channels = 3};

/* A byte picture of noise by a pipeline of one step */
static void
augment(const AugmentStep *one, const AugmentFormat *format,
		const AugmentKey *key, const void *in, const void *partner, void *out)
{
	static float scratch[3 * MAX_NUMBERS + 2 * MAX_SIDE + 64];
	Augmentation *augmentation;

	if (arena == NULL)
		arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	arena_reset(arena);
	CHECK(augment_check(one, 1, &status));
	augmentation = augment_create(arena, one, 1, format, &status);
	CHECK(augmentation != NULL);
	CHECK(augment_scratch(format) <= sizeof(scratch));
	augment_picture(augmentation, key, in, partner, out, scratch);
}

static uint8_t picture[MAX_NUMBERS];
static uint8_t result[MAX_NUMBERS];
static uint8_t again[MAX_NUMBERS];

static size_t
paint(const AugmentFormat *format)
{
	size_t		n = (size_t) format->height * format->width * format->channels;

	for (size_t i = 0; i < n; i++)
		picture[i] = (uint8_t) (random_at(5, 5, i) >> 56);
	return n;
}

static const AugmentStepType *
type_at(int i)
{
	return augment_step_type_at(i);
}

/* The same key gives the same bits, and each part of it others. */
static void
test_keys(void)
{
	size_t		n = paint(&color);
	const AugmentStepType *type;

	for (int i = 0; (type = type_at(i)) != NULL; i++)
	{
		AugmentStep one = step(augment_step_name(type));
		AugmentKey	key = {.seed = 1,.row = 2,.time = 3};
		int			same = 0;

		if (strcmp(augment_step_name(type), "color_jitter") == 0)
			one = with(one, "hue", 0.3);
		for (int k = 0; k < 40; k++)
		{
			AugmentKey	other = key;

			switch (k % 5)
			{
				case 0:
					other.seed += 10 + k;
					break;
				case 1:
					other.row += 10 + k;
					break;
				case 2:
					other.time += 10 + k;
					break;
				case 3:
					other.place += 10 + k;
					break;
				case 4:
					other.view += 10 + k;
					break;
			}
			augment(&one, &color, &other, picture, NULL, result);
			augment(&one, &color, &other, picture, NULL, again);
			CHECK(memcmp(result, again, n) == 0);
			augment(&one, &color, &key, picture, NULL, again);
			same += memcmp(result, again, n) == 0;
		}
		if (strcmp(augment_step_name(type), "mixup") != 0)
			CHECK(same < 40);
	}
}

/* How often a step of these pictures changes them */
static double
share_changed(const AugmentStep *one, const AugmentFormat *format, uint32_t view)
{
	size_t		n = paint(format);
	int			changed = 0;

	for (int i = 0; i < 2000; i++)
	{
		AugmentKey	key = {.seed = 7,.row = (uint64_t) i,.view = view};

		augment(one, format, &key, picture, NULL, result);
		changed += memcmp(picture, result, n) != 0;
	}
	return changed / 2000.0;
}

/* Within four standard deviations */
static void
test_probabilities(void)
{
	AugmentFormat small = {.height = 4,.width = 4,.channels = 3};
	AugmentStep one = step("horizontal_flip");

	CHECK(fabs(share_changed(&one, &small, 0) - 0.5) < 0.045);
	one = with(one, "probability", 0.1);
	CHECK(fabs(share_changed(&one, &small, 0) - 0.1) < 0.027);
	one = with(one, "probability", 0);
	CHECK(share_changed(&one, &small, 0) == 0);
	one = with(one, "probability", 1);
	CHECK(share_changed(&one, &small, 0) == 1);
	one = step("grayscale");
	CHECK(fabs(share_changed(&one, &small, 0) - 0.2) < 0.036);
}

static void
test_views(void)
{
	AugmentFormat small = {.height = 4,.width = 4,.channels = 3};
	AugmentStep one = with(with(step("horizontal_flip"), "probability", 1),
						   "view", 2);

	CHECK(share_changed(&one, &small, 0) == 0);
	CHECK(share_changed(&one, &small, 1) == 1);
	CHECK(share_changed(&one, &small, 2) == 0);
}

/* Shifts are at most what is asked for, each as often. */
static void
test_draws_of_translate(void)
{
	AugmentFormat line = {.height = 1,.width = 20,.channels = 1};
	AugmentStep one = with(with(with(step("translate"), "x", 0.15), "y", 0),
						   "fill", 0);
	int			seen[7] = {0};

	memset(picture, 0, sizeof(picture));
	picture[10] = 255;
	for (int i = 0; i < 7000; i++)
	{
		AugmentKey	key = {.row = (uint64_t) i};
		const uint8_t *white;

		augment(&one, &line, &key, picture, NULL, result);
		white = memchr(result, 255, 20);
		CHECK(white != NULL);
		if (white != NULL)
			seen[white - result - 7]++;
	}
	for (int i = 0; i < 7; i++)
		CHECK(abs(seen[i] - 1000) < 120);
}

/* A crop of a slope shows where it was: within the picture, of its area. */
static void
test_draws_of_crops(void)
{
	AugmentFormat format = {
		.height = 32,.width = 32,.channels = 1,.floats = true,.low = 0,.high = 32
	};
	AugmentStep one = with(step("random_resized_crop"), "min_area", 0.2);
	static float slope[1024];
	static float cropped[1024];
	double		least = 1;
	double		most = 0;

	for (int i = 0; i < 1024; i++)
		slope[i] = (float) (i % 32) + 0.5f;
	for (int i = 0; i < 500; i++)
	{
		AugmentKey	key = {.row = (uint64_t) i};
		double		width;

		augment(&one, &format, &key, slope, NULL, cropped);
		width = (cropped[20] - cropped[10]) / 10 * 32;
		CHECK(cropped[0] >= 0.5 - 1e-4 && cropped[31] <= 31.5 + 1e-4);
		CHECK(width > 32 * sqrt(0.2 * 0.75) - 0.1 && width < 32.1);
		least = fmin(least, width / 32);
		most = fmax(most, width / 32);
	}
	CHECK(least < 0.45 && most > 0.95);
}

/* Bytes and floats of any range come back as they were. */
static void
test_formats(void)
{
	AugmentStep one = with(step("vertical_flip"), "probability", 0);
	AugmentFormat floats = {
		.height = 3,.width = 2,.channels = 3,.floats = true,.low = -2,.high = 6
	};
	AugmentKey	key = {0};
	float		numbers[18];
	float		out[18];
	size_t		n = paint(&color);

	augment(&one, &color, &key, picture, NULL, result);
	CHECK(memcmp(picture, result, n) == 0);
	for (int i = 0; i < 18; i++)
		numbers[i] = -2 + 8 * (float) i / 17;
	augment(&one, &floats, &key, numbers, NULL, out);
	for (int i = 0; i < 18; i++)
		CHECK_NEAR(out[i], numbers[i], 1e-6);
	one = with(one, "probability", 1);
	augment(&one, &floats, &key, numbers, NULL, out);
	CHECK_NEAR(out[0], numbers[12], 1e-6);
	CHECK_NEAR(out[5], numbers[17], 1e-6);
}

static void
test_mixup(void)
{
	AugmentFormat one_pixel = {
		.height = 1,.width = 1,.channels = 1,.floats = true,.low = 0,.high = 1
	};
	AugmentStep one = with(step("mixup"), "alpha", 0.5);
	float		black_pixel = 0;
	float		white_pixel = 1;
	float		out;
	double		sum = 0;
	double		square = 0;

	for (int i = 0; i < 4000; i++)
	{
		AugmentKey	key = {.row = (uint64_t) i};

		augment(&one, &one_pixel, &key, &black_pixel, &white_pixel, &out);
		sum += out;
		square += out * out;
		augment(&one, &one_pixel, &key, &white_pixel, NULL, &out);
		CHECK(out == 1);
	}
	/* Beta(a, a): mean 1/2, variance 1/(4 (2 a + 1)) */
	CHECK(fabs(sum / 4000 - 0.5) < 0.025);
	CHECK(fabs(square / 4000 - 0.25 - 0.125) < 0.025);
}

static void
test_presets_run(void)
{
	static const char *const names[] = {"simclr", "byol", "barlow", "randaugment"};
	AugmentFormat tiny = {.height = 1,.width = 1,.channels = 1};
	AugmentFormat gray = {.height = 28,.width = 28,.channels = 1};
	AugmentFormat large = {.height = 64,.width = 64,.channels = 3};

	for (int i = 0; i < 4; i++)
	{
		AugmentStep one = step(names[i]);

		CHECK(share_changed(&one, &tiny, 0) <= 1);
		CHECK(share_changed(&one, &gray, 0) > 0.8);
		CHECK(share_changed(&one, &large, 1) > 0.8);
	}
}

static void
test_checks(void)
{
	AugmentStep many[AUGMENT_MAX_STEPS + 1];

	CHECK(augment_step_type("crop", &status) == NULL);
	CHECK_TEXT(status.message, "unrecognized augmentation \"crop\"");
	CHECK(strstr(status.hint, "\"random_resized_crop\"") != NULL);
	many[0] = with(step("gaussian_blur"), "min_sigma", 3);
	CHECK(!augment_check(many, 1, &status));
	CHECK_TEXT(status.message, "parameter \"min_sigma\" of gaussian_blur must "
			   "not be greater than \"max_sigma\"");
	many[0] = step("rotate");
	many[1] = step("mixup");
	CHECK(!augment_check(many, 2, &status));
	CHECK_TEXT(status.message, "\"mixup\" must be the first step, not step 2");
	CHECK(!augment_mixes(many, 2));
	CHECK(augment_mixes(many + 1, 1));
	CHECK(!augment_check(many, 0, &status));
	for (int i = 0; i <= AUGMENT_MAX_STEPS; i++)
		many[i] = step("rotate");
	CHECK(augment_check(many, AUGMENT_MAX_STEPS, &status));
	CHECK(!augment_check(many, AUGMENT_MAX_STEPS + 1, &status));
	for (int i = 0; i < 10; i++)
		many[i] = step("byol");
	CHECK(!augment_check(many, 10, &status));
}

int
main(void)
{
	RUN(test_flips);
	RUN(test_parameters_that_change_nothing);
	RUN(test_brightness_and_contrast);
	RUN(test_gray_and_saturation);
	RUN(test_hue);
	RUN(test_gray_pictures_have_no_colors);
	RUN(test_levels);
	RUN(test_equalize);
	RUN(test_sharpness);
	RUN(test_blur);
	RUN(test_crop);
	RUN(test_shift);
	RUN(test_rotation);
	RUN(test_erasing);
	RUN(test_keys);
	RUN(test_probabilities);
	RUN(test_views);
	RUN(test_draws_of_translate);
	RUN(test_draws_of_crops);
	RUN(test_formats);
	RUN(test_mixup);
	RUN(test_presets_run);
	RUN(test_checks);
	return unit_done();
}
