/*
 * augment_geometry.c
 *	  Steps that move pixels or remove them.
 *
 * Pixels are squares, so that pixel i of a line reaches from i to i + 1; what
 * lies between centers is interpolated linearly.
 */
#include <math.h>
#include <string.h>

#include "media/augment_step.h"

static float *
line_of(float *pixels, const Planes *planes, int channel, int y)
{
	return pixels +
		((size_t) channel * planes->height + y) * planes->width;
}

/* ---- flips ---- */

void
planes_flip_horizontal(Planes *planes)
{
	for (int line = 0; line < planes->height * planes->channels; line++)
	{
		const float *in = planes->pixels + (size_t) line * planes->width;
		float	   *out = planes->other + (size_t) line * planes->width;

		for (int x = 0; x < planes->width; x++)
			out[x] = in[planes->width - 1 - x];
	}
	planes_swap(planes);
}

void
planes_flip_vertical(Planes *planes)
{
	for (int c = 0; c < planes->channels; c++)
		for (int y = 0; y < planes->height; y++)
			memcpy(line_of(planes->other, planes, c, y),
				   line_of(planes->pixels, planes, c, planes->height - 1 - y),
				   sizeof(float) * (size_t) planes->width);
	planes_swap(planes);
}

/* ---- crops: down first, since whole lines are faster ---- */

/* The two neighbors of a place between centers; beyond them are edges. */
static inline int
neighbors(float place, int n, int *next, float *share)
{
	float		last = (float) (n - 1);
	int			first;

	place = place < 0 ? 0 : place > last ? last : place;
	first = (int) place;
	*share = place - (float) first;
	*next = first + (first < n - 1);
	return first;
}

static void
crop_line(const float *in, float *out, int n, float left, float step)
{
	for (int x = 0; x < n; x++)
	{
		float		share;
		int			next;
		int			first = neighbors(left + ((float) x + 0.5f) * step - 0.5f, n,
									  &next, &share);

		out[x] = in[first] + share * (in[next] - in[first]);
	}
}

void
planes_crop(Planes *planes, double left, double top, double width,
			double height)
{
	float		across = (float) (width / planes->width);
	float		down = (float) (height / planes->height);

	for (int c = 0; c < planes->channels; c++)
		for (int y = 0; y < planes->height; y++)
		{
			float		share;
			int			next;
			int			first = neighbors((float) top +
										  ((float) y + 0.5f) * down - 0.5f,
										  planes->height, &next, &share);
			const float *a = line_of(planes->pixels, planes, c, first);
			const float *b = line_of(planes->pixels, planes, c, next);

			for (int x = 0; x < planes->width; x++)
				planes->row[x] = a[x] + share * (b[x] - a[x]);
			crop_line(planes->row, line_of(planes->other, planes, c, y),
					  planes->width, (float) left, across);
		}
	planes_swap(planes);
}

/* ---- affine maps ---- */

static void
shift_line(const float *in, float *out, int width, int right, Fill fill)
{
	int			begin = right > 0 ? right : 0;
	int			end = right < 0 ? width + right : width;

	for (int x = 0; x < begin; x++)
		out[x] = fill.edge ? in[0] : fill.value;
	memcpy(out + begin, in + begin - right,
		   sizeof(float) * (size_t) (end - begin));
	for (int x = end; x < width; x++)
		out[x] = fill.edge ? in[width - 1] : fill.value;
}

void
planes_shift(Planes *planes, int right, int down, Fill fill)
{
	int			width = planes->width;

	for (int c = 0; c < planes->channels; c++)
		for (int y = 0; y < planes->height; y++)
		{
			int			from = clamp_index(y - down, planes->height);
			float	   *out = line_of(planes->other, planes, c, y);

			if (from == y - down || fill.edge)
				shift_line(line_of(planes->pixels, planes, c, from), out,
						   width, right, fill);
			else
				for (int x = 0; x < width; x++)
					out[x] = fill.value;
		}
	planes_swap(planes);
}

static inline float
pixel_at(const float *plane, const Planes *planes, int x, int y, Fill fill)
{
	int			near_x = clamp_index(x, planes->width);
	int			near_y = clamp_index(y, planes->height);

	if (!fill.edge && (near_x != x || near_y != y))
		return fill.value;
	return plane[(size_t) near_y * planes->width + near_x];
}

