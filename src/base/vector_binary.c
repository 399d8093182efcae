/*
 * vector_binary.c
 *	  Reading and writing the binary form of a vector.
 */
#include "base/vector_binary.h"

#include <string.h>

static int
read_int16(const uint8_t *bytes)
{
	return (int16_t) (bytes[0] << 8 | bytes[1]);
}

static uint32_t
read_uint32(const uint8_t *bytes)
{
	return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 | bytes[3];
}

static uint64_t
read_uint64(const uint8_t *bytes)
{
	return (uint64_t) read_uint32(bytes) << 32 | read_uint32(bytes + 4);
}

static float
read_float(const uint8_t *bytes)
{
	uint32_t	bits = read_uint32(bytes);
	float		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* ---- arrays of numbers ---- */

#define ARRAY_HEADER_SIZE 20

/* Types of elements by their OIDs, which are fixed in PostgreSQL */
enum
{
	TYPE_INT8 = 20,
	TYPE_INT2 = 21,
	TYPE_INT4 = 23,
	TYPE_FLOAT4 = 700,
	TYPE_FLOAT8 = 701
};

#define ARRAY_MAX_DIMENSIONS 6

/* No vector: it would have no elements and a second field that is not zero. */
static bool
is_array(const uint8_t *bytes, size_t size)
{
	return size >= VECTOR_BINARY_SIZE(0) && read_uint32(bytes) >= 1 &&
		read_uint32(bytes) <= ARRAY_MAX_DIMENSIONS;
}

/* Bytes of an element; 0 for a type that is not read */
static size_t
array_element_size(uint32_t type)
{
	switch (type)
	{
		case TYPE_INT2:
			return 2;
		case TYPE_INT4:
		case TYPE_FLOAT4:
			return 4;
		case TYPE_INT8:
		case TYPE_FLOAT8:
			return 8;
		default:
			return 0;
	}
}

/* Each element must say its size: a null says -1. */
static bool
check_array_elements(const uint8_t *bytes, int n, size_t size, Status *status)
{
	for (int i = 0; i < n; i++, bytes += 4 + size)
	{
		if (read_uint32(bytes) == UINT32_MAX)
			return status_fail(status, STATUS_SHAPE_MISMATCH,
							   "array must not contain nulls to become an embedding");
		if (read_uint32(bytes) != size)
			return status_fail(status, STATUS_BAD_BINARY,
							   "element %d of binary array needs %zu bytes, not %u",
							   i + 1, size, read_uint32(bytes));
	}
	return true;
}

static bool
check_array(const uint8_t *bytes, size_t size, int max, int *n, Status *status)
{
	size_t		element_size;
	uint32_t	count;

	if (size < ARRAY_HEADER_SIZE)
		return status_fail(status, STATUS_BAD_BINARY,
						   "expected 0 in the second field of binary embedding, not %d", read_int16(bytes + 2));
	if (read_uint32(bytes) != 1)
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "array must be one-dimensional to become an embedding");
	element_size = array_element_size(read_uint32(bytes + 8));
	if (element_size == 0)
	{
		status_fail(status, STATUS_BAD_BINARY,
					"binary array of the type with OID %u cannot become an embedding", read_uint32(bytes + 8));
		return status_hint(status,
						   "Send smallint[], integer[], bigint[], real[] or double precision[].");
	}
	count = read_uint32(bytes + 12);
	if (count < 1)
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "embedding must have at least 1 dimension");
	if (count > (uint32_t) max)
		return status_fail(status, STATUS_TOO_LARGE,
						   "embedding cannot have more than %d dimensions",
						   max);
	*n = (int) count;
	/* a null has no bytes, so that their number would be wrong as well */
	if (size < ARRAY_HEADER_SIZE + count * (4 + element_size) &&
		read_uint32(bytes + 4) != 0)
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "array must not contain nulls to become an embedding");
	if (size != ARRAY_HEADER_SIZE + count * (4 + element_size))
		return status_fail(status, STATUS_BAD_BINARY,
						   "binary array of %d elements needs %zu bytes of elements, not %zu",
						   *n, count * (4 + element_size), size - ARRAY_HEADER_SIZE);
	return check_array_elements(bytes + ARRAY_HEADER_SIZE, *n, element_size,
								status);
}

