/*
 * distance_names.c
 *	  Distances by name, as exact search takes them: on any thread, so that
 *	  nothing here may palloc or raise errors.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "embedding/embedding.h"
#include "kernel/vector.h"

static double
distance_l2(const void *q, const void *x)
{
	return embedding_l2_distance(q, x);
}

static double
distance_l2_squared(const void *q, const void *x)
{
	return embedding_l2_squared_distance(q, x);
}

static double
distance_cosine(const void *q, const void *x)
{
	return embedding_cosine_distance(q, x);
}

static double
distance_inner_product(const void *q, const void *x)
{
	return embedding_negative_inner_product(q, x);
}

static double
distance_l1(const void *q, const void *x)
{
	return embedding_l1_distance(q, x);
}

/* Elements that are not floats are decoded here. */
static double
distance_snr(const void *q, const void *x)
{
	float		scratch[2][EMBEDDING_MAX_DIMS];
	const Embedding *query = q;

	return kernel_snr_distance(embedding_floats(query, scratch[0]),
							   embedding_floats(x, scratch[1]), query->dims);
}

static double
distance_hamming(const void *q, const void *x)
{
	return embedding_hamming_distance(q, x);
}

static double
distance_jaccard(const void *q, const void *x)
{
	return embedding_jaccard_distance(q, x);
}

static const EmbeddingMetric metrics[] = {
	{"l2", NEIGHBOR_L2, distance_l2},
	{"euclidean", NEIGHBOR_L2, distance_l2},
	{"squared_euclidean", NEIGHBOR_L2_SQUARED, distance_l2_squared},
	{"cosine", NEIGHBOR_COSINE, distance_cosine},
	{"inner_product", NEIGHBOR_INNER_PRODUCT, distance_inner_product},
	{"l1", NEIGHBOR_OTHER, distance_l1},
	{"manhattan", NEIGHBOR_OTHER, distance_l1},
	{"snr", NEIGHBOR_OTHER, distance_snr},
	{"hamming", NEIGHBOR_OTHER, distance_hamming, true},
	{"jaccard", NEIGHBOR_OTHER, distance_jaccard, true},
};

const EmbeddingMetric *
embedding_metric(const char *name)
{
	for (int i = 0; i < lengthof(metrics); i++)
		if (pg_strcasecmp(metrics[i].name, name) == 0)
			return &metrics[i];
	return NULL;
}

/* What rounding makes of an element, and of a sum of products */
#define ELEMENT_ROUNDING 1e-5
#define SUM_ROUNDING (4 * FLT_EPSILON)

bool
embedding_is_own_distance(const EmbeddingMetric *metric, const Embedding *e, double distance)
{
	double		square = -embedding_negative_inner_product(e, e);

	switch (metric->kind)
	{
		case NEIGHBOR_L2:
			return distance <= ELEMENT_ROUNDING * sqrt(square);
		case NEIGHBOR_L2_SQUARED:
			return distance <= ELEMENT_ROUNDING * ELEMENT_ROUNDING * square;
		case NEIGHBOR_COSINE:
			return distance <= SUM_ROUNDING;
		case NEIGHBOR_INNER_PRODUCT:
			return fabs(distance + square) <= SUM_ROUNDING * square;
		case NEIGHBOR_OTHER:
			break;
	}
	if (metric->distance == distance_l1)
		return distance <= ELEMENT_ROUNDING * sqrt(square);
	return distance <= ELEMENT_ROUNDING * ELEMENT_ROUNDING; /* of snr, a ratio of
															 * squares */
}