/* Of a center; beyond the picture by two at most, whatever the map */
static inline float
bounded_place(float place, int n)
{
	float		last = (float) (n + 1);

	return place < -2 ? -2 : place > last ? last : place;
}

static inline float
between(float a, float b, float share)
{
	return a + share * (b - a);
}

static void
map_pixel(const Planes *planes, float x, float y, Fill fill, float *out)
{
	int			i = (int) (x + 2) - 2;
	int			j = (int) (y + 2) - 2;
	float		across = x - (float) i;
	float		down = y - (float) j;
	bool		inside = i >= 0 && j >= 0 && i < planes->width - 1 &&
	j < planes->height - 1;

	for (int c = 0; c < planes->channels; c++)
	{
		const float *plane = planes->pixels + c * planes_area(planes);
		long		at = (long) j * planes->width + i;
		long		below = at + planes->width;

		out[c * planes_area(planes)] = inside ?
			between(between(plane[at], plane[at + 1], across),
					between(plane[below], plane[below + 1], across), down) :
			between(between(pixel_at(plane, planes, i, j, fill),
							pixel_at(plane, planes, i + 1, j, fill), across),
					between(pixel_at(plane, planes, i, j + 1, fill),
							pixel_at(plane, planes, i + 1, j + 1, fill), across),
					down);
	}
}

void
planes_map(Planes *planes, double a, double b, double c, double d, Fill fill)
{
	float		middle_x = (float) (planes->width - 1) / 2;
	float		middle_y = (float) (planes->height - 1) / 2;
	float	   *out = planes->other;

	for (int y = 0; y < planes->height; y++)
		for (int x = 0; x < planes->width; x++)
		{
			float		dx = (float) x - middle_x;
			float		dy = (float) y - middle_y;
			float		from_x = middle_x + (float) a * dx + (float) b * dy;
			float		from_y = middle_y + (float) c * dx + (float) d * dy;

			map_pixel(planes, bounded_place(from_x, planes->width),
					  bounded_place(from_y, planes->height), fill, out++);
		}
	planes_swap(planes);
}

/* Counterclockwise, as it is seen: lines count downwards. */
void
planes_rotate(Planes *planes, double degrees, Fill fill)
{
	double		c = cos(degrees * M_PI / 180);
	double		s = sin(degrees * M_PI / 180);

	planes_map(planes, c, -s, s, c, fill);
}

/* ---- erasing ---- */

static float
plane_mean(const Planes *planes, int channel)
{
	const float *x = planes->pixels + channel * planes_area(planes);
	double		sum = 0;

	for (size_t i = 0; i < planes_area(planes); i++)
		sum += x[i];
	return (float) (sum / (double) planes_area(planes));
}

void
planes_erase(Planes *planes, int left, int top, int right, int bottom,
			 const float *value)
{
	left = left < 0 ? 0 : left;
	top = top < 0 ? 0 : top;
	right = right > planes->width ? planes->width : right;
	bottom = bottom > planes->height ? planes->height : bottom;
	for (int c = 0; c < planes->channels; c++)
	{
		float		color = value != NULL ? *value : plane_mean(planes, c);

		for (int y = top; y < bottom; y++)
			for (int x = left; x < right; x++)
				line_of(planes->pixels, planes, c, y)[x] = color;
	}
}

/* ---- a random box: of a share of the area, of a ratio of its sides ---- */

#define BOX_TRIES 10

typedef struct Box
{
	double		left;
	double		top;
	double		width;
	double		height;
} Box;

/*
 * Areas are uniform, ratios of width to height are in their logarithm and
 * relative to the picture's own.  false if no box of several fits.
 */
static bool
draw_box(const Planes *planes, const Params *params, int first, Random *random,
		 Box *box)
{
	double		low = log(params_number(params, first + 2));
	double		high = log(params_number(params, first + 3));

	for (int i = 0; i < BOX_TRIES; i++)
	{
		double		area = random_between(random, params_number(params, first),
										  params_number(params, first + 1));
		double		ratio = exp(random_between(random, low, high));

		box->width = sqrt(area * ratio) * planes->width;
		box->height = sqrt(area / ratio) * planes->height;
		if (box->width <= planes->width && box->height <= planes->height)
		{
			box->left = random_between(random, 0, planes->width - box->width);
			box->top = random_between(random, 0, planes->height - box->height);
			return true;
		}
	}
	return false;
}

