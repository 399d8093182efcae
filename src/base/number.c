/*
 * number.c
 *	  Parsing of decimal numbers.
 *
 * Up to 53 bits of digits times a small power of ten, or its inverse, is a
 * double that is right to two units in the last place (after Clinger, 1990).
 * Rounding it to a float is right unless it lies that close to the middle of
 * two floats; then, and for everything longer, strtof decides.
 */
#include "base/number.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EXACT_MANTISSA (UINT64_C(1) << 53)
#define MAX_EXACT_POWER 22
#define MAX_DIGITS 120			/* that slow_parse keeps */

static const double powers_of_ten[] = {
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};

static const double inverse_powers[] = {
	1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11,
	1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18, 1e-19, 1e-20, 1e-21, 1e-22
};

typedef struct Decimal
{
	bool		negative;
	bool		exact;			/* no digit was left out of mantissa */
	uint64_t	mantissa;
	int			exponent;		/* of ten */
} Decimal;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- eight characters at a time ---- */

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The first of eight characters in the lowest byte */
static inline uint64_t
load_characters(const char *p)
{
	uint64_t	word;

	memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/*
 * How many of them are digits before the first that is not: 0x30 .. 0x39 are
 * the bytes whose upper half is 3 with and without 6 added.  A carry out of a
 * byte reaches only those behind it.
 */
static inline int
count_digits(uint64_t word)
{
	uint64_t	other = ((word & EACH(0xF0)) ^ EACH(0x30)) |
	(((word + EACH(0x06)) & EACH(0xF0)) ^ EACH(0x30));

	return other == 0 ? 8 : __builtin_ctzll(other) / 8;
}

/* The first n of them as a number, n >= 1: pairs, then fours, then all eight */
static inline uint64_t
digits_value(uint64_t word, int n)
{
	word = (word << (64 - 8 * n)) & EACH(0x0F);
	word = (word * (1 + (10 << 8)) >> 8) & UINT64_C(0x00FF00FF00FF00FF);
	word = (word * (1 + (100 << 16)) >> 16) & UINT64_C(0x0000FFFF0000FFFF);
	return word * (1 + (UINT64_C(10000) << 32)) >> 32;
}

/* Digits at p; the power of ten falls by one for each if in the fraction. */
static const char *
read_digits(const char *p, const char *end, bool fraction, Decimal *d)
{
	static const uint64_t powers[] = {
		1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000
	};

	while (end - p >= 8 && d->mantissa < UINT64_C(10000000000))
	{
		uint64_t	word = load_characters(p);
		int			n = count_digits(word);

		if (n == 0)
			return p;
		d->mantissa = d->mantissa * powers[n] + digits_value(word, n);
		d->exponent -= fraction ? n : 0;
		p += n;
		if (n < 8)
			return p;
	}
	for (; p < end && is_digit(*p); p++)
	{
		if (d->mantissa < UINT64_C(1000000000000000000))
		{
			d->mantissa = d->mantissa * 10 + (uint64_t) (*p - '0');
			d->exponent -= fraction;
		}
		else
		{
			d->exact = false;
			d->exponent += !fraction;
		}
	}
	return p;
}

static const char *
read_exponent(const char *p, const char *end, Decimal *d)
{
	const char *start = p;
	bool		negative = false;
	int			exponent = 0;

	if (p == end || (*p != 'e' && *p != 'E'))
		return start;
	p++;
	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	if (p == end || !is_digit(*p))
		return start;
	for (; p < end && is_digit(*p); p++)
	{
		if (exponent < 100000000)
			exponent = exponent * 10 + (*p - '0');
	}
	d->exponent += negative ? -exponent : exponent;
	return p;
}

/*
 * Is x within 4 units of its last place of the middle of two neighbouring
 * floats, or near the denormals or the largest?
 */
static bool
is_doubtful(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	if (x != 0 && (x < 1.2e-38 || x > 3.3e38))
		return true;
	return (bits & 0x1FFFFFFF) - 0x0FFFFFFC <= 8;
}

/*
 * strtof on the number's digits as an integer with an exponent, which does not
 * depend on the locale's decimal point.  A float and the middle of two floats
 * have at most 113 significant digits: of those behind MAX_DIGITS it only
 * matters whether one is not zero.
 */
static float
slow_parse(const char *text, const char *end)
{
	char		buffer[MAX_DIGITS + 32];
	Decimal		d = {.exponent = 0};
	bool		fraction = false;
	bool		sticky = false;
	int			n = 0;

	for (; text < end && *text != 'e' && *text != 'E'; text++)
	{
		if (*text == '-')
			d.negative = true;
		else if (*text == '.')
			fraction = true;
		if (!is_digit(*text))
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
	read_exponent(text, end, &d);
	snprintf(buffer + n, sizeof(buffer) - (size_t) n, "%se%d", sticky ? "1" : "",
			 d.exponent - sticky);
	return d.negative ? -strtof(buffer, NULL) : strtof(buffer, NULL);
}

const char *
number_parse_float(const char *text, const char *end, float *out)
{
	Decimal		d = {.exact = true};
	const char *p = text;
	const char *digits;
	double		x;
	int			ndigits;

	if (p < end && (*p == '+' || *p == '-'))
		d.negative = *p++ == '-';
	digits = p;
	p = read_digits(p, end, false, &d);
	ndigits = (int) (p - digits);
	if (p < end && *p == '.')
	{
		digits = p + 1;
		p = read_digits(digits, end, true, &d);
		ndigits += (int) (p - digits);
	}
	if (ndigits == 0)
		return NULL;
	p = read_exponent(p, end, &d);

	if (d.mantissa == 0 && d.exact)
		x = 0;
	else if (d.exact && d.mantissa <= MAX_EXACT_MANTISSA &&
			 d.exponent >= -MAX_EXACT_POWER && d.exponent <= MAX_EXACT_POWER)
	{
		x = (double) d.mantissa;
		if (d.exponent < 0)
			x *= inverse_powers[-d.exponent];
		else
			x *= powers_of_ten[d.exponent];
		if (is_doubtful(x))
		{
			*out = slow_parse(text, p);
			return p;
		}
	}
	else
	{
		*out = slow_parse(text, p);
		return p;
	}
	*out = (float) (d.negative ? -x : x);
	return p;
}
