/*
 * number.h
 *	  Parsing of decimal numbers, fast and correctly rounded.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>

/* In any locale */
static inline bool
number_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Read one decimal floating-point number (optional sign, digits, fraction,
 * exponent; no "nan" or "inf", no hexadecimal) that starts at *text and ends
 * before end.  Returns the first character not consumed, or NULL when there is
 * no number.  The result is the nearest float; too large a number gives an
 * infinity and too small a one a zero or a denormal, as strtof does.
 */
extern const char *number_parse_float(const char *text, const char *end,
									  float *out);

#endif							/* BASE_NUMBER_H */
