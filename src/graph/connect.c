/*
 * connect.c
 *	  After a build: lists that lead to every node.
 *
 * A list keeps the nearest, and where everything is about equally far from
 * everything (random vectors of many dimensions) the same few are the nearest
 * of all: others are pushed out of every list.  They are found by a walk from
 * where searches start.  Each is put into the list of its nearest neighbor
 * that the walk has reached, in place of the farthest that other lists have as
 * well; the walk goes on from there.  Since what was pushed out may have led
 * somewhere, the walk is repeated until it changes nothing.
 */
#include "graph/connect.h"

#include <string.h>

#include "graph/graph_query.h"
#include "graph/root.h"

#define MAX_WALKS 4

#define MAX_STARTS (GRAPH_ROOT_MAX + 1)

typedef enum Phase
{
	COUNT,						/* in how many lists each node is */
	WALK,						/* along the lists */
	SWEEP,						/* over the numbers, for what was not reached */
	DONE
} Phase;

struct GraphConnector
{
	GraphMemory *memory;
	GraphScratch *scratch;
	Phase		phase;
	int			walks;			/* begun */
	uint32_t	next;			/* node of COUNT and SWEEP */
	uint32_t	linked;
	uint32_t	linked_before;	/* this walk */

	uint32_t	starts[MAX_STARTS];
	int			nstarts;
	uint16_t   *lists;			/* that a node is in; stops at 65,535 */
	uint8_t    *reached;
	uint32_t   *queue;			/* each node once */
	uint32_t	head;
	uint32_t	tail;
};

GraphConnector *
graph_connector_create(Arena *arena, GraphMemory *memory, Status *status)
{
	GraphConnector *connector = arena_new(arena, GraphConnector);

	if (connector != NULL)
	{
		connector->memory = memory;
		connector->scratch = graph_scratch_create(arena, &memory->space->shape);
		connector->lists = arena_new_array(arena, memory->nodes, uint16_t);
		connector->reached = arena_new_array(arena, memory->nodes, uint8_t);
		connector->queue = arena_new_array(arena, memory->nodes, uint32_t);
	}
	if (connector == NULL || connector->scratch == NULL ||
		connector->lists == NULL ||
		connector->reached == NULL || connector->queue == NULL)
	{
		status_out_of_memory(status, "while connecting a graph");
		return NULL;
	}
	memset(connector->lists, 0, sizeof(uint16_t) * memory->nodes);
	return connector;
}

static GraphRecord *
record_of(const GraphConnector *connector, uint32_t node)
{
	return graph_memory_record(connector->memory, node);
}

static const void *
own_of(const GraphConnector *connector, uint32_t node)
{
	return graph_record_own(&connector->memory->space->shape,
							record_of(connector, node));
}

/* Note a node for the walk, once */
static void
reach(GraphConnector *connector, uint32_t node)
{
	if (connector->reached[node])
		return;
	connector->reached[node] = 1;
	connector->queue[connector->tail++] = node;
}

void
graph_connector_start_at(GraphConnector *connector, uint32_t node)
{
	if (connector->nstarts < MAX_STARTS && node < connector->memory->nodes &&
		record_of(connector, node)->state != GRAPH_FREE)
		connector->starts[connector->nstarts++] = node;
}

/* From all starts anew: links made since may have opened ways. */
static void
begin_walk(GraphConnector *connector)
{
	connector->phase = WALK;
	connector->walks++;
	connector->linked_before = connector->linked;
	connector->head = connector->tail = 0;
	connector->next = 0;
	memset(connector->reached, 0, connector->memory->nodes);
	for (int i = 0; i < connector->nstarts; i++)
		reach(connector, connector->starts[i]);
}

/* In how many lists is each node?  A place is taken from who is in several. */
static void
count_list(GraphConnector *connector, uint32_t node)
{
	const GraphShape *shape = &connector->memory->space->shape;
	const GraphRecord *record = record_of(connector, node);
	const uint32_t *ids = graph_record_ids(record);

	for (int i = 0; record->state != GRAPH_FREE && i < shape->degree; i++)
		if (ids[i] != GRAPH_NO_NODE && connector->lists[ids[i]] < UINT16_MAX)
			connector->lists[ids[i]]++;
}

