/*
 * codes.c
 *	  Layout of a block of codes, coding, and estimates.
 *
 * A block is, group by group of 16 slots,
 *
 *		norms		16 bfloat16		|r|, infinite in an empty slot
 *		factors		16 bfloat16		|r|^2 / <r, c>, 0 if |r| = 0
 *		codes		chunks of 64 bytes: 16 slots of 4 bytes
 *
 * A byte holds 8 / bits levels u, from the low bits up: level k of byte j of
 * chunk n codes dimension (n * 8 / bits + k) * 4 + j.  A level u stands for
 * the odd number c = 2u - (2^bits - 1).  So one load of a chunk, one shift and
 * one mask give 16 slots of 4 dimensions, which is what the processors' dot
 * products of bytes take.
 */
#include "kernel/codes.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernel/code_kernels.h"
#include "kernel/distance.h"
#include "kernel/vector.h"

#define CHUNK 64
#define FACTORS (2 * sizeof(uint16_t) * CODE_LANES)

/* A query's coordinates are kept up to so many standard deviations. */
#define QUERY_RANGE 4.0

/* Norms below this have no direction in floats. */
#define SMALLEST_NORM 1e-35

/* Step of the best uniform quantizer of a normal variable (Max, 1960), by
 * log2 of bits, in standard deviations; half of it is c's unit. */
static const double best_step[] = {1.5956, 0.9957, 0.3352};

static int
log2_of_bits(int bits)
{
	return bits == 1 ? 0 : bits == 2 ? 1 : 2;
}

static size_t
dims_per_chunk(int bits)
{
	return (size_t) (32 / bits);
}

static int
top_level(const CodesLayout *layout)
{
	return (1 << layout->bits) - 1;
}

bool
codes_layout(CodesLayout *layout, size_t dims, size_t coded, int bits,
			 int degree, Status *status)
{
	size_t		group_size;

	if (bits != 1 && bits != 2 && bits != 4)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "codes must have 1, 2 or 4 bits per dimension");
	if (degree < 1 || degree > CODES_MAX_SLOTS)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "number of neighbors must be between 1 and %d",
						   CODES_MAX_SLOTS);
	if (dims < 1 || dims > CODES_MAX_DIMS || coded < 1 || coded > dims)
		return status_fail(status, STATUS_INVALID_VALUE,
						   "cannot code %zu of %zu dimensions", coded, dims);
	layout->dims = dims;
	layout->coded = coded;
	layout->bits = bits;
	layout->degree = degree;
	layout->groups = (degree + CODE_LANES - 1) / CODE_LANES;
	layout->chunks = (coded + dims_per_chunk(bits) - 1) / dims_per_chunk(bits);
	if (!size_mul(layout->chunks, CHUNK, &group_size) ||
		!size_add(group_size, FACTORS, &group_size) ||
		!size_mul(group_size, (size_t) layout->groups, &layout->size))
		return status_fail(status, STATUS_TOO_LARGE, "codes are too large");
	return true;
}

size_t
codes_coded_within(size_t size, size_t dims, int bits, int degree)
{
	size_t		group_size = size / (size_t) ((degree + CODE_LANES -
											   1) / CODE_LANES);
	size_t		coded;

	if (group_size < FACTORS)
		return 0;
	coded = (group_size - FACTORS) / CHUNK * dims_per_chunk(bits);
	return coded < dims ? coded : dims;
}

/* ---- places in a block ---- */

static size_t
group_offset(const CodesLayout *layout, int slot)
{
	return (size_t) (slot / CODE_LANES) * (FACTORS + layout->chunks * CHUNK);
}

/* The slot's norm; its factor is 2 * CODE_LANES bytes further. */
static size_t
norm_offset(const CodesLayout *layout, int slot)
{
	return group_offset(layout,
						slot) + (size_t) (slot % CODE_LANES) * sizeof(uint16_t);
}

static size_t
factor_offset(const CodesLayout *layout, int slot)
{
	return norm_offset(layout, slot) + CODE_LANES * sizeof(uint16_t);
}

/* The slot's four bytes of the first chunk; the next chunk is CHUNK further. */
static size_t
code_offset(const CodesLayout *layout, int slot)
{
	return group_offset(layout,
						slot) + FACTORS + (size_t) (slot % CODE_LANES) * 4;
}

