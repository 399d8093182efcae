/*
 * vector_binary.h
 *	  The binary form of a vector, that of pgvector's "vector": int16
 *	  dimensions, int16 zero, the elements as float4, all big-endian.  Read is
 *	  also what PostgreSQL sends of a one-dimensional array of numbers, which
 *	  clients put in the place of a type that they do not know: int32 number of
 *	  dimensions (1, where a vector has no elements), int32 zero, int32 element
 *	  type, int32 length, int32 lower bound; each element with its int32 size.
 */
#ifndef BASE_VECTOR_BINARY_H
#define BASE_VECTOR_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Bytes of n elements with their header */
#define VECTOR_BINARY_SIZE(n) (4 + 4 * (size_t) (n))

/*
 * Check that size bytes are one vector or array of 1 to max elements, and give
 * their count: what there is to do before allocating.
 */
extern bool vector_binary_check(const uint8_t *bytes, size_t size, int max,
								int *n, Status *status);

/*
 * The elements of bytes that were checked; any float, also NaN, and infinity
 * for a double beyond its range
 */
extern void vector_binary_read(const uint8_t *bytes, int n, float *out);

/* VECTOR_BINARY_SIZE(n) bytes from n elements, n <= 32767 */
extern void vector_binary_write(const float *x, int n, uint8_t *bytes);

#endif							/* BASE_VECTOR_BINARY_H */
