/*
 * element.c
 *	  Encoding the elements of a vector in fewer bytes, and decoding them.
 */
#include "kernel/element.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "kernel/distance.h"
#include "kernel/half.h"

#define INT8_MOST 127
#define SCALE_BITS 17			/* 17 + 7 are the 24 bits of a float */
#define SMALLEST_SCALE 0x1p-133f	/* its last of 17 bits is a float's last */

static const char *const names[ELEMENT_KINDS] = {
	[ELEMENT_FLOAT] = "float",[ELEMENT_HALF] = "half",
	[ELEMENT_INT8] = "int8",[ELEMENT_BIT] = "bit"
};

const char *
element_name(ElementKind kind)
{
	return (unsigned) kind < ELEMENT_KINDS ? names[kind] : "unknown";
}

bool
element_find(const char *word, ElementKind *kind)
{
	for (int i = 0; i < ELEMENT_KINDS; i++)
	{
		if (strcasecmp(word, names[i]) == 0)
		{
			*kind = (ElementKind) i;
			return true;
		}
	}
	return false;
}

/* ---- half ---- */

static size_t
encode_half(const float *x, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
	{
		uint16_t	half = half_from_float(x[i]);

		if ((half & 0x7fff) == HALF_INFINITY)
			return i;
		memcpy(out + 2 * i, &half, sizeof(half));
	}
	return n;
}

static void
decode_half(const char *data, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
	{
		uint16_t	half;

		memcpy(&half, data + 2 * i, sizeof(half));
		out[i] = half_to_float(half);
	}
}

static bool
half_is_sound(const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		uint16_t	half;

		memcpy(&half, data + 2 * i, sizeof(half));
		if ((half & 0x7c00) == 0x7c00)
			return false;
	}
	return true;
}

/* ---- int8 ---- */

/*
 * most / 127 rounded to 17 bits.  The largest element is then -127 or 127, so
 * that decoded elements give the same scale again.  At float's end it is
 * rounded down: 127 times the scale must be finite.
 */
static float
int8_scale(float most)
{
	int			exponent;
	double		mantissa;
	double		scale;

	/* all elements will be 0, which have the scale 1 */
	if (most <= SMALLEST_SCALE / 2)
		return 1;
	mantissa = ldexp(frexp((double) most / INT8_MOST, &exponent), SCALE_BITS);
	scale = ldexp(rint(mantissa), exponent - SCALE_BITS);
	if (scale * INT8_MOST > FLT_MAX)
		scale = ldexp(floor(mantissa), exponent - SCALE_BITS);
	return scale < SMALLEST_SCALE ? SMALLEST_SCALE : (float) scale;
}

/* Vectors that come as int8 from elsewhere */
static bool
are_small_integers(const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (fabsf(x[i]) > INT8_MOST || x[i] != rintf(x[i]))
			return false;
	}
	return true;
}

/* The clamp is never needed for elements that the scale was made for. */
static void
encode_int8(const float *x, size_t n, float scale, int8_t *out)
{
	double		inverse = 1 / (double) scale;

	for (size_t i = 0; i < n; i++)
	{
		double		q = rint(x[i] * inverse);

		out[i] = (int8_t) fmin(fmax(q, -INT8_MOST), INT8_MOST);
	}
}

static void
decode_int8(const int8_t *data, size_t n, float scale, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = scale * (float) data[i];
}

static bool
int8_is_sound(const int8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (data[i] < -INT8_MOST)
			return false;
	}
	return true;
}

bool
element_scale_is_sound(ElementKind kind, float scale)
{
	if (kind != ELEMENT_INT8)
		return scale == 1;
	return scale >= SMALLEST_SCALE && scale * INT8_MOST <= FLT_MAX;
}

/* ---- bit ---- */

static void
encode_bit(const float *x, size_t n, uint8_t *out)
{
	memset(out, 0, element_size(ELEMENT_BIT, n));
	for (size_t i = 0; i < n; i++)
		out[i / 8] |= (uint8_t) ((x[i] > 0) << (7 - i % 8));
}

static void
decode_bit(const uint8_t *data, size_t n, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (float) (data[i / 8] >> (7 - i % 8) & 1);
}

static bool
bit_is_sound(const uint8_t *data, size_t n)
{
	return n % 8 == 0 || (data[n / 8] & 0xff >> n % 8) == 0;
}

/* ---- any ---- */

size_t
element_encode(ElementKind kind, const float *x, size_t n, void *out,
			   float *scale)
{
	*scale = 1;
	switch (kind)
	{
		case ELEMENT_FLOAT:
			memcpy(out, x, n * sizeof(float));
			break;
		case ELEMENT_HALF:
			return encode_half(x, n, out);
		case ELEMENT_INT8:
			*scale = are_small_integers(x, n) ? 1 : int8_scale(kernel_largest(x, n));
			encode_int8(x, n, *scale, out);
			break;
		case ELEMENT_BIT:
			encode_bit(x, n, out);
			break;
	}
	return n;
}

void
element_decode(ElementKind kind, const void *data, float scale, size_t n,
			   float *out)
{
	switch (kind)
	{
		case ELEMENT_FLOAT:
			memcpy(out, data, n * sizeof(float));
			break;
		case ELEMENT_HALF:
			decode_half(data, n, out);
			break;
		case ELEMENT_INT8:
			decode_int8(data, n, scale, out);
			break;
		case ELEMENT_BIT:
			decode_bit(data, n, out);
			break;
	}
}

bool
element_is_sound(ElementKind kind, const void *data, float scale, size_t n)
{
	switch (kind)
	{
		case ELEMENT_FLOAT:
			return element_scale_is_sound(kind, scale);
		case ELEMENT_HALF:
			return element_scale_is_sound(kind, scale) &&
				half_is_sound(data, n);
		case ELEMENT_INT8:
			return element_scale_is_sound(kind, scale) &&
				int8_is_sound(data, n);
		case ELEMENT_BIT:
			return element_scale_is_sound(kind, scale) && bit_is_sound(data, n);
	}
	return false;
}
