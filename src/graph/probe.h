/*
 * probe.h
 *	  After a build's first pass: are the vectors hard to find in the graph, so
 *	  that a further pass is worth its time?
 *
 *	  probe = graph_probe_create(arena, memory, root, status);
 *	  while (graph_probe_step(probe, status))
 *		  ... look at interrupts ...
 *	  graph_probe_recall(probe), graph_probe_is_hard(probe)
 *
 * What a sample of the nodes holds is searched for with a usual effort and with
 * ten times that.  Where the graph is good both find the same.  True neighbors
 * are not asked for: to find them takes a look at all nodes.
 */
#ifndef GRAPH_PROBE_H
#define GRAPH_PROBE_H

#include "graph/memory_graph.h"
#include "graph/root.h"

typedef struct GraphProbe GraphProbe;

/*
 * Of a graph that has nodes; the root may have none.  NULL and status when out
 * of memory.
 */
extern GraphProbe *graph_probe_create(Arena *arena, GraphMemory *memory,
									  const GraphRoot *root, Status *status);

/* Look at a few nodes more; false when that is done, or with a status. */
extern bool graph_probe_step(GraphProbe *probe, Status *status);

/* The share of what the wide searches found that the usual ones find too */
extern double graph_probe_recall(const GraphProbe *probe);

/*
 * Is much missed, and have lists room for what another pass would find?  If
 * they are full, as with random numbers without any structure, a further pass
 * brings little.
 */
extern bool graph_probe_is_hard(const GraphProbe *probe);

#endif							/* GRAPH_PROBE_H */
