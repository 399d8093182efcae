/*
 * check.h
 *	  Whether a record's parts agree with each other: for verification.
 */
#ifndef GRAPH_CHECK_H
#define GRAPH_CHECK_H

#include "graph/graph_query.h"

/* What it takes to ask codes */
typedef struct GraphChecker
{
	const GraphSpace *space;
	GraphScratch *scratch;
	CodesQuery *codes;			/* NULL without codes */
} GraphChecker;

/* NULL when the arena is exhausted. */
extern GraphChecker *graph_checker_create(Arena *arena,
										  const GraphSpace *space);

/*
 * Does the code in a slot stand for this neighbor?  own and neighbor are what
 * the record's node and the neighbor have stored.  A code made of the vector
 * before it was stored agrees as well.  True without codes.
 */
extern bool graph_code_agrees(GraphChecker *checker, const GraphRecord *record,
							  const void *own, int slot, const void *neighbor);

/*
 * Does the distance noted in a slot agree with what both have stored, to a
 * relative difference of the kernels of two machines?
 */
extern bool graph_distance_agrees(const GraphSpace *space, const void *own,
								  float noted, const void *neighbor);

#endif							/* GRAPH_CHECK_H */
