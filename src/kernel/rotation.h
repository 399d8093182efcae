/*
 * rotation.h
 *	  A random rotation of d-dimensional vectors in time d log d.
 *
 * It spreads every vector evenly over all coordinates, so that a few bits per
 * coordinate code any vector equally well and the first coordinates stand for
 * all of them.  Named by (dims, seed): the result has the same bits on every
 * machine and instruction set.
 */
#ifndef KERNEL_ROTATION_H
#define KERNEL_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

#define ROTATION_MAX_DIMS 16384

/* Rounds of signs and a Hadamard block */
#define ROTATION_ROUNDS 4

typedef struct Rotation
{
	size_t		dims;
	size_t		block;			/* largest power of two <= dims */
	double		relative_error; /* see rotation_error */
	float	   *factors[ROTATION_ROUNDS];	/* signs times norms */
} Rotation;

/*
 * The rotation of 1 <= dims <= ROTATION_MAX_DIMS, 16 bytes a dimension in the
 * arena.  NULL with STATUS_INVALID_VALUE or STATUS_OUT_OF_MEMORY.
 */
extern Rotation *rotation_create(Arena *arena, size_t dims, uint64_t seed,
								 Status *status);

/* Rotate dims floats in place.  Not finite where intermediate sums overflow,
 * which takes a norm above 1e38. */
extern void rotation_apply(const Rotation *rotation, float *x);

/*
 * Bound on |computed - exact| for a vector of the given norm, where exact is
 * an orthonormal transform of the input.  Rigorous; see the README.
 */
extern double rotation_error(const Rotation *rotation, double norm);

#endif							/* KERNEL_ROTATION_H */
