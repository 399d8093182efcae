/*
 * search.c
 *	  Best-first search that streams.
 *
 * "waiting" holds nodes seen but not expanded, by estimated distance.
 * Expanding the best of them gives its distance to what is stored, and it goes
 * to "ready", by bound.  The least of ready is returned when the best estimate
 * is clearly beyond it: by the factor "stretch", since estimates err and the
 * way to a near node may lead over a farther one.  That is the adaptive stop
 * of the README applied to each result in turn, so that nobody must say how
 * many are wanted.  On hard data it would go on for long: the number of
 * expansions is limited by ef.
 *
 * When nothing waits any more, or too much, a sweep over the node numbers
 * brings what was not expanded: nodes that no list leads to, and those for
 * which there was no room to wait.
 */
#include "graph/search.h"

#include <math.h>
#include <string.h>

#include "graph/heap.h"

/* Excess of squared distances over a result's at ef = 40 */
#define STRETCH 0.2f
#define STRETCH_EF 40

/* Part of ef that a pool gets at least */
#define POOL_LEAST 0.3

struct GraphSearch
{
	Arena	   *arena;
	const GraphAccess *access;

	GraphQuery *query;
	int			ef;
	float		stretch;
	uint32_t	nodes;
	size_t		max_waiting;

	GraphBits	seen;
	GraphBits	expanded;
	GraphHeap	waiting;		/* node numbers */
	GraphHeap	ready;			/* indexes into found[], by bound */
	GraphHeap	nearest;		/* in a pool: minus the least m distances */

	GraphFound *found;
	size_t		nfound;
	size_t		found_capacity;
	uint32_t   *unused;			/* entries of found[] already returned */
	size_t		nunused;

	bool		sweeping;
	uint32_t	sweep;			/* the next number to look at */
	size_t		expansions;
	size_t		returned;
	GraphExpansion expansion;
};

static bool
out_of_memory(Status *status)
{
	return status_fail(status, STATUS_OUT_OF_MEMORY, "out of memory while searching a graph");
}

GraphSearch *
graph_search_create(Arena *arena, const GraphAccess *access, Status *status)
{
	GraphSearch *search = arena_new(arena, GraphSearch);

	if (search == NULL)
	{
		out_of_memory(status);
		return NULL;
	}
	search->arena = arena;
	search->access = access;
	search->seen.arena = arena;
	search->expanded.arena = arena;
	search->waiting.arena = arena;
	search->ready.arena = arena;
	search->nearest.arena = arena;
	return search;
}

/* Let a node wait unless it has been seen; false when out of memory. */
static bool
wait_for(GraphSearch *search, uint32_t node, float estimate)
{
	switch (graph_bits_add(&search->seen, node))
	{
		case GRAPH_BITS_NO_MEMORY:
			return false;
		case GRAPH_BITS_PRESENT:
			return true;
		case GRAPH_BITS_ADDED:
			break;
	}
	return graph_heap_push(&search->waiting, isnan(estimate) ? INFINITY : estimate, node);
}

/* The entry comes last: it is there for when the root's nodes are gone. */
static bool
wait_for_seeds(GraphSearch *search, const GraphStart *start)
{
	GraphSeed	seeds[GRAPH_SEEDS];
	int			n = 0;

	if (start->root != NULL)
		n = graph_root_seeds(start->root, search->query, seeds);
	for (int i = 0; i < n; i++)
		if (!wait_for(search, seeds[i].node, seeds[i].estimate))
			return false;
	return start->entry == GRAPH_NO_NODE || wait_for(search, start->entry, INFINITY);
}

/*
 * How far beyond a result the best estimate must be.  It grows with ef, so
 * that more effort finds more on easy data as well; measured, see the README.
 */
static float
stretch_of(const GraphAccess *access, int ef)
{
	if (!access->space->metric->adaptive)
		return INFINITY;
	return sqrtf(1 + STRETCH * sqrtf((float) ef / STRETCH_EF));
}