/* The neighbors of a node that was reached are reached as well. */
static void
walk_list(GraphConnector *connector, uint32_t node)
{
	const GraphShape *shape = &connector->memory->space->shape;
	const uint32_t *ids = graph_record_ids(record_of(connector, node));

	for (int i = 0; i < shape->degree; i++)
		if (ids[i] != GRAPH_NO_NODE)
			reach(connector, ids[i]);
}

/*
 * The slot that a list can best do without: a free one, or that of the
 * farthest node in other lists too, of those that only fill it if possible.
 * The next of the ring stays.
 */
static int
dispensable(const GraphConnector *connector, const GraphRecord *record)
{
	const GraphShape *shape = &connector->memory->space->shape;
	const uint32_t *ids = graph_record_ids(record);
	const float *distances = graph_record_distances(shape, record);
	bool		best_selected = true;
	int			best = -1;

	for (int i = 0; i < shape->degree; i++)
	{
		bool		selected = graph_record_slot_is_selected(shape, record, i);

		if (ids[i] == GRAPH_NO_NODE)
			return i;
		if (connector->lists[ids[i]] < 2 || selected > best_selected ||
			distances[i] == GRAPH_RING)
			continue;
		if (best < 0 || selected < best_selected ||
			distances[i] > distances[best])
		{
			best = i;
			best_selected = selected;
		}
	}
	return best;
}

/* Give a node a place in an owner's list. */
static bool
link_to(GraphConnector *connector, uint32_t owner, uint32_t node)
{
	const void *own = own_of(connector, owner);
	const void *neighbor = own_of(connector, node);
	GraphRecord *record = record_of(connector, owner);
	int			slot = dispensable(connector, record);
	uint32_t	loser;

	if (slot < 0)
		return false;
	loser = graph_record_ids(record)[slot];
	if (loser != GRAPH_NO_NODE)
		connector->lists[loser]--;
	graph_record_put(&connector->memory->space->shape, record, own, slot, node,
					 graph_between(connector->memory->space, own, neighbor),
					 true, neighbor, connector->scratch);
	connector->lists[node]++;
	connector->linked++;
	return true;
}

/* Make a list lead to this node, of a node that was reached and is near it. */
static void
link_unreached(GraphConnector *connector, uint32_t node)
{
	GraphList	list;

	if (connector->reached[node] ||
		record_of(connector, node)->state == GRAPH_FREE)
		return;
	graph_record_get_list(&connector->memory->space->shape,
						  record_of(connector, node), &list);
	while (list.n > 0)
	{
		int			nearest = 0;

		for (int i = 1; i < list.n; i++)
			if (list.distances[i] < list.distances[nearest])
				nearest = i;
		if (connector->reached[list.ids[nearest]] &&
			link_to(connector, list.ids[nearest], node))
		{
			reach(connector, node);
			return;
		}
		list.n--;
		list.ids[nearest] = list.ids[list.n];
		list.distances[nearest] = list.distances[list.n];
	}
}

static void
end_sweep(GraphConnector *connector)
{
	if (connector->linked > connector->linked_before &&
		connector->walks < MAX_WALKS)
		begin_walk(connector);
	else
		connector->phase = DONE;
}

bool
graph_connector_step(GraphConnector *connector, uint32_t nodes)
{
	uint32_t	all = connector->memory->nodes;

	for (; nodes > 0 && connector->phase != DONE; nodes--)
	{
		if (connector->head < connector->tail)
			walk_list(connector, connector->queue[connector->head++]);
		else if (connector->phase == WALK)
			connector->phase = SWEEP;
		else if (connector->next < all && connector->phase == COUNT)
			count_list(connector, connector->next++);
		else if (connector->next < all)
			link_unreached(connector, connector->next++);
		else if (connector->phase == COUNT)
			begin_walk(connector);
		else
			end_sweep(connector);
	}
	return connector->phase == DONE;
}

uint32_t
graph_connector_linked(const GraphConnector *connector)
{
	return connector->linked;
}
