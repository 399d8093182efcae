/*
 * fuzz_element.c
 *	  Element kinds: any finite floats encode, and decode to what encodes
 *	  again; any bytes that call themselves sound decode to finite floats.
 *
 * The first byte chooses the kind, the next four are the scale for decoding.
 */
#include <math.h>

#include "fuzz.h"
#include "kernel/bits.h"
#include "kernel/element.h"

static void
check_encode(ElementKind kind, const uint8_t *data, size_t size)
{
	size_t		n = size / sizeof(float);
	float	   *x = malloc(size + 1);
	float	   *decoded = malloc(size + 1);
	uint8_t    *stored = malloc(element_size(kind, n) + 1);
	uint8_t    *again = malloc(element_size(kind, n) + 1);
	float		scale;
	float		scale_again;

	memcpy(x, data, n * sizeof(float));
	for (size_t i = 0; i < n; i++)
		x[i] = isfinite(x[i]) ? x[i] : 0;
	if (element_encode(kind, x, n, stored, &scale) == n)
	{
		MUST(element_is_sound(kind, stored, scale, n));
		element_decode(kind, stored, scale, n, decoded);
		MUST(element_encode(kind, decoded, n, again, &scale_again) == n);
		MUST(scale == scale_again);
		MUST(memcmp(stored, again, element_size(kind, n)) == 0);
	}
	else
		MUST(kind == ELEMENT_HALF);
	free(x);
	free(decoded);
	free(stored);
	free(again);
}

static void
check_decode(ElementKind kind, float scale, const uint8_t *data, size_t size)
{
	size_t		n = kind == ELEMENT_BIT ? 8 * size :
	size / element_size(kind, 1);
	float	   *x = malloc(n * sizeof(float) + 1);

	if (element_is_sound(kind, data, scale, n))
	{
		element_decode(kind, data, scale, n, x);
		for (size_t i = 0; kind != ELEMENT_FLOAT && i < n; i++)
			MUST(isfinite(x[i]));
	}
	free(x);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ElementKind kind;
	float		scale;
	size_t		half;

	if (size < 5)
		return 0;
	kind = (ElementKind) (data[0] % ELEMENT_KINDS);
	memcpy(&scale, data + 1, sizeof(scale));
	data += 5;
	size -= 5;
	check_encode(kind, data, size);
	check_decode(kind, data[-5] & 0x80 ? 1 : scale, data, size);
	half = size / 2;
	MUST(kernel_hamming_distance(data, data + half, half) <= 8 * half);
	MUST(kernel_jaccard_distance(data, data + half, half) <= 1);
	return 0;
}
