/*
 * layout.c
 *	  Points of a graph laid out in the plane, as UMAP does (McInnes, Healy and
 *	  Melville, 2018, algorithm 5).
 *
 * In each epoch an edge of weight w is taken with the frequency w / strongest.
 * Its ends attract each other by the gradient of log of the curve 1 / (1 + a
 * d^(2b)), and repel NEGATIVES points at random each by that of log of 1 less
 * the curve; steps shrink to 0.
 *
 * The paper moves both ends of an edge at once, one edge after the other, which
 * threads cannot do without their timing deciding what comes out.  Here a point
 * moves by itself, twice by each of its edges, once for each direction; points
 * are moved in batches, all of a batch seeing the others where they stood
 * before it.  What a point does depends on seed, epoch and its number alone.
 */
#include "projection/layout.h"

#include <math.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/random.h"

#define NEGATIVES 5				/* points at random that an end repels */
#define LARGEST_STEP 4.0f		/* of a gradient along an axis */
#define NEAR 1e-3f				/* added to a squared distance of repulsion */

/* Points of a batch that a slice moves, and batches of an epoch at least */
#define SLICE 64
#define MIN_BATCHES 16
#define SLICES_OF_BATCH 16

/* ---- forces ---- */

/*
 * An edge's end and those that are repelled, side by side as registers take
 * them: the other end in lane 0, NEGATIVES points behind it, the point itself,
 * which has no force, in the rest.
 */
#define LANES 8

typedef struct Curve
{
	float		a;
	float		b;
	float		sign[LANES];	/* 1 attracts, 0 repels */
	float		near[LANES];
} Curve;

static Curve
make_curve(const LayoutOptions *options)
{
	Curve		curve = {(float) options->a, (float) options->b};

	for (int l = 0; l < LANES; l++)
	{
		curve.sign[l] = l == 0;
		curve.near[l] = l == 0 ? 0 : NEAR;
	}
	return curve;
}

/*
 * x^exponent to some six digits, x being a normal float above 0: the same bits
 * everywhere, and no branch.  Interpolations at Chebyshev's points, of log2(1 +
 * f) / f where 1 + f is from sqrt(1/2) to sqrt(2), and of 2^f.
 */
static inline float
power(float x, float exponent)
{
	int32_t		bits;
	int32_t		whole;
	float		f;
	float		y;

	memcpy(&bits, &x, sizeof(bits));
	whole = (bits - 0x3F3504F3) >> 23;	/* 0x3F3504F3: sqrt(1/2) */
	bits -= (int32_t) ((uint32_t) whole << 23);
	memcpy(&f, &bits, sizeof(f));
	f -= 1;
	y = -0.26796387f + f * 0.16818659f;
	y = 0.29611956f + f * y;
	y = -0.35952446f + f * y;
	y = 0.48061313f + f * y;
	y = -0.72136018f + f * y;
	y = 1.4426965f + f * y;
	y = exponent * (f * y + (float) whole);
	y = y < -126 ? -126 : y;
	y = y > 126 ? 126 : y;
	whole = (int32_t) (y + 192.5f) - 192;	/* rounded */
	f = y - (float) whole;
	y = 0.0096760319f + f * 0.0013390863f;
	y = 0.055503571f + f * y;
	y = 0.24022107f + f * y;
	y = 0.69314719f + f * y;
	y = 1.0000001f + f * y;
	bits = (int32_t) ((uint32_t) (whole + 127) << 23);
	memcpy(&f, &bits, sizeof(f));
	return y * f;
}

static inline float
bounded_step(float step)
{
	step = step > LARGEST_STEP ? LARGEST_STEP : step;
	return step < -LARGEST_STEP ? -LARGEST_STEP : step;
}

/*
 * Move a point at x, y by the forces of others at dx, dy from it.  With c = a
 * d^(2b) they are, along dx and dy,
 *
 *		- 2 b c / (d^2 (1 + c))				of the other end, twice
 *		2 b / ((NEAR + d^2) (1 + c))		of the rest
 */
