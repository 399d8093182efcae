/*
 * space.c
 *	  Centering, normalizing and rotating, with a bound on the rounding.
 */
#include "kernel/space.h"

#include <math.h>
#include <string.h>

#include "kernel/vector.h"

#define ROUNDING 0x1p-24

void
space_init(Space *space, SpaceMetric metric, const Rotation *rotation,
		   const float *center)
{
	space->metric = metric;
	space->rotation = rotation;
	space->center = center;
	space->center_norm = center == NULL ? 0 :
		kernel_norm(center, rotation->dims) * (1 + 1e-9);
}

/*
 * Normalizing and centering round each element once, by at most half a unit of
 * their result; what is below the smallest normal float is in the constant of
 * rotation_error.
 */
static double
map(const Space *space, const float *x, const float *center, float *out)
{
	size_t		dims = space->rotation->dims;
	double		error = 0;
	double		norm;

	if (space->metric == SPACE_COSINE)
	{
		if (!kernel_normalize(x, dims, out))
			error = NAN;
		error += ROUNDING * 1.001;
	}
	else
		memcpy(out, x, dims * sizeof(float));
	if (center != NULL)
		kernel_subtract(out, center, dims, out);
	norm = kernel_norm(out, dims);
	if (center != NULL)
		error += norm * ROUNDING * 1.001;
	rotation_apply(space->rotation, out);
	error += rotation_error(space->rotation, norm * (1 + 1e-6));
	if (!isnan(error) && !isfinite(kernel_norm(out, dims)))
		return INFINITY;
	return error;
}

double
space_map(const Space *space, const float *x, float *out)
{
	return map(space, x, space->center, out);
}

double
space_map_query(const Space *space, const float *q, float *out)
{
	return map(space, q, space->metric == SPACE_INNER_PRODUCT ? NULL :
			   space->center, out);
}
