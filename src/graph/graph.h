/*
 * graph.h
 *	  The proximity graph: what a node is, and how the room reaches nodes.
 *
 * The graph is flat: every node has a list of at most "degree" neighbours.
 * Nodes have dense numbers.  All algorithms (search.h, link.h) reach nodes only
 * through a GraphAccess, so that plain memory (memory.h) and an index's pages
 * run the same code.
 *
 * A callback may longjmp: this room owns nothing but memory of its arena and
 * holds no lock across a callback.
 */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/bits.h"

#define GRAPH_NO_NODE UINT32_MAX
#define GRAPH_MIN_DEGREE 8
#define GRAPH_MAX_DEGREE 128

/* Row pointers of a node: rows whose vectors are equal share one. */
#define GRAPH_ROWS 4

/*
 * Distance of two vectors; smaller is nearer, need not be a metric.  NaN is
 * taken for an infinite distance.
 */
typedef float (*GraphDistance) (const float *a, const float *b, size_t n);

/*
 * A list of neighbours.  The first nselected were chosen because no nearer
 * chosen one occludes them; the others fill the list.  Each of the two parts
 * is in ascending order of distance, which is the distance from the owner.
 */
typedef struct GraphList
{
	int			n;
	int			nselected;
	uint32_t	ids[GRAPH_MAX_DEGREE];
	float		distances[GRAPH_MAX_DEGREE];
} GraphList;

/* What an expansion brings. */
typedef struct GraphExpansion
{
	bool		live;			/* false: only the neighbours are of use */
	float		distance;		/* true distance of the query; if live */
	int			nrows;			/* 1 .. GRAPH_ROWS if live */
	uint64_t	rows[GRAPH_ROWS];
	int			n;				/* neighbours, those in "seen" left out */
	uint32_t	ids[GRAPH_MAX_DEGREE];
	float		estimates[GRAPH_MAX_DEGREE];	/* estimated distances */
} GraphExpansion;

/*
 * How the room reaches nodes.  Every function gets context first.  A node is
 * free (no such node), live, or dead (deleted, but still a way to others).
 */
typedef struct GraphAccess
{
	void	   *context;
	GraphDistance distance;
	size_t		dims;
	int			degree;

	/*
	 * Read one node: its rows and true distance, copied under one lock, and
	 * its neighbours with estimated distances.  Neighbours that are in seen
	 * may be left out; if seen is NULL, none are wanted.  False if it is
	 * free.
	 */
	bool		(*expand) (void *context, uint32_t node, const float *query,
						   const GraphBits *seen, GraphExpansion *out);

	/* Distance of a node that is not free; false if it is. */
	bool		(*score) (void *context, uint32_t node, const float *query,
						  float *distance);

	/*
	 * The vector of a node, which need not be live: either a pointer that
	 * stays valid, or a copy in scratch (dims floats).  NULL if it is free.
	 */
	const float *(*vector) (void *context, uint32_t node, float *scratch);

	/* The neighbours of a live or dead node; live says which.  False if free. */
	bool		(*read_list) (void *context, uint32_t node, GraphList *list, bool *live);

	/*
	 * Replace the neighbours of a live node if they are still the expected
	 * ones; false if they are not or the node is not live.
	 */
	bool		(*write_list) (void *context, uint32_t node,
							   const GraphList *expected, const GraphList *list);

	/*
	 * Give the row being inserted to a live node if that has the very same
	 * vector and room; false otherwise.
	 */
	bool		(*merge) (void *context, uint32_t node, const float *vector);

	/*
	 * Make the node being inserted, with these neighbours, and return its
	 * number; GRAPH_NO_NODE if that has become impossible.
	 */
	uint32_t	(*create) (void *context, const float *vector, const GraphList *list);
} GraphAccess;

#endif							/* GRAPH_GRAPH_H */
