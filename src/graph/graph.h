/*
 * graph.h
 *	  The proximity graph: what a node is, and how the room reaches nodes.
 *
 * The graph is flat: every node has a list of at most "degree" neighbors.
 * Nodes have dense numbers.  All algorithms (search.h, link.h) reach nodes only
 * through a GraphAccess, so that plain memory (memory_graph.h) and an index's pages
 * run the same code over the same records (record.h).
 *
 * A callback may longjmp: this room owns nothing but memory of its arena and
 * holds no lock across a callback.
 */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/visited.h"

#define GRAPH_NO_NODE UINT32_MAX
#define GRAPH_MIN_DEGREE 8

/*
 * More than any option asks for, to whole blocks of codes: arrays that have this
 * size take the estimates of whole blocks.
 */
#define GRAPH_MAX_DEGREE 224

/* Most nodes prefetched at a time: three levels of a heap */
#define GRAPH_AHEAD 7

/* Row pointers of a node: rows that are stored alike share one. */
#define GRAPH_ROWS 4

/*
 * Nodes that have stored the same form a ring: each has one neighbor that is
 * the next of them, noted at this distance, so that it never has to give way.
 */
#define GRAPH_RING (-INFINITY)

typedef struct GraphSpace GraphSpace;	/* graph_query.h */
typedef struct GraphQuery GraphQuery;	/* graph_query.h */
typedef struct GraphScratch GraphScratch;	/* graph_query.h */

/*
 * A list of neighbors in no order, with their distances from the owner.  The
 * selected ones were chosen because no nearer chosen one occludes them; the
 * others fill the list.
 */
typedef struct GraphList
{
	int			n;
	uint32_t	ids[GRAPH_MAX_DEGREE];
	float		distances[GRAPH_MAX_DEGREE];
	bool		selected[GRAPH_MAX_DEGREE];
} GraphList;

/* What an expansion brings. */
typedef struct GraphExpansion
{
	bool		live;			/* false: only the neighbors are of use */
	float		distance;		/* of the query and what is stored; if live */
	float		reach;			/* distance and twice the stored vector's
								 * radius: what storing may hide; if live */
	double		bound;			/* of the operator's distance, or that if the
								 * query is exact; not NaN; if live */
	int			nrows;			/* 1 .. GRAPH_ROWS if live */
	uint64_t	rows[GRAPH_ROWS];
	int			n;				/* neighbors, those in "seen" left out */
	uint32_t	ids[GRAPH_MAX_DEGREE];
	float		estimates[GRAPH_MAX_DEGREE];	/* estimated distances */
} GraphExpansion;

/* A node that asks another for a place in its list. */
typedef struct GraphNewcomer
{
	uint32_t	node;
	GraphQuery *query;			/* its vector */
	bool		force;			/* make place in any case */

	/*
	 * Come between the owner and the next of its ring, which must be this
	 * one; GRAPH_NO_NODE if it is in none yet.
	 */
	bool		ring;
	uint32_t	before;

	/*
	 * Without codes: the list that the owner had, and the newcomer's
	 * distances to it.  NULL with codes.
	 */
	const GraphList *expected;
	const float *to;
} GraphNewcomer;

typedef enum GraphLinkResult
{
	GRAPH_LINKED,				/* or was before */
	GRAPH_REFUSED,				/* no place, or the owner is not live */
	GRAPH_CHANGED				/* the list, or the next of the ring, is no
								 * longer the expected one */
} GraphLinkResult;

/*
 * How the room reaches nodes.  Every function gets context first.  A node is
 * free (no such node), live, or dead (deleted, but still a way to others).
 */
typedef struct GraphAccess
{
	void	   *context;
	const GraphSpace *space;

	/*
	 * Read one node under one lock: its rows, distance and bound, and its
	 * neighbors with estimated distances.  Neighbors that are in seen are
	 * left out; if seen is NULL, none are wanted.  False if it is free.
	 */
	bool		(*expand) (void *context, uint32_t node, GraphQuery *query,
						   const GraphBits *seen, GraphExpansion *out);

	/*
	 * Replace the bound of what expand() gave by the operator's least
	 * distance to its rows, which storing hides; false if no row is there.
	 * May be NULL: then bounds are all that can be known.
	 */
	bool		(*refine) (void *context, GraphExpansion *expansion);

	/*
	 * A node is likely to be expanded soon: bring it nearer without waiting
	 * for it.  Returns for how many of the nodes that wait this is wanted
	 * now, 1 to GRAPH_AHEAD: more while reads have to wait.  May be NULL.
	 */
	int			(*prefetch) (void *context, uint32_t node);

	/* Distance of a node that is not free; false if it is. */
	bool		(*score) (void *context, uint32_t node, GraphQuery *query,
						  float *distance);

	/*
	 * The stored vector of a node, which need not be live: either a pointer
	 * that stays valid, or a copy in scratch.  NULL if the node is free.
	 */
	const void *(*own) (void *context, uint32_t node, void *scratch);

	/* The neighbors of a live or dead node; live says which.  False if free. */
	bool		(*read_list) (void *context, uint32_t node, GraphList *list,
							  bool *live);

	/* Ask a node for a place; see graph_record_link(). */
	GraphLinkResult (*link) (void *context, uint32_t owner,
							 const GraphNewcomer *newcomer);

	/*
	 * Replace the neighbors of a live node if they are still the expected
	 * ones; false if they are not or the node is not live.  owns are the
	 * stored vectors of list's nodes.
	 */
	bool		(*rewrite) (void *context, uint32_t node,
							const GraphList *expected,
							const GraphList *list, const void *const *owns,
							GraphScratch *scratch);

	/*
	 * Give a row to a live node if that has stored the very same (query->own)
	 * and has room; false otherwise.
	 */
	bool		(*merge) (void *context, uint32_t node, const GraphQuery *query,
						  uint64_t row);

	/*
	 * A live node that somebody else was inserting when this insertion began,
	 * so that its search may have missed it: another one at each call, at
	 * last GRAPH_NO_NODE.  May be NULL.
	 */
	uint32_t	(*missed) (void *context);

	/*
	 * Make a node of the query's vector with one row and these neighbors, and
	 * return its number; GRAPH_NO_NODE if that has become impossible.
	 */
	uint32_t	(*create) (void *context, const GraphQuery *query, uint64_t row,
						   const GraphList *list, const void *const *owns,
						   GraphScratch *scratch);
} GraphAccess;

#endif							/* GRAPH_GRAPH_H */