static float
array_element(const uint8_t *bytes, uint32_t type)
{
	uint64_t	bits;
	double		x;

	switch (type)
	{
		case TYPE_INT2:
			return (float) read_int16(bytes);
		case TYPE_INT4:
			return (float) (int32_t) read_uint32(bytes);
		case TYPE_INT8:
			return (float) (int64_t) read_uint64(bytes);
		case TYPE_FLOAT8:
			bits = read_uint64(bytes);
			memcpy(&x, &bits, sizeof(x));
			return (float) x;
		default:
			return read_float(bytes);
	}
}

static void
read_array(const uint8_t *bytes, int n, float *out)
{
	uint32_t	type = read_uint32(bytes + 8);
	size_t		size = array_element_size(type);

	bytes += ARRAY_HEADER_SIZE;
	for (int i = 0; i < n; i++, bytes += 4 + size)
		out[i] = array_element(bytes + 4, type);
}

/* ---- vectors ---- */

/* No vector either: it would have more than 23,000 dimensions. */
static bool
is_text(const uint8_t *bytes, size_t size)
{
	return size > 0 && (bytes[0] == '[' || bytes[0] == '{');
}

/* Numbers as they stand in memory come from clients that take them for bytes. */
static bool
hint_at_raw_numbers(Status *status)
{
	return status_hint(status,
					   "Send numbers that have no header, such as a Float32Array of JavaScript, as text, [1,2.5,-3], or as an array.");
}

bool
vector_binary_check(const uint8_t *bytes, size_t size, int max, int *n,
					Status *status)
{
	*n = 0;
	if (is_text(bytes, size))
	{
		status_fail(status, STATUS_BAD_BINARY,
					"text was sent where binary embedding is expected");
		return status_hint(status,
						   "Register the type with the client, by its codec for pgvector's vector, or send values as text.");
	}
	if (size < VECTOR_BINARY_SIZE(0))
		return status_fail(status, STATUS_BAD_BINARY,
						   "binary embedding needs a header of 4 bytes, not %zu", size);
	if (is_array(bytes, size))
		return check_array(bytes, size, max, n, status);
	if (read_int16(bytes + 2) != 0)
	{
		status_fail(status, STATUS_BAD_BINARY,
					"expected 0 in the second field of binary embedding, not %d",
					read_int16(bytes + 2));
		return hint_at_raw_numbers(status);
	}
	*n = read_int16(bytes);
	if (*n < 0 || (*n == 0 && size == VECTOR_BINARY_SIZE(0)))
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "embedding must have at least 1 dimension");
	if (*n > max)
		return status_fail(status, STATUS_TOO_LARGE,
						   "embedding cannot have more than %d dimensions",
						   max);
	if (size != VECTOR_BINARY_SIZE(*n))
	{
		status_fail(status, STATUS_BAD_BINARY,
					"binary embedding of %d dimensions needs %zu bytes of elements, not %zu",
					*n, VECTOR_BINARY_SIZE(*n) - VECTOR_BINARY_SIZE(0),
					size - VECTOR_BINARY_SIZE(0));
		return hint_at_raw_numbers(status);
	}
	return true;
}

void
vector_binary_read(const uint8_t *bytes, int n, float *out)
{
	if (is_array(bytes, VECTOR_BINARY_SIZE(0)))
	{
		read_array(bytes, n, out);
		return;
	}
	bytes += VECTOR_BINARY_SIZE(0);
	for (int i = 0; i < n; i++, bytes += 4)
		out[i] = read_float(bytes);
}

void
vector_binary_write(const float *x, int n, uint8_t *bytes)
{
	*bytes++ = (uint8_t) (n >> 8);
	*bytes++ = (uint8_t) n;
	*bytes++ = 0;
	*bytes++ = 0;
	for (int i = 0; i < n; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &x[i], sizeof(bits));
		for (int shift = 24; shift >= 0; shift -= 8)
			*bytes++ = (uint8_t) (bits >> shift);
	}
}
