/*
 * metric.c
 *	  The distances that a graph can be built for.
 *
 * alpha is 1.2 on squared distances, that is 1.0954 on plain ones.  A factor
 * above 1 would turn the rule around for negative inner products.
 */
#include "graph/metric.h"

#include <math.h>

#include "kernel/bits.h"
#include "kernel/distance.h"

static float
l1(const float *a, const float *b, size_t n)
{
	return kernel->l1(a, b, n);
}

/* Exact: at most 16,384 */
static float
hamming(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	return (float) kernel_hamming_distance(a, b, bytes);
}

static float
jaccard(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	double		d = kernel_jaccard_distance(a, b, bytes);
	float		f = (float) d;

	return f > d ? nextafterf(f, 0) : f;
}

const GraphMetric graph_metric_l2 = {
	.name = "l2",
	.coded = true,
	.space = SPACE_L2,
	.alpha = 1.0954f,
	.adaptive = true
};

const GraphMetric graph_metric_cosine = {
	.name = "cosine",
	.coded = true,
	.space = SPACE_COSINE,
	.alpha = 1.0954f,
	.adaptive = true
};

const GraphMetric graph_metric_ip = {
	.name = "ip",
	.coded = true,
	.space = SPACE_INNER_PRODUCT,
	.alpha = 1.0f
};

const GraphMetric graph_metric_l1 = {
	.name = "l1",
	.plain = l1,
	.alpha = 1.1f
};

/* The Hamming distance is the squared L2 of zeros and ones. */
const GraphMetric graph_metric_hamming = {
	.name = "hamming",
	.bits = hamming,
	.alpha = 1.2f
};

const GraphMetric graph_metric_jaccard = {
	.name = "jaccard",
	.bits = jaccard,
	.alpha = 1.1f
};
