/*
 * list.h
 *	  Which neighbors a node keeps.
 */
#ifndef GRAPH_LIST_H
#define GRAPH_LIST_H

#include "graph/record.h"

/* Is a, nearer to the owner than b, so near b that b need not be linked? */
static inline bool
graph_occludes(float alpha, float a_to_b, float owner_to_b)
{
	return alpha * a_to_b <= owner_to_b;
}

/* A list is filled with occluded nodes up to this length. */
static inline int
graph_list_filled(int degree)
{
	return degree / 2;
}

/* Append a neighbor; the list must have room. */
extern void graph_list_append(GraphList *list, uint32_t node, float distance,
							  bool selected);

/* Where a newcomer goes */
typedef struct GraphPlace
{
	int			slot;			/* -1: nowhere */
	bool		selected;
} GraphPlace;

/*
 * Find a place for a newcomer at a distance from the record's node, with
 * distances to[] from the neighbors in each slot.  Selected neighbors that
 * the newcomer occludes become fill.  force makes place in any case.
 */
extern GraphPlace graph_list_place(const GraphShape *shape, GraphRecord *record,
								   float alpha, float distance, const float *to,
								   bool force);

#endif							/* GRAPH_LIST_H */
