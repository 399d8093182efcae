/*
 * fuzz.h
 *	  What fuzz targets share.
 *
 * A target feeds bytes to a parser and states what must hold: libFuzzer, the
 * sanitizers and MUST find what breaks.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

#endif							/* FUZZ_H */
