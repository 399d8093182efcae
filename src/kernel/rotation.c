/*
 * rotation.c
 *	  Random rotation: four rounds of random signs and a Hadamard block.
 *
 * The block is the largest power of two within dims, and lies over the first
 * coordinates and over the last ones in turns.  Where it is not everything,
 * one butterfly of coordinate i and i + dims/2 (a step of Kac's walk) between
 * the second and the third round mixes the two ends, which may overlap by
 * little.  It is in the middle because whatever comes last leaves its pattern:
 * a butterfly there doubles some coordinates and cancels others.  Nothing is
 * padded.
 *
 * Every step but the signs is sums and differences only; the norms that make
 * them orthonormal, 1/sqrt(block) and 1/sqrt(2), are folded into the signs.  A
 * product is stored before it is added to anything, so no compiler can fuse
 * the two, and equal operations in equal order give equal bits on all
 * machines.
 */
#include "kernel/rotation.h"

#include <math.h>

#include "base/random.h"
#include "kernel/code_kernels.h"

/* Stream of the signs; see base/random.h */
#define ROTATION_STREAM 0x726f74

/* The round that the butterfly comes before */
#define BUTTERFLY_BEFORE 2

#define ROUNDING 0x1p-24

static size_t
first_of_block(const Rotation *rotation, int round)
{
	return round % 2 == 0 ? 0 : rotation->dims - rotation->block;
}

/*
 * Norm-wise error: a sum, a difference or a product is off by at most one
 * rounding of its result, a factor by another.  Each stage is an orthogonal
 * matrix times a number, so relative errors add up.
 */
static double
relative_error_of(const Rotation *rotation)
{
	int			stages = 0;

	while (((size_t) 1 << stages) < rotation->block)
		stages++;
	return (ROTATION_ROUNDS * (stages + 2) + 1) * ROUNDING * 1.001;
}

static void
fill_factors(Rotation *rotation, uint64_t seed)
{
	size_t		dims = rotation->dims;
	double		block_norm = 1 / sqrt((double) rotation->block);

	for (int round = 0; round < ROTATION_ROUNDS; round++)
	{
		size_t		first = first_of_block(rotation, round);
		bool		after_butterfly = round == BUTTERFLY_BEFORE &&
		rotation->block < dims;

		for (size_t i = 0; i < dims; i++)
		{
			uint64_t	bits = random_at(seed, ROTATION_STREAM,
										 (uint64_t) round * dims + i);
			double		norm = 1;

			if (i >= first && i < first + rotation->block)
				norm *= block_norm;
			if (after_butterfly && i < dims / 2 * 2)
				norm *= M_SQRT1_2;
			rotation->factors[round][i] = (float) (bits >> 63 ? -norm : norm);
		}
	}
}

Rotation *
rotation_create(Arena *arena, size_t dims, uint64_t seed, Status *status)
{
	Rotation   *rotation;

	if (dims < 1 || dims > ROTATION_MAX_DIMS)
	{
		status_fail(status, STATUS_INVALID_VALUE,
					"cannot rotate vectors of %zu dimensions", dims);
		status_detail(status, "The number of dimensions must be between 1 and %d.",
					  ROTATION_MAX_DIMS);
		return NULL;
	}
	rotation = arena_new(arena, Rotation);
	for (int round = 0; rotation != NULL && round < ROTATION_ROUNDS; round++)
	{
		rotation->factors[round] = arena_new_array(arena, dims, float);
		if (rotation->factors[round] == NULL)
			rotation = NULL;
	}
	if (rotation == NULL)
	{
		status_out_of_memory(status, NULL);
		return NULL;
	}
	rotation->dims = dims;
	rotation->block = 1;
	while (rotation->block * 2 <= dims)
		rotation->block *= 2;
	rotation->relative_error = relative_error_of(rotation);
	fill_factors(rotation, seed);
	return rotation;
}

void
rotation_apply(const Rotation *rotation, float *x)
{
	size_t		dims = rotation->dims;
	size_t		half = dims / 2;

	for (int round = 0; round < ROTATION_ROUNDS; round++)
	{
		if (round == BUTTERFLY_BEFORE && rotation->block < dims)
			code_kernels->butterfly(x, x + half, half);
		code_kernels->scale(x, rotation->factors[round], dims);
		code_kernels->hadamard(x + first_of_block(rotation, round),
							   rotation->block);
	}
}

double
rotation_error(const Rotation *rotation, double norm)
{
	/* The constant covers results too small for a relative error. */
	return rotation->relative_error * norm + 1e-40;
}