static inline void
add_forces(const Curve *curve, float *dx, float *dy, float rate, float *point)
{
	float		sum[2] = {0, 0};

	for (int l = 0; l < LANES; l++)
	{
		float		square = dx[l] * dx[l] + dy[l] * dy[l] + 1e-30f;
		float		c = curve->a * power(square, curve->b);
		float		sign = curve->sign[l];
		float		slope = 2 * curve->b * (1 - sign - sign * c) /
		((curve->near[l] + square) * (1 + c));
		float		weight = rate * (1 + sign);

		dx[l] = weight * bounded_step(slope * dx[l]);
		dy[l] = weight * bounded_step(slope * dy[l]);
	}
	for (int l = 0; l < LANES; l++)
	{
		sum[0] += dx[l];
		sum[1] += dy[l];
	}
	point[0] += sum[0];
	point[1] += sum[1];
}

/* ---- a point's moves ---- */

/* Is an edge taken in an epoch?  frequency is at most 1. */
static inline bool
is_taken(float frequency, int epoch)
{
	return (int) (frequency * (float) (epoch + 1)) >
		(int) (frequency * (float) epoch);
}

static void
move_point(const Layout *layout, const Curve *curve, uint32_t i, float *moved)
{
	const FuzzyGraph *graph = layout->graph;
	const float *y = layout->y;
	float		rate = 1 - (float) layout->epoch /
	(float) layout->options.epochs;
	float		frequency = 1 / layout->strongest;
	float		point[2] = {y[2 * i], y[2 * i + 1]};
	uint64_t	state = random_at(layout->options.seed,
								  (uint64_t) layout->epoch, i);

	for (uint32_t e = graph->begin[i]; e < graph->begin[i + 1]; e++)
	{
		uint32_t	others[LANES] = {graph->ends[e]};
		float		dx[LANES];
		float		dy[LANES];

		if (!is_taken(graph->weights[e] * frequency, layout->epoch))
			continue;
		for (int l = 1; l <= NEGATIVES; l++)
		{
			state = state * UINT64_C(6364136223846793005) +
				UINT64_C(1442695040888963407);	/* Knuth's */
			others[l] = (uint32_t) (((state >> 32) * graph->n) >> 32);
		}
		for (int l = 0; l < LANES; l++)
		{
			bool		is_other = l <= NEGATIVES && others[l] != i;

			dx[l] = is_other ? point[0] - y[2 * (size_t) others[l]] : 0;
			dy[l] = is_other ? point[1] - y[2 * (size_t) others[l] + 1] : 0;
		}
		add_forces(curve, dx, dy, rate, point);
	}
	moved[0] = point[0];
	moved[1] = point[1];
}

typedef struct Batch
{
	Layout	   *layout;
	Curve		curve;
	size_t		batch;			/* points batch, batch + stride, ... */
	size_t		stride;
} Batch;

static void
move_slice(void *arg, int slice, int worker)
{
	const Batch *batch = arg;
	Layout	   *layout = batch->layout;
	size_t		i = batch->batch + (size_t) slice * SLICE * batch->stride;

	for (int l = 0; l < SLICE && i < layout->graph->n; l++, i += batch->stride)
		move_point(layout, &batch->curve, (uint32_t) i, layout->moved + 2 * i);
}

void
layout_step(Layout *layout, ThreadPool *pool)
{
	size_t		n = layout->graph->n;
	size_t		stride = n / (SLICE * SLICES_OF_BATCH);
	Batch		batch = {layout, make_curve(&layout->options)};

	stride = stride < MIN_BATCHES ? MIN_BATCHES : stride;
	batch.stride = stride;
	for (; batch.batch < stride && !interrupt_pending(); batch.batch++)
	{
		size_t		points = (n + stride - 1 - batch.batch) / stride;

		pool_run(pool, (int) ((points + SLICE - 1) / SLICE), move_slice,
				 &batch);
		for (size_t i = batch.batch; i < n; i += stride)
		{
			layout->y[2 * i] = layout->moved[2 * i];
			layout->y[2 * i + 1] = layout->moved[2 * i + 1];
		}
	}
	layout->epoch += !interrupt_pending();
}

bool
layout_begin(Arena *arena, const FuzzyGraph *graph, float *y,
			 LayoutOptions options, Layout *layout, Status *status)
{
	*layout = (Layout)
	{
		.graph = graph,.options = options,.y = y
	};

	layout->moved = arena_new_array(arena, 2 * graph->n, float);
	if (layout->moved == NULL)
		return status_out_of_memory(status, "for laying out points");
	for (uint32_t e = 0; e < graph->begin[graph->n]; e++)
		if (graph->weights[e] > layout->strongest)
			layout->strongest = graph->weights[e];
	return true;
}

size_t
layout_bytes(size_t n)
{
	return arena_bound(2 * n * sizeof(float), 1);
}
