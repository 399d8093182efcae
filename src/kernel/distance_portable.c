/*
 * distance_portable.c
 *	  Distance kernels in plain C: the floor of every platform and the
 *	  reference of the others' tests.
 *
 * Vectors are the compiler's own (GNU C), which become registers of whatever
 * the platform has.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel/half.h"

#define TARGET
#define WIDTH 4
#define V static inline __attribute__((always_inline)) Vector

typedef float Vector __attribute__((vector_size(WIDTH * sizeof(float))));

V
v_zero(void)
{
	return (Vector)
	{
		0
	};
}

V
v_set(float x)
{
	return (Vector)
	{
		x, x, x, x
	};
}

V
v_load(const float *a)
{
	Vector		v;

	memcpy(&v, a, sizeof(v));
	return v;
}

V
v_load_part(const float *a, size_t n)
{
	Vector		v = {0};

	for (size_t i = 0; i < n; i++)
		v[i] = a[i];
	return v;
}

V
v_add(Vector a, Vector b)
{
	return a + b;
}

V
v_subtract(Vector a, Vector b)
{
	return a - b;
}

V
v_absolute(Vector a)
{
	for (size_t i = 0; i < WIDTH; i++)
		a[i] = fabsf(a[i]);
	return a;
}

V
v_multiply_add(Vector a, Vector b, Vector c)
{
	return a * b + c;
}

static inline __attribute__((always_inline))
float
v_sum(Vector a)
{
	return (a[0] + a[1]) + (a[2] + a[3]);
}

V
v_half(const char *p, Vector scale)
{
	uint16_t	half[WIDTH];
	Vector		v = {0};

	(void) scale;
	memcpy(half, p, sizeof(half));
	for (size_t i = 0; i < WIDTH; i++)
		v[i] = half_to_float(half[i]);
	return v;
}

V
v_int8(const char *p, Vector scale)
{
	Vector		v = {0};

	for (size_t i = 0; i < WIDTH; i++)
		v[i] = (float) ((const signed char *) p)[i];
	return v * scale;
}

#include "kernel/distance_loops.h"

const KernelTable kernel_portable = KERNEL_TABLE("portable");
