/*
 * mixed_loops.h
 *	  The loops of mixed.h, compiled once per instruction set.
 *
 * Included by mixed_*.c only, which define before: TARGET, the attribute of
 * every function; Vector and WIDTH, a register of floats; and the operations
 *
 *	v_zero() v_set(x) v_load(a) v_add(a, b) v_subtract(a, b) v_absolute(a)
 *	v_multiply_add(a, b, c) = a * b + c, v_sum(a), and
 *	v_half(p, scale) v_int8(p, scale), WIDTH elements as floats
 *
 * and after: a MixedTable of MIXED_TABLE(name).  Nothing behind the last element
 * is read: the last vector ends with it, and what the loop has counted already
 * becomes 0.  Less than a vector is copied into zeros.
 */
#include <string.h>

#include "kernel/mixed_tables.h"

#define INLINE static inline __attribute__((always_inline)) TARGET

typedef Vector (*Load) (const char *p, Vector scale);
typedef Vector (*Step) (Vector sum, Vector a, Vector b);

INLINE Vector
add_square(Vector sum, Vector a, Vector b)
{
	Vector		d = v_subtract(a, b);

	return v_multiply_add(d, d, sum);
}

INLINE Vector
add_product(Vector sum, Vector a, Vector b)
{
	return v_multiply_add(a, b, sum);
}

INLINE Vector
add_absolute(Vector sum, Vector a, Vector b)
{
	return v_add(sum, v_absolute(v_subtract(a, b)));
}

/* ones_behind + m: WIDTH - m zeros and m ones */
static const float ones_behind[2 * WIDTH] = {
	[WIDTH...2 * WIDTH - 1] = 1
};

/* The last n % WIDTH > 0 of n elements, with zeros in the other lanes */
INLINE void
load_tail(const float *a, const char *b, Vector scale, size_t n,
		  size_t size, Load load, Vector *x, Vector *y)
{
	size_t		m = n % WIDTH;
	float		tail[WIDTH] = {0};
	char		tail_b[2 * WIDTH] = {0};

	if (n > WIDTH)
	{
		Vector		mask = v_load(ones_behind + m);

		*x = v_multiply_add(v_load(a + n - WIDTH), mask, v_zero());
		*y = v_multiply_add(load(b + (n - WIDTH) * size, scale), mask, v_zero());
		return;
	}
	memcpy(tail, a, m * sizeof(float));
	memcpy(tail_b, b, m * size);
	*x = v_load(tail);
	*y = load(tail_b, scale);
}

/* load, step and size, the bytes of an element, are constants once inlined. */
INLINE float
reduce(const float *a, const void *b, float scale, size_t n,
	   size_t size, Load load, Step step)
{
	const char *p = b;
	Vector		s = v_set(scale);
	Vector		sum[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
	size_t		i = 0;

	for (; i + 4 * WIDTH <= n; i += 4 * WIDTH)
		for (size_t j = 0; j < 4; j++)
			sum[j] = step(sum[j], v_load(a + i + j * WIDTH), load(p + (i + j * WIDTH) * size, s));
	for (; i + WIDTH <= n; i += WIDTH)
		sum[0] = step(sum[0], v_load(a + i), load(p + i * size, s));
	if (i < n)
	{
		Vector		x;
		Vector		y;

		load_tail(a, p, s, n, size, load, &x, &y);
		sum[1] = step(sum[1], x, y);
	}
	return v_sum(v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3])));
}

INLINE void
add_cosine(Vector sum[3], Vector a, Vector b)
{
	sum[0] = v_multiply_add(a, b, sum[0]);
	sum[1] = v_multiply_add(a, a, sum[1]);
	sum[2] = v_multiply_add(b, b, sum[2]);
}

INLINE void
reduce_cosine(const float *a, const void *b, float scale, size_t n,
			  size_t size, Load load, float *ab, float *aa, float *bb)
{
	const char *p = b;
	Vector		s = v_set(scale);
	Vector		sum[3][3];
	float		result[3];
	size_t		i = 0;

	for (size_t j = 0; j < 3; j++)
		for (size_t k = 0; k < 3; k++)
			sum[j][k] = v_zero();
	for (; i + 3 * WIDTH <= n; i += 3 * WIDTH)
		for (size_t j = 0; j < 3; j++)
			add_cosine(sum[j], v_load(a + i + j * WIDTH), load(p + (i + j * WIDTH) * size, s));
	for (; i + WIDTH <= n; i += WIDTH)
		add_cosine(sum[0], v_load(a + i), load(p + i * size, s));
	if (i < n)
	{
		Vector		x;
		Vector		y;

		load_tail(a, p, s, n, size, load, &x, &y);
		add_cosine(sum[1], x, y);
	}
	for (size_t k = 0; k < 3; k++)
		result[k] = v_sum(v_add(v_add(sum[0][k], sum[1][k]), sum[2][k]));
	*ab = result[0];
	*aa = result[1];
	*bb = result[2];
}

#define MIXED_SUM(function, kind, size, step) \
	static TARGET float \
	function(const float *a, const void *b, float scale, size_t n) \
	{ \
		return reduce(a, b, scale, n, size, kind, step); \
	}

#define MIXED_COSINE(function, kind, size) \
	static TARGET void \
	function(const float *a, const void *b, float scale, size_t n, \
			 float *ab, float *aa, float *bb) \
	{ \
		reduce_cosine(a, b, scale, n, size, kind, ab, aa, bb); \
	}

MIXED_SUM(l2_squared_half, v_half, 2, add_square)
MIXED_SUM(inner_product_half, v_half, 2, add_product)
MIXED_SUM(l1_half, v_half, 2, add_absolute)
MIXED_COSINE(cosine_half, v_half, 2)
MIXED_SUM(l2_squared_int8, v_int8, 1, add_square)
MIXED_SUM(inner_product_int8, v_int8, 1, add_product)
MIXED_SUM(l1_int8, v_int8, 1, add_absolute)
MIXED_COSINE(cosine_int8, v_int8, 1)

#define MIXED_TABLE(table_name) { \
		.name = table_name, \
		.half = {l2_squared_half, inner_product_half, l1_half, cosine_half}, \
		.int8 = {l2_squared_int8, inner_product_int8, l1_int8, cosine_int8} \
	}
