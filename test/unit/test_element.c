/*
 * test_element.c
 *	  Element kinds: rounding at every edge, and the round trip of bytes.
 */
#include <float.h>

#include "base/random.h"
#include "kernel/bits.h"
#include "kernel/distance.h"
#include "kernel/element.h"
#include "kernel/half.h"
#include "unit.h"

/* named, since the formatter does not know hexadecimal floats */
#define DENORMAL 0x1p-149f
#define SMALLEST_SCALE 0x1p-133f
#define HALF_OF_IT 0x1p-134f
#define EIGHT_OF_IT 0x1p-130f
#define LAST_ZERO 0x1p-25f		/* as half */

#define MAX_N 70

/* ---- half: against its definition ---- */

static double
half_value(unsigned half)
{
	int			exponent = half >> 10 & 31;
	int			mantissa = half & 1023;
	double		magnitude = exponent == 0 ? ldexp(mantissa, -24) :
	ldexp(1024 + mantissa, exponent - 25);

	return half & 0x8000 ? -magnitude : magnitude;
}

static void
test_every_half(void)
{
	for (unsigned half = 0; half < 0x10000; half++)
	{
		float		x;

		if ((half & 0x7c00) == 0x7c00)
			continue;
		x = half_to_float((uint16_t) half);
		CHECK((double) x == half_value(half));
		CHECK(!signbit(x) == !(half >> 15));
		CHECK(half_from_float(x) == half);
	}
}

/* Between two neighbors: below, at and above the middle. */
static void
test_half_rounding(void)
{
	for (unsigned half = 0; half < 0x7bff; half++)
	{
		float		middle = (float) ((half_value(half) +
									   half_value(half + 1)) / 2);
		unsigned	even = half % 2 == 0 ? half : half + 1;

		CHECK(half_from_float(nextafterf(middle, 0)) == half);
		CHECK(half_from_float(middle) == even);
		CHECK(half_from_float(nextafterf(middle, INFINITY)) == half + 1);
		CHECK(half_from_float(-middle) == (even | 0x8000));
	}
}

static void
test_half_ends(void)
{
	static const float x[] = {1, 65519.996f, -65520, 1};
	uint16_t	out[4];
	float		scale;

	CHECK(half_from_float(65519.996f) == 0x7bff);
	CHECK(half_from_float(65520) == HALF_INFINITY);
	CHECK(half_from_float(-FLT_MAX) == (HALF_INFINITY | 0x8000));
	CHECK(half_from_float(LAST_ZERO) == 0);
	CHECK(half_from_float(nextafterf(LAST_ZERO, 1)) == 1);
	CHECK(half_from_float(-DENORMAL) == 0x8000);
	CHECK(element_encode(ELEMENT_HALF, x, 2, out, &scale) == 2 && scale == 1);
	CHECK(element_encode(ELEMENT_HALF, x, 4, out, &scale) == 2);
}

/* ---- int8 ---- */

typedef struct Int8Case
{
	size_t		n;
	float		x[6];
	float		scale;
	int8_t		q[6];
} Int8Case;

static const Int8Case int8_cases[] = {
	/* ties to even; the largest becomes 127 whatever its sign */
	{6, {-254, 3, 5, 254, 4, 0}, 2, {-127, 2, 2, 127, 2, 0}},
	{4, {63.5f, 0.25f, 0.75f, -0.0f}, 0.5f, {127, 0, 2, 0}},
	/* whole numbers stay what they are, up to 127 */
	{3, {0, 0, -0.0f}, 1, {0, 0, 0}},
	{3, {1, -2, 3}, 1, {1, -2, 3}},
	{4, {-127, 1, 0, 126}, 1, {-127, 1, 0, 126}},
	{2, {128, 1}, 1 + 516.0f / 65536, {127, 1}},
	{1, {127.5f}, 1 + 258.0f / 65536, {127}},
	/* denormals have a fixed scale, and lose what is below it */
	{3, {SMALLEST_SCALE, -DENORMAL, EIGHT_OF_IT}, SMALLEST_SCALE, {1, 0, 8}},
	{2, {DENORMAL, -HALF_OF_IT}, 1, {0, 0}},
};

static void
test_int8(void)
{
	for (size_t i = 0; i < sizeof(int8_cases) / sizeof(int8_cases[0]); i++)
	{
		const Int8Case *c = &int8_cases[i];
		int8_t		q[6];
		float		scale;

		CHECK(element_encode(ELEMENT_INT8, c->x, c->n, q, &scale) == c->n);
		CHECK(scale == c->scale);
		CHECK(memcmp(q, c->q, c->n) == 0);
		CHECK(element_is_sound(ELEMENT_INT8, q, scale, c->n));
	}
}

/* 127 times the scale must not overflow. */
static void
test_int8_largest(void)
{
	const float x[] = {FLT_MAX, -FLT_MAX, nextafterf(FLT_MAX, 0), 1};
	int8_t		q[4];
	float		scale;
	float		back[4];

	CHECK(element_encode(ELEMENT_INT8, x, 4, q, &scale) == 4);
	CHECK(q[0] == 127 && q[1] == -127 && q[2] == 127 && q[3] == 0);
	element_decode(ELEMENT_INT8, q, scale, 4, back);
	CHECK(isfinite(back[0]) && back[0] > FLT_MAX * 0.99998f);
}

/* ---- bit ---- */

