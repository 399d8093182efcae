/*
 * fuzz_cast.c
 *	  Casts between kinds of elements, and to and from doubles and integers:
 *	  any finite numbers convert or are refused at the element that does not
 *	  fit, and what was converted stays the same when it is converted again.
 *	  What is not finite meets half_from_float() only: the server refuses it
 *	  before it casts.
 *
 * The first byte chooses the kinds to cast from and to; doubles follow.
 */
#include <float.h>
#include <math.h>

#include "fuzz.h"
#include "kernel/element.h"
#include "kernel/half.h"
#include "kernel/vector.h"

/* A vector of some kind */
typedef struct Stored
{
	ElementKind kind;
	float		scale;
	size_t		n;
	uint8_t    *data;
} Stored;

/* Encode n floats; what is returned must be freed.  data is NULL if refused. */
static Stored
store(ElementKind kind, const float *x, size_t n)
{
	Stored		stored = {.kind = kind,.n = n,.data = malloc(element_size(kind, n) + 1)};
	size_t		done = element_encode(kind, x, n, stored.data, &stored.scale);

	if (done == n)
	{
		MUST(element_is_sound(kind, stored.data, stored.scale, n));
		return stored;
	}
	/* Only half refuses: the first element that overflows it. */
	MUST(kind == ELEMENT_HALF && fabsf(x[done]) >= HALF_OVERFLOW);
	for (size_t i = 0; i < done; i++)
		MUST(fabsf(x[i]) < HALF_OVERFLOW);
	free(stored.data);
	stored.data = NULL;
	return stored;
}

static float *
load(const Stored *stored)
{
	float	   *x = malloc(stored->n * sizeof(float) + 1);

	element_decode(stored->kind, stored->data, stored->scale, stored->n, x);
	for (size_t i = 0; i < stored->n; i++)
		MUST(isfinite(x[i]));
	return x;
}

/* How far from x may the element be that is stored for it? */
static double
tolerance(const Stored *stored, float x)
{
	switch (stored->kind)
	{
		case ELEMENT_HALF:
			return fmax(ldexp(fabs((double) x), -11), ldexp(1, -25));
		case ELEMENT_INT8:
			/* scale has 17 bits: 127 times its error is the largest one's */
			return (double) stored->scale * (0.5 + ldexp(127, -16)) + ldexp(1,
																			-134);
		default:
			return 0;
	}
}

static void
check_close(const Stored *stored, const float *x, const float *decoded)
{
	for (size_t i = 0; i < stored->n; i++)
	{
		if (stored->kind == ELEMENT_BIT)
			MUST(decoded[i] == (x[i] > 0));
		else
			MUST(fabs((double) x[i] - decoded[i]) <= tolerance(stored, x[i]));
	}
}

/* What was cast casts to itself, by way of floats and by way of doubles. */
static void
check_again(const Stored *stored, const float *decoded)
{
	float	   *x = malloc(stored->n * sizeof(float) + 1);
	Stored		again;

	for (size_t i = 0; i < stored->n; i++)
	{
		double		wide = decoded[i];

		x[i] = (float) wide;
	}
	again = store(stored->kind, x, stored->n);
	MUST(again.data != NULL && again.scale == stored->scale);
	MUST(memcmp(again.data, stored->data,
				element_size(stored->kind, stored->n)) == 0);
	MUST(kernel_compare(x, stored->n, decoded, stored->n) == 0);
	free(again.data);
	free(x);
}

/* From floats to one kind, and on to another */
static void
check_casts(ElementKind first, ElementKind second, const float *x, size_t n)
{
	Stored		a = store(first, x, n);
	Stored		b;
	float	   *decoded;
	float	   *last;

	if (a.data == NULL)
		return;
	decoded = load(&a);
	check_close(&a, x, decoded);
	check_again(&a, decoded);
	b = store(second, decoded, n);
	/* Whatever int8 and bit hold that half does not, floats hold. */
	MUST(b.data != NULL || second == ELEMENT_HALF);
	if (b.data != NULL)
	{
		last = load(&b);
		check_close(&b, decoded, last);
		check_again(&b, last);
		free(last);
		free(b.data);
	}
	free(decoded);
	free(a.data);
}

/*
 * Doubles as an array gives them.  What floats cannot hold is refused before
 * elements are made, so here it becomes a number that they hold just so.
 */
static size_t
read_doubles(const uint8_t *data, size_t size, float *x)
{
	size_t		n = size / sizeof(double);

	for (size_t i = 0; i < n; i++)
	{
		double		wide;

		memcpy(&wide, data + i * sizeof(double), sizeof(double));
		if (isnan(wide))
			x[i] = 0;
		else
			x[i] = (float) fmin(fmax(wide, -FLT_MAX), FLT_MAX);
	}
	return n;
}

/* The same bytes as floats, and as the small integers that int8 keeps exactly */
static size_t
read_floats(const uint8_t *data, size_t size, float *x)
{
	size_t		n = size / sizeof(float);

	memcpy(x, data, n * sizeof(float));
	for (size_t i = 0; i < n; i++)
		x[i] = isfinite(x[i]) ? x[i] : 0;
	return n;
}

static size_t
read_integers(const uint8_t *data, size_t size, float *x)
{
	for (size_t i = 0; i < size; i++)
		x[i] = (float) (int8_t) data[i];
	return size;
}

/* Half of anything: finite below the overflow, infinite with a sign beyond. */
static void
check_half(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + sizeof(float) <= size; i++)
	{
		float		x;
		uint16_t	half;

		memcpy(&x, data + i, sizeof(x));
		half = half_from_float(x);
		if (fabsf(x) < HALF_OVERFLOW)
			MUST((half & 0x7fff) < HALF_INFINITY &&
				 half_from_float(half_to_float(half)) == half);
		else
			MUST((half & 0x7fff) == HALF_INFINITY);
		MUST((half >> 15) == (signbit(x) != 0));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ElementKind first;
	ElementKind second;
	float	   *x;

	if (size < 2)
		return 0;
	first = (ElementKind) (data[0] % ELEMENT_KINDS);
	second = (ElementKind) (data[0] / ELEMENT_KINDS % ELEMENT_KINDS);
	data++;
	size--;
	x = malloc(size * sizeof(float));
	check_half(data, size);
	check_casts(first, second, x, read_doubles(data, size, x));
	check_casts(first, second, x, read_floats(data, size, x));
	check_casts(first, second, x, read_integers(data, size, x));
	free(x);
	return 0;
}
