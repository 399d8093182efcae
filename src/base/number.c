/*
 * number.c
 *	  Parsing of decimal numbers.
 *
 * Digits and a power of ten become a double, which is off by less than four
 * units in its last place, however many digits there are.  Rounding it to a
 * float gives the nearest float of the number unless the middle of two floats
 * lies within that error (after Clinger, 1990); then, and where floats end,
 * strtof decides.
 */
#include "base/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_POWER 57			/* FLT_MIN with 19 digits */
#define MAX_MANTISSA INT64_C(100000000000000000)	/* has room for a digit */
#define MAX_DIGITS 120			/* that slow_parse keeps */

static const double powers_of_ten[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
	1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25,
	1e26, 1e27, 1e28, 1e29, 1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37,
	1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44, 1e45, 1e46, 1e47, 1e48, 1e49,
	1e50, 1e51, 1e52, 1e53, 1e54, 1e55, 1e56, 1e57
};

static const int64_t integer_powers[] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000
};

/* The number is mantissa * 10^exponent, plus less than 10^exponent if the
 * mantissa has 18 digits: later ones are left out. */
typedef struct Decimal
{
	bool		negative;
	int64_t		mantissa;
	int			exponent;
} Decimal;

/*
 * Nine digits at a time, as many as a float needs, without a branch on how
 * many there are, which no processor can foresee: eight as the bytes of a
 * word, the first one lowest, and one more.
 */
#define BULK 9
#define ONES UINT64_C(0x0101010101010101)

