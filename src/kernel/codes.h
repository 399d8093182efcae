/*
 * codes.h
 *	  Codes of a node's neighbors: a few bits a dimension from which one pass
 *	  estimates the distances of up to 32 vectors.
 *
 * A block belongs to a node and has one slot per neighbor.  A slot codes the
 * neighbor's residual r, the neighbor minus the node's stored vector in
 * rotated space, as odd integers c of `bits` bits with two factors (RaBitQ,
 * arXiv:2405.12497 and 2409.09913; codes in the node's list as in SymphonyQG,
 * arXiv:2411.12229).  For any vector v in that space, <v, r> is estimated
 * without bias over the rotation as
 *
 *		<v, c> |r|^2 / <r, c>
 *
 * and |v - r|^2 = |v|^2 + |r|^2 - 2 <v, r>.
 *
 * What is done when:
 *	 - per node (L2, cosine): v is the query minus the node's stored vector,
 *	   query->difference after stored_distance(); codes_query_set(), then
 *	   codes_distances() gives the distances from the query to the neighbors.
 *	 - per query (inner product): v is the query itself; codes_query_set() once,
 *	   then for every node codes_products().
 *	 - for a new neighbor: v is its residual; the same functions estimate its
 *	   distances to the neighbors that are there.
 */
#ifndef KERNEL_CODES_H
#define KERNEL_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* Most slots of a block, and the size of every array of estimates */
#define CODES_MAX_SLOTS 32

#define CODES_MAX_DIMS 16384

typedef struct CodesLayout
{
	size_t		dims;			/* of the residuals */
	size_t		coded;			/* how many of them, from the first, are coded */
	int			bits;			/* per coded dimension: 1, 2 or 4 */
	int			degree;			/* slots in use */
	int			groups;			/* of 16 slots each */
	size_t		chunks;			/* of 64 bytes a group */
	size_t		size;			/* bytes of a block */
} CodesLayout;

/*
 * The layout for degree (1 .. 32) neighbors, 1 <= coded <= dims <=
 * CODES_MAX_DIMS.  STATUS_INVALID_VALUE otherwise.  size is
 *		groups * (64 + 64 * ceil(coded * bits / 32)), groups = ceil(degree / 16).
 */
extern bool codes_layout(CodesLayout *layout, size_t dims, size_t coded,
						 int bits, int degree, Status *status);

/* How many dimensions can be coded in so many bytes, at most dims; may be 0 */
extern size_t codes_coded_within(size_t size, size_t dims, int bits,
								 int degree);

/* ---- writing; a block is layout->size bytes at any alignment ---- */

/* Make every slot empty. */
extern void codes_init(const CodesLayout *layout, void *block);

/*
 * Code a residual of dims finite floats into a slot.  A residual of norm zero
 * is fine.
 */
extern void codes_put(const CodesLayout *layout, void *block, int slot,
					  const float *residual);

/* Make a slot empty. */
extern void codes_clear(const CodesLayout *layout, void *block, int slot);

extern bool codes_is_empty(const CodesLayout *layout, const void *block,
						   int slot);

/* |r| of a slot, to 3 digits; infinite if empty */
extern float codes_norm(const CodesLayout *layout, const void *block, int slot);

/* ---- scoring ---- */

typedef struct CodesQuery
{
	float		norm;			/* |v| */
	float		step;			/* of the integers */
	int32_t		sum;			/* of the integers */
	int8_t	   *integers;		/* v in 8 bits, zero beyond the coded ones */
} CodesQuery;

/* NULL when the arena is exhausted. */
extern CodesQuery *codes_query_create(Arena *arena, const CodesLayout *layout);

/* Prepare v, layout->dims floats of Euclidean norm `norm`. */
extern void codes_query_set(const CodesLayout *layout, CodesQuery *query,
							const float *v, double norm);

/*
 * Estimates of |v - r| for every slot: distances, not squared ones, so that
 * they neither overflow nor vanish.  out has CODES_MAX_SLOTS floats; empty
 * slots and damaged factors give infinity, never NaN.
 */
extern void codes_distances(const CodesLayout *layout, const void *block,
							const CodesQuery *query, float *out);

/*
 * Estimates of -(own + <v, r>): with v the query and own its inner product
 * with the node's stored vector, negative inner products of query and
 * neighbors.  Empty slots give infinity.  Squares of norms must fit a float.
 */
extern void codes_products(const CodesLayout *layout, const void *block,
						   const CodesQuery *query, double own, float *out);

/*
 * Estimates of the distances between the neighbor in one slot and those in
 * all, from their codes alone; less exact than codes_distances (see the
 * README).  Zero for the slot itself, infinity for empty ones; all are
 * infinite if the slot is empty.  scratch is any query of the layout.
 */
extern void codes_between(const CodesLayout *layout, const void *block,
						  int slot, CodesQuery *scratch, float *out);

#endif							/* KERNEL_CODES_H */
