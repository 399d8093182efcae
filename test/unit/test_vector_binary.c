/*
 * test_vector_binary.c
 *	  The binary form of a vector.
 */
#include "base/vector_binary.h"
#include "unit.h"

static void
test_layout(void)
{
	static const float x[3] = {1, -2.5, 1e-45f};
	static const uint8_t expected[16] = {
		0, 3, 0, 0, 0x3F, 0x80, 0, 0, 0xC0, 0x20, 0, 0, 0, 0, 0, 1
	};
	uint8_t		bytes[16];
	float		back[3];
	int			n;
	Status		status;

	vector_binary_write(x, 3, bytes);
	CHECK(memcmp(bytes, expected, 16) == 0);
	CHECK(vector_binary_check(bytes, 16, 3, &n, &status) && n == 3);
	vector_binary_read(bytes, 3, back);
	CHECK(memcmp(x, back, sizeof(x)) == 0);
}

static void
test_largest(void)
{
	static float x[16384];
	static uint8_t bytes[VECTOR_BINARY_SIZE(16384)];
	int			n;
	Status		status;

	vector_binary_write(x, 16384, bytes);
	CHECK(bytes[0] == 0x40 && bytes[1] == 0);
	CHECK(vector_binary_check(bytes, sizeof(bytes), 16384, &n, &status) &&
		  n == 16384);
	CHECK(!vector_binary_check(bytes, sizeof(bytes), 16383, &n, &status));
	CHECK(status.code == STATUS_TOO_LARGE);
	CHECK_TEXT(status.message,
			   "embedding cannot have more than 16383 dimensions");
}

static void
expect_failure(const char *bytes, size_t size, StatusCode code,
			   const char *message)
{
	uint8_t    *copy = malloc(size > 0 ? size : 1);
	int			n;
	Status		status;

	memcpy(copy, bytes, size);
	CHECK(!vector_binary_check(copy, size, 100, &n, &status));
	CHECK(status.code == code);
	CHECK_TEXT(status.message, message);
	free(copy);
}

static void
test_bad_messages(void)
{
	expect_failure("", 0, STATUS_BAD_BINARY,
				   "binary embedding needs a header of 4 bytes, not 0");
	expect_failure("\0\1\0", 3, STATUS_BAD_BINARY,
				   "binary embedding needs a header of 4 bytes, not 3");
	expect_failure("\0\1\0\1\0\0\0\0", 8, STATUS_BAD_BINARY,
				   "expected 0 in the second field of binary embedding, not 1");
	expect_failure("\0\0\0\0", 4, STATUS_SHAPE_MISMATCH,
				   "embedding must have at least 1 dimension");
	expect_failure("\377\377\0\0\0\0\0\0", 8, STATUS_SHAPE_MISMATCH,
				   "embedding must have at least 1 dimension");
	expect_failure("\0\2\0\0\0\0\0\0", 8, STATUS_BAD_BINARY,
				   "binary embedding of 2 dimensions needs 8 bytes of elements, not 4");
	expect_failure("\0\1\0\0\0\0\0\0\0", 9, STATUS_BAD_BINARY,
				   "binary embedding of 1 dimensions needs 4 bytes of elements, not 5");
	expect_failure("\177\377\0\0", 4, STATUS_TOO_LARGE,
				   "embedding cannot have more than 100 dimensions");
}

/* [1,2,3,4,5] and [0,1], least byte first, without a header */
static void
test_raw_numbers(void)
{
	static const char raw[] = "\0\0\200\77" "\0\0\0\100" "\0\0\100\100" "\0\0\200\100" "\0\0\240\100";
	int			n;
	Status		status;

	expect_failure(raw, 20, STATUS_BAD_BINARY,
				   "expected 0 in the second field of binary embedding, not -32705");
	expect_failure("\0\0\0\0" "\0\0\200\77", 8, STATUS_BAD_BINARY,
				   "binary embedding of 0 dimensions needs 0 bytes of elements, not 4");
	CHECK(!vector_binary_check((const uint8_t *) raw, 20, 100, &n, &status));
	CHECK_TEXT(status.hint,
			   "Send numbers that have no header, such as a Float32Array of JavaScript, as text, [1,2.5,-3], or as an array.");
}