/* Round to nearest, ties to even; infinity and zero stay what they are. */
static void
put_bfloat16(double x, char *out)
{
	float		f = (float) x;
	uint32_t	bits;
	uint16_t	half;

	memcpy(&bits, &f, sizeof(bits));
	half = (uint16_t) ((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
	memcpy(out, &half, sizeof(half));
}

static float
get_bfloat16(const char *from)
{
	uint16_t	half;
	uint32_t	bits;
	float		f;

	memcpy(&half, from, sizeof(half));
	bits = (uint32_t) half << 16;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* ---- coding ---- */

/* The fast sum where it can be trusted */
static double
norm_of(const float *x, size_t n)
{
	float		sum = kernel->inner_product(x, x, n);

	return sum > 1e-30f && sum <= FLT_MAX ? sqrt((double) sum) :
		kernel_norm(x, n);
}

/*
 * Levels of a residual and <r, c>.  The step that suits a normal variable is
 * bettered twice by the step that fits the integers it gave: each time the
 * angle between r and c can only shrink.  One bit has no step to choose.
 */
static double
choose_levels(const CodesLayout *layout, const float *residual, double norm,
			  uint8_t *levels)
{
	double		deviation = norm / sqrt((double) layout->dims);
	double		unit = best_step[log2_of_bits(layout->bits)] * deviation / 2;
	int			tries = layout->bits == 1 ? 1 : 3;
	float		dot = 0;
	float		square = 0;

	for (int i = 0; i < tries; i++)
	{
		code_kernels->levels(residual, (float) (0.5 / unit), top_level(layout),
							 layout->coded, levels, &dot, &square);
		if (!(dot > 0))
			break;
		unit = (double) dot / square;
	}
	return dot;
}

/* Four bytes a chunk; levels beyond the coded dimensions are zero. */
static void
pack(const CodesLayout *layout, const uint8_t *levels, char *out)
{
	int			bits = layout->bits;

	for (size_t i = 0; i < layout->chunks; i++, out += CHUNK)
	{
		uint32_t	bytes = 0;

		for (int shift = 0; shift < 8; shift += bits, levels += 4)
		{
			uint32_t	four;

			memcpy(&four, levels, 4);
			bytes |= four << shift;
		}
		memcpy(out, &bytes, 4);
	}
}

static void
unpack(const CodesLayout *layout, const char *from, uint8_t *levels)
{
	uint32_t	mask = (uint32_t) top_level(layout) * 0x01010101;

	for (size_t i = 0; i < layout->chunks; i++, from += CHUNK)
	{
		uint32_t	bytes;

		memcpy(&bytes, from, 4);
		for (int shift = 0; shift < 8; shift += layout->bits, levels += 4)
		{
			uint32_t	four = bytes >> shift & mask;

			memcpy(levels, &four, 4);
		}
	}
}

void
codes_put(const CodesLayout *layout, void *block, int slot,
		  const float *residual)
{
	uint8_t		levels[CODES_MAX_DIMS + 32];
	char	   *p = block;
	double		norm = norm_of(residual, layout->dims);
	double		dot = 0;

	if (norm > SMALLEST_NORM)
		dot = choose_levels(layout, residual, norm, levels);
	else
		memset(levels, 0, layout->coded);
	memset(levels + layout->coded, 0, 32);
	pack(layout, levels, p + code_offset(layout, slot));
	put_bfloat16(norm, p + norm_offset(layout, slot));
	put_bfloat16(dot > 0 ? norm / dot * norm : 0,
				 p + factor_offset(layout, slot));
}

void
codes_init(const CodesLayout *layout, void *block)
{
	for (int slot = 0; slot < layout->groups * CODE_LANES; slot++)
		codes_clear(layout, block, slot);
}

void
codes_clear(const CodesLayout *layout, void *block, int slot)
{
	char	   *p = block;
	char	   *code = p + code_offset(layout, slot);

	put_bfloat16(INFINITY, p + norm_offset(layout, slot));
	put_bfloat16(0, p + factor_offset(layout, slot));
	for (size_t i = 0; i < layout->chunks; i++)
		memset(code + i * CHUNK, 0, 4);
}

float
codes_norm(const CodesLayout *layout, const void *block, int slot)
{
	return get_bfloat16((const char *) block + norm_offset(layout, slot));
}

bool
codes_is_empty(const CodesLayout *layout, const void *block, int slot)
{
	return codes_norm(layout, block, slot) == INFINITY;
}

/* ---- scoring ---- */

CodesQuery *
codes_query_create(Arena *arena, const CodesLayout *layout)
{
	CodesQuery *query = arena_new(arena, CodesQuery);

	if (query == NULL)
		return NULL;
	query->integers = arena_alloc_zero(arena,
									   layout->chunks * dims_per_chunk(layout->bits));
	return query->integers != NULL ? query : NULL;
}

void
codes_query_set(const CodesLayout *layout, CodesQuery *query, const float *v,
				double norm)
{
	double		deviation = norm / sqrt((double) layout->dims);
	double		step = QUERY_RANGE * deviation / 127;

	query->norm = (float) norm;
	query->step = (float) step;
	query->sum = 0;
	if (norm > SMALLEST_NORM && norm <= FLT_MAX)
		query->sum = code_kernels->quantize(v, (float) (1 / step),
											layout->coded, query->integers);
	else
		memset(query->integers, 0, layout->coded);
}

/* Integer scores and what scales them, of one group */
static CodeScale
score_group(const CodesLayout *layout, const void *block,
			const CodesQuery *query, int group, int32_t *scores)
{
	const uint8_t *p = (const uint8_t *) block + group_offset(layout,
															  group * CODE_LANES);

	code_kernels->score[log2_of_bits(layout->bits)] (p + FACTORS,
													 query->integers,
													 layout->chunks, scores);
	return (CodeScale)
	{
		.norms = p,
			.factors = p + CODE_LANES * sizeof(uint16_t),
			.step = query->step,
			.norm = query->norm,
			.offset = top_level(layout) * query->sum
	};
}

static void
fill_unused(const CodesLayout *layout, float *out)
{
	for (int slot = layout->degree; slot < CODES_MAX_SLOTS; slot++)
		out[slot] = INFINITY;
}

void
codes_distances(const CodesLayout *layout, const void *block,
				const CodesQuery *query, float *out)
{
	for (int group = 0; group < layout->groups; group++)
	{
		int32_t		scores[CODE_LANES];
		CodeScale	scale = score_group(layout, block, query, group, scores);

		code_kernels->to_distance(&scale, scores, out + group * CODE_LANES);
	}
	fill_unused(layout, out);
}

void
codes_products(const CodesLayout *layout, const void *block,
			   const CodesQuery *query, double own, float *out)
{
	for (int group = 0; group < layout->groups; group++)
	{
		int32_t		scores[CODE_LANES];
		float		products[CODE_LANES];
		CodeScale	scale = score_group(layout, block, query, group, scores);

		code_kernels->to_product(&scale, scores, products);
		for (int i = 0; i < CODE_LANES; i++)
		{
			int			slot = group * CODE_LANES + i;
			float		x = -((float) own + products[i]);

			out[slot] = x <= FLT_MAX && !codes_is_empty(layout, block, slot) ?
				x : INFINITY;
		}
	}
	fill_unused(layout, out);
}

/* sin(x pi / 2) for |x| <= 1, to 2e-4 */
static double
sine_of_quarter(double x)
{
	double		y = x * x;

	return x * (1.5706268 + y * (-0.6432292 + y * 0.0727102));
}

/*
 * <r1, r2> / (|r1| |r2|) from the codes: with factors f that is f1 f2 <c1, c2>
 * over the norms, where not both codes err alike.  When the residuals point
 * the same way they do.  One bit obeys the arcsine law, <c1, c2> / coded being
 * 2/pi arcsin of the cosine on average, and the sine undoes it.  For two bits
 * the excess, 0.1348 (the code's variance) between equal residuals, was
 * measured to fall about as the seventh power.  For four it is 0.01 at most.
 */
static double
cosine_of_codes(const CodesLayout *layout, int32_t dot, double factors)
{
	double		cosine = factors * dot;

	if (layout->bits == 1)
		cosine = sine_of_quarter(dot / (double) layout->coded);
	else if (layout->bits == 2)
	{
		double		x = cosine / 1.1348;

		cosine -= 0.1348 * x * (x * x) * (x * x) * (x * x);
	}
	return fmax(-1, fmin(1, cosine));
}

/* The third side of a triangle of residuals; infinite without a neighbor */
static float
third_side(double a, double b, double cosine)
{
	double		square = a * a + b * b - 2 * a * b * cosine;

	if (!(a < INFINITY && b < INFINITY))
		return INFINITY;
	return (float) sqrt(fmax(0, square));
}

void
codes_between(const CodesLayout *layout, const void *block, int slot,
			  CodesQuery *scratch, float *out)
{
	uint8_t		levels[CODES_MAX_DIMS + 32];
	const char *p = block;
	double		norm = codes_norm(layout, block, slot);
	double		factor = get_bfloat16(p + factor_offset(layout, slot)) / norm;

	int			top = top_level(layout);

	unpack(layout, p + code_offset(layout, slot), levels);
	scratch->sum = 0;
	for (size_t i = 0; i < layout->coded; i++)
	{
		int			c = 2 * levels[i] - top;

		scratch->integers[i] = (int8_t) c;
		scratch->sum += c;
	}
	for (int group = 0; group < layout->groups; group++)
	{
		int32_t		scores[CODE_LANES];
		CodeScale	scale = score_group(layout, block, scratch, group, scores);

		for (int i = 0; i < CODE_LANES; i++)
		{
			int			other = group * CODE_LANES + i;
			double		n = codes_norm(layout, block, other);
			double		f = get_bfloat16(p + factor_offset(layout, other)) / n;
			double		cosine = cosine_of_codes(layout,
												 2 * scores[i] - scale.offset,
												 factor * f);

			out[other] = third_side(norm, n, cosine);
		}
	}
	if (norm < INFINITY)
		out[slot] = 0;
	fill_unused(layout, out);
}
