/*
 * graph_query.h
 *	  The space of a graph, a vector in it, and scoring records against it.
 */
#ifndef GRAPH_GRAPH_QUERY_H
#define GRAPH_GRAPH_QUERY_H

#include "graph/graph_metric.h"
#include "graph/record.h"

/* What all threads of a graph share; read only once made. */
struct GraphSpace
{
	const GraphMetric *metric;
	GraphShape	shape;
	Space		space;			/* with codes only */
};

/*
 * The rotation named by seed is made in the arena.  center (dims floats, kept)
 * may be NULL; it is not used for inner products.  False and status when out
 * of memory.
 */
extern bool graph_space_init(GraphSpace *space, Arena *arena,
							 const GraphMetric *metric,
							 const GraphShape *shape, uint64_t seed,
							 const float *center, Status *status);

/*
 * A vector that is searched for or inserted.  Of one thread: scoring leaves in
 * it the difference from the node that is scored.
 */
struct GraphQuery
{
	const GraphSpace *space;
	StoredQuery *stored;		/* with codes */
	CodesQuery *codes;
	float	   *x;				/* the vector, mapped if there are codes */
	float	   *original;		/* and as it came; NULL if originals are not
								 * kept */
	bool		exact;			/* bounds are what the operator returns */
	void	   *own;			/* as it would be stored; by
								 * graph_query_encode(), at once if bits */
	float	   *residual;		/* of the vector at a node */
};

/* NULL when the arena is exhausted. */
extern GraphQuery *graph_query_create(Arena *arena, const GraphSpace *space);

/*
 * Prepare a vector of the column, dims floats.  The query becomes exact if what
 * nodes keep allows it.  That holds for operators on float32 and on bits: for
 * another precision of the column or of what is searched for, the caller makes
 * query->exact false.
 */
extern void graph_query_set(GraphQuery *query, const float *vector);

/* Prepare what a node has stored: own, as it would be stored, is the same. */
extern void graph_query_set_stored(GraphQuery *query, const void *own);

/* Fill query->own. */
extern void graph_query_encode(GraphQuery *query);

/* Has the vector no direction, under cosine?  Then every distance is NaN. */
extern bool graph_query_is_zero(const GraphQuery *query);

/*
 * The distance that ranks, of the query to a stored vector: L2 in the mapped
 * space, or the negative inner product; without codes the operator's, as a
 * float.
 */
extern float graph_query_distance(GraphQuery *query, const void *own);

/*
 * What the executor is told, for a result of graph_query_distance(): the
 * operator's own value if the query is exact, else a number that this is not
 * below on any machine.  Infinity where the operator returns NaN, which sorts
 * last.
 */
extern double graph_query_bound(const GraphQuery *query, const void *own,
								float distance);

/*
 * About what the operator returns, for a result of graph_query_distance(): what
 * storing hides is not known, and may go either way.
 */
extern double graph_query_value(const GraphQuery *query, float distance);

/*
 * Everything that access->expand() must give, but for estimates without codes.
 */
extern void graph_query_expand(GraphQuery *query, const GraphRecord *record,
							   const void *own, const GraphBits *seen,
							   GraphExpansion *out);

/* The distance between two stored vectors */
extern float graph_between(const GraphSpace *space, const void *a,
						   const void *b);

/* ---- lists in records; the caller holds the record's lock ---- */

/* Room to decode vectors in while lists and roots are written, of one thread */
struct GraphScratch
{
	float	   *decoded;
	float	   *residual;
};

/* NULL when the arena is exhausted. */
extern GraphScratch *graph_scratch_create(Arena *arena,
										  const GraphShape *shape);

/* Give a newcomer a place in a live record's list if it deserves one. */
extern GraphLinkResult graph_record_link(GraphRecord *record, const void *own,
										 const GraphNewcomer *newcomer);

/* Put a neighbor with this stored vector into a slot of a record. */
extern void graph_record_put(const GraphShape *shape, GraphRecord *record,
							 const void *own, int slot, uint32_t node,
							 float distance, bool selected,
							 const void *neighbor, GraphScratch *scratch);

/*
 * Make a record's neighbors those of the list, whose stored vectors are owns.
 * Those that stay keep their slots.  scratch may be NULL if the list is empty.
 */
extern void graph_record_set_list(const GraphShape *shape, GraphRecord *record,
								  const void *own, const GraphList *list,
								  const void *const *owns,
								  GraphScratch *scratch);

#endif							/* GRAPH_GRAPH_QUERY_H */
