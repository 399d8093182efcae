/*
 * list.c
 *	  Neighbor lists and their incremental pruning.
 *
 * The rule is DiskANN's (Subramanya et al., 2019): going through candidates
 * from near to far, one is left out if a neighbor already chosen is alpha
 * times nearer to it than the owner is.  Of those left out the nearest fill
 * the list up to half its degree, so that crowds of equal vectors stay linked.
 *
 * Adding one node applies the rule to that node only, against the selected
 * neighbors, instead of running the whole selection again: that needs one
 * distance for each neighbor and gives the same recall (see the README).
 */
#include "graph/list.h"

void
graph_list_append(GraphList *list, uint32_t node, float distance, bool selected)
{
	list->ids[list->n] = node;
	list->distances[list->n] = distance;
	list->selected[list->n] = selected;
	list->n++;
}

/* Of a bit map in a record */
static bool
is_selected(const uint32_t *selected, int slot)
{
	return (selected[slot / 32] >> (slot % 32) & 1) != 0;
}

/*
 * By a selected neighbor that is nearer to the owner: alpha times the
 * newcomer's distance to it is not greater than that to the owner.
 */
static bool
newcomer_is_occluded(int degree, const float *distances,
					 const uint32_t *selected, float alpha, float distance,
					 const float *to)
{
	for (int i = 0; i < degree; i++)
		if (is_selected(selected, i) && distances[i] <= distance &&
			graph_occludes(alpha, to[i], distance))
			return true;
	return false;
}

/*
 * Selected neighbors farther than the newcomer and occluded by it become fill.
 */
static void
demote(int degree, const float *distances, uint32_t *selected, float alpha,
	   float distance, const float *to)
{
	for (int i = 0; i < degree; i++)
		if (is_selected(selected, i) && distances[i] > distance &&
			graph_occludes(alpha, to[i], distances[i]))
			selected[i / 32] &= ~(UINT32_C(1) << (i % 32));
}

/* The slot of the farthest neighbor that is selected, or is not; -1 if none */
static int
farthest(const GraphShape *shape, const GraphRecord *record, bool selected)
{
	const uint32_t *ids = graph_record_ids(record);
	const float *distances = graph_record_distances(shape, record);
	int			slot = -1;

	for (int i = 0; i < shape->degree; i++)
	{
		if (ids[i] != GRAPH_NO_NODE &&
			is_selected(graph_record_selected(shape, record), i) == selected &&
			(slot < 0 || distances[i] > distances[slot]))
			slot = i;
	}
	return slot;
}

/* -1 if the list is full */
static int
first_empty(const GraphShape *shape, const GraphRecord *record)
{
	for (int i = 0; i < shape->degree; i++)
		if (graph_record_ids(record)[i] == GRAPH_NO_NODE)
			return i;
	return -1;
}

GraphPlace
graph_list_place(const GraphShape *shape, GraphRecord *record, float alpha,
				 float distance, const float *to, bool force)
{
	float	   *distances = graph_record_distances(shape, record);
	uint32_t   *selected = graph_record_selected(shape, record);
	int			degree = shape->degree;
	bool		occluded = newcomer_is_occluded(degree, distances, selected,
												alpha, distance, to);
	GraphPlace	place = {.slot = -1,.selected = !occluded};

	if (occluded && !force &&
		graph_record_neighbors(shape, record) >= graph_list_filled(degree))
		return place;
	if (!occluded)
		demote(degree, distances, selected, alpha, distance, to);
	place.slot = first_empty(shape, record);
	if (place.slot < 0)
		place.slot = farthest(shape, record, false);
	if (place.slot < 0)
	{
		place.slot = farthest(shape, record, true);
		if (!force && distances[place.slot] <= distance)
			place.slot = -1;
	}
	return place;
}
