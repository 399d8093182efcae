/*
 * match.h
 *	  The match of a query: a label, or "unknown".
 */
#ifndef GALLERY_MATCH_H
#define GALLERY_MATCH_H

#include "postgres.h"

#include "gallery/lookup.h"

/*
 * The match of query among the neighbors that plan (of NEIGHBOR_KEYS) finds,
 * as label, distance, cut point's name and distance, evidence, accepted.
 */
#define MATCH_VALUES 6
extern void match_values(const Gallery *gallery, SPIPlanPtr plan,
						 const Embedding *query,
						 EvalMatcher matcher, const Cutpoint *cutpoint,
						 Datum *values, bool *nulls);

#endif							/* GALLERY_MATCH_H */
