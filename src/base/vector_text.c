/*
 * vector_text.c
 *	  Parsing the text form of a vector.
 */
#include "base/vector_text.h"

#include <math.h>
#include <stdint.h>

#include "base/number.h"

#define COMMA_BLOCK 240

/* Commas of up to 255 characters: so few that compilers count in bytes. */
static uint8_t
count_commas(const char *text, size_t size)
{
	uint8_t		n = 0;

	for (size_t i = 0; i < size; i++)
		n += text[i] == ',';
	return n;
}

int
vector_text_bound(const char *text, size_t size, int limit)
{
	size_t		n = 1;

	for (size_t i = 0; i < size; i += COMMA_BLOCK)
		n += count_commas(text + i, size - i < COMMA_BLOCK ? size - i :
						  COMMA_BLOCK);
	return n <= (size_t) limit ? (int) n : limit + 1;
}

/* White space as SQL knows it, whatever the locale */
static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

static bool
fail_at(const char *text, const char *p, const char *end, const char *expected,
		Status *status)
{
	int			position = (int) (p - text) + 1;

	status_fail(status, STATUS_BAD_TEXT,
				"invalid input syntax for type embedding");
	if (p == end)
		return status_detail(status,
							 "Expected %s at position %d, but the text ends there.",
							 expected, position);
	return status_detail(status, "Expected %s at position %d, found \"%c\".",
						 expected, position, *p >= ' ' && *p <= '~' ? *p : '?');
}

/* Whether this word stands at p, in letters of either case */
static bool
is_word(const char *p, const char *end, const char *word)
{
	while (p < end && *word != '\0' && (*p | 0x20) == *word)
		p++, word++;
	return *word == '\0' &&
		(p == end || (*p | 0x20) < 'a' || (*p | 0x20) > 'z');
}

/* What is no number at p: NaN and infinity have errors of their own. */
static bool
fail_at_number(const char *text, const char *p, const char *end, Status *status)
{
	const char *word = p < end && (*p == '-' || *p == '+') ? p + 1 : p;
	int			position = (int) (p - text) + 1;

	if (is_word(word, end, "nan"))
	{
		status_fail(status, STATUS_NOT_A_NUMBER,
					"NaN is not allowed in embedding");
		return status_detail(status, "It stands at position %d.", position);
	}
	if (is_word(word, end, "inf") || is_word(word, end, "infinity"))
	{
		status_fail(status, STATUS_OUT_OF_RANGE,
					"infinity is not allowed in embedding");
		return status_detail(status, "It stands at position %d.", position);
	}
	return fail_at(text, p, end, "a finite number", status);
}

/* One number at *p, which moves behind it. */
static bool
parse_element(const char *text, const char **p, const char *end, float *out,
			  Status *status)
{
	const char *next = number_parse_float(*p, end, out);

	if (next == NULL)
		return fail_at_number(text, *p, end, status);
	if (isinf(*out))
	{
		status_fail(status, STATUS_OUT_OF_RANGE,
					"\"%.*s\" is out of range for type embedding",
					next - *p > 40 ? 40 : (int) (next - *p), *p);
		return status_detail(status,
							 "The number at position %d does not fit a real.",
							 (int) (*p - text) + 1);
	}
	*p = next;
	return true;
}

/* Elements of an array may stand in quotes, which some clients always write. */
static bool
parse_quoted(const char *text, const char **p, const char *end, float *out,
			 Status *status)
{
	if (*p == end || **p != '"')
		return parse_element(text, p, end, out, status);
	(*p)++;
	if (!parse_element(text, p, end, out, status))
		return false;
	if (*p == end || **p != '"')
		return fail_at(text, *p, end, "\"\"\"", status);
	(*p)++;
	return true;
}

bool
vector_text_parse(const char *text, size_t size, float *out, int max, int *n,
				  Status *status)
{
	const char *end = text + size;
	const char *p = skip_space(text, end);
	bool		is_array;

	*n = 0;
	if (p == end || (*p != '[' && *p != '{'))
		return fail_at(text, p, end, "\"[\"", status);
	is_array = *p == '{';
	p = skip_space(p + 1, end);
	if (p < end && *p == (is_array ? '}' : ']'))
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "embedding must have at least 1 dimension");
	for (;;)
	{
		if (*n == max)
			return status_fail(status, STATUS_TOO_LARGE,
							   "embedding cannot have more than %d dimensions",
							   max);
		if (!(is_array ? parse_quoted : parse_element) (text, &p, end, &out[*n],
														status))
			return false;
		(*n)++;
		p = skip_space(p, end);
		if (p == end || (*p != ',' && *p != (is_array ? '}' : ']')))
			return fail_at(text, p, end, is_array ? "\",\" or \"}\"" :
						   "\",\" or \"]\"", status);
		if (*p++ != ',')
			break;
		p = skip_space(p, end);
	}
	p = skip_space(p, end);
	if (p != end)
		return fail_at(text, p, end, "the end of the text", status);
	return true;
}