enum
{
	BOX_MIN_AREA, BOX_MAX_AREA, BOX_MIN_RATIO, BOX_MAX_RATIO, BOX_PARAMS
};

#define BOX_OF(first, what, low, high, flat, wide) \
	[(first) + BOX_MIN_AREA] = {.name = "min_area",.type = PARAM_REAL, \
		.initial = (low),.minimum = 0.0001,.maximum = 1, \
	.comment = "least share of the picture that is " what}, \
	[(first) + BOX_MAX_AREA] = {.name = "max_area",.type = PARAM_REAL, \
		.initial = (high),.minimum = 0.0001,.maximum = 1, \
	.comment = "greatest share of the picture that is " what}, \
	[(first) + BOX_MIN_RATIO] = {.name = "min_ratio",.type = PARAM_REAL, \
		.initial = (flat),.minimum = 0.01,.maximum = 100, \
	.comment = "least width to height, relative to the picture's"}, \
	[(first) + BOX_MAX_RATIO] = {.name = "max_ratio",.type = PARAM_REAL, \
		.initial = (wide),.minimum = 0.01,.maximum = 100, \
	.comment = "greatest width to height, relative to the picture's"}

static bool
check_box(const Params *params, Status *status)
{
	return augment_check_order(params, STEP_FIRST + BOX_MIN_AREA,
							   STEP_FIRST + BOX_MAX_AREA, status) &&
		augment_check_order(params, STEP_FIRST + BOX_MIN_RATIO,
							STEP_FIRST + BOX_MAX_RATIO, status);
}

/* ---- steps ---- */

static const ParamSpec crop_params[] = {
	STEP_PARAMS(1),
	BOX_OF(STEP_FIRST, "kept", 0.08, 1, 0.75, 4.0 / 3),
	{NULL}
};

/* All of the picture if no box fits */
static void
random_crop(Planes *planes, const Params *params, Random *random)
{
	Box			box;

	if (draw_box(planes, params, STEP_FIRST, random, &box))
		planes_crop(planes, box.left, box.top, box.width, box.height);
}

static const ParamSpec flip_params[] = {STEP_PARAMS(0.5), {NULL}};

static void
flip_horizontal(Planes *planes, const Params *params, Random *random)
{
	planes_flip_horizontal(planes);
}

static void
flip_vertical(Planes *planes, const Params *params, Random *random)
{
	planes_flip_vertical(planes);
}

#define FILL_PARAM(unset) \
	{.name = "fill",.type = PARAM_REAL,.nullable = true,.minimum = 0, \
		.maximum = 1,.comment = "from black (0) to white (1); null: " unset}

static Fill
fill_of(const Params *params, int position)
{
	Fill		fill = {
		.edge = !params->values[position].isset,
		.value = (float) params_number(params, position)
	};

	return fill;
}

enum
{
	ROTATE_MAX_DEGREES = STEP_FIRST, ROTATE_FILL
};

static const ParamSpec rotate_params[] = {
	STEP_PARAMS(1),
	[ROTATE_MAX_DEGREES] = {.name = "max_degrees",.type = PARAM_REAL,
		.initial = 15,.minimum = 0,.maximum = 180,
	.comment = "turn of at most this either way"},
	[ROTATE_FILL] = FILL_PARAM("the nearest pixel"),
	{NULL}
};

static void
rotate(Planes *planes, const Params *params, Random *random)
{
	double		most = params_number(params, ROTATE_MAX_DEGREES);

	planes_rotate(planes, random_between(random, -most, most),
				  fill_of(params, ROTATE_FILL));
}

enum
{
	TRANSLATE_X = STEP_FIRST, TRANSLATE_Y, TRANSLATE_FILL
};

