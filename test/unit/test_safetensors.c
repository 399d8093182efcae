/*
 * test_safetensors.c
 *	  Files as their writers make them: metadata, padding, members in any order,
 *	  every type of float; the order of layers; files that lie.
 */
#include <math.h>
#include <stdint.h>

#include "nn/safetensors.h"
#include "unit.h"

static Arena *arena;
static Status status;
static SafeTensors file;
static uint8_t bytes[4096];

/* A file of this header and data */
static size_t
make_file(const char *header, const void *data, size_t size)
{
	size_t		length = strlen(header);

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t) ((uint64_t) length >> 8 * i);
	memcpy(bytes + 8, header, length);
	memcpy(bytes + 8 + length, data, size);
	return 8 + length + size;
}

static bool
opens(const char *header, const void *data, size_t size)
{
	arena_reset(arena);
	status_clear(&status);
	return safetensors_open(bytes, make_file(header, data, size), arena, &file,
							&status);
}

static void
test_types(void)
{
	static const uint8_t data[] = {
		0, 0, 0, 0, 0, 0, 0xF8, 0x3F,	/* F64 1.5 */
		0, 0, 0x20, 0xC0,		/* F32 -2.5 */
		0, 0x3C, 1, 0, 0, 0xFC, 0xFF, 0x7B, /* F16 1, 2^-24, -infinity, 65504 */
		0xC0, 0x3F,				/* BF16 1.5 */
	7, 0, 0, 0, 0, 0, 0, 0};	/* I64 */

	CHECK(opens("{\"__metadata__\":{\"format\":\"pt\",\"a\":\"\\u00e4\\n\"},"
				"\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[22,30]},"
				"\"d\":{\"shape\":[1],\"data_offsets\":[0,8],\"dtype\":\"F64\"},"
				"\"f\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[8,12]},"
				"\"h\":{\"data_offsets\":[12,20],\"dtype\":\"F16\",\"shape\":[2,2]},"
				"\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[20,22]}}   ", data, sizeof(data)));
	CHECK(file.n == 5 && file.nmetadata == 2);
	CHECK(strcmp(safetensors_metadata(&file, "format"), "pt") == 0);
	CHECK(strcmp(safetensors_metadata(&file, "a"), "\xC3\xA4\n") == 0);
	CHECK(safetensors_metadata(&file, "b") == NULL);
	CHECK(safetensors_get(safetensors_find(&file, "d"), 0) == 1.5f);
	CHECK(safetensors_get(safetensors_find(&file, "f"), 0) == -2.5f);
	CHECK(safetensors_get(safetensors_find(&file, "h"), 0) == 1);
	CHECK(safetensors_get(safetensors_find(&file, "h"), 1) == ldexpf(1, -24));
	CHECK(safetensors_get(safetensors_find(&file, "h"), 2) == -INFINITY);
	CHECK(safetensors_get(safetensors_find(&file, "h"), 3) == 65504);
	CHECK(safetensors_get(safetensors_find(&file, "b"), 0) == 1.5f);
	CHECK(safetensors_find(&file, "b")->rank == 0 &&
		  safetensors_find(&file, "b")->count == 1);
	CHECK(safetensors_find(&file, "n")->type == SAFETENSORS_OTHER);
	CHECK(safetensors_find(&file, "x") == NULL);
}

static void
test_order(void)
{
	static const char *const wanted[] = {
		"body/conv2d/kernel", "body/conv2d/bias", "conv2.weight",
		"conv10.weight", "conv10.bias",
		"conv10.running_mean", "conv10.running_var", "conv10.x", "fc.weight",
		"weight"
	};
	char		header[2048] = "{";
	size_t		length = 1;
	static const int shuffled[] = {9, 4, 0, 8, 7, 2, 6, 1, 3, 5};

	for (int i = 0; i < 10; i++)
		length += (size_t) snprintf(header + length, sizeof(header) - length,
									"%s\"%s\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
									i > 0 ? "," : "", wanted[shuffled[i]]);
	snprintf(header + length, sizeof(header) - length, "}");
	CHECK(opens(header, "", 0));
	CHECK(file.n == 10);
	safetensors_sort(&file);
	/* a name without layer is a layer of its own, the first */
	CHECK(strcmp(file.tensors[0].name, wanted[9]) == 0);
	for (int i = 0; i < 9; i++)
		CHECK(strcmp(file.tensors[i + 1].name, wanted[i]) == 0);
}

static void
test_lies(void)
{
	static const char *const headers[] = {
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", /* shape and size */
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", /* beyond the end */
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", /* backwards */
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}",
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}",	/* no offsets */
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}",	/* cut */
		"[]",
		"{\"a\":1}",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		CHECK(!opens(headers[i], "\0\0\0\0", 4));
	status_clear(&status);
	CHECK(!safetensors_open(bytes, 0, arena, &file, &status));
	status_clear(&status);
	CHECK(!safetensors_open((const uint8_t *) "\377\377\377\377\377\377\377\377{}", 10, arena, &file, &status));
}

int
main(void)
{
	arena = arena_create(&arena_malloc_source, ARENA_NO_BUDGET);
	RUN(test_types);
	RUN(test_order);
	RUN(test_lies);
	arena_destroy(arena);
	return unit_done();
}
