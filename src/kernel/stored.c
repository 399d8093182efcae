/*
 * stored.c
 *	  Encoding vectors in fewer bytes, distances to them, and bounds.
 *
 * The README derives the bounds; each term of stored_bound() stands there.
 */
#include "kernel/stored.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "kernel/code_kernels.h"
#include "kernel/distance.h"
#include "kernel/element.h"
#include "kernel/half.h"
#include "kernel/vector.h"

#define ROUNDING 0x1p-24

/* More than a product can lose by underflow, here or in an operator */
#define UNDERFLOW 0x1p-140

/* Squares whose sum is below this may have lost digits to underflow. */
#define TINY_SUM 1e-30f

static const size_t element_bytes[] = {
	[STORED_INT8] = 1,[STORED_HALF] = 2,[STORED_FLOAT] = 4
};

size_t
stored_size(StoredKind kind, size_t dims)
{
	if (kind == STORED_BIT)
		return sizeof(StoredHead) + (dims + 7) / 8;
	return sizeof(StoredHead) + dims * element_bytes[kind];
}

StoredHead
stored_head(const void *stored)
{
	StoredHead	head;

	memcpy(&head, stored, sizeof(head));
	return head;
}

static const void *
elements(const void *stored)
{
	return (const char *) stored + sizeof(StoredHead);
}

bool
stored_is_sound(const void *stored)
{
	StoredHead	head = stored_head(stored);

	return head.scale >= 0 && head.scale <= FLT_MAX &&
		head.norm >= 0 && !(head.radius < 0);
}

/* ---- encoding ---- */

/* Elements within scale * 127; returns the scale. */
static float
store_int8(const float *x, size_t dims, int8_t *out)
{
	float		most = kernel_largest(x, dims);
	float		scale = most / 127;

	/* Tiny vectors: the inverse must be finite. */
	if (scale < 1e-37f)
	{
		memset(out, 0, dims);
		return 0;
	}
	code_kernels->quantize(x, 1 / scale, dims, out);
	return scale;
}

/* The largest element gets an exponent of 14, of at most 15. */
static float
store_half(const float *x, size_t dims, char *out)
{
	int			exponent;
	float		scale;

	frexpf(kernel_largest(x, dims), &exponent);
	exponent = exponent - 15 < -100 ? -100 : exponent - 15;
	scale = ldexpf(1, exponent);
	for (size_t i = 0; i < dims; i++)
	{
		uint16_t	half = half_from_float(x[i] / scale);

		memcpy(out + 2 * i, &half, sizeof(half));
	}
	return scale;
}

/* The smallest float that is not below x */
static float
round_up(double x)
{
	float		f = (float) x;

	return f < x ? nextafterf(f, INFINITY) : f;
}

/* |x - decoded| and |decoded|, in double */
static void
measure_stored(StoredKind kind, const float *x, const void *stored, float scale,
			   size_t dims, double *radius, double *norm)
{
	const char *p = elements(stored);
	double		error = 0;
	double		square = 0;

	for (size_t i = 0; i < dims; i++)
	{
		double		y = x[i];

		if (kind == STORED_INT8)
			y = (double) scale * ((const int8_t *) p)[i];
		else if (kind == STORED_HALF)
		{
			uint16_t	half;

			memcpy(&half, p + 2 * i, sizeof(half));
			y = ldexp(half & 0x7c00 ? 1024 + (half & 0x3ff) : half & 0x3ff,
					  (half & 0x7c00 ? (half >> 10 & 31) - 25 : -24));
			y = (half & 0x8000 ? -y : y) * scale;
		}
		error += (x[i] - y) * (x[i] - y);
		square += y * y;
	}
	*radius = sqrt(error);
	*norm = sqrt(square);
}

/* Bits are as exact as what they were made of. */
static void
encode_bits(const float *x, size_t dims, void *stored)
{
	StoredHead	head = {.scale = 1};
	float		scale;
	size_t		ones = 0;

	element_encode(ELEMENT_BIT, x, dims, (char *) stored + sizeof(StoredHead),
				   &scale);
	for (size_t i = 0; i < dims; i++)
		ones += x[i] > 0;
	head.norm = (float) sqrt((double) ones);
	memcpy(stored, &head, sizeof(head));
}