static const ParamSpec translate_params[] = {
	STEP_PARAMS(1),
	[TRANSLATE_X] = {.name = "x",.type = PARAM_REAL,.initial = 0.125,
		.minimum = 0,.maximum = 1,
	.comment = "shift of at most this share of the width either way"},
	[TRANSLATE_Y] = {.name = "y",.type = PARAM_REAL,.initial = 0.125,
		.minimum = 0,.maximum = 1,
	.comment = "shift of at most this share of the height either way"},
	[TRANSLATE_FILL] = FILL_PARAM("the nearest pixel"),
	{NULL}
};

/* One of -most .. most whole pixels */
static int
draw_shift(Random *random, double share, int side)
{
	int			most = (int) (share * side + 0.5);

	return (int) random_below(random, 2 * (uint32_t) most + 1) - most;
}

static void
translate(Planes *planes, const Params *params, Random *random)
{
	int			right = draw_shift(random, params_number(params, TRANSLATE_X),
								   planes->width);
	int			down = draw_shift(random, params_number(params, TRANSLATE_Y),
								  planes->height);

	planes_shift(planes, right, down, fill_of(params, TRANSLATE_FILL));
}

static void
erase(Planes *planes, int left, int top, int right, int bottom, Fill fill)
{
	planes_erase(planes, left, top, right, bottom,
				 fill.edge ? NULL : &fill.value);
}

enum
{
	CUTOUT_SIZE = STEP_FIRST, CUTOUT_FILL
};

static const ParamSpec cutout_params[] = {
	STEP_PARAMS(1),
	[CUTOUT_SIZE] = {.name = "size",.type = PARAM_REAL,.initial = 0.5,
		.minimum = 0,.maximum = 1,
	.comment = "share of each side that is cut out around a random pixel"},
	[CUTOUT_FILL] = FILL_PARAM("each channel's mean"),
	{NULL}
};

/* DeVries and Taylor: part of it may be beyond the picture. */
static void
cutout(Planes *planes, const Params *params, Random *random)
{
	double		size = params_number(params, CUTOUT_SIZE);
	int			width = (int) (size * planes->width + 0.5);
	int			height = (int) (size * planes->height + 0.5);
	int			left = (int) random_below(random, (uint32_t) planes->width) -
	width / 2;
	int			top = (int) random_below(random, (uint32_t) planes->height) -
	height / 2;

	erase(planes, left, top, left + width, top + height,
		  fill_of(params, CUTOUT_FILL));
}

enum
{
	ERASING_FILL = STEP_FIRST + BOX_PARAMS
};

static const ParamSpec erasing_params[] = {
	STEP_PARAMS(0.5),
	BOX_OF(STEP_FIRST, "erased", 0.02, 1.0 / 3, 0.3, 10.0 / 3),
	[ERASING_FILL] = FILL_PARAM("each channel's mean"),
	{NULL}
};

/* Zhong et al.: a box within the picture */
static void
random_erasing(Planes *planes, const Params *params, Random *random)
{
	Box			box;

	if (draw_box(planes, params, STEP_FIRST, random, &box))
		erase(planes, (int) rint(box.left), (int) rint(box.top),
			  (int) rint(box.left + box.width),
			  (int) rint(box.top + box.height),
			  fill_of(params, ERASING_FILL));
}

const AugmentStepType augment_geometry_steps[] = {
	{
		.name = "random_resized_crop",.params = crop_params,
		.check = check_box,.apply = random_crop,
		.comment = "a random part, brought to the picture's size"
	},
	{
		.name = "horizontal_flip",.params = flip_params,
		.apply = flip_horizontal,.comment = "left and right exchanged"
	},
	{
		.name = "vertical_flip",.params = flip_params,
		.apply = flip_vertical,.comment = "top and bottom exchanged"
	},
	{
		.name = "rotate",.params = rotate_params,.apply = rotate,
		.comment = "turned around the middle"
	},
	{
		.name = "translate",.params = translate_params,.apply = translate,
		.comment = "shifted by whole pixels"
	},
	{
		.name = "cutout",.params = cutout_params,.apply = cutout,
		.comment = "a square replaced (DeVries and Taylor, 2017)"
	},
	{
		.name = "random_erasing",.params = erasing_params,
		.check = check_box,.apply = random_erasing,
		.comment = "a random box replaced (Zhong et al., 2020)"
	},
	{NULL}
};
