/*
 * list.c
 *	  Neighbour lists and their incremental pruning.
 *
 * The rule is DiskANN's (Subramanya et al., 2019): going through candidates
 * from near to far, one is left out if a neighbour already chosen is alpha
 * times nearer to it than the owner is.  Here those left out are not lost but
 * fill the list, as SymphonyQG does (Gou et al., 2024).
 *
 * Adding one node applies the rule to that node only, against the selected
 * neighbours, instead of running the whole selection again: that needs one
 * distance for each neighbour and gives the same recall (see the README).
 */
#include "graph/list.h"

#include <string.h>

void
graph_list_append(GraphList *list, uint32_t node, float distance)
{
	list->ids[list->n] = node;
	list->distances[list->n] = distance;
	list->n++;
}

bool
graph_list_equal(const GraphList *a, const GraphList *b)
{
	return a->n == b->n && a->nselected == b->nselected &&
		memcmp(a->ids, b->ids, (size_t) a->n * sizeof(a->ids[0])) == 0;
}

bool
graph_list_contains(const GraphList *list, uint32_t node)
{
	for (int i = 0; i < list->n; i++)
		if (list->ids[i] == node)
			return true;
	return false;
}

/* One of the two parts of a list while it is rewritten: room for one more. */
typedef struct Part
{
	int			n;
	uint32_t	ids[GRAPH_MAX_DEGREE + 1];
	float		distances[GRAPH_MAX_DEGREE + 1];
} Part;

/* Behind those at the same distance */
static void
part_insert(Part *part, uint32_t node, float distance)
{
	int			i = part->n++;

	for (; i > 0 && part->distances[i - 1] > distance; i--)
	{
		part->ids[i] = part->ids[i - 1];
		part->distances[i] = part->distances[i - 1];
	}
	part->ids[i] = node;
	part->distances[i] = distance;
}

static void
part_copy(const Part *part, GraphList *list)
{
	for (int i = 0; i < part->n; i++)
		graph_list_append(list, part->ids[i], part->distances[i]);
}

static bool
is_occluded(const GraphList *list, float alpha, float distance, const float *to_selected)
{
	for (int i = 0; i < list->nselected && list->distances[i] <= distance; i++)
		if (graph_occludes(alpha, to_selected[i], distance))
			return true;
	return false;
}

/* Take the farthest out of a part, but not keep; false if there is none. */
static bool
part_drop(Part *part, uint32_t keep)
{
	int			i = part->n - 1;

	if (i >= 0 && part->ids[i] == keep)
		i--;
	if (i < 0)
		return false;
	part->n--;
	for (; i < part->n; i++)
	{
		part->ids[i] = part->ids[i + 1];
		part->distances[i] = part->distances[i + 1];
	}
	return true;
}

bool
graph_list_add(GraphList *list, int degree, float alpha,
			   uint32_t node, float distance,
			   const float *to_selected, bool force)
{
	bool		occluded = is_occluded(list, alpha, distance, to_selected);
	Part		selected = {0};
	Part		fill = {0};
	Part	   *loser;

	for (int i = 0; i < list->n; i++)
	{
		bool		keep = i < list->nselected &&
		(occluded || list->distances[i] <= distance ||
		 !graph_occludes(alpha, to_selected[i], list->distances[i]));

		part_insert(keep ? &selected : &fill, list->ids[i], list->distances[i]);
	}
	part_insert(occluded ? &fill : &selected, node, distance);

	if (selected.n + fill.n > degree)
	{
		loser = fill.n > 0 ? &fill : &selected;
		if (!force && loser->ids[loser->n - 1] == node)
			return false;
		if (!part_drop(loser, force ? node : GRAPH_NO_NODE))
			part_drop(&selected, node);
	}
	list->n = 0;
	part_copy(&selected, list);
	list->nselected = selected.n;
	part_copy(&fill, list);
	return true;
}