void
stored_encode(StoredKind kind, const float *x, size_t dims, double error,
			  void *stored)
{
	char	   *out = (char *) stored + sizeof(StoredHead);
	StoredHead	head = {.scale = 1};
	double		radius = 0;
	double		norm = 0;

	if (kind == STORED_BIT)
	{
		encode_bits(x, dims, stored);
		return;
	}
	if (!isfinite(kernel_norm(x, dims)) || error == INFINITY)
	{
		memset(stored, 0, stored_size(kind, dims));
		head.radius = INFINITY;
		memcpy(stored, &head, sizeof(head));
		return;
	}
	if (kind == STORED_INT8)
		head.scale = store_int8(x, dims, (int8_t *) out);
	else if (kind == STORED_HALF)
		head.scale = store_half(x, dims, out);
	else
		memcpy(out, x, dims * sizeof(float));
	measure_stored(kind, x, stored, head.scale, dims, &radius, &norm);
	head.radius = round_up((radius + error) * (1 + 1e-9));
	head.norm = (float) norm;
	memcpy(stored, &head, sizeof(head));
}

void
stored_decode(StoredKind kind, const void *stored, size_t dims, float *out)
{
	if (kind == STORED_BIT)
	{
		element_decode(ELEMENT_BIT, elements(stored), 1, dims, out);
		return;
	}
	memset(out, 0, dims * sizeof(float));
	stored_residual(kind, out, stored, dims, out);
	for (size_t i = 0; i < dims; i++)
		out[i] = -out[i];
}

/* ---- distances ---- */

double
stored_residual(StoredKind kind, const float *x, const void *stored,
				size_t dims, float *out)
{
	const void *p = elements(stored);
	float		scale = stored_head(stored).scale;
	float		sum;

	if (kind == STORED_INT8)
		sum = code_kernels->difference_int8(x, p, scale, dims, out);
	else if (kind == STORED_HALF)
		sum = code_kernels->difference_half(x, p, scale, dims, out);
	else
		sum = code_kernels->difference_float(x, p, dims, out);
	if (sum > TINY_SUM && sum <= FLT_MAX)
		return sqrt((double) sum);
	return kernel_norm(out, dims);
}

StoredQuery *
stored_query_create(Arena *arena, const Space *space)
{
	StoredQuery *query = arena_new(arena, StoredQuery);

	if (query == NULL)
		return NULL;
	query->space = space;
	query->x = arena_new_array(arena, space->rotation->dims, float);
	query->difference = arena_new_array(arena, space->rotation->dims, float);
	return query->x != NULL && query->difference != NULL ? query : NULL;
}

void
stored_query_set(StoredQuery *query, const float *q)
{
	const Space *space = query->space;
	size_t		dims = space->rotation->dims;

	query->error = space_map_query(space, q, query->x);
	query->norm = kernel_norm(query->x, dims) * (1 + 1e-9);
	query->center_product = 0;
	if (space->metric == SPACE_INNER_PRODUCT && space->center != NULL)
	{
		for (size_t i = 0; i < dims; i++)
			query->center_product += (double) q[i] * space->center[i];
	}
}

static double
stored_inner_product(const StoredQuery *query, StoredKind kind,
					 const void *stored)
{
	size_t		dims = query->space->rotation->dims;
	const void *p = elements(stored);
	double		product;

	if (kind == STORED_INT8)
		product = code_kernels->dot_int8(query->x, p, dims);
	else if (kind == STORED_HALF)
		product = code_kernels->dot_half(query->x, p, dims);
	else
		product = kernel->inner_product(query->x, p, dims);
	return -(product * stored_head(stored).scale + query->center_product);
}

double
stored_distance(StoredQuery *query, StoredKind kind, const void *stored)
{
	if (query->space->metric == SPACE_INNER_PRODUCT)
		return stored_inner_product(query, kind, stored);
	return stored_residual(kind, query->x, stored, query->space->rotation->dims,
						   query->difference);
}

