/*
 * fuzz_number.c
 *	  number_parse_float() against strtof on any bytes.
 */
#include "base/number.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	float		x = 0;
	const char *next = number_parse_float(text, text + size, &x);
	char	   *copy;
	float		expected;
	char	   *end;

	if (next == NULL)
		return 0;
	MUST(next > text && next <= text + size);

	/* the part that was consumed is a number for strtof too, and the same */
	copy = malloc((size_t) (next - text) + 1);
	memcpy(copy, text, (size_t) (next - text));
	copy[next - text] = '\0';
	expected = strtof(copy, &end);
	MUST(*end == '\0');
	MUST(memcmp(&x, &expected, sizeof(x)) == 0);
	free(copy);
	return 0;
}
