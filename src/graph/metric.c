/*
 * metric.c
 *	  The distances that a graph can be built for.
 *
 * The operators compute with the same kernels on the same floats, so for L2,
 * inner product and L1 the graph's distance gives the operator's value to the
 * last bit.
 *
 * The cosine distance is half the squared L2 distance of the vectors scaled
 * to length 1.  The operator computes it from the vectors as they are, which
 * rounds differently; the slack below covers that.  Let u = 2^-24 and k the
 * longest chain of additions of a kernel, n / 8 plus a few (no kernel has less
 * than 8 lanes).  The operator's three sums are each off by at most k u
 * relative to |a| |b|, which moves its result by at most 2 k u.  Scaling moves
 * each element by u relative, so the squared distance, at most 4, by 4 u and
 * through its sum by 4 k u; half of that is 2 k u + 2 u.  Together 4 k u + 2 u,
 * rounded up.
 *
 * A vector without length is stored as it is and stands at distance 1/2 from
 * all others.  For it the operator gives NaN, which is above every number: a
 * lower bound in any case.
 */
#include "graph/metric.h"

#include <math.h>

#include "kernel/distance.h"

#define UNIT 5.9604644775390625e-8	/* 2^-24 */
#define LEAST_LANES 8
#define OTHER_ADDITIONS 16

static float
l2_squared(const float *a, const float *b, size_t n)
{
	return kernel->l2_squared(a, b, n);
}

static float
negative_inner_product(const float *a, const float *b, size_t n)
{
	return -kernel->inner_product(a, b, n);
}

static float
l1(const float *a, const float *b, size_t n)
{
	return kernel->l1(a, b, n);
}

static double
root(float distance, size_t dims)
{
	return sqrt((double) distance);
}

static double
same(float distance, size_t dims)
{
	return distance;
}

static double
cosine_bound(float distance, size_t dims)
{
	double		additions = (double) dims / LEAST_LANES + OTHER_ADDITIONS;

	return fmax(0.0, distance / 2.0 - (4 * additions + 4) * UNIT);
}

const GraphMetric graph_metric_l2 = {
	.name = "l2",
	.distance = l2_squared,
	.alpha = 1.2f,
	.operator = root
};

const GraphMetric graph_metric_cosine = {
	.name = "cosine",
	.distance = l2_squared,
	.alpha = 1.2f,
	.normalize = true,
	.operator = cosine_bound
};

/* Negative distances: a factor above 1 would turn the rule around. */
const GraphMetric graph_metric_ip = {
	.name = "ip",
	.distance = negative_inner_product,
	.alpha = 1.0f,
	.operator = same
};

/* 1.2 on squared distances is 1.1 on plain ones. */
const GraphMetric graph_metric_l1 = {
	.name = "l1",
	.distance = l1,
	.alpha = 1.1f,
	.operator = same
};
