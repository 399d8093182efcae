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
 * and after: a MixedTable of MIXED_TABLE(name).  The last elements are copied
 * into vectors of zeros, so that nothing behind them is read.
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
		float		tail[WIDTH] = {0};
		char		tail_b[2 * WIDTH] = {0};

		memcpy(tail, a + i, (n - i) * sizeof(float));
		memcpy(tail_b, p + i * size, (n - i) * size);
		sum[1] = step(sum[1], v_load(tail), load(tail_b, s));
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
	Vector		even[3] = {v_zero(), v_zero(), v_zero()};
	Vector		odd[3] = {v_zero(), v_zero(), v_zero()};
	size_t		i = 0;

	for (; i + 2 * WIDTH <= n; i += 2 * WIDTH)
	{
		add_cosine(even, v_load(a + i), load(p + i * size, s));
		add_cosine(odd, v_load(a + i + WIDTH), load(p + (i + WIDTH) * size, s));
	}
	for (; i < n; i += WIDTH)
	{
		size_t		m = n - i < WIDTH ? n - i : WIDTH;
		float		tail[WIDTH] = {0};
		char		tail_b[2 * WIDTH] = {0};

		memcpy(tail, a + i, m * sizeof(float));
		memcpy(tail_b, p + i * size, m * size);
		add_cosine(even, v_load(tail), load(tail_b, s));
	}
	*ab = v_sum(v_add(even[0], odd[0]));
	*aa = v_sum(v_add(even[1], odd[1]));
	*bb = v_sum(v_add(even[2], odd[2]));
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
