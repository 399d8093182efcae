/*
 * vector_text.h
 *	  The text form of a vector: [1,2.5,-3], and that of an array of numbers,
 *	  {1,2.5,-3} or {"1","2.5","-3"}, which is what clients make of a list.
 */
#ifndef BASE_VECTOR_TEXT_H
#define BASE_VECTOR_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/*
 * An upper bound of the numbers in a vector's text: its commas plus one,
 * but limit + 1 if that is less.
 */
extern int	vector_text_bound(const char *text, size_t size, int limit);

/*
 * Read a vector of at most max numbers from size bytes of text into out, and
 * their count into n.  White space is allowed around brackets and numbers.
 * Failures say what is wrong, and in the detail where (characters from 1):
 * malformed text, no or too many numbers, NaN, infinity and numbers beyond
 * float's range.
 */
extern bool vector_text_parse(const char *text, size_t size, float *out,
							  int max, int *n, Status *status);

#endif							/* BASE_VECTOR_TEXT_H */