bool
graph_search_begin(GraphSearch *search, GraphQuery *query, int ef,
				   const GraphStart *start, size_t max_waiting, Status *status)
{
	search->query = query;
	search->ef = ef;
	search->stretch = stretch_of(search->access, ef);
	search->nodes = start->nodes;
	search->max_waiting = max_waiting;
	search->waiting.n = 0;
	search->ready.n = 0;
	search->nfound = 0;
	search->nunused = 0;
	search->sweeping = false;
	search->sweep = 0;
	search->expansions = 0;
	search->returned = 0;
	if (!graph_bits_reset(&search->seen, start->nodes) ||
		!graph_bits_reset(&search->expanded, start->nodes) ||
		!wait_for_seeds(search, start))
		return out_of_memory(status);
	return true;
}

/* A place in found[], or -1 */
static int64_t
new_found(GraphSearch *search)
{
	if (search->nunused > 0)
		return search->unused[--search->nunused];
	if (search->nfound == search->found_capacity)
	{
		size_t		capacity = search->found_capacity == 0 ? 256 : 2 * search->found_capacity;
		GraphFound *found = arena_new_array(search->arena, capacity, GraphFound);
		uint32_t   *unused = arena_new_array(search->arena, capacity, uint32_t);

		if (found == NULL || unused == NULL)
			return -1;
		if (search->nfound > 0)
			memcpy(found, search->found, search->nfound * sizeof(*found));
		search->found = found;
		search->unused = unused;
		search->found_capacity = capacity;
	}
	return (int64_t) search->nfound++;
}

/* A live node was expanded. */
static bool
keep(GraphSearch *search, uint32_t node, const GraphExpansion *expansion)
{
	int64_t		i = new_found(search);
	GraphFound *found;

	if (i < 0)
		return false;
	found = &search->found[i];
	found->node = node;
	found->distance = expansion->distance;
	found->reach = expansion->reach;
	found->bound = expansion->bound;
	found->nrows = expansion->nrows;
	memcpy(found->rows, expansion->rows, sizeof(found->rows));
	return graph_heap_push(&search->ready, found->bound, (uint32_t) i);
}

/* The best of those that wait are likely to be next. */
static void
prefetch_waiting(const GraphSearch *search)
{
	const GraphAccess *access = search->access;

	if (access->prefetch == NULL)
		return;
	for (size_t i = 0; i < search->waiting.n && i < (size_t) access->ahead; i++)
		access->prefetch(access->context, search->waiting.items[i].value);
}

/* If one of the new neighbours is better than all that wait, it will be next. */
static void
prefetch_neighbor(const GraphSearch *search, const GraphExpansion *expansion)
{
	const GraphAccess *access = search->access;
	int			best = -1;

	if (access->prefetch == NULL)
		return;
	for (int i = 0; i < expansion->n; i++)
		if (best < 0 || expansion->estimates[i] < expansion->estimates[best])
			best = i;
	if (best >= 0 && (search->waiting.n == 0 ||
					  expansion->estimates[best] < search->waiting.items[0].key))
		access->prefetch(access->context, expansion->ids[best]);
}

/* New neighbours of an expanded node wait for their turn. */
static bool
wait_neighbors(GraphSearch *search, const GraphExpansion *expansion)
{
	prefetch_neighbor(search, expansion);
	for (int i = 0; i < expansion->n; i++)
		if (!wait_for(search, expansion->ids[i], expansion->estimates[i]))
			return false;
	return true;
}

