/*
 * probe.c
 *	  How well searches find their way in a graph in memory.
 *
 * A node is searched for as if it were not there, or its own list would be the
 * answer.
 */
#include "graph/probe.h"

#include <math.h>

#include "graph/graph_query.h"
#include "graph/search.h"

#define ROWS 10
#define EF 40
#define WIDE_EF (10 * EF)

/* Nodes looked at: rounds of so many, each spread over all nodes */
#define ROUND 96
#define ROUNDS 4

/* Nodes of one step */
#define STEP 8

/* After a round a graph in which that much is found is good. */
#define EASY_RECALL 0.99

/* Below this, and with lists no fuller than that, data are hard. */
#define HARD_RECALL 0.98
#define FULL 0.97

struct GraphProbe
{
	GraphMemory *memory;
	GraphAccess inner;			/* of the memory */
	GraphAccess access;			/* the same without one node */
	uint32_t	excluded;
	GraphStart	start;
	GraphQuery *query;
	GraphSearch *search;
	int			next;			/* of the sample */
	int			looked;
	double		wanted;
	double		found;
	double		neighbors;
};

/* The node that is searched for is not looked at, as if it were not there. */
static bool
expand_unexcluded(void *context, uint32_t node, GraphQuery *query,
				  const GraphBits *seen, GraphExpansion *out)
{
	GraphProbe *probe = context;

	return node != probe->excluded &&
		probe->inner.expand(probe->inner.context, node, query, seen, out);
}

static int
prefetch(void *context, uint32_t node)
{
	GraphProbe *probe = context;

	return probe->inner.prefetch(probe->inner.context, node);
}

GraphProbe *
graph_probe_create(Arena *arena, GraphMemory *memory, const GraphRoot *root,
				   Status *status)
{
	GraphProbe *probe = arena_new(arena, GraphProbe);

	if (probe == NULL ||
		(probe->query = graph_query_create(arena, memory->space)) == NULL)
	{
		status_out_of_memory(status, "while measuring a graph");
		return NULL;
	}
	if (!graph_memory_access(memory, arena, &probe->inner, status))
		return NULL;
	probe->memory = memory;
	/* all that a search needs */
	probe->access = (GraphAccess)
	{
		.context = probe,
			.space = memory->space,
			.expand = expand_unexcluded,
			.prefetch = prefetch
	};
	probe->start = (GraphStart)
	{
		.entry = memory->entry,.nodes = memory->nodes,.root = root
	};
	probe->search = graph_search_create(arena, &probe->access, status);
	return probe->search == NULL ? NULL : probe;
}

/* Distances of the first rows that a search brings; how many, or -1 */
static int
search(GraphProbe *probe, int ef, float *distances, Status *status)
{
	GraphLimits limits = {.ef = ef,.waiting = SIZE_MAX};
	GraphFound	found;
	int			n = 0;

	if (!graph_search_begin(probe->search, probe->query, &probe->start, &limits,
							status))
		return -1;
	while (n < ROWS && graph_search_next(probe->search, &found, status))
		distances[n++] = found.distance;
	return status->code == STATUS_SUCCESS ? n : -1;
}

/* Search for what a node holds, twice. */
static bool
look_at(GraphProbe *probe, uint32_t node, Status *status)
{
	const GraphShape *shape = &probe->memory->space->shape;
	const GraphRecord *record = graph_memory_record(probe->memory, node);
	float		usual[ROWS];
	float		wide[ROWS];
	float		farthest = -INFINITY;
	int			n;
	int			nwide;

	if (record->state != GRAPH_LIVE)
		return true;
	probe->excluded = node;
	graph_query_set_stored(probe->query, graph_record_own(shape, record));
	n = search(probe, EF, usual, status);
	nwide = n < 0 ? -1 : search(probe, WIDE_EF, wide, status);
	if (nwide < 0)
		return false;
	for (int i = 0; i < nwide; i++)
		farthest = wide[i] > farthest ? wide[i] : farthest;
	for (int i = 0; i < n; i++)
		probe->found += usual[i] <= farthest;
	probe->wanted += nwide;
	probe->neighbors += graph_record_neighbors(shape, record);
	probe->looked++;
	return true;
}

bool
graph_probe_step(GraphProbe *probe, Status *status)
{
	if (probe->next == ROUND * ROUNDS ||
		(probe->next % ROUND == 0 && probe->next > 0 &&
		 graph_probe_recall(probe) >= EASY_RECALL))
		return false;
	for (int i = 0; i < STEP; i++, probe->next++)
	{
		uint64_t	place = (uint64_t) (probe->next % ROUND * ROUNDS +
										probe->next / ROUND);

		if (!look_at(probe, (uint32_t) (place * probe->memory->nodes / (ROUND * ROUNDS)), status))
			return false;
	}
	return true;
}

double
graph_probe_recall(const GraphProbe *probe)
{
	double		found = probe->found < probe->wanted ? probe->found :
	probe->wanted;

	return probe->wanted == 0 ? 1 : found / probe->wanted;
}

bool
graph_probe_is_hard(const GraphProbe *probe)
{
	double		places = (double) probe->memory->space->shape.degree * probe->looked;

	return graph_probe_recall(probe) < HARD_RECALL &&
		probe->neighbors < FULL * places;
}