/* The header of an array of one dimension: its element type, and how many */
#define ARRAY(type, n) "\0\0\0\1" "\0\0\0\0" type "\0\0\0" n "\0\0\0\1"
#define FLOAT4 "\0\0\2\274"
#define FLOAT8 "\0\0\2\275"
#define INT2 "\0\0\0\25"
#define INT4 "\0\0\0\27"
#define INT8 "\0\0\0\24"
#define TEXT "\0\0\0\31"

static void
expect_array(const char *bytes, size_t size)
{
	static const float expected[2] = {1, -2};
	uint8_t    *copy = malloc(size);
	float		x[2];
	int			n;
	Status		status;

	memcpy(copy, bytes, size);
	CHECK(vector_binary_check(copy, size, 2, &n, &status) && n == 2);
	vector_binary_read(copy, n, x);
	CHECK(memcmp(x, expected, sizeof(x)) == 0);
	free(copy);
}

/* sizeof less 1: without the 0 that ends a string of C */
#define EXPECT_ARRAY(bytes) expect_array(bytes, sizeof(bytes) - 1)
#define EXPECT_FAILURE(bytes, code, message) expect_failure(bytes, sizeof(bytes) - 1, code, message)

static void
test_arrays(void)
{
	EXPECT_ARRAY(ARRAY(FLOAT4,
					   "\2") "\0\0\0\4\77\200\0\0" "\0\0\0\4\300\0\0\0");
	EXPECT_ARRAY(ARRAY(FLOAT8,
					   "\2") "\0\0\0\10\77\360\0\0\0\0\0\0" "\0\0\0\10\300\0\0\0\0\0\0\0");
	EXPECT_ARRAY(ARRAY(INT2, "\2") "\0\0\0\2\0\1" "\0\0\0\2\377\376");
	EXPECT_ARRAY(ARRAY(INT4, "\2") "\0\0\0\4\0\0\0\1" "\0\0\0\4\377\377\377\376");
	EXPECT_ARRAY(ARRAY(INT8, "\2") "\0\0\0\10\0\0\0\0\0\0\0\1" "\0\0\0\10\377\377\377\377\377\377\377\376");
	EXPECT_FAILURE(ARRAY(TEXT, "\1") "\0\0\0\1" "1", STATUS_BAD_BINARY,
				   "binary array of the type with OID 25 cannot become an embedding");
	EXPECT_FAILURE(ARRAY(FLOAT4, "\2") "\0\0\0\4\0\0\0\0", STATUS_BAD_BINARY,
				   "binary array of 2 elements needs 16 bytes of elements, not 8");
	EXPECT_FAILURE(ARRAY(FLOAT4, "\1") "\0\0\0\3\0\0\0\0", STATUS_BAD_BINARY,
				   "element 1 of binary array needs 4 bytes, not 3");
	EXPECT_FAILURE(ARRAY(FLOAT4, "\0"), STATUS_SHAPE_MISMATCH,
				   "embedding must have at least 1 dimension");
	EXPECT_FAILURE(ARRAY(FLOAT4, "\145"), STATUS_TOO_LARGE,
				   "embedding cannot have more than 100 dimensions");
	EXPECT_FAILURE("\0\0\0\1\0\0\0\1" FLOAT4 "\0\0\0\1\0\0\0\1" "\377\377\377\377", STATUS_SHAPE_MISMATCH,
				   "array must not contain nulls to become an embedding");
	EXPECT_FAILURE("\0\0\0\2\0\0\0\0" FLOAT4 "\0\0\0\1\0\0\0\1" "\0\0\0\1\0\0\0\1" "\0\0\0\4\0\0\0\0",
				   STATUS_SHAPE_MISMATCH,
				   "array must be one-dimensional to become an embedding");
}

static void
test_text(void)
{
	EXPECT_FAILURE("[1,2,3]", STATUS_BAD_BINARY,
				   "text was sent where binary embedding is expected");
	EXPECT_FAILURE("{1}", STATUS_BAD_BINARY,
				   "text was sent where binary embedding is expected");
}

int
main(void)
{
	RUN(test_layout);
	RUN(test_largest);
	RUN(test_bad_messages);
	RUN(test_raw_numbers);
	RUN(test_arrays);
	RUN(test_text);
	return unit_done();
}
