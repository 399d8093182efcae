/*
 * metric.h
 *	  The distances that a graph can be built for.
 */
#ifndef GRAPH_METRIC_H
#define GRAPH_METRIC_H

#include "graph/graph.h"

typedef struct GraphMetric
{
	const char *name;			/* as in the operator class: l2, cosine, ip,
								 * l1 */
	GraphDistance distance;		/* what the graph is ordered by */
	float		alpha;			/* see graph_occludes() */

	/*
	 * Vectors are stored and compared scaled to length 1.  Then what operator
	 * gives is a lower bound of the operator's value, else that value itself.
	 */
	bool		normalize;

	/* from the graph's distance to the operator's */
	double		(*operator) (float distance, size_t dims);
} GraphMetric;

extern const GraphMetric graph_metric_l2;
extern const GraphMetric graph_metric_cosine;
extern const GraphMetric graph_metric_ip;
extern const GraphMetric graph_metric_l1;

#endif							/* GRAPH_METRIC_H */
