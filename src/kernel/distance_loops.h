/*
 * distance_loops.h
 *	  The loops of the distance kernels, compiled once per instruction set.
 *
 * Included by distance_*.c only, which define before: TARGET, the attribute of
 * every function; Vector and WIDTH, a register of floats; and the operations
 *
 *	v_zero() v_set(x) v_load(a) v_add(a, b) v_subtract(a, b) v_absolute(a)
 *	v_multiply_add(a, b, c) = a * b + c, v_sum(a),
 *	v_load_part(a, n), the first n < WIDTH floats and zeros, and
 *	v_half(p, scale) v_int8(p, scale), WIDTH elements as floats
 *
 * and after: a KernelTable of KERNEL_TABLE(name).
 *
 * Four independent sums hide the latency of multiply-add (4 cycles, two a cycle
 * on current processors).  Nothing behind the last element is read.
 */
#include <string.h>

#include "kernel/distance_tables.h"

#define INLINE static inline __attribute__((always_inline)) TARGET

/* How elements of b are read, and the last n % WIDTH of both vectors */
typedef Vector (*Load) (const char *p, Vector scale);
typedef void (*LoadTail) (const float *a, const char *b, Vector scale, size_t n,
						  Vector *x, Vector *y);
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

/* ---- floats ---- */

INLINE Vector
load_float(const char *p, Vector scale)
{
	(void) scale;
	return v_load((const float *) (const void *) p);
}

INLINE void
tail_float(const float *a, const char *b, Vector scale, size_t n, Vector *x,
		   Vector *y)
{
	size_t		m = n % WIDTH;

	(void) scale;
	*x = v_load_part(a + n - m, m);
	*y = v_load_part((const float *) (const void *) b + n - m, m);
}

/* ---- half and int8 ---- */

/* ones_behind + m: WIDTH - m zeros and m ones */
static const float ones_behind[2 * WIDTH] = {
	[WIDTH...2 * WIDTH - 1] = 1
};

/*
 * The last vector ends with the last element, and what was counted already
 * becomes 0.  Less than a vector is copied into zeros.
 */
INLINE void
load_tail(const float *a, const char *b, Vector scale, size_t n,
		  size_t size, Load load, Vector *x, Vector *y)
{
	size_t		m = n % WIDTH;
	char		tail[2 * WIDTH] = {0};

	if (n > WIDTH)
	{
		Vector		mask = v_load(ones_behind + m);

		*x = v_multiply_add(v_load(a + n - WIDTH), mask, v_zero());
		*y = v_multiply_add(load(b + (n - WIDTH) * size, scale), mask, v_zero());
		return;
	}
	memcpy(tail, b, m * size);
	*x = v_load_part(a, m);
	*y = load(tail, scale);
}

INLINE void
tail_half(const float *a, const char *b, Vector scale, size_t n, Vector *x,
		  Vector *y)
{
	load_tail(a, b, scale, n, 2, v_half, x, y);
}

INLINE void
tail_int8(const float *a, const char *b, Vector scale, size_t n, Vector *x,
		  Vector *y)
{
	load_tail(a, b, scale, n, 1, v_int8, x, y);
}

/* ---- sums; size, the bytes of an element of b, and the functions are constants once inlined ---- */

INLINE float
reduce(const float *a, const void *b, float scale, size_t n,
	   size_t size, Load load, LoadTail tail, Step step)
{
	const char *p = b;
	Vector		s = v_set(scale);
	Vector		sum = v_zero();
	size_t		i = 0;

	if (n >= 4 * WIDTH)
	{
		Vector		part[4] = {sum, sum, sum, sum};

		for (; i + 4 * WIDTH <= n; i += 4 * WIDTH)
			for (size_t j = 0; j < 4; j++)
				part[j] = step(part[j], v_load(a + i + j * WIDTH),
							   load(p + (i + j * WIDTH) * size, s));
		sum = v_add(v_add(part[0], part[1]), v_add(part[2], part[3]));
	}
	for (; i + WIDTH <= n; i += WIDTH)
		sum = step(sum, v_load(a + i), load(p + i * size, s));
	if (i < n)
	{
		Vector		x;
		Vector		y;

		tail(a, p, s, n, &x, &y);
		sum = step(sum, x, y);
	}
	return v_sum(sum);
}