static inline uint64_t
load_word(const char *p)
{
	uint64_t	word;

	memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* How many of the lowest bytes are at most 9 */
static inline int
count_digits(uint64_t word)
{
	uint64_t	above = (((word & 0x7f * ONES) +
						  (0x7f - 9) * ONES) | word) >> 7 & ONES;
	uint64_t	below = (above - 1) & ~above;	/* all bits of these bytes */

	return (int) ((below & ONES) * ONES >> 56);
}

/* The number that the lowest n bytes spell, by pairs of pairs of pairs */
static inline int64_t
value_of(uint64_t word, int n)
{
	int			half = 4 * (8 - n); /* a shift by 64 is undefined */

	word = word << half << half;
	word = (word & 0x00ff00ff00ff00ff) * 10 + (word >> 8 & 0x00ff00ff00ff00ff);
	word = (word & 0x0000ffff0000ffff) * 100 + (word >> 16 & 0x0000ffff0000ffff);
	return (int64_t) ((word & 0xffffffff) * 10000 + (word >> 32));
}

/* The digits at p, at most BULK: there are as many characters. */
static inline int
read_bulk(const char *p, Decimal *d)
{
	uint64_t	word = load_word(p) ^ '0' * ONES;
	int			n = count_digits(word);
	bool		ninth = (n == 8) & number_is_digit(p[8]);

	d->mantissa = d->mantissa * integer_powers[n] + value_of(word, n);
	d->mantissa = d->mantissa * integer_powers[ninth] + (p[8] - '0') * ninth;
	return n + ninth;
}

/* May read_bulk read at p, and the mantissa take what it reads? */
static inline bool
has_room(const char *p, const char *end, const Decimal *d)
{
	return d->mantissa < MAX_MANTISSA / 100000000 && end - p >= BULK;
}

/* Digits at p; the power of ten falls by one for each if in the fraction. */
static inline const char *
read_digits(const char *p, const char *end, bool fraction, Decimal *d)
{
	/* One digit, as often before the point, is not worth it. */
	if (has_room(p, end, d) && number_is_digit(p[1]))
	{
		do
		{
			int			n = read_bulk(p, d);

			d->exponent -= fraction ? n : 0;
			p += n;
			if (n < BULK)
				return p;
		} while (has_room(p, end, d) && number_is_digit(*p));
	}
	for (; p < end && number_is_digit(*p); p++)
	{
		if (d->mantissa < MAX_MANTISSA)
		{
			d->mantissa = d->mantissa * 10 + (*p - '0');
			d->exponent -= fraction;
		}
		else
			d->exponent += !fraction;
	}
	return p;
}

/* The exponent that an e at p begins is added to *exponent. */
static const char *
read_exponent(const char *p, const char *end, int *exponent)
{
	const char *start = p;
	bool		negative = false;
	int			value = 0;

	p++;
	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	if (p == end || !number_is_digit(*p))
		return start;
	for (; p < end && number_is_digit(*p); p++)
	{
		if (value < 100000000)
			value = value * 10 + (*p - '0');
	}
	*exponent += negative ? -value : value;
	return p;
}

static bool
is_e(char c)
{
	return c == 'e' || c == 'E';
}

/*
 * Is the middle of two neighboring floats within four units of the last place
 * of x, which is at least FLT_MIN?
 */
static inline bool
is_doubtful(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return ((bits - 0x10000000 + 4) & 0x1FFFFFFF) <= 8;
}

/*
 * strtof on the number's digits as an integer with an exponent, which does not
 * depend on the locale's decimal point.  A float and the middle of two floats
 * have at most 113 significant digits: of those behind MAX_DIGITS it only
 * matters whether one is not zero.
 */
static float
__attribute__((noinline))
slow_parse(const char *text, const char *end)
{
	char		buffer[MAX_DIGITS + 32];
	Decimal		d = {.exponent = 0};
	bool		fraction = false;
	bool		sticky = false;
	int			n = 0;

	for (; text < end && !is_e(*text); text++)
	{
		if (*text == '-')
			d.negative = true;
		else if (*text == '.')
			fraction = true;
		if (!number_is_digit(*text))
			continue;
		if (n < MAX_DIGITS)
		{
			if (n > 0 || *text != '0')
				buffer[n++] = *text;
			d.exponent -= fraction;
		}
		else
		{
			sticky = sticky || *text != '0';
			d.exponent += !fraction;
		}
	}
	if (n == 0)
		return d.negative ? -0.0f : 0.0f;
	if (text < end)
		read_exponent(text, end, &d.exponent);
	snprintf(buffer + n, sizeof(buffer) - (size_t) n, "%se%d",
			 sticky ? "1" : "", d.exponent - sticky);
	return d.negative ? -strtof(buffer, NULL) : strtof(buffer, NULL);
}

static float
with_sign(float x, bool negative)
{
	uint32_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	bits |= (uint32_t) negative << 31;
	memcpy(&x, &bits, sizeof(bits));
	return x;
}

/*
 * The nearest float, where double arithmetic can tell.  The mantissa as a
 * double, the power and their product or quotient are each off by at most
 * 2^-53 of themselves, digits left out make less than 2^-56: together less
 * than four units in the last place.
 */
static inline bool
quick_value(const Decimal *d, float *out)
{
	double		x = (double) d->mantissa;

	if (d->exponent <= 0 && d->exponent >= -MAX_POWER)
		x /= powers_of_ten[-d->exponent];
	else if (d->exponent > 0 && d->exponent <= MAX_POWER)
		x *= powers_of_ten[d->exponent];
	else if (d->mantissa != 0)
		return false;
	if ((x < FLT_MIN && x != 0) || is_doubtful(x))
		return false;
	*out = with_sign((float) x, d->negative);
	return true;
}

const char *
number_parse_float(const char *text, const char *end, float *out)
{
	Decimal		d = {.exponent = 0};
	const char *p = text;
	const char *digits;
	int			exponent = 0;
	bool		any;

	if (p == end)
		return NULL;
	/* added, not skipped: signs come in no order that can be foreseen */
	d.negative = *p == '-';
	p += d.negative | (*text == '+');
	digits = p;
	p = read_digits(p, end, false, &d);
	any = p > digits;
	if (p < end && *p == '.')
	{
		digits = p + 1;
		p = read_digits(digits, end, true, &d);
		any |= p > digits;
	}
	if (!any)
		return NULL;
	if (p < end && is_e(*p))
		p = read_exponent(p, end, &exponent);
	d.exponent += exponent;
	if (!quick_value(&d, out))
		*out = slow_parse(text, p);
	return p;
}
