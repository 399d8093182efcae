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

bool
vector_binary_check(const uint8_t *bytes, size_t size, int max, int *n, Status *status)
{
	*n = 0;
	if (size < VECTOR_BINARY_SIZE(0))
		return status_fail(status, STATUS_BAD_BINARY,
						   "binary embedding needs a header of 4 bytes, not %zu", size);
	if (read_int16(bytes + 2) != 0)
		return status_fail(status, STATUS_BAD_BINARY,
						   "expected 0 in the second field of binary embedding, not %d",
						   read_int16(bytes + 2));
	*n = read_int16(bytes);
	if (*n < 1)
		return status_fail(status, STATUS_SHAPE_MISMATCH,
						   "embedding must have at least 1 dimension");
	if (*n > max)
		return status_fail(status, STATUS_TOO_LARGE,
						   "embedding cannot have more than %d dimensions", max);
	if (size != VECTOR_BINARY_SIZE(*n))
		return status_fail(status, STATUS_BAD_BINARY,
						   "binary embedding of %d dimensions needs %zu bytes of elements, not %zu",
						   *n, VECTOR_BINARY_SIZE(*n) - VECTOR_BINARY_SIZE(0),
						   size - VECTOR_BINARY_SIZE(0));
	return true;
}

void
vector_binary_read(const uint8_t *bytes, int n, float *out)
{
	bytes += VECTOR_BINARY_SIZE(0);
	for (int i = 0; i < n; i++, bytes += 4)
	{
		uint32_t	bits = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 |
		(uint32_t) bytes[2] << 8 | bytes[3];

		memcpy(&out[i], &bits, sizeof(bits));
	}
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