INLINE void
add_cosine(Vector sum[3], Vector a, Vector b)
{
	sum[0] = v_multiply_add(a, b, sum[0]);
	sum[1] = v_multiply_add(a, a, sum[1]);
	sum[2] = v_multiply_add(b, b, sum[2]);
}

/*
 * sets of three sums: with fewer than four, floats wait for latency (4 cycles
 * for 6 operations, of which 2 a cycle); elements that are decoded need the
 * registers.
 */
INLINE void
reduce_cosine(const float *a, const void *b, float scale, size_t n, size_t size,
			  Load load, LoadTail tail, size_t sets, float *ab, float *aa,
			  float *bb)
{
	const char *p = b;
	Vector		s = v_set(scale);
	Vector		sum[4][3];
	size_t		i = 0;

	for (size_t j = 0; j < sets; j++)
		sum[j][0] = sum[j][1] = sum[j][2] = v_zero();
	for (; i + sets * WIDTH <= n; i += sets * WIDTH)
		for (size_t j = 0; j < sets; j++)
			add_cosine(sum[j], v_load(a + i + j * WIDTH),
					   load(p + (i + j * WIDTH) * size, s));
	for (; i + WIDTH <= n; i += WIDTH)
		add_cosine(sum[0], v_load(a + i), load(p + i * size, s));
	if (i < n)
	{
		Vector		x;
		Vector		y;

		tail(a, p, s, n, &x, &y);
		add_cosine(sum[1], x, y);
	}
	for (size_t j = 1; j < sets; j++)
		for (size_t k = 0; k < 3; k++)
			sum[0][k] = v_add(sum[0][k], sum[j][k]);
	*ab = v_sum(sum[0][0]);
	*aa = v_sum(sum[0][1]);
	*bb = v_sum(sum[0][2]);
}

/* ---- the kernels ---- */

#define FLOAT_SUM(function, step) \
	static TARGET float \
	function(const float *a, const float *b, size_t n) \
	{ \
		return reduce(a, b, 0, n, sizeof(float), load_float, tail_float, step); \
	}

FLOAT_SUM(l2_squared, add_square)
FLOAT_SUM(inner_product, add_product)
FLOAT_SUM(l1, add_absolute)

static TARGET void
cosine(const float *a, const float *b, size_t n, float *ab, float *aa,
	   float *bb)
{
	reduce_cosine(a, b, 0, n, sizeof(float), load_float, tail_float, 4, ab, aa,
				  bb);
}

#define STORED_SUM(function, kind, size, step) \
	static TARGET float \
	function(const float *a, const void *b, float scale, size_t n) \
	{ \
		return reduce(a, b, scale, n, size, v_##kind, tail_##kind, step); \
	}

#define STORED_COSINE(function, kind, size) \
	static TARGET void \
	function(const float *a, const void *b, float scale, size_t n, \
			 float *ab, float *aa, float *bb) \
	{ \
		reduce_cosine(a, b, scale, n, size, v_##kind, tail_##kind, 3, ab, aa, bb); \
	}

STORED_SUM(l2_squared_half, half, 2, add_square)
STORED_SUM(inner_product_half, half, 2, add_product)
STORED_SUM(l1_half, half, 2, add_absolute)
STORED_COSINE(cosine_half, half, 2)
STORED_SUM(l2_squared_int8, int8, 1, add_square)
STORED_SUM(inner_product_int8, int8, 1, add_product)
STORED_SUM(l1_int8, int8, 1, add_absolute)
STORED_COSINE(cosine_int8, int8, 1)

#define KERNEL_TABLE(table_name) { \
		.name = table_name, \
		.l2_squared = l2_squared, \
		.inner_product = inner_product, \
		.l1 = l1, \
		.cosine = cosine, \
		.half = {l2_squared_half, inner_product_half, l1_half, cosine_half}, \
		.int8 = {l2_squared_int8, inner_product_int8, l1_int8, cosine_int8} \
	}
