/*
 * graph_metric.c
 *	  The distances that a graph can be built for.
 *
 * alpha is 1.2 on squared distances, that is 1.0954 on plain ones.  A factor
 * above 1 would turn the rule around for negative inner products.
 */
#include "graph/graph_metric.h"

#include <math.h>

#include "kernel/bits.h"
#include "kernel/distance.h"

static float
l1(const float *a, const float *b, size_t n)
{
	return kernel->l1(a, b, n);
}

/* The operators' own results, as src/embedding/distance_operators.c has them */

static double
floats_l2(const float *a, const float *b, size_t n)
{
	return sqrt(kernel_l2_squared_distance(a, b, n));
}

static double
floats_inner_product(const float *a, const float *b, size_t n)
{
	return -kernel_inner_product(a, b, n);
}

static double
bits_hamming(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	return (double) kernel_hamming_distance(a, b, bytes);
}

const GraphMetric graph_metric_l2 = {
	.name = "l2",
	.coded = true,
	.space = SPACE_L2,
	.floats = floats_l2,
	.alpha = 1.0954f,
	.adaptive = true
};

const GraphMetric graph_metric_cosine = {
	.name = "cosine",
	.coded = true,
	.space = SPACE_COSINE,
	.floats = kernel_cosine_distance,
	.alpha = 1.0954f,
	.adaptive = true
};

const GraphMetric graph_metric_ip = {
	.name = "ip",
	.coded = true,
	.space = SPACE_INNER_PRODUCT,
	.floats = floats_inner_product,
	.alpha = 1.0f
};

const GraphMetric graph_metric_l1 = {
	.name = "l1",
	.plain = l1,
	.floats = kernel_l1_distance,
	.alpha = 1.1f
};

/* The Hamming distance is the squared L2 of zeros and ones. */
const GraphMetric graph_metric_hamming = {
	.name = "hamming",
	.bits = bits_hamming,
	.alpha = 1.2f
};

const GraphMetric graph_metric_jaccard = {
	.name = "jaccard",
	.bits = kernel_jaccard_distance,
	.alpha = 1.1f
};
