/*
 * number.c
 *	  Parsing of decimal numbers.
 *
 * Up to 19 digits and a small power of ten are exact in a double product or
 * quotient (Clinger, 1990).  Rounding that double to a float rounds twice,
 * which is wrong only when the double lies exactly between two floats; then,
 * and for everything longer, strtof decides.
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

/* Digits at p; the power of ten falls by one for each if in the fraction. */
static const char *
read_digits(const char *p, const char *end, bool fraction, Decimal *d)
{
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

/* Is x exactly between two neighbouring floats, or near the denormals? */
static bool
is_doubtful(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	if (x != 0 && (x < 1.2e-38 || x > 3.3e38))
		return true;
	return (bits & 0x1FFFFFFF) == 0x10000000;
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
			x /= powers_of_ten[-d.exponent];
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
