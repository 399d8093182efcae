/*
 * graph_metric.h
 *	  The distances that a graph can be built for.
 */
#ifndef GRAPH_GRAPH_METRIC_H
#define GRAPH_GRAPH_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/space.h"

typedef struct GraphMetric
{
	const char *name;			/* as in the operator class: l2, cosine, ip,
								 * l1, hamming, jaccard */

	/*
	 * With codes, vectors are mapped to this space, where distances are L2 or
	 * negative inner products.  Without, they are stored as they are, as
	 * floats or as bits.  plain() ranks floats.
	 */
	bool		coded;
	SpaceMetric space;
	float		(*plain) (const float *a, const float *b, size_t n);

	/*
	 * What the operator returns for two vectors of n float32, or of so many
	 * bytes of bits: the other is NULL.
	 */
	double		(*floats) (const float *a, const float *b, size_t n);
	double		(*bits) (const uint8_t *a, const uint8_t *b, size_t bytes);

	float		alpha;			/* see graph_occludes() */
	bool		adaptive;		/* may estimates end a search early? */
} GraphMetric;

extern const GraphMetric graph_metric_l2;
extern const GraphMetric graph_metric_cosine;
extern const GraphMetric graph_metric_ip;
extern const GraphMetric graph_metric_l1;
extern const GraphMetric graph_metric_hamming;
extern const GraphMetric graph_metric_jaccard;

#endif							/* GRAPH_GRAPH_METRIC_H */