/* Expand one node that has not been before. */
static bool
expand(GraphSearch *search, uint32_t node, Status *status)
{
	GraphExpansion *expansion = &search->expansion;
	const GraphAccess *access = search->access;

	switch (graph_bits_add(&search->expanded, node))
	{
		case GRAPH_BITS_NO_MEMORY:
			return out_of_memory(status);
		case GRAPH_BITS_PRESENT:
			return true;
		case GRAPH_BITS_ADDED:
			break;
	}
	search->expansions++;
	prefetch_waiting(search);
	if (!access->expand(access->context, node, search->query,
						search->sweeping ? NULL : &search->seen, expansion))
		return true;
	if ((expansion->live && !keep(search, node, expansion)) ||
		(!search->sweeping && !wait_neighbors(search, expansion)))
		return out_of_memory(status);
	return true;
}

/* Expand the best that waits, or go on with the sweep.  *end: nothing is left. */
static bool
step(GraphSearch *search, bool *end, Status *status)
{
	*end = false;
	if (search->waiting.n + search->ready.n > search->max_waiting)
		search->waiting.n = 0;
	if (search->waiting.n > 0)
		return expand(search, graph_heap_pop(&search->waiting).value, status);
	search->sweeping = true;
	while (search->sweep < search->nodes)
	{
		uint32_t	node = search->sweep++;

		if (!graph_bits_test(&search->expanded, node))
			return expand(search, node, status);
	}
	*end = true;
	return true;
}

/*
 * Expansions after which the least of ready is returned in any case.  Where
 * estimates cannot tell that, results come in batches of ef.
 */
static size_t
effort(const GraphSearch *search)
{
	size_t		ef = (size_t) search->ef;

	if (isinf(search->stretch))
		return ef * (2 + search->returned / ef);
	return ef + search->returned;
}

/* May the least of ready be returned? */
static bool
is_settled(const GraphSearch *search)
{
	const GraphFound *found;

	if (search->ready.n == 0)
		return false;
	if (search->sweeping)
		return search->ready.n >= (size_t) search->ef;
	if (search->expansions >= effort(search))
		return true;
	found = &search->found[search->ready.items[0].value];
	return !isinf(search->stretch) && search->waiting.n > 0 &&
		search->waiting.items[0].key > search->stretch * found->reach;
}

bool
graph_search_next(GraphSearch *search, GraphFound *found, Status *status)
{
	uint32_t	i;
	bool		end = false;

	while (!end && !is_settled(search))
		if (!step(search, &end, status))
			return false;
	if (search->ready.n == 0)
		return false;
	i = graph_heap_pop(&search->ready).value;
	*found = search->found[i];
	search->unused[search->nunused++] = i;
	search->returned++;
	return true;
}

/* Note a distance found: "nearest" keeps the least m of them. */
static bool
note_nearest(GraphSearch *search, float distance)
{
	if (!graph_heap_push(&search->nearest, -distance, 0))
		return false;
	if (search->nearest.n > (size_t) search->access->space->shape.degree / 2)
		graph_heap_pop(&search->nearest);
	return true;
}

/*
 * Would what waits be left out of a list of m?  The rule that lists obey
 * leaves out most of what is farther than the m-th nearest by a factor of
 * alpha.
 */
static bool
is_enclosed(const GraphSearch *search)
{
	const GraphSpace *space = search->access->space;

	return space->metric->adaptive &&
		search->expansions >= POOL_LEAST * search->ef &&
		search->nearest.n == (size_t) space->shape.degree / 2 &&
		search->waiting.items[0].key >
		space->metric->alpha * -search->nearest.items[0].key;
}

bool
graph_search_pool(GraphSearch *search, const GraphFound **found, int *nfound, Status *status)
{
	size_t		noted = 0;

	search->nearest.n = 0;
	while (search->waiting.n > 0 && search->expansions < (size_t) search->ef &&
		   !is_enclosed(search))
	{
		if (!expand(search, graph_heap_pop(&search->waiting).value, status))
			return false;
		for (; noted < search->nfound; noted++)
			if (!note_nearest(search, search->found[noted].distance))
				return out_of_memory(status);
	}
	*found = search->found;
	*nfound = (int) search->nfound;
	return true;
}

size_t
graph_search_expansions(const GraphSearch *search)
{
	return search->expansions;
}
