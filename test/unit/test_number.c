/*
 * test_number.c
 *	  Parsing of numbers against strtof, and of vectors.
 */
#include <stdint.h>

#include "base/number.h"
#include "base/random.h"
#include "base/vector_text.h"
#include "unit.h"

/* The same float, or both the same kind of not finite */
static bool
same_bits(float a, float b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static bool
agrees(const char *number)
{
	float		x = 12345;
	const char *end = number + strlen(number);
	const char *next = number_parse_float(number, end, &x);
	float		expected = strtof(number, NULL);

	if (next == end && same_bits(x, expected))
		return true;
	printf("# \"%s\" gives %.9g, expected %.9g\n", number, x, expected);
	return false;
}

static void
test_hard_cases(void)
{
	static const char *const cases[] = {
		"0", "-0", "+0", "0.0", "-0.0e10", "1", "-1", ".5", "5.", "+.5e1",
		"1e0", "1E+5", "1e-5",
		"3.4028235e38", "3.4028234663852886e38", "3.4028235677973366e38",
		"3.4028235677973365e38",
		"3.40282356779733661637539395458142568447e38", "3.4028236e38", "1e39",
		"-1e39", "1e400", "1e-400",
		"1.17549435e-38", "1.17549421e-38", "1.1754943508222875e-38", "1.4e-45",
		"1e-45", "7e-46", "7.1e-46",
		"7.006492321624085e-46",
		"7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015625e-46",
		"7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015626e-46",
		"7.00649232162408535461864791644958065640130970938257885878534141944895541342930300743319094181060791015624e-46",
		"16777216", "16777217", "16777218", "16777219",
		"16777217.0000000000000000000000000001",
		"9007199254740993", "9007199791611905", "18014398509481984",
		"9223372036854775807", "18446744073709551616",
		"1.00000005960464477539062", "1.000000059604644775390625",
		"1.00000005960464477539063",
		"1.000000059604644775390624999999999999999999999999999999",
		"1.000000059604644775390625000000000000000000000000000001",
		"0.1", "0.2", "0.3", "123456789012345678901234567890",
		"0.00000000000000000000000000000000000000000001",
		"0.000000000000000000000000000000000000000000000000000000000000000000000000000000000001e60",
		"1000000000000000000000000000000000000000000000000000000000000000000000000000000000000e-60",
		"1e22", "1e23", "1e-22", "1e-23", "9007199254740992e22",
		"9007199254740992e-22",
		"1e999999999999999999999", "1e-999999999999999999999",
		"0e999999999999999999999",
		"4503599627370497.5", "2147483648", "4294967295"
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK(agrees(cases[i]));
}

/* Every float's shortest and longer decimal forms read back to it. */
static void
test_random_floats_round_trip(void)
{
	char		buffer[64];
	int			bad = 0;

	for (uint64_t i = 0; i < 1000000; i++)
	{
		uint32_t	bits = (uint32_t) random_at(1, 1, i);
		float		x;
		float		back;
		const char *end;
		int			size;

		memcpy(&x, &bits, sizeof(x));
		if (!isfinite(x))
			continue;
		size = snprintf(buffer, sizeof(buffer), "%.*g", 9 + (int) (i % 12), x);
		end = number_parse_float(buffer, buffer + size, &back);
		bad += end != buffer + size || !same_bits(back, x);
	}
	CHECK(bad == 0);
}

/* Decimal midpoints of neighboring floats, and a digit beside them */
static void
test_midpoints(void)
{
	char		buffer[256];
	int			bad = 0;

	for (uint64_t i = 0; i < 200000; i++)
	{
		uint32_t	bits = (uint32_t) random_at(2, 1, i) & 0x7FFFFFFF;
		float		low;
		float		high;
		double		middle;
		int			size;

		if (bits >= 0x7F7FFFFF)
			continue;
		memcpy(&low, &bits, sizeof(low));
		bits++;
		memcpy(&high, &bits, sizeof(high));
		middle = ((double) low + (double) high) / 2;
		size = snprintf(buffer, sizeof(buffer), "%.*e", (int) (i % 130),
						middle);
		if (i % 3 == 0)
		{
			/* nudge the last digit of the fraction upwards */
			char	   *e = strchr(buffer, 'e');

			if (e > buffer && e[-1] >= '0' && e[-1] < '9')
				e[-1]++;
		}
		bad += size <= 0 || !agrees(buffer);
	}
	CHECK(bad == 0);
}

/*
 * Doubles as Python and JavaScript print them, of all sizes that floats have and
 * a little beyond: any, and within eight units of the last place of a midpoint.
 */
static void
test_doubles(void)
{
	char		buffer[64];
	int			bad = 0;

	for (uint64_t i = 0; i < 1000000; i++)
	{
		uint64_t	r = random_at(4, 1, i);
		uint64_t	exponent = 1023 - 152 + (r >> 8) % 282;
		uint64_t	bits = exponent << 52 | random_at(4, 2, i) >> 12;
		double		x;

		if (i % 2 == 0)
			bits = (bits & ~UINT64_C(0x1FFFFFFF)) + 0x10000000 - 8 + r % 17;
		memcpy(&x, &bits, sizeof(x));
		snprintf(buffer, sizeof(buffer), "%.*g", 15 + (int) (i / 2 % 6), x);
		bad += !agrees(buffer);
	}
	CHECK(bad == 0);
}

static void
test_random_decimals(void)
{
	char		buffer[64];
	int			bad = 0;

	for (uint64_t i = 0; i < 1000000; i++)
	{
		uint64_t	r = random_at(3, 1, i);
		uint64_t	digits = random_at(3, 2, i) >> (r % 60);
		int			exponent = (int) (r >> 8) % 60;

		switch (r % 3)
		{
			case 0:
				snprintf(buffer, sizeof(buffer), "%llue%d",
						 (unsigned long long) digits, exponent);
				break;
			case 1:
				snprintf(buffer, sizeof(buffer), "-%llu.%llu",
						 (unsigned long long) digits % 1000,
						 (unsigned long long) digits);
				break;
			default:
				snprintf(buffer, sizeof(buffer), "0.%020llue%d",
						 (unsigned long long) digits, exponent);
		}
		bad += !agrees(buffer);
	}
	CHECK(bad == 0);
}

/* Thousands of digits: the last one decides */
static void
test_long_numbers(void)
{
	static char buffer[5000];
	float		x;

	for (int zeros = 0; zeros < 4000; zeros += 97)
	{
		size_t		size = (size_t) snprintf(buffer, sizeof(buffer),
											 "1.000000059604644775390625");

		memset(buffer + size, '0', (size_t) zeros);
		buffer[size + (size_t) zeros] = '\0';
		CHECK(agrees(buffer));
		strcpy(buffer + size + (size_t) zeros, "1");
		CHECK(agrees(buffer));
		strcat(buffer, "e-3");
		CHECK(agrees(buffer));
	}
	/* an exponent that only just makes up for the digits */
	{
		size_t		zeros = 2000000;
		char	   *huge = malloc(zeros + 20);

		memset(huge, '0', zeros);
		memcpy(huge, "0.", 2);
		strcpy(huge + zeros, "1e1999999");
		CHECK(number_parse_float(huge, huge + strlen(huge), &x) != NULL &&
			  x == 1);
		free(huge);
	}
	memset(buffer, '9', 4000);
	buffer[4000] = '\0';
	CHECK(agrees(buffer));
	strcpy(buffer + 4000, "e-3990");
	CHECK(agrees(buffer));
	memset(buffer, '0', 4000);
	strcpy(buffer + 4000, "1e3");
	CHECK(agrees(buffer));
	CHECK(number_parse_float(buffer, buffer + 4000, &x) == buffer + 4000 &&
		  x == 0);
}

static void
test_where_it_stops(void)
{
	static const struct
	{
		const char *text;
		int			consumed;	/* -1: no number */
		float		value;
	}			cases[] = {
		{"", -1, 0}, {"+", -1, 0}, {"-", -1, 0}, {".", -1, 0}, {"-.", -1, 0},
		{"e5", -1, 0}, {".e5", -1, 0},
		{"nan", -1, 0}, {"inf", -1, 0}, {"-infinity", -1, 0}, {" 1", -1, 0},
		{"x", -1, 0}, {"--1", -1, 0},
		{"1,2", 1, 1}, {"1]", 1, 1}, {"1e", 1, 1}, {"1e+", 1, 1},
		{"1e-x", 1, 1}, {"1.5.5", 3, 1.5},
		{"0x10", 1, 0}, {"1_000", 1, 1}, {"12 3", 2, 12}, {"1e5e5", 3, 1e5},
		{"7.", 2, 7}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const char *text = cases[i].text;
		float		x = 0;
		const char *next = number_parse_float(text, text + strlen(text), &x);

		CHECK(cases[i].consumed < 0 ? next == NULL :
			  next == text + cases[i].consumed);
		CHECK(next == NULL || x == cases[i].value);
	}
}

/* It must not read at or behind the end: the buffer is exact, for sanitizers. */
/* Any number of digits before and behind the point, with anything after them */
static void
test_every_length(void)
{
	static const char after[] = {',', ']', '/', ':', ' ', 'x', '\x80', '\xb0', '\xff', '.'};
	const char *digits = "90123456789012345678901234567890";

	for (int whole = 0; whole <= 24; whole++)
		for (int fraction = whole == 0; fraction <= 24; fraction++)
			for (size_t i = 0; i < 2 * sizeof(after); i++)
			{
				char		text[80];
				int			n = snprintf(text, sizeof(text), "%s%.*s.%.*s",
										 i % 2 ? "-" : "",
										 whole, digits, fraction,
										 digits + whole % 8);
				float		x;

				memset(text + n, after[i / 2], 12);
				CHECK(number_parse_float(text, text + n + 12, &x) == text + n);
				CHECK(x == strtof(text, NULL));
				CHECK(number_parse_float(text, text + n, &x) == text + n);
				CHECK(x == strtof(text, NULL));
			}
}

static void
test_does_not_read_beyond_end(void)
{
	static const char *const numbers[] = {"1", "1.", "1.5e", "1e+", "16777217", "1.00000005960464477539062"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
	{
		size_t		size = strlen(numbers[i]);
		char	   *copy = malloc(size);
		float		x;

		memcpy(copy, numbers[i], size);
		CHECK(number_parse_float(copy, copy + size, &x) != NULL);
		free(copy);
	}
	/* a digit behind the end does not count */
	{
		const char *text = "1234";
		float		x;

		CHECK(number_parse_float(text, text + 2, &x) == text + 2 && x == 12);
		CHECK(number_parse_float(text, text, &x) == NULL);
	}
}

static void
expect_vector(const char *text, int n, const float *expected)
{
	float		out[8];
	int			got;
	Status		status;

	CHECK(vector_text_parse(text, strlen(text), out, 8, &got, &status));
	CHECK(got == n);
	for (int i = 0; i < n && i < got; i++)
		CHECK(out[i] == expected[i]);
	CHECK(vector_text_bound(text, strlen(text), 8) == n);
}

static void
test_vectors(void)
{
	static const float mixed[] = {1, 2.5, -3};
	static const float counted[] = {1, 2, 3, 4, 5, 6, 7, 8};

	expect_vector("[1]", 1, counted);
	expect_vector("[1,2.5,-3]", 3, mixed);
	expect_vector(" [ 1 ,\t2 ,\n3\r\f\v] ", 3, counted);
	expect_vector("[1,2,3,4,5,6,7,8]", 8, counted);
	/* as PostgreSQL and clients write arrays */
	expect_vector("{1,2.5,-3}", 3, mixed);
	expect_vector(" { \"1\" , \"2.5\", -3 } ", 3, mixed);
}

static void
expect_failure(const char *text, StatusCode code, const char *message,
			   const char *detail)
{
	float		out[8];
	int			n;
	Status		status;

	CHECK(!vector_text_parse(text, strlen(text), out, 8, &n, &status));
	CHECK(status.code == code);
	CHECK_TEXT(status.message, message);
	CHECK_TEXT(status.detail, detail);
}

static void
test_bad_vectors(void)
{
	const char *syntax = "invalid input syntax for type embedding";

	expect_failure("", STATUS_BAD_TEXT, syntax,
				   "Expected \"[\" at position 1, but the text ends there.");
	expect_failure("1", STATUS_BAD_TEXT, syntax,
				   "Expected \"[\" at position 1, found \"1\".");
	expect_failure("[", STATUS_BAD_TEXT, syntax,
				   "Expected a finite number at position 2, but the text ends there.");
	expect_failure("[1", STATUS_BAD_TEXT, syntax,
				   "Expected \",\" or \"]\" at position 3, but the text ends there.");
	expect_failure("[1,", STATUS_BAD_TEXT, syntax,
				   "Expected a finite number at position 4, but the text ends there.");
	expect_failure("[1,]", STATUS_BAD_TEXT, syntax,
				   "Expected a finite number at position 4, found \"]\".");
	expect_failure("[1 2]", STATUS_BAD_TEXT, syntax,
				   "Expected \",\" or \"]\" at position 4, found \"2\".");
	expect_failure("[1]]", STATUS_BAD_TEXT, syntax,
				   "Expected the end of the text at position 4, found \"]\".");
	expect_failure("[1]\302\240", STATUS_BAD_TEXT, syntax,
				   "Expected the end of the text at position 4, found \"?\".");
	expect_failure("[1,nan]", STATUS_NOT_A_NUMBER,
				   "NaN is not allowed in embedding",
				   "It stands at position 4.");
	expect_failure("{\"-NaN\"}", STATUS_NOT_A_NUMBER,
				   "NaN is not allowed in embedding",
				   "It stands at position 3.");
	expect_failure("[-Inf,1]", STATUS_OUT_OF_RANGE,
				   "infinity is not allowed in embedding",
				   "It stands at position 2.");
	expect_failure("[infinity", STATUS_OUT_OF_RANGE,
				   "infinity is not allowed in embedding",
				   "It stands at position 2.");
	expect_failure("[info]", STATUS_BAD_TEXT, syntax,
				   "Expected a finite number at position 2, found \"i\".");
	expect_failure("[na", STATUS_BAD_TEXT, syntax,
				   "Expected a finite number at position 2, found \"n\".");
	expect_failure("{1]", STATUS_BAD_TEXT, syntax,
				   "Expected \",\" or \"}\" at position 3, found \"]\".");
	expect_failure("[1}", STATUS_BAD_TEXT, syntax,
				   "Expected \",\" or \"]\" at position 3, found \"}\".");
	expect_failure("[\"1\"]", STATUS_BAD_TEXT, syntax,
				   "Expected a finite number at position 2, found \"\"\".");
	expect_failure("{\"1}", STATUS_BAD_TEXT, syntax,
				   "Expected \"\"\" at position 4, found \"}\".");
	expect_failure("{\"1", STATUS_BAD_TEXT, syntax,
				   "Expected \"\"\" at position 4, but the text ends there.");
	expect_failure("{\"\"}", STATUS_BAD_TEXT, syntax,
				   "Expected a finite number at position 3, found \"\"\".");
	expect_failure("{NULL}", STATUS_BAD_TEXT, syntax,
				   "Expected a finite number at position 2, found \"N\".");
	expect_failure("{{1}}", STATUS_BAD_TEXT, syntax,
				   "Expected a finite number at position 2, found \"{\".");
	expect_failure("{}", STATUS_SHAPE_MISMATCH,
				   "embedding must have at least 1 dimension", "");
	expect_failure("[]", STATUS_SHAPE_MISMATCH,
				   "embedding must have at least 1 dimension", "");
	expect_failure("[1,2,3,4,5,6,7,8,9]", STATUS_TOO_LARGE,
				   "embedding cannot have more than 8 dimensions", "");
	expect_failure("[1,1e39]", STATUS_OUT_OF_RANGE,
				   "\"1e39\" is out of range for type embedding",
				   "The number at position 4 does not fit a real.");
}

int
main(void)
{
	RUN(test_hard_cases);
	RUN(test_random_floats_round_trip);
	RUN(test_midpoints);
	RUN(test_doubles);
	RUN(test_random_decimals);
	RUN(test_long_numbers);
	RUN(test_where_it_stops);
	RUN(test_every_length);
	RUN(test_does_not_read_beyond_end);
	RUN(test_vectors);
	RUN(test_bad_vectors);
	return unit_done();
}
