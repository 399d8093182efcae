/*
 * record.c
 *	  A node as stored.
 */
#include "graph/record.h"

#include <string.h>

bool
graph_record_is_sound(const GraphRecord *record, int degree)
{
	if (record->state > GRAPH_DEAD || record->nneighbors > degree ||
		record->nselected > record->nneighbors)
		return false;
	if (record->state == GRAPH_LIVE)
		return record->nrows >= 1 && record->nrows <= GRAPH_ROWS;
	return record->nrows == 0;
}

void
graph_record_get_list(GraphRecord *record, int degree, GraphList *list)
{
	size_t		n = record->nneighbors;

	list->n = record->nneighbors;
	list->nselected = record->nselected;
	memcpy(list->ids, graph_record_ids(record), n * sizeof(uint32_t));
	memcpy(list->distances, graph_record_distances(record, degree), n * sizeof(float));
}

void
graph_record_set_list(GraphRecord *record, int degree, const GraphList *list)
{
	size_t		n = (size_t) list->n;

	record->nneighbors = (uint8_t) list->n;
	record->nselected = (uint8_t) list->nselected;
	memcpy(graph_record_ids(record), list->ids, n * sizeof(uint32_t));
	memcpy(graph_record_distances(record, degree), list->distances, n * sizeof(float));
}

bool
graph_record_has_list(GraphRecord *record, int degree, const GraphList *expected)
{
	return record->nneighbors == expected->n && record->nselected == expected->nselected &&
		memcmp(graph_record_ids(record), expected->ids,
			   (size_t) expected->n * sizeof(uint32_t)) == 0;
}
