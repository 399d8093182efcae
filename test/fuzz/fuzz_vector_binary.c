/*
 * fuzz_vector_binary.c
 *	  The binary form of a vector: any bytes, and the round trip of what reads;
 *	  what was an array reads as the vector that it becomes.
 */
#include "base/vector_binary.h"
#include "fuzz.h"

#define MAX 64

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	float		x[MAX];
	uint8_t		again[VECTOR_BINARY_SIZE(MAX)];
	int			n;
	Status		status;

	status_clear(&status);
	if (!vector_binary_check(data, size, MAX, &n, &status))
	{
		MUST(status.code != STATUS_SUCCESS && status.message[0] != '\0');
		return 0;
	}
	MUST(n >= 1 && n <= MAX);
	vector_binary_read(data, n, x);
	vector_binary_write(x, n, again);
	if (size == VECTOR_BINARY_SIZE(n))
		MUST(memcmp(data, again, size) == 0);
	else
		MUST(vector_binary_check(again, VECTOR_BINARY_SIZE(n), MAX, &n,
								 &status));
	return 0;
}
