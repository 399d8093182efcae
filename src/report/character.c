/*
 * character.c
 *	  Characters of a text that comes from anywhere: UTF-8 decoded, and what of
 *	  it may not reach a terminal or a page as it is.
 */
#include "report/character.h"

/* Does the sequence of n bytes go on with n - 1 continuation bytes? */
static bool
goes_on(const unsigned char *c, int n)
{
	for (int i = 1; i < n; i++)
		if ((c[i] & 0xC0) != 0x80)
			return false;
	return true;
}

/* Bytes that a sequence must have by its first one; 0: it cannot be the first. */
static int
length_by_first(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c < 0xC2 || c > 0xF4)
		return 0;
	return c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

int
report_character(const char *text, uint32_t *code)
{
	const unsigned char *c = (const unsigned char *) text;
	int			n = length_by_first(*c);
	uint32_t	value = n == 1 ? *c : *c & (0x7Fu >> n);

	*code = REPORT_NO_CHARACTER;
	if (n == 0 || !goes_on(c, n))
		return 1;
	for (int i = 1; i < n; i++)
		value = value << 6 | (c[i] & 0x3F);
	/* longer than need be, half of a surrogate pair, beyond Unicode */
	if ((n == 3 && value < 0x800) || (n == 4 && value < 0x10000) ||
		(value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF)
		return 1;
	*code = value;
	return n;
}

bool
report_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code <= 0x9F) || code == 0x2028 ||
		code == 0x2029;
}

/* Unicode's category Cf */
bool
report_is_format(uint32_t code)
{
	static const uint32_t ranges[][2] = {
		{0x00AD, 0x00AD}, {0x0600, 0x0605}, {0x061C, 0x061C}, {0x06DD, 0x06DD},
		{0x070F, 0x070F}, {0x0890, 0x0891}, {0x08E2, 0x08E2}, {0x180E, 0x180E},
		{0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
		{0xFFF9, 0xFFFB}, {0x110BD, 0x110BD}, {0x110CD, 0x110CD},
		{0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
		{0xE0000, 0xE007F},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i][0] && code <= ranges[i][1])
			return true;
	return false;
}

/* Zero width joiner and non-joiner */
static bool
is_joiner(uint32_t code)
{
	return code == 0x200C || code == 0x200D;
}

bool
report_is_hidden(uint32_t code)
{
	return report_is_format(code) && !is_joiner(code);
}
