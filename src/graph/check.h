/*
 * check.h
 *	  Whether a record's parts agree with each other: for verification.
 */
#ifndef GRAPH_CHECK_H
#define GRAPH_CHECK_H

#include "graph/graph_query.h"

/*
 * Does the code in a slot stand for this neighbor?  own and neighbor are what
 * the record's node and the neighbor have stored; query is working memory.
 * A code made of the vector before it was stored agrees as well.  True without
 * codes.
 */
extern bool graph_code_agrees(GraphQuery *query, const GraphRecord *record, const void *own,
							  int slot, const void *neighbor);

/*
 * Does the distance noted in a slot agree with what both have stored, to a
 * relative difference of the kernels of two machines?
 */
extern bool graph_distance_agrees(const GraphSpace *space, const void *own, float noted,
								  const void *neighbor);

#endif							/* GRAPH_CHECK_H */