static void
test_bit(void)
{
	const float x[] = {1, -1, 0, -0.0f, DENORMAL, -FLT_MAX, FLT_MAX, 2, 3, -1};
	uint8_t		out[2];
	float		back[10];
	float		scale;

	CHECK(element_encode(ELEMENT_BIT, x, 10, out, &scale) == 10);
	CHECK(out[0] == 0x8b && out[1] == 0x80 && scale == 1);
	element_decode(ELEMENT_BIT, out, scale, 10, back);
	for (int i = 0; i < 10; i++)
		CHECK(back[i] == (x[i] > 0));
}

static void
test_bit_distances(void)
{
	Random		random;
	uint8_t		a[MAX_N];
	uint8_t		b[MAX_N];

	random_init(&random, 1, 0);
	for (size_t n = 0; n <= MAX_N; n++)
	{
		size_t		differ = 0;
		size_t		both = 0;
		size_t		either = 0;

		for (size_t i = 0; i < n; i++)
		{
			a[i] = (uint8_t) random_bits(&random);
			b[i] = (uint8_t) random_bits(&random);
			for (int bit = 0; bit < 8; bit++)
			{
				differ += (a[i] ^ b[i]) >> bit & 1;
				both += (a[i] & b[i]) >> bit & 1;
				either += (a[i] | b[i]) >> bit & 1;
			}
		}
		for (const BitsTable *const *t = bits_tables(); *t != NULL; t++)
		{
			CHECK((*t)->hamming(a, b, n) == differ);
			CHECK_NEAR((*t)->jaccard(a, b, n),
					   either == 0 ? 0 : 1 - (double) both / (double) either,
					   1e-15);
			CHECK((*t)->hamming(a, a, n) == 0 && (*t)->jaccard(a, a, n) == 0);
		}
	}
	memset(a, 0, sizeof(a));
	memset(b, 255, sizeof(b));
	CHECK(kernel_jaccard_distance(a, b, 9) == 1);
}

/* ---- every kind ---- */

/* Vectors of every size that floats have, from denormal to the largest */
static void
fill(Random *random, float *x, size_t n)
{
	int			exponent = (int) random_below(random, 270) - 145;

	for (size_t i = 0; i < n; i++)
		x[i] = (float) ldexp(2 * random_uniform(random) - 1,
							 exponent - (int) random_below(random, 6));
}

/* Decoded elements are exact floats: they encode to the same bytes again. */
static void
check_round_trip(ElementKind kind, const float *x, size_t n)
{
	size_t		size = element_size(kind, n);
	uint8_t    *stored = malloc(size);
	uint8_t    *again = malloc(size);
	float	   *decoded = malloc(n * sizeof(float));
	float		scale;
	float		scale_again;

	if (element_encode(kind, x, n, stored, &scale) == n)
	{
		CHECK(element_is_sound(kind, stored, scale, n));
		element_decode(kind, stored, scale, n, decoded);
		CHECK(element_encode(kind, decoded, n, again, &scale_again) == n);
		CHECK(scale == scale_again && memcmp(stored, again, size) == 0);
		for (size_t i = 0; kind == ELEMENT_INT8 && i < n; i++)
		{
			CHECK((double) decoded[i] == (double) scale * (int8_t) stored[i]);
			/* half a step; at float's end the scale was rounded down */
			CHECK(fabs((double) decoded[i] - x[i]) <= (double) scale * 0.501);
		}
	}
	else
		CHECK(kind == ELEMENT_HALF);
	free(stored);
	free(again);
	free(decoded);
}

static void
test_round_trips(void)
{
	Random		random;
	float		x[MAX_N];

	random_init(&random, 2, 0);
	for (int round = 0; round < 200000; round++)
	{
		size_t		n = 1 + random_below(&random, round % 100 == 0 ? MAX_N : 4);

		fill(&random, x, n);
		for (int kind = 0; kind < ELEMENT_KINDS; kind++)
			check_round_trip((ElementKind) kind, x, n);
	}
}

static void
test_unsound(void)
{
	const uint16_t infinite[] = {0, 0x7c00};
	const int8_t low[] = {0, -128};
	const uint8_t bits[] = {0xff, 0xc0};

	CHECK(!element_is_sound(ELEMENT_HALF, infinite, 1, 2));
	CHECK(!element_is_sound(ELEMENT_INT8, low, 1, 2));
	CHECK(element_is_sound(ELEMENT_BIT, bits, 1, 10));
	CHECK(!element_is_sound(ELEMENT_BIT, bits, 1, 9));
	CHECK(!element_scale_is_sound(ELEMENT_FLOAT, 2) &&
		  !element_scale_is_sound(ELEMENT_HALF, 0));
	CHECK(!element_scale_is_sound(ELEMENT_INT8, 0) &&
		  !element_scale_is_sound(ELEMENT_INT8, -1));
	CHECK(!element_scale_is_sound(ELEMENT_INT8, NAN) &&
		  !element_scale_is_sound(ELEMENT_INT8, FLT_MAX));
	CHECK(!element_scale_is_sound(ELEMENT_INT8, INFINITY) &&
		  element_scale_is_sound(ELEMENT_INT8, 0.5f));
}

static void
test_names(void)
{
	ElementKind kind;

	for (int i = 0; i < ELEMENT_KINDS; i++)
		CHECK(element_find(element_name((ElementKind) i), &kind) &&
			  (int) kind == i);
	CHECK(element_find("HALF", &kind) && kind == ELEMENT_HALF);
	CHECK(!element_find("halfs", &kind) && !element_find("", &kind));
}

int
main(void)
{
	kernel_init();
	RUN(test_every_half);
	RUN(test_half_rounding);
	RUN(test_half_ends);
	RUN(test_int8);
	RUN(test_int8_largest);
	RUN(test_bit);
	RUN(test_bit_distances);
	RUN(test_round_trips);
	RUN(test_unsound);
	RUN(test_names);
	return unit_done();
}
