/*
 * check.c
 *	  Whether a record's parts agree with each other.
 *
 * A code, asked about the residual it was made of, estimates a distance of
 * zero, to the rounding of the query: by the way the estimate is scaled that
 * is so for any number of bits.  One of another residual gives about 1.4 times
 * its length.
 */
#include "graph/check.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* In lengths of the residual: above rounding, below another's code */
#define CODE_ERROR 0.5

/* Lengths are noted in 3 digits. */
#define NORM_ERROR 0.02

/* Relative difference of distances computed by different kernels */
#define TOLERANCE 1e-3

/* Beyond this, sums that make a code and an estimate overflow. */
#define LONGEST_CODED (FLT_MAX / 16)

/* What storing hides of two vectors */
static double
radii(const void *a, const void *b)
{
	return (double) stored_head(a).radius + stored_head(b).radius;
}

GraphChecker *
graph_checker_create(Arena *arena, const GraphSpace *space)
{
	GraphChecker *checker = arena_new(arena, GraphChecker);

	if (checker == NULL)
		return NULL;
	checker->space = space;
	checker->scratch = graph_scratch_create(arena, &space->shape);
	if (space->shape.bits > 0)
		checker->codes = codes_query_create(arena, &space->shape.codes);
	if (checker->scratch == NULL ||
		(space->shape.bits > 0 && checker->codes == NULL))
		return NULL;
	return checker;
}

bool
graph_code_agrees(GraphChecker *checker, const GraphRecord *record,
				  const void *own, int slot, const void *neighbor)
{
	const GraphShape *shape = &checker->space->shape;
	GraphScratch *scratch = checker->scratch;
	int			block = slot / CODES_MAX_SLOTS;
	float		estimates[CODES_MAX_SLOTS];
	const CodesLayout *layout;
	double		hidden = radii(own, neighbor);
	double		length;

	/* Vectors that are not known agree with anything. */
	if (shape->bits == 0 || !isfinite(hidden))
		return true;
	layout = graph_shape_codes(shape, block);
	stored_decode(shape->kind, neighbor, shape->dims, scratch->decoded);
	length = stored_residual(shape->kind, scratch->decoded, own, shape->dims,
							 scratch->residual);
	if (!(length <= LONGEST_CODED))
		return true;
	codes_query_set(layout, checker->codes, scratch->residual, length);
	codes_distances(layout, graph_record_codes(shape, record, block),
					checker->codes, estimates);

	/* What is NaN agrees with nothing. */
	return estimates[slot % CODES_MAX_SLOTS] <= CODE_ERROR * length + 2 * hidden &&
		fabs(codes_norm(layout, graph_record_codes(shape, record, block),
						slot % CODES_MAX_SLOTS) - length) <=
		NORM_ERROR * length + 2 * hidden;
}

bool
graph_distance_agrees(const GraphSpace *space, const void *own, float noted,
					  const void *neighbor)
{
	double		norms = (double) stored_head(own).norm + stored_head(neighbor).norm;
	double		slack = radii(own, neighbor) + TOLERANCE * norms;
	double		distance = graph_between(space, own, neighbor);

	if (noted == GRAPH_RING)
		return memcmp(own, neighbor, space->shape.own_size) == 0;
	/* One that floats do not reach may be noted as infinite, or as the last. */
	noted = fminf(noted, FLT_MAX);
	distance = fmin(distance, FLT_MAX);
	if (space->metric == &graph_metric_ip)
		slack *= norms;
	return !(fabs(distance - noted) > slack + TOLERANCE * fabs(distance));
}
