/*
 * stored.h
 *	  Stored approximations of vectors, with rigorous bounds on the operators'
 *	  distances.
 *
 * A stored vector is a head of 12 bytes and dims elements of 1, 2 or 4 bytes,
 * or of a bit.
 * Its radius is a bound on the distance between what it decodes to and the
 * exact image of the column's vector (space.h), so that the triangle
 * inequality turns a distance to the stored vector into a lower bound of the
 * distance to the real one.
 */
#ifndef KERNEL_STORED_H
#define KERNEL_STORED_H

#include "kernel/space.h"

typedef enum StoredKind
{
	STORED_INT8,				/* scale times -127 .. 127 */
	STORED_HALF,				/* scale, a power of two, times IEEE halves */
	STORED_FLOAT,				/* float32 as they are */
	STORED_BIT					/* is it above zero? for distances of bits */
} StoredKind;

typedef struct StoredHead
{
	float		scale;			/* of the elements */
	float		radius;			/* >= |decoded - exact image|; infinite if not
								 * known, NaN if there is no image */
	float		norm;			/* |decoded|, rounded to nearest */
} StoredHead;

/* Bytes of a stored vector, which is aligned to 4. */
extern size_t stored_size(StoredKind kind, size_t dims);

/*
 * Store x, dims floats from space_map(), and the error that it returned.
 * Elements that are not finite give a radius of infinity.
 */
extern void stored_encode(StoredKind kind, const float *x, size_t dims,
						  double error, void *stored);

/* What was stored, as dims floats */
extern void stored_decode(StoredKind kind, const void *stored, size_t dims,
						  float *out);

extern StoredHead stored_head(const void *stored);

/* Could the head have been written by stored_encode?  For untrusted pages. */
extern bool stored_is_sound(const void *stored);

/*
 * A query, prepared once a scan.
 */
typedef struct StoredQuery
{
	const Space *space;
	float	   *x;				/* mapped query */
	float	   *difference;		/* x - the stored vector last measured; not
								 * under inner product */
	double		norm;			/* of x, rounded up */
	double		error;			/* >= |x - exact image| */
	double		center_product; /* <q, center> under inner product */
} StoredQuery;

/* Space for a query; NULL when the arena is exhausted. */
extern StoredQuery *stored_query_create(Arena *arena, const Space *space);

/* Prepare q, dims floats of the column's kind. */
extern void stored_query_set(StoredQuery *query, const float *q);

/*
 * The distance from the query to a stored vector: L2 in the mapped space for
 * L2 and cosine, the negative inner product otherwise.  It ranks; it may be
 * above or below the operator's.  For L2 and cosine query->difference is set,
 * from which the node's codes score its neighbors.
 */
extern double stored_distance(StoredQuery *query, StoredKind kind,
							  const void *stored);

/*
 * A lower bound of what the operator returns for the query and the column's
 * vector, on any machine, given stored_distance()'s result for it: at least
 * the operator's own minimum (0, 0, -infinity); NaN under cosine if either
 * vector has no length, where the operator gives NaN.
 */
extern double stored_bound(const StoredQuery *query, const void *stored,
						   double distance);

/*
 * A lower bound of a sum of dims absolute differences, given what another
 * kernel than the operator's, or another machine, computed of the same numbers
 */
extern double stored_sum_bound(double sum, size_t dims);

/*
 * L2 distance between two stored vectors as decoded, for building.  The
 * square's error is at most 1e-6 times the larger squared norm.
 */
extern double stored_between(StoredKind kind, const void *a, const void *b,
							 size_t dims);

/* out = x - the stored vector: the residual of a neighbor x; returns its norm */
extern double stored_residual(StoredKind kind, const float *x,
							  const void *stored, size_t dims, float *out);

#endif							/* KERNEL_STORED_H */
