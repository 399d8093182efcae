/*
 * mixed_portable.c
 *	  Kernels of mixed.h in plain C: the reference of the tests.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernel/half.h"

#define TARGET
#define WIDTH 1
#define V static inline __attribute__((always_inline)) float

typedef float Vector;

V
v_zero(void)
{
	return 0;
}

V
v_set(float x)
{
	return x;
}

V
v_load(const float *a)
{
	return *a;
}

V
v_add(float a, float b)
{
	return a + b;
}

V
v_subtract(float a, float b)
{
	return a - b;
}

V
v_absolute(float a)
{
	return fabsf(a);
}

V
v_multiply_add(float a, float b, float c)
{
	return a * b + c;
}

static inline __attribute__((always_inline))
float
v_sum(float a)
{
	return a;
}

V
v_half(const char *p, float scale)
{
	uint16_t	half;

	(void) scale;
	memcpy(&half, p, sizeof(half));
	return half_to_float(half);
}

V
v_int8(const char *p, float scale)
{
	return scale * (float) *(const signed char *) p;
}

#include "kernel/mixed_loops.h"

const MixedTable mixed_portable = MIXED_TABLE("portable");