double
stored_between(StoredKind kind, const void *a, const void *b, size_t dims)
{
	enum
	{
		PIECE = 256
	};
	StoredHead	ha = stored_head(a);
	StoredHead	hb = stored_head(b);
	double		sum = 0;

	if (kind == STORED_INT8)
	{
		double		dot = code_kernels->dot_int8_int8(elements(a), elements(b),
													  dims);

		sum = (double) ha.norm * ha.norm + (double) hb.norm * hb.norm -
			2 * dot * ((double) ha.scale * hb.scale);
		return sum > 0 ? sqrt(sum) : 0;
	}
	for (size_t i = 0; i < dims; i += PIECE)
	{
		size_t		n = dims - i < PIECE ? dims - i : PIECE;
		float		x[PIECE] = {0};
		const char *pa = (const char *) elements(a) + i * element_bytes[kind];
		const char *pb = (const char *) elements(b) + i * element_bytes[kind];

		if (kind == STORED_HALF)
		{
			code_kernels->difference_half(x, (const void *) pa, -ha.scale, n,
										  x);
			code_kernels->difference_half(x, (const void *) pb, hb.scale, n, x);
		}
		else
			code_kernels->difference_float((const void *) pa, (const void *) pb,
										   n, x);
		for (size_t j = 0; j < n; j++)
			sum += (double) x[j] * x[j];
	}
	return sqrt(sum);
}

/* ---- bounds ---- */

/*
 * Relative error of a float32 sum of dims products in the fewest lanes that
 * any instruction set uses, factors being differences of two floats.
 */
static double
sum_error(size_t dims)
{
	return ((double) dims / 8 + 12) * ROUNDING * 1.001;
}

/* A lower bound of |q - x| in the mapped space */
static double
bound_l2(const StoredQuery *query, StoredHead head, double distance)
{
	double		n = sum_error(query->space->rotation->dims);

	/* Differences beyond the floats tell nothing. */
	if (!isfinite(distance))
		return 0;
	/* The last but one term is the rounding of scale * element in them. */
	return distance * (1 - n / 2) - head.radius - query->error -
		2 * ROUNDING * head.norm - 1e-40;
}

static double
bound_inner_product(const StoredQuery *query, StoredHead head, double distance)
{
	size_t		dims = query->space->rotation->dims;
	double		n = sum_error(dims);
	double		center = query->space->center_norm;
	double		q = query->norm + query->error;
	double		stored = head.norm * (1 + 4 * ROUNDING);
	double		x = stored + head.radius + center;
	double		slack;

	/* Above this the operator's own sums may overflow. */
	if (!(q * x < FLT_MAX / 4) ||
		!(query->norm * stored <= FLT_MAX / 4 * head.scale))
		return -INFINITY;
	slack = q * head.radius + query->error * stored +	/* stored for exact */
		n * query->norm * stored +	/* our own sum */
		n * q * x +				/* the operator's sum */
		4e-12 * q * center +
		(double) dims * UNDERFLOW * (1 + head.scale);	/* underflow in both */
	return distance - slack - 1e-12 * fabs(distance);
}

double
stored_bound(const StoredQuery *query, const void *stored, double distance)
{
	StoredHead	head = stored_head(stored);
	size_t		dims = query->space->rotation->dims;
	double		n = sum_error(dims);
	double		l;

	if (query->space->metric == SPACE_INNER_PRODUCT)
		return bound_inner_product(query, head, distance);
	if (query->space->metric == SPACE_COSINE &&
		(isnan(query->error) || isnan(head.radius)))
		return NAN;
	l = fmax(0, bound_l2(query, head, distance));
	if (query->space->metric == SPACE_L2)
		return sqrt(fmax(0, l * l * (1 - n) - (double) dims * UNDERFLOW)) * (1 -
																			 1e-12);
	return fmax(0, fmin(2, l * l / 2) * (1 - 1e-12) - 2 * n - 1e-10);
}

double
stored_sum_bound(double sum, size_t dims)
{
	return fmax(0, sum * (1 - 2 * sum_error(dims)) - (double) dims * UNDERFLOW);
}
